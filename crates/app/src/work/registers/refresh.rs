//! New looks that are asked for by what happened: a model that the approved content does not name, or a material change elsewhere.
//!
//! Promises: each is recorded once, whoever runs this how often; nothing is asked of an item that is not approved or has ended. Must never: change an item,
//! or disturb somebody who is editing it.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_ledger::Draft;
use tabellion_model::body::RegisterRefreshOpened;
use tabellion_model::register::{Act, Approved, Content, Deed, Life, RefreshTrigger, Register, changes};
use tabellion_model::{RecordId, SystemId, register};
use tabellion_tlog::sha256;
use tabellion_views::query::{ModelSeen, RegisterItemFacts};

use super::{about, stream};
use crate::refusal::{Code, Refusal};
use crate::work::Desk;
use crate::work::noticing::noticed;

/// Most refreshes that one look opens; the next look opens the rest.
const MAX_OPENED: usize = 256;

/// Most findings that are remembered; beyond that the memory begins anew, which costs one slower look.
const MAX_SETTLED: usize = 100_000;

/// What one look did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// Refreshes that were recorded.
    pub opened: usize,
}

/// What is already known to need nothing, so that the next look need not read it again. Only a memory: without it the same is found out anew.
#[derive(Debug, Default)]
pub(super) struct Settled(BTreeSet<String>);

impl Desk {
    /// Records every new look that is due now and not recorded yet.
    pub fn open_refreshes(&self) -> Result<Opened, Refusal> {
        self.open_refreshes_after(&mut Settled::default())
    }

    pub(super) fn open_refreshes_after(&self, settled: &mut Settled) -> Result<Opened, Refusal> {
        self.refresh()?;
        let facts = self.views.register_facts(None)?;
        let asked = facts.iter().filter_map(|item| {
            let register = self.tools.registers.get(&item.register)?;
            let state = item.life.state(register.first_state())?;
            let current = register.state(state).is_some_and(|state| !state.ended);
            Some((register, item, item.life.approved.as_ref()?, item.system?)).filter(|_| current)
        });
        let asked: Vec<_> = asked.filter(|(register, ..)| !register.triggers.is_empty()).collect();
        let mut wanted = Vec::new();
        if !asked.is_empty() {
            self.models_not_named(&asked, settled, &mut wanted)?;
            self.material_changes(&asked, &facts, settled, &mut wanted)?;
        }
        wanted.truncate(MAX_OPENED);
        if settled.0.len() > MAX_SETTLED {
            settled.0.clear();
        }
        let mut opened = 0;
        for (key, draft) in wanted {
            opened += usize::from(self.record_found(draft)?);
            settled.0.insert(key);
        }
        Ok(Opened { opened })
    }

