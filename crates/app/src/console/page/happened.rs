//! What happened to something: each change with when, who and the way to its record.
//!
//! Promises: a person's name only to whoever may read people, and no change that the reader may not know of. Must never: leave out that there is more.

use askama::Template;
use tabellion_model::body::{Body as _, SystemRegistered};
use tabellion_model::{CredentialId, ItemId, SystemId};
use tabellion_views::query::{Change, ItemRow, Page, Subject};

use super::systems::kept;
use crate::console::block::{Action, Block, Section};
use crate::console::cell::Cell;
use crate::console::moment;
use crate::console::visit::Visit;
use crate::console::words::{Tone, change};
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::forms::capture_word;

/// Changes of one strip: what fits beside each other on a wide screen, and a little more.
const SHOWN: usize = 12;
/// Things whose changes one strip brings together.
const MAX_SUBJECTS: usize = 50;

struct Happened {
    tone: &'static str,
    when: Cell,
    who: Cell,
    /// Who let them in, where four eyes count.
    let_in: Option<Cell>,
    what: Cell,
    /// In whose words what is kept of calls was switched by it.
    why: Option<String>,
    entry: Cell,
}

#[derive(Template)]
#[template(path = "console/strip.html")]
struct Strip {
    title: String,
    happened: Vec<Happened>,
}

/// What happened to some things, the newest first; `all` leads to the rest where there is a page for it.
pub(crate) fn to(visit: &Visit<'_>, subjects: &[Subject], all: Option<Action>) -> Result<Block, Refusal> {
    titled(visit, "What happened", subjects, all)
}

/// The same under another title.
pub(crate) fn titled(
    visit: &Visit<'_>,
    title: &str,
    subjects: &[Subject],
    all: Option<Action>,
) -> Result<Block, Refusal> {
    let page = Page { before: None, limit: u32::try_from(SHOWN).unwrap_or(u32::MAX) + 1 };
    let mut changes = Vec::new();
    for subject in subjects.iter().take(MAX_SUBJECTS) {
        let found = visit.desk.views().history(Some(subject), page)?;
        changes.extend(found.rows.into_iter().filter(|row| row.entry < visit.size()));
    }
    strip(visit, title, changes, subjects.first(), all)
}

/// The records at `entries` as a strip.
pub(crate) fn at(
    visit: &Visit<'_>,
    title: &str,
    entries: impl Iterator<Item = u64>,
) -> Result<Block, Refusal> {
    let mut changes = Vec::new();
    let sees_all = visit.reach(Permission::ReadEntries) == Reach::All;
    for entry in entries {
        let Some(change) = change_at(visit, entry)? else { continue };
        if sees_all || within(visit, &change)? {
            changes.push(change);
        }
    }
    strip(visit, title, changes, None, None)
}

/// What the record at `entry` did, and to what, with the way there; none: it is a seal, or its type says all.
pub(crate) fn told(visit: &Visit<'_>, entry: u64) -> Result<Option<Cell>, Refusal> {
    let Some(change) = change_at(visit, entry)? else { return Ok(None) };
    let cell = what(visit, &change)?;
    Ok(Some(cell).filter(|cell| cell.text != change.record_type))
}

/// The record at `entry`, by its header.
fn change_at(visit: &Visit<'_>, entry: u64) -> Result<Option<Change>, Refusal> {
    let view = visit.desk.ledger().reader().entry(entry)?;
    let Some(header) = view.entry.header() else { return Ok(None) };
    let (stream, version) = header
        .stream
        .as_ref()
        .map_or((String::new(), 0), |(stream, version)| (stream.as_str().to_owned(), *version));
    Ok(Some(Change {
        entry,
        stream,
        version,
        record_id: header.record_id,
        record_type: header.record_type.to_string(),
        by: header.actor,
        at: moment::of_entry(visit.desk, entry)?,
    }))
}

fn strip(
    visit: &Visit<'_>,
    title: &str,
    mut changes: Vec<Change>,
    own: Option<&Subject>,
    all: Option<Action>,
) -> Result<Block, Refusal> {
    let own = own.map(Subject::stream);
    changes.sort_unstable_by_key(|row| std::cmp::Reverse(row.entry));
    changes.dedup_by_key(|row| row.entry);
    if changes.is_empty() {
        return Ok(Block::nothing());
    }
    let more = changes.len() > SHOWN;
    let mut happened = Vec::new();
    for (place, row) in changes.iter().take(SHOWN).enumerate() {
        let is_own = own.as_ref().is_some_and(|own| row.stream.starts_with(own));
        happened.push(Happened {
            tone: tone(&row.record_type).class(),
            when: visit.time(row.at),
            who: visit.who(row.by)?,
            let_in: let_in(visit, row)?,
            // What the page is about needs no name.
            what: if is_own { Cell::text(change(&row.record_type)) } else { what(visit, row)? },
            why: if is_own {
                switched(visit, row, changes.get(place + 1..).unwrap_or_default())?
            } else {
                None
            },
            entry: visit.entry(row.entry),
        });
    }
    let part = Section {
        id: "happened",
        title: title.to_owned(),
        lead: if more && all.is_none() {
            "The newest of it; the ledger has the rest.".to_owned()
        } else {
            String::new()
        },
        action: all.filter(|_| more),
        blocks: vec![Block::of(&Strip { title: title.to_owned(), happened })?],
    };
    Block::of(&part)
}

