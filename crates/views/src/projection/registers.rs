//! Registers: items as they stand, every revision, and every act on them. The same for each register; none is known by name here.
//!
//! Which revision or approval counts is decided by `tabellion_model::register::Life` when somebody asks, because a decision is content and could be
//! erased.

use rusqlite::{Connection, params};
use serde_json::{Map, Value};
use tabellion_model::body::{
    Body as _, RegisterDecided, RegisterMoved, RegisterNoted, RegisterRefreshOpened, RegisterRefused,
    RegisterSaved, RegisterSubmitted,
};
use tabellion_model::register::{Review, content_digest};
use tabellion_model::{CredentialId, ItemId, Micros};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::{Record, Tagged};
use crate::values::{int, list};

pub(super) const REGISTERS: Projection =
    Projection { name: "registers", version: 3, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// Longest value that lists filter by, in bytes: words of choices, and numbers.
const MAX_FACET_BYTES: usize = 64;

const TABLES: &[Table] = &[
    Table {
        name: "register_items",
        key: "register, item",
        tagged: &[
            TaggedColumns { unit: "saved_unit", values: &["name", "owner", "due", "refs", "facets"] },
            TaggedColumns { unit: "review_unit", values: &["review"] },
            TaggedColumns { unit: "state_unit", values: &["state"] },
        ],
    },
    Table {
        name: "register_revisions",
        key: "entry",
        tagged: &[TaggedColumns {
            unit: "unit",
            values: &["digest", "models", "missing", "definition", "facets"],
        }],
    },
    Table {
        name: "register_acts",
        key: "entry",
        tagged: &[TaggedColumns {
            unit: "unit",
            values: &[
                "digest",
                "decision",
                "conditions",
                "reason",
                "role",
                "next_review_at",
                "state",
                "trigger",
                "model",
                "fields",
                "cause",
            ],
        }],
    },
];

const DDL: &str = "
CREATE TABLE register_items (
    register TEXT NOT NULL,
    item BLOB NOT NULL,
    system BLOB,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_entry INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB NOT NULL,
    saved_entry INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    saved_by BLOB NOT NULL,
    changed_entry INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    refresh_entry INTEGER,
    state_entry INTEGER,
    name TEXT,
    owner BLOB,
    due INTEGER,
    refs TEXT,
    facets TEXT,
    saved_unit BLOB,
    review TEXT,
    review_unit BLOB,
    state TEXT,
    state_unit BLOB,
    PRIMARY KEY (register, item)
) STRICT;
CREATE INDEX register_items_changed ON register_items (register, changed_entry);
CREATE INDEX register_items_review ON register_items (review, changed_entry);
CREATE INDEX register_items_owner ON register_items (owner, register);
CREATE INDEX register_items_system ON register_items (system, register);
CREATE TABLE register_revisions (
    entry INTEGER PRIMARY KEY,
    register TEXT NOT NULL,
    item BLOB NOT NULL,
    revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    digest TEXT,
    models TEXT,
    missing TEXT,
    definition TEXT,
    facets TEXT,
    unit BLOB
) STRICT;
CREATE INDEX register_revisions_item ON register_revisions (register, item, entry);
CREATE TABLE register_acts (
    entry INTEGER PRIMARY KEY,
    register TEXT NOT NULL,
    item BLOB NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    digest TEXT,
    decision TEXT,
    conditions TEXT,
    reason TEXT,
    role TEXT,
    next_review_at INTEGER,
    state TEXT,
    trigger TEXT,
    model TEXT,
    fields TEXT,
    cause BLOB,
    unit BLOB
) STRICT;
CREATE INDEX register_acts_item ON register_acts (register, item, entry);
CREATE INDEX register_acts_decided ON register_acts (register, item, entry, decision) WHERE kind = 'decided';
CREATE INDEX register_acts_due ON register_acts (next_review_at) WHERE next_review_at IS NOT NULL;
";

/// Words of the column `kind`: the event of the record's type.
pub(crate) mod kind {
    pub(crate) const SUBMITTED: &str = "submitted";
    pub(crate) const DECIDED: &str = "decided";
    pub(crate) const MOVED: &str = "moved";
    pub(crate) const REFRESH: &str = "refresh_opened";
    pub(crate) const REFUSED: &str = "refused";
    pub(crate) const NOTED: &str = "noted";
}

/// Which item a record is about, by its stream: `register/<register>/<item>` or a branch of it.
struct Place<'a> {
    register: &'a str,
    item: ItemId,
    branch: Option<&'a str>,
    version: u64,
}

