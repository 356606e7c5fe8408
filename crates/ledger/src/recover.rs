//! Reading the whole log at start: what is committed, what was torn, and what is damaged.
//!
//! Promises: a batch counts as committed only when every frame is whole and its checkpoint matches the tree recomputed here; damage before a
//! valid later batch, or at or below what `head` remembers, is corruption and refuses; only a final batch beyond `head` may be cut, and
//! then it is zeroed, synced and reported; a final batch that is whole is durable before anybody is told of it. Must never: repair silently,
//! or write anything when opened read-only.

mod inspect;
mod known;

use std::io;

use sha2::{Digest as _, Sha256};
use tabellion_model::{Entry, Origin, Purpose};
use tabellion_tlog::{Checkpoint, CompactRange, Hash, SignedCheckpoint, VerifierKey, leaf_hash};

use crate::batches::BatchRef;
use crate::derive::{CHECKPOINT_PATH, MAX_CHECKPOINT_FILE};
use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::error::OpenError;
use crate::head::{HEAD_PATH, Head, HeadFile};
use crate::postings::TagKey;
use crate::read;
use crate::saved::{Place, SAVED_PATH};
use crate::state::{LogState, Marks};
use crate::wal::BATCH_ALIGN;
use crate::wal::batch::Batch;
use crate::wal::segment::{SEGMENT_DIR, SegmentHeader, segment_number, segment_path};
use crate::wal::window::Window;

pub(crate) use self::inspect::{FoldOnly, Inspect, KeysUsed};

/// Largest segment that is read: segments are made with at most this size.
pub(crate) const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// What a scan found.
pub(crate) struct Recovered {
    pub(crate) state: LogState,
    /// Newest signed checkpoint.
    pub(crate) checkpoint: String,
    pub(crate) tail: Tail,
    /// Sentences for the operator about what was found and done.
    pub(crate) notes: Vec<String>,
}

/// Where the next batch goes.
pub(crate) struct Tail {
    pub(crate) segment: u32,
    pub(crate) end: u64,
    /// Over the checkpoints of that segment.
    pub(crate) checkpoints: Sha256,
}

/// Whether the scan may cut a torn tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly,
    Write,
}

/// How a log is read.
#[derive(Clone, Copy)]
pub(crate) struct ScanOptions<'a> {
    pub(crate) access: Access,
    /// The origin that the configuration names, when it names one.
    pub(crate) expected: Option<&'a Origin>,
    /// For what a writer looks up.
    pub(crate) tags: Option<TagKey>,
}

impl<'a> ScanOptions<'a> {
    /// To look only.
    pub(crate) fn read_only(expected: Option<&'a Origin>) -> Self {
        Self { access: Access::ReadOnly, expected, tags: None }
    }
}

/// Reads every segment and folds it. `saved`: up to where a state was saved that cannot be gone on from; the log reaches there, or has lost something.
pub(crate) fn scan(
    disk: &dyn Disk,
    options: ScanOptions<'_>,
    saved: Option<Place>,
    inspect: &mut dyn Inspect,
) -> Result<Recovered, OpenError> {
    run(disk, options, None, saved, inspect)
}

/// Reads what came after a saved state, and folds it. Where that state does not fit the log this fails, and a whole scan tells more.
pub(crate) fn resume(
    disk: &dyn Disk,
    options: ScanOptions<'_>,
    state: LogState,
    place: Place,
    inspect: &mut dyn Inspect,
) -> Result<Recovered, OpenError> {
    run(disk, options, Some(state), Some(place), inspect)
}

fn run(
    disk: &dyn Disk,
    options: ScanOptions<'_>,
    state: Option<LogState>,
    saved: Option<Place>,
    inspect: &mut dyn Inspect,
) -> Result<Recovered, OpenError> {
    let numbers = segment_numbers(disk)?;
    let head = HeadFile::load(disk)?;
    let published = published(disk)?;
    let known = saved.clone().filter(|_| state.is_some());
    let mut scan = Scan {
        disk,
        access: options.access,
        expected: options.expected,
        tags: options.tags,
        head,
        published,
        saved,
        known,
        state,
        checkpoint: String::new(),
        notes: Vec::new(),
        newest: Written::default(),
        inspect,
    };
    scan.check_edge()?;
    let mut previous = String::new();
    let mut tail = None;
    let last = numbers.last().copied();
    for number in numbers {
        let is_last = Some(number) == last;
        if scan.passes(number, &mut previous)? {
            continue;
        }
        match scan.segment(number, &previous, is_last)? {
            Some(found) => {
                previous = hex::encode(found.checkpoints.clone().finalize());
                tail = Some(found);
            }
            None => scan.drop_unused_segment(number)?,
        }
    }
    scan.finish(tail)
}

