//! The ledger as its users see it: open, append, read, prove, close.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard};
use std::thread::JoinHandle;

use tabellion_model::registry::{self, Kind, Recognition};
use tabellion_model::{CredentialId, Env, KeyId, Micros, Origin, ProducerId, Purpose, Statement};
use tabellion_tlog::sha256;
use zeroize::Zeroizing;

use crate::batch_io::BatchIo;
use crate::clock::Clock;
use crate::commit::{Ack, Committer, Group, GroupResult, Signers};
use crate::disk::{Disk, OpenMode};
use crate::draft::Draft;
use crate::entropy::Entropy;
use crate::error::{LedgerError, OpenError, RejectCode};
use crate::head::HeadFile;
use crate::in_place::HeldLock;
use crate::keeper::{HeadSink, Keeper};
use crate::keyring::{KeyAccess, KeyPair, Secrets};
use crate::opening::{self, Opened};
use crate::pipeline;
use crate::prepare::Sealer;
use crate::queue::{self, Command, Done, Sender};
use crate::reader::Reader;
use crate::recover::Recovered;
use crate::reread::{RereadThread, Rereading};
use crate::retired;
use crate::room::Reservation;
use crate::saved::saver::{Saver, SaverThread};
use crate::shared::Shared;
use crate::stage::{ContentKeys, Item};
use crate::state::LogState;
use crate::vault::{KeyTable, VAULT_DIR};
use crate::wal::segment::{DEFAULT_SEGMENT_BYTES, segment_path};
use crate::wal::segments::Segments;
use crate::witnessed::COSIGNED_PATH;

/// How often an append is sealed again because an erasure destroyed its key meanwhile. Two erasures in a row of the same key's successor
/// are already unlikely; more means something else is wrong.
const RESEAL_LIMIT: u32 = 4;

/// How to open a ledger.
pub struct OpenOptions {
    /// The origin that the configuration names; a directory of another log refuses.
    pub origin: Option<Origin>,
    /// Size of segments made from now on, in bytes.
    pub segment_bytes: u64,
    /// Run the keeper's thread (head, published checkpoint, tiles). Off for one-shot commands and simulated disks.
    pub background: bool,
    /// The clock that dates seals.
    pub clock: Arc<dyn Clock>,
    /// Where ids and keys come from.
    pub entropy: Arc<dyn Entropy>,
    /// How keys are used that do not lie in the open.
    pub keys: KeyAccess,
    /// In which environments it takes two people to erase what a person names; what expires by rule goes by itself. Opening for writing puts it on record,
    /// and from then on it takes two whatever is said here.
    pub erase_by_two: Vec<Env>,
    /// Under which names a data subject may be kept that somebody names: for erasures and holds. The name itself, where nothing is said.
    pub subject_names: SubjectNames,
}

/// The names under which a data subject may be kept, by the one that was typed; that is always among them.
pub type SubjectNames = fn(&str) -> BTreeSet<String>;

impl OpenOptions {
    /// Options of a server: default segments, background on.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            origin: None,
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            background: true,
            clock,
            entropy,
            keys: KeyAccess::default(),
            erase_by_two: Vec::new(),
            subject_names: |named| BTreeSet::from([named.to_owned()]),
        }
    }
}

/// A log open for writing. One per directory and process; share it behind an `Arc`.
pub struct Ledger {
    pub(crate) shared: Arc<Shared>,
    pub(crate) secrets: Arc<Secrets>,
    reader: Reader,
    origin: Origin,
    env: Env,
    sender: Sender,
    threads: Mutex<Threads>,
    saver: Arc<Saver>,
    rereading: Arc<Rereading>,
    /// Under which names a data subject may be kept.
    pub(crate) names: SubjectNames,
    /// Sentences about what recovery found and did.
    notes: Vec<String>,
}

