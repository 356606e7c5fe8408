//! Text that arrives in pieces, taken as it is written. Promises that the pieces, released, are byte for byte what the text
//! would have become in one piece, wherever it was split; that only what may still be part of a value or placeholder is held back, 320 bytes at most, or a key's length once a private key or token has begun; and
//! that nothing held is ever released by a timer.

use crate::class::{Class, Classes};
use crate::placeholder::MAX_PLACEHOLDER_BYTES;
use crate::restore::{Placing, Search, next_known};
use crate::scan::{LEFT_CONTEXT_BYTES, Scanner, Start, Step, Topics};
use crate::scope::{Scope, ScopeFull};

/// The front that is kept to tell what a value begins beside of.
const RESTORE_CONTEXT_BYTES: usize = 1;
const _: () = assert!(MAX_PLACEHOLDER_BYTES <= crate::MAX_VALUE_BYTES, "holding back has one limit");

/// Received text: what was released and still matters as context, then what is held back.
#[derive(Default)]
struct Pending {
    text: String,
    /// What is held back begins here.
    at: usize,
}

impl Pending {
    /// Puts the held text up to `end` out.
    fn release(&mut self, end: usize, out: &mut String) {
        out.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end.max(self.at);
    }

    /// Forgets what is further before the held text than `context` bytes; says how much that was.
    fn forget(&mut self, context: usize) -> usize {
        let mut cut = self.at.saturating_sub(context);
        while !self.text.is_char_boundary(cut) {
            cut = cut.saturating_sub(1);
        }
        self.text.drain(..cut);
        self.at = self.at.saturating_sub(cut);
        cut
    }

    fn held(&self) -> usize {
        self.text.len().saturating_sub(self.at)
    }
}

/// Masks a text that arrives in pieces, as it is written: of escapes it knows that of the at sign. One for each channel of each choice: content, reasoning, each tool call's arguments.
pub struct StreamMasker {
    pending: Pending,
    floor: usize,
    phone: Option<usize>,
    classes: Classes,
}

impl StreamMasker {
    /// Nothing received yet.
    pub fn new(classes: Classes) -> Self {
        Self { pending: Pending::default(), floor: 0, phone: None, classes }
    }

    /// Takes the next piece and appends to `out` what is decided. After an error nothing more may be released.
    pub fn push(&mut self, piece: &str, scope: &mut Scope, out: &mut String) -> Result<(), ScopeFull> {
        self.pending.text.push_str(piece);
        self.run(scope, out, true)
    }

    /// The text is over: appends the rest to `out`.
    pub fn finish(mut self, scope: &mut Scope, out: &mut String) -> Result<(), ScopeFull> {
        self.run(scope, out, false)
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.pending.held()
    }

    fn run(&mut self, scope: &mut Scope, out: &mut String, more: bool) -> Result<(), ScopeFull> {
        let Pending { text, at } = &mut self.pending;
        let mut scanner = Scanner::new(
            text,
            self.classes,
            Topics::NONE,
            Start { at: *at, floor: self.floor, phone: self.phone },
            more,
        );
        let settled = loop {
            match scanner.step() {
                Step::Found(finding) => {
                    let placeholder = scope.issue(finding.class, finding.value)?;
                    out.push_str(text.get(*at..finding.range.start).unwrap_or_default());
                    out.push_str(&placeholder);
                    *at = finding.range.end;
                    self.floor = finding.range.end;
                    if finding.class == Class::Phone {
                        self.phone = Some(finding.range.end);
                    }
                }
                Step::Settled(settled) => break settled,
            }
        };
        self.pending.release(settled, out);
        let forgotten = self.pending.forget(LEFT_CONTEXT_BYTES);
        self.floor = self.floor.saturating_sub(forgotten);
        self.phone = self.phone.and_then(|end| end.checked_sub(forgotten));
        Ok(())
    }
}

/// Gives values back in a text that arrives in pieces.
pub struct StreamRestorer {
    pending: Pending,
    placing: Placing,
}

impl StreamRestorer {
    /// Nothing received yet.
    pub fn new(placing: Placing) -> Self {
        Self { pending: Pending::default(), placing }
    }

    /// Takes the next piece and appends to `out` what is decided.
    pub fn push(&mut self, piece: &str, scope: &Scope, out: &mut String) {
        self.pending.text.push_str(piece);
        self.run(scope, out, true);
    }

    /// The text is over: appends the rest to `out`.
    pub fn finish(mut self, scope: &Scope, out: &mut String) {
        self.run(scope, out, false);
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.pending.held()
    }

    fn run(&mut self, scope: &Scope, out: &mut String, more: bool) {
        loop {
            match next_known(&self.pending.text, self.pending.at, scope, more) {
                Search::Known(known) => {
                    self.pending.release(known.range.start, out);
                    out.push_str(&self.placing.write(known.value));
                    self.pending.at = known.range.end;
                }
                Search::Settled(settled) => {
                    self.pending.release(settled, out);
                    self.pending.forget(RESTORE_CONTEXT_BYTES);
                    return;
                }
            }
        }
    }
}
