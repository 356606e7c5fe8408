//! Emergency stops: ordered by one person at once, lifted by another (docs/stops.md).
//!
//! Promises: an order is recorded also when the views stand still, and answered when the gateway obeys it; nobody lifts what they ordered, nor where they
//! and whoever did let one another in; what a stop did is counted from records. Must never: tell a time that no record has, or lift a stop by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::{Draft, SubjectFields};
use tabellion_model::body::{StopLifted, StopOrdered, StopRefused, StopScope};
use tabellion_model::{CredentialId, Micros, StopId, SystemId};
use tabellion_views::query::{StopEffect, StopRow};

use super::asking::all;
use super::forms::{IdForm, Line, Reason, Reference, Time};
use super::prose::Prose;
use super::second_person::NotAnother;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Microseconds of a millisecond.
const MILLISECOND_US: u64 = 1000;

/// What is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StopScope")]
pub enum ScopeForm {
    /// Everything.
    Tenant,
    /// Every key of a system.
    System,
    /// One key.
    Key,
    /// A model.
    Model,
    /// A provider.
    Provider,
    /// A person behind calls.
    Person,
    /// A program behind calls that an identity provider or a certificate names.
    Agent,
}

/// A stop to order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStop {
    /// What is stopped.
    pub scope: ScopeForm,
    /// Which: the id of a system or key; the name of a model, as it is asked for or as its provider is given it, with a `*` at its end for every name that
    /// begins so; the name of a provider in the configuration; a person or agent as records of calls have them, `corp|4711`. None for the tenant.
    #[serde(default)]
    pub subject: Option<Line>,
    /// Why; callers are not told.
    pub reason: Prose,
    /// Whether it is an exercise. It is in force like any other.
    #[serde(default)]
    pub drill: bool,
}

/// How a stop stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StopState")]
pub enum StateForm {
    /// Calls in its scope are refused.
    InForce,
    /// It holds nothing up any more.
    Lifted,
}

/// A call that a stop refused or cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StopEffect")]
pub struct Effect {
    /// When the record that says so was durable.
    pub at: Time,
    /// Milliseconds since the order was durable.
    pub after_ms: u64,
    /// That record.
    pub recorded: Reference,
}

/// What a stop did, from records alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StopReport")]
pub struct Report {
    /// When it was ordered.
    pub ordered_at: Time,
    /// When that was durable: from here on times are measured.
    pub durable_at: Time,
    /// Calls that it refused.
    pub calls_refused: u64,
    /// The first of them; null: none was refused.
    pub first_refused: Option<Effect>,
    /// Calls that ran and that it cut.
    pub calls_cut: u64,
    /// The last of them; null: none was cut.
    pub last_cut: Option<Effect>,
    /// When it was lifted; null: it is in force.
    pub lifted_at: Option<Time>,
}

/// How a stop was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StopLift")]
pub struct Lift {
    /// Who lifted it.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// The record.
    pub recorded: Reference,
}

/// A stop as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Its id.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// How it stands.
    pub state: StateForm,
    /// What is stopped; null: that was erased, and everything is.
    pub scope: Option<ScopeForm>,
    /// Which; null for the tenant.
    pub subject: Option<String>,
    /// Whether it is an exercise; null: erased.
    pub drill: Option<bool>,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// Who ordered it.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// Its times, and what it did.
    pub report: Report,
    /// How it was lifted; null: it is in force.
    pub lifted: Option<Lift>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record that ordered it.
    pub recorded: Reference,
}

/// Stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stops {
    /// The last ordered first; those lifted too.
    pub stops: Vec<Stop>,
}

impl Desk {
    /// Every stop.
    pub fn stops(&self) -> Result<Stops, Refusal> {
        let rows = self.stop_rows()?;
        Ok(Stops { stops: rows.into_iter().map(|row| self.shown_stop(row)).collect::<Result<_, _>>()? })
    }

    /// The same as the views have them.
    pub fn stop_rows(&self) -> Result<Vec<StopRow>, Refusal> {
        Ok(all(|page| self.views.stops(page))?)
    }

    /// One stop.
    pub fn stop(&self, id: StopId) -> Result<Stop, Refusal> {
        self.shown_stop(self.stop_row(id)?)
    }

    /// One stop as the views have it.
    pub fn stop_row(&self, id: StopId) -> Result<StopRow, Refusal> {
        self.views.emergency_stop(&id)?.ok_or_else(|| Refusal::not_found("stop"))
    }

