//! Whether what outside sources sent is all here (formats §7.1, §12).
//!
//! Promises that a number which a source gave out, and which is neither here nor declared lost, is named and never passes for nothing. What it was
//! nobody can say from a package, so such a gap leaves the whole undetermined.

use crate::manifest::RangeSummary;
use crate::source::SourceRow;
use crate::verdict::{CheckPlan, Problems, Report};

pub(crate) const SOURCES: &str = "sources";
/// The check, which a report has when the range holds numbers of outside sources.
const SOURCES_PLAN: CheckPlan = CheckPlan {
    name: SOURCES,
    proves: "Every number that an outside source gave to its records in this range is here, or was declared lost by the source.",
    does_not_prove: "That a source counted everything that it saw, or anything about an application that never calls the log.",
};
/// Most gaps of one epoch that a report names.
const NAMED_GAPS: usize = 8;

/// Reports the sources, when there are any.
pub(crate) fn check_sources(report: &mut Report, counted: &RangeSummary) {
    let rows = &counted.sources;
    if rows.is_empty() {
        return;
    }
    let mut problems = Problems::default();
    for row in rows {
        if row.missing > 0 {
            problems.undetermined(|| gap_text(row));
        }
        if row.unsigned_lost > 0 {
            problems.undetermined(|| {
                format!(
                    "{}: {} more of its numbers are declared lost than it signed",
                    place(row),
                    row.unsigned_lost
                )
            });
        }
        if row.repeated > 0 {
            problems.undetermined(|| {
                format!("{}: {} records repeat a number that was there before", place(row), row.repeated)
            });
        }
    }
    report.plan_required(&SOURCES_PLAN);
    report.settle(SOURCES, &problems, summary(rows));
}

fn place(row: &SourceRow) -> String {
    format!("source {} epoch {}", row.life.producer, row.life.epoch)
}

fn gap_text(row: &SourceRow) -> String {
    let named: Vec<String> = row.gaps.iter().take(NAMED_GAPS).map(|gap| stretch(*gap)).collect();
    let more = if row.gaps.len() > NAMED_GAPS { " and more" } else { "" };
    format!("{}: {} of its numbers are missing: {}{more}", place(row), row.missing, named.join(", "))
}

fn stretch((first, last): (u64, u64)) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

fn summary(rows: &[SourceRow]) -> String {
    // Sources say what they like: a few of their numbers may be more together than 64 bits hold.
    let sum = |of: fn(&SourceRow) -> u64| rows.iter().map(|row| u128::from(of(row))).sum::<u128>();
    let open = rows.iter().filter(|row| !row.closed).count();
    format!(
        "epochs of sources: {}, records: {}, of those without content by sampling: {}, declared lost: {}, missing: 0; not closed, so unknown after their \
         last number: {open}",
        rows.len(),
        sum(|row| row.count),
        sum(|row| row.sampled),
        sum(|row| row.lost)
    )
}
