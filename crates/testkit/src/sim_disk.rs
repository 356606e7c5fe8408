//! A disk in memory that forgets what was not synced.
//!
//! The model, from what file systems promise and no more: a file's bytes and length are durable after its `sync`, a name after `sync_dir` of its
//! directory. At a power cut every unsynced write survives whole, is lost, or is torn into sectors, each independently of the others, so a
//! later one may survive where an earlier one is lost. Unsynced names survive up to some point in their order, as a journal keeps them. A
//! failed write may have been written in part; after a failed sync nothing is known.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tabellion_ledger::disk::{Disk, DiskFile, OpenMode, check_path, parent};

use crate::random::Random;

/// What a disk writes as one: smaller pieces are never torn.
pub const SECTOR: usize = 512;

/// What goes wrong at a chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with an I/O error; a write may be written in part.
    Eio,
    /// There is no space: a write or allocation that needs more of it fails and changes nothing.
    NoSpace,
    /// The power goes off: this operation and all after it fail, until [`SimDisk::crash`].
    PowerOff,
}

type FileId = u64;

#[derive(Clone, Default)]
struct Content {
    durable: Vec<u8>,
    current: Vec<u8>,
    /// Unsynced changes, in order.
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone)]
enum NameChange {
    Set { path: String, file: FileId },
    Remove { path: String },
}

/// Everything a disk holds, to go back to.
#[derive(Clone, Default)]
pub struct Image {
    files: BTreeMap<FileId, Content>,
    names: BTreeMap<String, FileId>,
    durable_names: BTreeMap<String, FileId>,
    pending_names: Vec<NameChange>,
    dirs: BTreeSet<String>,
    next_file: FileId,
}

#[derive(Default)]
struct State {
    image: Image,
    /// Counts lives: handles of an earlier one are dead.
    life: u64,
    operations: u64,
    fault: Option<(u64, Fault)>,
    off: bool,
    capacity: Option<u64>,
    random: Option<Random>,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk that holds what `image` holds.
    pub fn from_image(image: Image) -> Self {
        Self(Arc::new(Mutex::new(State { image, ..State::default() })))
    }

    /// What the disk holds now, unsynced changes included.
    pub fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// How many changing operations there were since the disk was made.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets the `k`-th changing operation from now (0 is the next one) go wrong; `seed` decides how a failed write is torn.
    pub fn fail_at(&self, k: u64, fault: Fault, seed: u64) {
        let mut state = self.state();
        state.fault = Some((state.operations + k, fault));
        state.random = Some(Random::new(seed));
    }

    /// Whether the fault of [`SimDisk::fail_at`] has happened.
    pub fn fault_happened(&self) -> bool {
        let state = self.state();
        state.fault.is_none_or(|(at, _)| state.operations > at)
    }

    /// Limits the bytes that files may take together.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// The power goes: what was not synced survives, is lost or is torn as `seed` decides. The disk goes on with what is left; open handles
    /// are dead.
    pub fn crash(&self, seed: u64) {
        let mut random = Random::new(seed);
        let mut state = self.state();
        state.life += 1;
        state.off = false;
        state.fault = None;
        let image = &mut state.image;
        let keep = random.below(image.pending_names.len() as u64 + 1);
        for change in image.pending_names.drain(..).take(usize::try_from(keep).unwrap_or(0)) {
            apply_name(&mut image.durable_names, change);
        }
        image.names = image.durable_names.clone();
        for content in image.files.values_mut() {
            settle(content, &mut random);
        }
    }

    /// Flips one bit of a file, durably: what a failing medium does.
    pub fn flip_bit(&self, path: &str, bit: u64) {
        let mut state = self.state();
        let Some(file) = state.image.names.get(path).copied() else { return };
        let Some(content) = state.image.files.get_mut(&file) else { return };
        let at = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        for bytes in [&mut content.durable, &mut content.current] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a changing operation; says what goes wrong with it.
    fn operation(&mut self) -> Result<Option<Fault>, io::Error> {
        if self.off {
            return Err(io::Error::other("the disk is off"));
        }
        let now = self.operations;
        self.operations += 1;
        match self.fault {
            Some((at, Fault::PowerOff)) if at == now => {
                self.off = true;
                Ok(Some(Fault::PowerOff))
            }
            Some((at, fault)) if at == now => Ok(Some(fault)),
            _ => Ok(None),
        }
    }

    /// An operation that either happens or does not.
    fn whole_operation(&mut self) -> io::Result<()> {
        match self.operation()? {
            None => Ok(()),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Eio | Fault::PowerOff) => Err(io::Error::other("simulated I/O error")),
        }
    }

    fn used(&self) -> u64 {
        self.image
            .names
            .values()
            .filter_map(|file| self.image.files.get(file))
            .map(|content| content.current.len() as u64)
            .sum()
    }

