//! Tables of cases: who calls what, and what must come of it, as TOML that people write beside their policies.
//!
//! Promises: a member that is not known is refused with its line; what a case leaves out has the one value that docs/policies.md names. Must never: pass over
//! a case.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use tabellion_model::body::{DataTerms, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_policy::{Action, Case, Known, KnownModel, KnownSystem};

use super::trials::{Expected, Trial};
use crate::failure::Failure;
use crate::files;

/// Largest table that is read: some ten thousand cases.
const MAX_TABLE_BYTES: u64 = 4 << 20;
/// When a case is that does not say: a Monday at noon.
const NOON: &str = "2026-01-05T12:00:00Z";
/// How large a body is of which a case does not say: a short question.
const BODY_BYTES: u64 = 1024;

/// A table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    systems: BTreeMap<String, SystemForm>,
    #[serde(default)]
    models: BTreeMap<String, ModelForm>,
    #[serde(default)]
    upstreams: BTreeMap<String, DataTerms>,
    #[serde(default, rename = "case")]
    cases: Vec<CaseForm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemForm {
    id: SystemId,
    name: String,
    #[serde(default)]
    purposes: Vec<String>,
    stage: Option<SystemStage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelForm {
    upstream: String,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseForm {
    name: String,
    system: String,
    action: Option<String>,
    model: String,
    upstream: Option<String>,
    purpose: Option<String>,
    surface: Option<String>,
    #[serde(default)]
    stream: bool,
    received_bytes: Option<u64>,
    #[serde(default)]
    tools: Vec<String>,
    key: Option<CredentialId>,
    at: Option<String>,
    expect: String,
    rules: Option<Vec<String>>,
}

/// What a table says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) trials: Vec<Trial>,
    pub(super) known: Known,
}

/// Reads the table at `path`.
pub(super) fn read(path: &Path) -> Result<Read, Failure> {
    let bytes = files::read_limited(path, MAX_TABLE_BYTES, "table of cases")?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::malformed(format!("{} is not UTF-8: {error}", path.display())))?;
    let table: Table = toml::from_str(&text).map_err(|error| {
        Failure::malformed(format!(
            "{} is no table of cases: {}; docs/policies.md has one",
            path.display(),
            error.to_string().trim_end().replace('\n', " ")
        ))
    })?;
    let trial = |form: &CaseForm| {
        let case = form.case(&table).map_err(|why| {
            Failure::malformed(format!("{}: the case {:?}: {why}", path.display(), form.name))
        })?;
        let expected = Expected::of(&form.expect, form.rules.clone()).ok_or_else(|| {
            let words = Expected::WORDS.join(", ");
            let given = &form.expect;
            Failure::malformed(format!(
                "{}: the case {:?} expects {given:?}; expect one of {words}",
                path.display(),
                form.name
            ))
        })?;
        Ok(Trial {
            suite: path.display().to_string(),
            name: form.name.clone(),
            system: case.system_name.clone(),
            case: Ok(case),
            expected,
        })
    };
    let trials = table.cases.iter().map(trial).collect::<Result<_, Failure>>()?;
    Ok(Read { trials, known: table.known() })
}

impl Table {
    fn known(&self) -> Known {
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
    fn case(&self, table: &Table) -> Result<Case, String> {
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
