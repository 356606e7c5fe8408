//! The records that the ledger writes of its own accord: its epochs.

use std::sync::Arc;

use tabellion_model::registry::{EpochOpened, Facts};
use tabellion_model::{Assurance, Header, Micros, RecordId, RecordTemplate, RecordType};

use crate::commit::Signers;
use crate::entropy::Entropy;
use crate::error::LedgerError;
use crate::numbers::Epoch;
use crate::shared::Shared;
use crate::stage::{Item, RecordItem};
use crate::state::LogState;

/// 128 fresh random bits, for an id.
pub(crate) fn random_id(entropy: &dyn Entropy) -> Result<[u8; 16], LedgerError> {
    let [id] = random_ids(entropy)?;
    Ok(id)
}

/// As many ids, drawn at once: each draw is a call of the operating system.
pub(crate) fn random_ids<const N: usize>(entropy: &dyn Entropy) -> Result<[[u8; 16]; N], LedgerError> {
    let mut ids = [[0; 16]; N];
    entropy.fill(ids.as_flattened_mut()).map_err(|error| {
        LedgerError::Unavailable(format!(
            "the operating system gives no random bytes: {error}. Nothing was recorded; try again"
        ))
    })?;
    Ok(ids)
}

/// `epoch.opened` of the epoch after `known`.
pub(crate) fn epoch_opened(
    shared: &Shared,
    signers: &Signers,
    state: &LogState,
    known: Option<&Epoch>,
) -> Result<Item, LedgerError> {
    let facts = known.map_or(EpochOpened { previous: None }, Epoch::previous_facts);
    own_record(shared, signers, state, &Facts::EpochOpened(facts))
}

/// `epoch.closed` of `epoch`, as the next record.
pub(crate) fn epoch_closed(
    shared: &Shared,
    signers: &Signers,
    state: &LogState,
    epoch: &Epoch,
) -> Result<Item, LedgerError> {
    own_record(shared, signers, state, &Facts::EpochClosed(epoch.closing_facts(epoch.last_seq + 1)))
}

fn own_record(
    shared: &Shared,
    signers: &Signers,
    state: &LogState,
    facts: &Facts,
) -> Result<Item, LedgerError> {
    let record_type = facts.kind().name();
    let broken =
        |error: &dyn std::fmt::Display| LedgerError::Fatal(format!("cannot make {record_type}: {error}"));
    let now: Micros = shared.clock.now();
    let header = Header {
        record_type: RecordType::new(record_type).map_err(|error| broken(&error))?,
        type_version: 1,
        critical: facts.kind().is_critical(),
        log: state.origin.clone(),
        env: state.env,
        record_id: RecordId::from_bytes(random_id(shared.entropy.as_ref())?),
        observed_at: now,
        actor: signers.writer.credential,
        assurance: Assurance::Observed,
        producer: state.own_producer(),
        epoch: 1,
        seq: 1,
        system: None,
        stream: None,
        parents: Vec::new(),
        basis: None,
        idem: None,
        clear: facts.to_clear(),
        units: Vec::new(),
    };
    let template = RecordTemplate::new(&header).map_err(|error| broken(&error))?;
    Ok(Item::Record(Box::new(RecordItem {
        header: Arc::new(header),
        template,
        expected: None,
        units: Vec::new(),
        only_while: None,
        request: None,
        fingerprint: None,
    })))
}
