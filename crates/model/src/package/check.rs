//! The verifier of a package: every check of formats §12, in that order.
//!
//! Goes on after a broken check wherever what follows can still be judged, so that the report names the place and not only the
//! fact; stops only where nothing more can be read. Believes nothing that the package says about itself.

use std::collections::BTreeMap;

use tabellion_tlog::anchor::AnchorTrust;
use tabellion_tlog::{Policy, Sign1, SignedCheckpoint, VerifierKey};

use super::anchors::{ANCHORS_PLAN, Surroundings, check_anchors};
use super::container::Container;
use super::files::Digests;
use super::findings::{package_aspects, package_findings};
use super::fold::{Claims, claims_of};
use super::keys::{Keys, last_seal};
use super::lines::{ErasedUnit, parse_lines};
use super::outside::Outside;
use super::plan::{
    CHECKPOINT, CONTAINER, DISCLOSURES, EDGES, ENTRIES, ERASURES, FILES, ISSUER, KEYS, MANIFEST, NUMBERS,
    PACKAGE_CHECKS, SEALS, SIGNATURE, STATEMENTS, TOTALS, TREE,
};
use super::proof::RangeProof;
use super::range::{Range, fold_range};
use super::seals::{Leaves, check_edges, check_seals};
use super::sources::check_sources;
use super::statements::{check_header, check_seal_signature};
use super::tree::{HashedBundle, TreeFault, check_root, hash_bundles};
use crate::bounds::{bound_of_witness, check_times};
use crate::directory::ROOT;
use crate::entry::Entry;
use crate::id::KeyId;
use crate::manifest::{EpochRow, Manifest, PACKAGE_SCOPE, RangeSummary};
use crate::registry::Purpose;
use crate::seal::BatchSealEntry;
use crate::trust::{Claim, judge_issuer, witnessed};
use crate::verdict::{Outcome, Problems, Report, Subject};
use crate::verify::Reader;

/// Content type of the signature over the manifest (formats §4).
pub(crate) const MANIFEST_CONTENT_TYPE: &str = "application/tabellion-package+json";

/// Verifies a package. `trust` says whom the reader believes; without it nothing can be more than consistent.
pub fn verify_package(bytes: &[u8], trust: Option<&Policy>) -> Report {
    verify_package_for(bytes, &Reader { trust, ..Reader::default() })
}

/// The same for a reader who also says whom they believe about time, or which keys they know.
pub(crate) fn verify_package_for(bytes: &[u8], reader: &Reader<'_>) -> Report {
    let mut report = Report::planned(Subject::Package, &PACKAGE_CHECKS, PACKAGE_SCOPE);
    check_package(&mut report, bytes, reader);
    report.judge_keys(reader.keys);
    report.findings = package_findings(&report);
    report.aspects = package_aspects(&report);
    report
}

/// The parts that every later check needs.
struct Parts<'a> {
    container: &'a Container<'a>,
    manifest: Manifest,
    signature: Sign1,
    proof: RangeProof,
    checkpoint: SignedCheckpoint,
}

fn check_package(report: &mut Report, bytes: &[u8], reader: &Reader<'_>) {
    let container = match Container::open(bytes) {
        Ok(container) => container,
        Err(error) => return report.set(CONTAINER, Outcome::Malformed, error.to_string()),
    };
    if !container.anchors.is_empty() {
        report.plan_optional(&ANCHORS_PLAN);
    }
    let digests = Digests::of(&container);
    let files = container.zip.files().len();
    report.settle(CONTAINER, &digests.container, format!("{files} files, {} bytes", bytes.len()));
    if !digests.can_name_more() {
        return;
    }
    let manifest = match Manifest::parse(container.manifest) {
        Ok(manifest) => manifest,
        Err(error) => return report.set(MANIFEST, Outcome::Malformed, error.to_string()),
    };
    let signature = match read_signature(container.signature) {
        Ok(signature) => signature,
        Err(problem) => return report.set(MANIFEST, Outcome::Malformed, problem),
    };
    report.set(
        MANIFEST,
        Outcome::Holds,
        format!("{}: {} entries from index {}", manifest.log, manifest.count, manifest.first),
    );
    report_facts(report, &manifest);
    report.settle(
        FILES,
        &digests.compare(&manifest),
        format!("all {} files have their listed SHA-256", manifest.files.len()),
    );
    let Some(parts) = read_parts(report, &container, manifest, signature) else { return };
    check_parts(report, &parts, reader);
}

