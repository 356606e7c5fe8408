//! One call of a model: permitted before it leaves, ended when it is answered, broken when nobody knows.

use serde::{Deserialize, Serialize};

use super::assess::AwaitedLook;
use super::caller::CallerShown;
use super::input::Input;
use super::opening::Opened;
use super::pseudonym::Pseudonyms;
use crate::{CredentialId, RecordId};

/// How much of what was said is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// Digests and counts only.
    #[default]
    None,
    /// What the provider saw and answered: with placeholders in place of personal data.
    Masked,
    /// The same of what it saw alone.
    MaskedPrompt,
    /// The same of what it answered alone.
    MaskedAnswer,
}

impl Capture {
    /// Every way, what keeps least first.
    pub const ALL: [Self; 4] = [Self::None, Self::MaskedPrompt, Self::MaskedAnswer, Self::Masked];

    /// Whether prompts are kept.
    pub fn keeps_prompts(self) -> bool {
        matches!(self, Self::Masked | Self::MaskedPrompt)
    }

    /// Whether answers are.
    pub fn keeps_answers(self) -> bool {
        matches!(self, Self::Masked | Self::MaskedAnswer)
    }
}

/// How many values of one class were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masked {
    /// Class: `email`, `payment_card`, `iban`.
    pub class: String,
    /// Values, each place counted.
    pub count: u64,
    /// What took their place: `hash`, `mask` or `drop`; of an answer also `block`: they kept it back. Absent: a placeholder that the answer is given the value for; of
    /// an answer: nothing, they went on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<String>,
}

/// What the rules would have said of a call with observed texts in place of those of their names; it decided nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Digests of the texts observed, hex, by name order.
    pub policies: Vec<String>,
    /// What would have come: `permitted`, `forbidden`, `none_permits` or `erred`.
    pub verdict: String,
    /// Rules that would have decided.
    pub rules: Vec<String>,
}

/// Whether a provider trains its models on what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// It says that it does not.
    No,
    /// It does.
    Yes,
    /// Nobody has said.
    #[default]
    Unknown,
}

/// What is declared of what a provider does with data, as rules may look at it. What is not declared is not known, and never taken for good.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataTerms {
    /// Where it processes, in the words of whoever configures: `eu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// For how many days it keeps what it was sent; 0: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u64>,
    /// Whether it trains on it.
    pub training: Training,
}

impl DataTerms {
    /// Whether nothing is declared.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what is sent may be trained on: unless it is declared that it is not.
    pub fn trains(&self) -> bool {
        self.training != Training::No
    }
}

/// Which attempt of a call a record is about, where it is not the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The call: its first `call.authorised`, which is the parent `attempt_of` as well.
    pub of: RecordId,
    /// Its number; the first is 1 and says nothing of it.
    pub number: u64,
    /// Why the attempt before was not enough: a code of docs/records.md.
    pub because: String,
}

