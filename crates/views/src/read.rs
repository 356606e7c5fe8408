//! Reading committed batches in order, ahead of whoever folds them.
//!
//! Promises: batches come whole and in the order of the log. Reading an entry (decryption, JSON) costs about what folding it does, so a
//! long way is read by threads of their own; a short one, as after each commit, by the caller, who lets others run in between while there is little to do.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tabellion_ledger::{LedgerError, PlainUnit, RawEntry, Reader};
use tabellion_model::{Entry, Header, Micros};
use tabellion_tlog::{Hash, leaf_hash};

use crate::error::ViewsError;
use crate::written;

/// Threads that read ahead: with the one that folds they fill the two cores of the smallest machine we think of.
const READERS: usize = 2;
/// Entries that one thread reads at a time, whole batches.
const STRETCH_ENTRIES: u64 = 128;
/// Stretches that wait for the folding thread, for each reading one: a few MiB of ordinary records.
const WAITING: usize = 2;
/// Up to here the caller reads by itself, and calls that are under way go first: on a machine of one core they would wait for all of it, several milliseconds. Where
/// more has come together nobody can be let go first, or the views would fall behind for good.
const SHORT_ENTRIES: u64 = 1024;
/// Entries after which others may run then, whole batches: a third of a millisecond.
const BREATH_ENTRIES: u64 = 8;
/// For how long others go first: where they never have enough, the views would stand still, and with them everything that is decided by them.
const COURTESY: Duration = Duration::from_millis(20);

/// One committed record or statement, as it is folded.
#[derive(Debug)]
pub(crate) struct Folded {
    /// Its index.
    pub(crate) index: u64,
    /// Its header; a record's own writer is believed without its digests.
    header: Header,
    /// Whether the log's own writer sealed it; else somebody signed it.
    pub(crate) is_record: bool,
    /// What is left of its content.
    pub(crate) units: Vec<PlainUnit>,
}

impl Folded {
    #[cfg(test)]
    pub(crate) fn record(index: u64, header: Header, units: Vec<PlainUnit>) -> Self {
        Self { index, header, is_record: true, units }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }
}

/// One committed batch.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Its records, in order; its seal is not among them.
    pub(crate) entries: Vec<Folded>,
    /// Leaf hashes of its entries, the seal's aside.
    pub(crate) leaves: Vec<Hash>,
    /// Its commit time.
    pub(crate) committed_at: Micros,
    /// Log size after it.
    pub(crate) size_after: u64,
    /// Leaf hash of its seal.
    pub(crate) seal: Hash,
}

impl Batch {
    /// Index of its first entry.
    pub(crate) fn begin(&self) -> u64 {
        self.size_after.saturating_sub(self.leaves.len() as u64 + 1)
    }

    /// What the log's own writer sealed, by index.
    pub(crate) fn records(&self) -> impl Iterator<Item = (u64, &Header)> {
        self.entries.iter().filter(|entry| entry.is_record).map(|entry| (entry.index, &entry.header))
    }
}

/// Gives each batch from `from` to `to`, both ends of batches, to `each`, in order.
pub(crate) fn batches(
    reader: &Reader,
    from: u64,
    to: u64,
    mut each: impl FnMut(Batch) -> Result<(), ViewsError>,
) -> Result<(), ViewsError> {
    if to.saturating_sub(from) <= SHORT_ENTRIES {
        let since = Instant::now();
        for bounds in stretches(reader, (from, to), BREATH_ENTRIES) {
            let (begin, end) = bounds?;
            stretch(reader, begin, end)?.into_iter().try_for_each(&mut each)?;
            if since.elapsed() < COURTESY {
                thread::yield_now();
            }
        }
        return Ok(());
    }
    thread::scope(|scope| {
        let mut ahead: Vec<Receiver<Stretch>> = Vec::new();
        for number in 0..READERS {
            let (send, receive) = sync_channel(WAITING);
            ahead.push(receive);
            scope.spawn(move || {
                let mine = stretches(reader, (from, to), STRETCH_ENTRIES).skip(number);
                read_ahead(reader, mine, &send);
            });
        }
        let mut reached = from;
        // The readers take turns, so the next stretch always comes from the next reader; whoever has none left has hung up.
        for next in ahead.iter().cycle() {
            let Ok(read) = next.recv() else { break };
            for batch in read? {
                reached = batch.size_after;
                each(batch)?;
            }
        }
        if reached == to {
            return Ok(());
        }
        Err(ViewsError::Log(LedgerError::Unavailable(format!("reading ended at entry {reached} of {to}"))))
    })
}

