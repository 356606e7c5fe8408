//! The Statement of Applicability: one document to read and print. Its rows are decided, and it is approved, on pages of their own.
//!
//! Promises: whoever approves is told the same doubts as whoever decides.

use std::collections::BTreeMap;

use askama::Template;
use tabellion_model::CredentialId;
use tabellion_model::status::facts::Decision;

use super::controls::reference;
use super::said::prose;
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Note};
use crate::console::cell::Cell;
use crate::console::form::sentence;
use crate::console::looks;
use crate::console::table::{Column, Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{self, Tone, counted};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::applicability::{Approved, Statement, StatementRow};

const COLUMNS: &[Column] = &[
    column("control", "Control"),
    column("title", "Title"),
    column("decision", "Applies"),
    column("reason", "Reason"),
    column("evidence", "Evidence of who carries it out"),
    column("doubt", "To question"),
    column("status", "Evidenced"),
    column("by", "Decided by"),
    column("when", "When"),
    column("approved", "As approved"),
];

struct Shown {
    id: &'static str,
    control: Cell,
    title: String,
    decision: Cell,
    reason: String,
    evidence: String,
    doubt: String,
    status: Cell,
    by: Cell,
    at: Cell,
    approved: bool,
    decided: bool,
    /// Where the row is decided; empty: not by this person.
    edit: String,
}

struct Area {
    title: String,
    rows: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "console/statement.html")]
struct Document {
    log: String,
    areas: Vec<Area>,
    csv: String,
}

/// The document.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let statement = visit.desk.statement()?;
    if visit.wants_csv() {
        let listing = Listing::plain(
            "statement-of-applicability",
            "Statement of Applicability",
            COLUMNS,
            nothing("No row", "The 38 controls come with the program.", None),
        );
        return Ok(listing.csv(visit, Rows::Whole(csv_rows(visit, &statement)?)).into());
    }
    let may_approve =
        visit.can(Permission::ApproveApplicability) && visit.desk.may_approve_statement(visit.actor()?)?;
    let stale = visit.desk.contradicted(&statement.rows)?;
    let mut blocks = notes(visit, &statement, &stale, may_approve)?;
    blocks.push(facts(visit, &statement)?);
    blocks.push(document(visit, &statement, &stale, visit.can(Permission::DecideApplicability))?);
    let action = may_approve.then(|| Action { label: "Read and approve", href: "/soa/approve".to_owned() });
    visit.show(Content {
        lead: "Which of the 38 controls of ISO/IEC 42001, Annex A, apply here and why. Decided row by row, approved as a whole by a second person.".to_owned(),
        badges: vec![Cell::state(standing(&statement))],
        action,
        blocks,
        ..Content::titled("Statement of Applicability")
    })
}

/// How the statement stands as a whole.
pub(crate) fn standing(statement: &Statement) -> (&'static str, Tone) {
    match &statement.approval {
        Some(approval) if approval.is_current => ("Approved", Tone::Good),
        Some(_) => ("Changed since its approval", Tone::Fair),
        None if statement.digest.is_some() => ("Waits for approval", Tone::Fair),
        None => ("Not complete", Tone::Bad),
    }
}

/// What is said of an exclusion that is known to be contradicted.
const STALE: &str = "systems are in scope, and that contradicts the exclusion: it does not count as not applicable, approved or not";

