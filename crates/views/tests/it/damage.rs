//! Files that are damaged, foreign, old or from a later version; records that nobody here knows.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tabellion_ledger::Draft;
use tabellion_views::query::Page;
use tabellion_views::{Compared, VIEWS_FILE, Views, ViewsError, WaitError};

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

/// Overwrites everything behind the first page.
fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).expect("the file");
    assert!(bytes.len() > 8192, "the test needs pages to damage");
    bytes[4096..].fill(0xa5);
    std::fs::write(path, bytes).expect("written in place");
}

#[test]
fn a_damaged_file_is_made_anew_after_a_writer_that_did_not_end_well() {
    let unclean = |path: &Path| {
        spoil(path);
        std::fs::write(path.with_extension("sqlite-wal"), [0]).expect("what a killed writer leaves");
    };
    comes_back(unclean, "made anew");
}

#[test]
fn a_question_that_meets_damage_is_told_to_whoever_watches_and_the_next_start_mends_it() {
    let bench = busy(7);
    let views = bench.views();
    let live = views.digest().expect("a digest");
    views.stop();
    let views = bench.views();
    assert_eq!(views.failure(), None);
    spoil(&bench.dir.path().join(VIEWS_FILE));
    let page = Page { before: None, limit: 10 };
    assert!(views.people(None, page).is_err(), "the test needs a question that fails");
    let failure = views.failure().expect("pages fail, and a supervisor is told that all is well");
    assert!(failure.contains("damaged"), "{failure}");
    views.stop();
    let views = bench.views();
    assert_eq!(views.failure(), None, "a damaged file stays damaged over a restart");
    assert_eq!(views.digest().expect("a digest"), live, "the views did not come back as they were");
}

#[test]
fn views_that_were_changed_by_hand_are_named_by_a_comparison_and_by_a_rebuild() {
    let bench = busy(7);
    let compare = || {
        let compared =
            Views::compare(bench.dir.path(), || Ok::<_, ViewsError>(bench.ledger.reader().clone()));
        compared.expect("a comparison")
    };
    assert_eq!(compare(), Compared::None);
    bench.views().stop();
    assert!(matches!(compare(), Compared::Same(_)));
    // As a stop does: what the views have not read yet is no difference.
    bench.authorise(system(1), credential(2), "small");
    assert!(matches!(compare(), Compared::Same(_)), "every clean stop would raise an alarm");
    let names = || {
        let files = std::fs::read_dir(bench.dir.path().join("views")).expect("the directory");
        files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let facts = std::fs::metadata(bench.dir.path().join(VIEWS_FILE)).expect("the file");
    assert_eq!(
        facts.permissions().mode() & 0o777,
        0o600,
        "others on the machine can read what the vault encrypts"
    );
    let whole = |name: &String| !name.ends_with("-wal") && !name.ends_with("-shm");
    let left: Vec<String> = names().into_iter().filter(whole).collect();
    assert_eq!(left, ["views.sqlite"], "a comparison leaves copies of content behind");

    sql("UPDATE people SET name = 'Somebody else'")(&bench.dir.path().join(VIEWS_FILE));
    let Compared::Differ(why) = compare() else { panic!("a changed row is believed") };
    assert!(why.contains("digest"), "{why}");
    let rebuilt = Views::rebuild(bench.dir.path(), bench.ledger.reader()).expect("rebuilt");
    assert!(rebuilt.differed(), "the operator is told that there was nothing to compare with");
    assert!(matches!(compare(), Compared::Same(_)));
}
