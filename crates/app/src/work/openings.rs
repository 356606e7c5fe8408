//! Openings of declared routes: asked for by one person with a reason and an end, opened by another, withdrawn by one (docs/coarse-routes.md).
//!
//! Promises: nobody confirms what they asked for, nor where they and whoever asked let one another in; nothing is open without an end. Must never: open a route
//! because somebody asked, or keep one open because a view stands still.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::{
    OpeningConfirmed, OpeningRefused, OpeningRequested, OpeningWithdrawn, RouteClass,
};
use tabellion_model::{Micros, OpeningId, SystemId};
use tabellion_views::query::{OpeningRow, OpeningStep};

use super::asking::all;
use super::forms::{IdForm, Line, Reason, Reference, Time};
use super::prose::Prose;
use super::second_person::NotAnother;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Longest time that an opening may be asked for, in days: a year, after which two people look again.
pub const MAX_OPEN_DAYS: u64 = 366;
/// Microseconds of a day.
const DAY_US: u64 = 24 * 3_600 * 1_000_000;
/// Longest name of a provider in the configuration.
const MAX_PROVIDER_BYTES: usize = 64;

/// Declared routes that the gateway does not look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RouteClass")]
pub enum ClassForm {
    /// Files at the provider.
    Files,
    /// Pictures.
    Images,
    /// Speech.
    Audio,
    /// Batches of requests.
    Batches,
    /// Texts that the provider classes.
    Moderations,
    /// Conversations in real time, over a socket.
    Realtime,
    /// Declared paths of Gemini, Vertex and Bedrock.
    Passthrough,
}

impl From<ClassForm> for RouteClass {
    fn from(class: ClassForm) -> Self {
        match class {
            ClassForm::Files => Self::Files,
            ClassForm::Images => Self::Images,
            ClassForm::Audio => Self::Audio,
            ClassForm::Batches => Self::Batches,
            ClassForm::Moderations => Self::Moderations,
            ClassForm::Realtime => Self::Realtime,
            ClassForm::Passthrough => Self::Passthrough,
        }
    }
}

impl From<RouteClass> for ClassForm {
    fn from(class: RouteClass) -> Self {
        match class {
            RouteClass::Files => Self::Files,
            RouteClass::Images => Self::Images,
            RouteClass::Audio => Self::Audio,
            RouteClass::Batches => Self::Batches,
            RouteClass::Moderations => Self::Moderations,
            RouteClass::Realtime => Self::Realtime,
            RouteClass::Passthrough => Self::Passthrough,
        }
    }
}

/// An opening to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOpening {
    /// The system that is to call.
    #[schemars(with = "IdForm")]
    pub system: SystemId,
    /// Which routes.
    pub class: ClassForm,
    /// The one provider it is for, by its name in the configuration; absent: every one.
    #[serde(default)]
    pub provider: Option<Line>,
    /// When it ends by itself: within 366 days.
    #[schemars(with = "String")]
    pub until: Time,
    /// Why.
    pub reason: Prose,
}

/// How an opening stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OpeningState")]
pub enum StateForm {
    /// It waits for a second person; nothing is open.
    Requested,
    /// The routes are open.
    Open,
    /// Its time is over.
    Ended,
    /// Somebody closed it.
    Withdrawn,
    /// What it is for was erased; nothing is open by it.
    Unreadable,
}

/// A step of an opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OpeningStep")]
pub struct Step {
    /// Who took it.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When it was durable.
    pub at: Time,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// The record.
    pub recorded: Reference,
}

/// An opening as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Its id.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// How it stands.
    pub state: StateForm,
    /// The system; null: erased.
    pub system: Option<String>,
    /// Which routes; null: erased.
    pub class: Option<ClassForm>,
    /// The one provider it is for; null: every one, or erased.
    pub provider: Option<String>,
    /// When it ends by itself; null: erased.
    pub until: Option<Time>,
    /// Its request.
    pub requested: Step,
    /// Its confirmation; null: nobody has opened it.
    pub confirmed: Option<Step>,
    /// Its withdrawal; null: nobody has closed it.
    pub withdrawn: Option<Step>,
    /// Version, as in the `ETag`.
    pub version: u64,
}

