//! Looking at rules: their numbers now, and a record when one crosses its threshold, in either direction.
//!
//! Promises: what stands is read from the log, so that a start neither repeats nor loses a crossing; a number that is not known neither fires nor resolves a rule; a new
//! version is told of anew where its number is beyond. Must never: be waited for by a call, or stop one; take a look that failed for one that found nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tabellion_ledger::{LedgerError, RejectCode};
use tabellion_model::Micros;
use tabellion_model::body::{Body, RuleCrossing, RuleFired, RuleResolved, RuleVerdict};
use tabellion_views::Depth;
use tabellion_views::query::{RuleCrossingRow, RuleReading, RuleSaid, RuleVersion as Recorded};

use super::Desk;
use super::asking::all;
use super::noticing::noticed;
use super::rule_forms::Crossing;
use crate::refusal::Refusal;

/// How often rules are looked at: soon enough for a person, and rarer than the shortest window is long.
pub const RULES_EVERY: Duration = Duration::from_secs(30);
/// Without a look that came to its end for so long, looking at rules counts as failing, and no number of a look of before is shown: ten minutes, longer than
/// the longest look takes with the pause behind it.
const STALE_US: u64 = 10 * 60 * 1_000_000;
/// Crossings that are shown of a rule, the newest.
const MAX_SHOWN: u64 = 50;

/// What the last looks came to. Nothing that is recorded depends on it.
#[derive(Default)]
pub(crate) struct Looked {
    kept: Mutex<Kept>,
    setting: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    /// When a look at all rules last came to its end.
    at: Option<Micros>,
    /// Whether the last one did not.
    failed: bool,
    /// By rule: the version that was looked at, and what was found.
    readings: BTreeMap<String, (u64, RuleReading)>,
}

