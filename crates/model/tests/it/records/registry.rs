//! The record types of version 1: what each may say in clear, and nothing else.

use serde_json::{Map, Value, json};
use tabellion_model::envelope::Profile;
use tabellion_model::registry::{
    AnchorConfirmed, ConflictFound, Divergence, EnvelopeImported, EnvelopeKind, EpochClosed, EpochOpened,
    ErasureDone, ErasureOrdered, ErasureScope, Facts, GapReason, Heartbeat, HeartbeatSignature, HoldPlaced,
    Kind, LossReason, PackageExported, PreviousEpoch, Purpose, Recognition, RegistryError, Revocation,
    Revoked, Rotated, SecondKeyWithdrawn, ShardCheckpoint, ShardConflict, ShardKeyRotated, ShardRegistered,
    SourceKeySet, SourceLife, SourceSpan, StatementRegistered, check, check_sealable, facts, is_critical,
    recognise,
};
use tabellion_model::{
    Header, HoldId, Json, KeyId, KeyInfo, Micros, Origin, ProducerId, RecordId, RecordType, SealedRecord,
    SourceNumber, StreamName, SystemId, VaultKeyId, Withheld, introduce_second_key, key, rotate_second_key,
    to_jcs,
};
use tabellion_tlog::{MlDsaSigningKey, SigningKey};

use tabellion_tlog::anchor::AnchorKind;

use crate::records::fixture::{
    actor_key, credential, genesis_facts, grant_facts, hash, key_id, log_key, origin, small_header,
};

/// One example of every kind.
pub(crate) fn every_fact() -> Vec<Facts> {
    let system = |n: u8| SystemId::from_bytes([n; 16]);
    let life = SourceLife { producer: ProducerId::from_bytes([0x50; 16]), epoch: 7 };
    let span = SourceSpan { life, first: 3, last: 5 };
    let keys = vec![VaultKeyId::from_bytes([0xe1; 16]), VaultKeyId::from_bytes([0xe2; 16])];
    let rotated =
        key::rotate(credential(0xbb), &origin(), Purpose::Log, &log_key(), &crate::records::fixture::key(6))
            .unwrap();
    let mut all = vec![
        genesis_facts(),
        grant_facts(&actor_key(), Purpose::Actor, 0x22),
        Facts::KeyRotated(Box::new(rotated)),
        Facts::KeyRevoked(Revoked { key_id: key_id(&actor_key()), reason: Revocation::Lost }),
        Facts::EpochOpened(EpochOpened {
            previous: Some(PreviousEpoch { closed: false, epoch: 3, last_seq: 99 }),
        }),
        Facts::EpochClosed(EpochClosed { last_seq: 1, systems: vec![(system(1), 4), (system(2), 5)] }),
        Facts::ErasureOrdered(ErasureOrdered { keys: keys.clone(), scope: ErasureScope::Subject }),
        Facts::ErasureDone(ErasureDone { erased: 0, last: true, order: RecordId::from_bytes([0xf1; 16]) }),
        Facts::HoldPlaced(HoldPlaced { hold: HoldId::from_bytes([0xf2; 16]), keys: Some(keys) }),
        Facts::HoldReleased(HoldId::from_bytes([0xf2; 16])),
        Facts::DeletionRequested(Micros(1_767_323_045_000_000)),
        Facts::DeletionCancelled,
        Facts::SystemPurged(Some(RecordId::from_bytes([0xf1; 16]))),
        Facts::PackageExported(PackageExported {
            first: 0,
            count: 16,
            size: 32,
            manifest_sha256: hash("manifest"),
        }),
        Facts::RecordRead(0),
        Facts::ConflictFound(ConflictFound { kind: Divergence::RolledBack, proved: true, size: 150 }),
        Facts::ConflictLifted(RecordId::from_bytes([0xf3; 16])),
        Facts::AnchorConfirmed(AnchorConfirmed {
            anchor: AnchorKind::Rfc3161,
            evidence_sha256: hash("evidence"),
            root: hash("root"),
            size: 32,
        }),
        Facts::StatementRegistered(StatementRegistered {
            issuer_key: key_id(&actor_key()),
            statement_sha256: hash("statement"),
        }),
        Facts::EnvelopeImported(EnvelopeImported {
            digest: hash("envelope"),
            kind: EnvelopeKind::Envelope(Profile::Mlflow),
            payload_checked: true,
            payload_hash: hash("payload"),
            signer: hash("signer").0,
            signer_known: false,
        }),
        Facts::SourceHeartbeat(beat()),
        Facts::SourceKeySet(Box::new(SourceKeySet {
            producer: life.producer,
            key: KeyInfo::of(source_key().public()),
            old: Some(key_id(&actor_key())),
        })),
        Facts::GapDeclared(span, LossReason::SpoolFull),
        Facts::GapFound(span, GapReason::Jump),
        Facts::GapFilled(span),
    ];
    all.extend(about_shards());
    all.extend(about_second_keys());
    all
}

