//! Verifying many entries of a log at once: what was found about each, ready to be signed (formats §14).
//!
//! Promises: signature, place, time and content stay apart; an entry that could not be read is tried again and then *not checked*, never fine and never
//! broken; one that reads and is wrong is broken. Only what cannot change is remembered: that these very bytes were signed and stand where they
//! stand. Must never: answer from memory for bytes that were not read again.

mod page;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem::Finder;
use tabellion_ledger::{EntryView, LedgerError, RawEntry, Reader, UnitContent};
use tabellion_model::{
    AspectStanding, Entry, MAX_RUN_ENTRIES, Micros, RecordId, RunEnd, RunVerdict, VerificationRun,
    run_detail, verify_receipt,
};
use tabellion_tlog::{Hash, Policy, SignedCheckpoint, leaf_hash, verify_inclusion};

use crate::trust_text;
pub use page::verification_page;

/// How often an entry that cannot be read is tried.
const ATTEMPTS: u32 = 3;
/// Verdicts that are remembered: 64 bytes each, a few runs of the largest size.
const MAX_PERMANENT: usize = 200_000;
/// What stands before a record's id in an entry.
const RECORD_ID: &[u8] = b"\"record_id\":\"";
/// Hex digits of an id.
const ID_DIGITS: usize = 32;

/// An entry that somebody wants verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AskedEntry {
    /// By its index.
    Index(u64),
    /// By its record.
    Record(RecordId),
}

impl AskedEntry {
    /// An index in decimal, or a record's id of 32 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == ID_DIGITS {
            return RecordId::from_hex(text).map(Self::Record);
        }
        let index = text.parse::<u64>().ok().filter(|index| index.to_string() == text)?;
        Some(Self::Index(index))
    }

    fn text(self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Record(record) => record.to_hex(),
        }
    }
}

/// What was found once and cannot become otherwise: that signature and place of the entry with this leaf hash hold.
#[derive(Debug, Default)]
pub struct Permanent(Mutex<HashMap<u64, Hash>>);

impl Permanent {
    fn kept(&self) -> MutexGuard<'_, HashMap<u64, Hash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, index: u64, leaf: &Hash) -> bool {
        self.kept().get(&index) == Some(leaf)
    }

    fn keep(&self, index: u64, leaf: Hash) {
        let mut kept = self.kept();
        if kept.len() >= MAX_PERMANENT {
            kept.clear();
        }
        kept.insert(index, leaf);
    }

    /// How many verdicts are remembered.
    pub fn len(&self) -> usize {
        self.kept().len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.kept().is_empty()
    }
}

/// Verifies `asked` against the newest checkpoint, at most [`MAX_RUN_ENTRIES`] of them. `each` takes every verdict when it is there; `false` ends
/// the run.
pub fn verify_batch(
    reader: &Reader,
    asked: &[AskedEntry],
    permanent: &Permanent,
    mut each: impl FnMut(&RunVerdict) -> bool,
) -> Result<VerificationRun, LedgerError> {
    let batch = Batch::of(reader, permanent)?;
    let started_at = reader.now();
    let most = usize::try_from(MAX_RUN_ENTRIES).unwrap_or(usize::MAX);
    let reached = asked.get(..most).unwrap_or(asked);
    let places = batch.places(reached)?;
    let (mut verdicts, mut end) = (Vec::with_capacity(reached.len()), RunEnd::Completed);
    for (number, one) in reached.iter().enumerate() {
        let verdict = batch.verdict(*one, &places);
        let goes_on = each(&verdict);
        verdicts.push(verdict);
        if !goes_on && number + 1 < reached.len() {
            end = RunEnd::Cancelled;
            break;
        }
    }
    let keys = reader.key_records(batch.size).into_iter().map(|index| reader.placed(index, batch.size));
    Ok(VerificationRun {
        log: reader.origin(),
        env: reader.env(),
        checkpoint: batch.checkpoint.clone(),
        keys: keys.collect::<Result<_, _>>()?,
        started_at,
        ended_at: Micros(reader.now().0.max(started_at.0)),
        end,
        asked: asked.len() as u64,
        software: format!("tabellion {}", env!("CARGO_PKG_VERSION")),
        verdicts,
    })
}

/// Where records are that were asked for by their ids.
#[derive(Default)]
struct Places {
    found: HashMap<RecordId, u64>,
    /// Entries that could not be read, so that nobody knows which records they are.
    unread: Vec<Range<u64>>,
}

