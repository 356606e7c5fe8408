//! Openings of declared routes, as the gateway decides by them.
//!
//! Must never: hold an opening that nobody confirmed, that was withdrawn, or that cannot be read.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};
use tabellion_model::body::{BatchRequests, FileModel, RouteClass};
use tabellion_model::{Micros, OpeningId, RecordId, SystemId};
use tabellion_tlog::Hash;

use super::Gate;
use crate::error::ViewsError;
use crate::values::{id, int, optional_id, optional_time, optional_word};

/// Most files and batches at providers that are known: the newest. A batch has four of them at most, and is begun and read minutes to days after its file was sent.
const MAX_FILES: u64 = 20_000;

/// One opening that was confirmed and not withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateOpening {
    /// Its id.
    pub opening: OpeningId,
    /// The system that may call.
    pub system: SystemId,
    /// Which routes.
    pub class: RouteClass,
    /// The one provider it is for; none: every one.
    pub provider: Option<String>,
    /// When it ends.
    pub until: Micros,
}

impl GateOpening {
    /// Whether it opens routes of `class` at `provider` to `system` now.
    pub fn opens(&self, system: SystemId, class: RouteClass, provider: &str, now: Micros) -> bool {
        self.system == system
            && self.class == class
            && self.provider.as_deref().is_none_or(|only| only == provider)
            && now < self.until
    }
}

/// A file or batch that a system made at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateFile {
    /// The system that has it.
    pub system: SystemId,
    /// `files` or `batches`: a provider may call one of each the same.
    pub class: RouteClass,
    /// The provider that has it.
    pub provider: String,
    /// What that calls it.
    pub file: String,
    /// What its requests ask for, as JSON: read when a batch is begun, and not for each of thousands. None: no batch is begun of it.
    pub asked: Option<String>,
    /// What it is of a batch that reserved something; none: nothing, or the batch was begun before this was recorded.
    pub of_batch: Option<OfBatch>,
}

/// What something at a provider is of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfBatch {
    /// The batch itself.
    Begun(Begun),
    /// The file with the answers of the batch of this name.
    Answers(String),
}

/// A batch that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The `call.authorised` that began it.
    pub call: RecordId,
    /// Leaf hash of that.
    pub hash: Hash,
    /// What its requests may take, as it was reserved.
    pub requests: BatchRequests,
    /// Whether it is on record what it took.
    pub is_settled: bool,
}

impl GateFile {
    /// What its requests ask for; none: nobody knows.
    pub fn models(&self) -> Option<Vec<FileModel>> {
        serde_json::from_str(self.asked.as_deref()?).ok()
    }
}

pub(super) fn openings(db: &Connection, before: &Gate) -> Result<Arc<Vec<GateOpening>>, ViewsError> {
    let sql = "SELECT opening, system, class, provider, until FROM openings
        WHERE confirmed_entry IS NOT NULL AND withdrawn_entry IS NULL AND unit IS NOT NULL ORDER BY entry";
    let mut select = db.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut openings = Vec::new();
    while let Some(row) = rows.next()? {
        let said = (optional_id(row, "system")?, optional_word(row, "class")?, optional_time(row, "until")?);
        let (Some(system), Some(class), Some(until)) = said else { continue };
        let (opening, provider) = (id(row, "opening")?, row.get("provider")?);
        openings.push(GateOpening { opening, system, class, provider, until });
    }
    Ok(if openings == *before.openings { Arc::clone(&before.openings) } else { Arc::new(openings) })
}

pub(super) fn files(db: &Connection, before: &Gate) -> Result<Arc<Vec<GateFile>>, ViewsError> {
    let sql = "SELECT system, class, provider, file, models, requests, batch, call, call_hash, settled_entry FROM kept_files WHERE unit IS NOT NULL AND system IS NOT NULL ORDER BY entry DESC LIMIT ?1";
    let mut select = db.prepare_cached(sql)?;
    let mut rows = select.query(params![int(MAX_FILES)])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        // Of a class that is not known here it is nobody's.
        let Some(class) = optional_word(row, "class")? else { continue };
        files.push(GateFile {
            system: id(row, "system")?,
            class,
            provider: row.get("provider")?,
            file: row.get("file")?,
            asked: row.get("models")?,
            of_batch: of_batch(row)?,
        });
    }
    Ok(if files == *before.files { Arc::clone(&before.files) } else { Arc::new(files) })
}

fn of_batch(row: &Row<'_>) -> rusqlite::Result<Option<OfBatch>> {
    if let Some(batch) = row.get("batch")? {
        return Ok(Some(OfBatch::Answers(batch)));
    }
    let requests: Option<String> = row.get("requests")?;
    let requests = requests.and_then(|requests| serde_json::from_str(&requests).ok());
    let (call, hash): (_, Option<[u8; 32]>) = (optional_id(row, "call")?, row.get("call_hash")?);
    let settled: Option<i64> = row.get("settled_entry")?;
    let (Some(requests), Some(call), Some(hash)) = (requests, call, hash) else { return Ok(None) };
    Ok(Some(OfBatch::Begun(Begun { call, hash: Hash(hash), requests, is_settled: settled.is_some() })))
}