impl Looked {
    /// Held while a rule is set.
    pub(super) fn setting(&self) -> MutexGuard<'_, ()> {
        self.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many rules stand how, for `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RuleCounts {
    /// In force.
    pub(crate) in_force: u64,
    /// Of these, fired and not resolved.
    pub(crate) fired: u64,
    /// Of these, those whose number is not known, fired or not.
    pub(crate) unknown: u64,
    /// Whether looking at them fails, or has not been done for a while.
    pub(crate) failing: bool,
}

/// Crossings of a rule, newest first.
pub(super) struct Crossings {
    /// Those of the rule that has the name now.
    pub(super) own: Vec<RuleCrossingRow>,
    /// All of them, as they are shown.
    pub(super) shown: Vec<Crossing>,
    /// The version of their stream.
    step: u64,
}

impl Desk {
    /// Looks at every rule and records what crossed its threshold. Gives how many did. A rule that cannot be looked at keeps no other from it.
    pub fn look_at_rules(&self) -> Result<usize, Refusal> {
        let looked = self.look_at_all();
        let mut kept = self.looked.kept();
        kept.failed = looked.is_err();
        if looked.is_ok() {
            kept.at = Some(self.now());
        }
        looked
    }

    fn look_at_all(&self) -> Result<usize, Refusal> {
        self.check_present()?;
        self.refresh()?;
        let (mut readings, mut recorded, mut failed) = (BTreeMap::new(), 0, None);
        for row in all(|page| self.views.rules(page))? {
            let Some(said) = row.said.as_ref().filter(|_| !row.ended) else { continue };
            match self.look_at(&row, said) {
                Ok((reading, has_crossed)) => {
                    readings.insert(row.name.clone(), (row.version, reading));
                    recorded += usize::from(has_crossed);
                }
                Err(refusal) => failed = failed.or(Some(refusal)),
            }
        }
        self.looked.kept().readings = readings;
        failed.map_or(Ok(recorded), Err)
    }

    /// The number of a rule now, and whether its crossing was recorded.
    fn look_at(&self, row: &Recorded, said: &RuleSaid) -> Result<(RuleReading, bool), Refusal> {
        let reading = self.views.rule_reading(&said.test, self.window_end())?;
        let crossings = self.crossings_of(row)?;
        let standing = crossings.own.first().filter(|crossing| crossing.fired);
        let fires = match (reading.verdict(&said.test), standing) {
            (RuleVerdict::Beyond, None) => true,
            // Another version is another threshold, or another number. What was erased is not told of anew.
            (RuleVerdict::Beyond, Some(fired)) => {
                fired.said.is_some_and(|before| before.version != row.version)
            }
            _ => false,
        };
        let resolves = reading.verdict(&said.test) == RuleVerdict::Within && standing.is_some();
        let Some(low) = reading.low.filter(|_| fires || resolves) else { return Ok((reading, false)) };
        let found = RuleCrossing {
            name: row.name.clone(),
            version: row.version,
            metric: said.test.metric,
            comparison: said.test.comparison,
            threshold: said.test.threshold,
            low,
            high: reading.high,
            observations: reading.observations,
            unknown: reading.unknown,
            from: reading.from,
            to: reading.to,
            size: reading.size,
        };
        let stream = format!("rule/{}/state", row.name);
        let recorded = if fires {
            self.append_rule_crossing(&RuleFired(found), stream, crossings.step)?
        } else {
            self.append_rule_crossing(&RuleResolved(found), stream, crossings.step)?
        };
        Ok((reading, recorded))
    }

    /// Whether it was recorded; false: something else was in between, and the next look sees it.
    fn append_rule_crossing<B: Body>(&self, body: &B, stream: String, step: u64) -> Result<bool, Refusal> {
        let draft = noticed(body, stream, Some(step))?;
        let appended = self.ledger.append_all(&[draft]);
        self.note(appended.as_ref().map(drop));
        match appended {
            Ok(acks) => {
                self.passed(&acks)?;
                Ok(true)
            }
            Err(LedgerError::Rejected { code: RejectCode::StreamConflict, .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The number of a rule: that of the last look, or else as it is now, or was then. None: the views of then have no calls.
    pub(super) fn rule_reading(
        &self,
        row: &Recorded,
        said: &RuleSaid,
    ) -> Result<Option<RuleReading>, Refusal> {
        if self.depth() != Depth::Everything {
            return Ok(None);
        }
        let kept = self.looked.kept().readings.get(&row.name).copied();
        let kept = kept.filter(|(version, reading)| {
            *version == row.version && self.now().since(reading.to) < STALE_US && self.then().is_none()
        });
        match kept {
            Some((_, reading)) => Ok(Some(reading)),
            None => Ok(Some(self.views.rule_reading(&said.test, self.window_end())?)),
        }
    }

    /// The first moment after what is committed.
    fn window_end(&self) -> Micros {
        Micros(self.now().0 + 1)
    }

    /// When a rule fired and resolved. What was told of a rule that had the name before is another's.
    pub(super) fn crossings_of(&self, row: &Recorded) -> Result<Crossings, Refusal> {
        let all = self.views.rule_crossings(&row.name, MAX_SHOWN)?;
        let step = all.first().map_or(0, |newest| newest.step);
        let shown = all.iter().map(Crossing::from).collect();
        let is_own = |crossing: &RuleCrossingRow| {
            crossing.entry > row.since_entry && crossing.said.is_none_or(|said| said.version > row.since)
        };
        Ok(Crossings { own: all.into_iter().filter(is_own).collect(), shown, step })
    }

    /// How many rules stand how, of all.
    pub(crate) fn rule_counts(&self) -> Result<RuleCounts, Refusal> {
        let mut counts = RuleCounts::default();
        let now = self.now();
        let (at, failed, readings) = {
            let kept = self.looked.kept();
            (kept.at, kept.failed, kept.readings.clone())
        };
        for row in all(|page| self.views.rules(page))?.iter().filter(|row| !row.ended) {
            counts.in_force += 1;
            let has_fired = self.crossings_of(row)?.own.first().is_some_and(|crossing| crossing.fired);
            counts.fired += u64::from(has_fired);
            let reading = readings.get(&row.name).filter(|(version, _)| *version == row.version);
            let verdict =
                row.said.as_ref().zip(reading).map(|(said, (_, reading))| reading.verdict(&said.test));
            counts.unknown += u64::from(verdict.is_none_or(|verdict| verdict == RuleVerdict::Unknown));
        }
        counts.failing = counts.in_force > 0 && (failed || at.is_none_or(|at| now.since(at) > STALE_US));
        Ok(counts)
    }
}