struct Threads {
    committer: Option<JoinHandle<()>>,
    keeper: Option<Keeper>,
    saving: Option<SaverThread>,
    reread: Option<RereadThread>,
}

/// A sealed draft or statement on its way to the committer.
pub struct Prepared(pub(crate) Item);

impl Prepared {
    /// The most bytes it can take in the log, its encrypted units included: what [`Ledger::reserve`] is asked for.
    pub fn size(&self) -> u64 {
        self.0.size_bound() as u64
    }

    /// The keys that its content is kept under.
    pub fn content_keys(&self) -> ContentKeys {
        match &self.0 {
            Item::Record(record) => ContentKeys::of(&record.units),
            Item::Statement(statement) => ContentKeys::of(&statement.units),
        }
    }

    /// Has a record refused with [`LedgerError::SealAgain`] where what `keys` keep was erased by the time that it would be recorded.
    #[must_use]
    pub fn only_while(mut self, keys: &ContentKeys) -> Self {
        if let Item::Record(record) = &mut self.0 {
            record.only_while = Some(keys.clone());
        }
        self
    }
}

impl Ledger {
    /// Opens the log in `disk`: recovers, checks keys, starts the committer, finishes erasures that were cut short.
    ///
    /// The caller holds the directory's lock ([`crate::lock::DirLock`]).
    pub fn open(disk: Arc<dyn Disk>, options: &OpenOptions) -> Result<Self, OpenError> {
        retired::check(disk.as_ref())?;
        let mut opened = opening::open(disk.as_ref(), options)?;
        let signers = load_signers(disk.as_ref(), &options.keys, &opened.recovered.state)?;
        let Opened { recovered, vault, .. } = &mut opened;
        // An interrupted erasure is finished, and a vault restored from a backup does not bring erased content back. Keys of an order without
        // its end are destroyed again even where they look destroyed: the process before may have died before it had synced that.
        let unfinished: BTreeSet<_> = recovered.state.orders.values().flatten().copied().collect();
        let erased: Vec<_> = recovered
            .state
            .erased_keys
            .iter()
            .filter(|key| vault.is_live(key) || unfinished.contains(key))
            .copied()
            .collect();
        vault.destroy(&erased).map_err(OpenError::io("finish an erasure in", VAULT_DIR))?;
        let mut ledger = Self::start(disk, options, opened, signers)?;
        // It keeps nothing from being recorded; the server's daily look tries again.
        let ended = match ledger.reader().end_backups() {
            Ok(ended) => ended.lines(),
            Err(error) => vec![format!("the keys of backups that ended are still there: {error}")],
        };
        ledger.notes.extend(ended);
        ledger.finish_erasures().map_err(|error| {
            OpenError::Corrupt(format!("an interrupted erasure cannot be finished: {error}"))
        })?;
        ledger.record_lost().map_err(|error| {
            OpenError::Corrupt(format!("that the vault is lost cannot be recorded: {error}"))
        })?;
        ledger.record_rule().map_err(|error| {
            OpenError::Corrupt(format!("that erasures take two people cannot be recorded: {error}"))
        })?;
        ledger.finish_vault_rotation().map_err(|error| {
            OpenError::Corrupt(format!(
                "an interrupted change of the vault's wrapping key cannot be finished: {error}"
            ))
        })?;
        ledger.record_second_key().map_err(|error| {
            OpenError::Corrupt(format!("the log's second key cannot be recorded: {error}"))
        })?;
        Ok(ledger)
    }