/// The published checkpoint, when there is one that can be read; it is derived, so damage to it alone is no reason to refuse.
fn published(disk: &dyn Disk) -> Result<Option<Checkpoint>, OpenError> {
    if !disk.exists(CHECKPOINT_PATH).map_err(OpenError::io("look for", CHECKPOINT_PATH))? {
        return Ok(None);
    }
    let bytes = disk::read_all(disk, CHECKPOINT_PATH, MAX_CHECKPOINT_FILE)
        .map_err(OpenError::io("read", CHECKPOINT_PATH))?;
    Ok(SignedCheckpoint::parse(&bytes).ok().map(|signed| signed.checkpoint))
}

fn segment_numbers(disk: &dyn Disk) -> Result<Vec<u32>, OpenError> {
    let names = disk.list(SEGMENT_DIR).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(OpenError::io("list", SEGMENT_DIR)(error)),
    })?;
    let numbers: Vec<u32> = names.iter().filter_map(|name| segment_number(name)).collect();
    for (expected, number) in numbers.iter().enumerate() {
        if u32::try_from(expected).ok() != Some(*number) {
            return Err(OpenError::Corrupt(format!(
                "segment {} is missing, but {} is there: part of the log is lost. Restore {SEGMENT_DIR} from a backup",
                segment_path(u32::try_from(expected).unwrap_or(u32::MAX)),
                segment_path(*number)
            )));
        }
    }
    if numbers.is_empty() {
        return Err(OpenError::Mismatch(format!(
            "there is no log here: {SEGMENT_DIR} holds no segment. Make a new log with tabellion init, or name the right directory"
        )));
    }
    Ok(numbers)
}

struct Scan<'a> {
    disk: &'a dyn Disk,
    access: Access,
    expected: Option<&'a Origin>,
    head: Option<Head>,
    /// The checkpoint in `log/checkpoint`: whoever reads it was told of that size.
    published: Option<Checkpoint>,
    /// Up to where a state was saved: of what was durable.
    saved: Option<Place>,
    /// The same, where reading began there.
    known: Option<Place>,
    tags: Option<TagKey>,
    state: Option<LogState>,
    checkpoint: String,
    notes: Vec<String>,
    newest: Written,
    inspect: &'a mut dyn Inspect,
}

/// The bytes of a segment that were written last: its final batch, or its header when it holds none.
#[derive(Default)]
struct Written {
    offset: u64,
    bytes: Vec<u8>,
}

