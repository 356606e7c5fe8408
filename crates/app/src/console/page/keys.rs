//! API keys: the list, one key, and the forms that issue, rotate and revoke.
//!
//! Must never: show a secret twice, or put one into an address.

use askama::Template;
use serde_json::{Map, Value, json};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::query::{CredentialRow, Subject};

use super::{happened, stops};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Empty, Facts, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, list as words_of};
use crate::console::link::Link;
use crate::console::table::{Column, Filter, Listing, Row, Rows, choices, column, more};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::Written;
use crate::work::forms::Reason;
use crate::work::keys::{IssuedKey, NewKey, Rotation, works_at};
use crate::work::systems::stage_of;

const COLUMNS: &[Column] = &[
    column("name", "Name"),
    column("state", "State"),
    column("system", "System"),
    column("purposes", "Purposes"),
    column("models", "Models"),
    column("ends", "Ends"),
    column("issued", "Issued"),
    more("by", "Issued by"),
    more("id", "Id"),
    more("entry", "Entry"),
];

/// Something that is shown once.
#[derive(Template)]
#[template(path = "console/secret.html")]
pub(crate) struct Secret {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) label: &'static str,
    /// What is shown; empty: it was shown before.
    pub(crate) value: String,
    pub(crate) entry: String,
    pub(crate) entry_href: String,
    pub(crate) on: Action,
}

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let rows = rows(visit, visit.desk.key_rows(visit.actor()?)?)?;
    let issue = || {
        (visit.can(Permission::ChangeKeys) && visit.moment.is_none())
            .then(|| Action { label: "Issue a key", href: "/keys/new".to_owned() })
    };
    let listing = listing("keys", issue());
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let content = Content {
        lead: "An application asks the gateway with a key; the key says for which system, for which purposes and models.".to_owned(),
        action: issue(),
        blocks: vec![listing.table(visit, Rows::All(rows))?],
        ..Content::titled("API keys")
    };
    visit.show(content)
}

/// Some keys as a table without filters.
pub(crate) fn table(visit: &Visit<'_>, id: &'static str, keys: Vec<CredentialRow>) -> Result<Block, Refusal> {
    let rows = rows(visit, keys)?;
    let mut listing = listing(id, None);
    (listing.search, listing.filters, listing.views) = ("", Vec::new(), Vec::new());
    listing.table(visit, Rows::All(rows))
}

fn listing(id: &'static str, action: Option<Action>) -> Listing {
    Listing {
        id,
        caption: "API keys",
        columns: COLUMNS,
        filters: vec![Filter {
            name: "state",
            label: "State",
            takes: choices([("works", "Works"), ("ended", "Ended")]),
        }],
        search: "name, system or model",
        views: vec![("All", Vec::new()), ("Working", vec![("state", "works".into())])],
        empty: Empty {
            title: "No API key yet",
            text: "A key lets one application of one system ask the gateway. Its secret is shown once when it is issued; the log keeps a digest alone.",
            action,
            sample: "",
        },
    }
}

/// The keys as they stood at the moment that is shown.
fn rows(visit: &Visit<'_>, keys: Vec<CredentialRow>) -> Result<Vec<Row>, Refusal> {
    let (wanted, size) = (visit.query.get("state"), visit.size());
    let mut rows = Vec::new();
    for row in keys.into_iter().filter(|row| row.issued_entry < size) {
        let row = as_of(row, size);
        let works = works_at(&row, visit.now());
        if wanted.is_some_and(|wanted| (wanted == "works") != works) {
            continue;
        }
        let href = format!("/keys/{}", row.credential);
        let issued = row.issued.as_ref();
        let models = issued.map(|issued| {
            if issued.models.is_empty() {
                "whatever policy permits".to_owned()
            } else {
                issued.models.join(", ")
            }
        });
        let cells = vec![
            Cell::maybe(issued.map(|issued| issued.name.as_str()), "erased").to(href.clone()),
            state(&row, works),
            visit.names.system(visit.desk, row.system)?,
            Cell::maybe(issued.map(|issued| issued.purposes.join(", ")).as_deref(), "erased"),
            Cell::maybe(models.as_deref(), "erased"),
            row.ends_at.map_or_else(|| Cell::unknown("never"), |at| visit.time(at)),
            visit.time(row.issued_at),
            visit.who(row.issued_by)?,
            Cell::id(&row.credential.to_hex()),
            visit.entry(row.issued_entry),
        ];
        rows.push(Row { href, cells });
    }
    Ok(rows)
}

