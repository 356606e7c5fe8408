//! Requests about openings, which go the way of the control plane: whoever asks over the socket is the operator, and confirms nothing that they asked for.

use serde_json::{Value, json};
use tabellion_app::work::forms::Reason;
use tabellion_app::work::openings::{NewOpening, Opening};
use tabellion_app::work::{Actor, Desk, Given};
use tabellion_model::OpeningId;

use super::people::{refusal, rejected, unavailable};
use crate::held::Held;
use crate::request::{Answer, OpeningAct, OpeningLine, Refusal, Request, Response};

/// Carries out `request` when it is about openings.
pub(super) fn perform(held: &Held, request: &Request) -> Option<Response> {
    let Request::Openings { act } = request else { return None };
    let openings = match held.desk() {
        Ok(desk) => carried_out(&desk, act),
        Err(failure) => Err(unavailable(failure.to_string())),
    };
    Some(openings.map_or_else(Response::Refused, |openings| {
        Response::Done(Answer::Openings { openings: openings.into_iter().map(line).collect() })
    }))
}

fn carried_out(desk: &Desk, act: &OpeningAct) -> Result<Vec<Opening>, Refusal> {
    let given = Given::default();
    let (opening, _) = match act {
        OpeningAct::Request { system, class, provider, until, reason } => {
            let form = json!({ "system": system, "class": class, "provider": provider, "until": until, "reason": reason });
            let new: NewOpening = serde_json::from_value(form)
                .map_err(|error| rejected(format!("the opening cannot be asked for: {error}")))?;
            desk.request_opening(&Actor::Operator, &given, &new)
        }
        OpeningAct::Confirm { opening, reason } => {
            desk.confirm_opening(&Actor::Operator, &given, id(opening)?, &why(reason)?)
        }
        OpeningAct::Withdraw { opening, reason } => {
            desk.withdraw_opening(&Actor::Operator, &given, id(opening)?, &why(reason)?)
        }
        OpeningAct::List {} => {
            desk.refresh().map_err(refusal)?;
            return Ok(desk.openings().map_err(refusal)?.openings);
        }
    }
    .map_err(refusal)?;
    Ok(vec![opening])
}

fn id(opening: &str) -> Result<OpeningId, Refusal> {
    OpeningId::from_hex(opening).ok_or_else(|| {
        rejected("an opening's id is 32 lower-case hex digits; tabellion opening list shows them".to_owned())
    })
}

fn why(reason: &str) -> Result<Reason, Refusal> {
    serde_json::from_value(json!({ "reason": reason }))
        .map_err(|error| rejected(format!("the reason cannot be recorded: {error}")))
}

fn line(opening: Opening) -> OpeningLine {
    let word = |value: serde_json::Result<Value>| {
        value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    OpeningLine {
        id: opening.id,
        state: word(serde_json::to_value(opening.state)),
        system: opening.system,
        class: opening.class.map(|class| word(serde_json::to_value(class))),
        provider: opening.provider,
        until: opening.until.map(|until| until.0.to_string()),
        reason: opening.requested.reason,
        requested_by: opening.requested.by,
        confirmed_by: opening.confirmed.map(|confirmed| confirmed.by),
        index: opening.requested.recorded.index,
    }
}