/// What is kept from a change on, and why, where the change switched it; `older` are those before it. What is said of a system later carries the reason
/// on, and says nothing new by that.
fn switched(visit: &Visit<'_>, row: &Change, older: &[Change]) -> Result<Option<String>, Refusal> {
    let system = row.stream.strip_prefix("system/").and_then(SystemId::from_hex);
    if row.record_type != SystemRegistered::TYPE
        || system.is_none()
        || !visit.desk.may(visit.actor()?, Permission::ReadSystems, system)?
    {
        return Ok(None);
    }
    let Some(said) = visit.desk.described_at(row.entry)? else { return Ok(None) };
    let Some(reason) = said.capture_reason else { return Ok(None) };
    let before = older.iter().find(|one| one.stream == row.stream && one.record_type == row.record_type);
    let before = before.map(|one| visit.desk.described_at(one.entry)).transpose()?.flatten();
    if before.is_some_and(|before| before.capture == said.capture) {
        return Ok(None);
    }
    let kept = kept(capture_word(said.capture));
    Ok(Some(format!("Kept from here on: {kept}. {}", Cell::text(&reason).text)))
}

/// Who let in whoever wrote, put forward, approved or tried to.
fn let_in(visit: &Visit<'_>, row: &Change) -> Result<Option<Cell>, Refusal> {
    let counts = matches!(
        row.record_type.as_str(),
        "register.saved"
            | "register.submitted"
            | "register.decided"
            | "register.moved"
            | "register.refused"
            | "soa.decided"
            | "soa.approved"
            | "soa.refused"
    );
    if !counts {
        return Ok(None);
    }
    visit.let_in_by(visit.desk.let_in_at(row.entry)?)
}

/// How an event looks beside its words.
fn tone(record_type: &str) -> Tone {
    match record_type {
        "register.decided" | "soa.approved" | "policy.published" => Tone::Good,
        "register.refresh_opened" | "register.submitted" | "system.stage_changed" => Tone::Fair,
        "register.refused" | "policy.refused" | "credential.revoked" | "policy.withdrawn"
        | "role.revoked" | "call.denied" => Tone::Bad,
        _ => Tone::Quiet,
    }
}

/// What a change did, and to what.
pub(crate) fn what(visit: &Visit<'_>, row: &Change) -> Result<Cell, Refusal> {
    let said = change(&row.record_type);
    let Some((kind, id)) = row.stream.split_once('/') else { return Ok(Cell::text(said)) };
    let (named, path) = match kind {
        "system" => match SystemId::from_hex(id) {
            Some(id) => (visit.names.system(visit.desk, id)?.text, format!("/systems/{id}")),
            None => return Ok(Cell::text(said)),
        },
        "policy" => {
            // What is observed, put forward or refused of a policy has a stream below its own.
            let name = id.split('/').next().unwrap_or(id);
            (name.to_owned(), format!("/policies/{name}"))
        }
        "register" => match item_of(visit, id)? {
            Some(row) => {
                let name = row.name.unwrap_or_else(|| "an item".to_owned());
                (name, format!("/registers/{}/{}", row.register, row.item))
            }
            None => return Ok(Cell::text(said)),
        },
        "soa" if id == "approval" => return Ok(Cell::text(said).to("/soa".to_owned())),
        "soa" => (id.to_uppercase(), format!("/soa/{}", id.to_uppercase())),
        "credential" | "person" => match CredentialId::from_hex(id) {
            Some(id) => {
                let cell = visit.who(id)?;
                (cell.text, cell.href)
            }
            None => return Ok(Cell::text(said)),
        },
        _ => return Ok(Cell::text(said)),
    };
    Ok(Cell::text(&format!("{said}: {named}")).to(path))
}

/// The item that the rest of a stream's name names: its register, its id, and perhaps what kind of act.
fn item_of(visit: &Visit<'_>, rest: &str) -> Result<Option<ItemRow>, Refusal> {
    let mut parts = rest.split('/');
    let (Some(register), Some(item)) = (parts.next(), parts.next().and_then(ItemId::from_hex)) else {
        return Ok(None);
    };
    Ok(visit.desk.views().register_item(register, &item)?)
}

/// Whether a change is one that the reader may know of.
pub(crate) fn within(visit: &Visit<'_>, row: &Change) -> Result<bool, Refusal> {
    let actor = visit.actor()?;
    let Some((kind, id)) = row.stream.split_once('/') else { return Ok(false) };
    Ok(match kind {
        "policy" => visit.can(Permission::ReadPolicies),
        "soa" => visit.can(Permission::ReadControls),
        "register" => match item_of(visit, id)? {
            Some(row) => visit.desk.may_item(actor, Permission::ReadRegisters, &row)?,
            None => false,
        },
        "system" => match SystemId::from_hex(id) {
            Some(id) => visit.desk.may(actor, Permission::ReadSystems, Some(id))?,
            None => false,
        },
        "person" => {
            // Coming and going is in the ledger; here it would bury the rest.
            let visible =
                !matches!(row.record_type.as_str(), "session.opened" | "session.closed" | "link.issued");
            visible && visit.reach(Permission::ReadPeople) == Reach::All
        }
        "credential" => {
            match CredentialId::from_hex(id).map(|id| visit.desk.views().credential(&id)).transpose()? {
                Some(Some(key)) => visit.desk.may(actor, Permission::ReadKeys, Some(key.system))?,
                _ => false,
            }
        }
        _ => false,
    })
}
