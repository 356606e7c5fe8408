//! Calls as they were decided and ended: decision → evidence → proof.
//!
//! Promises: an API key and an auditor read the same record. Must never: show what lies outside the reader's reach, or fill in what was
//! erased.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tabellion_model::body::{Attempt, CallAuthorised, CallCompleted, CallDenied, DataTerms, Masked};
use tabellion_model::{CredentialId, Micros, RecordId, SystemId};
use tabellion_views::query::{
    CallDetail, CallEnd, CallFilter, CallRow, CallState, MAX_ROWS, Page, Rows, Traffic,
};

use super::asking::refer;
use super::assessments::{self, Assessments};
use super::called::{Caller, ThroughOpening};
use super::enrichments::{self, EnrichmentSaid};
use super::forms::{DigestForm, IdForm, Reference, Time};
use super::unmasking::PseudonymsForm;
use super::{Actor, Desk};
use crate::permission::Permission;
use crate::refusal::Refusal;

/// Calls on one page, when nobody says otherwise.
const PAGE: u32 = 50;
/// What stands where content was erased.
const ERASED: &str = "erased";

/// Which calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallQuery {
    /// Of this system.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// With this API key.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub key: Option<CredentialId>,
    /// In this state.
    #[serde(default)]
    #[schemars(extend("enum" = ["open", "answered", "refused", "failed", "abandoned", "cut", "broken", "denied", "erased"]))]
    pub state: Option<String>,
    /// With this code of a denial or failure.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub code: Option<String>,
    /// For this model.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub model: Option<String>,
    /// Let through to this provider, by its name in the configuration; denials name none.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub upstream: Option<String>,
    /// On this route of the gateway, as records name it, or on those that begin with these words of it: `opaque.files`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub route: Option<String>,
    /// Decided at or after.
    #[serde(default)]
    pub from: Option<Time>,
    /// Decided before.
    #[serde(default)]
    pub to: Option<Time>,
    /// Of entries below this index: `next` of the page before.
    #[serde(default)]
    pub before: Option<u64>,
    /// At most this many.
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u64>,
}

/// One page of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// Newest first.
    pub calls: Vec<Call>,
    /// `before` of the next page; null: this is the last.
    pub next: Option<u64>,
}

/// How many values of one class were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskedCount {
    /// The class.
    pub class: String,
    /// Places.
    pub count: u64,
    /// What took their place: `hash`, `mask` or `drop`; null: a placeholder that the answer is given the value for.
    pub operator: Option<String>,
}

/// What one guard said of a prompt or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardSaid {
    /// Its name in the configuration.
    pub guard: String,
    /// What it does and with which settings.
    pub version: String,
    /// What it looked at: `prompt` or `answer`.
    pub side: &'static str,
    /// `passed`, `flagged`, `blocked`, `errored` or `not_run`.
    pub outcome: String,
    /// What it found, by labels that hold no text.
    pub found: Vec<String>,
    /// How many changes of it went into the text; null: it changed nothing.
    pub edits: Option<u64>,
}

impl GuardSaid {
    /// What it found and changed, as it goes behind its outcome.
    pub(crate) fn told(&self) -> String {
        let changed = self.edits.map(|edits| format!("changes made: {edits}"));
        let told: Vec<String> = self.found.iter().cloned().chain(changed).collect();
        if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
    }
}

/// Why a call was let through or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Whether it was permitted.
    pub permitted: bool,
    /// Log size that the decision saw.
    pub basis: Option<u64>,
    /// Digests of the policies in force.
    #[schemars(with = "Option<Vec<DigestForm>>")]
    pub policies: Option<Vec<String>>,
    /// Rules that decided; null: erased.
    pub rules: Option<Vec<String>>,
    /// Why it was denied, for programs.
    pub code: Option<String>,
    /// Why it was denied, as the client was told.
    pub reason: Option<String>,
    /// When.
    pub at: Time,
}

/// What a provider was declared to do with data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Where it processes; null: not declared.
    pub region: Option<String>,
    /// For how many days it keeps what it was sent; null: not declared.
    pub retention_days: Option<u64>,
    /// Whether it trains on it: `no`, `yes` or `unknown`.
    pub training: String,
}

