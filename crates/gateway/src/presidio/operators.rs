//! What takes the place of a value, by Presidio's names and parameters.
//!
//! Promises: an operator that is not served, or a parameter that it does not have, is refused before any text is changed. Must never: take a key of a caller's,
//! or hash without a salt that is not known.

use std::borrow::Cow;

use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

use crate::code::Code;
use crate::decide::Refusal;

use super::malformed;

/// Those that are served.
pub(super) const SERVED: [&str; 5] = ["hash", "keep", "mask", "redact", "replace"];
/// Bytes of a salt that is made here, as Presidio makes it.
pub(super) const SALT_BYTES: usize = 32;
/// Fewest bytes of a salt that a caller gives (Presidio's own limit): 128 bits.
const SHORTEST_SALT: usize = 16;
/// Longest text that may be put in the place of each value.
const MAX_NEW_VALUE_BYTES: usize = 4096;

/// An operator as a request has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(rename = "type")]
    name: Option<String>,
    new_value: Option<String>,
    masking_char: Option<String>,
    chars_to_mask: Option<i64>,
    from_end: Option<bool>,
    hash_type: Option<String>,
    salt: Option<String>,
    key: Option<String>,
}

impl Written {
    /// Refuses what the operator of this name does not take. Presidio passes over it: a text that was to be replaced would be gone, or hashed, and nobody would be told.
    fn only(&self, name: &str, own: &[&str]) -> Result<(), Refusal> {
        let set = [
            ("new_value", self.new_value.is_some()),
            ("masking_char", self.masking_char.is_some()),
            ("chars_to_mask", self.chars_to_mask.is_some()),
            ("from_end", self.from_end.is_some()),
            ("hash_type", self.hash_type.is_some()),
            ("salt", self.salt.is_some()),
            ("key", self.key.is_some()),
        ];
        match set.into_iter().find(|(parameter, is_set)| *is_set && !own.contains(parameter)) {
            None => Ok(()),
            Some((parameter, _)) => Err(malformed(format!(
                "{name} does not take {parameter}, so it is not certain what is meant; leave it out, or name the type that takes it"
            ))),
        }
    }
}

/// An operator, ready.
pub(super) enum Operator {
    /// A text, or the name of the entity in angle brackets.
    Replace(Option<String>),
    /// Nothing.
    Redact,
    /// The same character, over so many of the value's.
    Mask { with: Option<char>, count: usize, from_end: bool },
    /// A digest of the value and a salt: the caller's, or one for each value.
    Hash { is_long: bool, salt: Option<Vec<u8>> },
    /// The value.
    Keep,
}

/// Makes a salt; none: there is no randomness now.
pub(super) type MakeSalt<'a> = &'a mut dyn FnMut() -> Option<[u8; SALT_BYTES]>;

impl Operator {
    /// What stands for a value where a request names no operator.
    pub(super) const DEFAULT: Self = Self::Replace(None);

    pub(super) fn of(written: Written) -> Result<Self, Refusal> {
        match written.name.as_deref() {
            Some("replace") => {
                written.only("replace", &["new_value"]).and_then(|()| replace(written.new_value))
            }
            Some("redact") => written.only("redact", &[]).map(|()| Self::Redact),
            Some("keep") => written.only("keep", &[]).map(|()| Self::Keep),
            Some("mask") => {
                let own = ["masking_char", "chars_to_mask", "from_end"];
                written.only("mask", &own).and_then(|()| mask(&written))
            }
            Some("hash") => written.only("hash", &["hash_type", "salt"]).and_then(|()| hash(&written)),
            Some("encrypt") => Err(malformed(
                "encrypt is not served: a key in a request would be known to everything on its way; use replace, redact, mask or hash",
            )),
            Some("custom") => Err(malformed("Custom type anonymizer is not supported")),
            Some(_) => Err(malformed(format!(
                "an anonymizer has a type that is not served; use one of {}",
                SERVED.join(", ")
            ))),
            None => Err(malformed(
                "Invalid input, operator config must contain operator_name: give each anonymizer a type",
            )),
        }
    }

