//! Packs of policies in force, as the gateway decides by them.
//!
//! Must never: leave out a pack that is in force and cannot be read: its prohibitions would go with it.

use rusqlite::Connection;
use tabellion_model::SystemId;
use tabellion_model::body::PackLoaded;
use tabellion_tlog::sha256;

use crate::values::optional_said;

/// One pack in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatePack {
    /// Its name.
    pub name: String,
    /// The whole file.
    pub file: String,
    /// SHA-256 of the file, hex: what decisions name.
    pub digest: String,
    /// The systems that it holds for; none: all.
    pub systems: Vec<SystemId>,
}

/// The packs in force by name; none with a note where one of them cannot be read.
pub(super) fn packs(db: &Connection, notes: &mut Vec<String>) -> rusqlite::Result<Option<Vec<GatePack>>> {
    let sql = "SELECT name, said FROM policy_packs WHERE newest = 1 AND removed = 0 ORDER BY name";
    let mut select = db.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let (mut packs, mut whole) = (Vec::new(), true);
    while let Some(row) = rows.next()? {
        let name: String = row.get("name")?;
        match optional_said::<PackLoaded>(row, "said")? {
            Some(said) if sha256(said.file.as_bytes()).to_hex() == said.digest => {
                packs.push(GatePack { name, file: said.file, digest: said.digest, systems: said.systems });
            }
            _ => {
                whole = false;
                notes.push(format!(
                    "the policy pack {name} is in force and cannot be used: it was erased or is not the one its digest names. Every call is denied until it \
is loaded again or removed"
                ));
            }
        }
    }
    Ok(whole.then_some(packs))
}
