//! Connections for reading: a few, each of its own, so that a question never waits for the projector nor the projector for a question.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::database::LOCK_WAIT;
use crate::error::ViewsError;

/// Questions answered at once: more would wait for the processor anyway.
const MAX_CONNECTIONS: usize = 8;
/// Longest wait for one of them.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection.
const STATEMENTS: usize = 64;
/// Page cache of one reader, in KiB; the system's own cache stands behind it.
const CACHE_KIB: i64 = 2 * 1024;

/// Read-only connections to one file, or the one to a database in memory.
pub(crate) struct Pool {
    /// None: the database is in memory, and its only connection is lent to one question after the other.
    path: Option<PathBuf>,
    idle: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    lent: usize,
    /// Raised when the file may have become another one: connections of before are not used again.
    generation: u64,
}

impl Pool {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path: Some(path), idle: Mutex::default(), returned: Condvar::new() }
    }

    /// A pool of the one connection there is to a database in memory.
    pub(crate) fn held(db: Connection) -> Self {
        let idle = Idle { connections: vec![db], ..Idle::default() };
        Self { path: None, idle: Mutex::new(idle), returned: Condvar::new() }
    }

    /// The file; none: the database is in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Asks one question. A connection whose question failed is not used again.
    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, ViewsError>,
    ) -> Result<T, ViewsError> {
        let mut lent = self.take()?;
        let connection = match (lent.connection.take(), &self.path) {
            (Some(connection), _) => connection,
            (None, Some(path)) => connect(path)?,
            (None, None) => return Err(ViewsError::Busy),
        };
        let answer = question(&connection);
        if answer.is_ok() || self.path.is_none() {
            lent.connection = Some(connection);
        }
        answer
    }

    /// Forgets every connection: the file at the path may be another one now.
    pub(crate) fn renew(&self) {
        let mut idle = self.idle();
        if self.path.is_none() {
            return;
        }
        idle.generation += 1;
        idle.connections.clear();
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Lent<'_>, ViewsError> {
        let most = if self.path.is_some() { MAX_CONNECTIONS } else { 1 };
        let full = |idle: &mut Idle| idle.lent >= most;
        let waited = self.returned.wait_timeout_while(self.idle(), MAX_WAIT, full);
        let (mut idle, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if full(&mut idle) {
            return Err(ViewsError::Busy);
        }
        idle.lent += 1;
        Ok(Lent { pool: self, connection: idle.connections.pop(), generation: idle.generation })
    }
}

fn connect(path: &Path) -> Result<Connection, ViewsError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(LOCK_WAIT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.pragma_update(None, "query_only", true)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(db)
}

/// The right to ask, with a connection that is already open if there is one. Given back even when a question panics.
struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
    generation: u64,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle();
        idle.lent = idle.lent.saturating_sub(1);
        if idle.generation == self.generation {
            idle.connections.extend(self.connection.take());
        }
        self.pool.returned.notify_one();
    }
}