    /// Stops a scope from now on.
    pub fn order_stop(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewStop,
    ) -> Result<(Stop, Written), Refusal> {
        let scope = scope_of(new)?;
        let mut id = None;
        let written = self.once_taking(actor, "order-stop", given, |earlier| {
            let stop = match (earlier, id) {
                (Some(earlier), _) => earlier.drawn_id()?,
                (None, Some(drawn)) => drawn,
                (None, None) => StopId::from_bytes(self.random_id()?),
            };
            id = Some(stop);
            if earlier.is_none() {
                self.check_may_stop(actor, &scope)?;
            }
            let body =
                StopOrdered { stop, scope: scope.clone(), reason: new.reason.to_text(), drill: new.drill };
            let mut draft = about_whom(draft_of(&body, stream(stop), 0)?, &scope);
            // Nobody else writes where an id was drawn; and a retry is the same request whether or not the views had followed before.
            draft.stream.iter_mut().for_each(|stream| stream.expected = None);
            Ok(vec![draft])
        })?;
        let id = id.ok_or_else(|| Refusal::new(Code::Broken, "a stop was recorded without its id"))?;
        Ok((self.stop(id)?, written))
    }

    /// Lifts a stop; every other one stays in force.
    pub fn lift_stop(
        &self,
        actor: &Actor,
        given: &Given,
        id: StopId,
        why: &Reason,
    ) -> Result<(Stop, Written), Refusal> {
        let written = self.once(actor, "lift-stop", given, |earlier| {
            let row = self.stop_row(id)?;
            if earlier.is_none() {
                if row.lifted.is_some() {
                    return Err(Refusal::new(Code::AlreadySo, "the stop was lifted before"));
                }
                if given.version.is_some_and(|version| version != row.version) {
                    return Err(Refusal::new(Code::Stale, "the stop has another version by now"));
                }
                self.check_may_lift(actor, &row)?;
            }
            let body = StopLifted { stop: id, ordered: row.record_id, reason: why.reason.to_text() };
            let draft = draft_of(&body, stream(id), given.expected(earlier, row.version))?;
            Ok(vec![row.scope.iter().fold(draft, about_whom)])
        });
        if let Err(refusal) = &written
            && matches!(refusal.code, Code::OwnWork | Code::OwnLink)
        {
            self.record_stop_refusal(actor, id, refusal.code)?;
        }
        let written = written?;
        Ok((self.stop(id)?, written))
    }

    /// Whether `actor` may stop this: what they answer for, or with the whole log's reach anything; and whether it is there.
    fn check_may_stop(&self, actor: &Actor, scope: &StopScope) -> Result<(), Refusal> {
        let unknown = || Refusal::at(Code::UnknownReference, "/subject", "there is no such system or key");
        let system = match scope {
            StopScope::System(id) => Some(self.views.system(id)?.ok_or_else(unknown)?.system),
            StopScope::Key(id) => Some(self.views.credential(id)?.ok_or_else(unknown)?.system),
            StopScope::Tenant
            | StopScope::Model(_)
            | StopScope::Provider(_)
            | StopScope::Person(_)
            | StopScope::Agent(_) => None,
        };
        if self.may(actor, Permission::OrderStops, system)? {
            return Ok(());
        }
        let text = "your role permits this for systems that you answer for, and their keys; ask somebody whose role reaches further";
        Err(Refusal::new(Code::NotPermitted, text))
    }

    /// Whether whoever lifts is another than who ordered.
    fn check_may_lift(&self, actor: &Actor, row: &StopRow) -> Result<(), Refusal> {
        let otherwise = NotAnother {
            own_work: "you ordered this stop, and a second person has to lift it; it stays in force, and the attempt is recorded",
            own_link: "your session and the order of this stop go back to one another by the links that let people in, so nobody could tell the two of you apart; \
it stays in force, and the attempt is recorded",
        };
        self.check_another(actor, row.by, row.session.as_ref(), &otherwise)
    }

    /// Records that somebody tried to lift what they ordered: once for each person and stop.
    fn record_stop_refusal(&self, actor: &Actor, stop: StopId, code: Code) -> Result<(), Refusal> {
        let body = StopRefused { stop, code: code.as_str().to_owned() };
        let key = format!("stop-refused/{stop}/{}", actor.name());
        self.record_attempt(self.attempt(actor, &body, &stream(stop), key)?)
    }

