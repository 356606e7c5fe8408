//! Evidence that others signed, as an operator meets it: checked, put on record once, refused when it is broken; and ours in their form.

use std::fs;

use serde_json::{Value, json};
use tabellion_model::to_jcs;
use tabellion_tlog::{SigningKey, sha256};

use super::support::{Notary, tabellion};

const PAYLOAD: &[u8] = br#"{"accuracy_percent":93,"run_id":"r1"}"#;

fn key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

fn public() -> String {
    hex::encode(key().public().as_bytes())
}

/// An envelope as the family's library for `MLflow` signs it.
fn envelope(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    envelope_of(&key(), change)
}

fn envelope_of(key: &SigningKey, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut envelope = json!({
        "event_id": "1f0e9a4c-3b2d-4d5e-8f6a-7b8c9d0e1f2a", "event_type": "training_complete", "payload_hash": sha256(PAYLOAD).to_hex(),
        "previous_hash": "GENESIS", "public_key": hex::encode(key.public().as_bytes()), "signed_at": "2026-05-12T14:23:45.123456+00:00",
        "spec_version": "ario.mlflow/v1", "subject": {"run_id": "r1", "type": "mlflow_run"},
    });
    change(&mut envelope);
    envelope["signature"] = hex::encode(key.sign(&to_jcs(&envelope).unwrap())).into();
    to_jcs(&envelope).unwrap()
}

/// Requirements: R01, R16
#[test]
fn an_envelope_is_imported_once_with_what_was_checked() {
    let notary = Notary::new();
    let (file, payload) =
        (notary.file("proof.json", &envelope(|_| ())), notary.file("payload.json", PAYLOAD));
    let verify = |more: &[&str], code| tabellion(&[&["envelope", "verify", &file], more].concat()).ends(code);
    verify(&["--key", &public(), "--payload", &payload], 0);
    verify(&["--key", &public()], 3);
    verify(&["--payload", &payload], 3);
    let import = |file: &str, more: &[&str]| {
        notary.run(&[&["envelope", "import", file, "--json"], more].concat()).ends(0).json()
    };
    let first = import(&file, &["--key", &public(), "--payload", &payload]);
    assert_eq!(
        (&first["kind"], &first["payload_checked"], &first["signer_known"], &first["duplicate"]),
        (&json!("ario.mlflow/v1"), &json!(true), &json!(true), &json!(false)),
        "the record says something else than was checked: {first}"
    );
    let size = notary.size();
    let laid_out =
        serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap());
    let again = import(&notary.file("indented.json", &laid_out.unwrap()), &[]);
    assert_eq!(
        (&again["index"], &again["duplicate"]),
        (&first["index"], &json!(true)),
        "recorded twice: {again}"
    );
    assert_eq!(again["payload_checked"], true, "the first import checked it, and its record says so");
    assert_eq!(notary.size(), size, "asking again changed the log");
    notary.verify(first["receipt"].as_str().unwrap()).ends(0);
    let shown = notary.run(&["log", "show", &first["index"].to_string(), "--json"]).ends(0).out;
    assert!(
        shown.contains(&public()) && shown.contains("envelope.imported"),
        "its signer is not on record: {shown}"
    );
    notary.is_sound();
}

