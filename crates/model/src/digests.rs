//! Where a record speaks of a content by its SHA-256, and as what: found again by the digest alone (R27).
//!
//! Promises: pure; a digest counts in hex, with `sha256:` or `sha-256:` before it or without, in whatever case, as a whole value and never as a part of one. Must never: look into more than its limits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tabellion_tlog::Hash;

use crate::envelope::MAX_ENVELOPE_BYTES;

/// Most places in one record that are named.
pub const MAX_MENTIONS: usize = 64;
/// Levels that are looked into; what a record holds nests less ([`crate::Disclosure`]), an envelope inside it as deep as the family allows.
const MAX_DEPTH: usize = 128;
/// Members of an envelope that look like a digest and are none of a content: keys, signatures, and the pointer to the envelope before, which chains follow.
const NO_CONTENT: [&str; 4] = ["signature", "public_key", "previous_hash", "signer"];

/// As what a record speaks of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DigestRole {
    /// As the thing itself: a file, a model, a payload, an artefact of a statement.
    Asset,
    /// As what it should be: a member whose name says `baseline` or `expected`.
    Baseline,
    /// As what it was found to be: a member whose name says `observed`.
    Observed,
}

impl DigestRole {
    /// The word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Baseline => "baseline",
            Self::Observed => "observed",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let says = |word: &str| name.contains(word);
        if says("baseline") || says("expected") {
            Some(Self::Baseline)
        } else if says("observed") {
            Some(Self::Observed)
        } else {
            None
        }
    }
}

/// One place that speaks of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestMention {
    /// As what.
    pub role: DigestRole,
    /// Names from the field down, each after a slash.
    pub place: String,
}

/// Reads a digest as people give it: 64 hex digits, with `sha256:` or `sha-256:` before them or without.
pub fn digest_of_text(text: &str) -> Option<Hash> {
    let text = text.trim().to_ascii_lowercase();
    let digits = ["sha256:", "sha-256:"].iter().find_map(|prefix| text.strip_prefix(prefix));
    Hash::from_hex(digits.unwrap_or(&text))
}

/// Where the field `name` with `value` speaks of `digest`. An envelope that the field `content` of an import holds is looked into.
pub fn mentions(name: &str, value: &Value, is_import: bool, digest: &Hash) -> Vec<DigestMention> {
    let mut found = Vec::new();
    walk(value, (format!("/{name}"), DigestRole::of(name), name), digest, 0, &mut found);
    if is_import
        && name == "content"
        && let Some(envelope) = envelope_in(value)
    {
        walk(&envelope, (format!("/{name}"), None, name), digest, 0, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn envelope_in(value: &Value) -> Option<Value> {
    let text = value.as_str().filter(|text| text.len() <= MAX_ENVELOPE_BYTES.saturating_mul(2))?;
    serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
}

fn walk(
    value: &Value,
    (place, role, name): (String, Option<DigestRole>, &str),
    digest: &Hash,
    depth: usize,
    found: &mut Vec<DigestMention>,
) {
    if depth > MAX_DEPTH || found.len() >= MAX_MENTIONS || NO_CONTENT.contains(&name) {
        return;
    }
    match value {
        Value::String(text) => {
            // Nothing longer is a digest, and contents are long.
            if text.len() <= 80 && digest_of_text(text).as_ref() == Some(digest) {
                found.push(DigestMention { role: role.unwrap_or(DigestRole::Asset), place });
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                walk(item, (format!("{place}/{number}"), role, name), digest, depth + 1, found);
            }
        }
        Value::Object(members) => {
            for (name, item) in members {
                let role = DigestRole::of(name).or(role);
                walk(item, (format!("{place}/{name}"), role, name), digest, depth + 1, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEX: &str = "ab00000000000000000000000000000000000000000000000000000000000001";

    fn found(name: &str, value: &Value) -> Vec<(&'static str, String)> {
        let digest = digest_of_text(HEX).unwrap();
        let found = mentions(name, value, true, &digest).into_iter();
        found.map(|mention| (mention.role.as_str(), mention.place)).collect()
    }

    /// Requirement: R27
    #[test]
    fn a_digest_is_found_with_its_role() {
        let at = |role: &'static str, place: &str| vec![(role, place.to_owned())];
        assert_eq!(found("sha256", &HEX.into()), at("asset", "/sha256"));
        assert_eq!(found("sha256", &format!("SHA256:{}", HEX.to_uppercase()).into()), at("asset", "/sha256"));
        assert_eq!(found("baseline_sha256", &HEX.into()), at("baseline", "/baseline_sha256"));
        let drift = json!({"asset": "x", "baseline": {"sha256": HEX}, "files": [{"observed_hash": HEX}]});
        assert_eq!(
            found("drift", &drift),
            [at("baseline", "/drift/baseline/sha256"), at("observed", "/drift/files/0/observed_hash")]
                .concat()
        );
        let envelope = json!({"payload": {"baseline_hash": HEX}, "payload_hash": HEX, "previous_hash": HEX, "public_key": HEX});
        let content = BASE64.encode(envelope.to_string());
        assert_eq!(
            found("content", &content.into()),
            [at("asset", "/content/payload_hash"), at("baseline", "/content/payload/baseline_hash")].concat(),
            "an envelope is not looked into, or its keys count as contents"
        );
        for other in [json!(format!("{HEX}0")), json!(format!("x {HEX}")), json!(1), json!([[]])] {
            assert!(found("sha256", &other).is_empty(), "a part of a value counts as the digest");
        }
        assert_eq!(found("many", &json!(vec![HEX; 500])).len(), MAX_MENTIONS, "without a bound");
    }
}
