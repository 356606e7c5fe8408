//! `/api/v1/verifications`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::Answered;
use crate::api::route::{Answer, Asked, Input, Json, Nothing, Octets, Reply};
use crate::refusal::Refusal;
use crate::work::verifications::{NewVerification, VerdictQuery, Verdicts, Verification};

/// A job's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfVerification {
    /// The job.
    #[schemars(length(min = 32, max = 32), extend("pattern" = "^[0-9a-f]{32}$"))]
    verification: String,
}

/// A page for people.
pub(in crate::api) struct Html(Vec<u8>);

impl Answer for Html {
    const MEDIA: Option<&'static str> = Some("text/html; charset=utf-8");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string"})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(self.0)
    }
}

pub(in crate::api) fn begin(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewVerification>,
) -> Answered<Verification> {
    Ok(Reply::of(Json(asked.desk.begin_verification(asked.actor()?, &asked.given, &input.body)?)))
}

pub(in crate::api) fn read(
    asked: &Asked<'_>,
    input: &Input<OfVerification, Nothing, Nothing>,
) -> Answered<Verification> {
    Ok(Reply::of(Json(asked.desk.verification(asked.actor()?, &input.path.verification)?)))
}

pub(in crate::api) fn cancel(
    asked: &Asked<'_>,
    input: &Input<OfVerification, Nothing, Nothing>,
) -> Answered<Verification> {
    Ok(Reply::of(Json(asked.desk.cancel_verification(asked.actor()?, &input.path.verification)?)))
}

pub(in crate::api) fn verdicts(
    asked: &Asked<'_>,
    input: &Input<OfVerification, VerdictQuery, Nothing>,
) -> Answered<Verdicts> {
    Ok(Reply::of(Json(asked.desk.verdicts(asked.actor()?, &input.path.verification, &input.query)?)))
}

pub(in crate::api) fn result(
    asked: &Asked<'_>,
    input: &Input<OfVerification, Nothing, Nothing>,
) -> Result<Reply<Octets>, Refusal> {
    Ok(Reply::of(Octets(asked.desk.verification_result(asked.actor()?, &input.path.verification)?)))
}

pub(in crate::api) fn page(
    asked: &Asked<'_>,
    input: &Input<OfVerification, Nothing, Nothing>,
) -> Result<Reply<Html>, Refusal> {
    let page = asked.desk.verification_print(asked.actor()?, &input.path.verification)?;
    Ok(Reply::of(Html(page.into_bytes())))
}