fn read_parts<'a>(
    report: &mut Report,
    container: &'a Container<'a>,
    manifest: Manifest,
    signature: Sign1,
) -> Option<Parts<'a>> {
    let proof = RangeProof::parse(container.proof).map_err(|error| error.to_string());
    let checkpoint =
        SignedCheckpoint::parse(container.checkpoint).map_err(|error| format!("checkpoint: {error}"));
    match (proof, checkpoint) {
        (Ok(proof), Ok(checkpoint)) => Some(Parts { container, manifest, signature, proof, checkpoint }),
        (Err(problem), _) | (_, Err(problem)) => {
            report_entries_alone(report, container, &manifest);
            report.set(TREE, Outcome::Malformed, problem);
            None
        }
    }
}

/// Judges the entries of the range when nothing that could be read places them in a tree: they come before it in the order.
fn report_entries_alone(report: &mut Report, container: &Container<'_>, manifest: &Manifest) {
    let hashed = match hash_bundles(&container.bundles, manifest) {
        Ok(hashed) => hashed,
        Err(fault) => return report_unreadable(report, &fault),
    };
    let mut problems = Problems::default();
    for bundle in &hashed {
        for (index, bytes) in (bundle.first..).zip(&bundle.entries) {
            match Entry::parse(bytes) {
                Err(error) => problems.malformed(|| format!("entry {index}: {error}")),
                Ok(entry) => {
                    if let Some(header) = entry.header() {
                        check_header(&mut problems, index, header, manifest);
                    }
                }
            }
        }
    }
    report.settle(ENTRIES, &problems, format!("{} entries, each can be read", manifest.count));
}

fn report_unreadable(report: &mut Report, fault: &TreeFault) {
    let outcome = if fault.is_contradiction() { Outcome::Broken } else { Outcome::Malformed };
    report.set(ENTRIES, outcome, fault.to_string());
}

