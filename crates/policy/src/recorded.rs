//! From a recorded decision to the question that was asked then, as far as the record and what else is known go.
//!
//! Promises: a question is given only where everything that the rules look at is known; else it is said what is not known. Must never: put something likely in
//! the place of something unknown that a rule could see.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_model::body::{Chain, DataTerms, Input, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};

use crate::case::Case;
use crate::compile::{NamedPolicy, lone_rules};
use crate::fault::PolicyFault;
use crate::input::NOT_WHAT_IT_WAS;
use crate::question::Action;
use crate::verdict::Verdict;

/// How near to a full hour a call may be recorded and still be asked about: it was decided when it arrived, which is before.
const HOUR_MARGIN_US: u64 = 60 * 1_000_000;
const HOUR_US: u64 = 3_600_000_000;

/// What a record says of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDecision {
    /// What to call it, for people: the entry or the line.
    pub name: String,
    /// The system that called.
    pub system: Option<SystemId>,
    /// The key.
    pub key: CredentialId,
    /// Who was behind the call beside the key; none: the record does not say.
    pub chain: Option<Chain>,
    /// Route of the gateway.
    pub surface: Option<String>,
    /// Model, as it was asked for.
    pub model: Option<String>,
    /// Model as its upstream is given it; none where the record does not say.
    pub served_as: Option<String>,
    /// Upstream; none where the record does not say.
    pub upstream: Option<String>,
    /// What was declared of the upstream's use of data then; none: the record does not say.
    pub terms: Option<DataTerms>,
    /// Purpose; none where the key's first one was meant.
    pub purpose: Option<String>,
    /// Whether a stream was asked for; none on denials of before they said it.
    pub stream: Option<bool>,
    /// Size of the body.
    pub received_bytes: Option<u64>,
    /// When the call arrived, where `input` says it; else when the decision was recorded.
    pub at: Micros,
    /// What the rules were given; none: the record does not say.
    pub input: Option<Input>,
    /// The salt of its digest, where a person is in it and was read.
    pub input_salt: Option<Vec<u8>>,
    /// Whether it was let through.
    pub permitted: bool,
    /// Why not, where not.
    pub code: Option<String>,
    /// Digests of the policies that were in force, by name order; none where that is not known.
    pub policies: Vec<String>,
    /// The rules that decided.
    pub rules: Vec<String>,
}

/// A system, as it is or was described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSystem {
    /// What people call it.
    pub name: String,
    /// What it may be used for.
    pub purposes: Vec<String>,
}

/// A model by the name that applications use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownModel {
    /// The name that its upstream is given.
    pub name: String,
    /// Where it is served.
    pub upstream: String,
}

/// What records do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Systems by id.
    pub systems: BTreeMap<SystemId, KnownSystem>,
    /// Models by the name that applications use.
    pub models: BTreeMap<String, KnownModel>,
    /// What is declared of upstreams' use of data, by name.
    pub upstreams: BTreeMap<String, DataTerms>,
}

/// Which of the things that a record may not say any of some rules could look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookedAt(BTreeSet<&'static str>);

/// What a rule's JSON holds where the rule looks at the thing.
const SIGNS: [(&str, &[&str]); 11] = [
    ("tools", &["\"tools\""]),
    ("name", &["\"name\""]),
    ("purposes", &["\"purposes\""]),
    ("purpose", &["\"purpose\""]),
    ("stream", &["\"stream\""]),
    ("received_bytes", &["\"received_bytes\""]),
    ("upstream", &["\"Upstream\"", "\"resource\""]),
    ("model", &["\"Model\"", "\"resource\""]),
    ("terms", &["\"region\"", "\"retention_days\"", "\"trains\""]),
    ("time", &["\"hour_utc\"", "\"weekday_utc\""]),
    ("chain", &["\"person\"", "\"agent\"", "\"groups\""]),
];

