//! Good envelopes of each profile, and each way to be a bad one.

use std::sync::LazyLock;

use serde_json::{Value as Json, json};
use tabellion_tlog::{SigningKey, inclusion_path_of, leaf_hash};

use super::*;
use crate::verdict::{Outcome, Report};
use crate::{Env, Micros, Origin, RecordId, RecordType};

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// Signs what `members` say, by the rule of the mlflow profile when `strips` and of the others when not.
fn sign(mut members: Json, strips: bool) -> Vec<u8> {
    members["public_key"] = hex::encode(key().public().as_bytes()).into();
    let mut scope = members.clone();
    let object = scope.as_object_mut().unwrap();
    object.remove("co_signatures");
    if strips {
        object.retain(|name, _| !name.starts_with('_'));
    }
    let signature = key().sign(&canonical(&scope));
    members["signature"] = hex::encode(signature).into();
    canonical(&members)
}

/// Written with the other canonical writer of this crate, so that the two are compared as well.
fn canonical(value: &Json) -> Vec<u8> {
    crate::to_jcs(value).unwrap()
}

fn agent() -> Json {
    let payload = json!({"hash": "ab", "size_bytes": 47_832});
    json!({
        "spec_version": "ario.agent/v1", "event_id": "550e8400-e29b-41d4-a716-446655440000", "event_type": "asset_registered",
        "subject": {"type": "agent", "agent_id": "host-01"}, "previous_hash": "GENESIS", "signed_at": "2026-05-12T14:23:45.123Z",
        "payload_hash": sha256_hex(&canonical(&payload)), "payload": payload,
    })
}

const PAYLOAD: &[u8] = br#"{"accuracy":0.93,"run_id":"r1"}"#;

fn mlflow() -> Json {
    json!({
        "spec_version": "ario.mlflow/v1", "event_id": "1f0e9a4c-3b2d-4d5e-8f6a-7b8c9d0e1f2a", "event_type": "training_complete",
        "subject": {"type": "mlflow_run", "run_id": "r1"}, "previous_hash": "GENESIS",
        "signed_at": "2026-05-12T14:23:45.123456+00:00", "payload_hash": sha256_hex(PAYLOAD), "_tx_id": "abc",
    })
}

fn events() -> Json {
    json!({
        "spec_version": "ario.events/v1", "event_id": "1f0e9a4c-3b2d-4d5e-8f6a-7b8c9d0e1f2a", "environment": "production",
        "signed_at": "2026-06-11T00:00:00.000Z", "payload_hash": sha256_hex(PAYLOAD),
    })
}

static KEYS: LazyLock<[PublicKey; 1]> = LazyLock::new(|| [key().public()]);

fn verify<'a>(bytes: &[u8], change: impl FnOnce(&mut EnvelopeContext<'a>)) -> Report {
    let mut context = EnvelopeContext { keys: &*KEYS, payload: Some(PAYLOAD), ..EnvelopeContext::default() };
    if String::from_utf8_lossy(bytes).contains("\"payload\":") {
        context.payload = None;
    }
    change(&mut context);
    verify_envelope(bytes, &context)
}

fn codes(report: &Report) -> Vec<String> {
    let codes = report.facts.get("codes").and_then(Json::as_array).cloned().unwrap_or_default();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

fn outcome(report: &Report, check: &str) -> Outcome {
    report.check(check).map_or(Outcome::NotRun, |check| check.outcome)
}

fn edited(members: Json, strips: bool, edit: impl FnOnce(&mut Json)) -> Vec<u8> {
    let mut envelope: Json = serde_json::from_slice(&sign(members, strips)).unwrap();
    edit(&mut envelope);
    canonical(&envelope)
}

/// Requirement: R01
#[test]
fn good_envelopes_of_each_profile_hold() {
    for (members, strips) in [(agent(), false), (mlflow(), true), (events(), false)] {
        let bytes = sign(members, strips);
        let report = verify(&bytes, |_| ());
        assert_eq!(report.exit_code(), 0, "good evidence is refused: {}", report.to_text());
        let pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<Json>(&bytes).unwrap()).unwrap();
        let report = verify(&pretty, |_| ());
        assert_eq!(report.exit_code(), 0, "the file as MLflow keeps it is refused: {}", report.to_text());
        assert_eq!(report.facts["canonical"], false, "another layout passes for the signer's own bytes");
    }
}

