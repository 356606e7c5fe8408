//! Which entries carry a tag: the newest in memory, all others in sorted files beside the log.
//!
//! A tag is 64 bits of a keyed hash of what stands in the log, so nobody outside can choose two that collide; it leads to candidates, and whoever asks reads
//! the entry to be sure. Must never: be the only place where something is known. All of it is made from the log and can be made again.

pub(crate) mod bloom;
pub(crate) mod run;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use tabellion_tlog::sha256;

use self::run::{Run, RunFile};
use crate::disk::Disk;

/// What a thing is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag(pub(crate) u64);

/// Keys tags, so that they are spread evenly whatever is tagged.
#[derive(Clone, Copy, Default)]
pub(crate) struct TagKey([u8; 16]);

impl TagKey {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(secret) {
            *to = *from;
        }
        Self(key)
    }

    /// The first 8 bytes of SHA-256(key, thing).
    pub(crate) fn tag(&self, thing: &[u8]) -> Tag {
        let digest = sha256(&[&self.0, thing].concat());
        let first = digest.as_bytes().first_chunk::<8>();
        Tag(first.map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }
}

/// A tag and the index of an entry that carries it.
pub(crate) type Posting = (Tag, u64);

/// All postings of one kind.
pub(crate) struct Postings {
    key: TagKey,
    newest: BTreeSet<Posting>,
    /// What is being written into a run.
    freezing: Option<Arc<BTreeSet<Posting>>>,
    runs: Vec<Arc<Run>>,
}

impl Postings {
    pub(crate) fn new(key: TagKey) -> Self {
        Self { key, newest: BTreeSet::new(), freezing: None, runs: Vec::new() }
    }

    /// Goes on where `runs` end.
    pub(crate) fn resume(key: TagKey, runs: Vec<Arc<Run>>) -> Self {
        Self { runs, ..Self::new(key) }
    }

    /// Notes that entry `index` carries the tag of `thing`.
    pub(crate) fn insert(&mut self, thing: &[u8], index: u64) {
        self.newest.insert((self.key.tag(thing), index));
    }

    /// Entries that may carry the tag of `thing`, in order.
    pub(crate) fn candidates(&self, disk: &dyn Disk, thing: &[u8]) -> io::Result<Vec<u64>> {
        let tag = self.key.tag(thing);
        let all = (tag, 0)..=(tag, u64::MAX);
        let mut found = Vec::new();
        for run in &self.runs {
            run.find(disk, tag, &mut found)?;
        }
        let frozen = self.freezing.iter().flat_map(|frozen| frozen.range(all.clone()));
        found.extend(frozen.chain(self.newest.range(all.clone())).map(|(_, index)| *index));
        Ok(found)
    }

    /// The files that hold the older ones.
    pub(crate) fn runs(&self) -> &[Arc<Run>] {
        &self.runs
    }

    /// How many are in files.
    pub(crate) fn in_runs(&self) -> u64 {
        self.runs.iter().map(|run| run.count()).sum()
    }

    /// Sets aside what is in memory, to be written into a run, with the runs there are.
    pub(crate) fn freeze(&mut self) -> (Arc<BTreeSet<Posting>>, Vec<Arc<Run>>) {
        let mut set = std::mem::take(&mut self.newest);
        if let Some(before) = self.freezing.take() {
            // The attempt before came to nothing. What it set aside is the larger part, and nobody else holds it any more.
            let mut all = Arc::try_unwrap(before).unwrap_or_else(|before| before.as_ref().clone());
            all.append(&mut set);
            set = all;
        }
        let set = Arc::new(set);
        self.freezing = Some(Arc::clone(&set));
        (set, self.runs.clone())
    }

    /// What was set aside is in `runs` now, with everything before it.
    pub(crate) fn thaw(&mut self, runs: Vec<Arc<Run>>) {
        self.runs = runs;
        self.freezing = None;
    }
}

/// The runs after `set` is written as another one, which where it may (`take_up`) takes up those before it that are not much larger: so that there are hardly
/// more than the logarithm of all postings, and each is written as often.
pub(crate) fn written(
    disk: &dyn Disk,
    name: &dyn Fn(u64) -> String,
    (with_filter, take_up): (bool, bool),
    set: &BTreeSet<Posting>,
    mut runs: Vec<Arc<Run>>,
) -> io::Result<Vec<Arc<Run>>> {
    if set.is_empty() {
        return Ok(runs);
    }
    let mut taken = Vec::new();
    let mut count = set.len() as u64;
    while let Some(last) = runs.pop_if(|last| take_up && last.count() <= 2 * count) {
        count += last.count();
        taken.push(last);
    }
    let mut sources: Vec<Box<dyn Iterator<Item = io::Result<Posting>> + '_>> =
        vec![Box::new(set.iter().copied().map(Ok))];
    for run in &taken {
        sources.push(Box::new(run.all(disk)?));
    }
    let run = RunFile::create(disk, name(count), count, with_filter)?.write(run::merged(sources))?;
    runs.push(Arc::new(run));
    Ok(runs)
}