/// One record or statement out of a log that is not read as a whole; none: the entry is a seal.
pub(crate) fn one(reader: &Reader, index: u64) -> Result<Option<Folded>, ViewsError> {
    let mut found = None;
    reader.raw_entries(index, index + 1, |raw| {
        if let Read::Entry(folded) = entry(raw)? {
            found = Some(folded);
        }
        Ok(())
    })?;
    Ok(found)
}

type Stretch = Result<Vec<Batch>, ViewsError>;

/// Reads every [`READERS`]th of `mine`, until nobody listens or one cannot be read.
fn read_ahead(
    reader: &Reader,
    mine: impl Iterator<Item = Result<(u64, u64), ViewsError>>,
    send: &SyncSender<Stretch>,
) {
    for bounds in mine.step_by(READERS) {
        let read = bounds.and_then(|(from, to)| stretch(reader, from, to));
        let failed = read.is_err();
        if send.send(read).is_err() || failed {
            return;
        }
    }
}

/// The bounds of stretches of whole batches, of at least so many entries each where there are as many, in order.
fn stretches(
    reader: &Reader,
    (from, to): (u64, u64),
    entries: u64,
) -> impl Iterator<Item = Result<(u64, u64), ViewsError>> {
    let mut next = from;
    std::iter::from_fn(move || {
        if next >= to {
            return None;
        }
        let begin = next;
        let last = (begin + entries).min(to) - 1;
        Some(reader.commit_end(last).map_err(ViewsError::from).map(|end| {
            next = end;
            (begin, end)
        }))
    })
}

fn stretch(reader: &Reader, from: u64, to: u64) -> Stretch {
    let (mut batches, mut entries, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
    reader.raw_entries(from, to, |raw| {
        let leaf = leaf_hash(raw.bytes);
        match entry(raw)? {
            Read::Entry(folded) => {
                leaves.push(leaf);
                entries.push(folded);
            }
            Read::Seal(committed_at) => batches.push(Batch {
                committed_at,
                size_after: raw.index + 1,
                seal: leaf,
                leaves: std::mem::take(&mut leaves),
                entries: std::mem::take(&mut entries),
            }),
        }
        Ok(())
    })?;
    Ok(batches)
}

/// One entry that was read.
#[expect(
    clippy::large_enum_variant,
    reason = "moved once into its list, where a box of its own for each would cost more"
)]
enum Read {
    Entry(Folded),
    Seal(Micros),
}

fn entry(raw: &RawEntry<'_>) -> Result<Read, LedgerError> {
    let damaged =
        |what: String| LedgerError::Fatal(format!("entry {} does not read back: {what}", raw.index));
    let (header, is_record) = if raw.bytes.first() == Some(&b'{') {
        (written::header(raw.bytes).map_err(damaged)?, true)
    } else {
        match Entry::parse(raw.bytes).map_err(|error| damaged(error.to_string()))? {
            Entry::Seal(seal) => return Ok(Read::Seal(seal.seal.committed_at)),
            Entry::Record(record) => (record.header, true),
            Entry::Statement(statement) => (statement.record.header, false),
        }
    };
    let units = raw.open(&header.record_id)?;
    Ok(Read::Entry(Folded { index: raw.index, header, is_record, units }))
}
