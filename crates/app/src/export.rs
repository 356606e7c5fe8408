//! `export`: a range of a log as one evidence package (`docs/formats.md` §11).
//!
//! Promises: the same bytes for the same request, size and vault; no wall clock in them; whole batches only; nothing disclosed that the request's
//! policy does not name. Reads the entries bundle by bundle and holds no more of them.

mod anchors;
mod bundles;
mod framework;
mod proof;
mod span;
mod survey;

use std::cell::RefCell;
use std::io::Write;

use tabellion_ledger::keyring::KeyPair;
use tabellion_ledger::{LedgerError, Reader};
use tabellion_model::catalogue::Reference;
use tabellion_model::package::{FrameworkContents, PackageInput, PackageWriteError, write_package};
use tabellion_model::{
    AnchorFile, DisclosurePolicy, Entry, EntryError, KeyChain, KeyError, KeyId, Manifest, Micros, Period,
    Purpose, SystemId, Totals, is_label,
};
use tabellion_tlog::{CheckpointError, Hash, SignedCheckpoint, VerifierKeyError};

use crate::instructions;
use crate::report;
use bundles::Bundles;
pub(crate) use framework::{Framework, NOTE as FRAMEWORK_NOTE};
pub(crate) use span::Span;
use span::{Gap, choose};
use survey::survey;
pub(crate) use survey::{Survey, shown};

/// The browser verifier that travels in every package, as it is built from `web/`.
pub(crate) const VERIFY_HTML: &[u8] = include_bytes!("../assets/verify.html");
/// Name and version in the manifest and the report.
const SOFTWARE: &str = concat!("tabellion ", env!("CARGO_PKG_VERSION"));

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// Commit times: from (inside) and to (the first time outside). Absent: everything from the beginning.
    pub period: Option<(Micros, Micros)>,
    /// Log size whose checkpoint the package proves against. Absent: the newest.
    pub at: Option<u64>,
    /// A label for the reader, 1 to 128 printable ASCII characters. It selects no records. With `iso42001` the package also says how clauses and
    /// controls stood, when its disclosure lets content of all systems be shown.
    pub framework: Option<String>,
    /// Clauses and controls that it says that of; empty: all of them. It selects no records either, so that nothing needed can be left out.
    pub references: Vec<Reference>,
    /// Whose content is shown.
    pub disclosure: DisclosurePolicy,
    /// Shows the content of this system's records only; every entry is in the package all the same. Absent: of all records.
    pub content_of: Option<SystemId>,
}

impl ExportRequest {
    /// Everything up to the newest checkpoint, under `disclosure`.
    pub fn everything(disclosure: DisclosurePolicy) -> Self {
        Self { period: None, at: None, framework: None, references: Vec::new(), disclosure, content_of: None }
    }
}

/// What was written: what a `package.exported` record and the operator's answer need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Index of the first entry.
    pub first: u64,
    /// Number of entries.
    pub count: u64,
    /// Size of the checkpoint.
    pub size: u64,
    /// SHA-256 of `manifest.json`.
    pub manifest_sha256: Hash,
    /// Entries, records, statements and seals; units shown, withheld and erased.
    pub totals: Totals,
    /// Commit time of the first batch.
    pub first_commit: Micros,
    /// Commit time of the last batch.
    pub last_commit: Micros,
    /// Units shown that are about a data subject.
    pub shown_personal: u64,
    /// Whether the files about the framework are inside.
    pub has_framework: bool,
    /// Evidence of anchors that is not inside, because its files are damaged; each with its file and the way out.
    pub left_out: Vec<String>,
}

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log could not be read, or there is no checkpoint of the size asked for.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A period that ends before it begins.
    #[error(
        "the period ends at {to}, which is not after its beginning {from}; name the first time outside as its end"
    )]
    Backwards {
        /// First time inside.
        from: Micros,
        /// First time outside.
        to: Micros,
    },
    /// A period in which nothing was committed.
    #[error(
        "nothing was committed from {from} to {to} as of size {size}; {nearest}. Choose a period that holds a commit"
    )]
    Empty {
        /// First time inside.
        from: Micros,
        /// First time outside.
        to: Micros,
        /// Size looked at.
        size: u64,
        /// The commits before and after, in words.
        nearest: Gap,
    },
    /// A label that does not fit on one line.
    #[error("the framework label has to be 1 to 128 printable ASCII characters")]
    Label,
    /// No package key is in force.
    #[error(
        "no package key is in force at size {size}; grant one with the root key (tabellion key), and export a later size"
    )]
    NoPackageKey {
        /// Size of the checkpoint.
        size: u64,
    },
    /// The key given is not the one in force.
    #[error(
        "a package of size {size} has to be signed by the package key in force there, {needed}; the key given is {given}"
    )]
    PackageKey {
        /// Size of the checkpoint.
        size: u64,
        /// The key in force.
        needed: KeyId,
        /// The key given.
        given: KeyId,
    },
    /// The log contradicts itself: `tabellion fsck` says more.
    #[error("the log contradicts itself: {0}. Run tabellion fsck before exporting")]
    Inconsistent(String),
    /// A page could not be filled in.
    #[error("{page} could not be written: {source}")]
    Page {
        /// Which file of the package.
        page: &'static str,
        /// What the template said.
        source: askama::Error,
    },
    /// The destination refused, or the package is too large.
    #[error(transparent)]
    Write(#[from] PackageWriteError),
}

