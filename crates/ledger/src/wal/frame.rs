//! One frame: 16 bytes of header, the payload, zero bytes to a multiple of 8.

/// Bytes before a frame's payload.
pub(crate) const FRAME_HEADER: usize = 16;
/// Frames are padded to this, so that a frame header never straddles a word.
const FRAME_ALIGN: usize = 8;
/// Longest payload: a unit of the largest body (1 MiB) with room for its encoding.
pub(crate) const MAX_FRAME_PAYLOAD: usize = 4 << 20;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Segment,
    Batch,
    Entry,
    Unit,
    Fingerprint,
    Checkpoint,
}

impl FrameKind {
    fn code(self) -> u8 {
        match self {
            Self::Segment => 1,
            Self::Batch => 2,
            Self::Entry => 3,
            Self::Unit => 4,
            Self::Fingerprint => 5,
            Self::Checkpoint => 6,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Segment,
            2 => Self::Batch,
            3 => Self::Entry,
            4 => Self::Unit,
            5 => Self::Fingerprint,
            6 => Self::Checkpoint,
            _ => return None,
        })
    }
}

/// A frame, borrowed from the bytes it was read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: FrameKind,
    pub(crate) log_number: u32,
    pub(crate) payload: &'a [u8],
    /// Bytes on disk, header and padding included.
    pub(crate) total: usize,
}

/// Bytes that a frame with a payload of `payload_len` takes on disk.
pub(crate) fn frame_len(payload_len: usize) -> usize {
    (FRAME_HEADER + payload_len).next_multiple_of(FRAME_ALIGN)
}

/// Appends one frame to `out`.
pub(crate) fn push_frame(out: &mut Vec<u8>, kind: FrameKind, log_number: u32, payload: &[u8]) {
    push_frame_parts(out, kind, log_number, &[payload]);
}

/// Appends one frame whose payload is the concatenation of `parts`.
pub(crate) fn push_frame_parts(out: &mut Vec<u8>, kind: FrameKind, log_number: u32, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(length <= MAX_FRAME_PAYLOAD, "callers check sizes before they build a frame");
    let tail = [kind.code(), 0, 0, 0];
    let number = log_number.to_le_bytes();
    let mut crc = crc32c::crc32c(&tail);
    crc = crc32c::crc32c_append(crc, &number);
    for part in parts {
        crc = crc32c::crc32c_append(crc, part);
    }
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&tail);
    out.extend_from_slice(&number);
    for part in parts {
        out.extend_from_slice(part);
    }
    let padding = frame_len(length) - FRAME_HEADER - length;
    out.resize(out.len() + padding, 0);
}

/// Reads the frame at the start of `bytes`. `None`: not a whole, undamaged frame (padding included).
pub(crate) fn read_frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let header = bytes.first_chunk::<FRAME_HEADER>()?;
    let [l0, l1, l2, l3, c0, c1, c2, c3, kind, z0, z1, z2, n0, n1, n2, n3] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length > MAX_FRAME_PAYLOAD || [z0, z1, z2] != [0, 0, 0] {
        return None;
    }
    let total = frame_len(length);
    let payload = bytes.get(FRAME_HEADER..FRAME_HEADER + length)?;
    let padding = bytes.get(FRAME_HEADER + length..total)?;
    let crc = crc32c::crc32c_append(crc32c::crc32c(bytes.get(8..FRAME_HEADER)?), payload);
    if crc != u32::from_le_bytes([c0, c1, c2, c3]) || padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    let kind = FrameKind::from_code(kind)?;
    Some(Frame { kind, log_number: u32::from_le_bytes([n0, n1, n2, n3]), payload, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_every_flipped_bit_is_noticed() {
        let mut bytes = Vec::new();
        push_frame_parts(&mut bytes, FrameKind::Entry, 7, &[b"hello", b" ", b"frame"]);
        assert_eq!(bytes.len() % 8, 0, "frames are aligned, or a reader loses its place");
        let frame = read_frame(&bytes).expect("a written frame must read back");
        assert_eq!((frame.kind, frame.log_number, frame.payload), (FrameKind::Entry, 7, &b"hello frame"[..]));
        assert_eq!(frame.total, bytes.len(), "the next frame starts right after this one");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read_frame(&damaged).is_none(), "a flipped bit {bit} would go unnoticed on disk");
        }
        for cut in 0..bytes.len() {
            assert!(read_frame(&bytes[..cut]).is_none(), "a frame cut at {cut} would pass as whole");
        }
    }
}