    /// Its name, as Presidio has it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Replace(_) => "replace",
            Self::Redact => "redact",
            Self::Mask { .. } => "mask",
            Self::Hash { .. } => "hash",
            Self::Keep => "keep",
        }
    }

    /// What records say of it; none: the value stays.
    pub(super) fn recorded(&self) -> Option<&'static str> {
        match self {
            Self::Replace(_) | Self::Mask { .. } => Some("mask"),
            Self::Redact => Some("drop"),
            Self::Hash { .. } => Some("hash"),
            Self::Keep => None,
        }
    }

    /// What takes the place of `value`.
    pub(super) fn apply<'v>(
        &self,
        value: &'v str,
        entity: &str,
        salt: MakeSalt<'_>,
    ) -> Result<Cow<'v, str>, Refusal> {
        Ok(match self {
            Self::Replace(Some(new)) => Cow::Owned(new.clone()),
            Self::Replace(None) => Cow::Owned(format!("<{entity}>")),
            Self::Redact => Cow::Borrowed(""),
            Self::Keep => Cow::Borrowed(value),
            Self::Mask { with, count, from_end } => Cow::Owned(masked(value, *with, *count, *from_end)),
            Self::Hash { is_long, salt: Some(salt) } => Cow::Owned(digest(value, salt, *is_long)),
            Self::Hash { is_long, salt: None } => {
                let made = salt().ok_or_else(|| {
                    Refusal::new(Code::EvidenceUnavailable, "no salt could be made for hash; try again")
                })?;
                Cow::Owned(digest(value, &made, *is_long))
            }
        })
    }
}

fn replace(new_value: Option<String>) -> Result<Operator, Refusal> {
    if new_value.as_ref().is_some_and(|new| new.len() > MAX_NEW_VALUE_BYTES) {
        return Err(malformed(format!("new_value of replace is longer than {MAX_NEW_VALUE_BYTES} bytes")));
    }
    // As Presidio has it, an empty text is none.
    Ok(Operator::Replace(new_value.filter(|new| !new.is_empty())))
}

fn mask(written: &Written) -> Result<Operator, Refusal> {
    let (Some(with), Some(count), Some(from_end)) =
        (&written.masking_char, written.chars_to_mask, written.from_end)
    else {
        return Err(malformed(
            "mask needs masking_char (one character), chars_to_mask (a whole number) and from_end (true or false)",
        ));
    };
    let mut characters = with.chars();
    let with = characters.next();
    if characters.next().is_some() {
        return Err(malformed("Invalid input, masking_char must be a character"));
    }
    // Fewer than none are none.
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    Ok(Operator::Mask { with, count, from_end })
}

fn hash(written: &Written) -> Result<Operator, Refusal> {
    let is_long = match written.hash_type.as_deref() {
        None | Some("sha256") => false,
        Some("sha512") => true,
        Some(_) => return Err(malformed("hash_type of hash is neither sha256 nor sha512")),
    };
    let salt = written.salt.as_ref().map(|salt| salt.as_bytes().to_vec());
    if salt.as_ref().is_some_and(|salt| salt.len() < SHORTEST_SALT) {
        return Err(malformed(format!(
            "salt of hash is shorter than {SHORTEST_SALT} bytes; send a longer one, or none and each value gets its own"
        )));
    }
    Ok(Operator::Hash { is_long, salt })
}

fn masked(value: &str, with: Option<char>, count: usize, from_end: bool) -> String {
    let letters = value.chars().count();
    let count = count.min(letters);
    let masked = std::iter::repeat_n(with, count).flatten();
    if from_end {
        value.chars().take(letters.saturating_sub(count)).chain(masked).collect()
    } else {
        masked.chain(value.chars().skip(count)).collect()
    }
}

fn digest(value: &str, salt: &[u8], is_long: bool) -> String {
    if is_long {
        hex::encode(Sha512::new().chain_update(value).chain_update(salt).finalize())
    } else {
        hex::encode(Sha256::new().chain_update(value).chain_update(salt).finalize())
    }
}
