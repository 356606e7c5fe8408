//! Erasures, and deletions of systems, that take two people: asked for by one, confirmed by another.
//!
//! Promises: nothing is erased before somebody else than who asked has confirmed it, in a session that neither let the other into
//! (docs/decisions/0013-who-let-the-approver-in.md), which holds for the operator too; each step is a record; a retry with an idempotency key asks once; whoever is to confirm is shown what was asked for, as it was asked, and how much
//! goes. Must never: take what a budget or a stop says that is in force, or name a data subject to whoever may neither confirm nor see personal content.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::{By, Erasure, ErasureTarget, Going, PendingErasure, WantedErasure};
use tabellion_model::{CredentialId, ErasureRequestId, RecordId, SystemId};
use tabellion_views::query::{BudgetVersion, StopRow};

use super::asking::all;
use super::forms::{IdForm, Line, Recorded, Reference, Time};
use super::prose::Prose;
use super::writing::scoped;
use super::{Actor, Desk, Given, Written};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

const SECONDS_PER_HOUR: u64 = 3600;

/// What is to be erased: exactly one of `subject`, `record`, `call`, `usage_report` and `system`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// Everything about one data subject, named as in the records.
    #[serde(default)]
    pub subject: Option<Line>,
    /// The content of the entry of this index, which was recorded as erasable alone.
    #[serde(default)]
    pub record: Option<u64>,
    /// What is kept of a call: prompt, answer, what placeholders stand for, what detectors said, of every attempt; by the id that its caller was given. That there was a call, and its charge,
    /// stays.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub call: Option<RecordId>,
    /// An export of what a provider counted, by its id.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub usage_report: Option<RecordId>,
    /// Everything recorded for a system.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// With `system`: the system is deleted. From the confirmation on records that name it are refused, and its content goes so many hours later;
    /// until then the operator can take it back. Absent: what is recorded goes when it is confirmed, and the system goes on.
    #[serde(default)]
    #[schemars(range(max = 87_840))]
    pub grace_hours: Option<u64>,
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
    #[schemars(extend("enum" = ["subject", "record", "call", "system", null]))]
    pub scope: Option<String>,
    /// The data subject as whoever asked named it, for whoever may confirm erasures or see personal content.
    pub subject: Option<String>,
    /// The entry.
    pub record: Option<u64>,
    /// The call.
    #[schemars(with = "Option<IdForm>")]
    pub call: Option<String>,
    /// Content keys that would be destroyed if it were confirmed now.
    pub keys: u64,
    /// For an entry and a call: the entries whose content would go; null: they are not counted.
    pub entries: Option<Vec<u64>>,
    /// The system.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// For the deletion of a system: hours from the confirmation until its content goes; null: it goes at once.
    pub grace_hours: Option<u64>,
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
    /// For a deletion that was confirmed: when the content goes; null: it is gone, or stays.
    pub due: Option<Time>,
    /// Content keys that were destroyed.
    pub keys: u64,
    /// Units whose content is gone, each with its tombstone.
    pub units: u64,
    /// The order, the record that begins a deletion, or the one that declines.
    pub recorded: Recorded,
}

impl Desk {
    /// Asks for an erasure, or for the deletion of a system. Nothing is erased.
    pub fn request_erasure(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewErasure,
    ) -> Result<(WaitingErasure, Written), Refusal> {
        check(actor, Permission::OrderErasures)?;
        self.refresh()?;
        let target = self.erasure_target(new)?;
        if new.grace_hours.is_some() && new.system.is_none() {
            return Err(Refusal::at(
                Code::Malformed,
                "/grace_hours",
                "only the deletion of a system has a time of grace",
            ));
        }
        self.check_present()?;
        let key = given.idempotency_key.as_deref().map(|key| scoped(actor, "request-erasure", key));
        let key = key.transpose()?;
        let earlier = self.earlier(key.as_deref(), false)?;
        if earlier.is_none() {
            self.check_erasable(&target)?;
        }
        let parents = self.in_session(actor, earlier.as_ref())?;
        let by = By { credential: actor.credential(), parents, ..By::default() };
        let wanted = WantedErasure {
            target: &target,
            grace_seconds: new.grace_hours.map(|hours| hours.saturating_mul(SECONDS_PER_HOUR)),
            reason: new.reason.as_str(),
            idempotency_key: key.as_deref(),
        };
        let (_, ack) = self.ledger.ask_for_erasure(&wanted, &by)?;
        let written = self.passed(&[ack])?;
        Ok((self.waiting(actor, self.ledger.erasure_request(written.index)?)?, written))
    }

