//! Requests about probes, which go the way of the control plane.

use tabellion_app::work::Desk;
use tabellion_app::work::measurements::{Measured, State as MeasureState};
use tabellion_app::work::probes::{Place, Probes, State};

use super::people::{refusal, unavailable};
use crate::held::Held;
use crate::request::{Answer, MeasureLine, ProbeLine, Refusal, Request, Response};

/// Carries out `request` when it is about probes.
pub(super) fn perform(held: &Held, request: &Request) -> Option<Response> {
    let work: &dyn Fn(&Desk) -> Result<Probes, Refusal> = match request {
        Request::RunProbes {} => &|desk| desk.run_probes().map_err(refusal),
        Request::MeasureGuards {} => &|desk| desk.measure_guards().map_err(refusal),
        Request::ListProbes {} => &|desk| {
            desk.refresh().map_err(refusal)?;
            desk.probes().map_err(refusal)
        },
        _ => return None,
    };
    let probes = match held.desk() {
        Ok(desk) => work(&desk),
        Err(failure) => Err(unavailable(failure.to_string())),
    };
    Some(probes.map_or_else(Response::Refused, |probes| Response::Done(answer(request, probes))))
}

fn answer(request: &Request, probes: Probes) -> Answer {
    if matches!(request, Request::MeasureGuards {}) {
        return Answer::Measured { guards: probes.measured.into_iter().map(measured).collect() };
    }
    Answer::Probes {
        has_gateway: probes.has_gateway,
        every_s: probes.every_s,
        places: probes.places.into_iter().map(line).collect(),
    }
}

fn measured(of: Measured) -> MeasureLine {
    let state = match of.state {
        MeasureState::Measured => "measured",
        MeasureState::Stale => "stale",
        MeasureState::Unmeasured => "unmeasured",
    };
    MeasureLine {
        state: state.to_owned(),
        guard: of.guard,
        version: of.version,
        class: of.class,
        tried: of.tried,
        stopped: of.stopped,
        flagged: of.flagged,
        got_through: of.got_through,
        untested: of.untested,
        benign_tried: of.benign_tried,
        benign_hit: of.benign_hit,
        missed: of.missed,
        hit: of.hit,
        why: of.why,
    }
}

fn line(place: Place) -> ProbeLine {
    let state = match place.state {
        State::Proven => "proven",
        State::Configured => "configured",
        State::Bypassable => "bypassable",
    };
    ProbeLine {
        state: state.to_owned(),
        surface: place.surface,
        upstream: place.upstream,
        guard: place.guard,
        side: place.side,
        stream: place.stream,
        result: place.result.map(str::to_owned),
        why: place.why,
        at: place.at.map(|at| at.0.to_string()),
    }
}
