//! A disk in memory that forgets what was not synced.
//!
//! The model, from what file systems promise and no more: a file's bytes and length are durable after its `sync`, a name after `sync_dir` of its
//! directory. At a power cut every unsynced write survives whole, is lost, or is torn into sectors, each independently of the others, so a
//! later one may survive where an earlier one is lost. Unsynced names survive up to some point in their order, as a journal keeps them. A
//! failed write, on a full disk too, may have been written in part. A sync that failed once has dropped what it was about: whoever reads still
//! sees it, no later sync writes it, and only writing it again helps (so does Linux since the errors of 2018).

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tabellion_ledger::disk::{Disk, DiskFile, FileIdentity, OpenMode, check_path, parent};

use crate::random::Random;

mod image;
mod step;

use image::{Change, Content, FileId};
pub use image::{Image, SECTOR};
pub use step::{Act, Side, Step, Thing};

/// What goes wrong at a chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with an I/O error; a write may be written in part.
    Eio,
    /// There is no space: the operation fails; a write may be written in part.
    NoSpace,
    /// The power goes off, or the process dies: this operation and all after it fail, until [`SimDisk::crash`] or [`SimDisk::kill`].
    PowerOff,
}

#[derive(Default)]
struct State {
    image: Image,
    /// Counts lives: handles of an earlier one are dead.
    life: u64,
    operations: u64,
    fault: Option<(u64, Fault)>,
    /// How often each step was taken.
    steps: BTreeMap<Step, u64>,
    /// The step before or after which the power goes: at its so manieth time from the beginning.
    cut: Option<(Step, u64, Side)>,
    /// The power goes when the operation under way is done.
    dies: bool,
    /// What was written last to each file: what its next sync is about.
    written: BTreeMap<FileId, Thing>,
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

    /// Lets the power go on one side of a step, when it is taken for the `k`-th time from now (0 is the next time). Until
    /// [`SimDisk::crash`] or [`SimDisk::kill`], that operation and all after it fail.
    pub fn cut_at(&self, step: Step, k: u64, side: Side) {
        let mut state = self.state();
        let taken = state.steps.get(&step).copied().unwrap_or(0);
        state.cut = Some((step, taken + k, side));
    }

    /// How often each step was taken since the disk was made.
    pub fn steps(&self) -> BTreeMap<Step, u64> {
        self.state().steps.clone()
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.state().off
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
        let mut state = self.state();
        state.next_life();
        state.image.cut(&mut Random::new(seed));
    }

    /// The process dies and the machine lives: open handles are dead, everything written is still seen, and what was not synced is as much at
    /// risk as before.
    pub fn kill(&self) {
        self.state().next_life();
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
    fn next_life(&mut self) {
        self.life += 1;
        (self.off, self.dies) = (false, false);
        (self.fault, self.cut) = (None, None);
    }

    /// Counts a changing operation; says what goes wrong with it.
    fn operation(&mut self, step: Step) -> Result<Option<Fault>, io::Error> {
        self.powered()?;
        let now = self.operations;
        self.operations += 1;
        let taken = self.steps.entry(step).or_default();
        let here = self.cut.filter(|(at, k, _)| *at == step && k == taken);
        *taken += 1;
        match here {
            Some((_, _, Side::Before)) => {
                (self.off, self.random) = (true, None);
                return Ok(Some(Fault::PowerOff));
            }
            Some((_, _, Side::After)) => self.dies = true,
            None => {}
        }
        match self.fault {
            Some((at, Fault::PowerOff)) if at == now => {
                self.off = true;
                Ok(Some(Fault::PowerOff))
            }
            Some((at, fault)) if at == now => Ok(Some(fault)),
            _ => Ok(None),
        }
    }

    /// An operation is done: the power may go now.
    fn done(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.dies) {
            self.off = true;
        }
        self.powered()
    }

    /// What the file of an open handle is now; a spare becomes a segment by its name alone.
    fn path_of(&self, file: FileId) -> &str {
        self.image.names.iter().find(|(_, named)| **named == file).map_or("", |(path, _)| path)
    }

