//! `/api/v1/systems/{system}/keys` and `/api/v1/keys`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::CredentialId;

use super::systems::OfSystem;
use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{IdForm, Reason};
use crate::work::keys::{IssuedKey, Key, Keys, NewKey, Rotation};

/// A key's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfKey {
    /// The key's credential.
    #[schemars(with = "IdForm")]
    key: CredentialId,
}

pub(in crate::api) fn list(asked: &Asked<'_>, input: &Input<OfSystem, Nothing, Nothing>) -> Answered<Keys> {
    Ok(Reply::of(Json(asked.desk.keys(asked.actor()?, input.path.system)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfKey, Nothing, Nothing>) -> Answered<Key> {
    let key = asked.desk.key(asked.actor()?, input.path.key)?;
    let version = key.version;
    Ok(Reply::of(Json(key)).version(version))
}

pub(in crate::api) fn issue(
    asked: &Asked<'_>,
    input: &Input<OfSystem, Nothing, NewKey>,
) -> Answered<Changed<IssuedKey>> {
    let done = asked.desk.issue_key(asked.actor()?, &asked.given, input.path.system, &input.body)?;
    let (version, location) = (done.0.key.version, format!("/api/v1/keys/{}", done.0.key.id));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn rotate(
    asked: &Asked<'_>,
    input: &Input<OfKey, Nothing, Rotation>,
) -> Answered<Changed<IssuedKey>> {
    let done = asked.desk.rotate_key(asked.actor()?, &asked.given, input.path.key, &input.body)?;
    let (version, location) = (done.0.key.version, format!("/api/v1/keys/{}", done.0.key.id));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn revoke(
    asked: &Asked<'_>,
    input: &Input<OfKey, Nothing, Reason>,
) -> Answered<Changed<Key>> {
    let done = asked.desk.revoke_key(asked.actor()?, &asked.given, input.path.key, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
