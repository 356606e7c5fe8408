//! Lines of an answer on its way, whole again however it was cut.
//!
//! Must never: hold more than the newest line, or take a part of one for all of it.

/// Puts lines together.
pub(super) struct Lines {
    /// What of the newest line has come; none: it is too long.
    line: Option<Vec<u8>>,
    max_bytes: usize,
}

impl Lines {
    /// Of lines of at most so many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { line: Some(Vec::new()), max_bytes }
    }

    /// Takes a piece in; `each` is given every line that ends in it, without its end, and `None` for one that was too long.
    pub(super) fn push(&mut self, data: &[u8], mut each: impl FnMut(Option<&[u8]>)) {
        for (number, piece) in data.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                each(self.rest().as_deref());
            }
            match &mut self.line {
                Some(line) if line.len() + piece.len() <= self.max_bytes => line.extend_from_slice(piece),
                line => *line = None,
            }
        }
    }

    /// The last line, which ends with the answer; `None`: it was too long.
    pub(super) fn rest(&mut self) -> Option<Vec<u8>> {
        self.line.replace(Vec::new())
    }
}