impl Scan<'_> {
    fn size(&self) -> u64 {
        self.state.as_ref().map_or(0, LogState::size)
    }

    /// Folds one segment. `None`: the last segment was never used (its creation was cut short).
    fn segment(&mut self, number: u32, previous: &str, is_last: bool) -> Result<Option<Tail>, OpenError> {
        let path = segment_path(number);
        let read = || OpenError::io("read", &path);
        let mut window = Window::open(self.disk, &path, MAX_SEGMENT_BYTES).map_err(read())?;
        let page = usize::try_from(BATCH_ALIGN).unwrap_or(usize::MAX);
        let Some(header) = SegmentHeader::read(window.at(0, page).map_err(read())?) else {
            let unused = is_last && self.head.as_ref().is_none_or(|head| head.segment < number);
            let end = window.len();
            if unused && window.used(BATCH_ALIGN, end).map_err(read())?.is_none() {
                return Ok(None);
            }
            return Err(self.corrupt(&path, 0, "its header is damaged"));
        };
        self.check_header(&path, number, previous, &header)?;
        self.check_gap(&path, &mut window, header.frame_bytes, BATCH_ALIGN)?;
        let mut checkpoints = Sha256::new();
        let mut newest = 0..header.frame_bytes;
        let mut at = BATCH_ALIGN;
        while at < window.len() {
            let Some(batch) = window.batch(at).map_err(read())? else {
                if self.grew_meanwhile(&mut window, at).map_err(read())? {
                    continue;
                }
                match self.end_of_segment(&path, at, &mut window, is_last) {
                    Ok(()) => break,
                    // The end may have moved on while it was looked at.
                    Err(_) if self.grew_meanwhile(&mut window, at).map_err(read())? => continue,
                    Err(error) => return Err(error),
                }
            };
            let reference = BatchRef {
                first: batch.header.first,
                entries: batch.header.entries,
                bytes: batch.header.bytes,
                segment: number,
                offset: at,
            };
            let taken = if self.knows(number, at) {
                self.pass(&reference, &batch)
            } else {
                self.fold(&reference, &batch)
            };
            taken.map_err(|what| self.corrupt(&path, at, &what))?;
            checkpoints.update(batch.checkpoint);
            let end = at + u64::from(batch.header.bytes);
            newest = at..end;
            at = end.next_multiple_of(BATCH_ALIGN);
            self.check_gap(&path, &mut window, end, at)?;
        }
        let len = usize::try_from(newest.end - newest.start).unwrap_or(usize::MAX);
        let shown = window.at(newest.start, len).map_err(read())?;
        let written = shown.get(..len).unwrap_or_default().to_vec();
        self.newest = Written { offset: newest.start, bytes: written };
        Ok(Some(Tail { segment: number, end: at, checkpoints }))
    }

    fn check_header(
        &self,
        path: &str,
        number: u32,
        previous: &str,
        header: &SegmentHeader,
    ) -> Result<(), OpenError> {
        if header.number != number || header.previous != previous {
            return Err(self.corrupt(
                path,
                0,
                "it does not continue the segment before it: a segment was replaced or is from another log",
            ));
        }
        let log = header.logs.first().filter(|log| header.logs.len() == 1 && log.number == 0);
        let Some(log) = log else {
            return Err(self.corrupt(path, 0, "its header names no log of this version"));
        };
        if let Some(expected) = self.expected.filter(|origin| origin.as_str() != log.log) {
            return Err(OpenError::Mismatch(format!(
                "this directory holds the log {}, but the configuration says {expected}. An origin is fixed when a log is made: correct the \
                 configuration, or name the right directory",
                log.log
            )));
        }
        let expected = self.begin_of(number);
        if log.size != expected {
            return Err(self.corrupt(
                path,
                0,
                &format!("it begins at log size {}, but the log so far has {expected}", log.size),
            ));
        }
        Ok(())
    }

    /// Whoever reads without the lock may see a segment while its owner writes the next batches into it: a batch that was not there when its
    /// bytes were read, with later ones behind it. Reading again tells that from damage.
    fn grew_meanwhile(&self, window: &mut Window, at: u64) -> io::Result<bool> {
        if self.access == Access::Write {
            return Ok(false);
        }
        window.forget();
        Ok(window.batch(at)?.is_some())
    }

    /// Between the end of one thing and the page where the next begins there is nothing.
    fn check_gap(&self, path: &str, window: &mut Window, from: u64, to: u64) -> Result<(), OpenError> {
        if window.used(from, to).map_err(OpenError::io("read", path))?.is_none() {
            return Ok(());
        }
        Err(self.corrupt(path, from, "there are bytes where nothing was written"))
    }

    /// No whole batch at `at`: a clean end, a torn tail, or damage.
    fn end_of_segment(
        &mut self,
        path: &str,
        at: u64,
        window: &mut Window,
        is_last: bool,
    ) -> Result<(), OpenError> {
        let read = || OpenError::io("read", path);
        let end = window.len();
        let Some(used) = window.used(at, end).map_err(read())? else { return Ok(()) };
        if !is_last {
            return Err(self.corrupt(path, at, "a damaged batch is followed by another segment"));
        }
        if let Some(later) = window.later_batch(at).map_err(read())? {
            let what = format!("a damaged batch is followed by a whole one (entries from {})", later.first);
            return Err(self.corrupt(path, at, &what));
        }
        if let Some((who, size)) = self.remembered().filter(|(_, size)| *size > self.size()) {
            let what = format!(
                "entries {}…{} were committed ({who} remembers them) and are damaged",
                self.size(),
                size - 1
            );
            return Err(self.corrupt(path, at, &what));
        }
        self.cut(path, at, usize::try_from(used - at).unwrap_or(usize::MAX))
    }

    /// The largest size that anything besides the segments remembers, and what does: the head, the checkpoint that was published, or the state that was
    /// saved.
    fn remembered(&self) -> Option<(&'static str, u64)> {
        let head = self.head.as_ref().map(|head| (HEAD_PATH, head.size));
        let published = self.published.as_ref().map(|checkpoint| (CHECKPOINT_PATH, checkpoint.size));
        let saved = self.saved.as_ref().map(|place| (SAVED_PATH, place.size));
        head.into_iter().chain(published).chain(saved).max_by_key(|(_, size)| *size)
    }

    /// Zeroes a final batch that was never acknowledged.
    fn cut(&mut self, path: &str, at: u64, used: usize) -> Result<(), OpenError> {
        if self.access == Access::ReadOnly {
            self.notes.push(format!(
                "{path} ends with an unfinished batch at offset {at} ({used} bytes); it was never acknowledged and is left out here"
            ));
            return Ok(());
        }
        let file = self.disk.open(path, OpenMode::ReadWrite).map_err(OpenError::io("open", path))?;
        zero(file.as_ref(), at, used).map_err(OpenError::io("cut the unfinished batch in", path))?;
        self.notes.push(format!(
            "cut an unfinished batch of {used} bytes at offset {at} of {path}: the process or the power ended while it was written, and \
             nobody was told that it was recorded. The log continues at entry {}",
            self.size()
        ));
        Ok(())
    }

    fn drop_unused_segment(&mut self, number: u32) -> Result<(), OpenError> {
        let path = segment_path(number);
        if self.access == Access::Write && number > 0 {
            self.disk
                .remove(&path)
                .and_then(|()| self.disk.sync_dir(SEGMENT_DIR))
                .map_err(OpenError::io("remove", &path))?;
            self.notes.push(format!("removed {path}: its creation was cut short and it never held an entry"));
        }
        Ok(())
    }

    /// Checks and folds one whole batch.
    fn fold(&mut self, at: &BatchRef, batch: &Batch<'_>) -> Result<(), String> {
        let entries = batch
            .entries
            .iter()
            .enumerate()
            .map(|(i, stored)| {
                Entry::parse(stored.entry).map_err(|error| format!("entry {}: {error}", at.first + i as u64))
            })
            .collect::<Result<Vec<Entry>, String>>()?;
        if self.state.is_none() {
            let genesis = batch.entries.first().ok_or("the first batch is empty")?;
            let marks = self.tags.map(Marks::new);
            self.state = Some(LogState { marks, ..LogState::new(genesis.entry)? });
        }
        let state = self.state.as_mut().ok_or("no state")?;
        if at.first != state.size() || batch.header.log_number != 0 {
            return Err(format!("a batch begins at entry {}, but {} is next", at.first, state.size()));
        }
        let mut leaves = CompactRange::new(0);
        let count = batch.entries.len() - 1;
        for (i, (stored, entry)) in batch.entries.iter().zip(&entries).enumerate() {
            let leaf = leaf_hash(stored.entry);
            let index = at.first + i as u64;
            match entry {
                Entry::Seal(seal) if i == count => {
                    let root = leaves.root().map_err(|error| error.to_string())?;
                    let fits = seal.seal.first == at.first
                        && seal.seal.count == count as u64
                        && seal.seal.root == root;
                    if !fits || seal.seal.log != state.origin {
                        return Err(format!("the seal at entry {index} does not match its batch"));
                    }
                }
                Entry::Seal(_) => return Err(format!("entry {index} is a seal inside a batch")),
                _ if i == count => return Err(format!("entry {index} ends a batch but is no seal")),
                _ => leaves.push(leaf),
            }
            state.apply(index, entry, leaf)?;
            for frame in &stored.units {
                state.note_units(index, [read::unit_of(frame)?.1]);
            }
        }
        check_checkpoint(state, batch.checkpoint)?;
        self.checkpoint =
            String::from_utf8(batch.checkpoint.to_vec()).map_err(|_| "the checkpoint is not text")?;
        state.end_batch(*at);
        let (size, root) = (state.size(), state.tree.root());
        self.check_fork(size, root)?;
        let Some(state) = self.state.as_ref() else { return Ok(()) };
        self.inspect.batch(at, batch, &entries, state)
    }

    /// At a size that is remembered the log has the root that is remembered.
    fn check_fork(&self, size: u64, root: Hash) -> Result<(), String> {
        match self.roots().find(|(_, other, remembered)| *other == size && *remembered != root) {
            None => Ok(()),
            Some((who, ..)) => Err(format!(
                "at size {size} the log's root differs from the one in {who}: this is a fork of the log"
            )),
        }
    }

    /// Who remembers which root at which size.
    fn roots(&self) -> impl Iterator<Item = (&'static str, u64, Hash)> {
        let head = self.head.as_ref().map(|head| (HEAD_PATH, head.size, head.root));
        let published =
            self.published.as_ref().map(|checkpoint| (CHECKPOINT_PATH, checkpoint.size, checkpoint.root));
        let saved = self.saved.as_ref().map(|place| (SAVED_PATH, place.size, place.root));
        head.into_iter().chain(published).chain(saved)
    }

    fn finish(mut self, tail: Option<Tail>) -> Result<Recovered, OpenError> {
        let (Some(state), Some(tail)) = (self.state.take(), tail) else {
            return Err(OpenError::Mismatch(
                "the log here has no genesis: its creation was cut short. Remove the directory and run tabellion init again".to_owned(),
            ));
        };
        if let Some((who, size)) = self.remembered().filter(|(_, size)| *size > state.size()) {
            return Err(OpenError::Corrupt(format!(
                "the log ends at entry {}, but {who} remembers {size} entries: committed entries {}…{} are gone. This is an older or \
                 shortened copy. Restore the newest backup, or the missing segments; the notary does not sign a smaller log",
                state.size().saturating_sub(1),
                state.size(),
                size - 1
            )));
        }
        let stranger = |(_, size, _): &(&str, u64, Hash)| *size > 0 && state.batch_ending_at(*size).is_none();
        if let Some((who, size, _)) = self.roots().find(stranger) {
            return Err(OpenError::Corrupt(format!(
                "{who} remembers size {size}, where no batch ends: {who} belongs to another log, or the log to another time. Restore both from one backup"
            )));
        }
        self.check_known(&state)?;
        check_signature(&state, &self.checkpoint).map_err(|what| {
            OpenError::Corrupt(format!("the newest checkpoint {what}. Restore from a backup"))
        })?;
        if self.head.is_none_or(|head| head.size < state.size() || head.segment < tail.segment) {
            let path = segment_path(tail.segment);
            self.make_durable(&path).map_err(OpenError::io("make durable the end of", &path))?;
        }
        Ok(Recovered { state, checkpoint: self.checkpoint, tail, notes: self.notes })
    }

    /// What was written last and `head` does not remember is seen, but may be on no disk: its process may have died before the sync, or of a
    /// sync that failed, after which no sync alone would write it. So it is written again, byte for byte, and synced. Everything before it
    /// was synced before it was begun.
    fn make_durable(&self, path: &str) -> io::Result<()> {
        if self.access == Access::Write {
            let file = self.disk.open(path, OpenMode::ReadWrite)?;
            file.write_at(self.newest.offset, &self.newest.bytes)?;
            file.sync()?;
        } else {
            match self.disk.open(path, OpenMode::Read)?.sync() {
                // A file system that takes no writes has none to make durable; some say so.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::InvalidInput
                    ) =>
                {
                    return Ok(());
                }
                done => done?,
            }
        }
        self.disk.sync_dir(SEGMENT_DIR)
    }

    fn corrupt(&self, path: &str, at: u64, what: &str) -> OpenError {
        let from = self.size();
        OpenError::Corrupt(format!(
            "{path} is damaged at offset {at}, entries from {from} on: {what}. Nothing was changed. Run tabellion fsck for the full list, then \
             restore the directory from a backup"
        ))
    }
}

