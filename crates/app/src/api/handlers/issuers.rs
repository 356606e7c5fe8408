//! `/api/v1/issuers`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{DigestForm, Reason};
use crate::work::issuers::{Issuer, Issuers, NewIssuer};

/// The path of an issuer's key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfIssuer {
    /// Thumbprint of the key.
    #[schemars(with = "DigestForm")]
    issuer: String,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Issuers> {
    Ok(Reply::of(Json(asked.desk.issuers()?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfIssuer, Nothing, Nothing>) -> Answered<Issuer> {
    let issuer = asked.desk.issuer(&input.path.issuer)?;
    let version = issuer.version;
    Ok(Reply::of(Json(issuer)).version(version))
}

pub(in crate::api) fn add(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewIssuer>,
) -> Answered<Changed<Issuer>> {
    let done = asked.desk.add_issuer(asked.actor()?, &asked.given, &input.body)?;
    let (version, location) = (done.0.version, format!("/api/v1/issuers/{}", done.0.id));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn remove(
    asked: &Asked<'_>,
    input: &Input<OfIssuer, Nothing, Reason>,
) -> Answered<Changed<Issuer>> {
    let done = asked.desk.remove_issuer(asked.actor()?, &asked.given, &input.path.issuer, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
