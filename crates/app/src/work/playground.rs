//! Calls that are tried: what the gateway would do with one, by the policies in force or by drafts of them (docs/playground.md).
//!
//! Promises: decided by the gateway's own steps; nothing is recorded, and neither the log nor a view nor an anchor changes. Must never: keep, log or repeat in an
//! error what somebody tries.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::CredentialId;
use tabellion_model::body::{Answered, Delivered, Guarded, Masked, Outcome as CallOutcome};

use super::assessments::said;
use super::calls::{GuardSaid, MaskedCount, counts, word};
use super::forms::{DigestForm, IdForm, Line, PolicyNameForm, Word};
use super::policies::PolicyText;
use super::{Actor, Desk};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Most texts that are drafted at a time: what a person edits.
const MAX_DRAFTS: usize = 8;

/// The gateway, for calls that are tried; a refusal says why not, without anything of the call.
pub type Playground = Arc<dyn Fn(&Asked) -> Result<Outcome, Refusal> + Send + Sync>;

/// What the gateway is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    /// The key.
    pub key: CredentialId,
    /// Route of the gateway.
    pub surface: String,
    /// Purpose that is claimed.
    pub purpose: Option<String>,
    /// The body.
    pub body: String,
    /// Texts by name.
    pub drafts: Vec<(String, String)>,
    /// Whether the provider is asked, where the call would be sent.
    pub asks: bool,
}

/// What the gateway says.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Why it would be refused: code and sentence.
    pub refused: Option<(&'static str, String)>,
    /// What would be sent.
    pub sent: Option<Sent>,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// Digests of the policies that decided.
    pub policies: Vec<String>,
    /// What guards said.
    pub guards: Vec<Guarded>,
    /// Budgets that hold, once it came to them and they had room.
    pub budgets: Option<Vec<String>>,
    /// Log size of what it was decided on.
    pub position: u64,
    /// What came of it where it was sent; none: it was not.
    pub answered: Option<Answer>,
}

/// What came of a call that was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub outcome: CallOutcome,
    /// Why, where it was not answered.
    pub code: Option<String>,
    /// HTTP status that the application would be given.
    pub status: u64,
    /// What of the answer the application would have.
    pub delivered: Delivered,
    /// That, as it would have it.
    pub body: String,
    /// Whether there was more than is shown.
    pub is_cut: bool,
    /// What guards said of it.
    pub guards: Vec<Guarded>,
    /// What the model brought up itself.
    pub masked: Vec<Masked>,
    /// The provider's own account.
    pub answered: Answered,
    /// How long it took, microseconds.
    pub duration_us: u64,
}

/// A request as its provider would get it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    /// Model asked for.
    pub model: String,
    /// Provider.
    pub upstream: String,
    /// Model as the provider is given it, where that is another name.
    pub upstream_model: Option<String>,
    /// Purpose that applies.
    pub purpose: String,
    /// The body.
    pub body: String,
    /// What was masked.
    pub masked: Vec<Masked>,
    /// What was found and passed.
    pub passed: Vec<Masked>,
    /// Rules of masking that applied.
    pub masking: Vec<String>,
}

/// A text in place of the policy of its name, or beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlaygroundDraft")]
pub struct Draft {
    /// The policy's name.
    #[schemars(with = "PolicyNameForm")]
    pub name: Word,
    /// The text, in Cedar.
    #[schemars(length(min = 1, max = 65536))]
    pub text: String,
}

/// A call to try.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlaygroundCall")]
pub struct NewTrial {
    /// The key that it would come with; its secret is not asked for. Its system is the one that calls.
    #[schemars(with = "IdForm")]
    pub key: CredentialId,
    /// Route of the gateway, as records name it: `openai.chat_completions`.
    pub surface: Line,
    /// Purpose that it would claim; absent: the key's first.
    #[serde(default)]
    pub purpose: Option<Word>,
    /// The body, byte for byte as an application would send it.
    #[schemars(length(min = 1, max = 1_048_576))]
    pub body: String,
    /// Texts that are tried as if they were in force.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub policies: Vec<Draft>,
    /// Whether the provider is asked, where the call would be sent: it costs what such a call costs, and no budget is told. Needs `ask_providers`.
    #[serde(default)]
    pub ask: bool,
}

/// A request as its provider would get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlaygroundRequest")]
pub struct SentShown {
    /// Model asked for.
    pub model: String,
    /// Provider.
    pub upstream: String,
    /// Model as the provider is given it; null: the same.
    pub upstream_model: Option<String>,
    /// Purpose that applies.
    pub purpose: String,
    /// The body.
    pub body: String,
    /// What was replaced in it.
    pub masked: Vec<MaskedCount>,
    /// What was found in it and passed.
    pub passed: Vec<MaskedCount>,
    /// Rules of masking that applied.
    pub masking: Vec<String>,
}

