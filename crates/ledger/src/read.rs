//! Reading what is committed: an entry, what is stored beside it, a block of leaf hashes.

use tabellion_model::{UnitId, VaultKeyId};
use tabellion_tlog::{CompactRange, Hash, NodeSource as _, TILE_WIDTH, TileId, decompose, leaf_hash};

use crate::batches::BatchRef;
use crate::derive::TILE_DIR;
use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::state::LogState;
use crate::tree::{LeafSource, TreeView};
use crate::wal::batch::{Batch, StoredEntry};
use crate::wal::segment::segment_path;

/// Bytes before a unit frame's ciphertext: version, unit id, vault key id.
const UNIT_PREFIX: usize = 33;
/// A full tile: a hash for each of its places.
const MAX_TILE_BYTES: u64 = 32 * TILE_WIDTH as u64;
/// Version of the unit frame's payload.
const UNIT_VERSION: u8 = 1;

/// One unit as it lies in the log's vault frames.
#[derive(Debug, Clone)]
pub(crate) struct StoredUnit {
    pub(crate) id: UnitId,
    pub(crate) key: VaultKeyId,
    pub(crate) ciphertext: Vec<u8>,
}

/// One entry with what lies beside it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) entry: Vec<u8>,
    pub(crate) units: Vec<StoredUnit>,
    /// Of the request, where it had an idempotency key.
    pub(crate) fingerprint: Option<[u8; 32]>,
}

/// The payload of a unit frame up to its ciphertext, with room for one of `ciphertext_bytes`.
pub(crate) fn unit_prefix(id: &UnitId, key: &VaultKeyId, ciphertext_bytes: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(UNIT_PREFIX + ciphertext_bytes);
    payload.push(UNIT_VERSION);
    payload.extend_from_slice(id.as_bytes());
    payload.extend_from_slice(key.as_bytes());
    payload
}

/// The payload of a unit frame.
pub(crate) fn unit_frame(id: &UnitId, key: &VaultKeyId, ciphertext: &[u8]) -> Vec<u8> {
    let mut payload = unit_prefix(id, key, ciphertext.len());
    payload.extend_from_slice(ciphertext);
    payload
}

/// Reads the payload of a unit frame.
pub(crate) fn parse_unit_frame(payload: &[u8]) -> Result<StoredUnit, String> {
    let (id, key, ciphertext) = unit_of(payload)?;
    Ok(StoredUnit { id, key, ciphertext: ciphertext.to_vec() })
}

/// The unit, its vault key and its ciphertext, as they lie in the payload of a unit frame.
pub(crate) fn unit_of(payload: &[u8]) -> Result<(UnitId, VaultKeyId, &[u8]), String> {
    let parsed = || {
        let (version, rest) = payload.split_first()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (key, ciphertext) = rest.split_first_chunk::<16>()?;
        (*version == UNIT_VERSION)
            .then(|| (UnitId::from_bytes(*id), VaultKeyId::from_bytes(*key), ciphertext))
    };
    parsed().ok_or_else(|| "a unit frame is not of version 1".to_owned())
}

/// The bytes of one committed batch.
pub(crate) fn batch_bytes(disk: &dyn Disk, batch: &BatchRef) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    read_batch(disk, batch, &mut bytes)?;
    Ok(bytes)
}

/// Reads the bytes of one committed batch into `bytes`, which whoever reads many uses again.
pub(crate) fn read_batch(disk: &dyn Disk, batch: &BatchRef, bytes: &mut Vec<u8>) -> Result<(), String> {
    OpenSegment::default().read(disk, batch, bytes)
}

/// The segment that was read last, for whoever reads batch after batch.
#[derive(Default)]
pub(crate) struct OpenSegment(Option<(u32, Box<dyn DiskFile>)>);

impl OpenSegment {
    /// [`read_batch`].
    pub(crate) fn read(
        &mut self,
        disk: &dyn Disk,
        batch: &BatchRef,
        bytes: &mut Vec<u8>,
    ) -> Result<(), String> {
        let path = || segment_path(batch.segment);
        let failed = |error: std::io::Error| format!("cannot read {} at {}: {error}", path(), batch.offset);
        let file = match self.0.take() {
            Some((segment, file)) if segment == batch.segment => file,
            _ => disk.open(&path(), OpenMode::Read).map_err(failed)?,
        };
        bytes.resize(batch.bytes as usize, 0);
        let read = disk::read_exact_at(file.as_ref(), batch.offset, bytes).map_err(failed);
        self.0 = Some((batch.segment, file));
        read
    }
}