/// Which attempt of a call this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FurtherAttempt {
    /// The call: the record of its first attempt.
    #[schemars(with = "IdForm")]
    pub of: String,
    /// Its number; the first is 1.
    pub number: u64,
    /// Why the attempt before was not enough: a code.
    pub because: String,
}

/// What was sent and received. What was erased or never was is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallEvidence {
    /// Whether a stream was asked for.
    pub stream: Option<bool>,
    /// Upstream it went to.
    pub upstream: Option<String>,
    /// Whose interface the provider has, `openai` or `anthropic`, where the request was translated for it; null: it has the caller's, or erased.
    pub translated: Option<String>,
    /// By which opening it went where nothing looks into it; null: on a route that is governed, or erased.
    pub opened: Option<ThroughOpening>,
    /// What was declared then of that upstream's use of data, as the rules saw it; null: no rule was asked, or erased.
    pub terms: Option<Terms>,
    /// SHA-256 of the body received: of no bytes, or on record from before digests of calls were salted.
    #[schemars(with = "Option<DigestForm>")]
    pub request_sha256: Option<String>,
    /// SHA-256 of the 16 bytes of the caller's salt (`tabellion-salt` of its answer) and then the body received. The salt is not on record.
    #[schemars(with = "Option<DigestForm>")]
    pub request_salted_sha256: Option<String>,
    /// SHA-256 of the body sent on, after masking; as `request_sha256`.
    #[schemars(with = "Option<DigestForm>")]
    pub forwarded_sha256: Option<String>,
    /// The same under the salt: equal to `request_salted_sha256` where what was sent on is what came.
    #[schemars(with = "Option<DigestForm>")]
    pub forwarded_salted_sha256: Option<String>,
    /// What was replaced before it left.
    pub masked: Vec<MaskedCount>,
    /// What was found and let pass as it was, because rules of masking say so.
    pub passed: Vec<MaskedCount>,
    /// The rules of masking that were for it, as `<name>@<version>`; none: only the default held.
    pub masking: Vec<String>,
    /// How placeholders were made and what becomes of them, where a rule of masking says so; null: as ever, or erased.
    pub pseudonyms: Option<PseudonymsForm>,
    /// What of the organisation's own the prompt stands on, by the caller's word.
    pub references: Vec<String>,
    /// What guards said of the prompt and of the answer.
    pub guards: Vec<GuardSaid>,
    /// HTTP status given to the client.
    pub status: Option<u64>,
    /// What of the answer was released.
    pub delivered: Option<String>,
    /// SHA-256 of the bytes released; as `request_sha256`.
    #[schemars(with = "Option<DigestForm>")]
    pub released_sha256: Option<String>,
    /// The same under the salt.
    #[schemars(with = "Option<DigestForm>")]
    pub released_salted_sha256: Option<String>,
    /// Model that answered, by its own word.
    pub answered_by: Option<String>,
    /// Why it stopped.
    pub finish_reason: Option<String>,
    /// Names of the tools it asked for.
    pub tools: Vec<String>,
    /// Tokens of the prompt, as the provider counted.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer, as the provider counted.
    pub completion_tokens: Option<u64>,
    /// From the request's last byte to the end, microseconds.
    pub duration_us: Option<u64>,
    /// The body that was sent on, when the system's capture kept it and the reader may see it.
    pub prompt: Option<String>,
    /// The provider's body, when the system's capture kept it and the reader may see it.
    pub answer: Option<String>,
    /// Why prompt or answer are not here: `capture_off`, `too_large`, `not_permitted`, `reason_needed` (a person says why first: `viewCaptured`), `erased`.
    pub withheld: Option<String>,
}

impl CallEvidence {
    /// Whether the request's part of it is still there: every record has one digest of it.
    pub(crate) fn knows_request(&self) -> bool {
        self.request_sha256.is_some() || self.request_salted_sha256.is_some()
    }
}

