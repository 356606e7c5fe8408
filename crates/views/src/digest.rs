//! A digest over every row of every view: what makes "rebuilt equals live" a comparison of two numbers.
//!
//! Promises: the same rows give the same digest, whatever the file looks like and in whichever order rows came.

use std::fmt;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use sha2::{Digest as _, Sha256};
use tabellion_tlog::Hash;

use crate::error::ViewsError;
use crate::projection::{self, Table};

/// The digest of all views at one log size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ViewsDigest {
    /// Entries folded.
    pub position: u64,
    /// SHA-256 over the rows of all tables, as docs/views.md says.
    pub rows: [u8; 32],
}

impl fmt::Display for ViewsDigest {
    /// `<position>:<hex>`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, Hash(self.rows))
    }
}

impl fmt::Debug for ViewsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The digest of what one read transaction sees.
pub(crate) fn of(db: &Connection) -> Result<ViewsDigest, ViewsError> {
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Deferred)?;
    let position: i64 = tx.query_row("SELECT coalesce(min(position), 0) FROM views", [], |row| row.get(0))?;
    let mut hash = Sha256::new();
    let unplaced = Table { name: "unplaced", key: "entry, view", tagged: &[] };
    for table in projection::ALL.iter().flat_map(|projection| projection.tables).chain([&unplaced]) {
        rows(&tx, table, &mut hash)?;
    }
    Ok(ViewsDigest { position: u64::try_from(position).unwrap_or(0), rows: hash.finalize().into() })
}

fn rows(db: &Connection, table: &Table, hash: &mut Sha256) -> Result<(), ViewsError> {
    let mut select = db.prepare(&format!("SELECT * FROM {} ORDER BY {}", table.name, table.key))?;
    let columns = select.column_count();
    frame(hash, b't', table.name.as_bytes());
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        hash.update(b"r");
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => hash.update(b"n"),
                ValueRef::Integer(number) => frame(hash, b'i', &number.to_be_bytes()),
                ValueRef::Real(number) => frame(hash, b'f', &number.to_bits().to_be_bytes()),
                ValueRef::Text(text) => frame(hash, b's', text),
                ValueRef::Blob(bytes) => frame(hash, b'b', bytes),
            }
        }
    }
    Ok(())
}

/// Kind, length and bytes, so that no two rows run into the same text.
fn frame(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
