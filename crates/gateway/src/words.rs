//! Which words of others may stand in records and headers as they came: names of models and purposes, what a provider says of its answer.
//!
//! Promises: what passes has one of a few narrow forms and holds nothing that the mask would take out. Must never: shorten or mend a word; one that
//! does not pass is [`UNRECOGNISED`].

use tabellion_mask::{Classes, scan};

/// Stands in a record for a word that does not have its form.
pub(crate) const UNRECOGNISED: &str = "unrecognised";
/// Longest name of a model that nobody configured.
const MAX_MODEL_BYTES: usize = 128;
/// Longest purpose, as the control plane registers them.
const MAX_PURPOSE_BYTES: usize = 63;
/// Longest plain word.
const MAX_WORD_BYTES: usize = 64;

/// Whether `text` can be a model's name: `[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}`.
pub(crate) fn is_model(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphanumeric();
    shaped(text, MAX_MODEL_BYTES, first, |byte| first(byte) || b"._:/-".contains(&byte))
}

/// Whether a provider may call its model so: some begin the name with `@` or give the path of a file.
pub(crate) fn is_answering_model(text: &str) -> bool {
    is_model(text.strip_prefix(['@', '/']).unwrap_or(text))
}

/// Whether `text` can be a purpose: `[a-z0-9][a-z0-9-]{0,62}`.
pub(crate) fn is_purpose(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    shaped(text, MAX_PURPOSE_BYTES, first, |byte| first(byte) || byte == b'-')
}

/// Whether `text` is one plain word, such as a finish reason or the name of a tool: `[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}`.
pub(crate) fn is_word(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    shaped(text, MAX_WORD_BYTES, first, |byte| first(byte) || b".:-".contains(&byte))
}

/// `text` as a record may hold it.
pub(crate) fn recorded(text: &str, fits: fn(&str) -> bool) -> String {
    if fits(text) { text.to_owned() } else { UNRECOGNISED.to_owned() }
}

/// Whether the mask finds nothing in `text`: a card number has the form of a model's name. Names of people are not looked for: models and tools have
/// such names.
pub(crate) fn is_impersonal(text: &str) -> bool {
    scan(text, Classes::FORMS).next().is_none()
}

fn shaped(text: &str, limit: usize, first: impl Fn(u8) -> bool, rest: impl Fn(u8) -> bool) -> bool {
    (1..=limit).contains(&text.len())
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(rest)
        && is_impersonal(text)
}

/// A digest as records write it: 64 lower-case hex digits.
pub(crate) fn hex_of(digest: [u8; 32]) -> String {
    let mut digits = [0; 64];
    // INVARIANT: there are two places for each byte. `hex::encode` says the same, one character at a time.
    let written = hex::encode_to_slice(digest, &mut digits);
    debug_assert!(written.is_ok(), "a digest is 32 bytes");
    String::from_utf8_lossy(&digits).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_pass_and_nothing_else_does() {
        for name in
            ["gpt-5-mini", "ft:gpt-4o-mini:acme::9", "meta-llama/Llama-3.1-8B", "gpt-4o-2024-08-06", "o3"]
        {
            assert!(is_model(name), "{name} could not be asked for");
        }
        for text in [
            "",
            "big-ada@example.org",
            " gpt-5",
            "gpt-5\n",
            "gpt 5",
            "big-\u{202e}",
            "-x",
            "4111-1111-1111-1111",
        ] {
            assert!(!is_model(text), "{text:?} would be recorded and sent on as it came");
        }
        assert!(!is_model(&"x".repeat(129)), "a prompt fits into a name");
        assert!(
            is_answering_model("@cf/meta/llama-3.1-8b-instruct"),
            "what models answered would not be known"
        );
        assert!(!is_answering_model("ada@example.org"), "personal data of a provider's making is on record");
    }

    #[test]
    fn purposes_and_words_are_narrow() {
        assert!(is_purpose("loan-support") && !is_purpose("Loan support") && !is_purpose("ada@example.org"));
        assert!(is_word("tool_calls") && is_word("get_weather") && !is_word("Ada Lovelace") && !is_word(""));
        assert_eq!(recorded("tool_calls", is_word), "tool_calls");
        assert_eq!(
            recorded("ada@example.org", is_word),
            UNRECOGNISED,
            "what does not fit is never half kept"
        );
    }
}