/// What is missing, first.
pub(crate) fn notes(
    visit: &Visit<'_>,
    statement: &Statement,
    stale: &[&'static str],
    may_approve: bool,
) -> Result<Vec<Block>, Refusal> {
    let mut blocks = Vec::new();
    let mut note = |tone, title: String, text: String, action: Option<Action>| -> Result<(), Refusal> {
        blocks.push(Block::of(&Note { tone, title, text, action })?);
        Ok(())
    };
    let open: Vec<&str> =
        statement.rows.iter().filter(|row| row.decision.is_none()).map(|row| row.control).collect();
    if !open.is_empty() {
        let text =
            format!("{}. It can be approved when every control is decided with its reason.", open.join(", "));
        let several = visit.can(Permission::DecideApplicability) && open.len() > 1;
        let action = several
            .then(|| Action { label: "Decide several for one reason", href: "/soa/several".to_owned() });
        let title = format!("Not decided yet: {} of {}", open.len(), statement.rows.len());
        note(Tone::Fair, title, text, action)?;
    }
    if !stale.is_empty() {
        let title = format!("Excluded, and contradicted: {}", stale.join(", "));
        note(Tone::Bad, title, sentence(STALE), None)?;
    }
    let doubts: Vec<String> = statement
        .rows
        .iter()
        .filter_map(|row| row.doubt.map(|doubt| format!("{}: {doubt}", row.control)))
        .collect();
    if !doubts.is_empty() {
        let title = format!("To question: {}", counted(doubts.len() as u64, "row", "rows"));
        note(Tone::Fair, title, sentence(&doubts.join("; ")), None)?;
    }
    if let Some(approval) = statement.approval.as_ref().filter(|approval| !approval.is_current) {
        let changed: Vec<&str> =
            statement.rows.iter().filter(|row| !row.approved).map(|row| row.control).collect();
        let text = format!(
            "Differing since {}: {}. What counts as evidence are the rows as they were approved.",
            words::moment(approval.at.0),
            changed.join(", ")
        );
        note(Tone::Fair, "It changed since its approval".to_owned(), text, None)?;
    }
    let complete = statement.digest.is_some();
    let current = statement.approval.as_ref().is_some_and(|approval| approval.is_current);
    if complete && !current && !may_approve && visit.can(Permission::ApproveApplicability) {
        note(
            Tone::Quiet,
            "Somebody else has to approve it".to_owned(),
            "You decided on at least one of its controls, or one of you who did and you let the other in; nobody approves their own work.".to_owned(),
            None,
        )?;
    }
    Ok(blocks)
}

/// What is approved, by whom, under which digest.
pub(crate) fn facts(visit: &Visit<'_>, statement: &Statement) -> Result<Block, Refusal> {
    let origin = visit.desk.ledger().reader().origin();
    let applied = |wanted: &str| {
        let word =
            |row: &&StatementRow| row.decision.is_some_and(|decision| decision_word(decision) == wanted);
        statement.rows.iter().filter(word).count() as u64
    };
    let mut facts = Facts::default()
        .with("Log", Cell::text(origin.as_str()))
        .with("Decided", Cell::text(&format!("{} of {}", statement.decided, statement.rows.len())))
        .with(
            "Applied, inherited, excluded",
            Cell::text(&format!("{}, {}, {}", applied("applied"), applied("inherited"), applied("excluded"))),
        )
        .with(
            "Digest of the whole",
            statement
                .digest
                .as_deref()
                .map_or_else(|| Cell::unknown("none until it is complete"), whole_digest),
        );
    facts = match &statement.approval {
        None => facts.with("Approved by", Cell::unknown("nobody yet")),
        Some(approval) => approved(visit, facts, approval)?,
    };
    facts.block()
}

fn approved(visit: &Visit<'_>, facts: Facts, approval: &Approved) -> Result<Facts, Refusal> {
    let by = visit.who_or(Some(&approval.by), "nobody")?;
    let let_in = approval.let_in_by.as_deref().and_then(CredentialId::from_hex);
    let by = [by].into_iter().chain(visit.let_in_by(let_in)?).collect();
    Ok(facts
        .with_all("Approved by", by)
        .with_all("Approved", vec![visit.time(approval.at.0), visit.entry(approval.recorded.index)])
        .with(
            "Digest approved",
            approval.digest.as_deref().map_or_else(|| Cell::unknown("erased"), whole_digest),
        ))
}

/// A digest as it is signed and printed: all of it.
fn whole_digest(digest: &str) -> Cell {
    Cell { text: digest.to_owned(), ..Cell::id(digest) }
}

/// A decision as the form says it.
pub(crate) fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Applied => "applied",
        Decision::Excluded => "excluded",
        Decision::Inherited => "inherited",
    }
}