    fn shown_stop(&self, row: StopRow) -> Result<Stop, Refusal> {
        let effect = |effect: StopEffect| {
            Ok::<_, Refusal>(Effect {
                at: Time(effect.at),
                after_ms: since(row.durable_at, effect.at),
                recorded: self.reference(effect.entry)?,
            })
        };
        let report = Report {
            ordered_at: Time(row.ordered_at),
            durable_at: Time(row.durable_at),
            calls_refused: row.refused,
            first_refused: row.first_refused.map(effect).transpose()?,
            calls_cut: row.cut,
            last_cut: row.last_cut.map(effect).transpose()?,
            lifted_at: row.lifted.as_ref().map(|lifted| Time(lifted.at)),
        };
        let lifted = row.lifted.map(|lifted| {
            let recorded = self.reference(lifted.entry)?;
            Ok::<_, Refusal>(Lift { by: lifted.by.to_hex(), reason: lifted.reason, recorded })
        });
        let (scope, subject) = row.scope.map(said).unzip();
        Ok(Stop {
            id: row.stop.to_hex(),
            state: if lifted.is_some() { StateForm::Lifted } else { StateForm::InForce },
            scope,
            subject: subject.flatten(),
            drill: row.drill,
            reason: row.reason,
            by: row.by.to_hex(),
            report,
            lifted: lifted.transpose()?,
            version: row.version,
            recorded: self.reference(row.entry)?,
        })
    }
}

/// Milliseconds from one moment to another.
fn since(from: Micros, to: Micros) -> u64 {
    to.since(from) / MILLISECOND_US
}

/// Whether a model or a provider can be called so: without blanks, stars and what nobody sees.
fn is_name(text: &str) -> bool {
    text.chars().all(|letter| !letter.is_whitespace() && !letter.is_control() && letter != '*')
}

/// Whether a record of a call can name a person, a team or an agent so: `corp|4711`.
pub(super) fn is_vouched_for(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let Some((by, name)) = text.split_once('|') else { return false };
    !by.is_empty() && by.bytes().all(plain) && !name.is_empty() && !name.chars().any(char::is_control)
}

/// What is to be stopped, checked.
fn scope_of(new: &NewStop) -> Result<StopScope, Refusal> {
    let malformed = |what: &str| Refusal::at(Code::Malformed, "/subject", what);
    let subject = new.subject.as_ref().map(|subject| subject.as_str().trim());
    let Some(subject) = subject else {
        if new.scope == ScopeForm::Tenant {
            return Ok(StopScope::Tenant);
        }
        return Err(malformed(
            "say which: the id of the system or key, the name of the model or provider, or the person or agent as records of calls have them",
        ));
    };
    let id = "a system or key is named by its id, 32 lower-case hex digits";
    match new.scope {
        ScopeForm::Tenant => Err(malformed("a stop of everything names nobody; leave subject out")),
        ScopeForm::System => SystemId::from_hex(subject).map(StopScope::System).ok_or_else(|| malformed(id)),
        ScopeForm::Key => CredentialId::from_hex(subject).map(StopScope::Key).ok_or_else(|| malformed(id)),
        // What can be the name of none would stop none, and be called in force.
        ScopeForm::Model if is_name(subject.strip_suffix('*').unwrap_or(subject)) => {
            Ok(StopScope::Model(subject.to_owned()))
        }
        ScopeForm::Model => Err(malformed(
            "no model can be called so; a * stands at the end alone, and a stop of the tenant stops every call",
        )),
        ScopeForm::Provider if is_name(subject) => Ok(StopScope::Provider(subject.to_owned())),
        ScopeForm::Provider => {
            Err(malformed("no provider can be called so; give its name in the configuration"))
        }
        ScopeForm::Person if is_vouched_for(subject) => Ok(StopScope::Person(subject.to_owned())),
        ScopeForm::Agent if is_vouched_for(subject) => Ok(StopScope::Agent(subject.to_owned())),
        ScopeForm::Person | ScopeForm::Agent => Err(malformed(
            "no call has this: write it as records of calls have it, with the name of the section [identity.NAME] and a bar before it (corp|4711), or mtls| before the name of a certificate",
        )),
    }
}

/// What a stop is for, in the words of its form.
fn said(scope: StopScope) -> (ScopeForm, Option<String>) {
    match scope {
        StopScope::Tenant => (ScopeForm::Tenant, None),
        StopScope::System(id) => (ScopeForm::System, Some(id.to_hex())),
        StopScope::Key(id) => (ScopeForm::Key, Some(id.to_hex())),
        StopScope::Model(name) => (ScopeForm::Model, Some(name)),
        StopScope::Provider(name) => (ScopeForm::Provider, Some(name)),
        StopScope::Person(person) => (ScopeForm::Person, Some(person)),
        StopScope::Agent(agent) => (ScopeForm::Agent, Some(agent)),
    }
}

/// The record of a stop of a person or an agent: all that it says is about them, under keys of its own, so that it goes with what else is erased of them, or
/// alone, and nothing else goes with it.
fn about_whom(mut draft: Draft, scope: &StopScope) -> Draft {
    if let StopScope::Person(whom) | StopScope::Agent(whom) = scope {
        let fields = std::mem::take(&mut draft.body);
        draft.subjects = vec![SubjectFields { subject: whom.clone(), fields }];
        draft.erasable_alone = true;
    }
    draft
}

fn stream(stop: StopId) -> String {
    format!("stop/{stop}")
}
