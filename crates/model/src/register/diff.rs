//! What changed from one revision to the next, field by field.

use serde_json::Value;

use super::content::Content;
use super::definition::Register;

/// One field that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// Its label; the name again for what the register no longer has.
    pub label: String,
    /// Whether a change of it asks others to look again.
    pub material: bool,
    /// What stood there; none: nothing.
    pub before: Option<Value>,
    /// What stands there now; none: nothing.
    pub after: Option<Value>,
}

/// The fields in which two contents differ, in the order of the form; members that are no field of `register` come last.
pub fn changes(register: &Register, before: &Content, after: &Content) -> Vec<FieldChange> {
    let known = register.fields().map(|field| (field.name.as_str(), field.label.as_str(), field.material));
    let unknown = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let unknown = unknown.filter(|name| register.field(name).is_none());
    let all = known.chain(unknown.map(|name| (name.as_str(), name.as_str(), false)));
    all.filter(|(name, ..)| before.get(*name) != after.get(*name))
        .map(|(name, label, material)| FieldChange {
            field: name.to_owned(),
            label: label.to_owned(),
            material,
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}