/// Requirement: R27. The chain that the envelopes of a key make is shown; a gap is named, and stays one until what is missing is imported.
#[test]
fn the_chain_of_a_key_is_followed_and_a_gap_is_named() {
    let notary = Notary::new();
    let link = |number: u8, previous: &str| {
        let bytes = envelope(|envelope| {
            envelope["event_id"] = format!("1f0e9a4c-3b2d-4d5e-8f6a-7b8c9d0e1f{number:02x}").into();
            envelope["payload_hash"] = sha256(&[number]).to_hex().into();
            envelope["previous_hash"] = previous.into();
        });
        notary.file(&format!("link{number}.json"), &bytes)
    };
    let (first, second) = (link(1, "GENESIS"), link(2, &sha256(&[1]).to_hex()));
    let third = link(3, &sha256(&[2]).to_hex());
    let import = |file: &str| {
        let made = notary.run(&["envelope", "import", file, "--json"]).ends(0).json();
        made["index"].as_u64().expect("an index")
    };
    let (third, first) = (import(&third), import(&first));
    let broken = notary.run(&["envelope", "chain", "--json"]).ends(1).json();
    assert_eq!(
        broken["chains"],
        json!([
            {"entries": [third], "says": format!("BROKEN: what came before, {}, was not imported", sha256(&[2]).to_hex()), "signer": public(), "state": "gap"},
            {"entries": [first], "says": "from GENESIS, no gap", "signer": public(), "state": "whole"},
        ]),
        "a gap passes for a whole chain"
    );
    let second = import(&second);
    let whole = notary.run(&["envelope", "chain", "--json", "--signer", &public()]).ends(0).json();
    assert_eq!(whole["chains"][0]["entries"], json!([first, second, third]), "{whole}");
    let fork = import(&link(4, &sha256(&[1]).to_hex()));
    let forked = notary.run(&["envelope", "chain"]).ends(1).out;
    assert!(
        forked.contains(&format!("entry {first} has another successor"))
            && forked.contains(&fork.to_string()),
        "{forked}"
    );

    // The payload that an envelope commits to leads to its record.
    let found = notary.run(&["log", "find", &sha256(&[2]).to_hex(), "--json"]).ends(0).json();
    assert!(
        found["places"]
            .as_array()
            .is_some_and(|places| places.iter().all(|place| place["index"] == second) && !places.is_empty()),
        "what only follows it is found for it, or it is not found: {found}"
    );
    let payload = notary.file("payload2", &[2]);
    let by_file = notary.run(&["log", "find", "--file", &payload, "--json"]).ends(0).json();
    assert_eq!(by_file["places"], found["places"]);
    notary.run(&["log", "find", "xyz"]).refused(2, &["64 hex digits"]);
    notary.run(&["log", "find", &sha256(b"nothing").to_hex()]).refused(3, &["no record"]);
}

/// Requirement: R27. Nobody is accused of what others signed, of events with the same payload, or of what an erasure took.
#[test]
fn an_honest_chain_is_not_called_broken() {
    let notary = Notary::new();
    let stranger = SigningKey::from_seed(&[8; 32]);
    let link = |name: &str, key: &SigningKey, number: u8, payload: u8, previous: &str| {
        let bytes = envelope_of(key, |envelope| {
            envelope["event_id"] = format!("1f0e9a4c-3b2d-4d5e-8f6a-7b8c9d0e1f{number:02x}").into();
            envelope["payload_hash"] = sha256(&[payload]).to_hex().into();
            envelope["previous_hash"] = previous.into();
        });
        notary.file(name, &bytes)
    };
    let import = |file: &str| {
        let made = notary.run(&["envelope", "import", file, "--json"]).ends(0).json();
        made["index"].as_u64().expect("an index")
    };
    notary.run(&["envelope", "chain"]).refused(3, &["no envelope was imported"]);
    let hash = |payload: u8| sha256(&[payload]).to_hex();
    // The stranger's comes first and has the payload of the second event; the payload of the first comes twice.
    let of_stranger = import(&link("s.json", &stranger, 9, 2, "GENESIS"));
    let third = link("3.json", &key(), 3, 2, &hash(1));
    let entries = [
        import(&link("1.json", &key(), 1, 1, "GENESIS")),
        import(&link("2.json", &key(), 2, 1, &hash(1))),
        import(&third),
        import(&link("4.json", &key(), 4, 3, &hash(2))),
    ];
    // A copy of the third, with a member outside of what was signed.
    let mut copy: Value = serde_json::from_slice(&fs::read(&third).unwrap()).unwrap();
    copy["_seen_by"] = "somebody".into();
    import(&notary.file("copy.json", &to_jcs(&copy).unwrap()));
    let whole = notary.run(&["envelope", "chain", "--json"]).ends(0).json();
    let chains = whole["chains"].as_array().expect("chains");
    assert_eq!(chains.len(), 2, "an honest signer's chain is in pieces: {whole}");
    for chain in chains {
        let expected = if chain["signer"] == public() { json!(entries) } else { json!([of_stranger]) };
        assert_eq!((&chain["entries"], &chain["state"]), (&expected, &json!("whole")), "{whole}");
    }

    // An erasure takes the second event: it is still known to have been there.
    notary.run(&["erase", "--record", &entries[1].to_string(), "--reason", "r"]).ends(0);
    let erased = notary.run(&["envelope", "chain", "--json", "--signer", &public()]).ends(3).json();
    let states: Vec<&Value> =
        erased["chains"].as_array().expect("chains").iter().map(|chain| &chain["state"]).collect();
    assert_eq!(
        states,
        ["whole", "not_kept"],
        "what was erased is said never to have been imported: {erased}"
    );
    assert_eq!(erased["unreadable"], 1, "{erased}");
    let of_stranger = hex::encode(stranger.public().as_bytes());
    notary.run(&["envelope", "chain", "--signer", &of_stranger]).ends(0);

    // A key that nobody has, and what is no key, are not found whole.
    notary.run(&["envelope", "chain", "--signer", "zz"]).refused(2, &["64 hex digits"]);
    notary
        .run(&["envelope", "chain", "--signer", &"ab".repeat(32)])
        .refused(3, &["no envelope of the signer"]);
}

