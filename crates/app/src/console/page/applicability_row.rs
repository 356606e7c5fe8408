//! Rows of the Statement of Applicability: one with its decision, how it came about and the form that decides it; and several for one reason.
//!
//! Promises: nothing is chosen beforehand; several are decided together or not at all, and none that somebody has decided before.

use serde_json::{Value, json};
use tabellion_model::CredentialId;

use super::applicability::{by, decision_word, doubts};
use super::said::prose;
use crate::console::answer::{Answered, Reply};
use crate::console::block::{Block, Facts, Note, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, sentence};
use crate::console::link::Link;
use crate::console::looks;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};
use crate::work::Written;
use crate::work::applicability::{NewDecision, StatementRow};
use crate::work::controls::Control;

/// One row: its decision, how it came about, and the form that decides it.
pub(crate) fn row(visit: &Visit<'_>) -> Answered {
    row_page(visit, 200, None)
}

/// Decides whether the control applies.
pub(crate) fn decide(visit: &Visit<'_>) -> Answered {
    let control = visit.parts.text("control");
    let was_open = visit.desk.statement_of(control)?.row.decision.is_none();
    let done =
        typed(visit).and_then(|new| visit.desk.decide_control(visit.actor()?, &visit.given(), control, &new));
    match done {
        Ok((row, written)) => on(visit, row.control, was_open, &written),
        Err(refusal) => visit.again("row", &refusal, row_page),
    }
}

/// On to the next row that nobody has decided, or back to the row's place in the document.
fn on(visit: &Visit<'_>, control: &str, was_open: bool, written: &Written) -> Answered {
    let next = if was_open { next_open(visit, control)? } else { None };
    let at = |path: &str| Link::to(path).with("recorded", &written.index.to_string()).href();
    let place = match next {
        Some(next) => at(&format!("/soa/{next}")),
        None => format!("{}#row-{control}", at("/soa")),
    };
    Ok(Reply::See(place).into())
}

/// The next control that nobody has decided: those behind `control` first.
fn next_open(visit: &Visit<'_>, control: &str) -> Result<Option<&'static str>, Refusal> {
    let rows = visit.desk.statement()?.rows;
    let place = rows.iter().position(|row| row.control == control).unwrap_or_default();
    let (before, behind) = rows.split_at(place);
    let mut open = behind.iter().chain(before).filter(|row| row.decision.is_none() && row.control != control);
    Ok(open.next().map(|row| row.control))
}

/// What was typed of a decision, in either form.
fn typed(visit: &Visit<'_>) -> Result<NewDecision, Refusal> {
    let Some(decision) = visit.form.get("decision") else {
        return Err(Refusal::at(Code::Malformed, "/decision", "say whether it applies"));
    };
    let reason = visit.form.text("reason").trim();
    if reason.is_empty() {
        return Err(Refusal::at(
            Code::Malformed,
            "/reason",
            "give the reason: by risk, law, contract or business",
        ));
    }
    let mut body = json!({"decision": decision, "reason": reason});
    let evidence = visit.form.text("evidence").trim();
    if let (Some(body), false) = (body.as_object_mut(), evidence.is_empty()) {
        body.insert("evidence".to_owned(), Value::from(evidence));
    }
    visit.read::<NewDecision>("decideApplicability", body)
}

/// The form that decides several rows for one reason.
pub(crate) fn several(visit: &Visit<'_>) -> Answered {
    several_page(visit, 200, None)
}

/// Decides several rows together.
pub(crate) fn decide_several(visit: &Visit<'_>) -> Answered {
    let chosen: Vec<&str> = visit.form.all("controls").collect();
    let done = if chosen.is_empty() {
        Err(Refusal::at(Code::Malformed, "/controls", "choose at least one control"))
    } else {
        typed(visit)
            .and_then(|new| visit.desk.decide_open_controls(visit.actor()?, &visit.given(), &chosen, &new))
    };
    match done {
        Ok(written) => Ok(visit.recorded("/soa", &written)),
        Err(refusal) => visit.again("several", &refusal, several_page),
    }
}

fn several_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let open: Vec<(String, String)> = visit
        .desk
        .statement()?
        .rows
        .iter()
        .filter(|row| row.decision.is_none())
        .map(|row| (row.control.to_owned(), format!("{} {}", row.control, row.title)))
        .collect();
    let block = if open.is_empty() {
        Block::of(&Note {
            tone: Tone::Quiet,
            title: "Every control is decided".to_owned(),
            text: "A decision is changed row by row, so that nobody overwrites what they have not seen."
                .to_owned(),
            action: None,
        })?
    } else {
        let count = open.len() as u64;
        let mut fields =
            vec![Field::new("controls", "Controls that nobody has decided yet", Kind::Checks(open))];
        fields.extend(decision_fields(None));
        let mut form = Form::new("several", "/soa/several".to_owned(), "Record these decisions", fields);
        form.consequence = "Each control gets a record of its own with this reason; all are recorded, or none. Whoever decides cannot approve the statement.";
        "/soa".clone_into(&mut form.cancel);
        let title = counted(count, "control is open", "controls are open");
        section("several", &title, vec![form.block(visit, refused)?])?
    };
    let content = Content {
        trail: vec![("Statement of Applicability".to_owned(), "/soa".to_owned())],
        lead: "For controls to which exactly one reason applies. Each can be decided by itself later."
            .to_owned(),
        blocks: vec![block],
        ..Content::titled("Decide several controls")
    };
    visit.show_with(status, content)
}

