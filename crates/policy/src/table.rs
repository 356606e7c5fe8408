//! Tables of cases: who calls what, and what must come of it, as people write them beside their policies and packs carry them.
//!
//! Promises: a member that is not known is refused; what a case leaves out has the one value that docs/policies.md names; a table that was read is written the
//! same way again. Must never: pass over a case.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tabellion_model::body::{Chain, DataTerms, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};

use crate::case::Case;
use crate::question::Action;
use crate::recorded::{Known, KnownModel, KnownSystem};
use crate::verdict::Verdict;

/// When a case is that does not say: a Monday at noon.
const NOON: &str = "2026-01-05T12:00:00Z";
/// How large a body is of which a case does not say: a short question.
const BODY_BYTES: u64 = 1024;

/// A table as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseTable {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    systems: BTreeMap<String, SystemForm>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    models: BTreeMap<String, ModelForm>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    upstreams: BTreeMap<String, DataTerms>,
    #[serde(default, rename = "case", skip_serializing_if = "Vec::is_empty")]
    cases: Vec<CaseForm>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemForm {
    id: SystemId,
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    purposes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<SystemStage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelForm {
    upstream: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseForm {
    name: String,
    system: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    surface: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tools: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<CredentialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    expect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<String>>,
}

/// What must come of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    word: String,
    /// The rules that must decide, in any order; absent: any.
    rules: Option<Vec<String>>,
}

impl Expected {
    /// What a verdict is called; `denied` is any but the first.
    pub const WORDS: [&str; 5] = ["permitted", "forbidden", "none_permits", "erred", "denied"];

    /// What is called `word`; none: nothing is.
    pub fn of(word: &str, rules: Option<Vec<String>>) -> Option<Self> {
        let sorted = |mut rules: Vec<String>| {
            rules.sort_unstable();
            rules
        };
        Self::WORDS.contains(&word).then(|| Self { word: word.to_owned(), rules: rules.map(sorted) })
    }

    /// A verdict that must come again.
    pub fn exactly(word: &str, mut rules: Vec<String>) -> Self {
        rules.sort_unstable();
        Self { word: word.to_owned(), rules: Some(rules) }
    }

    /// A verdict that must come again, by whatever rules.
    pub fn by_any_rules(word: &str) -> Self {
        Self { word: word.to_owned(), rules: None }
    }

    /// Whether `verdict` is what must come.
    pub fn is_met(&self, verdict: &Verdict) -> bool {
        let word = self.word == verdict.as_str() || self.word == "denied" && !verdict.permits();
        let mut rules = verdict.rules().to_vec();
        rules.sort_unstable();
        word && self.rules.as_ref().is_none_or(|expected| *expected == rules)
    }

    /// In words.
    pub fn said(&self) -> String {
        said(&self.word, self.rules.as_deref().unwrap_or_default())
    }
}

/// A verdict in words.
pub fn said_of(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Erred { what, .. } => format!("{}: {what}", said(verdict.as_str(), verdict.rules())),
        _ => said(verdict.as_str(), verdict.rules()),
    }
}

fn said(word: &str, rules: &[String]) -> String {
    if rules.is_empty() { word.to_owned() } else { format!("{word} by {}", rules.join(", ")) }
}

/// One case of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCase {
    /// What it is called.
    pub name: String,
    /// The call.
    pub case: Case,
    /// What must come of it.
    pub expected: Expected,
}

impl CaseTable {
    /// Its cases, in their order; the error names the first that cannot be asked and says what to write.
    pub fn cases(&self) -> Result<Vec<TableCase>, String> {
        self.cases.iter().map(|form| form.read(self)).collect()
    }

    /// What it says besides its cases.
    pub fn known(&self) -> Known {
        let system = |form: &SystemForm| {
            (form.id, KnownSystem { name: form.name.clone(), purposes: form.purposes.clone() })
        };
        let model = |(asked_as, form): (&String, &ModelForm)| {
            let name = form.name.clone().unwrap_or_else(|| asked_as.clone());
            (asked_as.clone(), KnownModel { name, upstream: form.upstream.clone() })
        };
        Known {
            systems: self.systems.values().map(system).collect(),
            models: self.models.iter().map(model).collect(),
            upstreams: self.upstreams.clone(),
        }
    }
}

impl CaseForm {
    fn read(&self, table: &CaseTable) -> Result<TableCase, String> {
        let case = self.case(table).map_err(|why| format!("the case {:?}: {why}", self.name))?;
        let expected = Expected::of(&self.expect, self.rules.clone()).ok_or_else(|| {
            let words = Expected::WORDS.join(", ");
            format!("the case {:?} expects {:?}; expect one of {words}", self.name, self.expect)
        })?;
        Ok(TableCase { name: self.name.clone(), case, expected })
    }

    fn case(&self, table: &CaseTable) -> Result<Case, String> {
        let system = table.systems.get(&self.system).ok_or_else(|| {
            format!("there is no [systems.{}]; add it with the system's id and name", self.system)
        })?;
        let (action, surface) = match self.action.as_deref() {
            None | Some("chat") => (Action::Chat, "openai.chat_completions"),
            Some("embed") => (Action::Embed, "openai.embeddings"),
            Some("opaque") => (Action::Opaque, "opaque.files.create"),
            Some("passthrough") => (Action::Passthrough, "passthrough.gemini.generate"),
            Some("list_models") => (Action::ListModels, "openai.models"),
            Some(other) => {
                return Err(format!(
                    "there is no action {other:?}; write chat, embed, opaque, passthrough or list_models"
                ));
            }
        };
        let served = table.models.get(&self.model);
        let upstream = self.upstream.clone().or_else(|| served.map(|served| served.upstream.clone()));
        let upstream = upstream.ok_or_else(|| {
            format!("where is {:?} served? Say upstream, or add it under [models]", self.model)
        })?;
        let at = self.at.as_deref().unwrap_or(NOON);
        let at = Micros::parse_date(at).map_err(|error| format!("at = {at:?}: {error}"))?;
        Ok(Case {
            action,
            system: system.id,
            system_name: system.name.clone(),
            stage: system.stage.unwrap_or(SystemStage::Live),
            purposes: system.purposes.clone(),
            key: self.key.unwrap_or(CredentialId::from_bytes([0; 16])),
            chain: Chain {
                person: self.person.clone(),
                agent: self.agent.clone(),
                groups: self.groups.clone(),
            },
            model: served.and_then(|served| served.name.clone()).unwrap_or_else(|| self.model.clone()),
            asked_as: self.model.clone(),
            // What nobody declares is declared nowhere in production either.
            terms: table.upstreams.get(&upstream).cloned().unwrap_or_default(),
            upstream,
            purpose: self.purpose.clone().or_else(|| system.purposes.first().cloned()).unwrap_or_default(),
            surface: self.surface.clone().unwrap_or_else(|| surface.to_owned()),
            stream: self.stream,
            received_bytes: self.received_bytes.unwrap_or(BODY_BYTES),
            tools: self.tools.clone(),
            at,
        })
    }
}
