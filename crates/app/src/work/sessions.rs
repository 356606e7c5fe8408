//! How people come in: a link that works once makes a session; a session or an API key says who is asking.
//!
//! Promises: of two who use one link at the same time, one comes in; tokens are 256 random bits and recorded by their SHA-256 alone. Must
//! never: know a password, or let an erased person in. What is done in a session names it, and the session its link, so that a reader can tell who let
//! whom in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::DraftParent;
use tabellion_model::body::{Body as _, LinkIssued, Role, SessionClosed, SessionOpened};
use tabellion_model::{CredentialId, Micros, RecordId};
use tabellion_tlog::{Hash, leaf_hash};
use tabellion_views::query::{Link, Reference as Parent, Session as Open};

use super::asking::parent;
use super::forms::{IdForm, Recorded, RoleForm, Time};
use super::keys::KEY_PREFIX;
use super::people::stream;
use super::writing::{Earlier, draft_of};
use super::{Actor, Desk, Given, Written, digest_of};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

/// What every session's token begins with.
pub const SESSION_PREFIX: &str = "tbs_";
/// How long a session lasts at most, in hours: a working day and some.
pub const SESSION_HOURS: u64 = 12;
/// How long a link works when nobody says otherwise, in minutes.
pub const LINK_MINUTES: u64 = 60;
/// The role of a session among the parents of what was done in it.
const IN_SESSION: &str = "session";
/// The same for the end of a session: there, readers take [`IN_SESSION`] for the session that ended.
const ENDED_IN: &str = "ended_in";
const MICROS_PER_MINUTE: u64 = 60 * 1_000_000;

/// A link to hand out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// How long it works, in minutes: a quarter of an hour to a day; absent: an hour.
    #[serde(default = "link_minutes")]
    #[schemars(range(min = 15, max = 1440))]
    pub valid_minutes: u64,
}

fn link_minutes() -> u64 {
    LINK_MINUTES
}

/// A link that was handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuedLink {
    /// Who may use it.
    #[schemars(with = "IdForm")]
    pub person: String,
    /// Its token, which `POST /api/v1/session` takes. It is shown here and never again; null in the answer to a repeated request.
    pub token: Option<String>,
    /// The link as a person opens it.
    pub url: Option<String>,
    /// Until when it works.
    pub expires_at: Time,
}

/// What a link's token is exchanged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SessionFor {
    /// A cookie that scripts cannot read.
    Browser,
    /// A token in the answer, to be sent as `Authorization: Bearer`.
    Program,
}

/// A link to use up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UseLink {
    /// The link's token.
    #[schemars(length(min = 1, max = 200))]
    pub link: String,
    /// Who will hold the session.
    #[serde(rename = "for")]
    pub holder: SessionFor,
}

/// How far one permission goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The permission.
    pub permission: String,
    /// `own`: for the systems that the person answers for; `all`: for everything.
    #[schemars(extend("enum" = ["own", "all"]))]
    pub reach: String,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The person.
    #[schemars(with = "IdForm")]
    pub person: String,
    /// Their name; null once erased.
    pub name: Option<String>,
    /// What they are.
    #[schemars(with = "Vec<RoleForm>")]
    pub roles: Vec<Role>,
    /// What they may do.
    pub permissions: Vec<Held>,
    /// Until when the session lasts.
    pub expires_at: Time,
    /// What a browser's pages send as `x-csrf-token` with every change; null for programs.
    pub csrf_token: Option<String>,
}

/// A session that was just opened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenedSession {
    /// Who is signed in.
    pub session: Session,
    /// The session's token, for programs; null for browsers, which get it as a cookie.
    pub token: Option<String>,
    /// Where it was recorded.
    pub recorded: Recorded,
}

/// Whether a token is an API key's, as far as its form tells.
pub(crate) fn is_key(token: &str) -> bool {
    token.starts_with(KEY_PREFIX)
}