    /// Starts the threads on a recovered log.
    fn start(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
        opened: Opened,
        signers: Signers,
    ) -> Result<Self, OpenError> {
        let Opened { recovered, vault, secrets, resumed_at } = opened;
        let Recovered { state, checkpoint, tail, mut notes } = recovered;
        notes.extend(vault.notes().iter().cloned());
        let path = segment_path(tail.segment);
        let segments = disk
            .open(&path, OpenMode::ReadWrite)
            .and_then(|file| {
                Segments::resume(file, tail.segment, tail.end, tail.checkpoints, options.segment_bytes)
            })
            .map_err(OpenError::io("open", &path))?;
        let origin = state.origin.clone();
        let env = state.env;
        let head = HeadFile::open(disk.as_ref(), origin.as_str())?;
        let lock = HeldLock::of(disk.as_ref())?;
        let shared = Arc::new(Shared::new(disk, options, lock, state, vault, checkpoint));
        notes.extend(shared.load_hybrid_to_write()?);
        let (keeper, head) = if options.background {
            let keeper = Keeper::start(Arc::clone(&shared), head)
                .map_err(OpenError::io("start the keeper of", "log"))?;
            let sink = keeper.sink();
            (Some(keeper), sink)
        } else {
            (None, HeadSink::Inline(head))
        };
        shared.writes_into(segments.number(), &segments.file());
        let committer = Committer {
            shared: Arc::clone(&shared),
            secrets: Arc::clone(&secrets),
            segments,
            io: BatchIo::inline(),
            head,
            signers,
            own_epoch: None,
            poisoned: None,
            buffer: Vec::new(),
        };
        let (sender, inbox) = queue::queue();
        let committer = pipeline::start(committer, inbox, options.background)
            .map_err(OpenError::io("start the committer of", "log"))?;
        let saver = Arc::new(Saver::new(Arc::clone(&shared), Arc::clone(&secrets), resumed_at));
        let saving = options
            .background
            .then(|| saver.start())
            .transpose()
            .map_err(OpenError::io("start the saver of", "log"))?;
        if resumed_at > 0 {
            let again = if options.background {
                "they are read again in the background"
            } else {
                "they were not read"
            };
            notes.push(format!(
                "the log's first {resumed_at} entries were taken from its saved state; {again}"
            ));
        }
        let rereading = Arc::new(Rereading::new(Arc::clone(&shared), resumed_at));
        let reread = if options.background {
            rereading.start().map_err(OpenError::io("start to read again", "log"))?
        } else {
            None
        };
        let threads = Mutex::new(Threads { committer: Some(committer), keeper, saving, reread });
        let reader = Reader { shared: Arc::clone(&shared) };
        notes.extend(reader.load_cosigned().map_err(OpenError::io("read", COSIGNED_PATH))?);
        notes.extend(reader.conflict().map(|conflict| conflict.to_string()));
        notes.extend(reader.clock_trouble());
        let names = options.subject_names;
        Ok(Self { shared, secrets, reader, origin, env, sender, threads, saver, rereading, names, notes })
    }

    /// Sentences for the operator about what opening found and did; empty when there was nothing to say.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The log's origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The log's environment.
    pub fn env(&self) -> Env {
        self.env
    }

