//! One round: every place is tried, one canary after the other, and what came of all of them is one record.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use serde_json::{Map, Value, json};
use tabellion_ledger::{EntryView, Ledger, LedgerError, UnitContent};
use tabellion_model::Parent;
use tabellion_model::body::{
    Body, CallAuthorised, CallCompleted, CallDenied, GuardProbed, ProbeCause, ProbeResult, ProbedPlace,
};
use tabellion_model::probe::{PROBE_KEY, PROBE_SYSTEM, is_probe};
use tabellion_views::gate::GateCell;
use tabellion_views::lag::Lag;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::answers::Wanted;
use super::canary::Canary;
use super::measure::Subject;
use super::places::Place;
use super::stand_in::StandIn;
use super::verdict::{self, Seen};
use super::{Board, Failing, ProbeError, model_of};
use crate::authenticate::Caller;
use crate::budget::Budgets;
use crate::call::Received;
use crate::circuit::Circuits;
use crate::config::{CircuitConfig, GatewayConfig, RetryConfig, span};
use crate::decide::Rules;
use crate::enrich::Enriching;
use crate::evidence::{self, Evidence, OnFatal};
use crate::guards::after::Assessing;
use crate::guards::config::Side;
use crate::identity::Identities;
use crate::metrics::Metrics;
use crate::names::Recent;
use crate::noise::Noise;
use crate::opaque::Opaque;
use crate::prepare::PURPOSE;
use crate::references::REFERENCES;
use crate::route::{Route, Target};
use crate::salt::Salt;
use crate::server::{self, Serving, Taken};
use crate::stops;
use crate::surface::Surface;
use crate::upstream::connect::Within;
use crate::upstream::pool::Pool;
use crate::worker::{Shared, Worker};

/// How long one canary may take: a guard of somebody else's may take its time, and nothing else here is slow.
const WITHIN: Duration = Duration::from_mins(1);
/// References that canaries name, so that guards that ask for them let the others through: as many as a call may have.
const MAX_REFERENCES: u8 = 16;
/// Most tokens that a canary asks for, where its interface wants a number.
const MAX_TOKENS: u64 = 16;

/// What a prober is made of, before it is on its thread.
pub(super) struct Parts {
    pub(super) places: Vec<Place>,
    pub(super) subjects: Vec<Subject>,
    pub(super) board: Arc<Board>,
    /// Of the gateway that is probed.
    pub(super) failing: Arc<Failing>,
    pub(super) shared: (Shared, Arc<StandIn>),
}

/// What calls of probes share: guards, masking, limits and log are those of `real`; providers, numbers, budgets and circuits are not.
pub(super) fn shared(
    config: &GatewayConfig,
    real: &Shared,
    ledger: &Arc<Ledger>,
    gate: Arc<GateCell>,
    on_fatal: OnFatal,
) -> (Shared, Arc<StandIn>) {
    let stand_in = Arc::new(StandIn::default());
    let within: Arc<dyn Within> = Arc::clone(&stand_in) as Arc<dyn Within>;
    let metrics = Arc::<Metrics>::default();
    // The stand-in is never left alone.
    let never = CircuitConfig { failures: 0, ..config.circuit };
    let shared = Shared {
        limits: real.limits,
        identities: Identities::default(),
        doorway: None,
        names: Recent::default(),
        opaque: Opaque::default(),
        log: Arc::clone(&real.log),
        classes: real.classes,
        masking: Arc::clone(&real.masking),
        catalogue: real.catalogue.stand_ins(&within, model_of),
        guards: Arc::clone(&real.guards),
        // Nobody looks at a canary when it is over.
        after: Arc::clone(&real.after),
        assessing: Assessing::default(),
        // A canary is no traffic to tell anything of.
        enrichments: Arc::clone(&real.enrichments),
        enriching: Enriching::default(),
        evidence: Evidence::new(Arc::clone(ledger), Arc::clone(&real.clock), on_fatal, config.said_at_ends()),
        stops: stops::of(&gate),
        gate,
        clock: Arc::clone(&real.clock),
        circuits: Circuits::new(never, &config.upstreams, Arc::clone(&metrics)),
        metrics,
        noise: Noise::new(real.limits.noise_burst, real.clock.now()),
        rules: Rules::default(),
        placeholder_key: real.placeholder_key.clone(),
        reader: real.reader.clone(),
        lag: Lag::new(span(real.limits.lag_ms)),
        budgets: Arc::<Budgets>::default(),
        retry: RetryConfig::default(),
        // Canaries are what finds out whether they still fail.
        failing: Arc::default(),
    };
    (shared, stand_in)
}