/// `call.authorised`: policy permitted the call; nothing has left yet. Header: actor = the key, system, basis = the log size that the decision saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAuthorised {
    /// Who called beside the key, and how they showed it; none where a key alone was shown. The person stands in a unit about them, as `caller_person`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caller: Option<CallerShown>,
    /// Route of the gateway: `openai.chat_completions`, `anthropic.messages` and the others of `docs/gateway.md`.
    pub surface: String,
    /// Model asked for.
    pub model: String,
    /// Upstream it goes to, by its name in the configuration.
    pub upstream: String,
    /// Model as the upstream is given it, where that is another name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_model: Option<String>,
    /// What was declared of that upstream's use of data; none where nothing was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub terms: Option<DataTerms>,
    /// Which attempt it is; none of the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt: Option<Attempt>,
    /// Whose interface the provider has, `openai` or `anthropic`, where the request was translated for it; none where it has the caller's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub translated: Option<String>,
    /// Budgets that hold for it, as `<name>@<version>`, by name order: in each, what `clear` names is reserved.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub budgets: Vec<String>,
    /// Purpose claimed.
    pub purpose: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Bytes of the body received.
    pub received_bytes: u64,
    /// SHA-256 of the body received, hex: of no bytes where there were none, or where it is a text that was handed over to be looked at; of any in records of
    /// before digests were salted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received_sha256: Option<String>,
    /// SHA-256 of the caller's salt and the body received, hex; what its bytes are cannot be tried without the salt, which is not on record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received_salted_sha256: Option<String>,
    /// The first of these two of the body to be sent, after masking and, where it is translated, after that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub forwarded_sha256: Option<String>,
    /// The second of it, under the same salt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub forwarded_salted_sha256: Option<String>,
    /// SHA-256 of the client's headers that are sent on, hex: a line `name: value` and a line feed for each, by name order. None where nothing is
    /// sent on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub forwarded_headers_sha256: Option<String>,
    /// What was replaced.
    pub masked: Vec<Masked>,
    /// What was found and let pass as it was, because rules of masking say so, or because it was only to be found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub passed: Vec<Masked>,
    /// Rules of masking that were for it, as `<name>@<version>`, by name order; none where only the default holds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub masking: Vec<String>,
    /// How placeholders were made and what becomes of them; none: as wherever no rule says so, for all calls of the system, given back, and not kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pseudonyms: Option<Box<Pseudonyms>>,
    /// Digests of the policies in force, hex, by name order.
    pub policies: Vec<String>,
    /// Rules that decided, as `<policy name>.<rule id>`.
    pub rules: Vec<String>,
    /// What the rules were given; none: a record of before it was kept, or one of no rule or of many decisions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input: Option<Box<Input>>,
    /// What the guards of prompts said.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub guards: Vec<Guarded>,
    /// The looks that guards will take when it is over, each of which is in `call.assessed` then; none where no such guard is for it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub guards_after: Vec<AwaitedLook>,
    /// What observed policies would have done; none where none is observed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<Observed>,
    /// What of the organisation's own the prompt stands on, by the caller's word: `record:<id>` and `sha256:<digest>`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub references: Vec<String>,
    /// By which opening it goes where nothing looks into it; none: on a route that is governed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opened: Option<Opened>,
    /// How often the client's library had tried before.
    pub retry: u64,
    /// The body to be sent, when the system's capture keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompt: Option<String>,
    /// Why `prompt` is not here: `capture_off`, `too_large`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompt_withheld: Option<String>,
}

/// How a guard's look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardOutcome {
    /// It found nothing.
    Passed,
    /// It found something, and the call went on.
    Flagged,
    /// It found something, and stopped the call.
    Blocked,
    /// It could not look; the call was stopped for it, unless the guard is set up to let such calls go on.
    Errored,
    /// It did not look: there was nothing to look at, or the answer ended before it could.
    NotRun,
}

/// What one guard said of a prompt or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// Its name in the configuration.
    pub guard: String,
    /// What it does and with which settings: kind, number of the kind, digest of the settings; of one that asks a service, that one's version as it was set
    /// up, and in brackets what it calls itself.
    pub version: String,
    /// How its look ended.
    pub outcome: GuardOutcome,
    /// What it found, by labels that hold no text: `word 3`, a topic's name, a class of secrets; where it could not look, why.
    pub found: Vec<String>,
    /// How many changes of it were put into the text that went on; none: it changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<u64>,
}

/// Tokens as the provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: u64,
    /// Of the answer.
    pub completion_tokens: u64,
}

/// How the call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The provider answered whole.
    Answered,
    /// The provider refused, with its own error.
    Refused,
    /// The provider could not be reached, broke off, or answered what is no answer.
    Failed,
    /// The client went away first.
    Abandoned,
    /// The gateway ended it: a limit, a stop, a rule.
    Cut,
}

/// What of the answer reached the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// All of it is released by this record.
    Whole,
    /// A part, and no more.
    Partial,
    /// Nothing of the provider's answer.
    Nothing,
    /// Nobody knows: the process ended in between.
    Unknown,
}

/// What the provider said of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answered {
    /// Model that answered, by its own word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// Why it stopped, of the first choice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finish_reason: Option<String>,
    /// Names of the tools it asked for, in order.
    pub tools: Vec<String>,
    /// Its token counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub usage: Option<Usage>,
    /// By which names later prompts can refer to what the provider keeps of it, each as the digest of docs/records.md: 32 hex digits. Empty: by none, or a record
    /// of before it was kept.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub kept: Vec<String>,
}

