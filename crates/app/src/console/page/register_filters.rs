//! How the items of a register are looked for: what the address asks, the filters, and views worth a click.

use std::collections::BTreeSet;

use serde_json::Value;
use tabellion_model::body::Role;
use tabellion_model::catalogue::Reference;
use tabellion_model::register::{About, Kind, Register};
use tabellion_model::{CredentialId, Micros, SystemId};

use super::systems;
use crate::console::cell::Cell;
use crate::console::table::{Filter, Takes, choices};
use crate::console::visit::Visit;
use crate::console::words::DAY;
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::forms::Time;
use crate::work::registers::{ItemQuery, Order, names_controls};

/// How many days before its review an item counts as due.
pub(crate) const DUE_SOON_DAYS: u64 = 30;
/// Farthest that a filter looks ahead, in days: ten years.
const MOST_DAYS: u64 = 3650;
/// How far ahead a list looks, in days.
const WITHIN: [(&str, &str); 3] =
    [("7", "within 7 days"), ("30", "within 30 days"), ("90", "within 90 days")];

/// What the address asks for.
pub(crate) fn query(visit: &Visit<'_>) -> Result<ItemQuery, Refusal> {
    let get = |name: &str| visit.query.get(name).map(str::to_owned);
    let malformed =
        |name: &str| Refusal::new(Code::Malformed, format!("{name} in the address is not an id of ours"));
    let system =
        get("system").map(|id| SystemId::from_hex(&id).ok_or_else(|| malformed("system"))).transpose()?;
    let owner =
        get("owner").map(|id| CredentialId::from_hex(&id).ok_or_else(|| malformed("owner"))).transpose()?;
    let day = get("due")
        .map(|text| {
            Micros::parse_date(&text)
                .map_err(|error| Refusal::new(Code::Malformed, format!("due in the address: {error}")))
        })
        .transpose()?;
    // Days from now, so that a view that is kept says the same tomorrow.
    let within = visit.query.number("within").filter(|days| *days <= MOST_DAYS);
    let soon = within.map(|days| Micros(visit.now().0.saturating_add(days * DAY)));
    let due = [day, soon].into_iter().flatten().min().map(Time);
    Ok(ItemQuery {
        system,
        state: get("state"),
        review: get("review").filter(|word| REVIEWS.iter().any(|(known, _)| known == word)),
        owner,
        text: get("q"),
        fields: get("where"),
        refresh: get("refresh").filter(|word| word == "open"),
        due_before: due,
        reference: get("reference"),
        open: get("open").filter(|word| word == "true"),
        overdue: get("overdue").filter(|word| word == "true"),
        organisation_wide: get("wide").filter(|word| word == "true"),
        sort: Some(match visit.query.get("sort") {
            Some("name") => Order::Name,
            Some("due") => Order::Due,
            _ => Order::Changed,
        }),
        skip: None,
        limit: None,
    })
}

const REVIEWS: [(&str, &str); 4] = [
    ("draft", "Draft"),
    ("in_review", "Waits for a decision"),
    ("approved", "Approved"),
    ("returned", "Given back"),
];

/// The filters of a register: its states, its words, systems and owners.
pub(crate) fn filters(visit: &Visit<'_>, register: &Register) -> Result<Vec<Filter>, Refusal> {
    let states = register.states.iter().map(|state| (state.name.as_str(), state.title.as_str()));
    let mut filters = Vec::new();
    if register.approves() {
        filters.push(Filter { name: "review", label: "Newest revision", takes: choices(REVIEWS) });
    }
    filters.push(Filter { name: "state", label: "State", takes: choices(states) });
    if names_controls(register) {
        let all = Reference::all()
            .map(|reference| (reference.to_string(), format!("{reference} {}", reference.item().title)));
        filters.push(Filter { name: "reference", label: "About", takes: Takes::Choice(all.collect()) });
    }
    let words: Vec<(String, String)> = register.fields().flat_map(words_of).collect();
    if !words.is_empty() {
        filters.push(Filter { name: "where", label: "Content", takes: Takes::Choice(words) });
    }
    if register.about != About::Organisation {
        filters.push(systems::filter(visit)?);
    }
    if visit.reach(Permission::ReadPeople) == Reach::All {
        filters.push(match people(visit)? {
            Some(people) => Filter { name: "owner", label: "Owner", takes: Takes::Choice(people) },
            None => Filter { name: "owner", label: "Owner's id", takes: Takes::Text },
        });
    }
    if register.approves() {
        filters.push(Filter { name: "refresh", label: "New look", takes: choices([("open", "Needs one")]) });
    } else {
        filters.push(Filter { name: "open", label: "Ended", takes: choices([("true", "Not yet")]) });
    }
    filters.push(Filter { name: "overdue", label: "In time", takes: choices([("true", "Overdue")]) });
    filters.push(Filter { name: "within", label: "Due", takes: choices(WITHIN) });
    filters.push(Filter { name: "due", label: "Due before", takes: Takes::Day });
    Ok(filters)
}

/// People that a list to choose from offers; more would be neither read nor quickly loaded.
const MAX_CHOICES: usize = 100;

/// People to choose from, by id and name; `None` when there are too many to choose from.
pub(crate) fn people(visit: &Visit<'_>) -> Result<Option<Vec<(String, String)>>, Refusal> {
    people_who(visit, |_| true)
}

/// The same of those alone whose roles `can` takes.
pub(crate) fn people_who(
    visit: &Visit<'_>,
    can: impl Fn(&BTreeSet<Role>) -> bool,
) -> Result<Option<Vec<(String, String)>>, Refusal> {
    let mut rows = visit.desk.people_rows()?;
    rows.retain(|row| can(&row.roles));
    let few = rows.len() <= MAX_CHOICES;
    let named =
        rows.into_iter().filter_map(|row| Some((row.person.to_hex(), Cell::text(&row.details?.name).text)));
    Ok(few.then(|| named.collect()))
}

/// Field and word of each choice, as the filter takes them.
fn words_of(field: &tabellion_model::register::Field) -> Vec<(String, String)> {
    let pair =
        |word: &str, label: &str| (format!("{}:{word}", field.name), format!("{}: {label}", field.label));
    match field.kind {
        Kind::Choice | Kind::Choices => {
            field.options.iter().map(|option| pair(&option.word, &option.label)).collect()
        }
        Kind::YesNo => {
            vec![pair(&Value::Bool(true).to_string(), "yes"), pair(&Value::Bool(false).to_string(), "no")]
        }
        _ => Vec::new(),
    }
}

/// Views that are worth a click.
pub(crate) fn views(register: &Register) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let soon = || ("within", DUE_SOON_DAYS.to_string());
    if !register.approves() {
        let open = || ("open", "true".to_owned());
        return vec![
            ("All", Vec::new()),
            ("Open", vec![open()]),
            ("Overdue", vec![("overdue", "true".to_owned())]),
            ("Due in 30 days", vec![open(), soon()]),
        ];
    }
    vec![
        ("All", Vec::new()),
        ("Wait for a decision", vec![("review", "in_review".into())]),
        ("Drafts", vec![("review", "draft".into())]),
        ("Due in 30 days", vec![soon()]),
        ("Need a new look", vec![("refresh", "open".into())]),
    ]
}
