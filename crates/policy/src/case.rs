//! A call to ask about that is kept: what [`Question`] borrows, owned.
//!
//! Promises: asks exactly what the gateway would ask of such a call.

use tabellion_model::body::{Chain, DataTerms, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};

use crate::question::{Action, Question};

/// One call; the members are those of [`Question`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What is to be done.
    pub action: Action,
    /// The system that calls.
    pub system: SystemId,
    /// What people call the system.
    pub system_name: String,
    /// Where the system stands.
    pub stage: SystemStage,
    /// What the system may be used for.
    pub purposes: Vec<String>,
    /// The key that the call came with.
    pub key: CredentialId,
    /// Who is behind the call beside the key.
    pub chain: Chain,
    /// The model, by the name that the upstream will be given.
    pub model: String,
    /// The model, by the name that the application used.
    pub asked_as: String,
    /// The upstream.
    pub upstream: String,
    /// What is declared of the upstream's use of data.
    pub terms: DataTerms,
    /// The purpose claimed for this call.
    pub purpose: String,
    /// Route of the gateway.
    pub surface: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Size of the body as received, bytes.
    pub received_bytes: u64,
    /// Names of the tools that the model is offered.
    pub tools: Vec<String>,
    /// When the call arrived.
    pub at: Micros,
}

impl Case {
    /// The question.
    pub fn question(&self) -> Question<'_> {
        Question {
            action: self.action,
            system: self.system,
            system_name: &self.system_name,
            stage: self.stage,
            purposes: &self.purposes,
            key: self.key,
            chain: &self.chain,
            model: &self.model,
            asked_as: &self.asked_as,
            upstream: &self.upstream,
            terms: &self.terms,
            purpose: &self.purpose,
            surface: &self.surface,
            stream: self.stream,
            received_bytes: self.received_bytes,
            tools: &self.tools,
            at: self.at,
        }
    }
}