impl Places {
    /// Notes where a wanted record is.
    fn note(&mut self, finder: &Finder<'_>, wanted: &HashSet<RecordId>, raw: &RawEntry<'_>) {
        let named = finder.find_iter(raw.bytes).any(|at| {
            let from = at + RECORD_ID.len();
            let id = raw.bytes.get(from..from + ID_DIGITS).and_then(|id| std::str::from_utf8(id).ok());
            id.and_then(RecordId::from_hex).is_some_and(|id| wanted.contains(&id))
        });
        // A parent is named in the same words: the header decides.
        if named
            && let Ok(entry) = Entry::parse(raw.bytes)
            && let Some(header) = entry.header()
            && wanted.contains(&header.record_id)
        {
            self.found.insert(header.record_id, raw.index);
        }
    }

    /// What is said of an entry that was not found among `size`.
    fn lacking(&self, one: AskedEntry, size: u64) -> String {
        let unread = if matches!(one, AskedEntry::Record(_)) { self.unread.as_slice() } else { &[] };
        match unread {
            [] => format!("there is no such entry among the checkpoint's {size}"),
            [first, rest @ ..] => format!(
                "it was not found, and entries {} to {}{} could not be read, so that it may be one of them",
                first.start,
                first.end - 1,
                if rest.is_empty() { String::new() } else { format!(" and {} other ranges", rest.len()) }
            ),
        }
    }
}

struct Batch<'a> {
    reader: &'a Reader,
    permanent: &'a Permanent,
    checkpoint: String,
    size: u64,
    root: Hash,
    trust: Policy,
    /// Entries below it have a clock outside the log: a witness's or an anchor's.
    timed: u64,
}

impl<'a> Batch<'a> {
    fn of(reader: &'a Reader, permanent: &'a Permanent) -> Result<Self, LedgerError> {
        let fatal = |what: String| LedgerError::Fatal(what);
        let checkpoint = reader.checkpoint_with_cosignatures();
        let signed = SignedCheckpoint::parse(checkpoint.as_bytes())
            .map_err(|error| fatal(format!("the newest checkpoint does not read back: {error}")))?;
        let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
        let text = trust_text(reader).map_err(|error| fatal(error.to_string()))?;
        let trust = Policy::parse(text).map_err(|error| fatal(error.to_string()))?;
        let witnessed = reader.cosigned().map_or(0, |cosigned| cosigned.checkpoint.size);
        let anchored = reader.anchored(size)?.whole.iter().map(|one| one.size).max().unwrap_or(0);
        Ok(Self { reader, permanent, checkpoint, size, root, trust, timed: witnessed.max(anchored) })
    }

    /// Where the records are that were asked for by their ids: one reading of the log, without parsing what cannot be one of them.
    fn places(&self, asked: &[AskedEntry]) -> Result<Places, LedgerError> {
        let wanted: HashSet<RecordId> = asked
            .iter()
            .filter_map(|one| match one {
                AskedEntry::Record(record) => Some(*record),
                AskedEntry::Index(_) => None,
            })
            .collect();
        let mut places = Places::default();
        let (finder, mut next) = (Finder::new(RECORD_ID), 0);
        while next < self.size && !wanted.is_empty() {
            let mut reached = next;
            let read = self.reader.raw_entries(next, self.size, |raw| {
                reached = raw.index + 1;
                places.note(&finder, &wanted, raw);
                Ok(())
            });
            if read.is_ok() {
                break;
            }
            // What was committed together cannot be read together; what comes after it may be what is wanted.
            let unread = self.reader.committed_with(reached)?;
            next = unread.end;
            places.unread.push(unread);
        }
        Ok(places)
    }

