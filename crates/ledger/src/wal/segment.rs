//! A segment file: its name, its first frame, and how much room is left.

use serde::{Deserialize, Serialize};

use super::frame::{self, FrameKind};

/// Directory of the segments, below the data directory.
pub(crate) const SEGMENT_DIR: &str = "log/segments";
/// Preallocated size unless configured: overwriting reserved space is the cheapest durable write there is, and 64 MiB keeps the
/// number of files small (16 for 1 GiB).
pub(crate) const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;
const FORMAT: &str = "tabellion.segment/1";

/// Path of segment `number`.
pub(crate) fn segment_path(number: u32) -> String {
    format!("{SEGMENT_DIR}/{number:08}.seg")
}

/// Number of the segment with this file name.
pub(crate) fn segment_number(file_name: &str) -> Option<u32> {
    let digits = file_name.strip_suffix(".seg")?;
    (digits.len() == 8).then(|| digits.parse().ok()).flatten()
}

/// One log that lives in the segment, and its size when the segment began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentLog {
    pub(crate) log: String,
    pub(crate) number: u32,
    pub(crate) size: u64,
}

/// The first frame of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentHeader {
    format: String,
    pub(crate) logs: Vec<SegmentLog>,
    pub(crate) number: u32,
    /// SHA-256 (hex) over the checkpoints of the segment before; empty in segment 0.
    pub(crate) previous: String,
    /// Bytes that the frame was read from; not part of it.
    #[serde(skip)]
    pub(crate) frame_bytes: u64,
}

impl SegmentHeader {
    pub(crate) fn new(number: u32, logs: Vec<SegmentLog>, previous: String) -> Self {
        Self { format: FORMAT.to_owned(), logs, number, previous, frame_bytes: 0 }
    }

    /// The frame's bytes. Member order above is the canonical order of JCS.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let payload = serde_json::to_vec(self)?;
        let mut out = Vec::new();
        frame::push_frame(&mut out, FrameKind::Segment, 0, &payload);
        Ok(out)
    }

    /// Reads the first frame of a segment; `None` when it is not whole or not of this format.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let frame = frame::read_frame(bytes)?;
        if frame.kind != FrameKind::Segment {
            return None;
        }
        let mut header: Self = serde_json::from_slice(frame.payload).ok()?;
        header.frame_bytes = frame.total as u64;
        (header.format == FORMAT).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_header_reads_back_and_is_canonical() {
        let log = SegmentLog { log: "localhost/log/acme".to_owned(), number: 0, size: 12 };
        let header = SegmentHeader::new(3, vec![log], "ab".repeat(32));
        let bytes = header.to_bytes().expect("a header of plain strings always encodes");
        let read = SegmentHeader::read(&bytes).expect("a written header reads back");
        assert_eq!(read.frame_bytes, bytes.len() as u64, "what follows the header would be misplaced");
        assert_eq!(
            SegmentHeader { frame_bytes: 0, ..read },
            header,
            "the segment chain could not be followed"
        );
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.contains(r#"{"format":"tabellion.segment/1","logs":[{"log":"#),
            "not the documented form"
        );
    }

    #[test]
    fn only_eight_digit_names_are_segments() {
        assert_eq!(segment_number("00000012.seg"), Some(12), "a segment would be overlooked at start");
        for name in ["12.seg", "00000012.tmp", "000000123.seg", "0000001x.seg"] {
            assert_eq!(segment_number(name), None, "{name} would be read as a segment");
        }
    }
}
