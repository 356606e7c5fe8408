//! May this caller have this: system, purpose, model, rules, in this order, all against one snapshot.
//!
//! Promises: what is missing denies; rules that cannot be compiled or evaluated deny; the same snapshot and request give the same decision. Must
//! never: permit because something went wrong, or compile rules on a thread that serves calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tabellion_model::Micros;
use tabellion_model::body::{Capture, DataTerms, Guarded, Observed, SystemStage};
use tabellion_policy::{Action, Decided, Layers, Question, Stack, Verdict};
use tabellion_views::gate::{Gate, GatePolicy};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::authenticate::Caller;
use crate::code::Code;
use crate::input::Given;
use crate::stops::{self, Going, StoppedBy};
use crate::upstream::catalogue::{Catalogue, Target};

/// Why a call may not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    /// What and what to do, in one line, for the caller and the record.
    pub(crate) reason: Box<str>,
    /// Rules that decided, when rules did.
    pub(crate) rules: Vec<String>,
    /// What guards said, when it came to them.
    pub(crate) guards: Vec<Guarded>,
    /// In how many seconds it may be otherwise, where that is known.
    pub(crate) retry_after_s: Option<u32>,
    /// What the rules were given, and what observed ones would have said, when they were asked.
    pub(crate) asked: Option<Box<RulesAsked>>,
    /// Emergency stops that hold for the call, when one does.
    pub(crate) stopped_by: Option<Box<StoppedBy>>,
}

/// What is on record of rules that were asked, beside their verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RulesAsked {
    /// What observed policies would have said.
    pub(crate) observed: Option<Observed>,
    /// What the rules were given, where the record says it.
    pub(crate) input: Option<Arc<Given>>,
}

impl Refusal {
    pub(crate) fn new(code: Code, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into().into_boxed_str(),
            rules: Vec::new(),
            guards: Vec::new(),
            asked: None,
            stopped_by: None,
            retry_after_s: None,
        }
    }

    /// The same of a call that the rules had permitted.
    pub(crate) fn after(self, permission: &Permission) -> Self {
        match self.code {
            // Rules that were asked about a line of it, which the record says nothing of.
            Code::PolicyDenied | Code::PolicyError => self,
            _ => {
                let asked = RulesAsked { observed: None, input: permission.input.clone() };
                Self { asked: Some(Box::new(asked)), ..self }
            }
        }
    }
}

/// What is declared, as records have it.
pub(crate) fn declared(terms: &DataTerms) -> Option<DataTerms> {
    (!terms.is_silent()).then(|| terms.clone())
}

/// A permission.
pub(crate) struct Permission {
    pub(crate) target: Target,
    pub(crate) purpose: String,
    pub(crate) rules: Vec<String>,
    pub(crate) observed: Option<Observed>,
    pub(crate) capture: Capture,
    /// What the rules were given, where the record says it.
    pub(crate) input: Option<Arc<Given>>,
}

/// What is asked, besides who asks.
pub(crate) struct Asked<'a> {
    pub(crate) action: Action,
    pub(crate) surface: &'static str,
    pub(crate) model: &'a str,
    /// Model that the caller asked for, where `model` stands in for it.
    pub(crate) instead_of: Option<&'a str>,
    /// Header `tabellion-purpose`; absent: the key's first.
    pub(crate) purpose: Option<&'a str>,
    pub(crate) stream: bool,
    pub(crate) received_bytes: u64,
    pub(crate) tools: &'a [String],
    pub(crate) at: Micros,
    /// Whether the record of the call says what the rules were given: where they are asked about it as one, not model by model of a list or line by line of a batch.
    pub(crate) is_recorded: bool,
}

/// The caller's system is live: asked before a body is even looked at.
pub(crate) fn live(caller: &Caller) -> Result<(), Refusal> {
    let stage = caller.system().map(|system| system.stage);
    if stage == Some(SystemStage::Live) {
        return Ok(());
    }
    let reason = "the system of this key is not live; its owner can put it live again";
    Err(Refusal::new(Code::SystemNotLive, reason))
}

/// The purpose that applies.
pub(crate) fn purpose<'a>(caller: &'a Caller, claimed: Option<&'a str>) -> Result<&'a str, Refusal> {
    let known = caller.key().map(|key| key.purposes.as_slice()).unwrap_or_default();
    let registered = caller.system().map(|system| system.purposes.as_slice()).unwrap_or_default();
    let claimed = claimed.or_else(|| known.first().map(String::as_str));
    let both = |purpose: &&str| {
        known.iter().any(|known| known == purpose) && registered.iter().any(|known| known == purpose)
    };
    claimed.filter(both).ok_or_else(|| {
        Refusal::new(
            Code::PurposeNotPermitted,
            "this key may not be used for the purpose claimed; send one of its purposes in the header tabellion-purpose, or none",
        )
    })
}

