//! The Statement of Applicability: 38 decisions with their reasons, approved as a whole by a second person.
//!
//! Promises: an approval is of exactly the digest that was shown, and of the rows as they stand in that moment; no row without its reason. Must never:
//! let anybody approve a statement in which a row is their own, or where an author and the approver let one another in; trying it is recorded.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::applicability::{Row, digest};
use tabellion_model::body::{SoaApproved, SoaDecided, SoaRefused};
use tabellion_model::catalogue::Reference;
use tabellion_model::status::facts::Decision;
use tabellion_model::status::rules::{Rule, Rules, StaleWhen};
use tabellion_views::query::{SoaApproval, SoaRow};

use super::controls::reference_of;
use super::forms::{ApplicabilityForm, DigestForm, IdForm, Reference as RecordedAt, ReferenceForm, Time};
use super::prose::Prose;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::refusal::{Code, Refusal};

/// The stream of approvals.
const APPROVALS: &str = "soa/approval";

/// What is to be decided of a control.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// Whether it applies.
    #[schemars(with = "ApplicabilityForm")]
    pub decision: Decision,
    /// Why: by risk, law, contract or business.
    pub reason: Prose,
    /// Evidence of the party that carries it out; an inherited control needs it.
    #[serde(default)]
    pub evidence: Option<Prose>,
}

/// What is to be approved.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// Digest of the statement as it was shown.
    #[schemars(with = "DigestForm")]
    pub digest: String,
}

/// One row of the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementRow {
    /// The control.
    #[schemars(with = "ReferenceForm")]
    pub control: &'static str,
    /// Its title.
    pub title: String,
    /// What was decided; null: nothing yet, or erased.
    #[schemars(with = "Option<ApplicabilityForm>")]
    pub decision: Option<Decision>,
    /// Why.
    pub reason: Option<String>,
    /// Evidence of the party that carries it out.
    pub evidence: Option<String>,
    /// What a reader should question.
    pub doubt: Option<&'static str>,
    /// Who decided.
    #[schemars(with = "Option<IdForm>")]
    pub by: Option<String>,
    /// Who handed out the link that began their session; null: it names no session.
    #[schemars(with = "Option<IdForm>")]
    pub let_in_by: Option<String>,
    /// When.
    pub at: Option<Time>,
    /// Whether the row stands as it was approved.
    pub approved: bool,
    /// Version, as If-Match takes it; 0 before the first decision.
    pub version: u64,
    /// The record of the decision.
    pub recorded: Option<RecordedAt>,
}

/// An approval of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// Digest of what was approved; null: erased.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// Who.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// Who handed out the link that began their session; null: it names no session.
    #[schemars(with = "Option<IdForm>")]
    pub let_in_by: Option<String>,
    /// When.
    pub at: Time,
    /// Whether the statement is still the one that was approved.
    pub is_current: bool,
    /// Its record.
    pub recorded: RecordedAt,
}

/// The Statement of Applicability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// All 38 controls, in the standard's order.
    pub rows: Vec<StatementRow>,
    /// How many are decided.
    pub decided: u64,
    /// What an approval names; null: not every control is decided.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// The newest approval.
    pub approval: Option<Approved>,
}

/// The decisions on one control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementHistory {
    /// The row as it stands.
    pub row: StatementRow,
    /// Every decision, oldest first.
    pub decisions: Vec<StatementRow>,
}

impl Desk {
    /// The statement as it stands.
    pub fn statement(&self) -> Result<Statement, Refusal> {
        let (found, approval) = (self.views.soa()?, self.views.soa_approval()?);
        let rows = Reference::controls().map(|control| {
            let row = found.iter().find(|row| row.control == control);
            self.statement_row(control, row, approval.as_ref())
        });
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let digest = digest_of(&found)?;
        let approval = approval.map(|approval| self.shown_approval(approval, digest.as_ref())).transpose()?;
        let decided = rows.iter().filter(|row| row.decision.is_some()).count() as u64;
        Ok(Statement { rows, decided, digest, approval })
    }

    /// One control of the statement, with every decision on it.
    pub fn statement_of(&self, control: &str) -> Result<StatementHistory, Refusal> {
        let control = control_of(control)?;
        let approval = self.views.soa_approval()?;
        let found = self.views.soa_history(control)?;
        let row = self.statement_row(control, found.last(), approval.as_ref())?;
        let decisions = found.iter().map(|row| self.statement_row(control, Some(row), None));
        Ok(StatementHistory { row, decisions: decisions.collect::<Result<_, _>>()? })
    }

