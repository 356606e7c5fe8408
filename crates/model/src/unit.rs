//! Units: a record's body as salted digests, each of which can be disclosed, withheld or erased (`docs/formats.md` §3).
//!
//! Promises: a digest tells nothing about its field without the 128-bit salt; a disclosure matches exactly one digest. Contents never appear
//! in `Debug` output or error texts.

mod disclosure;
mod seal;

use tabellion_tlog::sha256;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::id::UnitId;
use crate::jcs::JcsError;

pub use disclosure::{Disclosure, open_unit_plaintext, parse_unit_plaintext, unit_plaintext};
pub use seal::{seal_fields, seal_unit};

/// Most fields of one unit: 512 digests of 46 bytes are a third of an entry.
pub const MAX_UNIT_FIELDS: usize = 512;
/// Longest field name.
pub const MAX_FIELD_NAME_BYTES: usize = 64;
/// Largest plaintext of one unit: written as base64url in a disclosure and again as base64 in a receipt it grows by 16/9 to 3.6 MiB,
/// below the 4 MiB of a receipt. Larger content belongs outside, named by its digest.
pub const MAX_UNIT_BYTES: usize = 2 << 20;
/// Longest disclosure text: base64url of [`MAX_UNIT_BYTES`].
pub const MAX_DISCLOSURE_BYTES: usize = MAX_UNIT_BYTES / 3 * 4 + 4;
/// Length of a digest: base64url of 32 bytes without padding.
const DIGEST_CHARS: usize = 43;

/// What a header holds of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitDigests {
    /// Names the unit.
    pub id: UnitId,
    /// base64url SHA-256 of each disclosure, sorted, without repeats.
    pub digests: Vec<String>,
}

/// How much of a unit a set of disclosures shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// No field.
    Nothing,
    /// This many fields, but not all.
    Some(usize),
    /// Every field.
    All,
}

/// Why fields, disclosures or digests do not make a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No field, or more than [`MAX_UNIT_FIELDS`].
    #[error("a unit has 1 to {MAX_UNIT_FIELDS} fields, not {0}")]
    FieldCount(usize),
    /// Not a field name.
    #[error("a field name is [a-z][a-z0-9_]*, at most {MAX_FIELD_NAME_BYTES} bytes")]
    Name,
    /// A field name occurs twice.
    #[error("field {0} occurs twice; a record has each field once")]
    NameTwice(String),
    /// The value cannot be written canonically.
    #[error("field {name}: {source}")]
    Value {
        /// The field.
        name: String,
        /// What is wrong with its value.
        source: JcsError,
    },
    /// More bytes than one unit may have.
    #[error("the unit has {0} bytes, at most {MAX_UNIT_BYTES} fit; record large content by its digest")]
    TooLarge(usize),
    /// Not canonical base64url.
    #[error("a disclosure is not canonical base64url without padding")]
    Encoding,
    /// Not canonical JSON.
    #[error("a disclosure is not canonical JSON: {0}")]
    Json(JcsError),
    /// Not `[salt, name, value]`.
    #[error("a disclosure is not an array of salt, name and value")]
    Shape,
    /// Not a salt.
    #[error("the salt of a disclosure is not 16 bytes as base64url")]
    Salt,
    /// The disclosure's digest is not among those of the unit.
    #[error("the disclosure of field {0} does not belong to the unit: no digest matches")]
    NoDigest(String),
}

impl UnitDigests {
    /// Whether the unit lists this digest.
    pub fn lists(&self, digest: &str) -> bool {
        self.digests.binary_search_by(|listed| listed.as_str().cmp(digest)).is_ok()
    }

    /// How much of this unit the disclosures show; refuses one that is not of this unit and one that is given twice.
    pub fn shown_by(&self, disclosures: &[Disclosure]) -> Result<Shown, UnitError> {
        check_names(disclosures)?;
        for disclosure in disclosures {
            if !self.lists(&disclosure.digest()) {
                return Err(UnitError::NoDigest(disclosure.name().to_owned()));
            }
        }
        Ok(match disclosures.len() {
            0 => Shown::Nothing,
            count if count == self.digests.len() => Shown::All,
            count => Shown::Some(count),
        })
    }
}

/// Refuses a field name that occurs twice among the disclosures of one record.
pub fn check_names<'d>(disclosures: impl IntoIterator<Item = &'d Disclosure>) -> Result<(), UnitError> {
    let mut names: Vec<&str> = disclosures.into_iter().map(Disclosure::name).collect();
    names.sort_unstable();
    match names.windows(2).find_map(|pair| pair.first().filter(|name| pair.last() == Some(name))) {
        None => Ok(()),
        Some(name) => Err(UnitError::NameTwice((*name).to_owned())),
    }
}

/// The digest of a disclosure in its encoded form: base64url(SHA-256(ASCII)).
pub fn digest(encoded: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(encoded.as_bytes()).as_bytes())
}

/// Whether `text` is the one form of some digest.
pub(crate) fn is_digest(text: &str) -> bool {
    // The last of 43 characters carries four bits; its two spare bits must be zero.
    const LAST: &[u8] = b"AEIMQUYcgkosw048";
    // Every digest of every record is looked at when it is sealed and when it is read, so this stops nowhere in between.
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_');
    text.len() == DIGEST_CHARS
        && text.bytes().fold(true, |all, byte| all & plain(byte))
        && text.bytes().last().is_some_and(|byte| LAST.contains(&byte))
}

/// Whether `name` can name a body field.
pub fn is_field_name(name: &str) -> bool {
    name.len() <= MAX_FIELD_NAME_BYTES && crate::header::is_word(name)
}
