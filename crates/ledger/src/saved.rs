//! What the log says, as it was at some size: a start reads this and the entries since, instead of the whole log (docs/formats.md §13.9).
//!
//! Promises: what is read was written by whoever holds this log's secrets, of a size that was durable; where anything about it does not fit the log, nothing of it
//! is used. Must never: be needed. It may be removed at any time, and the next start reads the whole log.

pub(crate) mod fold;
pub(crate) mod pack;
pub(crate) mod saver;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tabellion_tlog::Hash;

use self::pack::{Packer, Unpacker};
use crate::disk::{self, Disk, OpenMode};
use crate::error::LedgerError;
use crate::keyring::Secrets;
use crate::postings::run::{Run, RunId};
use crate::postings::{self, Posting, Postings, TagKey};
use crate::shared::Shared;
use crate::state::{LogState, Marks};
use crate::vault::VaultExtent;
use crate::wal::BATCH_ALIGN;
use crate::wal::segment::{SegmentHeader, segment_path};

/// Where it lies, with the files that it names.
pub(crate) const STATE_DIR: &str = "log/state";
pub(crate) const SAVED_PATH: &str = "log/state/saved";
const MAGIC: &[u8] = b"TBLSAVE3";
/// Bytes of the HMAC-SHA-256 at its end.
const MAC: usize = 32;
/// Largest file that is read: ten thousand million entries, or ten million streams.
const MAX_SAVED_BYTES: u64 = 2 << 30;
/// What the key of its HMAC is for ([`Secrets::derived`]).
const PURPOSE: &str = "saved state";

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// The segment with the newest batch, and where the batch after that would begin.
    pub(crate) segment: u32,
    pub(crate) end: u64,
    /// What that segment's header names as its predecessor.
    pub(crate) previous: String,
}

/// A state that was saved.
pub(crate) struct Saved {
    pub(crate) state: LogState,
    pub(crate) place: Place,
    /// The keys that the vault had then.
    pub(crate) vault: VaultExtent,
}

/// What there is of a saved state.
pub(crate) enum Found {
    /// It can be gone on from.
    Whole(Box<Saved>),
    /// There is none.
    Nothing,
    /// It was written by this log, up to `place`, and its files are not as they were.
    Useless(String, Option<Place>),
}

/// Looks for a saved state. `for_writing`: with what only a writer needs.
pub(crate) fn load(disk: &dyn Disk, secrets: &Secrets, for_writing: bool) -> Found {
    let bytes = match disk.exists(SAVED_PATH) {
        Ok(false) => return Found::Nothing,
        Ok(true) => disk::read_all(disk, SAVED_PATH, MAX_SAVED_BYTES),
        Err(error) => Err(error),
    };
    let body = match bytes.as_deref().map_err(ToString::to_string).and_then(|bytes| checked(bytes, secrets)) {
        Ok(body) => body,
        Err(why) => return Found::Useless(format!("{SAVED_PATH}: {why}"), None),
    };
    let mut from = Unpacker::new(body);
    let Some(place) = Place::unpack(&mut from) else {
        return Found::Useless(format!("{SAVED_PATH}: where it ends cannot be read"), None);
    };
    match rest(&mut from, disk, secrets.tag_key(), place.clone(), for_writing) {
        Ok(saved) => Found::Whole(Box::new(saved)),
        Err(why) => Found::Useless(format!("{SAVED_PATH}: {why}"), Some(place)),
    }
}

/// What was written between the magic bytes and the code that proves who wrote it.
fn checked<'b>(bytes: &'b [u8], secrets: &Secrets) -> Result<&'b [u8], String> {
    let (written, code) = bytes.split_last_chunk::<MAC>().ok_or("it is cut short")?;
    let mac = mac(secrets, written);
    mac.verify_slice(code).map_err(|_| "it was not written with this log's secrets, or is damaged")?;
    written.strip_prefix(MAGIC).ok_or_else(|| "it is of another version".to_owned())
}

fn mac(secrets: &Secrets, written: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secrets.derived(PURPOSE).as_ref()).expect("32 bytes");
    mac.update(written);
    mac
}

