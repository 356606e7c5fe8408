//! Files that are damaged, foreign, old or from a later version; records that nobody here knows.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tabellion_ledger::Draft;
use tabellion_views::query::Page;
use tabellion_views::{VIEWS_FILE, WaitError};

use crate::fixture::{Bench, credential, organisation, system};

fn busy(seed: u64) -> Bench {
    let bench = Bench::seeded(seed);
    organisation(&bench, system(1), credential(2), credential(3));
    for _ in 0..5 {
        bench.authorise(system(1), credential(2), "small");
    }
    bench
}

/// Changes the file while no view is open, starts again and expects the views of before and a line that holds `told`.
fn comes_back(change: impl FnOnce(&Path), told: &str) {
    let bench = busy(7);
    let views = bench.views();
    let live = views.digest().expect("a digest");
    views.stop();
    change(&bench.dir.path().join(VIEWS_FILE));
    bench.notes.lock().unwrap().clear();
    let views = bench.views();
    assert_eq!(views.digest().expect("a digest"), live, "the views did not come back as they were");
    let notes = bench.notes.lock().unwrap().clone();
    assert!(notes.iter().any(|line| line.contains(told)), "the operator was not told ({told:?}): {notes:?}");
}

fn sql(sql: &str) -> impl FnOnce(&Path) {
    move |path: &Path| Connection::open(path).expect("opens").execute_batch(sql).expect("changes")
}

#[test]
fn a_file_that_cannot_be_continued_is_made_anew_with_a_line() {
    let rubbish = |path: &Path| std::fs::write(path, [b'x'; 5000]).expect("written");
    comes_back(rubbish, "made anew");
    comes_back(sql("PRAGMA user_version = 99"), "layout is 99");
    comes_back(sql("UPDATE log SET genesis = zeroblob(32)"), "another log");
    comes_back(
        sql("UPDATE views SET definition = zeroblob(32) WHERE name = 'calls'"),
        "view calls is made anew",
    );
    comes_back(sql("UPDATE views SET seal = zeroblob(32) WHERE name = 'people'"), "no longer holds");
    let later = "CREATE TABLE risks (entry INTEGER PRIMARY KEY);
        INSERT INTO views (name, definition, tables, position) VALUES ('risks', zeroblob(32), 'risks', 4)";
    comes_back(sql(later), "view risks is not known");
}

#[test]
fn the_views_of_another_log_are_never_taken_over() {
    let (bench, other) = (busy(7), busy(8));
    bench.views().stop();
    let views = other.start_in(bench.dir.path());
    other.catch_up(&views);
    let digest = views.digest().expect("a digest");
    assert_eq!(digest, other.rebuilt(), "one organisation's rows would be shown to another");
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let bench = busy(7);
    bench.views().stop();
    bench.authorise(system(1), credential(2), "small");
    bench.notes.lock().unwrap().clear();
    let views = bench.views();
    assert_eq!(
        views.digest().expect("a digest"),
        bench.rebuilt(),
        "something was folded twice or not at all"
    );
    views.stop();
    let views = bench.views();
    assert!(!views.gate_now().keys.is_empty(), "a start without news leaves the gate empty");
    let notes = bench.notes.lock().unwrap();
    assert!(notes.is_empty(), "an ordinary start needs no words: {notes:?}");
}

#[test]
fn records_that_are_not_known_are_passed_over() {
    let bench = busy(7);
    let mut later = Draft::new("call.authorised").with("anything", 1);
    later.type_version = 2;
    bench.append(&Draft::new("risk.assessed").with("level", "high"));
    bench.append(&later);
    let views = bench.views();
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "an unknown record is folded differently");
    let unplaced = views.unplaced(Page::default()).expect("a list").rows;
    assert!(unplaced.is_empty(), "a later version's record is no mistake");
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    let bench = busy(7);
    let views = bench.views();
    let size = bench.ledger.reader().size();
    let late = views.wait_for(size + 1, Instant::now() + Duration::from_millis(20));
    let due = WaitError::Late { reached: size, wanted: size + 1, failure: None };
    assert_eq!(late, Err(due), "a request would wait for ever");
}
