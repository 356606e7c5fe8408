//! An export held against the calls, put on record once, and what it shows past the gateway.

use std::cmp::Reverse;

use tabellion_ledger::{Draft, DraftStream, LedgerError, RejectCode};
use tabellion_model::Micros;
use tabellion_model::body::{Body as _, FindingKind, UsageReconciled, UsageReported};
use tabellion_model::usage::{Amounts, Comparison, Lane, Verdict, Wanted, compare, off_gateway};
use tabellion_tlog::leaf_hash;
use tabellion_views::query::{MAX_LANES, Reference, UsageReportRow};

use super::whole_days;
use crate::refusal::{Code, Refusal};
use crate::work::Desk;
use crate::work::asking::parent;
use crate::work::findings::Found;
use crate::work::writing::GOVERNANCE_RETENTION;

/// Most findings that one export opens, those of the largest differences: an export of another organisation's account would open one for each of its models. The
/// comparison says how many there are.
const MAX_FOUND: usize = 50;
/// What a comparison is to its export.
const REPORT: &str = "report";

/// What stands beside the verdicts of a comparison.
struct Counts {
    /// Accounts and models with traffic off the gateway.
    past: u64,
    /// Calls of the time without an end.
    open: u64,
    /// Whether the export was not compared before.
    is_first: bool,
}

impl Desk {
    /// Compares every export that is on record without a comparison, as one is after the process ended in between, and again those of whose time calls have ended
    /// that had no end when they were compared. Gives how many.
    pub fn reconcile_usage(&self) -> Result<usize, Refusal> {
        self.refresh()?;
        let mut due = self.views.usage_reports_due()?;
        due.extend(self.views.usage_reports_settled(self.now())?);
        for row in &due {
            self.reconcile(row)?;
        }
        Ok(due.len())
    }

    /// Opens a finding for traffic off the gateway, and puts on record what the comparison came to. Nothing for an export that was erased.
    pub(super) fn reconcile(&self, row: &UsageReportRow) -> Result<(), Refusal> {
        let Some(said) = &row.said else { return Ok(()) };
        // Before the calls themselves: one that ends in between is looked at once more, and none is missed.
        let (from, until) = whole_days(said.from, said.until);
        let open = self.views.usage_calls_open(from, until)?;
        let comparison = self.compared(said)?;
        let mut past = off_gateway(&comparison);
        past.sort_by_key(|line| {
            let Amounts { requests, input, output } = line.beyond;
            Reverse((requests, input.saturating_add(output)))
        });
        // Another export stands in its place, perhaps with other accounts: findings are opened from that one.
        let is_superseded = self.newest_usage(said)?.is_some_and(|newest| newest != row.record_id);
        let most = if is_superseded { 0 } else { MAX_FOUND };
        for line in past.iter().take(most) {
            self.open_finding(&Found {
                kind: FindingKind::OffGateway,
                provider: Some(said.provider.clone()),
                account: line.account.clone(),
                model: Some(line.model.clone()),
                window: Some((said.from, said.until)),
                beyond: Some(line.beyond),
                money: None,
                cause: row.record_id,
            })?;
        }
        let before = self.views.usage_comparison(&row.record_id)?;
        let is_news = match &before {
            None => true,
            Some(before) => {
                before.said.as_ref().is_some_and(|said| said.open.is_none_or(|before| open < before))
            }
        };
        if is_news {
            let counts = Counts { past: past.len() as u64, open, is_first: before.is_none() };
            self.append_comparison(row, said, &comparison, &counts)?;
        }
        Ok(())
    }

    /// The comparison as it is now.
    pub(super) fn compared(&self, said: &UsageReported) -> Result<Comparison, Refusal> {
        let lanes = self.usage_lanes(said)?;
        let wanted = Wanted {
            cells: &said.cells,
            covered: &said.covered,
            accounts: &said.accounts,
            log_from: self.log_from()?,
            tolerance_per_mille: said.tolerance_per_mille,
        };
        Ok(compare(&wanted, &lanes))
    }

    /// What went to providers in the window of an export.
    pub(super) fn usage_lanes(&self, said: &UsageReported) -> Result<Vec<Lane>, Refusal> {
        let (from, until) = whole_days(said.from, said.until);
        let lanes = self.views.usage_lanes(from, until, self.now())?;
        if lanes.len() >= MAX_LANES {
            // A comparison that leaves calls out would find traffic that went through.
            let what =
                format!("the window has {MAX_LANES} kinds of calls or more; export fewer days at once");
            return Err(Refusal::at(Code::Malformed, "/content", what));
        }
        Ok(lanes)
    }

    /// When the log began.
    fn log_from(&self) -> Result<Micros, Refusal> {
        let first = self.ledger.reader().entry(0)?;
        let header = first.entry.header();
        header
            .map(|header| header.observed_at)
            .ok_or_else(|| Refusal::new(Code::Broken, "the first entry of the log is no record"))
    }

    fn append_comparison(
        &self,
        row: &UsageReportRow,
        said: &UsageReported,
        comparison: &Comparison,
        counts: &Counts,
    ) -> Result<(), Refusal> {
        let count = |verdict| comparison.days.iter().filter(|day| day.verdict == verdict).count() as u64;
        let body = UsageReconciled {
            provider: said.provider.clone(),
            size: self.ledger.reader().size(),
            agrees: count(Verdict::Agrees),
            more_there: count(Verdict::MoreThere),
            more_here: count(Verdict::MoreHere),
            not_comparable: count(Verdict::NotComparable),
            off_gateway: counts.past,
            open: Some(counts.open),
        };
        let mut draft = Draft::new(UsageReconciled::TYPE);
        draft.body = body.fields().map_err(|fault| Refusal::new(Code::Broken, fault.to_string()))?;
        draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
        let stream = format!("usage/{}/reconciled", said.provider);
        draft.stream = Some(DraftStream { name: stream, expected: None });
        draft.assurance = Some("observed".to_owned());
        // Fewer are open each time, so each look has a key of its own, also after a restart.
        let again = if counts.is_first { String::new() } else { format!("/{}", counts.open) };
        draft.idempotency_key = Some(format!("usage-reconciled/{}{again}", row.record_id));
        let hash = leaf_hash(&self.ledger.reader().entry(row.entry)?.bytes);
        let report = Reference { entry: row.entry, record_id: row.record_id, hash };
        draft.parents = vec![parent(&report, REPORT)];
        let appended = self.ledger.append_all(&[draft]);
        self.note(appended.as_ref().map(drop));
        match appended {
            Ok(acks) => self.passed(&acks).map(drop),
            // Compared before, at another size of the log.
            Err(LedgerError::Rejected {
                code: RejectCode::IdempotencyConflict | RejectCode::IdempotencyErased,
                ..
            }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