    /// Decides whether a control applies.
    pub fn decide_control(
        &self,
        actor: &Actor,
        given: &Given,
        control: &str,
        new: &NewDecision,
    ) -> Result<(StatementRow, Written), Refusal> {
        let control = control_of(control)?;
        let row = Row {
            control,
            decision: new.decision,
            reason: new.reason.to_text(),
            evidence: new.evidence.as_ref().map(Prose::to_text),
        };
        checked(&row)?;
        let _alone = self.statement.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let written = self.once(actor, "decide-control", given, |earlier| {
            let current = self.views.soa_row(control)?.map_or(0, |row| row.version);
            if earlier.is_none() && given.version.is_none() && current > 0 {
                return Err(Refusal::new(Code::VersionRequired, format!("{control} was decided before")));
            }
            let body = SoaDecided {
                control,
                decision: row.decision,
                reason: row.reason.clone(),
                evidence: row.evidence.clone(),
            };
            Ok(vec![draft_of(&body, stream_of(control), given.expected(earlier, current))?])
        })?;
        let approval = self.views.soa_approval()?;
        let found = self.views.soa_row(control)?;
        Ok((self.statement_row(control, found.as_ref(), approval.as_ref())?, written))
    }

    /// Decides several controls together that nobody has decided yet, for one reason: all of them, or none.
    pub(crate) fn decide_open_controls(
        &self,
        actor: &Actor,
        given: &Given,
        controls: &[&str],
        new: &NewDecision,
    ) -> Result<Written, Refusal> {
        let controls: BTreeSet<Reference> =
            controls.iter().map(|control| control_of(control)).collect::<Result<_, _>>()?;
        let mut drafts = Vec::new();
        for control in controls.iter().copied() {
            let (reason, evidence) = (new.reason.to_text(), new.evidence.as_ref().map(Prose::to_text));
            checked(&Row {
                control,
                decision: new.decision,
                reason: reason.clone(),
                evidence: evidence.clone(),
            })?;
            let body = SoaDecided { control, decision: new.decision, reason, evidence };
            drafts.push(draft_of(&body, stream_of(control), 0)?);
        }
        if drafts.is_empty() {
            return Err(Refusal::at(Code::Malformed, "/controls", "choose at least one control"));
        }
        let _alone = self.statement.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.once(actor, "decide-open-controls", given, |earlier| {
            if earlier.is_none() {
                for control in controls.iter().copied() {
                    if self.views.soa_row(control)?.is_some() {
                        let text =
                            format!("{control} was decided meanwhile; take it out, or decide it by itself");
                        return Err(Refusal::at(Code::Conflict, "/controls", text));
                    }
                }
            }
            Ok(drafts.clone())
        })
    }

