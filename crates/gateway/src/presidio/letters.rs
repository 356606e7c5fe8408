//! A text by the places of its code points, as Python counts them.

use std::ops::Range;

/// A text and where each of its code points begins.
pub(super) struct Letters<'t> {
    text: &'t str,
    /// In bytes; the end of the text is the last.
    borders: Vec<usize>,
}

impl<'t> Letters<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut borders = Vec::with_capacity(text.len().saturating_add(1));
        borders.extend(text.char_indices().map(|(at, _)| at));
        borders.push(text.len());
        Self { text, borders }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.borders.len().saturating_sub(1)
    }

    /// What stands there; nothing where the end is before the start, or either is behind the text.
    pub(super) fn at(&self, range: Range<usize>) -> &'t str {
        let border = |at: usize| self.borders.get(at).copied();
        let bytes = border(range.start).zip(border(range.end));
        bytes.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }
}

/// Counts code points on the way through a text.
pub(super) struct Place<'t> {
    text: &'t str,
    bytes: usize,
    letters: usize,
}

impl<'t> Place<'t> {
    pub(super) fn at_the_start_of(text: &'t str) -> Self {
        Self { text, bytes: 0, letters: 0 }
    }

    /// Which code point begins at this byte; none is asked for that lies before the last.
    pub(super) fn of(&mut self, bytes: usize) -> usize {
        let passed = self.text.get(self.bytes..bytes).unwrap_or_default();
        self.letters += passed.chars().count();
        self.bytes = bytes;
        self.letters
    }
}
