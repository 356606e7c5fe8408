//! A guard as an operator writes it down.

use serde::{Deserialize, Serialize};
use tabellion_guard::{Rule, Topic};

use crate::guards::cost::CostConfig;
use crate::guards::outside::config::{ServiceConfig, Shape};
use crate::guards::rego::RegoConfig;
use crate::guards::schema::config::SchemaConfig;

/// The place of a guard that names none.
pub(crate) const DEFAULT_ORDER: u32 = 100;

/// What a guard looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What is sent to the model: the whole request.
    Prompt,
    /// What comes back from it.
    Answer,
}

/// What becomes of a call in which a guard finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is stopped.
    #[default]
    Block,
    /// It goes on, and its record says what was found.
    Flag,
}

/// What a guard looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words and phrases of a list.
    Words,
    /// Topics, by several of their terms.
    Topics,
    /// Phrases by which a text tries to take the model over: a heuristic.
    Injection,
    /// Characters that people do not see, where they carry something.
    Invisible,
    /// Keys, tokens and passwords, as masking knows them.
    Secrets,
    /// More bytes, or more tools, than wanted.
    Size,
    /// The provider's own word that it withheld or filtered something.
    ProviderFlags,
    /// That the call says what of the organisation's own it stands on.
    References,
    /// What a service of somebody else's finds, which is asked over HTTP.
    Http,
    /// The same over gRPC.
    Grpc,
    /// That an answer is not JSON as a schema has it.
    Schema,
    /// What a policy in Rego says of the facts of a call.
    Rego,
    /// More than a call may take, in tokens or money.
    Cost,
}

/// A topic of a guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicConfig {
    /// Its name in records: `[a-z0-9-]`, at most 48.
    pub name: String,
    /// Words and phrases that speak of it.
    pub terms: Vec<String>,
    /// How many different ones make it the topic.
    #[serde(default = "two")]
    pub at_least: usize,
}

fn two() -> usize {
    2
}

/// One guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardConfig {
    /// Its name in records and refusals: `[a-z0-9-]`, at most 64.
    pub name: String,
    /// What it looks for.
    pub kind: Kind,
    /// What it looks at.
    #[serde(default = "both")]
    pub on: Vec<Side>,
    /// What becomes of a call in which it finds something.
    #[serde(default)]
    pub mode: Mode,
    /// Ids of the systems it is for; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<String>,
    /// Purposes it is for; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// Routes it is for, as records name them; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Its place among all guards: those with smaller numbers come first; none: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// Of `words`: the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Of `topics`: the topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicConfig>,
    /// Of `size`: most bytes of what it looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Of `size`: most tools that a request offers the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tools: Option<u64>,
    /// Of `cost`: most that a call may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostConfig>,
    /// Of `references`: how many a call must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<usize>,
    /// Of `http` and `grpc`: the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceConfig>,
    /// Of `http` and `grpc`: a text that the service must find, to try it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    /// Of `http` and `grpc`: whether the service may have texts changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_edit: bool,
    /// Of `schema`: what answers are held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaConfig>,
    /// Of `rego`: the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rego: Option<RegoConfig>,
}

fn both() -> Vec<Side> {
    vec![Side::Prompt, Side::Answer]
}

