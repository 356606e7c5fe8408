//! The Statement of Applicability as one document: its 38 rows and the digest that an approval names.
//!
//! Promises: one digest per statement, whoever computes it. Must never: have a row for what is no control, or leave one out.

use serde_json::{Value, json};
use tabellion_tlog::{Hash, sha256};

use crate::catalogue::Reference;
use crate::jcs::{JcsError, to_jcs};
use crate::status::facts::Decision;
use crate::status::rules::FRAMEWORK;
use crate::text::says_something;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The control.
    pub control: Reference,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// Evidence of the party that carries it out.
    pub evidence: Option<String>,
}

impl Row {
    /// What is wrong with it, as a sentence; a row with a fault is not recorded.
    pub fn fault(&self) -> Option<&'static str> {
        if !self.control.is_control() {
            return Some(
                "clauses always apply; a Statement of Applicability is about the controls of Annex A",
            );
        }
        if !says_something(&self.reason) {
            return Some("say why: by risk, law, contract or business");
        }
        match (&self.evidence, self.decision) {
            (None, Decision::Inherited) => Some("name the evidence of the party that carries it out"),
            (Some(evidence), _) if !says_something(evidence) => {
                Some("the evidence is empty; leave it out or name it")
            }
            (Some(_), Decision::Excluded) => Some("an excluded control has no evidence of another party"),
            _ => None,
        }
    }

    /// What a reader should question about a row without a fault.
    pub fn doubt(&self) -> Option<&'static str> {
        let text = format!("{} {}", self.reason, self.evidence.as_deref().unwrap_or_default()).to_lowercase();
        let words: Vec<&str> = text.split(|character: char| !character.is_alphanumeric()).collect();
        let names = |known: &[&str]| known.iter().any(|word| words.contains(word));
        (names(&SECURITY_WORDS) && !names(&AI_WORDS))
            .then_some("it rests on evidence about information security alone; name evidence about AI")
    }
}

/// Words of artefacts that say something about security and nothing about AI by themselves.
const SECURITY_WORDS: [&str; 9] =
    ["27001", "27002", "27017", "27018", "soc", "penetration", "pentest", "firewall", "antivirus"];
/// Words that show that AI is meant.
const AI_WORDS: [&str; 8] = ["ai", "42001", "42005", "model", "models", "dataset", "training", "inference"];

/// The digest of a statement: SHA-256 over the canonical JSON of `{"framework", "rows"}`, one row for each control in the standard's order. None when a
/// control has no row, or more than one.
pub fn digest(rows: &[Row]) -> Result<Option<Hash>, JcsError> {
    if !rows.iter().map(|row| row.control).eq(Reference::controls()) {
        return Ok(None);
    }
    let rows: Vec<Value> = rows.iter().map(row_json).collect();
    Ok(Some(sha256(&to_jcs(&json!({"framework": FRAMEWORK, "rows": rows}))?)))
}

fn row_json(row: &Row) -> Value {
    let mut object = json!({"control": row.control, "decision": row.decision, "reason": row.reason});
    if let (Some(evidence), Some(members)) = (&row.evidence, object.as_object_mut()) {
        members.insert("evidence".to_owned(), json!(evidence));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(control: &str, decision: Decision, reason: &str, evidence: Option<&str>) -> Row {
        Row {
            control: Reference::parse(control).expect("a reference"),
            decision,
            reason: reason.to_owned(),
            evidence: evidence.map(str::to_owned),
        }
    }

    /// Requirement: A09
    #[test]
    fn a_row_without_its_reason_or_evidence_is_refused() {
        assert_eq!(row("A.7.3", Decision::Excluded, "no data is acquired", None).fault(), None);
        assert!(
            row("A.7.3", Decision::Applied, " \n", None).fault().is_some()
                && row("A.7.3", Decision::Excluded, "\u{200b}\u{ad}", None).fault().is_some(),
            "a row without a reason passed"
        );
        assert!(
            row("A.7.3", Decision::Inherited, "the provider does", None).fault().is_some(),
            "inherited without evidence"
        );
        assert!(row("A.7.3", Decision::Inherited, "the provider does", Some(" ")).fault().is_some());
        assert!(row("A.7.3", Decision::Excluded, "none", Some("x")).fault().is_some());
        assert!(
            row("8.4", Decision::Excluded, "no systems", None).fault().is_some(),
            "a clause was excluded"
        );
    }

    /// Requirement: D06
    #[test]
    fn security_evidence_alone_is_questioned() {
        let doubted = |evidence| {
            row("A.10.3", Decision::Inherited, "the provider does", Some(evidence)).doubt().is_some()
        };
        assert!(doubted("ISO/IEC 27001 certificate no. 7"), "a security certificate passed for AI evidence");
        assert!(doubted("SOC 2 Type II report and penetration test"));
        assert!(
            !doubted("ISO/IEC 42001 certificate no. 7, with ISO/IEC 27001"),
            "AI evidence was questioned"
        );
        assert!(!doubted("model card and evaluation results"));
    }

    /// Requirement: A09, G11
    #[test]
    fn a_statement_has_one_digest_and_all_controls() {
        let all: Vec<Row> = Reference::controls()
            .map(|control| Row {
                control,
                decision: Decision::Applied,
                reason: "by risk".to_owned(),
                evidence: None,
            })
            .collect();
        let whole = digest(&all).expect("plain").expect("every control is there");
        assert_eq!(digest(&all[..37]), Ok(None), "a statement with 37 rows could be approved");
        let mut doubled = all.clone();
        doubled[1] = doubled[0].clone();
        assert_eq!(digest(&doubled), Ok(None), "a control could be left out behind another");
        let mut other = all;
        other[37].reason.push('.');
        assert_ne!(digest(&other).expect("plain"), Some(whole), "an approval would cover another text");
    }
}
