//! Recorded decisions as lines: calls as the API gives them.

use std::path::Path;

use serde::Deserialize;
use tabellion_model::body::DataTerms;
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_policy::{Expected, KnownSystem, RecordedDecision};

use crate::failure::Failure;
use crate::files;

/// Largest file of lines that is read: some hundred thousand calls.
const MAX_LINES_BYTES: u64 = 256 << 20;

/// A decision, with its system as it was described then, where that is known.
pub(super) type Decided = (RecordedDecision, Option<KnownSystem>);

/// A call as `GET /api/v1/calls` gives it, as far as a decision goes; the rest is passed over.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    system: Option<SystemId>,
    key: CredentialId,
    surface: Option<String>,
    model: Option<String>,
    purpose: Option<String>,
    decision: DecisionForm,
    evidence: EvidenceForm,
}

#[derive(Debug, Deserialize)]
struct DecisionForm {
    permitted: bool,
    rules: Option<Vec<String>>,
    code: Option<String>,
    at: String,
}

#[derive(Debug, Deserialize)]
struct EvidenceForm {
    stream: Option<bool>,
    upstream: Option<String>,
    #[serde(default)]
    terms: Option<DataTerms>,
}

/// Reads the lines at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<Decided>, Failure> {
    let bytes = files::read_limited(path, MAX_LINES_BYTES, "file of recorded decisions")?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::malformed(format!("{} is not UTF-8: {error}", path.display())))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let unusable = |why: String| {
                let (file, number) = (path.display(), number + 1);
                Failure::malformed(format!(
                    "{file}, line {number}: {why}; each line is one of the calls of GET /api/v1/calls"
                ))
            };
            let line: Line = serde_json::from_str(line).map_err(|error| unusable(error.to_string()))?;
            let at = Micros::parse_date(&line.decision.at).map_err(|error| unusable(error.to_string()))?;
            Ok((line.decided(at), None))
        })
        .collect()
}

impl Line {
    fn decided(self, at: Micros) -> RecordedDecision {
        RecordedDecision {
            name: format!("call {}", self.id),
            system: self.system,
            key: self.key,
            chain: None,
            // Erased content is null, its rules too; a decision without them cannot be held against anything.
            surface: self.surface.filter(|_| self.decision.rules.is_some()),
            model: self.model,
            served_as: None,
            upstream: self.evidence.upstream,
            terms: self.evidence.terms,
            purpose: self.purpose,
            stream: self.evidence.stream,
            received_bytes: None,
            at,
            input: None,
            input_salt: None,
            permitted: self.decision.permitted,
            code: self.decision.code,
            policies: Vec::new(),
            rules: self.decision.rules.unwrap_or_default(),
        }
    }
}

/// What was decided, as what must come again.
pub(super) fn expected(decision: &RecordedDecision) -> Expected {
    if decision.rules_permitted() && !decision.permitted {
        // Which rules permitted it, the record of its denial does not say.
        return Expected::by_any_rules("permitted");
    }
    let word = match (decision.permitted, decision.code.as_deref(), decision.rules.is_empty()) {
        (true, ..) => "permitted",
        (false, Some("policy_error"), _) => "erred",
        (false, _, true) => "none_permits",
        (false, _, false) => "forbidden",
    };
    Expected::exactly(word, decision.rules.clone())
}
