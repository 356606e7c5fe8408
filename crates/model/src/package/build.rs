//! Writing a package (formats §11): pure, in one pass over the entries, the same bytes for the same input.
//!
//! The manifest is counted by [`super::fold`], which the verifier uses too. Refuses to write what the verifier would refuse to
//! count: a disclosure or tombstone that does not belong, numbers with a hole, a range that is not there. It does not check
//! signatures; verify the package afterwards.

use std::borrow::Cow;
use std::io::Write;

use tabellion_tlog::{
    CoseError, Hash, NodeSource, Protected, ProveError, SignedCheckpoint, Signer, decompose, inclusion_path,
    push_entry, sha256, sign1,
};

use super::check::MANIFEST_CONTENT_TYPE;
use super::container::{
    BUNDLE_ENTRIES, FRAMEWORK_FILES, MAX_ANCHOR_FILES, anchor_name, disclosures_name, entries_name,
};
use super::fold::{BundleInput, claims_of, fold_bundle};
use super::lines::{ErasedUnit, Line, ShownSource, ShownUnit, write_lines};
use super::numbers::RangeNumbers;
use super::proof::{RangeProof, RangeProofError};
use crate::anchor::AnchorFile;
use crate::header::Env;
use crate::jcs::JcsError;
use crate::manifest::{DisclosurePolicy, FileRow, Manifest, ManifestError, Period, RangeSummary, is_label};
use crate::number::Coverage;
use crate::origin::Origin;
use crate::placed::PlacedEntry;
use crate::source::SourceLedger;
use crate::verdict::Problems;
use crate::zip::{ZipWriteError, ZipWriter};

/// The contents of [`FRAMEWORK_FILES`], in their order.
pub type FrameworkContents = [Vec<u8>; FRAMEWORK_FILES.len()];

/// Everything that goes into a package besides its entries.
pub struct PackageInput<'a> {
    /// The log.
    pub log: Origin,
    /// Its environment.
    pub env: Env,
    /// Leaf hash of its entry 0.
    pub genesis: Hash,
    /// Number of key records in the tree that the checkpoint names.
    pub keys: u64,
    /// The signed checkpoint, whole.
    pub checkpoint: &'a str,
    /// Index of the first entry; the range is whole batches.
    pub first: u64,
    /// Number of entries; may be zero when no batch falls into the period.
    pub count: u64,
    /// The period that was asked for.
    pub period: Option<Period>,
    /// The framework label that was asked for.
    pub framework: Option<&'a str>,
    /// What the exporter chose to show; `shown` is the result of that choice.
    pub disclosure: DisclosurePolicy,
    /// What is shown.
    pub shown: &'a dyn ShownSource,
    /// Which units are proved erased, ascending by (index, unit).
    pub erased: &'a [ErasedUnit],
    /// Evidence of outside times, at most [`MAX_ANCHOR_FILES`].
    pub anchors: &'a [AnchorFile],
    /// Places the range in the tree; see [`range_proof`].
    pub proof: &'a RangeProof,
    /// `VERIFY.txt`.
    pub verify_txt: &'a str,
    /// The browser verifier.
    pub verify_html: &'a [u8],
    /// Writes the readable report from the counted manifest (whose `files` does not list the report yet).
    pub report_html: &'a dyn Fn(&Manifest) -> Vec<u8>,
    /// Writes the files about the framework from the counted manifest (whose `files` is empty yet), in the order of [`FRAMEWORK_FILES`]; none: there
    /// are none.
    pub framework_files: Option<&'a dyn Fn(&Manifest) -> FrameworkContents>,
    /// Name and version of the exporter.
    pub software: &'a str,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct WrittenPackage {
    /// The manifest.
    pub manifest: Manifest,
    /// SHA-256 of `manifest.json`, which a `package.exported` record names.
    pub manifest_sha256: Hash,
}

