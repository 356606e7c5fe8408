//! One body field with its salt, in the encoding that its digest covers.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{MAX_DISCLOSURE_BYTES, MAX_UNIT_BYTES, MAX_UNIT_FIELDS, UnitError, is_field_name};
use crate::jcs::{Json, StrictInside, check_inside, parse_jcs, to_jcs};

/// Containers around a value in a unit's plaintext: the array of disclosures and the disclosure itself.
const CONTAINERS: usize = 2;

/// Salt, name and value of one body field, `D = base64url(JCS [salt, name, value])`.
///
/// The parts and their text cannot disagree: one is always made from the other.
#[derive(Clone)]
pub struct Disclosure {
    salt: [u8; 16],
    name: String,
    value: Json,
    /// Written when it is first asked for: whoever reads what a field says needs no text.
    encoded: OnceLock<String>,
}

impl PartialEq for Disclosure {
    fn eq(&self, other: &Self) -> bool {
        (&self.salt, &self.name, &self.value) == (&other.salt, &other.name, &other.value)
    }
}

impl Eq for Disclosure {}

impl Disclosure {
    /// Discloses `name` = `value` under `salt`. The value may nest 30 levels, so that a unit's plaintext nests 32.
    pub fn new(salt: [u8; 16], name: &str, value: Json) -> Result<Self, UnitError> {
        check_field(name, &value)?;
        let parts = Json::Array(vec![URL_SAFE_NO_PAD.encode(salt).into(), name.into(), value]);
        let bytes = to_jcs(&parts).map_err(|source| UnitError::Value { name: name.to_owned(), source })?;
        if bytes.len() > MAX_UNIT_BYTES {
            return Err(UnitError::TooLarge(bytes.len()));
        }
        let encoded = URL_SAFE_NO_PAD.encode(&bytes);
        let Json::Array(parts) = parts else { return Err(UnitError::Shape) };
        let value = parts.into_iter().next_back().ok_or(UnitError::Shape)?;
        Ok(Self { salt, name: name.to_owned(), value, encoded: OnceLock::from(encoded) })
    }

    /// Reads an encoded disclosure; every text has at most one reading and every disclosure one text.
    pub fn parse(encoded: &str) -> Result<Self, UnitError> {
        if encoded.len() > MAX_DISCLOSURE_BYTES {
            return Err(UnitError::TooLarge(encoded.len()));
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| UnitError::Encoding)?;
        Self::from_parts(parse_jcs(&bytes).map_err(UnitError::Json)?, OnceLock::from(encoded.to_owned()))
    }

    fn from_parts(parts: Json, encoded: OnceLock<String>) -> Result<Self, UnitError> {
        let Json::Array(parts) = parts else { return Err(UnitError::Shape) };
        let Ok([Json::String(salt), Json::String(name), value]) = <[Json; 3]>::try_from(parts) else {
            return Err(UnitError::Shape);
        };
        let salt = URL_SAFE_NO_PAD.decode(salt).ok().and_then(|salt| salt.try_into().ok());
        check_field(&name, &value)?;
        Ok(Self { salt: salt.ok_or(UnitError::Salt)?, name, value, encoded })
    }

    /// The 128-bit salt.
    pub fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// The field's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The field's value: content.
    pub fn value(&self) -> &Json {
        &self.value
    }

    /// The encoded form, borrowed.
    pub fn as_str(&self) -> &str {
        self.encoded.get_or_init(|| {
            let parts =
                [URL_SAFE_NO_PAD.encode(self.salt).into(), self.name.as_str().into(), self.value.clone()];
            // INVARIANT: the parts were read from canonical JSON, so they can be written; an empty text would match no digest.
            URL_SAFE_NO_PAD.encode(to_jcs(&Json::Array(parts.into())).unwrap_or_default())
        })
    }

    /// The encoded form.
    pub fn encode(&self) -> String {
        self.as_str().to_owned()
    }

    /// The digest that the header lists.
    pub fn digest(&self) -> String {
        super::digest(self.as_str())
    }
}

impl fmt::Debug for Disclosure {
    /// Never the value or the salt: a log line must not disclose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disclosure").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether `value` can be the field `name`.
pub(super) fn check_field(name: &str, value: &Json) -> Result<(), UnitError> {
    if !is_field_name(name) {
        return Err(UnitError::Name);
    }
    check_inside(value, CONTAINERS).map_err(|source| UnitError::Value { name: name.to_owned(), source })
}

/// What a unit's ciphertext holds: the JCS array of its disclosures' `[salt, name, value]`.
///
/// An array of canonical values is canonical when its elements are joined by commas.
pub fn unit_plaintext(disclosures: &[Disclosure]) -> Vec<u8> {
    let mut bytes = vec![b'['];
    for (position, disclosure) in disclosures.iter().enumerate() {
        if position > 0 {
            bytes.push(b',');
        }
        // INVARIANT: the text is valid base64url, see [`Disclosure::as_str`] and the constructors; a failure could only leave the element out, which the
        // digests in the header would show.
        let _ = URL_SAFE_NO_PAD.decode_vec(disclosure.as_str(), &mut bytes);
    }
    bytes.push(b']');
    bytes
}

/// Reads what [`unit_plaintext`] wrote, where it is known that it did: the bytes were authenticated under a key that nobody else has. That they are in the
/// one canonical form is then not checked again; everything else is.
pub fn open_unit_plaintext(bytes: &[u8]) -> Result<Vec<Disclosure>, UnitError> {
    let Ok(items) = serde_json::from_slice::<Vec<(&str, String, StrictInside<CONTAINERS>)>>(bytes) else {
        return parse_unit_plaintext(bytes);
    };
    if items.is_empty() || items.len() > MAX_UNIT_FIELDS {
        return Err(UnitError::FieldCount(items.len()));
    }
    let open = |(salt, name, StrictInside(value)): (&str, String, StrictInside<CONTAINERS>)| {
        let mut bytes = [0; 16];
        let decoded = URL_SAFE_NO_PAD.decode_slice(salt, &mut bytes);
        decoded.ok().filter(|length| *length == bytes.len()).ok_or(UnitError::Salt)?;
        if !is_field_name(&name) {
            return Err(UnitError::Name);
        }
        Ok(Disclosure { salt: bytes, name, value, encoded: OnceLock::new() })
    };
    let disclosures: Vec<_> = items.into_iter().map(open).collect::<Result<_, _>>()?;
    super::check_names(&disclosures)?;
    Ok(disclosures)
}

/// Reads what [`unit_plaintext`] wrote.
pub fn parse_unit_plaintext(bytes: &[u8]) -> Result<Vec<Disclosure>, UnitError> {
    if bytes.len() > MAX_UNIT_BYTES {
        return Err(UnitError::TooLarge(bytes.len()));
    }
    let Json::Array(items) = parse_jcs(bytes).map_err(UnitError::Json)? else { return Err(UnitError::Shape) };
    if items.is_empty() || items.len() > MAX_UNIT_FIELDS {
        return Err(UnitError::FieldCount(items.len()));
    }
    let disclosures: Vec<_> = items
        .into_iter()
        .map(|item| Disclosure::from_parts(item, OnceLock::new()))
        .collect::<Result<_, _>>()?;
    super::check_names(&disclosures)?;
    Ok(disclosures)
}