/// All 38 rows, whole, by objective.
pub(crate) fn document(
    visit: &Visit<'_>,
    statement: &Statement,
    stale: &[&'static str],
    may_edit: bool,
) -> Result<Block, Refusal> {
    let controls = visit.desk.controls()?;
    let statuses: BTreeMap<&str, &'static str> =
        controls.controls.iter().map(|row| (row.reference, row.status)).collect();
    let mut areas: Vec<Area> = Vec::new();
    let mut heading = "";
    for row in &statement.rows {
        let found = controls.controls.iter().find(|control| control.reference == row.control);
        let above = found.map_or("", |control| control.heading);
        if areas.is_empty() || above != heading {
            heading = above;
            let title = controls.headings.iter().find(|known| known.id == above);
            let title =
                title.map_or_else(|| above.to_owned(), |known| format!("{} {}", known.id, known.title));
            areas.push(Area { title, rows: Vec::new() });
        }
        let shown = Shown {
            doubt: doubts(row, stale).join("; "),
            ..shown(visit, row, statuses.get(row.control).copied(), may_edit)?
        };
        if let Some(area) = areas.last_mut() {
            area.rows.push(shown);
        }
    }
    Block::of(&Document {
        log: visit.desk.ledger().reader().origin().as_str().to_owned(),
        areas,
        csv: "/soa?format=csv".to_owned(),
    })
}

fn shown(
    visit: &Visit<'_>,
    row: &StatementRow,
    status: Option<&'static str>,
    may_edit: bool,
) -> Result<Shown, Refusal> {
    Ok(Shown {
        id: row.control,
        control: Cell::text(row.control).to(format!("/soa/{}", row.control)),
        title: row.title.clone(),
        decision: looks::applicability(row.decision),
        reason: row.reason.as_deref().map(prose).unwrap_or_default(),
        evidence: row.evidence.as_deref().map(prose).unwrap_or_default(),
        doubt: String::new(),
        status: status.map_or_else(
            || Cell::unknown("–"),
            |word| Cell::state(looks::overall(word)).to(format!("/controls/{}", row.control)),
        ),
        by: by(visit, row)?,
        at: row.at.map_or_else(|| Cell::unknown("–"), |at| visit.time(at.0)),
        approved: row.approved,
        decided: row.decision.is_some(),
        edit: if may_edit { format!("/soa/{}", row.control) } else { String::new() },
    })
}

/// What a reader should question about a row.
pub(crate) fn doubts(row: &StatementRow, stale: &[&'static str]) -> Vec<&'static str> {
    let contradicted = stale.contains(&row.control).then_some(STALE);
    row.doubt.into_iter().chain(contradicted).collect()
}

/// Who decided a row.
pub(crate) fn by(visit: &Visit<'_>, row: &StatementRow) -> Result<Cell, Refusal> {
    visit.who_or(row.by.as_deref(), "nobody yet")
}

fn csv_rows(visit: &Visit<'_>, statement: &Statement) -> Result<Vec<Row>, Refusal> {
    let controls = visit.desk.controls()?;
    let stale = visit.desk.contradicted(&statement.rows)?;
    let mut rows = Vec::new();
    for row in &statement.rows {
        let status = controls.controls.iter().find(|control| control.reference == row.control);
        let cells = vec![
            reference(row.control),
            Cell::text(&row.title),
            Cell::text(row.decision.map_or("not decided", decision_word)),
            Cell::long(row.reason.as_deref().unwrap_or_default()),
            Cell::long(row.evidence.as_deref().unwrap_or_default()),
            Cell::long(&doubts(row, &stale).join("; ")),
            Cell::text(status.map_or("", |control| looks::overall(control.status).0)),
            by(visit, row)?,
            row.at.map_or_else(|| Cell::text(""), |at| visit.time(at.0)),
            Cell::text(if row.approved { "yes" } else { "no" }),
        ];
        rows.push(Row { href: String::new(), cells });
    }
    Ok(rows)
}