    /// A secret of this log for `purpose`, the same after every start: HKDF-SHA-256(ikm = pseudonym key, info = `tabellion.derived/1`, zero, purpose). For names
    /// that others must not be able to guess, such as placeholders; never for content.
    pub fn derived_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        self.secrets.derived(purpose)
    }

    /// The signing key of this installation that `key_id` names.
    pub fn key_pair(&self, purpose: Purpose, key_id: &KeyId) -> Result<KeyPair, OpenError> {
        self.shared.keys.load(self.shared.disk.as_ref(), purpose, key_id)
    }

    /// The reading side.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, LogState> {
        self.shared.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals a draft in the caller's thread. Nothing is recorded yet. Types that the ledger itself acts on (erasures, holds, deletions, keys,
    /// epochs) are refused: they come about through the operations of that name only.
    pub fn prepare(&self, draft: &Draft) -> Result<Prepared, LedgerError> {
        crate::draft::check_open_type(&draft.record_type)?;
        self.prepare_own(draft)
    }

    /// Seals a draft of any type that records may have.
    pub(crate) fn prepare_own(&self, draft: &Draft) -> Result<Prepared, LedgerError> {
        let (writer, producer) = self.writer();
        let sealer = self.sealer(writer, producer);
        sealer.seal_draft(draft).map(Prepared)
    }

    /// Whether any of what `keys` keep was erased.
    pub fn is_erased(&self, keys: &ContentKeys) -> bool {
        keys.any_gone(&self.shared.vault())
    }

    /// Takes in a statement that was sealed and signed elsewhere, with the disclosures to keep. Nothing is recorded yet.
    pub fn prepare_statement(&self, bytes: Vec<u8>, disclosures: &[String]) -> Result<Prepared, LedgerError> {
        self.prepare_taking(bytes, disclosures, None, None)
    }

    /// The same for a statement whose kept content is about `subject`: it is found and erased with everything else about them.
    pub fn prepare_statement_about(
        &self,
        bytes: Vec<u8>,
        disclosures: &[String],
        subject: &str,
    ) -> Result<Prepared, LedgerError> {
        self.prepare_taking(bytes, disclosures, Some(subject), None)
    }

    pub(crate) fn prepare_adopting(
        &self,
        bytes: Vec<u8>,
        adopts: Option<KeyPair>,
    ) -> Result<Prepared, LedgerError> {
        self.prepare_taking(bytes, &[], None, adopts)
    }

    fn prepare_taking(
        &self,
        bytes: Vec<u8>,
        disclosures: &[String],
        subject: Option<&str>,
        adopts: Option<KeyPair>,
    ) -> Result<Prepared, LedgerError> {
        let (writer, producer) = self.writer();
        let sealer = self.sealer(writer, producer);
        let item = sealer.take_statement(bytes, disclosures, subject, adopts)?;
        if let Item::Statement(statement) = &item {
            self.check_statement(&statement.statement)?;
        }
        Ok(Prepared(item))
    }

    /// Signature, credential and type, in the caller's thread; whether the key is still in force is for the committer, and key records are
    /// checked whole where they are placed.
    fn check_statement(&self, statement: &Statement) -> Result<(), LedgerError> {
        let header = &statement.record.header;
        if registry::is_key_record(header) {
            return Ok(());
        }
        if !matches!(Kind::of(&header.record_type), Some(Kind::EpochOpened | Kind::EpochClosed)) {
            crate::draft::check_open_type(header.record_type.as_str())?;
        }
        if registry::recognise(header) == Recognition::UnknownCritical {
            let text = format!(
                "{} is critical and not known here: no reader of this version could go on",
                header.record_type
            );
            return Err(crate::draft::malformed(text));
        }
        if header.producer != ProducerId::of_key(&statement.kid) {
            // A producer belongs to one key; else anybody could open an epoch in another's name, or the log's own.
            return Err(crate::draft::malformed(format!(
                "the statement counts as producer {}, its key's own producer is {}",
                header.producer,
                ProducerId::of_key(&statement.kid)
            )));
        }
        let state = self.state();
        state.keys.check_statement(state.size(), statement).map_err(|error| {
            LedgerError::rejected(
                RejectCode::KeyNotInForce,
                format!("the statement is not its actor's: {error}"),
            )
        })
    }

    fn sealer(&self, writer: CredentialId, producer: ProducerId) -> Sealer<'_> {
        Sealer {
            origin: &self.origin,
            env: self.env,
            writer,
            producer,
            committed_at: self.state().committed_at,
            secrets: &self.secrets,
            vault: &self.shared.vault,
            clock: self.shared.clock.as_ref(),
            entropy: self.shared.entropy.as_ref(),
        }
    }

    fn writer(&self) -> (CredentialId, ProducerId) {
        let state = self.state();
        let credential = state.keys.in_force(Purpose::Writer, state.size()).map(|key| key.key_id);
        let credential = credential.and_then(|key| state.keys.credential_of(&key));
        (credential.unwrap_or_else(|| CredentialId::from_bytes([0; 16])), state.own_producer())
    }

    /// Hands sealed items to the committer; `done` is called once, from its thread, when they are durable or refused. All items are appended
    /// together or none. Blocks only while the queue is full.
    pub fn submit(&self, items: Vec<Prepared>, done: Done) {
        let items = items.into_iter().map(|prepared| prepared.0).collect();
        self.send(Command::Append { group: Group::plain(items), done });
    }

    /// Promises room for a later append of records and units of `bytes` bytes in all ([`Prepared::size`]): it is then recorded even when the
    /// disk is full meanwhile. Refused when there is no such room now.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, LedgerError> {
        Reservation::take(&self.shared, bytes, self.shared.segment_bytes)
    }

    /// Whether lock, newest segment and vault still stand under their names; a server that gets no appends learns of it here.
    pub fn check_in_place(&self) -> Result<(), LedgerError> {
        self.shared.in_place()
    }

    /// When, and why, nothing could be recorded the last time that anybody tried, by whatever way; `None` once something was.
    pub fn last_unavailable(&self) -> Option<(Micros, String)> {
        self.shared.refused()
    }

    /// Whether the next append finds room; if not, how much it takes. While there was none, looking tries to make it, so that a server that gets no
    /// appends because it says so finds out when there is space again.
    pub fn check_room(&self) -> Result<(), LedgerError> {
        let Shared { disk, spare, room, segment_bytes, .. } = self.shared.as_ref();
        let needs_segment = room.runs_out() && !spare.is_ready();
        if !room.is_tight() && !needs_segment {
            return Ok(());
        }
        let made = spare
            .prepare(disk.as_ref(), *segment_bytes, false)
            .and_then(|()| self.shared.vault().make_room());
        room.set_tight(made.is_err());
        made.map_err(|error| {
            LedgerError::Full(format!(
                "the disk is full: nothing more can be recorded. Free {} MiB below the data directory, for the next segment and the \
                 table of keys ({error})",
                (segment_bytes >> 20) + 1
            ))
        })
    }

    /// [`Ledger::submit`] in room that was promised; items that are larger than the promise are appended like any others.
    pub fn submit_reserved(&self, items: Vec<Prepared>, reservation: Reservation, done: Done) {
        let items = items.into_iter().map(|prepared| prepared.0).collect();
        self.send(Command::Append { group: Group { items, reservation: Some(reservation) }, done });
    }

    pub(crate) fn send(&self, command: Command) {
        self.sender.send(command);
    }

    /// Hands over items and waits until they are durable.
    pub fn append_prepared(&self, items: Vec<Prepared>) -> GroupResult {
        let (answer, wait) = sync_channel(1);
        self.submit(items, Box::new(move |result| drop(answer.send(result))));
        wait.recv().unwrap_or_else(|_| Err(LedgerError::Fatal("the committer's thread ended".to_owned())))
    }

    /// Seals and appends drafts together, and waits until they are durable.
    pub fn append_all(&self, drafts: &[Draft]) -> GroupResult {
        drafts.iter().try_for_each(|draft| crate::draft::check_open_type(&draft.record_type))?;
        self.append_own(drafts)
    }

    pub(crate) fn append_own(&self, drafts: &[Draft]) -> GroupResult {
        let mut attempt = 0;
        loop {
            let items = drafts.iter().map(|draft| self.prepare_own(draft)).collect::<Result<Vec<_>, _>>()?;
            attempt += 1;
            match self.append_prepared(items) {
                // A key was destroyed between sealing and committing: the next seal takes a new one.
                Err(LedgerError::SealAgain) if attempt < RESEAL_LIMIT => {}
                result => return result,
            }
        }
    }

    /// Seals and appends one draft, and waits until it is durable.
    pub fn append(&self, draft: &Draft) -> Result<Ack, LedgerError> {
        let acks = self.append_all(std::slice::from_ref(draft))?;
        acks.into_iter()
            .next()
            .ok_or_else(|| LedgerError::Fatal("an append was answered without a result".to_owned()))
    }

    /// Appends one of the ledger's own records.
    pub(crate) fn append_one_own(&self, draft: &Draft) -> Result<Ack, LedgerError> {
        let acks = self.append_own(std::slice::from_ref(draft))?;
        acks.into_iter()
            .next()
            .ok_or_else(|| LedgerError::Fatal("an append was answered without a result".to_owned()))
    }

    /// Ends the process's epoch, writes what follows commits, and stops the threads. Everything acknowledged is durable with or without it.
    pub fn close(&self) -> Result<(), LedgerError> {
        let (answer, wait) = sync_channel(1);
        self.send(Command::Close { done: Box::new(move |result| drop(answer.send(result))) });
        let closed = wait.recv().unwrap_or(Ok(()));
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(committer) = threads.committer.take() {
            committer.join().map_err(|_| LedgerError::Fatal("the committer's thread panicked".to_owned()))?;
        }
        if let Some(mut keeper) = threads.keeper.take() {
            keeper.stop().map_err(|error| {
                LedgerError::fatal_io("writing what follows the last commit failed", &error)
            })?;
        }
        drop(threads.reread.take());
        if let Some(mut saving) = threads.saving.take() {
            saving.stop();
        }
        if closed.is_ok() && self.shared.undamaged().is_ok() {
            self.saver.end();
        }
        closed
    }

    /// Reads what the start took from a saved state, and gives its size. A server does so in the background; whatever does not fit the tree stops the log,
    /// and the next start reads everything.
    pub fn reread(&self) -> Result<u64, LedgerError> {
        self.rereading.run(0, None)
    }

    /// Saves what the log says now, so that the next start reads only what comes after. It happens by itself while a log grows and where a long one is
    /// closed; nothing depends on it.
    pub fn save_state(&self) -> Result<(), LedgerError> {
        self.saver.save(true).map_err(|error| {
            LedgerError::Unavailable(format!(
                "the log's state cannot be saved: {error}; the next start reads the whole log"
            ))
        })
    }
}

