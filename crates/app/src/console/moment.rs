//! As of then: the log at one of its earlier sizes.
//!
//! Promises: a moment is always the end of a commit, whose checkpoint was signed. Must never: be taken for the present by a page that cannot
//! answer for it; the table of pages says which can.

use tabellion_ledger::Reader;
use tabellion_model::{Entry, Micros};

use crate::refusal::{Code, Refusal};
use crate::work::Desk;

/// A moment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Entries that there were.
    pub(crate) size: u64,
    /// Commit time of the last of them.
    pub(crate) at: Micros,
}

/// The moment that `text` names: a log size, a day (its end) or a time.
pub(crate) fn read(desk: &Desk, text: &str) -> Result<Moment, Refusal> {
    let reader = desk.ledger().reader();
    let text = text.trim();
    let refused = |what: String| Refusal::at(Code::Malformed, "/as_of", what);
    let digits = text.trim_start_matches('#').replace(',', "");
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let size: u64 = digits.parse().map_err(|_| refused(format!("{text} is no size of a log")))?;
        let last = size.checked_sub(1).filter(|_| size <= reader.size());
        let last =
            last.ok_or_else(|| refused(format!("the log has {} entries; name one of them", reader.size())))?;
        return end_of(reader, last);
    }
    let at = Micros::parse_date(text).map_err(|error| refused(error.to_string()))?;
    // A day means all of it.
    let until = if text.len() == 10 { Micros(at.0 + super::words::DAY - 1) } else { at };
    last_until(reader, until)?.ok_or_else(|| refused(format!("the log began after {text}")))
}

/// When entry `index` was committed.
pub(crate) fn of_entry(desk: &Desk, index: u64) -> Result<Micros, Refusal> {
    end_of(desk.ledger().reader(), index).map(|moment| moment.at)
}

/// The commit that holds entry `index`.
fn end_of(reader: &Reader, index: u64) -> Result<Moment, Refusal> {
    let size = reader.commit_end(index)?;
    let seal = reader.entry(size.saturating_sub(1))?;
    let Entry::Seal(sealed) = &seal.entry else {
        return Err(Refusal::new(
            Code::Broken,
            format!("the commit of entry {index} does not end with a seal"),
        ));
    };
    Ok(Moment { size, at: sealed.seal.committed_at })
}

/// The last commit at `until` or before. Commit times never step back, so it is found by halving.
pub(crate) fn last_until(reader: &Reader, until: Micros) -> Result<Option<Moment>, Refusal> {
    let (mut known, mut below, mut end) = (None, 0, reader.size());
    while below < end {
        let moment = end_of(reader, below + (end - below) / 2)?;
        if moment.at <= until {
            known = Some(moment);
            below = moment.size;
        } else {
            end = below + (end - below) / 2;
        }
    }
    Ok(known)
}
