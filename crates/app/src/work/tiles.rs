//! The log as a whole, for clients of C2SP tlog-tiles: monitors, mirrors, verifiers that trust nothing of ours.
//!
//! Must never: be given to somebody who may read only the entries of some systems.

use tabellion_tlog::{TileId, parse_bundle_path};

use super::{Actor, Desk};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

impl Desk {
    /// The checkpoint of the log of `tenant` that was published last. `actor`: none where the log is public.
    pub fn published_checkpoint(&self, actor: Option<&Actor>, tenant: &str) -> Result<String, Refusal> {
        self.check_log(actor, tenant)?;
        self.ledger.reader().published()?.ok_or_else(|| Refusal::not_found("published checkpoint"))
    }

    /// The tile or bundle at `path`, which is what follows `tile/`.
    pub fn tile(&self, actor: Option<&Actor>, tenant: &str, path: &str) -> Result<Vec<u8>, Refusal> {
        self.check_log(actor, tenant)?;
        let path = format!("tile/{path}");
        let reader = self.ledger.reader();
        let found = if let Ok((index, width)) = parse_bundle_path(&path) {
            reader.bundle(index, width)?
        } else {
            let tile =
                TileId::parse(&path).map_err(|error| Refusal::new(Code::NotFound, error.to_string()))?;
            reader.tile(tile)?
        };
        found.ok_or_else(|| {
            let size = reader.size();
            Refusal::new(Code::NotFound, format!("the log has {size} entries: no {path} yet"))
        })
    }

    fn check_log(&self, actor: Option<&Actor>, tenant: &str) -> Result<(), Refusal> {
        if actor.is_some_and(|actor| actor.reach(Permission::ReadEntries) != Reach::All) {
            return Err(Refusal::new(
                Code::NotPermitted,
                "tiles and bundles hold the entries of all systems, and you may read those of some; /api/v1/entries has these",
            ));
        }
        if self.ledger.reader().origin().tenant() != tenant {
            return Err(Refusal::not_found("log"));
        }
        Ok(())
    }
}
