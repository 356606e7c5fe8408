//! Invoices of providers beside what calls took by the prices on record; putting one on record.
//!
//! Promises: what cannot be said is *undetermined*, with why. Must never: round what was typed.

use serde_json::json;

use crate::console::answer::Answered;
use crate::console::block::{Block, Note, section};
use crate::console::body::Body;
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, list as several};
use crate::console::money;
use crate::console::table::{Column, Listing, Row, Rows, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted, day};
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::invoices::{Compared, Invoice, NewInvoice, Verdict};

/// The form that puts one on record.
const RECORD: &str = "record-invoice";
/// Where the page is.
const PATH: &str = "/invoices";

const COLUMNS: &[Column] = &[
    column("invoice_number", "Number"),
    column("invoice_provider", "Provider"),
    column("invoice_from", "From"),
    column("invoice_until", "Until"),
    column("invoice_asks", "Asks for"),
    column("invoice_counted", "Counted here"),
    column("invoice_reserved", "Reserved here"),
    column("invoice_verdict", "Verdict"),
    column("invoice_difference", "Differs by at least"),
    column("invoice_why", "To read it with"),
    more("invoice_upstreams", "Upstreams"),
    more("invoice_note", "Note"),
    more("invoice_by", "By"),
    column("invoice_entry", "Entry"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Puts one on record.
pub(crate) fn record(visit: &Visit<'_>) -> Answered {
    let done = || {
        let new: NewInvoice = visit.read("recordInvoice", typed(visit)?)?;
        visit.desk.record_invoice(visit.actor()?, &visit.given(), &new)
    };
    visit.after(RECORD, done(), |_| PATH.to_owned(), page)
}

fn typed(visit: &Visit<'_>) -> Result<serde_json::Value, Refusal> {
    let text = |name: &str| visit.form.text(name).trim();
    let mut body = Body::default();
    body.set_said("provider", text("provider"), "name the provider");
    body.set_said("number", text("number"), "the number that the provider gave it");
    for name in ["from", "until"] {
        body.set_said(name, text(name), "a day");
    }
    match money::read(text("micros")) {
        Some(micros) => body.set_some("micros", Some(micros)),
        None => body.fault("micros", "an amount has digits, and at most six behind a point, such as 1234.50"),
    }
    body.set_said("currency", text("currency"), "three capital letters, such as EUR");
    body.set_some("upstreams", Some(json!(several(text("upstreams")))));
    if !text("tolerance_per_mille").is_empty() {
        body.set_number("tolerance_per_mille", text("tolerance_per_mille"));
    }
    body.set_said("note", text("note"), "say what it is");
    body.whole()
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    if visit.reach(Permission::ReadSpend) != Reach::All {
        let note = Note {
            tone: Tone::Quiet,
            title: "Invoices are of the whole organisation".to_owned(),
            text: "Your role sees what systems spend that you answer for: the page of costs has it."
                .to_owned(),
            action: None,
        };
        return visit.show(Content { blocks: vec![Block::of(&note)?], ..Content::titled("Invoices") });
    }
    let invoices = visit.desk.invoices(visit.actor()?)?.invoices;
    let rows = invoices.iter().map(|invoice| row(visit, invoice)).collect::<Result<Vec<_>, _>>()?;
    let empty = nothing(
        "No invoice yet",
        "What a provider asks for is held against what the calls of that time took, by the prices on record. Put an invoice on record here, or over the API.",
        None,
    );
    let listing = Listing::plain("invoices", "Invoices of providers", COLUMNS, empty);
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?];
    if visit.can(Permission::ReconcileUsage) {
        let mut form = Form::new(RECORD, PATH.to_owned(), "Put it on record", fields());
        form.consequence =
            "A difference beyond the tolerance that nothing unknown can explain opens a finding.";
        let part = section("record", "Put an invoice on record", vec![form.block(visit, refused)?])?;
        // What was refused is read before anything else.
        blocks.insert(if refused.is_some() { 0 } else { blocks.len() }, part);
    }
    let content = Content {
        trail: vec![("Costs".to_owned(), "/costs".to_owned())],
        lead: "What providers ask for, beside what calls took by the prices on record now. Taxes, discounts and what did not go through the gateway are in no sum here."
            .to_owned(),
        blocks,
        ..Content::titled("Invoices")
    };
    visit.show_with(status, content)
}

fn fields() -> Vec<Field> {
    vec![
        Field::new("provider", "Provider", Kind::Line).hint("A short word, such as openai."),
        Field::new("number", "Number", Kind::Line)
            .hint("As the provider gave it. One that is recorded again takes the place of the one before."),
        Field::new("from", "From", Kind::Day),
        Field::new("until", "Before", Kind::Day)
            .hint("The day after the last: for October, the first of November. UTC."),
        Field::new("micros", "Amount", Kind::Line).hint("Without taxes, such as 1234.50."),
        Field::new("currency", "Currency", Kind::Line).hint("Three capital letters, such as EUR."),
        Field::new("upstreams", "Upstreams", Kind::Line)
            .hint("Whose calls it is for, with commas between them; nothing: the one of the provider's name.")
            .optional(),
        Field::new("tolerance_per_mille", "Tolerance, in thousandths", Kind::Line)
            .hint("What is let pass as rounding, up to 50; nothing: none.")
            .optional(),
        Field::new("note", "Note", Kind::Area(2)),
    ]
}

fn row(visit: &Visit<'_>, invoice: &Invoice) -> Result<Row, Refusal> {
    let amount = |micros: Option<u64>| match (micros, invoice.currency) {
        (Some(micros), Some(currency)) => {
            Cell { whole: money::plain(micros), ..Cell::quantity(&money::shown(micros, currency), micros) }
        }
        _ => Cell::unknown("erased"),
    };
    let moment = |at: Option<crate::work::forms::Time>| {
        at.map_or_else(|| Cell::unknown("erased"), |at| Cell::quantity(&day(at.0), at.0.0))
    };
    let compared = invoice.compared.as_ref();
    let cells = vec![
        Cell::maybe(invoice.number.as_deref(), "erased"),
        Cell::text(&invoice.provider),
        moment(invoice.from),
        moment(invoice.until),
        amount(invoice.micros),
        amount(compared.map(|compared| compared.settled_micros)),
        amount(compared.map(|compared| compared.reserved_micros)),
        Cell::state(verdict(invoice)),
        amount(compared.map(|compared| compared.difference_micros)),
        Cell::maybe(compared.map(why).as_deref(), "nothing"),
        Cell::text(&invoice.upstreams.as_deref().unwrap_or_default().join(", ")),
        Cell::maybe(invoice.note.as_deref(), "erased"),
        visit.who_by_id(&invoice.by)?,
        visit.entry(invoice.recorded.index),
    ];
    Ok(Row { href: String::new(), cells })
}

fn verdict(invoice: &Invoice) -> (&'static str, Tone) {
    match invoice.compared.as_ref().map(|compared| compared.verdict) {
        _ if invoice.superseded => ("Superseded", Tone::Quiet),
        Some(Verdict::Agrees) => ("Agrees", Tone::Good),
        Some(Verdict::MoreThere) => ("Asks for more", Tone::Bad),
        Some(Verdict::MoreHere) => ("Asks for less", Tone::Bad),
        Some(Verdict::Undetermined) => ("Undetermined", Tone::Fair),
        None => ("Erased", Tone::Quiet),
    }
}

/// What is not known of the calls.
fn why(compared: &Compared) -> String {
    let parts = [
        (compared.calls_unpriced, "without a price in its currency"),
        (compared.calls_unreadable, "whose provider is erased"),
    ];
    let said = parts.iter().filter(|(calls, _)| *calls > 0);
    said.map(|(calls, what)| format!("{} {what}", counted(*calls, "call", "calls")))
        .collect::<Vec<_>>()
        .join("; ")
}
