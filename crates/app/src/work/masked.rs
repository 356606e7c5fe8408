//! What masking replaced, by day and class, from the records of calls.
//!
//! Must never: count what was erased as nothing found, or look at more records than is said.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::{Micros, SystemId};
use tabellion_views::query::{CallRow, CallState, MAX_ROWS};

use super::calls::CallQuery;
use super::forms::{IdForm, Time};
use super::windows::DAY_US;
use super::{Actor, Desk};
use crate::refusal::Refusal;

/// The window when nobody names one, in days: a month.
const USUAL_DAYS: u64 = 31;
/// Most calls whose records are read for one answer: classes stand in records and in no view, and reading one takes a part of a millisecond.
pub const MAX_MASKED_CALLS: u64 = 500;

/// Which calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskedQuery {
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

/// Values of one class that gave way on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskedSum {
    /// The day, UTC.
    pub day: Time,
    /// The class.
    pub class: String,
    /// What took their place: `hash`, `mask` or `drop`; null: a placeholder that the answer is given the value for.
    pub operator: Option<String>,
    /// Values.
    pub values: u64,
    /// Calls that had some.
    pub calls: u64,
}

/// What masking replaced in requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskedSums {
    /// Where the window begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// The sums, the newest day first.
    pub sums: Vec<MaskedSum>,
    /// Calls let through that were looked at.
    pub calls: u64,
    /// Of these, calls of which what masking did was erased.
    pub erased: u64,
    /// Whether only the newest calls of the window were looked at.
    pub partial: bool,
}

/// Day, class and operator.
type Key = (Micros, String, Option<String>);
/// How many values, in how many calls.
type Sums = BTreeMap<Key, (u64, u64)>;

impl Desk {
    /// What masking replaced in the requests of calls within reach, of the newest calls of a window.
    pub fn masked_sums(&self, actor: &Actor, query: &MaskedQuery) -> Result<MaskedSums, Refusal> {
        let (from, to) = self.window(query.from, query.to, USUAL_DAYS)?;
        let mut wanted = CallQuery {
            system: query.system,
            from: Some(Time(from)),
            to: Some(Time(to)),
            ..CallQuery::default()
        };
        let mut found = MaskedSums {
            from: Time(from),
            to: Time(to),
            sums: Vec::new(),
            calls: 0,
            erased: 0,
            partial: false,
        };
        let mut sums = Sums::new();
        loop {
            let page = self.call_rows(actor, &wanted, None, MAX_ROWS)?;
            for row in page.rows.into_iter().filter(|row| row.state != CallState::Denied) {
                if found.calls == MAX_MASKED_CALLS {
                    found.partial = true;
                    found.sums = listed(sums);
                    return Ok(found);
                }
                found.calls += 1;
                found.erased += u64::from(!self.add_masked(row, &mut sums)?);
            }
            wanted.before = page.next;
            if page.next.is_none() {
                found.sums = listed(sums);
                return Ok(found);
            }
        }
    }

    /// Adds what was replaced in one call; gives whether anybody can still say.
    fn add_masked(&self, row: CallRow, sums: &mut Sums) -> Result<bool, Refusal> {
        let day = Micros(row.at.0 / DAY_US * DAY_US);
        match row.asked.as_ref().map(|asked| asked.masked) {
            None => return Ok(false),
            Some(Some(0)) => return Ok(true),
            Some(_) => {}
        }
        let Some(authorised) = self.views.call_detail(row)?.authorised else { return Ok(false) };
        for masked in authorised.masked {
            let (values, calls) = sums.entry((day, masked.class, masked.operator)).or_default();
            *values += masked.count;
            *calls += 1;
        }
        Ok(true)
    }
}

/// The newest day first, then by class.
fn listed(sums: Sums) -> Vec<MaskedSum> {
    let mut listed: Vec<MaskedSum> = sums
        .into_iter()
        .map(|((day, class, operator), (values, calls))| MaskedSum {
            day: Time(day),
            class,
            operator,
            values,
            calls,
        })
        .collect();
    listed.sort_by_key(|sum| std::cmp::Reverse(sum.day));
    listed
}
