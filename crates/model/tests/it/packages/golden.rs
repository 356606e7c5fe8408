//! One example of each file that leaves the house, byte for byte: a second verifier is tested against these, and a change of
//! format cannot go unseen. `UPDATE_GOLDEN=1` writes them anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tabellion_model::registry::{Facts, Purpose, Revocation, SecondKeyWithdrawn};
use tabellion_model::{KeyId, Micros, Outcome, Period, introduce_second_key, rotate_second_key, verify};
use tabellion_tlog::{MlDsaSigningKey, Policy, SignedCheckpoint, VerifierKey, cosign_ml_dsa, sign_ml_dsa};

use super::cut::Cut;
use super::fixture::{HOUR, Log, START, erased, plain, rotated};
use super::levels::anchored_receipt;
use super::outside::{alarmed, anchored, directory, disputed, read_by, witnessed};
use super::registered::registered;
use super::runs;
use super::shards::{rooted, unregistered};
use super::sources::{counted, forging, signing, taking_over};

/// What readers who say more see: file, trust file, key directory.
const READ_BY: [(&str, &str, Option<&str>); 18] = [
    ("cosigned.receipt", "cosigned-trust.txt", None),
    ("hybrid.receipt", "second-alone-trust.txt", None),
    ("record.receipt", "second-alone-trust.txt", None),
    ("anchored.receipt", "anchored-receipt-trust.txt", None),
    ("anchored.receipt", "trust.txt", None),
    ("anchored.zip", "anchored-trust.txt", None),
    ("witnessed.zip", "witnessed-trust.txt", None),
    ("late.zip", "witnessed-trust.txt", None),
    ("disputed.zip", "both-trust.txt", None),
    ("disputed.zip", "any-two-trust.txt", None),
    ("plain.zip", "trust.txt", Some("keys.json")),
    ("plain.zip", "trust.txt", Some("few-keys.json")),
    ("statement.receipt", "trust.txt", Some("keys.json")),
    ("statement.receipt", "trust.txt", Some("few-keys.json")),
    ("rotated.zip", "trust.txt", Some("keys.json")),
    ("registered.cose", "trust.txt", Some("keys.json")),
    ("whole.run", "trust.txt", Some("keys.json")),
    ("whole.run", "trust.txt", Some("few-keys.json")),
];

fn directory_of() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/packages")
}

