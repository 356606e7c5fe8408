//! Placeholders within a scope and beyond it: what comes back is what was sent, and from one scope nobody gets to another.

use proptest::prelude::{ProptestConfig, Strategy as _, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use tabellion_mask::{Class, Classes, Placing, Scope, ScopeKey, StreamRestorer, mask_text, restore_text};

/// Values of several classes, no two of them spellings of one.
const VALUES: [&str; 7] = [
    "ada.lovelace@example.org",
    "grace+hopper@example.com",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "+49 30 901820",
    "192.0.2.44",
    "536-90-4399",
];
/// What stands between them; JSON has to escape some of it.
const WORDS: [&str; 7] = [
    " and ",
    ", \"quoted\" ",
    " \\ then ",
    "\nnext line: ",
    " <b>bold</b> ",
    " \u{fc}ber \u{1f600} ",
    " a < b ",
];

fn text() -> impl proptest::strategy::Strategy<Value = String> {
    let part = (select(&WORDS[..]), select(&VALUES[..])).prop_map(|(word, value)| format!("{word}{value}"));
    (proptest::collection::vec(part, 0..8), select(&WORDS[..])).prop_map(|(parts, end)| parts.concat() + end)
}

fn pieces(text: &str, cuts: &[usize]) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (characters.len() + 1)).collect();
    places.extend([0, characters.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| characters[pair[0]..pair[1]].iter().collect()).collect()
}

fn streamed(text: &str, cuts: &[usize], placing: Placing, scope: &Scope) -> String {
    let (mut restorer, mut out) = (StreamRestorer::new(placing), String::new());
    for piece in pieces(text, cuts) {
        restorer.push(&piece, scope, &mut out);
    }
    restorer.finish(scope, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Requirement: G17. What a model repeats comes back as it was sent, whole and in any pieces, as text and in the arguments of a tool.
    #[test]
    fn what_was_masked_comes_back_as_it_was(
        text in text(),
        key in any::<[u8; 32]>(),
        cuts in proptest::collection::vec(any::<usize>(), 0..10),
    ) {
        let mut scope = Scope::new(&ScopeKey::new(key));
        let (masked, _) = mask_text(&text, Classes::FORMS, &mut scope).expect("a short text");
        for value in VALUES {
            prop_assert!(!masked.contains(value), "{value} stays in {masked:?}");
        }
        prop_assert_eq!(restore_text(&masked, &scope, Placing::Text), text.as_str());
        prop_assert_eq!(streamed(&masked, &cuts, Placing::Text, &scope), text.as_str());
        let arguments = serde_json::json!({ "to": masked, "n": 1 }).to_string();
        for restored in [
            restore_text(&arguments, &scope, Placing::Json).into_owned(),
            streamed(&arguments, &cuts, Placing::Json, &scope),
        ] {
            let read: serde_json::Value = serde_json::from_str(&restored).expect("arguments stay JSON");
            prop_assert_eq!(read["to"].as_str(), Some(text.as_str()));
        }
    }
}

/// Requirement: G17. Two scopes share no placeholder for a value, and one gives nothing back for those of the other.
#[test]
fn a_value_cannot_be_followed_from_one_scope_to_another() {
    let of = |key: u8| Scope::new(&ScopeKey::new([key; 32]));
    let (mut one, mut other) = (of(1), of(2));
    for value in VALUES {
        let first = one.issue(Class::Email, value).expect("room");
        let second = other.issue(Class::Email, value).expect("room");
        assert_ne!(first, second, "{value} can be followed");
        assert_ne!(one.hash(Class::Email, value), other.hash(Class::Email, value), "{value} by its digest");
        assert_eq!(restore_text(&second, &one, Placing::Text), second, "{value} comes from another scope");
    }
}

/// Requirement: G17. Whoever has a dictionary with the value in it, and every key but the right one, learns nothing of a placeholder.
#[test]
fn a_dictionary_without_the_key_finds_no_placeholder() {
    let secret = Scope::new(&ScopeKey::new([0x5c; 32])).issue(Class::Email, VALUES[0]).expect("room");
    for byte in (0..=u8::MAX).filter(|byte| *byte != 0x5c) {
        let mut guess = Scope::new(&ScopeKey::new([byte; 32]));
        for value in VALUES {
            assert_ne!(guess.issue(Class::Email, value).expect("room"), secret, "{value} under {byte}");
        }
    }
    let again = Scope::new(&ScopeKey::new([0x5c; 32])).issue(Class::Email, VALUES[0]).expect("room");
    assert_eq!(again, secret, "the right key finds it, so that the search above could have");
}

/// What a scope forgot is given back to nobody, and gets the same placeholder again.
#[test]
fn a_scope_that_forgot_gives_nothing_back() {
    let mut scope = super::scope();
    let placeholder = scope.issue(Class::Email, VALUES[0]).expect("room");
    let kept: Vec<(String, String)> =
        scope.originals().map(|original| (original.placeholder, original.value.to_owned())).collect();
    assert_eq!(kept, [(placeholder.clone(), VALUES[0].to_owned())], "what is to be kept is not all of it");
    scope.forget();
    assert!(scope.is_empty() && scope.originals().next().is_none());
    assert_eq!(restore_text(&placeholder, &scope, Placing::Text), placeholder);
    assert_eq!(scope.issue(Class::Email, VALUES[0]).expect("room"), placeholder);
}
