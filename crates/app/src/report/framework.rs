//! The report's part about clauses and controls: counts, a row each, systems, and the Statement of Applicability.
//!
//! Promises: the words of `framework/status.json` and no others. Must never: say that anybody conforms to anything.

use tabellion_model::catalogue::Reference;
use tabellion_model::status::facts::Decision;
use tabellion_model::status::rules::{Rules, Window};
use tabellion_model::status::{Mark, Overall, Part, Status};

use super::words::{count, row_time};
use crate::export::Framework;
use crate::printable::visible;

/// Rows of systems: some pages of print. The rest is in `framework/systems.json`.
const MAX_SYSTEM_ROWS: usize = 200;
/// Characters of a text of somebody else's in one cell.
const MAX_CELL_CHARS: usize = 600;

/// One clause or control.
pub(crate) struct ReferenceRow {
    pub(crate) reference: &'static str,
    pub(crate) title: String,
    pub(crate) status: &'static str,
    pub(crate) class: &'static str,
    pub(crate) qualifiers: String,
    pub(crate) reasons: Vec<String>,
}

/// One row of the Statement of Applicability.
pub(crate) struct DecisionRow {
    pub(crate) control: &'static str,
    pub(crate) title: String,
    pub(crate) decision: &'static str,
    pub(crate) reason: String,
    pub(crate) evidence: String,
    pub(crate) approved: bool,
    pub(crate) entry: String,
}

/// One system.
pub(crate) struct SystemRow {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) permitted: String,
    pub(crate) denied: String,
    pub(crate) broken: String,
    pub(crate) models: String,
    pub(crate) approvals: String,
}

/// Everything in this part of the page.
pub(crate) struct FrameworkPart {
    pub(crate) size: u64,
    pub(crate) at: String,
    pub(crate) rules_version: u64,
    pub(crate) rules_digest: String,
    pub(crate) counts: Vec<(&'static str, usize)>,
    pub(crate) clauses: Vec<ReferenceRow>,
    pub(crate) controls: Vec<ReferenceRow>,
    pub(crate) left_out: String,
    pub(crate) statement: Vec<DecisionRow>,
    pub(crate) approval: String,
    pub(crate) systems: Vec<SystemRow>,
    pub(crate) more_systems: usize,
    pub(crate) log: String,
}

pub(super) fn part(framework: &Framework) -> FrameworkPart {
    let rules = Rules::built_in();
    let facts = &framework.stood.facts;
    let of = |controls: bool| {
        let wanted =
            framework.statuses.iter().filter(move |status| status.reference.is_control() == controls);
        wanted.map(reference_row).collect()
    };
    let number = |overall| framework.statuses.iter().filter(|status| status.overall == overall).count();
    let order = [Overall::Covered, Overall::Partial, Overall::Gap, Overall::NotApplicable];
    let left_out: Vec<&str> = framework.left_out.iter().map(|reference| reference.as_str()).collect();
    FrameworkPart {
        size: facts.size,
        at: row_time(framework.stood.at),
        rules_version: rules.version,
        rules_digest: rules.digest.to_hex(),
        counts: order.map(|overall| (words(overall), number(overall))).into(),
        clauses: of(false),
        controls: of(true),
        left_out: left_out.join(", "),
        statement: Reference::controls().map(|control| decision_row(framework, control)).collect(),
        approval: approval(framework),
        systems: systems(framework),
        more_systems: facts.systems.len().saturating_sub(MAX_SYSTEM_ROWS),
        log: log(framework),
    }
}

fn words(overall: Overall) -> &'static str {
    match overall {
        Overall::Gap => "gap",
        Overall::Partial => "partial",
        Overall::Covered => "covered",
        Overall::NotApplicable => "not applicable",
    }
}

