//! Names for the moments at which the power can go. They are derived from what the disk is asked to do, so the code under test carries no hooks.
//!
//! Promises: every changing operation has a name; what is not known is [`Thing::Unnamed`], which no list of steps holds.

use std::fmt;

/// What an operation is about. Places and sizes are those of docs/formats.md §13.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A new batch. Before its write it is sealed and signed, and nothing of it is on disk.
    Batch,
    /// The newest batch, written again by a start that cannot know whether it is durable.
    BatchAgain,
    /// An unfinished batch that a start zeroes.
    Tail,
    /// The next segment, before it has its name.
    Spare,
    /// A segment's header and name: the one before it is retired from writing.
    Segment,
    /// The head record.
    Head,
    /// The table of content keys as a whole: made, or put in the place of a lost one.
    Vault,
    /// New content keys.
    Keys,
    /// The newest content keys, written again by a start.
    KeysAgain,
    /// Content keys that are destroyed.
    Destroyed,
    /// Content keys that get a second wrapping, under another wrapping key.
    Moved,
    /// First wrappings of content keys that are taken away, once all have a second.
    Cleared,
    /// The file that says under which wrapping key content keys are.
    Wrapping,
    /// A file below `keys/`.
    SigningKey,
    /// The published checkpoint.
    Checkpoint,
    /// The checkpoint that witnesses cosigned.
    Cosigned,
    /// An entry bundle.
    Bundle,
    /// A tile.
    Tile,
    /// How far bundles and tiles are derived.
    Cursor,
    /// The saved state.
    Saved,
    /// A file of postings that it names.
    Run,
    /// An anchor's job.
    Job,
    /// An anchor's evidence.
    Evidence,
    /// What a crash left of a file that was to take another one's place.
    Leftover,
    /// A directory.
    Directory,
    /// Nothing that has a name here.
    Unnamed,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A name is made.
    Create,
    /// Space is reserved.
    Reserve,
    /// Bytes are written.
    Write,
    /// Bytes are made durable.
    Sync,
    /// A file gets its final name.
    Rename,
    /// Names are made durable.
    SyncNames,
    /// A name is taken away.
    Remove,
}

/// One named step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(pub Thing, pub Act);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.{:?}", self.0, self.1)
    }
}

/// On which side of a step the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The step is not begun.
    Before,
    /// The step is done; whoever asked for it never learns.
    After,
}

/// Bytes before a segment's first batch.
const SEGMENT_HEADER: u64 = 4096;
/// Bytes of a slot in the table of content keys, and where in it the part begins that destroying overwrites.
const SLOT: u64 = 256;
const SECRET: u64 = 128;

impl Thing {
    /// What the file of a name is, apart from what is written to it.
    pub(super) fn at(path: &str) -> Self {
        let path = path.strip_suffix(".tmp").unwrap_or(path);
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        match (dir, name) {
            ("", "head") => Self::Head,
            ("log", "checkpoint") => Self::Checkpoint,
            ("log", "cosigned") => Self::Cosigned,
            ("log/segments", "spare") => Self::Spare,
            ("log/segments", _) => Self::Segment,
            ("log/tiles", "derived") => Self::Cursor,
            ("log/state", "saved") => Self::Saved,
            ("log/state", _) => Self::Run,
            ("vault", "keys") => Self::Vault,
            ("vault", "wrapping") => Self::Wrapping,
            ("keys", _) => Self::SigningKey,
            ("anchors", _) if name.strip_suffix(".json").is_some() => Self::Job,
            ("anchors", _) => Self::Evidence,
            _ if dir.starts_with("log/tiles/tile/entries") => Self::Bundle,
            _ if dir.starts_with("log/tiles/tile/") => Self::Tile,
            _ => Self::Unnamed,
        }
    }

    /// What a write of `bytes` at `offset` of the file `path` is, where `present` is read now.
    pub(super) fn written(path: &str, offset: u64, bytes: &[u8], present: &[u8]) -> Self {
        let zeros = bytes.iter().all(|byte| *byte == 0);
        let again = bytes == present;
        match Self::at(path) {
            Self::Spare if !zeros => Self::Segment,
            Self::Segment if offset >= SEGMENT_HEADER && zeros => Self::Tail,
            Self::Segment if offset >= SEGMENT_HEADER && again => Self::BatchAgain,
            Self::Segment if offset >= SEGMENT_HEADER => Self::Batch,
            Self::Vault if offset == 0 => Self::Vault,
            Self::Vault if offset % SLOT == SECRET && zeros => Self::Destroyed,
            Self::Vault if again => Self::KeysAgain,
            Self::Vault if changes(bytes, present, |new, old| old == 0 && new != 0) => Self::Moved,
            Self::Vault if changes(bytes, present, |new, old| old != 0 && new == 0) => Self::Cleared,
            Self::Vault => Self::Keys,
            other => other,
        }
    }
}

/// Whether slots whose identities stay are changed, and each changed byte in that way; a random byte that is zero is no change.
fn changes(bytes: &[u8], present: &[u8], is_so: impl Fn(u8, u8) -> bool) -> bool {
    let identity = usize::try_from(SECRET).unwrap_or_default();
    let slot = usize::try_from(SLOT).unwrap_or(usize::MAX);
    let mut slots = bytes.chunks(slot).zip(present.chunks(slot));
    let known = |(new, old): (&[u8], &[u8])| {
        new.get(..identity) == old.get(..identity) && old.iter().take(identity).any(|byte| *byte != 0)
    };
    let mut changed = bytes.iter().zip(present).filter(|(new, old)| new != old);
    slots.any(known) && bytes.len() == present.len() && changed.all(|(new, old)| is_so(*new, *old))
}