impl From<KeyError> for ExportError {
    fn from(error: KeyError) -> Self {
        Self::Inconsistent(format!("its key records do not follow each other: {error}"))
    }
}

impl From<CheckpointError> for ExportError {
    fn from(error: CheckpointError) -> Self {
        Self::Inconsistent(format!("its checkpoint cannot be read: {error}"))
    }
}

impl From<EntryError> for ExportError {
    fn from(error: EntryError) -> Self {
        Self::Inconsistent(format!("an entry cannot be read: {error}"))
    }
}

impl From<VerifierKeyError> for ExportError {
    fn from(error: VerifierKeyError) -> Self {
        Self::Inconsistent(format!("a key cannot be named: {error}"))
    }
}

/// One export under way: what every part of the package is made from.
pub(crate) struct Subject<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) request: &'a ExportRequest,
    pub(crate) span: Span,
    /// The keys as of the checkpoint; later key records are not in it.
    pub(crate) chain: KeyChain,
    pub(crate) checkpoint: SignedCheckpoint,
}

/// Id of the package key that has to sign a package of size `at` (absent: the newest).
pub fn package_key_at(reader: &Reader, at: Option<u64>) -> Result<KeyId, ExportError> {
    let size = at.unwrap_or_else(|| reader.size());
    // Of a size that was never signed there is no key to speak of.
    reader.checkpoint_at(size)?;
    let chain = chain_at(reader, size)?;
    chain.in_force(Purpose::Package, size).map(|key| key.key_id).ok_or(ExportError::NoPackageKey { size })
}

/// What a package would hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Index of the first entry.
    pub first: u64,
    /// Entries, every one of the period's commits.
    pub count: u64,
    /// Commits.
    pub commits: u64,
    /// Commit time of the first.
    pub first_commit: Micros,
    /// Commit time of the last.
    pub last_commit: Micros,
    /// Units whose content would be shown, withheld, and erased; `None` above [`MAX_COUNTED`] entries, where counting them takes as long as building.
    pub units: Option<Units>,
    /// Whether the files about the framework would be inside.
    pub has_framework: bool,
}

/// Units of content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    /// Shown.
    pub shown: u64,
    /// Of these, about a data subject.
    pub shown_personal: u64,
    /// Withheld by the request.
    pub withheld: u64,
    /// Erased.
    pub erased: u64,
}

/// Most entries that are read to count their units.
pub const MAX_COUNTED: u64 = 5_000;

/// Counts what a package of `size` would hold.
pub(crate) fn surveyed(reader: &Reader, request: &ExportRequest, size: u64) -> Result<Surveyed, ExportError> {
    let chosen = choose(reader, request.period, size)?;
    let mut surveyed = Surveyed {
        first: chosen.first.first,
        count: chosen.last.size - chosen.first.first,
        commits: chosen.commits.end - chosen.commits.start,
        first_commit: chosen.first.committed_at,
        last_commit: chosen.last.committed_at,
        units: None,
        has_framework: framework::wanted(request),
    };
    if surveyed.count <= MAX_COUNTED {
        let mut units = Units::default();
        reader.entries(surveyed.first, chosen.last.size, |view| {
            survey::count(&view, request, &mut units);
            Ok(())
        })?;
        surveyed.units = Some(units);
    }
    Ok(surveyed)
}

