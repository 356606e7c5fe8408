//! Shards as they are answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::KeyId;
use tabellion_views::query::{ShardConflictRow, ShardRow};

use crate::refusal::Refusal;
use crate::work::Desk;
use crate::work::forms::{DigestForm, IdForm, Reference, Time};

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// SHA-256 of its origin.
    #[schemars(with = "DigestForm")]
    pub id: String,
    /// Its origin.
    pub origin: String,
    /// The system whose API keys hand in its checkpoints; null: none.
    pub system: Option<String>,
    /// Id of the key that signs its checkpoints.
    #[schemars(with = "DigestForm")]
    pub key: String,
    /// That key, base64.
    pub public_key: String,
    /// Id of its root key.
    #[schemars(with = "DigestForm")]
    pub root_key: String,
    /// Size of its newest checkpoint here; 0: there is none.
    pub size: u64,
    /// Root of that, hex; null: there is none.
    pub root: Option<String>,
    /// The entry with that; null: there is none.
    pub newest: Option<Reference>,
    /// When that was recorded; null: there is none.
    pub newest_at: Option<Time>,
    /// How many of its checkpoints are recorded.
    pub checkpoints: u64,
    /// Longest time between two of them, in seconds.
    pub longest_gap_seconds: u64,
    /// How many conflicts were found.
    pub conflicts: u64,
    /// The newest of these, 16 at most.
    pub newest_conflicts: Vec<ShardConflictForm>,
    /// When it was registered, or its keys anew.
    pub registered_at: Time,
    /// By whom.
    #[schemars(with = "IdForm")]
    pub registered_by: String,
    /// The record of that.
    pub registered: Reference,
    /// Version, as in the `ETag`.
    pub version: u64,
}

/// Something that a shard signed and that does not continue what is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardConflictForm {
    /// `forked` or `rolled_back`.
    pub kind: String,
    /// Whether the shard's signatures prove it by themselves; else it gave no proof of the opposite.
    pub proved: bool,
    /// Size of what it showed.
    pub size: u64,
    /// Size of the newest checkpoint here then.
    pub known_size: u64,
    /// When.
    pub at: Time,
    /// The record.
    pub record: Reference,
}

/// Shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shards {
    /// Every shard within reach, the last registered first.
    pub shards: Vec<Shard>,
}

impl Desk {
    pub(super) fn shown_shard(&self, row: &ShardRow) -> Result<Shard, Refusal> {
        let conflicts = self.views.shard_conflicts(&row.shard)?;
        let conflicts = conflicts.iter().map(|conflict| self.shown_conflict(conflict));
        Ok(Shard {
            id: row.shard.to_hex(),
            origin: row.origin.clone(),
            system: row.system.map(|system| system.to_hex()),
            key: KeyId::of(&row.key).to_hex(),
            public_key: STANDARD.encode(row.key.as_bytes()),
            root_key: KeyId::of(&row.root_key).to_hex(),
            size: row.size,
            root: row.root.map(|root| root.to_hex()),
            newest: row.newest.map(|entry| self.reference(entry)).transpose()?,
            newest_at: row.newest_at.map(Time),
            checkpoints: row.checkpoints,
            longest_gap_seconds: row.longest_us / 1_000_000,
            conflicts: row.conflicts,
            newest_conflicts: conflicts.collect::<Result<_, _>>()?,
            registered_at: Time(row.at),
            registered_by: row.by.to_hex(),
            registered: self.reference(row.entry)?,
            version: row.version,
        })
    }

    fn shown_conflict(&self, row: &ShardConflictRow) -> Result<ShardConflictForm, Refusal> {
        Ok(ShardConflictForm {
            kind: row.kind.as_str().to_owned(),
            proved: row.proved,
            size: row.size,
            known_size: row.known_size,
            at: Time(row.at),
            record: self.reference(row.entry)?,
        })
    }
}
