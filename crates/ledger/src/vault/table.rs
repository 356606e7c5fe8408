//! The key table on disk and in memory.
//!
//! Order, and why: a new key lives in memory until [`KeyTable::make_durable`], which the committer calls before the batch that needs it; a
//! key is overwritten and synced by [`KeyTable::destroy`] only after its order is durable. A slot's identity is never rewritten, so a torn
//! write can only hurt the key it was about.

use std::collections::{BTreeSet, HashMap};
use std::io;

use tabellion_model::{Micros, VaultKeyId};
use tabellion_tlog::Hash;
use zeroize::Zeroizing;

use super::scope::{KeyFilter, KeyScope, LOST_CLASS};
use super::slot::{self, Identity, SECRET, SLOT, WRAPPED};
use super::wrapping::{MasterKey, MasterKeys, OTHER_KEY, Phase, Wrapping};
use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::entropy::Entropy;
use crate::error::{LedgerError, OpenError};
use crate::in_place;

/// Directory of the vault, below the data directory.
pub(crate) const VAULT_DIR: &str = "vault";
pub(crate) const TABLE_PATH: &str = "vault/keys";
const MAGIC: &[u8; 8] = b"TBLVKEY1";
const VERSION: u32 = 1;
/// Where the header says whose wrapping key the keys are under; zeros in what was written before it said so.
const HEADER_OF: usize = 12;
/// Largest table that is read: 16 million keys. Beyond it a log is to be split by tenant.
const MAX_TABLE_BYTES: u64 = 4 << 30;
/// Empty slots that the file has room for beyond those in use, so that a record which was promised room gets its key on a full disk too.
const KEPT_SLOTS: u64 = 256;

/// Whose wrapping key a table's keys are under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableOf {
    /// The log's own.
    Log,
    /// A backup's, which ends on a day: nothing but that backup's key opens it.
    Backup,
}

impl TableOf {
    fn mark(self) -> [u8; 4] {
        u32::from(self == Self::Backup).to_le_bytes()
    }
}

/// What the table knows of a key.
pub(crate) enum Found {
    /// Its bytes.
    Live(Zeroizing<[u8; 32]>),
    /// It was there and is gone.
    Destroyed,
    /// It was never there.
    Unknown,
}

pub(super) struct KeyRow {
    pub(super) identity: Identity,
    /// Place in the table; also for rows that are not written yet.
    pub(super) position: u64,
    /// On the heap: a map that grows moves its rows and leaves their old bytes behind.
    pub(super) key: Option<Box<Zeroizing<[u8; 32]>>>,
}

/// The keys of one tenant's vault.
pub(crate) struct KeyTable {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) wrapping: Wrapping,
    pub(super) rows: HashMap<VaultKeyId, KeyRow>,
    by_scope: HashMap<KeyScope, VaultKeyId>,
    /// Slots made and not yet written, in order; they begin at `durable`.
    pending: Vec<[u8; SLOT]>,
    /// Slots on disk, the header included.
    durable: u64,
    /// Slots that the file has room for.
    allocated: u64,
    notes: Vec<String>,
    /// Whether moving keys to another wrapping key failed, so that it is not known what is on disk: then nothing more is made durable here.
    pub(super) has_failed: bool,
}

impl KeyTable {
    /// Makes an empty table, durably. The directory's own name is synced by the caller.
    pub(crate) fn create(disk: &dyn Disk, origin: &Hash, master: MasterKey) -> Result<Self, OpenError> {
        let failed = || OpenError::io("create", TABLE_PATH);
        let file = disk.open(TABLE_PATH, OpenMode::CreateNew).map_err(failed())?;
        let header = header(origin, &master, TableOf::Log).map_err(failed())?;
        file.write_at(0, &header)
            .and_then(|()| file.sync())
            .and_then(|()| disk.sync_dir(VAULT_DIR))
            .map_err(failed())?;
        Ok(Self {
            file,
            wrapping: Wrapping::first(master),
            rows: HashMap::new(),
            by_scope: HashMap::new(),
            pending: Vec::new(),
            durable: 1,
            allocated: 1,
            notes: Vec::new(),
            has_failed: false,
        })
    }

