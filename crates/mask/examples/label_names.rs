//! Labels the texts of a file with the names found in them, and says how that compares with the labels that are there.
//!
//! `label_names GOLD.jsonl [PREDICTIONS.jsonl]`: each line of GOLD has `id`, `text` and `spans` `[start, end, type]` in code
//! points. Predictions are written in the same form with scores. The comparison counts a label as met when a span of its type
//! overlaps it, one to one.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Value, json};
use tabellion_mask::names::{self, NameKind};

type Error = Box<dyn std::error::Error>;
type Span = (u64, u64, String);

fn label(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Person => "PERSON",
        NameKind::Location => "LOCATION",
        NameKind::Organisation => "ORGANIZATION",
    }
}

/// The names of a text with their scores, in code points.
fn found(text: &str) -> Vec<(Span, u8)> {
    let mut spans = Vec::new();
    names::find(text, None, &mut spans);
    let points = |byte: usize| text.get(..byte).unwrap_or_default().chars().count() as u64;
    let point = |span: &names::NameSpan| {
        (points(span.range.start), points(span.range.end), label(span.kind).to_owned())
    };
    spans.iter().map(|span| (point(span), span.score)).collect()
}

fn labels(row: &Value) -> Vec<Span> {
    let span = |span: &Value| {
        Some((span.get(0)?.as_u64()?, span.get(1)?.as_u64()?, span.get(2)?.as_str()?.to_owned()))
    };
    row.get("spans").and_then(Value::as_array).into_iter().flatten().filter_map(span).collect()
}

#[derive(Default)]
struct Count {
    met: u32,
    missed: u32,
    extra: u32,
}

fn compare(counts: &mut BTreeMap<String, Count>, gold: &[Span], found: &[Span]) {
    for kind in ["PERSON", "LOCATION", "ORGANIZATION"] {
        let count = counts.entry(kind.to_owned()).or_default();
        let mut free: Vec<&Span> = found.iter().filter(|span| span.2 == kind).collect();
        for span in gold.iter().filter(|span| span.2 == kind) {
            match free.iter().position(|other| other.0 < span.1 && span.0 < other.1) {
                Some(at) => {
                    free.swap_remove(at);
                    count.met += 1;
                }
                None => count.missed += 1,
            }
        }
        count.extra += u32::try_from(free.len()).unwrap_or(u32::MAX);
    }
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let gold = std::fs::read_to_string(arguments.next().ok_or("which file?")?)?;
    let mut out = arguments.next().map(std::fs::File::create).transpose()?;
    let (mut counts, mut rows, mut hit) = (BTreeMap::new(), 0_usize, 0_usize);
    for line in gold.lines().filter(|line| !line.is_empty()) {
        let row: Value = serde_json::from_str(line)?;
        let text = row.get("text").and_then(Value::as_str).ok_or("a line without text")?;
        let found = found(text);
        let spans: Vec<Span> = found.iter().map(|(span, _)| span.clone()).collect();
        let gold = labels(&row);
        rows += 1;
        hit += usize::from(gold.is_empty() && !spans.is_empty());
        compare(&mut counts, &gold, &spans);
        if let Some(out) = &mut out {
            let spans: Vec<Value> =
                found.iter().map(|((s, e, kind), score)| json!([s, e, kind, score])).collect();
            writeln!(out, "{}", json!({"id": row.get("id"), "spans": spans}))?;
        }
    }
    let mut report = std::io::stdout().lock();
    writeln!(report, "{rows} rows; {hit} without any label have a name")?;
    for (kind, Count { met, missed, extra }) in counts {
        let share = |all: u32| f64::from(met) / f64::from(all.max(1));
        let f1 = f64::from(2 * met) / f64::from((2 * met + missed + extra).max(1));
        writeln!(
            report,
            "{kind:14} P {:.3} R {:.3} F1 {f1:.3}  ({met} met, {missed} missed, {extra} extra)",
            share(met + extra),
            share(met + missed)
        )?;
    }
    Ok(())
}
