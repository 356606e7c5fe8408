//! The vault: content's keys in a small durable table, and the cipher that uses them once each (docs/formats.md §13.3).
//!
//! Promises: a key that was made durable survives; a destroyed key never comes back; one unit's key opens no other unit. Must never:
//! write a subject's name, or a key in the clear, anywhere.

mod cipher;
mod extent;
mod moving;
mod scope;
mod slot;
mod table;
mod wrapping;

pub(crate) use cipher::{TAG_BYTES, decrypt_plain, decrypt_unit, encrypt_from, encrypt_unit};
pub(crate) use extent::VaultExtent;
pub(crate) use scope::{
    CallTag, EVIDENCE_CLASS, KeyFilter, KeyScope, RetentionClass, SubjectTag, call_tag, subject_tag,
};
pub(crate) use slot::SLOT;
pub(crate) use table::{Found, KeyTable, TABLE_PATH, TableOf, VAULT_DIR};
pub(crate) use wrapping::{MasterKey, MasterKeys, Phase, WRAPPING_PATH};

#[cfg(test)]
mod tests;