    /// Puts a table in the place of the empty one, durably and whole or not at all, in which every one of `keys` is known and gone: while it is
    /// empty, its operator's word stands.
    pub(crate) fn lost<'k>(
        disk: &dyn Disk,
        origin: &Hash,
        masters: MasterKeys,
        keys: impl Iterator<Item = &'k VaultKeyId>,
    ) -> Result<Self, OpenError> {
        let wrapping = Wrapping::load(disk, origin, masters)?;
        let mut slots = Vec::new();
        let mut rows = HashMap::new();
        for (position, id) in (1..).zip(keys) {
            let identity = Identity::lost(id);
            slots.push(slot::gone(&identity.to_bytes()));
            rows.insert(*id, KeyRow { identity, position, key: None });
        }
        let failed = || OpenError::io("make a new key table in", VAULT_DIR);
        let header = header(origin, wrapping.current(), TableOf::Log).map_err(failed())?;
        let table = [header.as_slice(), &slots.concat()].concat();
        let file = disk::write_file_durably(disk, TABLE_PATH, &table)
            .and_then(|()| disk.open(TABLE_PATH, OpenMode::ReadWrite))
            .map_err(failed())?;
        let durable = rows.len() as u64 + 1;
        let notes = vec![format!(
            "{TABLE_PATH} was empty: the content of {} keys is recorded as lost, as its operator said",
            rows.len()
        )];
        Ok(Self {
            file,
            wrapping,
            rows,
            by_scope: HashMap::new(),
            pending: Vec::new(),
            durable,
            allocated: durable,
            notes,
            has_failed: false,
        })
    }

    /// Enters `keys`, which the table lacks, as known and gone, durably.
    pub(crate) fn enter_lost(&mut self, keys: &[VaultKeyId]) -> io::Result<()> {
        for id in keys {
            let identity = Identity::lost(id);
            let position = self.used();
            self.pending.push(slot::gone(&identity.to_bytes()));
            self.rows.insert(*id, KeyRow { identity, position, key: None });
        }
        if !keys.is_empty() {
            self.notes.push(format!(
                "the content of {} keys that {TABLE_PATH} lacks is recorded as lost, as its operator said",
                keys.len()
            ));
        }
        self.make_durable()
    }

    /// Opens the table. `dying`: keys whose destruction was ordered; their slots may be half overwritten.
    ///
    /// A slot that is not whole is a key whose writing was cut short before anything used it, or a key that the log needs. The caller can
    /// tell, because the log names every key it needs ([`KeyTable::knows`]).
    pub(crate) fn open(
        disk: &dyn Disk,
        origin: &Hash,
        masters: MasterKeys,
        dying: &[VaultKeyId],
    ) -> Result<Self, OpenError> {
        // Which key wraps what is read first: a key that is moved after that has both wrappings, or the new one that is then named.
        let wrapping = Wrapping::load(disk, origin, masters)?;
        Self::open_under(disk, origin, wrapping, TableOf::Log, dying)
    }

    /// Opens the table of a backup, whose own key is `master`.
    pub(crate) fn open_backup(disk: &dyn Disk, origin: &Hash, master: MasterKey) -> Result<Self, OpenError> {
        Self::open_under(disk, origin, Wrapping::first(master), TableOf::Backup, &[])
    }

    fn open_under(
        disk: &dyn Disk,
        origin: &Hash,
        wrapping: Wrapping,
        of: TableOf,
        dying: &[VaultKeyId],
    ) -> Result<Self, OpenError> {
        let bytes = disk::read_all(disk, TABLE_PATH, MAX_TABLE_BYTES).map_err(|error| unreadable(&error))?;
        if bytes.is_empty() {
            return Err(OpenError::Corrupt(format!(
                "{TABLE_PATH} is empty: if content is lost, the next start for writing records that. If not, {RESTORE}"
            )));
        }
        let file = disk.open(TABLE_PATH, OpenMode::ReadWrite).or_else(|error| match error.kind() {
            // A mounted snapshot or a backup: it can be read, and the lock keeps every writer out of it.
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                disk.open(TABLE_PATH, OpenMode::Read)
            }
            _ => Err(error),
        });
        let file = file.map_err(OpenError::io("open", TABLE_PATH))?;
        let mut slots = bytes.chunks(SLOT);
        check_header(slots.next().unwrap_or_default(), origin, &wrapping, of)?;
        let mut table = Self {
            file,
            wrapping,
            rows: HashMap::new(),
            by_scope: HashMap::new(),
            pending: Vec::new(),
            durable: 1,
            allocated: (bytes.len() / SLOT) as u64,
            notes: Vec::new(),
            has_failed: false,
        };
        let dying: BTreeSet<VaultKeyId> = dying.iter().copied().collect();
        let slots: Vec<&[u8]> = slots.collect();
        let mut unmoved = 0;
        let written = slots.iter().rposition(|slot| slot::read(slot).is_some()).map_or(0, |last| last + 1);
        for (position, bytes) in (1..).zip(slots.iter().take(written)) {
            match slot::read(bytes) {
                Some(slot) => {
                    unmoved += u64::from(table.wrapping.is_unmoved(&slot));
                    table.take(position, slot, &dying);
                }
                None => table.leave_out(position),
            }
        }
        table.durable = written as u64 + 1;
        table.notes.extend(table.wrapping.note(unmoved, table.live_keys() as u64));
        Ok(table)
    }

    fn leave_out(&mut self, position: u64) {
        self.notes.push(format!("{TABLE_PATH}: slot {position} holds no whole key and is left out"));
    }

    fn take(&mut self, position: u64, slot: slot::Slot, dying: &BTreeSet<VaultKeyId>) {
        let id = slot.identity.id;
        let key = match self.wrapping.open(&slot) {
            _ if slot.is_gone => None,
            Some(key) => Some(Box::new(key)),
            None if dying.contains(&id) => None,
            None => return self.leave_out(position),
        };
        // No call goes on in another process, so nothing more is kept under its key.
        let is_shared = !slot.identity.scope.own && slot.identity.scope.call.is_none();
        if key.is_some() && is_shared {
            self.by_scope.insert(slot.identity.scope.clone(), id);
        }
        self.rows.insert(id, KeyRow { identity: slot.identity, position, key });
    }

    /// Sentences for the operator about what opening found.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The live key of `scope`; makes one when there is none. A new key is not durable before [`KeyTable::make_durable`].
    pub(crate) fn key_for(
        &mut self,
        scope: &KeyScope,
        now: Micros,
        entropy: &dyn Entropy,
    ) -> io::Result<(VaultKeyId, Zeroizing<[u8; 32]>)> {
        let known = self.by_scope.get(scope).filter(|_| !scope.own);
        if let Some((id, key)) =
            known.and_then(|id| Some((*id, Zeroizing::clone(self.rows.get(id)?.key.as_ref()?))))
        {
            return Ok((id, key));
        }
        let (mut id, mut key) = ([0; 16], Zeroizing::new([0; 32]));
        entropy.fill(&mut id)?;
        entropy.fill(key.as_mut())?;
        let id = VaultKeyId::from_bytes(id);
        let identity = Identity { id, created: now, scope: scope.clone() };
        let aad = identity.to_bytes();
        let (generation, wrapping) = self.wrapping.wrap(&key, &aad, entropy)?;
        let position = self.used();
        if (position + 1) * SLOT as u64 > MAX_TABLE_BYTES {
            return Err(io::Error::other(format!("the vault's key table is full at {position} keys")));
        }
        self.pending.push(slot::live(&aad, generation, &wrapping));
        if !scope.own {
            self.by_scope.insert(scope.clone(), id);
        }
        self.rows.insert(id, KeyRow { identity, position, key: Some(Box::new(key.clone())) });
        Ok((id, key))
    }

    /// Slots in use or about to be.
    fn used(&self) -> u64 {
        self.durable + self.pending.len() as u64
    }

    /// Whether the table still stands under its name: keys that are written into a file without one are gone with this process.
    pub(crate) fn in_place(&self, disk: &dyn Disk) -> Result<(), LedgerError> {
        in_place::check(disk, TABLE_PATH, self.file.as_ref())
    }

    /// Sees to it that there is room for [`KEPT_SLOTS`] keys more.
    pub(crate) fn make_room(&mut self) -> io::Result<()> {
        if self.allocated >= self.used() + KEPT_SLOTS {
            return Ok(());
        }
        let wanted = self.used() + 2 * KEPT_SLOTS;
        self.file.allocate(wanted * SLOT as u64)?;
        self.allocated = wanted;
        Ok(())
    }

    /// Writes and syncs every key that is not durable yet. After an error nothing is known to be durable and the same keys are written
    /// again by the next call, to the same places.
    pub(crate) fn make_durable(&mut self) -> io::Result<()> {
        if self.has_failed {
            return Err(io::Error::other("the vault's keys could not be moved to another wrapping key"));
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        self.file.write_at(self.durable * SLOT as u64, &self.pending.concat())?;
        self.file.sync()?;
        self.durable = self.used();
        self.allocated = self.allocated.max(self.durable);
        self.pending.clear();
        Ok(())
    }

    /// Makes durable what is seen in the table and may be on no disk: the slots behind the last key that `proven` knows, because the process
    /// before may have died before their sync, or of a sync that failed. They are written again as they are, and synced. A key whose batch
    /// was followed by another one is proven durable, and with it every slot before it; so are the first `slots` slots.
    pub(crate) fn settle(&mut self, slots: u64, proven: impl Fn(&VaultKeyId) -> bool) -> io::Result<()> {
        let last = self.rows.values().filter(|row| proven(&row.identity.id)).map(|row| row.position).max();
        let from = (last.unwrap_or(0) + 1).max(slots);
        if from >= self.durable {
            return Ok(());
        }
        let len = usize::try_from((self.durable - from) * SLOT as u64).map_err(io::Error::other)?;
        let mut slots = vec![0; len];
        // A write that was cut short may have left the file without the zeros that end its last slot: then this writes them.
        self.file.read_at(from * SLOT as u64, &mut slots)?;
        self.file.write_at(from * SLOT as u64, &slots)?;
        self.file.sync()
    }

    /// Slots on disk, the header included.
    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    /// Every key with its place in the table.
    pub(super) fn positions(&self) -> impl Iterator<Item = (u64, &VaultKeyId)> {
        self.rows.iter().map(|(id, row)| (row.position, id))
    }

    /// What is known of a key.
    pub(crate) fn get(&self, id: &VaultKeyId) -> Found {
        match self.rows.get(id) {
            None => Found::Unknown,
            Some(KeyRow { key: None, .. }) => Found::Destroyed,
            Some(KeyRow { key: Some(key), .. }) => Found::Live(Zeroizing::clone(key)),
        }
    }

    /// Whether the key is or was in the table.
    pub(crate) fn knows(&self, id: &VaultKeyId) -> bool {
        self.rows.contains_key(id)
    }

    /// Whether the key can still be used.
    pub(crate) fn is_live(&self, id: &VaultKeyId) -> bool {
        self.rows.get(id).is_some_and(|row| row.key.is_some())
    }

    /// What a key is for; known for destroyed keys too.
    pub(crate) fn scope(&self, id: &VaultKeyId) -> Option<&KeyScope> {
        self.rows.get(id).map(|row| &row.identity.scope)
    }

    /// Keys that were lost with their table, oldest first.
    pub(crate) fn lost_keys(&self) -> Vec<VaultKeyId> {
        // A class that somebody calls the same has its month.
        let is_lost =
            |row: &&KeyRow| row.identity.scope.month == 0 && row.identity.scope.class.as_str() == LOST_CLASS;
        let mut found: Vec<&KeyRow> = self.rows.values().filter(is_lost).collect();
        found.sort_by_key(|row| row.position);
        found.into_iter().map(|row| row.identity.id).collect()
    }

    /// Whether keys that one call alone has may still be made: beyond half of the table its room is kept for keys that many records share.
    pub(crate) fn has_room_for_calls(&self) -> bool {
        self.used() * (SLOT as u64) < MAX_TABLE_BYTES / 2
    }

    /// Live keys that fit `filter`, oldest first.
    pub(crate) fn find(&self, filter: &KeyFilter) -> Vec<VaultKeyId> {
        let fits = |row: &&KeyRow| row.key.is_some() && filter.fits(&row.identity.scope);
        let mut found: Vec<&KeyRow> = self.rows.values().filter(fits).collect();
        found.sort_by_key(|row| row.position);
        found.into_iter().map(|row| row.identity.id).collect()
    }

    /// Keys that fit `filter`, live or destroyed.
    pub(crate) fn ever(&self, filter: &KeyFilter) -> Vec<VaultKeyId> {
        let fits = self.rows.values().filter(|row| filter.fits(&row.identity.scope));
        fits.map(|row| row.identity.id).collect()
    }

    /// How many keys are live.
    pub(crate) fn live_keys(&self) -> usize {
        self.rows.values().filter(|row| row.key.is_some()).count()
    }

    /// Overwrites keys and makes that durable; they are gone from memory whatever the disk says. Destroying a destroyed key does nothing.
    pub(crate) fn destroy(&mut self, ids: &[VaultKeyId]) -> io::Result<()> {
        self.make_durable()?;
        let mut places = Vec::new();
        for id in ids {
            if let Some(row) = self.rows.get_mut(id) {
                row.key = None;
                if self.by_scope.get(&row.identity.scope) == Some(id) {
                    self.by_scope.remove(&row.identity.scope);
                }
                places.push(row.position * SLOT as u64 + SECRET as u64);
            }
        }
        for place in &places {
            self.file.write_at(*place, &[0; SLOT - SECRET])?;
        }
        if places.is_empty() { Ok(()) } else { self.file.sync() }
    }
}