fn row_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let history = visit.desk.statement_of(visit.parts.text("control"))?;
    let row = &history.row;
    let control = visit.desk.control(row.control)?;
    let mut blocks = Vec::new();
    let stale = visit.desk.contradicted(std::slice::from_ref(row))?;
    for doubt in doubts(row, &stale) {
        let (title, text) = ("To question".to_owned(), sentence(doubt));
        blocks.push(Block::of(&Note { tone: Tone::Fair, title, text, action: None })?);
    }
    blocks.push(row_facts(visit, row, &control)?);
    if visit.can(Permission::DecideApplicability) && visit.moment.is_none() {
        let goes_on = row.decision.is_none() && next_open(visit, row.control)?.is_some();
        let submit = if goes_on { "Record, and go on to the next open one" } else { "Record the decision" };
        let mut form = Form::new("row", format!("/soa/{}", row.control), submit, decision_fields(Some(row)));
        form.version = (row.version > 0).then_some(row.version);
        form.consequence = "Whoever decides a row cannot approve the statement. Rows that are approved keep counting as they were approved, until the statement is approved again.";
        form.cancel = format!("/soa#row-{}", row.control);
        blocks.push(section("decide", "Decide", vec![form.block(visit, refused)?])?);
    }
    blocks.push(decisions_made(visit, &history.decisions)?);
    let content = Content {
        trail: vec![("Statement of Applicability".to_owned(), "/soa".to_owned())],
        lead: control.hint,
        badges: vec![looks::applicability(row.decision)],
        blocks,
        ..Content::titled(&format!("{} {}", row.control, row.title))
    };
    visit.show_with(status, content)
}

/// What a decision says; of a row that has one, with what it says now.
fn decision_fields(row: Option<&StatementRow>) -> Vec<Field> {
    let stands = |text: Option<&String>| text.cloned().unwrap_or_default();
    vec![
        Field {
            values: row
                .and_then(|row| row.decision)
                .map(|decision| decision_word(decision).to_owned())
                .into_iter()
                .collect(),
            ..Field::new("decision", "Does it apply?", decisions())
        },
        Field::new("reason", "Reason", Kind::Area(4))
            .hint("By risk, law, contract or business: why it applies here, or why not.")
            .value(stands(row.and_then(|row| row.reason.as_ref()))),
        Field::new("evidence", "Evidence of who carries it out", Kind::Area(2))
            .hint(
                "An inherited control needs it: the contract, the report, the certificate, and where it is.",
            )
            .optional()
            .value(stands(row.and_then(|row| row.evidence.as_ref()))),
    ]
}

fn decisions() -> Kind {
    let choice =
        |value: &str, label: &str, follows: &str| (value.to_owned(), label.to_owned(), follows.to_owned());
    Kind::Radio(vec![
        choice("applied", "It applies", "Its status is computed from evidence."),
        choice(
            "inherited",
            "Another party carries it out",
            "It counts with that party's evidence, and says so.",
        ),
        choice(
            "excluded",
            "It is excluded",
            "It counts as not applicable once this is approved, unless something known here contradicts it.",
        ),
    ])
}

fn row_facts(visit: &Visit<'_>, row: &StatementRow, control: &Control) -> Result<Block, Refusal> {
    let text = |text: Option<&str>| match text {
        Some(text) => Cell { text: prose(text), ..Cell::long(text) },
        None => Cell::unknown("nothing yet"),
    };
    let let_in = visit.let_in_by(row.let_in_by.as_deref().and_then(CredentialId::from_hex))?;
    let mut facts = Facts::default()
        .with("Applies", looks::applicability(row.decision))
        .with("Reason", text(row.reason.as_deref()))
        .with(
            "As evidenced",
            Cell::state(looks::overall(control.control.status)).to(format!("/controls/{}", row.control)),
        )
        .with_all("Decided by", [by(visit, row)?].into_iter().chain(let_in).collect());
    if let Some(evidence) = &row.evidence {
        facts = facts.with("Evidence of who carries it out", text(Some(evidence)));
    }
    if let Some(at) = row.at {
        facts = facts.with("When", visit.time(at.0));
    }
    if let Some(recorded) = &row.recorded {
        facts = facts.with("Record", visit.entry(recorded.index));
    }
    let approved = if row.approved { Cell::text("as approved") } else { Cell::unknown("not as it stands") };
    facts.with("Approved", approved).block()
}

fn decisions_made(visit: &Visit<'_>, decisions: &[StatementRow]) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for row in decisions.iter().rev() {
        let cells = vec![
            row.at.map_or_else(|| Cell::unknown("–"), |at| visit.time(at.0)),
            by(visit, row)?,
            looks::applicability(row.decision),
            Cell::maybe(row.reason.as_deref(), "erased"),
            row.recorded.as_ref().map_or_else(|| Cell::unknown("–"), |recorded| visit.entry(recorded.index)),
        ];
        rows.push(Row { href: String::new(), cells });
    }
    let listing = Listing::plain(
        "decisions",
        "Every decision on this control",
        const {
            &[
                column("when", "When"),
                column("by", "By"),
                column("decision", "Applies"),
                column("reason", "Reason"),
                column("entry", "Entry"),
            ]
        },
        nothing(
            "Nobody has decided it yet",
            "Every decision is a record with its reason, and stands here for good.",
            None,
        ),
    );
    section("decisions", "Decisions", vec![listing.table(visit, Rows::Whole(rows))?])
}