/// Openings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Openings {
    /// The last asked for first; those that are over too.
    pub openings: Vec<Opening>,
}

impl Desk {
    /// Every opening.
    pub fn openings(&self) -> Result<Openings, Refusal> {
        let rows = all(|page| self.views.openings(page))?;
        Ok(Openings {
            openings: rows.into_iter().map(|row| self.shown_opening(row)).collect::<Result<_, _>>()?,
        })
    }

    /// One opening.
    pub fn opening(&self, id: OpeningId) -> Result<Opening, Refusal> {
        self.shown_opening(self.opening_row(id)?)
    }

    fn opening_row(&self, id: OpeningId) -> Result<OpeningRow, Refusal> {
        self.views.opening(&id)?.ok_or_else(|| Refusal::not_found("opening"))
    }

    /// Asks for an opening. Nothing is open by that.
    pub fn request_opening(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewOpening,
    ) -> Result<(Opening, Written), Refusal> {
        let provider = provider_of(new)?;
        let mut id = None;
        let written = self.once(actor, "request-opening", given, |earlier| {
            let opening = match (earlier, id) {
                (Some(earlier), _) => earlier.drawn_id()?,
                (None, Some(drawn)) => drawn,
                (None, None) => OpeningId::from_bytes(self.random_id()?),
            };
            id = Some(opening);
            if earlier.is_none() {
                self.check_may_ask(actor, new)?;
            }
            let body = OpeningRequested {
                opening,
                system: new.system,
                class: new.class.into(),
                provider: provider.clone(),
                until: new.until.0,
                reason: new.reason.to_text(),
            };
            Ok(vec![draft_of(&body, stream(opening), 0)?])
        })?;
        let id = id.ok_or_else(|| Refusal::new(Code::Broken, "an opening was recorded without its id"))?;
        Ok((self.opening(id)?, written))
    }

