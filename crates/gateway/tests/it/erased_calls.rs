//! A call whose content is erased while it runs: its end is on record, and nothing of what was to go.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tabellion_gateway::{EnrichConfig, EnrichKind, MaskingConfig, UpstreamConfig};
use tabellion_ledger::{ErasureTarget, UnitContent};
use tabellion_model::body::{Body as _, CallCompleted, CallEnriched, Capture, Delivered, Outcome};
use tabellion_model::{Micros, SystemId};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Gate, openai};

use crate::fixture::{Fixture, SYSTEM, Seen, Setup, body, gate, say};

const ASKED: &str = "Please write to ada@example.org about the flat in the Rue Morgue.";
const ANSWERED: &str = "The flat in the Rue Morgue is on the fourth floor.";

type Target = fn(&Seen) -> ErasureTarget;

const TARGETS: [(&str, Target); 3] = [
    ("the call", |call| ErasureTarget::Call(call.header.record_id)),
    ("its person", |_| ErasureTarget::Subject("ada@example.org".to_owned())),
    ("its system", |_| ErasureTarget::System(SystemId::from_bytes(SYSTEM))),
];

/// A system that keeps all there is to keep, and detectors that look at it.
fn keeping() -> Setup {
    let mut gate = gate();
    for system in Arc::make_mut(&mut gate.systems).values_mut() {
        system.capture = Capture::Masked;
    }
    Setup {
        gate,
        enrichments: vec![EnrichConfig::new("lang", EnrichKind::Language)],
        masking: vec![MaskingConfig {
            name: "keep".to_owned(),
            keep: Some(true),
            ..MaskingConfig::default()
        }],
        ..Setup::default()
    }
}

/// All that records of this type disclose, as text.
fn disclosed(fixture: &Fixture) -> String {
    let reader = fixture.ledger.reader();
    let mut all = String::new();
    for index in 0..reader.size() {
        for unit in reader.entry(index).expect("an entry").units {
            if let UnitContent::Shown(fields) = unit.content {
                let fields = fields.iter().map(|field| format!("{}={}\n", field.name(), field.value()));
                all.extend(fields);
            }
        }
    }
    all
}

/// Requirement: P48, V39. An end that comes after the erasure of its call, its person or its system says how it ended; the answer goes to who asked, and is not kept.
#[test]
fn an_end_after_the_erasure_says_that_it_ended_and_nothing_else() {
    for (what, target) in TARGETS {
        let held = Gate::new();
        let answer = Answer::json(200, openai::chat_of(ANSWERED)).held_at(&held);
        let fixture = Fixture::with(answer, keeping());
        let mut client = fixture.ask(&say(ASKED));
        assert!(held.reached(), "{what}: the call reaches the provider");
        let call = fixture.of_type("call.authorised").remove(0);
        fixture.ledger.erase(&target(&call), "they asked").expect("an erasure");
        held.open();
        let answer = client.answer();
        assert_eq!(
            (answer.status, answer.content().as_str()),
            (200, ANSWERED),
            "{what}: the caller waits for it"
        );

        let ended = fixture.of_type("call.completed").remove(0);
        let end: CallCompleted = body(&ended);
        assert_eq!(
            (end.outcome, end.delivered, end.status),
            (Outcome::Answered, Delivered::Whole, 200),
            "{what}: nobody can tell that the call ended"
        );
        assert_eq!(ended.header.parents[0].record_id, call.header.record_id, "{what}: it ends another call");
        assert_eq!((end.answer, end.answer_withheld.as_deref()), (None, Some("erased")), "{what}");
        assert_eq!(
            end.released_salted_sha256, None,
            "{what}: whoever has the salt can confirm what was said"
        );
        assert!(end.answered.model.is_none() && end.guards.is_empty() && end.masked.is_empty(), "{what}");
        let all = disclosed(&fixture);
        assert!(
            !all.contains("fourth floor") && !all.contains("ada@example.org"),
            "{what}: it is kept: {all}"
        );
    }
}

/// Requirement: P48. What a detector would say of a call that was erased is not said, and the detector is not shown its text.
#[test]
fn nothing_is_looked_at_of_a_call_that_was_erased() {
    for (what, target) in TARGETS {
        let held = Gate::new();
        let answer = Answer::json(200, openai::chat_of(ANSWERED)).held_at(&held);
        let mut fixture = Fixture::with(answer, keeping());
        let mut client = fixture.ask(&say(ASKED));
        assert!(held.reached(), "{what}: the call reaches the provider");
        let call = fixture.of_type("call.authorised").remove(0);
        fixture.ledger.erase(&target(&call), "they asked").expect("an erasure");
        held.open();
        assert_eq!(client.answer().status, 200, "{what}");
        fixture.stop(Duration::from_secs(30));
        let enriched = fixture.of_type(CallEnriched::TYPE);
        assert!(enriched.is_empty(), "{what}: it was looked at, and is on record: {enriched:?}");
    }
}

