//! What guards came to: calls by how they ended with their guards, and looks by guard, version and side.
//!
//! Promises: what was not looked at, what is erased and what has no end stand apart from what was looked at and passed. Its time grows with the calls of the
//! window asked for. Must never: count a call twice in one row, or take silence for a pass.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use tabellion_model::SystemId;
use tabellion_model::body::{AwaitedLook, EnrichedSide, GuardOutcome};

use super::assessments::look;
use super::calls::ASKS_A_MODEL;
use super::spend::SpendFilter;
use super::{Where, bytes};
use crate::error::ViewsError;
use crate::projection::calls::state;
use crate::values::{number, optional_id};
use crate::views::Views;

/// Most groups of calls of one answer; one with so many may leave some out.
pub const MAX_GUARD_GROUPS: usize = 10_000;

/// What a guard looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardSide {
    /// The prompt.
    Prompt,
    /// The answer.
    Answer,
}

/// How often each outcome came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutcomeCounts {
    /// Looked at, and nothing found.
    pub passed: u64,
    /// Found something, and let go on.
    pub flagged: u64,
    /// Found something, and stopped.
    pub blocked: u64,
    /// Could not look, and stopped for it.
    pub errored: u64,
    /// Did not look.
    pub not_run: u64,
}

/// Calls of one system by what came of their guards. Every call stands in one count: in that of the gravest outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuardedCalls {
    /// Calls.
    pub calls: u64,
    /// Calls on which no guard says anything: none was for them, or they were denied before.
    pub without: u64,
    /// The others; passed: every guard looked at all and found nothing; not run: at least one did not look, or the call has no end.
    pub outcomes: OutcomeCounts,
    /// Calls of which what guards said was erased.
    pub erased: u64,
}

/// Looks of one guard in one version at one side, of one system's calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuardKey {
    /// The system.
    pub system: Option<SystemId>,
    /// The guard's name.
    pub guard: String,
    /// Its version.
    pub version: String,
    /// What it looked at.
    pub side: GuardSide,
}

/// What guards came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuardReport {
    /// Calls, by system.
    pub calls: BTreeMap<Option<SystemId>, GuardedCalls>,
    /// Looks, by guard.
    pub guards: BTreeMap<GuardKey, OutcomeCounts>,
    /// Groups of calls that were added up.
    pub groups: usize,
}

impl OutcomeCounts {
    /// All of them.
    pub fn sum(self) -> u64 {
        self.passed + self.flagged + self.blocked + self.errored + self.not_run
    }

    fn of(&mut self, outcome: GuardOutcome) -> &mut u64 {
        match outcome {
            GuardOutcome::Passed => &mut self.passed,
            GuardOutcome::Flagged => &mut self.flagged,
            GuardOutcome::Blocked => &mut self.blocked,
            GuardOutcome::Errored => &mut self.errored,
            GuardOutcome::NotRun => &mut self.not_run,
        }
    }
}

/// What guards said of a call when it was over.
const ASSESSED: &str =
    "(SELECT coalesce(said, '!') FROM assessments WHERE assessments.call = calls.record_id)";
/// In place of it, that it was erased.
const GONE: &str = "!";

/// Calls that are alike in all that is counted.
struct Group {
    system: Option<SystemId>,
    state: i64,
    asked_gone: bool,
    ended_gone: bool,
    asked: Option<String>,
    ended: Option<String>,
    /// The looks that guards take when it is over.
    awaited: Option<String>,
    /// What they said; none: nothing yet.
    assessed: Option<String>,
    calls: u64,
}

impl Views {
    /// What guards came to on the calls that `filter` lets through.
    pub fn guard_report(&self, filter: &SpendFilter) -> Result<GuardReport, ViewsError> {
        let mut wanted = Where::default();
        wanted.times("at", filter.from, filter.to).only(ASKS_A_MODEL);
        if let Some(systems) = &filter.systems {
            let list = systems.iter().map(|system| {
                wanted.values.push(Value::Blob(bytes(*system)));
                format!("?{}", wanted.values.len())
            });
            let list: Vec<String> = list.collect();
            wanted.only(&format!("system IN ({})", list.join(", ")));
        }
        let source = format!("calls{}", wanted.sql());
        self.ask(|db| Ok(report(db, &source, wanted.values)?))
    }
}

/// What guards came to on the calls of `source`, what stands behind FROM.
pub(super) fn report(db: &Connection, source: &str, values: Vec<Value>) -> rusqlite::Result<GuardReport> {
    let sql = format!(
        "SELECT system, state, asked_unit IS NULL AS asked_gone, ended_unit IS NULL AS ended_gone, asked_guards, ended_guards,
        after_guards, CASE WHEN after_guards IS NOT NULL OR asked_unit IS NULL THEN {ASSESSED} END AS assessed,
        count(*) AS calls FROM {source} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 LIMIT {MAX_GUARD_GROUPS}"
    );
    let mut select = db.prepare_cached(&sql)?;
    let groups = select.query_map(params_from_iter(values), group)?;
    let mut report = GuardReport::default();
    for group in groups {
        report.take(&group?);
    }
    Ok(report)
}

