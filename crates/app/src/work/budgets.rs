//! Budgets: set, ended; every version stays readable. What a budget caps is enforced by the gateway (docs/budgets.md).
//!
//! Promises: a budget names a system or key that is there, or a caller as records of calls have one, and at least one limit. Must never: change a version that was
//! recorded, or the scope, window or currency of a name, under which calls are counted.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::SubjectFields;
use tabellion_model::body::{BudgetEnded, BudgetScope, BudgetSet, Caps};
use tabellion_model::charge::{Currency, Window};
use tabellion_views::gate::Used;
use tabellion_views::query::{BudgetSaid, BudgetVersion as Recorded};

use super::asking::all;
use super::budget_alerts::Alert;
use super::budget_scope::{check_name, said_scope, scope_of};
use super::forms::{CurrencyForm, IdForm, Line, Reason, Reference, Time, Word};
use super::prose::Prose;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Whose calls a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BudgetScope")]
pub enum ScopeForm {
    /// Everybody's.
    Tenant,
    /// Those of all keys of a system.
    System,
    /// Those of one key.
    Key,
    /// Those for a person, whatever key or program makes them.
    Person,
    /// Those for whoever belongs to a team.
    Team,
    /// Those of a program that an identity provider or a certificate names.
    Agent,
}

/// The time that a cap is for, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BudgetWindow")]
pub enum WindowForm {
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
    /// For ever.
    Total,
}

impl From<WindowForm> for Window {
    fn from(form: WindowForm) -> Self {
        match form {
            WindowForm::Day => Self::Day,
            WindowForm::Month => Self::Month,
            WindowForm::Total => Self::Total,
        }
    }
}

impl From<Window> for WindowForm {
    fn from(window: Window) -> Self {
        match window {
            Window::Day => Self::Day,
            Window::Month => Self::Month,
            Window::Total => Self::Total,
        }
    }
}

/// A budget to hold from now on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// Whose calls.
    pub scope: ScopeForm,
    /// Which: the id of a system or key; a person, team or agent as records of calls have them, `corp|4711`. None for the tenant.
    #[serde(default)]
    pub subject: Option<Line>,
    /// The time that it is for.
    pub window: WindowForm,
    /// Money in the window, in millionths of the currency's unit.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub micros: Option<u64>,
    /// The currency of `micros`.
    #[serde(default)]
    #[schemars(with = "Option<CurrencyForm>")]
    pub currency: Option<Currency>,
    /// Tokens in the window, of prompts and answers together.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub tokens: Option<u64>,
    /// Calls in the window.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub calls: Option<u64>,
    /// Calls in a minute.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub calls_per_minute: Option<u64>,
    /// Calls at the same time.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub calls_at_once: Option<u64>,
    /// From this share of a cap on, in per cent, it counts as nearly used up.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub alert_percent: Option<u64>,
    /// Shares of a cap, in per cent, of which it is recorded when they are passed, beside `alert_percent`.
    #[serde(default)]
    #[schemars(length(max = 8), inner(range(min = 1, max = 100)))]
    pub alert_at: Vec<u64>,
    /// What changed and why.
    pub note: Prose,
}

/// Amounts in a budget's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// Money in the budget's currency, in millionths.
    pub micros: u64,
    /// Tokens.
    pub tokens: u64,
    /// Calls.
    pub calls: u64,
}

/// How near a budget is to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BudgetState")]
pub enum StateForm {
    /// There is room.
    Within,
    /// The share that was set is passed.
    NearlyUsed,
    /// A cap is reached.
    Used,
    /// It was ended.
    Ended,
    /// What it says was erased: the gateway denies every call until it is ended.
    Unreadable,
}

/// A budget as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Its name.
    #[schemars(with = "Word")]
    pub name: String,
    /// How it stands.
    pub state: StateForm,
    /// What it says; null: ended, or erased.
    pub says: Option<Says>,
    /// Where the window of now begins.
    pub from: Option<Time>,
    /// When it is over; null: never.
    pub to: Option<Time>,
    /// What calls took in it, those under way by what they reserved.
    pub used: Option<Amounts>,
    /// Of these, what calls under way reserved.
    pub reserved: Option<Amounts>,
    /// Shares of its caps that were passed, newest first.
    pub alerts: Vec<Alert>,
    /// What changed last and why; null: erased.
    pub note: Option<String>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record of the newest change.
    pub changed: Reference,
}

/// What a version of a budget says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BudgetSays")]
pub struct Says {
    /// Whose calls.
    pub scope: ScopeForm,
    /// The id of the system or key; the person, team or agent as records of calls have them.
    pub subject: Option<String>,
    /// The time that it is for.
    pub window: WindowForm,
    /// Money in the window, in millionths.
    pub micros: Option<u64>,
    /// Its currency.
    #[schemars(with = "Option<CurrencyForm>")]
    pub currency: Option<Currency>,
    /// Tokens in the window.
    pub tokens: Option<u64>,
    /// Calls in the window.
    pub calls: Option<u64>,
    /// Calls in a minute.
    pub calls_per_minute: Option<u64>,
    /// Calls at the same time.
    pub calls_at_once: Option<u64>,
    /// From this share on it counts as nearly used up.
    pub alert_percent: Option<u64>,
    /// Shares of which it is recorded when they are passed.
    pub alert_at: Vec<u64>,
}

