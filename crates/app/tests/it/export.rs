//! What is in a package, and whether it verifies.

use std::collections::BTreeSet;

use tabellion_app::{ExportError, ExportRequest, export};
use tabellion_ledger::{Draft, OpenOptions, Reader};
use tabellion_model::package::{
    BUNDLE_ENTRIES, ErasedUnit, PackageInput, RangeProof, ShownUnit, sign_manifest, write_package,
};
use tabellion_model::zip::ZipWriter;
use tabellion_model::{
    Disclosure, DisclosurePolicy, FileRow, Json, Manifest, Micros, Outcome, PACKAGE_SCOPE, Purpose, UnitId,
};
use tabellion_testkit::{ManualClock, Random, SeededEntropy};
use tabellion_tlog::{BundleReader, push_entry, sha256};

use crate::fixture::{Log, day, document, file, files, manifest, text};

fn period(from: &str, to: &str) -> ExportRequest {
    ExportRequest { period: Some((day(from), day(to))), ..ExportRequest::everything(DisclosurePolicy::All) }
}

fn lines(package: &[u8], name: &str) -> Vec<Json> {
    let content = file(package, name).unwrap_or_default();
    content
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn shown_units(package: &[u8]) -> BTreeSet<String> {
    lines(package, "disclosures/00000000.jsonl")
        .iter()
        .map(|line| line["unit"].as_str().unwrap().to_owned())
        .collect()
}

/// Requirement: A19
/// Requirement: A21
/// Requirement: V49
#[test]
fn a_package_of_a_real_log_verifies_and_says_what_it_does_not_show() {
    let log = Log::sample();
    let (exported, package) = log.export_all(DisclosurePolicy::All);
    let report = log.verify(&package);
    assert_eq!(report.exit_code(), 0, "an issuer could not prove its own log:\n{}", report.to_text());
    let manifest = manifest(&package);
    let totals = manifest.summary.totals;
    assert_eq!(
        (exported.first, exported.count, exported.size),
        (0, log.reader().size(), log.reader().size())
    );
    assert_eq!(exported.totals, totals, "the operator would be told other counts than the package holds");
    assert_eq!(
        exported.manifest_sha256,
        sha256(file(&package, "manifest.json").unwrap()),
        "the export on record would name another package"
    );
    assert_eq!(totals.units, totals.shown + totals.withheld + totals.erased, "a unit would be in no count");
    assert_eq!(totals.erased, 6, "five approvals and one later name the erased subject");
    assert!(totals.shown > 0, "nothing would be shown under the policy that shows everything");
    let questions: Vec<&str> = report.findings.iter().map(|finding| finding.question).collect();
    assert_eq!(questions.len(), 3, "the three properties would be one verdict: {questions:?}");
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.outcome == Outcome::Holds && !finding.rests_on.is_empty())
    );
    for place in ["manifest.json", "report.html", "VERIFY.txt"] {
        assert!(
            text(&package, place).contains(PACKAGE_SCOPE),
            "{place} would let a reader think that it shows more than it does"
        );
    }
}

/// Requirement: V47
#[test]
fn the_same_request_at_the_same_size_gives_the_same_bytes() {
    let log = Log::sample();
    let request = ExportRequest {
        framework: Some("ISO/IEC 42001".to_owned()),
        ..ExportRequest::everything(DisclosurePolicy::All)
    };
    let (_, first) = log.export(&request);
    log.clock.set(day("2031-01-01"));
    assert_eq!(log.export(&request).1, first, "two copies of one package could not be told to be one");
    let size = log.reader().size();
    log.append(&[document(99)]);
    let (_, later) = log.export(&ExportRequest { at: Some(size), ..request.clone() });
    assert_eq!(later, first, "a package could not be made again once the log has grown");
    assert_ne!(log.export(&request).1, first, "the newest size would not be exported");

    log.ledger.close().unwrap();
    let options = OpenOptions {
        background: false,
        ..OpenOptions::new(ManualClock::at(Micros(1)).into_arc(), SeededEntropy::new(5).into_arc())
    };
    let (reader, _) = Reader::open(std::sync::Arc::clone(&log.disk), &options).unwrap();
    let mut again = Vec::new();
    export(&reader, &log.package_key(Some(size)), &ExportRequest { at: Some(size), ..request }, &mut again)
        .unwrap();
    assert_eq!(again, first, "another process would export other bytes");
}

trait IntoArc: Sized {
    fn into_arc(self) -> std::sync::Arc<Self> {
        std::sync::Arc::new(self)
    }
}

impl IntoArc for ManualClock {}
impl IntoArc for SeededEntropy {}

