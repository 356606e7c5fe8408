//! What masking promises, seen from outside: values found and benign text left alone, placeholders that come back, bodies
//! edited where they stand, and streams that give what the whole text gives.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it is"
)]

mod base64;
mod body;
mod card;
mod edits;
mod email;
mod held_out;
mod hostile;
mod iban;
mod json;
mod json_peer;
mod named;
mod names;
mod nested;
mod placeholder;
mod plan;
mod scopes;
mod secrets;
mod stream;
mod structured;
mod subjects;
mod texts;
mod urls;

use tabellion_mask::{Class, Classes, Scope, ScopeKey, scan};

/// What the first engine knew; the tests of these classes look for nothing else.
const FIRST: Classes = Classes::NONE.with(Class::Email).with(Class::PaymentCard).with(Class::Iban);

/// What is found of the first three classes, as name and text.
fn found(text: &str) -> Vec<(&'static str, &str)> {
    found_of(text, FIRST)
}

/// What is found, as name and text.
fn found_of(text: &str, classes: Classes) -> Vec<(&'static str, &str)> {
    scan(text, classes).map(|finding| (finding.class.name(), finding.value)).collect()
}

/// Fails unless exactly this value of the class is found.
#[track_caller]
fn assert_finds(class: Class, text: &str, value: &str) {
    assert_eq!(
        found(text),
        [(class.name(), value)],
        "personal data would leave, or text would be lost, in {text:?}"
    );
}

/// Fails when anything is found.
#[track_caller]
fn assert_leaves(text: &str) {
    assert_eq!(found(text), [], "text that is no personal data would be hidden in {text:?}");
}

fn scope() -> Scope {
    Scope::new(&ScopeKey::new([7; 32]))
}
