//! Erased content leaves the views: rows, files, and whatever is rebuilt.

use std::time::Instant;

use tabellion_ledger::{Draft, ErasureTarget};
use tabellion_views::query::{CallFilter, Page};
use tabellion_views::{VIEWS_FILE, Views};

use crate::fixture::{Bench, PATIENCE, added, authorised, credential, organisation, registered, system};

pub(crate) const SECRET: &str = "Zebulon-Quagmire-77";

/// Whether any file of the views holds [`SECRET`].
pub(crate) fn in_files(bench: &Bench) -> bool {
    let path = bench.dir.path().join(VIEWS_FILE);
    let files = std::fs::read_dir(path.parent().expect("a directory")).expect("a list");
    files.into_iter().any(|file| {
        let bytes = std::fs::read(file.expect("a file").path()).expect("readable");
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    })
}

/// Requirement: P48
#[test]
fn erased_content_is_in_no_row_and_no_file_and_the_rebuilt_view_is_the_same() {
    let bench = Bench::new();
    let (sys, key, owner) = (system(1), credential(2), credential(3));
    organisation(&bench, sys, key, owner);
    let views = bench.views();
    let person = credential(4);
    bench.append(&added(person, SECRET));
    let described = bench.append(&registered(sys, &format!("{SECRET} assistant"), owner));
    let call = bench.authorise(sys, key, SECRET);
    bench.complete(sys, key, &call, 5);
    bench.catch_up(&views);
    assert!(in_files(&bench), "the test looks in the wrong place");

    bench.erase_subject(person);
    bench.erase_record(&described);
    bench.erase_record(&call);
    bench.catch_up(&views);
    let rows = views.calls(&CallFilter::default(), Page::default()).expect("a list").rows;
    assert_eq!(rows[0].asked, None, "what was erased is still in a row");
    assert!(rows[0].ended.is_some(), "what was not erased went with it");
    let shown = views.system(&sys).expect("an answer").expect("the system stays");
    assert_eq!(shown.described, None, "an erased description is still shown");
    let until = Instant::now() + PATIENCE;
    while in_files(&bench) {
        assert!(Instant::now() < until, "erased content can still be read from the views' files");
        std::thread::yield_now();
    }
    assert_eq!(
        views.digest().expect("a digest"),
        bench.rebuilt(),
        "a rebuilt view differs from the live one"
    );
}

#[test]
fn a_rebuild_in_place_and_one_beside_give_what_was_there() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    for number in 0..50 {
        let call = bench.authorise(sys, key, "small");
        if number % 2 == 0 {
            bench.complete(sys, key, &call, number);
        }
        if number % 7 == 0 {
            bench.erase_record(&call);
        }
    }
    let views = bench.views();
    let live = views.digest().expect("a digest");
    views.rebuild_now(Instant::now() + PATIENCE).expect("a rebuild while running");
    assert_eq!(views.digest().expect("a digest"), live, "a rebuild in place changed what is shown");
    assert!(!views.gate_now().keys.is_empty(), "a rebuild locked everyone out");
    views.stop();
    let rebuilt = Views::rebuild(bench.dir.path(), bench.ledger.reader()).expect("a rebuild of the file");
    assert_eq!((rebuilt.before, rebuilt.after), (Some(live), live), "a rebuild beside changed what is shown");
    assert!(!rebuilt.differed(), "a false alarm");
    bench.ledger.erase(&ErasureTarget::System(sys), "decommissioned").expect("an erasure");
    let views = bench.views();
    assert_eq!(
        views.digest().expect("a digest"),
        bench.rebuilt(),
        "a system's erasure is not the same twice"
    );
    assert!(views.gate_now().keys.is_empty(), "the keys of an erased system would be let in");
}

/// Enough for reading ahead in several stretches, with an erasure among them.
#[test]
fn a_long_way_is_read_as_a_short_one() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let views = bench.views();
    for number in 0..40u64 {
        let group: Vec<Draft> = (0..50).map(|_| authorised(sys, key, "small")).collect();
        let acks = bench.ledger.append_all(&group).expect("an append");
        bench.complete(sys, key, &acks[7], number);
        bench.erase_record(&acks[9]);
        bench.catch_up(&views);
    }
    let live = views.digest().expect("a digest");
    assert!(live.position > 2000, "the way is too short for reading ahead: {live}");
    assert_eq!(live, bench.rebuilt(), "reading ahead loses, repeats or reorders records");
}