/// Tries places.
pub(super) struct Prober {
    places: Vec<Place>,
    pub(super) subjects: Vec<Subject>,
    board: Arc<Board>,
    failing: Arc<Failing>,
    stand_in: Arc<StandIn>,
    pub(super) serving: Serving,
    /// Kept so that calls never find it closed.
    _busy: mpsc::Receiver<()>,
    stop: watch::Receiver<bool>,
}

impl Prober {
    /// A prober on the thread that runs it; `stop` ends its calls.
    pub(super) fn new(parts: Parts, stop: watch::Receiver<bool>) -> Self {
        let Parts { places, subjects, board, failing, shared: (shared, stand_in) } = parts;
        let (upstreams, services) = (shared.catalogue.upstreams.len(), shared.guards.outside.len());
        let worker = Arc::new(Worker {
            shared: Arc::new(shared),
            pool: Pool::new(upstreams),
            guard_pool: Pool::new(services),
            cut: stop.clone(),
            own_key: None,
        });
        let (busy, ended) = mpsc::channel(1);
        let serving = Serving { worker, connections: Arc::new(Semaphore::new(1)), drain: stop.clone(), busy };
        Self { places, subjects, board, failing, stand_in, serving, _busy: ended, stop }
    }

    /// Tries every place and records what came of it.
    pub(super) async fn round(&self, cause: ProbeCause) -> Result<(), ProbeError> {
        let mut probed = Vec::with_capacity(self.places.len());
        for place in &self.places {
            if self.is_ending() {
                return Err(ProbeError::Busy);
            }
            probed.push(self.tried(place).await);
        }
        let places = self.board.keep(probed);
        let Self { board, serving, .. } = self;
        let guards = &serving.worker.shared.guards;
        self.failing.heed(board.config.on_failure, &self.places, guards, &places);
        let body = GuardProbed { cause, valid_s: board.config.valid_s(), places };
        let recorded = match evidence::probed(&body) {
            Ok(draft) => self.serving.worker.shared.evidence.append(&draft).await.map(drop),
            Err(error) => Err(error),
        };
        recorded.map_err(|error| ProbeError::Unrecorded(error.to_string()))
    }

    /// Whether it was told to end.
    pub(super) fn is_ending(&self) -> bool {
        *self.stop.borrow()
    }

    pub(super) async fn tried(&self, place: &Place) -> ProbedPlace {
        if let Canary::None(why) = place.canary {
            return place.came_to(ProbeResult::Untested, Some(why.to_owned()));
        }
        self.stand_in.expect(Wanted {
            text: place.canary.answer(place.side),
            is_withheld: place.canary == Canary::ProviderFlag,
            stream: place.stream,
        });
        let before = self.serving.worker.shared.reader.size();
        let given = timeout(WITHIN, self.asked(place)).await;
        let Ok(given) = given else {
            return place.came_to(ProbeResult::Untested, Some("timeout".to_owned()));
        };
        let Ok(mut seen) = self.seen(before) else {
            return place.came_to(ProbeResult::Untested, Some("unreadable".to_owned()));
        };
        seen.received = self.stand_in.received();
        seen.given = given;
        let (result, why) = verdict::of(place, &seen);
        ProbedPlace { calls: seen.records, ..place.came_to(result, why) }
    }

