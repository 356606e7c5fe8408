//! Placeholders and what they stand for, within one conversation or credential.
//!
//! Promises: the same value under the same key has the same placeholder, so that a conversation reads the same on every
//! turn; two values never share one; and only what this scope issued is ever given back, or a prompt could ask for other
//! people's values. Without the key a placeholder says nothing about the value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::class::Class;
use crate::placeholder::{CODE_LEN, code_of, write, write_hash};

/// Most values of one scope: a body of ten megabytes full of addresses is refused, not remembered.
pub const MAX_ISSUED: usize = 65_536;
/// Attempts to find a free code. With 2^30 codes and [`MAX_ISSUED`] taken, one attempt fails once in 16,384 times; eight in
/// a row never.
const MAX_ATTEMPTS: u8 = 8;
/// What the key is used for; another use of the same key gives other bytes.
const PURPOSE: &[u8] = b"tabellion/mask/placeholder/v1\0";
/// The same for digests: what stands for a value for good tells nothing of the placeholder that is given back.
const HASH_PURPOSE: &[u8] = b"tabellion/mask/hash/v1\0";

/// The secret that placeholders of a scope derive from. Zeroed when dropped.
#[derive(Clone)]
pub struct ScopeKey(Zeroizing<[u8; 32]>);

impl ScopeKey {
    /// A key of 32 random or derived bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }
}

/// The scope holds [`MAX_ISSUED`] values; masking one more was refused, so that nothing may be sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one conversation may hold 65536 different personal values; send fewer in one request")]
pub struct ScopeFull;

/// A placeholder that was issued, and what it stands for. Holds personal data: no `Debug`.
pub struct Original<'s> {
    /// Its class.
    pub class: Class,
    /// As it was issued: `<EMAIL_7Q2K4F>`.
    pub placeholder: String,
    /// The value in the spelling that the scope saw first.
    pub value: &'s str,
    /// The one form of all its spellings.
    pub normalised: &'s str,
}

/// Placeholders issued, and the values behind them. Holds personal data: no `Debug`, zeroed when dropped.
pub struct Scope {
    key: Hmac<Sha256>,
    codes: BTreeMap<(Class, String), [u8; CODE_LEN]>,
    values: BTreeMap<(Class, [u8; CODE_LEN]), Zeroizing<String>>,
}

impl Scope {
    /// A scope that has issued nothing yet.
    pub fn new(key: &ScopeKey) -> Self {
        Self { key: keyed(key), codes: BTreeMap::new(), values: BTreeMap::new() }
    }

    /// The placeholder of a value. Spellings of one value share it; the first spelling is what is given back.
    pub fn issue(&mut self, class: Class, value: &str) -> Result<String, ScopeFull> {
        let normalised = class.normalised(value);
        let full = self.values.len() >= MAX_ISSUED;
        let entry = match self.codes.entry((class, normalised)) {
            Entry::Occupied(known) => return Ok(write(class, *known.get())),
            Entry::Vacant(_) if full => return Err(ScopeFull),
            Entry::Vacant(entry) => entry,
        };
        for attempt in 0..MAX_ATTEMPTS {
            let code = code(&self.key, class, &entry.key().1, attempt);
            if let Entry::Vacant(free) = self.values.entry((class, code)) {
                free.insert(Zeroizing::new(value.to_owned()));
                entry.insert(code);
                return Ok(write(class, code));
            }
        }
        Err(ScopeFull)
    }

    /// A digest of a value under the scope's key, the same for all its spellings. Nothing is remembered, so nothing is given back.
    pub fn hash(&self, class: Class, value: &str) -> String {
        let normalised = Zeroizing::new(class.normalised(value));
        write_hash(class, &digest(&self.key, HASH_PURPOSE, class, 0, &normalised))
    }

    /// The value that a placeholder of this scope stands for.
    pub(crate) fn value(&self, class: Class, code: [u8; CODE_LEN]) -> Option<&str> {
        self.values.get(&(class, code)).map(|value| value.as_str())
    }

    /// Everything that was issued, by class and value.
    pub fn originals(&self) -> impl Iterator<Item = Original<'_>> {
        self.codes.iter().filter_map(|((class, normalised), code)| {
            let value = self.value(*class, *code)?;
            Some(Original { class: *class, placeholder: write(*class, *code), value, normalised })
        })
    }

    /// Forgets every value: the same ones get the same placeholders again, and none that was issued before is given back.
    pub fn forget(&mut self) {
        self.values.clear();
        // Keys of a map cannot be zeroed in place; taken out, they can.
        for ((_, normalised), _) in std::mem::take(&mut self.codes) {
            drop(Zeroizing::new(normalised));
        }
    }

    /// How many values have a placeholder.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing was issued, so that there is nothing to give back.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.forget();
    }
}

fn keyed(key: &ScopeKey) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    Hmac::new_from_slice(key.0.as_slice()).expect("any length is a key")
}

fn code(key: &Hmac<Sha256>, class: Class, normalised: &str, attempt: u8) -> [u8; CODE_LEN] {
    code_of(&digest(key, PURPOSE, class, attempt, normalised))
}

fn digest(key: &Hmac<Sha256>, purpose: &[u8], class: Class, attempt: u8, normalised: &str) -> [u8; 32] {
    let mut mac = key.clone();
    mac.update(purpose);
    mac.update(class.name().as_bytes());
    mac.update(&[0, attempt]);
    mac.update(normalised.as_bytes());
    mac.finalize().into_bytes().into()
}
