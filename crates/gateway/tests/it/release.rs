//! Nothing is sent, and nothing that ends an answer is released, before the record that permits it is durable. Proved by holding the disk.

use std::sync::Arc;
use std::time::Duration;

use tabellion_gateway::{GuardConfig, GuardKind, Limits};
use tabellion_ledger::Clock;
use tabellion_model::Micros;
use tabellion_model::body::{Delivered, Outcome};
use tabellion_testkit::upstream::{Answer, Gate, Script, openai};
use tabellion_testkit::{ManualClock, SimDisk};

use crate::fixture::{Fixture, Setup, say, say_streaming};

/// How long silence is listened to. What must not come would have come before: it needs no disk.
const SILENCE: Duration = Duration::from_millis(100);

#[test]
fn nothing_is_sent_before_the_permission_is_durable() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    fixture.hold.hold();
    let mut client = fixture.ask(&say("Hello"));
    fixture.hold.reached();
    assert!(client.silent_for(SILENCE), "an answer came without a record");
    assert_eq!(fixture.upstream.connections(), 0, "the provider was called without a record");
    fixture.hold.release();
    assert_eq!(client.answer().status, 200, "once recorded, the call goes on");
    assert_eq!(fixture.upstream.requests().len(), 1, "once");
}

#[test]
fn an_answer_is_not_released_before_its_end_is_durable() {
    let gate = Gate::new();
    let fixture = Fixture::new(Answer::json(200, openai::CHAT).held_at(&gate));
    let mut client = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "the call reaches the provider");
    fixture.hold.hold();
    gate.open();
    fixture.hold.reached();
    assert!(client.silent_for(SILENCE), "the first byte went back before call.completed was durable");
    fixture.hold.release();
    assert_eq!(client.answer().text(), openai::CHAT, "once recorded, all of it is released");
    assert_eq!(fixture.end().delivered, Delivered::Whole, "and the record says so");
}

#[test]
fn the_end_of_a_stream_is_not_released_before_it_is_durable() {
    let gate = Gate::new();
    let before = openai::STREAM_USAGE.find("\"choices\":[]").expect("a usage event");
    let before = openai::STREAM_USAGE[..before].rfind("data: ").expect("its start");
    let fixture = Fixture::new(Answer::events(openai::STREAM_USAGE).pause_after(before, &gate));
    let body = br#"{"model":"model-a","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;
    let mut client = fixture.ask(body);
    client.read_until("\"finish_reason\":\"stop\"");
    assert!(gate.reached(), "the provider is at the end of its stream");
    fixture.hold.hold();
    gate.open();
    fixture.hold.reached();
    let silent = client.silent_for(SILENCE);
    let received = String::from_utf8_lossy(&client.buffer).into_owned();
    assert!(silent && !received.contains("[DONE]"), "the stream ended without its record");
    assert!(!received.contains("\"choices\":[]"), "the token counts passed without their record");
    fixture.hold.release();
    client.read_until("[DONE]");
    assert_eq!(fixture.end().outcome, Outcome::Answered, "and then it is a whole answer");
}

/// Requirement: G05. Log failure = call refused.
#[test]
fn without_a_permission_on_record_nothing_is_sent() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    fixture.hold.fail();
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (503, "evidence_unavailable"), "{}", answer.text());
    assert_eq!(answer.header("x-should-retry"), Some("true"), "the library may try again");
    assert_eq!(fixture.upstream.connections(), 0, "the provider was called without a record");
    let gateway = fixture.gateway.as_ref().expect("it serves");
    assert!(gateway.fatal().is_some(), "the program has to learn that it must end");
    assert!(gateway.trouble().is_some(), "the operator has to learn why");
    let readiness = gateway.readiness()().expect_err("calls would be sent here for ever");
    assert!(readiness.contains("stopped for good"), "{readiness}");
}

/// Requirement: G05. Log failure = call refused; how long a call waits for the log is a setting.
#[test]
fn a_log_that_hangs_refuses_the_call_in_time_and_its_record_says_that_nothing_was_sent() {
    let limits = Limits { record_ms: 200, ..Limits::default() };
    let fixture = Fixture::with(Answer::json(200, openai::CHAT), Setup { limits, ..Setup::default() });
    fixture.hold.hold();
    for body in [say("Hello"), say_streaming("Hello")] {
        let answer = fixture.chat(&body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "evidence_unavailable"),
            "an application would hang with the disk: {}",
            answer.text()
        );
        assert_eq!(answer.header("x-should-retry"), Some("true"), "the library may try again");
    }
    assert_eq!(fixture.upstream.connections(), 0, "the provider was called without a record");
    fixture.hold.release();
    for end in fixture.ended(2) {
        assert_eq!(
            (end.outcome, end.code.as_deref(), end.delivered),
            (Outcome::Cut, Some("evidence_unavailable"), Delivered::Nothing),
            "a permission that came too late looks like a call that was made"
        );
    }
    assert_eq!(fixture.authorised().len(), 2, "each permission has its end");
    assert_eq!(fixture.upstream.connections(), 0, "a call that was refused was sent after all");
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "and then everything goes on");
}

#[test]
fn without_an_end_on_record_no_answer_is_released() {
    let gate = Gate::new();
    let fixture = Fixture::new(Answer::json(200, openai::CHAT).held_at(&gate));
    let mut client = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "the call reaches the provider");
    fixture.hold.fail();
    gate.open();
    let answer = client.answer();
    assert_eq!((answer.status, answer.code().as_str()), (503, "evidence_unavailable"), "{}", answer.text());
    assert!(!answer.text().contains("instalment"), "the answer was released without its record");
}

