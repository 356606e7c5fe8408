//! Every version of something that is set and ended, newest first.

use crate::console::block::Block;
use crate::console::cell::Cell;
use crate::console::table::{Column, Listing, Row, in_order, nothing};
use crate::console::visit::Visit;
use crate::console::words::Tone;
use crate::refusal::Refusal;
use crate::work::forms::Time;

/// One version.
pub(super) struct Version<'v> {
    pub(super) number: u64,
    pub(super) at: Time,
    /// Whose id.
    pub(super) by: &'v str,
    pub(super) ended: bool,
    /// What it says, in a line; none: it ended what was set, or was erased.
    pub(super) says: Option<String>,
    pub(super) note: Option<&'v str>,
    pub(super) entry: u64,
}

/// Versions as they stand in a history, oldest first, under `columns`: the version, when, by whom, what it says, why, and the entry.
pub(super) fn history<'v>(
    visit: &Visit<'_>,
    columns: &'static [Column],
    every: &'static str,
    versions: impl DoubleEndedIterator<Item = Version<'v>>,
) -> Result<Block, Refusal> {
    let rows = versions.rev().map(|version| row(visit, &version)).collect::<Result<Vec<_>, _>>()?;
    let listing =
        Listing::plain("history", "History", columns, nothing("No version can be read", every, None));
    listing.table(visit, in_order(rows))
}

fn row(visit: &Visit<'_>, version: &Version<'_>) -> Result<Row, Refusal> {
    let says = match (&version.says, version.ended) {
        (_, true) => Cell::state(("Ended", Tone::Quiet)),
        (Some(says), false) => Cell::long(says),
        (None, false) => Cell::unknown("erased"),
    };
    let cells = vec![
        Cell::number(version.number),
        visit.time(version.at.0),
        visit.who_by_id(version.by)?,
        says,
        Cell::maybe(version.note, "erased"),
        visit.entry(version.entry),
    ];
    Ok(Row { href: String::new(), cells })
}
