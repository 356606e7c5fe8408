//! Postings in a file: sorted, in pages, each page with its digest (docs/formats.md §13.9).
//!
//! Promises: a run is written once and never changed; what is found in it was checked against digests that whoever opened it was given. Must never: be read
//! whole to find one posting.

use std::io;
use std::iter::Peekable;

use sha2::{Digest as _, Sha256};
use tabellion_tlog::{Hash, sha256};

use super::bloom::Bloom;
use super::{Posting, Tag};
use crate::disk::{self, Disk, DiskFile, OpenMode};

/// Bytes of one posting: its tag and its index, low bytes first.
const POSTING: usize = 16;
/// Postings in a page.
const PER_PAGE: usize = 256;
const PAGE: usize = PER_PAGE * POSTING;
/// Bytes of one page's row in the table of contents: its digest and its first tag.
const ROW: usize = 40;
/// Pages read or written at a time.
const PAGES_AT_ONCE: usize = 64;

/// A run that can be searched.
#[derive(Debug)]
pub(crate) struct Run {
    name: String,
    count: u64,
    filter: Option<Bloom>,
    digests: Vec<Hash>,
    firsts: Vec<Tag>,
    contents: Hash,
}

/// What has to be remembered of a run to open it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunId {
    pub(crate) name: String,
    pub(crate) count: u64,
    /// SHA-256 of its filter and table of contents.
    pub(crate) contents: Hash,
}

impl Run {
    /// Postings in it.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn id(&self) -> RunId {
        RunId { name: self.name.clone(), count: self.count, contents: self.contents }
    }

    /// Opens the run `id`; fails where the file is not that run.
    pub(crate) fn open(disk: &dyn Disk, id: RunId, with_filter: bool) -> io::Result<Self> {
        let pages = pages_of(id.count)?;
        let filter_bytes = if with_filter { Bloom::bytes_for(id.count) } else { 0 };
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", id.name));
        let file = disk.open(&id.name, OpenMode::Read).map_err(named)?;
        let mut tail = vec![0; filter_bytes + pages * ROW];
        disk::read_exact_at(file.as_ref(), (pages * PAGE) as u64, &mut tail).map_err(named)?;
        if sha256(&tail) != id.contents {
            return Err(damaged(&id.name, "its table of contents"));
        }
        let (filter, rows) = tail.split_at_checked(filter_bytes).unwrap_or_default();
        let rows: Vec<(Hash, Tag)> = rows.chunks_exact(ROW).filter_map(parse_row).collect();
        let (digests, firsts) = rows.into_iter().unzip();
        let filter = with_filter.then(|| Bloom::from_bytes(filter));
        Ok(Self { name: id.name, count: id.count, filter, digests, firsts, contents: id.contents })
    }

    /// Adds to `found` the indexes of `tag`, in order.
    pub(crate) fn find(&self, disk: &dyn Disk, tag: Tag, found: &mut Vec<u64>) -> io::Result<()> {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_hold(tag)) {
            return Ok(());
        }
        // The page before the first that begins with the tag may end with it.
        let from = self.firsts.partition_point(|first| *first < tag).saturating_sub(1);
        let until = self.firsts.partition_point(|first| *first <= tag);
        if from >= until {
            return Ok(());
        }
        let file = disk.open(&self.name, OpenMode::Read)?;
        for page in from..until {
            let postings = self.pages(file.as_ref(), page, page + 1)?;
            found.extend(postings.into_iter().filter(|(other, _)| *other == tag).map(|(_, index)| index));
        }
        Ok(())
    }

    /// All postings, in order.
    pub(crate) fn all(
        &self,
        disk: &dyn Disk,
    ) -> io::Result<impl Iterator<Item = io::Result<Posting>> + use<'_>> {
        let file = disk.open(&self.name, OpenMode::Read)?;
        let starts = (0..self.digests.len()).step_by(PAGES_AT_ONCE);
        Ok(starts.flat_map(move |from| {
            let until = (from + PAGES_AT_ONCE).min(self.digests.len());
            match self.pages(file.as_ref(), from, until) {
                Ok(postings) => postings.into_iter().map(Ok).collect::<Vec<_>>(),
                Err(error) => vec![Err(error)],
            }
        }))
    }

    /// The postings of the pages `from … until − 1`.
    fn pages(&self, file: &dyn DiskFile, from: usize, until: usize) -> io::Result<Vec<Posting>> {
        let mut bytes = vec![0; (until - from) * PAGE];
        disk::read_exact_at(file, (from * PAGE) as u64, &mut bytes)?;
        let expected = self.digests.get(from..until).unwrap_or_default();
        if bytes.chunks_exact(PAGE).zip(expected).any(|(page, digest)| sha256(page) != *digest) {
            return Err(damaged(&self.name, "a page"));
        }
        let before = (from * PER_PAGE) as u64;
        let left = usize::try_from(self.count - before.min(self.count)).unwrap_or(usize::MAX);
        Ok(bytes.chunks_exact(POSTING).take(left).filter_map(parse_posting).collect())
    }
}

