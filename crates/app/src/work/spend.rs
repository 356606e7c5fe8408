//! Spend: what calls took, added up exactly, with counted and reserved, priced and unpriced apart.
//!
//! Must never: add one currency to another, show a call without a price as one that cost nothing, or show what lies outside the reader's reach.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::charge::Currency;
use tabellion_views::query::{MAX_SPEND_ROWS, SpendBy, SpendFilter, SpendRow, SystemFilter};

use super::asking::all;
use super::forms::{CurrencyForm, Time};
use super::{Actor, Desk};
use crate::console::csv;
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// The window when nobody names one, in days: a month.
const USUAL_DAYS: u64 = 31;

/// What sums are made by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SpendBy")]
pub enum ByForm {
    /// The day of commit, UTC.
    #[default]
    Day,
    /// The system.
    System,
    /// The cost centre that the system has now: each call is in one sum, those of systems without one in a sum of their own.
    CostCentre,
    /// The API key.
    Key,
    /// The upstream and the model as it was asked for.
    Model,
    /// The budget of a person, a team or an agent, by its name: a call is in the sum of each that held for it, and one that none held for is in no sum.
    Budget,
}

/// Which sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpendQuery {
    /// What they are made by.
    #[serde(default)]
    pub by: ByForm,
    /// Of calls let through at or after; absent: 31 days before `to`.
    #[serde(default)]
    pub from: Option<Time>,
    /// Of calls let through before; absent: now.
    #[serde(default)]
    pub to: Option<Time>,
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// The day, the id of the system or key, `upstream/model`, the cost centre, or the name of the budget; null: the content that says so was erased, or the systems have no cost centre.
    pub of: Option<String>,
    /// The currency; null: unpriced, that is no price was known, and the money is unknown, not none.
    #[schemars(with = "Option<CurrencyForm>")]
    pub currency: Option<Currency>,
    /// Calls.
    pub calls: u64,
    /// Of these, charged by what they reserved: under way, or nobody counted to the end.
    pub calls_reserved: u64,
    /// Tokens of prompts.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Money for what was counted, in millionths; null: unpriced.
    pub settled_micros: Option<u64>,
    /// Money for what was reserved; null: unpriced.
    pub reserved_micros: Option<u64>,
    /// What all of it cost by the prices of then, before they were corrected; null: unpriced.
    pub first_micros: Option<u64>,
}

/// What was spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// Where the window begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// The sums, in the order of what they are of.
    pub sums: Vec<Sum>,
}

impl Desk {
    /// What calls within reach took.
    pub fn spend(&self, actor: &Actor, query: &SpendQuery) -> Result<Spend, Refusal> {
        let (from, to) = self.window(query.from, query.to, USUAL_DAYS)?;
        let within = self.systems_within(actor, Permission::ReadSpend)?;
        if query.by == ByForm::Budget && within.is_some() {
            let what = "budgets of persons, teams and agents reach systems of others, so only whoever may read what all of them spent adds up by them";
            return Err(Refusal::new(Code::NotPermitted, what));
        }
        let filter = SpendFilter {
            from: Some(from),
            to: Some(to),
            systems: within.map(|within| within.into_iter().collect()),
        };
        let by = match query.by {
            ByForm::Day => SpendBy::Day,
            ByForm::System | ByForm::CostCentre => SpendBy::System,
            ByForm::Key => SpendBy::Key,
            ByForm::Model => SpendBy::Model,
            ByForm::Budget => SpendBy::Budget,
        };
        let rows = self.views.spend(&filter, by)?;
        if rows.len() >= MAX_SPEND_ROWS {
            // Sums that leave some out would be taken for all of them.
            let what = format!(
                "the window holds {MAX_SPEND_ROWS} sums or more; choose a shorter one, or add up by something else"
            );
            return Err(Refusal::at(Code::Malformed, "/from", what));
        }
        let sums: Vec<Sum> = rows.into_iter().map(sum).collect();
        let sums = if query.by == ByForm::CostCentre { self.by_cost_centre(sums)? } else { sums };
        Ok(Spend { from: Time(from), to: Time(to), sums })
    }

    /// Sums of systems, added up by the cost centre that each has now.
    fn by_cost_centre(&self, of_systems: Vec<Sum>) -> Result<Vec<Sum>, Refusal> {
        let rows = all(|page| self.views.systems(&SystemFilter::default(), page))?;
        let centres: BTreeMap<String, String> = rows
            .into_iter()
            .filter_map(|row| Some((row.system.to_hex(), row.described?.cost_centre?)))
            .collect();
        let mut sums: BTreeMap<(Option<String>, Option<String>), Sum> = BTreeMap::new();
        for sum in of_systems {
            let centre = sum.of.as_ref().and_then(|system| centres.get(system)).cloned();
            let currency = sum.currency.map(|currency| currency.to_string());
            match sums.entry((centre.clone(), currency)) {
                Entry::Vacant(free) => {
                    free.insert(Sum { of: centre, ..sum });
                }
                Entry::Occupied(mut held) => held.get_mut().add(&sum),
            }
        }
        Ok(sums.into_values().collect())
    }

    /// The same as CSV, the heads first; an empty cell is unknown.
    pub fn spend_csv(&self, actor: &Actor, query: &SpendQuery) -> Result<String, Refusal> {
        let heads = [
            "of",
            "currency",
            "calls",
            "calls_reserved",
            "input_tokens",
            "output_tokens",
            "settled_micros",
            "reserved_micros",
            "first_micros",
        ];
        let spend = self.spend(actor, query)?;
        let rows: Vec<Vec<String>> = spend.sums.iter().map(cells).collect();
        let lines = rows.iter().map(|row| row.iter().map(String::as_str).collect());
        Ok(csv::write(std::iter::once(heads.to_vec()).chain(lines)))
    }
}

impl Sum {
    /// Adds another of the same currency.
    fn add(&mut self, other: &Self) {
        let both = |this: Option<u64>, that: Option<u64>| Some(this?.saturating_add(that?));
        self.calls = self.calls.saturating_add(other.calls);
        self.calls_reserved = self.calls_reserved.saturating_add(other.calls_reserved);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.settled_micros = both(self.settled_micros, other.settled_micros);
        self.reserved_micros = both(self.reserved_micros, other.reserved_micros);
        self.first_micros = both(self.first_micros, other.first_micros);
    }
}

fn sum(row: SpendRow) -> Sum {
    let money = |micros| row.currency.map(|_| micros);
    Sum {
        currency: row.currency,
        calls: row.calls,
        calls_reserved: row.calls_reserved,
        input_tokens: row.input,
        output_tokens: row.output,
        settled_micros: money(row.settled_micros),
        reserved_micros: money(row.reserved_micros),
        first_micros: money(row.first_micros),
        of: row.of,
    }
}

fn cells(sum: &Sum) -> Vec<String> {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    vec![
        sum.of.clone().unwrap_or_default(),
        sum.currency.map(|currency| currency.to_string()).unwrap_or_default(),
        sum.calls.to_string(),
        sum.calls_reserved.to_string(),
        sum.input_tokens.to_string(),
        sum.output_tokens.to_string(),
        number(sum.settled_micros),
        number(sum.reserved_micros),
        number(sum.first_micros),
    ]
}
