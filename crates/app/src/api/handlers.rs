//! From requests to work and back: nothing is decided here.
#![expect(
    clippy::unnecessary_wraps,
    reason = "every handler has the one form that the table of routes takes"
)]

pub(super) mod budgets;
pub(super) mod calls;
pub(super) mod configuration;
pub(super) mod controls;
pub(super) mod enrichments;
pub(super) mod erasures;
pub(super) mod guards;
pub(super) mod invoices;
pub(super) mod issuers;
pub(super) mod keys;
pub(super) mod log;
pub(super) mod openings;
pub(super) mod operation;
pub(super) mod packs;
pub(super) mod people;
pub(super) mod playground;
pub(super) mod policies;
pub(super) mod probes;
pub(super) mod registers;
pub(super) mod rules;
pub(super) mod running;
pub(super) mod scitt;
pub(super) mod sessions;
pub(super) mod shards;
pub(super) mod sources;
pub(super) mod stops;
pub(super) mod systems;
pub(super) mod tiles;
pub(super) mod traffic;
pub(super) mod usage;
pub(super) mod verifications;

use schemars::JsonSchema;
use serde::Serialize;

use super::route::{Json, Reply};
use crate::refusal::Refusal;
use crate::work::Written;
use crate::work::forms::Recorded;

/// What a change made, and where it was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Changed{T}")]
pub(super) struct Changed<T> {
    /// The resource as it is now.
    result: T,
    /// Where the change was recorded.
    recorded: Recorded,
}

type Answered<T> = Result<Reply<Json<T>>, Refusal>;

/// The answer to a change.
fn changed<T>((result, written): (T, Written), version: u64) -> Reply<Json<Changed<T>>> {
    let recorded = Recorded::from(&written);
    Reply::of(Json(Changed { result, recorded })).version(version).written(written)
}
