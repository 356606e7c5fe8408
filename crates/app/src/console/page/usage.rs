//! What providers counted beside what went through the gateway, what is past it, and what no inventory knows (docs/unseen.md).
//!
//! Promises: traffic off the gateway stands first; what cannot be compared says why. Must never: show a difference of which too little is known as agreement.

use serde_json::json;
use tabellion_model::{CredentialId, FindingId, RecordId};

use super::erasures;
use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Note, section};
use crate::console::cell::{Cell, Look};
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::money;
use crate::console::table::{Column, Listing, Row, Rows, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count as grouped, counted, day, size};
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::findings::{Finding, Unknown};
use crate::work::forms::Reason;
use crate::work::usage::{AmountsForm, ReportedAccount, UsageLine, UsageReport};

/// The form that closes a finding.
const CLOSE: &str = "close-finding";
/// What is said on every page of usage.
const LIMIT: &str = "Seen is what goes through the gateway, and what a provider's export says. Traffic to a provider whose export nobody brings here is not seen.";

const REPORTS: &[Column] = &[
    column("provider", "Provider"),
    column("window", "Window"),
    column("off", "Off the gateway"),
    column("agrees", "Agree"),
    column("here", "More here"),
    column("unclear", "Not comparable"),
    column("at", "Put on record"),
    more("by", "By"),
    more("file", "File"),
];
const LINES: &[Column] = &[
    column("verdict", "Verdict"),
    column("reasons", "To read it with"),
    column("day", "Day"),
    column("model", "Model"),
    column("there", "Provider: requests"),
    column("here", "Here: requests"),
    column("tokens-there", "Provider: tokens"),
    column("tokens-here", "Here: tokens"),
    column("difference", "Beyond ours"),
    more("account", "Account"),
    more("perhaps", "Perhaps ours: requests"),
    more("perhaps-tokens", "Perhaps ours: tokens"),
];
const FINDINGS: &[Column] = &[
    column("finding_what", "What"),
    column("finding_state", "State"),
    column("finding_model", "Model"),
    column("finding_beyond", "Beyond ours"),
    column("finding_at", "Found"),
    column("finding_reason", "Why it was closed"),
    more("finding_provider", "Provider"),
    more("finding_account", "Account"),
    more("finding_entry", "Entry"),
];
const UNKNOWNS: &[Column] = &[
    column("unknown_what", "What"),
    column("unknown_first", "First call"),
    column("unknown_last", "Last call"),
    column("unknown_finding", "Finding"),
];

/// Exports, findings, and what no inventory knows.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    if visit.reach(Permission::ReadSpend) != Reach::All {
        let note = Note {
            tone: Tone::Quiet,
            title: "What providers count is of the whole organisation".to_owned(),
            text: "Your role sees what systems spend that you answer for: GET /api/v1/spend has it."
                .to_owned(),
            action: None,
        };
        return visit.show(Content { blocks: vec![Block::of(&note)?], ..Content::titled("Usage") });
    }
    let reports = visit.desk.usage_reports(visit.actor()?)?.reports;
    let rows = reports.iter().map(|report| report_row(visit, report)).collect::<Result<Vec<_>, _>>()?;
    let (empty_title, empty) = (
        "No export yet",
        "Bring a provider's usage export here: tabellion usage import, or POST /api/v1/usage-reports. Each is held against the calls that went through the gateway.",
    );
    let listing = listing(("reports", "Exports of providers"), REPORTS, empty_title, empty);
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?];
    if visit.reach(Permission::ReadRegisters) == Reach::All {
        blocks = vec![section("reports", "Exports", blocks)?];
        blocks.insert(0, section("findings", "Findings", vec![findings(visit)?])?);
        blocks.push(section("unknown", "Called, and in no inventory", vec![unknown(visit)?])?);
    }
    let content = Content {
        lead: format!("What providers counted, beside what went through the gateway. {LIMIT}"),
        blocks,
        ..Content::titled("Usage")
    };
    visit.show(content)
}

