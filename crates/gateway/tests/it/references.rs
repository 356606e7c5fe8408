//! Calls that have to say what they stand on.

use tabellion_gateway::{GuardConfig, GuardKind, GuardSide};
use tabellion_model::body::GuardOutcome;
use tabellion_testkit::upstream::{Answer, openai};

use crate::fixture::{Fixture, Setup, say};

/// Requirement: G18. Without enough references nothing leaves; with them the call goes on, its record names them, and the provider does not see them.
#[test]
fn a_call_without_its_references_does_not_leave() {
    let guard = GuardConfig {
        on: vec![GuardSide::Prompt],
        references: Some(2),
        purposes: vec!["loan-support".to_owned()],
        ..GuardConfig::new("grounded", GuardKind::References)
    };
    let setup = Setup { guards: vec![guard], ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, openai::chat_of("fine")), setup);
    let (record, digest) = (format!("record:{}", "ab".repeat(16)), format!("sha256:{}", "0c".repeat(32)));
    let ask = |headers: &[(&str, &str)]| {
        fixture.call("POST", "/v1/chat/completions", headers, &say("what does our policy say?"))
    };
    let malformed = format!("{record}, the handbook");
    for (headers, label) in [
        (vec![], "too_few"),
        (vec![("tabellion-references", record.as_str())], "too_few"),
        (
            vec![("tabellion-references", malformed.as_str()), ("tabellion-references", digest.as_str())],
            "unreadable",
        ),
    ] {
        let answer = ask(&headers);
        assert_eq!((answer.status, answer.code().as_str()), (403, "guard_blocked"), "{headers:?}");
        let denied = fixture.denied().pop().expect("a record");
        let [said] = denied.guards.as_slice() else { panic!("{:?}", denied.guards) };
        assert_eq!((said.outcome, said.found.as_slice()), (GuardOutcome::Blocked, &[label.to_owned()][..]));
    }
    assert!(fixture.upstream.requests().is_empty(), "a call that stands on nothing was sent");
    let both = format!("{record}, {digest}");
    assert_eq!(ask(&[("tabellion-references", &both)]).status, 200);
    assert_eq!(fixture.authorised()[0].references, [record, digest]);
    assert_eq!(fixture.authorised()[0].guards[0].outcome, GuardOutcome::Passed);
    let sent = fixture.upstream.requests().remove(0);
    assert!(
        !format!("{:?}", sent.head).contains("references"),
        "what we stand on was sent on: {:?}",
        sent.head
    );
    let elsewhere = ask(&[("tabellion-purpose", "testing")]);
    assert_eq!(elsewhere.status, 200, "the guard is for another purpose");
    assert!(fixture.authorised()[1].references.is_empty());
}
