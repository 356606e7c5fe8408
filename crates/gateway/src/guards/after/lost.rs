//! Calls that a start finds without a word of the guards that were to look at them when they were over: the process before ended first.
//!
//! Promises: each gets one `call.assessed` that says so, also when the start itself is cut short and repeated. Must never: pass a call at which nobody looked.

use tabellion_ledger::{Draft, DraftParent, Ledger, LedgerError, RejectCode};
use tabellion_model::body::{Body as _, CallAssessed};
use tabellion_views::query::UnassessedCall;

use super::config::MAX_VERDICT_WITHIN_MS;
use super::pending::not_run;
use super::why;

/// How long before the newest end of such a call the process before may have owed a verdict: the longest bound, and as much again for a record that could not be made at once.
pub const ASSESSED_WITHIN_US: u64 = 2 * 1_000 * MAX_VERDICT_WITHIN_MS;
/// Records appended together: enough to settle what a killed process left in few commits.
const TOGETHER: usize = 256;

/// Records of each of `calls` that guards did not look at it; to be called before the gateway serves. Gives how many there were.
pub fn assess_lost(ledger: &Ledger, calls: &[UnassessedCall]) -> Result<usize, LedgerError> {
    for some in calls.chunks(TOGETHER) {
        let drafts = some.iter().map(lost).collect::<Result<Vec<_>, _>>()?;
        match ledger.append_all(&drafts) {
            Ok(_) => {}
            // One of a system that is deleted keeps no others from theirs.
            Err(error) if is_gone(&error) => one_by_one(ledger, &drafts)?,
            Err(error) => return Err(error),
        }
    }
    Ok(calls.len())
}

fn one_by_one(ledger: &Ledger, drafts: &[Draft]) -> Result<(), LedgerError> {
    for draft in drafts {
        match ledger.append(draft) {
            Err(error) if !is_gone(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn is_gone(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Rejected { code: RejectCode::SystemGone, .. })
}

fn lost(call: &UnassessedCall) -> Result<Draft, LedgerError> {
    let mut draft = Draft::new(CallAssessed::TYPE);
    draft.body = not_run(&call.awaited, why::RESTART)
        .fields()
        .map_err(|error| LedgerError::Unavailable(error.to_string()))?;
    draft.system = call.system.map(|system| system.to_hex());
    draft.parents = vec![DraftParent {
        hash: call.authorised.hash.to_hex(),
        record_id: call.authorised.record_id.to_hex(),
        role: "authorised".to_owned(),
    }];
    // The view that named the call may lag behind a start that was cut short right after this append.
    draft.idempotency_key = Some(format!("call.assessed/{}", call.authorised.record_id.to_hex()));
    Ok(draft)
}
