//! The inventory of AI systems: register, change, move from stage to stage, switch capture.
//!
//! Promises: a system without a known owner does not go live; what is captured changes only by a record. Must never: bring back what is
//! retired.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::Draft;
use tabellion_model::body::{Capture, SystemRegistered, SystemStage, SystemStageChanged};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::query::{Page, SystemFilter, SystemRow};

use super::asking::all;
use super::forms::{CaptureForm, IdForm, Line, Reference, StageForm, Time, Word};
use super::prose::Prose;
use super::writing::{Earlier, draft_of, foreign};
use super::{Actor, Desk, Given, Written};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

/// What is said of a system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemDescription {
    /// What people call it.
    pub name: Line,
    /// The person who answers for it; absent: the person who asks.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub owner: Option<CredentialId>,
    /// What it may be used for; the first is the default of its keys.
    #[schemars(length(min = 1, max = 32))]
    pub purposes: Vec<Word>,
    /// One or two sentences for a reader who does not know it.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub description: String,
    /// How much of prompts and answers is kept; absent: nothing.
    #[serde(default)]
    #[schemars(with = "CaptureForm")]
    pub capture: Capture,
    /// Why this much is kept; needed wherever `capture` changes by it: of a new system where it keeps anything.
    #[serde(default)]
    pub capture_reason: Option<Prose>,
    /// Where its costs are booked; absent: nowhere in particular.
    #[serde(default)]
    pub cost_centre: Option<Word>,
}

/// Where a system is to stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStage {
    /// The stage.
    #[schemars(with = "StageForm")]
    pub stage: SystemStage,
    /// Why.
    pub reason: Prose,
}

/// What is to be captured of a system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCapture {
    /// How much of prompts and answers is kept.
    #[schemars(with = "CaptureForm")]
    pub capture: Capture,
    /// Why.
    pub reason: Prose,
}

/// A system. What was erased is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its id.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// The person who answers for it.
    #[schemars(with = "Option<IdForm>")]
    pub owner: Option<CredentialId>,
    /// Whether that person is known and not gone.
    pub owner_known: bool,
    /// What it may be used for.
    pub purposes: Option<Vec<String>>,
    /// For a reader who does not know it.
    pub description: Option<String>,
    /// How much of prompts and answers is kept.
    #[schemars(with = "Option<CaptureForm>")]
    pub capture: Option<Capture>,
    /// Why this much is kept; null also where nobody was asked.
    pub capture_reason: Option<String>,
    /// Where its costs are booked; null also where nobody said.
    #[schemars(with = "Option<Word>")]
    pub cost_centre: Option<String>,
    /// Where it stands.
    #[schemars(with = "StageForm")]
    pub stage: SystemStage,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// When it entered the inventory.
    pub registered_at: Time,
    /// Its first record.
    pub registered: Reference,
    /// Its newest record.
    pub changed: Reference,
}

/// Systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Systems {
    /// Those within reach, by id.
    pub systems: Vec<System>,
}

impl Desk {
    /// All systems that `actor` may see.
    pub fn systems(&self, actor: &Actor) -> Result<Systems, Refusal> {
        let within = self.systems_within(actor, Permission::ReadSystems)?;
        let mut rows = all(|page| self.views.systems(&SystemFilter::default(), page))?;
        rows.retain(|row| within.as_ref().is_none_or(|within| within.contains(&row.system)));
        rows.sort_unstable_by_key(|row| row.system);
        Ok(Systems { systems: rows.iter().map(|row| self.shown(row)).collect::<Result<_, _>>()? })
    }

    /// All systems that `actor` may see as the views have them, the last registered first.
    pub fn system_rows(&self, actor: &Actor) -> Result<Vec<SystemRow>, Refusal> {
        let within = self.systems_within(actor, Permission::ReadSystems)?;
        let mut rows = all(|page| self.views.systems(&SystemFilter::default(), page))?;
        rows.retain(|row| within.as_ref().is_none_or(|within| within.contains(&row.system)));
        Ok(rows)
    }

    /// The newest systems that `actor` may see, at most `limit` of them, and whether there are more.
    pub fn newest_system_rows(&self, actor: &Actor, limit: u32) -> Result<(Vec<SystemRow>, bool), Refusal> {
        let within = self.systems_within(actor, Permission::ReadSystems)?;
        if within.is_some() {
            let mut rows = self.system_rows(actor)?;
            let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = rows.len() > wanted;
            rows.truncate(wanted);
            return Ok((rows, more));
        }
        let found = self.views.systems(&SystemFilter::default(), Page { before: None, limit })?;
        Ok((found.rows, found.next.is_some()))
    }

    /// One system.
    pub fn system(&self, actor: &Actor, id: SystemId) -> Result<System, Refusal> {
        self.shown(&self.reach_system(actor, Permission::ReadSystems, id)?)
    }

