//! Words as numbers: case and the diacritics of Latin script make no difference, so that `Björn`, `BJORN` and `bjorn` are one
//! word. Part of the model: whoever changes it must train anew.

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// What letters from U+00C0 to U+017F are without their marks, in order.
const PLAIN: &[u8; 192] = b"aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuytyaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

const fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(PRIME)
}

fn fold(hash: u64, c: char) -> u64 {
    if c.is_ascii() {
        return step(hash, u8::try_from(c.to_ascii_lowercase()).unwrap_or_default());
    }
    let code = u32::from(c);
    if (0x300..0x370).contains(&code) {
        return hash;
    }
    if c == '\u{2019}' {
        return step(hash, b'\'');
    }
    let at = code.wrapping_sub(0xc0) as usize;
    if let Some(plain) = PLAIN.get(at) {
        return step(hash, *plain);
    }
    c.to_lowercase().fold(hash, |hash, c| {
        u32::from(c).to_le_bytes().iter().take(3).fold(hash, |hash, byte| step(hash, *byte))
    })
}

/// A word.
pub(super) fn word(text: &str) -> u64 {
    if text.is_ascii() {
        return text.bytes().fold(SEED, |hash, byte| step(hash, byte.to_ascii_lowercase()));
    }
    text.chars().fold(SEED, fold)
}

/// The same of a word in small letters without marks, in the compiler.
pub(super) const fn ascii(text: &str) -> u64 {
    let (mut rest, mut hash) = (text.as_bytes(), SEED);
    while let Some((byte, more)) = rest.split_first() {
        hash = step(hash, *byte);
        rest = more;
    }
    hash
}

/// The last characters of a word, so many.
pub(super) fn tail(text: &str, chars: usize) -> u64 {
    if text.is_ascii() {
        return text.bytes().rev().take(chars).fold(SEED, |hash, byte| step(hash, byte.to_ascii_lowercase()));
    }
    text.chars().rev().take(chars).fold(SEED, fold)
}

/// The first characters of a word, so many.
pub(super) fn head(text: &str, chars: usize) -> u64 {
    if text.is_ascii() {
        return text.bytes().take(chars).fold(SEED, |hash, byte| step(hash, byte.to_ascii_lowercase()));
    }
    text.chars().take(chars).fold(SEED, fold)
}

/// Two numbers as one; the order matters.
pub(super) fn pair(first: u64, second: u64) -> u64 {
    let mixed = first.rotate_left(23) ^ second.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Spreads a number over all its bits.
pub(super) fn spread(value: u64) -> u64 {
    let mixed = (value ^ (value >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}