impl Desk {
    /// Hands out a link that lets a person in once. `base`: where people reach the control plane.
    pub fn issue_link(
        &self,
        actor: &Actor,
        given: &Given,
        id: CredentialId,
        new: &NewLink,
        base: &str,
    ) -> Result<(IssuedLink, Written), Refusal> {
        let mut link = None;
        let written = self.once(actor, "issue-link", given, |earlier| {
            let row = self.person_row(id)?;
            let expires_at = Micros(self.now().0 + new.valid_minutes * MICROS_PER_MINUTE);
            let (token, body) = match earlier {
                Some(earlier) => {
                    let recorded = earlier.fields.get("expires_at").and_then(serde_json::Value::as_u64);
                    let token_sha256 = earlier.text("token_sha256").unwrap_or_default();
                    let expires_at = recorded.map_or(expires_at, Micros);
                    (None, LinkIssued { person: id, token_sha256, expires_at })
                }
                None if row.details.is_none() => {
                    return Err(Refusal::new(Code::Conflict, "the person is gone; nobody comes in as them"));
                }
                None => {
                    let token = self.random_token()?;
                    let token_sha256 = digest_of(&token).to_hex();
                    (Some(token), LinkIssued { person: id, token_sha256, expires_at })
                }
            };
            link = Some((token, body.expires_at));
            Ok(vec![draft_of(&body, stream(id), given.expected(earlier, row.version))?])
        })?;
        let (token, expires_at) = link.ok_or_else(|| Refusal::not_found("link"))?;
        // Behind the # it never reaches a server's log or a Referer header.
        let url = token.as_ref().map(|token| format!("{base}/#link={token}"));
        Ok((IssuedLink { person: id.to_hex(), token, url, expires_at: Time(expires_at) }, written))
    }

    /// Uses a link up; gives the session's token and where it was recorded.
    pub fn open_session(&self, link: &str) -> Result<(String, Actor, Written), Refusal> {
        let link_sha256 = digest_of(link);
        self.refresh()?;
        let person = self.usable_link(&link_sha256)?.person;
        let token = format!("{SESSION_PREFIX}{}", self.random_token()?);
        let token_sha256 = digest_of(&token);
        let actor = Actor::Person { id: person, roles: [].into(), session: token_sha256.to_hex() };
        let written = self.once_entering(&actor, |_| {
            let row = self.person_row(person)?;
            // After the version, so that a link that is used in between is seen here or loses there.
            let link = self.usable_link(&link_sha256)?;
            let body = SessionOpened {
                person,
                link_sha256: link_sha256.to_hex(),
                token_sha256: token_sha256.to_hex(),
                expires_at: Micros(self.now().0 + SESSION_HOURS * 60 * MICROS_PER_MINUTE),
            };
            // The person's stream is compared: whoever else uses the link now makes this plan again, and then it is used.
            let mut draft = draft_of(&body, stream(person), row.version)?;
            draft.parents = vec![parent(&link.issued, "link")];
            Ok(vec![draft])
        })?;
        Ok((token, self.sign_in_session(&token_sha256)?, written))
    }

    /// Ends the session that `actor` came with.
    pub fn close_session(&self, actor: &Actor) -> Result<Written, Refusal> {
        let Actor::Person { id, session, .. } = actor else {
            return Err(Refusal::new(
                Code::NotPermitted,
                "an API key has no session; revoke the key instead",
            ));
        };
        self.once_taking(actor, "close-session", &Given::default(), |_| {
            let row = self.person_row(*id)?;
            self.open_session_of(session)?;
            let body = SessionClosed { person: *id, token_sha256: session.clone() };
            Ok(vec![draft_of(&body, stream(*id), row.version)?])
        })
    }

    /// Who stands behind a token, as of now.
    pub fn sign_in(&self, token: &str) -> Result<Actor, Refusal> {
        let digest = digest_of(token);
        if token.starts_with(SESSION_PREFIX) {
            return self.sign_in_session(&digest);
        }
        let id = token.strip_prefix(KEY_PREFIX).and_then(|rest| rest.split_once('_'));
        let id = id.and_then(|(id, _)| CredentialId::from_hex(id)).ok_or_else(not_signed_in)?;
        // What the gateway knows of keys is what is known of them here: one that is refused there is refused here.
        let gate = self.views.gate_now();
        let known = gate.keys.get(&id).ok_or_else(not_signed_in)?;
        let works = known.ends_at.is_none_or(|ends_at| self.now() < ends_at);
        if !works || !same(&known.secret_sha256, digest.as_bytes()) {
            return Err(not_signed_in());
        }
        Ok(Actor::Key { id, system: known.system })
    }

    fn sign_in_session(&self, digest: &Hash) -> Result<Actor, Refusal> {
        let session = self.views.session(digest.as_bytes())?.ok_or_else(not_signed_in)?;
        if session.expires_at <= self.now() {
            return Err(not_signed_in());
        }
        let row = self.person_row(session.person)?;
        Ok(Actor::Person { id: row.person, roles: row.roles, session: digest.to_hex() })
    }

