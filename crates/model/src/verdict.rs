//! What a verifier says: checks with outcomes, three findings, an exit code, and both renderings (formats §12).
//!
//! Promises: a required check that did not run, or could not decide, is never a pass; a report without a single required
//! check is never a pass; every check says what it proves and what it does not. It must never say more than the checks behind
//! it, and never call anything by a word that only an auditor or a certification body may use.

mod aspect;
mod finding;
mod html;
mod problems;
mod text;

pub use aspect::{Aspect, AspectStanding};
pub(crate) use aspect::{AspectChecks, aspects_of};
pub(crate) use finding::{CLOCK, EXISTED, ISSUED, UNALTERED};
pub(crate) use problems::Problems;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::directory::{KEY_DIRECTORY_PLAN, KeyDirectory, Uses};

/// The check that a report has when the reader gives a directory of keys.
pub(crate) const KEY_DIRECTORY: &str = "key directory";

/// The outcome of one check, and of a whole report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Checked, and it is so.
    Holds,
    /// Checked, and it is not so.
    Broken,
    /// The bytes are not of the form that could be checked.
    Malformed,
    /// Nothing speaks against it and something needed to decide is missing.
    Undetermined,
    /// Not reached, because an earlier check could not be passed.
    NotRun,
}

impl Outcome {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Broken => "broken",
            Self::Malformed => "malformed",
            Self::Undetermined => "undetermined",
            Self::NotRun => "not run",
        }
    }

    /// The outcome of several required things together: broken outranks malformed, which outranks undetermined; something
    /// that did not run leaves the whole undetermined, and so does nothing at all.
    pub fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let (mut seen, mut broken, mut malformed, mut open) = (false, false, false, false);
        for outcome in outcomes {
            seen = true;
            match outcome {
                Self::Holds => {}
                Self::Broken => broken = true,
                Self::Malformed => malformed = true,
                Self::Undetermined | Self::NotRun => open = true,
            }
        }
        match (broken, malformed, open || !seen) {
            (true, ..) => Self::Broken,
            (_, true, _) => Self::Malformed,
            (_, _, true) => Self::Undetermined,
            _ => Self::Holds,
        }
    }
}

/// A check as it is planned, before any byte is looked at.
#[derive(Clone, Copy, Debug)]
pub struct CheckPlan {
    /// Short name, unique within a report.
    pub name: &'static str,
    /// What it shows when it holds.
    pub proves: &'static str,
    /// What it does not show even then.
    pub does_not_prove: &'static str,
}

/// One check with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Short name, unique within a report.
    pub name: &'static str,
    /// What came out.
    pub outcome: Outcome,
    /// Whether the whole can hold without it.
    pub required: bool,
    /// What was checked or found, and where: file, entry index, record id, field. Printable text only.
    pub detail: String,
    /// What it shows when it holds.
    pub proves: &'static str,
    /// What it does not show even then.
    pub does_not_prove: &'static str,
}

/// One of the three questions that are answered apart (requirement A19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `existed at the time`, `unaltered` or `issued by whom`.
    pub question: &'static str,
    /// The outcome of all checks it rests on together.
    pub outcome: Outcome,
    /// The answer in a sentence.
    pub answer: String,
    /// The checks, keys and clocks that the answer rests on.
    pub rests_on: String,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An evidence package.
    Package,
    /// A receipt.
    Receipt,
    /// A transparent statement.
    TransparentStatement,
    /// An event envelope of the ar.io family, or a proof that one stands in a batch.
    Envelope,
    /// What a batch verification found.
    VerificationRun,
    /// None of these.
    Unknown,
}

impl Subject {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Receipt => "receipt",
            Self::TransparentStatement => "transparent statement",
            Self::Envelope => "event envelope",
            Self::VerificationRun => "verification run",
            Self::Unknown => "unknown file",
        }
    }
}