/// Decides whether `caller` may have what is `asked`.
pub(crate) fn decide(
    caller: &Caller,
    asked: &Asked<'_>,
    catalogue: &Catalogue,
    rules: &InForce,
) -> Result<Permission, Refusal> {
    live(caller)?;
    let purpose = purpose(caller, asked.purpose)?;
    let Some(key) = caller.key() else {
        return Err(Refusal::new(Code::PolicyError, "the key's system is not known; try again"));
    };
    if !key.models.is_empty() && !key.models.iter().any(|model| model == asked.model) {
        let reason = "this key may not ask for the model; use one of its models, or have the key changed";
        return Err(Refusal::new(Code::ModelNotPermitted, reason));
    }
    let target = catalogue.resolve(asked.model).ok_or_else(|| {
        Refusal::new(
            Code::UnknownModel,
            "no upstream is configured for the model; GET /v1/models lists those that are",
        )
    })?;
    permitted(caller, asked, purpose, target, rules)
}

/// The same where it is known already to whom the call goes: on a route that names no model.
pub(crate) fn decide_at(
    caller: &Caller,
    asked: &Asked<'_>,
    target: Target,
    rules: &InForce,
) -> Result<Permission, Refusal> {
    live(caller)?;
    let purpose = purpose(caller, asked.purpose)?;
    permitted(caller, asked, purpose, target, rules)
}

/// What stops and rules say of a call that goes to `target`.
fn permitted(
    caller: &Caller,
    asked: &Asked<'_>,
    purpose: &str,
    target: Target,
    rules: &InForce,
) -> Result<Permission, Refusal> {
    let unknown = || Refusal::new(Code::PolicyError, "the key's system is not known; try again");
    let capture = caller.system().ok_or_else(unknown)?.capture;
    let given = target.model.as_deref().unwrap_or(asked.model);
    let provider = &target.upstream.name;
    let going = Going { asked: asked.model, instead_of: asked.instead_of, given, provider };
    stops::check(caller, Some(going))?;
    let question = question(caller, asked, purpose, &target).ok_or_else(unknown)?;
    let input = asked.is_recorded.then(|| Given::of(&question)).transpose()?.map(Arc::new);
    // Answered first: whatever the observation comes to, it is no part of the answer.
    let judged = judge(rules.enforced.as_ref(), &question);
    let observed = rules.observed.as_ref().map(|observed| observed.says(&question));
    match judged {
        Ok(rules) => Ok(Permission { purpose: purpose.to_owned(), rules, observed, capture, input, target }),
        Err(refusal) => Err(Refusal { asked: Some(Box::new(RulesAsked { observed, input })), ..refusal }),
    }
}

/// What rules are asked of a call that goes to `target`; `None`: its system is not known.
pub(crate) fn question<'a>(
    caller: &'a Caller,
    asked: &Asked<'a>,
    purpose: &'a str,
    target: &'a Target,
) -> Option<Question<'a>> {
    let system = caller.system()?;
    Some(Question {
        action: asked.action,
        system: caller.system_id,
        system_name: &system.name,
        stage: system.stage,
        purposes: &system.purposes,
        key: caller.key_id,
        chain: caller.chain(),
        model: target.model.as_deref().unwrap_or(asked.model),
        asked_as: asked.model,
        upstream: &target.upstream.name,
        terms: &target.upstream.terms,
        purpose,
        surface: asked.surface,
        stream: asked.stream,
        received_bytes: asked.received_bytes,
        tools: asked.tools,
        at: asked.at,
    })
}

/// The rules that permit, or why none does.
fn judge(rules: Option<&Layers>, question: &Question<'_>) -> Result<Vec<String>, Refusal> {
    let erred = "the rules in force could not be evaluated, and so they deny; a governance engineer has to correct them";
    let Some(rules) = rules else { return Err(Refusal::new(Code::PolicyError, erred)) };
    let Decided { verdict, silent } = rules.decide(question);
    let (code, reason) = match (&verdict, silent) {
        (Verdict::Permit { rules }, _) => return Ok(rules.clone()),
        (Verdict::Forbid { rules }, _) => (Code::PolicyDenied, format!("forbidden by {}", rules.join(", "))),
        (Verdict::NonePermits, Some(pack)) => (
            Code::PolicyDenied,
            format!(
                "no rule of the policy pack {pack}, which holds for this system, permits this; ask for one, or use another model or purpose"
            ),
        ),
        (Verdict::NonePermits, None) => (
            Code::PolicyDenied,
            "no rule permits this; ask for one, or use another model or purpose".to_owned(),
        ),
        // Rules that erred, and a verdict that this version does not know, let nothing through.
        _ => (Code::PolicyError, erred.to_owned()),
    };
    Err(Refusal { rules: verdict.rules().to_vec(), ..Refusal::new(code, reason) })
}

/// The compiled rules of a snapshot.
pub(crate) struct InForce {
    /// What decides; `None`: it does not compile, so everything is denied.
    enforced: Option<Layers>,
    /// What is tried beside it, when something is.
    observed: Option<Observing>,
}

impl InForce {
    /// The rules of `gate`, compiled here and now: on no thread that serves calls.
    pub(crate) fn of(gate: &Gate) -> Self {
        Self { enforced: compiled(&gate.policies, gate), observed: observing(gate) }
    }
}

