//! What other organisations attest of a log's entries, and how it is counted.

use serde_json::json;
use tabellion_model::attestation::{AttestError, Attestation, Attested, Quorum, QuorumAsked, attest, quorum};
use tabellion_model::{AspectStanding, KeyDirectory, KeyId, Micros, Outcome, Reader, Receipt};
use tabellion_tlog::{Policy, SigningKey, sha256};

use super::cut::Cut;
use super::fixture::{Log, key, plain};
use super::outside::directory;

const NOON: Micros = Micros(1_800_000_000_000_000);

/// The first record of the log with content of its own, and a statement.
fn places(log: &Log) -> (u64, u64) {
    (log.seals[1].1.first + 1, log.seals[2].1.first)
}

fn receipt(log: &Log, index: u64, change: impl FnOnce(&mut Receipt)) -> Vec<u8> {
    let mut receipt = log.receipt(index);
    change(&mut receipt);
    receipt.to_bytes().unwrap()
}

fn item(evidence: &[u8], trust: &str, keys: Option<&str>, live: Option<&[u8]>) -> Attested {
    let policy = Policy::parse(trust).unwrap();
    let keys = keys.map(|text| KeyDirectory::parse(text.as_bytes()).unwrap());
    attest(evidence, &Reader { trust: Some(&policy), keys: keys.as_ref(), live, ..Reader::default() })
        .unwrap()
}

fn bundle(signer: &SigningKey, items: Vec<Attested>) -> Vec<u8> {
    Attestation::of(signer, NOON, "test 1".to_owned(), items).unwrap().sign(signer).unwrap()
}

/// A directory with one key for each organisation, and the log's root key as of `Demo`.
fn signers(log: &Log, more: &[(&str, &SigningKey)]) -> KeyDirectory {
    let row = |(who, key): (&str, KeyId)| json!({"key_id": key.to_hex(), "organisation": who, "valid_from": "2020-01-01"});
    let keys = more.iter().map(|(who, key)| (*who, KeyId::of(&key.public())));
    let rows: Vec<_> = keys.chain([("Demo", KeyId::of(&log.root.public()))]).map(row).collect();
    let text = json!({"format": "tabellion.key-directory/1", "keys": rows}).to_string();
    KeyDirectory::parse(text.as_bytes()).unwrap()
}

fn count(bundles: &[Vec<u8>], signers: &KeyDirectory, need: usize, level: u8) -> Quorum {
    let names: Vec<String> = (0..bundles.len()).map(|number| format!("file {number}")).collect();
    let bundles = names.iter().map(String::as_str).zip(bundles.iter().map(Vec::as_slice)).collect();
    quorum(&QuorumAsked { bundles, signers, need, level, expected: Vec::new() })
}