fn place<'a>(record: &Record<'a>) -> Option<Place<'a>> {
    let (stream, version) = record.header.stream.as_ref()?;
    let mut parts = stream.as_str().strip_prefix("register/")?.split('/');
    let (register, item) = (parts.next()?, ItemId::from_hex(parts.next()?)?);
    let branch = parts.next();
    parts.next().is_none().then_some(Place { register, item, branch, version: *version })
}

type Fold = fn(&Connection, &Record<'_>, &Place<'_>) -> rusqlite::Result<Applied>;

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.header.type_version != 1 {
        return Ok(Applied::Passed);
    }
    let (fold, branch): (Fold, _) = match record.header.record_type.as_str() {
        RegisterSaved::TYPE => (saved, None),
        RegisterSubmitted::TYPE => (submitted, None),
        RegisterDecided::TYPE => (decided, None),
        RegisterMoved::TYPE => (moved, None),
        RegisterRefreshOpened::TYPE => (refresh_opened, Some("refresh")),
        RegisterRefused::TYPE => (refused, Some("refused")),
        RegisterNoted::TYPE => (noted, Some("notes")),
        _ => return Ok(Applied::Passed),
    };
    match place(record).filter(|place| place.branch == branch) {
        Some(place) => fold(db, record, &place),
        None => Ok(Applied::Unplaced(NO_STREAM)),
    }
}

/// Content that speaks of another item than the stream is as good as none.
fn about<T>(
    place: &Place<'_>,
    content: Option<Tagged<T>>,
    named: impl Fn(&T) -> (&str, ItemId),
) -> Option<Tagged<T>> {
    content.filter(|content| named(&content.value) == (place.register, place.item))
}

fn saved(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<Applied> {
    let body = about(place, record.body::<RegisterSaved>(), |body| (&body.register, body.item));
    let content = body.as_ref().map(|body| &body.value.content);
    let unit = body.as_ref().map(|body| *body.unit.as_bytes());
    let review = unit.map(|_| Review::Draft.as_str());
    let system = record.header.system.map(|(system, _)| *system.as_bytes());
    let sql = "INSERT INTO register_items (register, item, system, version, revision, created_entry, created_at, created_by, saved_entry,
        saved_at, saved_by, changed_entry, changed_at, name, owner, facets, saved_unit, review, review_unit, due, refs)
        VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?5, ?6, ?7, ?5, ?6, ?8, ?9, ?10, ?11, ?12, ?11, ?13, ?14)
        ON CONFLICT (register, item) DO UPDATE SET version = excluded.version, revision = revision + 1,
        saved_entry = excluded.saved_entry, saved_at = excluded.saved_at, saved_by = excluded.saved_by,
        changed_entry = excluded.changed_entry, changed_at = excluded.changed_at, name = excluded.name, owner = excluded.owner,
        facets = excluded.facets, due = excluded.due, refs = excluded.refs, saved_unit = excluded.saved_unit, review = excluded.review, review_unit = excluded.review_unit
        WHERE system IS excluded.system";
    let rows = run(
        db,
        sql,
        params![
            place.register,
            place.item.as_bytes(),
            system,
            int(place.version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            content.and_then(|content| text(content, "name")),
            content
                .and_then(|content| text(content, "owner"))
                .and_then(CredentialId::from_hex)
                .map(|owner| *owner.as_bytes()),
            content.map(facets),
            unit,
            review,
            content.and_then(due),
            content.map(references),
        ],
    )?;
    if rows == 0 {
        return Ok(Applied::Unplaced("the item is about another system"));
    }
    revision(db, record, place, body.as_ref())
}

