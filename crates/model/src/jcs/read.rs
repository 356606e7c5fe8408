//! Reads JSON text once, refusing what the canonical form cannot hold, and says which member is at fault.
//!
//! `serde_json` alone would keep the last of two equal members and turn large integers into floats without a word.

use std::cell::RefCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Map;

use super::{JcsError, Json, MAX_INTEGER, MAX_NESTING, first_difference, shown_name, write_into};

/// Parses canonical JSON and nothing else: the value is written again and the bytes must be equal.
pub fn parse_jcs(bytes: &[u8]) -> Result<Json, JcsError> {
    let value = parse_strict(bytes)?;
    let mut canonical = Vec::with_capacity(bytes.len());
    write_into(&value, &mut canonical)?;
    if canonical != bytes {
        return Err(JcsError::NotCanonical { at: first_difference(&canonical, bytes) });
    }
    Ok(value)
}

/// Parses JSON under every rule of [`parse_jcs`] but the byte form, which the caller must compare with a writer of its own.
pub(crate) fn parse_strict(bytes: &[u8]) -> Result<Json, JcsError> {
    let fault = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = Place { depth: 0, fault: &fault }.deserialize(&mut reader).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    match (parsed, fault.into_inner()) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(fault)) => Err(fault.into_error()),
        (Err(error), None) => Err(JcsError::Malformed { at: offset_of(bytes, error.line(), error.column()) }),
    }
}

/// A value that is read under the rules of [`parse_strict`], as if it stood inside `CONTAINERS` arrays and objects; what is wrong with it is not said.
pub(crate) struct StrictInside<const CONTAINERS: usize>(pub(crate) Json);

impl<'de, const CONTAINERS: usize> Deserialize<'de> for StrictInside<CONTAINERS> {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Place { depth: CONTAINERS, fault: &RefCell::new(None) }.deserialize(reader).map(Self)
    }
}

/// `serde_json` counts lines from 1 and columns (bytes) from 1 within a line.
fn offset_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    before.saturating_add(column.saturating_sub(1))
}

/// What is wrong, and where: names from the innermost member outwards.
struct Fault {
    kind: FaultKind,
    path: Vec<String>,
}

enum FaultKind {
    Duplicate,
    NotAnInteger,
    TooDeep,
}

impl Fault {
    fn into_error(self) -> JcsError {
        let mut names = self.path;
        names.reverse();
        let member = if names.is_empty() { "the value".to_owned() } else { names.join(".") };
        match self.kind {
            FaultKind::Duplicate => JcsError::DuplicateMember { member },
            FaultKind::NotAnInteger => JcsError::NotAnInteger { member },
            FaultKind::TooDeep => JcsError::TooDeep { member },
        }
    }
}

/// One value to be read, inside `depth` containers.
#[derive(Clone, Copy)]
struct Place<'f> {
    depth: usize,
    fault: &'f RefCell<Option<Fault>>,
}

impl Place<'_> {
    fn inner(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn refuse<E: serde::de::Error>(self, kind: FaultKind) -> E {
        *self.fault.borrow_mut() = Some(Fault { kind, path: Vec::new() });
        E::custom("refused")
    }

    /// Adds the name of the member that is being left, so that the fault carries its path.
    fn leaving<E>(self, name: &str, error: E) -> E {
        if let Some(fault) = self.fault.borrow_mut().as_mut() {
            fault.path.push(shown_name(name).to_owned());
        }
        error
    }

    fn enter<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_NESTING { Err(self.refuse(FaultKind::TooDeep)) } else { Ok(self.inner()) }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json, E> {
        if value > MAX_INTEGER { Err(self.refuse(FaultKind::NotAnInteger)) } else { Ok(Json::from(value)) }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json, E> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(self.refuse(FaultKind::NotAnInteger));
        }
        Ok(Json::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Json, E> {
        Err(self.refuse(FaultKind::NotAnInteger))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let inner = self.enter()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let inner = self.enter()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let error = self.refuse(FaultKind::Duplicate);
                return Err(self.leaving(&name, error));
            }
            let value = members.next_value_seed(inner).map_err(|error| self.leaving(&name, error))?;
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}
