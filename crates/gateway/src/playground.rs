//! Calls that are tried: the very steps of a call up to where it would be recorded and sent, by the rules in force or by drafts beside them.
//!
//! Promises: the same functions as for a call, over the newest snapshot; nothing is recorded, reserved or counted in a budget, and nothing of what was tried is
//! kept; nothing is sent to a provider unless whoever tries asks for that (`asking.rs`). Guards of others are asked, as they would be, and see what they would see.
//! Must never: let a tried call become one, or be asked faster than [`MAX_A_MINUTE`].

mod asking;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use tabellion_ledger::{Entropy as _, OsEntropy};
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_model::CredentialId;
use tabellion_model::body::{Guarded, Masked};
use tabellion_views::gate::{Gate, GatePolicy};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use zeroize::Zeroizing;

pub use asking::TriedAnswer;
use asking::{MAX_ASKED_A_MINUTE, MAX_TIME};

use crate::authenticate::Caller;
use crate::budget::Hold;
use crate::call::{Call, Received};
use crate::circuit::CircuitNow;
use crate::code::Code;
use crate::config::span;
use crate::decide::{InForce, Refusal, policy_digests};
use crate::prepare::Ready;
use crate::race::Watch;
use crate::route::{Route, Target};
use crate::salt::Salt;
use crate::stops::{self, Orders};
use crate::stopwatch::Stopwatch;
use crate::surface::Surface;
use crate::surface::request::Request;
use crate::upstream::pool::Pool;
use crate::words::hex_of;
use crate::worker::{Shared, Worker};

/// Calls that are tried in a minute: a person at work, not a load. Each takes what a call takes of this machine.
const MAX_A_MINUTE: usize = 30;
const MINUTE: Duration = Duration::from_mins(1);
/// What a purpose is claimed by.
const PURPOSE: HeaderName = HeaderName::from_static("tabellion-purpose");

/// A call to try.
#[derive(Clone, PartialEq, Eq)]
pub struct TryCall {
    /// The key that it would come with; its secret is not asked for.
    pub key: CredentialId,
    /// Route of the gateway, as records name it: `openai.chat_completions`.
    pub surface: String,
    /// Purpose that it would claim.
    pub purpose: Option<String>,
    /// The body, byte for byte.
    pub body: String,
    /// Texts by name, each in place of the policy of that name or beside the others; they were checked.
    pub drafts: Vec<(String, String)>,
    /// Whether the provider is asked, where the call would be sent.
    pub asks: bool,
}

/// What would come of it.
#[derive(Clone, PartialEq, Eq)]
pub struct TriedCall {
    /// Why it would be refused, as a word and in a sentence; none: it would be sent.
    pub refused: Option<(&'static str, String)>,
    /// What would be sent, once rules, masking and guards had let it through; also where a budget would refuse it then.
    pub sent: Option<TriedRequest>,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// Digests of the policies that decided, drafts among them.
    pub policies: Vec<String>,
    /// What guards said.
    pub guards: Vec<Guarded>,
    /// The budgets that hold, as records name them; none: it did not come to them.
    pub budgets: Option<Vec<String>>,
    /// Log size of what it was decided on.
    pub position: u64,
    /// What came of it where it was sent; none: it was not.
    pub answered: Option<TriedAnswer>,
}

/// A request as its provider would get it.
#[derive(Clone, PartialEq, Eq)]
pub struct TriedRequest {
    /// Model asked for.
    pub model: String,
    /// Provider.
    pub upstream: String,
    /// Model as the provider is given it.
    pub upstream_model: Option<String>,
    /// Purpose that applies.
    pub purpose: String,
    /// The body, in the provider's interface.
    pub body: String,
    /// What was masked.
    pub masked: Vec<Masked>,
    /// What was found and passed.
    pub passed: Vec<Masked>,
    /// Rules of masking that applied.
    pub masking: Vec<String>,
}

/// Why a call was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTried {
    /// Too many were.
    #[error("30 calls were tried in the last minute, the most that are; try again in a moment")]
    TooFast,
    /// Too many were sent.
    #[error(
        "6 tried calls were sent to a provider in the last minute, the most that are; try again in a moment"
    )]
    SentTooFast,
    /// It was sent, and came to no end that could be told.
    #[error("the call came to no end that could be told; try again")]
    NoEnd,
    /// There is no such key, or it has ended.
    #[error("there is no key of this id that may call")]
    NoKey,
    /// No such route.
    #[error(
        "this is no route that the gateway governs; write openai.chat_completions, openai.responses, openai.embeddings, anthropic.messages or anthropic.count_tokens"
    )]
    NoSurface,
    /// A purpose that no header can carry.
    #[error("the purpose is no purpose (a-z, 0-9 and -, at most 63)")]
    NoPurpose,
    /// The machine gives no thread.
    #[error("the machine gives no thread to try a call on; try again later")]
    NoThread,
}