/// The records that prove a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallProof {
    /// The record of the decision.
    pub decided: Reference,
    /// The record of the end; null: the call is open, or was denied.
    pub ended: Option<Reference>,
    /// The record of what detectors said when it was over; null: nobody looked at it.
    pub enriched: Option<Reference>,
    /// The record of what guards said when it was over; null: they have said nothing yet, or none is for it.
    pub assessed: Option<Reference>,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The record that decided it.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// The system that called.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// The API key.
    #[schemars(with = "IdForm")]
    pub key: String,
    /// Who was behind the key; null: a key's secret alone was shown, or erased.
    pub caller: Option<Caller>,
    /// Where it stands.
    #[schemars(extend("enum" = ["open", "answered", "refused", "failed", "abandoned", "cut", "broken", "denied", "erased"]))]
    pub state: String,
    /// Which attempt of another call it is; null: it is a call of its own, or erased.
    pub attempt: Option<FurtherAttempt>,
    /// Why it was denied or did not end well.
    pub code: Option<String>,
    /// Route of the gateway.
    pub surface: Option<String>,
    /// Model asked for.
    pub model: Option<String>,
    /// Purpose claimed.
    pub purpose: Option<String>,
    /// Why it was let through or not.
    pub decision: Decision,
    /// What was sent and received.
    pub evidence: CallEvidence,
    /// What detectors said of it when it was over; none where nobody looked at it, or it was erased.
    pub enrichments: Vec<EnrichmentSaid>,
    /// What guards said of it that look when a call is over; null: none is for it, or that was erased.
    pub assessments: Option<Assessments>,
    /// The records that prove it.
    pub proof: CallProof,
}

impl Desk {
    /// One page of the calls within reach.
    pub fn calls(&self, actor: &Actor, query: &CallQuery) -> Result<Calls, Refusal> {
        let page = Page {
            before: query.before,
            limit: query.limit.map_or(PAGE, |limit| u32::try_from(limit).unwrap_or(MAX_ROWS)),
        };
        // A system out of reach has no calls, like one that is not there.
        let within = self.systems_within(actor, Permission::ReadCalls)?;
        let found = self.views.calls(&CallFilter { within, ..filter(query) }, page)?;
        let calls = found.rows.into_iter().map(|row| self.shown_call(actor, self.views.call_detail(row)?));
        Ok(Calls { calls: calls.collect::<Result<_, _>>()?, next: found.next })
    }

    /// One page of the calls within reach as the views have them, without what the log alone says; `text` is looked for in models, purpose and
    /// the system's name.
    pub fn call_rows(
        &self,
        actor: &Actor,
        query: &CallQuery,
        text: Option<&str>,
        limit: u32,
    ) -> Result<Rows<CallRow>, Refusal> {
        let within = self.systems_within(actor, Permission::ReadCalls)?;
        let wanted = CallFilter { within, text: text.map(str::to_owned), ..filter(query) };
        Ok(self.views.calls(&wanted, Page { before: query.before, limit })?)
    }

    /// How the calls within reach that `filter` asks for lie in time: of entries below `below`, in a window that ends at `until`.
    pub fn traffic(
        &self,
        actor: &Actor,
        filter: CallFilter,
        below: Option<u64>,
        until: Option<Micros>,
    ) -> Result<Traffic, Refusal> {
        let within = self.systems_within(actor, Permission::ReadCalls)?;
        Ok(self.views.traffic(&CallFilter { within, ..filter }, below, until)?)
    }

    /// One call.
    pub fn call(&self, actor: &Actor, id: RecordId) -> Result<Call, Refusal> {
        let call = self.views.call(&id)?.ok_or_else(|| Refusal::not_found("call"))?;
        if !self.may(actor, Permission::ReadCalls, call.row.system)? {
            return Err(Refusal::not_found("call"));
        }
        self.shown_call(actor, call)
    }

    fn shown_call(&self, actor: &Actor, call: CallDetail) -> Result<Call, Refusal> {
        let sight = if !is_kept(&call) {
            Sight::Open
        } else if !self.may(actor, Permission::ReadCaptured, call.row.system)? {
            Sight::NotPermitted
        } else if !self.has_reason(actor, call.row.record_id)? {
            Sight::ReasonNeeded
        } else {
            Sight::Open
        };
        let (decision, evidence, attempt) = (decision(&call), evidence(&call, sight), attempt(&call));
        let caller = caller(&call, self.may(actor, Permission::ReadPersonal, call.row.system)?);
        let enrichments = enrichments::said(call.enriched.as_ref());
        let enriched = call.enriched.as_ref().map(|said| refer(said.entry, said.record_id));
        let assessments = assessments::of(&call);
        let assessed = call.assessed.as_ref().map(|said| refer(said.entry, said.record_id));
        let row = call.row;
        let ended = row.end_entry.zip(call.end_record).filter(|_| row.state != CallState::Denied);
        let proof = CallProof {
            decided: refer(row.entry, row.record_id),
            ended: ended.map(|(entry, record)| refer(entry, record)),
            enriched,
            assessed,
        };
        let state = state(&row);
        let (surface, model, purpose) = match row.asked {
            Some(asked) => (Some(asked.surface), asked.model, asked.purpose),
            None => (None, None, None),
        };
        Ok(Call {
            id: row.record_id.to_hex(),
            system: row.system.map(|system| system.to_hex()),
            key: row.key.to_hex(),
            caller,
            state,
            attempt,
            code: row.ended.and_then(|ended| ended.code),
            surface,
            model,
            purpose,
            decision,
            evidence,
            enrichments,
            assessments,
            proof,
        })
    }
}

