//! A call to ask about: a loan-support assistant on a Monday morning. Tests change the one thing that they are about.

use tabellion_model::body::{Chain, DataTerms, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_policy::{Action, NamedPolicy, PolicySet, Question, Verdict};

/// The system that [`Call::default`] comes from, as rules name it.
pub(crate) const SYSTEM: &str = "6f1d0c3b5a2e4f708192a3b4c5d6e7f8";
/// Its key.
pub(crate) const KEY: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// 2026-10-05T09:30:00Z, a Monday.
const MONDAY_MORNING: &str = "2026-10-05T09:30:00Z";

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) action: Action,
    pub(crate) system: SystemId,
    pub(crate) system_name: String,
    pub(crate) stage: SystemStage,
    pub(crate) purposes: Vec<String>,
    pub(crate) chain: Chain,
    pub(crate) model: String,
    pub(crate) asked_as: String,
    pub(crate) upstream: String,
    pub(crate) terms: DataTerms,
    pub(crate) purpose: String,
    pub(crate) stream: bool,
    pub(crate) received_bytes: u64,
    pub(crate) tools: Vec<String>,
    pub(crate) at: Micros,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            action: Action::Chat,
            system: SystemId::from_hex(SYSTEM).unwrap(),
            system_name: "Loan support assistant".to_owned(),
            stage: SystemStage::Live,
            purposes: vec!["loan-support".to_owned(), "training".to_owned()],
            chain: Chain::default(),
            model: "small-1".to_owned(),
            asked_as: "small-1".to_owned(),
            upstream: "local".to_owned(),
            terms: DataTerms::default(),
            purpose: "loan-support".to_owned(),
            stream: false,
            received_bytes: 1024,
            tools: Vec::new(),
            at: Micros::parse_date(MONDAY_MORNING).unwrap(),
        }
    }
}

impl Call {
    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            action: self.action,
            system: self.system,
            system_name: &self.system_name,
            stage: self.stage,
            purposes: &self.purposes,
            key: CredentialId::from_hex(KEY).unwrap(),
            chain: &self.chain,
            model: &self.model,
            asked_as: &self.asked_as,
            upstream: &self.upstream,
            terms: &self.terms,
            purpose: &self.purpose,
            surface: "openai.chat_completions",
            stream: self.stream,
            received_bytes: self.received_bytes,
            tools: &self.tools,
            at: self.at,
        }
    }
}

/// One policy called `house`.
pub(crate) fn house(text: &str) -> PolicySet {
    PolicySet::compile(&[NamedPolicy { name: "house", text }]).unwrap_or_else(|fault| panic!("{fault}"))
}

pub(crate) fn permit(rules: &[&str]) -> Verdict {
    Verdict::Permit { rules: rules.iter().map(|&rule| rule.to_owned()).collect() }
}

pub(crate) fn forbid(rules: &[&str]) -> Verdict {
    Verdict::Forbid { rules: rules.iter().map(|&rule| rule.to_owned()).collect() }
}