/// Everything a verifier has to say about one file.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was looked at.
    pub subject: Subject,
    /// All checks, in the order of formats §12, whether they ran or not.
    pub checks: Vec<Check>,
    /// The three separate answers; empty only for an unknown file.
    pub findings: Vec<Finding>,
    /// Signature, ledger inclusion, time and live source, apart; empty only for an unknown file.
    pub aspects: Vec<Aspect>,
    /// The witness by whom the quorum was met that the trust file asks for, with its time in seconds since 1970.
    pub witnessed: Option<(String, u64)>,
    /// The keys whose signatures it relies on.
    pub(crate) uses: Uses,
    /// Names, numbers and times read from the file, by name.
    pub facts: BTreeMap<String, Json>,
    /// What the whole does and does not show (requirement A21).
    pub scope: &'static str,
}

/// The format name of [`Report::to_json`].
pub const REPORT_FORMAT: &str = "tabellion.report/1";

impl Report {
    /// A report in which nothing has run yet.
    pub(crate) fn planned(subject: Subject, plans: &[CheckPlan], scope: &'static str) -> Self {
        let checks = plans
            .iter()
            .map(|plan| Check {
                name: plan.name,
                outcome: Outcome::NotRun,
                required: true,
                detail: "not reached, because of what an earlier check found".to_owned(),
                proves: plan.proves,
                does_not_prove: plan.does_not_prove,
            })
            .collect();
        Self {
            subject,
            checks,
            findings: Vec::new(),
            aspects: Vec::new(),
            witnessed: None,
            uses: Uses::default(),
            facts: BTreeMap::new(),
            scope,
        }
    }

    /// Plans one more check that the whole needs.
    pub(crate) fn plan_required(&mut self, plan: &CheckPlan) {
        let planned = Self::planned(self.subject, std::slice::from_ref(plan), self.scope);
        self.checks.extend(planned.checks);
    }

    /// Judges the keys by the reader's own list, when there is one: the last check.
    pub(crate) fn judge_keys(&mut self, directory: Option<&KeyDirectory>) {
        let Some(directory) = directory else { return };
        self.plan_required(&KEY_DIRECTORY_PLAN);
        let (outcome, detail) = directory.judge(&self.uses);
        self.set(KEY_DIRECTORY, outcome, detail);
    }

    /// Plans one more check, without which the whole can hold.
    pub(crate) fn plan_optional(&mut self, plan: &CheckPlan) {
        let planned = Self::planned(self.subject, std::slice::from_ref(plan), self.scope);
        self.checks.extend(planned.checks.into_iter().map(|check| Check { required: false, ..check }));
    }

    /// Sets the outcome of a planned check. A name that was not planned is a mistake of the verifier itself: it is
    /// added as a check that could not be decided, so that it can never read as a pass.
    pub(crate) fn set(&mut self, name: &'static str, outcome: Outcome, detail: impl Into<String>) {
        let detail = text::printable(&detail.into());
        if let Some(check) = self.checks.iter_mut().find(|check| check.name == name) {
            check.outcome = outcome;
            check.detail = detail;
        } else {
            let (proves, does_not_prove) = ("nothing", "anything: this check was not planned");
            let outcome = Outcome::Undetermined;
            self.checks.push(Check { name, outcome, required: true, detail, proves, does_not_prove });
        }
    }

    /// Sets a check from what was collected against it; `holds` is its text when nothing was.
    pub(crate) fn settle(&mut self, name: &'static str, problems: &Problems, holds: impl Into<String>) {
        match problems.summary() {
            None => self.set(name, Outcome::Holds, holds),
            Some((outcome, detail)) => self.set(name, outcome, detail),
        }
    }

    /// Records a fact.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Json>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// A check by its name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// The outcome of the named checks together.
    pub(crate) fn outcome_of(&self, names: &[&str]) -> Outcome {
        Outcome::of_all(
            names.iter().map(|name| self.check(name).map_or(Outcome::NotRun, |check| check.outcome)),
        )
    }

    /// The outcome of the whole: the first fault in the order of the checks decides between broken and malformed; without
    /// one every required check must hold, and there must be one.
    pub fn verdict(&self) -> Outcome {
        let fault = |check: &&Check| matches!(check.outcome, Outcome::Broken | Outcome::Malformed);
        if let Some(first) = self.checks.iter().find(fault) {
            return first.outcome;
        }
        Outcome::of_all(self.checks.iter().filter(|check| check.required).map(|check| check.outcome))
    }

