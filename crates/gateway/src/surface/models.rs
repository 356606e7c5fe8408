//! The list of models that a caller may use: those configured, of its key, and permitted.
//!
//! Promises: what is listed would be let through for the same purpose; the answer is the gateway's own and goes nowhere else. It is recorded as
//! every call is.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tabellion_model::body::{CallAuthorised, Capture, Delivered, Outcome};
use tabellion_policy::Action;

use crate::body::AnswerBody;
use crate::call::Call;
use crate::code::Code;
use crate::decide::{self, Asked, InForce, Refusal};
use crate::dialect::Dialect;
use crate::dialect::headers::retry_count;
use crate::ending::{CAPTURE_OFF, End, Kept};
use crate::salt::Commitment;
use crate::surface::Surface;
use crate::translate::Translation;
use crate::upstream::catalogue::Upstream;
use crate::words;

/// Lists all models, or shows `only` one.
pub(crate) async fn list(call: Call, only: Option<String>) {
    let rules = call.worker.shared.rules.of(&call.caller.gate).await;
    let visible = match rules.and_then(|rules| visible(&call, only.as_deref(), &rules)) {
        Ok(visible) => visible,
        Err(refusal) => {
            let named = call.worker.shared.catalogue.is_named(only.as_deref().unwrap_or_default());
            let only = only.map(|only| if named { only } else { words::recorded(&only, words::is_model) });
            return call.deny(&refusal, only).await;
        }
    };
    let shown = Shown { dialect: call.target.dialect, one: only.is_some() };
    let (body, record) = (body(&visible, &shown), record(&call, &visible, only));
    let Some(mut running) = call.authorise((&record, &[]), Capture::None, None).await else { return };
    let end = End {
        outcome: Outcome::Answered,
        code: None,
        status: 200,
        delivered: Delivered::Whole,
        released: running.authorised.salt.commit(&body),
        masked: Vec::new(),
        answer: Kept::Withheld(CAPTURE_OFF),
    };
    if running.authorised.complete(&running.worker, &end).await.is_err() {
        return running.without_end(end).await;
    }
    let mut answer = Response::new(AnswerBody::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    running.dialect.refer(answer.headers_mut(), &running.authorised.ack);
    drop(running.reply.send(answer));
}

/// What the caller may see, and the rules that say so.
struct Visible {
    purpose: String,
    models: Vec<Listed>,
    rules: Vec<String>,
}

/// A model of the list.
struct Listed {
    id: String,
    owner: String,
    /// The routes on which it is reached.
    surfaces: Vec<&'static str>,
}

fn visible(call: &Call, only: Option<&str>, rules: &InForce) -> Result<Visible, Refusal> {
    decide::live(&call.caller)?;
    let claimed = call.purpose()?;
    let purpose = decide::purpose(&call.caller, claimed)?.to_owned();
    let shared = &call.worker.shared;
    let mut visible = Visible { purpose, models: Vec::new(), rules: Vec::new() };
    let mut why = Refusal::new(Code::UnknownModel, "no such model; GET /v1/models lists those you may use");
    for (model, upstream) in shared.catalogue.names() {
        if only.is_some_and(|only| only != model) {
            continue;
        }
        let asked = Asked {
            action: Action::ListModels,
            surface: call.target.route.surface(),
            model,
            instead_of: None,
            purpose: Some(&visible.purpose),
            stream: false,
            received_bytes: 0,
            tools: &[],
            at: call.at,
        };
        match decide::decide(&call.caller, &asked, &shared.catalogue, rules) {
            Ok(permission) => {
                let (id, owner) = (model.to_owned(), upstream.name.clone());
                visible.models.push(Listed { id, owner, surfaces: reached_on(upstream) });
                visible.rules.extend(permission.rules);
            }
            Err(refusal) => why = refusal,
        }
    }
    if only.is_some() && visible.models.is_empty() {
        return Err(why);
    }
    visible.rules.sort_unstable();
    visible.rules.dedup();
    Ok(visible)
}

/// The routes on which models of `upstream` are reached: those of its own interface, and what is translated for it.
fn reached_on(upstream: &Upstream) -> Vec<&'static str> {
    let reached = |surface: &Surface| Translation::of(*surface, upstream, 0).is_ok();
    Surface::ALL.into_iter().filter(reached).map(Surface::name).collect()
}

/// In what form the answer comes.
struct Shown {
    dialect: Dialect,
    one: bool,
}

fn body(visible: &Visible, shown: &Shown) -> Bytes {
    let model = |Listed { id, owner, surfaces }: &Listed| match shown.dialect {
        Dialect::OpenAi | Dialect::Presidio => {
            json!({ "id": id, "object": "model", "created": 0, "owned_by": owner, "surfaces": surfaces })
        }
        Dialect::Anthropic => {
            json!({
                "type": "model", "id": id, "display_name": id, "created_at": "1970-01-01T00:00:00Z", "surfaces": surfaces
            })
        }
    };
    let mut models: Vec<Value> = visible.models.iter().map(model).collect();
    if shown.one
        && let Some(model) = models.pop()
    {
        return Bytes::from(model.to_string());
    }
    let body = match shown.dialect {
        Dialect::OpenAi | Dialect::Presidio => json!({ "object": "list", "data": models }),
        Dialect::Anthropic => {
            let id = |model: Option<&Value>| model.and_then(|model| model.get("id")).cloned();
            json!({ "first_id": id(models.first()), "last_id": id(models.last()), "has_more": false, "data": models })
        }
    };
    Bytes::from(body.to_string())
}

fn record(call: &Call, visible: &Visible, only: Option<String>) -> CallAuthorised {
    let (nothing, _) = Commitment::OfNothing.members();
    CallAuthorised {
        caller: call.caller.shown(),
        surface: call.target.route.surface().to_owned(),
        model: only.unwrap_or_default(),
        // The gateway answers by itself.
        upstream: String::new(),
        upstream_model: None,
        // A list is many decisions, each of a model of its own.
        terms: None,
        attempt: None,
        translated: None,
        budgets: Vec::new(),
        purpose: visible.purpose.clone(),
        stream: false,
        received_bytes: 0,
        received_sha256: nothing.clone(),
        received_salted_sha256: None,
        forwarded_sha256: nothing,
        forwarded_salted_sha256: None,
        forwarded_headers_sha256: None,
        masked: Vec::new(),
        passed: Vec::new(),
        masking: Vec::new(),
        pseudonyms: None,
        guards: Vec::new(),
        policies: decide::policy_digests(&call.caller.gate),
        rules: visible.rules.clone(),
        // A list is many decisions, one for each model; it is not observed.
        guards_after: Vec::new(),
        observed: None,
        references: Vec::new(),
        opened: None,
        retry: retry_count(&call.headers),
        prompt: None,
        prompt_withheld: Some(CAPTURE_OFF.to_owned()),
    }
}