/// A run that is being written.
pub(crate) struct RunFile<'a> {
    disk: &'a dyn Disk,
    file: Box<dyn DiskFile>,
    name: String,
    count: u64,
    filter: Option<Bloom>,
    rows: Vec<u8>,
    digests: Vec<Hash>,
    firsts: Vec<Tag>,
}

impl<'a> RunFile<'a> {
    /// Makes the file of a run of `count` postings; one of that name is of an attempt that came to nothing.
    pub(crate) fn create(
        disk: &'a dyn Disk,
        name: String,
        count: u64,
        with_filter: bool,
    ) -> io::Result<Self> {
        if disk.exists(&name)? {
            disk.remove(&name)?;
        }
        let file = disk.open(&name, OpenMode::CreateNew)?;
        let filter = with_filter.then(|| Bloom::new(count));
        Ok(Self {
            disk,
            file,
            name,
            count,
            filter,
            rows: Vec::new(),
            digests: Vec::new(),
            firsts: Vec::new(),
        })
    }

    /// Writes the postings, which come in order, and makes the file durable.
    pub(crate) fn write(mut self, postings: impl Iterator<Item = io::Result<Posting>>) -> io::Result<Run> {
        let (mut pages, mut offset, mut written) = (Vec::with_capacity(PAGES_AT_ONCE * PAGE), 0u64, 0u64);
        for posting in postings {
            let (tag, index) = posting?;
            if let Some(filter) = &mut self.filter {
                filter.insert(tag);
            }
            if written.is_multiple_of(PER_PAGE as u64) {
                self.firsts.push(tag);
            }
            pages.extend_from_slice(&tag.0.to_le_bytes());
            pages.extend_from_slice(&index.to_le_bytes());
            written += 1;
            if pages.len() == PAGES_AT_ONCE * PAGE {
                offset = self.put(&mut pages, offset)?;
            }
        }
        if written != self.count {
            return Err(io::Error::other(format!(
                "{}: {written} postings instead of {}",
                self.name, self.count
            )));
        }
        pages.resize(pages.len().next_multiple_of(PAGE), 0);
        offset = self.put(&mut pages, offset)?;
        for (digest, first) in self.digests.iter().zip(&self.firsts) {
            self.rows.extend_from_slice(digest.as_bytes());
            self.rows.extend_from_slice(&first.0.to_le_bytes());
        }
        let filter = self.filter.as_ref().map(Bloom::as_bytes).unwrap_or_default();
        let mut contents = Sha256::new();
        for part in [filter, &self.rows] {
            self.file.write_at(offset, part)?;
            contents.update(part);
            offset += part.len() as u64;
        }
        self.file.sync()?;
        self.disk.sync_dir(disk::parent(&self.name))?;
        let Self { name, count, filter, digests, firsts, .. } = self;
        Ok(Run { name, count, filter, digests, firsts, contents: Hash(contents.finalize().into()) })
    }

    fn put(&mut self, pages: &mut Vec<u8>, offset: u64) -> io::Result<u64> {
        self.digests.extend(pages.chunks_exact(PAGE).map(sha256));
        self.file.write_at(offset, pages)?;
        let after = offset + pages.len() as u64;
        pages.clear();
        Ok(after)
    }
}

/// What sorted sources hold together, in order.
pub(crate) fn merged<I: Iterator<Item = io::Result<Posting>>>(
    sources: Vec<I>,
) -> impl Iterator<Item = io::Result<Posting>> {
    let mut sources: Vec<Peekable<I>> = sources.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        // What cannot be read comes first, and ends it.
        let next = |source: &mut Peekable<I>| source.peek().map(|next| next.as_ref().ok().copied());
        let smallest = sources
            .iter_mut()
            .enumerate()
            .filter_map(|(at, source)| next(source).map(|posting| (posting, at)))
            .min()?;
        sources.get_mut(smallest.1)?.next()
    })
}