    /// Enters a system into the inventory.
    pub fn register_system(
        &self,
        actor: &Actor,
        given: &Given,
        described: &SystemDescription,
    ) -> Result<(System, Written), Refusal> {
        let mut id = SystemId::from_bytes(self.random_id()?);
        let written = self.once(actor, "register-system", given, |earlier| {
            let body = described_as(actor, described, None)?;
            if let Some(earlier) = earlier {
                id = earlier.drawn_id()?;
            } else {
                check_owner(actor, Permission::RegisterSystems, body.owner)?;
                if body.capture != Capture::None && body.capture_reason.is_none() {
                    return Err(no_reason());
                }
            }
            Ok(vec![of_system(id, draft_of(&body, stream(id), 0)?)])
        })?;
        Ok((self.now_of(id)?, written))
    }

    /// Replaces what is said of a system.
    pub fn change_system(
        &self,
        actor: &Actor,
        given: &Given,
        id: SystemId,
        described: &SystemDescription,
    ) -> Result<(System, Written), Refusal> {
        if given.version.is_none() {
            return Err(Refusal::new(Code::VersionRequired, "a system is replaced as a whole"));
        }
        let written = self.once(actor, "change-system", given, |earlier| {
            let row = self.reach_or_earlier(actor, id, earlier.is_some())?;
            let before = match earlier {
                Some(earlier) => earlier.text("owner").and_then(|owner| CredentialId::from_hex(&owner)),
                None => row.described.as_ref().map(|said| said.owner),
            };
            let mut body = described_as(actor, described, before)?;
            if body.capture_reason.is_none() {
                body.capture_reason = match earlier {
                    Some(earlier) => earlier.text("capture_reason"),
                    None => carried_reason(&row, body.capture)?,
                };
            }
            if earlier.is_none() {
                check_owner(actor, Permission::ChangeSystems, body.owner)?;
                if stage_of(&row) == SystemStage::Live && !self.known(body.owner)? {
                    return Err(owner_unknown());
                }
            }
            let expected = given.expected(earlier, row.version);
            Ok(vec![of_system(id, draft_of(&body, stream(id), expected)?)])
        })?;
        Ok((self.now_of(id)?, written))
    }

    /// Switches what is captured of a system.
    pub fn change_capture(
        &self,
        actor: &Actor,
        given: &Given,
        id: SystemId,
        new: &NewCapture,
    ) -> Result<(System, Written), Refusal> {
        let written = self.once(actor, "change-capture", given, |earlier| {
            let row = self.reach_or_earlier(actor, id, earlier.is_some())?;
            let mut body = match earlier {
                // Whatever else was said of the system then, it was this record that said it.
                Some(earlier) => {
                    tabellion_model::body::Body::read(earlier.fields.clone()).map_err(|_| foreign())?
                }
                None => said_of(&row).ok_or_else(|| {
                    Refusal::new(Code::Conflict, "what was said of the system is erased; describe it anew")
                })?,
            };
            if earlier.is_none() && body.capture == new.capture {
                return Err(Refusal::new(Code::AlreadySo, "this much is captured of the system already"));
            }
            body.capture = new.capture;
            body.capture_reason = Some(new.reason.to_text());
            let expected = given.expected(earlier, row.version);
            Ok(vec![of_system(id, draft_of(&body, stream(id), expected)?)])
        })?;
        Ok((self.now_of(id)?, written))
    }

    /// Moves a system to another stage.
    pub fn change_stage(
        &self,
        actor: &Actor,
        given: &Given,
        id: SystemId,
        new: &NewStage,
    ) -> Result<(System, Written), Refusal> {
        let plan = |earlier: Option<&Earlier>| {
            let row = self.reach_or_earlier(actor, id, earlier.is_some())?;
            if earlier.is_none() {
                check_stage(&row, new.stage)?;
            }
            let body = SystemStageChanged { stage: new.stage, reason: new.reason.to_text() };
            let expected = given.expected(earlier, row.version);
            Ok(vec![of_system(id, draft_of(&body, stream(id), expected)?)])
        };
        let written = if matches!(new.stage, SystemStage::Paused | SystemStage::Retired) {
            self.once_taking(actor, "change-stage", given, plan)?
        } else {
            self.once(actor, "change-stage", given, plan)?
        };
        Ok((self.now_of(id)?, written))
    }

    /// A retry needs no right to what it has done already: the answer says nothing new.
    fn reach_or_earlier(&self, actor: &Actor, id: SystemId, earlier: bool) -> Result<SystemRow, Refusal> {
        if earlier {
            return self.views.system(&id)?.ok_or_else(|| Refusal::not_found("system"));
        }
        self.reach_system(actor, Permission::ChangeSystems, id)
    }

    pub(super) fn known(&self, person: CredentialId) -> Result<bool, Refusal> {
        Ok(self.views.person(&person)?.is_some_and(|person| person.details.is_some()))
    }

