//! Content of an item: drafts may lack fields, but never hold a wrong one.
//!
//! Promises: the digest of a revision stands for the register, the item, the number of the revision and every value in it, so that whoever approves a
//! digest approves exactly that.

use serde_json::{Map, Value, json};
use tabellion_tlog::{Hash, sha256};

use super::definition::Register;
use crate::{ItemId, JcsError, to_jcs};

/// Largest canonical JSON of one content: a quarter of what one record may have.
pub const MAX_CONTENT_BYTES: usize = 256 << 10;

/// Most members that are no field and are named: whoever sends more has not read the form.
const MAX_UNKNOWN: usize = 20;

/// What an item says: a value for each field that is filled in.
pub type Content = Map<String, Value>;

/// One field that cannot stay as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The field, or the member that is none.
    pub field: String,
    /// Its label; the name again for what is no field.
    pub label: String,
    /// What is wrong, as a sentence.
    pub sentence: String,
}

/// What a content is worth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// What is wrong, in the order of the form. With any of these the content is refused, even as a draft.
    pub faults: Vec<FieldFault>,
    /// Names of required fields that are not filled in, in the order of the form. With any of these it stays a draft.
    pub missing: Vec<String>,
}

impl Checked {
    /// Whether it can be saved.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether it can be put before an approver.
    pub fn is_complete(&self) -> bool {
        self.is_sound() && self.missing.is_empty()
    }
}

impl Register {
    /// Judges a content.
    pub fn check(&self, content: &Content) -> Checked {
        let mut checked = Checked::default();
        for field in self.fields() {
            match content.get(&field.name) {
                None if field.required => checked.missing.push(field.name.clone()),
                None => {}
                Some(value) => checked.faults.extend(field.fault(value).map(|sentence| FieldFault {
                    field: field.name.clone(),
                    label: field.label.clone(),
                    sentence,
                })),
            }
        }
        let unknown = content.keys().filter(|name| self.field(name).is_none());
        checked.faults.extend(unknown.take(MAX_UNKNOWN).map(|name| {
            let name: String = name.chars().take(80).collect();
            FieldFault {
                label: name.clone(),
                field: name,
                sentence: "the register has no such field".to_owned(),
            }
        }));
        let size = serde_json::to_vec(content).map_or(usize::MAX, |bytes| bytes.len());
        if size > MAX_CONTENT_BYTES {
            checked.faults.push(FieldFault {
                field: String::new(),
                label: self.item.clone(),
                sentence: format!("it has {size} bytes; at most {MAX_CONTENT_BYTES} are possible"),
            });
        }
        checked
    }

    /// Sections that lack any of `missing`, by name, in the order of the form.
    pub fn incomplete_sections(&self, missing: &[String]) -> Vec<String> {
        let lacks = |name: &String| missing.contains(name);
        let sections =
            self.sections.iter().filter(|section| section.fields.iter().any(|field| lacks(&field.name)));
        sections.map(|section| section.name.clone()).collect()
    }
}

/// SHA-256 over the canonical JSON of `{"content", "item", "register", "revision"}`.
pub fn content_digest(
    register: &str,
    item: &ItemId,
    revision: u64,
    content: &Content,
) -> Result<Hash, JcsError> {
    let whole =
        json!({"register": register, "item": item.to_hex(), "revision": revision, "content": content});
    Ok(sha256(&to_jcs(&whole)?))
}