fn pages_of(count: u64) -> io::Result<usize> {
    usize::try_from(count.div_ceil(PER_PAGE as u64)).map_err(io::Error::other)
}

fn parse_posting(bytes: &[u8]) -> Option<Posting> {
    let (tag, rest) = bytes.split_first_chunk::<8>()?;
    let (index, _) = rest.split_first_chunk::<8>()?;
    Some((Tag(u64::from_le_bytes(*tag)), u64::from_le_bytes(*index)))
}

fn parse_row(bytes: &[u8]) -> Option<(Hash, Tag)> {
    let (digest, rest) = bytes.split_first_chunk::<32>()?;
    let (first, _) = rest.split_first_chunk::<8>()?;
    Some((Hash(*digest), Tag(u64::from_le_bytes(*first))))
}

fn damaged(name: &str, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} is damaged: {what} is not what was written"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::disk::real::RealDisk;
    use crate::postings::{Postings, TagKey, written};

    fn disk() -> (tempfile::TempDir, RealDisk) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let disk = RealDisk::create(dir.path()).expect("a data directory");
        (dir, disk)
    }

    #[test]
    fn everything_is_found_again_however_often_runs_were_merged() {
        let (_dir, disk) = disk();
        for with_filter in [true, false] {
            let mut postings = Postings::new(TagKey::new(&[3; 32]));
            let mut index = 0u64;
            for round in 0..40u64 {
                for _ in 0..50 + round * 13 % 700 {
                    // Every third thing stands in many entries.
                    let thing: u64 = if index.is_multiple_of(3) { index % 30 } else { index };
                    postings.insert(&thing.to_le_bytes(), index);
                    index += 1;
                }
                let (set, runs) = postings.freeze();
                if round % 7 == 3 {
                    continue; // An attempt that came to nothing.
                }
                let name = |count: u64| format!("{with_filter}-{round}-{count}");
                let runs =
                    written(&disk, &name, (with_filter, true), &set, runs).expect("runs can be written");
                assert!(runs.len() <= 12, "a lookup would read {} files", runs.len());
                let ids: Vec<RunId> = runs.iter().map(|run| run.id()).collect();
                let open = |id| Run::open(&disk, id, with_filter).map(std::sync::Arc::new);
                let runs = ids.into_iter().map(open).collect::<Result<_, _>>().expect("runs can be opened");
                postings.thaw(runs);
            }
            for index in 0..index {
                let thing: u64 = if index.is_multiple_of(3) { index % 30 } else { index };
                let found = postings.candidates(&disk, &thing.to_le_bytes()).expect("runs can be read");
                assert!(found.contains(&index), "entry {index} is not found under its tag");
                assert!(found.is_sorted(), "the first entry would not be the original");
            }
            let absent = (index..index + 1_000).map(|thing| postings.candidates(&disk, &thing.to_le_bytes()));
            assert!(absent.flat_map(Result::unwrap_or_default).count() == 0, "what is not there was found");
        }
    }

    #[test]
    fn no_changed_byte_of_a_run_is_believed() {
        let (_dir, disk) = disk();
        let set: BTreeSet<Posting> = (0..700).map(|n| (Tag(n * n), n)).collect();
        let runs = written(&disk, &|_| "run".to_owned(), (true, true), &set, Vec::new()).expect("a run");
        let id = runs.first().expect("one run").id();
        let whole = disk::read_all(&disk, "run", 1 << 20).expect("its bytes");
        let file = disk.open("run", OpenMode::ReadWrite).expect("its file");
        for at in (0..whole.len()).step_by(61) {
            file.write_at(at as u64, &[whole[at] ^ 1]).expect("a write");
            let found = Run::open(&disk, id.clone(), true)
                .and_then(|run| run.all(&disk)?.collect::<io::Result<Vec<Posting>>>());
            assert!(found.is_err(), "byte {at} was changed, and what it says was believed");
            file.write_at(at as u64, &[whole[at]]).expect("a write");
        }
        let run = Run::open(&disk, id, true).expect("it is whole again");
        let all: BTreeSet<Posting> =
            run.all(&disk).expect("its pages").collect::<Result<_, _>>().expect("whole");
        assert_eq!(all, set);
    }
}