/// Requirement: R22. Each level is what was computed, and no more than the evidence and the reader's own knowledge allow.
#[test]
fn a_level_follows_from_the_evidence_and_from_nothing_else() {
    let log = plain();
    let (record, statement) = places(&log);
    let (trust, stranger) = (log.trust(), Log::new("other.example", "b").trust());
    let (all, few) = (directory(&log, None), directory(&log, Some(tabellion_model::Purpose::Actor)));
    let whole = receipt(&log, record, |_| {});
    let withheld = receipt(&log, record, |receipt| receipt.disclosures.clear());
    let signed = receipt(&log, statement, |_| {});
    for (what, evidence, trust, keys, level) in [
        ("everything shown, keys known", &whole, &trust, Some(&all), 3),
        ("everything shown, keys vouched for by the trust file", &whole, &trust, None, 3),
        ("no content given", &withheld, &trust, None, 1),
        ("a log that the trust file does not name", &whole, &stranger, None, 0),
        ("a statement by a known actor", &signed, &trust, Some(&all), 3),
        ("a statement by an actor whom the attester does not know", &signed, &trust, Some(&few), 2),
    ] {
        let item = item(evidence, trust, keys.map(String::as_str), None);
        assert_eq!(item.level(), level, "{what}: {item:?}");
        assert!(!item.is_broken(), "{what} is called broken: {item:?}");
    }

    // Other content than was sealed, and a field that the entry does not name: broken, not a lower level.
    let other = item(&whole, &trust, None, Some(br#"{"title":"another"}"#));
    assert_eq!((other.hash, other.level()), (AspectStanding::Broken, 0), "{other:?}");
    let foreign = log.receipt(record + 1).disclosures;
    let swapped = receipt(&log, record, |receipt| receipt.disclosures = foreign);
    assert!(item(&swapped, &trust, None, None).is_broken(), "fields of another entry pass");
    let moved = receipt(&log, record, |receipt| receipt.path.swap(0, 1));
    assert!(item(&moved, &trust, None, None).is_broken(), "an entry elsewhere passes");
    assert_eq!(
        attest(&log.package(&Cut::default()), &Reader::default()),
        Err(AttestError::NoReceipt),
        "a package is taken for the receipt of one entry"
    );
}

/// Requirement: R22. The level stands in the signed bytes and is refused where it is claimed: every byte counts.
#[test]
fn an_attestation_is_read_as_it_was_signed_or_not_at_all() {
    let log = plain();
    let (record, statement) = places(&log);
    let signer = key("auditor");
    let withheld = receipt(&log, record, |receipt| receipt.disclosures.clear());
    let items = vec![
        item(&receipt(&log, statement, |_| {}), &log.trust(), None, None),
        item(&withheld, &log.trust(), None, None),
    ];
    let bytes = bundle(&signer, items.clone());
    let read = Attestation::parse(&bytes).unwrap();
    assert_eq!(read.items.iter().map(|item| item.index).collect::<Vec<_>>(), [record, statement]);
    assert_eq!(read.sign(&signer).unwrap(), bytes, "two byte forms of one attestation");
    assert!(
        Attestation::of(&signer, NOON, String::new(), [items.clone(), items].concat()).is_none(),
        "an entry is attested twice in one file"
    );

    let text = String::from_utf8(bytes.clone()).unwrap();
    let known = signers(&log, &[("Auditor", &signer)]);
    for (from, to) in [("\"level\":1", "\"level\":3"), ("\"hash\":\"not checked\"", "\"hash\":\"holds\"")] {
        assert!(text.contains(from), "the test looks for what is not there: {from}");
        let claimed = text.replacen(from, to, 1).into_bytes();
        assert!(Attestation::parse(&claimed).is_err(), "a level that was claimed is read");
    }
    for place in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let exit = count(&[changed], &known, 1, 1).exit_code();
        assert!(exit == 1 || exit == 2, "byte {place} changed, and the count ends with {exit}");
    }
}

/// Requirement: R22. Every known organisation counts once; whoever is not known, or is the log's own, counts apart.
#[test]
fn k_of_n_counts_organisations_and_not_files() {
    let log = plain();
    let (record, _) = places(&log);
    let (one, spare, two, unknown, own) =
        (key("one"), key("one, spare"), key("two"), key("nobody"), key("demo's second"));
    let known = signers(&log, &[("One", &one), ("One", &spare), ("Two", &two), ("Demo", &own)]);
    let whole = item(&receipt(&log, record, |_| {}), &log.trust(), None, None);
    let low = item(&receipt(&log, record, |receipt| receipt.disclosures.clear()), &log.trust(), None, None);
    let say = |signer: &SigningKey, item: &Attested| bundle(signer, vec![item.clone()]);

    let many =
        [say(&one, &whole), say(&one, &low), say(&spare, &whole), say(&unknown, &whole), say(&own, &whole)];
    let counted = count(&many, &known, 2, 1);
    assert_eq!(
        counted.items[0].counts,
        [1, 1, 1],
        "a signer is counted for each file: {}",
        counted.to_text()
    );
    assert_eq!(counted.exit_code(), 3, "one organisation passes for two: {}", counted.to_text());
    let apart = &counted.items[0].apart;
    assert!(
        apart.iter().any(|who| who.contains("file 3")) && apart.iter().any(|who| who.contains("Demo")),
        "who was not counted is not told: {apart:?}"
    );

    let enough = [say(&one, &whole), say(&two, &low)];
    assert_eq!(count(&enough, &known, 2, 1).exit_code(), 0, "two of two do not suffice");
    assert_eq!(count(&enough, &known, 2, 1).items[0].counts, [2, 1, 1]);
    assert_eq!(count(&enough, &known, 2, 2).exit_code(), 3, "a lower level passes for a higher one");
    assert_eq!(count(&enough, &known, 1, 3).exit_code(), 0);

    // Nothing, and entries of which nobody speaks.
    assert_eq!(count(&[bundle(&one, Vec::new())], &known, 1, 1).exit_code(), 3, "an empty file attests");
    let bytes = say(&one, &whole);
    let missing = QuorumAsked {
        bundles: vec![("file", &bytes)],
        signers: &known,
        need: 1,
        level: 1,
        expected: vec![(log.origin.as_str().to_owned(), record + 1)],
    };
    let counted = quorum(&missing);
    assert_eq!(counted.exit_code(), 3, "an entry that nobody attests passes: {}", counted.to_text());
    assert_eq!(counted.items.iter().filter(|item| item.outcome == Outcome::Holds).count(), 1);
}

/// Requirement: R22. One who found it broken, or saw another entry there, is never outvoted.
#[test]
fn a_contradiction_is_named_and_decides() {
    let log = plain();
    let (record, _) = places(&log);
    let (one, two, three, unknown) = (key("one"), key("two"), key("three"), key("nobody"));
    let known = signers(&log, &[("One", &one), ("Two", &two), ("Three", &three)]);
    let evidence = receipt(&log, record, |_| {});
    let whole = item(&evidence, &log.trust(), None, None);
    let broken = item(&evidence, &log.trust(), None, Some(b"other content"));
    let forked = Attested { leaf: sha256(b"another entry"), ..whole.clone() };
    let say = |signer: &SigningKey, item: &Attested| bundle(signer, vec![item.clone()]);
    let majority = [say(&one, &whole), say(&two, &whole)];

    for (against, named) in [(&broken, "Three says broken"), (&forked, "different entries")] {
        let counted = count(&[&majority[..], &[say(&three, against)]].concat(), &known, 2, 1);
        let text = counted.to_text();
        assert_eq!(counted.exit_code(), 1, "two outvoted a third who found it wrong: {text}");
        assert!(text.contains(named), "the contradiction is not named: {text}");
        // Nobody can stop a count whom the reader does not know.
        let counted = count(&[&majority[..], &[say(&unknown, against)]].concat(), &known, 2, 1);
        assert_eq!(counted.exit_code(), 0, "a stranger has a veto: {}", counted.to_text());
    }
    let again = count(&[say(&one, &whole), say(&two, &whole), say(&two, &broken)], &known, 2, 1);
    assert_eq!(again.exit_code(), 1, "what an organisation took back is not seen: {}", again.to_text());
}

/// Requirement: R22. Nothing counts that was signed by a key which was revoked, whatever date it wrote, or outside its dates.
#[test]
fn a_key_counts_within_its_dates_alone() {
    let log = plain();
    let (record, _) = places(&log);
    let signer = key("auditor");
    let bytes = bundle(&signer, vec![item(&receipt(&log, record, |_| {}), &log.trust(), None, None)]);
    for (more, exit) in [
        (json!({}), 0),
        (json!({"valid_to": "2026-01-01"}), 3),
        (json!({"valid_from": "2030-01-01"}), 3),
        (json!({"revoked_at": "2029-01-01"}), 3),
    ] {
        let mut row = json!({"key_id": KeyId::of(&signer.public()).to_hex(), "organisation": "Auditor", "valid_from": "2020-01-01"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let text = json!({"format": "tabellion.key-directory/1", "keys": [row]}).to_string();
        let known = KeyDirectory::parse(text.as_bytes()).unwrap();
        let counted = count(std::slice::from_ref(&bytes), &known, 1, 1);
        assert_eq!(counted.exit_code(), exit, "{more}: {}", counted.to_text());
    }
}
