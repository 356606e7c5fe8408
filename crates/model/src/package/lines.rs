//! The line files of a package: `disclosures/NNNNNNNN.jsonl` and `erasures.jsonl` (formats §11).
//!
//! One canonical JSON object per line, each line ended by `\n`, strictly ascending by (index, unit), so that a package has one
//! spelling. Says nothing about whether a disclosure belongs to its entry.

use std::borrow::Cow;
use std::error::Error;

use serde_json::json;

use crate::form::{FormFault, Members};
use crate::id::UnitId;
use crate::jcs::{JcsError, parse_jcs, to_jcs};

/// The disclosures of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownUnit {
    /// Index of the entry whose header lists the unit.
    pub index: u64,
    /// The unit.
    pub unit: UnitId,
    /// Encoded disclosures, in the order of their digests.
    pub disclosures: Vec<String>,
}

/// The proof that one unit was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedUnit {
    /// Index of the entry whose header lists the unit.
    pub index: u64,
    /// The unit.
    pub unit: UnitId,
    /// Index of the `erasure.done` entry.
    pub tombstone: u64,
    /// The encoded disclosure of its field for this unit.
    pub disclosure: String,
}

/// What a package shows, asked for bundle by bundle, so that a large package needs no more memory than a small one.
pub trait ShownSource {
    /// Everything shown of the entries `begin … end − 1`, ascending by (index, unit).
    ///
    /// Asked more than once for the same entries and has to answer the same; outside the package's range it has nothing.
    fn shown(&self, begin: u64, end: u64) -> Result<Cow<'_, [ShownUnit]>, Box<dyn Error + Send + Sync>>;
}

impl ShownSource for Vec<ShownUnit> {
    fn shown(&self, begin: u64, end: u64) -> Result<Cow<'_, [ShownUnit]>, Box<dyn Error + Send + Sync>> {
        if !self.is_sorted_by(|a, b| a.key() < b.key()) {
            return Err("the disclosures are not ascending by index and unit".into());
        }
        let from = self.partition_point(|line| line.index < begin);
        let to = self.partition_point(|line| line.index < end);
        Ok(Cow::Borrowed(self.get(from..to).unwrap_or_default()))
    }
}

/// A line of either file.
pub(crate) trait Line: Sized {
    /// Its sort key.
    fn key(&self) -> (u64, UnitId);
    /// Its canonical bytes, without the line end.
    fn to_bytes(&self) -> Result<Vec<u8>, JcsError>;
    /// Reads it; `place` names it in refusals.
    fn parse(place: &str, bytes: &[u8]) -> Result<Self, FormFault>;
}

fn unit_from(members: &mut Members) -> Result<UnitId, FormFault> {
    UnitId::from_hex(&members.text("unit")?).ok_or_else(|| members.fault("unit", "is not an id"))
}

fn members_of(place: &str, bytes: &[u8]) -> Result<Members, FormFault> {
    Members::of(place, parse_jcs(bytes).map_err(|error| FormFault::new(place, error.to_string()))?)
}

impl Line for ShownUnit {
    fn key(&self) -> (u64, UnitId) {
        (self.index, self.unit)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, JcsError> {
        to_jcs(&json!({"disclosures": self.disclosures, "index": self.index, "unit": self.unit.to_string()}))
    }

    fn parse(place: &str, bytes: &[u8]) -> Result<Self, FormFault> {
        let mut members = members_of(place, bytes)?;
        let line = Self {
            index: members.number("index")?,
            unit: unit_from(&mut members)?,
            disclosures: members.texts("disclosures")?,
        };
        members.finish()?;
        if line.disclosures.is_empty() {
            return Err(FormFault::new(place, "shows nothing"));
        }
        Ok(line)
    }
}

impl Line for ErasedUnit {
    fn key(&self) -> (u64, UnitId) {
        (self.index, self.unit)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, JcsError> {
        to_jcs(&json!({
            "disclosure": self.disclosure, "index": self.index, "tombstone": self.tombstone, "unit": self.unit.to_string(),
        }))
    }

    fn parse(place: &str, bytes: &[u8]) -> Result<Self, FormFault> {
        let mut members = members_of(place, bytes)?;
        let line = Self {
            index: members.number("index")?,
            unit: unit_from(&mut members)?,
            tombstone: members.number("tombstone")?,
            disclosure: members.text("disclosure")?,
        };
        members.finish()?;
        Ok(line)
    }
}

/// Reads a whole file; an empty one has no lines.
pub(crate) fn parse_lines<L: Line>(file: &str, content: &[u8]) -> Result<Vec<L>, FormFault> {
    if content.is_empty() {
        return Ok(Vec::new());
    }
    let Some(content) = content.strip_suffix(b"\n") else {
        return Err(FormFault::new(file, "does not end with a line end"));
    };
    let mut lines: Vec<L> = Vec::new();
    for (number, bytes) in content.split(|byte| *byte == b'\n').enumerate() {
        let place = format!("{file}: line {}", number + 1);
        let line = L::parse(&place, bytes)?;
        if lines.last().is_some_and(|last| last.key() >= line.key()) {
            return Err(FormFault::new(place, "is out of order or names a unit twice"));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Writes a whole file.
pub(crate) fn write_lines<L: Line>(lines: &[L]) -> Result<Vec<u8>, JcsError> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(&line.to_bytes()?);
        out.push(b'\n');
    }
    Ok(out)
}