    /// Controls that `rows` exclude although systems in scope contradict that by the control's rule, whether the exclusion is approved yet or not.
    pub(crate) fn contradicted(&self, rows: &[StatementRow]) -> Result<Vec<&'static str>, Refusal> {
        let excluded = rows.iter().filter(|row| row.decision == Some(Decision::Excluded));
        let rules = excluded
            .filter_map(|row| Some((row.control, Rules::built_in().of(control_of(row.control).ok()?))));
        let bound: Vec<_> =
            rules.filter(|(_, rule)| rule.exclusion_stale == StaleWhen::SystemsInScope).collect();
        if bound.is_empty() {
            return Ok(Vec::new());
        }
        let facts = self.facts()?;
        let contradicts = |rule: &Rule| facts.systems.iter().any(|system| system.in_scope(rule.window));
        Ok(bound.into_iter().filter(|(_, rule)| contradicts(rule)).map(|(control, _)| control).collect())
    }

    /// Approves the statement as it was shown.
    pub fn approve_statement(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewApproval,
    ) -> Result<(Statement, Written), Refusal> {
        if !matches!(actor, Actor::Person { .. }) {
            return Err(Refusal::new(Code::NotPermitted, "a person has to approve, under their own name"));
        }
        let _alone = self.statement.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let written = self.once(actor, "approve-statement", given, |earlier| {
            let approval = self.views.soa_approval()?;
            let current = approval.as_ref().map_or(0, |approval| approval.version);
            if earlier.is_none() {
                self.check_approval(actor, approval.as_ref(), new)?;
            }
            let body = SoaApproved { digest: new.digest.clone() };
            Ok(vec![draft_of(&body, APPROVALS.to_owned(), given.expected(earlier, current))?])
        });
        if let Err(refusal) = &written
            && matches!(refusal.code, Code::OwnWork | Code::OwnLink)
        {
            self.record_refused_approval(actor, &new.digest, refusal.code)?;
        }
        Ok((self.statement()?, written?))
    }

    /// Whether `actor` can approve the statement as it stands, and nobody has.
    pub(crate) fn may_approve_statement(&self, actor: &Actor) -> Result<bool, Refusal> {
        if !matches!(actor, Actor::Person { .. }) {
            return Ok(false);
        }
        let approval = self.views.soa_approval()?;
        let Some(digest) = digest_of(&self.views.soa()?)? else { return Ok(false) };
        if approval.as_ref().and_then(|approval| approval.digest.as_ref()) == Some(&digest) {
            return Ok(false);
        }
        Ok(self.check_approval(actor, approval.as_ref(), &NewApproval { digest }).is_ok())
    }

    /// Records that somebody tried to approve their own statement: once for each person and digest.
    fn record_refused_approval(&self, actor: &Actor, digest: &str, code: Code) -> Result<(), Refusal> {
        let Some(person) = actor.credential() else { return Ok(()) };
        let body = SoaRefused { digest: digest.to_owned(), code: code.as_str().to_owned() };
        let key = format!("soa-refused/{digest}/{person}");
        self.record_attempt(self.attempt(actor, &body, APPROVALS, key)?)
    }

    fn check_approval(
        &self,
        approver: &Actor,
        approval: Option<&SoaApproval>,
        new: &NewApproval,
    ) -> Result<(), Refusal> {
        let rows = self.views.soa()?;
        let Some(digest) = digest_of(&rows)? else {
            let missing: Vec<&str> = Reference::controls()
                .filter(|control| !rows.iter().any(|row| row.control == *control && row.content.is_some()))
                .map(Reference::as_str)
                .collect();
            let text = format!("these controls are not decided: {}", missing.join(", "));
            return Err(Refusal::new(Code::Incomplete, text));
        };
        if digest != new.digest {
            let text =
                format!("the statement's digest is {digest} now; somebody changed it since it was shown");
            return Err(Refusal::at(Code::NotWhatWasShown, "/digest", text));
        }
        let since = approval.map_or(0, |approval| approval.entry);
        let authors = self.views.soa_authors(since)?;
        if authors.people.iter().any(|author| approver.is(*author)) {
            return Err(Refusal::new(
                Code::OwnWork,
                "you decided on at least one of its controls, and a second person has to approve; the attempt is recorded",
            ));
        }
        self.second_person(approver)?.check_let_in_by_others(authors.people.iter(), authors.sessions.iter())
    }

    fn statement_row(
        &self,
        control: Reference,
        row: Option<&SoaRow>,
        approval: Option<&SoaApproval>,
    ) -> Result<StatementRow, Refusal> {
        let content = row.and_then(|row| row.content.clone());
        let approved = approval.filter(|approval| approval.digest.is_some());
        let doubt = row.and_then(SoaRow::stated).and_then(|row| row.doubt());
        Ok(StatementRow {
            control: control.as_str(),
            title: control.item().title.to_string(),
            decision: content.as_ref().map(|content| content.decision),
            reason: content.as_ref().map(|content| content.reason.clone()),
            evidence: content.and_then(|content| content.evidence),
            doubt,
            by: row.map(|row| row.by.to_hex()),
            let_in_by: self.let_in_by(row.and_then(|row| row.session.as_ref()))?.map(|by| by.to_hex()),
            at: row.map(|row| Time(row.at)),
            approved: row.zip(approved).is_some_and(|(row, approval)| approval.entry > row.entry),
            version: row.map_or(0, |row| row.version),
            recorded: row.map(|row| self.reference(row.entry)).transpose()?,
        })
    }

    fn shown_approval(&self, approval: SoaApproval, digest: Option<&String>) -> Result<Approved, Refusal> {
        Ok(Approved {
            is_current: digest.is_some() && approval.digest.as_ref() == digest,
            digest: approval.digest,
            by: approval.by.to_hex(),
            let_in_by: self.let_in_by(approval.session.as_ref())?.map(|by| by.to_hex()),
            at: Time(approval.at),
            recorded: self.reference(approval.entry)?,
        })
    }
}

/// The stream of the decisions on a control.
fn stream_of(control: Reference) -> String {
    format!("soa/{}", control.as_str().to_ascii_lowercase())
}

/// Refuses a row without its reason or, where it needs one, its evidence.
fn checked(row: &Row) -> Result<(), Refusal> {
    let Some(fault) = row.fault() else { return Ok(()) };
    let pointer = if row.reason.trim().is_empty() { "/reason" } else { "/evidence" };
    Err(Refusal::at(Code::Incomplete, pointer, format!("{}: {fault}", row.control)))
}

fn control_of(text: &str) -> Result<Reference, Refusal> {
    let reference = reference_of(text)?;
    if reference.is_control() {
        return Ok(reference);
    }
    Err(Refusal::new(
        Code::NotFound,
        format!("{reference} is a clause: clauses always apply, and have no row here"),
    ))
}

/// The digest of a whole statement; none when a control is not decided.
fn digest_of(found: &[SoaRow]) -> Result<Option<String>, Refusal> {
    let rows: Vec<Row> = found.iter().filter_map(SoaRow::stated).collect();
    let digest = digest(&rows).map_err(|error| {
        Refusal::new(Code::Broken, format!("the statement has no canonical form: {error}"))
    })?;
    Ok(digest.map(|digest| digest.to_hex()))
}