/// A heartbeat that its source did not sign.
fn beat() -> Heartbeat {
    Heartbeat {
        life: SourceLife { producer: ProducerId::from_bytes([0x50; 16]), epoch: 7 },
        beat: 3,
        last_seq: 12,
        sent: 8,
        sampled: 2,
        lost: 3,
        spooled: 1,
        interval_s: 60,
        closed: false,
        signed: None,
    }
}

/// The key of a source.
pub(crate) fn source_key() -> SigningKey {
    crate::records::fixture::key(0x5a)
}

/// The same heartbeat, signed, and the bytes that were.
pub(crate) fn signed_beat() -> (Heartbeat, Vec<u8>) {
    let (at, key) = (Micros(1_767_323_045_000_000), KeyInfo::of(source_key().public()));
    let message = beat().message(at, &key).unwrap();
    let signature = source_key().sign(&message);
    (Heartbeat { signed: Some(Box::new(HeartbeatSignature { at, key, signature })), ..beat() }, message)
}

/// Requirement: W07. The source's own word: no part of it can be changed afterwards, and no other key's passes for it.
#[test]
fn a_heartbeats_signature_covers_all_that_it_says() {
    let (signed, message) = signed_beat();
    assert_eq!(
        (beat().is_signed(), signed.is_signed()),
        (None, Some(true)),
        "signed and unsigned look alike"
    );
    assert!(
        message.starts_with(b"tabellion.heartbeat/1\n{"),
        "a signature of another kind could pass for this one"
    );
    let header = header_of(&Facts::SourceHeartbeat(signed.clone()));
    assert_eq!(
        facts(&header),
        Ok(Some(Facts::SourceHeartbeat(signed.clone()))),
        "the signature is lost or changed"
    );
    let clear = header.clear.clone().unwrap();
    let mut counts: Vec<(Vec<&str>, Value)> =
        ["beat", "epoch", "interval_s"].map(|name| (vec![name], json!(99))).to_vec();
    counts.extend([
        (vec!["producer"], json!("51".repeat(16))),
        (vec!["sampled"], json!(1)),
        (vec!["signed", "at"], json!(1)),
        (
            vec!["signed", "key"],
            grant_facts(&actor_key(), Purpose::Actor, 1).to_clear().unwrap()["key"].clone(),
        ),
        (vec!["signed", "signature"], json!("A".repeat(86) + "==")),
    ]);
    for (path, value) in counts {
        let mut changed = Value::Object(clear.clone());
        changed[path[0]] = match path.get(1) {
            None => value,
            Some(inner) => {
                let mut object = changed[path[0]].clone();
                object[*inner] = value;
                object
            }
        };
        let read = facts(&Header { clear: changed.as_object().cloned(), ..header.clone() });
        let Ok(Some(Facts::SourceHeartbeat(read))) = read else { panic!("{path:?}: {read:?}") };
        assert_eq!(read.is_signed(), Some(false), "{path:?} can be changed under the signature");
    }
    for (last_seq, sent, spooled, closed) in [(13, 9, 1, false), (12, 9, 0, false), (11, 8, 0, true)] {
        let changed = Heartbeat { last_seq, sent, spooled, closed, ..signed.clone() };
        assert_eq!(changed.is_signed(), Some(false), "counts can be changed under the signature");
    }
    let mut extra = clear;
    extra["signed"]["note"] = json!("x");
    assert!(check(&Header { clear: Some(extra), ..header }).is_err(), "something unsigned stands beside it");
}