/// A key without what happened to it at entry `size` and later.
fn as_of(mut row: CredentialRow, size: u64) -> CredentialRow {
    row.revocations.retain(|revoked| revoked.entry < size);
    row.issued_again_entry = row.issued_again_entry.filter(|entry| *entry < size);
    let ends = row.revocations.iter().map(|end| end.effective_at.unwrap_or(end.at));
    row.ends_at = ends.chain(row.issued.as_ref().and_then(|issued| issued.expires_at)).min();
    row
}

fn state(row: &CredentialRow, works: bool) -> Cell {
    Cell::state(match (works, row.revocations.is_empty(), row.issued.is_some()) {
        (_, _, false) => ("Erased, refused", Tone::Quiet),
        (true, true, _) => ("Works", Tone::Good),
        (true, false, _) => ("Works until it ends", Tone::Fair),
        (false, true, _) => ("Expired", Tone::Quiet),
        (false, false, _) => ("Revoked", Tone::Quiet),
    })
}

/// The form for a new key.
pub(crate) fn new(visit: &Visit<'_>) -> Answered {
    new_page(visit, 200, None)
}

fn new_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let mut systems = Vec::new();
    for row in visit.desk.system_rows(visit.actor()?)? {
        let retired = stage_of(&row) == tabellion_model::body::SystemStage::Retired;
        if let Some(said) = row.described.as_ref().filter(|_| !retired)
            && visit.can_change(Permission::ChangeKeys, row.system)?
        {
            systems.push((
                row.system.to_hex(),
                format!("{} ({})", Cell::text(&said.name).text, said.purposes.join(", ")),
            ));
        }
    }
    let fields = vec![
        Field::new("system", "System", Kind::Select(systems)).value(visit.query.text("system")),
        Field::new("name", "Name", Kind::Line).hint("What people call it: the application or place that holds it."),
        Field::new("purposes", "Purposes", Kind::Line)
            .hint("Of the system's, with commas between them; the first is what it claims unless a call says otherwise. Empty: all of the system's.")
            .optional(),
        Field::new("models", "Models", Kind::Line).hint("With commas between them. Empty: whatever policy permits.").optional(),
        Field::new("expires_at", "Expires on", Kind::Day).hint("It stops working when this day begins, UTC. Empty: it does not expire by itself.").optional(),
    ];
    let mut form = Form::new("key", "/keys/new".to_owned(), "Issue the key", fields);
    "/keys".clone_into(&mut form.cancel);
    form.consequence = "Its secret is shown on the next page, once.";
    let content = Content {
        trail: vec![("API keys".to_owned(), "/keys".to_owned())],
        blocks: vec![form.block(visit, refused)?],
        ..Content::titled("Issue a key")
    };
    visit.show_with(status, content)
}

/// Issues a key and shows its secret.
pub(crate) fn issue(visit: &Visit<'_>) -> Answered {
    let done = || {
        let system = SystemId::from_hex(visit.form.text("system")).ok_or_else(|| {
            Refusal::at(crate::refusal::Code::Malformed, "/system", "choose the system that calls with it")
        })?;
        let new: NewKey = visit.read("issueKey", typed(visit))?;
        visit.desk.issue_key(visit.actor()?, &visit.given(), system, &new)
    };
    match done() {
        Ok((issued, written)) => shown_once(visit, issued, &written),
        Err(refusal) => visit.again("key", &refusal, new_page),
    }
}

fn typed(visit: &Visit<'_>) -> Value {
    let mut body = Map::new();
    body.insert("name".to_owned(), Value::from(visit.form.text("name").trim()));
    if let Some(purposes) = visit.form.get("purposes") {
        body.insert("purposes".to_owned(), json!(words_of(purposes)));
    }
    body.insert("models".to_owned(), json!(words_of(visit.form.text("models"))));
    if let Some(day) = visit.form.get("expires_at") {
        body.insert("expires_at".to_owned(), Value::from(day));
    }
    Value::Object(body)
}

fn shown_once(visit: &Visit<'_>, issued: IssuedKey, written: &Written) -> Answered {
    let path = format!("/keys/{}", issued.key.id);
    let secret = Secret {
        title: "Copy the key now",
        text: "It is shown here once and is nowhere else: the log holds its digest. Give it to the application over a way that you trust.",
        label: "The whole key",
        value: issued.secret.unwrap_or_default(),
        entry: format!("#{}", count(written.index)),
        entry_href: if visit.can(Permission::ReadEntries) {
            format!("/ledger/{}", written.index)
        } else {
            String::new()
        },
        on: Action { label: "I have copied it", href: path },
    };
    let content = Content {
        trail: vec![("API keys".to_owned(), "/keys".to_owned())],
        blocks: vec![Block::of(&secret)?],
        ..Content::titled(&format!("Key {}", Cell::maybe(issued.key.name.as_deref(), "without a name").text))
    };
    visit.show(content)
}