/// Opens the vault of a scanned log.
pub(crate) fn open_vault(
    disk: &dyn Disk,
    state: &LogState,
    secrets: &Secrets,
) -> Result<KeyTable, OpenError> {
    KeyTable::open(disk, &sha256(state.origin.as_str().as_bytes()), secrets.masters(), &state.erased_keys)
}

/// The same for whoever holds no lock: the wrapping key may be changed while they look, and then its files are read again.
pub(crate) fn open_vault_unlocked(
    disk: &dyn Disk,
    options: &OpenOptions,
    state: &LogState,
    secrets: &Secrets,
) -> Result<KeyTable, OpenError> {
    match open_vault(disk, state, secrets) {
        Err(OpenError::Mismatch(_)) => open_vault(disk, state, &Secrets::load(disk, &options.keys)?),
        opened => opened,
    }
}

fn load_signers(disk: &dyn Disk, keys: &KeyAccess, state: &LogState) -> Result<Signers, OpenError> {
    Ok(Signers {
        log: load_in_force(disk, keys, state, Purpose::Log)?,
        writer: load_in_force(disk, keys, state, Purpose::Writer)?,
    })
}

/// The file of the key that is in force for `purpose` at the log's present size.
pub(crate) fn load_in_force(
    disk: &dyn Disk,
    keys: &KeyAccess,
    state: &LogState,
    purpose: Purpose,
) -> Result<KeyPair, OpenError> {
    let key = state.keys.in_force(purpose, state.size()).ok_or_else(|| {
        OpenError::Mismatch(format!(
            "no {} key is in force in this log; grant one with the root key (tabellion key)",
            purpose.as_str()
        ))
    })?;
    keys.load(disk, purpose, &key.key_id)
}
