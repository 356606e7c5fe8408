//! The views as they were at an earlier log size: folded in memory, asked like the present ones.
//!
//! Promises: what was erased since is gone from them too, also from those that are kept; they are of one size and never change. Must never: write a
//! file; fold more than [`PAST_ENTRIES`] entries for one look.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};
use tabellion_model::Micros;
use tabellion_model::register::Registers;
use tabellion_model::status::facts::Facts;

use crate::database;
use crate::error::ViewsError;
use crate::fold;
use crate::query::facts;
use crate::read;
use crate::values::{int, number, time};
use crate::views::Views;

/// Most entries that are folded for one look at the past, so that a page takes less than two seconds of one core. In seconds of processor, in the development
/// profile: 1.5 for all of a log of 12,500 calls, 1.2 for 8,300 register items with their acts, 1.7 for as many changes in a longer log; 1.8 for the chart of
/// how statuses stood at eleven moments of those items (`views back` of bench/ measures it).
pub const PAST_ENTRIES: u64 = 50_000;
/// Pasts that are kept: a reader goes from page to page as of one moment, and compares it with another.
const KEPT: usize = 2;

/// What a past can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything that the present views can.
    Everything,
    /// Systems, keys, policies, people, registers and the Statement of Applicability: the streams that people change. Calls are not in it.
    Changes,
}

/// The views of an earlier size.
#[derive(Clone)]
pub struct Past {
    /// The views.
    pub views: Arc<Views>,
    /// What they can say.
    pub depth: Depth,
}

/// One past that is kept, with how often content had been blanked when it was folded.
struct KeptPast {
    size: u64,
    blanked: u64,
    past: Past,
}

/// Pasts that were asked for lately, the newest last.
#[derive(Default)]
pub(crate) struct Pasts(Mutex<Vec<KeptPast>>);

impl Views {
    /// The views at `size`, the end of a commit, folded from at most `most` entries ([`PAST_ENTRIES`]); `None` when even what people changed until then is
    /// more than that. To be asked once these views have passed every erasure that matters ([`Self::wait_for`]). One at a time: the next waits and perhaps
    /// finds it done.
    pub fn past(&self, size: u64, most: u64) -> Result<Option<Past>, ViewsError> {
        let mut pasts = self.shared().pasts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let blanked = self.shared().times_blanked();
        pasts.retain(|kept| kept.blanked == blanked);
        if let Some(place) = pasts.iter().position(|kept| kept.size == size) {
            let kept = pasts.remove(place);
            let past = kept.past.clone();
            pasts.push(kept);
            return Ok(Some(past));
        }
        let Some(past) = self.fold_past(size, most)? else { return Ok(None) };
        if pasts.len() >= KEPT {
            pasts.remove(0);
        }
        pasts.push(KeptPast { size, blanked, past: past.clone() });
        Ok(Some(past))
    }

    /// What the rules look at, as it stood at each of `sizes` (ends of commits, ascending), with the time of each; folded in one go from at most `most` entries.
    /// `None`: the log was longer.
    pub fn facts_over(
        &self,
        sizes: &[u64],
        registers: &Registers,
        most: u64,
    ) -> Result<Option<Vec<(Micros, Facts)>>, ViewsError> {
        if sizes.last().is_none_or(|last| *last > most) {
            return Ok(None);
        }
        let db = Connection::open_in_memory()?;
        let mut cursors = database::begin_in(&db, self.reader())?;
        let (mut begin, mut at, mut stood) = (0, Micros(0), Vec::new());
        for size in sizes {
            let tx = db.unchecked_transaction()?;
            read::batches(self.reader(), begin, *size, |batch| {
                at = batch.committed_at;
                fold::batch(&tx, &mut cursors, &batch).map(drop)
            })?;
            fold::save(&tx, &cursors)?;
            tx.commit()?;
            stood.push((at, facts::read(&db, self.reader(), registers, at, &mut facts::Kept::default())?));
            begin = *size;
        }
        Ok(Some(stood))
    }

    /// How often content was blanked here: whoever keeps what was folded throws it away when this rises.
    pub fn blanked(&self) -> u64 {
        self.shared().times_blanked()
    }

    fn fold_past(&self, size: u64, most: u64) -> Result<Option<Past>, ViewsError> {
        let db = Connection::open_in_memory()?;
        let mut cursors = database::begin_in(&db, self.reader())?;
        let tx = db.unchecked_transaction()?;
        let depth = if size <= most {
            read::batches(self.reader(), 0, size, |batch| fold::batch(&tx, &mut cursors, &batch).map(drop))?;
            Depth::Everything
        } else {
            let Some(changes) = self.changes_below(size, most)? else { return Ok(None) };
            for (entry, at) in changes {
                let Some(folded) = read::one(self.reader(), entry)? else { continue };
                fold::change(&tx, &folded, at, size)?;
            }
            Depth::Changes
        };
        fold::save(&tx, &cursors)?;
        tx.commit()?;
        Ok(Some(Past { views: Arc::new(Views::held(self.reader().clone(), db, size)), depth }))
    }

    /// The entries below `size` by which people changed something, oldest first; `None` when there are too many.
    fn changes_below(&self, size: u64, most: u64) -> Result<Option<Vec<(u64, Micros)>>, ViewsError> {
        let limit = int(most.saturating_add(1));
        let found = self.ask(|db| {
            let mut select =
                db.prepare_cached("SELECT entry, at FROM changes WHERE entry < ?1 ORDER BY entry LIMIT ?2")?;
            let rows = select
                .query_map(params![int(size), limit], |row| Ok((number(row, "entry")?, time(row, "at")?)))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        Ok((found.len() as u64 <= most).then_some(found))
    }
}
