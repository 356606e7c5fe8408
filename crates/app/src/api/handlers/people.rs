//! `/api/v1/people`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::CredentialId;
use tabellion_model::body::Role;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{IdForm, Reason, RoleForm};
use crate::work::people::{Grant, NewPerson, People, Person};
use crate::work::session_ends::{EndSessions, Sessions};
use crate::work::sessions::{IssuedLink, NewLink};

/// A person's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfPerson {
    /// The person.
    #[schemars(with = "IdForm")]
    person: CredentialId,
}

/// The path of one of a person's roles.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfRole {
    /// The person.
    #[schemars(with = "IdForm")]
    person: CredentialId,
    /// The role.
    #[schemars(with = "RoleForm")]
    role: Role,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<People> {
    Ok(Reply::of(Json(asked.desk.people()?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfPerson, Nothing, Nothing>) -> Answered<Person> {
    let person = asked.desk.person(input.path.person)?;
    let version = person.version;
    Ok(Reply::of(Json(person)).version(version))
}

pub(in crate::api) fn add(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewPerson>,
) -> Answered<Changed<Person>> {
    let done = asked.desk.add_person(asked.actor()?, &asked.given, &input.body)?;
    let (version, location) = (done.0.version, format!("/api/v1/people/{}", done.0.id));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn grant(
    asked: &Asked<'_>,
    input: &Input<OfPerson, Nothing, Grant>,
) -> Answered<Changed<Person>> {
    let done = asked.desk.grant_role(asked.actor()?, &asked.given, input.path.person, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn revoke(
    asked: &Asked<'_>,
    input: &Input<OfRole, Nothing, Reason>,
) -> Answered<Changed<Person>> {
    let OfRole { person, role } = &input.path;
    let done = asked.desk.revoke_role(asked.actor()?, &asked.given, *person, *role, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn link(
    asked: &Asked<'_>,
    input: &Input<OfPerson, Nothing, NewLink>,
) -> Answered<Changed<IssuedLink>> {
    let base = &asked.settings.public_url;
    let (link, written) =
        asked.desk.issue_link(asked.actor()?, &asked.given, input.path.person, &input.body, base)?;
    let recorded = (&written).into();
    Ok(Reply::of(Json(Changed { result: link, recorded })).written(written))
}

pub(in crate::api) fn sessions(
    asked: &Asked<'_>,
    input: &Input<OfPerson, Nothing, Nothing>,
) -> Answered<Sessions> {
    Ok(Reply::of(Json(asked.desk.sessions_of(asked.actor()?, input.path.person)?)))
}

pub(in crate::api) fn end_sessions(
    asked: &Asked<'_>,
    input: &Input<OfPerson, Nothing, EndSessions>,
) -> Answered<Changed<Sessions>> {
    let (desk, actor, person) = (asked.desk, asked.actor()?, input.path.person);
    let written = desk.end_sessions(actor, &asked.given, person, &input.body)?;
    let (result, recorded) = (desk.sessions_of(actor, person)?, (&written).into());
    Ok(Reply::of(Json(Changed { result, recorded })).written(written))
}