/// Requirement: B04
#[test]
fn each_policy_shows_what_it_names_and_every_result_verifies() {
    let log = Log::new();
    log.append(&[document(1), crate::fixture::approval(1)]);
    let secret = "Jane Doe, request 1";
    let expect = |policy, shown, withheld, personal| {
        let (exported, package) = log.export_all(policy);
        assert_eq!(
            log.verify(&package).exit_code(),
            0,
            "a package with less shown would not verify ({})",
            policy.as_str()
        );
        let totals = (exported.totals.shown, exported.totals.withheld, exported.shown_personal);
        assert_eq!(
            totals,
            (shown, withheld, personal),
            "units shown, withheld, about persons under {}",
            policy.as_str()
        );
        assert_eq!(
            text(&package, "report.html").contains(secret),
            personal > 0,
            "the report and the policy differ ({})",
            policy.as_str()
        );
        assert_eq!(
            disclosed_values(&package).contains(&Json::from(secret)),
            personal > 0,
            "content about a person under {}",
            policy.as_str()
        );
        package
    };
    expect(DisclosurePolicy::All, 3, 0, 1);
    expect(DisclosurePolicy::Business, 2, 1, 0);
    let none = expect(DisclosurePolicy::None, 0, 3, 0);
    assert!(
        files(&none).iter().all(|(name, _)| !name.starts_with("disclosures/")),
        "a package that shows nothing has no disclosures"
    );
}

fn disclosed_values(package: &[u8]) -> Vec<Json> {
    let lines = lines(package, "disclosures/00000000.jsonl");
    let encoded = lines.iter().flat_map(|line| line["disclosures"].as_array().unwrap());
    encoded.map(|one| Disclosure::parse(one.as_str().unwrap()).unwrap().value().clone()).collect()
}

/// Requirement: B04
#[test]
fn any_subset_of_fields_can_be_shown_and_verifies() {
    let log = Log::sample();
    let (_, package) = log.export_all(DisclosurePolicy::All);
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let shown: Vec<ShownUnit> = lines(&package, "disclosures/00000000.jsonl")
            .iter()
            .map(|line| ShownUnit {
                index: line["index"].as_u64().unwrap(),
                unit: UnitId::from_hex(line["unit"].as_str().unwrap()).unwrap(),
                disclosures: line["disclosures"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one.as_str().unwrap().to_owned())
                    .filter(|_| random.one_in(2))
                    .collect(),
            })
            .filter(|unit| !unit.disclosures.is_empty())
            .collect();
        let redacted = rewrite(&log, &package, &shown);
        let report = log.verify(&redacted);
        assert_eq!(
            report.exit_code(),
            0,
            "seed {seed}: a redacted package would not verify:\n{}",
            report.to_text()
        );
    }
}

/// The package again with other disclosures.
fn rewrite(log: &Log, package: &[u8], shown: &Vec<ShownUnit>) -> Vec<u8> {
    let manifest = manifest(package);
    let erased: Vec<ErasedUnit> = lines(package, "erasures.jsonl")
        .iter()
        .map(|line| ErasedUnit {
            index: line["index"].as_u64().unwrap(),
            unit: UnitId::from_hex(line["unit"].as_str().unwrap()).unwrap(),
            tombstone: line["tombstone"].as_u64().unwrap(),
            disclosure: line["disclosure"].as_str().unwrap().to_owned(),
        })
        .collect();
    let proof = RangeProof::parse(file(package, "proof.json").unwrap()).unwrap();
    let checkpoint = text(package, "checkpoint");
    let input = PackageInput {
        log: manifest.log.clone(),
        env: manifest.env,
        genesis: manifest.genesis,
        keys: manifest.keys,
        checkpoint: &checkpoint,
        first: manifest.first,
        count: manifest.count,
        period: manifest.period,
        framework: None,
        disclosure: DisclosurePolicy::All,
        shown,
        erased: &erased,
        anchors: &[],
        proof: &proof,
        verify_txt: "",
        verify_html: b"",
        report_html: &|_| Vec::new(),
        framework_files: None,
        software: "test",
    };
    let mut out = Vec::new();
    let entries = BundleReader::new(file(package, "entries/00000000.bundle").unwrap())
        .map(|entry| entry.map_err(|error| error.to_string()));
    write_package(&input, entries, log.package_key(None).key.as_ref(), &mut out).unwrap();
    out
}

