//! What an operator learns of an identity provider whose keys cannot be read: a line, a note, numbers.

use std::time::Instant;

use serde_json::json;
use tabellion_gateway::IdentityConfig;
use tabellion_testkit::upstream::{Answer as Provided, openai};

use crate::fixture::{Fixture, Setup};
use crate::identity::{Issuer, PATIENCE, Says, patient, public};

/// The lines about the provider that were said so far.
fn lines(fixture: &Fixture) -> Vec<String> {
    let said = fixture.said.lock().expect("no test panics with this lock");
    said.iter().filter(|line| line.starts_with("identity corp: ")).cloned().collect()
}

/// Waits until `count` lines were said and this holds of the note; gives the lines.
fn lines_once(fixture: &Fixture, count: usize, is_noted: bool) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    let noted = fixture.gateway.as_ref().expect("it serves").identity_trouble();
    loop {
        let said = lines(fixture);
        if said.len() >= count && noted().is_some() == is_noted {
            return said;
        }
        assert!(Instant::now() < deadline, "the operator never learns of it: {said:?}, {:?}", noted());
        std::thread::yield_now();
    }
}

fn numbers(fixture: &Fixture) -> String {
    let mut page = String::new();
    fixture.gateway.as_ref().expect("it serves").identity_numbers()(&mut page);
    page
}

/// The number in the line that begins so.
fn number(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name}{{identity=\"corp\"}} ")));
    line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name}: {page}"))
}

const FAILED: &str = "tabellion_gateway_identity_reads_failed_total";

/// Requirement: G04. Why keys cannot be read is said once, stands in a note for as long as it lasts, and is counted; that it is over is said too.
#[test]
fn an_operator_learns_why_keys_cannot_be_read_and_when_they_can_again() {
    for (says, why) in [
        (Says::Status(503), "its set of keys is answered with status 503"),
        (Says::Status(302), "no redirect is followed"),
        (Says::Junk, "its set of keys is none"),
        (Says::Keys(json!([])), "has none that can verify a token"),
        (Says::Keys(json!([{ "kty": "oct", "k": "c2VjcmV0LW9mLXNvbWVib2R5" }])), "has none that can verify"),
    ] {
        let issuer = Issuer::start(says.clone());
        let fixture = patient(IdentityConfig { refresh_ms: 50, ..issuer.config() });
        let said = lines_once(&fixture, 1, true);
        assert!(said[0].contains(why), "{why} is not said: {said:?}");
        assert!(said[0].contains("Its tokens are refused"), "what becomes of tokens is not said: {said:?}");
        let note = fixture.gateway.as_ref().expect("it serves").identity_trouble()();
        let note = note.expect("it still fails");
        assert!(note.contains("corp") && note.contains(why), "{why} is not in the note: {note}");
        assert!(!note.contains("c2VjcmV0") && !said[0].contains("c2VjcmV0"), "a key is told");
        let asked = issuer.asked();
        let deadline = Instant::now() + PATIENCE;
        while issuer.asked() < asked + 3 {
            assert!(Instant::now() < deadline, "it is never asked again");
            std::thread::yield_now();
        }
        assert_eq!(lines(&fixture).len(), 1, "{why}: the same is said again and again");
        assert!(number(&numbers(&fixture), FAILED) >= 3, "{}", numbers(&fixture));
        issuer.say(Says::Keys(json!([public(1)])));
        let said = lines_once(&fixture, 2, false);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[1].contains("can be read again"), "nobody learns that it is over: {said:?}");
    }
}

/// Requirement: G04. What is wrong before anything is answered is said as well: nobody there, somebody else's document, an address that must not be asked.
#[test]
fn an_operator_learns_what_is_wrong_with_the_address_and_the_document() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let nobody = Issuer::closed();
    let plain = issuer.config();
    for (config, why) in [
        (IdentityConfig { jwks_url: Some(format!("{nobody}/keys")), ..plain.clone() }, "nobody answers"),
        (IdentityConfig { issuer: format!("{}/", issuer.url()), ..plain.clone() }, "letter for letter"),
        (IdentityConfig { issuer: nobody, ..plain }, "its discovery document cannot be asked for"),
    ] {
        let setup = Setup { identities: vec![config], ..Setup::default() };
        let fixture = Fixture::with(Provided::json(200, openai::CHAT), setup);
        let said = lines_once(&fixture, 1, true);
        assert!(said[0].contains(why), "{why} is not said: {said:?}");
        assert!(said[0].contains("Its tokens are refused"), "what becomes of tokens is not said: {said:?}");
        let note = fixture.gateway.as_ref().expect("it serves").identity_trouble()().expect("it fails");
        assert!(!note.contains("http://"), "anybody reads where the issuer is: {note}");
    }
}

/// Requirement: G04. One provider that does as it should says nothing and is young.
#[test]
fn a_provider_that_does_as_it_should_is_counted_and_not_spoken_of() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = patient(issuer.config());
    crate::identity::ask_until(&fixture, &issuer.token(1), 200);
    let page = numbers(&fixture);
    assert_eq!(number(&page, FAILED), 0);
    let age = number(&page, "tabellion_gateway_identity_keys_age_seconds");
    assert!(age <= PATIENCE.as_secs(), "keys that were read just now are {age} seconds old");
    assert_eq!(lines(&fixture), Vec::<String>::new());
}
