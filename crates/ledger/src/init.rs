//! Making a new log: directories, keys, the key table, the genesis and the first grants.

use std::sync::Arc;

use tabellion_model::registry::{EpochClosed, Facts, Genesis, Granted, KEYS_STREAM, KeyInfo};
use tabellion_model::{
    Assurance, Env, Header, Micros, Origin, ProducerId, Purpose, RecordId, RecordType, SealedRecord,
    Statement, StreamName,
};
use tabellion_tlog::sha256;

use crate::batch_io::BatchIo;
use crate::commit::{Committer, Group, Signers};
use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::error::OpenError;
use crate::head::HeadFile;
use crate::in_place::HeldLock;
use crate::keeper::HeadSink;
use crate::keyring::{KEY_DIR, KeyPair, Secrets};
use crate::ledger::{Ledger, OpenOptions};
use crate::own_records::random_id;
use crate::shared::Shared;
use crate::stage::{Item, StatementItem};
use crate::state::{LogState, Marks};
use crate::vault::{KeyTable, MasterKey, VAULT_DIR};
use crate::wal::segment::{SEGMENT_DIR, SegmentLog, segment_number};
use crate::wal::segments::Segments;
use crate::wal::spare::Spare;

/// What a new log is called and used for.
#[derive(Debug, Clone)]
pub struct NewLog {
    /// Its origin, fixed for ever.
    pub origin: Origin,
    /// Its environment, part of every signed byte.
    pub env: Env,
}

/// Signs one statement of a producer's epoch after another.
pub(crate) struct StatementWriter<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) env: Env,
    pub(crate) signer: &'a KeyPair,
    pub(crate) producer: ProducerId,
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) now: Micros,
}

impl StatementWriter<'_> {
    /// Signs the next statement, a record without body that says `facts`; `version` is its place in the stream of key records.
    pub(crate) fn sign(&mut self, facts: &Facts, version: Option<u64>) -> Result<Vec<u8>, String> {
        self.seq += 1;
        let name = || StreamName::new(KEYS_STREAM).map_err(|error| error.to_string());
        let stream = version.map(|version| name().map(|name| (name, version))).transpose()?;
        let header = Header {
            record_type: RecordType::new(facts.kind().name()).map_err(|error| error.to_string())?,
            type_version: 1,
            critical: facts.kind().is_critical(),
            log: self.origin.clone(),
            env: self.env,
            record_id: RecordId::from_bytes(random_id(self.entropy).map_err(|error| error.to_string())?),
            observed_at: self.now,
            actor: self.signer.credential,
            assurance: Assurance::Signed,
            producer: self.producer,
            epoch: self.epoch,
            seq: self.seq,
            system: None,
            stream,
            parents: Vec::new(),
            basis: None,
            idem: None,
            clear: facts.to_clear(),
            units: Vec::new(),
        };
        Statement::sign(&SealedRecord { header }, self.signer.key.as_ref()).map_err(|error| error.to_string())
    }
}

/// Makes a log in an empty directory. The caller holds the directory's lock.
pub fn create(disk: &Arc<dyn Disk>, new: &NewLog, options: &OpenOptions) -> Result<(), OpenError> {
    for dir in [KEY_DIR, VAULT_DIR, SEGMENT_DIR] {
        disk.create_dir_all(dir).map_err(OpenError::io("create", dir))?;
    }
    if disk
        .list(SEGMENT_DIR)
        .map_err(OpenError::io("list", SEGMENT_DIR))?
        .iter()
        .any(|name| segment_number(name).is_some())
    {
        return Err(OpenError::Mismatch(
            "there is a log here already; a log is made once. Name another directory".to_owned(),
        ));
    }
    let now = options.clock.now();
    let secrets = Secrets::create(disk.as_ref(), &options.keys, now, options.entropy.as_ref())?;
    let origin_hash = sha256(new.origin.as_str().as_bytes());
    let vault = KeyTable::create(disk.as_ref(), &origin_hash, MasterKey::new(&secrets.vault))?;
    let pairs = Pairs::create(disk.as_ref(), now, options)?;
    sync_dirs(disk.as_ref())?;
    let statements = first_statements(new, &pairs, options, now).map_err(OpenError::Corrupt)?;
    first_commit(disk, new, options, vault, secrets, &pairs, statements)
}

fn sync_dirs(disk: &dyn Disk) -> Result<(), OpenError> {
    for dir in ["", "log", KEY_DIR, VAULT_DIR, SEGMENT_DIR] {
        disk.sync_dir(dir).map_err(OpenError::io("sync", dir))?;
    }
    Ok(())
}

