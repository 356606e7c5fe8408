//! What somebody outside adds to a package: anchors of every kind, witnesses, an alarm, and an auditor's own list of keys.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use tabellion_model::registry::{AnchorConfirmed, ConflictFound, Divergence, Facts, Purpose};
use tabellion_model::{
    AnchorFile, AspectStanding, KeyDirectory, KeyId, Micros, Outcome, Reader, RecordId, Report, verify_for,
};
use tabellion_tlog::anchor::ans104::DataItem;
use tabellion_tlog::anchor::ots::{Attestation, Branch, Op, OtsProof, Timestamp};
use tabellion_tlog::anchor::{AnchorKind, AnchorTrust, digest, rfc3161};
use tabellion_tlog::{
    Hash, Policy, SignatureType, SignedCheckpoint, VerifierKey, consistency_path, cosign, sha256,
};

use super::cut::{Cut, Leaves, Parts};
use super::fixture::{HOUR, Log, START, key, plain};

/// 2026-11-21T20:00:00Z in hours since [`START`]: the stamp that is kept was made in the two hours after.
const STAMPED_HOUR: u64 = 7_796;
const HEIGHT: u64 = 900_000;
const WITNESS: &str = "witness.example/w1";

/// A confirmed checkpoint of the log.
struct Confirmed {
    anchor: AnchorKind,
    size: u64,
    checkpoint: String,
    evidence: Vec<u8>,
    record: u64,
}

fn digest_of(log: &Log, size: u64) -> (String, Hash, Hash) {
    let checkpoint = log.checkpoint(size);
    let tree = SignedCheckpoint::parse(checkpoint.as_bytes()).unwrap().checkpoint;
    (checkpoint, digest(&tree), tree.root)
}

/// Records what somebody outside confirmed of the log as it is, in a batch of `hour`.
fn confirm(
    log: &mut Log,
    anchor: AnchorKind,
    hour: u64,
    evidence: impl FnOnce(&Hash) -> Vec<u8>,
) -> Confirmed {
    let size = log.size();
    let (checkpoint, digest, root) = digest_of(log, size);
    let evidence = evidence(&digest);
    let mut header = log.header("anchor.confirmed", log.own(), 1, None);
    header.clear =
        Facts::AnchorConfirmed(AnchorConfirmed { anchor, evidence_sha256: sha256(&evidence), root, size })
            .to_clear();
    let record = log.push_record(header);
    log.seal_at(Micros(START + hour * HOUR));
    Confirmed { anchor, size, checkpoint, evidence, record }
}

/// Where what cannot be made twice is kept: a time-stamp and its authority.
fn kept(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/anchor").join(name)
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?} failed");
}

/// A stamp by `openssl ts` on this digest; made once, when it is not there and golden files are written.
fn stamp(digest: &Hash) -> Vec<u8> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if !kept("stamp.tsr").exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        let place = std::env::temp_dir().join(format!("tabellion-stamp-{}", std::process::id()));
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/peers/tsa.sh");
        run(Command::new("bash").arg(script).arg(&place));
        std::fs::write(place.join("q"), rfc3161::query(digest, &[7; 8], None).unwrap()).unwrap();
        std::fs::create_dir_all(kept("")).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["ts", "-reply", "-section", "good", "-config"]).arg(place.join("tsa.cnf"));
        run(openssl.arg("-queryfile").arg(place.join("q")).arg("-out").arg(kept("stamp.tsr")));
        std::fs::copy(place.join("ca.der"), kept("authority.der")).unwrap();
        std::fs::remove_dir_all(place).unwrap();
    }
    std::fs::read(kept("stamp.tsr")).unwrap()
}

fn bitcoin_header(root: &Hash, hour: u64) -> Vec<u8> {
    let seconds = u32::try_from(START / 1_000_000 + hour * 3_600).unwrap();
    [&[4; 36][..], root.as_bytes(), &seconds.to_le_bytes(), &[0; 8]].concat()
}

