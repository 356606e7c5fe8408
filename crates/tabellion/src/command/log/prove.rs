//! Proofs of one entry, in the forms that others read.

use std::path::Path;

use clap::ValueEnum;
use tabellion_ledger::Reader;
use tabellion_model::{Entry, Purpose};
use tabellion_tlog::{CoseReceipt, InclusionProof, attach_receipts};

use crate::directory::Directory;
use crate::failure::Failure;
use crate::{files, terminal};

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Everything the verifier needs: entry, disclosures, seal, keys, proof (docs/formats.md §9)
    Receipt,
    /// The plain C2SP inclusion proof
    TlogProof,
    /// A COSE Receipt (RFC 9942)
    Cose,
    /// A transparent statement (RFC 9943): the statement with a COSE Receipt inside; for statements only
    Transparent,
}

/// Writes a proof of entry `index`.
pub(super) fn run(
    directory: &Directory,
    index: u64,
    format: Format,
    witnessed: bool,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let reader = directory.reader()?;
    if witnessed && format != Format::Receipt {
        return Err(Failure::malformed("--witnessed goes with receipts alone; leave out --format"));
    }
    let bytes = match format {
        Format::Receipt if witnessed => {
            reader.witnessed_receipt(index)?.to_bytes().map_err(|error| cannot(index, &error))?
        }
        Format::Receipt => reader.receipt(index)?.to_bytes().map_err(|error| cannot(index, &error))?,
        Format::TlogProof => reader.proof(index)?.to_string().into_bytes(),
        Format::Cose => cose(directory, &reader, index)?,
        Format::Transparent => {
            let view = reader.entry(index)?;
            if !matches!(view.entry, Entry::Statement(_)) {
                return Err(Failure::malformed(format!(
                    "entry {index} is not a statement, so it cannot become a transparent statement; ask for --format receipt or cose"
                )));
            }
            let receipt = cose(directory, &reader, index)?;
            attach_receipts(&view.bytes, &[receipt]).map_err(|error| cannot(index, &error))?
        }
    };
    match out {
        Some(path) => files::write_whole(path, &bytes),
        None => terminal::bytes(&bytes),
    }
}

/// Issues a COSE Receipt at the newest size, whose root the log key in force has signed as a checkpoint.
fn cose(directory: &Directory, reader: &Reader, index: u64) -> Result<Vec<u8>, Failure> {
    let size = reader.size();
    let keys = reader.keys();
    let key = keys.in_force(Purpose::Log, size).ok_or_else(|| cannot(index, &"no log key is in force"))?;
    let pair = directory.key_pair(Purpose::Log, &key.key_id)?;
    let header = reader.entry(index)?;
    let subject =
        header.entry.header().map_or_else(|| format!("entry{index}"), |header| header.record_id.to_hex());
    let (root, path) = (reader.root_at(size)?, reader.inclusion(index, size)?);
    let proof = InclusionProof { size, index, path };
    CoseReceipt::issue(&root, &proof, reader.origin().as_str(), &subject, pair.key.as_ref())
        .map_err(|error| cannot(index, &error))
}

fn cannot(index: u64, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("entry {index} cannot be proved in this form: {error}"))
}
