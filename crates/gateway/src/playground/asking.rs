//! Tried calls that are sent: over the very path of a call to its provider and back, with a book in which nothing stays.
//!
//! Promises: what lets a call through lets this one through, guards and masking look at its answer as at a call's, an emergency stop cuts it, and nothing of it is
//! recorded, charged to a budget or counted among failures of its provider. Must never: ask a provider that calls are held back from, or wait for long.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Response;
use tabellion_model::body::{Answered, Body as _, CallCompleted, Delivered, Guarded, Masked, Outcome};
use tokio::sync::oneshot;

use super::NotTried;
use crate::attempts;
use crate::body::AnswerBody;
use crate::budget::Hold;
use crate::call::Call;
use crate::config::{RetryConfig, StartError, span};
use crate::decide::Rules;
use crate::enrich::{Enriching, Enrichments};
use crate::evidence::Evidence;
use crate::guards::after::{AfterGuards, Assessing};
use crate::identity::Identities;
use crate::names::Recent;
use crate::noise::Noise;
use crate::opaque::Opaque;
use crate::prepare::Ready;
use crate::surface::Surface;
use crate::worker::Shared;
use tabellion_views::lag::Lag;

/// Calls that are sent in a minute: each costs money at its provider, and no budget is told.
pub(super) const MAX_ASKED_A_MINUTE: usize = 6;
/// Longest that one may take: a person looks at a page meanwhile.
pub(super) const MAX_TIME: Duration = Duration::from_mins(1);
/// Longest answer that is shown; what is behind it was looked at all the same.
const MAX_SHOWN_BYTES: usize = 1 << 20;

/// What came of a tried call that was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct TriedAnswer {
    /// How it ended, as the end of a call says it.
    pub outcome: Outcome,
    /// Why, where it was not answered: a code of docs/records.md.
    pub code: Option<String>,
    /// HTTP status that the application would be given.
    pub status: u64,
    /// What of the answer the application would have.
    pub delivered: Delivered,
    /// That, as it would have it: its values given back, a stream with its events.
    pub body: String,
    /// Whether there was more than is shown.
    pub is_cut: bool,
    /// What guards said of the answer.
    pub guards: Vec<Guarded>,
    /// What the model brought up itself.
    pub masked: Vec<Masked>,
    /// The provider's own account.
    pub answered: Answered,
    /// How long it took, microseconds.
    pub duration_us: u64,
}

/// What tried calls that are sent share with calls: providers, guards, masking, stops and what is in force. Budgets, circuits, numbers and the book are not theirs.
pub(super) fn sandbox(real: &Shared) -> Result<Shared, StartError> {
    Ok(Shared {
        limits: real.limits,
        classes: real.classes,
        masking: Arc::clone(&real.masking),
        catalogue: real.catalogue.clone(),
        identities: Identities::default(),
        doorway: None,
        guards: Arc::clone(&real.guards),
        // Nobody looks at it when it is over.
        after: Arc::new(AfterGuards::new(&[])?),
        assessing: Assessing::default(),
        enrichments: Arc::new(Enrichments::new(&[])?),
        enriching: Enriching::default(),
        evidence: Evidence::sandbox(Arc::clone(&real.clock)),
        gate: Arc::clone(&real.gate),
        clock: Arc::clone(&real.clock),
        metrics: Arc::default(),
        noise: Noise::new(real.limits.noise_burst, real.clock.now()),
        rules: Rules::default(),
        placeholder_key: real.placeholder_key.clone(),
        reader: real.reader.clone(),
        lag: Lag::new(span(real.limits.lag_ms)),
        budgets: Arc::default(),
        stops: real.stops.clone(),
        circuits: real.circuits.beside(),
        retry: RetryConfig::default(),
        failing: Arc::clone(&real.failing),
        names: Recent::default(),
        opaque: Opaque::default(),
        log: Arc::clone(&real.log),
    })
}

/// Sends what is ready, and waits for what comes of it.
pub(super) async fn ask(
    call: Call,
    (ready, hold): (Ready, Hold),
    (surface, body): (Surface, &Bytes),
    reply: oneshot::Receiver<Response<AnswerBody>>,
) -> Result<TriedAnswer, NotTried> {
    let worker = Arc::clone(&call.worker);
    let sent = async {
        if let Some(running) = call.let_through(&ready, hold, body).await {
            attempts::run(running, ready, surface, None).await;
        }
    };
    let ((), (body, is_cut)) = tokio::join!(sent, given(reply));
    let ended = worker
        .shared
        .evidence
        .told()
        .into_iter()
        .rev()
        .find(|draft| draft.record_type == CallCompleted::TYPE);
    let ended = ended.and_then(|draft| CallCompleted::read(draft.body).ok()).ok_or(NotTried::NoEnd)?;
    Ok(TriedAnswer {
        outcome: ended.outcome,
        code: ended.code,
        status: ended.status,
        delivered: ended.delivered,
        body,
        is_cut,
        guards: ended.guards,
        masked: ended.masked,
        answered: ended.answered,
        duration_us: ended.duration_us,
    })
}

/// What an application would be given, as text, and whether there was more.
async fn given(reply: oneshot::Receiver<Response<AnswerBody>>) -> (String, bool) {
    let Ok(answer) = reply.await else { return (String::new(), false) };
    let (mut body, mut shown, mut is_cut) = (answer.into_body(), Vec::new(), false);
    // Read to its end, also where no more is shown: what is not taken would hold the call up.
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(piece) = frame.into_data() else { continue };
        let fits = piece.len().min(MAX_SHOWN_BYTES.saturating_sub(shown.len()));
        shown.extend_from_slice(piece.get(..fits).unwrap_or_default());
        is_cut |= fits < piece.len();
    }
    (String::from_utf8_lossy(&shown).into_owned(), is_cut)
}