fn rest(
    from: &mut Unpacker<'_>,
    disk: &dyn Disk,
    key: TagKey,
    place: Place,
    for_writing: bool,
) -> Result<Saved, String> {
    let vault = VaultExtent::unpack(from).ok_or("the vault's extent cannot be read")?;
    let mut runs = || from.list(unpack_run).ok_or("its lists cannot be read");
    let (idempotency, units): (Vec<RunId>, Vec<RunId>) = (runs()?, runs()?);
    let mut state = fold::unpack(from, disk)?;
    from.end().ok_or("something follows it")?;
    if state.size() != place.size || state.tree.root() != place.root {
        return Err("its tree is another one".to_owned());
    }
    if for_writing {
        let open = |ids: Vec<RunId>, with_filter| {
            let open = |id| Run::open(disk, id, with_filter).map(Arc::new);
            let runs: io::Result<Vec<_>> = ids.into_iter().map(open).collect();
            runs.map(|runs| Postings::resume(key, runs)).map_err(|error| error.to_string())
        };
        state.marks = Some(Marks { idempotency: open(idempotency, true)?, units: open(units, false)? });
    }
    Ok(Saved { state, place, vault })
}

fn unpack_run(from: &mut Unpacker<'_>) -> Option<RunId> {
    Some(RunId { name: from.text()?.to_owned(), count: from.number()?, contents: from.hash()? })
}

fn pack_runs(out: &mut Packer, runs: &[Arc<Run>]) {
    out.list(runs, |out, run| {
        let RunId { name, count, contents } = run.id();
        out.text(&name);
        out.number(count);
        out.hash(&contents);
    });
}

impl Place {
    fn pack(&self, out: &mut Packer) {
        out.number(self.size);
        out.hash(&self.root);
        out.number(u64::from(self.segment));
        out.number(self.end);
        out.text(&self.previous);
    }

    fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        Some(Self {
            size: from.number()?,
            root: from.hash()?,
            segment: from.small()?,
            end: from.number()?,
            previous: from.text()?.to_owned(),
        })
    }
}

/// The state as bytes that are the same whenever the log is.
pub(crate) fn state_bytes(state: &LogState) -> Vec<u8> {
    let mut out = Packer::default();
    fold::pack(state, &mut out);
    out.into_bytes()
}

/// What a save wrote.
pub(crate) struct Written {
    /// Log size that it speaks for.
    pub(crate) size: u64,
    /// Bytes of the file.
    pub(crate) bytes: u64,
}

/// Saves the present state. Appends go on meanwhile, but for the moment in which it is copied. `take_up`: whether older runs are written anew with the newest
/// where there are many.
pub(crate) fn save(shared: &Shared, secrets: &Secrets, take_up: bool) -> io::Result<Written> {
    check_may_save(shared)?;
    let disk = shared.disk.as_ref();
    disk.create_dir_all(STATE_DIR)?;
    let (copy, idempotency, units, (size, root, last)) = {
        let mut state = shared.state_mut();
        let last =
            state.batches.last().ok_or_else(|| io::Error::other("a log without a batch cannot be saved"))?;
        let marks = state.marks.as_mut().ok_or_else(|| io::Error::other("only a writer saves a state"))?;
        let frozen = (marks.idempotency.freeze(), marks.units.freeze());
        (state_bytes(&state), frozen.0, frozen.1, (state.size(), state.tree.root(), last))
    };
    let present = names(&idempotency.1, &units.1);
    let written = (|| {
        let previous = previous_of(disk, last.segment)?;
        let place = Place { size, root, segment: last.segment, end: last.end(), previous };
        let idempotency = write_runs(disk, "idempotency", size, (true, take_up), idempotency)?;
        let units = write_runs(disk, "units", size, (false, take_up), units)?;
        let bytes = write_saved(shared, secrets, &place, &copy, (&idempotency, &units))?;
        Ok((idempotency, units, bytes))
    })();
    let (idempotency, units, bytes) = match written {
        Ok(written) => written,
        Err(error) => {
            // What came of it takes room that records need.
            let _ = remove_others(disk, &present);
            if is_lost(&error) {
                give_up(shared);
            }
            return Err(error);
        }
    };
    let kept = names(&idempotency, &units);
    if let Some(marks) = &mut shared.state_mut().marks {
        marks.idempotency.thaw(idempotency);
        marks.units.thaw(units);
    }
    remove_others(disk, &kept)?;
    Ok(Written { size, bytes })
}

/// A log that is damaged, or whose runs cannot be read, is read whole by the next start.
fn check_may_save(shared: &Shared) -> io::Result<()> {
    if shared.postings_failed.load(Ordering::Relaxed) || shared.undamaged().is_err() {
        return Err(io::Error::other(
            "its files were found damaged; the next start makes them again from the log",
        ));
    }
    Ok(())
}

