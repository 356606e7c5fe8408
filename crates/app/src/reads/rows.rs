//! What a view says of one thing, as plain data. A member that was erased is `None`.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_model::body::{
    CallAuthorised, CallBroken, CallCompleted, CallDenied, CredentialIssued, CredentialRevoked, LinkIssued,
    Outcome, PersonDetails, PolicyPublished, PolicyWithdrawn, Role, SessionOpened, SystemRegistered,
    SystemStage,
};
use tabellion_model::{CredentialId, Micros, RecordId, SystemId};

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Index of its entry.
    pub index: u64,
    /// Its id.
    pub record_id: RecordId,
    /// The sealer's clock.
    pub at: Micros,
    /// Who spoke.
    pub actor: CredentialId,
}

/// A system.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemRow {
    /// Its id.
    pub id: SystemId,
    /// What was said of it last; `None`: erased.
    pub said: Option<SystemRegistered>,
    /// Where it stands.
    pub stage: SystemStage,
    /// Version of its stream.
    pub version: u64,
    /// Its first record.
    pub registered: Placed,
    /// Its newest record.
    pub changed: Placed,
}

/// An API key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRow {
    /// Its credential.
    pub id: CredentialId,
    /// The system that calls with it.
    pub system: SystemId,
    /// What was issued; `None`: erased.
    pub issued: Option<CredentialIssued>,
    /// Every revocation that was recorded.
    pub revocations: Vec<CredentialRevoked>,
    /// Whether a revocation was erased: then the key is over.
    pub unreadable: bool,
    /// Version of its stream.
    pub version: u64,
    /// The record that issued it.
    pub placed: Placed,
}

impl KeyRow {
    /// From when on it is refused: its expiry or its earliest revocation.
    pub fn ends_at(&self) -> Option<Micros> {
        let expiry = self.issued.as_ref().and_then(|issued| issued.expires_at);
        self.revocations.iter().map(|revoked| revoked.effective_at).chain(expiry).min()
    }

    /// Whether it works at `now`.
    pub fn works_at(&self, now: Micros) -> bool {
        self.issued.is_some() && !self.unreadable && self.ends_at().is_none_or(|end| now < end)
    }
}

/// One change of a policy.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyChange {
    /// A text came into force.
    Published(PolicyPublished),
    /// Nothing is in force any more.
    Withdrawn(PolicyWithdrawn),
    /// What was said is erased.
    Erased,
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyRow {
    /// Its name.
    pub name: String,
    /// Version of its stream.
    pub version: u64,
    /// Every change, oldest first, each with its record and version.
    pub history: Vec<(Placed, u64, PolicyChange)>,
}

impl PolicyRow {
    /// The text in force.
    pub fn in_force(&self) -> Option<&PolicyPublished> {
        match self.history.last() {
            Some((_, _, PolicyChange::Published(published))) => Some(published),
            _ => None,
        }
    }
}

/// A link that was handed out.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRow {
    /// What was issued.
    pub issued: LinkIssued,
    /// Whether somebody came in with it.
    pub used: bool,
    /// Its record.
    pub placed: Placed,
}

/// A session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// What was opened.
    pub opened: SessionOpened,
    /// Whether it was closed.
    pub closed: bool,
}

/// A person.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonRow {
    /// The credential they act under.
    pub id: CredentialId,
    /// Name and address; `None`: erased.
    pub details: Option<PersonDetails>,
    /// What they are.
    pub roles: BTreeSet<Role>,
    /// Links by the SHA-256 of their tokens.
    pub links: BTreeMap<String, LinkRow>,
    /// Sessions by the SHA-256 of their tokens.
    pub sessions: BTreeMap<String, SessionRow>,
    /// Version of their stream.
    pub version: u64,
    /// The record that added them.
    pub placed: Placed,
}

impl PersonRow {
    /// Whether they are known and not gone: somebody who can answer for something.
    pub fn is_known(&self) -> bool {
        self.details.is_some()
    }
}

/// Why a call was let through or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Grounds {
    /// It was permitted.
    Authorised(CallAuthorised),
    /// It was refused.
    Denied(CallDenied),
    /// The content is erased; whether it was permitted stands in the header's type.
    Erased {
        /// Whether it was permitted.
        authorised: bool,
    },
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum CallEnd {
    /// With an account of it.
    Completed(Box<CallCompleted>),
    /// A start found it open.
    Broken(CallBroken),
    /// The content of its end is erased.
    Erased,
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRow {
    /// The record that decided it.
    pub decided: Placed,
    /// The system that called.
    pub system: Option<SystemId>,
    /// Log size that the decision saw.
    pub basis: Option<u64>,
    /// Why.
    pub grounds: Grounds,
    /// Its end, with the record.
    pub end: Option<(Placed, CallEnd)>,
}

impl CallRow {
    /// One word for where it stands.
    pub fn state(&self) -> &'static str {
        match (&self.grounds, &self.end) {
            (Grounds::Denied(_) | Grounds::Erased { authorised: false }, _) => "denied",
            (_, None) => "open",
            (_, Some((_, CallEnd::Broken(_)))) => "broken",
            (_, Some((_, CallEnd::Erased))) => "erased",
            (_, Some((_, CallEnd::Completed(end)))) => match end.outcome {
                Outcome::Answered => "answered",
                Outcome::Refused => "refused",
                Outcome::Failed => "failed",
                Outcome::Abandoned => "abandoned",
                Outcome::Cut => "cut",
            },
        }
    }

    /// The model asked for.
    pub fn model(&self) -> Option<&str> {
        match &self.grounds {
            Grounds::Authorised(authorised) => Some(&authorised.model),
            Grounds::Denied(denied) => denied.model.as_deref(),
            Grounds::Erased { .. } => None,
        }
    }

    /// Why it was denied or did not end well.
    pub fn code(&self) -> Option<&str> {
        match (&self.grounds, &self.end) {
            (Grounds::Denied(denied), _) => Some(&denied.code),
            (_, Some((_, CallEnd::Completed(end)))) => end.code.as_deref(),
            (_, Some((_, CallEnd::Broken(broken)))) => Some(&broken.code),
            _ => None,
        }
    }
}

/// Which calls are asked for; what is `None` lets everything through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallFilter {
    /// Systems, when not all are within reach.
    pub systems: Option<BTreeSet<SystemId>>,
    /// The key that called.
    pub key: Option<CredentialId>,
    /// [`CallRow::state`].
    pub state: Option<String>,
    /// [`CallRow::code`].
    pub code: Option<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// Decided at or after.
    pub from: Option<Micros>,
    /// Decided before.
    pub to: Option<Micros>,
}

impl CallFilter {
    /// Whether `call` is asked for.
    pub fn takes(&self, call: &CallRow) -> bool {
        let within =
            |systems: &BTreeSet<SystemId>| call.system.is_some_and(|system| systems.contains(&system));
        self.systems.as_ref().is_none_or(within)
            && self.key.is_none_or(|key| key == call.decided.actor)
            && self.state.as_deref().is_none_or(|state| state == call.state())
            && self.code.as_deref().is_none_or(|code| Some(code) == call.code())
            && self.model.as_deref().is_none_or(|model| Some(model) == call.model())
            && self.from.is_none_or(|from| call.decided.at >= from)
            && self.to.is_none_or(|to| call.decided.at < to)
    }
}