/// Requirement: V49
#[test]
fn erased_units_are_proved_and_never_shown() {
    let log = Log::sample();
    for policy in [DisclosurePolicy::All, DisclosurePolicy::Business, DisclosurePolicy::None] {
        let (exported, package) = log.export_all(policy);
        let erased = lines(&package, "erasures.jsonl");
        assert_eq!(erased.len() as u64, exported.totals.erased, "an erasure would be counted and not proved");
        let shown = shown_units(&package);
        assert!(
            erased.iter().all(|line| !shown.contains(line["unit"].as_str().unwrap())),
            "an erased unit would be shown"
        );
        assert!(!text(&package, "report.html").contains("Jane Doe"), "erased content would be in the report");
        assert_eq!(
            log.verify(&package).exit_code(),
            0,
            "a package with erasures would not verify under {}",
            policy.as_str()
        );
    }
    // The tombstones' own units are shown field by field in erasures.jsonl only.
    let (_, package) = log.export_all(DisclosurePolicy::All);
    let done: Vec<u64> =
        lines(&package, "erasures.jsonl").iter().map(|line| line["tombstone"].as_u64().unwrap()).collect();
    let disclosed: BTreeSet<u64> = lines(&package, "disclosures/00000000.jsonl")
        .iter()
        .map(|line| line["index"].as_u64().unwrap())
        .collect();
    assert!(
        done.iter().all(|index| !disclosed.contains(index)),
        "showing one tombstone would link all units of the order"
    );
}

#[test]
fn a_range_before_an_erasure_brings_its_tombstones_along() {
    let log = Log::sample();
    let (exported, package) = log.export(&period("2026-03-03", "2026-03-04"));
    assert_eq!(exported.totals.erased, 5, "the range's approvals are erased");
    assert_eq!(exported.totals.seals, 5, "five batches were committed that day");
    let report = log.verify(&package);
    assert_eq!(
        report.exit_code(),
        0,
        "an erasure after the range could not be proved:\n{}",
        report.to_text()
    );
    // At a size before the erasure the tombstones do not exist, and the content is gone all the same.
    let end = exported.first + exported.count;
    let (before, package) =
        log.export(&ExportRequest { at: Some(end), ..period("2026-03-03", "2026-03-04") });
    assert_eq!(
        (before.totals.erased, before.totals.withheld),
        (0, 5),
        "content without a tombstone would be called erased"
    );
    assert_eq!(log.verify(&package).exit_code(), 0, "a package at an older size would not verify");
}

#[test]
fn a_period_is_exactly_the_batches_sealed_in_it() {
    let log = Log::sample();
    let commits = log.reader().commits().unwrap();
    for (from, to) in [
        (day("2026-03-03"), day("2026-03-11")),
        (day("2026-03-12"), day("2027-01-01")),
        (Micros(0), commits[2].committed_at),
    ] {
        let request = ExportRequest {
            period: Some((from, to)),
            ..ExportRequest::everything(DisclosurePolicy::Business)
        };
        let (exported, package) = log.export(&request);
        let inside: Vec<_> =
            commits.iter().filter(|commit| from <= commit.committed_at && commit.committed_at < to).collect();
        let (first, end) = (inside[0].first, inside[inside.len() - 1].size);
        assert_eq!(
            (exported.first, exported.first + exported.count),
            (first, end),
            "a batch of the period would be left out, or one outside let in"
        );
        assert_eq!(exported.totals.seals, inside.len() as u64);
        let report = log.verify(&package);
        assert_eq!(
            report.exit_code(),
            0,
            "a package of {from} to {to} would not verify:\n{}",
            report.to_text()
        );
    }
}

#[test]
fn a_period_without_a_commit_names_the_nearest() {
    let log = Log::sample();
    let refused = |request: &ExportRequest| {
        log.try_export(request).expect_err("there is nothing to export").to_string()
    };
    let between = refused(&period("2026-03-04", "2026-03-09"));
    assert!(
        between.contains("2026-03-03T00:04") && between.contains("2026-03-10T00:00"),
        "the operator would have to search: {between}"
    );
    assert!(
        refused(&period("2020-01-01", "2021-01-01")).contains("the first commit is at 2026-03-02"),
        "the operator would have to search"
    );
    assert!(
        refused(&period("2030-01-01", "2031-01-01")).contains("the last commit is at 2026-03-28"),
        "the operator would have to search"
    );
    assert!(
        refused(&period("2026-03-09", "2026-03-04")).contains("not after its beginning"),
        "a period back to front would seem empty"
    );
}

#[test]
fn requests_that_cannot_be_met_say_what_can() {
    let log = Log::sample();
    let middle = ExportRequest {
        at: Some(log.reader().commits().unwrap()[1].size + 1),
        ..ExportRequest::everything(DisclosurePolicy::All)
    };
    let mut out = Vec::new();
    let error = export(log.reader(), &log.package_key(None), &middle, &mut out)
        .expect_err("no checkpoint has this size")
        .to_string();
    assert!(error.contains("nearest sizes"), "the operator would have to guess a size: {error}");
    for label in ["", "line\nbreak", "naïve"] {
        let request = ExportRequest {
            framework: Some(label.to_owned()),
            ..ExportRequest::everything(DisclosurePolicy::All)
        };
        assert!(
            matches!(log.try_export(&request), Err(ExportError::Label)),
            "{label:?} would be a line of its own in a report"
        );
    }
    assert!(out.is_empty(), "a refused export would leave a file behind");
}

