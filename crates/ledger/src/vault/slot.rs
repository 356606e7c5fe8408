//! One slot of the key table as bytes (docs/formats.md §13.3).

use tabellion_model::{Micros, SystemId, VaultKeyId};

use super::scope::{CallTag, KeyScope, MAX_CLASS_BYTES, RetentionClass};

/// Bytes of a slot: four in a kilobyte, so no slot straddles a disk sector.
pub(crate) const SLOT: usize = 256;
/// Bytes that say what the key is for; authenticated with the wrapped key.
pub(crate) const IDENTITY: usize = 128;
/// Offset of the part that destroying overwrites.
pub(crate) const SECRET: usize = IDENTITY;
/// Nonce and wrapped key with its tag.
pub(crate) const NONCE: usize = 12;
pub(crate) const WRAPPED: usize = 48;
/// A key as it stands in a slot: the nonce, and the key with its tag.
pub(crate) type Wrapping = ([u8; NONCE], [u8; WRAPPED]);
/// Where the wrappings of even and of odd generations of the wrapping key stand: while keys are moved to the next one, a slot has both.
const PLACES: [usize; 2] = [SECRET + 4, SLOT - NONCE - WRAPPED];
/// Bytes of a slot that says anything: up to the end of the first of [`PLACES`].
const LEAST: usize = SECRET + 4 + NONCE + WRAPPED;
const VERSION: u32 = 1;
const LIVE: u8 = 1;
/// Kinds of a slot: who shares the key.
const OF_SUBJECT: u8 = 1;
const OF_CLASS: u8 = 2;
const OWN: u8 = 3;
const OF_CALL: u8 = 4;
/// The call's tag stands in two places that were empty before there was one.
const CALL_HEAD: usize = 4;
const CALL_TAIL: usize = 8;
const _: () = assert!(CALL_HEAD + CALL_TAIL == size_of::<CallTag>());

/// What a slot says besides the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: VaultKeyId,
    pub(crate) created: Micros,
    pub(crate) scope: KeyScope,
}

/// A slot read from disk.
pub(crate) struct Slot {
    pub(crate) identity: Identity,
    /// The identity's bytes, which the wrapped key is bound to.
    pub(crate) aad: [u8; IDENTITY],
    /// Whether its key was destroyed.
    pub(crate) is_gone: bool,
    /// What stands at each of [`PLACES`], where anything does.
    places: [Option<Wrapping>; 2],
}

impl Slot {
    /// The key as it is wrapped under that generation's key, where it is.
    pub(crate) fn wrapping(&self, generation: u32) -> Option<&Wrapping> {
        let [even, odd] = &self.places;
        if generation.is_multiple_of(2) { even.as_ref() } else { odd.as_ref() }
    }
}

/// Where in a slot the wrapping of that generation stands.
pub(crate) fn place(generation: u32) -> std::ops::Range<usize> {
    let [even, odd] = PLACES;
    let begin = if generation.is_multiple_of(2) { even } else { odd };
    begin..begin + NONCE + WRAPPED
}

impl Identity {
    /// Of a key of which nothing is known but that its content is lost.
    pub(crate) fn lost(id: &VaultKeyId) -> Self {
        let class = RetentionClass::lost();
        let scope = KeyScope { system: None, class, month: 0, subject: None, call: None, own: false };
        Self { id: *id, created: Micros(0), scope }
    }

