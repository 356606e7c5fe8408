//! Tombstones: the proof that a unit was erased (`docs/formats.md` §8).
//!
//! Promises: each erased unit is one body field of an `erasure.done` record, so that showing one tombstone does not link the others.

use crate::header::{StreamName, WordError};
use crate::id::{RecordId, UnitId};
use crate::jcs::Json;
use crate::unit::Disclosure;

/// Most erased units that one `erasure.done` names: one unit full of fields.
pub const MAX_TOMBSTONES: usize = crate::unit::MAX_UNIT_FIELDS;
/// What a tombstone's field name begins with.
const PREFIX: char = 'u';

/// Name of the field that states the erasure of `unit`.
pub fn field_name(unit: &UnitId) -> String {
    format!("{PREFIX}{unit}")
}

/// The unit that a field name states to be erased.
pub fn unit_of_name(name: &str) -> Option<UnitId> {
    name.strip_prefix(PREFIX).and_then(UnitId::from_hex)
}

/// The body field that states the erasure of `unit`.
pub fn field(unit: &UnitId) -> (String, Json) {
    (field_name(unit), Json::Bool(true))
}

/// The unit whose erasure a disclosure of an `erasure.done` record states.
pub fn erased_unit(disclosure: &Disclosure) -> Option<UnitId> {
    if disclosure.value() == &Json::Bool(true) { unit_of_name(disclosure.name()) } else { None }
}

/// The stream that numbers the `erasure.done` records of one order: `erasure/<order>`.
pub fn stream_of(order: &RecordId) -> Result<StreamName, WordError> {
    StreamName::new(&format!("erasure/{order}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_names_exactly_its_unit() {
        let unit = UnitId::from_bytes([0xab; 16]);
        let (name, value) = field(&unit);
        let tombstone = Disclosure::new([1; 16], &name, value).expect("a tombstone is a field");
        assert_eq!(erased_unit(&tombstone), Some(unit), "an erased unit would count as withheld");
        let denial = Disclosure::new([1; 16], &name, Json::Bool(false)).expect("a field");
        assert_eq!(erased_unit(&denial), None, "only `true` states an erasure");
        assert_eq!(
            unit_of_name("uABABABABABABABABABABABABABABABAB"),
            None,
            "upper case would be a second name"
        );
        assert_eq!(unit_of_name("reason"), None, "another field is no tombstone");
    }
}
