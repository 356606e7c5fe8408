//! Who speaks in each entry of the range: the actor in a statement, the writer in a seal, and for which log.

use super::keys::Keys;
use super::source_keys::{SourceWord, source_word};
use crate::entry::Entry;
use crate::header::Header;
use crate::id::KeyId;
use crate::manifest::Manifest;
use crate::registry::{Purpose, Recognition, is_key_record, recognise};
use crate::seal::BatchSealEntry;
use crate::statement::Statement;
use crate::verdict::Problems;

/// What speaks against the speakers of a bundle.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    pub(crate) statements: Problems,
    pub(crate) seals: Problems,
    /// Key and index of each statement whose signature holds.
    pub(crate) signers: Vec<(KeyId, u64)>,
    /// What it says of the keys of outside sources, in order.
    pub(crate) sources: Vec<SourceWord>,
    /// Records that were sealed for another log or environment, or that must not be passed over and are not known.
    pub(crate) entries: Problems,
}

/// Checks the signature of one entry, if it has one, and that it was made for this log and is understood.
pub(crate) fn check_speaker(
    speakers: &mut Speakers,
    index: u64,
    entry: &Entry,
    manifest: &Manifest,
    keys: &Keys,
) {
    if let Some(header) = entry.header() {
        check_header(&mut speakers.entries, index, header, manifest);
    }
    match entry {
        Entry::Record(record) => speakers.sources.extend(source_word(index, &record.header)),
        // The signatures of key records are checked where the chain of keys is followed.
        Entry::Statement(statement) if is_key_record(&statement.record.header) => {}
        Entry::Statement(statement) => match check_statement(index, statement, keys) {
            Ok(()) => speakers.signers.push((statement.kid, index)),
            Err(problem) => {
                let id = statement.record.header.record_id;
                speakers.statements.broken(|| format!("entry {index}, record {id}: {problem}"));
            }
        },
        Entry::Seal(seal) => {
            if let Err(problem) = check_seal_signature(index, seal, keys) {
                speakers.seals.broken(|| problem);
            }
        }
    }
}

/// Whether a record was sealed for this log and environment, and is of a type that may be passed over or is known.
pub(crate) fn check_header(problems: &mut Problems, index: u64, header: &Header, manifest: &Manifest) {
    let place = || format!("entry {index}, record {}", header.record_id);
    if header.log != manifest.log || header.env != manifest.env {
        problems.broken(|| format!("{}: sealed for {} ({})", place(), header.log, header.env.as_str()));
    }
    if recognise(header) == Recognition::UnknownCritical {
        problems.undetermined(|| {
            format!(
                "{}: type {} version {} is critical and not known to this verifier; use a newer one",
                place(),
                header.record_type,
                header.type_version
            )
        });
    }
}

fn check_statement(index: u64, statement: &Statement, keys: &Keys) -> Result<(), String> {
    let chain = keys.chain.as_ref().ok_or("there is no genesis to take keys from")?;
    chain.check_statement(index, statement).map_err(|error| error.to_string())
}

/// Whether the writer key in force at `index` signed the seal there.
pub(crate) fn check_seal_signature(index: u64, seal: &BatchSealEntry, keys: &Keys) -> Result<(), String> {
    let key = keys.in_force(Purpose::Writer, index)?;
    if seal.kid != KeyId::of(key) {
        return Err(format!(
            "seal at entry {index}: signed by {}, which is not the writer key in force",
            seal.kid
        ));
    }
    seal.verify(key).map_err(|error| format!("seal at entry {index}: {error}"))
}