    /// The exit code of formats §12: 0 holds, 1 broken, 2 malformed, 3 undetermined.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Outcome::Holds => 0,
            Outcome::Broken => 1,
            Outcome::Malformed => 2,
            Outcome::Undetermined | Outcome::NotRun => 3,
        }
    }

    /// The report for machines; members as in formats §12.
    pub fn to_json(&self) -> Json {
        let checks: Vec<Json> = self
            .checks
            .iter()
            .map(|check| {
                json!({
                    "detail": check.detail, "does_not_prove": check.does_not_prove, "name": check.name,
                    "outcome": check.outcome.as_str(), "proves": check.proves, "required": check.required,
                })
            })
            .collect();
        let findings: Vec<Json> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "answer": finding.answer, "outcome": finding.outcome.as_str(), "question": finding.question,
                    "rests_on": finding.rests_on,
                })
            })
            .collect();
        let aspects: Vec<Json> = self
            .aspects
            .iter()
            .map(|aspect| {
                json!({
                    "answer": aspect.answer, "aspect": aspect.name, "outcome": aspect.standing.as_str(),
                    "rests_on": aspect.rests_on,
                })
            })
            .collect();
        json!({
            "aspects": aspects, "checks": checks, "exit": self.exit_code(), "facts": self.facts, "findings": findings,
            "format": REPORT_FORMAT, "scope": self.scope, "subject": self.subject.as_str(),
            "verdict": self.verdict().as_str(),
        })
    }

    /// The report as a page that needs nothing else; `name` is what the verified file is called.
    pub fn to_html(&self, name: &str) -> String {
        html::page(self, name)
    }

    /// The report for people: verdict, what to do, findings, checks, facts, scope.
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANS: [CheckPlan; 2] = [
        CheckPlan { name: "first", proves: "a", does_not_prove: "b" },
        CheckPlan { name: "second", proves: "c", does_not_prove: "d" },
    ];

    fn report(first: Outcome, second: Outcome) -> Report {
        let mut report = Report::planned(Subject::Package, &PLANS, "scope");
        report.set("first", first, "");
        report.set("second", second, "");
        report
    }

    /// Requirement: R16
    #[test]
    fn a_required_check_that_did_not_run_is_never_a_pass() {
        use Outcome::{Broken, Holds, Malformed, NotRun, Undetermined};
        let all = [Holds, Broken, Malformed, Undetermined, NotRun];
        for first in all {
            for second in all {
                let code = report(first, second).exit_code();
                let either = |outcome| first == outcome || second == outcome;
                let wanted = match () {
                    () if first == Broken => 1,
                    () if first == Malformed => 2,
                    () if second == Broken => 1,
                    () if second == Malformed => 2,
                    () if either(Undetermined) || either(NotRun) => 3,
                    () => 0,
                };
                assert_eq!(code, wanted, "{first:?} and {second:?} would be reported as something else");
            }
        }
        assert_eq!(Report::planned(Subject::Package, &PLANS, "").exit_code(), 3, "nothing ran and it passes");
        assert_eq!(Report::planned(Subject::Package, &[], "").exit_code(), 3, "an empty report passes");
    }

    /// Requirement: R16
    #[test]
    fn an_optional_check_can_break_but_never_hold_a_report() {
        let mut report = report(Outcome::Holds, Outcome::NotRun);
        report.checks[1].required = false;
        assert_eq!(report.exit_code(), 0, "an optional check that did not run must not block");
        report.checks[1].outcome = Outcome::Broken;
        assert_eq!(report.exit_code(), 1, "a broken optional check is still broken");
        report.checks[1].outcome = Outcome::Holds;
        report.checks[0].required = false;
        assert_eq!(report.exit_code(), 3, "a report without required checks shows nothing");
    }

    #[test]
    fn a_check_outside_the_plan_cannot_turn_a_report_green() {
        let mut report = report(Outcome::Holds, Outcome::Holds);
        report.set("third", Outcome::Holds, "");
        assert_eq!(report.exit_code(), 3, "a misspelt check name would pass");
    }

    #[test]
    fn details_cannot_drive_a_terminal() {
        let mut report = report(Outcome::Holds, Outcome::Holds);
        report.set("first", Outcome::Broken, "file \"\u{1b}[2Jx\u{202e}\n\"");
        let text = report.to_text();
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "control characters reach the terminal: {text}"
        );
    }
}
