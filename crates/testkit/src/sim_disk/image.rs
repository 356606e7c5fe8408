//! What a simulated disk holds, and what a power cut leaves of it.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_ledger::disk::parent;

use crate::random::Random;

/// What a disk writes as one: smaller pieces are never torn.
pub const SECTOR: usize = 512;

pub(super) type FileId = u64;

/// One file: what is on the medium, and what whoever reads sees.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) durable: Vec<u8>,
    pub(super) current: Vec<u8>,
    /// Unsynced changes, in order.
    pending: Vec<Change>,
}

#[derive(Clone)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone)]
pub(super) enum NameChange {
    Set { path: String, file: FileId },
    Remove { path: String },
}

/// Everything a disk holds, to go back to.
#[derive(Clone, Default)]
pub struct Image {
    pub(super) files: BTreeMap<FileId, Content>,
    pub(super) names: BTreeMap<String, FileId>,
    durable_names: BTreeMap<String, FileId>,
    pending_names: Vec<NameChange>,
    pub(super) dirs: BTreeSet<String>,
    next_file: FileId,
}

impl Content {
    /// Makes a change that is not durable yet.
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    /// Makes every pending change durable. What an earlier failed sync dropped is not among them.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Decides what of the pending changes reaches the medium; none is pending afterwards. Whoever reads sees them all the same.
    pub(super) fn settle(&mut self, random: &mut Random) {
        for change in self.pending.drain(..) {
            change.survive(&mut self.durable, random);
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes: written } => put(bytes, *offset, written),
            Self::Length(len) => bytes.resize(bytes.len().max(*len), 0),
        }
    }

    /// Whole, not at all, a prefix, or any of its sectors.
    fn survive(&self, durable: &mut Vec<u8>, random: &mut Random) {
        let Self::Write { offset, bytes } = self else {
            if random.one_in(2) {
                self.apply(durable);
            }
            return;
        };
        match random.below(4) {
            0 => put(durable, *offset, bytes),
            1 => {}
            2 => {
                let parts = sectors(*offset, bytes);
                let kept = usize::try_from(random.below(parts.len() as u64 + 1)).unwrap_or(0);
                for (at, part) in parts.into_iter().take(kept) {
                    put(durable, at, part);
                }
            }
            _ => {
                for (at, part) in sectors(*offset, bytes) {
                    if random.one_in(2) {
                        put(durable, at, part);
                    }
                }
            }
        }
    }
}

impl NameChange {
    fn path(&self) -> &str {
        match self {
            Self::Set { path, .. } | Self::Remove { path } => path,
        }
    }

    fn apply(self, names: &mut BTreeMap<String, FileId>) {
        match self {
            Self::Set { path, file } => {
                names.insert(path, file);
            }
            Self::Remove { path } => {
                names.remove(&path);
            }
        }
    }
}

impl Image {
    /// A new empty file under `path`.
    pub(super) fn create(&mut self, path: &str) -> FileId {
        let file = self.next_file;
        self.next_file += 1;
        self.files.insert(file, Content::default());
        self.names.insert(path.to_owned(), file);
        self.pending_names.push(NameChange::Set { path: path.to_owned(), file });
        file
    }

    /// Takes `path` away; its file, when there was one.
    pub(super) fn unlink(&mut self, path: &str) -> Option<FileId> {
        let file = self.names.remove(path)?;
        self.pending_names.push(NameChange::Remove { path: path.to_owned() });
        Some(file)
    }

    /// Moves a name. The new one is there before the old one goes: a cut in between shows both, never neither.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> Option<()> {
        let file = *self.names.get(from)?;
        if from != to {
            self.names.insert(to.to_owned(), file);
            self.pending_names.push(NameChange::Set { path: to.to_owned(), file });
            self.unlink(from)?;
        }
        Some(())
    }

    /// The name directly in `dir` that was made last and is not durable yet; where none was, the one that was taken away last.
    pub(super) fn changed_last(&self, dir: &str) -> Option<&str> {
        let mut here = self.pending_names.iter().rev().filter(|change| parent(change.path()) == dir);
        let last = here.clone().next();
        here.find(|change| matches!(change, NameChange::Set { .. })).or(last).map(NameChange::path)
    }

    /// Makes the names directly in `dir` durable.
    pub(super) fn sync_names(&mut self, dir: &str) {
        let changes = std::mem::take(&mut self.pending_names);
        let (here, elsewhere) =
            changes.into_iter().partition::<Vec<_>, _>(|change| parent(change.path()) == dir);
        self.pending_names = elsewhere;
        for change in here {
            change.apply(&mut self.durable_names);
        }
    }

    /// The power goes: what is left is what reached the medium, and everybody sees that.
    pub(super) fn cut(&mut self, random: &mut Random) {
        let kept = random.below(self.pending_names.len() as u64 + 1);
        for change in self.pending_names.drain(..).take(usize::try_from(kept).unwrap_or(0)) {
            change.apply(&mut self.durable_names);
        }
        self.names.clone_from(&self.durable_names);
        for content in self.files.values_mut() {
            content.settle(random);
            content.current.clone_from(&content.durable);
        }
    }

    /// Bytes that all named files take.
    pub fn used(&self) -> u64 {
        let files = self.names.values().filter_map(|file| self.files.get(file));
        files.map(|content| content.current.len() as u64).sum()
    }
}

/// Cuts `bytes` at the sectors of the file, not of the write.
fn sectors(offset: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = (((offset + at) / SECTOR + 1) * SECTOR - offset).min(bytes.len());
        parts.push((offset + at, bytes.get(at..end).unwrap_or_default()));
        at = end;
    }
    parts
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    for (to, from) in content.iter_mut().skip(offset).zip(bytes) {
        *to = *from;
    }
}