#[test]
fn without_an_end_on_record_a_stream_ends_in_an_error() {
    let gate = Gate::new();
    let stream = openai::STREAM;
    let before = stream.len() - openai::DONE.len();
    let fixture = Fixture::new(Answer::events(stream).pause_after(before, &gate));
    let mut client = fixture.ask(&say_streaming("Hello"));
    client.read_until("\"finish_reason\":\"stop\"");
    fixture.hold.fail();
    gate.open();
    let answer = client.answer();
    let last = answer.events().pop().expect("events");
    assert!(
        last.contains("\"code\":\"evidence_unavailable\""),
        "the client must not take this for whole: {last}"
    );
    assert!(!answer.text().contains("[DONE]"), "a stream without its record must not look ended");
}

/// The room that a log of usual segments (64 MiB) keeps for ends is enough for a thousand calls at once, with some guards set up as well: here for eight, in a 128th of it.
#[test]
fn a_thousand_calls_at_once_find_room_for_their_ends() {
    let gate = Gate::new();
    let first = openai::STREAM.find("\n\n").expect("an event") + 2;
    let guards = ["a", "b", "c", "d"].map(|name| GuardConfig {
        words: vec!["kumquat".to_owned()],
        ..GuardConfig::new(name, GuardKind::Words)
    });
    let setup = Setup { segment_bytes: (64 << 20) / 128, guards: guards.to_vec(), ..Setup::default() };
    let fixture = Fixture::with(Answer::events(openai::STREAM).pause_after(first, &gate), setup);
    let mut open: Vec<_> = (0..8).map(|_| fixture.ask(&say_streaming("Go on"))).collect();
    for client in &mut open {
        client.read_until("\n\n");
    }
    gate.open();
    for client in &mut open {
        client.read_until("[DONE]");
    }
    assert_eq!(fixture.ended(8).len(), 8, "calls that were open at once have no end");
}

#[test]
fn on_a_full_disk_calls_are_refused_and_those_begun_get_their_end() {
    let disk = SimDisk::new();
    let gate = Gate::new();
    let paused = Answer::events(openai::STREAM).pause_after(400, &gate);
    let script = [paused, Answer::json(200, openai::CHAT)];
    let setup = Setup { disk: Some(Arc::new(disk.clone())), segment_bytes: 256 << 10, ..Setup::default() };
    let fixture = Fixture::with(Script::in_order(script), setup);
    let mut begun = fixture.ask(&say_streaming("Hello"));
    assert!(gate.reached(), "one stream is on its way");
    disk.set_capacity(Some(0));
    // What is left of the segments takes some hundred records; far fewer than this.
    let refused = (0..5_000).map(|_| fixture.chat(&say("Hello"))).find(|answer| answer.status != 200);
    let refused = refused.expect("a full disk must refuse calls in the end");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (503, "evidence_unavailable"),
        "{}",
        refused.text()
    );
    let asked = fixture.upstream.requests().len();
    assert_eq!(fixture.chat(&say("Hello")).status, 503, "the disk is still full");
    assert_eq!(fixture.upstream.requests().len(), asked, "the provider was called without a record");
    gate.open();
    begun.read_until("[DONE]");
    let (begun, ended) = (fixture.authorised().len(), fixture.ended(asked).len());
    assert_eq!(begun, ended, "a call that was let through has no end on record: its room was not kept");
}

/// The first attempt to record an end may fail for want of something else than the room that was promised to it. The room is kept for the next.
#[test]
fn an_end_that_could_not_be_recorded_keeps_its_room_on_a_full_disk() {
    let (disk, gate) = (SimDisk::new(), Gate::new());
    let clock = Arc::new(ManualClock::at(Micros(1_790_000_000_000_000)));
    let script = [Answer::json(200, openai::CHAT).held_at(&gate), Answer::json(200, openai::CHAT)];
    let setup = Setup {
        disk: Some(Arc::new(disk.clone())),
        segment_bytes: 256 << 10,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..Setup::default()
    };
    let fixture = Fixture::with(Script::in_order(script), setup);
    let mut begun = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "one call is on its way");
    disk.set_capacity(Some(0));
    assert!((0..5_000).any(|_| fixture.chat(&say("Hello")).status == 503), "the disk gets full in the end");
    let ready = fixture.gateway.as_ref().expect("it serves").readiness();
    let why = ready().expect_err("calls would be sent to a gateway that refuses them");
    assert!(why.contains("disk is full"), "the operator has to learn why: {why}");
    clock.set(Micros(1_790_000_000_000_000 + 31 * 1_000_000));
    let why = ready().expect_err("calls would be sent to a gateway whose next record finds no room");
    assert!(why.contains("MiB"), "the operator has to learn how much space it takes: {why}");
    let begun_before = fixture.authorised().len();
    // Next month's content has a key of its own, which needs space in the key table.
    clock.set(Micros(1_790_000_000_000_000 + 40 * 24 * 3_600 * 1_000_000));
    fixture.hold.take_space("vault/keys");
    gate.open();
    let answer = begun.answer();
    assert_eq!((answer.status, answer.code().as_str()), (503, "evidence_unavailable"), "{}", answer.text());
    fixture.hold.found_full();
    fixture.hold.give_space();
    let ended = fixture.ended(begun_before);
    assert_eq!(
        (ended.last().expect("ends").outcome, ended.last().expect("ends").delivered),
        (Outcome::Cut, Delivered::Nothing),
        "the record says what its client was told"
    );
    assert_eq!(fixture.chat(&say("Hello")).status, 503, "all that while the disk is full for everybody else");
}
