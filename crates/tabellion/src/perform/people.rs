//! Requests about people, which go the way of the control plane: its rules apply to the operator too.

use serde_json::json;
use tabellion_app::refusal::Refusal as WorkRefusal;
use tabellion_app::work::people::NewPerson;
use tabellion_app::work::session_ends::EndSessions;
use tabellion_app::work::sessions::NewLink;
use tabellion_app::work::{Actor, Desk, Given, Written};
use tabellion_model::CredentialId;
use tabellion_views::query::PersonRow;

use crate::held::Held;
use crate::request::{Answer, Appended, Refusal, RefusalKind, Request, Response};

/// Carries out `request` when it is about people.
pub(super) fn perform(held: &Held, request: &Request) -> Option<Response> {
    if !matches!(request, Request::AddPerson { .. } | Request::IssueLink { .. } | Request::EndSessions { .. })
    {
        return None;
    }
    let done = match held.desk() {
        Ok(desk) => answer(&desk, request),
        Err(failure) => Err(unavailable(failure.to_string())),
    };
    Some(done.map_or_else(Response::Refused, Response::Done))
}

fn answer(desk: &Desk, request: &Request) -> Result<Answer, Refusal> {
    match request {
        Request::AddPerson { name, email, roles } => {
            let new: NewPerson =
                serde_json::from_value(json!({ "email": email, "name": name, "roles": roles }))
                    .map_err(|error| rejected(format!("the person cannot be added: {error}")))?;
            let (person, written) =
                desk.add_person(&Actor::Operator, &Given::default(), &new).map_err(refusal)?;
            Ok(Answer::Person { person: person.id, record: appended(&written) })
        }
        Request::IssueLink { person, valid_minutes, base } => {
            let id = CredentialId::from_hex(person)
                .ok_or_else(|| rejected("a person's id is 32 lower-case hex digits".to_owned()))?;
            let new = NewLink { valid_minutes: *valid_minutes };
            let (link, written) =
                desk.issue_link(&Actor::Operator, &Given::default(), id, &new, base).map_err(refusal)?;
            let url = link.url.ok_or_else(|| unavailable("the link was not made; ask again".to_owned()))?;
            Ok(Answer::Link { url, expires_at: link.expires_at.0.to_string(), record: appended(&written) })
        }
        Request::EndSessions { person } => {
            let id = named(desk, person)?;
            let written = desk
                .end_sessions(&Actor::Operator, &Given::default(), id, &EndSessions::default())
                .map_err(refusal)?;
            Ok(Answer::Person { person: id.to_hex(), record: appended(&written) })
        }
        _ => Err(rejected("this is not about people".to_owned())),
    }
}

/// The person with this id, or the only one with this name.
fn named(desk: &Desk, person: &str) -> Result<CredentialId, Refusal> {
    if let Some(id) = CredentialId::from_hex(person) {
        return Ok(id);
    }
    let people = desk.people_rows().map_err(refusal)?;
    let has_name = |row: &&PersonRow| row.details.as_ref().is_some_and(|details| details.name == person);
    let found: Vec<CredentialId> = people.iter().filter(has_name).map(|row| row.person).collect();
    match found.as_slice() {
        [id] => Ok(*id),
        [] => Err(rejected(format!("nobody here is called {person:?}; give the person's id, 32 hex digits"))),
        more => {
            let ids: Vec<String> = more.iter().map(CredentialId::to_hex).collect();
            Err(rejected(format!(
                "{} people are called {person:?}; give one of their ids: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

pub(super) fn appended(written: &Written) -> Appended {
    Appended {
        index: written.index,
        record_id: written.record_id.to_hex(),
        size: written.size,
        duplicate: written.repeated,
    }
}

pub(super) fn refusal(refused: WorkRefusal) -> Refusal {
    let kind = match refused.code.status() {
        500 => RefusalKind::Fatal,
        503 => RefusalKind::Unavailable,
        _ => RefusalKind::Rejected,
    };
    Refusal { kind, code: Some(refused.code.as_str().to_owned()), message: refused.detail }
}

pub(super) fn rejected(message: String) -> Refusal {
    Refusal { kind: RefusalKind::Rejected, code: Some("malformed".to_owned()), message }
}

pub(super) fn unavailable(message: String) -> Refusal {
    Refusal { kind: RefusalKind::Unavailable, code: None, message }
}
