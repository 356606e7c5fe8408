//! What is asked for, answered or denied, and in no inventory: models that no approved entry names, and paths that the gateway does not govern.
//!
//! Promises: a model counts by the name that answered, else by the one asked for; a finding of each is opened once. Must never: open findings where no entry of the
//! inventory was ever approved: there everything would be one.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::body::FindingKind;
use tabellion_views::query::CallPlace;

use super::{Found, check_reach};
use crate::refusal::Refusal;
use crate::work::forms::{IdForm, Time};
use crate::work::registers::{INVENTORY, approved_models};
use crate::work::{Actor, Desk, asking::all};

/// Most findings that one look opens; the next opens the rest.
const MAX_OPENED: usize = 16;
/// Most findings of unknown models that are open at once: callers choose names, and a list that nobody can work through helps nobody.
const MAX_OPEN: usize = 200;
/// The code of calls to paths that are not governed.
const UNKNOWN_ROUTE: &str = "unknown_route";

/// Something in traffic that no approved entry of the inventory names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UnknownCalled")]
pub struct Unknown {
    /// What it is.
    #[schemars(extend("enum" = ["unknown_model", "unknown_route"]))]
    pub kind: &'static str,
    /// The model; null: a path that the gateway does not govern, which no record names.
    pub model: Option<String>,
    /// The first call.
    #[schemars(with = "IdForm")]
    pub first_call: String,
    /// When that was.
    pub first_at: Time,
    /// The last call.
    #[schemars(with = "IdForm")]
    pub last_call: String,
    /// When that was.
    pub last_at: Time,
    /// The finding about it; null: none was opened yet.
    #[schemars(with = "Option<IdForm>")]
    pub finding: Option<String>,
    /// Whether that was closed.
    pub closed: bool,
}

/// What traffic shows and the inventory does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UnknownsCalled")]
pub struct Unknowns {
    /// By name.
    pub unknown: Vec<Unknown>,
    /// Whether there are more names than were looked at.
    pub more: bool,
    /// Whether any entry of the inventory was approved; until then findings are not opened.
    pub inventory_approved: bool,
}

struct Called {
    kind: FindingKind,
    model: Option<String>,
    first: CallPlace,
    last: CallPlace,
}

struct Calls {
    unknown: Vec<Called>,
    more: bool,
    inventory_approved: bool,
}

impl Desk {
    /// What is called and in no inventory.
    pub fn unknown_called(&self, actor: &Actor) -> Result<Unknowns, Refusal> {
        check_reach(actor)?;
        let calls = self.calls_unknown()?;
        let findings = all(|page| self.views.findings(page))?;
        let unknown = calls.unknown.into_iter().map(|called| {
            let finding = findings.iter().find(|row| {
                let said = row.said.as_ref();
                said.is_some_and(|said| (said.kind, &said.model) == (called.kind, &called.model))
            });
            Unknown {
                kind: called.kind.as_str(),
                model: called.model,
                first_call: called.first.record_id.to_hex(),
                first_at: Time(called.first.at),
                last_call: called.last.record_id.to_hex(),
                last_at: Time(called.last.at),
                finding: finding.map(|row| row.finding.to_hex()),
                closed: finding.is_some_and(|row| row.closed_at.is_some()),
            }
        });
        let (more, inventory_approved) = (calls.more, calls.inventory_approved);
        Ok(Unknowns { unknown: unknown.collect(), more, inventory_approved })
    }

    /// Opens a finding for everything unknown that has none. Gives how many were opened.
    pub fn open_unknowns(&self) -> Result<usize, Refusal> {
        self.refresh()?;
        if !self.views.register_facts(Some(INVENTORY))?.iter().any(|item| item.life.approved.is_some()) {
            return Ok(0);
        }
        let calls = self.calls_unknown()?;
        let rows = all(|page| self.views.findings(page))?;
        let of = |kind, model: &Option<String>| {
            rows.iter()
                .any(|row| row.said.as_ref().is_some_and(|said| (said.kind, &said.model) == (kind, model)))
        };
        let open = rows.iter().filter(|row| {
            let kind = row.said.as_ref().map(|said| said.kind);
            row.closed_at.is_none() && kind == Some(FindingKind::UnknownModel)
        });
        let room = MAX_OPEN.saturating_sub(open.count()).min(MAX_OPENED);
        let mut opened = 0;
        for called in calls.unknown.iter().filter(|called| !of(called.kind, &called.model)).take(room) {
            let recorded = self.open_finding(&Found {
                kind: called.kind,
                provider: None,
                account: None,
                model: called.model.clone(),
                window: None,
                beyond: None,
                money: None,
                cause: called.first.record_id,
            })?;
            opened += usize::from(recorded);
        }
        Ok(opened)
    }

    fn calls_unknown(&self) -> Result<Calls, Refusal> {
        let inventory = self.views.register_facts(Some(INVENTORY))?;
        let named: BTreeSet<&str> = inventory.iter().flat_map(approved_models).collect();
        let (asked, more) = self.views.models_asked()?;
        // A name that another one answers for is an alias: what answers is looked at.
        let aliases: BTreeSet<String> =
            asked.iter().filter(|asked| asked.is_alias).map(|asked| asked.model.clone()).collect();
        let mut places: BTreeMap<String, (CallPlace, CallPlace)> = BTreeMap::new();
        let asked = asked.into_iter().map(|asked| (asked.model, asked.first, asked.last));
        let seen = self.views.models_seen()?.into_iter().map(|seen| (seen.model, seen.first, seen.last));
        for (model, first, last) in asked.chain(seen) {
            if named.contains(model.as_str()) || aliases.contains(&model) {
                continue;
            }
            let place = places.entry(model).or_insert((first, last));
            if first.entry < place.0.entry {
                place.0 = first;
            }
            if last.entry > place.1.entry {
                place.1 = last;
            }
        }
        let model = |(model, (first, last))| Called {
            kind: FindingKind::UnknownModel,
            model: Some(model),
            first,
            last,
        };
        let route = self.views.denied_with(UNKNOWN_ROUTE)?.map(|(first, last)| Called {
            kind: FindingKind::UnknownRoute,
            model: None,
            first,
            last,
        });
        Ok(Calls {
            unknown: route.into_iter().chain(places.into_iter().map(model)).collect(),
            more,
            inventory_approved: inventory.iter().any(|item| item.life.approved.is_some()),
        })
    }
}