fn about_second_keys() -> [Facts; 3] {
    let [old, new] = [1, 2].map(|seed| MlDsaSigningKey::from_seed(&[seed; 32]));
    [
        introduce_second_key(&origin(), &old).unwrap(),
        rotate_second_key(&origin(), &old, &new).unwrap(),
        Facts::SecondKeyWithdrawn(SecondKeyWithdrawn {
            key_id: KeyId(new.public().key_id()),
            reason: Revocation::Retired,
        }),
    ]
}

fn about_shards() -> [Facts; 4] {
    [
        Facts::ShardRegistered(Box::new(ShardRegistered {
            key: KeyInfo::of(log_key().public()),
            origin: shard(),
            root_key: KeyInfo::of(actor_key().public()),
        })),
        Facts::ShardKeyRotated(Box::new(ShardKeyRotated {
            origin: shard(),
            rotation: rotation_of(&shard()),
            record_sha256: hash("record"),
        })),
        Facts::ShardCheckpointRecorded(shown()),
        Facts::ShardConflictFound(ShardConflict {
            shown: shown(),
            kind: Divergence::Forked,
            known_size: 40,
            proved: true,
        }),
    ]
}

/// Another log, whose checkpoints this one takes.
fn shard() -> Origin {
    Origin::new("log.example/log/tenant").unwrap()
}

fn rotation_of(log: &Origin) -> Rotated {
    key::rotate(credential(0xbb), log, Purpose::Log, &log_key(), &crate::records::fixture::key(6)).unwrap()
}

fn shown() -> ShardCheckpoint {
    let mut shown = ShardCheckpoint {
        key: key_id(&log_key()),
        origin: shard(),
        root: hash("root"),
        signature: [0; 64],
        size: 41,
    };
    shown.signature = log_key().sign(shown.checkpoint().text().as_bytes());
    shown
}

/// Requirement: B02. What a root log keeps of a shard shows by itself who signed.
#[test]
fn a_shard_s_checkpoint_and_its_new_key_are_signed_where_they_stand() {
    let checkpoint = shown();
    assert!(checkpoint.is_signed_by(&log_key().public()), "the entry does not show who signed");
    assert!(!checkpoint.is_signed_by(&actor_key().public()), "another key passes for the shard's");
    let larger = ShardCheckpoint { size: 42, ..checkpoint };
    assert!(!larger.is_signed_by(&log_key().public()), "the signature covers no size");
    let said =
        |origin: Origin, rotation: Rotated| ShardKeyRotated { origin, rotation, record_sha256: hash("x") };
    assert!(said(shard(), rotation_of(&shard())).is_agreed(&log_key().public()), "both keys signed");
    assert!(!said(shard(), rotation_of(&origin())).is_agreed(&log_key().public()), "for another log");
    assert!(!said(shard(), rotation_of(&shard())).is_agreed(&actor_key().public()), "of another key");
    let writer = Rotated { purpose: Purpose::Writer, ..rotation_of(&shard()) };
    assert!(!said(shard(), writer).is_agreed(&log_key().public()), "a key for another purpose");
}

/// The smallest header that says `said`.
pub(crate) fn header_of(said: &Facts) -> Header {
    let kind = said.kind();
    let mut header =
        Header { critical: kind.is_critical(), clear: said.to_clear(), ..small_header(kind.name()) };
    if kind.is_key_record() {
        header.stream = Some((StreamName::new("keys").unwrap(), 1));
    }
    if kind.name().starts_with("system.") {
        header.system = Some((SystemId::from_bytes([0x44; 16]), 1));
    }
    header
}

