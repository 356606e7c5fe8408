//! What is kept of URLs and of values in other spellings: no secret within one, each with the person whose it is, found by whatever spelling names them.

use std::sync::Arc;

use serde_json::Value;
use tabellion_gateway::{MaskingConfig, subject_names};
use tabellion_ledger::{
    ErasureTarget, Ledger, NewLog, OpenOptions, OsEntropy, RejectCode, SystemClock, UnitContent,
};
use tabellion_mask::Class;
use tabellion_model::{Env, Origin};
use tabellion_testkit::SimDisk;
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::fixture::{Fixture, Setup, gate, say};

/// A rule that keeps what placeholders of URLs stand for.
fn keeping_urls() -> Vec<MaskingConfig> {
    let mut rule = MaskingConfig { name: "keep".to_owned(), keep: Some(true), ..MaskingConfig::default() };
    rule.pseudonymise.push("url".to_owned());
    vec![rule]
}

fn fixture() -> Fixture {
    let script = Script::by(|_, _| Answer::json(200, openai::chat_of("Noted.")));
    Fixture::with(script, Setup { gate: gate(), masking: keeping_urls(), ..Setup::default() })
}

fn tell(fixture: &Fixture, text: &str) {
    let answer = fixture.chat(&say(text));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// What is kept of the only call: the values, as one text.
fn kept(fixture: &Fixture) -> String {
    let index = fixture.of_type("call.authorised").remove(0).index;
    let view = fixture.ledger.reader().entry(index).expect("an entry");
    let shown = view.units.iter().filter(|unit| unit.personal).filter_map(|unit| match &unit.content {
        UnitContent::Shown(fields) => Some(fields),
        UnitContent::Erased | UnitContent::Missing => None,
    });
    shown.flatten().map(|field| Value::to_string(field.value())).collect()
}

/// Requirement: G17, V39. A URL that was replaced whole takes no secret into what is kept, and nothing of several people.
#[test]
fn a_kept_url_holds_no_secret_and_nobody_else() {
    let fixture = fixture();
    let text = "https://ann:hunter2secret9@one.example/ \
                https://two.example/?token=q8Zt5LmW2xVb9Kd3 \
                https://three.example/?a=ada@example.org&b=bob@example.org \
                https://four.example/plain";
    tell(&fixture, text);
    let kept = kept(&fixture);
    assert!(kept.contains("https://four.example/plain"), "a URL about nobody is kept: {kept}");
    for lost in ["one.example", "hunter2", "two.example", "q8Zt5", "three.example", "bob@"] {
        assert!(!kept.contains(lost), "{lost} is kept: {kept}");
    }
}

/// Requirement: G17, V39. Whoever erases a person erases the URL that they stand in.
#[test]
fn a_person_in_a_kept_url_is_erased_with_it() {
    let fixture = fixture();
    tell(&fixture, "see https://h.example/u?mail=Ada%40example.org and https://h.example/plain");
    assert!(kept(&fixture).contains("Ada%40example.org"), "it is kept: {}", kept(&fixture));
    let person = ErasureTarget::Subject("ada@example.org".to_owned());
    fixture.ledger.erase(&person, "asked for").expect("there is something about her");
    let left = kept(&fixture);
    assert!(!left.contains("example.org") && left.contains("h.example/plain"), "{left}");
}

/// Requirement: G17, W05. A person is found by every spelling of what they are kept under, and an identifier takes nobody else along.
#[test]
fn a_person_is_erased_by_whatever_spelling_names_them() {
    let cases = [
        (Class::Email, "ada@example.org", "Ada@Example.org"),
        (Class::Person, "J\u{f6}rg M\u{fc}ller", "Jo\u{308}rg Mu\u{308}ller"),
        (Class::Person, "Jo\u{308}rg Mu\u{308}ller", "J\u{f6}rg M\u{fc}ller"),
        (Class::Phone, "+49 151 12345679", "0049 151 12345679"),
        (Class::Phone, "0049 151 12345679", "+4915112345679"),
    ];
    for (class, value, typed) in cases {
        let ledger = ledger();
        // As masking names it.
        let mut scope = tabellion_mask::Scope::new(&tabellion_mask::ScopeKey::new([7; 32]));
        scope.issue(class, value).expect("room for one");
        let subject = scope.originals().next().expect("one was issued").normalised.to_owned();
        let kept = ledger
            .append(&tabellion_ledger::Draft::new("loan.requested").about(&subject, "name", value))
            .expect("a record");
        let other = ErasureTarget::Subject("customer-17".to_owned());
        let refused = ledger.erase(&other, "asked for").expect_err("there is nothing about them");
        assert_eq!(refused.code(), Some(RejectCode::NotFound), "{refused}");
        let person = ErasureTarget::Subject(typed.to_owned());
        let done = ledger.erase(&person, "asked for").unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!((done.keys, done.units), (1, 1), "{typed} has to find {value}");
        let view = ledger.reader().entry(kept.index).expect("the entry stays");
        assert!(view.units.iter().any(|unit| unit.content == UnitContent::Erased), "{typed}");
    }
}

/// Requirement: G17, W05. A hold on a person keeps what is kept under their name's normal form.
#[test]
fn a_hold_finds_a_person_by_whatever_spelling_names_them() {
    let ledger = ledger();
    ledger
        .append(&tabellion_ledger::Draft::new("loan.requested").about("ada@example.org", "name", "Ada"))
        .expect("a record");
    ledger
        .place_hold(&ErasureTarget::Subject("Ada@Example.org".to_owned()), "case 12")
        .expect("she is found");
    let erase = ledger.erase(&ErasureTarget::Subject("ada@example.org".to_owned()), "asked for");
    assert_eq!(erase.expect_err("it is held").code(), Some(RejectCode::OnHold));
}

/// A log that knows the spellings that masking knows, as the program opens it.
fn ledger() -> Ledger {
    let options = OpenOptions {
        background: false,
        subject_names,
        ..OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy))
    };
    let origin = Origin::new("test.example/log/acme").expect("a plain origin");
    Ledger::create(Arc::new(SimDisk::new()), &NewLog { origin, env: Env::Production }, &options)
        .expect("a new log")
}
