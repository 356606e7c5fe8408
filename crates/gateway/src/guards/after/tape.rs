//! An answer as its client gets it but for the values of placeholders, kept piece by piece to be looked at when the call is over.
//!
//! Promises: bounded; a piece is a reference to bytes that came anyway, so that keeping it costs a call nothing that it would notice.

use bytes::Bytes;

/// Most bytes of one answer: as much as a service is shown of one, but for what a stream writes around its texts.
const MAX_BYTES: usize = 10 << 20;
/// Most pieces: a reference to one takes some 32 bytes.
const MAX_PIECES: usize = 262_144;

/// An answer, or the events of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tape {
    pieces: Vec<Bytes>,
    bytes: usize,
    /// Whether it is one piece that is all of the answer.
    is_one: bool,
    /// Whether there was more than is kept.
    is_over: bool,
}

impl Tape {
    /// An answer that is no stream.
    pub(crate) fn of(answer: &Bytes) -> Self {
        let mut tape = Self { is_one: true, ..Self::default() };
        tape.push(answer);
        tape
    }

    /// One more piece.
    pub(crate) fn push(&mut self, piece: &Bytes) {
        if self.is_over || self.bytes + piece.len() > MAX_BYTES || self.pieces.len() == MAX_PIECES {
            // A part would be taken for the whole.
            *self = Self { is_over: true, is_one: self.is_one, ..Self::default() };
            return;
        }
        self.bytes += piece.len();
        self.pieces.push(piece.clone());
    }

    /// All of them.
    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_one(&self) -> bool {
        self.is_one
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: P13.
    #[test]
    fn a_part_is_never_kept_as_if_it_were_all() {
        let mut tape = Tape::default();
        tape.push(&Bytes::from_static(b"one"));
        assert_eq!((tape.bytes(), tape.pieces().len(), tape.is_over()), (3, 1, false));
        tape.push(&Bytes::from(vec![b'x'; MAX_BYTES]));
        assert!(tape.is_over() && tape.pieces().is_empty(), "a guard would pass what it saw a part of");
        tape.push(&Bytes::from_static(b"more"));
        assert!(tape.is_over() && tape.bytes() == 0, "it holds bytes that nobody looks at");
    }
}