    fn content(&mut self, file: FileId, life: u64) -> io::Result<&mut Content> {
        if life != self.life || self.off {
            return Err(io::Error::other("the handle died with the power"));
        }
        self.image.files.get_mut(&file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn apply_name(names: &mut BTreeMap<String, FileId>, change: NameChange) {
    match change {
        NameChange::Set { path, file } => {
            names.insert(path, file);
        }
        NameChange::Remove { path } => {
            names.remove(&path);
        }
    }
}

/// Decides what survives of a file's unsynced changes.
fn settle(content: &mut Content, random: &mut Random) {
    for change in content.pending.drain(..) {
        match change {
            Change::Length(len) if random.one_in(2) => {
                if len > content.durable.len() {
                    content.durable.resize(len, 0);
                }
            }
            Change::Length(_) => {}
            Change::Write { offset, bytes } => match random.below(4) {
                0 => put(&mut content.durable, offset, &bytes),
                1 => {}
                2 => {
                    let whole = bytes.len().div_ceil(SECTOR) as u64;
                    let prefix = usize::try_from(random.below(whole + 1)).unwrap_or(0) * SECTOR;
                    put(
                        &mut content.durable,
                        offset,
                        bytes.get(..prefix.min(bytes.len())).unwrap_or_default(),
                    );
                }
                _ => {
                    for (number, sector) in sectors(offset, &bytes) {
                        if random.one_in(2) {
                            put(&mut content.durable, number, sector);
                        }
                    }
                }
            },
        }
    }
    content.current = content.durable.clone();
}

/// Cuts `bytes` at the sectors of the file, not of the write.
fn sectors(offset: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = (((offset + at) / SECTOR + 1) * SECTOR - offset).min(bytes.len());
        parts.push((offset + at, bytes.get(at..end).unwrap_or_default()));
        at = end;
    }
    parts
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    for (to, from) in content.iter_mut().skip(offset).zip(bytes) {
        *to = *from;
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        check_path(path)?;
        let mut state = self.state();
        if state.off {
            return Err(io::Error::other("the disk is off"));
        }
        let known = state.image.names.get(path).copied();
        let file = match (known, mode) {
            (Some(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(file), _) => file,
            (None, OpenMode::CreateNew) => {
                if !state.image.dirs.contains(parent(path)) && !parent(path).is_empty() {
                    return Err(io::ErrorKind::NotFound.into());
                }
                state.whole_operation()?;
                let file = state.image.next_file;
                state.image.next_file += 1;
                state.image.files.insert(file, Content::default());
                state.image.names.insert(path.to_owned(), file);
                state.image.pending_names.push(NameChange::Set { path: path.to_owned(), file });
                file
            }
            (None, _) => return Err(io::ErrorKind::NotFound.into()),
        };
        let writable = mode != OpenMode::Read;
        Ok(Box::new(SimFile { disk: self.clone(), file, life: state.life, writable }))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        let state = self.state();
        Ok(state.image.names.contains_key(path) || state.image.dirs.contains(path))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.image.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.image.names.keys().filter(|path| parent(path) == dir);
        Ok(inside.filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect())
    }

    fn create_dir_all(&self, dir: &str) -> io::Result<()> {
        check_path(dir)?;
        let mut state = self.state();
        state.whole_operation()?;
        // Directories are made once, at the very beginning; losing one is losing everything, which is not what is tested here.
        let mut part = dir;
        while !part.is_empty() {
            state.image.dirs.insert(part.to_owned());
            part = parent(part);
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_operation()?;
        let file = state.image.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.image.names.insert(to.to_owned(), file);
        state.image.pending_names.push(NameChange::Set { path: to.to_owned(), file });
        state.image.pending_names.push(NameChange::Remove { path: from.to_owned() });
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_operation()?;
        state.image.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        state.image.pending_names.push(NameChange::Remove { path: path.to_owned() });
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_operation()?;
        let image = &mut state.image;
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            std::mem::take(&mut image.pending_names).into_iter().partition(|change| {
                let (NameChange::Set { path, .. } | NameChange::Remove { path }) = change;
                parent(path) == dir
            });
        image.pending_names = elsewhere;
        for change in here {
            apply_name(&mut image.durable_names, change);
        }
        Ok(())
    }
}

struct SimFile {
    disk: SimDisk,
    file: FileId,
    life: u64,
    writable: bool,
}

impl DiskFile for SimFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let content = state.content(self.file, self.life)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let available = content.current.get(from..).unwrap_or_default();
        let count = available.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(available) {
            *to = *from;
        }
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut state = self.disk.state();
        let (life, off) = (state.life, state.off);
        if life != self.life || off {
            return Err(io::Error::other("the handle died with the power"));
        }
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let fault = state.operation()?;
        let grows = (offset + bytes.len()).saturating_sub(state.content_len(self.file)) as u64;
        let full = grows > 0 && state.capacity.is_some_and(|capacity| state.used() + grows > capacity);
        if full || fault == Some(Fault::NoSpace) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let part = if fault.is_none() {
            bytes.len()
        } else {
            let len = bytes.len() as u64 + 1;
            let torn = state.random.as_mut().map_or(0, |random| random.below(len));
            usize::try_from(torn).unwrap_or(0)
        };
        let written = bytes.get(..part).unwrap_or_default();
        if let Some(content) = state.image.files.get_mut(&self.file) {
            put(&mut content.current, offset, written);
            content.pending.push(Change::Write { offset, bytes: written.to_vec() });
        }
        if fault.is_some() { Err(io::Error::other("simulated I/O error")) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.content(self.file, self.life)?;
        // A failed sync leaves everything pending: it may or may not survive, and nobody may rely on either.
        state.whole_operation()?;
        let content = state.content(self.file, self.life)?;
        content.durable = content.current.clone();
        content.pending.clear();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().content(self.file, self.life)?.current.len() as u64)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.content(self.file, self.life)?;
        state.whole_operation()?;
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let grows = len.saturating_sub(state.content_len(self.file)) as u64;
        if state.capacity.is_some_and(|capacity| state.used() + grows > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let content = state.content(self.file, self.life)?;
        if len > content.current.len() {
            content.current.resize(len, 0);
            content.pending.push(Change::Length(len));
        }
        Ok(())
    }
}

impl State {
    fn content_len(&self, file: FileId) -> usize {
        self.image.files.get(&file).map_or(0, |content| content.current.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk_with(path: &str) -> (SimDisk, Box<dyn DiskFile>) {
        let disk = SimDisk::new();
        let file = disk.open(path, OpenMode::CreateNew).expect("a new file");
        disk.sync_dir("").expect("its name is durable");
        (disk, file)
    }

    fn content(disk: &SimDisk, path: &str) -> Vec<u8> {
        let file = disk.open(path, OpenMode::Read).expect("the file is there");
        let mut bytes = vec![0; usize::try_from(file.len().expect("a length")).expect("small")];
        file.read_at(0, &mut bytes).expect("readable");
        bytes
    }

    #[test]
    fn what_was_synced_survives_every_power_cut() {
        for seed in 0..200 {
            let (disk, file) = disk_with("a");
            file.write_at(0, &[1; 2000]).expect("a write");
            file.sync().expect("a sync");
            file.write_at(100, &[2; 1500]).expect("an unsynced write");
            disk.crash(seed);
            let after = content(&disk, "a");
            assert!(
                after.iter().take(100).all(|byte| *byte == 1),
                "seed {seed}: the simulator lost synced bytes"
            );
            assert!(file.sync().is_err(), "a handle must not outlive the power");
        }
    }

    #[test]
    fn unsynced_writes_are_kept_lost_reordered_and_torn_at_sectors() {
        let (mut kept, mut lost, mut torn, mut reordered) = (0, 0, 0, 0);
        for seed in 0..400 {
            let (disk, file) = disk_with("a");
            file.write_at(0, &[0; 8192]).expect("a write");
            file.sync().expect("a sync");
            file.write_at(0, &[1; 4096]).expect("the first");
            file.write_at(4096, &[2; 4096]).expect("the second");
            disk.crash(seed);
            let after = content(&disk, "a");
            let first = after[..4096].iter().map(|byte| usize::from(*byte == 1)).sum::<usize>();
            let second = after[4096..].iter().map(|byte| usize::from(*byte == 2)).sum::<usize>();
            assert_eq!(first % SECTOR + second % SECTOR, 0, "seed {seed}: sectors are written as one");
            kept += usize::from(first == 4096 && second == 4096);
            lost += usize::from(first == 0 && second == 0);
            torn += usize::from(first % 4096 != 0 || second % 4096 != 0);
            reordered += usize::from(first == 0 && second == 4096);
        }
        assert!(
            kept > 5 && lost > 5 && torn > 50 && reordered > 5,
            "too tame: {kept} {lost} {torn} {reordered}"
        );
    }

    #[test]
    fn names_need_their_directory_synced() {
        let gone = (0..64).filter(|seed| {
            let disk = SimDisk::new();
            let file = disk.open("a", OpenMode::CreateNew).expect("a new file");
            file.write_at(0, b"x").expect("a write");
            file.sync().expect("a sync");
            disk.crash(*seed);
            !disk.exists("a").expect("an answer")
        });
        assert!((10..54).contains(&gone.count()), "a name without its directory's sync is a matter of luck");
    }

    #[test]
    fn the_same_seed_gives_the_same_disk() {
        let run = |seed| {
            let (disk, file) = disk_with("a");
            file.write_at(0, &[7; 5000]).expect("a write");
            disk.crash(seed);
            content(&disk, "a")
        };
        assert_eq!(run(9), run(9), "a failure could not be repeated from its seed");
    }

    #[test]
    fn faults_come_at_their_operation() {
        let (disk, file) = disk_with("a");
        disk.fail_at(1, Fault::Eio, 3);
        file.write_at(0, b"fine").expect("the operation before the fault");
        assert!(file.sync().is_err(), "the chosen operation must fail");
        file.sync().expect("the one after it works");
        disk.set_capacity(Some(10));
        let full = file.write_at(0, &[0; 64]).expect_err("there is no room");
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "a full disk is told from a broken one");
    }
}
