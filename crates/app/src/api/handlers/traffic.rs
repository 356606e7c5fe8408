//! `/api/v1/traffic`.

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::traffic::{TrafficQuery, TrafficSums};

pub(in crate::api) fn sums(
    asked: &Asked<'_>,
    input: &Input<Nothing, TrafficQuery, Nothing>,
) -> Answered<TrafficSums> {
    Ok(Reply::of(Json(asked.desk.traffic_sums(asked.actor()?, &input.query)?)))
}