/// Tries calls on a gateway.
pub struct Playground {
    shared: Arc<Shared>,
    /// When the last ones were tried, in order.
    recent: Mutex<VecDeque<Instant>>,
    /// The same of those that were to be sent.
    asked: Mutex<VecDeque<Instant>>,
}

impl Playground {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, recent: Mutex::default(), asked: Mutex::default() }
    }

    /// Tries one call, on a thread of its own: whoever waits may be a runtime's.
    pub fn try_call(&self, tried: &TryCall) -> Result<TriedCall, NotTried> {
        let now = Instant::now();
        take_place(&self.recent, MAX_A_MINUTE, now, NotTried::TooFast)?;
        let surface = Surface::ALL.into_iter().find(|surface| surface.name() == tried.surface);
        let surface = surface.ok_or(NotTried::NoSurface)?;
        let mut headers = HeaderMap::new();
        if let Some(purpose) = &tried.purpose {
            headers.insert(PURPOSE, HeaderValue::from_str(purpose).map_err(|_| NotTried::NoPurpose)?);
        }
        if tried.asks {
            take_place(&self.asked, MAX_ASKED_A_MINUTE, now, NotTried::SentTooFast)?;
        }
        std::thread::scope(|scope| {
            let work = || {
                let runtime = Builder::new_current_thread().enable_io().enable_time().build();
                runtime.map_err(|_| NotTried::NoThread)?.block_on(self.tried(tried, surface, headers))
            };
            let thread = std::thread::Builder::new().name("playground".to_owned()).spawn_scoped(scope, work);
            thread.map_err(|_| NotTried::NoThread)?.join().map_err(|_| NotTried::NoThread)?
        })
    }

    async fn tried(
        &self,
        tried: &TryCall,
        surface: Surface,
        headers: HeaderMap,
    ) -> Result<TriedCall, NotTried> {
        let shared = &self.shared;
        let caller = self.caller(tried)?;
        let (used, total) = if tried.asks {
            let sandbox = asking::sandbox(shared).map_err(|_| NotTried::NoThread)?;
            (Arc::new(sandbox), span(shared.limits.total_ms).min(MAX_TIME))
        } else {
            (Arc::clone(shared), span(shared.limits.total_ms))
        };
        // Kept until the end, as the sign of life is: nobody leaves a tried call, and stops alone cut one.
        let (_never, cut) = watch::channel(false);
        let (watch, _alive) = Watch::new(cut.clone(), Orders::new(shared.stops.clone()), total);
        let worker = worker(used, cut)?;
        let (reply, answer) = oneshot::channel();
        let body = Bytes::from(tried.body.clone().into_bytes());
        let mut call = Call {
            worker: Arc::new(worker),
            caller,
            target: Target { route: Route::Ask(surface), dialect: surface.dialect(), has_query: false },
            headers,
            body: Received::Whole(body.clone()),
            salt: Salt::fresh().ok_or(NotTried::NoThread)?,
            at: shared.now(),
            stopwatch: Stopwatch::start(),
            watch,
            reply,
            switch: None,
            again: None,
        };
        let ready = Box::pin(self.ready(&mut call, surface, &body, &tried.drafts)).await;
        let (mut said, ready) = self.said(&call, ready);
        let Some(ready) = ready.filter(|_| tried.asks) else { return Ok(said) };
        match self.admitted(&call, &ready, &body) {
            Ok(hold) => {
                let asked = asking::ask(call, (ready, hold), (surface, &body), answer);
                said.answered = Some(Box::pin(asked).await?);
            }
            Err(refusal) => said.refused = Some((refusal.code.as_str(), refusal.reason.to_string())),
        }
        Ok(said)
    }

    /// Whoever calls with the key that is named.
    fn caller(&self, tried: &TryCall) -> Result<Caller, NotTried> {
        let shared = &self.shared;
        let gate = drafted(&shared.gate.load(), &tried.drafts);
        let key = gate.keys.get(&tried.key).filter(|key| key.ends_at.is_none_or(|end| end > shared.now()));
        let system_id = key.ok_or(NotTried::NoKey)?.system;
        Ok(Caller {
            gate,
            key_id: tried.key,
            system_id,
            shown: None,
            stands_for: system_id,
            asks_no_model: false,
        })
    }

    /// What the path wants of a call that is sent: what it would reserve, of budgets that nobody else is charged to, and a provider that calls are not held back from;
    /// and that it reads to whoever tries nothing that is kept.
    fn admitted(&self, call: &Call, ready: &Ready, body: &Bytes) -> Result<Hold, Refusal> {
        names_nothing(call, ready.surface, body)?;
        let upstream = &ready.permission.target.upstream.name;
        let is_open = |circuit: &CircuitNow| circuit.upstream == *upstream && circuit.open.is_some();
        if self.shared.circuits.now().iter().any(is_open) {
            let code = Code::UpstreamCircuitOpen;
            return Err(Refusal::new(code, code.explain()));
        }
        call.reserve(ready, None)
    }

    /// What stands before a call, and then what every call must pass.
    async fn ready(
        &self,
        call: &mut Call,
        surface: Surface,
        body: &Bytes,
        drafts: &[(String, String)],
    ) -> Result<Ready, Refusal> {
        let shared = &self.shared;
        if shared.fresh().is_err() {
            let reason =
                "what is in force cannot be seen now: the views stand behind the log; try again later";
            return Err(Refusal::new(Code::EvidenceUnavailable, reason));
        }
        stops::check(&call.caller, None)?;
        if body.len() > shared.limits.body_bytes {
            let reason =
                format!("the request body is larger than {} bytes; send less", shared.limits.body_bytes);
            return Err(Refusal::new(Code::BodyTooLarge, reason));
        }
        let rules = if drafts.is_empty() {
            shared.rules.of(&call.caller.gate).await?
        } else {
            // Drafts are nobody else's: they are compiled for this one, and kept nowhere.
            Arc::new(InForce::of(&call.caller.gate))
        };
        call.ready(surface, body, &rules).await.map_err(|(refusal, _)| refusal)
    }

    /// What is told of it so far; with what is ready where nothing stands against it.
    fn said(&self, call: &Call, ready: Result<Ready, Refusal>) -> (TriedCall, Option<Ready>) {
        let gate = &call.caller.gate;
        let mut tried = TriedCall {
            refused: None,
            sent: None,
            rules: Vec::new(),
            policies: policy_digests(gate),
            guards: Vec::new(),
            budgets: None,
            position: gate.position,
            answered: None,
        };
        let refusal = match ready {
            Err(refusal) => refusal,
            Ok(ready) => {
                let budgets = self.look(call, &ready);
                tried.rules.clone_from(&ready.permission.rules);
                tried.guards.clone_from(&ready.guards);
                tried.sent = Some(request(&ready));
                match budgets {
                    Ok(names) => {
                        tried.budgets = Some(names);
                        return (tried, Some(ready));
                    }
                    Err(refusal) => Refusal { guards: tried.guards.clone(), ..refusal },
                }
            }
        };
        if tried.sent.is_none() {
            tried.rules = refusal.rules;
        }
        tried.guards = refusal.guards;
        tried.refused = Some((refusal.code.as_str(), refusal.reason.to_string()));
        (tried, None)
    }

    fn look(&self, call: &Call, ready: &Ready) -> Result<Vec<String>, Refusal> {
        let shared = &self.shared;
        shared.budgets.look(&shared.gate, call.caller.budgeted(), ready.charge, shared.now())
    }
}