/// What the views are asked for.
pub(crate) fn filter(query: &CallQuery) -> CallFilter {
    let word = query.state.as_deref();
    let outcome = word.and_then(|word| serde_json::from_value(Value::from(word)).ok());
    CallFilter {
        system: query.system,
        key: query.key,
        state: match word {
            Some("open") => Some(CallState::Open),
            Some("broken") => Some(CallState::Broken),
            Some("denied") => Some(CallState::Denied),
            _ => None,
        },
        outcome,
        end_erased: word == Some(ERASED),
        code: query.code.clone(),
        model: query.model.clone(),
        upstream: query.upstream.clone(),
        route: query.route.clone(),
        from: query.from.map(|time| time.0),
        to: query.to.map(|time| time.0),
        ..CallFilter::default()
    }
}

/// One word for where a call stands.
pub fn state(row: &CallRow) -> String {
    let outcome = || row.ended.as_ref().and_then(|ended| ended.outcome);
    match row.state {
        CallState::Open => "open".to_owned(),
        CallState::Broken => "broken".to_owned(),
        CallState::Denied => "denied".to_owned(),
        CallState::Completed => {
            outcome().and_then(|outcome| word(&outcome)).unwrap_or_else(|| ERASED.to_owned())
        }
    }
}

pub(super) fn denial(call: &CallDetail) -> Option<&CallDenied> {
    match &call.end {
        Some(CallEnd::Denied(denied)) => Some(denied),
        _ => None,
    }
}

fn decision(call: &CallDetail) -> Decision {
    let (authorised, denied) = (call.authorised.as_ref(), denial(call));
    let policies = authorised.map(|call| &call.policies).or(denied.map(|call| &call.policies));
    let rules = authorised.map(|call| &call.rules).or(denied.map(|call| &call.rules));
    Decision {
        permitted: call.row.state != CallState::Denied,
        basis: call.row.basis,
        policies: policies.cloned(),
        rules: rules.cloned(),
        code: denied.map(|call| call.code.clone()),
        reason: denied.map(|call| call.reason.clone()),
        at: Time(call.row.at),
    }
}

/// Whether whoever asks is shown what was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Open,
    NotPermitted,
    ReasonNeeded,
}

/// Whether anything of the prompt or the answer is kept.
pub(super) fn is_kept(call: &CallDetail) -> bool {
    let answer = match &call.end {
        Some(CallEnd::Completed(end)) => end.answer.is_some(),
        _ => false,
    };
    answer || call.authorised.as_ref().is_some_and(|call| call.prompt.is_some())
}