/// Budgets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// By name; those ended too.
    pub budgets: Vec<Budget>,
}

/// One change of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetVersion {
    /// The version it made.
    pub version: u64,
    /// When.
    pub at: Time,
    /// Who.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// Whether it ended the budget.
    pub ended: bool,
    /// What it says; null: it ended the budget, or was erased.
    pub says: Option<Says>,
    /// What changed and why; null: erased.
    pub note: Option<String>,
    /// Its record.
    pub recorded: Reference,
}

/// The history of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetHistory {
    /// Oldest first.
    pub versions: Vec<BudgetVersion>,
}

impl Desk {
    /// All budgets within reach.
    pub fn budgets(&self, actor: &Actor) -> Result<Budgets, Refusal> {
        let mut rows = all(|page| self.views.budgets(page))?;
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut budgets = Vec::new();
        for row in rows {
            if self.is_budget_within(actor, &row)? {
                budgets.push(self.shown_budget(&row)?);
            }
        }
        Ok(Budgets { budgets })
    }

    /// One budget.
    pub fn budget(&self, actor: &Actor, name: &str) -> Result<Budget, Refusal> {
        self.shown_budget(&self.budget_row(actor, name)?)
    }

    /// Every change of one budget.
    pub fn budget_history(&self, actor: &Actor, name: &str) -> Result<BudgetHistory, Refusal> {
        self.budget_row(actor, name)?;
        let newest_first = all(|page| self.views.budget_versions(name, page))?;
        let versions = newest_first.into_iter().rev().map(|row| {
            Ok(BudgetVersion {
                version: row.version,
                at: Time(row.at),
                by: row.by.to_hex(),
                ended: row.ended,
                says: row.said.as_ref().map(says),
                note: row.note,
                recorded: self.reference(row.entry)?,
            })
        });
        Ok(BudgetHistory { versions: versions.collect::<Result<_, Refusal>>()? })
    }

    /// Sets a budget in place of the version before.
    pub fn set_budget(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &NewBudget,
    ) -> Result<(Budget, Written), Refusal> {
        let body = body_of(name, new)?;
        let written = self.once(actor, "set-budget", given, |earlier| {
            let current = self.views.budget(name)?;
            if earlier.is_none() {
                if given.version.is_none() && current.is_some() {
                    return Err(Refusal::new(Code::VersionRequired, "a budget of this name was set before"));
                }
                if let Some(row) = current.as_ref().filter(|row| !row.ended) {
                    check_kept(row, &body)?;
                }
                self.check_subject(&body.scope)?;
            }
            let version = current.map_or(0, |row| row.version);
            let mut draft = draft_of(&body, stream(name), given.expected(earlier, version))?;
            // Whom it is for is somebody's personal data, and goes when they ask, without the other records of the month.
            draft.erasable_alone = body.scope.caller().is_some();
            if let BudgetScope::Person(person) = &body.scope {
                // All of it is about them. Erased, it says nothing, and every call is denied until it is ended: a part of a budget would hold for somebody else.
                let fields = std::mem::take(&mut draft.body);
                draft.subjects = vec![SubjectFields { subject: person.clone(), fields }];
            }
            Ok(vec![draft])
        })?;
        Ok((self.budget(actor, name)?, written))
    }

