//! What looking back costs: a fold of as much of the log as is folded for one look, and how statuses stood at the moments of a chart.

use std::sync::Arc;
use std::time::Instant;

use tabellion_bench::machine;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{OpenOptions, OsEntropy, Reader, SystemClock};
use tabellion_model::register::Registers;
use tabellion_model::status::evaluate_all;
use tabellion_model::status::rules::Rules;
use tabellion_views::query::{COUNTED_CALLS, CallFilter};
use tabellion_views::{Depth, PAST_ENTRIES, Views};

use crate::measuring::processor_of;
use crate::{Options, Outcome};

/// Moments of the chart of statuses, but for the present.
const MOMENTS: usize = 11;
/// Longest wait for the views.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(30);

/// Measures it over what was made.
pub(crate) fn measure(options: &Options) -> Outcome<()> {
    let dir = options.dir.as_path();
    println!("{}", machine());
    let open = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    let (reader, _) = Reader::open(Arc::new(RealDisk::open(dir)?), &open)?;
    let views = Views::start(reader.clone(), dir, Arc::new(|line| eprintln!("{line}")))?;
    views.wait_for(reader.size(), Instant::now() + PATIENCE)?;
    let ends: Vec<u64> = reader.commits()?.iter().map(|commit| commit.size).collect();
    let short: Vec<u64> = ends.iter().copied().filter(|end| *end <= PAST_ENTRIES).collect();
    println!("log: {} entries\n\n| look | entries | s | s of processor |\n|---|---|---|---|", reader.size());
    if let Some(last) = short.last() {
        timed("as of, everything", *last, || {
            let past = views.past(*last, PAST_ENTRIES)?.ok_or("too long")?;
            assert!(past.depth == Depth::Everything, "not all of it was folded");
            Ok(())
        })?;
        let sizes: Vec<u64> =
            (1..=MOMENTS).filter_map(|nth| short.get(short.len() * nth / (MOMENTS + 1)).copied()).collect();
        let registers = Registers::built_in()?;
        timed("chart of statuses", sizes.last().copied().unwrap_or_default(), || {
            let stood = views.facts_over(&sizes, &registers, PAST_ENTRIES)?.ok_or("too long")?;
            for (at, facts) in &stood {
                assert!(evaluate_all(Rules::built_in(), facts, *at).len() > 60, "a status is missing");
            }
            Ok(())
        })?;
    }
    if reader.size() > PAST_ENTRIES {
        // Of the longest log whose changes are folded.
        let changed = ends.iter().rev().find_map(|end| {
            let began = (Instant::now(), processor_of("").ok()?);
            let past = views.past(*end, PAST_ENTRIES).ok().flatten()?;
            Some((past, *end, began.0.elapsed(), processor_of("").ok()? - began.1))
        });
        if let Some((past, end, wall, processor)) = changed {
            assert!(past.depth == Depth::Changes, "calls were folded too");
            println!("| as of, changes | {end} | {:.2} | {processor:.2} |", wall.as_secs_f64());
        }
    }
    timed("chart of calls", u64::from(COUNTED_CALLS), || {
        views.traffic(&CallFilter::default(), None, None)?;
        Ok(())
    })?;
    views.stop();
    Ok(())
}

fn timed(what: &str, entries: u64, look: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    let (began, before) = (Instant::now(), processor_of("")?);
    look()?;
    let (wall, processor) = (began.elapsed().as_secs_f64(), processor_of("")? - before);
    println!("| {what} | {entries} | {wall:.2} | {processor:.2} |");
    Ok(())
}
