//! People: the list, one person with their roles and how they got them, and the forms that add, grant, revoke and let in.

use serde_json::{Value, json};
use tabellion_model::body::Role;

use super::keys::Secret;
use super::person_sessions;
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Empty, Facts, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::table::{Column, Filter, Listing, Row, Rows, Takes, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count, role as role_label, role_purpose};
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::Written;
use crate::work::forms::{Reason, role_of};
use crate::work::people::{Grant, NewPerson, Person};
use crate::work::sessions::{IssuedLink, NewLink};

const COLUMNS: &[Column] = &[
    column("name", "Name"),
    column("roles", "Roles"),
    column("email", "E-mail"),
    column("added", "Known since"),
    more("id", "Id"),
    more("entry", "Entry"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let add = || {
        visit
            .can(Permission::ChangePeople)
            .then(|| Action { label: "Add a person", href: "/people/new".to_owned() })
    };
    let wanted = visit.query.get("role").and_then(role_of);
    let people = visit
        .desk
        .people_rows()?
        .into_iter()
        .filter(|row| wanted.is_none_or(|role| row.roles.contains(&role)));
    let rows = people.map(|row| {
        let href = format!("/people/{}", row.person);
        let details = row.details.as_ref();
        let roles: Vec<&str> = row.roles.iter().map(|role| role_label(*role)).collect();
        let cells = vec![
            Cell::maybe(details.map(|details| details.name.as_str()), "erased").to(href.clone()),
            Cell::maybe(Some(&roles.join(", ")), "no role"),
            Cell::maybe(details.map(|details| details.email.as_str()), "–"),
            visit.time(row.added_at),
            Cell::id(&row.person.to_hex()),
            visit.entry(row.added_entry),
        ];
        Row { href, cells }
    });
    let rows = rows.collect();
    let roles =
        Role::ALL.iter().map(|role| (role.as_str().to_owned(), role_label(*role).to_owned())).collect();
    let listing = Listing {
        id: "people",
        caption: "People",
        columns: COLUMNS,
        filters: vec![Filter { name: "role", label: "Role", takes: Takes::Choice(roles) }],
        search: "name, role or e-mail",
        views: Vec::new(),
        empty: Empty {
            title: "Nobody is known yet",
            text: "Add the people who answer for systems, write policies and audit.",
            action: add(),
            sample: "",
        },
    };
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let content = Content {
        lead: "Who is known here and what they may do. Nobody grants a role to themselves, and one administrator always stays.".to_owned(),
        action: add(),
        blocks: vec![listing.table(visit, Rows::All(rows))?, roles_table(visit)?],
        ..Content::titled("People and roles")
    };
    visit.show(content)
}

/// What each role is for and may do.
fn roles_table(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let rows = Role::ALL.iter().map(|role| {
        let held = Permission::ALL.iter().filter(|permission| **permission != Permission::OwnSession);
        let names = |wanted: Reach| {
            let some =
                held.clone().filter(|permission| crate::permission::permitted(*role, **permission) == wanted);
            some.map(|permission| permission.as_str().replace('_', " ")).collect::<Vec<_>>().join(", ")
        };
        Row {
            href: String::new(),
            cells: vec![
                Cell::text(role_label(*role)),
                Cell::text(role_purpose(*role)),
                Cell::maybe(Some(&names(Reach::All)), "nothing"),
                Cell::maybe(Some(&names(Reach::Own)), "nothing more"),
            ],
        }
    });
    let listing = Listing::plain(
        "roles",
        "What each role may do",
        const {
            &[
                column("role", "Role"),
                column("for", "What it is for"),
                column("all", "For everything"),
                column("own", "For own systems"),
            ]
        },
        nothing("No roles", "", None),
    );
    section("roles", "What each role may do", vec![listing.table(visit, Rows::All(rows.collect()))?])
}

/// The form for a new person.
pub(crate) fn new(visit: &Visit<'_>) -> Answered {
    new_page(visit, 200, None)
}

fn new_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let roles = Role::ALL
        .iter()
        .map(|role| (role.as_str().to_owned(), format!("{} – {}", role_label(*role), role_purpose(*role))))
        .collect();
    let fields = vec![
        Field::new("name", "Name", Kind::Line),
        Field::new("email", "E-mail", Kind::Line).optional(),
        Field::new("roles", "Roles", Kind::Checks(roles))
            .hint("They can be changed later. Without one, a person sees nothing.")
            .optional(),
    ];
    let mut form = Form::new("person", "/people/new".to_owned(), "Add the person", fields);
    form.consequence = "Then hand them a link on their page: it lets them in once.";
    "/people".clone_into(&mut form.cancel);
    let content = Content {
        trail: vec![("People and roles".to_owned(), "/people".to_owned())],
        lead: "Name and address can be erased later; what they did stays provable.".to_owned(),
        blocks: vec![form.block(visit, refused)?],
        ..Content::titled("Add a person")
    };
    visit.show_with(status, content)
}

