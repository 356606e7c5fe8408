//! Proofs of one entry, in the forms that others read.

use std::path::Path;

use clap::ValueEnum;
use tabellion_app::{CoseReceiptError, cose_receipt, transparent_statement};

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
        Format::Cose => cose_receipt(&reader, directory.disk()?.as_ref(), &reader.entry(index)?)
            .map_err(|error| cannot(index, &error))?,
        Format::Transparent => {
            let view = reader.entry(index)?;
            transparent_statement(&reader, directory.disk()?.as_ref(), &view).map_err(|error| match error {
                CoseReceiptError::NotAStatement(_) => Failure::malformed(format!(
                    "entry {index} is not a statement, so it cannot become a transparent statement; ask for --format receipt or cose"
                )),
                other => cannot(index, &other),
            })?
        }
    };
    match out {
        Some(path) => files::write_whole(path, &bytes),
        None => terminal::bytes(&bytes),
    }
}

fn cannot(index: u64, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("entry {index} cannot be proved in this form: {error}"))
}
