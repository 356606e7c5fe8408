//! Derived files: the published checkpoint, full tiles and full entry bundles in C2SP paths (tlog-tiles).
//!
//! They can be thrown away and made again from the segments. `log/tiles/derived` says how far they are durable; everything up to there
//! is whole, everything beyond is written anew.

use std::io;
use std::sync::PoisonError;
use std::thread;

use tabellion_tlog::{Hash, TILE_WIDTH, TileId, bundle_path, leaf_hash, push_entry};

use crate::batches::BatchRef;
use crate::disk::together::Together;
use crate::disk::{self, Disk};
use crate::read;
use crate::shared::Shared;
use crate::state::LogState;
use crate::tree::BLOCK;

/// Directory of the derived files.
pub(crate) const TILE_DIR: &str = "log/tiles";
/// Largest published checkpoint: a note with a few signatures.
pub(crate) const MAX_CHECKPOINT_FILE: u64 = 64 << 10;
/// Largest bundle: 256 entries of 65,535 bytes, each behind its length.
pub(crate) const MAX_BUNDLE_FILE: u64 = 256 * (65_535 + 2);
/// How many entries have durable tiles and bundles, in decimal.
const DERIVED_PATH: &str = "log/tiles/derived";
/// The published checkpoint.
pub(crate) const CHECKPOINT_PATH: &str = "log/checkpoint";
/// Blocks of 256 entries per turn, so that the head and the checkpoint never wait long behind a backlog. A turn comes ten times a second at least while there is one:
/// 80,000 entries a second, more than are ever recorded.
const BLOCKS_PER_TURN: u64 = 32;
/// Up to here there is little to do, and whoever appends goes first: on a machine of one core it would wait for all of it.
const LITTLE_BLOCKS: u64 = 8;
/// A decimal number of entries.
const MAX_DERIVED_FILE: u64 = 32;

/// Publishes the newest checkpoint.
pub(crate) fn publish(shared: &Shared) -> io::Result<()> {
    let checkpoint = shared.checkpoint.read().unwrap_or_else(PoisonError::into_inner).clone();
    let checkpoint = shared.handed_out(&checkpoint);
    disk::write_file_durably(shared.disk.as_ref(), CHECKPOINT_PATH, checkpoint.as_bytes())
}

/// Derives the next few blocks. `true`: more are waiting.
pub(crate) fn advance(shared: &Shared) -> io::Result<bool> {
    let disk = shared.disk.as_ref();
    let from = derived(disk)?;
    let size = shared.state.read().unwrap_or_else(PoisonError::into_inner).size();
    let ready = size / BLOCK * BLOCK;
    let until = ready.min(from + BLOCKS_PER_TURN * BLOCK);
    if from >= until {
        return Ok(false);
    }
    let mut files = Together::new(disk);
    let blocks = from / BLOCK..until / BLOCK;
    let is_little = blocks.end - blocks.start <= LITTLE_BLOCKS;
    for block in blocks {
        derive_block(shared, &mut files, block)?;
        if is_little {
            thread::yield_now();
        }
    }
    // INVARIANT: the mark is written when all that it speaks of is durable.
    files.settle()?;
    disk::write_file_durably(disk, DERIVED_PATH, until.to_string().as_bytes())?;
    Ok(until < ready)
}

/// How many entries have durable tiles and bundles.
pub(crate) fn derived(disk: &dyn Disk) -> io::Result<u64> {
    if !disk.exists(DERIVED_PATH)? {
        return Ok(0);
    }
    let text = disk::read_all(disk, DERIVED_PATH, MAX_DERIVED_FILE)?;
    // An unreadable mark costs work, never correctness: everything is derived again.
    Ok(std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0))
}