/// Requirement: R16
#[test]
fn what_was_not_checked_is_not_fine() {
    let bytes = sign(mlflow(), true);
    let report = verify(&bytes, |context| context.keys = &[]);
    assert_eq!(
        (report.exit_code(), codes(&report)),
        (3, vec!["unknown_key".to_owned()]),
        "anybody's key would do"
    );
    let report = verify(&bytes, |context| context.payload = None);
    assert_eq!(
        (report.exit_code(), codes(&report)),
        (3, vec!["payload_not_given".to_owned()]),
        "what it is about is unknown"
    );
    let other = [SigningKey::from_seed(&[8; 32]).public()];
    let report = verify(&bytes, |context| context.keys = &other);
    assert_eq!((report.exit_code(), codes(&report)), (1, vec!["other_key".to_owned()]), "a stranger signed");
    let report = verify(&bytes, |context| context.payload = Some(b"{}"));
    assert_eq!(
        (report.exit_code(), codes(&report)),
        (1, vec!["payload_mismatch".to_owned()]),
        "another payload passes"
    );
    assert_eq!(outcome(&report, "signature"), Outcome::Holds, "the two checks are apart");
}

/// Requirement: R04
#[test]
fn a_member_that_nobody_signed_is_found() {
    for name in ["_tx_id", "approved_by"] {
        let bytes = edited(agent(), false, |envelope| envelope[name] = "x".into());
        let report = verify(&bytes, |_| ());
        assert_eq!(
            (report.exit_code(), codes(&report)),
            (1, vec!["unsigned_member".to_owned()]),
            "{name} passes for signed"
        );
        assert!(report.to_text().contains(name), "one cannot see which member it is");
    }
    let bytes = edited(mlflow(), true, |envelope| envelope["approved_by"] = "x".into());
    assert_eq!(codes(&verify(&bytes, |_| ())), ["unsigned_member"], "an addition passes for signed");
    // By this profile's habit the underscore is outside; then it must read so.
    let bytes = edited(mlflow(), true, |envelope| envelope["_approved_by"] = "x".into());
    let report = verify(&bytes, |_| ());
    assert_eq!(report.exit_code(), 0, "routing notes are allowed there");
    assert_eq!(report.facts["unsigned_members"], json!(["_approved_by", "_tx_id"]), "notes pass for signed");
    for (members, strips) in [(agent(), false), (mlflow(), true), (events(), false)] {
        let bytes =
            edited(members.clone(), strips, |envelope| envelope["co_signatures"] = json!([{"by": "y"}]));
        let report = verify(&bytes, |_| ());
        assert_eq!(report.exit_code(), 0, "countersignatures are attached after the first signature");
        assert_eq!(outcome(&report, "co-signatures"), Outcome::NotRun, "nobody looked at them");
        let bytes = edited(members, strips, |envelope| envelope["co_signatures"] = "y".into());
        assert_eq!(codes(&verify(&bytes, |_| ())), ["member_form"], "the reserved member has one form");
    }
}

/// Requirement: R03
#[test]
fn another_major_is_refused_whatever_its_signature_says() {
    let version = |text: &str| {
        let mut members = agent();
        members["spec_version"] = text.into();
        verify(&sign(members, false), |_| ())
    };
    assert_eq!(version("ario.agent/v1.3").exit_code(), 0, "an additive minor is read");
    for text in ["ario.agent/v10", "ario.agent/v2", "ario.future/v1", "ario.agent/v1.x"] {
        let report = version(text);
        assert_eq!(
            (report.exit_code(), codes(&report)),
            (2, vec!["unsupported_spec_version".to_owned()]),
            "{text} is read"
        );
        assert_eq!(
            outcome(&report, "signature"),
            Outcome::NotRun,
            "a signature over another format says nothing"
        );
    }
    let mut members = mlflow();
    members.as_object_mut().unwrap().remove("spec_version");
    let bytes = sign(members, true);
    assert_eq!(
        codes(&verify(&bytes, |_| ())),
        ["missing_spec_version"],
        "an unversioned envelope passes unasked"
    );
    assert_eq!(verify(&bytes, |context| context.allow_legacy = true).exit_code(), 0, "asked for, it is read");
}

