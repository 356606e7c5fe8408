//! Names by which prompts refer to what providers keep: by record the first system's that was answered with them, and nobody's once that is erased.

use crate::fixture::{Bench, credential, system};

/// Requirement: N22. A name is the system's whose call was first answered with it, whoever is answered with it later, the same after a rebuild, and an erased end tells none; how many rows there are does not tell
/// how many it had said.
#[test]
fn a_name_is_known_until_its_record_is_erased() {
    let bench = Bench::new();
    let key = credential(2);
    let first = bench.authorise(system(1), key, "small");
    let ended = bench.complete(system(1), key, &first, 7);
    let views = bench.views();
    let names = [format!("{:032x}", 7), "ee".repeat(16), "00".repeat(16)];
    let owners = || {
        bench.catch_up(&views);
        views.gate().owners_of(&names).expect("an answer")
    };
    assert_eq!(owners(), [Some(system(1)), Some(system(1)), None]);
    let second = bench.authorise(system(2), key, "small");
    bench.complete(system(2), key, &second, 8);
    assert_eq!(
        owners(),
        [Some(system(1)), Some(system(1)), None],
        "whoever is answered with a name takes it"
    );
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
    bench.erase_record(&ended);
    assert_eq!(owners(), [None, Some(system(2)), None], "an erased name is known");
    assert_eq!(
        views.digest().expect("a digest"),
        bench.rebuilt(),
        "what is erased comes back or leaves a trace"
    );
}
