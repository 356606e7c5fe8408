//! Requests about changes of policies and of safeguards, which go the way of the control plane: whoever asks over the socket is the operator, and confirms
//! nothing that they put forward.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tabellion_app::refusal::{Code, Refusal as WorkRefusal};
use tabellion_app::work::configuration::Changes;
use tabellion_app::work::proposing::Proposal;
use tabellion_app::work::replays::NewReplay;
use tabellion_app::work::{Actor, Desk, Given};
use tabellion_model::ConfigurationChangeId;

use super::people::{refusal, rejected, unavailable};
use crate::held::Held;
use crate::request::{Answer, ConfigurationAct, PolicyAct, Refusal, Request, Response};

/// Carries out `request` when it is about either.
pub(super) fn perform(held: &Held, request: &Request) -> Option<Response> {
    let done = |work: &dyn Fn(&Desk) -> Result<Value, Refusal>| {
        let resource = match held.desk() {
            Ok(desk) => work(&desk),
            Err(failure) => Err(unavailable(failure.to_string())),
        };
        resource.map_or_else(Response::Refused, |resource| Response::Done(Answer::Resource { resource }))
    };
    Some(match request {
        Request::Policies { act } => done(&|desk| policies(desk, act)),
        Request::Configuration { act } => done(&|desk| configuration(desk, act)),
        _ => return None,
    })
}

fn policies(desk: &Desk, act: &PolicyAct) -> Result<Value, Refusal> {
    let (actor, given) = (Actor::Operator, Given::default());
    match act {
        PolicyAct::Propose { policy, text, note, replace } => {
            let new = form(json!({ "text": text, "note": note }))?;
            desk.refresh().map_err(refusal)?;
            let waits = desk.policy_proposals().map_err(refusal)?;
            let waits = waits.iter().find(|one| one.name == *policy);
            let version = replace.as_deref().map(|replaced| version_of(waits, replaced)).transpose()?;
            let given = Given { version, ..given };
            shown(&desk.propose_policy(&actor, &given, &named(policy)?, &new).map_err(refusal)?.0)
        }
        PolicyAct::List {} => {
            desk.refresh().map_err(refusal)?;
            shown(&desk.policy_proposals().map_err(refusal)?)
        }
        PolicyAct::Confirm { policy, proposed, reason, acknowledged } => {
            let replay = acknowledged.as_ref().map(|(size, digest)| json!({"size": size, "digest": digest}));
            let wanted = form(json!({ "proposed": proposed, "reason": reason, "replay": replay }))?;
            shown(&desk.confirm_policy(&actor, &given, policy, &wanted).map_err(refusal)?.0)
        }
        PolicyAct::Replay { policy } => {
            desk.refresh().map_err(refusal)?;
            let text = desk.policy_proposal(policy).map_err(refusal)?.text;
            let new = NewReplay { text, from: None, to: None };
            shown(&desk.replay_policy(&actor, policy, &new).map_err(refusal)?)
        }
        PolicyAct::TakeBack { policy, proposed, reason } => {
            let wanted = form(json!({ "proposed": proposed, "reason": reason }))?;
            shown(&desk.take_back_policy(&actor, &given, policy, &wanted).map_err(refusal)?.0)
        }
    }
}

fn configuration(desk: &Desk, act: &ConfigurationAct) -> Result<Value, Refusal> {
    match act {
        ConfigurationAct::List {} => {
            desk.refresh().map_err(refusal)?;
            let Changes { changes } = desk.configuration_changes(&Actor::Operator).map_err(refusal)?;
            shown(&changes)
        }
        ConfigurationAct::Explain { change, reason } => {
            let id = ConfigurationChangeId::from_hex(change).ok_or_else(|| {
                rejected(
                    "a change's id is 32 lower-case hex digits; tabellion configuration list shows them"
                        .to_owned(),
                )
            })?;
            let why = form(json!({ "reason": reason }))?;
            let done = desk.explain_configuration(&Actor::Operator, &Given::default(), id, &why);
            shown(&done.map_err(refusal)?.0)
        }
    }
}

/// The version over which something takes the place of `replaced`: nobody replaces what they have not seen.
fn version_of(waits: Option<&Proposal>, replaced: &str) -> Result<u64, Refusal> {
    let Some(waits) = waits else {
        let text = "nothing waits under this name that could be replaced: it was decided or taken back; leave --replace out";
        return Err(refusal(WorkRefusal::new(Code::AlreadySo, text)));
    };
    if waits.proposed == replaced {
        return Ok(waits.version);
    }
    let text = "something else waits by now; read it with tabellion policy proposals, and name its record";
    Err(refusal(WorkRefusal::new(Code::NotWhatWasShown, text)))
}

/// A policy's name, as the API takes one.
fn named(policy: &str) -> Result<String, Refusal> {
    tabellion_app::work::forms::Word::new(policy).map(|word| word.as_str().to_owned()).ok_or_else(|| {
        rejected(
            "the name of a policy has 1 to 63 lower-case letters, digits and hyphens, and begins with no hyphen"
                .to_owned(),
        )
    })
}

fn form<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| rejected(format!("this cannot be recorded: {error}")))
}

fn shown<T: Serialize>(resource: &T) -> Result<Value, Refusal> {
    serde_json::to_value(resource).map_err(|error| unavailable(error.to_string()))
}
