//! Search over everything within reach: ids and entry numbers exactly, names by what they contain.

use tabellion_model::catalogue::Reference;
use tabellion_model::digests::digest_of_text;
use tabellion_model::{CredentialId, RecordId, SystemId};

use crate::console::answer::{Answered, Reply};
use crate::console::cell::Cell;
use crate::console::link::{Link, segment};
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::digests::DigestQuery;
use crate::work::registers::ItemQuery;

/// Items of one register that are listed; the register's own page has the rest.
const ITEMS: u64 = 20;

/// The page; an id or number that is known is gone to at once.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let text = visit.query.text("q").trim().to_owned();
    if let Some(path) = exact(visit, &text)? {
        return Ok(Reply::See(path).into());
    }
    let rows = match digest_of_text(&text).filter(|_| visit.can(Permission::ReadEntries)) {
        Some(_) => of_digest(visit, &text)?,
        None if text.is_empty() => Vec::new(),
        None => found(visit, &text)?,
    };
    let listing = Listing::plain(
        "found",
        "Found",
        const { &[column("name", "Name"), column("kind", "What it is")] },
        nothing(
            "Nothing found",
            "Type a name, an id as a client was told it, the number of an entry, or the SHA-256 of a content. What lies outside your reach is not found.",
            None,
        ),
    );
    let title =
        if text.is_empty() { "Search".to_owned() } else { format!("Search: {}", Cell::text(&text).text) };
    let content = Content { blocks: vec![listing.table(visit, Rows::All(rows))?], ..Content::titled(&title) };
    visit.show(content)
}

/// Where records speak of the content of a digest, and where to go on looking.
fn of_digest(visit: &Visit<'_>, text: &str) -> Result<Vec<Row>, Refusal> {
    let query = DigestQuery { before: visit.query.number("before") };
    let found = visit.desk.digest_places(visit.actor()?, text, &query)?;
    let row = |name: String, kind: &str, href: String| Row {
        href: href.clone(),
        cells: vec![Cell::text(&name).to(href), Cell::text(kind)],
    };
    let places = found.places.iter().map(|place| {
        let name = format!("Entry {}: {}", place.index, place.record_type);
        let kind = match place.role.as_str() {
            "baseline" => "says what the content should be",
            "observed" => "says what the content was found to be",
            _ => "speaks of the content itself",
        };
        row(name, &format!("{kind} ({})", place.place), format!("/ledger/{}", place.index))
    });
    let more = found.next.map(|next| {
        let href = Link::to("/search").with("q", text).with("before", &next.to_string()).href();
        row(format!("Look on below entry {next}"), "Older entries were not looked at yet", href)
    });
    Ok(places.chain(more).collect())
}

/// The page of an id or entry number within reach.
fn exact(visit: &Visit<'_>, text: &str) -> Result<Option<String>, Refusal> {
    let actor = visit.actor()?;
    let digits = text.trim_start_matches('#').replace(',', "");
    if let Ok(index) = digits.parse::<u64>()
        && visit.can(Permission::ReadEntries)
        && visit.desk.entry(actor, index).is_ok()
    {
        return Ok(Some(format!("/ledger/{index}")));
    }
    let id = text.to_ascii_lowercase();
    if let Some(record) = RecordId::from_hex(&id)
        && visit.can(Permission::ReadCalls)
        && visit.desk.call(actor, record).is_ok()
    {
        return Ok(Some(format!("/calls/{record}")));
    }
    if let Ok(reference) = Reference::parse(&text.to_ascii_uppercase())
        && visit.can(Permission::ReadControls)
    {
        return Ok(Some(format!("/controls/{reference}")));
    }
    if let Some(system) = SystemId::from_hex(&id)
        && visit.desk.system(actor, system).is_ok()
    {
        return Ok(Some(format!("/systems/{system}")));
    }
    if let Some(credential) = CredentialId::from_hex(&id) {
        if visit.can(Permission::ReadKeys) && visit.desk.key(actor, credential).is_ok() {
            return Ok(Some(format!("/keys/{credential}")));
        }
        if visit.reach(Permission::ReadPeople) == Reach::All
            && visit.desk.views().person(&credential)?.is_some()
        {
            return Ok(Some(format!("/people/{credential}")));
        }
    }
    Ok(None)
}

