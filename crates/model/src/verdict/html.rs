//! A report as a page of its own: for filing beside the evidence, and for printing.
//!
//! Promises: one file without scripts, links or anything that would be fetched; everything that comes from the evidence is escaped. Must never: say more
//! than the report in text does.

use std::fmt::Write as _;

use super::text::printable;
use super::{Outcome, Report};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;border-top:1px solid #bbb;padding:.4rem .6rem .4rem 0}\
td{overflow-wrap:anywhere}td:first-child,td:nth-child(2){overflow-wrap:normal}.verdict{border:2px solid;padding:1rem}@media print{body{margin:0}tr{break-inside:avoid}}";

/// The page; `name` is what the file is called that was verified.
pub(super) fn page(report: &Report, name: &str) -> String {
    let mut text = String::new();
    let (subject, verdict) = (report.subject.as_str(), sentence(report.verdict()));
    let _ = write!(
        text,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Verification of {}</title><style>{STYLE}</style></head><body>\n\
<h1>Verification of a {subject}</h1>\n<div class=\"verdict\"><p><strong>{verdict}</strong></p><p>{}, exit status {}</p></div>\n",
        escaped(name),
        escaped(name),
        report.exit_code()
    );
    table(
        &mut text,
        "Four aspects, apart",
        ["Aspect", "Standing", "What is said"],
        report.aspects.iter().map(|one| [one.name, one.standing.as_str(), &one.answer]),
    );
    table(
        &mut text,
        "Three questions",
        ["Question", "Outcome", "Answer"],
        report.findings.iter().map(|one| [one.question, one.outcome.as_str(), &one.answer]),
    );
    let checks = report.checks.iter().map(|check| {
        let detail =
            format!("{} Proves: {} Does not prove: {}", check.detail, check.proves, check.does_not_prove);
        (check.name, check.outcome.as_str(), detail)
    });
    let checks: Vec<_> = checks.collect();
    let rows = checks.iter().map(|(name, outcome, detail)| [*name, *outcome, detail.as_str()]);
    table(&mut text, "Checks, in their order", ["Check", "Outcome", "Detail"], rows);
    let facts: Vec<_> = report.facts.iter().map(|(name, value)| (name, value.to_string())).collect();
    let rows = facts.iter().map(|(name, value)| [name.as_str(), "", value.as_str()]);
    table(&mut text, "Facts read from the file", ["Name", "", "Value"], rows);
    let _ = write!(
        text,
        "<h2>What this shows and what it does not</h2>\n<p>{}</p>\n</body></html>\n",
        escaped(report.scope)
    );
    text
}

fn sentence(verdict: Outcome) -> &'static str {
    match verdict {
        Outcome::Holds => "Everything required holds.",
        Outcome::Broken => "Something is broken: do not rely on it.",
        Outcome::Malformed => "The file is malformed: do not rely on it.",
        Outcome::Undetermined | Outcome::NotRun => "Nothing is broken, but something required is unknown.",
    }
}

fn table<'a>(text: &mut String, title: &str, head: [&str; 3], rows: impl Iterator<Item = [&'a str; 3]>) {
    let _ = write!(text, "<h2>{title}</h2>\n<table><thead><tr>");
    for cell in head {
        let _ = write!(text, "<th scope=\"col\">{cell}</th>");
    }
    text.push_str("</tr></thead><tbody>\n");
    for row in rows {
        text.push_str("<tr>");
        for cell in row {
            let _ = write!(text, "<td>{}</td>", escaped(cell));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table>\n");
}

/// Text between tags and in the title: no character of it can end either.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