    /// The first 128 bytes of its slot.
    pub(crate) fn to_bytes(&self) -> [u8; IDENTITY] {
        let kind = match &self.scope {
            KeyScope { own: true, .. } => OWN,
            KeyScope { call: Some(_), .. } => OF_CALL,
            KeyScope { subject: Some(_), .. } => OF_SUBJECT,
            KeyScope { .. } => OF_CLASS,
        };
        let call = self.scope.call.unwrap_or_default();
        let (call_head, call_tail) = call.split_at(CALL_HEAD);
        let class = self.scope.class.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(IDENTITY);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.created.0.to_le_bytes());
        bytes.push(kind);
        bytes.push(u8::try_from(class.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(class);
        bytes.resize(64, 0);
        bytes.extend_from_slice(&self.scope.month.to_le_bytes());
        bytes.extend_from_slice(call_head);
        bytes.extend_from_slice(&self.scope.subject.unwrap_or([0; 32]));
        bytes.extend_from_slice(
            self.scope.system.map(|system| *system.as_bytes()).unwrap_or_default().as_slice(),
        );
        bytes.extend_from_slice(call_tail);
        bytes.resize(IDENTITY, 0);
        let crc = crc32c::crc32c(bytes.get(4..).unwrap_or_default()).to_le_bytes();
        let mut whole = [0; IDENTITY];
        for (to, from) in whole.iter_mut().zip(crc.iter().chain(bytes.iter().skip(4))) {
            *to = *from;
        }
        whole
    }

    fn from_bytes(bytes: &[u8; IDENTITY]) -> Option<Self> {
        let (crc, body) = bytes.split_first_chunk::<4>()?;
        if crc32c::crc32c(body).to_le_bytes() != *crc {
            return None;
        }
        let (version, rest) = body.split_first_chunk::<4>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (created, rest) = rest.split_first_chunk::<8>()?;
        let ([kind, class_len], rest) = rest.split_first_chunk::<2>()?;
        let (class, rest) = rest.split_first_chunk::<MAX_CLASS_BYTES>()?;
        let (month, rest) = rest.split_first_chunk::<4>()?;
        let (call_head, rest) = rest.split_first_chunk::<CALL_HEAD>()?;
        let (subject, rest) = rest.split_first_chunk::<32>()?;
        let (system, rest) = rest.split_first_chunk::<16>()?;
        let (call_tail, _) = rest.split_first_chunk::<CALL_TAIL>()?;
        let class = std::str::from_utf8(class.get(..usize::from(*class_len))?).ok()?;
        let given = |bytes: &[u8]| bytes.iter().any(|byte| *byte != 0);
        let known = u32::from_le_bytes(*version) == VERSION && matches!(*kind, OF_SUBJECT..=OF_CALL);
        known.then_some(())?;
        Some(Self {
            id: VaultKeyId::from_bytes(*id),
            created: Micros(u64::from_le_bytes(*created)),
            scope: KeyScope {
                system: given(system).then(|| SystemId::from_bytes(*system)),
                class: RetentionClass::new(class).ok()?,
                month: u32::from_le_bytes(*month),
                subject: given(subject).then_some(*subject),
                call: if *kind == OF_CALL {
                    Some([call_head.as_slice(), call_tail].concat().try_into().ok()?)
                } else {
                    None
                },
                own: *kind == OWN,
            },
        })
    }
}

/// A whole live slot whose key is wrapped under that generation's key.
pub(crate) fn live(identity: &[u8; IDENTITY], generation: u32, wrapping: &Wrapping) -> [u8; SLOT] {
    let mut slot = gone(identity);
    if let Some(state) = slot.get_mut(SECRET) {
        *state = LIVE;
    }
    put(&mut slot, generation, wrapping);
    slot
}

/// Writes the wrapping of that generation into a slot, and nothing else of it.
pub(crate) fn put(slot: &mut [u8], generation: u32, (nonce, wrapped): &Wrapping) {
    let place = slot.get_mut(place(generation)).unwrap_or_default();
    for (to, from) in place.iter_mut().zip(nonce.iter().chain(wrapped)) {
        *to = *from;
    }
}

/// A whole slot whose key is gone.
pub(crate) fn gone(identity: &[u8; IDENTITY]) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    for (to, from) in slot.iter_mut().zip(identity) {
        *to = *from;
    }
    slot
}

/// Reads a slot; `None` when its identity is not whole.
pub(crate) fn read(bytes: &[u8]) -> Option<Slot> {
    // The zeros that end a slot may be yet to come where the file ends in it.
    if bytes.len() < LEAST {
        return None;
    }
    let mut slot = [0; SLOT];
    for (to, from) in slot.iter_mut().zip(bytes) {
        *to = *from;
    }
    let (aad, secret) = slot.split_first_chunk::<IDENTITY>()?;
    let identity = Identity::from_bytes(aad)?;
    // A destroyed slot is all zeros from here on; anything else still has something to destroy or to refuse.
    let is_gone = secret.iter().all(|byte| *byte == 0);
    let at = |generation: u32| {
        let (nonce, rest) = slot.get(place(generation))?.split_first_chunk::<NONCE>()?;
        let (wrapped, _) = rest.split_first_chunk::<WRAPPED>()?;
        let is_there = nonce.iter().chain(wrapped).any(|byte| *byte != 0);
        is_there.then_some((*nonce, *wrapped))
    };
    Some(Slot { identity, aad: *aad, is_gone, places: [at(0), at(1)] })
}