#[test]
fn every_kind_says_what_it_means_and_is_read_back() {
    let all = every_fact();
    assert_eq!(
        all.iter().map(Facts::kind).collect::<Vec<_>>(),
        Kind::ALL,
        "one example of every kind, in order"
    );
    for said in all {
        let header = header_of(&said);
        assert_eq!(check_sealable(&header), Ok(()), "{said:?} must be sealable");
        let bytes = SealedRecord { header }.to_bytes().unwrap();
        let read = SealedRecord::parse(&bytes).unwrap().header;
        assert_eq!(recognise(&read), Recognition::Known(said.kind()), "a kind of version 1 is known");
        assert_eq!(facts(&read), Ok(Some(said)), "a fact would be lost or changed");
    }
    for said in [
        Facts::EpochOpened(EpochOpened { previous: None }),
        Facts::SystemPurged(None),
        Facts::HoldPlaced(HoldPlaced { hold: HoldId::from_bytes([1; 16]), keys: None }),
    ] {
        assert_eq!(facts(&header_of(&said)), Ok(Some(said)), "what may be left out can be left out");
    }
}

#[test]
fn a_kind_carries_its_members_and_no_others() {
    for said in every_fact() {
        let header = header_of(&said);
        let name = said.kind().name();
        let clear = header.clear.clone().unwrap_or_default();
        let mut more = clear.clone();
        more.insert("remark".to_owned(), json!("free text"));
        let refused = check(&Header { clear: Some(more), ..header.clone() });
        assert!(refused.is_err(), "{name}: free text in clear would stay for ever");
        for member in clear.keys() {
            let mut fewer = clear.clone();
            fewer.remove(member);
            let fewer = (!fewer.is_empty()).then_some(fewer);
            let optional = match said {
                Facts::EpochOpened(_) | Facts::HoldPlaced(_) | Facts::SystemPurged(_) => {
                    ["previous", "keys", "order"].contains(&member.as_str())
                }
                Facts::SourceKeySet(_) => member == "old",
                _ => false,
            };
            assert_eq!(
                check(&Header { clear: fewer, ..header.clone() }).is_ok(),
                optional,
                "{name} without {member}"
            );
            for wrong in [json!(null), json!([1]), json!({"x": 1}), json!("x"), json!(-1), json!("")] {
                let mut changed = clear.clone();
                changed.insert(member.clone(), wrong.clone());
                let refused = check(&Header { clear: Some(changed), ..header.clone() });
                let text = refused.expect_err("a wrong value must be refused").to_string();
                let named = text.contains(member.as_str()) || matches!(said, Facts::Genesis(_));
                assert!(named, "{name}: {member} = {wrong} is not named: {text}");
            }
        }
        let critical = Header { critical: !header.critical, ..header.clone() };
        assert_eq!(
            check(&critical),
            Err(RegistryError::Critical(name)),
            "a reader must not pass over what is critical"
        );
    }
}

/// A change to the `clear` member.
type Edit = fn(&mut Map<String, Value>);

