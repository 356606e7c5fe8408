//! Changes of policies that two people make: what waits, until the policy is changed, and who put forward what came about.

use tabellion_model::body::{PolicyConfirmed, PolicyPublished};
use tabellion_tlog::sha256;

use crate::fixture::{Bench, draft, on, published, put_forward};

/// Requirement: N16.
#[test]
fn what_is_put_forward_waits_until_the_policy_is_changed_and_stays_readable() {
    let bench = Bench::new();
    let views = bench.views();
    let first = bench.append(&put_forward("house", Some("a text")));
    bench.catch_up(&views);
    assert!(views.gate_now().policies.is_empty(), "what one person put forward decides calls");
    let waiting = views.policy_proposed("house").expect("an answer").expect("it was put forward");
    assert!(waiting.open && waiting.record_id == first.record_id, "nobody could decide on it: {waiting:?}");
    let confirmed = PolicyConfirmed { proposed: first.record_id, reason: "read it".to_owned() };
    let body = PolicyPublished {
        name: "house".to_owned(),
        text: "a text".to_owned(),
        digest: sha256(b"a text").to_hex(),
        note: "what changes".to_owned(),
        replay: None,
        confirmed: Some(confirmed.clone()),
    };
    bench.append(&on(draft(&body), "policy/house".to_owned()));
    bench.catch_up(&views);
    assert_eq!(views.gate_now().policies.len(), 1, "what two people wanted is not in force");
    let waiting = views.policy_proposed("house").expect("an answer").expect("it was put forward");
    assert!(!waiting.open, "what was decided could be decided again");
    let said = views.policy("house").expect("an answer").expect("known").content.expect("readable");
    assert_eq!(said.confirmed, Some(confirmed), "nobody could tell that it were two");
    // What was put forward before is found by its record also when something else waits.
    let by = views.policy_proposer(first.record_id).expect("an answer");
    bench.append(&put_forward("house", None));
    bench.catch_up(&views);
    assert_eq!(views.policy_proposer(first.record_id).expect("an answer"), by);
    assert!(by.is_some(), "who put it forward is forgotten");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuilt view differs");
}

/// Requirement: N16. What is erased cannot be confirmed, and what was published otherwise closes what waits.
#[test]
fn what_is_erased_says_nothing_and_another_change_closes_what_waits() {
    let bench = Bench::new();
    let views = bench.views();
    let proposed = bench.append(&put_forward("house", Some("a text")));
    bench.erase_record(&proposed);
    bench.catch_up(&views);
    let waiting = views.policy_proposed("house").expect("an answer").expect("it was put forward");
    assert!(
        waiting.open && waiting.said.is_none(),
        "a text that was erased could come into force: {waiting:?}"
    );
    bench.append(&published("house", "another text"));
    bench.catch_up(&views);
    let waiting = views.policy_proposed("house").expect("an answer").expect("it was put forward");
    assert!(!waiting.open, "what was thought of over another text could be confirmed");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuilt view differs");
}
