//! One record as an SD-JWT (RFC 9901), for systems that know that form and none of ours.
//!
//! A body's salted digests are those of an SD-JWT already: `base64url(SHA-256(disclosure))` over `base64url(["salt","name",value])`. So any subset of a record's
//! fields can be disclosed to anyone, with the very disclosures that its entry in the log commits to. Promises: nothing but what was chosen is in it; a
//! disclosure that does not belong to the record is refused. Must never: say that the log holds the record on the signature's word alone: it names the leaf, and a receipt
//! proves that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use tabellion_tlog::{Signer, SignerError, leaf_hash};

use crate::header::Header;
use crate::id::KeyId;
use crate::jcs::{JcsError, to_jcs};
use crate::time::Micros;
use crate::unit::{Disclosure, UnitError, check_names};

/// The `typ` of the JWT.
pub const SD_JWT_TYPE: &str = "tabellion-record+sd-jwt";

/// Members that mean something of their own in an SD-JWT, wherever they stand (RFC 9901 §4.1, §4.2.4).
const RESERVED: [&str; 3] = ["_sd", "_sd_alg", "..."];

/// Why a record cannot become an SD-JWT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdJwtError {
    /// A disclosure does not belong to the record, or a field is there twice.
    #[error("{0}")]
    Disclosure(#[from] UnitError),
    /// A value holds a member by which a reader of SD-JWTs would look for further digests, so that it would be read as something else, or refused.
    #[error(
        "the field {field:?} holds a member {member:?}, which an SD-JWT reserves (RFC 9901 §4.1); leave the field out"
    )]
    Reserved {
        /// Name of the field.
        field: String,
        /// The member.
        member: &'static str,
    },
    /// The claims cannot be written.
    #[error("the claims cannot be written: {0}")]
    Claims(#[from] JcsError),
    /// The key could not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// The first reserved member at any depth of `value`. A disclosed value nests at most 30 levels.
fn reserved_in(value: &Json) -> Option<&'static str> {
    match value {
        Json::Array(items) => items.iter().find_map(reserved_in),
        Json::Object(members) => RESERVED
            .into_iter()
            .find(|name| members.contains_key(*name))
            .or_else(|| members.values().find_map(reserved_in)),
        _ => None,
    }
}

/// Issues the SD-JWT of the record with this `header`, which is entry `index` with these `bytes`, disclosing `disclosures` alone.
pub fn issue(
    header: &Header,
    (index, bytes): (u64, &[u8]),
    disclosures: &[Disclosure],
    issued_at: Micros,
    signer: &dyn Signer,
) -> Result<String, SdJwtError> {
    check_names(disclosures)?;
    let lists = |disclosure: &Disclosure| header.units.iter().any(|unit| unit.lists(&disclosure.digest()));
    if let Some(foreign) = disclosures.iter().find(|disclosure| !lists(disclosure)) {
        return Err(UnitError::NoDigest(foreign.name().to_owned()).into());
    }
    for disclosure in disclosures {
        if let Some(member) = reserved_in(disclosure.value()) {
            return Err(SdJwtError::Reserved { field: disclosure.name().to_owned(), member });
        }
    }
    let mut digests: Vec<&str> =
        header.units.iter().flat_map(|unit| unit.digests.iter().map(String::as_str)).collect();
    // Sorted, so that their order tells nothing of the fields.
    digests.sort_unstable();
    let claims = json!({
        "_sd_alg": "sha-256",
        "entry": {
            "env": header.env.as_str(), "index": index, "leaf_sha256": leaf_hash(bytes).to_hex(), "observed_at": header.observed_at.0,
            "record_id": header.record_id.to_hex(), "type": header.record_type.as_str(),
        },
        "iat": issued_at.0 / 1_000_000,
        "iss": header.log.as_str(),
        "record": { "_sd": digests },
    });
    let key = KeyId(signer.public().key_id());
    let head = json!({ "alg": "EdDSA", "kid": key.to_hex(), "typ": SD_JWT_TYPE });
    let mut text = URL_SAFE_NO_PAD.encode(to_jcs(&head)?);
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(to_jcs(&claims)?));
    let signature = signer.sign(text.as_bytes())?;
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    text.push('~');
    for disclosure in disclosures {
        text.push_str(&disclosure.encode());
        text.push('~');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_sd_jwt_reserves_is_found_at_every_depth() {
        for (value, due) in [
            (json!({"a": [{"b": {"_sd": []}}]}), Some("_sd")),
            (json!([[{"...": "x"}]]), Some("...")),
            (json!({"_sd_alg": 1}), Some("_sd_alg")),
            (json!({"sd": "_sd", "list": ["...", {"a": null}]}), None),
            (json!("..."), None),
        ] {
            assert_eq!(reserved_in(&value), due, "{value}: a reader would take content for digests");
        }
    }
}
