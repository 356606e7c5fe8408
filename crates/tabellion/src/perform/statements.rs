//! Requests about issuers and their statements, and about shards, which go the way of the control plane.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tabellion_app::work::forms::Reason;
use tabellion_app::work::issuers::NewIssuer;
use tabellion_app::work::shards::NewShard;
use tabellion_app::work::{Actor, Desk, Given};

use super::people::{appended, refusal, rejected, unavailable};
use crate::held::Held;
use crate::request::{Answer, IssuerLine, Refusal, Request, Response};

/// Carries out `request` when it is about statements.
pub(super) fn perform(held: &Held, request: &Request) -> Option<Response> {
    if !matches!(
        request,
        Request::AddIssuer { .. }
            | Request::RemoveIssuer { .. }
            | Request::ListIssuers {}
            | Request::RegisterShard { .. }
            | Request::RegisterStatement { .. }
    ) {
        return None;
    }
    let done = match held.desk() {
        Ok(desk) => answer(&desk, request),
        Err(failure) => Err(unavailable(failure.to_string())),
    };
    Some(done.map_or_else(Response::Refused, Response::Done))
}

fn answer(desk: &Desk, request: &Request) -> Result<Answer, Refusal> {
    match request {
        Request::AddIssuer { issuer, public_key, kid, note } => {
            let new: NewIssuer = serde_json::from_value(
                json!({ "issuer": issuer, "kid": kid, "note": note, "public_key": public_key }),
            )
            .map_err(|error| rejected(format!("the issuer cannot be added: {error}")))?;
            let (added, written) =
                desk.add_issuer(&Actor::Operator, &Given::default(), &new).map_err(refusal)?;
            Ok(Answer::Issuer { id: added.id, record: appended(&written) })
        }
        Request::RemoveIssuer { id, reason } => {
            let why: Reason = serde_json::from_value(json!({ "reason": reason }))
                .map_err(|error| rejected(format!("the reason cannot be recorded: {error}")))?;
            let (removed, written) =
                desk.remove_issuer(&Actor::Operator, &Given::default(), id, &why).map_err(refusal)?;
            Ok(Answer::Issuer { id: removed.id, record: appended(&written) })
        }
        Request::ListIssuers {} => {
            desk.refresh().map_err(refusal)?;
            let issuers = desk.issuers().map_err(refusal)?.issuers.into_iter().map(|issuer| IssuerLine {
                id: issuer.id,
                issuer: issuer.issuer,
                algorithm: issuer.algorithm,
                kid: issuer.kid,
                counts: issuer.counts,
            });
            Ok(Answer::Issuers { issuers: issuers.collect() })
        }
        Request::RegisterShard { trust, system, note } => {
            let new: NewShard =
                serde_json::from_value(json!({ "note": note, "system": system, "trust": trust }))
                    .map_err(|error| rejected(format!("the shard cannot be registered: {error}")))?;
            let (shard, written) =
                desk.register_shard(&Actor::Operator, &Given::default(), &new).map_err(refusal)?;
            Ok(Answer::Shard { id: shard.id, origin: shard.origin, record: appended(&written) })
        }
        Request::RegisterStatement { statement } => {
            let bytes = STANDARD
                .decode(statement)
                .map_err(|_| rejected("a statement is not canonical base64".to_owned()))?;
            let (receipt, written) = desk.register_statement(&Actor::Operator, &bytes).map_err(refusal)?;
            Ok(Answer::Registered { receipt: STANDARD.encode(receipt), record: appended(&written) })
        }
        _ => Err(rejected("this is not about statements".to_owned())),
    }
}
