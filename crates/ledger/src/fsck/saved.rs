//! Whether the saved state says what the log says: the log is folded anyway, and at the saved size the two are compared.

use tabellion_model::Entry;

use crate::batches::BatchRef;
use crate::disk::Disk;
use crate::keyring::Secrets;
use crate::postings::Postings;
use crate::read;
use crate::recover::Inspect;
use crate::saved::{self, Found, Place, SAVED_PATH};
use crate::state::{LogState, Marks};
use crate::wal::batch::Batch;

/// Of so many postings one is looked up; all of them are counted.
const LOOK_UP_EVERY: u64 = 16;

/// Compares, on the way, and looks at everything else as `inner` does.
pub(super) struct Compared<'a> {
    pub(super) inner: &'a mut dyn Inspect,
    disk: &'a dyn Disk,
    saved: Option<Expected>,
    /// Up to where it remembers the log.
    pub(super) place: Option<Place>,
    pub(super) findings: Vec<String>,
}

struct Expected {
    size: u64,
    bytes: Vec<u8>,
    marks: Marks,
    idempotency: u64,
    units: u64,
}

impl<'a> Compared<'a> {
    /// What was saved in `disk`, where it can be read at all.
    pub(super) fn new(inner: &'a mut dyn Inspect, disk: &'a dyn Disk, secrets: Option<&Secrets>) -> Self {
        let (mut findings, mut place) = (Vec::new(), None);
        let saved = match secrets.map(|secrets| saved::load(disk, secrets, true)) {
            None | Some(Found::Nothing) => None,
            Some(Found::Useless(why, known)) => {
                place = known;
                findings.push(format!("{why}; nothing depends on it, the next start makes it again"));
                None
            }
            Some(Found::Whole(mut saved)) => {
                let marks = saved.state.marks.take();
                let bytes = saved::state_bytes(&saved.state);
                place = Some(saved.place.clone());
                marks.map(|marks| Expected { size: saved.place.size, bytes, marks, idempotency: 0, units: 0 })
            }
        };
        Self { inner, disk, saved, place, findings }
    }

    fn compare(
        &mut self,
        at: &BatchRef,
        batch: &Batch<'_>,
        entries: &[Entry],
        state: &LogState,
    ) -> Result<(), String> {
        let Some(expected) = self.saved.as_mut().filter(|expected| at.first < expected.size) else {
            return Ok(());
        };
        for (index, (stored, entry)) in (at.first..).zip(batch.entries.iter().zip(entries)) {
            if let Some(idem) = entry.header().and_then(|header| header.idem) {
                expected.idempotency += 1;
                if expected.idempotency % LOOK_UP_EVERY == 1 {
                    look_up(self.disk, &expected.marks.idempotency, idem.as_bytes(), index)?;
                }
            }
            let mut keys = Vec::new();
            for frame in &stored.units {
                keys.push(read::unit_of(frame)?.1);
            }
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                expected.units += 1;
                if expected.units % LOOK_UP_EVERY == 1 {
                    look_up(self.disk, &expected.marks.units, key.as_bytes(), index)?;
                }
            }
        }
        if at.size_after() < expected.size {
            return Ok(());
        }
        let counted = (expected.marks.idempotency.in_runs(), expected.marks.units.in_runs());
        let is_same =
            saved::state_bytes(state) == expected.bytes && counted == (expected.idempotency, expected.units);
        self.saved = None;
        if is_same { Ok(()) } else { Err("it says something else".to_owned()) }
    }
}

fn look_up(disk: &dyn Disk, postings: &Postings, thing: &[u8], index: u64) -> Result<(), String> {
    let found = postings.candidates(disk, thing).map_err(|error| error.to_string())?;
    if found.contains(&index) { Ok(()) } else { Err(format!("entry {index} is not found in it")) }
}

impl Inspect for Compared<'_> {
    fn batch(
        &mut self,
        at: &BatchRef,
        batch: &Batch<'_>,
        entries: &[Entry],
        state: &LogState,
    ) -> Result<(), String> {
        if let Err(why) = self.compare(at, batch, entries, state) {
            self.saved = None;
            self.findings.push(format!(
                "{SAVED_PATH} does not say what the log says at entry {}: {why}. Remove it; the next start reads the whole log",
                at.first
            ));
        }
        self.inner.batch(at, batch, entries, state)
    }
}