/// A committed batch must read whole; otherwise the disk lost or changed it since.
pub(crate) fn parse_batch<'a>(batch: &BatchRef, bytes: &'a [u8]) -> Result<Batch<'a>, String> {
    Batch::read(bytes).filter(|read| read.header.first == batch.first).ok_or_else(|| {
        format!(
            "the batch of entries {}…{} in {} at offset {} is damaged",
            batch.first,
            batch.size_after() - 1,
            segment_path(batch.segment),
            batch.offset
        )
    })
}

/// Why a committed entry cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    /// Not now: it says nothing of what lies there.
    #[error("{0}")]
    Unreadable(String),
    /// What lies there is not what was committed.
    #[error("{0}")]
    Damaged(String),
}

/// Entry `index` of `batch`, with its units.
pub(crate) fn stored_entry(disk: &dyn Disk, batch: &BatchRef, index: u64) -> Result<Stored, ReadFault> {
    let bytes = batch_bytes(disk, batch).map_err(ReadFault::Unreadable)?;
    let read = parse_batch(batch, &bytes).map_err(ReadFault::Damaged)?;
    let position = usize::try_from(index - batch.first).unwrap_or(usize::MAX);
    let stored = read.entries.get(position);
    let stored = stored.ok_or_else(|| ReadFault::Damaged(format!("entry {index} is not in its batch")))?;
    owned(stored).map_err(ReadFault::Damaged)
}

/// Copies a borrowed entry.
pub(crate) fn owned(stored: &StoredEntry<'_>) -> Result<Stored, String> {
    let units = stored.units.iter().map(|payload| parse_unit_frame(payload)).collect::<Result<_, _>>()?;
    Ok(Stored { entry: stored.entry.to_vec(), units, fingerprint: stored.fingerprint })
}

/// Reads blocks of leaf hashes again from the segments.
pub(crate) struct LogBlocks<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) state: &'a LogState,
}

impl LeafSource for LogBlocks<'_> {
    /// From its tile, where that is made.
    fn quick_block(&self, block: u64) -> Option<Vec<Hash>> {
        let path = format!("{TILE_DIR}/{}", TileId::full(0, block).path());
        let tile = disk::read_all(self.disk, &path, MAX_TILE_BYTES).ok()?;
        let (leaves, rest) = tile.as_chunks::<32>();
        rest.is_empty().then(|| leaves.iter().copied().map(Hash).collect())
    }

    fn leaves(&self, begin: u64, end: u64) -> Result<Vec<Hash>, String> {
        let mut leaves = Vec::with_capacity(usize::try_from(end - begin).unwrap_or(0));
        let (mut next, mut bytes, mut segment) = (begin, Vec::new(), OpenSegment::default());
        while next < end {
            let batch =
                self.state.batch_of(next).ok_or_else(|| format!("entry {next} is beyond the log's size"))?;
            segment.read(self.disk, &batch, &mut bytes)?;
            let read = parse_batch(&batch, &bytes)?;
            let skip = usize::try_from(next - batch.first).unwrap_or(usize::MAX);
            let take = usize::try_from(end - next).unwrap_or(usize::MAX);
            leaves.extend(read.entries.iter().skip(skip).take(take).map(|stored| leaf_hash(stored.entry)));
            next = batch.size_after();
        }
        Ok(leaves)
    }
}

/// Roots of the maximal perfect subtrees of `[begin, end)`, left to right.
pub(crate) fn subtrees(disk: &dyn Disk, state: &LogState, begin: u64, end: u64) -> Result<Vec<Hash>, String> {
    let blocks = LogBlocks { disk, state };
    let view = TreeView::new(&state.tree, &blocks);
    decompose(begin, end).into_iter().map(|(level, index)| view.node(level, index)).collect()
}

/// Root of the tree of the first `size` entries.
pub(crate) fn root_at(disk: &dyn Disk, state: &LogState, size: u64) -> Result<Hash, String> {
    let nodes = subtrees(disk, state, 0, size)?;
    CompactRange::from_nodes(0, size, nodes)
        .and_then(|range| range.root())
        .map_err(|error| format!("the root at size {size} cannot be computed: {error}"))
}