    /// An operation that either happens or does not.
    fn whole_operation(&mut self, step: Step) -> io::Result<()> {
        match self.operation(step)? {
            None => Ok(()),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Eio | Fault::PowerOff) => Err(io::Error::other("simulated I/O error")),
        }
    }

    /// Whether `file` cannot grow to `len` bytes.
    fn is_full(&self, file: FileId, len: usize) -> bool {
        let present = self.image.files.get(&file).map_or(0, |content| content.current.len());
        let grows = len.saturating_sub(present) as u64;
        grows > 0 && self.capacity.is_some_and(|capacity| self.image.used() + grows > capacity)
    }

    fn check_dir(&self, dir: &str) -> io::Result<()> {
        let there = dir.is_empty() || self.image.dirs.contains(dir);
        if there { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn powered(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("the disk is off")) } else { Ok(()) }
    }

    fn content(&mut self, file: FileId, life: u64) -> io::Result<&mut Content> {
        if life != self.life || self.off {
            return Err(io::Error::other("the handle died with the power"));
        }
        self.image.files.get_mut(&file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn identity_of(file: FileId) -> FileIdentity {
    FileIdentity { device: 0, inode: file }
}

impl Disk for SimDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        check_path(path)?;
        let mut state = self.state();
        state.powered()?;
        let known = state.image.names.get(path).copied();
        let file = match (known, mode) {
            (Some(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(file), _) => file,
            (None, OpenMode::CreateNew) => {
                state.check_dir(parent(path))?;
                state.whole_operation(Step(Thing::at(path), Act::Create))?;
                let file = state.image.create(path);
                state.done()?;
                file
            }
            (None, _) => return Err(io::ErrorKind::NotFound.into()),
        };
        let writable = mode != OpenMode::Read;
        Ok(Box::new(SimFile { disk: self.clone(), file, life: state.life, writable }))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        check_path(path)?;
        let state = self.state();
        state.powered()?;
        Ok(state.image.names.contains_key(path) || state.check_dir(path).is_ok())
    }

    fn identity(&self, path: &str) -> io::Result<FileIdentity> {
        check_path(path)?;
        let state = self.state();
        state.powered()?;
        state
            .image
            .names
            .get(path)
            .map(|file| identity_of(*file))
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        state.powered()?;
        state.check_dir(dir)?;
        let inside = state.image.names.keys().filter(|path| parent(path) == dir);
        Ok(inside.filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect())
    }

    fn create_dir_all(&self, dir: &str) -> io::Result<()> {
        check_path(dir)?;
        let mut state = self.state();
        state.whole_operation(Step(Thing::Directory, Act::Create))?;
        // Directories are made once, at the very beginning; losing one is losing everything, which is not what is tested here.
        let mut part = dir;
        while !part.is_empty() {
            state.image.dirs.insert(part.to_owned());
            part = parent(part);
        }
        state.done()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_path(to)?;
        let mut state = self.state();
        state.check_dir(parent(to))?;
        state.whole_operation(Step(Thing::at(to), Act::Rename))?;
        state.image.rename(from, to).ok_or(io::ErrorKind::NotFound)?;
        state.done()
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        let thing = path.strip_suffix(".tmp").map_or_else(|| Thing::at(path), |_| Thing::Leftover);
        state.whole_operation(Step(thing, Act::Remove))?;
        state.image.unlink(path).ok_or(io::ErrorKind::NotFound)?;
        state.done()
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check_dir(dir)?;
        // The names of a directory are made durable for the one that was changed last.
        let thing = state.image.changed_last(dir).map_or(Thing::Directory, Thing::at);
        state.whole_operation(Step(thing, Act::SyncNames))?;
        state.image.sync_names(dir);
        state.done()
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
        state.content(self.file, self.life)?;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let end = offset + bytes.len();
        let present = state.content(self.file, self.life)?.current.get(offset..end).unwrap_or_default();
        let present = present.to_vec();
        let thing = Thing::written(state.path_of(self.file), offset as u64, bytes, &present);
        let fault = state.operation(Step(thing, Act::Write))?;
        state.written.insert(self.file, thing);
        let full = state.is_full(self.file, offset + bytes.len());
        let written = match (fault, full) {
            (None, false) => bytes.len(),
            (None, true) => 0,
            (Some(_), _) => {
                let part = state.random.as_mut().map_or(0, |random| random.below(bytes.len() as u64 + 1));
                usize::try_from(part).unwrap_or(0)
            }
        };
        if let Some(content) = state.image.files.get_mut(&self.file) {
            content
                .change(Change::Write { offset, bytes: bytes.get(..written).unwrap_or_default().to_vec() });
        }
        match fault {
            None if !full => state.done(),
            None | Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Eio | Fault::PowerOff) => Err(io::Error::other("simulated I/O error")),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.content(self.file, self.life)?;
        let thing = state.written.get(&self.file).copied();
        let thing = thing.unwrap_or_else(|| Thing::at(state.path_of(self.file)));
        let done = state.whole_operation(Step(thing, Act::Sync));
        let State { image, random, off, .. } = &mut *state;
        let content = image.files.get_mut(&self.file).ok_or(io::ErrorKind::NotFound)?;
        match &done {
            Ok(()) => content.sync(),
            // The power went before the disk was asked: a cut will tell what survives.
            Err(_) if *off => {}
            Err(_) => content.settle(random.get_or_insert_with(|| Random::new(0))),
        }
        done.and_then(|()| state.done())
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        self.disk.state().powered()?;
        Ok(identity_of(self.file))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().content(self.file, self.life)?.current.len() as u64)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.content(self.file, self.life)?;
        let thing = Thing::at(state.path_of(self.file));
        state.whole_operation(Step(thing, Act::Reserve))?;
        let len = usize::try_from(len).map_err(io::Error::other)?;
        if state.is_full(self.file, len) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.content(self.file, self.life)?.change(Change::Length(len));
        state.done()
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
    fn a_dead_process_leaves_its_writes_to_be_seen_and_to_be_lost() {
        let mut lost = 0;
        for seed in 0..64 {
            let (disk, file) = disk_with("a");
            file.write_at(0, &[3; 600]).expect("a write");
            disk.kill();
            assert!(file.write_at(0, &[4]).is_err(), "a handle must not outlive its process");
            assert_eq!(content(&disk, "a"), [3; 600], "the next process sees what the last one wrote");
            disk.crash(seed);
            lost += usize::from(content(&disk, "a") != [3; 600]);
        }
        assert!((10..60).contains(&lost), "nobody synced it, so it is a matter of luck: {lost}");
    }

    #[test]
    fn a_failed_sync_is_not_made_good_by_another_one() {
        let lost_after = |write_again: bool| {
            let lost = |seed: &u64| {
                let (disk, file) = disk_with("a");
                file.write_at(0, &[5; 2048]).expect("a write");
                disk.fail_at(0, Fault::Eio, *seed);
                assert!(file.sync().is_err(), "the chosen operation must fail");
                assert_eq!(content(&disk, "a"), [5; 2048], "whoever reads still sees what was written");
                if write_again {
                    file.write_at(0, &[5; 2048]).expect("the same again");
                }
                file.sync().expect("the next sync reports nothing");
                disk.crash(*seed);
                content(&disk, "a") != [5; 2048]
            };
            (0..64).filter(lost).count()
        };
        assert!(lost_after(false) > 10, "a ledger that retries a failed sync would pass every test");
        assert_eq!(lost_after(true), 0, "written again and synced is durable");
    }

    #[test]
    fn a_full_disk_may_take_part_of_a_write() {
        let taken = |seed: u64| {
            let (disk, file) = disk_with("a");
            disk.fail_at(0, Fault::NoSpace, seed);
            let full = file.write_at(0, &[6; 1000]).expect_err("there is no room");
            assert_eq!(full.kind(), io::ErrorKind::StorageFull, "a full disk is told from a broken one");
            content(&disk, "a").len()
        };
        assert!((0..20).any(|seed| (1..1000).contains(&taken(seed))), "a short write is never tried");
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