fn found(visit: &Visit<'_>, text: &str) -> Result<Vec<Row>, Refusal> {
    let (actor, needle) = (visit.actor()?, text.to_lowercase());
    let holds = |name: &str| name.to_lowercase().contains(&needle);
    let mut rows = Vec::new();
    let mut push = |name: &str, kind: &str, href: String| {
        rows.push(Row { href: href.clone(), cells: vec![Cell::text(name).to(href), Cell::text(kind)] });
    };
    for row in visit.desk.system_rows(actor)? {
        if let Some(said) =
            row.described.as_ref().filter(|said| holds(&said.name) || holds(&said.description))
        {
            push(&said.name, "AI system", format!("/systems/{}", row.system));
        }
    }
    if visit.can(Permission::ReadKeys) {
        for row in visit.desk.key_rows(actor)? {
            if let Some(issued) = row.issued.as_ref().filter(|issued| holds(&issued.name)) {
                push(&issued.name, "API key", format!("/keys/{}", row.credential));
            }
        }
    }
    for row in visit.desk.policy_rows(u64::MAX)?.iter().filter(|row| holds(&row.name)) {
        push(&row.name, "Policy", format!("/policies/{}", segment(&row.name)));
    }
    if visit.reach(Permission::ReadPeople) == Reach::All {
        for row in visit.desk.people_rows()? {
            if let Some(details) =
                row.details.as_ref().filter(|details| holds(&details.name) || holds(&details.email))
            {
                push(&details.name, "Person", format!("/people/{}", row.person));
            }
        }
    }
    for (name, kind, href) in governed(visit, text)? {
        push(&name, kind, href);
    }
    if visit.can(Permission::ReadCalls) {
        push(
            &format!("Calls with “{text}” in model, purpose or system"),
            "Calls",
            Link::to("/calls").with("q", text).href(),
        );
    }
    Ok(rows)
}

/// Clauses, controls, registers and their items: name, what it is, and its page.
fn governed(visit: &Visit<'_>, text: &str) -> Result<Vec<(String, &'static str, String)>, Refusal> {
    let needle = text.to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|words| words.to_lowercase().contains(&needle));
    let mut found = Vec::new();
    if visit.can(Permission::ReadControls) {
        if holds(&["Statement of Applicability", "SoA"]) {
            let name = "Statement of Applicability".to_owned();
            found.push((name, "38 decisions, approved as a whole", "/soa".to_owned()));
        }
        for reference in Reference::all() {
            let item = reference.item();
            if holds(&[reference.as_str(), &item.title, &item.hint]) {
                let kind = if reference.is_control() {
                    "Control of ISO/IEC 42001"
                } else {
                    "Clause of ISO/IEC 42001"
                };
                found.push((format!("{reference} {}", item.title), kind, format!("/controls/{reference}")));
            }
        }
    }
    if visit.can(Permission::ReadRegisters) {
        for register in visit.desk.registers().registers {
            let list = format!("/registers/{}", register.name);
            if holds(&[&register.title, &register.purpose]) {
                found.push((register.title.clone(), "Register", list.clone()));
            }
            let query = ItemQuery { text: Some(text.to_owned()), limit: Some(ITEMS), ..ItemQuery::default() };
            for item in visit.desk.register_items(visit.actor()?, &register.name, &query)?.items {
                let name = item.name.unwrap_or_else(|| "an item without a name".to_owned());
                let name = format!("{name} · {}", register.title);
                found.push((name, "Item of a register", format!("{list}/{}", item.id)));
            }
        }
    }
    Ok(found)
}
