//! The gateway's playground, as the control plane asks it.

use std::sync::Arc;

use tabellion_app::refusal::{Code, Refusal};
use tabellion_app::work::playground::{Asked, Outcome, Playground, Sent};
use tabellion_gateway::{Gateway, NotTried, TriedCall, TriedRequest, TryCall};

/// The playground of a gateway; it can be asked for as long as one likes, also after a stop.
pub(crate) fn of(gateway: &Gateway) -> Playground {
    let playground = gateway.playground();
    Arc::new(move |asked: &Asked| {
        let Asked { key, surface, purpose, body, drafts } = asked.clone();
        let tried = playground.try_call(&TryCall { key, surface, purpose, body, drafts });
        tried.map(outcome).map_err(refusal)
    })
}

fn refusal(why: NotTried) -> Refusal {
    let text = why.to_string();
    match why {
        NotTried::NoKey => Refusal::new(Code::NotFound, text),
        NotTried::NoSurface => Refusal::at(Code::Malformed, "/surface", text),
        NotTried::NoPurpose => Refusal::at(Code::Malformed, "/purpose", text),
        NotTried::TooFast | NotTried::NoThread => Refusal::new(Code::Unavailable, text),
    }
}

fn outcome(tried: TriedCall) -> Outcome {
    let TriedCall { refused, sent, rules, policies, guards, budgets, position } = tried;
    Outcome { refused, sent: sent.map(request), rules, policies, guards, budgets, position }
}

fn request(sent: TriedRequest) -> Sent {
    let TriedRequest { model, upstream, upstream_model, purpose, body, masked, passed, masking } = sent;
    Sent { model, upstream, upstream_model, purpose, body, masked, passed, masking }
}
