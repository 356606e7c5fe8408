//! What the gateway is told: only what is wholly known, and as of one size.

use tabellion_ledger::Draft;
use tabellion_model::Micros;
use tabellion_model::body::{PolicyWithdrawn, SystemStage};
use tabellion_tlog::sha256;

use crate::fixture::{
    Bench, START, added, credential, draft, issued, on, organisation, published, registered, revoked, staged,
    system,
};

// Requirement: G05.
#[test]
fn the_gate_follows_the_log() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    let views = bench.views();
    assert!(views.gate_now().keys.is_empty(), "somebody is let in whom nobody recorded");
    organisation(&bench, sys, key, credential(3));
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert_eq!(gate.position, bench.ledger.reader().size(), "decisions would name an old basis");
    assert_eq!(gate.systems[&sys].stage, SystemStage::Live, "a live system would be denied");
    assert_eq!(gate.keys[&key].secret_sha256, *sha256(b"secret").as_bytes(), "a good key would be refused");
    assert_eq!(gate.keys[&key].ends_at, None, "a key would end that nobody ended");
    assert_eq!(gate.policies[0].name, "house", "a policy in force is missing");

    bench.append(&Draft::new("event.logged").with("what", "something else"));
    bench.catch_up(&views);
    let later = views.gate_now();
    assert!(later.position > gate.position, "the position stands still while the log grows");
    assert_eq!(later.policy_generation, gate.policy_generation, "rules would be compiled again for nothing");

    bench.append(&staged(sys, SystemStage::Paused));
    bench.catch_up(&views);
    assert_eq!(views.gate_now().systems[&sys].stage, SystemStage::Paused, "a paused system would go on");
}

// Requirement: G05.
#[test]
fn the_first_end_of_a_key_is_its_end() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let views = bench.views();
    let ends_at = || {
        bench.catch_up(&views);
        views.gate_now().keys[&key].ends_at
    };
    let (now, far) = (Micros(START + 5), Micros(START + 86_400_000_000));
    bench.append(&revoked(key, sys, far));
    assert_eq!(ends_at(), Some(far), "a rotation with overlap is an end ahead");
    bench.append(&revoked(key, sys, now));
    assert_eq!(ends_at(), Some(Micros(0)), "a revocation that took effect would hang on a clock");
    bench.append(&revoked(key, sys, Micros(far.0 * 2)));
    assert_eq!(ends_at(), Some(Micros(0)), "a later revocation would revive a key");
    let row = views.credential(&key).expect("an answer").expect("known");
    assert_eq!((row.ends_at, row.revocations.len()), (Some(now), 3), "page and gate disagree");
}

// Requirement: G09.
#[test]
fn a_system_whose_owner_is_no_longer_known_is_absent() {
    let bench = Bench::new();
    let (sys, owner) = (system(1), credential(3));
    organisation(&bench, sys, credential(2), owner);
    bench.append(&registered(system(6), "Nobody's", credential(99)));
    let views = bench.views();
    assert!(!views.gate_now().systems.contains_key(&system(6)), "an owner who was never added is none");
    assert!(views.gate_now().systems.contains_key(&sys), "a system with an owner would be denied");
    bench.erase_subject(owner);
    bench.catch_up(&views);
    assert!(!views.gate_now().systems.contains_key(&sys), "a system would go on that nobody answers for");
    bench.append(&added(credential(5), "Nora New"));
    bench.append(&registered(sys, "Loan support", credential(5)));
    bench.catch_up(&views);
    assert_eq!(views.gate_now().systems[&sys].stage, SystemStage::Live, "a new description is no new stage");
}

#[test]
fn what_is_erased_or_contradicts_itself_is_absent() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let lost = credential(8);
    let lost_issue = bench.append(&issued(lost, sys, "other"));
    let lost_end = bench.append(&revoked(key, sys, Micros(START + 86_400_000_000)));
    let twice = credential(9);
    bench.append(&issued(twice, sys, "first"));
    bench.append(&issued(twice, system(7), "second"));
    let views = bench.views();
    assert!(views.gate_now().keys.contains_key(&lost), "a good key is refused");
    assert!(!views.gate_now().keys.contains_key(&twice), "an id with two secrets is nobody's key");
    bench.erase_record(&lost_issue);
    bench.erase_record(&lost_end);
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert!(!gate.keys.contains_key(&lost), "a key of which nothing is known would be let in");
    let soon = Some(Micros(START + 1_000_000));
    assert!(
        gate.keys[&key].ends_at.is_some() && gate.keys[&key].ends_at < soon,
        "an erased end must be an end at once"
    );

    bench.ledger.request_deletion(&sys, Micros(START * 2), "decommissioned").expect("a request");
    bench.catch_up(&views);
    assert!(!views.gate_now().systems.contains_key(&sys), "a system on its way out would go on calling");
    bench.ledger.cancel_deletion(&sys, "a mistake").expect("taken back");
    bench.catch_up(&views);
    assert!(views.gate_now().systems.contains_key(&sys), "a deletion that was taken back has an effect");
}

#[test]
fn a_policy_that_cannot_be_read_denies_everything_until_it_is_replaced() {
    let bench = Bench::new();
    organisation(&bench, system(1), credential(2), credential(3));
    let forbids = bench.append(&published("limits", "forbid(principal, action, resource);"));
    let views = bench.views();
    let before = views.gate_now();
    let names: Vec<&str> = before.policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["house", "limits"], "policies stand by name order");
    bench.erase_record(&forbids);
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert!(gate.policies.is_empty(), "what the erased policy forbade would be permitted by the other");
    assert!(gate.policy_generation > before.policy_generation, "compiled rules of before would stay in use");
    let told = |line: &String| line.contains("limits") && line.contains("denied");
    assert!(bench.notes.lock().unwrap().iter().any(told), "nobody would know why everything is denied");
    bench.append(&published("limits", "forbid(principal, action, resource) when { context.stream };"));
    bench.catch_up(&views);
    assert_eq!(views.gate_now().policies.len(), 2, "publishing again must help");
    let withdrawn = PolicyWithdrawn {
        name: "limits".to_owned(),
        reason: "no longer needed".to_owned(),
        replay: None,
        confirmed: None,
    };
    bench.append(&on(draft(&withdrawn), "policy/limits".to_owned()));
    bench.catch_up(&views);
    assert_eq!(views.gate_now().policies.len(), 1, "a withdrawn policy is still in force");
    let newest = views.policy("limits").expect("an answer").expect("known");
    assert!(newest.withdrawn && newest.version == 3, "the history of a policy would be lost");
}