    /// What `new` names.
    fn erasure_target(&self, new: &NewErasure) -> Result<ErasureTarget, Refusal> {
        let NewErasure { subject, record, call, usage_report, system, grace_hours: _, reason: _ } = new;
        match (subject, record, call, usage_report, system) {
            (Some(subject), None, None, None, None) => {
                Ok(ErasureTarget::Subject(subject.as_str().to_owned()))
            }
            (None, Some(record), None, None, None) => Ok(ErasureTarget::Record(*record)),
            (None, None, Some(call), None, None) => self.call_target(*call),
            (None, None, None, Some(report), None) => {
                Ok(ErasureTarget::Record(self.usage_row(*report)?.entry))
            }
            (None, None, None, None, Some(system)) => Ok(ErasureTarget::System(*system)),
            _ => Err(Refusal::new(
                Code::Malformed,
                "name exactly one of subject, record, call, usage_report and system",
            )),
        }
    }

    /// The whole call that a record began, also where it is a further attempt of it.
    fn call_target(&self, id: RecordId) -> Result<ErasureTarget, Refusal> {
        let call = self.views.call(&id)?.ok_or_else(|| Refusal::not_found("call"))?;
        let first = call.authorised.and_then(|said| said.attempt).map_or(id, |attempt| attempt.of);
        let target = ErasureTarget::Call(first);
        let own = ErasureTarget::Record(call.row.entry);
        // Calls of before had keys of their own for one of their records, where what placeholders stand for was kept.
        let is_of_before = self.ledger.going(&target)?.keys == 0
            && self.ledger.going(&own).is_ok_and(|going| going.keys > 0);
        Ok(if is_of_before { own } else { target })
    }