impl GuardConfig {
    /// A guard of this kind and name over prompts and answers that stops what it finds.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            on: both(),
            mode: Mode::Block,
            systems: Vec::new(),
            purposes: Vec::new(),
            routes: Vec::new(),
            order: None,
            words: Vec::new(),
            topics: Vec::new(),
            max_bytes: None,
            max_tools: None,
            cost: None,
            references: None,
            service: None,
            canary: None,
            may_edit: false,
            schema: None,
            rego: None,
        }
    }

    /// What it looks for in text; `None`: it looks at something else.
    pub(crate) fn rule(&self) -> Option<Rule> {
        let topic = |topic: &TopicConfig| Topic {
            name: topic.name.clone(),
            terms: topic.terms.clone(),
            at_least: topic.at_least,
        };
        match self.kind {
            Kind::Words => Some(Rule::Words(self.words.clone())),
            Kind::Topics => Some(Rule::Topics(self.topics.iter().map(topic).collect())),
            Kind::Injection => Some(Rule::Injection),
            Kind::Invisible => Some(Rule::Invisible),
            Kind::Secrets
            | Kind::Size
            | Kind::ProviderFlags
            | Kind::References
            | Kind::Http
            | Kind::Grpc
            | Kind::Schema
            | Kind::Rego
            | Kind::Cost => None,
        }
    }

    /// What is set that its kind does not have, or missing that it needs.
    pub(crate) fn misfit(&self) -> Option<&'static str> {
        let has = (!self.words.is_empty(), !self.topics.is_empty());
        if has != (self.kind == Kind::Words, self.kind == Kind::Topics) {
            return Some("kind words takes words, topics takes topics, and no other kind takes any of these");
        }
        if self.references.is_some() != (self.kind == Kind::References) || self.references == Some(0) {
            return Some("kind references takes at_least, 1 or more, and no other kind but topics does");
        }
        if self.kind == Kind::References && self.on != [Side::Prompt] {
            return Some("kind references looks at prompts alone; set on = [\"prompt\"]");
        }
        let asks = matches!(self.kind, Kind::Http | Kind::Grpc);
        if self.service.is_some() != asks {
            return Some(
                "kind http takes a service: url, shape and version, and kind grpc url and version; no other kind takes any of its settings",
            );
        }
        let is_grpc = self.service.as_ref().is_some_and(|service| service.shape == Shape::Grpc);
        if is_grpc != (self.kind == Kind::Grpc) {
            return Some("kind grpc has one shape alone, and no other kind has it; leave shape out there");
        }
        if self.rego.is_some() != (self.kind == Kind::Rego) {
            return Some(
                "kind rego takes a policy: policy and query; no other kind takes any of its settings",
            );
        }
        if self.kind == Kind::Rego && self.on != [Side::Prompt] {
            return Some("kind rego is asked before a call is sent; set on = [\"prompt\"]");
        }
        if self.canary.is_some() && !asks {
            return Some(
                "canary is for kinds http and grpc: what the other kinds must find follows from their settings",
            );
        }
        if self.may_edit && !asks {
            return Some("may_edit is for kinds http and grpc: no other kind changes a text; remove it");
        }
        if self.canary.as_deref().is_some_and(|canary| canary.trim().is_empty()) {
            return Some(
                "canary is empty, and there is nothing in it to find; write a text that the service must find, or leave canary out",
            );
        }
        if self.schema.is_some() != (self.kind == Kind::Schema) {
            return Some("kind schema takes schema or tools, or both, and no other kind takes any of these");
        }
        if self.kind == Kind::Schema && self.on != [Side::Answer] {
            return Some("kind schema looks at answers alone; set on = [\"answer\"]");
        }
        if self.on.is_empty() {
            return Some("on names nothing to look at; it takes \"prompt\", \"answer\" or both");
        }
        if self.kind == Kind::ProviderFlags && self.on.contains(&Side::Prompt) {
            return Some("kind provider_flags looks at answers alone; set on = [\"answer\"]");
        }
        self.misfit_of_limits()
    }

    /// The same of how much a call may be.
    fn misfit_of_limits(&self) -> Option<&'static str> {
        if (self.max_bytes.is_some() || self.max_tools.is_some()) != (self.kind == Kind::Size) {
            return Some(
                "kind size takes max_bytes or max_tools, or both, and no other kind takes any of these",
            );
        }
        if self.max_bytes == Some(0) {
            return Some("max_bytes 0 would stop everything; set at least 1");
        }
        let prompts_alone = self.on == [Side::Prompt];
        if self.kind == Kind::Size && self.max_bytes.is_none() && !prompts_alone {
            return Some("max_tools looks at prompts alone; set on = [\"prompt\"], or max_bytes beside it");
        }
        if self.max_tools.is_some() && !self.on.contains(&Side::Prompt) {
            return Some("max_tools looks at prompts, and on leaves them out; add \"prompt\"");
        }
        if self.cost.is_some() != (self.kind == Kind::Cost) {
            return Some(
                "kind cost takes max_per_call with currency, max_input_tokens or max_output_tokens, and no other kind takes any of these",
            );
        }
        if self.kind == Kind::Cost && !prompts_alone {
            return Some("kind cost is asked before a call is sent; set on = [\"prompt\"]");
        }
        self.cost.as_ref().and_then(CostConfig::misfit)
    }
}