fn reference_row(status: &Status) -> ReferenceRow {
    let qualifiers: Vec<String> =
        status.qualifiers.iter().map(|qualifier| qualifier.as_str().replace('_', " ")).collect();
    // What decided: of a gap what is missing, of a partial what falls short, else what holds. The rest is in the file.
    let decided = match status.overall {
        Overall::Gap => Mark::Missing,
        Overall::Partial => Mark::Short,
        Overall::Covered => Mark::Holds,
        Overall::NotApplicable => Mark::NotAsked,
    };
    let those = status.because.iter().filter(|reason| match status.overall {
        Overall::NotApplicable => reason.mark == decided && reason.part == Part::Design,
        _ => reason.mark == decided,
    });
    let reasons: Vec<String> = those.map(|reason| cell(&reason.text)).collect();
    ReferenceRow {
        reference: status.reference.as_str(),
        title: status.reference.item().title.to_string(),
        status: words(status.overall),
        class: status.overall.as_str(),
        qualifiers: qualifiers.join(", "),
        reasons,
    }
}

fn decision_row(framework: &Framework, control: Reference) -> DecisionRow {
    let row = framework.stood.soa.iter().find(|row| row.control == control);
    let content = row.and_then(|row| row.content.as_ref());
    let signed = framework.stood.approval.as_ref().filter(|approval| approval.digest.is_some());
    let word = match (row, content) {
        (None, _) => "not decided",
        (Some(_), None) => "erased",
        (_, Some(content)) => match content.decision {
            Decision::Applied => "applied",
            Decision::Excluded => "excluded",
            Decision::Inherited => "inherited",
        },
    };
    DecisionRow {
        control: control.as_str(),
        title: control.item().title.to_string(),
        decision: word,
        reason: content.map(|content| cell(&content.reason)).unwrap_or_default(),
        evidence: content
            .and_then(|content| content.evidence.as_ref())
            .map(|text| cell(text))
            .unwrap_or_default(),
        approved: row.zip(signed).is_some_and(|(row, approval)| approval.entry > row.entry),
        entry: row.map(|row| count(row.entry)).unwrap_or_default(),
    }
}

fn approval(framework: &Framework) -> String {
    let Some(approval) = &framework.stood.approval else {
        return "No second person has approved the statement.".to_owned();
    };
    let digest = approval.digest.as_deref().unwrap_or("which was erased");
    let current = if approval.digest.is_some() && approval.digest == framework.statement_digest {
        "It stands as it was approved."
    } else {
        "It was changed since: rows that were not are marked as approved."
    };
    format!(
        "Approved by a second person ({}) on {} UTC, entry {}, over the digest {digest}. {current}",
        approval.by,
        row_time(approval.at),
        count(approval.entry)
    )
}

fn systems(framework: &Framework) -> Vec<SystemRow> {
    let facts = &framework.stood.facts;
    let rows = facts.systems.iter().take(MAX_SYSTEM_ROWS).map(|system| {
        let calls = system.calls_in(Window::Year);
        let models: Vec<String> = system
            .models
            .iter()
            .map(|seen| {
                seen.model.as_deref().map_or_else(|| "one that is not known any more".to_owned(), cell)
            })
            .collect();
        let approvals: Vec<String> = facts
            .items
            .iter()
            .filter(|item| item.system == Some(system.system))
            .map(|item| {
                let register = item.register.replace('_', " ");
                match &item.approved {
                    Some(approval) => format!(
                        "{register}: approved {}, entry {}",
                        row_time(approval.at),
                        count(approval.entry)
                    ),
                    None => format!("{register}: not approved"),
                }
            })
            .collect();
        SystemRow {
            name: system.name.as_deref().map_or_else(|| "Not described, or erased".to_owned(), cell),
            id: system.system.to_hex(),
            permitted: count(calls.permitted),
            denied: count(calls.denied),
            broken: count(calls.broken),
            models: models.join(", "),
            approvals: approvals.join("; "),
        }
    });
    rows.collect()
}

fn log(framework: &Framework) -> String {
    let facts = &framework.stood.facts;
    let ledger = &facts.ledger;
    let missing = ledger.missing.map_or_else(|| "an unknown number of".to_owned(), count);
    let proved = if ledger.proved == Some(facts.size) {
        "their tree was computed again and is the one that the log signed"
    } else {
        "their tree was not computed again"
    };
    let open = ledger.calls_without_end.map_or_else(|| "an unknown number of".to_owned(), count);
    format!(
        "{} entries; {proved}; {missing} numbers missing; {open} calls without an end on record.",
        count(facts.size)
    )
}

/// A text of somebody else's, bounded and with nothing hidden.
fn cell(text: &str) -> String {
    visible(text, MAX_CELL_CHARS)
}
