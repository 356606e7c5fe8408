//! The tools of a forger: packages taken apart, changed, listed and signed again; and how a finding is asserted.

use std::collections::BTreeMap;

use tabellion_model::package::sign_manifest;
use tabellion_model::registry::Purpose;
use tabellion_model::zip::{ZipArchive, ZipWriter};
use tabellion_model::{FileRow, Manifest, Outcome, Report, verify};
use tabellion_tlog::{Policy, SigningKey, sha256};

use super::fixture::Log;

pub(super) type Files = BTreeMap<String, Vec<u8>>;
/// A way to falsify a manifest.
pub(super) type Lie = fn(&mut Manifest);

pub(super) fn trusted(log: &Log, bytes: &[u8]) -> Report {
    verify(bytes, Some(&Policy::parse(log.trust()).unwrap()))
}

pub(super) fn unpack(bytes: &[u8]) -> Files {
    let zip = ZipArchive::parse(bytes).unwrap();
    zip.files().iter().map(|file| (file.name.to_owned(), file.content.to_vec())).collect()
}

pub(super) fn pack(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Vec::new());
    for (name, content) in files {
        zip.add(name, content).unwrap();
    }
    zip.finish().unwrap()
}

/// Lists the files anew and signs the manifest: what a forger who holds the package key, or an exporter who lies, can do.
pub(super) fn relist(files: &mut Files, signer: &SigningKey, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = Manifest::parse(&files["manifest.json"]).unwrap();
    let listed = files.iter().filter(|(name, _)| !name.starts_with("manifest."));
    manifest.files = listed
        .map(|(name, content)| FileRow {
            path: name.clone(),
            sha256: sha256(content),
            size: content.len() as u64,
        })
        .collect();
    change(&mut manifest);
    let bytes = manifest.to_bytes().unwrap();
    files.insert("manifest.cose".to_owned(), sign_manifest(&bytes, signer).unwrap());
    files.insert("manifest.json".to_owned(), bytes);
}

pub(super) fn relisted(log: &Log, files: &Files, change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
    let mut files = files.clone();
    relist(&mut files, &log.keys[&Purpose::Package], change);
    pack(&files)
}

pub(super) fn faults(report: &Report) -> Vec<&'static str> {
    let fault = |outcome| matches!(outcome, Outcome::Broken | Outcome::Malformed);
    report.checks.iter().filter(|check| fault(check.outcome)).map(|check| check.name).collect()
}

pub(super) fn assert_caught(report: &Report, what: &str) {
    assert!(matches!(report.exit_code(), 1 | 2), "{what}: exit {}\n{}", report.exit_code(), report.to_text());
    let named = report.checks.iter().any(|check| {
        matches!(check.outcome, Outcome::Broken | Outcome::Malformed) && !check.detail.is_empty()
    });
    assert!(named, "{what}: nothing is named");
}

pub(super) fn assert_broken(report: &Report, check: &str, words: &[&str], what: &str) {
    assert_eq!(report.exit_code(), 1, "{what}\n{}", report.to_text());
    let found = report.check(check).unwrap();
    assert_eq!(found.outcome, Outcome::Broken, "{what}: {check} does not notice\n{}", report.to_text());
    for word in words {
        assert!(found.detail.contains(word), "{what}: {word:?} is not named in: {}", found.detail);
    }
}