/// Writes the package that `request` asks for to `out`, signed by `package_key`.
///
/// Nothing is recorded in the log; the caller appends `package.exported` if it wants the export on record. After an error `out` holds a
/// part of a file that no verifier accepts.
pub fn export(
    reader: &Reader,
    package_key: &KeyPair,
    request: &ExportRequest,
    out: &mut dyn Write,
) -> Result<Exported, ExportError> {
    if !request.framework.as_deref().is_none_or(is_label) {
        return Err(ExportError::Label);
    }
    let size = request.at.unwrap_or_else(|| reader.size());
    let checkpoint = SignedCheckpoint::parse(reader.cosigned_at(size)?.as_bytes())?;
    let chain = chain_at(reader, size)?;
    check_package_key(&chain, package_key, size)?;
    let span = choose(reader, request.period, size)?.span(reader)?;
    let subject = Subject { reader, request, span, chain, checkpoint };
    let survey = survey(&subject)?;
    let (anchors, left_out) = anchors::of(&subject)?;
    let written = write(&subject, &survey, &anchors, package_key, out)?;
    Ok(Exported {
        first: subject.span.first,
        count: subject.span.count,
        size,
        manifest_sha256: written.manifest_sha256,
        totals: written.manifest.summary.totals,
        first_commit: subject.span.first_commit(),
        last_commit: subject.span.last_commit(),
        shown_personal: survey.shown_personal,
        has_framework: framework::wanted(request),
        left_out,
    })
}

fn write(
    subject: &Subject<'_>,
    survey: &Survey,
    anchors: &[AnchorFile],
    package_key: &KeyPair,
    out: &mut dyn Write,
) -> Result<tabellion_model::package::WrittenPackage, ExportError> {
    let proof = proof::range_proof(subject, survey)?;
    let verify_txt = instructions::write(subject)?;
    let framework = framework::framework(subject)?;
    let page = report::prepare(subject, survey, framework.as_ref())?;
    let failed = RefCell::new(None);
    let unwritten = RefCell::new(None);
    let framework_files =
        |manifest: &Manifest| match framework.as_ref().map(|framework| framework.files(manifest)) {
            Some(Ok(files)) => files,
            Some(Err(error)) => {
                unwritten.replace(Some(error));
                FrameworkContents::default()
            }
            None => FrameworkContents::default(),
        };
    let report_html = |manifest: &Manifest| match page.render(manifest) {
        Ok(html) => html.into_bytes(),
        Err(error) => {
            // The builder cannot be told; what it writes from here on is thrown away with the error below.
            failed.replace(Some(error));
            Vec::new()
        }
    };
    let span = &subject.span;
    let bundles = Bundles::of(subject, survey);
    let input = PackageInput {
        log: subject.chain.origin().clone(),
        env: subject.chain.env(),
        genesis: *subject.chain.genesis_hash(),
        keys: subject.chain.version(),
        checkpoint: &subject.checkpoint.bytes,
        first: span.first,
        count: span.count,
        period: subject.request.period.map(|(from, to)| Period { from, to }),
        framework: subject.request.framework.as_deref(),
        disclosure: subject.request.disclosure,
        shown: &bundles,
        erased: &survey.erased,
        anchors,
        proof: &proof,
        verify_txt: &verify_txt,
        verify_html: VERIFY_HTML,
        report_html: &report_html,
        framework_files: framework.is_some().then_some(&framework_files),
        software: SOFTWARE,
    };
    let written = write_package(&input, bundles.entries(), package_key.key.as_ref(), out)?;
    if let Some(error) = unwritten.take() {
        return Err(error);
    }
    match failed.take() {
        Some(source) => Err(ExportError::Page { page: "report.html", source }),
        None => Ok(written),
    }
}

/// The keys of the log as of `size`.
fn chain_at(reader: &Reader, size: u64) -> Result<KeyChain, ExportError> {
    let mut indexes = reader.key_records(size).into_iter();
    let first = indexes.next().ok_or_else(|| ExportError::Inconsistent("it has no genesis".to_owned()))?;
    let mut chain = KeyChain::genesis(&reader.entry(first)?.bytes)?;
    for index in indexes {
        match reader.entry(index)?.entry {
            Entry::Statement(statement) => chain.apply(index, &statement)?,
            Entry::Record(_) | Entry::Seal(_) => {
                return Err(ExportError::Inconsistent(format!("entry {index} is no key record")));
            }
        }
    }
    Ok(chain)
}

fn check_package_key(chain: &KeyChain, pair: &KeyPair, size: u64) -> Result<(), ExportError> {
    let needed = chain.in_force(Purpose::Package, size).ok_or(ExportError::NoPackageKey { size })?.key_id;
    let given = pair.key_id();
    if needed == given { Ok(()) } else { Err(ExportError::PackageKey { size, needed, given }) }
}
