//! Erasures that take two people: asked for by one, confirmed by another.
//!
//! Promises: nothing is erased before somebody else than who asked has confirmed it, in a session that neither let the other into
//! (docs/decisions/0013-who-let-the-approver-in.md); each step is a record. Must never: name a data subject to whoever may not see personal content.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::{By, Erasure, ErasureTarget, PendingErasure};
use tabellion_model::{ErasureRequestId, SystemId};

use super::forms::{IdForm, Line, Recorded, Reference};
use super::prose::Prose;
use super::{Actor, Desk, Written};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

/// What is to be erased: exactly one of `subject`, `record` and `system`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// Everything about one data subject, named as in the records.
    #[serde(default)]
    pub subject: Option<Line>,
    /// The content of the entry of this index, which was recorded as erasable alone.
    #[serde(default)]
    pub record: Option<u64>,
    /// Everything recorded for a system.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// Why, for whoever confirms it.
    pub reason: Prose,
}

/// What a second person says to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureDecision {
    /// Whether the content is erased now, or stays.
    pub confirmed: bool,
    /// Why.
    pub reason: Prose,
}

/// An erasure that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitingErasure {
    /// The request.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// Who asked; null: the operator.
    #[schemars(with = "Option<IdForm>")]
    pub by: Option<String>,
    /// What it is about; null: erased meanwhile.
    #[schemars(extend("enum" = ["subject", "record", "system", null]))]
    pub scope: Option<String>,
    /// The data subject, for whoever may see personal content.
    pub subject: Option<String>,
    /// The entry.
    pub record: Option<u64>,
    /// The system.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// The record of the request.
    pub recorded: Reference,
}

/// Erasures that wait for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitingErasures {
    /// The oldest first.
    pub erasures: Vec<WaitingErasure>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidedErasure {
    /// The request.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// Whether the content is gone.
    pub erased: bool,
    /// Content keys that were destroyed.
    pub keys: u64,
    /// Units whose content is gone, each with its tombstone.
    pub units: u64,
    /// The order, or the record that declines it.
    pub recorded: Recorded,
}

impl Desk {
    /// Asks for an erasure. Nothing is erased.
    pub fn request_erasure(
        &self,
        actor: &Actor,
        new: &NewErasure,
    ) -> Result<(WaitingErasure, Written), Refusal> {
        check(actor, Permission::OrderErasures)?;
        let target = match (&new.subject, new.record, new.system) {
            (Some(subject), None, None) => ErasureTarget::Subject(subject.as_str().to_owned()),
            (None, Some(record), None) => ErasureTarget::Record(record),
            (None, None, Some(system)) => ErasureTarget::System(system),
            _ => return Err(Refusal::new(Code::Malformed, "name exactly one of subject, record and system")),
        };
        let by = self.step_by(actor)?;
        let (request, ack) = self.ledger.request_erasure(&target, new.reason.as_str(), &by)?;
        let written = self.passed(&[ack])?;
        Ok((self.waiting(actor, self.ledger.pending_erasure(&request)?)?, written))
    }

    /// The erasures that wait for a second person.
    pub fn waiting_erasures(&self, actor: &Actor) -> Result<WaitingErasures, Refusal> {
        let pending = self.ledger.pending_erasures()?;
        let erasures = pending.into_iter().map(|pending| self.waiting(actor, pending));
        Ok(WaitingErasures { erasures: erasures.collect::<Result<_, _>>()? })
    }

    /// Confirms an erasure, which is carried out by that, or declines it.
    pub fn decide_erasure(
        &self,
        actor: &Actor,
        request: ErasureRequestId,
        new: &ErasureDecision,
    ) -> Result<(DecidedErasure, Written), Refusal> {
        let pending = self.ledger.pending_erasure(&request)?;
        // Whoever asked may take it back; else it takes the permission to decide.
        let is_own = pending.by == actor.credential();
        if new.confirmed || !is_own {
            check(actor, Permission::DecideErasures)?;
        }
        if new.confirmed {
            if is_own {
                return Err(Refusal::new(
                    Code::OwnWork,
                    "you asked for this erasure yourself; nothing was erased",
                ));
            }
            self.second_person(actor)?.check_let_in_by_others(pending.by.iter(), pending.sessions.iter())?;
        }
        let by = self.step_by(actor)?;
        let (done, acks) = if new.confirmed {
            let done = self.ledger.confirm_erasure(&request, new.reason.as_str(), &by)?;
            let acks = done.orders.clone();
            (done, acks)
        } else {
            let ack = self.ledger.decline_erasure(&request, new.reason.as_str(), &by)?;
            (Erasure { orders: Vec::new(), keys: 0, units: 0 }, vec![ack])
        };
        let written = self.passed(&acks)?;
        if new.confirmed {
            // The tombstones come after the order; what is erased is gone from the next answer.
            self.wait_for(self.ledger.reader().size())
                .map_err(|error| Refusal::new(Code::ViewBehind, format!("erased; {error}")))?;
        }
        let decided = DecidedErasure {
            id: request.to_hex(),
            erased: new.confirmed,
            keys: done.keys as u64,
            units: done.units as u64,
            recorded: Recorded::from(&written),
        };
        Ok((decided, written))
    }

    fn step_by(&self, actor: &Actor) -> Result<By, Refusal> {
        self.check_present()?;
        Ok(By { credential: actor.credential(), parents: self.in_session(actor, None)? })
    }

    fn waiting(&self, actor: &Actor, pending: PendingErasure) -> Result<WaitingErasure, Refusal> {
        let sees_people = actor.reach(Permission::ReadPersonal) == Reach::All;
        let (mut subject, mut record, mut system) = (None, None, None);
        let scope = pending.target.map(|target| match target {
            ErasureTarget::Subject(named) => {
                subject = sees_people.then_some(named);
                "subject".to_owned()
            }
            ErasureTarget::Record(index) => {
                record = Some(index);
                "record".to_owned()
            }
            ErasureTarget::System(id) => {
                system = Some(id.to_hex());
                "system".to_owned()
            }
            ErasureTarget::Retention { .. } => "retention".to_owned(),
        });
        Ok(WaitingErasure {
            id: pending.request.to_hex(),
            by: pending.by.map(|by| by.to_hex()),
            scope,
            subject,
            record,
            system,
            reason: pending.reason,
            recorded: self.reference(pending.index)?,
        })
    }
}

fn check(actor: &Actor, permission: Permission) -> Result<(), Refusal> {
    if actor.reach(permission) == Reach::All {
        return Ok(());
    }
    Err(Refusal::new(Code::NotPermitted, "none of your roles may do this to an erasure"))
}
