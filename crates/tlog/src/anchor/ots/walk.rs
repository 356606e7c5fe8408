//! Computing the operations of a proof.

use sha1::{Digest as _, Sha1};
use sha3::Keccak256;

use super::{Attestation, Attested, Branch, MAX_MESSAGE_BYTES, Op, Timestamp};
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