/// What was said over a socket, beside what came from the provider: that is `received_bytes` and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversed {
    /// Bytes that the client sent after the switch, frames and all, as they went on to the provider.
    pub sent_bytes: u64,
    /// SHA-256 of them, hex; of none where there were none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sent_sha256: Option<String>,
    /// SHA-256 of the salt of the call and of them, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sent_salted_sha256: Option<String>,
    /// Whole messages from the client, texts and bytes.
    pub sent_messages: u64,
    /// Whole messages from the provider.
    pub received_messages: u64,
    /// Responses that the provider said were over.
    pub responses: u64,
    /// Responses that it had begun and not ended: what they took nobody knows.
    pub unfinished: u64,
}

/// `call.completed`: the end of a call, durable before the last of the answer is released. Parent `authorised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCompleted {
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status given to the client.
    pub status: u64,
    /// HTTP status that the provider gave, when it gave one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_status: Option<u64>,
    /// Why, where `outcome` is not `answered`: a code of docs/records.md.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// What of the answer was released.
    pub delivered: Delivered,
    /// The provider's own account.
    pub answered: Answered,
    /// Bytes received from the provider.
    pub received_bytes: u64,
    /// SHA-256 of them, hex: of none where there were none; of any in records of before digests were salted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received_sha256: Option<String>,
    /// SHA-256 of the salt of the call and of them, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received_salted_sha256: Option<String>,
    /// The first of these two of the bytes released to the client, placeholders restored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub released_sha256: Option<String>,
    /// The second of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub released_salted_sha256: Option<String>,
    /// What the model brought up by itself in the answer: what rules of masking for answers made of it, and else what was found and went on. Where the answer is kept, all
    /// of it is replaced.
    pub masked: Vec<Masked>,
    /// What the guards of answers said.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub guards: Vec<Guarded>,
    /// What was said over a socket, where the call was a conversation in real time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conversed: Option<Conversed>,
    /// From the request's last byte to the end, microseconds.
    pub duration_us: u64,
    /// From the request's last byte to the provider's first, microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_byte_us: Option<u64>,
    /// The provider's body, when the system's capture keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<String>,
    /// Why `answer` is not here: `capture_off`, `too_large`, `no_answer`, `no_room`; `erased`: the call, its person or its system was erased before it ended, and
    /// nothing that tells what was said is here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer_withheld: Option<String>,
}

/// `call.denied`: an authenticated call that was not let through; nothing left. Header as `call.authorised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDenied {
    /// Who called beside the key, and how they showed it; none where a key alone was shown. The person stands in a unit about them, as `caller_person`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caller: Option<CallerShown>,
    /// Why, one word that programs may rely on: a code of docs/records.md.
    pub code: String,
    /// Why, as the client was told.
    pub reason: String,
    /// HTTP status given.
    pub status: u64,
    /// Route of the gateway.
    pub surface: String,
    /// Model asked for, when the body could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// Upstream that the model would have led to, by its name in the configuration; none: to none, or a record of before denials named it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream: Option<String>,
    /// Model as that upstream would have been given it, where that is another name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_model: Option<String>,
    /// What was declared of that upstream's use of data; none where nothing was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub terms: Option<DataTerms>,
    /// Which attempt of a call it would have been; none of a call of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt: Option<Attempt>,
    /// Purpose claimed, when it could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<String>,
    /// Bytes of the body received.
    pub received_bytes: u64,
    /// SHA-256 of them, hex: of none where none were read; of any in records of before digests were salted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received_sha256: Option<String>,
    /// SHA-256 of the caller's salt and of them, hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received_salted_sha256: Option<String>,
    /// Digests of the policies in force, hex, by name order.
    pub policies: Vec<String>,
    /// Rules that forbade it; empty when none permitted it.
    pub rules: Vec<String>,
    /// What the rules were given; none: a record of before it was kept, or no rule was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input: Option<Box<Input>>,
    /// What the guards of prompts said, when it came to them; a rule of masking that blocks says it here too, as `masking.<name>`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub guards: Vec<Guarded>,
    /// What observed policies would have done; none where none is observed, or no rule was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<Observed>,
    /// How often the client's library had tried before.
    pub retry: u64,
}

/// `call.broken`: a call that a start found open. Parent `authorised`. What the client got is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBroken {
    /// Always [`Delivered::Unknown`].
    pub delivered: Delivered,
    /// Why: `process_ended`.
    pub code: String,
    /// The key that made the call.
    pub key: CredentialId,
}