/// Requirement: P48, N25. No other model is asked for a call that was erased: its permission would say once more what had to go.
#[test]
fn an_erased_call_has_no_further_attempt() {
    for (what, target) in TARGETS {
        let held = Gate::new();
        let second = Upstream::start(Answer::json(200, openai::chat_of(ANSWERED)));
        let other = UpstreamConfig {
            models: vec!["model-b".to_owned()],
            ..UpstreamConfig::new("second", second.base_url())
        };
        let setup = Setup {
            fallback: [("model-a".to_owned(), vec!["model-b".to_owned()])].into(),
            others: vec![other],
            ..keeping()
        };
        let fixture = Fixture::with(Answer::json(500, openai::ERROR_500).held_at(&held), setup);
        let mut client = fixture.ask(&say(ASKED));
        assert!(held.reached(), "{what}: the call reaches the provider");
        let call = fixture.of_type("call.authorised").remove(0);
        fixture.ledger.erase(&target(&call), "they asked").expect("an erasure");
        held.open();
        assert_eq!(client.answer().status, 500, "{what}: the failure is the answer");
        assert_eq!(fixture.of_type("call.authorised").len(), 1, "{what}: it was permitted once more");
        assert_eq!(second.requests().len(), 0, "{what}: what was erased was sent once more");
        assert!(!disclosed(&fixture).contains("ada@example.org"), "{what}: a name came back");
    }
}

/// Requirement: P47, P48. A call that was let through before its system began to go has its answer and its end.
#[test]
fn a_call_of_a_system_that_begins_to_go_ends_like_any_other() {
    let held = Gate::new();
    let fixture = Fixture::with(Answer::json(200, openai::chat_of(ANSWERED)).held_at(&held), keeping());
    let mut client = fixture.ask(&say(ASKED));
    assert!(held.reached(), "the call reaches the provider");
    let due = Micros(u64::MAX >> 12);
    fixture.ledger.request_deletion(&SystemId::from_bytes(SYSTEM), due, "retired").expect("a deletion");
    held.open();
    assert_eq!(client.answer().status, 200, "the answer of a call that was permitted is lost");
    let end: CallCompleted = body(&fixture.of_type("call.completed").remove(0));
    assert_eq!(end.outcome, Outcome::Answered);
    assert!(end.answer.is_some(), "its content goes when the time of grace is over, and not before");
}

/// Requirement: P48, V39. Prompt, answer, kept values and what detectors said go with one call, and the call beside it stays whole.
#[test]
fn a_kept_call_is_erased_alone() {
    let mut fixture = Fixture::with(Answer::json(200, openai::chat_of(ANSWERED)), keeping());
    for _ in 0..2 {
        assert_eq!(fixture.chat(&say(ASKED)).status, 200);
    }
    fixture.stop(Duration::from_secs(30));
    let calls = fixture.of_type("call.authorised");
    let [first, second] = calls.as_slice() else { panic!("{calls:?}") };
    let of = |call: &Seen| -> Vec<u64> {
        let follows =
            |seen: &Seen| seen.header.parents.iter().any(|parent| parent.record_id == call.header.record_id);
        let all = fixture.records().into_iter();
        all.filter(|seen| seen.index == call.index || follows(seen)).map(|seen| seen.index).collect()
    };
    let (mine, others) = (of(first), of(second));
    assert_eq!((mine.len(), others.len()), (3, 3), "permission, end and what a detector said");
    let target = ErasureTarget::Call(first.header.record_id);
    assert_eq!(fixture.ledger.going(&target).expect("it can be told").entries, Some(mine.clone()));
    fixture.ledger.erase(&target, "they asked").expect("an erasure");
    let shown = |index: &u64| {
        let units = fixture.ledger.reader().entry(*index).expect("an entry").units;
        units.iter().filter(|unit| matches!(unit.content, UnitContent::Shown(_))).count()
    };
    assert_eq!(mine.iter().map(shown).sum::<usize>(), 0, "something of the call can still be read");
    assert!(others.iter().all(|index| shown(index) > 0), "the call beside it went, too");
    let prompt = fixture.of_type("call.authorised").remove(1).fields.get("prompt").cloned();
    assert!(matches!(prompt, Some(Value::String(_))), "the prompt of the call beside it went");
}