fn evidence(call: &CallDetail, sight: Sight) -> CallEvidence {
    let (authorised, denied) = (call.authorised.as_ref(), denial(call));
    let end: Option<&CallCompleted> = match &call.end {
        Some(CallEnd::Completed(end)) => Some(end),
        _ => None,
    };
    let usage = end.and_then(|end| end.answered.usage);
    let prompt = authorised.and_then(|call| call.prompt.clone());
    let answer = end.and_then(|end| end.answer.clone());
    let captured = sight == Sight::Open;
    let erased = (authorised.is_none() && call.row.state != CallState::Denied)
        || (call.end.is_none() && call.row.end_entry.is_some());
    let withheld = if erased {
        Some(ERASED.to_owned())
    } else if sight == Sight::NotPermitted {
        Some("not_permitted".to_owned())
    } else if sight == Sight::ReasonNeeded {
        Some("reason_needed".to_owned())
    } else {
        let prompt = authorised.and_then(|call| call.prompt_withheld.clone());
        prompt.or_else(|| end.and_then(|end| end.answer_withheld.clone()))
    };
    let (request_sha256, request_salted_sha256) = request(authorised, denied);
    CallEvidence {
        stream: authorised.map(|call| call.stream),
        upstream: authorised
            .map(|call| call.upstream.clone())
            .or(denied.and_then(|call| call.upstream.clone())),
        translated: authorised.and_then(|call| call.translated.clone()),
        opened: authorised.and_then(|call| call.opened.as_ref()).map(ThroughOpening::of),
        terms: terms(authorised, denied),
        request_sha256,
        request_salted_sha256,
        forwarded_sha256: authorised.and_then(|call| call.forwarded_sha256.clone()),
        forwarded_salted_sha256: authorised.and_then(|call| call.forwarded_salted_sha256.clone()),
        masked: authorised.map(|call| counts(&call.masked)).unwrap_or_default(),
        passed: authorised.map(|call| counts(&call.passed)).unwrap_or_default(),
        masking: authorised.map(|call| call.masking.clone()).unwrap_or_default(),
        pseudonyms: authorised.and_then(|call| call.pseudonyms.as_deref()).map(PseudonymsForm::of),
        references: authorised.map(|call| call.references.clone()).unwrap_or_default(),
        guards: assessments::in_path(call, end),
        status: end.map(|end| end.status).or(denied.map(|call| call.status)),
        delivered: end.and_then(|end| word(&end.delivered)),
        released_sha256: end.and_then(|end| end.released_sha256.clone()),
        released_salted_sha256: end.and_then(|end| end.released_salted_sha256.clone()),
        answered_by: end.and_then(|end| end.answered.model.clone()),
        finish_reason: end.and_then(|end| end.answered.finish_reason.clone()),
        tools: end.map(|end| end.answered.tools.clone()).unwrap_or_default(),
        prompt_tokens: usage.map(|usage| usage.prompt_tokens),
        completion_tokens: usage.map(|usage| usage.completion_tokens),
        duration_us: end.map(|end| end.duration_us),
        prompt: prompt.filter(|_| captured),
        answer: answer.filter(|_| captured),
        withheld,
    }
}

/// The plain and the salted digest of what came.
fn request(
    authorised: Option<&CallAuthorised>,
    denied: Option<&CallDenied>,
) -> (Option<String>, Option<String>) {
    let permitted = authorised.map(|call| (&call.received_sha256, &call.received_salted_sha256));
    let refused = || denied.map(|call| (&call.received_sha256, &call.received_salted_sha256));
    let (plain, salted) = permitted.or_else(refused).unwrap_or((&None, &None));
    (plain.clone(), salted.clone())
}

/// A permission without terms was given when none were declared; a denial without an upstream, before any rule was asked.
fn terms(authorised: Option<&CallAuthorised>, denied: Option<&CallDenied>) -> Option<Terms> {
    let permitted = authorised.filter(|call| !call.upstream.is_empty()).map(|call| call.terms.as_ref());
    let refused = denied.filter(|call| call.upstream.is_some()).map(|call| call.terms.as_ref());
    let declared = permitted.or(refused)?.cloned().unwrap_or_default();
    let DataTerms { region, retention_days, training } = declared;
    Some(Terms { region, retention_days, training: word(&training).unwrap_or_default() })
}

fn caller(call: &CallDetail, sees_people: bool) -> Option<Caller> {
    let of_denied = denial(call).and_then(|denied| denied.caller.as_ref());
    let shown = call.authorised.as_ref().and_then(|call| call.caller.as_ref()).or(of_denied)?;
    Some(Caller::of(shown, sees_people))
}

fn attempt(call: &CallDetail) -> Option<FurtherAttempt> {
    let of_denied = denial(call).and_then(|denied| denied.attempt.as_ref());
    let attempt = call.authorised.as_ref().and_then(|call| call.attempt.as_ref()).or(of_denied)?;
    let Attempt { of, number, because } = attempt;
    Some(FurtherAttempt { of: of.to_hex(), number: *number, because: because.clone() })
}

pub(super) fn counts(masked: &[Masked]) -> Vec<MaskedCount> {
    let count = |masked: &Masked| MaskedCount {
        class: masked.class.clone(),
        count: masked.count,
        operator: masked.operator.clone(),
    };
    masked.iter().map(count).collect()
}

pub(super) fn word(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Some(word),
        _ => None,
    }
}