impl LookedAt {
    /// Those of `policies`.
    pub fn by(policies: &[NamedPolicy<'_>]) -> Result<Self, PolicyFault> {
        let mut seen = BTreeSet::new();
        for policy in policies {
            for (_, compiled) in lone_rules(policy)? {
                let json = compiled.to_json();
                let conditions = json.as_ref().map(|json| json.get("conditions").map(ToString::to_string));
                let scope = json.as_ref().map(|json| json.get("resource").map(ToString::to_string));
                let text = match (conditions, scope) {
                    (Ok(conditions), Ok(scope)) => {
                        format!("{}{}", conditions.unwrap_or_default(), scope.unwrap_or_default())
                    }
                    // What cannot be read may look at anything.
                    _ => SIGNS.iter().flat_map(|(_, signs)| signs.iter().copied()).collect(),
                };
                let holds = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
                seen.extend(SIGNS.iter().filter(|(_, signs)| holds(signs)).map(|(thing, _)| *thing));
            }
        }
        Ok(Self(seen))
    }

    /// All of them: where rules cannot be read, they may look at anything.
    pub fn everything() -> Self {
        Self(SIGNS.iter().map(|(thing, _)| *thing).collect())
    }

    /// Those of either.
    #[must_use]
    pub fn with(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self
    }

    fn has(&self, thing: &str) -> bool {
        self.0.contains(thing)
    }
}

/// Codes of calls that the rules permitted and something else stopped: guards, budgets.
const AFTER_THE_RULES: [&str; 7] = [
    "data_not_permitted",
    "not_translatable",
    "guard_blocked",
    "guard_errored",
    "budget_exceeded",
    "price_unknown",
    "rate_limited",
];

/// What the surfaces begin with on which no model is asked, and so no rule.
const PRESIDIO: &str = "presidio.";

/// Codes of calls that are denied whatever the rules say. A code that stands in neither list leaves that open, and such a decision is not asked again.
const WHATEVER_THE_RULES: [&str; 10] = [
    "stopped",
    "system_not_live",
    "system_gone",
    "purpose_not_permitted",
    "model_not_permitted",
    "unknown_model",
    "unknown_route",
    "unexpected_query",
    "malformed_body",
    "body_too_large",
];

impl RecordedDecision {
    /// Whether it came about by something that no rule changes: a denial by such a code, or a text that was handed over to be looked at, about which no rule is
    /// asked.
    pub fn is_by_no_rule(&self) -> bool {
        let denied =
            !self.permitted && WHATEVER_THE_RULES.into_iter().any(|code| self.code.as_deref() == Some(code));
        denied || self.surface.as_deref().is_some_and(|surface| surface.starts_with(PRESIDIO))
    }

    /// Whether `verdict` is what is on record, as far as a record says what it was.
    pub fn is_of(&self, verdict: &Verdict) -> bool {
        if self.rules_permitted() {
            return verdict.permits();
        }
        let recorded = match (self.code.as_deref(), self.rules.is_empty()) {
            (Some("policy_error"), _) => "erred",
            (_, true) => "none_permits",
            (_, false) => "forbidden",
        };
        verdict.as_str() == recorded
    }

    /// Whether rules had permitted it, also where a guard or a budget stopped it then.
    pub fn rules_permitted(&self) -> bool {
        self.permitted || AFTER_THE_RULES.into_iter().any(|code| self.code.as_deref() == Some(code))
    }

