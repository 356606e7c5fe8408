//! How the views are asked.
//!
//! Promises: an answer after [`Desk::refresh`] knows everything that was committed before it, and so does the gateway. Must never: keep an
//! answer.

use std::time::{Duration, Instant};

use tabellion_ledger::DraftParent;
use tabellion_model::RecordId;
use tabellion_views::query::{MAX_ROWS, Page, Reference as Parent, Rows};
use tabellion_views::{ViewsError, WaitError};

use super::Desk;
use super::forms::Reference;
use crate::refusal::{Code, Refusal};

/// Longest wait for the views to pass a position, when nobody says otherwise; catching up takes milliseconds.
pub const VIEWS_WITHIN: Duration = Duration::from_secs(5);

/// Longest wait for the views before a change is recorded that takes authority away: somebody is waiting for a key to stop working.
const TAKING_WITHIN: Duration = Duration::from_secs(1);

/// How long the gateway's snapshot may stand still before nobody is judged by it: the gateway's own default.
pub(super) const MOST_LAG: Duration = Duration::from_secs(2);

impl Desk {
    /// Whether the gateway's snapshot may be judged by without waiting: it is moving, or has not stood still for long. To be asked now and then also when
    /// nobody is judged, so that standing still is noticed when it begins.
    pub(crate) fn is_up_to_date(&self) -> bool {
        // The size first: a snapshot taken before it could look older than it is.
        let size = self.ledger.reader().size();
        self.lag.is_fresh(self.views.gate_now().position, size, Instant::now())
    }

    /// Waits until the views have passed what is committed now.
    pub fn refresh(&self) -> Result<(), Refusal> {
        let behind = |error: WaitError| Refusal::new(Code::Unavailable, error.to_string());
        self.wait_for(self.ledger.reader().size()).map_err(behind)
    }

    /// The same for a change that only takes authority away, as far as it goes: views that stand still are no reason not to record it. It is then
    /// decided on what they knew last, and the gateway, which denies everything meanwhile, obeys it before it lets anybody through again.
    pub fn refresh_for_taking(&self) -> bool {
        let until = Instant::now() + TAKING_WITHIN.min(self.tools.views_within);
        self.views.wait_for(self.ledger.reader().size(), until).is_ok()
    }

    /// Waits until the views have passed `position`, a log size.
    pub(super) fn wait_for(&self, position: u64) -> Result<(), WaitError> {
        self.views.wait_for(position, Instant::now() + self.tools.views_within)
    }

    /// The record at `entry`.
    pub(super) fn reference(&self, entry: u64) -> Result<Reference, Refusal> {
        let view = self.ledger.reader().entry(entry)?;
        let record_id = view.entry.header().map(|header| header.record_id).ok_or_else(|| {
            Refusal::new(Code::Broken, format!("the views take entry {entry} for a record, and it is a seal"))
        })?;
        Ok(refer(entry, record_id))
    }
}

/// A record by its place.
pub(super) fn refer(index: u64, record_id: RecordId) -> Reference {
    Reference { index, record_id: record_id.to_hex() }
}

/// A record as a parent in `role`.
pub(super) fn parent(of: &Parent, role: &str) -> DraftParent {
    DraftParent { hash: of.hash.to_hex(), record_id: of.record_id.to_hex(), role: role.to_owned() }
}

/// A list as a whole. For what an organisation has hundreds of; calls are given by pages.
pub(super) fn all<T>(ask: impl Fn(Page) -> Result<Rows<T>, ViewsError>) -> Result<Vec<T>, ViewsError> {
    let mut page = Page { before: None, limit: MAX_ROWS };
    let mut all = Vec::new();
    loop {
        let some = ask(page)?;
        all.extend(some.rows);
        if some.next.is_none() {
            return Ok(all);
        }
        page.before = some.next;
    }
}