/// What helps, whatever happened to the table.
pub(super) const RESTORE: &str = "move what is left of vault/ away and take it from the newest backup of this log: tabellion vault restore --from BACKUP";
/// What to say of a backup's table in the place of the log's.
const OF_BACKUP: &str = "vault/keys was copied from a backup, where content's keys are under the backup's own key: the log's opens none of them. Nothing is lost. Move the file away and \
     let it be taken over: tabellion vault restore --from BACKUP";

/// Why the table could not be read, and the way out.
fn unreadable(error: &io::Error) -> OpenError {
    let what = match error.kind() {
        io::ErrorKind::NotFound => format!("the vault is missing: {TABLE_PATH} is not there"),
        _ => format!("the vault cannot be read: {TABLE_PATH}: {error}"),
    };
    OpenError::Corrupt(format!(
        "{what}. It holds the keys of all content, and nothing was changed. Mount its disk, let this user read it, or {RESTORE}\n\
         If no backup has it, content is lost for good (entries, proofs and receipts are not): make {TABLE_PATH} an empty file of the owner's alone, and the \
         next start records that everything kept under its keys is gone"
    ))
}

pub(super) fn header(origin: &Hash, master: &MasterKey, of: TableOf) -> io::Result<[u8; SLOT]> {
    let check = master.check(origin)?;
    let mut slot = Vec::with_capacity(SLOT);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&VERSION.to_le_bytes());
    slot.extend_from_slice(&of.mark());
    slot.extend_from_slice(origin.as_bytes());
    slot.extend_from_slice(&check);
    slot.resize(SLOT - 4, 0);
    let crc = crc32c::crc32c(&slot);
    slot.extend_from_slice(&crc.to_le_bytes());
    slot.try_into().map_err(|_| io::Error::other("the key table's header has another size"))
}

