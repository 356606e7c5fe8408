//! One row of the Statement of Applicability: its decision, how it came about, and the form that decides it.

use serde_json::{Value, json};

use super::applicability::{by, decision_word};
use super::said::prose;
use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Note, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, sentence};
use crate::console::looks;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::Tone;
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};
use crate::work::applicability::{NewDecision, StatementRow};

/// One row: its decision, how it came about, and the form that decides it.
pub(crate) fn row(visit: &Visit<'_>) -> Answered {
    row_page(visit, 200, None)
}

/// Decides whether the control applies.
pub(crate) fn decide(visit: &Visit<'_>) -> Answered {
    let control = visit.parts.text("control");
    let typed = || {
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
    };
    let done =
        typed().and_then(|new| visit.desk.decide_control(visit.actor()?, &visit.given(), control, &new));
    match done {
        Ok((_, written)) => Ok(visit.recorded("/soa", &written)),
        Err(refusal) => {
            let refused = Refused { id: "row", typed: &visit.form, refusal: &refusal };
            row_page(visit, refusal.code.status(), Some(&refused))
        }
    }
}

fn row_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let history = visit.desk.statement_of(visit.parts.text("control"))?;
    let row = &history.row;
    let mut blocks = Vec::new();
    if let Some(doubt) = row.doubt {
        let (title, text) = ("To question".to_owned(), sentence(doubt));
        blocks.push(Block::of(&Note { tone: Tone::Fair, title, text, action: None })?);
    }
    blocks.push(row_facts(visit, row)?);
    if visit.can(Permission::DecideApplicability) && visit.moment.is_none() {
        let fields = vec![
            Field {
                values: row.decision.map(|decision| decision_word(decision).to_owned()).into_iter().collect(),
                ..Field::new("decision", "Does it apply?", decisions())
            },
            Field::new("reason", "Reason", Kind::Area(4))
                .hint("By risk, law, contract or business: why it applies here, or why not.")
                .value(row.reason.clone().unwrap_or_default()),
            Field::new("evidence", "Evidence of who carries it out", Kind::Area(2))
                .hint("An inherited control needs it: the contract, the report, the certificate, and where it is.")
                .optional()
                .value(row.evidence.clone().unwrap_or_default()),
        ];
        let mut form = Form::new("row", format!("/soa/{}", row.control), "Record the decision", fields);
        form.version = (row.version > 0).then_some(row.version);
        form.consequence = "Whoever decides a row cannot approve the statement. An approval of before stays with the rows as they were.";
        "/soa".clone_into(&mut form.cancel);
        blocks.push(section("decide", "Decide", vec![form.block(visit, refused)?])?);
    }
    blocks.push(decisions_made(visit, &history.decisions)?);
    let content = Content {
        trail: vec![("Statement of Applicability".to_owned(), "/soa".to_owned())],
        badges: vec![looks::applicability(row.decision)],
        blocks,
        ..Content::titled(&format!("{} {}", row.control, row.title))
    };
    visit.show_with(status, content)
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

fn row_facts(visit: &Visit<'_>, row: &StatementRow) -> Result<Block, Refusal> {
    let status = visit.desk.control(row.control)?;
    let text = |text: Option<&str>| match text {
        Some(text) => Cell { text: prose(text), ..Cell::long(text) },
        None => Cell::unknown("nothing yet"),
    };
    let mut facts = Facts::default()
        .with("Applies", looks::applicability(row.decision))
        .with("Reason", text(row.reason.as_deref()))
        .with(
            "As evidenced",
            Cell::state(looks::overall(status.control.status)).to(format!("/controls/{}", row.control)),
        )
        .with("Decided by", by(visit, row)?);
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
    let listing = Listing {
        id: "decisions",
        caption: "Every decision on this control",
        columns: const {
            &[
                column("when", "When"),
                column("by", "By"),
                column("decision", "Applies"),
                column("reason", "Reason"),
                column("entry", "Entry"),
            ]
        },
        filters: Vec::new(),
        search: "",
        views: Vec::new(),
        empty: nothing(
            "Nobody has decided it yet",
            "Every decision is a record with its reason, and stands here for good.",
            None,
        ),
    };
    section("decisions", "Decisions", vec![listing.table(visit, Rows::Whole(rows))?])
}
