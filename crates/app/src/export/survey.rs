//! One pass over the range before it is written: what is shown, what is erased, what happened to keys of content.
//!
//! Promises: shows only what the policy names; a unit with a tombstone is never shown; the units of an `erasure.done` are shown
//! field by field in `erasures.jsonl` and nowhere else.

use std::collections::BTreeMap;

use tabellion_ledger::{EntryView, UnitContent, UnitView};
use tabellion_model::package::{ErasedUnit, ShownUnit};
use tabellion_model::registry::Kind;
use tabellion_model::{Disclosure, DisclosurePolicy, UnitId};

use super::{ExportError, ExportRequest, Subject, Units};
use crate::captured::{is_captured, is_original, names_person};

/// Rows of erasures, holds and deletions in a report: some pages of print. The rest is counted.
pub(crate) const MAX_EVENT_ROWS: usize = 200;

/// What the range holds besides its entries.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Every unit of the range that is proved erased, by (index, unit).
    pub(crate) erased: Vec<ErasedUnit>,
    /// Shown units that are about a data subject.
    pub(crate) shown_personal: u64,
    /// The first erasures, holds and deletions, at most [`MAX_EVENT_ROWS`].
    pub(crate) events: Vec<EntryView>,
    /// All erasures, holds and deletions.
    pub(crate) event_count: u64,
}

/// Tombstones of the log by the unit that they state to be erased.
type Tombstones = BTreeMap<UnitId, (u64, Disclosure)>;

/// Reads the range once.
pub(super) fn survey(subject: &Subject<'_>) -> Result<Survey, ExportError> {
    let tombstones = subject.reader.tombstones(subject.span.size)?;
    let mut survey = Survey::default();
    subject.reader.entries(subject.span.first, subject.span.end(), |view| {
        survey.take(view, subject.request, &tombstones);
        Ok(())
    })?;
    Ok(survey)
}

impl Survey {
    fn take(&mut self, view: EntryView, request: &ExportRequest, tombstones: &Tombstones) {
        let Some(header) = view.entry.header() else { return };
        let kind = Kind::of(&header.record_type);
        for unit in &view.units {
            if let Some((tombstone, disclosure)) = tombstones.get(&unit.id) {
                let disclosure = disclosure.encode();
                self.erased.push(ErasedUnit {
                    index: view.index,
                    unit: unit.id,
                    tombstone: *tombstone,
                    disclosure,
                });
            } else if kind != Some(Kind::ErasureDone) && !shown(&view, unit, request).is_empty() {
                self.shown_personal += u64::from(unit.personal);
            }
        }
        if kind.is_some_and(concerns_content) {
            self.event_count += 1;
            if self.events.len() < MAX_EVENT_ROWS {
                self.events.push(view);
            }
        }
    }

    /// What the package shows of one entry, by unit.
    pub(super) fn shown_of(&self, view: &EntryView, request: &ExportRequest) -> Vec<ShownUnit> {
        let is_tombstone = view
            .entry
            .header()
            .is_some_and(|header| Kind::of(&header.record_type) == Some(Kind::ErasureDone));
        if is_tombstone {
            return Vec::new();
        }
        let units = view.units.iter().filter(|unit| self.tombstone_of(view.index, &unit.id).is_none());
        let lines = units.filter_map(|unit| {
            let disclosures: Vec<String> =
                shown(view, unit, request).into_iter().map(Disclosure::encode).collect();
            let some = !disclosures.is_empty();
            some.then_some(ShownUnit { index: view.index, unit: unit.id, disclosures })
        });
        lines.collect()
    }

    /// The tombstone of a unit of entry `index`.
    pub(crate) fn tombstone_of(&self, index: u64, unit: &UnitId) -> Option<u64> {
        let position = self.erased.binary_search_by(|line| (line.index, line.unit).cmp(&(index, *unit)));
        position.ok().and_then(|position| self.erased.get(position)).map(|line| line.tombstone)
    }
}

/// Adds the units of one entry to a count of what a package would show.
pub(super) fn count(view: &EntryView, request: &ExportRequest, units: &mut Units) {
    for unit in &view.units {
        match &unit.content {
            UnitContent::Erased => units.erased += 1,
            UnitContent::Shown(_) if !shown(view, unit, request).is_empty() => {
                units.shown += 1;
                units.shown_personal += u64::from(unit.personal);
            }
            UnitContent::Shown(_) | UnitContent::Missing => units.withheld += 1,
        }
    }
}

/// The policy for one entry's content: nothing of another system's than the request names.
fn policy_for(view: &EntryView, request: &ExportRequest) -> DisclosurePolicy {
    let system = view.entry.header().and_then(|header| header.system).map(|(system, _)| system);
    match request.content_of {
        Some(wanted) if system != Some(wanted) => DisclosurePolicy::None,
        _ => request.disclosure,
    }
}

/// What the request lets be seen of one unit of an entry.
pub(crate) fn shown<'a>(
    view: &EntryView,
    unit: &'a UnitView,
    request: &ExportRequest,
) -> Vec<&'a Disclosure> {
    let UnitContent::Shown(disclosures) = &unit.content else { return Vec::new() };
    let policy = policy_for(view, request);
    let allowed = |disclosure: &&Disclosure| match policy {
        DisclosurePolicy::All => true,
        DisclosurePolicy::Business => {
            !unit.personal && !names_person(view, disclosure) && !is_captured(view, disclosure.name())
        }
        DisclosurePolicy::None => false,
    };
    disclosures.iter().filter(|field| !is_original(view, field.name())).filter(allowed).collect()
}

/// Whether records of this kind say what may, must or must not happen to content.
fn concerns_content(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ErasureOrdered
            | Kind::ErasureDone
            | Kind::HoldPlaced
            | Kind::HoldReleased
            | Kind::DeletionRequested
            | Kind::DeletionCancelled
            | Kind::SystemPurged
    )
}