    /// Refuses `target` where it takes what a budget or a stop says that is in force: until it were ended or lifted every call would be denied, since nobody could tell whom it is for.
    pub fn check_erasable(&self, target: &ErasureTarget) -> Result<(), Refusal> {
        let in_force = |row: &BudgetVersion| !row.ended && row.said.is_some();
        let budgets: Vec<_> = all(|page| self.views.budgets(page))?.into_iter().filter(in_force).collect();
        let entries: Vec<u64> = budgets.iter().map(|row| row.entry).collect();
        let hit = self.ledger.goes_with(target, &entries)?;
        if let Some(row) = hit.and_then(|entry| budgets.iter().find(|row| row.entry == entry)) {
            let name = &row.name;
            return Err(Refusal::new(
                Code::InForce,
                format!(
                    "this would erase whom the budget {name} is for, and then every call is denied until it is ended: end the budget {name} first, then ask again. Nothing was erased"
                ),
            ));
        }
        let in_force = |row: &StopRow| row.lifted.is_none() && row.scope.is_some();
        let stops: Vec<_> = all(|page| self.views.stops(page))?.into_iter().filter(in_force).collect();
        let entries: Vec<u64> = stops.iter().map(|row| row.entry).collect();
        let hit = self.ledger.goes_with(target, &entries)?;
        if let Some(row) = hit.and_then(|entry| stops.iter().find(|row| row.entry == entry)) {
            let stop = row.stop;
            return Err(Refusal::new(
                Code::InForce,
                format!(
                    "this would erase whom the stop {stop} is for, and then every call is stopped until it is lifted: have the stop {stop} lifted first, then ask again. Nothing was erased"
                ),
            ));
        }
        Ok(())
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
            self.check_confirms(actor, &pending)?;
            self.refresh()?;
            pending.target.as_ref().map_or(Ok(()), |target| self.check_erasable(target))?;
        }
        let by = self.step_by(actor)?;
        let (done, acks) = if new.confirmed {
            let done = self.ledger.confirm_erasure(&request, new.reason.as_str(), &by)?;
            let acks = done.orders.clone();
            (done, acks)
        } else {
            let ack = self.ledger.decline_erasure(&request, new.reason.as_str(), &by)?;
            (Erasure::of_nothing(), vec![ack])
        };
        let written = self.passed(&acks)?;
        let erased = new.confirmed && done.due.is_none();
        if erased {
            // The tombstones come after the order; what is erased is gone from the next answer.
            self.wait_for(self.ledger.reader().size())
                .map_err(|error| Refusal::new(Code::ViewBehind, format!("erased; {error}")))?;
        }
        let decided = DecidedErasure {
            id: request.to_hex(),
            erased,
            due: done.due.map(Time),
            keys: done.keys as u64,
            units: done.units as u64,
            recorded: Recorded::from(&written),
        };
        Ok((decided, written))
    }

    /// Refuses `actor` to confirm what they may have asked for themselves.
    pub fn check_confirms(&self, actor: &Actor, pending: &PendingErasure) -> Result<(), Refusal> {
        self.check_second_person(actor, pending).map_err(|refusal| Refusal {
            // Of decisions in registers the attempt is a record, of this one it is not.
            detail: refusal.detail.replace("the attempt is recorded", "nothing was erased"),
            ..refusal
        })
    }

    /// Whether whoever confirms is another than who asked: neither let the other in. The operator is no person of the log and lets everybody in at
    /// the beginning, so for them a session counts that begins with a link of theirs alone.
    fn check_second_person(&self, actor: &Actor, pending: &PendingErasure) -> Result<(), Refusal> {
        let second = self.second_person(actor)?;
        second.check_let_in_by_others(pending.by.iter(), pending.sessions.iter())?;
        let is_operators = |by: &CredentialId| self.ledger.is_operator(by);
        if pending.by.is_none() {
            return second.check_not_let_in_by(is_operators);
        }
        match actor {
            Actor::Operator => second.check_others_not_let_in_by(pending.sessions.iter(), is_operators),
            Actor::Person { .. } | Actor::Key { .. } => Ok(()),
        }
    }

    fn step_by(&self, actor: &Actor) -> Result<By, Refusal> {
        self.check_present()?;
        let parents = self.in_session(actor, None)?;
        Ok(By { credential: actor.credential(), parents, ..By::default() })
    }

    fn waiting(&self, actor: &Actor, pending: PendingErasure) -> Result<WaitingErasure, Refusal> {
        // Whoever confirms has to be able to check whom it is about: a name that cannot be read cannot be checked.
        let sees = [Permission::DecideErasures, Permission::ReadPersonal];
        let sees_people = sees.into_iter().any(|permission| actor.reach(permission) == Reach::All);
        let going = match &pending.target {
            Some(target) => self.ledger.going(target)?,
            None => Going { keys: 0, entries: None },
        };
        let (mut subject, mut record, mut call, mut system) = (None, None, None, None);
        let scope = pending.target.map(|target| match target {
            ErasureTarget::Subject(named) => {
                subject = sees_people.then_some(named);
                "subject".to_owned()
            }
            ErasureTarget::Record(index) => {
                record = Some(index);
                "record".to_owned()
            }
            ErasureTarget::Call(id) => {
                call = Some(id.to_hex());
                "call".to_owned()
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
            call,
            keys: going.keys as u64,
            entries: going.entries,
            system,
            grace_hours: pending.grace_seconds.map(|grace| grace.div_ceil(SECONDS_PER_HOUR)),
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