#[test]
fn an_older_size_is_signed_by_the_key_of_its_time() {
    let log = Log::sample();
    let size = log.reader().size();
    let old = log.package_key(None);
    log.ledger.rotate_key(Purpose::Package).unwrap();
    let request = ExportRequest { at: Some(size), ..ExportRequest::everything(DisclosurePolicy::All) };
    assert_eq!(
        log.package_key(Some(size)).key_id(),
        old.key_id(),
        "an older package would be signed by a key not yet in force"
    );
    let (_, package) = log.export(&request);
    assert_eq!(log.verify(&package).exit_code(), 0, "an older package would not verify after a rotation");
    let new = log.package_key(None);
    let refused = export(log.reader(), &new, &request, &mut Vec::new());
    assert!(
        matches!(refused, Err(ExportError::PackageKey { .. })),
        "a package that nobody can verify would be written"
    );
    assert_eq!(
        log.verify(&log.export_all(DisclosurePolicy::All).1).exit_code(),
        0,
        "the newest package would not verify after a rotation"
    );
}

#[test]
fn a_log_of_its_first_commit_alone_can_be_exported() {
    let log = Log::new();
    let (exported, package) = log.export_all(DisclosurePolicy::All);
    assert_eq!(exported.totals.statements + 1, exported.count, "a new log is its key records and a seal");
    assert_eq!(log.verify(&package).exit_code(), 0, "a new log could not be exported");
}

/// Requirement: B01
#[test]
fn without_any_one_record_even_its_issuer_cannot_make_the_package_hold() {
    let log = Log::sample();
    let (_, package) = log.export(&period("2026-03-03", "2026-03-13"));
    assert_eq!(log.verify(&package).exit_code(), 0, "the package must hold before a record is taken out");
    let entries: Vec<Vec<u8>> = BundleReader::new(file(&package, "entries/00000000.bundle").unwrap())
        .map(|entry| entry.unwrap().to_vec())
        .collect();
    for removed in 0..entries.len() {
        let mut bundle = Vec::new();
        for entry in
            entries.iter().enumerate().filter(|(position, _)| *position != removed).map(|(_, entry)| entry)
        {
            push_entry(&mut bundle, entry).unwrap();
        }
        for count in [entries.len() as u64, entries.len() as u64 - 1] {
            let forged = forge(&log, &package, &bundle, count);
            assert_ne!(
                log.verify(&forged).exit_code(),
                0,
                "entry {removed} of the range could be left out unseen"
            );
        }
    }
}

/// The package with another first bundle and count, its manifest brought up to date and signed by the real package key.
fn forge(log: &Log, package: &[u8], bundle: &[u8], count: u64) -> Vec<u8> {
    let mut forged: Manifest = manifest(package);
    forged.count = count;
    forged.summary.totals.entries = count;
    for row in &mut forged.files {
        if row.path == "entries/00000000.bundle" {
            *row = FileRow { path: row.path.clone(), sha256: sha256(bundle), size: bundle.len() as u64 };
        }
    }
    let signed = forged.to_bytes().unwrap();
    let signature = sign_manifest(&signed, log.package_key(None).key.as_ref()).unwrap();
    let mut out = Vec::new();
    let mut zip = ZipWriter::new(&mut out);
    for (name, content) in files(package) {
        let content = match name.as_str() {
            "entries/00000000.bundle" => bundle,
            "manifest.json" => &signed,
            "manifest.cose" => &signature,
            _ => &content,
        };
        zip.add(&name, content).unwrap();
    }
    zip.finish().unwrap();
    out
}

#[test]
fn a_range_of_several_bundles_verifies() {
    let log = Log::new();
    let drafts: Vec<Draft> = (0..1_000).map(document).collect();
    for _ in 0..9 {
        log.append(&drafts);
    }
    let (exported, package) = log.export_all(DisclosurePolicy::All);
    assert!(exported.count > 2 * BUNDLE_ENTRIES, "the test must span bundles");
    for name in ["entries/00000002.bundle", "disclosures/00000002.jsonl"] {
        assert!(file(&package, name).is_some(), "{name} would be missing");
    }
    let report = log.verify(&package);
    assert_eq!(report.exit_code(), 0, "a package of several bundles would not verify:\n{}", report.to_text());
}
