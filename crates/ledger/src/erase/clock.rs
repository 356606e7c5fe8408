//! Whether this machine's clock may be believed before content goes by it.
//!
//! Promises: by rule nothing goes while there is a stretch of more than [`MAX_UNSEEN`] up to now in which nothing was recorded, unless somebody else than the clock vouches
//! for its end: an anchor, a witness, or a person who gives a reason, which is recorded; that something waits is recorded once for each such stretch. A clock that was set far ahead shows as one, whatever was recorded
//! under it since. Must never: take a commit's time for evidence of itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tabellion_model::body::{Body as _, RetentionClockConfirmed, RetentionClockDoubted};
use tabellion_model::registry::{Facts, facts};
use tabellion_model::{Entry, Micros};
use tabellion_tlog::sha256;

use super::by_two::{By, shown_fields};
use crate::anchor::{Job, JobState, Outbox, OutboxError, job_names};
use crate::commit::Ack;
use crate::draft::{Draft, malformed};
use crate::error::{LedgerError, RejectCode};
use crate::ledger::Ledger;
use crate::reader::Reader;
use crate::vault::EVIDENCE_CLASS;

/// Longest time between two commits, or since the last of them, after which the clock is still believed: more than a month's holidays, less than what a wrong year or a wrong month
/// costs content that is kept by whole months.
pub const MAX_UNSEEN: Duration = Duration::from_hours(40 * 24);
/// Newest confirmed checkpoints of each anchor that are asked for their times.
const MAX_ANCHORS_ASKED: usize = 64;
/// Longest reason that is recorded with a confirmation, in bytes.
const MAX_REASON_BYTES: usize = 1_000;

/// A stretch of time that only the clock says has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDoubt {
    /// Up to here others vouch, or commits follow each other.
    pub from: Micros,
    /// The next that is known of: the time of a commit, or what the clock says now.
    pub to: Micros,
    /// What the clock says.
    pub now: Micros,
}

impl std::fmt::Display for ClockDoubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Days: the same doubt is said in the same words all day.
        let [from, to, now] = [self.from, self.to, self.now].map(|time| {
            let text = time.to_string();
            text.split_once('T').map_or(text.clone(), |(day, _)| day.to_owned())
        });
        write!(
            f,
            "this machine's clock says {now}, and nothing but the clock says that the time from {from} to {to} has passed: nothing was recorded in it, and no anchor or witness vouches for later. If the clock \
             is wrong, set it right; if it is right, say so: tabellion retain --clock-is-right REASON. Nothing was erased"
        )
    }
}

impl Reader {
    /// Why the clock is not to be believed for what destroys content by its time; `None`: it is.
    pub fn clock_doubt(&self) -> Result<Option<ClockDoubt>, LedgerError> {
        let now = self.shared.clock.now();
        let most = u64::try_from(MAX_UNSEEN.as_micros()).unwrap_or(u64::MAX);
        let Some(first) = self.commit(0)? else { return Ok(None) };
        let noted = [&self.shared.clock_seen, &self.shared.outside_time];
        let noted = noted.map(|time| Micros(time.load(Ordering::Acquire)));
        let known = self.clock_confirmed()?.into_iter().chain(noted).chain([first.committed_at]);
        let start = known.max().unwrap_or_default();
        let mut doubt = self.unseen(start, now, most)?;
        if doubt.is_some()
            && let Some(anchored) = self.newest_anchored()?.filter(|time| *time > start)
        {
            doubt = self.unseen(anchored, now, most)?;
        }
        if doubt.is_none() {
            self.shared.clock_seen.fetch_max(now.0, Ordering::AcqRel);
        }
        Ok(doubt)
    }

    /// Up to when others than this machine's clock say that time has passed, `from` at least.
    pub(crate) fn vouched(&self, from: Micros) -> Result<Micros, LedgerError> {
        let outside = Micros(self.shared.outside_time.load(Ordering::Acquire));
        let known = [self.clock_confirmed()?, self.newest_anchored()?].into_iter().flatten();
        Ok(known.chain([outside, from]).max().unwrap_or(from))
    }

    /// The first stretch without a commit, from `start` to `now`, that is longer than `most` microseconds.
    pub(crate) fn unseen(
        &self,
        start: Micros,
        now: Micros,
        most: u64,
    ) -> Result<Option<ClockDoubt>, LedgerError> {
        let all = self.commits_below(self.size());
        let mut reached = start;
        while now.since(reached) > most {
            // As far as one step leads: a look for each step, and none at the commits between.
            let next = self.first_after(Micros(reached.0.saturating_add(most)), all)?;
            let last = match next.checked_sub(1) {
                Some(last) => self.commit(last)?.map(|commit| commit.committed_at),
                None => None,
            };
            let Some(last) = last.filter(|last| *last > reached) else {
                let to = self.commit(next)?.map_or(now, |commit| commit.committed_at.min(now));
                return Ok(Some(ClockDoubt { from: reached, to, now }));
            };
            reached = last;
        }
        Ok(None)
    }

