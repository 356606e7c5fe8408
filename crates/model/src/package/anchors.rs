//! What anchors say about a package: each file's evidence checked against the log.
//!
//! Promises: evidence counts only for a checkpoint that the log key signed and that the package's checkpoint continues. Must never: turn what could not
//! be checked into a bound.

use tabellion_tlog::anchor::{AnchorFinding, AnchorTrust, digest};
use tabellion_tlog::{SignedCheckpoint, VerifierKey, sha256, verify_consistency};

use super::keys::Keys;
use crate::anchor::AnchorFile;
use crate::bounds::Bound;
use crate::entry::Entry;
use crate::manifest::Manifest;
use crate::registry::{self, Facts, Purpose};
use crate::root_log::verify_anchor;
use crate::verdict::{CheckPlan, Outcome, Problems, Report};
use crate::zip::ZipFile;

pub(crate) const ANCHORS: &str = "anchors";
/// The check, which a report has when the package has anchors.
pub(crate) const ANCHORS_PLAN: CheckPlan = CheckPlan {
    name: ANCHORS,
    proves: "Somebody outside whom the trust file names held a digest of the log's tree at the times stated, so that every entry below \
             existed by then; and an entry behind the record of such evidence took its place in the log after it was made.",
    does_not_prove: "When what an entry tells of happened, or that it was not prepared earlier than it was logged.",
};

/// The parts of a package that its anchors are checked against.
pub(crate) struct Surroundings<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) checkpoint: &'a SignedCheckpoint,
    pub(crate) keys: &'a Keys,
    pub(crate) trust: &'a AnchorTrust,
}

/// Checks the anchors of a package that has some. Gives what those that hold say of time.
pub(crate) fn check_anchors(
    report: &mut Report,
    files: &[ZipFile<'_>],
    around: &Surroundings<'_>,
) -> Vec<Bound> {
    let (mut problems, mut bounds, mut unchecked) = (Problems::default(), Vec::new(), Vec::new());
    for file in files {
        match AnchorFile::parse(file.name, file.content) {
            Err(error) => problems.malformed(|| error.to_string()),
            Ok(anchor) => match check_file(&anchor, around) {
                Err(problem) => problems.broken(|| format!("{}: {problem}", file.name)),
                Ok(Ok(bound)) => bounds.push(bound),
                Ok(Err(open)) => {
                    unchecked.push(format!("{}: {} not checked: {open}", file.name, anchor.anchor));
                }
            },
        }
    }
    let open = unchecked
        .first()
        .map(|first| format!("{} of {} not checked ({first})", unchecked.len(), files.len()));
    if problems.summary().is_none() && bounds.is_empty() {
        report.set(ANCHORS, Outcome::Undetermined, open.unwrap_or_default());
        return bounds;
    }
    let confirmed = format!("{} of {} confirmed", bounds.len(), files.len());
    let told: Vec<String> = std::iter::once(confirmed).chain(open).collect();
    report.settle(ANCHORS, &problems, told.join("; "));
    bounds
}

/// A bound, or why the reader could not check it; an error when something is wrong with it.
fn check_file(file: &AnchorFile, around: &Surroundings<'_>) -> Result<Result<Bound, String>, String> {
    let checkpoint =
        SignedCheckpoint::parse(file.checkpoint.as_bytes()).map_err(|error| error.to_string())?;
    let (tree, whole) = (&checkpoint.checkpoint, &around.checkpoint.checkpoint);
    let log = around.manifest.log.as_str();
    if tree.origin != log {
        return Err(format!("the checkpoint is of {}, the package of {log}", tree.origin));
    }
    let key = around.keys.in_force(Purpose::Log, tree.size)?;
    VerifierKey::new(log, *key)
        .map_err(|error| error.to_string())
        .and_then(|key| checkpoint.verify_with(&key).map_err(|error| error.to_string()))?;
    verify_consistency(tree.size, &tree.root, whole.size, &whole.root, &file.consistency)
        .map_err(|error| format!("the package's checkpoint does not continue the one anchored: {error}"))?;
    let record = check_record(file, &checkpoint, around)?;
    match verify_anchor(file.anchor, &file.evidence, &digest(tree), around.trust) {
        AnchorFinding::Broken(problem) => Err(problem),
        AnchorFinding::NotChecked(open) => Ok(Err(open)),
        AnchorFinding::Holds { span, source, unforeseeable } => {
            Ok(Ok(Bound { size: tree.size, record, span, source, unforeseeable }))
        }
    }
}

/// The index of the record, which has to be in the tree and to name this very evidence.
fn check_record(
    file: &AnchorFile,
    checkpoint: &SignedCheckpoint,
    around: &Surroundings<'_>,
) -> Result<u64, String> {
    let placed = &file.record;
    let whole = &around.checkpoint.checkpoint;
    placed
        .verify(whole.size, &whole.root)
        .map_err(|error| format!("the record at entry {} is not in the tree: {error}", placed.index))?;
    let entry = Entry::parse(&placed.entry).map_err(|error| format!("entry {}: {error}", placed.index))?;
    let facts = entry.header().map(registry::facts).transpose().map_err(|error| error.to_string())?.flatten();
    let tree = &checkpoint.checkpoint;
    match facts {
        Some(Facts::AnchorConfirmed(said))
            if said.anchor == file.anchor
                && said.evidence_sha256 == sha256(&file.evidence)
                && (said.size, said.root) == (tree.size, tree.root)
                && placed.index >= tree.size =>
        {
            Ok(placed.index)
        }
        _ => Err(format!("entry {} is not the record of this evidence", placed.index)),
    }
}