/// Adds a person.
pub(crate) fn add(visit: &Visit<'_>) -> Answered {
    let roles: Vec<&str> = visit.form.all("roles").collect();
    let body = json!({"name": visit.form.text("name").trim(), "email": visit.form.text("email").trim(), "roles": roles});
    let done = visit
        .read::<NewPerson>("addPerson", body)
        .and_then(|new| visit.desk.add_person(visit.actor()?, &visit.given(), &new));
    visit.after("person", done, |person| format!("/people/{}", person.id), new_page)
}

/// One person.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

pub(super) fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let id = visit.credential("person")?;
    // Everybody sees themselves.
    if !visit.actor()?.is(id) && visit.reach(Permission::ReadPeople) != Reach::All {
        return Err(Refusal::not_found("person"));
    }
    let person = visit.desk.person(id)?;
    let roles = person
        .roles
        .iter()
        .map(|role| Cell::text(&format!("{} – {}", role_label(*role), role_purpose(*role))))
        .collect();
    let facts = Facts::default()
        .with_all("Roles", roles)
        .with("E-mail", Cell::maybe(person.email.as_deref(), "none"))
        .with("Known since", visit.time(person.added_at.0))
        .with("Record", visit.entry(person.added.index))
        .with("Id", Cell::id(&person.id));
    let mut blocks = vec![facts.block()?];
    if visit.can(Permission::ChangePeople) && person.name.is_some() && visit.moment.is_none() {
        blocks.push(section("change", "Change", forms(visit, &person, refused)?)?);
    }
    blocks.extend(person_sessions::block(visit, id, refused)?);
    blocks.push(history(visit, id)?);
    let readable = visit.reach(Permission::ReadPeople) == Reach::All;
    let trail =
        if readable { vec![("People and roles".to_owned(), "/people".to_owned())] } else { Vec::new() };
    let content = Content {
        trail,
        badges: if visit.actor()?.is(id) { vec![Cell::state(("You", Tone::Good))] } else { Vec::new() },
        blocks,
        ..Content::titled(&Cell::maybe(person.name.as_deref(), "An erased person").text)
    };
    visit.show_with(status, content)
}

fn forms(visit: &Visit<'_>, person: &Person, refused: Option<&Refused<'_>>) -> Result<Vec<Block>, Refusal> {
    let path = format!("/people/{}", person.id);
    let named = |roles: Vec<Role>| {
        Kind::Select(
            roles.into_iter().map(|role| (role.as_str().to_owned(), role_label(role).to_owned())).collect(),
        )
    };
    let mut blocks = Vec::new();
    let fields = vec![Field::new("valid_minutes", "It works for", Kind::Select(lifetimes())).value("60")];
    let mut link = Form::new("link", format!("{path}/links"), "Make a link", fields);
    link.consequence = "Whoever has the link comes in as this person, once. Hand it over yourself.";
    blocks.push(link.folded(visit, "Let them in", refused)?);
    let missing: Vec<Role> = Role::ALL.into_iter().filter(|role| !person.roles.contains(role)).collect();
    let own = visit.actor()?.credential().is_some_and(|id| id.to_hex() == person.id);
    if !missing.is_empty() && !own {
        let mut grant = Form::new(
            "grant",
            format!("{path}/roles"),
            "Grant the role",
            vec![Field::new("role", "Role", named(missing))],
        );
        grant.version = Some(person.version);
        blocks.push(grant.folded(visit, "Grant a role", refused)?);
    }
    if !person.roles.is_empty() {
        let fields = vec![
            Field::new("role", "Role", named(person.roles.clone())),
            Field::new("reason", "Reason", Kind::Line).hint("For the reader of the history."),
        ];
        let mut revoke = Form::new("revoke", format!("{path}/revoke"), "Take the role away", fields);
        revoke.version = Some(person.version);
        revoke.ends = true;
        revoke.consequence = "It counts from their next click on.";
        blocks.push(revoke.folded(visit, "Take a role away", refused)?);
    }
    Ok(blocks)
}

