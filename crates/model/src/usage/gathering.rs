//! Buckets of an export, added up by day.
//!
//! Promises: buckets come in order and none overlaps another, so nothing is counted twice; a bucket lies within one day of UTC, so each number has its day.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{
    DAY_US, MAX_USAGE_BUCKETS, MAX_USAGE_CELLS, MAX_USAGE_DAYS, MAX_USAGE_NAME_BYTES, MAX_USAGE_NUMBER,
    MAX_USAGE_SPANS, UsageCell, UsageExport, UsageFault, UsageSpan,
};
use crate::{Micros, text};

/// Microseconds of a second.
const SECOND_US: u64 = 1_000_000;

/// What one row of an export says.
pub(super) struct Row {
    pub(super) account: Option<String>,
    pub(super) key: Option<String>,
    pub(super) model: String,
    pub(super) requests: Option<u64>,
    pub(super) input: u64,
    pub(super) output: u64,
    /// Everything that the provider tells rows of one bucket apart by.
    pub(super) apart: String,
}

type Place = (Micros, Option<String>, Option<String>, String);

/// An export in the reading.
#[derive(Default)]
pub(super) struct Gathering {
    cells: BTreeMap<Place, (Option<u64>, u64, u64)>,
    covered: Vec<UsageSpan>,
    buckets: u64,
    day: Micros,
    /// What rows of the newest bucket were told apart by.
    seen: BTreeSet<String>,
    /// The page before, where it says that more follow it.
    more_after: Option<String>,
}

impl Gathering {
    /// Begins the bucket at `place`.
    pub(super) fn begin(&mut self, place: &str, from: Micros, until: Micros) -> Result<(), UsageFault> {
        let fault = |what: String| Err(UsageFault::new(place, what));
        if from >= until {
            return fault("a bucket ends after it begins".to_owned());
        }
        if from.0 / DAY_US != (until.0 - 1) / DAY_US {
            return fault(
                "a bucket lies within one day of UTC; export by days, hours or minutes, in UTC".to_owned(),
            );
        }
        if let Some(last) = self.covered.last()
            && from < last.until
        {
            let what = format!(
                "the bucket begins at {from}, before the one before it ends ({}): twice in the export, overlapping or out of order",
                last.until
            );
            return fault(what);
        }
        if let Some(page) = self.more_after.take()
            && self.covered.last().is_some_and(|last| last.until != from)
        {
            return fault(format!(
                "{page} says that more follow it, and this bucket does not begin where it ends: a page is missing between them"
            ));
        }
        let first = self.covered.first().map_or(from, |span| span.from);
        if until.since(first) > MAX_USAGE_DAYS * DAY_US {
            return fault(format!("the export is longer than {MAX_USAGE_DAYS} days; export fewer at once"));
        }
        self.buckets += 1;
        if self.buckets > MAX_USAGE_BUCKETS {
            return fault(format!("the export has more than {MAX_USAGE_BUCKETS} buckets; export fewer days"));
        }
        let spans = self.covered.len();
        match self.covered.last_mut() {
            Some(last) if last.until == from => last.until = until,
            _ if spans == MAX_USAGE_SPANS => {
                return fault(format!("the export has more than {MAX_USAGE_SPANS} holes; export it anew"));
            }
            _ => self.covered.push(UsageSpan { from, until }),
        }
        self.day = Micros(from.0 - from.0 % DAY_US);
        self.seen.clear();
        Ok(())
    }