/// Requirement: R27
#[test]
fn what_was_made_for_trying_out_is_no_production_evidence() {
    let mut members = events();
    members["environment"] = "dev".into();
    let bytes = sign(members, false);
    assert_eq!(codes(&verify(&bytes, |_| ())), ["dev_environment"], "a test proof passes for production");
    assert_eq!(verify(&bytes, |context| context.allow_dev = true).exit_code(), 0, "asked for, it is read");
    let bytes = edited(events(), false, |envelope| envelope["environment"] = "dev".into());
    assert!(
        codes(&verify(&bytes, |_| ())).contains(&"bad_signature".to_owned()),
        "the mark can be changed afterwards"
    );
}

#[test]
fn malformed_files_say_what_is_wrong_with_them() {
    let without =
        |name: &str| edited(mlflow(), true, |envelope| drop(envelope.as_object_mut().unwrap().remove(name)));
    let with = |name: &str, value: Json| edited(mlflow(), true, |envelope| envelope[name] = value);
    let text = String::from_utf8(sign(mlflow(), true)).unwrap();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (without("payload_hash"), "missing_member"),
        (without("public_key"), "missing_member"),
        (without("signature"), "missing_member"),
        (without("event_id"), "missing_member"),
        (without("subject"), "missing_member"),
        (with("payload_hash", "AB".repeat(32).into()), "member_form"),
        (with("public_key", "00".repeat(32).into()), "member_form"),
        (with("signature", "ab".into()), "member_form"),
        (with("event_id", "1".into()), "member_form"),
        (with("signed_at", "yesterday".into()), "member_form"),
        (with("previous_hash", "genesis".into()), "member_form"),
        (with("spec_version", 1.into()), "unsupported_spec_version"),
        (text.replacen('{', r#"{"_tx_id":"b","#, 1).into_bytes(), "duplicate_member"),
        (text.replace("r1", r"\ud800").into_bytes(), "lone_surrogate"),
        (text.replace("\"r1\"", "9007199254740993").into_bytes(), "number_form"),
        (text.replace("\"r1\"", &format!("{}{}", "[".repeat(130), "]".repeat(130))).into_bytes(), "too_deep"),
        (b"[1]".to_vec(), "not_an_object"),
        (b"{".to_vec(), "not_json"),
        (vec![0xff], "not_json"),
        (vec![b' '; MAX_ENVELOPE_BYTES + 1], "too_large"),
        (edited(events(), false, |envelope| envelope["event_type"] = "x".into()), "misplaced_member"),
        (
            edited(events(), false, |envelope| drop(envelope.as_object_mut().unwrap().remove("environment"))),
            "missing_member",
        ),
    ];
    for (bytes, code) in cases {
        let report = verify(&bytes, |_| ());
        assert_eq!((report.exit_code(), codes(&report)), (2, vec![code.to_owned()]), "{}", report.to_text());
    }
}

/// Requirement: A16
#[test]
fn no_byte_can_be_changed_unseen() {
    for (members, strips) in [(agent(), false), (events(), false)] {
        let bytes = sign(members, strips);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert_ne!(
                    verify(&changed, |_| ()).exit_code(),
                    0,
                    "byte {at}, bit {bit} was changed and nobody sees it"
                );
            }
        }
    }
}

/// A day of an agent: leaves, and the bundle for one of them.
fn bundle(leaves: usize, index: usize, edit: impl FnOnce(&mut Json)) -> Vec<u8> {
    let leaf = |n: usize| json!({"asset": format!("asset-{n}"), "outcome": "verified", "schema": "ario.agent.leaf/v1"});
    bundle_of(leaf, leaves, index, edit)
}

