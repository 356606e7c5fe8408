//! A verification run as a page to print: one file, no script, nothing loaded from elsewhere.
//!
//! Must never: be taken for the evidence: it names the file that is, by its digest.

use std::fmt::Write as _;

use tabellion_model::{AspectStanding, MAX_RUN_ENTRIES, RunVerdict, VerificationRun};
use tabellion_tlog::{SignedCheckpoint, sha256};

use crate::printable::visible;

/// Rows of one table: what a printer still takes; the rest is in the signed file.
const MAX_ROWS: usize = 2_000;
const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.25rem .5rem;\
text-align:left;vertical-align:top}thead{display:table-header-group}tr{break-inside:avoid}code{font-size:.85em;overflow-wrap:anywhere}@media screen and (max-width:40rem){table{display:block;overflow-x:auto}}\
.broken{font-weight:bold}@page{margin:18mm}@media print{body{margin:0;max-width:none}}";

/// One of a verdict's four parts.
type Which = fn(&RunVerdict) -> AspectStanding;

/// The page of `run`, whose signed file has these `bytes`.
pub fn verification_page(run: &VerificationRun, bytes: &[u8]) -> String {
    let size = SignedCheckpoint::parse(run.checkpoint.as_bytes()).map_or(0, |signed| signed.checkpoint.size);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Verification run of {log}</title><style>{STYLE}</style></head><body>\n\
         <h1>Verification run</h1>\n<p>What the log <code>{log}</code> ({env}) found when it verified the entries below. This page is for reading; the evidence is the \
         signed file with SHA-256 <code>{digest}</code>, checked offline with <code>tabellion verify FILE --trust trust.txt</code>.</p>\n",
        log = escaped(run.log.as_str()),
        env = run.env.as_str(),
        digest = sha256(bytes),
    );
    let reached = run.verdicts.len();
    let facts = [
        ("Checkpoint", format!("{size} entries")),
        ("Began", run.started_at.to_string()),
        ("Ended", format!("{} ({})", run.ended_at, run.end.as_str())),
        ("Asked for", run.asked.to_string()),
        ("Reached", format!("{reached} of at most {MAX_RUN_ENTRIES}")),
        ("Left out", run.asked.saturating_sub(reached as u64).to_string()),
        ("Software", run.software.clone()),
    ];
    page.push_str("<table>\n");
    for (name, value) in facts {
        let _ = writeln!(page, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", escaped(&value));
    }
    page.push_str("</table>\n<h2>Totals</h2>\n<table><thead><tr><th>what</th><th>holds</th><th>broken</th><th>not checked</th></tr></thead>\n");
    let rows: [(&str, Which); 4] = [
        ("signature", |verdict| verdict.signature),
        ("place in the log", |verdict| verdict.inclusion),
        ("time, by a clock outside the log", |verdict| verdict.time),
        ("content", |verdict| verdict.content),
    ];
    for (name, which) in rows {
        let [holds, broken, open] = run.tally(which);
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{name}</th><td>{holds}</td><td>{broken}</td><td>{open}</td></tr>"
        );
    }
    page.push_str("</table>\n");
    let is_broken =
        |verdict: &&RunVerdict| verdict.standings().iter().any(|(_, one)| *one == AspectStanding::Broken);
    table(&mut page, "Broken", run.verdicts.iter().filter(is_broken));
    table(&mut page, "All", run.verdicts.iter());
    page.push_str(
        "<p>Holds, broken and not checked are kept apart: what was not looked at, or could not be decided, is never counted as fine. Nothing here says that what an \
         entry says is true, or that a management system conforms to any standard. Tabellion is not a certification body.</p>\n</body></html>\n",
    );
    page
}

fn table<'a>(page: &mut String, title: &str, verdicts: impl Iterator<Item = &'a RunVerdict> + Clone) {
    let count = verdicts.clone().count();
    let _ = writeln!(page, "<h2>{title}: {count}</h2>");
    if count == 0 {
        return;
    }
    page.push_str("<table><thead><tr><th>asked for</th><th>entry</th><th>signature</th><th>place</th><th>time</th><th>content</th><th>remark</th></tr></thead>\n");
    for verdict in verdicts.take(MAX_ROWS) {
        let index = verdict.entry.map_or_else(|| "none".to_owned(), |(index, _)| index.to_string());
        let _ = write!(page, "<tr><td><code>{}</code></td><td>{index}</td>", escaped(&verdict.asked));
        for (_, standing) in verdict.standings() {
            let class = if standing == AspectStanding::Broken { " class=\"broken\"" } else { "" };
            let _ = write!(page, "<td{class}>{}</td>", standing.as_str());
        }
        let _ = writeln!(page, "<td>{}</td></tr>", escaped(&verdict.detail));
    }
    page.push_str("</table>\n");
    if count > MAX_ROWS {
        let _ = writeln!(page, "<p>{} more are in the signed file.</p>", count - MAX_ROWS);
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text, 1000).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            plain => safe.push(plain),
        }
    }
    safe
}