fn revision(
    db: &Connection,
    record: &Record<'_>,
    place: &Place<'_>,
    body: Option<&Tagged<RegisterSaved>>,
) -> rusqlite::Result<Applied> {
    let value = body.map(|body| &body.value);
    let digest =
        value.and_then(|body| content_digest(place.register, &place.item, body.revision, &body.content).ok());
    let sql = "INSERT INTO register_revisions (entry, register, item, revision, version, record_id, at, actor, session, digest, models, missing,
        definition, facets, unit) SELECT ?1, ?2, ?3, revision, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14 FROM register_items
        WHERE register = ?2 AND item = ?3";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            place.register,
            place.item.as_bytes(),
            int(place.version),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.session(),
            digest.map(|digest| digest.to_hex()),
            value.map(|body| models(&body.content)),
            value.map(|body| list(&body.missing)),
            value.map(|body| &body.definition),
            value.map(|body| facets(&body.content)),
            body.map(|body| *body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

/// What an act says, as columns have it.
#[derive(Default)]
struct Said {
    digest: Option<String>,
    decision: Option<&'static str>,
    conditions: Option<String>,
    reason: Option<String>,
    role: Option<&'static str>,
    next_review_at: Option<i64>,
    state: Option<String>,
    trigger: Option<&'static str>,
    model: Option<String>,
    fields: Option<String>,
    cause: Option<[u8; 16]>,
    unit: Option<[u8; 16]>,
}

const NO_ITEM: &str = "the item was never saved";

fn act(
    db: &Connection,
    record: &Record<'_>,
    place: &Place<'_>,
    kind: &str,
    said: &Said,
) -> rusqlite::Result<Applied> {
    let sql = "INSERT INTO register_acts (entry, register, item, kind, version, record_id, at, actor, session, digest, decision, conditions,
        reason, role, next_review_at, state, trigger, model, fields, cause, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            place.register,
            place.item.as_bytes(),
            kind,
            place.branch.is_none().then(|| int(place.version)),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.session(),
            said.digest,
            said.decision,
            said.conditions,
            said.reason,
            said.role,
            said.next_review_at,
            said.state,
            said.trigger,
            said.model,
            said.fields,
            said.cause,
            said.unit,
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

/// Moves the item's version on; false when there is no such item.
fn touch(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<bool> {
    let sql = "UPDATE register_items SET version = ?3, changed_entry = ?4, changed_at = ?5 WHERE register = ?1 AND item = ?2";
    let values = params![
        place.register,
        place.item.as_bytes(),
        int(place.version),
        int(record.index),
        int(record.committed_at.0)
    ];
    Ok(run(db, sql, values)? > 0)
}

fn review(
    db: &Connection,
    place: &Place<'_>,
    word: Option<Review>,
    unit: Option<[u8; 16]>,
) -> rusqlite::Result<()> {
    let sql = "UPDATE register_items SET review = ?3, review_unit = ?4 WHERE register = ?1 AND item = ?2";
    run(db, sql, params![place.register, place.item.as_bytes(), word.map(Review::as_str), unit]).map(drop)
}

fn submitted(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<Applied> {
    if !touch(db, record, place)? {
        return Ok(Applied::Unplaced(NO_ITEM));
    }
    let body = about(place, record.body::<RegisterSubmitted>(), |body| (&body.register, body.item));
    let unit = body.as_ref().map(|body| *body.unit.as_bytes());
    review(db, place, unit.map(|_| Review::InReview), unit)?;
    let said = Said { digest: body.map(|body| body.value.digest), unit, ..Said::default() };
    act(db, record, place, kind::SUBMITTED, &said)
}

fn decided(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<Applied> {
    if !touch(db, record, place)? {
        return Ok(Applied::Unplaced(NO_ITEM));
    }
    let body = about(place, record.body::<RegisterDecided>(), |body| (&body.register, body.item));
    let unit = body.as_ref().map(|body| *body.unit.as_bytes());
    let word = body.as_ref().map(|body| match body.value.decision {
        tabellion_model::register::Decision::Approved => Review::Approved,
        tabellion_model::register::Decision::Returned => Review::Returned,
    });
    review(db, place, word, unit)?;
    let said = body.map_or_else(Said::default, |body| Said {
        digest: Some(body.value.digest),
        decision: Some(body.value.decision.as_str()),
        conditions: Some(body.value.conditions),
        reason: Some(body.value.reason),
        role: Some(body.value.role.as_str()),
        next_review_at: body.value.next_review_at.map(|at| int(at.0)),
        unit,
        ..Said::default()
    });
    act(db, record, place, kind::DECIDED, &said)
}

fn moved(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<Applied> {
    if !touch(db, record, place)? {
        return Ok(Applied::Unplaced(NO_ITEM));
    }
    let body = about(place, record.body::<RegisterMoved>(), |body| (&body.register, body.item));
    let unit = body.as_ref().map(|body| *body.unit.as_bytes());
    let sql = "UPDATE register_items SET state_entry = ?3, state = ?4, state_unit = ?5 WHERE register = ?1 AND item = ?2";
    let state = body.as_ref().map(|body| &body.value.state);
    run(db, sql, params![place.register, place.item.as_bytes(), int(record.index), state, unit])?;
    let said = body.map_or_else(Said::default, |body| Said {
        state: Some(body.value.state),
        reason: Some(body.value.reason),
        unit,
        ..Said::default()
    });
    act(db, record, place, kind::MOVED, &said)
}

fn refresh_opened(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<Applied> {
    let sql = "UPDATE register_items SET refresh_entry = ?3 WHERE register = ?1 AND item = ?2";
    if run(db, sql, params![place.register, place.item.as_bytes(), int(record.index)])? == 0 {
        return Ok(Applied::Unplaced(NO_ITEM));
    }
    let body = about(place, record.body::<RegisterRefreshOpened>(), |body| (&body.register, body.item));
    let said = body.map_or_else(Said::default, |body| Said {
        digest: Some(body.value.digest),
        trigger: Some(body.value.trigger.as_str()),
        model: body.value.model,
        fields: Some(list(&body.value.fields)),
        cause: Some(*body.value.cause.as_bytes()),
        unit: Some(*body.unit.as_bytes()),
        ..Said::default()
    });
    act(db, record, place, kind::REFRESH, &said)
}

fn refused(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<Applied> {
    let body = about(place, record.body::<RegisterRefused>(), |body| (&body.register, body.item));
    let said = body.map_or_else(Said::default, |body| Said {
        digest: Some(body.value.digest),
        reason: Some(body.value.code),
        unit: Some(*body.unit.as_bytes()),
        ..Said::default()
    });
    act(db, record, place, kind::REFUSED, &said)
}

fn noted(db: &Connection, record: &Record<'_>, place: &Place<'_>) -> rusqlite::Result<Applied> {
    let body = about(place, record.body::<RegisterNoted>(), |body| (&body.register, body.item));
    let said = body.map_or_else(Said::default, |body| Said {
        reason: Some(body.value.text),
        unit: Some(*body.unit.as_bytes()),
        ..Said::default()
    });
    act(db, record, place, kind::NOTED, &said)
}

fn text<'a>(content: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    content.get(name).and_then(Value::as_str)
}

/// The models that a content names, as JSON.
fn models(content: &Map<String, Value>) -> String {
    named(content, "models")
}

/// The clauses and controls that a content names, as JSON.
fn references(content: &Map<String, Value>) -> String {
    named(content, "references")
}

fn named(content: &Map<String, Value>, name: &str) -> String {
    let named = content.get(name).and_then(Value::as_array);
    let named: Vec<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
    list(&named)
}

/// When the day begins by whose end something is due.
fn due(content: &Map<String, Value>) -> Option<i64> {
    Micros::parse_date(text(content, "due")?).ok().map(|day| int(day.0))
}

/// What lists filter by, as JSON: short words, numbers and yes or no. Long texts are searched by nobody here.
fn facets(content: &Map<String, Value>) -> String {
    let short = |value: &Value| match value {
        Value::String(text) => text.len() <= MAX_FACET_BYTES,
        Value::Bool(_) | Value::Number(_) => true,
        _ => false,
    };
    let short: Map<String, Value> = content
        .iter()
        .filter(|(_, value)| short(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(short).to_string()
}
