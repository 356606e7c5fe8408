//! An entry with its place in the tree: index and inclusion path (formats §9, §11.2).
//!
//! Promises nothing about the entry's content; [`PlacedEntry::verify`] says only that a tree with this root holds it there.

use serde_json::{Value as Json, json};
use tabellion_tlog::{Hash, MAX_ENTRY_BYTES, ProofError, leaf_hash, verify_inclusion};

use crate::form::{FormFault, Members, base64_text, hash_list};

/// An entry, where it stands, and the path from its leaf to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedEntry {
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// Its index in the log.
    pub index: u64,
    /// Inclusion path, leaf to root (RFC 9162 §2.1.3).
    pub path: Vec<Hash>,
}

impl PlacedEntry {
    /// Its JSON form.
    pub(crate) fn to_json(&self) -> Json {
        json!({"entry": base64_text(&self.entry), "index": self.index, "path": hash_list(&self.path)})
    }

    /// Reads its JSON form; `place` names it in refusals.
    pub(crate) fn from_json(place: &str, value: Json) -> Result<Self, FormFault> {
        let mut members = Members::of(place, value)?;
        let placed = Self::from_members(place, &mut members)?;
        members.finish()?;
        Ok(placed)
    }

    /// Reads the three members out of a larger object.
    pub(crate) fn from_members(place: &str, members: &mut Members) -> Result<Self, FormFault> {
        let placed = Self {
            entry: members.bytes("entry")?,
            index: members.number("index")?,
            path: members.hashes("path")?,
        };
        if placed.entry.is_empty() || placed.entry.len() > MAX_ENTRY_BYTES {
            return Err(FormFault::new(
                place,
                format!("the entry has {} bytes; 1 to 65535 are allowed", placed.entry.len()),
            ));
        }
        Ok(placed)
    }

    /// Reads a list in strictly ascending order of index.
    pub(crate) fn list_from_json(place: &str, items: Vec<Json>) -> Result<Vec<Self>, FormFault> {
        let mut placed: Vec<Self> = Vec::new();
        for (number, item) in items.into_iter().enumerate() {
            let entry = Self::from_json(&format!("{place}[{number}]"), item)?;
            if placed.last().is_some_and(|last| last.index >= entry.index) {
                return Err(FormFault::new(
                    place,
                    format!("index {} is out of order or repeated", entry.index),
                ));
            }
            placed.push(entry);
        }
        Ok(placed)
    }

    /// Whether a tree of `size` entries with this root holds the entry at its index.
    pub fn verify(&self, size: u64, root: &Hash) -> Result<(), ProofError> {
        verify_inclusion(&leaf_hash(&self.entry), self.index, size, &self.path, root)
    }
}
