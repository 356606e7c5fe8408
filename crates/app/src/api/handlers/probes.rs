//! `/api/v1/probes`.

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::probes::Probes;

pub(in crate::api) fn read(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Probes> {
    Ok(Reply::of(Json(asked.desk.probes()?)))
}

pub(in crate::api) fn measure(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Probes> {
    Ok(Reply::of(Json(asked.desk.measure_guards()?)))
}

pub(in crate::api) fn run(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Probes> {
    Ok(Reply::of(Json(asked.desk.run_probes()?)))
}