    /// Opens what somebody else asked for.
    pub fn confirm_opening(
        &self,
        actor: &Actor,
        given: &Given,
        id: OpeningId,
        why: &Reason,
    ) -> Result<(Opening, Written), Refusal> {
        let written = self.once(actor, "confirm-opening", given, |earlier| {
            let row = self.opening_row(id)?;
            if earlier.is_none() {
                check_version(given, &row)?;
                match state_of(&row, self.now()) {
                    StateForm::Requested => {}
                    StateForm::Open => {
                        return Err(Refusal::new(Code::AlreadySo, "the opening was confirmed before"));
                    }
                    StateForm::Ended | StateForm::Withdrawn | StateForm::Unreadable => {
                        let text = "the opening was withdrawn, its time is over, or what it is for was erased; ask for another";
                        return Err(Refusal::new(Code::StateImpossible, text));
                    }
                }
                self.check_may_confirm(actor, &row)?;
            }
            let body =
                OpeningConfirmed { opening: id, requested: row.record_id, reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(id), given.expected(earlier, row.version))?])
        });
        if let Err(refusal) = &written
            && matches!(refusal.code, Code::OwnWork | Code::OwnLink)
        {
            self.record_opening_refusal(actor, id, refusal.code)?;
        }
        let written = written?;
        Ok((self.opening(id)?, written))
    }

    /// Closes an opening at once, or takes a request back.
    pub fn withdraw_opening(
        &self,
        actor: &Actor,
        given: &Given,
        id: OpeningId,
        why: &Reason,
    ) -> Result<(Opening, Written), Refusal> {
        let written = self.once_taking(actor, "withdraw-opening", given, |earlier| {
            let row = self.opening_row(id)?;
            if earlier.is_none() {
                if row.withdrawn.is_some() {
                    return Err(Refusal::new(Code::AlreadySo, "the opening was withdrawn before"));
                }
                check_version(given, &row)?;
                if !self.may(actor, Permission::ChangeOpenings, row.system)? {
                    return Err(Refusal::new(Code::NotPermitted, ONLY_OWN));
                }
            }
            let body =
                OpeningWithdrawn { opening: id, requested: row.record_id, reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(id), given.expected(earlier, row.version))?])
        })?;
        Ok((self.opening(id)?, written))
    }

    fn check_may_ask(&self, actor: &Actor, new: &NewOpening) -> Result<(), Refusal> {
        let unknown = || Refusal::at(Code::UnknownReference, "/system", "there is no such system");
        self.views.system(&new.system)?.ok_or_else(unknown)?;
        if !self.may(actor, Permission::ChangeOpenings, Some(new.system))? {
            return Err(Refusal::new(Code::NotPermitted, ONLY_OWN));
        }
        let now = self.now();
        let last = Micros(now.0.saturating_add(MAX_OPEN_DAYS * DAY_US));
        if new.until.0 <= now || new.until.0 > last {
            let text =
                format!("an opening ends in the future and within {MAX_OPEN_DAYS} days; ask again then");
            return Err(Refusal::at(Code::Malformed, "/until", text));
        }
        Ok(())
    }

    /// Whether whoever confirms is another than who asked, as with the lifting of stops.
    fn check_may_confirm(&self, actor: &Actor, row: &OpeningRow) -> Result<(), Refusal> {
        let otherwise = NotAnother {
            own_work: "you asked for this opening, and a second person has to confirm it; nothing is open by it, and the attempt is recorded",
            own_link: "your session and the request for this opening go back to one another by the links that let people in, so nobody could tell the two of you \
apart; nothing is open by it, and the attempt is recorded",
        };
        self.check_another(actor, row.by, row.session.as_ref(), &otherwise)
    }

    /// Records that somebody tried to confirm what they asked for: once for each person and opening.
    fn record_opening_refusal(&self, actor: &Actor, opening: OpeningId, code: Code) -> Result<(), Refusal> {
        let body = OpeningRefused { opening, code: code.as_str().to_owned() };
        let key = format!("opening-refused/{opening}/{}", actor.name());
        self.record_attempt(self.attempt(actor, &body, &stream(opening), key)?)
    }

    fn shown_opening(&self, row: OpeningRow) -> Result<Opening, Refusal> {
        let step = |step: OpeningStep| {
            let recorded = self.reference(step.entry)?;
            Ok::<_, Refusal>(Step { by: step.by.to_hex(), at: Time(step.at), reason: step.reason, recorded })
        };
        let state = state_of(&row, self.now());
        let requested =
            step(OpeningStep { entry: row.entry, at: row.at, by: row.by, reason: row.reason.clone() })?;
        Ok(Opening {
            id: row.opening.to_hex(),
            state,
            system: row.system.map(|system| system.to_hex()),
            class: row.class.map(ClassForm::from),
            provider: row.provider,
            until: row.until.map(Time),
            requested,
            confirmed: row.confirmed.map(step).transpose()?,
            withdrawn: row.withdrawn.map(step).transpose()?,
            version: row.version,
        })
    }
}

/// Said to whoever may not do this to a system of others.
const ONLY_OWN: &str =
    "your role permits this for systems that you answer for; ask somebody whose role reaches further";

/// How an opening stands at `now`.
fn state_of(row: &OpeningRow, now: Micros) -> StateForm {
    if row.withdrawn.is_some() {
        return StateForm::Withdrawn;
    }
    let (Some(until), Some(_), Some(_)) = (row.until, row.system, row.class) else {
        return StateForm::Unreadable;
    };
    match &row.confirmed {
        _ if until <= now => StateForm::Ended,
        Some(_) => StateForm::Open,
        None => StateForm::Requested,
    }
}

fn check_version(given: &Given, row: &OpeningRow) -> Result<(), Refusal> {
    if given.version.is_some_and(|version| version != row.version) {
        return Err(Refusal::new(Code::Stale, "the opening has another version by now"));
    }
    Ok(())
}

/// The provider as it stands in a configuration: what can be the name of none would open nothing, and be called open.
fn provider_of(new: &NewOpening) -> Result<Option<String>, Refusal> {
    let Some(provider) = new.provider.as_ref().map(|provider| provider.as_str().trim()) else {
        return Ok(None);
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if provider.is_empty() || provider.len() > MAX_PROVIDER_BYTES || !provider.bytes().all(plain) {
        let text = "no provider can be called so; give its name in the configuration, or leave it out";
        return Err(Refusal::at(Code::Malformed, "/provider", text));
    }
    Ok(Some(provider.to_owned()))
}

fn stream(opening: OpeningId) -> String {
    format!("opening/{opening}")
}