fn bundle_of(
    leaf: impl Fn(usize) -> Json,
    leaves: usize,
    index: usize,
    edit: impl FnOnce(&mut Json),
) -> Vec<u8> {
    let hashes: Vec<Hash> = (0..leaves).map(|n| leaf_hash(&canonical(&leaf(n)))).collect();
    let root = tabellion_tlog::root_of(hashes.iter().copied());
    let path = inclusion_path_of(&hashes, index as u64).unwrap();
    let payload = json!({"leaf_count": leaves, "merkle_root": root.to_hex()});
    let mut members = agent();
    members["event_type"] = "verification_checkpoint".into();
    members["payload_hash"] = sha256_hex(&canonical(&payload)).into();
    members["payload"] = payload;
    let checkpoint: Json = serde_json::from_slice(&sign(members, false)).unwrap();
    let mut bundle = json!({
        "spec_version": "ario.agent.proof/v1", "checkpoint_envelope": checkpoint, "checkpoint_tx_id": "tx", "leaf": leaf(index),
        "leaf_index": index, "audit_path": path.iter().map(Hash::to_hex).collect::<Vec<_>>(),
    });
    edit(&mut bundle);
    canonical(&bundle)
}

/// One change of a bundle.
type Edit = fn(&mut Json);

/// Requirement: R26
#[test]
fn a_leaf_stands_in_its_batch_and_nowhere_else() {
    for (leaves, index) in [(1, 0), (2, 1), (3, 2), (7, 3), (16, 15)] {
        let report = verify(&bundle(leaves, index, |_| ()), |_| ());
        assert_eq!(report.exit_code(), 0, "leaf {index} of {leaves}: {}", report.to_text());
    }
    let edits: [Edit; 5] = [
        |bundle| bundle["leaf"]["outcome"] = "tampered".into(),
        |bundle| bundle["leaf_index"] = 1.into(),
        |bundle| drop(bundle["audit_path"].as_array_mut().unwrap().pop()),
        |bundle| bundle["audit_path"].as_array_mut().unwrap().push("00".repeat(32).into()),
        |bundle| bundle["leaf_index"] = 7.into(),
    ];
    for edit in edits {
        let report = verify(&bundle(7, 3, edit), |_| ());
        assert_eq!(
            (report.exit_code(), codes(&report)),
            (1, vec!["bad_inclusion".to_owned()]),
            "{}",
            report.to_text()
        );
    }
    // The last leaf of an odd tree counted twice, as some chains do it, is another tree.
    let twice = bundle(3, 2, |bundle| {
        let last = leaf_hash(&canonical(&bundle["leaf"]));
        bundle["audit_path"].as_array_mut().unwrap().insert(0, last.to_hex().into());
    });
    assert_eq!(codes(&verify(&twice, |_| ())), ["bad_inclusion"], "a duplicated last leaf passes");
}

/// Requirement: R26
#[test]
fn a_leaf_that_was_made_for_trying_out_is_no_evidence_of_production() {
    let leaf = |n: usize| json!({"asset": format!("asset-{n}"), "environment": "dev"});
    let dev = bundle_of(leaf, 3, 1, |_| ());
    assert_eq!(
        codes(&verify(&dev, |_| ())),
        ["dev_environment"],
        "a production checkpoint launders a trial's leaf"
    );
    let report = verify(&dev, |context| context.allow_dev = true);
    assert_eq!(report.exit_code(), 0, "what the reader asked for is refused: {}", report.to_text());
}

/// Requirement: R26
#[test]
fn nothing_is_said_of_inclusion_under_a_root_that_nobody_signed() {
    let forged = bundle(1, 0, |bundle| {
        bundle["leaf"]["outcome"] = "forged".into();
        let root = leaf_hash(&canonical(&bundle["leaf"])).to_hex();
        bundle["checkpoint_envelope"]["payload"]["merkle_root"] = root.into();
    });
    let report = verify(&forged, |_| ());
    assert_eq!(codes(&report), ["bad_signature", "payload_mismatch"], "{}", report.to_text());
    let inclusion = report.check("inclusion").unwrap();
    assert_eq!(
        inclusion.outcome,
        Outcome::NotRun,
        "a forged leaf is told to stand in a signed tree: {}",
        inclusion.detail
    );
}

