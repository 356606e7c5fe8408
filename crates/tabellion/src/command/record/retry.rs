//! A retry of a file's record under the same idempotency key.
//!
//! A statement is sealed anew on each try, so its bytes differ; whether it says the same is compared here, field by field, with what the log
//! kept. Must never: call a different request the same.

use std::collections::BTreeMap;

use serde_json::Value;
use tabellion_model::{Disclosure, Entry, Receipt};

use super::Common;
use super::file::FileFacts;
use crate::failure::Failure;
use crate::request::{Answer, Appended, Request};
use crate::writer::{Writer, unexpected};

/// The record at `index`, when it says of `file` what would be said now.
pub(super) fn same(
    writer: &mut Writer,
    index: u64,
    common: &Common,
    subject: Option<&str>,
    file: &FileFacts,
) -> Result<Appended, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::failed(format!(
            "entry {index}, recorded under this idempotency key, cannot be compared: {error}; run tabellion fsck"
        ))
    };
    let receipt = Receipt::parse(writer.receipt(index)?.as_bytes()).map_err(|error| unreadable(&error))?;
    let entry = Entry::parse(&receipt.entry).map_err(|error| unreadable(&error))?;
    let header = entry.header().ok_or_else(|| unreadable(&"it is a seal"))?;
    let disclosures: Vec<Disclosure> = receipt
        .disclosures
        .iter()
        .map(|text| Disclosure::parse(text))
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&error))?;
    if disclosures.is_empty() && !header.units.is_empty() {
        return Err(Failure::failed(format!(
            "the idempotency key belongs to entry {index}, whose content is erased; use a new key for a new record [idempotency_erased]"
        )));
    }
    let recorded: BTreeMap<&str, &Value> =
        disclosures.iter().map(|shown| (shown.name(), shown.value())).collect();
    let fields = file.fields();
    let now: BTreeMap<&str, &Value> = fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let same_header =
        header.record_type == common.record_type && header.system.map(|(system, _)| system) == common.system;
    let same_subject = match writer.ask(&Request::IsAbout { index, subject: subject.map(str::to_owned) })? {
        Answer::IsAbout { same } => same,
        other => return Err(unexpected(&other)),
    };
    if !(same_header && same_subject) || recorded != now {
        return Err(Failure::failed(format!(
            "the idempotency key was used for another request (entry {index}); nothing was recorded. Use a new key for a new record \
             [idempotency_conflict]"
        )));
    }
    let size = tabellion_tlog::SignedCheckpoint::parse(receipt.checkpoint.as_bytes())
        .map_err(|error| unreadable(&error))?
        .checkpoint
        .size;
    Ok(Appended { index, record_id: header.record_id.to_hex(), size, duplicate: true })
}
