//! The gateway's playground, as the control plane asks it.

use std::sync::Arc;

use tabellion_app::refusal::{Code, Refusal};
use tabellion_app::work::playground::{Answer, Asked, Outcome, Playground, Sent};
use tabellion_gateway::{Gateway, NotTried, TriedAnswer, TriedCall, TriedRequest, TryCall};

/// The playground of a gateway; it can be asked for as long as one likes, also after a stop.
pub(crate) fn of(gateway: &Gateway) -> Playground {
    let playground = gateway.playground();
    Arc::new(move |asked: &Asked| {
        let Asked { key, surface, purpose, body, drafts, asks } = asked.clone();
        let tried = playground.try_call(&TryCall { key, surface, purpose, body, drafts, asks });
        tried.map(outcome).map_err(refusal)
    })
}

fn refusal(why: NotTried) -> Refusal {
    let text = why.to_string();
    match why {
        NotTried::NoKey => Refusal::new(Code::NotFound, text),
        NotTried::NoSurface => Refusal::at(Code::Malformed, "/surface", text),
        NotTried::NoPurpose => Refusal::at(Code::Malformed, "/purpose", text),
        NotTried::TooFast | NotTried::SentTooFast | NotTried::NoThread | NotTried::NoEnd => {
            Refusal::new(Code::Unavailable, text)
        }
    }
}

fn outcome(tried: TriedCall) -> Outcome {
    let TriedCall { refused, sent, rules, policies, guards, budgets, position, answered } = tried;
    let (sent, answered) = (sent.map(request), answered.map(answer));
    Outcome { refused, sent, rules, policies, guards, budgets, position, answered }
}

fn answer(answer: TriedAnswer) -> Answer {
    let TriedAnswer { outcome, code, status, delivered, body, is_cut, guards, masked, answered, duration_us } =
        answer;
    Answer { outcome, code, status, delivered, body, is_cut, guards, masked, answered, duration_us }
}

fn request(sent: TriedRequest) -> Sent {
    let TriedRequest { model, upstream, upstream_model, purpose, body, masked, passed, masking } = sent;
    Sent { model, upstream, upstream_model, purpose, body, masked, passed, masking }
}