/// One key.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let id = visit.credential("key")?;
    let key = visit.desk.key(visit.actor()?, id)?;
    let system = SystemId::from_hex(&key.system).ok_or_else(|| Refusal::not_found("key"))?;
    let row = visit.desk.views().credential(&id)?.ok_or_else(|| Refusal::not_found("key"))?;
    let path = format!("/keys/{id}");
    let models = key.models.iter().flatten().map(|model| Cell::text(model)).collect::<Vec<_>>();
    let models = if models.is_empty() { vec![Cell::text("whatever policy permits")] } else { models };
    let mut facts = Facts::default()
        .with("System", visit.names.system(visit.desk, system)?)
        .with_all("Purposes", key.purposes.iter().flatten().map(|word| Cell::text(word)).collect())
        .with_all("Models", models)
        .with("Issued", visit.time(key.issued_at.0))
        .with("Issued by", visit.who(row.issued_by)?)
        .with("Ends", key.ends_at.map_or_else(|| Cell::unknown("never by itself"), |at| visit.time(at.0)))
        .with("Record", visit.entry(key.issued.index))
        .with("Calls", Cell::text("see its calls").to(Link::to("/calls").with("key", &key.id).href()))
        .with("Id", Cell::id(&key.id));
    if let Some(before) = key.replaces.as_deref().and_then(CredentialId::from_hex) {
        facts = facts.with("Takes over from", visit.who(before)?);
    }
    if !key.revocations.is_empty() {
        facts = facts.with_all("Why it ends", key.revocations.iter().map(|why| Cell::text(why)).collect());
    }
    let mut blocks = vec![facts.block()?, happened::to(visit, &[Subject::Credential(id)], None)?];
    blocks.extend(stops::offered(visit, "key", &key.id, system)?);
    if key.works && visit.can_change(Permission::ChangeKeys, system)? {
        blocks.push(section("change", "Change", forms(visit, &path, key.version, refused)?.into())?);
    }
    let content = Content {
        trail: vec![("API keys".to_owned(), "/keys".to_owned())],
        badges: vec![state(&row, key.works)],
        blocks,
        ..Content::titled(&format!("Key {}", Cell::maybe(key.name.as_deref(), "whose name is erased").text))
    };
    visit.show_with(status, content)
}

fn forms(
    visit: &Visit<'_>,
    path: &str,
    version: u64,
    refused: Option<&Refused<'_>>,
) -> Result<[Block; 2], Refusal> {
    let hours = [
        ("0", "At once"),
        ("3600", "For an hour"),
        ("86400", "For a day"),
        ("604800", "For a week"),
        ("2592000", "For 30 days"),
    ];
    let hours = hours.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect();
    let fields = vec![
        Field::new("overlap_s", "How long the old key goes on working", Kind::Select(hours)).value("86400"),
    ];
    let mut rotate = Form::new("rotate", format!("{path}/rotate"), "Issue the new key", fields);
    rotate.version = Some(version);
    rotate.consequence =
        "The new key has the same name, purposes and models; its secret is shown on the next page, once.";
    let fields = vec![Field::new("reason", "Reason", Kind::Line).hint("For the reader of the history.")];
    let mut revoke = Form::new("revoke", format!("{path}/revoke"), "End the key", fields);
    revoke.version = Some(version);
    revoke.ends = true;
    revoke.consequence = "It is refused from the next call on. This cannot be undone.";
    Ok([rotate.folded(visit, "Replace it", refused)?, revoke.folded(visit, "End it now", refused)?])
}

/// Issues a key in its place.
pub(crate) fn rotate(visit: &Visit<'_>) -> Answered {
    let id = visit.credential("key")?;
    let body = json!({"overlap_s": visit.form.number("overlap_s").unwrap_or_default()});
    let done = visit
        .read::<Rotation>("rotateKey", body)
        .and_then(|rotation| visit.desk.rotate_key(visit.actor()?, &visit.given(), id, &rotation));
    match done {
        Ok((issued, written)) => shown_once(visit, issued, &written),
        Err(refusal) => visit.again("rotate", &refusal, page),
    }
}

/// Ends it.
pub(crate) fn revoke(visit: &Visit<'_>) -> Answered {
    let id = visit.credential("key")?;
    let done = visit
        .read::<Reason>("revokeKey", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|why| visit.desk.revoke_key(visit.actor()?, &visit.given(), id, &why));
    visit.after("revoke", done, |key| format!("/keys/{}", key.id), page)
}