fn check_parts(report: &mut Report, parts: &Parts<'_>, reader: &Reader<'_>) {
    let manifest = &parts.manifest;
    // What cannot be read there is said in its own place in the order, and nothing before it depends on it.
    let (erased, unreadable): (Vec<ErasedUnit>, _) =
        match parse_lines("erasures.jsonl", parts.container.erasures) {
            Ok(lines) => (lines, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
    let claims = claims_of(&erased);
    let hashed = match hash_bundles(&parts.container.bundles, manifest) {
        Ok(hashed) => hashed,
        Err(fault) => return report_unreadable(report, &fault),
    };
    let claimed = unreadable.is_none().then_some(&claims);
    let outside = Outside::read(&parts.proof, manifest, &parts.checkpoint, claimed);
    check_tree(report, parts, &hashed, &outside);
    let mut keys = Keys::follow(&parts.proof, &hashed);
    let names_signers = reader.keys.is_some();
    let mut range = fold_range(parts.container, manifest, &hashed, &keys, &erased, &claims, names_signers);
    let known_seals = range.seals.iter().chain(&outside.seals);
    keys.check_complete(manifest, last_seal(manifest, &outside, &range.seals), known_seals);
    let key_records = keys.before(manifest.size);
    report.settle(
        KEYS,
        &keys.problems,
        format!("key records from the genesis on: {key_records}, none left out"),
    );
    report.settle(SIGNATURE, &check_manifest_signature(parts, &keys), "signed by the package key in force");
    check_issuer(report, parts, reader.trust, &keys);
    report.settle(
        CHECKPOINT,
        &check_checkpoint(parts, &keys),
        format!("size {} signed by the log key in force", manifest.size),
    );
    if names_signers {
        let signers = std::mem::take(&mut range.signers);
        add_uses(report, &keys, manifest, &range.seals, &outside, signers);
    }
    let mut alarms = std::mem::take(&mut range.alarms);
    alarms.absorb(outside.alarms.clone());
    let shards = std::mem::take(&mut range.shards);
    let source_keys = std::mem::take(&mut range.source_keys);
    let seals = report_range(report, manifest, range, outside, &hashed, &keys, &claims);
    if let Some(fault) = unreadable {
        report.set(ERASURES, Outcome::Malformed, fault.to_string());
    }
    source_keys.check(report);
    check_outside_clocks(report, parts, reader, &keys, &seals);
    alarms.check(report);
    shards.check(report);
}

/// What clocks outside the log say: the anchors of the package, and the witnesses of its checkpoint.
fn check_outside_clocks(
    report: &mut Report,
    parts: &Parts<'_>,
    reader: &Reader<'_>,
    keys: &Keys,
    seals: &[(u64, BatchSealEntry)],
) {
    let (manifest, checkpoint, files) = (&parts.manifest, &parts.checkpoint, &parts.container.anchors);
    let mut bounds = Vec::new();
    if !files.is_empty() {
        let nobody = AnchorTrust::default();
        let trust = reader.anchors.unwrap_or(&nobody);
        bounds = check_anchors(report, files, &Surroundings { manifest, checkpoint, keys, trust });
    }
    bounds.extend(bound_of_witness(report.witnessed.as_ref(), manifest.size));
    let seals = seals.iter().map(|(index, entry)| (*index, &entry.seal));
    check_times(report, &bounds, (manifest.first, manifest.end()), seals);
}

/// Notes the keys that made the signatures which hold, with the log's own time of each.
fn add_uses(
    report: &mut Report,
    keys: &Keys,
    manifest: &Manifest,
    seals: &[(u64, BatchSealEntry)],
    outside: &Outside,
    signers: Vec<(KeyId, u64)>,
) {
    let holds =
        |report: &Report, name| report.check(name).is_some_and(|check| check.outcome == Outcome::Holds);
    let newest = seals.iter().chain(&outside.seals).map(|(_, entry)| entry.seal.committed_at).max();
    let subject = report.subject.as_str();
    if let Some(chain) = &keys.chain {
        report.uses.add(chain.root().key_id, ROOT, subject, None);
    }
    for (check, purpose) in [(SIGNATURE, Purpose::Package), (CHECKPOINT, Purpose::Log)] {
        if let (true, Ok(key)) = (holds(report, check), keys.in_force(purpose, manifest.size)) {
            report.uses.add(KeyId::of(key), purpose.as_str(), check, newest);
        }
    }
    for (index, entry) in seals {
        let at = Some(entry.seal.committed_at);
        report.uses.add(entry.kid, Purpose::Writer.as_str(), format!("seal at entry {index}"), at);
    }
    for (key, index) in signers {
        let seal = seals.get(seals.partition_point(|(seal, _)| *seal < index));
        let at = seal.map(|(_, entry)| entry.seal.committed_at);
        report.uses.add(key, Purpose::Actor.as_str(), format!("statement at entry {index}"), at);
    }
}

fn check_tree(report: &mut Report, parts: &Parts<'_>, hashed: &[HashedBundle<'_>], outside: &Outside) {
    let mut problems = Problems::default();
    if let Err(fault) = check_root(&parts.manifest, &parts.proof, &parts.checkpoint, hashed) {
        problems.broken(|| fault.to_string());
    }
    problems.absorb(outside.tree.clone());
    let root = parts.checkpoint.checkpoint.root;
    let (first, count, size) = (parts.manifest.first, parts.manifest.count, parts.manifest.size);
    report.settle(
        TREE,
        &problems,
        format!("{count} entries from index {first} give root {root} of size {size}"),
    );
}

fn check_issuer(report: &mut Report, parts: &Parts<'_>, trust: Option<&Policy>, keys: &Keys) {
    let root = keys.chain.as_ref().map(|chain| &chain.root().public);
    let log_key = keys.in_force(Purpose::Log, parts.manifest.size).ok();
    let (outcome, detail) = judge_issuer(
        trust,
        &Claim { origin: &parts.manifest.log, root, log_key, checkpoint: Some(&parts.checkpoint) },
    );
    report.set(ISSUER, outcome, detail);
    report.witnessed = witnessed(trust, &parts.checkpoint).filter(|_| outcome == Outcome::Holds);
}

/// Reads `manifest.cose`; whose signature it is and whether it verifies is judged when the keys are known.
fn read_signature(bytes: &[u8]) -> Result<Sign1, String> {
    let signature = Sign1::parse(bytes).map_err(|error| format!("manifest.cose: {error}"))?;
    let detached = signature.payload.is_none() && signature.unprotected == tabellion_tlog::Unprotected::Empty;
    let header = &signature.protected;
    let nothing_more = header.cwt_iss.is_none() && header.cwt_sub.is_none() && header.vds.is_none();
    let is_of_a_manifest = header.content_type.as_deref() == Some(MANIFEST_CONTENT_TYPE);
    if detached && is_of_a_manifest && nothing_more && header.kid.is_some() {
        return Ok(signature);
    }
    Err("manifest.cose: is not a signature over a package manifest".to_owned())
}

fn check_manifest_signature(parts: &Parts<'_>, keys: &Keys) -> Problems {
    let mut problems = Problems::default();
    let signature = &parts.signature;
    match keys.in_force(Purpose::Package, parts.manifest.size) {
        Err(problem) => problems.broken(|| problem),
        Ok(key) if signature.protected.kid != Some(*key.key_id().as_bytes()) => problems.broken(|| {
            let signer = signature.protected.kid.map_or_else(|| "an unnamed key".to_owned(), hex::encode);
            format!(
                "manifest.cose: signed by {signer}, which is not the package key in force, {}",
                KeyId::of(key)
            )
        }),
        Ok(key) => {
            if let Err(error) = signature.verify(key, Some(parts.container.manifest)) {
                problems.broken(|| {
                    format!("manifest.cose: the package key did not sign this manifest.json: {error}")
                });
            }
        }
    }
    problems
}

fn check_checkpoint(parts: &Parts<'_>, keys: &Keys) -> Problems {
    let mut problems = Problems::default();
    let verified = keys.in_force(Purpose::Log, parts.manifest.size).and_then(|key| {
        let key = VerifierKey::new(parts.manifest.log.as_str(), *key).map_err(|error| error.to_string())?;
        parts.checkpoint.verify_with(&key).map_err(|error| format!("checkpoint: {error}"))
    });
    if let Err(problem) = verified {
        problems.broken(|| problem);
    }
    problems
}

/// The checks over what the range holds. Gives its seals.
fn report_range(
    report: &mut Report,
    manifest: &Manifest,
    range: Range,
    mut outside: Outside,
    hashed: &[HashedBundle<'_>],
    keys: &Keys,
    claims: &Claims<'_>,
) -> Vec<(u64, BatchSealEntry)> {
    let mut entries = range.entries;
    entries.absorb(std::mem::take(&mut outside.entries));
    let totals = range.summary.totals;
    let counted =
        format!("records: {}, statements: {}, seals: {}", totals.records, totals.statements, totals.seals);
    report.settle(ENTRIES, &entries, counted);
    let mut seals = check_seals(manifest, &range.seals, &outside, &Leaves::of(hashed));
    seals.absorb(range.seal_signatures);
    seals.absorb(check_outside_seals(&outside, keys));
    report.settle(SEALS, &seals, seal_text(&range.seals));
    report.settle(
        STATEMENTS,
        &range.statements,
        format!("statements: {}, each by a key in force", totals.statements),
    );
    let shown = format!("units shown: {}, withheld: {}", totals.shown, totals.withheld);
    report.settle(DISCLOSURES, &range.disclosures, shown);
    let mut erasures = range.erasures;
    erasures.absorb(std::mem::take(&mut outside.erasures));
    check_claimed_places(&mut erasures, manifest, &outside, claims);
    report.settle(ERASURES, &erasures, format!("units erased: {}, each with its tombstone", totals.erased));
    report.settle(NUMBERS, &range.numbers.problems, range.numbers.summary());
    let (edges, text) = check_edges(manifest, &range.seals, &outside);
    check_sources(report, &range.summary);
    report.settle(EDGES, &edges, text);
    report.settle(TOTALS, &compare_summary(&manifest.summary, &range.summary), "all as counted");
    if let (Some((_, from)), Some((_, to))) = (range.seals.first(), range.seals.last()) {
        report.fact("first_commit", from.seal.committed_at.to_string());
        report.fact("last_commit", to.seal.committed_at.to_string());
    }
    range.seals
}

fn check_outside_seals(outside: &Outside, keys: &Keys) -> Problems {
    let mut problems = Problems::default();
    for (index, seal) in &outside.seals {
        if let Err(problem) = check_seal_signature(*index, seal, keys) {
            problems.broken(|| problem);
        }
    }
    problems
}

fn seal_text(seals: &[(u64, BatchSealEntry)]) -> String {
    match (seals.first(), seals.last()) {
        (Some((_, first)), Some((_, last))) => {
            let (from, to) = (first.seal.committed_at, last.seal.committed_at);
            format!("batches: {}, committed from {from} to {to}", seals.len())
        }
        _ => "no batch in the range".to_owned(),
    }
}

/// Every line of `erasures.jsonl` must be about an entry of the range and point at a tombstone that is here.
fn check_claimed_places(
    problems: &mut Problems,
    manifest: &Manifest,
    outside: &Outside,
    claims: &Claims<'_>,
) {
    let range = manifest.first..manifest.end();
    for (tombstone, lines) in claims {
        if !range.contains(tombstone) && !outside.placed.contains(tombstone) {
            problems.broken(|| {
                format!(
                    "erasures.jsonl: entry {tombstone}, which should be a tombstone, is not in this package"
                )
            });
        }
        for line in lines.iter().filter(|line| !range.contains(&line.index)) {
            problems.broken(|| format!("erasures.jsonl: entry {} is not in the range", line.index));
        }
    }
}

/// Compares what the manifest counts with what was counted, member by member.
fn compare_summary(said: &RangeSummary, counted: &RangeSummary) -> Problems {
    let mut problems = Problems::default();
    let (a, b) = (&said.totals, &counted.totals);
    let totals = [
        ("entries", a.entries, b.entries),
        ("erased", a.erased, b.erased),
        ("records", a.records, b.records),
        ("seals", a.seals, b.seals),
        ("shown", a.shown, b.shown),
        ("statements", a.statements, b.statements),
        ("units", a.units, b.units),
        ("withheld", a.withheld, b.withheld),
    ];
    for (name, said, counted) in totals {
        if said != counted {
            problems
                .broken(|| format!("manifest.json: `totals.{name}` is {said} and {counted} were counted"));
        }
    }
    for name in said.types.keys().chain(counted.types.keys().filter(|name| !said.types.contains_key(*name))) {
        let of = |summary: &RangeSummary| summary.types.get(name).copied().unwrap_or(0);
        if said.types.get(name) != counted.types.get(name) {
            problems.broken(|| {
                format!("manifest.json: `types` says {} {name:?} and {} were counted", of(said), of(counted))
            });
        }
    }
    if said.sources != counted.sources {
        problems.broken(|| "manifest.json: `sources` is not what was counted".to_owned());
    }
    let by_name = |rows: &[EpochRow]| {
        rows.iter().map(|row| ((row.producer, row.epoch), *row)).collect::<BTreeMap<_, _>>()
    };
    let (said, counted) = (by_name(&said.epochs), by_name(&counted.epochs));
    for (producer, epoch) in said.keys().chain(counted.keys().filter(|key| !said.contains_key(*key))) {
        if said.get(&(*producer, *epoch)) != counted.get(&(*producer, *epoch)) {
            problems.broken(|| {
                format!("manifest.json: `epochs` is wrong about producer {producer} epoch {epoch}")
            });
        }
    }
    problems
}

fn report_facts(report: &mut Report, manifest: &Manifest) {
    report.fact("log", manifest.log.as_str());
    report.fact("env", manifest.env.as_str());
    report.fact("genesis", manifest.genesis.to_hex());
    report.fact("size", manifest.size);
    report.fact("first", manifest.first);
    report.fact("count", manifest.count);
    report.fact("disclosure", manifest.disclosure.as_str());
    report.fact("software", manifest.software.as_str());
    if let Some(framework) = &manifest.framework {
        report.fact("framework", framework.as_str());
    }
    if let Some(period) = manifest.period {
        report.fact("period", format!("{} to {}", period.from, period.to));
    }
    let totals = &manifest.summary.totals;
    report.fact(
        "units",
        format!(
            "{} shown, {} erased, {} withheld of {}",
            totals.shown, totals.erased, totals.withheld, totals.units
        ),
    );
}
