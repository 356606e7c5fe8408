//! What guards came to: how many calls they stopped, let go on with a finding, passed, could not look at or did not look at.
//!
//! Must never: count what was not looked at, or what was erased, as passed; show what lies outside the reader's reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::{Micros, SystemId};
use tabellion_views::query::{
    GuardKey, GuardReport, GuardSide, GuardedCalls, MAX_GUARD_GROUPS, OutcomeCounts, SpendFilter,
};

use super::forms::{IdForm, Time};
use super::windows::check_kinds;
use super::{Actor, Desk};
use crate::console::csv;
use crate::permission::Permission;
use crate::refusal::Refusal;

/// The window when nobody names one, in days: a month.
const USUAL_DAYS: u64 = 31;
/// What shares are of: hundredths of a per cent.
const WHOLE: u64 = 10_000;

/// Which calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomesQuery {
    /// Of calls decided at or after; absent: 31 days before `to`.
    #[serde(default)]
    pub from: Option<Time>,
    /// Of calls decided before; absent: now.
    #[serde(default)]
    pub to: Option<Time>,
    /// Of this system alone.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
}

/// How often each outcome came, and its share in ten-thousandths of them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GuardOutcomeCounts")]
pub struct Counts {
    /// Looked at whole, and nothing found.
    pub passed: u64,
    /// Something was found, and the call went on.
    pub flagged: u64,
    /// Something was found, and the call was stopped: the guard did its work.
    pub blocked: u64,
    /// A guard could not look; the call was stopped for it unless the guard is set up otherwise.
    pub errored: u64,
    /// A guard did not look; never counted as passed.
    pub not_run: u64,
    /// Share that was flagged; null: there are none.
    #[schemars(range(max = 10_000))]
    pub flagged_per_10000: Option<u64>,
    /// Share that was blocked.
    #[schemars(range(max = 10_000))]
    pub blocked_per_10000: Option<u64>,
    /// Share that could not be looked at.
    #[schemars(range(max = 10_000))]
    pub errored_per_10000: Option<u64>,
    /// Share that was not looked at.
    #[schemars(range(max = 10_000))]
    pub not_run_per_10000: Option<u64>,
}

/// Calls of one system. Each stands in one of the counts: in that of the gravest outcome of all its guards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GuardedCalls")]
pub struct Calls {
    /// The system; null: none.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// Calls.
    pub calls: u64,
    /// Of these, calls on which no guard says anything: none was for them, or they were denied before one looked.
    pub without: u64,
    /// Of these, calls of which what guards said was erased.
    pub erased: u64,
    /// The others.
    pub outcomes: Counts,
}

/// Looks of one guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GuardLooks")]
pub struct Looks {
    /// Its name in the configuration.
    pub guard: String,
    /// What it does and with which settings.
    pub version: String,
    /// What it looked at.
    #[schemars(extend("enum" = ["prompt", "answer"]))]
    pub side: &'static str,
    /// The system whose calls they were; null: none.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// Looks: one for each call and side.
    pub looks: u64,
    /// What came of them.
    pub outcomes: Counts,
}

/// What guards came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "GuardOutcomes")]
pub struct Outcomes {
    /// Where the window begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// All calls together.
    pub all: Calls,
    /// By system.
    pub calls: Vec<Calls>,
    /// By system, guard, version and side.
    pub guards: Vec<Looks>,
}

impl Desk {
    /// What guards came to on calls within reach.
    pub fn guard_outcomes(&self, actor: &Actor, query: &OutcomesQuery) -> Result<Outcomes, Refusal> {
        let (from, to) = self.window(query.from, query.to, USUAL_DAYS)?;
        let systems = self.systems_asked_for(actor, Permission::ReadCalls, query.system)?;
        let report = self.views.guard_report(&SpendFilter { from: Some(from), to: Some(to), systems })?;
        check_kinds(report.groups, MAX_GUARD_GROUPS)?;
        Ok(shown(from, to, report))
    }

    /// Its guards as CSV, the heads first.
    pub fn guard_outcomes_csv(&self, actor: &Actor, query: &OutcomesQuery) -> Result<String, Refusal> {
        let heads = [
            "guard", "version", "side", "system", "looks", "passed", "flagged", "blocked", "errored",
            "not_run",
        ];
        let outcomes = self.guard_outcomes(actor, query)?;
        let rows: Vec<Vec<String>> = outcomes.guards.iter().map(cells).collect();
        let lines = rows.iter().map(|row| row.iter().map(String::as_str).collect());
        Ok(csv::write(std::iter::once(heads.to_vec()).chain(lines)))
    }
}

fn shown(from: Micros, to: Micros, report: GuardReport) -> Outcomes {
    Outcomes {
        from: Time(from),
        to: Time(to),
        all: calls_of(None, &report.all()),
        calls: report.calls.iter().map(|(system, of_system)| calls_of(*system, of_system)).collect(),
        guards: report.guards.into_iter().map(looks).collect(),
    }
}

fn calls_of(system: Option<SystemId>, of_system: &GuardedCalls) -> Calls {
    Calls {
        system: system.map(|system| system.to_hex()),
        calls: of_system.calls,
        without: of_system.without,
        erased: of_system.erased,
        outcomes: counts(of_system.outcomes),
    }
}

fn looks((key, outcomes): (GuardKey, OutcomeCounts)) -> Looks {
    Looks {
        guard: key.guard,
        version: key.version,
        side: match key.side {
            GuardSide::Prompt => "prompt",
            GuardSide::Answer => "answer",
        },
        system: key.system.map(|system| system.to_hex()),
        looks: outcomes.sum(),
        outcomes: counts(outcomes),
    }
}

fn counts(outcomes: OutcomeCounts) -> Counts {
    let of_all = |count: u64| {
        let whole = outcomes.sum();
        (whole > 0).then(|| count.saturating_mul(WHOLE) / whole.max(1))
    };
    Counts {
        passed: outcomes.passed,
        flagged: outcomes.flagged,
        blocked: outcomes.blocked,
        errored: outcomes.errored,
        not_run: outcomes.not_run,
        flagged_per_10000: of_all(outcomes.flagged),
        blocked_per_10000: of_all(outcomes.blocked),
        errored_per_10000: of_all(outcomes.errored),
        not_run_per_10000: of_all(outcomes.not_run),
    }
}

fn cells(looks: &Looks) -> Vec<String> {
    let Counts { passed, flagged, blocked, errored, not_run, .. } = looks.outcomes;
    let words =
        [looks.guard.as_str(), &looks.version, looks.side, looks.system.as_deref().unwrap_or_default()];
    let numbers = [looks.looks, passed, flagged, blocked, errored, not_run];
    words.into_iter().map(str::to_owned).chain(numbers.iter().map(u64::to_string)).collect()
}
