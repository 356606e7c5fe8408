//! Alerts of budgets: a record when a share of a cap is passed, once for each share, cap and window.
//!
//! Promises: what was said is not said again, also after a restart, and also when a late settlement brings the sum below the share and another call above it; a
//! cap that is changed begins anew, also one that is changed back: an alert that is over stays over, and what holds then is told of again. That an alert is over is a record too, once, with why. Must never: be waited for by a call, or stop one: that is the gateway's.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_ledger::DraftParent;
use tabellion_model::Micros;
use tabellion_model::body::{BudgetAlertEnd, BudgetAlertResolved, BudgetCrossed, CapKind, Caps};
use tabellion_tlog::leaf_hash;
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
    /// How it was resolved; null: it stands, or that is not on record yet.
    pub resolved: Option<Resolved>,
    /// Its record.
    pub recorded: Reference,
}

/// That an alert is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BudgetAlertResolved")]
pub struct Resolved {
    /// Why; null: erased.
    #[schemars(extend("enum" = ["window_over", "cap_changed", "budget_ended", null]))]
    pub end: Option<&'static str>,
    /// When it was recorded.
    pub at: Time,
    /// Its record.
    pub recorded: Reference,
}

impl Desk {
    /// Records every share that was passed and is not on record, and of every alert that is over that it is. Gives how many were passed.
    pub fn cross_budgets(&self) -> Result<usize, Refusal> {
        self.refresh()?;
        let mut recorded = 0;
        for row in all(|page| self.views.budgets(page))? {
            self.resolve_alerts(&row)?;
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
                // The newest of the same share, cap and window.
                let told = own.find(|alert| is_of(alert, &crossed));
                if told.is_none_or(|alert| alert.resolved.is_some()) {
                    recorded += usize::from(self.append_crossing(&crossed, row.since, told)?);
                }
            }
        }
        Ok(recorded)
    }

    /// Records of each alert of a budget that it is over, once.
    fn resolve_alerts(&self, row: &Recorded) -> Result<(), Refusal> {
        let now = self.now();
        for alert in self.views.budget_alerts(&row.name, MAX_SHOWN)? {
            let Some(end) = over(&alert, row, now).filter(|_| alert.resolved.is_none()) else { continue };
            let body = BudgetAlertResolved { name: row.name.clone(), end };
            let mut draft = noticed(&body, format!("budget/{}/crossed", row.name), None)?;
            let crossed = self.ledger.reader().entry(alert.entry)?;
            draft.parents.push(DraftParent {
                hash: leaf_hash(&crossed.bytes).to_hex(),
                record_id: alert.record_id.to_hex(),
                role: "crossed".to_owned(),
            });
            draft.idempotency_key = Some(format!("budget-alert-resolved/{}", alert.record_id));
            self.record_found(draft)?;
        }
        Ok(())
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

    /// Whether it was recorded now; false: it was before. `since` is the first version of the budget that has the name now, `over` the alert of the same that is over.
    fn append_crossing(
        &self,
        crossed: &BudgetCrossed,
        since: u64,
        over: Option<&BudgetAlertRow>,
    ) -> Result<bool, Refusal> {
        let mut draft = noticed(crossed, format!("budget/{}/crossed", crossed.name), None)?;
        let BudgetCrossed { name, cap, limit, percent, window_start, .. } = crossed;
        let again = if since > 1 { format!("/{since}") } else { String::new() };
        let after = over.map(|over| format!("/after/{}", over.record_id)).unwrap_or_default();
        let key = format!(
            "budget-crossed/{name}/{}/{}/{limit}/{percent}{again}{after}",
            window_start.0,
            cap.as_str()
        );
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

/// Why an alert stands no longer; none: it does, or nobody knows what its budget says.
fn over(alert: &BudgetAlertRow, row: &Recorded, now: Micros) -> Option<BudgetAlertEnd> {
    if row.ended || alert.entry <= row.since_entry {
        return Some(BudgetAlertEnd::BudgetEnded);
    }
    let budget = row.said.as_ref()?;
    let from = budget.window.start(now);
    match alert.said {
        Some(said) if said.window_start != from => Some(BudgetAlertEnd::WindowOver),
        Some(said) => {
            let holds = capped(&budget.caps).any(|cap| cap == (said.cap, said.limit));
            (!holds).then_some(BudgetAlertEnd::CapChanged)
        }
        // What it was of nobody knows any more; that it was of this window is known.
        None => (alert.at < from).then_some(BudgetAlertEnd::WindowOver),
    }
}

fn shown(alert: &BudgetAlertRow, row: &Recorded, now: Micros) -> Alert {
    // Of a budget whose content is erased nobody knows whether it does. What is on record as over does not stand because its cap came back.
    let stands = row.said.is_some() && alert.resolved.is_none() && over(alert, row, now).is_none();
    let said = alert.said;
    Alert {
        percent: said.map(|said| said.percent),
        cap: said.map(|said| said.cap.as_str()),
        limit: said.map(|said| said.limit),
        used: said.map(|said| said.used),
        window_from: said.map(|said| Time(said.window_start)),
        at: Time(alert.at),
        stands,
        resolved: alert.resolved.map(|resolved| Resolved {
            end: resolved.end.map(BudgetAlertEnd::as_str),
            at: Time(resolved.at),
            recorded: refer(resolved.entry, resolved.record_id),
        }),
        recorded: refer(alert.entry, alert.record_id),
    }
}