    /// The question that was asked, or why it cannot be asked again.
    pub fn question(&self, known: &Known, looked_at: &LookedAt) -> Result<Case, String> {
        if !self.rules_permitted() && !matches!(self.code.as_deref(), Some("policy_denied" | "policy_error"))
        {
            let code = self.code.as_deref().unwrap_or("without a code");
            return Err(format!("it was denied before any rule was asked ({code})"));
        }
        let surface = self.surface.clone().ok_or("its content is erased or withheld")?;
        let action = match surface.as_str() {
            "openai.models" => return Err("a list of models is decided once for each model".to_owned()),
            "openai.embeddings" => Action::Embed,
            declared if declared.starts_with("opaque.") => Action::Opaque,
            declared if declared.starts_with("passthrough.") => Action::Passthrough,
            _ => Action::Chat,
        };
        let system = self.system.ok_or("it names no system")?;
        let described = known.systems.get(&system);
        let asked_as = self.model.clone().unwrap_or_default();
        let served = known.models.get(&asked_as);
        let upstream = served.map(|served| served.upstream.clone()).or_else(|| self.upstream.clone());
        let declared = upstream.as_ref().and_then(|upstream| known.upstreams.get(upstream));
        let terms = self.terms.as_ref().or(declared);
        if let Some(what) = self.unknown(described.is_some(), served.is_some(), terms.is_some(), looked_at) {
            return Err(format!("a rule looks at {what}"));
        }
        let case = Case {
            action,
            system,
            system_name: described.map(|system| system.name.clone()).unwrap_or_default(),
            // Rules are asked for live systems alone.
            stage: SystemStage::Live,
            purposes: described.map(|system| system.purposes.clone()).unwrap_or_default(),
            key: self.key,
            chain: self.chain.clone().unwrap_or_default(),
            model: served
                .map(|served| served.name.clone())
                .or_else(|| self.served_as.clone())
                .unwrap_or_else(|| asked_as.clone()),
            asked_as,
            upstream: upstream.unwrap_or_default(),
            terms: terms.cloned().unwrap_or_default(),
            purpose: self.purpose.clone().unwrap_or_default(),
            surface,
            stream: self.stream.unwrap_or_default(),
            received_bytes: self.received_bytes.unwrap_or_default(),
            tools: self.input.as_ref().map(|input| input.tools.clone()).unwrap_or_default(),
            at: self.at,
        };
        if described.is_some() && self.is_other(&case) {
            return Err(NOT_WHAT_IT_WAS.to_owned());
        }
        Ok(case)
    }

    /// Whether `case`, of a system that is described, is shown not to be what the rules were given. Where the record does not hold all of that, nothing is shown.
    fn is_other(&self, case: &Case) -> bool {
        let whole = self.chain.is_some()
            && self.model.is_some()
            && self.purpose.is_some()
            && self.received_bytes.is_some();
        let input = self.input.as_ref().filter(|_| whole);
        input.is_some_and(|input| case.question().is_of(input, self.input_salt.as_deref()) == Some(false))
    }

    /// The first thing that a rule looks at and that neither the record nor anybody says.
    fn unknown(
        &self,
        described: bool,
        served: bool,
        declared: bool,
        looked_at: &LookedAt,
    ) -> Option<&'static str> {
        let near_hour = self.input.is_none() && self.at.0 % HOUR_US < HOUR_MARGIN_US;
        let unnamed_tools = self.input.as_ref().is_some_and(|input| input.unnamed_tools > 0);
        let unnamed = !served && self.served_as.is_none();
        let no_upstream = !served && self.upstream.is_none();
        let checks = [
            (
                "tools",
                self.input.is_none(),
                "the tools offered, which records of before, and the list of calls, do not name",
            ),
            ("tools", unnamed_tools, "the tools offered, and not all of their names may stand in a record"),
            ("time", near_hour, "the time, and it was recorded within a minute after a full hour"),
            ("name", !described, "a name, and the system is not described; add it under [systems]"),
            (
                "purposes",
                !described,
                "the system's purposes, and it is not described; add it under [systems]",
            ),
            ("model", unnamed, "the model, and the record has it as it was asked for; add it under [models]"),
            (
                "upstream",
                no_upstream,
                "the upstream, which the record does not name; add the model under [models]",
            ),
            (
                "terms",
                !declared,
                "what the provider does with data, which the record does not say; add the upstream under [upstreams]",
            ),
            ("purpose", self.purpose.is_none(), "the purpose, and the call claimed none by name"),
            (
                "chain",
                self.chain.is_none(),
                "who was behind the call, which the record does not hold, or does not show",
            ),
            (
                "stream",
                self.stream.is_none(),
                "whether a stream was asked for, which denials of before did not record",
            ),
            (
                "received_bytes",
                self.received_bytes.is_none(),
                "the size of the body, which this form of the record does not hold",
            ),
        ];
        checks.into_iter().find(|(thing, missing, _)| *missing && looked_at.has(thing)).map(|(.., what)| what)
    }
}