/// A package whose log was anchored in every way, and the lines by which a reader trusts those who vouch.
pub(super) fn anchored() -> (Vec<u8>, String) {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    log.record("one");
    log.seal();
    let mut lines = String::new();
    let block = super::anchors::anchor(&mut log, 70, 2, 2);
    lines.push_str(&block.line);
    log.record("two");
    log.seal_at(Micros(START + 90 * HOUR));
    let ots = confirm(&mut log, AnchorKind::OpenTimestamps, 101, |digest| {
        let root = sha256(digest.as_bytes());
        let header = hex::encode(bitcoin_header(&root, 100));
        lines.extend(["#! bitcoin ", &HEIGHT.to_string(), " ", &header, "\n"]);
        let attested = Timestamp { branches: vec![Branch::Attested(Attestation::Bitcoin(HEIGHT))] };
        let timestamp = Timestamp { branches: vec![Branch::Then(Op::Sha256, attested)] };
        OtsProof { digest: *digest, timestamp }.to_bytes()
    });
    let arweave = confirm(&mut log, AnchorKind::Arweave, 102, |digest| {
        let tags = [("App-Name", "Tabellion")];
        DataItem::sign(digest.as_bytes(), &tags, None, &key("arweave")).unwrap().to_bytes()
    });
    log.record("three");
    log.seal_at(Micros(START + STAMPED_HOUR * HOUR));
    let stamped = confirm(&mut log, AnchorKind::Rfc3161, STAMPED_HOUR + 2, stamp);
    lines.push_str(&AnchorTrust::authority_line("stamps", &std::fs::read(kept("authority.der")).unwrap()));
    log.record("four");
    log.seal_at(Micros(START + (STAMPED_HOUR + 3) * HOUR));
    let file = |one: &Confirmed| AnchorFile {
        anchor: one.anchor,
        checkpoint: one.checkpoint.clone(),
        consistency: consistency_path(one.size, log.size(), &Leaves(&log.leaves)).unwrap(),
        evidence: one.evidence.clone(),
        record: log.placed(one.record, log.size()),
    };
    let anchors = vec![super::anchors::file(&log, &block), file(&ots), file(&arweave), file(&stamped)];
    let parts = Parts { anchors, ..log.parts(&Cut::default()) };
    (log.write(&Cut::default(), &parts).0, format!("{}{lines}", log.trust()))
}

/// A log whose witness knows another history of it; `lifted`: somebody answered for that.
pub(super) fn alarmed(lifted: bool) -> Log {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    log.record("one");
    log.seal();
    let mut header = log.header("witness.conflict_found", log.own(), 1, None);
    let conflict: RecordId = header.record_id;
    let found = ConflictFound { kind: Divergence::Forked, proved: true, size: 40 };
    header.clear = Facts::ConflictFound(found).to_clear();
    log.push_record(header);
    log.seal();
    if lifted {
        let mut header = log.header("witness.conflict_lifted", log.own(), 1, None);
        header.clear = Facts::ConflictLifted(conflict).to_clear();
        log.push_record(header);
        log.record("two");
        log.seal();
    }
    log
}

/// A package that a witness cosigned `hours` after the log began, and a trust file that asks for that witness.
pub(super) fn witnessed(hours: u64) -> (Vec<u8>, String) {
    let log = plain();
    let mut parts = log.parts(&Cut::default());
    let checkpoint = SignedCheckpoint::parse(parts.checkpoint.as_bytes()).unwrap();
    let seconds = START / 1_000_000 + hours * 3_600;
    let line = cosign(&checkpoint.note.text, WITNESS, seconds, &key("witness")).unwrap();
    let mut note = checkpoint.note.clone();
    note.signatures.push(line);
    parts.checkpoint = note.to_string();
    let witness =
        VerifierKey::with_type(WITNESS, key("witness").public(), SignatureType::CosignatureV1).unwrap();
    let trust = log.trust().replace("quorum none", &format!("witness w1 {witness}\nquorum w1"));
    (log.write(&Cut::default(), &parts).0, trust)
}

/// A package that three witnesses cosigned: `w1` five hours after the log began, `w2` 400 days after, and `w3`, whose clock is wrong, as it began.
/// And two trust files: one that asks for both of the first two, and one that asks for any two of the three.
pub(super) fn disputed() -> (Vec<u8>, [String; 2]) {
    let log = plain();
    let mut parts = log.parts(&Cut::default());
    let mut note = SignedCheckpoint::parse(parts.checkpoint.as_bytes()).unwrap().note;
    let mut lines = String::new();
    for (name, hours) in [("w1", 5), ("w2", 400 * 24), ("w3", 0)] {
        let of = format!("{name}.example");
        let seconds = START / 1_000_000 + hours * 3_600;
        note.signatures.push(cosign(&note.text, &of, seconds, &key(name)).unwrap());
        let witness = VerifierKey::with_type(&of, key(name).public(), SignatureType::CosignatureV1).unwrap();
        lines = format!("{lines}witness {name} {witness}\n");
    }
    parts.checkpoint = note.to_string();
    let trust = |members: &str| {
        log.trust().replace("quorum none", &format!("{lines}group two 2 {members}\nquorum two"))
    };
    (log.write(&Cut::default(), &parts).0, [trust("w1 w2"), trust("w1 w2 w3")])
}

