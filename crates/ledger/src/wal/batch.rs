//! One commit as bytes: a batch frame, each entry with its units and fingerprint, the seal, and the checkpoint that ends it.

use super::frame::{self, Frame, FrameKind};

/// Payload of a batch frame: first index (u64), number of entries (u32), bytes of the whole batch (u32).
const BATCH_PAYLOAD: usize = 16;
/// Most bytes one batch may take: bounds the time of one commit (4 MiB writes in a few milliseconds) and the memory of recovery.
pub(crate) const MAX_BATCH_BYTES: usize = 8 << 20;
/// Most entries in one batch, the seal included: bounds the seal's subtree and the scan for a single entry.
pub(crate) const MAX_BATCH_ENTRIES: usize = 4096;

/// Builds the bytes of one batch.
pub(crate) struct BatchWriter {
    bytes: Vec<u8>,
    log_number: u32,
    first: u64,
    entries: u32,
}

impl BatchWriter {
    /// An empty batch whose first entry has index `first`. `buffer`: memory to use again.
    pub(crate) fn new(log_number: u32, first: u64, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(frame::frame_len(BATCH_PAYLOAD), 0);
        Self { bytes: buffer, log_number, first, entries: 0 }
    }

    /// Index of the first entry.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Gives the memory back.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn push_entry(&mut self, entry: &[u8]) {
        self.entries += 1;
        frame::push_frame(&mut self.bytes, FrameKind::Entry, self.log_number, entry);
    }

    /// A unit of the entry pushed last: its vault frame payload.
    pub(crate) fn push_unit(&mut self, payload: &[u8]) {
        frame::push_frame(&mut self.bytes, FrameKind::Unit, self.log_number, payload);
    }

    /// The request fingerprint of the entry pushed last.
    pub(crate) fn push_fingerprint(&mut self, fingerprint: &[u8; 32]) {
        frame::push_frame(&mut self.bytes, FrameKind::Fingerprint, self.log_number, fingerprint);
    }

    /// Where the batch ends so far, for [`BatchWriter::truncate`].
    pub(crate) fn position(&self) -> (usize, u32) {
        (self.bytes.len(), self.entries)
    }

    /// Takes back everything pushed after `position`.
    pub(crate) fn truncate(&mut self, (bytes, entries): (usize, u32)) {
        self.bytes.truncate(bytes);
        self.entries = entries;
    }

    /// Ends the batch with its checkpoint and fills in the batch frame.
    pub(crate) fn finish(mut self, checkpoint: &[u8]) -> Vec<u8> {
        frame::push_frame(&mut self.bytes, FrameKind::Checkpoint, self.log_number, checkpoint);
        let total = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let mut header = Vec::with_capacity(frame::frame_len(BATCH_PAYLOAD));
        frame::push_frame_parts(
            &mut header,
            FrameKind::Batch,
            self.log_number,
            &[&self.first.to_le_bytes(), &self.entries.to_le_bytes(), &total.to_le_bytes()],
        );
        for (to, from) in self.bytes.iter_mut().zip(&header) {
            *to = *from;
        }
        self.bytes
    }
}

/// What a batch frame announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) log_number: u32,
    pub(crate) first: u64,
    /// Entries, the seal included.
    pub(crate) entries: u32,
    /// Bytes of the batch, this frame included.
    pub(crate) bytes: u32,
}

impl BatchHeader {
    /// Bytes to read before [`BatchHeader::peek`].
    pub(crate) fn size() -> usize {
        frame::frame_len(BATCH_PAYLOAD)
    }

    /// Reads the batch frame at the start of `bytes`; `None` when there is no whole one.
    pub(crate) fn peek(bytes: &[u8]) -> Option<Self> {
        let frame = frame::read_frame(bytes)?;
        if frame.kind != FrameKind::Batch {
            return None;
        }
        let (first, rest) = frame.payload.split_first_chunk::<8>()?;
        let (entries, rest) = rest.split_first_chunk::<4>()?;
        let (total, rest) = rest.split_first_chunk::<4>()?;
        let header = Self {
            log_number: frame.log_number,
            first: u64::from_le_bytes(*first),
            entries: u32::from_le_bytes(*entries),
            bytes: u32::from_le_bytes(*total),
        };
        let sane = rest.is_empty()
            && header.entries >= 2
            && header.entries as usize <= MAX_BATCH_ENTRIES
            && header.bytes as usize <= MAX_BATCH_BYTES;
        sane.then_some(header)
    }
}

/// One entry with what is kept beside it.
#[derive(Debug, Clone)]
pub(crate) struct StoredEntry<'a> {
    pub(crate) entry: &'a [u8],
    /// Payloads of the unit frames: version, unit id, vault key id, ciphertext.
    pub(crate) units: Vec<&'a [u8]>,
    pub(crate) fingerprint: Option<[u8; 32]>,
}

/// A whole batch, borrowed from the bytes it was read from. Frames are whole; their meaning is not checked here.
#[derive(Debug, Clone)]
pub(crate) struct Batch<'a> {
    pub(crate) header: BatchHeader,
    /// The entries in order; the last one is the seal.
    pub(crate) entries: Vec<StoredEntry<'a>>,
    pub(crate) checkpoint: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Reads the batch at the start of `bytes`; `None` when any frame is damaged, missing or out of place.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let header = BatchHeader::peek(bytes)?;
        let whole = bytes.get(..header.bytes as usize)?;
        let mut rest = whole.get(BatchHeader::size()..)?;
        let mut entries: Vec<StoredEntry<'a>> = Vec::with_capacity(header.entries as usize);
        loop {
            let frame: Frame<'a> = frame::read_frame(rest)?;
            if frame.log_number != header.log_number {
                return None;
            }
            rest = rest.get(frame.total..)?;
            match frame.kind {
                FrameKind::Entry => {
                    entries.push(StoredEntry { entry: frame.payload, units: Vec::new(), fingerprint: None });
                }
                FrameKind::Unit => entries.last_mut()?.units.push(frame.payload),
                FrameKind::Fingerprint => {
                    entries.last_mut()?.fingerprint = Some(frame.payload.try_into().ok()?);
                }
                FrameKind::Checkpoint => {
                    let ends = rest.is_empty() && entries.len() == header.entries as usize;
                    return ends.then_some(Self { header, entries, checkpoint: frame.payload });
                }
                FrameKind::Segment | FrameKind::Batch => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut batch = BatchWriter::new(0, 41, Vec::new());
        batch.push_entry(b"{one}");
        batch.push_unit(b"ciphertext one");
        batch.push_fingerprint(&[7; 32]);
        batch.push_entry(b"seal");
        batch.finish(b"checkpoint")
    }

    #[test]
    fn a_batch_reads_back_with_everything_beside_its_entries() {
        let bytes = sample();
        let batch = Batch::read(&bytes).expect("a written batch must read back");
        assert_eq!((batch.header.first, batch.entries.len()), (41, 2), "indexes would shift");
        assert_eq!(batch.entries[0].units, [b"ciphertext one"], "content would be lost");
        assert_eq!(batch.entries[0].fingerprint, Some([7; 32]), "a retry would be taken for a new request");
        assert_eq!(batch.checkpoint, b"checkpoint", "a batch without its checkpoint proves nothing");
    }

    #[test]
    fn no_damaged_or_shortened_batch_reads_as_whole() {
        let bytes = sample();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            assert!(
                Batch::read(&damaged).is_none(),
                "damage at byte {at} would be taken for a committed batch"
            );
            assert!(
                Batch::read(&bytes[..at]).is_none(),
                "a batch torn at byte {at} would be taken for a committed one"
            );
        }
    }
}