#[test]
fn inner_objects_are_closed_too() {
    let change = |said: &Facts, edit: Edit| {
        let mut header = header_of(said);
        edit(header.clear.as_mut().unwrap());
        check(&header).is_err()
    };
    let all = every_fact();
    let edits: [(usize, Edit); 9] = [
        (1, |clear| clear["key"]["extra"] = json!(1)),
        (1, |clear| clear["key"]["alg"] = json!("rsa")),
        (1, |clear| clear["key"]["key_id"] = json!("0".repeat(64))),
        (1, |clear| clear["key"]["public"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        (1, |clear| clear["purpose"] = json!("root")),
        (4, |clear| clear["previous"]["extra"] = json!(1)),
        (5, |clear| clear["systems"][0]["extra"] = json!(1)),
        (5, |clear| clear["systems"].as_array_mut().unwrap().reverse()),
        (0, |clear| clear["tenant"] = json!("other")),
    ];
    for (position, edit) in edits {
        assert!(change(&all[position], edit), "edit of {} passed unseen", all[position].kind().name());
    }
}

#[test]
fn a_genesis_agrees_with_its_header_and_is_the_beginning() {
    let good = header_of(&genesis_facts());
    assert_eq!(check(&good), Ok(()), "the genesis itself is fine");
    for wrong in [
        Header { log: Origin::new("notary.example/log/other").unwrap(), ..good.clone() },
        Header { env: tabellion_model::Env::Sandbox, ..good.clone() },
        Header { epoch: 2, ..good.clone() },
        Header { seq: 2, ..good.clone() },
        Header { stream: Some((StreamName::new("keys").unwrap(), 2)), ..good.clone() },
    ] {
        assert_eq!(check(&wrong), Err(RegistryError::Genesis), "two answers to whose log it is");
    }
}

#[test]
fn the_stream_of_keys_holds_key_records_only_and_all_of_them() {
    let keys = Some((StreamName::new("keys").unwrap(), 2));
    let intruder = Header { stream: keys, ..small_header("document.captured") };
    assert_eq!(check(&intruder), Err(RegistryError::KeysStream), "the count of key records would be wrong");
    let grant = Header { stream: None, ..header_of(&grant_facts(&actor_key(), Purpose::Actor, 1)) };
    assert_eq!(
        check(&grant),
        Err(RegistryError::KeysStream),
        "a key record outside the count could be hidden"
    );
    let later = Header { type_version: 2, stream: None, ..grant };
    assert_eq!(check(&later), Err(RegistryError::KeysStream), "later versions count too");
}

#[test]
fn records_about_a_system_name_it() {
    for said in every_fact().iter().filter(|said| said.kind().name().starts_with("system.")) {
        let header = Header { system: None, ..header_of(said) };
        assert_eq!(check(&header), Err(RegistryError::NoSystem(said.kind().name())), "which system?");
    }
}

#[test]
fn types_of_the_future_are_read_but_not_sealed() {
    let clear = Some(crate::records::fixture::object(&json!({"count": 3})));
    let future = Header { clear: clear.clone(), ..small_header("future.event") };
    let bytes = SealedRecord { header: future.clone() }.to_bytes().unwrap();
    assert!(
        SealedRecord::parse(&bytes).is_ok(),
        "a later registry may name members for it; its log must stay verifiable"
    );
    assert_eq!(recognise(&future), Recognition::Unknown, "it may be passed over");
    assert_eq!(facts(&future), Ok(None), "nothing is known of it");
    assert_eq!(
        check_sealable(&future),
        Err(RegistryError::NoClear("future.event".to_owned())),
        "this version cannot vouch for what stands there for ever"
    );
    assert_eq!(
        check_sealable(&Header { clear: None, ..future.clone() }),
        Ok(()),
        "without clear members it may be sealed"
    );
    let critical = Header { critical: true, ..future };
    assert_eq!(recognise(&critical), Recognition::UnknownCritical, "whoever interprets the log must stop");
    let later = Header { type_version: 2, critical: true, ..header_of(&Facts::DeletionRequested(Micros(1))) };
    assert_eq!(recognise(&later), Recognition::UnknownCritical, "another version has another meaning");
    assert_eq!(
        check_sealable(&later),
        Err(RegistryError::Version { name: "system.deletion_requested", given: 2 }),
        "what is not known cannot be sealed"
    );
}

#[test]
fn criticality_is_as_the_formats_say() {
    let critical = |name: &str| is_critical(&RecordType::new(name).unwrap());
    let expected = |kind: &Kind| {
        !matches!(
            kind.name().split_once('.'),
            Some((
                "anchor"
                    | "envelope"
                    | "gap"
                    | "package"
                    | "record"
                    | "second_key"
                    | "shard"
                    | "source"
                    | "statement"
                    | "witness",
                _
            ))
        )
    };
    assert!(Kind::ALL.iter().all(|kind| critical(kind.name()) == expected(kind)), "the table of formats §8");
    assert!(!critical("document.captured"), "other types are as their registry says; here not");
}

#[test]
fn purposes_and_reasons_come_back() {
    for purpose in [Purpose::Root, Purpose::Log, Purpose::Writer, Purpose::Package, Purpose::Actor] {
        assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose), "a key file would not load");
        assert_eq!(purpose.is_single(), purpose != Purpose::Actor, "one key at a time, actors aside");
    }
    for reason in [Revocation::Compromised, Revocation::Lost, Revocation::Retired] {
        assert_eq!(Revocation::parse(reason.as_str()), Some(reason), "a revocation would lose its reason");
    }
    for scope in [ErasureScope::Subject, ErasureScope::Record, ErasureScope::Retention, ErasureScope::System]
    {
        assert_eq!(ErasureScope::parse(scope.as_str()), Some(scope), "an order would lose its scope");
    }
    let clear: Json = Json::Object(every_fact()[6].to_clear().unwrap());
    assert!(
        String::from_utf8(to_jcs(&clear).unwrap()).unwrap().contains("\"scope\":\"subject\""),
        "words, not numbers"
    );
}

