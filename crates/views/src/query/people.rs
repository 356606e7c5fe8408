//! People, what they may do now, and whether a link or session is good.
//!
//! Promises: what was erased never gives more than was known: a revocation whose role is gone takes every role granted before, a session whose end
//! cannot be told from another's has ended.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::body::Role;
use tabellion_model::{CredentialId, Micros, RecordId};

use super::{MAX_ROWS, Page, Reference, Rows, Where, needle, reference};
use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id, optional_number, optional_time, optional_word, time};
use crate::views::Views;

/// Who a person is; gone when it was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Name.
    pub name: String,
    /// E-mail address; empty when none was given.
    pub email: String,
}

/// One grant or revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who did it.
    pub by: CredentialId,
    /// Granted, or revoked.
    pub granted: bool,
    /// Which; none when erased.
    pub role: Option<Role>,
}

/// One person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The credential id they act under.
    pub person: CredentialId,
    /// Version of their stream after the last record folded.
    pub version: u64,
    /// Entry that added them.
    pub added_entry: u64,
    /// Commit time of that.
    pub added_at: Micros,
    /// Who added them.
    pub added_by: CredentialId,
    /// Who it is; none when erased: the person is no longer known.
    pub details: Option<Details>,
    /// What they may do now.
    pub roles: BTreeSet<Role>,
}

/// A link that lets a person in once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its `link.issued`: the parent of the session that uses it.
    pub issued: Reference,
    /// Whom it lets in.
    pub person: CredentialId,
    /// Until when. Whether that is over is for the caller, who has a clock.
    pub expires_at: Micros,
    /// Entry of the session that used it.
    pub used_entry: Option<u64>,
}

/// A session that nobody ended, as a list shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSession {
    /// The session.
    pub session: Session,
    /// Commit time of its `session.opened`.
    pub opened_at: Micros,
    /// SHA-256 of its token.
    pub token_sha256: [u8; 32],
}

/// A session that nobody ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Entry of its `session.opened`.
    pub entry: u64,
    /// Id of that record.
    pub record_id: RecordId,
    /// The link it came from.
    pub link: Option<RecordId>,
    /// Whose it is.
    pub person: CredentialId,
    /// Until when. Whether that is over is for the caller, who has a clock.
    pub expires_at: Micros,
}

/// Who let a session in: whoever issued its link, whoever let that one in, and so on to a link of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LetIn {
    /// Everybody on the way; for a link of the operator's the log's own writer.
    pub by: BTreeSet<CredentialId>,
    /// Whether the way was followed to its end.
    pub whole: bool,
}

/// Longest way that is followed from a session to the link that began it all: a link a day, for a quarter of a year.
const MAX_LINKS: usize = 92;

impl Views {
    /// People, the last added first; those whose name or address contains `text`, letter case aside.
    pub fn people(&self, text: Option<&String>, page: Page) -> Result<Rows<PersonRow>, ViewsError> {
        let mut wanted = Where::default();
        wanted.with(
            "(instr(lower(coalesce(name, '')), ?) OR instr(lower(coalesce(email, '')), ?))",
            needle(text),
        );
        self.ask(|db| {
            let entry = |person: &PersonRow| person.added_entry;
            let mut found = wanted.page(db, "SELECT * FROM people", "added_entry", page, row, entry)?;
            for person in &mut found.rows {
                person.roles = held(&changes(db, &person.person)?);
            }
            Ok(found)
        })
    }

    /// One person.
    pub fn person(&self, person: &CredentialId) -> Result<Option<PersonRow>, ViewsError> {
        self.ask(|db| {
            let sql = "SELECT * FROM people WHERE person = ?1";
            let found = db.prepare_cached(sql)?.query_row(params![person.as_bytes()], row).optional()?;
            let Some(mut found) = found else { return Ok(None) };
            found.roles = held(&changes(db, person)?);
            Ok(Some(found))
        })
    }

    /// Every grant and revocation of one person's roles, oldest first.
    pub fn role_changes(&self, person: &CredentialId) -> Result<Vec<RoleChange>, ViewsError> {
        self.ask(|db| Ok(changes(db, person)?))
    }

