//! Which recorded decisions no rule had a part in.

use tabellion_model::{CredentialId, Micros};
use tabellion_policy::RecordedDecision;

fn decision(surface: &str, code: Option<&str>) -> RecordedDecision {
    RecordedDecision {
        served_as: None,
        policies: Vec::new(),
        name: "entry 1".to_owned(),
        system: None,
        key: CredentialId::from_bytes([2; 16]),
        chain: None,
        surface: Some(surface.to_owned()),
        model: None,
        upstream: None,
        terms: None,
        purpose: Some("loan-support".to_owned()),
        stream: Some(false),
        received_bytes: Some(1),
        at: Micros(1_790_000_000_000_000),
        input: None,
        input_salt: None,
        permitted: code.is_none(),
        code: code.map(str::to_owned),
        rules: Vec::new(),
    }
}

/// Requirement: N17. Texts that are looked at in Presidio's words are asked about by no rule, so that no change of rules waits for somebody to look at them.
#[test]
fn no_rule_has_a_part_in_a_text_that_is_looked_at() {
    for (surface, code, by_no_rule) in [
        ("presidio.analyze", None, true),
        ("presidio.anonymize", Some("malformed_body"), true),
        ("presidio.analyze", Some("a_code_of_later"), true),
        ("openai.chat_completions", None, false),
        ("openai.chat_completions", Some("policy_denied"), false),
        ("openai.chat_completions", Some("malformed_body"), true),
    ] {
        assert_eq!(decision(surface, code).is_by_no_rule(), by_no_rule, "{surface} {code:?}");
    }
}
