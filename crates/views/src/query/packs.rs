//! Packs of policies, their publishers, and what was put forward of both.

use rusqlite::{OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;
use tabellion_model::body::{
    PackLoaded, PackProposed, PackPublisherProposed, PackPublisherTrusted, PackRemoved,
};
use tabellion_model::{CredentialId, Micros, RecordId};

use super::versions::Versions;
use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, optional_id, optional_said, time};
use crate::views::Views;

/// One version of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackVersion {
    /// The pack's name.
    pub name: String,
    /// The version of its stream.
    pub version: u64,
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// The second person, who brought it into force or took it out.
    pub by: CredentialId,
    /// What it says.
    pub said: PackSaid,
}

/// What a version of a pack says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackSaid {
    /// It came into force.
    Loaded(Box<PackLoaded>),
    /// It went out of force; none: the content is erased.
    Removed(Option<PackRemoved>),
    /// It is in force, and its content is erased: everything is denied.
    Erased,
}

/// What was put forward and waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed<T> {
    /// Of which policy, pack or publisher.
    pub name: String,
    /// Version of its stream.
    pub version: u64,
    /// Its entry.
    pub entry: u64,
    /// The record.
    pub record_id: RecordId,
    /// Commit time.
    pub at: Micros,
    /// Who put it forward.
    pub by: CredentialId,
    /// The session in which they did.
    pub session: Option<RecordId>,
    /// Whether nothing was decided since.
    pub open: bool,
    /// What; none: erased.
    pub said: Option<T>,
}

/// A publisher as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackPublisherRow {
    /// Its name.
    pub name: String,
    /// Version of its stream.
    pub version: u64,
    /// The entry of the newest change.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who made it.
    pub by: CredentialId,
    /// Whether it is trusted no more.
    pub removed: bool,
    /// Key, layers and pins; none: removed or erased.
    pub said: Option<PackPublisherTrusted>,
}

impl Views {
    /// The newest version of every pack, also of those removed; the last changed first.
    pub fn packs(&self, page: Page) -> Result<Rows<PackVersion>, ViewsError> {
        self.ask(|db| PACKS.newest(db, page))
    }

    /// The newest version of one pack.
    pub fn pack(&self, name: &str) -> Result<Option<PackVersion>, ViewsError> {
        self.ask(|db| PACKS.newest_of(db, name))
    }

    /// All versions of one pack, newest first.
    pub fn pack_versions(&self, name: &str, page: Page) -> Result<Rows<PackVersion>, ViewsError> {
        self.ask(|db| PACKS.all_of(db, name, page))
    }

    /// What was put forward last of one pack.
    pub fn pack_proposed(&self, name: &str) -> Result<Option<Proposed<PackProposed>>, ViewsError> {
        let sql = format!("{PACKS_PROPOSED} WHERE name = ?1");
        self.ask(|db| Ok(db.prepare_cached(&sql)?.query_row(params![name], proposed).optional()?))
    }

    /// What was put forward last of every pack that there ever was; the last first.
    pub fn packs_proposed(&self, page: Page) -> Result<Rows<Proposed<PackProposed>>, ViewsError> {
        self.ask(|db| Where::default().page(db, PACKS_PROPOSED, "entry", page, proposed, |row| row.entry))
    }

    /// What was put forward last of every publisher that there ever was; the last first.
    pub fn pack_publishers_proposed(
        &self,
        page: Page,
    ) -> Result<Rows<Proposed<PackPublisherProposed>>, ViewsError> {
        self.ask(|db| {
            Where::default().page(db, PUBLISHERS_PROPOSED, "entry", page, proposed, |row| row.entry)
        })
    }

    /// One publisher.
    pub fn pack_publisher(&self, name: &str) -> Result<Option<PackPublisherRow>, ViewsError> {
        let sql = "SELECT * FROM pack_publishers WHERE name = ?1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![name], publisher).optional()?))
    }

    /// What was put forward last of one publisher.
    pub fn pack_publisher_proposed(
        &self,
        name: &str,
    ) -> Result<Option<Proposed<PackPublisherProposed>>, ViewsError> {
        let sql = format!("{PUBLISHERS_PROPOSED} WHERE name = ?1");
        self.ask(|db| Ok(db.prepare_cached(&sql)?.query_row(params![name], proposed).optional()?))
    }
}

const PACKS: Versions<PackVersion> =
    Versions { select: "SELECT * FROM policy_packs", read: version, entry: |version| version.entry };
/// Open: nothing was decided since.
const PACKS_PROPOSED: &str = "SELECT *, NOT EXISTS (SELECT 1 FROM policy_packs AS later WHERE later.name = proposals.name AND later.entry > proposals.entry) AS open
    FROM policy_pack_proposals AS proposals";
const PUBLISHERS_PROPOSED: &str = "SELECT *, NOT EXISTS (SELECT 1 FROM pack_publishers AS later WHERE later.name = proposals.name AND later.entry > proposals.entry) AS open
    FROM pack_publisher_proposals AS proposals";

fn version(row: &Row<'_>) -> rusqlite::Result<PackVersion> {
    let removed: bool = row.get("removed")?;
    let said = if removed {
        PackSaid::Removed(optional_said(row, "said")?)
    } else {
        optional_said(row, "said")?.map_or(PackSaid::Erased, |said| PackSaid::Loaded(Box::new(said)))
    };
    Ok(PackVersion {
        name: row.get("name")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        said,
    })
}

pub(super) fn proposed<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<Proposed<T>> {
    Ok(Proposed {
        name: row.get("name")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        session: optional_id(row, "session")?,
        open: row.get("open")?,
        said: optional_said(row, "said")?,
    })
}

fn publisher(row: &Row<'_>) -> rusqlite::Result<PackPublisherRow> {
    let removed: bool = row.get("removed")?;
    Ok(PackPublisherRow {
        name: row.get("name")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        removed,
        said: if removed { None } else { optional_said(row, "said")? },
    })
}
