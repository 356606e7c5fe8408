//! Small logs, written in memory from fixed seeds: the same bytes on every machine and day.
//!
//! A log begins with genesis, four grants and a seal; tests append records, statements, rotations and erasures and seal
//! batches. What is cut out of a log is in [`super::cut`].

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tabellion_model::key::{KeyRecordPlace, key_record, rotate};
use tabellion_model::registry::{
    EpochClosed, EpochOpened, ErasureDone, ErasureOrdered, ErasureScope, Facts, Genesis, Granted, KeyInfo,
    Purpose, Revocation, Revoked, is_critical,
};
use tabellion_model::{
    Assurance, BatchSeal, CredentialId, Disclosure, Env, Header, KeyId, Micros, Origin, ProducerId, RecordId,
    RecordType, SealedRecord, Statement, StreamName, SystemId, UnitDigests, UnitId, seal_unit, tombstone,
};
use tabellion_tlog::{Checkpoint, Hash, SignedCheckpoint, SigningKey, leaf_hash, root_of, sha256};

/// 2026-01-01T00:00:00Z; batch k is committed k hours later.
pub(crate) const START: u64 = 1_767_225_600_000_000;
pub(crate) const HOUR: u64 = 3_600_000_000;

/// A key that only depends on its name.
pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&sha256(format!("test key {name}").as_bytes()).0)
}

/// Sixteen bytes that only depend on a name.
fn id16(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256(name.as_bytes()).0[..16]);
    bytes
}

/// A position in the log as a position in a vector.
pub(crate) fn at(index: u64) -> usize {
    usize::try_from(index).unwrap()
}

/// One unit of a record as the vault would hold it.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) index: u64,
    pub(crate) unit: UnitId,
    pub(crate) has_subject: bool,
    /// Empty once erased.
    pub(crate) disclosures: Vec<Disclosure>,
    /// Index of the tombstone and its disclosure.
    pub(crate) erased: Option<(u64, String)>,
    pub(crate) is_tombstone: bool,
}

/// A log in memory.
pub(crate) struct Log {
    pub(crate) origin: Origin,
    pub(crate) env: Env,
    pub(crate) root: SigningKey,
    /// The key of each purpose as of now.
    pub(crate) keys: BTreeMap<Purpose, SigningKey>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) leaves: Vec<Hash>,
    /// Index and content of every seal.
    pub(crate) seals: Vec<(u64, BatchSeal)>,
    pub(crate) held: Vec<Held>,
    /// Index of every key record.
    pub(crate) key_records: Vec<u64>,
    numbers: BTreeMap<(ProducerId, u64), u64>,
    systems: BTreeMap<(ProducerId, u64, SystemId), u64>,
    batch_first: u64,
    made: u64,
    keys_name: String,
}