    /// The session that an actor came with, unless it was ended since.
    pub(super) fn open_session_of(&self, token_sha256: &str) -> Result<Open, Refusal> {
        let digest = Hash::from_hex(token_sha256).ok_or_else(not_signed_in)?;
        self.views.session(digest.as_bytes())?.ok_or_else(not_signed_in)
    }

    /// What a signed-in person is told of themselves.
    pub fn session(&self, actor: &Actor, csrf_token: Option<String>) -> Result<Session, Refusal> {
        let Actor::Person { id, session, .. } = actor else {
            return Err(Refusal::new(Code::NotPermitted, "an API key has no session"));
        };
        let row = self.person_row(*id)?;
        let opened = self.open_session_of(session)?;
        let held = |permission: &Permission| {
            let reach = match actor.reach(*permission) {
                Reach::Nothing => return None,
                Reach::Own => "own",
                Reach::All => "all",
            };
            Some(Held { permission: permission.as_str().to_owned(), reach: reach.to_owned() })
        };
        Ok(Session {
            person: id.to_hex(),
            name: row.details.as_ref().map(|details| details.name.clone()),
            roles: row.roles.iter().copied().collect(),
            permissions: Permission::ALL.iter().filter_map(held).collect(),
            expires_at: Time(opened.expires_at),
            csrf_token,
        })
    }

    /// The session in which `actor` acts, as the parent of what they do; with an earlier request, the one of then.
    pub(super) fn in_session(
        &self,
        actor: &Actor,
        earlier: Option<&Earlier>,
    ) -> Result<Vec<DraftParent>, Refusal> {
        if let Some(earlier) = earlier {
            let named =
                |parent: &&tabellion_model::Parent| [IN_SESSION, ENDED_IN].contains(&parent.role.as_str());
            let parents = earlier.header.parents.iter().filter(named);
            let draft = |parent: &tabellion_model::Parent| DraftParent {
                hash: parent.hash.to_hex(),
                record_id: parent.record_id.to_hex(),
                role: IN_SESSION.to_owned(),
            };
            return Ok(parents.map(draft).collect());
        }
        let Actor::Person { session, .. } = actor else { return Ok(Vec::new()) };
        let Open { entry, record_id, .. } = self.open_session_of(session)?;
        let hash = leaf_hash(&self.ledger.reader().entry(entry)?.bytes);
        Ok(vec![parent(&Parent { entry, record_id, hash }, IN_SESSION)])
    }

    /// Who handed out the link that began `session`; none: the record names no session.
    pub(super) fn let_in_by(&self, session: Option<&RecordId>) -> Result<Option<CredentialId>, Refusal> {
        Ok(session.map(|session| self.views.link_issuer(session)).transpose()?.flatten())
    }

    /// The same of the session in which the record at `entry` was made.
    pub(crate) fn let_in_at(&self, entry: u64) -> Result<Option<CredentialId>, Refusal> {
        let view = self.ledger.reader().entry(entry)?;
        let parents = view.entry.header().map(|header| header.parents.as_slice()).unwrap_or_default();
        let session = parents.iter().find(|parent| parent.role == IN_SESSION);
        self.let_in_by(session.map(|session| &session.record_id))
    }

    /// The link behind a token, while somebody who is known can come in by it.
    fn usable_link(&self, token_sha256: &Hash) -> Result<Link, Refusal> {
        let link = self.views.link(token_sha256.as_bytes())?.ok_or_else(unusable)?;
        let known = self.views.person(&link.person)?.is_some_and(|person| person.details.is_some());
        if !known || link.used_entry.is_some() || link.expires_at <= self.now() {
            return Err(unusable());
        }
        Ok(link)
    }
}

/// `session` as the parent of a record of this type that was made in it.
pub(super) fn session_of(record_type: &str, session: &DraftParent) -> DraftParent {
    let role = if record_type == SessionClosed::TYPE { ENDED_IN } else { IN_SESSION };
    DraftParent { role: role.to_owned(), ..session.clone() }
}

/// One answer for unknown, used and expired, so that nobody learns which.
fn unusable() -> Refusal {
    Refusal::new(Code::LinkUnusable, "the link is unknown, used or expired")
}

fn not_signed_in() -> Refusal {
    Refusal::new(Code::NotSignedIn, "the token or key is unknown, ended or of another log")
}

/// Compares without telling how much was right.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