fn check_checkpoint(state: &LogState, bytes: &[u8]) -> Result<(), String> {
    let signed =
        SignedCheckpoint::parse(bytes).map_err(|error| format!("a checkpoint cannot be read: {error}"))?;
    let checkpoint = &signed.checkpoint;
    if checkpoint.origin != state.origin.as_str()
        || checkpoint.size != state.size()
        || checkpoint.root != state.tree.root()
    {
        return Err(format!("the checkpoint of size {} does not match the log's tree", checkpoint.size));
    }
    Ok(())
}

/// Whether the log key in force signed `checkpoint`.
pub(crate) fn check_signature(state: &LogState, checkpoint: &str) -> Result<(), String> {
    let signed =
        SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(|error| format!("cannot be read: {error}"))?;
    let size = signed.checkpoint.size;
    let key = state
        .keys
        .in_force(Purpose::Log, size)
        .ok_or_else(|| format!("of size {size} has no log key in force"))?;
    let key = VerifierKey::new(state.origin.as_str(), key.public)
        .map_err(|error| format!("has an unusable log key: {error}"))?;
    signed
        .verify_with(&key)
        .map_err(|error| format!("of size {size} is not signed by the log key in force: {error}"))
}

fn zero(file: &dyn DiskFile, at: u64, len: usize) -> io::Result<()> {
    file.write_at(at, &vec![0; len])?;
    file.sync()
}
