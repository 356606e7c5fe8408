//! Shards: other logs whose checkpoints this one takes as entries, which makes it their root log (`docs/shards.md`).
//!
//! Promises: a checkpoint is recorded once, under the shard's own signature, and only if it continues the one before; what does not is refused and is on record
//! with that signature, so that a shard's second history cannot be hidden. What one shard does stops no other. Must never: take a key from whoever hands a
//! checkpoint in, but for one that the shard's key so far and its root both signed for.

mod shown;
mod taking;

use std::sync::PoisonError;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tabellion_ledger::{Draft, DraftStream};
use tabellion_model::registry::{Facts, KeyInfo, ShardRegistered, shard_name, shard_stream};
use tabellion_model::{Origin, SystemId};
use tabellion_tlog::{Hash, Policy, PublicKey};
use tabellion_views::query::ShardRow;

use super::forms::IdForm;
use super::prose::Prose;
use super::writing::GOVERNANCE_RETENTION;
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

pub use shown::{Shard, ShardConflictForm, Shards};
pub use taking::{ShardTaken, TakeCheckpoint};

/// Checkpoints of so many shards are judged at a time; those of one shard one after the other.
pub(crate) const TAKING: usize = 16;
/// What the key name of a root key has after the origin.
const ROOT_SUFFIX: &str = "/root";

/// A shard to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShard {
    /// The shard's trust file: its lines `log` with the key of its checkpoints and with its root key.
    #[schemars(length(min = 1, max = 8192))]
    pub trust: String,
    /// The system whose API keys hand in its checkpoints.
    #[schemars(with = "IdForm")]
    pub system: SystemId,
    /// Whose log that is, and how you came by its trust file.
    pub note: Prose,
}

impl Desk {
    /// Registers a shard, or its keys anew.
    pub fn register_shard(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewShard,
    ) -> Result<(Shard, Written), Refusal> {
        let (origin, key, root_key) = pinned(&new.trust)?;
        if origin == self.ledger.reader().origin() {
            return Err(Refusal::at(Code::Malformed, "/trust", "this is the trust file of this log itself"));
        }
        if self.views.system(&new.system)?.is_none() {
            return Err(Refusal::at(Code::UnknownReference, "/system", "there is no system of this id"));
        }
        let shard = shard_name(&origin);
        let _turn = self.turn_of(&shard);
        let facts = Facts::ShardRegistered(Box::new(ShardRegistered {
            key: KeyInfo::of(key),
            origin: origin.clone(),
            root_key: KeyInfo::of(root_key),
        }));
        let written = self.once(actor, "register-shard", given, |earlier| {
            let row = self.views.shard(&shard)?;
            let is_same =
                |row: &ShardRow| (row.key, row.root_key, row.system) == (key, root_key, Some(new.system));
            if earlier.is_none() && row.as_ref().is_some_and(is_same) {
                return Err(Refusal::new(Code::AlreadySo, "this shard is registered with these keys"));
            }
            let version = given.expected(earlier, row.map_or(0, |row| row.version));
            let mut draft = shard_draft(&facts, &origin, Some(new.system), version);
            draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
            draft.body.insert("note".to_owned(), Value::from(new.note.to_text()));
            Ok(vec![draft])
        })?;
        Ok((self.shown_shard(&self.shard_row(&shard)?)?, written))
    }

    /// Every shard within reach.
    pub fn shards(&self, actor: &Actor) -> Result<Shards, Refusal> {
        let mut shards = Vec::new();
        for row in super::asking::all(|page| self.views.shards(page))? {
            if self.may(actor, Permission::ReadEntries, row.system)? {
                shards.push(self.shown_shard(&row)?);
            }
        }
        Ok(Shards { shards })
    }

    /// One shard.
    pub fn shard(&self, actor: &Actor, shard: &str) -> Result<Shard, Refusal> {
        let row = self.shard_within(actor, Permission::ReadEntries, shard)?;
        self.shown_shard(&row)
    }

    fn shard_within(&self, actor: &Actor, permission: Permission, shard: &str) -> Result<ShardRow, Refusal> {
        let shard = Hash::from_hex(shard).ok_or_else(|| Refusal::not_found("shard"))?;
        let row = self.shard_row(&shard)?;
        if self.may(actor, permission, row.system)? {
            return Ok(row);
        }
        Err(Refusal::not_found("shard"))
    }

    fn shard_row(&self, shard: &Hash) -> Result<ShardRow, Refusal> {
        self.views.shard(shard)?.ok_or_else(|| Refusal::not_found("shard"))
    }

    /// The turn of one shard: what is decided about it is recorded before the next decision.
    fn turn_of(&self, shard: &Hash) -> Option<std::sync::MutexGuard<'_, ()>> {
        let place = usize::from(*shard.as_bytes().last().unwrap_or(&0)) % TAKING;
        self.taking.get(place).map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A draft that says `facts` of the shard, whose stream has to be at `version`.
fn shard_draft(facts: &Facts, origin: &Origin, system: Option<SystemId>, version: u64) -> Draft {
    let mut draft = Draft::new(facts.kind().name());
    draft.clear = facts.to_clear().unwrap_or_default();
    draft.system = system.map(|system| system.to_hex());
    draft.stream = Some(DraftStream { name: shard_stream(origin), expected: Some(version) });
    draft
}

/// Origin, log key and root key of the one log that a trust file pins. Of a log whose key was rotated it has every key, the one in force last.
fn pinned(trust: &str) -> Result<(Origin, PublicKey, PublicKey), Refusal> {
    let refused = |text: String| Refusal::at(Code::Malformed, "/trust", text);
    let policy = Policy::parse(trust).map_err(|error| refused(error.to_string()))?;
    let (mut log, mut root) = (Vec::new(), Vec::new());
    for line in &policy.logs {
        // A second, post-quantum key signs beside the first; what is recorded is the first one's signature.
        let Some(key) = line.key.ed25519() else { continue };
        match line.key.name().strip_suffix(ROOT_SUFFIX) {
            Some(origin) => root.push((origin, key)),
            None => log.push((line.key.name(), key)),
        }
    }
    match (log.as_slice(), root.as_slice()) {
        ([earlier @ .., (origin, key)], [(of, root_key)])
            if origin == of && earlier.iter().all(|(earlier, _)| earlier == origin) =>
        {
            let origin = Origin::new(origin).map_err(|error| refused(error.to_string()))?;
            Ok((origin, *key, *root_key))
        }
        _ => Err(refused(
            "the trust file has to pin one log: a line with each key of its checkpoints, the one in force last, and one with its root key; \
             hand in the shard's own trust.txt".to_owned(),
        )),
    }
}
