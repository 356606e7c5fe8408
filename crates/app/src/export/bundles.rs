//! The range as the package builder wants it: entries and what is shown of them, a bundle at a time.
//!
//! Promises: holds at most one bundle of entries, whatever the size of the package, and answers the same however often it is asked.

use std::borrow::Cow;
use std::cell::RefCell;
use std::error::Error;

use tabellion_ledger::LedgerError;
use tabellion_model::package::{BUNDLE_ENTRIES, ShownSource, ShownUnit};

use super::{Subject, Survey};

/// Reads a range bundle by bundle.
pub(super) struct Bundles<'a> {
    subject: &'a Subject<'a>,
    survey: &'a Survey,
    /// The bundle read last: its disclosures are asked for right after its entries.
    held: RefCell<Bundle>,
}

#[derive(Default)]
struct Bundle {
    begin: u64,
    end: u64,
    entries: Vec<Vec<u8>>,
    shown: Vec<ShownUnit>,
}

impl<'a> Bundles<'a> {
    pub(super) fn of(subject: &'a Subject<'a>, survey: &'a Survey) -> Self {
        Self { subject, survey, held: RefCell::default() }
    }

    /// The entries' bytes in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, LedgerError>> {
        let (first, end) = (self.subject.span.first, self.subject.span.end());
        (first..end).map(move |index| {
            let begin = index - (index - first) % BUNDLE_ENTRIES;
            self.hold(begin, end.min(begin + BUNDLE_ENTRIES))?;
            let mut held = self.held.borrow_mut();
            let entry =
                usize::try_from(index - begin).ok().and_then(|position| held.entries.get_mut(position));
            // Each entry is handed out once, so that it is never held twice.
            entry
                .map(std::mem::take)
                .ok_or_else(|| LedgerError::Fatal(format!("entry {index} could not be read again")))
        })
    }

    /// Makes `begin … end − 1` the bundle that is held.
    fn hold(&self, begin: u64, end: u64) -> Result<(), LedgerError> {
        let mut held = self.held.borrow_mut();
        if (held.begin, held.end) == (begin, end) {
            return Ok(());
        }
        *held = Bundle { begin, end, ..Bundle::default() };
        let read = self.subject.reader.entries(begin, end, |view| {
            held.shown.extend(self.survey.shown_of(&view, self.subject.request));
            held.entries.push(view.bytes);
            Ok(())
        });
        if read.is_err() {
            *held = Bundle::default();
        }
        read
    }
}

impl ShownSource for Bundles<'_> {
    fn shown(&self, begin: u64, end: u64) -> Result<Cow<'_, [ShownUnit]>, Box<dyn Error + Send + Sync>> {
        let span = &self.subject.span;
        if end <= span.first || begin >= span.end() {
            return Ok(Cow::Owned(Vec::new()));
        }
        self.hold(begin, end)?;
        Ok(Cow::Owned(self.held.borrow().shown.clone()))
    }
}