/// Requirements: R03, R04, R27
#[test]
fn nothing_broken_is_imported() {
    let notary = Notary::new();
    let mut injected: Value = serde_json::from_slice(&envelope(|_| ())).unwrap();
    injected["approved_by"] = "me".into();
    let cases = [
        (injected.to_string().into_bytes(), 1, "unsigned_member"),
        (
            envelope(|envelope| envelope["spec_version"] = "ario.mlflow/v10".into()),
            2,
            "unsupported_spec_version",
        ),
        (envelope(|envelope| envelope["environment"] = "dev".into()), 1, "dev_environment"),
        (b"{}".to_vec(), 2, "missing_spec_version"),
    ];
    let (good, size) = (notary.file("good.json", &envelope(|_| ())), notary.size());
    for (bytes, exit_code, code) in cases {
        let file = notary.file("bad.json", &bytes);
        notary
            .run(&["envelope", "import", &good, &file])
            .refused(exit_code, &[code, "bad.json", "Nothing was imported"]);
    }
    let dev = notary.file("dev.json", &envelope(|envelope| envelope["environment"] = "dev".into()));
    notary.run(&["envelope", "import", &dev, "--dev"]).refused(2, &["production log", "dev_environment"]);
    assert_eq!(notary.size(), size, "something was recorded beside what was refused");
    let sandbox = Notary::with(&["--env", "sandbox"]);
    sandbox.run(&["envelope", "import", &dev, "--dev"]).ends(0);
}

#[test]
fn a_record_is_handed_out_as_an_envelope() {
    let notary = Notary::new();
    let recorded = notary.record(&notary.file("assessment.txt", b"we assessed it"), &[]);
    let (index, out) = (recorded["index"].to_string(), notary.beside_text("event.json"));
    notary.run(&["envelope", "export", &index, "--out", &out]).ends(0);
    let envelope: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let (signer, payload) = (envelope["public_key"].as_str().unwrap(), format!("{out}.payload"));
    tabellion(&["envelope", "verify", &out, "--key", signer, "--payload", &payload]).ends(0);
    let payload = fs::read_to_string(payload).unwrap();
    assert!(
        !payload.contains(recorded["sha256"].as_str().unwrap()),
        "content of the record left the log: {payload}"
    );
    notary.run(&["envelope", "export", &index, "--out", &out]).refused(2, &["exists"]);
    notary.run(&["envelope", "export", "999", "--out", &notary.beside_text("none.json")]).ends(1);
}
