//! Requests about erasures and holds.

use tabellion_ledger::{By, ErasureTarget, Ledger, LedgerError, PendingErasure};
use tabellion_model::{ErasureRequestId, HoldId};

use super::{appended, erased, erasure_target, id, malformed};
use crate::request::{Answer, Appended, Pending, Request, Target};

/// Carries out `request`, which is about an erasure or a hold. Whoever asks over the socket is the operator.
pub(super) fn perform(ledger: &Ledger, request: &Request) -> Result<Answer, LedgerError> {
    match request {
        Request::Erase { target, reason } => {
            let erasure = ledger.erase(&erasure_target(target)?, reason)?;
            Ok(Answer::Erased { erasures: vec![erased(None, &erasure)] })
        }
        Request::RequestErasure { target, reason } => {
            let (request, ack) = ledger.request_erasure(&erasure_target(target)?, reason, &By::default())?;
            Ok(Answer::Requested { request: request.to_hex(), record: Appended::from(&ack) })
        }
        Request::DecideErasure { request, confirmed, reason } => {
            let request = id("erasure request", request, ErasureRequestId::from_hex)?;
            if !*confirmed {
                return Ok(appended(&ledger.decline_erasure(&request, reason, &By::default())?));
            }
            let erasure = ledger.confirm_erasure(&request, reason, &By::default())?;
            Ok(Answer::Erased { erasures: vec![erased(None, &erasure)] })
        }
        Request::PendingErasures {} => {
            let pending = ledger.pending_erasures()?;
            Ok(Answer::Pending { erasures: pending.into_iter().map(waiting).collect() })
        }
        Request::PurgeDue {} => {
            let purged = ledger.purge_due()?;
            Ok(Answer::Erased {
                erasures: purged.iter().map(|(system, erasure)| erased(Some(system), erasure)).collect(),
            })
        }
        Request::PlaceHold { target, reason } => {
            let (hold, ack) = ledger.place_hold(&erasure_target(target)?, reason)?;
            Ok(Answer::Held { hold: hold.to_hex(), record: Appended::from(&ack) })
        }
        Request::ReleaseHold { hold, reason } => {
            Ok(appended(&ledger.release_hold(&id("hold", hold, HoldId::from_hex)?, reason)?))
        }
        _ => Err(malformed("this is about no erasure and no hold".to_owned())),
    }
}

fn waiting(pending: PendingErasure) -> Pending {
    let target = pending.target.map(|target| match target {
        ErasureTarget::Subject(subject) => Target::Subject(subject),
        ErasureTarget::Record(index) => Target::Record(index),
        ErasureTarget::System(system) => Target::System(system.to_hex()),
        ErasureTarget::Retention { class, until } => Target::Retention { class, until },
    });
    let (request, by) = (pending.request.to_hex(), pending.by.map(|by| by.to_hex()));
    Pending { request, index: pending.index, by, target, reason: pending.reason }
}
