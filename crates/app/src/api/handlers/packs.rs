//! `/api/v1/policy-packs` and `/api/v1/pack-publishers`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{Reason, Word};
use crate::work::packs::{
    GoingBack, NewPack, NewPublisher, PackHistory, PackReplay, PackShown, Packs, Publisher, Publishers,
    Removal, Trust, Wanted,
};
use crate::work::replays::Replay;

/// A pack's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfPack {
    /// The pack's name.
    pack: Word,
}

/// A publisher's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfPublisher {
    /// The publisher's name.
    publisher: Word,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Packs> {
    Ok(Reply::of(Json(asked.desk.packs()?)))
}

pub(in crate::api) fn read(
    asked: &Asked<'_>,
    input: &Input<OfPack, Nothing, Nothing>,
) -> Answered<PackShown> {
    let pack = asked.desk.pack(input.path.pack.as_str())?;
    let version = pack.version;
    Ok(Reply::of(Json(pack)).version(version))
}

pub(in crate::api) fn history(
    asked: &Asked<'_>,
    input: &Input<OfPack, Nothing, Nothing>,
) -> Answered<PackHistory> {
    Ok(Reply::of(Json(asked.desk.pack_history(input.path.pack.as_str())?)))
}

pub(in crate::api) fn propose(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewPack>,
) -> Answered<Changed<PackShown>> {
    let done = asked.desk.propose_pack(asked.actor()?, &asked.given, &input.body)?;
    let (version, location) = (done.0.version, format!("/api/v1/policy-packs/{}", done.0.name));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn replay(
    asked: &Asked<'_>,
    input: &Input<OfPack, Nothing, PackReplay>,
) -> Answered<Replay> {
    let name = input.path.pack.as_str();
    Ok(Reply::of(Json(asked.desk.replay_pack(asked.actor()?, name, &input.body)?)))
}

pub(in crate::api) fn load(
    asked: &Asked<'_>,
    input: &Input<OfPack, Nothing, Wanted>,
) -> Answered<Changed<PackShown>> {
    let name = input.path.pack.as_str();
    let done = asked.desk.load_pack(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn go_back(
    asked: &Asked<'_>,
    input: &Input<OfPack, Nothing, GoingBack>,
) -> Answered<Changed<PackShown>> {
    let name = input.path.pack.as_str();
    let done = asked.desk.propose_going_back(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn remove(
    asked: &Asked<'_>,
    input: &Input<OfPack, Nothing, Removal>,
) -> Answered<Changed<PackShown>> {
    let name = input.path.pack.as_str();
    let done = asked.desk.propose_pack_removal(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn publishers(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<Publishers> {
    Ok(Reply::of(Json(asked.desk.pack_publishers()?)))
}

pub(in crate::api) fn publisher(
    asked: &Asked<'_>,
    input: &Input<OfPublisher, Nothing, Nothing>,
) -> Answered<Publisher> {
    let publisher = asked.desk.pack_publisher(input.path.publisher.as_str())?;
    let version = publisher.version;
    Ok(Reply::of(Json(publisher)).version(version))
}

pub(in crate::api) fn propose_publisher(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewPublisher>,
) -> Answered<Changed<Publisher>> {
    let done = asked.desk.propose_publisher(asked.actor()?, &asked.given, &input.body)?;
    let (version, location) = (done.0.version, format!("/api/v1/pack-publishers/{}", done.0.name));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn trust(
    asked: &Asked<'_>,
    input: &Input<OfPublisher, Nothing, Trust>,
) -> Answered<Changed<Publisher>> {
    let name = input.path.publisher.as_str();
    let done = asked.desk.trust_publisher(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn remove_publisher(
    asked: &Asked<'_>,
    input: &Input<OfPublisher, Nothing, Reason>,
) -> Answered<Changed<Publisher>> {
    let name = input.path.publisher.as_str();
    let done = asked.desk.remove_publisher(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
