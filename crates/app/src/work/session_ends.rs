//! Ending sessions: a person's own, and those of others by whoever lets people in.
//!
//! Promises: it works while the views stand still, since it only takes away; a session that was ended stays ended, whatever roles its person is given
//! later. Must never: show a token or its digest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::SessionClosed;
use tabellion_model::{CredentialId, RecordId};
use tabellion_views::query::OpenSession;

use super::forms::{IdForm, Reference, Time};
use super::people::stream;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

/// Which sessions to end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSessions {
    /// One session, by its id. Absent: all of them, and every link that was handed out and not used yet.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub session: Option<RecordId>,
}

/// A session that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenedSince {
    /// Its id: the record that opened it.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// When it was opened.
    pub opened_at: Time,
    /// Until when it lasts.
    pub expires_at: Time,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The record that opened it.
    pub opened: Reference,
}

/// The sessions of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Those that are open, the newest first.
    pub sessions: Vec<OpenedSince>,
}

impl Desk {
    /// The sessions of a person that are open.
    pub fn sessions_of(&self, actor: &Actor, id: CredentialId) -> Result<Sessions, Refusal> {
        let rows = self.open_sessions(actor, id)?;
        let own = match actor {
            Actor::Person { session, .. } => session.as_str(),
            Actor::Key { .. } | Actor::Operator => "",
        };
        let shown = |row: &OpenSession| {
            Ok(OpenedSince {
                id: row.session.record_id.to_hex(),
                opened_at: Time(row.opened_at),
                expires_at: Time(row.session.expires_at),
                current: hex::encode(row.token_sha256) == own,
                opened: self.reference(row.session.entry)?,
            })
        };
        Ok(Sessions { sessions: rows.iter().map(shown).collect::<Result<_, Refusal>>()? })
    }

    /// Ends one session of a person, or all.
    pub fn end_sessions(
        &self,
        actor: &Actor,
        given: &Given,
        id: CredentialId,
        which: &EndSessions,
    ) -> Result<Written, Refusal> {
        self.once_taking(actor, "end-sessions", given, |earlier| {
            let row = self.person_row(id)?;
            let token_sha256 = match (earlier, which.session) {
                (Some(earlier), _) => earlier.text("token_sha256").unwrap_or_default(),
                // Named by none, so that one that is opened at this moment, or that the views do not know yet, ends too.
                (None, None) => may_end(actor, id).map(|()| String::new())?,
                (None, Some(session)) => {
                    let open = self.open_sessions(actor, id)?;
                    let found = open.iter().find(|open| open.session.record_id == session);
                    hex::encode(found.ok_or_else(|| Refusal::not_found("session"))?.token_sha256)
                }
            };
            let body = SessionClosed { person: id, token_sha256 };
            Ok(vec![draft_of(&body, stream(id), given.expected(earlier, row.version))?])
        })
    }

    fn open_sessions(&self, actor: &Actor, id: CredentialId) -> Result<Vec<OpenSession>, Refusal> {
        may_end(actor, id)?;
        self.person_row(id)?;
        Ok(self.views.sessions_of(&id, self.now())?)
    }
}

/// Everybody ends their own sessions; those of others, whoever lets people in.
fn may_end(actor: &Actor, id: CredentialId) -> Result<(), Refusal> {
    if actor.is(id) || actor.reach(Permission::ChangePeople) == Reach::All {
        return Ok(());
    }
    Err(Refusal::new(
        Code::NotPermitted,
        "only the person and whoever changes people may see and end their sessions",
    ))
}