    /// Sends the canary as a client would, and takes all of the answer.
    async fn asked(&self, place: &Place) -> Bytes {
        let surface = place.surface;
        let target = Target { route: Route::Ask(surface), dialect: surface.dialect(), has_query: false };
        let caller = Caller {
            gate: self.serving.worker.shared.gate.load(),
            key_id: PROBE_KEY,
            system_id: PROBE_SYSTEM,
            stands_for: place.stands_for,
            asks_no_model: false,
            shown: None,
        };
        // Without one nothing is asked, and nothing is on record of it.
        let Some(salt) = Salt::fresh() else { return Bytes::new() };
        let taken = Taken { body: Received::Whole(request(place)), salt, switch: None };
        let answer = server::start(caller, target, headers(place), taken, &self.serving).await;
        let mut body = answer.into_body();
        let mut given = BytesMut::new();
        // What came before an answer broke off came through as well.
        while let Some(Ok(frame)) = body.frame().await {
            given.extend(frame.into_data().into_iter().flatten());
        }
        given.freeze()
    }

    /// What is on record of the canary that was sent when the log had `before` entries. One is under way at a time, so all of it is its own.
    fn seen(&self, before: u64) -> Result<Seen, LedgerError> {
        let reader = &self.serving.worker.shared.reader;
        let mut seen = Seen::default();
        reader.entries(before, reader.size(), |view| {
            let Some(header) = view.entry.header().filter(|header| is_probe(header)) else { return Ok(()) };
            let follows = |parent: &Parent| seen.records.contains(&parent.record_id);
            let is_end = header.record_type.as_str() == CallCompleted::TYPE;
            // The late end of a canary before this one.
            if is_end && !header.parents.iter().any(follows) {
                return Ok(());
            }
            seen.records.push(header.record_id);
            match header.record_type.as_str() {
                CallAuthorised::TYPE => seen.authorised = body(&view),
                CallDenied::TYPE => seen.denied = body(&view),
                CallCompleted::TYPE => seen.completed = body(&view),
                _ => {}
            }
            Ok(())
        })?;
        Ok(seen)
    }
}

fn body<B: Body>(view: &EntryView) -> Option<B> {
    let mut fields = Map::new();
    for unit in &view.units {
        let UnitContent::Shown(disclosures) = &unit.content else { return None };
        fields.extend(disclosures.iter().map(|field| (field.name().to_owned(), field.value().clone())));
    }
    B::read(fields).ok()
}

fn request(place: &Place) -> Bytes {
    let text = place.canary.prompt(place.side);
    let messages = json!([{ "role": "user", "content": text }]);
    let mut request = match place.surface {
        Surface::OpenAiChat | Surface::AnthropicCountTokens => {
            json!({ "model": place.model, "messages": messages })
        }
        Surface::OpenAiResponses | Surface::OpenAiEmbeddings => {
            json!({ "model": place.model, "input": text })
        }
        Surface::AnthropicMessages => {
            json!({ "model": place.model, "max_tokens": MAX_TOKENS, "messages": messages })
        }
    };
    if let Some(members) = request.as_object_mut().filter(|_| place.stream) {
        members.insert("stream".to_owned(), Value::Bool(true));
    }
    Bytes::from(request.to_string())
}

fn headers(place: &Place) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(purpose) = HeaderValue::from_str(&place.purpose) {
        headers.insert(PURPOSE, purpose);
    }
    let wants_none = place.canary == Canary::NoReferences && place.side == Side::Prompt;
    if !wants_none {
        let named: Vec<String> = (0..MAX_REFERENCES).map(|number| format!("record:{number:032x}")).collect();
        if let Ok(references) = HeaderValue::from_str(&named.join(",")) {
            headers.insert(REFERENCES, references);
        }
    }
    headers
}