    /// The number of the first of the first `all` commits that is later than `at`. Commit times never step back.
    fn first_after(&self, at: Micros, all: u64) -> Result<u64, LedgerError> {
        let (mut low, mut high) = (0, all);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.commit(middle)? {
                Some(commit) if commit.committed_at <= at => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// What a person last said the time was.
    fn clock_confirmed(&self) -> Result<Option<Micros>, LedgerError> {
        let records = self.state().clock_records.clone();
        for index in records.iter().rev() {
            let fields = shown_fields(&self.entry(*index)?);
            if let Ok(said) = RetentionClockConfirmed::read(fields) {
                return Ok(Some(Micros(said.clock)));
            }
        }
        Ok(None)
    }

    /// The latest time that an anchor's evidence cannot be older than.
    fn newest_anchored(&self) -> Result<Option<Micros>, LedgerError> {
        let unreadable = |error: OutboxError| LedgerError::Unavailable(error.to_string());
        let mut jobs = job_names(self.shared.disk.as_ref()).map_err(unreadable)?;
        jobs.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let mut newest = None;
        for (name, size) in jobs.into_iter().take(MAX_ANCHORS_ASKED) {
            // One that cannot be read, or of which the log does not say that its evidence was checked, vouches for nothing.
            let outbox = Outbox::new(Arc::clone(&self.shared.disk), &name);
            let Ok(job) = outbox.job(size) else { continue };
            if self.is_on_record(&outbox, &job) {
                newest = newest.max(job.time.map(|time| Micros(time.earliest)));
            }
        }
        Ok(newest)
    }

    /// Whether the log has the record that this very evidence confirmed the checkpoint. A file beside the log can be written by hand, and come from a backup.
    fn is_on_record(&self, outbox: &Outbox, job: &Job) -> bool {
        let facts = job.record.and_then(|index| self.entry(index).ok()).and_then(|view| match &view.entry {
            Entry::Record(record) => facts(&record.header).ok().flatten(),
            _ => None,
        });
        let Some(Facts::AnchorConfirmed(confirmed)) = facts else { return false };
        let evidence = outbox.evidence(job).ok().map(|bytes| sha256(&bytes));
        job.state == JobState::Confirmed
            && confirmed.size == job.size
            && evidence == Some(confirmed.evidence_sha256)
    }
}

impl Ledger {
    /// Takes note of a time that somebody else's clock vouches for, a witness's for instance. The caller has checked who it is.
    pub fn note_outside_time(&self, time: Micros) {
        self.shared.outside_time.fetch_max(time.0, Ordering::AcqRel);
    }

    /// Puts on record that the clock is right, for `reason`: what waited because of it goes from now on.
    pub fn confirm_clock(&self, reason: &str) -> Result<Ack, LedgerError> {
        self.confirm_clock_by(reason, &By::default())
    }

    /// The same, with the account of the operating system that whoever says so has.
    pub fn confirm_clock_by(&self, reason: &str, by: &By) -> Result<Ack, LedgerError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(malformed(format!("give a reason of 1 to {MAX_REASON_BYTES} bytes: it is recorded")));
        }
        let clock = self.shared.clock.now().0;
        let body = RetentionClockConfirmed { clock, reason: reason.to_owned(), account: by.account_said()? };
        let fields = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        self.append_one_own(&clock_record(RetentionClockConfirmed::TYPE, fields))
    }

    /// Refuses where the clock is in doubt, and puts that on record, once for each doubt.
    pub(super) fn check_clock(&self) -> Result<(), LedgerError> {
        let Some(doubt) = self.reader().clock_doubt()? else { return Ok(()) };
        if let Err(fatal @ LedgerError::Fatal(_)) = self.record_doubt(&doubt) {
            return Err(fatal);
        }
        Err(LedgerError::rejected(RejectCode::ClockInDoubt, doubt.to_string()))
    }

    fn record_doubt(&self, doubt: &ClockDoubt) -> Result<(), LedgerError> {
        let newest = self.state().clock_records.last().copied();
        let known = match newest {
            Some(index) => RetentionClockDoubted::read(shown_fields(&self.reader().entry(index)?)).ok(),
            None => None,
        };
        if known.is_some_and(|known| known.from == doubt.from.0) {
            return Ok(());
        }
        let body = RetentionClockDoubted { from: doubt.from.0, to: doubt.to.0, clock: doubt.now.0 };
        let fields = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        self.append_one_own(&clock_record(RetentionClockDoubted::TYPE, fields)).map(|_| ())
    }
}

fn clock_record(record_type: &str, body: serde_json::Map<String, serde_json::Value>) -> Draft {
    let mut draft = Draft::new(record_type);
    draft.assurance = Some("observed".to_owned());
    draft.retention = Some(EVIDENCE_CLASS.to_owned());
    draft.body = body;
    draft
}
