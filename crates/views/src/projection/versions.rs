//! Streams of versions: each record of one says how something with a name stands from then on, and the rows are all that it ever said, the newest marked.
//!
//! Promises: no table has two newest versions of a name. Must never: look at content; what a version says is its table's own.

use rusqlite::{Connection, ToSql, params, params_from_iter};

use super::{Applied, changed, run};
use crate::record::{Record, Tagged};
use crate::values::int;

/// A stream of versions for each name, and the table that has a row for each of them.
pub(super) struct Versions {
    /// What the names of its streams begin with.
    pub(super) streams: &'static str,
    /// What they end with.
    pub(super) ending: &'static str,
    /// The SQL by which the newest version of the name ?1 is the newest no more.
    pub(super) supersede: &'static str,
    /// Why a version is unplaced that is there already.
    pub(super) twice: &'static str,
}

impl Versions {
    /// The version that the record makes; none: its stream is none of these.
    pub(super) fn of<'a>(&self, record: &'a Record<'a>) -> Option<Version<'a>> {
        Version::of(record, self.streams, self.ending)
    }

    /// Adds `version` as the newest of its name, by [`Version::write`].
    pub(super) fn add(
        &self,
        db: &Connection,
        version: &Version<'_>,
        sql: &str,
        said: &[&dyn ToSql],
    ) -> rusqlite::Result<Applied> {
        run(db, self.supersede, params![version.name])?;
        Ok(changed(version.write(db, sql, said)?, self.twice))
    }
}

/// What one record makes of what its stream names.
pub(super) struct Version<'a> {
    /// Of what.
    pub(super) name: &'a str,
    number: u64,
    record: &'a Record<'a>,
}

impl<'a> Version<'a> {
    /// The version that the record makes of a stream whose name begins and ends so, with what it is of between them.
    pub(super) fn of(record: &'a Record<'a>, streams: &str, ending: &str) -> Option<Self> {
        let (rest, number) = record.stream_name(streams)?;
        Some(Self { name: rest.strip_suffix(ending)?, number, record })
    }

    /// Content that speaks of another name than the stream is as good as none.
    pub(super) fn own<T>(&self, said: Option<Tagged<T>>, name: fn(&T) -> &str) -> Option<Tagged<T>> {
        said.filter(|said| name(&said.value) == self.name)
    }

    /// Runs `sql`, in which ?1 is the name, ?2 the version, ?3 its entry, ?4 the commit time of that and ?5 who wrote it; `said` follows from ?6 on.
    pub(super) fn write(&self, db: &Connection, sql: &str, said: &[&dyn ToSql]) -> rusqlite::Result<usize> {
        let Self { name, number, record } = self;
        let place = params![
            name,
            int(*number),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes()
        ];
        run(db, sql, params_from_iter(place.iter().chain(said)))
    }
}