    fn now_of(&self, id: SystemId) -> Result<System, Refusal> {
        let row = self.views.system(&id)?.ok_or_else(|| Refusal::not_found("system"))?;
        self.shown(&row)
    }

    fn shown(&self, row: &SystemRow) -> Result<System, Refusal> {
        let said = row.described.as_ref();
        Ok(System {
            id: row.system.to_hex(),
            name: said.map(|said| said.name.clone()),
            owner: said.map(|said| said.owner),
            owner_known: said.is_some_and(|said| said.owner_name.is_some()),
            purposes: said.map(|said| said.purposes.clone()),
            description: said.map(|said| said.description.clone()),
            capture: said.map(|said| said.capture),
            capture_reason: said.and_then(|said| said.capture_reason.clone()),
            cost_centre: said.and_then(|said| said.cost_centre.clone()),
            stage: stage_of(row),
            version: row.version,
            registered_at: Time(row.registered_at),
            registered: self.reference(row.registered_entry)?,
            changed: self.reference(row.changed_entry)?,
        })
    }
}

/// Whether a system may move to `stage` from where it stands.
fn check_stage(row: &SystemRow, stage: SystemStage) -> Result<(), Refusal> {
    use SystemStage::{Draft, Live, Paused, Retired};
    let before = stage_of(row);
    let possible =
        matches!((before, stage), (Draft | Paused, Live) | (Live, Paused) | (Draft | Live | Paused, Retired));
    if !possible {
        return Err(Refusal::new(
            Code::StageImpossible,
            format!(
                "the system is {}, from where it cannot become {}",
                super::forms::stage_word(before),
                super::forms::stage_word(stage)
            ),
        ));
    }
    let owned = row.described.as_ref().is_some_and(|said| said.owner_name.is_some());
    if stage == Live && !owned {
        return Err(owner_unknown());
    }
    Ok(())
}

/// Where a system stands. A stage that nobody can read any more lets nobody through.
pub fn stage_of(row: &SystemRow) -> SystemStage {
    row.stage.stage.unwrap_or(SystemStage::Paused)
}

/// What was last said of a system, as a record says it.
fn said_of(row: &SystemRow) -> Option<SystemRegistered> {
    let said = row.described.clone()?;
    Some(SystemRegistered {
        name: said.name,
        owner: said.owner,
        purposes: said.purposes,
        description: said.description,
        capture: said.capture,
        capture_reason: said.capture_reason,
        cost_centre: said.cost_centre,
    })
}

/// Why `capture` is kept, where it is what was kept before. A switch needs words of its own, whichever way it is made.
fn carried_reason(row: &SystemRow, capture: Capture) -> Result<Option<String>, Refusal> {
    let said = row.described.as_ref();
    if said.map_or(Capture::None, |said| said.capture) != capture {
        return Err(no_reason());
    }
    Ok(said.and_then(|said| said.capture_reason.clone()))
}

fn no_reason() -> Refusal {
    let what = "this changes how much of prompts and answers is kept: say why in capture_reason";
    Refusal::at(Code::Malformed, "/capture_reason", what)
}

fn owner_unknown() -> Refusal {
    Refusal::new(Code::OwnerUnknown, "the person who answers for the system is not known here, or is gone")
}

fn stream(id: SystemId) -> String {
    format!("system/{id}")
}

fn of_system(id: SystemId, mut draft: Draft) -> Draft {
    draft.system = Some(id.to_hex());
    draft
}

/// Whoever acts for own systems only answers for what they register and keeps it.
fn check_owner(actor: &Actor, permission: Permission, owner: CredentialId) -> Result<(), Refusal> {
    if actor.reach(permission) == Reach::Own && !actor.is(owner) {
        return Err(Refusal::at(
            Code::NotPermitted,
            "/owner",
            "your role permits this for systems that you answer for; leave out owner",
        ));
    }
    Ok(())
}

fn described_as(
    actor: &Actor,
    described: &SystemDescription,
    owner_before: Option<CredentialId>,
) -> Result<SystemRegistered, Refusal> {
    let own = match actor {
        Actor::Person { id, .. } => Some(*id),
        Actor::Key { .. } | Actor::Operator => None,
    };
    let owner =
        described.owner.or(owner_before).or(own).ok_or_else(|| {
            Refusal::at(Code::Malformed, "/owner", "nobody is named to answer for the system")
        })?;
    Ok(SystemRegistered {
        name: described.name.as_str().to_owned(),
        owner,
        purposes: described.purposes.iter().map(|word| word.as_str().to_owned()).collect(),
        description: described.description.clone(),
        capture: described.capture,
        capture_reason: described.capture_reason.as_ref().map(Prose::to_text),
        cost_centre: described.cost_centre.as_ref().map(|centre| centre.as_str().to_owned()),
    })
}
