//! Traffic that the inventory does not know: models that answered a system and that its approved entry does not name.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::SystemId;
use tabellion_views::query::{ModelSeen, RegisterItemFacts};

use super::INVENTORY;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::forms::{IdForm, Time};
use crate::work::{Actor, Desk};

/// Most gaps of one answer.
const MAX_GAPS: usize = 1000;

/// Why traffic is a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "InventoryGapKind")]
pub enum GapKind {
    /// The system is not in the inventory.
    NoEntry,
    /// Its entry was never approved.
    NotApproved,
    /// Its approved entry does not name the model.
    NotNamed,
}

/// A model that answered a system unknown to the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InventoryGap {
    /// The system.
    #[schemars(with = "IdForm")]
    pub system: String,
    /// Its name.
    pub system_name: Option<String>,
    /// The model, as the provider named it, or as it was asked for when the provider named none.
    pub model: String,
    /// Why it is a gap.
    pub kind: GapKind,
    /// Whether the approved entry of another system names the model.
    pub named_elsewhere: bool,
    /// The first call that the model answered.
    #[schemars(with = "IdForm")]
    pub first_call: String,
    /// When that was.
    pub first_at: Time,
    /// The last call that the model answered.
    #[schemars(with = "IdForm")]
    pub last_call: String,
    /// When that was.
    pub last_at: Time,
}

/// What traffic shows and the inventory does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InventoryGaps {
    /// By system and model.
    pub gaps: Vec<InventoryGap>,
    /// How many there are, also when they are too many to be listed.
    pub total: u64,
}

impl Desk {
    /// The gaps within reach of `actor`.
    pub fn inventory_gaps(&self, actor: &Actor) -> Result<InventoryGaps, Refusal> {
        let within = self.systems_within(actor, Permission::ReadRegisters)?;
        let inventory = self.views.register_facts(Some(INVENTORY))?;
        let entries: BTreeMap<SystemId, &RegisterItemFacts> =
            inventory.iter().filter_map(|item| Some((item.system?, item))).collect();
        let named: BTreeSet<&str> = inventory.iter().flat_map(approved_models).collect();
        let seen = self.views.models_seen()?;
        let mut found: Vec<(ModelSeen, GapKind)> = seen
            .into_iter()
            .filter(|seen| within.as_ref().is_none_or(|within| within.contains(&seen.system)))
            .filter_map(|seen| {
                let kind = gap(entries.get(&seen.system).copied(), &seen.model)?;
                Some((seen, kind))
            })
            .collect();
        let total = found.len() as u64;
        found.truncate(MAX_GAPS);
        let gaps = found.into_iter().map(|(seen, kind)| {
            let row = self.views.system(&seen.system)?;
            Ok(InventoryGap {
                system: seen.system.to_hex(),
                system_name: row.and_then(|row| row.described).map(|said| said.name),
                kind,
                named_elsewhere: named.contains(seen.model.as_str()),
                first_call: seen.first.record_id.to_hex(),
                first_at: Time(seen.first.at),
                last_call: seen.last.record_id.to_hex(),
                last_at: Time(seen.last.at),
                model: seen.model,
            })
        });
        Ok(InventoryGaps { gaps: gaps.collect::<Result<_, Refusal>>()?, total })
    }
}

/// The models that the approved revision of an item names.
pub(crate) fn approved_models(item: &RegisterItemFacts) -> impl Iterator<Item = &str> {
    item.life.approved.iter().flat_map(|approved| approved.saving.models.iter().map(String::as_str))
}

fn gap(entry: Option<&RegisterItemFacts>, model: &str) -> Option<GapKind> {
    let Some(entry) = entry else { return Some(GapKind::NoEntry) };
    if entry.life.approved.is_none() {
        return Some(GapKind::NotApproved);
    }
    (!approved_models(entry).any(|named| named == model)).then_some(GapKind::NotNamed)
}
