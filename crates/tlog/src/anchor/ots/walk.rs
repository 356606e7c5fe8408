//! Computing the operations of a proof.

use sha1::{Digest as _, Sha1};
use sha3::Keccak256;

use super::{Attestation, Attested, Branch, MAX_MESSAGE_BYTES, MIN_COUNTED_BYTES, Op, Timestamp};
use crate::hash::sha256;

impl Op {
    /// What it makes of `message`; `None` when that is not computed here or is too long.
    pub(super) fn apply(&self, message: &[u8]) -> Option<Vec<u8>> {
        let result = match self {
            Self::Append(bytes) => [message, bytes].concat(),
            Self::Prepend(bytes) => [bytes, message].concat(),
            Self::Sha256 => sha256(message).as_bytes().to_vec(),
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Ripemd160 => return None,
            Self::Keccak256 => Keccak256::digest(message).to_vec(),
            Self::Reverse => message.iter().rev().copied().collect(),
            Self::Hexlify => hex::encode(message).into_bytes(),
        };
        (result.len() <= MAX_MESSAGE_BYTES).then_some(result)
    }

    /// How long what it makes of a message of `length` bytes is; `None` when that is not computed here or is too long.
    fn result_bytes(&self, length: usize) -> Option<usize> {
        let result = match self {
            Self::Append(bytes) | Self::Prepend(bytes) => length + bytes.len(),
            Self::Sha256 | Self::Keccak256 => 32,
            Self::Sha1 => 20,
            Self::Ripemd160 => return None,
            Self::Reverse => length,
            Self::Hexlify => length * 2,
        };
        (result <= MAX_MESSAGE_BYTES).then_some(result)
    }
}

/// Bytes of all messages below `timestamp` that operations are computed on, without computing any. `length`: of the message, where it is computed.
pub(super) fn counted_bytes(timestamp: &Timestamp, length: Option<usize>) -> usize {
    let of = |branch: &Branch| match branch {
        Branch::Attested(_) => 0,
        Branch::Then(op, next) => {
            let own = length.map_or(0, |length| length.max(MIN_COUNTED_BYTES));
            own.saturating_add(counted_bytes(next, length.and_then(|length| op.result_bytes(length))))
        }
    };
    timestamp.branches.iter().map(of).fold(0, usize::saturating_add)
}

/// Adds every attestation below `timestamp`. The depth was bounded when the proof was read.
pub(super) fn collect<'a>(timestamp: &'a Timestamp, message: Option<&[u8]>, found: &mut Vec<Attested<'a>>) {
    for branch in &timestamp.branches {
        match branch {
            Branch::Attested(attestation) => {
                found.push(Attested { message: message.map(<[u8]>::to_vec), attestation });
            }
            Branch::Then(op, next) => {
                collect(next, message.and_then(|message| op.apply(message)).as_deref(), found);
            }
        }
    }
}

/// Puts the branches of `answer` in the place of the promise about `wanted`. `false`: there is none.
pub(super) fn replace(timestamp: &mut Timestamp, message: &[u8], wanted: &[u8], answer: &Timestamp) -> bool {
    let promise = |branch: &Branch| matches!(branch, Branch::Attested(Attestation::Pending(_)));
    if message == wanted && timestamp.branches.iter().any(promise) {
        timestamp.branches.retain(|branch| !promise(branch));
        timestamp.branches.extend(answer.branches.iter().cloned());
        return true;
    }
    timestamp.branches.iter_mut().any(|branch| match branch {
        Branch::Attested(_) => false,
        Branch::Then(op, next) => {
            op.apply(message).is_some_and(|message| replace(next, &message, wanted, answer))
        }
    })
}