/// A list of every key of the log, as one organisation's, but for those of the purpose `without`.
pub(super) fn directory(log: &Log, without: Option<Purpose>) -> String {
    let keys = log.keys.iter().filter(|(purpose, _)| Some(**purpose) != without);
    let keys = keys.map(|(_, key)| KeyId::of(&key.public()));
    let root = without.is_none().then(|| KeyId::of(&log.root.public()));
    let rows: Vec<_> = keys
        .chain(root)
        .map(|key| json!({"key_id": key.to_hex(), "organisation": "Demo", "valid_from": "2020-01-01"}))
        .collect();
    json!({"format": "tabellion.key-directory/1", "keys": rows}).to_string()
}

pub(super) fn read_by(bytes: &[u8], trust: &str, keys: Option<&str>) -> Report {
    let policy = Policy::parse(trust).unwrap();
    let anchors = AnchorTrust::parse(trust.as_bytes()).unwrap();
    let keys = keys.map(|text| KeyDirectory::parse(text.as_bytes()).unwrap());
    verify_for(
        bytes,
        &Reader { trust: Some(&policy), anchors: Some(&anchors), keys: keys.as_ref(), ..Reader::default() },
    )
}

fn standing(report: &Report, name: &str) -> AspectStanding {
    report.aspects.iter().find(|aspect| aspect.name == name).unwrap().standing
}

/// Requirement: B05, A15
#[test]
fn a_package_anchored_in_every_way_is_dated_from_both_sides() {
    let (bytes, trust) = anchored();
    let report = read_by(&bytes, &trust, None);
    let anchors = report.check("anchors").unwrap();
    assert_eq!((report.exit_code(), anchors.outcome), (0, Outcome::Holds), "{}", report.to_text());
    assert!(anchors.detail.contains("3 of 4 confirmed"), "an anchor is lost: {}", anchors.detail);
    let told = report.facts["time_bounds"].to_string();
    for source in ["block 70 of chain 5", "Bitcoin block 900000", "time-stamp 02 of authority stamps"] {
        assert!(told.contains(source), "{source} dates nothing: {told}");
    }
    assert_eq!(standing(&report, "time"), AspectStanding::Holds, "{}", report.to_text());
    let blind = read_by(&bytes, &plain().trust(), None);
    assert_eq!(standing(&blind, "time"), AspectStanding::NotChecked, "what nobody checked dates a log");
}

/// Requirement: W18, B05
#[test]
fn a_witness_dates_what_it_cosigned_and_names_a_batch_from_after_it() {
    let (bytes, trust) = witnessed(5);
    let report = read_by(&bytes, &trust, None);
    let bounds = report.check("time bounds").unwrap();
    assert_eq!((report.exit_code(), bounds.outcome), (0, Outcome::Holds), "{}", report.to_text());
    assert!(bounds.detail.contains("witness w1"), "the bound does not say whose it is: {}", bounds.detail);
    let (bytes, trust) = witnessed(0);
    let report = read_by(&bytes, &trust, None);
    assert_eq!(report.exit_code(), 1, "batches from after the witness's time pass: {}", report.to_text());
    assert_eq!(standing(&report, "time"), AspectStanding::Broken, "the fault is in no aspect");
    let detail = &report.check("time bounds").unwrap().detail;
    assert!(detail.contains("seal at entry") && detail.contains("witness w1"), "no batch is named: {detail}");
    let plain = read_by(&bytes, &plain().trust(), None);
    assert!(plain.check("time bounds").is_none(), "a witness that nobody asked for dates entries");
}

/// Requirement: W18, B05
#[test]
fn one_witness_dates_nothing_where_two_are_asked_for() {
    let (bytes, [both, any_two]) = disputed();
    for (trust, due) in [(both, "witness w2"), (any_two, "witness w1")] {
        let report = read_by(&bytes, &trust, None);
        assert_eq!(report.exit_code(), 0, "a wrong clock breaks good evidence: {}", report.to_text());
        let told = report.facts["time_bounds"].to_string();
        assert!(told.contains(due), "one witness alone dates what a quorum has to: {told}");
    }
    let (bytes, [both, _]) = disputed();
    let issuer = read_by(&bytes, &both, None).check("issuer").unwrap().detail.clone();
    assert!(issuer.contains("its time is not used: w3"), "nobody is told that w3 does not count: {issuer}");
}