    /// Everyone who holds `role` now and is still known, in the order they were added.
    pub fn holders(&self, role: Role) -> Result<Vec<CredentialId>, ViewsError> {
        let sql = "SELECT person FROM people WHERE details_unit IS NOT NULL
            AND EXISTS (SELECT 1 FROM roles WHERE roles.person = people.person AND roles.role = ?1) ORDER BY added_entry";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let mut now = Vec::new();
            for person in select.query_map(params![role.as_str()], |row| id(row, "person"))? {
                let person = person?;
                if held(&changes(db, &person)?).contains(&role) {
                    now.push(person);
                }
            }
            Ok(now)
        })
    }

    /// The link whose token has this SHA-256, unless everything of its person was ended after it.
    pub fn link(&self, token_sha256: &[u8; 32]) -> Result<Option<Link>, ViewsError> {
        let sql = "SELECT entry, person, expires_at, used_entry FROM links WHERE token_sha256 = ?1
            AND NOT EXISTS (SELECT 1 FROM session_ends AS ends WHERE ends.person = links.person AND ends.entry > links.entry
                AND ends.session IS NULL AND ends.link IS NULL AND ends.token_sha256 IS NULL)
            ORDER BY entry DESC LIMIT 1";
        let found = self.ask(|db| {
            let read = |row: &Row<'_>| {
                let expires_at = optional_time(row, "expires_at")?;
                Ok((
                    number(row, "entry")?,
                    id(row, "person")?,
                    expires_at,
                    optional_number(row, "used_entry")?,
                ))
            };
            Ok(db.prepare_cached(sql)?.query_row(params![token_sha256], read).optional()?)
        })?;
        let Some((entry, person, Some(expires_at), used_entry)) = found else { return Ok(None) };
        Ok(Some(Link { issued: reference(self.reader(), entry)?, person, expires_at, used_entry }))
    }

    /// Who let the session in whose record is this one. By headers alone, so that no erasure makes a session look more independent than it is.
    pub fn let_in_by(&self, session: &RecordId) -> Result<LetIn, ViewsError> {
        let sql = "SELECT links.actor, links.session FROM sessions JOIN links ON links.record_id = sessions.link WHERE sessions.record_id = ?1";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let mut let_in = LetIn::default();
            let mut next = Some(*session);
            for _ in 0..MAX_LINKS {
                let Some(session) = next else { break };
                let read = |row: &Row<'_>| Ok((id(row, "actor")?, optional_id(row, "session")?));
                let Some((by, earlier)) = select.query_row(params![session.as_bytes()], read).optional()?
                else {
                    return Ok(let_in);
                };
                let_in.by.insert(by);
                next = earlier;
            }
            let_in.whole = next.is_none();
            Ok(let_in)
        })
    }

    /// Who handed out the link that began the session; none: no such session. By headers alone, like [`Self::let_in_by`].
    pub fn link_issuer(&self, session: &RecordId) -> Result<Option<CredentialId>, ViewsError> {
        let sql = "SELECT links.actor FROM sessions JOIN links ON links.record_id = sessions.link WHERE sessions.record_id = ?1";
        self.ask(|db| {
            let read = |row: &Row<'_>| id(row, "actor");
            Ok(db.prepare_cached(sql)?.query_row(params![session.as_bytes()], read).optional()?)
        })
    }

    /// The session whose token has this SHA-256, unless it was ended or its person is no longer known.
    pub fn session(&self, token_sha256: &[u8; 32]) -> Result<Option<Session>, ViewsError> {
        let sql =
            format!("{OPEN_SESSIONS} AND sessions.token_sha256 = ?1 ORDER BY sessions.entry DESC LIMIT 1");
        self.ask(|db| {
            Ok(db.prepare_cached(&sql)?.query_row(params![token_sha256], open_session).optional()?)
        })
    }

    /// The sessions of one person that nobody ended and that last beyond `now`, the last opened first, [`MAX_ROWS`] at most.
    pub fn sessions_of(&self, person: &CredentialId, now: Micros) -> Result<Vec<OpenSession>, ViewsError> {
        let sql = format!(
            "{OPEN_SESSIONS} AND sessions.person = ?1 AND sessions.expires_at > ?2 AND sessions.token_sha256 IS NOT NULL
            ORDER BY sessions.entry DESC LIMIT {MAX_ROWS}"
        );
        self.ask(|db| {
            let read = |row: &Row<'_>| {
                Ok(OpenSession {
                    session: open_session(row)?,
                    opened_at: time(row, "at")?,
                    token_sha256: row.get("token_sha256")?,
                })
            };
            let mut select = db.prepare_cached(&sql)?;
            let found = select.query_map(params![person.as_bytes(), int(now.0)], read)?;
            Ok(found.collect::<Result<_, _>>()?)
        })
    }
}

/// Sessions that nobody ended, of people who are known. An end that names none ends all that were opened before it: it was recorded so, or what it
/// named is erased.
const OPEN_SESSIONS: &str = "SELECT sessions.* FROM sessions JOIN people ON people.person = sessions.person
    WHERE people.details_unit IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM session_ends AS ends WHERE ends.person = sessions.person AND ends.entry > sessions.entry
        AND (ends.session = sessions.record_id OR ends.link = sessions.link OR ends.token_sha256 = sessions.token_sha256
            OR (ends.session IS NULL AND ends.link IS NULL AND ends.token_sha256 IS NULL)))";

fn open_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        link: optional_id(row, "link")?,
        person: id(row, "person")?,
        expires_at: time(row, "expires_at")?,
    })
}

fn row(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    let details = match (row.get("name")?, row.get("email")?) {
        (Some(name), Some(email)) => Some(Details { name, email }),
        _ => None,
    };
    Ok(PersonRow {
        person: id(row, "person")?,
        version: number(row, "version")?,
        added_entry: number(row, "added_entry")?,
        added_at: time(row, "added_at")?,
        added_by: id(row, "added_by")?,
        details,
        roles: BTreeSet::new(),
    })
}

fn changes(db: &Connection, person: &CredentialId) -> rusqlite::Result<Vec<RoleChange>> {
    let sql = "SELECT entry, at, actor, granted, role FROM roles WHERE person = ?1 ORDER BY entry";
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map(params![person.as_bytes()], change)?;
    found.collect()
}

pub(super) fn change(row: &Row<'_>) -> rusqlite::Result<RoleChange> {
    Ok(RoleChange {
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        granted: row.get("granted")?,
        role: optional_word(row, "role")?,
    })
}

/// What grants and revocations leave, oldest first.
pub(super) fn held(changes: &[RoleChange]) -> BTreeSet<Role> {
    let mut held = BTreeSet::new();
    for change in changes {
        match (change.granted, change.role) {
            (true, Some(role)) => {
                held.insert(role);
            }
            (true, None) => {}
            (false, Some(role)) => {
                held.remove(&role);
            }
            (false, None) => held.clear(),
        }
    }
    held
}