/// The rules as they would be with observed texts in place of those of their names.
struct Observing {
    /// Digests of the texts observed.
    policies: Vec<String>,
    /// `None`: they do not compile together, which would deny everything.
    rules: Option<Layers>,
}

impl Observing {
    /// What would have come of a call.
    fn says(&self, question: &Question<'_>) -> Observed {
        let policies = self.policies.clone();
        let Some(rules) = &self.rules else {
            return Observed { policies, verdict: "erred".to_owned(), rules: Vec::new() };
        };
        let verdict = rules.decide(question).verdict;
        Observed { policies, verdict: verdict.as_str().to_owned(), rules: verdict.rules().to_vec() }
    }
}

/// How long a call waits for rules that were just published, or at a start, to be compiled. The largest texts take a tenth of it.
const COMPILED_WITHIN: Duration = Duration::from_secs(2);

/// How many generations of rules are kept: the newest, and the one that calls in flight are decided by.
const MAX_GENERATIONS: usize = 2;

/// Compiled rules, each until the policies have changed twice. A call is decided by those of its own snapshot: it never gets older ones because
/// newer ones are not ready, and waits for them no longer than [`COMPILED_WITHIN`].
#[derive(Default)]
pub(crate) struct Rules(Mutex<Vec<Generation>>);

struct Generation {
    number: u64,
    rules: watch::Receiver<Compiling>,
}

/// Rules on their way.
#[derive(Clone)]
enum Compiling {
    Running,
    Done(Arc<InForce>),
}

impl Rules {
    /// The rules of a snapshot; refused where they are not known in time.
    pub(crate) async fn of(&self, gate: &Arc<Gate>) -> Result<Arc<InForce>, Refusal> {
        let mut told = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = kept.iter().find(|kept| kept.number == gate.policy_generation);
            if let Some(Generation { rules, .. }) = known {
                if let Compiling::Done(rules) = &*rules.borrow() {
                    return Ok(Arc::clone(rules));
                }
                rules.clone()
            } else {
                let rules = compile(Arc::clone(gate));
                if kept.len() == MAX_GENERATIONS {
                    kept.remove(0);
                }
                kept.push(Generation { number: gate.policy_generation, rules: rules.clone() });
                rules
            }
        };
        let done = timeout(COMPILED_WITHIN, told.wait_for(|rules| matches!(rules, Compiling::Done(_)))).await;
        match done.map(|done| done.map(|rules| rules.clone())) {
            Ok(Ok(Compiling::Done(rules))) => Ok(rules),
            // The thread ended without an answer, which it has no way to: nothing is known, so nothing is let through.
            Ok(_) => Ok(Arc::new(InForce { enforced: None, observed: None })),
            Err(_) => {
                let reason = "the rules in force are still being read, so nothing is let through; try again in a moment";
                Err(Refusal::new(Code::EvidenceUnavailable, reason))
            }
        }
    }
}

/// Compiles the policies of `gate` on a thread that serves no calls; the runtime waits for it when it ends.
fn compile(gate: Arc<Gate>) -> watch::Receiver<Compiling> {
    let (done, told) = watch::channel(Compiling::Running);
    tokio::task::spawn_blocking(move || {
        let rules = InForce::of(&gate);
        // Nobody may be waiting any more.
        drop(done.send(Compiling::Done(Arc::new(rules))));
    });
    told
}

/// The rules of policies together with the packs of `gate` and its own rule; `None`: they cannot be read together, so everything is denied.
fn compiled(policies: &[GatePolicy], gate: &Gate) -> Option<Layers> {
    let mut stack = Stack::default();
    for policy in policies {
        stack.publish(&policy.name, &policy.text);
    }
    if let Some(own) = &gate.own {
        stack.set_own(&own.name, &own.text);
    }
    for pack in gate.packs.iter() {
        stack.load(&pack.file, &pack.systems).ok()?;
    }
    Layers::of_published(&stack).ok()
}

/// What is tried beside the policies of `gate`; `None`: nothing is.
fn observing(gate: &Gate) -> Option<Observing> {
    if gate.observed.is_empty() {
        return None;
    }
    let is_observed = |name: &str| gate.observed.iter().any(|observed| observed.name == name);
    let kept = gate.policies.iter().filter(|policy| !is_observed(&policy.name));
    let mut together: Vec<GatePolicy> = kept.chain(gate.observed.iter()).cloned().collect();
    together.sort_by(|a, b| a.name.cmp(&b.name));
    let policies = gate.observed.iter().map(|policy| policy.digest.clone()).collect();
    Some(Observing { policies, rules: compiled(&together, gate) })
}

/// Digests of what is in force in a snapshot: policies by name order, the program's own, then packs by name order.
pub(crate) fn policy_digests(gate: &Gate) -> Vec<String> {
    let packs = gate.packs.iter().map(|pack| pack.digest.clone());
    gate.policies.iter().chain(&gate.own).map(|policy| policy.digest.clone()).chain(packs).collect()
}
