//! Views of an earlier log size: what was so then, less what was erased since.

use tabellion_model::Micros;
use tabellion_model::body::SystemStage;
use tabellion_model::register::Registers;
use tabellion_views::query::{CallFilter, CallState, Page, Subject, SystemFilter};
use tabellion_views::{Depth, PAST_ENTRIES, Past, Views, as_of};

use crate::fixture::{
    Bench, added, credential, item, item_acted, item_saved, organisation, published, staged, system,
};

fn past(views: &Views, size: u64, most: u64) -> Past {
    views.past(size, most).expect("an answer").expect("a log that is short enough")
}

#[test]
fn the_past_is_what_stood_then_and_the_present_goes_on() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let call = bench.authorise(sys, key, "small");
    let then = bench.ledger.reader().size();
    bench.complete(sys, key, &call, 12);
    bench.append(&staged(sys, SystemStage::Paused));
    let views = bench.views();
    let before = past(&views, then, PAST_ENTRIES);
    assert_eq!(before.depth, Depth::Everything);
    let stage = |views: &Views| views.system(&sys).expect("an answer").expect("the system").stage.stage;
    assert_eq!(stage(&before.views), Some(SystemStage::Live), "the present is shown as the past");
    assert_eq!(stage(&views), Some(SystemStage::Paused), "the past is shown as the present");
    let calls = before.views.calls(&CallFilter::default(), Page::default()).expect("a list").rows;
    assert_eq!(
        calls.iter().map(|call| call.state).collect::<Vec<_>>(),
        [CallState::Open],
        "an end that came later is known before it"
    );
    let history = before.views.history(Some(&Subject::System(sys)), Page::default()).expect("a list").rows;
    assert!(
        history.iter().all(|change| change.entry < then),
        "what happened later is in the past: {history:?}"
    );
    assert_eq!(before.views.position(), then);
}

#[test]
fn a_log_that_is_too_long_still_says_what_people_changed() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    bench.append(&item_saved(item(7), sys, "model 0"));
    for _ in 0..40 {
        bench.authorise(sys, key, "small");
    }
    bench.append(&item_acted(item(7), sys, 0));
    let then = bench.ledger.reader().size();
    bench.append(&published("house", "forbid(principal, action, resource);"));
    let views = bench.views();
    let most = 20;
    assert!(then > most, "the test's log is not long");
    assert!(views.past(then, 3).expect("an answer").is_none(), "a fold without end would be begun");
    let before = past(&views, then, most);
    assert_eq!(before.depth, Depth::Changes, "calls would be missing without anybody knowing");
    let systems = before.views.systems(&SystemFilter::default(), Page::default()).expect("a list").rows;
    assert_eq!(systems.len(), 1, "the inventory of then is lost");
    assert_eq!(
        before.views.register_acts("things", &item(7)).expect("a list").len(),
        views.register_acts("things", &item(7)).expect("a list").len(),
        "what was done to an item until then is lost"
    );
    let policy = before.views.policy_versions("house", Page::default()).expect("a list").rows;
    assert_eq!(policy.len(), 1, "a policy of later is in the past");
}

#[test]
fn what_the_rules_look_at_is_folded_once_for_several_moments() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let early = bench.ledger.reader().size();
    for _ in 0..4 {
        bench.authorise(sys, key, "small");
    }
    bench.append(&staged(system(6), SystemStage::Live));
    let late = bench.ledger.reader().size();
    let views = bench.views();
    let registers = &Registers::built_in().expect("the registers are sound");
    let over =
        views.facts_over(&[early, late], registers, PAST_ENTRIES).expect("an answer").expect("a short log");
    assert_eq!(over.len(), 2);
    for ((at, facts), size) in over.iter().zip([early, late]) {
        let alone = as_of(bench.ledger.reader(), size, registers).expect("a fold");
        assert_eq!(
            (*at, facts),
            (alone.at, &alone.facts),
            "a moment on the way is another than the same moment alone"
        );
    }
    assert!(
        views.facts_over(&[early, late], registers, 3).expect("an answer").is_none(),
        "a fold without end would be begun"
    );
}

/// Requirement: P48
#[test]
fn what_was_erased_since_is_gone_from_pasts_that_are_kept_too() {
    let bench = Bench::new();
    organisation(&bench, system(1), credential(2), credential(3));
    let person = credential(4);
    bench.append(&added(person, "Zebulon Quagmire"));
    let then = bench.ledger.reader().size();
    let views = bench.views();
    let name = |past: &Past| {
        let row = past.views.person(&person).expect("an answer").expect("the person");
        row.details.map(|details| details.name)
    };
    let before = past(&views, then, PAST_ENTRIES);
    assert_eq!(name(&before).as_deref(), Some("Zebulon Quagmire"), "the test erases nothing");
    bench.erase_subject(person);
    bench.catch_up(&views);
    let after = past(&views, then, PAST_ENTRIES);
    assert_eq!(name(&after), None, "somebody who was forgotten is remembered by looking back");
    assert_eq!(views.overview(Micros(0), Micros(u64::MAX >> 1)).expect("sums").authorised, 0);
}
