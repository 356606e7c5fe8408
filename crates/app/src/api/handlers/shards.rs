//! `/api/v1/shards`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::DigestForm;
use crate::work::shards::{NewShard, Shard, ShardTaken, Shards, TakeCheckpoint};

/// A shard's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfShard {
    /// SHA-256 of the shard's origin.
    #[schemars(with = "DigestForm")]
    shard: String,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Shards> {
    Ok(Reply::of(Json(asked.desk.shards(asked.actor()?)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfShard, Nothing, Nothing>) -> Answered<Shard> {
    let shard = asked.desk.shard(asked.actor()?, &input.path.shard)?;
    let version = shard.version;
    Ok(Reply::of(Json(shard)).version(version))
}

pub(in crate::api) fn register(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewShard>,
) -> Answered<Changed<Shard>> {
    let done = asked.desk.register_shard(asked.actor()?, &asked.given, &input.body)?;
    let (version, location) = (done.0.version, format!("/api/v1/shards/{}", done.0.id));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn take(
    asked: &Asked<'_>,
    input: &Input<OfShard, Nothing, TakeCheckpoint>,
) -> Answered<ShardTaken> {
    let (taken, written) = asked.desk.take_checkpoint(asked.actor()?, &input.path.shard, &input.body)?;
    Ok(Reply::of(Json(taken)).written(written))
}