struct Pairs {
    root: KeyPair,
    log: KeyPair,
    writer: KeyPair,
    package: KeyPair,
    operator: KeyPair,
}

impl Pairs {
    fn create(disk: &dyn Disk, now: Micros, options: &OpenOptions) -> Result<Self, OpenError> {
        let make = |purpose| options.keys.create(disk, purpose, None, now, options.entropy.as_ref());
        Ok(Self {
            root: make(Purpose::Root)?,
            log: make(Purpose::Log)?,
            writer: make(Purpose::Writer)?,
            package: make(Purpose::Package)?,
            operator: make(Purpose::Actor)?,
        })
    }
}

/// Genesis, the four grants, and the close of the root's epoch.
fn first_statements(
    new: &NewLog,
    pairs: &Pairs,
    options: &OpenOptions,
    now: Micros,
) -> Result<Vec<Vec<u8>>, String> {
    let root_id = pairs.root.key_id();
    let mut writer = StatementWriter {
        origin: &new.origin,
        env: new.env,
        signer: &pairs.root,
        producer: ProducerId::of_key(&root_id),
        epoch: 1,
        seq: 0,
        entropy: options.entropy.as_ref(),
        now,
    };
    let genesis =
        Genesis { origin: new.origin.clone(), env: new.env, key: KeyInfo::of(pairs.root.key.public()) };
    let mut statements = vec![writer.sign(&Facts::Genesis(genesis), Some(1))?];
    for (version, pair) in (2..).zip([&pairs.log, &pairs.writer, &pairs.package, &pairs.operator]) {
        statements.push(writer.sign(&Facts::KeyGranted(granted(pair)), Some(version))?);
    }
    let closed = EpochClosed { last_seq: writer.seq + 1, systems: Vec::new() };
    statements.push(writer.sign(&Facts::EpochClosed(closed), None)?);
    Ok(statements)
}

/// What a grant says of `pair`.
pub(crate) fn granted(pair: &KeyPair) -> Granted {
    Granted { credential: pair.credential, key: KeyInfo::of(pair.key.public()), purpose: pair.purpose }
}

fn first_commit(
    disk: &Arc<dyn Disk>,
    new: &NewLog,
    options: &OpenOptions,
    vault: KeyTable,
    secrets: Secrets,
    pairs: &Pairs,
    statements: Vec<Vec<u8>>,
) -> Result<(), OpenError> {
    let genesis = statements.first().cloned().unwrap_or_default();
    let mut state = LogState::new(&genesis).map_err(OpenError::Corrupt)?;
    state.marks = Some(Marks::new(secrets.tag_key()));
    // The head is there before the log's first byte, so a log without one has lost it.
    let head = HeadFile::create(disk.as_ref(), new.origin.as_str())?;
    let logs = vec![SegmentLog { log: new.origin.as_str().to_owned(), number: 0, size: 0 }];
    let segments =
        Segments::create(disk.as_ref(), &Spare::default(), 0, logs, String::new(), options.segment_bytes)
            .map_err(OpenError::io("create the first segment in", SEGMENT_DIR))?;
    let lock = HeldLock::of(disk.as_ref())?;
    let shared = Arc::new(Shared::new(Arc::clone(disk), options, lock, state, vault, String::new()));
    let mut committer = Committer {
        shared,
        secrets: Arc::new(secrets),
        segments,
        io: BatchIo::inline(),
        head: HeadSink::Inline(head),
        signers: Signers { log: pairs.log.clone(), writer: pairs.writer.clone() },
        own_epoch: None,
        poisoned: None,
        buffer: Vec::new(),
    };
    let items = statements
        .into_iter()
        .map(|bytes| {
            let statement =
                Statement::parse(&bytes).map_err(|error| OpenError::Corrupt(error.to_string()))?;
            Ok(Item::Statement(Box::new(StatementItem { statement, bytes, units: Vec::new(), adopts: None })))
        })
        .collect::<Result<Vec<Item>, OpenError>>()?;
    committer
        .commit_one(Group::plain(items))
        .map(drop)
        .map_err(|error| OpenError::Corrupt(format!("the log could not be created: {error}")))
}

impl Ledger {
    /// Makes a log in an empty directory and opens it.
    pub fn create(disk: Arc<dyn Disk>, new: &NewLog, options: &OpenOptions) -> Result<Self, OpenError> {
        create(&disk, new, options)?;
        Self::open(disk, options)
    }
}
