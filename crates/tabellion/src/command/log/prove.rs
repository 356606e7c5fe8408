//! Proofs of one entry, in the forms that others read.

use std::path::Path;

use clap::{Args, ValueEnum};
use tabellion_app::{CoseReceiptError, cose_receipt, transparent_statement};
use tabellion_ledger::{Clock as _, Reader, SystemClock, UnitContent};
use tabellion_model::body::is_original;
use tabellion_model::{Disclosure, KeyId, Purpose, Receipt, sd_jwt};

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
    /// An SD-JWT (RFC 9901) of the record, signed with the package key
    SdJwt,
}

/// Whose evidence a receipt takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The log's own checkpoint.
    Own,
    /// A checkpoint that witnesses cosigned.
    Witnesses,
    /// A checkpoint that anchors confirmed.
    Anchors,
}

impl Evidence {
    /// By the options, which exclude one another.
    pub(super) fn of(witnessed: bool, anchored: bool) -> Self {
        match (witnessed, anchored) {
            (true, _) => Self::Witnesses,
            (false, true) => Self::Anchors,
            (false, false) => Self::Own,
        }
    }
}

/// Which fields a proof discloses.
#[derive(Debug, Clone, Args)]
pub(crate) struct Shown {
    /// Disclose this field and none that is not named; may be given several times
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// Disclose no field
    #[arg(long, conflicts_with = "fields")]
    no_fields: bool,
}

impl Shown {
    /// Whether every field is disclosed.
    fn is_all(&self) -> bool {
        self.fields.is_empty() && !self.no_fields
    }

    /// The disclosures among `known` that were chosen; a field that is not there is named.
    fn choose(&self, index: u64, known: Vec<Disclosure>) -> Result<Vec<Disclosure>, Failure> {
        if self.is_all() {
            return Ok(known);
        }
        if let Some(missing) =
            self.fields.iter().find(|name| !known.iter().any(|field| field.name() == *name))
        {
            return Err(Failure::malformed(format!(
                "entry {index} has no field {missing:?} that can be disclosed here; tabellion log show {index} lists them"
            )));
        }
        Ok(known.into_iter().filter(|field| self.fields.iter().any(|name| name == field.name())).collect())
    }
}

/// Writes a proof of entry `index`.
pub(super) fn run(
    directory: &Directory,
    index: u64,
    format: Format,
    evidence: Evidence,
    shown: &Shown,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let reader = directory.reader()?;
    if !shown.is_all() && !matches!(format, Format::Receipt | Format::SdJwt) {
        return Err(Failure::malformed(
            "--field and --no-fields go with --format receipt or sd-jwt alone: the others disclose nothing",
        ));
    }
    if evidence != Evidence::Own && format != Format::Receipt {
        return Err(Failure::malformed(
            "--witnessed and --anchored go with receipts alone; leave out --format",
        ));
    }
    let (disk, keys) = (directory.disk()?, directory.options(false)?.keys);
    let load = |key: &KeyId| keys.load(disk.as_ref(), Purpose::Log, key);
    let bytes = match format {
        Format::Receipt => {
            let receipt = match evidence {
                Evidence::Own => reader.receipt(index)?,
                Evidence::Witnesses => reader.witnessed_receipt(index)?,
                Evidence::Anchors => reader.anchored_receipt(index)?,
            };
            redacted(receipt, shown)?
        }
        Format::SdJwt => sd_jwt(directory, &reader, index, shown)?,
        Format::TlogProof => reader.proof(index)?.to_string().into_bytes(),
        Format::Cose => {
            cose_receipt(&reader, &load, &reader.entry(index)?).map_err(|error| cannot(index, &error))?
        }
        Format::Transparent => {
            let view = reader.entry(index)?;
            transparent_statement(&reader, &load, &view).map_err(|error| match error {
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

/// The receipt with the chosen fields alone: what it proves of the record stays.
fn redacted(mut receipt: Receipt, shown: &Shown) -> Result<Vec<u8>, Failure> {
    let index = receipt.index;
    if !shown.is_all() {
        let known: Result<Vec<_>, _> =
            receipt.disclosures.iter().map(|text| Disclosure::parse(text)).collect();
        let chosen = shown.choose(index, known.map_err(|error| cannot(index, &error))?)?;
        let chosen: Vec<String> = chosen.iter().map(Disclosure::encode).collect();
        receipt.disclosures.retain(|text| chosen.contains(text));
    }
    receipt.to_bytes().map_err(|error| cannot(index, &error))
}

fn sd_jwt(directory: &Directory, reader: &Reader, index: u64, shown: &Shown) -> Result<Vec<u8>, Failure> {
    let view = reader.entry(index)?;
    let header = view.entry.header().ok_or_else(|| {
        Failure::malformed(format!("entry {index} is a seal and has no fields; name a record or statement"))
    })?;
    let known = view.units.iter().flat_map(|unit| match &unit.content {
        UnitContent::Shown(disclosures) => disclosures.clone(),
        UnitContent::Erased | UnitContent::Missing => Vec::new(),
    });
    let known = known.filter(|field| !is_original(header.record_type.as_str(), field.name()));
    let chosen = shown.choose(index, known.collect())?;
    let keys = reader.keys();
    let key = keys.in_force(Purpose::Package, reader.size());
    let key = key.ok_or_else(|| cannot(index, &"no package key is in force"))?;
    let pair = directory.key_pair(Purpose::Package, &key.key_id)?;
    let text = sd_jwt::issue(header, (index, &view.bytes), &chosen, SystemClock.now(), pair.key.as_ref())
        .map_err(|error| cannot(index, &error))?;
    Ok(format!("{text}\n").into_bytes())
}

fn cannot(index: u64, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("entry {index} cannot be proved in this form: {error}"))
}