    /// Ends a budget.
    pub fn end_budget(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Reason,
    ) -> Result<(Budget, Written), Refusal> {
        let written = self.once(actor, "end-budget", given, |earlier| {
            let row = self.budget_row(actor, name)?;
            if earlier.is_none() && row.ended {
                return Err(Refusal::new(Code::AlreadySo, "the budget has ended"));
            }
            let body = BudgetEnded { name: name.to_owned(), reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.budget(actor, name)?, written))
    }

    fn budget_row(&self, actor: &Actor, name: &str) -> Result<Recorded, Refusal> {
        let row = self.views.budget(name)?.ok_or_else(|| Refusal::not_found("budget"))?;
        if self.is_budget_within(actor, &row)? { Ok(row) } else { Err(Refusal::not_found("budget")) }
    }

    /// Whether a budget is seen: with the whole log's reach all are, else those of own systems and their keys.
    fn is_budget_within(&self, actor: &Actor, row: &Recorded) -> Result<bool, Refusal> {
        let Some(within) = self.systems_within(actor, Permission::ReadSpend)? else { return Ok(true) };
        Ok(match row.said.as_ref().map(|said| &said.scope) {
            Some(BudgetScope::System(system)) => within.contains(system),
            Some(BudgetScope::Key(key)) => {
                self.views.credential(key)?.is_some_and(|row| within.contains(&row.system))
            }
            // Callers are no system's: what they take reaches systems of others.
            Some(
                BudgetScope::Tenant | BudgetScope::Person(_) | BudgetScope::Team(_) | BudgetScope::Agent(_),
            )
            | None => false,
        })
    }

    /// Callers are taken as they are written: a budget may be set before its first call, and while nobody can ask who they are.
    fn check_subject(&self, scope: &BudgetScope) -> Result<(), Refusal> {
        let known = match scope {
            BudgetScope::System(system) => self.views.system(system)?.is_some(),
            BudgetScope::Key(key) => self.views.credential(key)?.is_some(),
            BudgetScope::Tenant | BudgetScope::Person(_) | BudgetScope::Team(_) | BudgetScope::Agent(_) => {
                true
            }
        };
        if known {
            return Ok(());
        }
        Err(Refusal::at(Code::UnknownReference, "/subject", "there is no such system or key"))
    }

    fn shown_budget(&self, row: &Recorded) -> Result<Budget, Refusal> {
        let now = self.now();
        let mut shown = Budget {
            state: if row.ended { StateForm::Ended } else { StateForm::Unreadable },
            says: row.said.as_ref().map(says),
            from: None,
            to: None,
            used: None,
            reserved: None,
            alerts: self.alerts_of(row)?,
            note: row.note.clone(),
            version: row.version,
            changed: self.reference(row.entry)?,
            name: row.name.clone(),
        };
        if let Some(said) = &row.said {
            let (start, used) = self.views.budget_used(row, said)?;
            let from = said.window.start(now);
            // The newest window with calls may be over.
            let used = if start == from { used } else { Used::default() };
            shown.state = state(said, used);
            shown.from = Some(Time(from));
            shown.to = said.window.end(from).map(Time);
            shown.used = Some(amounts(used));
            shown.reserved = Some(amounts(self.views.budget_reserved(row, said, from)?));
        }
        Ok(shown)
    }
}

/// Refuses what would have a name go on counting other calls, in another window or in other money than it did: what was used would be forgotten. What was erased
/// cannot be compared, so that nothing is set in its place under the same name before it is ended.
fn check_kept(row: &Recorded, new: &BudgetSet) -> Result<(), Refusal> {
    let Some(said) = &row.said else {
        let what = "what this budget says was erased, and nobody can tell whether this counts the same calls; end it and set it again";
        return Err(Refusal::new(Code::StateImpossible, what));
    };
    if (&said.scope, said.window) != (&new.scope, new.window) {
        let what = "whose calls a budget counts and in which window stays as it is; end it and set another";
        return Err(Refusal::at(Code::StateImpossible, "/scope", what));
    }
    // A cap on money may be added, and then stays: left out, it could be added in another currency.
    if said.caps.currency.is_some() && said.caps.currency != new.caps.currency {
        let what = "a budget stays in its currency, in which its spending is counted; raise its amount, or end it and set another";
        return Err(Refusal::at(Code::StateImpossible, "/currency", what));
    }
    Ok(())
}

/// The record of a budget, checked.
fn body_of(name: &str, new: &NewBudget) -> Result<BudgetSet, Refusal> {
    let scope = scope_of(new)?;
    check_name(name, &scope)?;
    if new.micros.is_some() != new.currency.is_some() {
        let what = "money has an amount and a currency: send micros and currency, or neither";
        return Err(Refusal::at(Code::Malformed, "/currency", what));
    }
    let NewBudget { micros, currency, tokens, calls, calls_per_minute, calls_at_once, .. } = *new;
    if [micros, tokens, calls, calls_per_minute, calls_at_once].iter().all(Option::is_none) {
        return Err(Refusal::new(Code::Malformed, "it limits nothing: name at least one cap"));
    }
    Ok(BudgetSet {
        name: name.to_owned(),
        scope,
        window: new.window.into(),
        caps: Caps { micros, currency, tokens, calls, calls_per_minute, calls_at_once },
        alert_percent: new.alert_percent,
        alert_at: in_order(&new.alert_at),
        note: new.note.to_text(),
    })
}

fn says(said: &BudgetSaid) -> Says {
    let (scope, subject) = said_scope(&said.scope);
    let Caps { micros, currency, tokens, calls, calls_per_minute, calls_at_once } = said.caps;
    Says {
        scope,
        subject,
        window: said.window.into(),
        micros,
        currency,
        tokens,
        calls,
        calls_per_minute,
        calls_at_once,
        alert_percent: said.alert_percent,
        alert_at: said.alert_at.clone(),
    }
}

fn amounts(used: Used) -> Amounts {
    Amounts { micros: used.micros, tokens: used.tokens, calls: used.calls }
}

/// Each share once, the smallest first.
fn in_order(shares: &[u64]) -> Vec<u64> {
    shares.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// How near a cap is.
fn state(said: &BudgetSaid, used: Used) -> StateForm {
    let caps = &said.caps;
    let pairs = [(caps.micros, used.micros), (caps.tokens, used.tokens), (caps.calls, used.calls)];
    let passes = |percent: u64| {
        pairs.iter().any(|(cap, used)| {
            cap.is_some_and(|cap| u128::from(*used) * 100 >= u128::from(cap) * u128::from(percent))
        })
    };
    if passes(100) {
        StateForm::Used
    } else if said.alert_percent.is_some_and(passes) {
        StateForm::NearlyUsed
    } else {
        StateForm::Within
    }
}

fn stream(name: &str) -> String {
    format!("budget/{name}")
}
