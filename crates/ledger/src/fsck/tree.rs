//! The tree alone, from the stored bundles: does what lies there hash to the roots that the log published?
//!
//! Reads every bundle once, on all cores, compares tiles with it, takes what is not in bundles yet from the end of the segments, and compares
//! roots with the published checkpoint, the head, the last commit and whatever somebody kept elsewhere. Needs no key. Must never: say that a
//! signature was checked, or change anything.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tabellion_tlog::{
    BundleReader, Checkpoint, CompactRange, Hash, SignedCheckpoint, TILE_WIDTH, TileId, bundle_path,
    leaf_hash,
};

use super::FsckReport;
use super::progress::{FsckUnit, FsckWatch, Meter};
use crate::derive::{self, CHECKPOINT_PATH, MAX_BUNDLE_FILE, MAX_CHECKPOINT_FILE, TILE_DIR};
use crate::disk::{self, Disk};
use crate::head::{HEAD_PATH, HeadFile};
use crate::recover::MAX_SEGMENT_BYTES;
use crate::tree::{BLOCK, perfect_root};
use crate::wal::BATCH_ALIGN;
use crate::wal::segment::{SEGMENT_DIR, SegmentHeader, segment_number, segment_path};
use crate::wal::window::Window;

/// Largest tile: 256 hashes.
const TILE_BYTES: u64 = 256 * 32;
/// Most threads: reading is bound by the disk long before.
const MAX_THREADS: usize = 16;

/// Checks the tree over the stored bundles of the log in `disk`. `against`: checkpoints that were kept elsewhere.
pub fn fsck_tree(disk: &Arc<dyn Disk>, against: &[String], watch: FsckWatch<'_>) -> FsckReport {
    let mut report = FsckReport::default();
    let derived = match derive::derived(disk.as_ref()) {
        Ok(derived) => derived / BLOCK * BLOCK,
        Err(error) => {
            report.find(format!("how far bundles are there cannot be read: {error}"));
            return report;
        }
    };
    let meter = Meter::new(watch, "bundles", (1, 1), (derived, FsckUnit::Entries));
    let blocks = hash_blocks(disk.as_ref(), derived / BLOCK, &meter, &mut report);
    report.stopped = meter.ended_at();
    let Some(blocks) = blocks.filter(|_| report.stopped.is_none()) else { return report };
    check_upper_tiles(disk.as_ref(), &blocks, &mut report);
    let tail = match Tail::read(disk.as_ref(), derived) {
        Ok(tail) => tail,
        Err(what) => {
            report.find(what);
            return report;
        }
    };
    report.counts.insert("entries", derived + tail.leaves.len() as u64);
    report.counts.insert("entries from bundles", derived);
    let tree = Tree { disk: disk.as_ref(), blocks, tail };
    tree.check_known(&mut report);
    for kept in against {
        tree.check_signed(kept.as_bytes(), "a checkpoint to compare with", &mut report);
    }
    report.notes.push(
        "the tree alone was checked: signatures, seals, numbers and content were not; fsck without --tree checks them"
            .to_owned(),
    );
    report
}