fn lifetimes() -> Vec<(String, String)> {
    [("15", "A quarter of an hour"), ("60", "An hour"), ("480", "Eight hours"), ("1440", "A day")]
        .map(|(value, label)| (value.to_owned(), label.to_owned()))
        .into()
}

fn history(visit: &Visit<'_>, id: tabellion_model::CredentialId) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for change in visit.desk.views().role_changes(&id)?.into_iter().rev() {
        let what = match (change.granted, change.role) {
            (true, Some(role)) => format!("granted {}", role_label(role)),
            (false, Some(role)) => format!("took {} away", role_label(role)),
            (_, None) => "a role, whose record is erased".to_owned(),
        };
        let cells =
            vec![visit.time(change.at), visit.who(change.by)?, Cell::text(&what), visit.entry(change.entry)];
        rows.push(Row { href: String::new(), cells });
    }
    let listing = Listing::plain(
        "role-history",
        "How they came to their roles",
        const { &[column("when", "When"), column("who", "Who"), column("what", "What"), column("entry", "Entry")] },
        nothing(
            "No role was ever granted",
            "Each grant and each revocation is a record and stands here.",
            None,
        ),
    );
    section("history", "How they came to their roles", vec![listing.table(visit, Rows::All(rows))?])
}

/// Grants a role.
pub(crate) fn grant(visit: &Visit<'_>) -> Answered {
    let id = visit.credential("person")?;
    let done = visit
        .read::<Grant>("grantRole", json!({"role": visit.form.text("role")}))
        .and_then(|grant| visit.desk.grant_role(visit.actor()?, &visit.given(), id, &grant));
    after(visit, "grant", done)
}

/// Takes a role away.
pub(crate) fn revoke(visit: &Visit<'_>) -> Answered {
    let id = visit.credential("person")?;
    let done = visit
        .read::<Reason>("revokeRole", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|why| {
            let role = role_of(visit.form.text("role"))
                .ok_or_else(|| Refusal::at(crate::refusal::Code::Malformed, "/role", "choose a role"))?;
            visit.desk.revoke_role(visit.actor()?, &visit.given(), id, role, &why)
        });
    after(visit, "revoke", done)
}

fn after(visit: &Visit<'_>, form: &'static str, done: Result<(Person, Written), Refusal>) -> Answered {
    visit.after(form, done, |person| format!("/people/{}", person.id), page)
}

/// Hands out a link and shows it.
pub(crate) fn link(visit: &Visit<'_>) -> Answered {
    let id = visit.credential("person")?;
    let body = json!({"valid_minutes": visit.form.number("valid_minutes").map_or(Value::Null, Value::from)});
    let base = &visit.settings.public_url;
    let done = visit
        .read::<NewLink>("issueLink", body)
        .and_then(|new| visit.desk.issue_link(visit.actor()?, &visit.given(), id, &new, base));
    match done {
        Ok((link, written)) => link_page(visit, id, link, &written),
        Err(refusal) => visit.again("link", &refusal, page),
    }
}

fn link_page(
    visit: &Visit<'_>,
    id: tabellion_model::CredentialId,
    link: IssuedLink,
    written: &Written,
) -> Answered {
    let name = Cell::maybe(visit.desk.person(id)?.name.as_deref(), "an erased person").text;
    let secret = Secret {
        title: "Copy the link now",
        text: "It is shown here once and is nowhere else. It lets in whoever opens it first, once; give it to the person over a way that you trust.",
        label: "The link",
        value: link.url.unwrap_or_default(),
        entry: format!("#{}", count(written.index)),
        entry_href: if visit.can(Permission::ReadEntries) {
            format!("/ledger/{}", written.index)
        } else {
            String::new()
        },
        on: Action { label: "I have handed it over", href: format!("/people/{id}") },
    };
    let content = Content {
        trail: vec![
            ("People and roles".to_owned(), "/people".to_owned()),
            (name.clone(), format!("/people/{id}")),
        ],
        lead: format!("It works until {}.", crate::console::words::moment(link.expires_at.0)),
        blocks: vec![Block::of(&secret)?],
        ..Content::titled(&format!("A link for {name}"))
    };
    visit.show(content)
}
