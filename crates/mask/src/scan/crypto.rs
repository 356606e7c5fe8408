//! Addresses of Bitcoin (base58check; bech32 and bech32m of BIP 173 and 350) and Ethereum.

use sha2::{Digest as _, Sha256};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Version, hash and check of an address in base 58.
const BASE58_BYTES: usize = 25;

/// Whether a whole run of letters and digits is an address.
pub(crate) fn is_address(run: &[u8]) -> bool {
    match run {
        [b'0', b'x', digits @ ..] => {
            digits.len() == 40 && digits.iter().all(u8::is_ascii_hexdigit) && is_ethereum(digits)
        }
        [b'b', b'c', b'1', data @ ..] => matches!(run.len(), 42 | 62) && is_bech32(data),
        [b'1' | b'3', ..] => (26..=35).contains(&run.len()) && is_base58(run),
        _ => false,
    }
}

/// Not the zero address, nor a number that was filled up.
fn is_ethereum(digits: &[u8]) -> bool {
    digits.split(|byte| *byte == b'0').count() <= 20
}

fn is_base58(text: &[u8]) -> bool {
    let mut bytes = [0_u8; BASE58_BYTES];
    for byte in text {
        let Some(digit) = BASE58.iter().position(|known| known == byte) else { return false };
        let mut carry = u32::try_from(digit).unwrap_or(0);
        for place in bytes.iter_mut().rev() {
            let sum = u32::from(*place) * 58 + carry;
            *place = u8::try_from(sum & 0xff).unwrap_or(0);
            carry = sum >> 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let Some((body, check)) = bytes.split_last_chunk::<4>() else { return false };
    let digest = Sha256::digest(Sha256::digest(body));
    digest.get(..4) == Some(check)
}

fn is_bech32(data: &[u8]) -> bool {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let mixed = (sum & 0x1ff_ffff) << 5 ^ value;
        GENERATOR
            .iter()
            .enumerate()
            .fold(mixed, |sum, (bit, term)| if top >> bit & 1 == 1 { sum ^ term } else { sum })
    };
    // The human-readable part is `bc`: its high bits, a zero, its low bits.
    let mut sum = [3, 3, 0, 2, 3].into_iter().fold(1, step);
    for byte in data {
        let Some(value) = BECH32.iter().position(|known| known == byte) else { return false };
        sum = step(sum, u32::try_from(value).unwrap_or(0));
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}
