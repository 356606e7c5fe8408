//! The part of a person's page where their sessions are seen and ended.

use serde_json::{Value, json};
use tabellion_model::CredentialId;

use super::people;
use crate::console::answer::Answered;
use crate::console::block::{Block, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::Visit;
use crate::console::words::moment;
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::session_ends::{EndSessions, OpenedSince};

/// The form's id.
const FORM: &str = "end-sessions";

/// The sessions of `person`, for themselves and for whoever lets people in.
pub(super) fn block(
    visit: &Visit<'_>,
    person: CredentialId,
    refused: Option<&Refused<'_>>,
) -> Result<Option<Block>, Refusal> {
    if !visit.actor()?.is(person) && visit.reach(Permission::ChangePeople) != Reach::All {
        return Ok(None);
    }
    let open = visit.desk.sessions_of(visit.actor()?, person)?.sessions;
    let row = |session: &OpenedSince| {
        let which = if session.current { "this one" } else { "" };
        let cells = vec![
            visit.time(session.opened_at.0),
            visit.time(session.expires_at.0),
            Cell::maybe(Some(which), "–"),
            visit.entry(session.opened.index),
        ];
        Row { href: String::new(), cells }
    };
    let listing = Listing::plain(
        "sessions",
        "Open sessions",
        const {
            &[
                column("opened", "Opened"),
                column("until", "Until"),
                column("which", "Yours"),
                column("entry", "Entry"),
            ]
        },
        nothing("Nobody is signed in as this person", "A link lets them in; it works once.", None),
    );
    let table = listing.table(visit, Rows::All(open.iter().map(row).collect()))?;
    let all = (String::new(), "All of them, and links that nobody used yet".to_owned());
    let named = |session: &OpenedSince| {
        let since = format!("Opened {}", moment(session.opened_at.0));
        (session.id.clone(), if session.current { format!("{since}, this one") } else { since })
    };
    let choices = std::iter::once(all).chain(open.iter().map(named)).collect();
    let fields = vec![Field::new("session", "Sessions", Kind::Select(choices)).optional()];
    let mut form = Form::new(FORM, format!("/people/{person}/sessions/end"), "End them", fields);
    form.ends = true;
    form.consequence =
        "Whoever holds one of them is out with their next click, and comes in by a new link alone.";
    let end = form.folded(visit, "End sessions", refused)?;
    Ok(Some(section("sessions", "Sessions", vec![table, end])?))
}

/// Ends them.
pub(crate) fn end(visit: &Visit<'_>) -> Answered {
    let id = visit.credential("person")?;
    let wanted = Some(visit.form.text("session")).filter(|session| !session.is_empty());
    let done = visit
        .read::<EndSessions>("endSessions", json!({"session": wanted.map_or(Value::Null, Value::from)}))
        .and_then(|which| visit.desk.end_sessions(visit.actor()?, &visit.given(), id, &which));
    match done {
        Ok(written) => Ok(visit.recorded(&format!("/people/{id}"), &written)),
        Err(refusal) => visit.again(FORM, &refusal, people::page),
    }
}
