//! How clauses and controls stood over time, as far as the log still says.

use tabellion_model::Micros;

use crate::console::block::Block;
use crate::console::chart::{Levels, step_for};
use crate::console::link::Link;
use crate::console::moment;
use crate::console::visit::Visit;
use crate::refusal::Refusal;
use crate::work::controls::Counts;

/// Stretches of the chart, the one that has not ended among them.
const STRETCHES: u64 = 12;
/// From the top of a bar down: what grows stands on the ground.
const KINDS: [(&str, &str); 4] =
    [("Not applicable", "quiet"), ("Gap", "faint"), ("Partial", "fair"), ("Covered", "good")];

fn values(counts: &Counts) -> Vec<u64> {
    vec![counts.not_applicable, counts.gap, counts.partial, counts.covered]
}

/// The chart, with what holds `now` as its last bar; `None` when nothing moved, there is no past to show, or the log is too long to fold it.
pub(crate) fn chart(visit: &Visit<'_>, now: &Counts) -> Result<Option<Block>, Refusal> {
    if visit.moment.is_some() {
        return Ok(None);
    }
    let reader = visit.desk.ledger().reader();
    let opened = moment::of_entry(visit.desk, 0)?;
    let step_us = step_for(visit.now().0.saturating_sub(opened.0), STRETCHES - 1);
    let first = opened.0 / step_us * step_us;
    let last = visit.now().0 / step_us * step_us;
    let mut ends = Vec::new();
    let mut begin = first;
    while begin < last {
        // What was committed exactly then belongs to the next stretch.
        if let Some(end) = moment::last_until(reader, Micros(begin + step_us - 1))? {
            ends.push((Micros(begin), end.size));
        }
        begin += step_us;
    }
    let mut sizes: Vec<u64> = ends.iter().map(|(_, size)| *size).collect();
    sizes.dedup();
    let Some(stood) = visit.desk.coverage_over(&sizes)? else { return Ok(None) };
    let mut stretches: Vec<(Micros, String, Vec<u64>)> = ends
        .iter()
        .filter_map(|(at, size)| {
            let (_, counts) = stood.get(sizes.iter().position(|known| known == size)?)?;
            Some((*at, Link::to("/controls").with("as_of", &size.to_string()).href(), values(counts)))
        })
        .collect();
    stretches.push((Micros(last), "/controls".to_owned(), values(now)));
    if stretches.windows(2).all(|pair| matches!(pair, [(.., before), (.., after)] if before == after)) {
        return Ok(None);
    }
    let said = format!(
        "Now: {} covered, {} partial, {} with a gap, {} not applicable. Each bar is the end of its stretch, computed from what the log held then by the rules of now.",
        now.covered, now.partial, now.gap, now.not_applicable
    );
    let levels = Levels {
        id: "coverage",
        title: "What was evidenced over time",
        said,
        unit: "clauses and controls",
        kinds: &KINDS,
        step_us,
        stretches,
    };
    levels.chart()
}