/// One export, line by line.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let id =
        RecordId::from_hex(visit.parts.text("report")).ok_or_else(|| Refusal::not_found("usage report"))?;
    let comparison = visit.desk.usage_comparison(visit.actor()?, id)?;
    let rows = comparison.days.iter().map(line_row).collect();
    let listing = listing(
        ("days", "By day, account and model"),
        LINES,
        "Nothing to compare",
        "The export is empty or erased.",
    );
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let report = &comparison.report;
    let off = comparison.totals.iter().filter(|line| line.verdict == "more_there").count();
    let mut blocks = Vec::new();
    for note in certainty(report, off > 0) {
        blocks.push(Block::of(&note)?);
    }
    if comparison.days_in_all > comparison.days.len() as u64 {
        let shown = comparison.days.len();
        blocks.push(Block::of(&Note {
            tone: Tone::Fair,
            title: format!("{shown} of {} lines are shown", comparison.days_in_all),
            text: "Those that matter most come first; export fewer days for the rest.".to_owned(),
            action: None,
        })?);
    }
    blocks.push(facts(visit, report)?);
    blocks.push(listing.table(visit, Rows::All(rows))?);
    if report.format.is_some() {
        let what = (erasures::USAGE_REPORT, "This export of what a provider counted");
        blocks.extend(erasures::asked_here(visit, what, &report.id)?);
    }
    let content = Content {
        trail: vec![("Usage".to_owned(), "/usage".to_owned())],
        lead: "As it is now: calls that ended since are counted.".to_owned(),
        blocks,
        ..Content::titled(&format!("Usage of {}", report.provider))
    };
    visit.show(content)
}

/// What the comparison says of traffic off the gateway, and whether that is the last word.
fn certainty(report: &UsageReport, is_off: bool) -> Vec<Note> {
    let said = report.reconciled.as_ref();
    let is_found = said.and_then(|said| said.off_gateway).is_some_and(|off| off > 0);
    let mut notes = Vec::new();
    if is_off {
        let text = if report.superseded {
            "A later export of the same time stands in its place, and opens the findings."
        } else if is_found {
            "A finding says so of each model, of the 50 largest differences at most, unless one was closed over as much: see who calls past the gateway, and with which key."
        } else {
            "It shows since calls of that time have ended. The next look, some minutes from now at most, opens a finding."
        };
        notes.push(Note {
            tone: Tone::Bad,
            title: "There is traffic that did not go through the gateway".to_owned(),
            text: text.to_owned(),
            action: None,
        });
    }
    if let Some(open) = said.and_then(|said| said.open).filter(|open| *open > 0) {
        let calls = counted(open, "call", "calls");
        notes.push(Note {
            tone: Tone::Fair,
            title: "Not yet certain".to_owned(),
            text: format!(
                "When it was compared, {calls} of this time had no end, and count with the most that they can take. It is compared again when they have ended, and what shows then opens a finding."
            ),
            action: None,
        });
    }
    notes
}

/// One finding.
pub(crate) fn finding(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// Closes it.
pub(crate) fn close(visit: &Visit<'_>) -> Answered {
    let id = finding_id(visit)?;
    let closed = visit
        .read::<Reason>("closeFinding", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|why| visit.desk.close_finding(visit.actor()?, &visit.given(), id, &why));
    match closed {
        Ok((_, written)) => Ok(visit.recorded(&format!("/usage/findings/{id}"), &written)),
        Err(refusal) => {
            let refused = Refused { id: CLOSE, typed: &visit.form, refusal: &refusal };
            one(visit, refusal.code.status(), Some(&refused))
        }
    }
}

fn finding_id(visit: &Visit<'_>) -> Result<FindingId, Refusal> {
    FindingId::from_hex(visit.parts.text("finding")).ok_or_else(|| Refusal::not_found("finding"))
}

fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let finding = visit.desk.finding(visit.actor()?, finding_id(visit)?)?;
    let mut facts = Facts::default()
        .with("Found", visit.time(finding.at.0))
        .with("Model", Cell::maybe(finding.model.as_deref(), "none"))
        .with("Provider", Cell::maybe(finding.provider.as_deref(), "none"))
        .with("Account, or number of the invoice", Cell::maybe(finding.account.as_deref(), "none"))
        .with("Beyond ours", beyond(finding.beyond))
        .with(
            "Differs by at least",
            finding.micros.zip(finding.currency).map_or_else(
                || Cell::unknown("no money"),
                |(micros, currency)| Cell::text(&money::shown(micros, currency)),
            ),
        )
        .with("Entry", visit.entry(finding.recorded.index));
    if let Some(closed) = &finding.closed {
        facts = facts
            .with("Closed", visit.time(closed.at.0))
            .with("Why", Cell::maybe(closed.reason.as_deref(), "erased"));
        if let Some(by) = closed.by.as_deref().and_then(CredentialId::from_hex) {
            facts = facts.with("By", visit.who(by)?);
        }
    }
    let mut blocks = vec![facts.block()?];
    if visit.can(Permission::ReconcileUsage) && finding.closed.is_none() {
        let fields =
            vec![Field::new("reason", "Why", Kind::Area(3)).hint("Who called, and what was done about it.")];
        let action = format!("/usage/findings/{}/close", finding.id);
        let mut form = Form::new(CLOSE, action, "Close the finding", fields);
        form.version = Some(finding.version);
        form.consequence = "It is opened anew only for more than was found now.";
        let form = section("close", "Close it", vec![form.block(visit, refused)?])?;
        blocks.insert(if refused.is_some() { 0 } else { blocks.len() }, form);
    }
    let content = Content {
        trail: vec![("Usage".to_owned(), "/usage".to_owned())],
        badges: vec![finding_state(&finding)],
        blocks,
        ..Content::titled(what(finding.kind))
    };
    visit.show_with(status, content)
}

