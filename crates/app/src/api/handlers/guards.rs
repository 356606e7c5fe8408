//! `/api/v1/guards/outcomes`.

use super::Answered;
use crate::api::route::{Asked, Csv, Input, Json, Nothing, Reply};
use crate::refusal::Refusal;
use crate::work::guards::{Outcomes, OutcomesQuery};

pub(in crate::api) fn outcomes(
    asked: &Asked<'_>,
    input: &Input<Nothing, OutcomesQuery, Nothing>,
) -> Answered<Outcomes> {
    Ok(Reply::of(Json(asked.desk.guard_outcomes(asked.actor()?, &input.query)?)))
}

pub(in crate::api) fn outcomes_csv(
    asked: &Asked<'_>,
    input: &Input<Nothing, OutcomesQuery, Nothing>,
) -> Result<Reply<Csv>, Refusal> {
    Ok(Reply::of(Csv(asked.desk.guard_outcomes_csv(asked.actor()?, &input.query)?.into_bytes())))
}