/// Roots of the blocks, in order; `None` when one of them could not be had.
fn hash_blocks(disk: &dyn Disk, count: u64, meter: &Meter<'_>, report: &mut FsckReport) -> Option<Vec<Hash>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = cores.min(MAX_THREADS).min(usize::try_from(count).unwrap_or(usize::MAX)).max(1);
    let (next, bytes, tiles) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (roots, findings) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let run = || {
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= count || meter.has_ended() {
                return;
            }
            match hash_block(disk, block) {
                Ok(found) => {
                    bytes.fetch_add(found.bytes, Ordering::Relaxed);
                    tiles.fetch_add(1, Ordering::Relaxed);
                    roots.lock().unwrap_or_else(PoisonError::into_inner).push((block, found.root));
                }
                Err(what) => findings.lock().unwrap_or_else(PoisonError::into_inner).push((block, what)),
            }
            if !meter.goes_on(BLOCK) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // A thread that cannot be started costs speed only.
            let _ = std::thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let mut findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
    findings.sort_unstable();
    for (_, what) in findings {
        report.find(what);
    }
    let mut roots = roots.into_inner().unwrap_or_else(PoisonError::into_inner);
    roots.sort_unstable_by_key(|(block, _)| *block);
    report.counts.insert("bytes hashed", bytes.into_inner());
    report.counts.insert("tiles compared", tiles.into_inner());
    (roots.len() as u64 == count).then(|| roots.into_iter().map(|(_, root)| root).collect())
}

struct HashedBlock {
    root: Hash,
    bytes: u64,
}

fn hash_block(disk: &dyn Disk, block: u64) -> Result<HashedBlock, String> {
    let (leaves, bytes) = bundle_leaves(disk, block)?;
    check_tile(disk, TileId::full(0, block), &leaves)?;
    Ok(HashedBlock { root: perfect_root(leaves), bytes })
}

/// Leaf hashes of the bundle of `block`, and its bytes.
fn bundle_leaves(disk: &dyn Disk, block: u64) -> Result<(Vec<Hash>, u64), String> {
    let path = format!("{TILE_DIR}/{}", bundle_path(block, TILE_WIDTH));
    let unusable = |what: String| {
        format!(
            "{path}: {what}. If fsck without --tree finds the log whole, remove {TILE_DIR}; it is made again"
        )
    };
    let bundle = disk::read_all(disk, &path, MAX_BUNDLE_FILE).map_err(|error| unusable(error.to_string()))?;
    let leaves = BundleReader::new(&bundle)
        .map(|entry| entry.map(leaf_hash))
        .collect::<Result<Vec<Hash>, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    if leaves.len() as u64 != BLOCK {
        return Err(unusable(format!("it holds {} entries, a full bundle has {BLOCK}", leaves.len())));
    }
    Ok((leaves, bundle.len() as u64))
}

fn check_tile(disk: &dyn Disk, tile: TileId, hashes: &[Hash]) -> Result<(), String> {
    let path = format!("{TILE_DIR}/{}", tile.path());
    let wrong = |what: String| format!("{path} {what}; remove {TILE_DIR}, it is made again");
    let bytes =
        disk::read_all(disk, &path, TILE_BYTES).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let same = bytes.chunks(Hash::SIZE).eq(hashes.iter().map(|hash| hash.as_bytes().as_slice()));
    if same { Ok(()) } else { Err(wrong("does not hold the hashes of the entries below it".to_owned())) }
}

/// Tiles above the leaves hold the roots of what is below them.
fn check_upper_tiles(disk: &dyn Disk, blocks: &[Hash], report: &mut FsckReport) {
    let width = usize::from(TILE_WIDTH);
    let (mut level, mut row) = (1u8, blocks.to_vec());
    while row.len() >= width {
        let mut above = Vec::with_capacity(row.len() / width);
        for (index, hashes) in row.chunks_exact(width).enumerate() {
            if let Err(what) = check_tile(disk, TileId::full(level, index as u64), hashes) {
                report.find(what);
            }
            report.count("tiles compared");
            above.push(perfect_root(hashes.to_vec()));
        }
        row = above;
        level += 1;
    }
}

/// What is in segments and not in bundles yet.
struct Tail {
    /// Leaf hashes from the end of the bundles on.
    leaves: Vec<Hash>,
    /// The checkpoint of the last commit, when there is a commit beyond the bundles.
    newest: Option<Vec<u8>>,
}

impl Tail {
    /// Reads the segments that hold entries from `derived` on.
    fn read(disk: &dyn Disk, derived: u64) -> Result<Self, String> {
        let names = disk.list(SEGMENT_DIR).map_err(|error| format!("{SEGMENT_DIR}: {error}"))?;
        let numbers: Vec<u32> = names.iter().filter_map(|name| segment_number(name)).collect();
        let mut open = Vec::new();
        for number in numbers.into_iter().rev() {
            let path = segment_path(number);
            let failed = |error: std::io::Error| format!("{path} cannot be read: {error}");
            let mut window = Window::open(disk, &path, MAX_SEGMENT_BYTES).map_err(failed)?;
            let page = usize::try_from(BATCH_ALIGN).unwrap_or(usize::MAX);
            let header = SegmentHeader::read(window.at(0, page).map_err(failed)?);
            // A segment without a header was begun and never used.
            let Some(begin) = header.and_then(|header| Some(header.logs.first()?.size)) else { continue };
            open.push((path, window));
            if begin <= derived {
                break;
            }
        }
        let mut tail = Self { leaves: Vec::new(), newest: None };
        for (path, mut window) in open.into_iter().rev() {
            tail.take(&path, &mut window, derived)?;
        }
        Ok(tail)
    }

    fn take(&mut self, path: &str, window: &mut Window, derived: u64) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{path} cannot be read: {error}");
        let mut at = BATCH_ALIGN;
        while let Some(batch) = window.batch(at).map_err(failed)? {
            let first = batch.header.first;
            let size_before = derived + self.leaves.len() as u64;
            let size = first + batch.entries.len() as u64;
            if first > size_before {
                return Err(format!("{path} goes on at entry {first}, but {size_before} is next"));
            }
            let known = usize::try_from(size_before - first).unwrap_or(usize::MAX);
            self.leaves.extend(batch.entries.iter().skip(known).map(|stored| leaf_hash(stored.entry)));
            if size >= derived {
                self.newest = Some(batch.checkpoint.to_vec());
            }
            at = (at + u64::from(batch.header.bytes)).next_multiple_of(BATCH_ALIGN);
        }
        Ok(())
    }
}