#[test]
fn a_tombstone_counts_its_fields() {
    let done = |erased| {
        Facts::ErasureDone(ErasureDone { erased, last: true, order: RecordId::from_bytes([0xf1; 16]) })
    };
    assert_eq!(
        check(&header_of(&done(0))),
        Ok(()),
        "an order that found nothing to erase is an honest record"
    );
    assert_eq!(
        check(&header_of(&done(2))),
        Err(RegistryError::Tombstones { said: 2, fields: 0 }),
        "a record could claim erasures that it does not name"
    );
}

/// Any type may carry a source's own number in clear, in its one form; nothing else.
#[test]
fn a_sources_number_is_all_that_an_unlisted_type_carries() {
    let life = SourceLife { producer: ProducerId::from_bytes([0x50; 16]), epoch: 7 };
    let number = SourceNumber { life, seq: 4, withheld: Some(Withheld::Sampled) };
    let numbered = Header { clear: Some(number.to_clear()), ..small_header("event.captured") };
    assert_eq!(check_sealable(&numbered), Ok(()), "a source's number cannot be recorded");
    assert_eq!(SourceNumber::of(&numbered), Some(number), "a number would be lost or changed");
    for wrong in [
        json!({"source": {"epoch": 7, "producer": "50".repeat(16)}}),
        json!({"source": {"epoch": 0, "producer": "50".repeat(16), "seq": 1}}),
        json!({"source": {"epoch": 7, "producer": "50".repeat(16), "seq": 0}}),
        json!({"source": {"epoch": 7, "producer": "50".repeat(16), "seq": 1, "name": "Ada"}}),
        json!({"source": {"epoch": 7, "producer": "50".repeat(16), "seq": 1, "withheld": "lost"}}),
        json!({"source": {"epoch": 7, "producer": "50".repeat(16), "seq": 1}, "remark": "free text"}),
        json!({"source": 1}),
    ] {
        let header = Header { clear: wrong.as_object().cloned(), ..small_header("event.captured") };
        assert!(check_sealable(&header).is_err(), "{wrong} would stand in clear for ever");
        assert_eq!(SourceNumber::of(&header), None, "{wrong} would be counted");
        assert_eq!(check(&header), Ok(()), "{wrong}: a later registry may know it");
    }
    let mut beat = header_of(&every_fact()[20]);
    beat.clear.as_mut().unwrap().insert("spooled".to_owned(), json!(2));
    assert!(check(&beat).is_err(), "a heartbeat whose counts do not add up proves nothing");
}