#[test]
fn an_envelope_stands_in_the_batch_of_its_receipt() {
    let batch: Vec<Vec<u8>> = (0..3)
        .map(|n| {
            let mut members = events();
            members["event_id"] = format!("1f0e9a4c-3b2d-4d5e-8f6a-7b8c9d0e1f2{n}").into();
            sign(members, false)
        })
        .collect();
    let hashes: Vec<Hash> = batch.iter().map(|bytes| leaf_hash(bytes)).collect();
    let root = tabellion_tlog::root_of(hashes.iter().copied()).to_hex();
    let record =
        canonical(&json!({"event": {"leaf_count": 3, "merkle_root": root}, "event_type": "checkpoint"}));
    let mut members = events();
    members["payload_hash"] = sha256_hex(&record).into();
    let checkpoint: Json = serde_json::from_slice(&sign(members, false)).unwrap();
    let receipt = |index: usize| {
        let path = inclusion_path_of(&hashes, index as u64).unwrap();
        let receipt = json!({
            "checkpointTxId": "tx", "root": root, "leafHash": hashes[index].to_hex(), "leafIndex": index,
            "auditPath": path.iter().map(Hash::to_hex).collect::<Vec<_>>(), "checkpointEnvelope": checkpoint,
        });
        InclusionReceipt::parse(&canonical(&receipt)).unwrap()
    };
    for (index, bytes) in batch.iter().enumerate() {
        let own = receipt(index);
        let report = verify(bytes, |context| context.inclusion = Some((&own, &record)));
        assert_eq!(report.exit_code(), 0, "{}", report.to_text());
        let other = receipt((index + 1) % 3);
        let report = verify(bytes, |context| context.inclusion = Some((&other, &record)));
        assert_eq!(codes(&report), ["bad_inclusion"], "another envelope's receipt passes");
        let report = verify(bytes, |context| context.inclusion = Some((&own, b"{}")));
        assert_eq!(codes(&report), ["bad_inclusion"], "another record's root passes");
    }
}

fn exported(env: Env) -> ExportedEnvelope {
    let (log, record_type) =
        (Origin::new("example.com/log/bank").unwrap(), RecordType::new("document.captured").unwrap());
    let record = EventRecord {
        log: &log,
        env,
        index: 5,
        entry: b"entry",
        record_id: RecordId::from_bytes([1; 16]),
        record_type: &record_type,
    };
    export_event(&record, [0xff; 16], Micros(1_750_000_000_000_000), &key()).unwrap()
}

#[test]
fn what_we_export_is_read_by_the_same_rules() {
    let made = exported(Env::Production);
    let report = verify(&made.envelope, |context| context.payload = Some(&made.payload));
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(report.facts["canonical"], true, "others hash the bytes as they are");
    assert_eq!(report.facts["event_id"], "ffffffff-ffff-4fff-bfff-ffffffffffff", "not a UUID of version 4");
    let made = exported(Env::Sandbox);
    let report = verify(&made.envelope, |context| context.payload = Some(&made.payload));
    assert_eq!(codes(&report), ["dev_environment"], "a sandbox's record passes for production evidence");
}

#[test]
fn text_and_order_are_canonical() {
    let text =
        "{\"\u{20ac}\":\"Euro\",\"\\r\":1,\"\u{fb33}\":2,\"1\":3,\"\u{1f600}\":4,\"\u{80}\":5,\"\u{f6}\":6}";
    let value = json::parse(text.as_bytes(), 1000).unwrap();
    assert_eq!(
        String::from_utf8(value.to_canonical()).unwrap(),
        "{\"\\r\":1,\"1\":3,\"\u{80}\":5,\"\u{f6}\":6,\"\u{20ac}\":\"Euro\",\"\u{1f600}\":4,\"\u{fb33}\":2}",
        "members are sorted otherwise than RFC 8785 §3.2.3 sorts them"
    );
    let value =
        json::parse(br#"[ "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", 1E30, 4.50, true, null ]"#, 1000)
            .unwrap();
    assert_eq!(
        String::from_utf8(value.to_canonical()).unwrap(),
        "[\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",1e+30,4.5,true,null]",
        "texts are escaped otherwise than RFC 8785 §3.2.2 escapes them"
    );
    assert_eq!(json::parse(br#""\ud83d\ude00""#, 1000).unwrap(), json::Value::Text("\u{1f600}".to_owned()));
}
