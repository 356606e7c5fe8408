//! `/log/{tenant}/…`: the log as every C2SP client reads it.
//!
//! What never changes is for any cache; in front of a log that is not public, for the reader's own alone.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::route::{Asked, Input, Nothing, Octets, Plain, Reply};
use crate::refusal::Refusal;

/// How long a checkpoint may be taken for the newest, seconds: as long as there may be between two published ones.
const CHECKPOINT_FRESH_S: u32 = 1;
/// A tile is the same for ever; longer than a year says nothing more.
const TILE_FRESH_S: u32 = 31_536_000;

/// A log's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfLog {
    /// The tenant: the last part of the log's origin.
    #[schemars(length(min = 1, max = 63))]
    tenant: String,
}

/// A tile's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfTile {
    /// The tenant: the last part of the log's origin.
    #[schemars(length(min = 1, max = 63))]
    tenant: String,
    /// Level, number and width as tlog-tiles writes them, slashes included: `0/x001/234`, `1/000.p/17`, `entries/000.p/5`.
    #[schemars(length(min = 1, max = 64))]
    path: String,
}

pub(in crate::api) fn checkpoint(
    asked: &Asked<'_>,
    input: &Input<OfLog, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    let checkpoint = asked.desk.published_checkpoint(asked.actor.as_ref(), &input.path.tenant)?;
    Ok(Reply::of(Plain(checkpoint.into_bytes())).header("cache-control", cached(asked, CHECKPOINT_FRESH_S)))
}

pub(in crate::api) fn tile(
    asked: &Asked<'_>,
    input: &Input<OfTile, Nothing, Nothing>,
) -> Result<Reply<Octets>, Refusal> {
    let bytes = asked.desk.tile(asked.actor.as_ref(), &input.path.tenant, &input.path.path)?;
    Ok(Reply::of(Octets(bytes))
        .header("cache-control", format!("{}, immutable", cached(asked, TILE_FRESH_S))))
}

fn cached(asked: &Asked<'_>, seconds: u32) -> String {
    let whose = if asked.settings.public_log { "public" } else { "private" };
    format!("{whose}, max-age={seconds}")
}