    /// Calls since the approval that a model answered which no approved item of the same register and system names.
    fn models_not_named(
        &self,
        asked: &[Asked<'_>],
        settled: &Settled,
        wanted: &mut Vec<(String, Draft)>,
    ) -> Result<(), Refusal> {
        let seen = by_system(self.views.models_seen()?);
        let mut together: BTreeMap<(&str, SystemId), Vec<&Asked<'_>>> = BTreeMap::new();
        for one in
            asked.iter().filter(|(register, ..)| register.triggers.contains(&RefreshTrigger::ModelNotNamed))
        {
            together.entry((one.0.name.as_str(), one.3)).or_default().push(one);
        }
        for ((_, system), items) in &together {
            let named: BTreeSet<&str> =
                items.iter().flat_map(|(_, item, ..)| super::gaps::approved_models(item)).collect();
            let unnamed = seen.get(system).into_iter().flatten();
            for seen in unnamed.filter(|seen| !named.contains(seen.model.as_str())) {
                self.model_not_named(items, seen, settled, wanted)?;
            }
        }
        Ok(())
    }

    /// Asks every one of `items`: of several about one system the best counts, so one that nobody asks would answer for the others.
    fn model_not_named(
        &self,
        items: &[&Asked<'_>],
        seen: &ModelSeen,
        settled: &Settled,
        wanted: &mut Vec<(String, Draft)>,
    ) -> Result<(), Refusal> {
        for (register, item, approved, system) in items {
            let key = key(register, item, approved, &format!("model/{}", sha256(seen.model.as_bytes())));
            if seen.last.entry < approved.entry || settled.0.contains(&key) {
                continue;
            }
            let Some(call) = self.views.first_answer(system, &seen.model, approved.entry)? else {
                continue;
            };
            let mut body = opened(register, item, approved, RefreshTrigger::ModelNotNamed, call.record_id);
            body.model = Some(seen.model.clone());
            wanted.push((key.clone(), draft(register, item, key, &body)?));
        }
        Ok(())
    }

    /// Items of other registers about the same system whose material fields are approved otherwise than at the time of this approval.
    fn material_changes(
        &self,
        asked: &[Asked<'_>],
        facts: &[RegisterItemFacts],
        settled: &mut Settled,
        wanted: &mut Vec<(String, Draft)>,
    ) -> Result<(), Refusal> {
        let mut others: BTreeMap<SystemId, Vec<&RegisterItemFacts>> = BTreeMap::new();
        let approved = facts.iter().filter(|item| item.life.approved.is_some());
        for (system, item) in approved.filter_map(|item| Some((item.system?, item))) {
            others.entry(system).or_default().push(item);
        }
        for (register, item, approved, system) in asked {
            if !register.triggers.contains(&RefreshTrigger::MaterialChange) {
                continue;
            }
            for other in others.get(system).into_iter().flatten() {
                let Some(now) = other.life.approved.as_ref() else { continue };
                if other.register == register.name || now.entry < approved.entry {
                    continue;
                }
                let key = key(register, item, approved, &format!("change/{}", now.ruling.digest));
                if settled.0.contains(&key) {
                    continue;
                }
                let fields = self.material_fields(other, now, approved.entry)?;
                if fields.is_empty() {
                    settled.0.insert(key);
                    continue;
                }
                let cause = self.record_at(now.revision_entry)?;
                let mut body = opened(register, item, approved, RefreshTrigger::MaterialChange, cause);
                body.fields = fields;
                wanted.push((key.clone(), draft(register, item, key, &body)?));
            }
        }
        Ok(())
    }

    /// Material fields in which the approved content of `other` differs from what was approved of it before entry `before`. With nothing readable to compare,
    /// everything material has changed: not to know what was assessed is no reason to believe that it was this.
    fn material_fields(
        &self,
        other: &RegisterItemFacts,
        now: &Approved,
        before: u64,
    ) -> Result<Vec<String>, Refusal> {
        let Some(definition) = self.tools.registers.get(&other.register) else { return Ok(Vec::new()) };
        let then = self.approved_before(other, before)?;
        let then = then.map(|entry| self.views.register_content(entry)).transpose()?.flatten();
        let now = self.views.register_content(now.revision_entry)?;
        Ok(material(definition, then.as_ref(), now.as_ref()))
    }

    /// Entry of the revision of `other` that was approved at entry `before`.
    fn approved_before(&self, other: &RegisterItemFacts, before: u64) -> Result<Option<u64>, Refusal> {
        let revisions = self.views.register_revisions(&other.register, &other.item)?;
        let acts = self.views.register_acts(&other.register, &other.item)?;
        let saved = revisions.iter().map(|row| Deed {
            entry: row.done.entry,
            at: row.done.at,
            by: row.done.by,
            session: row.session,
            act: Act::Saved(
                row.digest.clone().map(|digest| register::Saving { digest, ..Default::default() }),
            ),
        });
        let decided = acts.iter().filter(|act| act.kind == "decided").map(|row| Deed {
            entry: row.done.entry,
            at: row.done.at,
            by: row.done.by,
            session: row.session,
            act: Act::Decided(row.decision.zip(row.digest.clone()).zip(row.role).map(
                |((decision, digest), role)| register::Ruling {
                    decision,
                    digest,
                    role,
                    conditions: String::new(),
                    next_review_at: None,
                },
            )),
        });
        let mut deeds: Vec<Deed> = saved.chain(decided).filter(|deed| deed.entry < before).collect();
        deeds.sort_unstable_by_key(|deed| deed.entry);
        Ok(Life::of(&deeds).approved.map(|approved| approved.revision_entry))
    }

    fn record_at(&self, entry: u64) -> Result<RecordId, Refusal> {
        let view = self.ledger.reader().entry(entry)?;
        let header = view.entry.header().map(|header| header.record_id);
        header.ok_or_else(|| Refusal::new(Code::Broken, format!("entry {entry} is a seal and no revision")))
    }
}

/// A register with triggers, an item of it in force, its approval, and the system it is about.
type Asked<'a> = (&'a Register, &'a RegisterItemFacts, &'a Approved, SystemId);

/// Material fields that differ, as `<register>.<field>`, in the order of the form.
fn material(definition: &Register, then: Option<&Content>, now: Option<&Content>) -> Vec<String> {
    let changed: Vec<String> = match now {
        Some(now) => {
            let found = changes(definition, then.unwrap_or(&Content::new()), now);
            found.into_iter().filter(|change| change.material).map(|change| change.field).collect()
        }
        None => definition.fields().filter(|field| field.material).map(|field| field.name.clone()).collect(),
    };
    changed.into_iter().map(|field| format!("{}.{field}", definition.name)).collect()
}

fn by_system(seen: Vec<ModelSeen>) -> BTreeMap<SystemId, Vec<ModelSeen>> {
    let mut systems: BTreeMap<SystemId, Vec<ModelSeen>> = BTreeMap::new();
    for seen in seen {
        systems.entry(seen.system).or_default().push(seen);
    }
    systems
}

/// What a refresh is recorded under: the item, exactly what was approved, and what is new. A later approval that changes nothing of it is asked again.
fn key(register: &Register, item: &RegisterItemFacts, approved: &Approved, what: &str) -> String {
    format!(
        "register-refresh/{}/{}/{}/{}/{what}",
        register.name, item.item, approved.entry, approved.ruling.digest
    )
}

fn opened(
    register: &Register,
    item: &RegisterItemFacts,
    approved: &Approved,
    trigger: RefreshTrigger,
    cause: RecordId,
) -> RegisterRefreshOpened {
    RegisterRefreshOpened {
        register: register.name.clone(),
        item: item.item,
        digest: approved.ruling.digest.clone(),
        trigger,
        model: None,
        fields: Vec::new(),
        cause,
    }
}

fn draft(
    register: &Register,
    item: &RegisterItemFacts,
    key: String,
    body: &RegisterRefreshOpened,
) -> Result<Draft, Refusal> {
    let mut draft = noticed(body, format!("{}/refresh", stream(register, item.item)), None)?;
    draft.idempotency_key = Some(key);
    Ok(about(item.system, draft))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tabellion_model::register::Registers;

    use super::*;

    // Requirement: D05.
    #[test]
    fn what_cannot_be_compared_has_changed() {
        let registers = Registers::built_in().expect("registers");
        let definition = registers.get("ai_system").expect("the inventory");
        let content = |users: &str| {
            let said = json!({"name": "A", "users": [users], "risk_tier": "high"});
            said.as_object().expect("an object").clone()
        };
        let (then, now) = (content("staff"), content("customers"));
        assert_eq!(material(definition, Some(&then), Some(&now)), ["ai_system.users"]);
        assert_eq!(material(definition, Some(&now), Some(&now)), Vec::<String>::new());
        assert_eq!(
            material(definition, None, Some(&now)),
            ["ai_system.users", "ai_system.risk_tier"],
            "an assessment of before the first entry, or of an erased one, would hold whatever the entry says"
        );
        let all = definition.fields().filter(|field| field.material).count();
        assert_eq!(material(definition, Some(&then), None).len(), all, "erasing an entry hides its changes");
    }
}