    fn verdict(&self, one: AskedEntry, places: &Places) -> RunVerdict {
        let index = match one {
            AskedEntry::Index(index) => Some(index).filter(|index| *index < self.size),
            AskedEntry::Record(record) => places.found.get(&record).copied(),
        };
        let none = |inclusion, detail: &str| RunVerdict {
            asked: one.text(),
            entry: None,
            signature: AspectStanding::NotChecked,
            inclusion,
            time: AspectStanding::NotChecked,
            content: AspectStanding::NotChecked,
            detail: run_detail(detail),
        };
        let Some(index) = index else {
            return none(AspectStanding::NotChecked, &places.lacking(one, self.size));
        };
        let mut attempt = 1;
        loop {
            match self.judge(index) {
                Ok(verdict) => return RunVerdict { asked: one.text(), ..verdict },
                // It reads, and it is wrong.
                Err(LedgerError::Fatal(what)) => return none(AspectStanding::Broken, &what),
                Err(error) if attempt == ATTEMPTS => {
                    return none(AspectStanding::NotChecked, &format!("not read: {error}"));
                }
                Err(_) => attempt += 1,
            }
        }
    }

    fn judge(&self, index: u64) -> Result<RunVerdict, LedgerError> {
        let mut found = None;
        self.reader.entries(index, index + 1, |view| {
            found = Some(view);
            Ok(())
        })?;
        let view = found.ok_or_else(|| LedgerError::Unavailable(format!("entry {index} was not given")))?;
        let leaf = leaf_hash(&view.bytes);
        let path = self.reader.inclusion(index, self.size)?;
        let placed = verify_inclusion(&leaf, index, self.size, &path, &self.root).is_ok();
        let mut detail = Vec::new();
        let (signature, mut inclusion) = if placed && self.permanent.has(index, &leaf) {
            (AspectStanding::Holds, AspectStanding::Holds)
        } else {
            self.judge_receipt(index, &mut detail)?
        };
        if !placed {
            inclusion = AspectStanding::Broken;
            detail.push("it is not in the tree of the checkpoint".to_owned());
        }
        if (signature, inclusion) == (AspectStanding::Holds, AspectStanding::Holds) {
            self.permanent.keep(index, leaf);
        }
        let content = content(&view, &mut detail);
        let time = if index < self.timed { AspectStanding::Holds } else { AspectStanding::NotChecked };
        Ok(RunVerdict {
            asked: String::new(),
            entry: Some((index, leaf)),
            signature,
            inclusion,
            time,
            content,
            detail: run_detail(&detail.join("; ")),
        })
    }

    /// What a verifier says of the entry's own receipt.
    fn judge_receipt(
        &self,
        index: u64,
        detail: &mut Vec<String>,
    ) -> Result<(AspectStanding, AspectStanding), LedgerError> {
        let unusable = |error: &dyn std::fmt::Display| {
            LedgerError::Unavailable(format!("the receipt of entry {index} cannot be made: {error}"))
        };
        let receipt = self.reader.receipt(index)?.to_bytes().map_err(|error| unusable(&error))?;
        let report = verify_receipt(&receipt, Some(&self.trust));
        let standing = |name: &str| {
            let aspect = report.aspects.iter().find(|aspect| aspect.name == name);
            aspect.map_or(AspectStanding::NotChecked, |aspect| aspect.standing)
        };
        let fault = |outcome: tabellion_model::Outcome| {
            matches!(outcome, tabellion_model::Outcome::Broken | tabellion_model::Outcome::Malformed)
        };
        if let Some(check) = report.checks.iter().find(|check| fault(check.outcome)) {
            detail.push(format!("{}: {}", check.name, check.detail));
        }
        Ok((standing("signature"), standing("ledger inclusion")))
    }
}

/// Whether what is kept of the content is what the digests say.
fn content(view: &EntryView, detail: &mut Vec<String>) -> AspectStanding {
    let (mut shown, mut erased, mut missing) = (0, 0, 0);
    let Some(header) = view.entry.header() else { return AspectStanding::NotChecked };
    for unit in &view.units {
        match &unit.content {
            UnitContent::Erased => erased += 1,
            UnitContent::Missing => missing += 1,
            UnitContent::Shown(disclosures) => {
                let listed = header.units.iter().find(|listed| listed.id == unit.id);
                let fits = |digest: &str| listed.is_some_and(|listed| listed.lists(digest));
                if !disclosures.iter().all(|disclosure| fits(&disclosure.digest())) {
                    detail.push(format!("unit {} is not what its digests say", unit.id));
                    return AspectStanding::Broken;
                }
                shown += 1;
            }
        }
    }
    if erased > 0 {
        detail.push(format!("{erased} units erased"));
    }
    if missing > 0 {
        detail.push(format!("{missing} units not here"));
    }
    if shown > 0 && erased + missing == 0 { AspectStanding::Holds } else { AspectStanding::NotChecked }
}