/// Requirement: A15
#[test]
fn an_alarm_that_was_never_lifted_is_named_and_never_passes() {
    let trust = plain().trust();
    let log = alarmed(false);
    let report = read_by(&log.package(&Cut::default()), &trust, None);
    assert_eq!(report.exit_code(), 3, "a log with two histories passes: {}", report.to_text());
    assert_eq!(
        standing(&report, "ledger inclusion"),
        AspectStanding::NotChecked,
        "the alarm is in no aspect"
    );
    let detail = &report.check("alarms").unwrap().detail;
    assert!(detail.contains("another history") && detail.contains("not lifted"), "unclear: {detail}");
    // A package of the entries before the alarm brings it along.
    let before = Cut { batches: (0, 1), ..Cut::default() };
    let mut parts = log.parts(&before);
    let alarm = log.seals[1].0 + 1;
    parts.proof.extra.push(log.placed(alarm, log.size()));
    parts.proof.extra.sort_by_key(|placed| placed.index);
    let report = read_by(&log.write(&before, &parts).0, &trust, None);
    assert_eq!(report.exit_code(), 3, "an alarm beside the range is not seen: {}", report.to_text());
    let lifted = read_by(&alarmed(true).package(&Cut::default()), &trust, None);
    assert_eq!(lifted.exit_code(), 0, "a lifted alarm counts for ever: {}", lifted.to_text());
    assert_eq!(lifted.check("alarms").unwrap().outcome, Outcome::Holds, "nothing says that there was one");
}

/// Requirement: W19
#[test]
fn a_good_signature_by_a_key_that_nobody_registered_is_called_that() {
    let log = plain();
    let (bytes, trust) = (log.package(&Cut::default()), log.trust());
    let report = read_by(&bytes, &trust, Some(&directory(&log, None)));
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert!(report.check("key directory").unwrap().detail.contains("Demo"), "whose keys they are is lost");
    let report = read_by(&bytes, &trust, Some(&directory(&log, Some(Purpose::Actor))));
    let check = report.check("key directory").unwrap();
    assert_eq!((report.exit_code(), check.outcome), (3, Outcome::Undetermined), "{}", report.to_text());
    assert!(check.detail.contains("valid signature by an unknown key, actor key"), "{}", check.detail);
    assert_eq!(standing(&report, "signature"), AspectStanding::NotChecked, "the aspect says more");
    let revoked =
        directory(&log, None).replace("\"valid_from\"", "\"revoked_at\":\"2025-01-01\",\"valid_from\"");
    let report = read_by(&bytes, &trust, Some(&revoked));
    assert_eq!(report.exit_code(), 1, "a revoked key signs on: {}", report.to_text());
    let receipt = log.receipt(log.seals[2].1.first).to_bytes().unwrap();
    assert_eq!(read_by(&receipt, &trust, Some(&directory(&log, None))).exit_code(), 0, "a receipt fails");
    let unknown = read_by(&receipt, &trust, Some(&directory(&log, Some(Purpose::Actor))));
    assert_eq!(unknown.exit_code(), 3, "a receipt's actor is taken for known");
}

#[test]
fn a_directory_of_another_form_is_refused() {
    let good = r#"{"key_id":"0000000000000000000000000000000000000000000000000000000000000000","organisation":"x","valid_from":"2020-01-01""#;
    let whole = |row: &str| format!(r#"{{"format":"tabellion.key-directory/1","keys":[{row}]}}"#);
    assert!(
        KeyDirectory::parse(whole(&format!("{good}}}")).as_bytes()).is_ok(),
        "a good directory is refused"
    );
    for bad in [
        format!("{good},\"more\":1}}"),
        format!("{good},\"note\":1}}"),
        format!("{good},\"valid_to\":null}}"),
        format!("{good},\"valid_to\":\"2020-13-01\"}}"),
        format!("{good},\"valid_to\":\"2020-01-01 00:00:00Z\"}}"),
        format!("{good},\"public\":\"AAAA\"}}"),
        format!("{good},\"valid_from\":\"2021-01-01\"}}"),
        format!("{good}}},{good}}}"),
        "1".to_owned(),
    ] {
        assert!(KeyDirectory::parse(whole(&bad).as_bytes()).is_err(), "{bad} is taken silently");
    }
}
