//! Fixed keys, ids and records that the tests share. Nothing is random: golden files depend on it.

use serde_json::{Map, Value, json};
use tabellion_model::key::{KeyRecordPlace, key_record};
use tabellion_model::registry::{Facts, Genesis, Granted, KeyInfo, Purpose};
use tabellion_model::{
    Assurance, CredentialId, Env, Header, Json, KeyChain, KeyId, Micros, Origin, Parent, ProducerId,
    RecordId, RecordType, SealedRecord, Statement, StreamName, SystemId, UnitDigests, UnitId, seal_unit,
};
use tabellion_tlog::{Hash, SigningKey, sha256};

/// 2026-01-02T03:04:05.678901Z
pub(crate) const OBSERVED_AT: Micros = Micros(1_767_323_045_678_901);

pub(crate) fn root_key() -> SigningKey {
    key(1)
}

pub(crate) fn log_key() -> SigningKey {
    key(2)
}

pub(crate) fn writer_key() -> SigningKey {
    key(3)
}

pub(crate) fn actor_key() -> SigningKey {
    key(5)
}

/// The key whose seed is this byte, 32 times.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub(crate) fn key_id(key: &SigningKey) -> KeyId {
    KeyId::of(&key.public())
}

pub(crate) fn origin() -> Origin {
    Origin::new("notary.example/log/acme").unwrap()
}

pub(crate) fn credential(n: u8) -> CredentialId {
    CredentialId::from_bytes([n; 16])
}

pub(crate) fn hash(text: &str) -> Hash {
    sha256(text.as_bytes())
}

pub(crate) fn object(value: &Json) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// The smallest record: every optional member left out.
pub(crate) fn small_header(record_type: &str) -> Header {
    Header {
        record_type: RecordType::new(record_type).unwrap(),
        type_version: 1,
        critical: false,
        log: origin(),
        env: Env::Production,
        record_id: RecordId::from_bytes([0x11; 16]),
        observed_at: OBSERVED_AT,
        actor: credential(0x22),
        assurance: Assurance::Observed,
        producer: ProducerId::from_bytes([0x33; 16]),
        epoch: 1,
        seq: 1,
        system: None,
        stream: None,
        parents: Vec::new(),
        basis: None,
        idem: None,
        clear: None,
        units: Vec::new(),
    }
}

/// A record of a known type with every optional member.
pub(crate) fn full_header() -> Header {
    Header {
        epoch: 2,
        seq: 41,
        system: Some((SystemId::from_bytes([0x44; 16]), 7)),
        stream: Some((StreamName::new("document/55555555555555555555555555555555").unwrap(), 3)),
        parents: vec![
            Parent {
                hash: hash("parent"),
                record_id: RecordId::from_bytes([0x66; 16]),
                role: "caused_by".to_owned(),
            },
            Parent {
                hash: hash("other"),
                record_id: RecordId::from_bytes([0x67; 16]),
                role: "replaces".to_owned(),
            },
        ],
        basis: Some(0),
        idem: Some(hash("idempotency")),
        clear: Some(object(&json!({"entry": 12}))),
        units: vec![unit(0x71, &["model", "prompt"]), unit(0x72, &["customer"])],
        ..small_header("record.read")
    }
}

/// A unit whose fields have the value `true`.
pub(crate) fn unit(id: u8, names: &[&str]) -> UnitDigests {
    let fields: Vec<_> = names.iter().map(|name| ((*name).to_owned(), Json::Bool(true))).collect();
    seal_unit(UnitId::from_bytes([id; 16]), &[id; 32], &fields).unwrap().0
}

pub(crate) fn bytes_of(header: Header) -> Vec<u8> {
    SealedRecord { header }.to_bytes().unwrap()
}

/// A key record signed by the root key.
pub(crate) fn root_statement(facts: &Facts, version: u64) -> Vec<u8> {
    let root = root_key();
    Statement::sign(&SealedRecord { header: key_record(facts, place(version)).unwrap() }, &root).unwrap()
}

pub(crate) fn place(version: u64) -> KeyRecordPlace {
    KeyRecordPlace {
        log: origin(),
        env: Env::Production,
        record_id: RecordId::from_bytes([u8::try_from(version).unwrap(); 16]),
        observed_at: OBSERVED_AT,
        root: credential(0xaa),
        root_key: key_id(&root_key()),
        epoch: 1,
        seq: version,
        version,
    }
}

pub(crate) fn genesis_facts() -> Facts {
    Facts::Genesis(Genesis { origin: origin(), env: Env::Production, key: KeyInfo::of(root_key().public()) })
}

pub(crate) fn grant_facts(key: &SigningKey, purpose: Purpose, holder: u8) -> Facts {
    Facts::KeyGranted(Granted { credential: credential(holder), key: KeyInfo::of(key.public()), purpose })
}

pub(crate) fn genesis() -> Vec<u8> {
    root_statement(&genesis_facts(), 1)
}

/// Genesis at 0, log key at 1, writer key at 2, actor key of credential 0x22 at 3.
pub(crate) fn chain() -> KeyChain {
    let mut chain = KeyChain::genesis(&genesis()).unwrap();
    apply(&mut chain, 1, &grant_facts(&log_key(), Purpose::Log, 0xbb)).unwrap();
    apply(&mut chain, 2, &grant_facts(&writer_key(), Purpose::Writer, 0xcc)).unwrap();
    apply(&mut chain, 3, &grant_facts(&actor_key(), Purpose::Actor, 0x22)).unwrap();
    chain
}

/// Has the root say `facts` as the next key record, at entry `index`.
pub(crate) fn apply(
    chain: &mut KeyChain,
    index: u64,
    facts: &Facts,
) -> Result<(), tabellion_model::KeyError> {
    let bytes = root_statement(facts, chain.version() + 1);
    chain.apply(index, &Statement::parse(&bytes).unwrap())
}