/// The whole tree.
struct Tree<'a> {
    disk: &'a dyn Disk,
    blocks: Vec<Hash>,
    tail: Tail,
}

impl Tree<'_> {
    fn derived(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK
    }

    fn size(&self) -> u64 {
        self.derived() + self.tail.leaves.len() as u64
    }

    /// The root of the first `size` entries.
    fn root_at(&self, size: u64) -> Result<Hash, String> {
        let impossible = |error: tabellion_tlog::RangeError| format!("no root at size {size}: {error}");
        let whole = (size / BLOCK).min(self.blocks.len() as u64);
        let mut range = CompactRange::new(0);
        for (block, root) in (0..whole).zip(&self.blocks) {
            let right = CompactRange::from_nodes(block * BLOCK, (block + 1) * BLOCK, vec![*root]);
            right.and_then(|right| range.join(&right)).map_err(impossible)?;
        }
        let leaves = if whole * BLOCK < self.derived() {
            bundle_leaves(self.disk, whole)?.0
        } else {
            self.tail.leaves.clone()
        };
        let left = usize::try_from(size - whole * BLOCK).unwrap_or(usize::MAX);
        leaves.into_iter().take(left).for_each(|leaf| range.push(leaf));
        range.root().map_err(impossible)
    }

    /// Compares with what the directory itself remembers.
    fn check_known(&self, report: &mut FsckReport) {
        if let Some(newest) = &self.tail.newest {
            self.check_signed(newest, "the checkpoint of the last commit", report);
        }
        match disk::read_all(self.disk, CHECKPOINT_PATH, MAX_CHECKPOINT_FILE) {
            Ok(bytes) => self.check_signed(&bytes, CHECKPOINT_PATH, report),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                report.notes.push("no checkpoint is published yet".to_owned());
            }
            Err(error) => report.find(format!("{CHECKPOINT_PATH} cannot be read: {error}")),
        }
        match HeadFile::load(self.disk) {
            Ok(Some(head)) => self.check_root(HEAD_PATH, head.size, head.root, report),
            Ok(None) => {}
            Err(error) => report.find(error.to_string()),
        }
    }

    fn check_signed(&self, bytes: &[u8], what: &str, report: &mut FsckReport) {
        let Checkpoint { origin, size, root, .. } = match SignedCheckpoint::parse(bytes) {
            Ok(signed) => signed.checkpoint,
            Err(error) => return report.find(format!("{what} cannot be read: {error}")),
        };
        let newest = self.tail.newest.as_deref().and_then(|newest| SignedCheckpoint::parse(newest).ok());
        if let Some(own) = newest.filter(|own| own.checkpoint.origin != origin) {
            let own = own.checkpoint.origin;
            return report.find(format!("{what} is of {origin}, this log is {own}"));
        }
        self.check_root(what, size, root, report);
    }

    fn check_root(&self, what: &str, size: u64, root: Hash, report: &mut FsckReport) {
        if size > self.size() {
            return report.find(format!(
                "{what} is of {size} entries, and {} are here: this is an older or shortened copy. Restore the newest backup; do not append",
                self.size()
            ));
        }
        match self.root_at(size) {
            Ok(own) if own == root => report.count("roots compared"),
            Ok(_) => report.find(format!(
                "the entries do not hash to the root at size {size} that {what} names: entries were changed, or this is a fork of the log"
            )),
            Err(error) => report.find(error),
        }
    }
}
