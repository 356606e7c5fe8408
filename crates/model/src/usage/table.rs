//! A table for every provider whose export is none of the others: see `docs/unseen.md`.

use std::collections::BTreeMap;

use super::gathering::{Gathering, Row, utc};
use super::{UsageExport, UsageFault};
use crate::catalogue::csv;

/// Its columns.
const COLUMNS: [&str; 8] =
    ["start", "end", "account", "key", "model", "requests", "input_tokens", "output_tokens"];

pub(super) fn read(text: &str) -> Result<UsageExport, UsageFault> {
    // Spreadsheets put a byte order mark before the first column.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    if text.trim().is_empty() {
        let what = format!("it is empty; a table begins with the columns {}", COLUMNS.join(","));
        return Err(UsageFault::new("line 1", what));
    }
    let rows = csv::rows(&text, COLUMNS).map_err(|fault| {
        let what = format!("{}; the columns are {}", fault.what, COLUMNS.join(","));
        UsageFault::new(format!("line {}", fault.line), what)
    })?;
    let mut gathering = Gathering::default();
    let mut bucket = None;
    let mut counts_requests: BTreeMap<&str, (bool, usize)> = BTreeMap::new();
    for (number, [start, end, account, key, model, requests, input, output]) in rows.iter().enumerate() {
        let place = format!("line {}", number + 2);
        // Rows of one bucket follow each other.
        if bucket != Some((start, end)) {
            gathering.begin(&place, utc(&place, start)?, utc(&place, end)?)?;
            bucket = Some((start, end));
        }
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        if model.is_empty() {
            if [account, key, requests, input, output].iter().any(|field| !field.is_empty()) {
                let what = "a row without a model says that its bucket is empty, and nothing else";
                return Err(UsageFault::new(place, what));
            }
            continue;
        }
        let known = counts_requests.entry(model.as_ref()).or_insert((!requests.is_empty(), number + 2));
        if known.0 == requests.is_empty() {
            // Their sum would be unknown, and direct requests of this model would pass as not counted.
            let (here, there) = if known.0 { ("empty", "counted") } else { ("counted", "empty") };
            let what = format!(
                "requests is {here} here and {there} in line {} of the same model, so its requests could not be compared: write 0 where there were none, or leave it empty in all of them",
                known.1
            );
            return Err(UsageFault::new(place, what));
        }
        let (account, key, model) = (named(account), named(key), model.to_string());
        let requests = if requests.is_empty() { None } else { Some(count(&place, "requests", requests)?) };
        let (input, output) =
            (count(&place, "input_tokens", input)?, count(&place, "output_tokens", output)?);
        let apart = format!("{account:?} {key:?} {model:?}");
        gathering.add(&place, Row { account, key, model, requests, input, output, apart })?;
    }
    gathering.done()
}

/// One spelling of a whole number: digits, no leading zero.
fn count(place: &str, column: &str, text: &str) -> Result<u64, UsageFault> {
    let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    number.ok_or_else(|| UsageFault::new(place, format!("{column} is not a whole number without signs")))
}
