//! Alerts of budgets: a record when a share of a cap is passed, once for each share, cap and window.
//!
//! Promises: what was said is not said again, also after a restart, and also when a late settlement brings the sum below the share and another call above it; a
//! cap that is changed begins anew. Must never: be waited for by a call, or stop one: that is the gateway's.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::Micros;
use tabellion_model::body::{BudgetCrossed, CapKind, Caps};
use tabellion_views::gate::Used;
use tabellion_views::query::{BudgetAlertRow, BudgetSaid, BudgetVersion as Recorded};

use super::Desk;
use super::asking::{all, refer};
use super::forms::{Reference, Time};
use super::noticing::noticed;
use crate::refusal::Refusal;

/// Alerts that are shown of a budget, the newest. More than a window can have: nine shares of three caps.
const MAX_SHOWN: u64 = 50;

/// A share of a cap that was passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BudgetAlert")]
pub struct Alert {
    /// The share, in per cent; null: erased.
    pub percent: Option<u64>,
    /// The cap; null: erased.
    #[schemars(extend("enum" = ["micros", "tokens", "calls", null]))]
    pub cap: Option<&'static str>,
    /// What the cap was then.
    pub limit: Option<u64>,
    /// What was used and reserved when it was noticed.
    pub used: Option<u64>,
    /// Where its window begins.
    pub window_from: Option<Time>,
    /// When it was recorded.
    pub at: Time,
    /// Whether it is of the window of now and of a cap that still is what it was.
    pub stands: bool,
    /// Its record.
    pub recorded: Reference,
}

impl Desk {
    /// Records every share that was passed and is not on record. Gives how many.
    pub fn cross_budgets(&self) -> Result<usize, Refusal> {
        self.refresh()?;
        let mut recorded = 0;
        for row in all(|page| self.views.budgets(page))? {
            let Some(said) = row.said.as_ref().filter(|_| !row.ended) else { continue };
            let (from, used) = self.views.budget_used(&row, said)?;
            if from != said.window.start(self.now()) {
                // The newest window with calls is over.
                continue;
            }
            let known = self.views.budget_alerts(&row.name, MAX_SHOWN)?;
            for crossed in crossings(&row, said, from, used) {
                // What was told of a budget that had the name before is another's.
                let mut own = known.iter().filter(|alert| alert.entry > row.since_entry);
                if !own.any(|alert| is_of(alert, &crossed)) {
                    recorded += usize::from(self.append_crossing(&crossed, row.since)?);
                }
            }
        }
        Ok(recorded)
    }

    /// How many alerts stand, of all budgets.
    pub(crate) fn standing_alerts(&self) -> Result<u64, Refusal> {
        let mut standing = 0;
        for row in all(|page| self.views.budgets(page))? {
            standing += self.alerts_of(&row)?.iter().filter(|alert| alert.stands).count() as u64;
        }
        Ok(standing)
    }

    /// Alerts of one budget, newest first.
    pub(super) fn alerts_of(&self, row: &Recorded) -> Result<Vec<Alert>, Refusal> {
        let now = self.ledger.reader().now();
        let alerts = self.views.budget_alerts(&row.name, MAX_SHOWN)?;
        Ok(alerts.iter().map(|alert| shown(alert, row, now)).collect())
    }

    /// Whether it was recorded now; false: it was before. `since` is the first version of the budget that has the name now.
    fn append_crossing(&self, crossed: &BudgetCrossed, since: u64) -> Result<bool, Refusal> {
        let mut draft = noticed(crossed, format!("budget/{}/crossed", crossed.name), None)?;
        let BudgetCrossed { name, cap, limit, percent, window_start, .. } = crossed;
        let again = if since > 1 { format!("/{since}") } else { String::new() };
        let key =
            format!("budget-crossed/{name}/{}/{}/{limit}/{percent}{again}", window_start.0, cap.as_str());
        draft.idempotency_key = Some(key);
        self.record_found(draft)
    }
}

/// Every share that is passed now.
fn crossings(row: &Recorded, said: &BudgetSaid, from: Micros, used: Used) -> Vec<BudgetCrossed> {
    let mut shares = said.alert_at.clone();
    shares.extend(said.alert_percent);
    shares.sort_unstable();
    shares.dedup();
    let mut crossed = Vec::new();
    for (cap, limit) in capped(&said.caps) {
        let used = of(cap, used);
        let passed =
            |percent: &&u64| u128::from(used) * 100 >= u128::from(limit) * u128::from(**percent) && used > 0;
        crossed.extend(shares.iter().filter(passed).map(|percent| BudgetCrossed {
            name: row.name.clone(),
            version: row.version,
            cap,
            limit,
            percent: *percent,
            used,
            window_start: from,
        }));
    }
    crossed
}

/// The caps of a window that there are.
fn capped(caps: &Caps) -> impl Iterator<Item = (CapKind, u64)> {
    let all = [(CapKind::Micros, caps.micros), (CapKind::Tokens, caps.tokens), (CapKind::Calls, caps.calls)];
    all.into_iter().filter_map(|(cap, limit)| Some((cap, limit?)))
}

fn of(cap: CapKind, used: Used) -> u64 {
    match cap {
        CapKind::Micros => used.micros,
        CapKind::Tokens => used.tokens,
        CapKind::Calls => used.calls,
    }
}

fn is_of(alert: &BudgetAlertRow, crossed: &BudgetCrossed) -> bool {
    alert.said.is_some_and(|said| {
        (said.cap, said.limit, said.percent, said.window_start)
            == (crossed.cap, crossed.limit, crossed.percent, crossed.window_start)
    })
}

fn shown(alert: &BudgetAlertRow, row: &Recorded, now: Micros) -> Alert {
    let budget = row.said.as_ref().filter(|_| !row.ended);
    let budget = budget.filter(|_| alert.entry > row.since_entry);
    let from = budget.map(|budget| budget.window.start(now));
    let stands = match (budget, alert.said) {
        (None, _) => false,
        (Some(budget), Some(said)) => {
            Some(said.window_start) == from && capped(&budget.caps).any(|cap| cap == (said.cap, said.limit))
        }
        // What it was of nobody knows any more; that it was of this window is known.
        (Some(_), None) => from.is_some_and(|from| alert.at >= from),
    };
    let said = alert.said;
    Alert {
        percent: said.map(|said| said.percent),
        cap: said.map(|said| said.cap.as_str()),
        limit: said.map(|said| said.limit),
        used: said.map(|said| said.used),
        window_from: said.map(|said| Time(said.window_start)),
        at: Time(alert.at),
        stands,
        recorded: refer(alert.entry, alert.record_id),
    }
}