fn write_saved(
    shared: &Shared,
    secrets: &Secrets,
    place: &Place,
    copy: &[u8],
    (idempotency, units): (&[Arc<Run>], &[Arc<Run>]),
) -> io::Result<u64> {
    let disk = shared.disk.as_ref();
    let mut out = Packer::default();
    place.pack(&mut out);
    shared.vault().extent().pack(&mut out);
    pack_runs(&mut out, idempotency);
    pack_runs(&mut out, units);
    let mut bytes = [MAGIC, &out.into_bytes(), copy].concat();
    let code = mac(secrets, &bytes).finalize().into_bytes();
    bytes.extend_from_slice(&code);
    if bytes.len() as u64 > MAX_SAVED_BYTES {
        return Err(io::Error::other(format!("it has {} bytes, {MAX_SAVED_BYTES} are read", bytes.len())));
    }
    disk.sync_dir(disk::parent(STATE_DIR))?;
    check_may_save(shared)?;
    disk::write_file_durably(disk, SAVED_PATH, &bytes)?;
    Ok(bytes.len() as u64)
}

fn names(idempotency: &[Arc<Run>], units: &[Arc<Run>]) -> Vec<String> {
    idempotency.iter().chain(units).map(|run| run.id().name).collect()
}

/// Whether an error speaks of what lies on the disk, and not of there being no room.
fn is_lost(error: &io::Error) -> bool {
    let is_sector = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
    is_sector
        || matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound
        )
}

/// Nothing more is saved by this process, and the next start reads the whole log.
fn give_up(shared: &Shared) {
    shared.postings_failed.store(true, Ordering::Relaxed);
    // Where it cannot be removed the next start finds the same.
    let _ = forget(shared.disk.as_ref());
}

/// Removes what an attempt that came to nothing left beside the runs of `state`.
pub(crate) fn tidy(disk: &dyn Disk, state: &LogState) {
    if let Some(marks) = &state.marks {
        // What stays costs room only.
        let _ = remove_others(disk, &names(marks.idempotency.runs(), marks.units.runs()));
    }
}

type Frozen = (Arc<BTreeSet<Posting>>, Vec<Arc<Run>>);

fn write_runs(
    disk: &dyn Disk,
    kind: &str,
    size: u64,
    (with_filter, take_up): (bool, bool),
    (set, runs): Frozen,
) -> io::Result<Vec<Arc<Run>>> {
    let name = |count: u64| format!("{STATE_DIR}/{kind}-{size}-{count}");
    postings::written(disk, &name, (with_filter, take_up), &set, runs)
}

fn previous_of(disk: &dyn Disk, segment: u32) -> io::Result<String> {
    let path = segment_path(segment);
    let mut page = vec![0; usize::try_from(BATCH_ALIGN).map_err(io::Error::other)?];
    disk::read_exact_at(disk.open(&path, OpenMode::Read)?.as_ref(), 0, &mut page)?;
    let header = SegmentHeader::read(&page)
        .ok_or_else(|| io::Error::other(format!("{path}: its header is damaged")))?;
    Ok(header.previous)
}

/// Removes the files that no saved state names.
fn remove_others(disk: &dyn Disk, kept: &[String]) -> io::Result<()> {
    for name in disk.list(STATE_DIR)? {
        let path = format!("{STATE_DIR}/{name}");
        if path != SAVED_PATH && !kept.contains(&path) {
            disk.remove(&path)?;
        }
    }
    Ok(())
}

/// Sees to it that the next start reads the whole log.
pub(crate) fn forget(disk: &dyn Disk) -> io::Result<()> {
    match disk.remove(SAVED_PATH) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| disk.sync_dir(STATE_DIR)),
    }
}

/// What to say where `what` cannot be looked up in a run.
pub(crate) fn unreadable(what: &str, shared: &Shared, error: &io::Error) -> LedgerError {
    let remedy = if note_unreadable(shared, error) {
        "Restart the program: these files are made again from the log"
    } else {
        "Try again"
    };
    LedgerError::Unavailable(format!("{what} cannot be looked up: {error}. Nothing was recorded. {remedy}"))
}

/// Whether a run that cannot be read is lost; the next start then makes all of them again.
pub(crate) fn note_unreadable(shared: &Shared, error: &io::Error) -> bool {
    let is_lost = is_lost(error);
    if is_lost {
        give_up(shared);
    }
    is_lost
}
