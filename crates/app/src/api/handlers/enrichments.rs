//! `/api/v1/enrichments`.

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::enrichments::Enrichments;
use crate::work::guards::OutcomesQuery;

pub(in crate::api) fn sums(
    asked: &Asked<'_>,
    input: &Input<Nothing, OutcomesQuery, Nothing>,
) -> Answered<Enrichments> {
    Ok(Reply::of(Json(asked.desk.enrichments(asked.actor()?, &input.query)?)))
}