/// What a provider answered to a call that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlaygroundAnswer")]
pub struct AnswerShown {
    /// `answered`, `refused`, `failed` or `cut`, as calls end.
    pub outcome: String,
    /// Why, where it was not answered, a code of docs/records.md.
    pub code: Option<String>,
    /// HTTP status that the application would be given.
    pub status: u64,
    /// What of the answer the application would have: `whole`, `partial` or `nothing`.
    pub delivered: String,
    /// What the application would have: values given back, a stream with its events.
    pub body: String,
    /// Whether it is longer than what is shown, at most 1 MiB.
    pub is_cut: bool,
    /// What guards said of it.
    pub guards: Vec<GuardSaid>,
    /// What the model brought up itself.
    pub masked: Vec<MaskedCount>,
    /// Model that answered, by its own word.
    pub answered_by: Option<String>,
    /// Names of the tools it asked for.
    pub tools: Vec<String>,
    /// Tokens of the prompt, as the provider counted.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer.
    pub completion_tokens: Option<u64>,
    /// How long it took, microseconds.
    pub duration_us: u64,
}

/// What would come of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlaygroundResult")]
pub struct Trial {
    /// Whether it would be sent.
    pub permitted: bool,
    /// Why not, a code of docs/records.md; null: it would be sent.
    pub code: Option<&'static str>,
    /// Why not, as the application would be told.
    pub reason: Option<String>,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// Digests of the policies and packs that decided, drafts among them.
    #[schemars(with = "Vec<DigestForm>")]
    pub policies: Vec<String>,
    /// What would be sent; null: rules, masking or a guard stop it.
    pub sent: Option<SentShown>,
    /// What guards said.
    pub guards: Vec<GuardSaid>,
    /// Budgets that hold and have room, as `name@version`; null: it did not come to them, or one has none. Nothing is reserved.
    pub budgets: Option<Vec<String>>,
    /// Log size of what it was decided on.
    pub position: u64,
    /// What came of it where it was sent; null: it was not.
    pub answered: Option<AnswerShown>,
    /// Whether anything was recorded: never.
    pub recorded: bool,
}

impl Desk {
    /// Tries a call on `playground`.
    pub fn try_call(
        &self,
        actor: &Actor,
        playground: Option<&Playground>,
        new: NewTrial,
    ) -> Result<Trial, Refusal> {
        self.check_present()?;
        let row = self.views.credential(&new.key)?.ok_or_else(|| Refusal::not_found("key"))?;
        self.reach_system(actor, Permission::TryCalls, row.system)?;
        if new.ask {
            self.reach_system(actor, Permission::AskProviders, row.system)?;
        }
        let playground = playground.ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                "no gateway runs here to try a call on; configure a provider, and start again",
            )
        })?;
        let _place = self.playing.try_lock().ok().ok_or_else(|| {
            Refusal::new(Code::Unavailable, "somebody else's call is being tried; try again in a moment")
        })?;
        let drafts = self.checked_drafts(new.policies)?;
        let NewTrial { key, surface, purpose, body, ask, .. } = new;
        let purpose = purpose.map(|purpose| purpose.as_str().to_owned());
        let asked = Asked { key, surface: surface.into_string(), purpose, body, drafts, asks: ask };
        Ok(shown(playground(&asked)?))
    }

    fn checked_drafts(&self, drafts: Vec<Draft>) -> Result<Vec<(String, String)>, Refusal> {
        if drafts.len() > MAX_DRAFTS {
            let text = format!("{MAX_DRAFTS} texts are drafted at most");
            return Err(Refusal::at(Code::Malformed, "/policies", text));
        }
        let mut names = BTreeSet::new();
        let read = drafts.into_iter().enumerate().map(|(number, draft)| {
            let place = format!("/policies/{number}");
            let Draft { name, text } = draft;
            let tried = PolicyText { text };
            self.check_policy(&tried).map_err(|refusal| refusal.within(&place))?;
            if !names.insert(name.as_str().to_owned()) {
                let text = "two drafts have this name";
                return Err(Refusal::at(Code::Malformed, format!("{place}/name"), text));
            }
            Ok((name.as_str().to_owned(), tried.text))
        });
        read.collect()
    }
}

fn shown(outcome: Outcome) -> Trial {
    let (code, reason) = outcome.refused.unzip();
    Trial {
        permitted: code.is_none(),
        code,
        reason,
        rules: outcome.rules,
        policies: outcome.policies,
        sent: outcome.sent.map(|sent| SentShown {
            model: sent.model,
            upstream: sent.upstream,
            upstream_model: sent.upstream_model,
            purpose: sent.purpose,
            body: sent.body,
            masked: counts(&sent.masked),
            passed: counts(&sent.passed),
            masking: sent.masking,
        }),
        guards: outcome.guards.iter().map(said("prompt")).collect(),
        budgets: outcome.budgets,
        position: outcome.position,
        answered: outcome.answered.map(answer_shown),
        recorded: false,
    }
}

fn answer_shown(answer: Answer) -> AnswerShown {
    let usage = answer.answered.usage;
    AnswerShown {
        outcome: word(&answer.outcome).unwrap_or_default(),
        code: answer.code,
        status: answer.status,
        delivered: word(&answer.delivered).unwrap_or_default(),
        body: answer.body,
        is_cut: answer.is_cut,
        guards: answer.guards.iter().map(said("answer")).collect(),
        masked: counts(&answer.masked),
        answered_by: answer.answered.model,
        tools: answer.answered.tools,
        prompt_tokens: usage.map(|usage| usage.prompt_tokens),
        completion_tokens: usage.map(|usage| usage.completion_tokens),
        duration_us: answer.duration_us,
    }
}
