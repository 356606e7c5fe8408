//! Calls that a start finds open: authorised, and no end recorded.
//!
//! Promises: each gets one `call.broken`, also when the start itself is cut short and repeated. What the client got is unknown, and the
//! record says so.

use tabellion_ledger::{Draft, DraftParent, Ledger, LedgerError};
use tabellion_model::body::{Body as _, CallBroken, Delivered};
use tabellion_model::probe;
use tabellion_views::query::{OpenCall, Reference};

use crate::code::Code;
use crate::evidence::ATTEMPT_OF;

/// Records appended together: enough to close what a killed process left in few commits.
const TOGETHER: usize = 256;

/// Ends `calls` as broken; to be called before the gateway serves. Gives how many there were.
pub fn close_open_calls(ledger: &Ledger, calls: &[OpenCall]) -> Result<usize, LedgerError> {
    for some in calls.chunks(TOGETHER) {
        let drafts = some.iter().map(broken).collect::<Result<Vec<_>, _>>()?;
        ledger.append_all(&drafts)?;
    }
    Ok(calls.len())
}

fn broken(call: &OpenCall) -> Result<Draft, LedgerError> {
    let body = CallBroken {
        delivered: Delivered::Unknown,
        code: Code::ProcessEnded.as_str().to_owned(),
        key: call.key,
    };
    let mut draft = Draft::new(CallBroken::TYPE);
    draft.body = body.fields().map_err(|error| LedgerError::Unavailable(error.to_string()))?;
    if call.key == probe::PROBE_KEY {
        draft.clear = probe::mark();
    }
    draft.system = call.system.map(|system| system.to_hex());
    let parent = |of: &Reference, role: &str| DraftParent {
        hash: of.hash.to_hex(),
        record_id: of.record_id.to_hex(),
        role: role.to_owned(),
    };
    draft.parents = vec![parent(&call.authorised, "authorised")];
    draft.parents.extend(call.attempt_of.iter().map(|of| parent(of, ATTEMPT_OF)));
    // The view that named the call open may lag behind a start that was cut short right after this append.
    draft.idempotency_key = Some(format!("call.broken/{}", call.authorised.record_id.to_hex()));
    Ok(draft)
}