fn group(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        system: optional_id(row, "system")?,
        state: row.get("state")?,
        asked_gone: row.get("asked_gone")?,
        ended_gone: row.get("ended_gone")?,
        asked: row.get("asked_guards")?,
        ended: row.get("ended_guards")?,
        awaited: row.get("after_guards")?,
        assessed: row.get("assessed")?,
        calls: number(row, "calls")?,
    })
}

impl Group {
    /// What guards came to that look when a call is over; one that said nothing yet did not look. None: what they said was erased.
    fn after(&self) -> Option<Vec<(AwaitedLook, GuardOutcome)>> {
        match (&self.awaited, self.assessed.as_deref()) {
            (_, Some(GONE)) => None,
            (_, Some(said)) => {
                Some(said.split(' ').filter(|word| !word.is_empty()).map(read_after).collect())
            }
            (Some(awaited), None) => {
                Some(awaited.split(' ').map(|word| (look(word), GuardOutcome::NotRun)).collect())
            }
            (None, None) => Some(Vec::new()),
        }
    }
}

impl GuardReport {
    /// Calls of all systems together.
    pub fn all(&self) -> GuardedCalls {
        let mut all = GuardedCalls::default();
        for of_system in self.calls.values() {
            all.calls += of_system.calls;
            all.without += of_system.without;
            all.erased += of_system.erased;
            all.outcomes.passed += of_system.outcomes.passed;
            all.outcomes.flagged += of_system.outcomes.flagged;
            all.outcomes.blocked += of_system.outcomes.blocked;
            all.outcomes.errored += of_system.outcomes.errored;
            all.outcomes.not_run += of_system.outcomes.not_run;
        }
        all
    }

    fn take(&mut self, group: &Group) {
        self.groups += 1;
        let mut gravest = None;
        for (side, said) in [(GuardSide::Prompt, &group.asked), (GuardSide::Answer, &group.ended)] {
            for word in said.iter().flat_map(|said| said.split(' ')) {
                let (guard, version, outcome) = read(word);
                let key = GuardKey { system: group.system, guard, version, side };
                *self.guards.entry(key).or_default().of(outcome) += group.calls;
                gravest = gravest.max(Some(gravity(outcome)));
            }
        }
        let after = group.after();
        for (look, outcome) in after.iter().flatten() {
            let side = if look.side == EnrichedSide::Answer { GuardSide::Answer } else { GuardSide::Prompt };
            let (guard, version) = (look.guard.clone(), look.version.clone());
            let key = GuardKey { system: group.system, guard, version, side };
            *self.guards.entry(key).or_default().of(*outcome) += group.calls;
            gravest = gravest.max(Some(gravity(*outcome)));
        }
        let counts = self.calls.entry(group.system).or_default();
        counts.calls += group.calls;
        let is_gone =
            group.asked_gone || group.state == state::COMPLETED && group.ended_gone || after.is_none();
        let has_end = group.state == state::COMPLETED || group.state == state::DENIED;
        let count = match gravest.map(of_gravity) {
            // What is erased may have been graver than what is left.
            None | Some(GuardOutcome::Passed | GuardOutcome::NotRun) if is_gone => &mut counts.erased,
            None => &mut counts.without,
            Some(GuardOutcome::Passed) if !has_end => counts.outcomes.of(GuardOutcome::NotRun),
            Some(outcome) => counts.outcomes.of(outcome),
        };
        *count += group.calls;
    }
}

/// One word of the column (`projection/calls.rs`); one that cannot be read tells of a guard that did not look.
fn read(word: &str) -> (String, String, GuardOutcome) {
    let (name, outcome) = word.rsplit_once('=').unwrap_or((word, ""));
    let (guard, version) = name.split_once('@').unwrap_or((name, ""));
    let outcome = serde_json::from_value(outcome.into()).unwrap_or(GuardOutcome::NotRun);
    (guard.to_owned(), version.to_owned(), outcome)
}

/// The same of a word of what guards said after the call (`projection/assessments.rs`).
fn read_after(word: &str) -> (AwaitedLook, GuardOutcome) {
    let (name, outcome) = word.rsplit_once('=').unwrap_or((word, ""));
    (look(name), serde_json::from_value(outcome.into()).unwrap_or(GuardOutcome::NotRun))
}

/// The outcomes, the least grave first.
const BY_GRAVITY: [GuardOutcome; 5] = [
    GuardOutcome::Passed,
    GuardOutcome::NotRun,
    GuardOutcome::Flagged,
    GuardOutcome::Errored,
    GuardOutcome::Blocked,
];

fn gravity(outcome: GuardOutcome) -> usize {
    BY_GRAVITY.iter().position(|known| *known == outcome).unwrap_or_default()
}

fn of_gravity(gravity: usize) -> GuardOutcome {
    BY_GRAVITY.get(gravity).copied().unwrap_or(GuardOutcome::NotRun)
}
