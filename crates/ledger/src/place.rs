//! What becomes of one group: its items are staged whole, refused whole, or wait.

use tabellion_model::Purpose;

use crate::commit::{Ack, Committer, Group, GroupResult, SEAL_RESERVE, no_space, signer};
use crate::error::{LedgerError, RejectCode};
use crate::idempotency;
use crate::stage::{Placed, Staging};
use crate::state::LogState;
use crate::wal::batch::{MAX_BATCH_BYTES, MAX_BATCH_ENTRIES};

/// Bytes and entries kept free for what the log itself adds to a batch: `epoch.opened`, and the seal.
const OWN_RESERVE: usize = 4096;
const OWN_ENTRIES: usize = 2;

/// What staging did with a group.
pub(crate) enum GroupPlaced {
    Decided(GroupResult),
    /// The same idempotency key is in this batch or in the one that is being written.
    AfterThisBatch,
    /// No room; nothing after it may overtake it.
    Full,
}

impl Committer {
    /// Stages a whole group or nothing of it. `tight`: there is room only for what was promised it.
    pub(crate) fn place_group(
        &self,
        state: &LogState,
        staging: &mut Staging<'_>,
        group: &mut Group,
        tight: bool,
    ) -> GroupPlaced {
        if tight && !group.has_room() {
            return GroupPlaced::Decided(Err(no_space("make room for what must follow")));
        }
        let bound = group.size_bound();
        let limit = self.segments.max_batch_bytes().min(MAX_BATCH_BYTES).saturating_sub(SEAL_RESERVE);
        if bound + OWN_RESERVE > limit || group.items.len() + OWN_ENTRIES > MAX_BATCH_ENTRIES {
            let count = group.items.len();
            let text = format!(
                "{count} records of {bound} bytes together do not fit into one commit; append them in parts"
            );
            return GroupPlaced::Decided(Err(LedgerError::rejected(RejectCode::TooLarge, text)));
        }
        if staging.batch.position().0 + bound > limit || !staging.has_room(group.items.len()) {
            return GroupPlaced::Full;
        }
        // A mark costs as much as a record, and most groups are one record.
        let is_alone = matches!(group.items.as_slice(), [item] if item.is_refused_clean());
        let mark = (!is_alone || staging.keys.is_some()).then(|| staging.mark());
        match self.place_items(state, staging, group) {
            Ok(Some(acks)) => {
                staging.keep();
                GroupPlaced::Decided(Ok(acks))
            }
            other => {
                if let Some(mark) = mark {
                    staging.roll_back(mark);
                }
                match other {
                    Err(error) => GroupPlaced::Decided(Err(error)),
                    Ok(_) => GroupPlaced::AfterThisBatch,
                }
            }
        }
    }

    fn place_items(
        &self,
        state: &LogState,
        staging: &mut Staging<'_>,
        group: &mut Group,
    ) -> Result<Option<Vec<Ack>>, LedgerError> {
        let mut acks = Vec::with_capacity(group.items.len());
        let begin = staging.edge.end();
        for item in &mut group.items {
            let ack = match staging.place(item)? {
                Placed::New { index, record_id, leaf } => {
                    Ack { index, record_id, leaf, size: 0, duplicate: false }
                }
                Placed::Remembered { original } => idempotency::same_request(
                    &self.shared,
                    &staging.vault(),
                    &self.secrets,
                    state,
                    item,
                    original,
                )?,
                // Waiting for oneself would never end.
                Placed::Deferred { first } if first >= begin => {
                    let text = "two records of one append carry the same idempotency key; give each its own"
                        .to_owned();
                    return Err(LedgerError::rejected(RejectCode::Malformed, text));
                }
                Placed::Deferred { .. } => return Ok(None),
            };
            acks.push(ack);
        }
        self.check_signers(staging)?;
        Ok(Some(acks))
    }

    /// A batch that takes a signing key away must bring the one that signs from now on.
    fn check_signers(&self, staging: &Staging<'_>) -> Result<(), LedgerError> {
        if staging.keys.is_none() {
            return Ok(());
        }
        for (purpose, current) in [(Purpose::Log, &self.signers.log), (Purpose::Writer, &self.signers.writer)]
        {
            let pair = signer(purpose, current, &staging.adopted);
            // The seal comes after every staged entry, the checkpoint after the seal.
            let position = staging.edge.end() + u64::from(purpose == Purpose::Log);
            let in_force = staging.key_chain().in_force(purpose, position);
            if in_force.is_none_or(|key| key.key_id != pair.key_id()) {
                let text = format!(
                    "after this there would be no {} key in force that this process holds; revoke and grant in one step",
                    purpose.as_str()
                );
                return Err(LedgerError::rejected(RejectCode::KeyNotInForce, text));
            }
        }
        Ok(())
    }
}
