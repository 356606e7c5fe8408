//! Reads what the gateway must know from the views.
//!
//! Must never: put into a snapshot what is not wholly known. A policy or pack in force that cannot be read empties the policies: without it others might
//! permit what it forbade, and with none everything is denied.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Row};
use tabellion_ledger::Reader;
use tabellion_model::{CredentialId, SystemId};
use tabellion_tlog::sha256;

use super::openings::{files, openings};
use super::packs::packs;
use super::spend::{budgets, prices};
use super::stops::stops;
use super::{Gate, GateKey, GatePolicy, GateSystem};
use crate::error::ViewsError;
use crate::values::{id, optional_id, optional_list, optional_time, optional_word};

/// The snapshot of `db` at `position`, after `before`; with what the operator should know.
pub(crate) fn load(
    db: &Connection,
    reader: &Reader,
    position: u64,
    before: &Gate,
) -> Result<(Gate, Vec<String>), ViewsError> {
    let (mut policies, mut notes) = policies(db)?;
    let unreadable = !notes.is_empty();
    // What one of them forbade cannot be known, so that nothing is permitted by any, in whichever layer.
    let packs = match packs(db, &mut notes)? {
        Some(packs) if !unreadable => packs,
        _ => {
            policies.clear();
            Vec::new()
        }
    };
    let observed = observed(db, &mut notes)?;
    let changed = policies != *before.policies || packs != *before.packs || observed != *before.observed;
    let gate = Gate {
        position,
        systems: Arc::new(systems(db)?),
        keys: Arc::new(keys(db)?),
        policies: if policies == *before.policies {
            Arc::clone(&before.policies)
        } else {
            Arc::new(policies)
        },
        own: None,
        packs: if packs == *before.packs { Arc::clone(&before.packs) } else { Arc::new(packs) },
        observed: if observed == *before.observed {
            Arc::clone(&before.observed)
        } else {
            Arc::new(observed)
        },
        policy_generation: before.policy_generation + u64::from(changed),
        budgets: Arc::new(budgets(db)?),
        prices: Arc::new(prices(db)?),
        stops: stops(db, reader, before, &mut notes)?,
        openings: openings(db, before)?,
        files: files(db, before)?,
    };
    Ok((gate, notes))
}

/// Systems that are described, have an owner who is still known, and are not on their way out.
fn systems(db: &Connection) -> rusqlite::Result<HashMap<SystemId, GateSystem>> {
    let sql = "SELECT system, systems.name, CASE WHEN stage_entry IS NULL THEN 'draft' ELSE stage END AS stage, owner, purposes, capture
        FROM systems JOIN people ON people.person = systems.owner
        WHERE systems.described_unit IS NOT NULL AND people.details_unit IS NOT NULL AND deletion_due IS NULL AND purged_entry IS NULL";
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map([], |row| Ok((id(row, "system")?, system(row)?)))?;
    found.filter_map(|row| row.map(|(id, system)| Some((id, system?))).transpose()).collect()
}

fn system(row: &Row<'_>) -> rusqlite::Result<Option<GateSystem>> {
    let name: Option<String> = row.get("name")?;
    let parts = (
        name,
        optional_word(row, "stage")?,
        optional_id(row, "owner")?,
        optional_list(row, "purposes")?,
        optional_word(row, "capture")?,
    );
    let (Some(name), Some(stage), Some(owner), Some(purposes), Some(capture)) = parts else {
        return Ok(None);
    };
    Ok(Some(GateSystem { name, stage, owner, purposes, capture }))
}

/// Keys that are wholly known. One whose revocation can no longer be read ended when that was recorded. A revocation that took effect when it
/// was recorded ends the key by its place in the log: no clock that steps back brings the key to life again.
fn keys(db: &Connection) -> rusqlite::Result<HashMap<CredentialId, GateKey>> {
    let sql = "SELECT credential, system, secret_sha256, purposes, models, expires_at,
        (SELECT min(CASE WHEN effective_at > at THEN effective_at ELSE 0 END) FROM revocations WHERE revocations.credential = credentials.credential) AS revoked_at
        FROM credentials WHERE issued_unit IS NOT NULL AND issued_again_entry IS NULL";
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map([], |row| Ok((id(row, "credential")?, key(row)?)))?;
    found.filter_map(|row| row.map(|(id, key)| Some((id, key?))).transpose()).collect()
}

fn key(row: &Row<'_>) -> rusqlite::Result<Option<GateKey>> {
    let secret: Option<[u8; 32]> = row.get("secret_sha256")?;
    let (Some(secret_sha256), Some(purposes), Some(models)) =
        (secret, optional_list(row, "purposes")?, optional_list(row, "models")?)
    else {
        return Ok(None);
    };
    let ends = [optional_time(row, "expires_at")?, optional_time(row, "revoked_at")?];
    let ends_at = ends.into_iter().flatten().min();
    Ok(Some(GateKey { system: id(row, "system")?, secret_sha256, purposes, models, ends_at }))
}

fn policies(db: &Connection) -> rusqlite::Result<(Vec<GatePolicy>, Vec<String>)> {
    let sql = "SELECT name, text, digest FROM policies WHERE newest = 1 AND withdrawn = 0 ORDER BY name";
    let mut select = db.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let (mut policies, mut notes) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let name: String = row.get("name")?;
        let (text, digest): (Option<String>, Option<String>) = (row.get("text")?, row.get("digest")?);
        match (text, digest) {
            (Some(text), Some(digest)) if sha256(text.as_bytes()).to_string() == digest => {
                policies.push(GatePolicy { name, text, digest });
            }
            (Some(_), Some(_)) => notes.push(unusable(&name, "its text is not the one its digest names")),
            _ => notes.push(unusable(&name, "its text was erased")),
        }
    }
    if !notes.is_empty() {
        policies.clear();
    }
    Ok((policies, notes))
}

/// Texts that are observed. One that cannot be read is not tried: it decides nothing, so nothing is denied for it.
fn observed(db: &Connection, notes: &mut Vec<String>) -> Result<Vec<GatePolicy>, ViewsError> {
    let sql =
        "SELECT name, text, digest FROM policy_observations WHERE newest = 1 AND ended = 0 ORDER BY name";
    let mut select = db.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut observed = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get("name")?;
        let (text, digest): (Option<String>, Option<String>) = (row.get("text")?, row.get("digest")?);
        match (text, digest) {
            (Some(text), Some(digest)) if sha256(text.as_bytes()).to_string() == digest => {
                observed.push(GatePolicy { name, text, digest });
            }
            _ => notes.push(format!("the policy {name} cannot be observed any more: its text was erased or is not the one its digest names")),
        }
    }
    Ok(observed)
}

fn unusable(name: &str, why: &str) -> String {
    format!(
        "the policy {name} is in force and cannot be used: {why}. Every call is denied until it is published again or withdrawn"
    )
}
