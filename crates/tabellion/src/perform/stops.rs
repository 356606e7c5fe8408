//! Requests about emergency stops, which go the way of the control plane: whoever asks over the socket is the operator, and lifts nothing that they ordered.

use serde_json::json;
use tabellion_app::work::forms::Reason;
use tabellion_app::work::stops::{NewStop, ScopeForm, StateForm, Stop};
use tabellion_app::work::{Actor, Desk, Given};
use tabellion_model::StopId;

use super::people::{refusal, rejected, unavailable};
use crate::held::Held;
use crate::request::{Answer, Refusal, Request, Response, StopLine, StopOrder};

/// Carries out `request` when it is about stops.
pub(super) fn perform(held: &Held, request: &Request) -> Option<Response> {
    let done = |work: &dyn Fn(&Desk) -> Result<Vec<Stop>, Refusal>| {
        let stops = match held.desk() {
            Ok(desk) => work(&desk),
            Err(failure) => Err(unavailable(failure.to_string())),
        };
        stops.map_or_else(Response::Refused, |stops| {
            Response::Done(Answer::Stops { stops: stops.into_iter().map(line).collect() })
        })
    };
    Some(match request {
        Request::OrderStop { order } => done(&|desk| self::order(desk, order)),
        Request::LiftStop { stop, reason } => done(&|desk| lift(desk, stop, reason)),
        Request::ListStops {} => done(&list),
        _ => return None,
    })
}

fn order(desk: &Desk, order: &StopOrder) -> Result<Vec<Stop>, Refusal> {
    let StopOrder { scope, subject, reason, drill } = order;
    let new: NewStop = serde_json::from_value(
        json!({ "drill": drill, "reason": reason, "scope": scope, "subject": subject }),
    )
    .map_err(|error| rejected(format!("the stop cannot be ordered: {error}")))?;
    let (stop, _) = desk.order_stop(&Actor::Operator, &Given::default(), &new).map_err(refusal)?;
    Ok(vec![stop])
}

fn lift(desk: &Desk, stop: &str, reason: &str) -> Result<Vec<Stop>, Refusal> {
    let id = StopId::from_hex(stop).ok_or_else(|| {
        rejected("a stop's id is 32 lower-case hex digits; tabellion stop list shows them".to_owned())
    })?;
    let why: Reason = serde_json::from_value(json!({ "reason": reason }))
        .map_err(|error| rejected(format!("the reason cannot be recorded: {error}")))?;
    let (stop, _) = desk.lift_stop(&Actor::Operator, &Given::default(), id, &why).map_err(refusal)?;
    Ok(vec![stop])
}

fn list(desk: &Desk) -> Result<Vec<Stop>, Refusal> {
    desk.refresh().map_err(refusal)?;
    Ok(desk.stops().map_err(refusal)?.stops)
}

fn line(stop: Stop) -> StopLine {
    let scope = stop.scope.map(|scope| match scope {
        ScopeForm::Tenant => "tenant",
        ScopeForm::System => "system",
        ScopeForm::Key => "key",
        ScopeForm::Model => "model",
        ScopeForm::Provider => "provider",
        ScopeForm::Person => "person",
        ScopeForm::Agent => "agent",
    });
    let report = stop.report;
    StopLine {
        id: stop.id,
        in_force: stop.state == StateForm::InForce,
        scope: scope.map(str::to_owned),
        subject: stop.subject,
        drill: stop.drill,
        reason: stop.reason,
        by: stop.by,
        durable_at: report.durable_at.0.to_string(),
        calls_refused: report.calls_refused,
        first_refused_after_ms: report.first_refused.map(|effect| effect.after_ms),
        calls_cut: report.calls_cut,
        last_cut_after_ms: report.last_cut.map(|effect| effect.after_ms),
        lifted_at: report.lifted_at.map(|at| at.0.to_string()),
        index: stop.recorded.index,
    }
}