fn check_header(bytes: &[u8], origin: &Hash, wrapping: &Wrapping, of: TableOf) -> Result<(), OpenError> {
    let whole = bytes.split_last_chunk::<4>().filter(|(body, crc)| {
        body.len() == SLOT - 4 && body.starts_with(MAGIC) && crc32c::crc32c(body).to_le_bytes() == **crc
    });
    let Some((body, _)) = whole else {
        return Err(OpenError::Corrupt(format!("{TABLE_PATH} has a damaged header; {RESTORE}")));
    };
    if body.get(16..48) != Some(origin.as_bytes().as_slice()) {
        return Err(OpenError::Mismatch(format!("{TABLE_PATH} belongs to another log; {RESTORE}")));
    }
    let mark = body.get(HEADER_OF..HEADER_OF + 4);
    if mark != Some(of.mark().as_slice()) {
        return Err(match of {
            TableOf::Log if mark == Some(TableOf::Backup.mark().as_slice()) => {
                OpenError::Mismatch(OF_BACKUP.to_owned())
            }
            _ => OpenError::Corrupt(format!("{TABLE_PATH} is no table of this version")),
        });
    }
    // Once the keys were moved, a file of its own says under which key they are, and that was compared.
    let check: Option<[u8; WRAPPED]> = body.get(48..96).and_then(|check| check.try_into().ok());
    let fits = check.is_some_and(|check| wrapping.current().fits(&check, origin));
    if fits || !wrapping.is_first() || wrapping.phase() != Phase::Settled {
        return Ok(());
    }
    Err(OpenError::Mismatch(OTHER_KEY.to_owned()))
}
