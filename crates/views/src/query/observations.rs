//! Observations of policies: what is tried beside what is in force, and what it would have changed.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::{CredentialId, Micros, RecordId, SystemId};

use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id, time};
use crate::views::Views;

/// The newest record about a name's observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Version of its stream.
    pub version: u64,
    /// The record's entry.
    pub entry: u64,
    /// The record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// Who wrote it.
    pub by: CredentialId,
    /// The session in which they did.
    pub session: Option<RecordId>,
    /// Whether it ended an observation.
    pub ended: bool,
    /// The text; none where it ended, or was erased.
    pub text: Option<String>,
    /// Its digest.
    pub digest: Option<String>,
    /// What changes and why.
    pub note: Option<String>,
}

/// Calls of one system that an observed text would have decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldChange {
    /// The system.
    pub system: Option<SystemId>,
    /// How many.
    pub calls: u64,
    /// How many for each of the rules that would have decided.
    pub rules: BTreeMap<String, u64>,
    /// Entry of the newest.
    pub newest: u64,
}

/// What an observed text was tried on, as far as calls can still be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// Calls.
    pub calls: u64,
    /// Permitted calls that it would have denied, by system.
    pub would_deny: Vec<WouldChange>,
    /// Denied calls that it would have permitted, by system.
    pub would_permit: Vec<WouldChange>,
}

impl Views {
    /// The newest record about the observation of `name`; none: there was never one.
    pub fn observation(&self, name: &str) -> Result<Option<Observation>, ViewsError> {
        let sql = "SELECT * FROM policy_observations WHERE name = ?1 AND newest = 1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![name], row).optional()?))
    }

    /// What the text of `digest` was tried on since the entry `from`.
    pub fn tried(&self, digest: &str, from: u64) -> Result<Tried, ViewsError> {
        let sql = "SELECT entry, state, system, observed_verdict, observed_rules FROM calls
            WHERE observed_verdict IS NOT NULL AND entry > ?1 AND instr(observed_policies, ?2) > 0 ORDER BY entry";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let mut rows = select.query(params![int(from), digest])?;
            let mut tried = Tried::default();
            while let Some(row) = rows.next()? {
                tried.calls += 1;
                note(row, &mut tried)?;
            }
            Ok(tried)
        })
    }
}

/// Takes in one call, where it would have been decided otherwise.
fn note(row: &Row<'_>, tried: &mut Tried) -> rusqlite::Result<()> {
    let denied = row.get::<_, i64>("state")? == crate::projection::calls::state::DENIED;
    let verdict: String = row.get("observed_verdict")?;
    let group = match (denied, verdict == "permitted") {
        (false, false) => &mut tried.would_deny,
        (true, true) => &mut tried.would_permit,
        _ => return Ok(()),
    };
    let system = optional_id(row, "system")?;
    let place = group.iter().position(|change| change.system == system);
    let place = place.unwrap_or_else(|| {
        group.push(WouldChange { system, calls: 0, rules: BTreeMap::new(), newest: 0 });
        group.len() - 1
    });
    let rules: String = row.get("observed_rules")?;
    let entry = number(row, "entry")?;
    if let Some(change) = group.get_mut(place) {
        change.calls += 1;
        change.newest = entry;
        for rule in rules.split(' ').filter(|rule| !rule.is_empty()) {
            *change.rules.entry(rule.to_owned()).or_default() += 1;
        }
    }
    Ok(())
}

fn row(row: &Row<'_>) -> rusqlite::Result<Observation> {
    Ok(Observation {
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        session: optional_id(row, "session")?,
        ended: row.get("ended")?,
        text: row.get("text")?,
        digest: row.get("digest")?,
        note: row.get("note")?,
    })
}