fn listing(
    (id, caption): (&'static str, &'static str),
    columns: &'static [Column],
    title: &'static str,
    text: &'static str,
) -> Listing {
    let (filters, views, empty) = (Vec::new(), Vec::new(), nothing(title, text, None));
    Listing { id, caption, columns, filters, search: "", views, empty }
}

fn report_row(visit: &Visit<'_>, report: &UsageReport) -> Result<Row, Refusal> {
    let href = visit.to(&format!("/usage/{}", report.id));
    let said = report.reconciled.as_ref();
    let (off, unclear) = (said.and_then(|said| said.off_gateway), said.and_then(|said| said.not_comparable));
    let count = |number: Option<u64>| number.map_or_else(|| Cell::unknown("not known"), Cell::number);
    let by = CredentialId::from_hex(&report.by).map(|by| visit.who(by)).transpose()?;
    let cells = vec![
        Cell::text(&report.provider).to(href.clone()),
        window(report),
        match off {
            Some(0) if said.and_then(|said| said.open).is_some_and(|open| open > 0) => {
                Cell::state(("not yet certain", Tone::Fair))
            }
            Some(0) if unclear == Some(0) => Cell::state(("none found", Tone::Good)),
            // Of what could not be compared nobody knows it.
            Some(0) => Cell::state(("cannot be said of all", Tone::Fair)),
            Some(_) => Cell::state(("found", Tone::Bad)),
            None => Cell::unknown("not known"),
        },
        count(said.and_then(|said| said.agrees)),
        count(said.and_then(|said| said.more_here)),
        count(unclear),
        visit.time(report.at.0),
        by.unwrap_or_else(|| Cell::unknown("not known")),
        Cell::maybe(report.name.as_deref(), "none"),
    ];
    Ok(Row { href, cells })
}

fn window(report: &UsageReport) -> Cell {
    let Some((from, until)) = report.from.zip(report.until) else { return Cell::unknown("erased") };
    let later = if report.superseded { ", superseded" } else { "" };
    Cell::quantity(&format!("{} to {}{later}", day(from.0), day(until.0)), from.0.0)
}

fn facts(visit: &Visit<'_>, report: &UsageReport) -> Result<Block, Refusal> {
    let bytes = |bytes: u64| Cell::quantity(&size(bytes), bytes);
    Facts::default()
        .with("Window", window(report))
        .with("Put on record", visit.time(report.at.0))
        .with("File", Cell::maybe(report.name.as_deref(), "none"))
        .with("SHA-256", Cell::maybe(report.sha256.as_deref(), "erased"))
        .with("Size", report.size_bytes.map_or_else(|| Cell::unknown("erased"), bytes))
        .with_all("Held against the calls of", accounts(report))
        .with(
            "Tokens may differ by",
            report.tolerance_per_mille.map_or_else(|| Cell::unknown("erased"), tolerance),
        )
        .with("Entry", visit.entry(report.recorded.index))
        .block()
}

fn accounts(report: &UsageReport) -> Vec<Cell> {
    let words = |of: &ReportedAccount| match &of.account {
        Some(account) => Cell::text(&format!("{}, with the account {account}", of.upstream)),
        None => Cell::text(&format!("{}, with every other account", of.upstream)),
    };
    match &report.accounts {
        None => vec![Cell::unknown("erased")],
        Some(accounts) => accounts.iter().map(words).collect(),
    }
}

fn tolerance(per_mille: u64) -> Cell {
    match per_mille {
        0 => Cell::text("nothing"),
        _ => Cell::quantity(&format!("{per_mille} ‰ of what was counted here"), per_mille),
    }
}

fn line_row(line: &UsageLine) -> Row {
    let tokens = |amounts: AmountsForm| {
        let (input, output) = (amounts.input_tokens, amounts.output_tokens);
        amounts_cell(&format!("{} in, {} out", grouped(input), grouped(output)), input.saturating_add(output))
    };
    let no_requests = line.reasons.contains(&"no_requests");
    let there =
        if no_requests { Cell::unknown("not counted there") } else { Cell::number(line.there.requests) };
    let cells = vec![
        Cell::state(verdict(line.verdict)),
        Cell::text(&line.reasons.iter().map(|reason| reason_words(reason)).collect::<Vec<_>>().join("; ")),
        line.day.map_or_else(|| Cell::text("all"), |at| Cell::quantity(&day(at.0), at.0.0)),
        Cell::text(&line.model),
        there,
        Cell::number(line.here.requests),
        tokens(line.there),
        tokens(line.here),
        beyond(Some(line.beyond)),
        Cell::maybe(line.account.as_deref(), "none"),
        Cell::number(line.perhaps.requests),
        tokens(line.perhaps),
    ];
    Row { href: String::new(), cells }
}