/// Compares the durable bundles and leaf tiles with the log, as long as `goes_on` is told of each block and says so. Returns how many blocks are
/// derived.
pub(crate) fn check(disk: &dyn Disk, state: &LogState, goes_on: &dyn Fn() -> bool) -> Result<u64, String> {
    let until = derived(disk).map_err(|error| format!("{DERIVED_PATH} cannot be read: {error}"))?;
    let size = state.size();
    if until > size {
        return Err(format!(
            "{DERIVED_PATH} says {until} entries are derived, the log has {size}: remove {TILE_DIR}, it is made again"
        ));
    }
    for block in 0..until / BLOCK {
        let (bundle, leaves) =
            block_of(disk, block, &|index| state.batch_of(index), None).map_err(|error| error.to_string())?;
        for (path, expected) in
            [(bundle_path(block, TILE_WIDTH), bundle), (TileId::full(0, block).path(), tile_bytes(&leaves))]
        {
            let path = format!("{TILE_DIR}/{path}");
            let same =
                disk::read_all(disk, &path, expected.len() as u64).is_ok_and(|bytes| bytes == expected);
            if !same {
                return Err(format!(
                    "{path} differs from the log it is derived from; remove {TILE_DIR}, it is made again"
                ));
            }
        }
        if !goes_on() {
            break;
        }
    }
    Ok(until / BLOCK)
}

fn derive_block(shared: &Shared, files: &mut Together<'_>, block: u64) -> io::Result<()> {
    let disk = shared.disk.as_ref();
    let batch_of = |index| shared.state.read().unwrap_or_else(PoisonError::into_inner).batch_of(index);
    let known = {
        let state = shared.state.read().unwrap_or_else(PoisonError::into_inner);
        state.tree.recent_leaves(block * BLOCK, (block + 1) * BLOCK)
    };
    let (bundle, leaves) = block_of(disk, block, &batch_of, known)?;
    write(disk, files, &bundle_path(block, TILE_WIDTH), &bundle)?;
    let leaf_tile = TileId::full(0, block);
    write(disk, files, &leaf_tile.path(), &tile_bytes(&leaves))?;
    // A tile of level l is full when 256 tiles of level l − 1 are.
    let (mut level, mut index) = (1u8, block + 1);
    while index % u64::from(TILE_WIDTH) == 0 {
        index /= u64::from(TILE_WIDTH);
        let tile = TileId::full(level, index - 1);
        let state = shared.state.read().unwrap_or_else(PoisonError::into_inner);
        let hashes = upper_hashes(&state, level, index - 1)?;
        drop(state);
        write(disk, files, &tile.path(), &tile_bytes(&hashes))?;
        level += 1;
    }
    Ok(())
}

fn upper_hashes(state: &LogState, level: u8, index: u64) -> io::Result<Vec<Hash>> {
    let width = u64::from(TILE_WIDTH);
    (index * width..(index + 1) * width)
        .map(|at| {
            state
                .tree
                .kept(level * 8, at)
                .ok_or_else(|| io::Error::other("a tile is derived before its tree is full"))
        })
        .collect()
}

/// The bundle and the leaf hashes of one block, from its segments. `known`: the hashes, when the commit's own are still at hand.
fn block_of(
    disk: &dyn Disk,
    block: u64,
    batch_of: &dyn Fn(u64) -> Option<BatchRef>,
    known: Option<Vec<Hash>>,
) -> io::Result<(Vec<u8>, Vec<Hash>)> {
    let (mut bundle, mut leaves) = (Vec::new(), Vec::new());
    let (mut segment, mut bytes) = (read::OpenSegment::default(), Vec::new());
    let (mut next, end) = (block * BLOCK, (block + 1) * BLOCK);
    while next < end {
        let batch = batch_of(next).ok_or_else(|| io::Error::other(format!("entry {next} is in no batch")))?;
        segment.read(disk, &batch, &mut bytes).map_err(io::Error::other)?;
        let read = read::parse_batch(&batch, &bytes).map_err(io::Error::other)?;
        let skip = usize::try_from(next - batch.first).unwrap_or(usize::MAX);
        let take = usize::try_from(end - next).unwrap_or(usize::MAX);
        for stored in read.entries.iter().skip(skip).take(take) {
            push_entry(&mut bundle, stored.entry).map_err(io::Error::other)?;
            if known.is_none() {
                leaves.push(leaf_hash(stored.entry));
            }
        }
        next = batch.size_after();
    }
    Ok((bundle, known.unwrap_or(leaves)))
}

fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.as_bytes().iter().copied()).collect()
}

fn write(disk: &dyn Disk, files: &mut Together<'_>, path: &str, bytes: &[u8]) -> io::Result<()> {
    let path = format!("{TILE_DIR}/{path}");
    disk.create_dir_all(disk::parent(&path))?;
    files.write(path, bytes)
}