fn compare(name: &str, bytes: &[u8]) {
    let path = directory_of().join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(directory_of()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let stored = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run with UPDATE_GOLDEN=1", path.display()));
    assert!(
        stored == bytes,
        "{name} has other bytes than before: files that people hold would no longer be read the same way"
    );
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let (plain, erased, rotated) = (plain(), erased(), rotated());
    let (signing, forging) = (signing(), forging());
    let period = Period { from: Micros(START + HOUR), to: Micros(START + 3 * HOUR) };
    let of_period =
        Cut { batches: (1, 2), period: Some(period), framework: Some("iso42001"), ..Cut::default() };
    vec![
        ("plain.zip", plain.package(&Cut::default())),
        ("erased.zip", erased.package(&Cut { batches: (1, 3), ..Cut::default() })),
        ("rotated.zip", rotated.package(&Cut::default())),
        ("period.zip", plain.package(&of_period)),
        ("record.receipt", plain.receipt(plain.seals[1].1.first + 1).to_bytes().unwrap()),
        ("statement.receipt", plain.receipt(plain.seals[2].1.first).to_bytes().unwrap()),
        ("statement.cose", plain.transparent(plain.seals[2].1.first)),
        ("anchored.zip", anchored().0),
        ("witnessed.zip", witnessed(5).0),
        ("late.zip", witnessed(0).0),
        ("disputed.zip", disputed().0),
        ("alarm.zip", alarmed(false).package(&Cut::default())),
        ("counted.zip", counted(true).package(&Cut::default())),
        ("gap.zip", counted(false).package(&Cut::default())),
        ("signing.zip", signing.0.package(&Cut::default())),
        ("forging.zip", forging.0.package(&Cut::default())),
        ("taking-over.zip", taking_over().0.package(&Cut::default())),
        ("signed-beat.receipt", signing.0.receipt(signing.1[1]).to_bytes().unwrap()),
        ("unsigned-beat.receipt", signing.0.receipt(signing.1[0]).to_bytes().unwrap()),
        ("forged-beat.receipt", forging.0.receipt(forging.1[1]).to_bytes().unwrap()),
        ("lifted.zip", alarmed(true).package(&Cut::default())),
        ("rooted.zip", rooted(false)),
        ("conflict.zip", rooted(true)),
        ("unregistered.zip", unregistered()),
        ("hybrid.receipt", hybrid(&plain, plain.seals[1].1.first + 1)),
        ("cosigned.receipt", cosigned(&plain, plain.seals[1].1.first + 1)),
        ("registered.cose", registered().transparent()),
        ("anchored.receipt", anchored_receipt().0),
        ("second-keys.zip", second_keys().package(&Cut::default())),
        ("whole.run", runs::whole()),
        ("broken.run", runs::broken()),
        ("ended.run", runs::ended()),
    ]
}

/// The log's second key.
fn second_key() -> MlDsaSigningKey {
    MlDsaSigningKey::from_seed(&[8; 32])
}

/// A log that recorded its second key, the one after it, and that there is none now.
fn second_keys() -> Log {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    log.seal();
    let next = MlDsaSigningKey::from_seed(&[9; 32]);
    let withdrawn = SecondKeyWithdrawn { key_id: KeyId(next.public().key_id()), reason: Revocation::Retired };
    for facts in [
        introduce_second_key(&log.origin, &second_key()).unwrap(),
        rotate_second_key(&log.origin, &second_key(), &next).unwrap(),
        Facts::SecondKeyWithdrawn(withdrawn),
    ] {
        let mut header = log.header(facts.kind().name(), log.own(), 1, None);
        header.clear = facts.to_clear();
        log.push_record(header);
        log.seal();
    }
    log
}

/// A receipt under a checkpoint that the log signed twice.
fn hybrid(log: &Log, index: u64) -> Vec<u8> {
    let mut receipt = log.receipt(index);
    let signed = SignedCheckpoint::parse(receipt.checkpoint.as_bytes()).unwrap();
    let line = sign_ml_dsa(&signed.checkpoint, &second_key()).unwrap();
    receipt.checkpoint = signed.with_signatures(&[line]).bytes;
    receipt.to_bytes().unwrap()
}

/// The same, cosigned five hours after the log began by a witness with an ML-DSA-44 key.
fn cosigned(log: &Log, index: u64) -> Vec<u8> {
    let mut receipt = log.receipt(index);
    let signed = SignedCheckpoint::parse(receipt.checkpoint.as_bytes()).unwrap();
    let seconds = START / 1_000_000 + 5 * 3_600;
    let lines = [
        sign_ml_dsa(&signed.checkpoint, &second_key()).unwrap(),
        cosign_ml_dsa(&signed.checkpoint, WITNESS, seconds, &witness_key()).unwrap(),
    ];
    receipt.checkpoint = signed.with_signatures(&lines).bytes;
    receipt.to_bytes().unwrap()
}

const WITNESS: &str = "pq.example";

fn witness_key() -> MlDsaSigningKey {
    MlDsaSigningKey::from_seed(&[10; 32])
}

/// A trust file that pins both keys.
fn hybrid_trust() -> String {
    format!("{}{}", second_line(), plain().trust())
}

/// The line that pins the second key.
fn second_line() -> String {
    let key = VerifierKey::ml_dsa(plain().origin.as_str(), second_key().public().clone()).unwrap();
    format!("log {key}\n")
}

/// A trust file that pins both keys and asks for the witness.
fn cosigned_trust() -> String {
    let key = VerifierKey::ml_dsa(WITNESS, witness_key().public().clone()).unwrap();
    hybrid_trust().replace("quorum none", &format!("witness pq {key}\nquorum pq"))
}

/// Requirement: B11. A wrong line under the key that is all a trust file pins is broken and not unknown.
#[test]
fn a_wrong_second_signature_is_broken_where_it_is_all_that_is_pinned() {
    let alone = Policy::parse(format!("{}quorum none\n", second_line())).unwrap();
    let log = plain();
    let mut receipt = log.receipt(log.seals[1].1.first + 1);
    let signed = SignedCheckpoint::parse(receipt.checkpoint.as_bytes()).unwrap();
    let mut line = sign_ml_dsa(&signed.checkpoint, &second_key()).unwrap();
    line.signature[1000] ^= 1;
    receipt.checkpoint = signed.with_signatures(&[line]).bytes;
    let report = verify(&receipt.to_bytes().unwrap(), Some(&alone));
    let issuer = &report.check("issuer").unwrap();
    assert_eq!(issuer.outcome, Outcome::Broken, "a forged signature is called unknown: {}", issuer.detail);
}

#[test]
fn packages_receipts_and_statements_keep_their_bytes() {
    for (name, bytes) in files() {
        assert!(bytes.len() < 200_000, "{name} is too large to keep");
        compare(name, &bytes);
    }
    compare("keys.json", directory(&plain(), None).as_bytes());
    compare("few-keys.json", directory(&plain(), Some(Purpose::Actor)).as_bytes());
    compare("anchored-trust.txt", anchored().1.as_bytes());
    compare("anchored-receipt-trust.txt", anchored_receipt().1.as_bytes());
    compare("witnessed-trust.txt", witnessed(5).1.as_bytes());
    for (name, trust) in ["both-trust.txt", "any-two-trust.txt"].iter().zip(disputed().1) {
        compare(name, trust.as_bytes());
    }
    compare("trust.txt", plain().trust().as_bytes());
    compare("hybrid-trust.txt", hybrid_trust().as_bytes());
    compare("second-alone-trust.txt", format!("{}quorum none\n", second_line()).as_bytes());
    compare("cosigned-trust.txt", cosigned_trust().as_bytes());
    compare("wrong-trust.txt", Log::new("other.example", "b").trust().as_bytes());
}

/// The outcome of every check over every golden file, for verifiers in other languages to agree with.
#[test]
fn verdicts_on_golden_files_are_kept() {
    let trusts = [
        ("trust.txt", Some(plain().trust())),
        ("hybrid-trust.txt", Some(hybrid_trust())),
        ("wrong-trust.txt", Some(Log::new("other.example", "b").trust())),
        ("no trust file", None),
    ];
    // Sorted members, whatever map serde_json is built with.
    let mut verdicts = BTreeMap::new();
    for (name, bytes) in files() {
        for (trust_name, trust) in &trusts {
            let policy = trust.as_ref().map(|text| Policy::parse(text).unwrap());
            let report = verify(&bytes, policy.as_ref());
            let checks: BTreeMap<&str, &str> =
                report.checks.iter().map(|check| (check.name, check.outcome.as_str())).collect();
            let verdict = serde_json::json!({"checks": checks, "exit": report.exit_code()});
            verdicts.insert(format!("{name} with {trust_name}"), verdict);
        }
    }
    for (name, trust_name, keys_name) in READ_BY {
        let read = |name: &str| std::fs::read_to_string(directory_of().join(name)).unwrap();
        let keys = keys_name.map(read);
        let bytes = std::fs::read(directory_of().join(name)).unwrap();
        let report = read_by(&bytes, &read(trust_name), keys.as_deref());
        let checks: BTreeMap<&str, &str> =
            report.checks.iter().map(|check| (check.name, check.outcome.as_str())).collect();
        let bounds = report.facts.get("time_bounds");
        let (levels, exit) = (report.facts.get("levels"), report.exit_code());
        let verdict = serde_json::json!({"bounds": bounds, "checks": checks, "exit": exit, "levels": levels});
        let by = keys_name.map(|keys| format!(" by {keys}")).unwrap_or_default();
        verdicts.insert(format!("{name} with {trust_name}{by}"), verdict);
    }
    let mut text = serde_json::to_string_pretty(&verdicts).unwrap();
    text.push('\n');
    compare("verdicts.json", text.as_bytes());
}

/// The readable report is reviewed as a diff.
#[test]
fn the_text_of_a_report_is_kept() {
    let policy = Policy::parse(plain().trust()).unwrap();
    let erased = erased().package(&Cut { batches: (1, 3), ..Cut::default() });
    compare("erased.report.txt", verify(&erased, Some(&policy)).to_text().as_bytes());
    compare("erased.no-trust.report.txt", verify(&erased, None).to_text().as_bytes());
}