    /// Adds a row of the bucket that was begun.
    pub(super) fn add(&mut self, place: &str, row: Row) -> Result<(), UsageFault> {
        let fault = |what: String| Err(UsageFault::new(place, what));
        for name in [Some(&row.model), row.account.as_ref(), row.key.as_ref()].into_iter().flatten() {
            if name.len() > MAX_USAGE_NAME_BYTES {
                return fault(format!("a name is longer than {MAX_USAGE_NAME_BYTES} bytes"));
            }
            if let Some(odd) = text::fault(name, MAX_USAGE_NAME_BYTES as u64, false) {
                return fault(format!("a name cannot stand: {odd}"));
            }
        }
        if !self.seen.insert(row.apart) {
            return fault("the same row stands twice in this bucket; export it anew".to_owned());
        }
        let numbers = [row.requests.unwrap_or(0), row.input, row.output];
        let cell = (self.day, row.account, row.key, row.model);
        let before = self.cells.get(&cell).copied().unwrap_or((Some(0), 0, 0));
        let sums = (
            before.0.zip(row.requests).map(|(before, more)| before.saturating_add(more)),
            before.1.saturating_add(row.input),
            before.2.saturating_add(row.output),
        );
        let largest = numbers.into_iter().chain([sums.0.unwrap_or(0), sums.1, sums.2]).max().unwrap_or(0);
        if largest > MAX_USAGE_NUMBER {
            return fault(format!("a number, or its sum, is larger than {MAX_USAGE_NUMBER}"));
        }
        self.cells.insert(cell, sums);
        if self.cells.len() > MAX_USAGE_CELLS {
            return fault(format!(
                "the export has more than {MAX_USAGE_CELLS} sums of day, account, key and model; export fewer days at once"
            ));
        }
        Ok(())
    }

    /// Ends a page, of which its export says whether more follow it.
    pub(super) fn end_page(&mut self, number: usize, has_more: bool) {
        self.more_after = has_more.then(|| format!("page {number}"));
    }

    /// What was read.
    pub(super) fn done(self) -> Result<UsageExport, UsageFault> {
        if let Some(page) = self.more_after {
            let what = "more pages follow the last one (has_more), so a part of what was counted is not here; ask for them with page=, the value of next_page, and put all into one file one after the other, or export fewer days";
            return Err(UsageFault::new(format!("{page}, /has_more"), what));
        }
        if self.buckets == 0 {
            let what = "it has no bucket, so it says of no time what was counted; export at least one";
            return Err(UsageFault::new("the file", what));
        }
        let cells = self.cells.into_iter().map(|((day, account, key, model), (requests, input, output))| {
            UsageCell { day, account, key, model, requests, input, output }
        });
        Ok(UsageExport { cells: cells.collect(), covered: self.covered, buckets: self.buckets })
    }
}

/// Seconds since 1970 as a time.
pub(super) fn seconds(place: &str, seconds: u64) -> Result<Micros, UsageFault> {
    let micros = seconds.checked_mul(SECOND_US).filter(|micros| *micros <= MAX_USAGE_NUMBER);
    micros.map(Micros).ok_or_else(|| {
        UsageFault::new(place, "this is no time in seconds since 1970; milliseconds are not read")
    })
}

/// A time as text, in UTC: another zone would move numbers to another day without anybody seeing it.
pub(super) fn utc(place: &str, text: &str) -> Result<Micros, UsageFault> {
    let is_day = !text.contains(['T', 't', ' ']);
    if !is_day && !text.ends_with(['Z', 'z']) && !text.ends_with("+00:00") {
        let what = "times of an export are in UTC and end in Z, as 2026-03-01T00:00:00Z does";
        return Err(UsageFault::new(place, what));
    }
    Micros::parse_date(text).map_err(|error| UsageFault::new(place, error.to_string()))
}

/// Pages of an export: one, several one after the other, or a list of them.
pub(super) fn pages<P: DeserializeOwned>(format: &str, text: &str) -> Result<Vec<P>, UsageFault> {
    let fault = |error: serde_json::Error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let what = error.to_string();
        let what = what.strip_suffix(&format!(" at {place}")).unwrap_or(&what);
        UsageFault::new(place, format!("{what}; expected are pages of {format}, in JSON"))
    };
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(fault);
    }
    serde_json::Deserializer::from_str(text).into_iter().map(|page| page.map_err(fault)).collect()
}

/// A page with buckets.
#[derive(Deserialize)]
pub(super) struct Page<B> {
    pub(super) data: Vec<B>,
    #[serde(default)]
    has_more: bool,
    #[serde(default, rename = "next_page")]
    next: Option<IgnoredAny>,
}

impl<B> Page<B> {
    /// Whether it says that more pages follow it.
    pub(super) fn has_more(&self) -> bool {
        self.has_more || self.next.is_some()
    }
}