impl Log {
    /// A log with genesis, log, writer, package and actor keys, and its first seal. Keys depend on `keys_name`.
    pub(crate) fn new(host: &str, keys_name: &str) -> Self {
        let purposes = [Purpose::Log, Purpose::Writer, Purpose::Package, Purpose::Actor];
        let mut log = Self {
            origin: Origin::with(host, "demo").unwrap(),
            env: Env::Production,
            root: key(&format!("{keys_name} root")),
            keys: purposes.map(|purpose| (purpose, key(&format!("{keys_name} {purpose}")))).into(),
            entries: Vec::new(),
            leaves: Vec::new(),
            seals: Vec::new(),
            held: Vec::new(),
            key_records: Vec::new(),
            numbers: BTreeMap::new(),
            systems: BTreeMap::new(),
            batch_first: 0,
            made: 0,
            keys_name: keys_name.to_owned(),
        };
        let genesis =
            Genesis { origin: log.origin.clone(), env: log.env, key: KeyInfo::of(log.root.public()) };
        log.key_record(&Facts::Genesis(genesis));
        for purpose in purposes {
            let key = KeyInfo::of(log.keys[&purpose].public());
            let credential = log.credential(purpose);
            log.key_record(&Facts::KeyGranted(Granted { credential, key, purpose }));
        }
        log.seal();
        log
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    fn next_id(&mut self, what: &str) -> [u8; 16] {
        self.made += 1;
        id16(&format!("{what} {}", self.made))
    }

    fn now(&self) -> u64 {
        START + self.seals.len() as u64 * HOUR
    }

    fn credential(&self, purpose: Purpose) -> CredentialId {
        CredentialId::from_bytes(id16(&format!("{} credential {purpose}", self.keys_name)))
    }

    fn next_seq(&mut self, producer: ProducerId, epoch: u64) -> u64 {
        let seq = self.numbers.entry((producer, epoch)).or_insert(0);
        *seq += 1;
        *seq
    }

    /// Appends any bytes as an entry.
    pub(crate) fn push(&mut self, entry: Vec<u8>) -> u64 {
        self.leaves.push(leaf_hash(&entry));
        self.entries.push(entry);
        self.size() - 1
    }

    fn key_record(&mut self, facts: &Facts) -> u64 {
        let root_key = KeyId::of(&self.root.public());
        let place = KeyRecordPlace {
            log: self.origin.clone(),
            env: self.env,
            record_id: RecordId::from_bytes(self.next_id("record")),
            observed_at: Micros(self.now()),
            root: self.credential(Purpose::Root),
            root_key,
            epoch: 1,
            seq: self.next_seq(ProducerId::of_key(&root_key), 1),
            version: self.key_records.len() as u64 + 1,
        };
        let header = key_record(facts, place).unwrap();
        let entry = Statement::sign(&SealedRecord { header }, &self.root).unwrap();
        let index = self.push(entry);
        self.key_records.push(index);
        index
    }

    /// Replaces the key of a purpose, in force from the entry after.
    pub(crate) fn rotate(&mut self, purpose: Purpose) -> u64 {
        let new = key(&format!("{} {purpose} second", self.keys_name));
        let rotated =
            rotate(self.credential(purpose), &self.origin, purpose, &self.keys[&purpose], &new).unwrap();
        let index = self.key_record(&Facts::KeyRotated(Box::new(rotated)));
        self.keys.insert(purpose, new);
        index
    }

    pub(crate) fn revoke(&mut self, key_id: KeyId) -> u64 {
        self.key_record(&Facts::KeyRevoked(Revoked { key_id, reason: Revocation::Compromised }))
    }

    /// A numbered header of any type.
    pub(crate) fn header(
        &mut self,
        record_type: &str,
        producer: ProducerId,
        epoch: u64,
        system: Option<SystemId>,
    ) -> Header {
        let record_type = RecordType::new(record_type).unwrap();
        let system = system.map(|system| {
            let seq = self.systems.entry((producer, epoch, system)).or_insert(0);
            *seq += 1;
            (system, *seq)
        });
        Header {
            critical: is_critical(&record_type),
            record_type,
            type_version: 1,
            log: self.origin.clone(),
            env: self.env,
            record_id: RecordId::from_bytes(self.next_id("record")),
            observed_at: Micros(self.now() - 1),
            actor: self.credential(Purpose::Actor),
            assurance: Assurance::Observed,
            producer,
            epoch,
            seq: self.next_seq(producer, epoch),
            system,
            stream: None,
            parents: Vec::new(),
            basis: None,
            idem: None,
            clear: None,
            units: Vec::new(),
        }
    }

    /// The log's own producer.
    pub(crate) fn own(&self) -> ProducerId {
        ProducerId::of_log(&self.leaves[0])
    }

    fn actor_producer(&self) -> ProducerId {
        ProducerId::of_key(&KeyId::of(&self.keys[&Purpose::Actor].public()))
    }

    /// Seals fields into a unit of the next entry.
    fn unit(&mut self, has_subject: bool, fields: &[(String, Json)]) -> UnitDigests {
        let unit = UnitId::from_bytes(self.next_id("unit"));
        let seed = sha256(format!("seed of {unit}").as_bytes());
        let (digests, disclosures) = seal_unit(unit, &seed.0, fields).unwrap();
        let index = self.size();
        self.held.push(Held { index, unit, has_subject, disclosures, erased: None, is_tombstone: false });
        digests
    }

    /// Appends an unsigned record.
    pub(crate) fn push_record(&mut self, mut header: Header) -> u64 {
        header.units.sort_by_key(|unit| unit.id);
        self.push(SealedRecord { header }.to_bytes().unwrap())
    }

    /// Opens an epoch of the log's own producer.
    pub(crate) fn open_epoch(&mut self, epoch: u64) -> u64 {
        let mut header = self.header("epoch.opened", self.own(), epoch, None);
        header.clear = Facts::EpochOpened(EpochOpened { previous: None }).to_clear();
        self.push_record(header)
    }

    /// Closes an epoch of the log's own producer.
    pub(crate) fn close_epoch(&mut self, epoch: u64) -> u64 {
        let own = self.own();
        let mut header = self.header("epoch.closed", own, epoch, None);
        let systems =
            self.systems.iter().filter(|((producer, number, _), _)| (*producer, *number) == (own, epoch));
        let systems = systems.map(|((_, _, system), seq)| (*system, *seq)).collect();
        header.clear = Facts::EpochClosed(EpochClosed { last_seq: header.seq, systems }).to_clear();
        self.push_record(header)
    }

    /// An unsigned record of a system with a business unit and a unit about a person.
    pub(crate) fn record(&mut self, title: &str) -> u64 {
        let system = SystemId::from_bytes(id16("system"));
        let business =
            self.unit(false, &[("title".to_owned(), json!(title)), ("pages".to_owned(), json!(3))]);
        let personal = self.unit(true, &[("person".to_owned(), json!(format!("subject of {title}")))]);
        let mut header = self.header("document.captured", self.own(), 1, Some(system));
        header.units = vec![business, personal];
        self.push_record(header)
    }

    /// A statement by the actor.
    pub(crate) fn statement(&mut self, verdict: &str) -> u64 {
        let unit = self.unit(false, &[("verdict".to_owned(), json!(verdict))]);
        let mut header = self.header("approval.given", self.actor_producer(), 1, None);
        header.assurance = Assurance::Signed;
        header.units = vec![unit];
        self.push(Statement::sign(&SealedRecord { header }, &self.keys[&Purpose::Actor]).unwrap())
    }

    /// Orders and carries out the erasure of every personal unit of the record at `index`; returns the tombstone's index.
    pub(crate) fn erase(&mut self, index: u64) -> u64 {
        let mut order = self.header("erasure.ordered", self.own(), 1, None);
        let order_id = order.record_id;
        order.clear =
            Facts::ErasureOrdered(ErasureOrdered { keys: Vec::new(), scope: ErasureScope::Subject })
                .to_clear();
        self.push_record(order);
        let about = |held: &&Held| held.index == index && held.has_subject;
        let units: Vec<UnitId> = self.held.iter().filter(about).map(|held| held.unit).collect();
        let fields: Vec<_> = units.iter().map(tombstone::field).collect();
        let unit = self.unit(false, &fields);
        let mut header = self.header("erasure.done", self.own(), 1, None);
        header.stream = Some((StreamName::new(&format!("erasure/{order_id}")).unwrap(), 1));
        let facts = ErasureDone { erased: units.len() as u64, last: true, order: order_id };
        header.clear = Facts::ErasureDone(facts).to_clear();
        header.units = vec![unit];
        let done = self.push_record(header);
        let stone = self.held.last_mut().unwrap();
        stone.is_tombstone = true;
        let stone = stone.clone();
        for held in self.held.iter_mut().filter(|held| units.contains(&held.unit)) {
            let name = tombstone::field_name(&held.unit);
            let shown = stone.disclosures.iter().find(|disclosure| disclosure.name() == name).unwrap();
            held.erased = Some((done, shown.encode()));
            held.disclosures.clear();
        }
        done
    }

    /// Seals what came since the last seal.
    pub(crate) fn seal(&mut self) -> u64 {
        self.seal_at(Micros(self.now()))
    }

    /// Seals at any time.
    pub(crate) fn seal_at(&mut self, committed_at: Micros) -> u64 {
        let first = self.batch_first;
        let seal = BatchSeal {
            log: self.origin.clone(),
            first,
            count: self.size() - first,
            root: root_of(self.leaves[at(first)..].iter().copied()),
            committed_at,
            keys: self.key_records.len() as u64,
        };
        let entry = seal.sign(&self.keys[&Purpose::Writer]).unwrap();
        let index = self.push(entry);
        self.seals.push((index, seal));
        self.batch_first = self.size();
        index
    }

    pub(crate) fn root_at(&self, size: u64) -> Hash {
        root_of(self.leaves[..at(size)].iter().copied())
    }

    /// The checkpoint of `size`, signed with the log key of now.
    pub(crate) fn checkpoint(&self, size: u64) -> String {
        let checkpoint =
            Checkpoint { origin: self.origin.as_str().to_owned(), size, root: self.root_at(size) };
        SignedCheckpoint::sign(&checkpoint, &self.keys[&Purpose::Log]).unwrap()
    }
}

/// A log with three batches of records and statements.
pub(crate) fn plain() -> Log {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    log.record("loan file");
    log.record("complaint");
    log.seal();
    log.statement("approved");
    log.record("model card");
    log.seal();
    log.record("meeting notes");
    log.statement("refused");
    log.close_epoch(1);
    log.seal();
    log
}

/// A log in which one person was erased.
pub(crate) fn erased() -> Log {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    let about = log.record("loan file");
    log.record("complaint");
    log.seal();
    log.statement("approved");
    log.seal();
    log.erase(about);
    log.seal();
    log.record("after the erasure");
    log.seal();
    log
}

/// A log whose writer, log and package keys were rotated between batches.
pub(crate) fn rotated() -> Log {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    log.record("before");
    log.seal();
    log.rotate(Purpose::Writer);
    log.seal();
    log.record("between");
    log.rotate(Purpose::Log);
    log.rotate(Purpose::Package);
    log.seal();
    log.record("after");
    log.statement("approved");
    log.seal();
    log
}