/// Why a package could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PackageWriteError {
    /// The parts contradict each other.
    #[error("the package would not verify: {0}")]
    Inconsistent(String),
    /// The entries could not be read.
    #[error("reading entry {index}: {source}")]
    Entries {
        /// Index of the entry.
        index: u64,
        /// What the source said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is shown could not be read.
    #[error("reading what is shown of the entries from {begin}: {source}")]
    Shown {
        /// Index of the first entry that was asked for.
        begin: u64,
        /// What the source said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The container could not be written.
    #[error(transparent)]
    Zip(#[from] ZipWriteError),
    /// The manifest could not be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The proof could not be written.
    #[error(transparent)]
    Proof(#[from] RangeProofError),
    /// A line could not be written.
    #[error("a disclosure, erasure or anchor cannot be written: {0}")]
    Line(#[from] JcsError),
    /// The package key could not sign.
    #[error("signing the manifest: {0}")]
    Signer(#[from] CoseError),
}

/// Writes a package to `out` and returns its manifest.
///
/// `entries` yields exactly `count` entries, from index `first` on. Holds one bundle of entries at a time.
pub fn write_package<W, I, E, S>(
    input: &PackageInput<'_>,
    entries: I,
    signer: &dyn Signer,
    out: W,
) -> Result<WrittenPackage, PackageWriteError>
where
    W: Write,
    I: IntoIterator<Item = Result<E, S>>,
    E: AsRef<[u8]>,
    S: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut manifest = planned_manifest(input)?;
    let mut files = Files { zip: ZipWriter::new(out), rows: Vec::new() };
    files.add("VERIFY.txt", input.verify_txt.as_bytes())?;
    for (number, anchor) in (0..).zip(input.anchors) {
        files.add(&anchor_name(number), &anchor.to_bytes()?)?;
    }
    files.add("checkpoint", input.checkpoint.as_bytes())?;
    write_disclosures(input, &mut files)?;
    manifest.summary = write_entries(input, entries.into_iter(), &mut files)?;
    files.add("erasures.jsonl", &write_lines(input.erased)?)?;
    if let Some(write) = input.framework_files {
        for ((name, _), content) in FRAMEWORK_FILES.iter().zip(write(&manifest)) {
            files.add(name, &content)?;
        }
    }
    let proof = input.proof.to_bytes()?;
    let mut rows = files.rows.clone();
    rows.push(row("proof.json", &proof));
    rows.push(row("verify.html", input.verify_html));
    manifest.files.clone_from(&rows);
    let report = (input.report_html)(&manifest);
    rows.push(row("report.html", &report));
    rows.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    manifest.files = rows;
    let bytes = manifest.to_bytes()?;
    files.add("manifest.cose", &sign_manifest(&bytes, signer)?)?;
    files.add("manifest.json", &bytes)?;
    files.add("proof.json", &proof)?;
    files.add("report.html", &report)?;
    files.add("verify.html", input.verify_html)?;
    files.zip.finish()?;
    Ok(WrittenPackage { manifest, manifest_sha256: sha256(&bytes) })
}

/// The bytes of `manifest.cose` for these bytes of `manifest.json`.
pub fn sign_manifest(manifest: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, PackageWriteError> {
    let protected = Protected {
        content_type: Some(MANIFEST_CONTENT_TYPE.to_owned()),
        kid: Some(*signer.public().key_id().as_bytes()),
        ..Protected::default()
    };
    Ok(sign1(&protected, manifest, false, signer)?.encode())
}

/// Builds the proof of a range: the sides from perfect subtrees, and the paths of the extra entries.
///
/// `extra` holds (index, entry) of every entry outside the range that formats §11.2 asks for, ascending.
pub fn range_proof<S: NodeSource>(
    first: u64,
    count: u64,
    size: u64,
    source: &S,
    extra: Vec<(u64, Vec<u8>)>,
) -> Result<RangeProof, ProveError<S::Error>> {
    let roots = |begin, end| {
        let nodes = decompose(begin, end).into_iter().map(|(level, index)| source.node(level, index));
        nodes.collect::<Result<Vec<_>, _>>().map_err(ProveError::Source)
    };
    let extra = extra
        .into_iter()
        .map(|(index, entry)| Ok(PlacedEntry { entry, index, path: inclusion_path(index, size, source)? }))
        .collect::<Result<Vec<_>, ProveError<S::Error>>>()?;
    Ok(RangeProof { extra, left: roots(0, first)?, right: roots(first.saturating_add(count), size)? })
}

struct Files<W: Write> {
    zip: ZipWriter<W>,
    rows: Vec<FileRow>,
}

impl<W: Write> Files<W> {
    fn add(&mut self, name: &str, content: &[u8]) -> Result<(), ZipWriteError> {
        self.rows.push(row(name, content));
        self.zip.add(name, content)
    }
}

fn row(name: &str, content: &[u8]) -> FileRow {
    FileRow { path: name.to_owned(), sha256: sha256(content), size: content.len() as u64 }
}

fn inconsistent(text: impl Into<String>) -> PackageWriteError {
    PackageWriteError::Inconsistent(text.into())
}

fn refuse(problems: &Problems) -> Result<(), PackageWriteError> {
    problems.summary().map_or(Ok(()), |(_, text)| Err(inconsistent(text)))
}

/// The manifest as far as it is known before the entries are read.
fn planned_manifest(input: &PackageInput<'_>) -> Result<Manifest, PackageWriteError> {
    let checkpoint = SignedCheckpoint::parse(input.checkpoint.as_bytes())
        .map_err(|error| inconsistent(format!("the checkpoint cannot be read: {error}")))?
        .checkpoint;
    if checkpoint.origin != input.log.as_str() {
        return Err(inconsistent(format!(
            "the checkpoint is of {}, the package of {}",
            checkpoint.origin, input.log
        )));
    }
    let end = input.first.checked_add(input.count);
    if end.is_none_or(|end| end > checkpoint.size) {
        return Err(inconsistent("the range ends after the tree"));
    }
    if ![Some(input.software), input.framework].into_iter().flatten().all(is_label) {
        return Err(inconsistent(
            "the framework or software label is not 1 to 128 printable ASCII characters",
        ));
    }
    if input.anchors.len() > MAX_ANCHOR_FILES {
        return Err(inconsistent("there are more anchors than a package may have"));
    }
    if !is_ascending(input.erased) {
        return Err(inconsistent("the erasures are not ascending by index and unit"));
    }
    let end = end.unwrap_or(input.first);
    let range = input.first..end;
    let outside = [(0, input.first), (end, u64::MAX)];
    let shown =
        outside.into_iter().map(|(begin, end)| ask(input, begin, end)).collect::<Result<Vec<_>, _>>()?;
    let mut indexes = shown
        .iter()
        .flat_map(|lines| lines.iter())
        .map(|line| line.index)
        .chain(input.erased.iter().map(|line| line.index));
    if let Some(index) = indexes.find(|index| !range.contains(index)) {
        return Err(inconsistent(format!(
            "entry {index} has a disclosure or erasure and is not in the range"
        )));
    }
    Ok(Manifest {
        tenant: input.log.tenant().to_owned(),
        log: input.log.clone(),
        env: input.env,
        genesis: input.genesis,
        size: checkpoint.size,
        first: input.first,
        count: input.count,
        period: input.period,
        framework: input.framework.map(str::to_owned),
        disclosure: input.disclosure,
        keys: input.keys,
        summary: RangeSummary::default(),
        files: Vec::new(),
        software: input.software.to_owned(),
    })
}

fn is_ascending<L: Line>(lines: &[L]) -> bool {
    lines.is_sorted_by(|a, b| a.key() < b.key())
}

/// What is shown of the entries `begin … end − 1`, refused when it is about others or out of order.
fn ask<'a>(
    input: &PackageInput<'a>,
    begin: u64,
    end: u64,
) -> Result<Cow<'a, [ShownUnit]>, PackageWriteError> {
    let lines = input.shown.shown(begin, end).map_err(|source| PackageWriteError::Shown { begin, source })?;
    if !is_ascending(&lines) || lines.iter().any(|line| !(begin..end).contains(&line.index)) {
        return Err(inconsistent(format!(
            "the disclosures of the entries {begin} to {end} are out of order or about others"
        )));
    }
    Ok(lines)
}

/// What is shown of bundle `number`.
fn shown_in<'a>(input: &PackageInput<'a>, number: u64) -> Result<Cow<'a, [ShownUnit]>, PackageWriteError> {
    let begin = input.first.saturating_add(number.saturating_mul(BUNDLE_ENTRIES));
    let end = begin.saturating_add(BUNDLE_ENTRIES).min(input.first.saturating_add(input.count));
    ask(input, begin, end)
}

fn write_disclosures<W: Write>(
    input: &PackageInput<'_>,
    files: &mut Files<W>,
) -> Result<(), PackageWriteError> {
    for number in 0..input.count.div_ceil(BUNDLE_ENTRIES) {
        let lines = shown_in(input, number)?;
        if !lines.is_empty() {
            files.add(&disclosures_name(number), &write_lines(&lines)?)?;
        }
    }
    Ok(())
}

fn write_entries<W, E, S>(
    input: &PackageInput<'_>,
    mut entries: impl Iterator<Item = Result<E, S>>,
    files: &mut Files<W>,
) -> Result<RangeSummary, PackageWriteError>
where
    W: Write,
    E: AsRef<[u8]>,
    S: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let claims = claims_of(input.erased);
    let mut summary = RangeSummary::default();
    let mut numbers = RangeNumbers::from(input.first);
    let mut sources = SourceLedger::new(Coverage::from_first(input.first));
    for number in 0..input.count.div_ceil(BUNDLE_ENTRIES) {
        let first = input.first + number * BUNDLE_ENTRIES;
        let needed = BUNDLE_ENTRIES.min(input.first + input.count - first);
        let (mut held, mut bundle) = (Vec::new(), Vec::new());
        for index in first..first + needed {
            let entry = entries.next().ok_or_else(|| inconsistent(format!("entry {index} is not there")))?;
            let entry =
                entry.map_err(|source| PackageWriteError::Entries { index, source: source.into() })?;
            push_entry(&mut bundle, entry.as_ref())
                .map_err(|error| inconsistent(format!("entry {index}: {error}")))?;
            held.push(entry);
        }
        let entries: Vec<&[u8]> = held.iter().map(AsRef::as_ref).collect();
        let name = disclosures_name(number);
        let shown = shown_in(input, number)?;
        let bundle_input = BundleInput {
            disclosures_file: &name,
            first,
            entries: &entries,
            shown: &shown,
            erased: input.erased,
            claims: &claims,
        };
        let fold = fold_bundle(&bundle_input, |_, _| {});
        for problems in [&fold.entries, &fold.disclosures, &fold.erasures] {
            refuse(problems)?;
        }
        for (index, header) in &fold.headers {
            numbers.observe(*index, header);
        }
        summary.totals.add(&fold.totals);
        summary.add_types(fold.types);
        sources.absorb(fold.sources);
        files.add(&entries_name(number), &bundle)?;
    }
    if entries.next().is_some() {
        return Err(inconsistent("there are more entries than the range has"));
    }
    refuse(&numbers.problems)?;
    summary.epochs = numbers.rows();
    summary.sources = sources.rows();
    Ok(summary)
}
