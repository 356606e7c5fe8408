//! Requests that nobody stands behind: refused, limited for each address, counted in one record.

use std::sync::Arc;
use std::time::Duration;

use tabellion_gateway::Limits;
use tabellion_model::body::{Body as _, NoiseCounted};
use tabellion_testkit::upstream::Answer;

use crate::client::request;
use crate::fixture::{Fixture, LONG_AGO, Setup, api_key, body, key_of, say};

fn knock(fixture: &Fixture, headers: &[(&str, &str)]) -> crate::client::Answer {
    let mut client = fixture.connect();
    client.send(&request("POST", "/v1/chat/completions", headers, &say("Hello")));
    client.answer()
}

/// Requirement: G04. No anonymous route.
#[test]
fn without_a_valid_key_nothing_is_done_and_one_record_counts_it() {
    let limits = Limits { noise_burst: 100, ..Limits::default() };
    let mut fixture = Fixture::with(Answer::silence(), Setup { limits, ..Setup::default() });
    fixture.change(|gate| {
        let mut ended = crate::fixture::gate_key([0x77; 16]);
        ended.ends_at = Some(LONG_AGO);
        Arc::make_mut(&mut gate.keys).insert(tabellion_model::CredentialId::from_bytes([0x77; 16]), ended);
    });
    let valid = api_key();
    let bad = [
        format!("Bearer {}", key_of([0x77; 16])),
        format!("Bearer {}", key_of([0x99; 16])),
        format!("Bearer {}x", &valid[..valid.len() - 1]),
        format!("Bearer {valid}x"),
        format!("Bearer {}", valid.to_uppercase()),
        "Bearer sk-something".to_owned(),
    ];
    for value in &bad {
        let answer = knock(&fixture, &[("Authorization", value)]);
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"), "{value}");
        assert_eq!(answer.header("x-should-retry"), Some("false"), "the same key will not do better");
    }
    let twice = format!("Bearer {valid}");
    for headers in [
        &[][..],
        &[("Authorization", "Basic eDp5")],
        &[("Authorization", &twice), ("X-Api-Key", "sk-another")],
        &[("Authorization", &twice), ("Authorization", &twice)],
    ] {
        assert_eq!(knock(&fixture, headers).status, 401, "{headers:?}");
    }
    assert_eq!(fixture.call("GET", "/metrics", &[], b"").status, 404, "with a key it is a denial");
    let mut client = fixture.connect();
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    client.leave();
    let mut client = fixture.connect();
    client.send(b"NONSENSE\r\n\r\n");
    assert!(client.ended(), "what is no request is answered by an end");
    assert!(fixture.authorised().is_empty() && fixture.denied().len() == 1, "noise is no call and no denial");
    fixture.stop(Duration::from_secs(5));
    let counted = fixture.of_type(NoiseCounted::TYPE);
    assert_eq!(counted.len(), 1, "one record for all of it");
    let counted: NoiseCounted = body(&counted[0]);
    assert_eq!((counted.bad_key, counted.unauthenticated), (6, 4), "what came");
    assert!(counted.malformed >= 1 && counted.from < counted.to, "and what was no request, and when");
    assert_eq!(fixture.upstream.connections(), 0, "the provider hears of none");
}

#[test]
fn guessing_keys_is_slowed_down_and_a_valid_key_still_works() {
    let limits = Limits { noise_burst: 5, ..Limits::default() };
    let fixture = Fixture::with(
        Answer::json(200, tabellion_testkit::upstream::openai::CHAT),
        Setup { limits, ..Setup::default() },
    );
    let limited = (0..20)
        .map(|_| knock(&fixture, &[("Authorization", "Bearer x")]))
        .find(|answer| answer.status == 429);
    let limited = limited.expect("an address could guess without end");
    assert_eq!(limited.code(), "rate_limited", "the library reads why");
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "others behind the same address must not suffer");
}

#[test]
fn noise_is_recorded_while_the_gateway_serves() {
    let limits = Limits { noise_ms: 50, ..Limits::default() };
    let fixture = Fixture::with(Answer::silence(), Setup { limits, ..Setup::default() });
    assert_eq!(knock(&fixture, &[]).status, 401, "no key");
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while fixture.of_type(NoiseCounted::TYPE).is_empty() {
        assert!(std::time::Instant::now() < deadline, "the minute's noise is not recorded");
        let size = fixture.ledger.reader().size();
        fixture.ledger.reader().wait_for_more(size, Duration::from_millis(100));
    }
    let counted: NoiseCounted = body(&fixture.of_type(NoiseCounted::TYPE)[0]);
    assert_eq!(counted.unauthenticated, 1, "what came");
}