fn beyond(amounts: Option<AmountsForm>) -> Cell {
    match amounts {
        None => Cell::unknown("none"),
        Some(AmountsForm { requests: 0, input_tokens: 0, output_tokens: 0 }) => Cell::text("nothing"),
        Some(AmountsForm { requests, input_tokens, output_tokens }) => {
            let requested = counted(requests, "request", "requests");
            let tokens = counted(input_tokens, "token", "tokens");
            amounts_cell(&format!("{requested}, {tokens} in, {} out", grouped(output_tokens)), requests)
        }
    }
}

/// Amounts in words, which may break between them: several of them stand beside each other.
fn amounts_cell(words: &str, number: u64) -> Cell {
    Cell { look: Look::Plain, ..Cell::quantity(words, number) }
}

fn verdict(word: &str) -> (&'static str, Tone) {
    match word {
        "agrees" => ("Agrees", Tone::Good),
        "more_there" => ("Off the gateway", Tone::Bad),
        "more_here" => ("More here", Tone::Fair),
        _ => ("Not comparable", Tone::Quiet),
    }
}

fn reason_words(word: &str) -> &'static str {
    match word {
        "before_log" => "the export speaks of a time before the log",
        "partly_covered" => "the export covers a part of this time",
        "not_counted" => "calls of which too little is known may make up for it",
        "no_requests" => "tokens alone are compared",
        "not_in_export" => "the export does not name it",
        _ => "no upstream calls with this account",
    }
}

fn findings(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let found = visit.desk.findings(visit.actor()?)?.findings;
    let rows = found.iter().map(|finding| {
        let href = visit.to(&format!("/usage/findings/{}", finding.id));
        let closed = finding.closed.as_ref().map(|closed| closed.reason.as_deref());
        let cells = vec![
            Cell::text(what(finding.kind)).to(href.clone()),
            finding_state(finding),
            Cell::maybe(finding.model.as_deref(), "none"),
            beyond(finding.beyond),
            visit.time(finding.at.0),
            closed.map_or_else(|| Cell::unknown("open"), |reason| Cell::maybe(reason, "erased")),
            Cell::maybe(finding.provider.as_deref(), "none"),
            Cell::maybe(finding.account.as_deref(), "none"),
            visit.entry(finding.recorded.index),
        ];
        Row { href, cells }
    });
    let empty = "What a provider counts beyond what went through the gateway, and models that no approved entry of the inventory names, stand here.";
    listing(("findings", "Findings"), FINDINGS, "No finding", empty).table(visit, Rows::Whole(rows.collect()))
}

fn what(kind: Option<&str>) -> &'static str {
    match kind {
        Some("off_gateway") => "Traffic off the gateway",
        Some("unknown_model") => "A model in no inventory",
        Some("unknown_route") => "A path that is not governed",
        Some("invoice_differs") => "An invoice that differs from what calls took",
        _ => "A finding whose content was erased",
    }
}

fn finding_state(finding: &Finding) -> Cell {
    Cell::state(if finding.closed.is_some() { ("Closed", Tone::Quiet) } else { ("Open", Tone::Bad) })
}

fn unknown(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let unknown = visit.desk.unknown_called(visit.actor()?)?;
    let rows = unknown.unknown.iter().map(|unknown| unknown_row(visit, unknown)).collect();
    let empty = "Every model that was asked for or answered is named by an approved entry of the inventory.";
    listing(("unknown", "Called, and in no inventory"), UNKNOWNS, "Nothing unknown", empty)
        .table(visit, Rows::Whole(rows))
}

fn unknown_row(visit: &Visit<'_>, unknown: &Unknown) -> Row {
    let call = |id: &str, at| visit.time(at).to(visit.to(&format!("/calls/{id}")));
    let finding = match (&unknown.finding, unknown.closed) {
        (None, _) => Cell::unknown("not opened"),
        (Some(id), closed) => {
            Cell::text(if closed { "closed" } else { "open" }).to(visit.to(&format!("/usage/findings/{id}")))
        }
    };
    let cells = vec![
        unknown.model.as_deref().map_or_else(|| Cell::text(what(Some(unknown.kind))), Cell::text),
        call(&unknown.first_call, unknown.first_at.0),
        call(&unknown.last_call, unknown.last_at.0),
        finding,
    ];
    Row { href: String::new(), cells }
}