/// Refused where the call names what its provider keeps: a model would tell whoever tries what is in it, and no record would say that they read it.
fn names_nothing(call: &Call, surface: Surface, body: &Bytes) -> Result<(), Refusal> {
    let limits = &call.worker.shared.limits;
    let limits = JsonLimits { max_bytes: limits.body_bytes, max_depth: limits.depth };
    let request =
        Request::read(surface.form(), body, &limits).map_err(|why| Refusal::new(Code::MalformedBody, why))?;
    let kinds = request.kept.kinds();
    if kinds.is_empty() {
        return Ok(());
    }
    let why = format!(
        "the call names what the provider keeps ({}), and a tried call that is sent may name none of it, its own system's neither: what is in it would be read off the record. Send what it means with the request, or try it without asking the provider",
        kinds.join(", ")
    );
    Err(Refusal::new(Code::ObjectNotOwn, why))
}

/// One of the places of this minute.
fn take_place(
    recent: &Mutex<VecDeque<Instant>>,
    most: usize,
    now: Instant,
    otherwise: NotTried,
) -> Result<(), NotTried> {
    let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
    while recent.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
        recent.pop_front();
    }
    if recent.len() >= most {
        return Err(otherwise);
    }
    recent.push_back(now);
    Ok(())
}

/// A snapshot with `drafts` in it, each in place of the policy of its name.
fn drafted(gate: &Arc<Gate>, drafts: &[(String, String)]) -> Arc<Gate> {
    if drafts.is_empty() {
        return Arc::clone(gate);
    }
    let is_drafted = |name: &str| drafts.iter().any(|(draft, _)| draft == name);
    let kept = gate.policies.iter().filter(|policy| !is_drafted(&policy.name)).cloned();
    let new = drafts.iter().map(|(name, text)| GatePolicy {
        name: name.clone(),
        text: text.clone(),
        digest: hex_of(Sha256::digest(text).into()),
    });
    let mut policies: Vec<GatePolicy> = kept.chain(new).collect();
    policies.sort_by(|a, b| a.name.cmp(&b.name));
    Arc::new(Gate { policies: Arc::new(policies), ..Gate::clone(gate) })
}

fn request(ready: &Ready) -> TriedRequest {
    let target = &ready.permission.target;
    TriedRequest {
        upstream: target.upstream.name.clone(),
        upstream_model: target.model.clone().filter(|model| *model != ready.model),
        model: ready.model.clone(),
        purpose: ready.permission.purpose.clone(),
        body: String::from_utf8_lossy(&ready.sent).into_owned(),
        masked: ready.treated.masked.clone(),
        passed: ready.treated.passed.clone(),
        masking: ready.treated.rules.clone(),
    }
}

/// A worker of the call's own: whoever tries texts must not learn by which placeholder a value goes in real calls.
fn worker(shared: Arc<Shared>, cut: watch::Receiver<bool>) -> Result<Worker, NotTried> {
    let mut own_key = Zeroizing::new([0; 32]);
    OsEntropy.fill(own_key.as_mut_slice()).map_err(|_| NotTried::NoThread)?;
    let pool = Pool::new(shared.catalogue.upstreams.len());
    let guard_pool = Pool::new(shared.guards.outside.len());
    Ok(Worker { shared, pool, guard_pool, cut, own_key: Some(own_key) })
}
