//! Placeholders of a call by the rules of masking: how far they reach, whether the answer gets their values, and what is kept of them.
//!
//! Promises: of several rules the narrowest reach holds, and what any of them takes back (values for the answer, keeping) is taken back; a conversation that the
//! caller does not name reaches no further than the call. Must never: keep a secret, or let what is kept go anywhere but into the record.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use sha2::Sha256;
use tabellion_ledger::{Entropy as _, OsEntropy, SubjectFields};
use tabellion_mask::{Classes, Scope, ScopeKey, contents};
use tabellion_model::body::{ORIGINAL_FIELDS, Original, PseudonymScope, Pseudonyms};
use tabellion_model::{MAX_UNITS, SystemId};
use zeroize::Zeroizing;

use super::MaskingConfig;
use crate::code::Code;
use crate::decide::Refusal;

/// Header by which an application says which calls belong together. It is not sent on and not recorded.
pub(crate) const CONVERSATION: &str = "tabellion-conversation";
/// Longest name of a conversation: two UUIDs with room.
const MAX_CONVERSATION_BYTES: usize = 128;
/// People of whom one call keeps values, each in a unit of its own beside that of the call and that of the person behind it: so many units fit into a record.
pub(crate) const MAX_KEPT: usize = MAX_UNITS - 2;
/// Longest name of a data subject that the ledger takes.
const MAX_SUBJECT_BYTES: usize = 512;
/// What is on record where a call has values of more people.
const TOO_MANY: &str = "too_many";
/// What keys of placeholders are used for; another use of the same secret gives other bytes. The first is that of the first generation.
const OF_SYSTEM: &[u8] = b"tabellion/gateway/scope/v1\0";
const OF_GENERATION: &[u8] = b"tabellion/gateway/scope/generation/v1\0";
const OF_CONVERSATION: &[u8] = b"tabellion/gateway/scope/conversation/v1\0";

/// Whether an answer gets the values of its placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rehydrate {
    /// It does.
    Always,
    /// It keeps the placeholders.
    Never,
}

impl Rehydrate {
    /// The word of configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// What one rule says of placeholders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    /// How far they reach.
    pub scope: Option<PseudonymScope>,
    /// Whether the answer gets their values.
    pub rehydrate: Option<Rehydrate>,
    /// Whether their values are kept.
    pub keep: Option<bool>,
    /// Which generation of keys they derive from.
    pub generation: Option<u32>,
}

impl Said {
    pub(super) fn of(config: &MaskingConfig) -> Self {
        Self {
            scope: config.scope,
            rehydrate: config.rehydrate,
            keep: config.keep,
            generation: config.generation,
        }
    }

    /// Whether it says nothing.
    pub fn is_silent(self) -> bool {
        self == Self::default()
    }
}

/// What holds for the placeholders of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Treatment {
    /// As the rules want it; the caller has to name a conversation for one to be told apart.
    scope: PseudonymScope,
    is_given_back: bool,
    keeps: bool,
    generation: u32,
    /// Whether any rule says anything of it.
    is_said: bool,
}

impl Treatment {
    /// Of all rules that are for a call.
    pub(super) fn of(rules: &[Said]) -> Self {
        let any = |wanted: fn(&Said) -> bool| rules.iter().any(wanted);
        Self {
            scope: rules.iter().filter_map(|said| said.scope).max().unwrap_or_default(),
            is_given_back: !any(|said| said.rehydrate == Some(Rehydrate::Never)),
            keeps: any(|said| said.keep == Some(true)) && !any(|said| said.keep == Some(false)),
            generation: rules.iter().filter_map(|said| said.generation).max().unwrap_or_default(),
            is_said: any(|said| !said.is_silent()),
        }
    }

    /// An empty scope for a call of this system with these headers.
    pub(crate) fn open(
        self,
        key: &[u8; 32],
        system: SystemId,
        headers: &HeaderMap,
    ) -> Result<(Scope, Settling), Refusal> {
        let conversation = conversation(headers).filter(|_| self.scope == PseudonymScope::Conversation);
        let (scope, key) = match (self.scope, conversation) {
            (PseudonymScope::System, _) if self.generation == 0 => {
                (self.scope, derived(key, &[OF_SYSTEM, system.as_bytes()]))
            }
            (PseudonymScope::System, _) => (
                self.scope,
                derived(key, &[OF_GENERATION, &self.generation.to_be_bytes(), system.as_bytes()]),
            ),
            // What is before the name has one length, so that no two differ in where it begins.
            (PseudonymScope::Conversation, Some(name)) => {
                let generation = self.generation.to_be_bytes();
                let parts = [OF_CONVERSATION, &generation, system.as_bytes(), name.as_bytes()];
                (self.scope, derived(key, &parts))
            }
            (PseudonymScope::Conversation, None) | (PseudonymScope::Call, _) => {
                (PseudonymScope::Call, random()?)
            }
        };
        Ok((Scope::new(&key), Settling { treatment: self, scope }))
    }
}

/// What is left to do with a scope once everything that is sent has its placeholders.
pub(crate) struct Settling {
    treatment: Treatment,
    scope: PseudonymScope,
}

/// What the record of a call says of its placeholders, and the values that it keeps.
pub(crate) struct Settled {
    pub(crate) said: Pseudonyms,
    pub(crate) originals: Vec<SubjectFields>,
}

impl Settling {
    /// Takes what is to be kept out of `scope`, and has it forget what no answer is given back. None: no rule says anything of placeholders, and they are as ever.
    pub(crate) fn settle(self, scope: &mut Scope, is_probe: bool) -> Option<Box<Settled>> {
        let Self { treatment, scope: reach } = self;
        if !treatment.is_said {
            return None;
        }
        // Of canaries there is nothing to know later that the configuration does not say.
        let originals = (treatment.keeps && !is_probe).then(|| originals(scope));
        let too_many = originals.as_ref().is_some_and(Option::is_none);
        let wanted = originals.is_some();
        let originals = originals.flatten().unwrap_or_default();
        if !treatment.is_given_back {
            scope.forget();
        }
        let fields: usize = originals.iter().map(|of| of.fields.len()).sum();
        let said = Pseudonyms {
            scope: reach,
            given_back: treatment.is_given_back,
            kept: wanted.then_some(fields as u64),
            kept_withheld: too_many.then(|| TOO_MANY.to_owned()),
        };
        Some(Box::new(Settled { said, originals }))
    }
}

/// The values that placeholders stand for, by the person whose they may be: named by the value itself, or by the one value in it, so that erasing a data
/// subject of that name takes them along. `None`: of too many.
fn originals(scope: &Scope) -> Option<Vec<SubjectFields>> {
    let mut units: BTreeMap<String, Map<String, serde_json::Value>> = BTreeMap::new();
    for original in scope.originals() {
        let Some(subject) = subject_of(&original) else { continue };
        let code = original.placeholder.trim_matches(['<', '>']).to_ascii_lowercase();
        let kept = Original {
            class: original.class.name().to_owned(),
            value: original.value.to_owned(),
            placeholder: original.placeholder,
        };
        let value = serde_json::to_value(kept).ok()?;
        units.entry(subject).or_default().insert(format!("{ORIGINAL_FIELDS}{code}"), value);
        if units.len() > MAX_KEPT {
            return None;
        }
    }
    let unit = |(subject, fields)| SubjectFields { subject, fields };
    Some(units.into_iter().map(unit).collect())
}

/// The data subject to whose unit a value belongs: that in it where it has one, such as a URL with an address. `None`: it is not kept. Of several whoever
/// erased one would have to take the others along.
fn subject_of(original: &tabellion_mask::Original<'_>) -> Option<String> {
    // A secret that was sent is to be replaced, not to be read again.
    if Classes::SECRETS.has(original.class) {
        return None;
    }
    let mut within = BTreeSet::new();
    for (class, normalised) in contents(original.class, original.value) {
        if Classes::SECRETS.has(class) {
            return None;
        }
        within.insert(normalised);
    }
    let first = within.pop_first();
    let subject = first.unwrap_or_else(|| original.normalised.to_owned());
    (within.is_empty() && (1..=MAX_SUBJECT_BYTES).contains(&subject.len())).then_some(subject)
}

/// The name that the caller gives the conversation; none: it gives none, several, or one that is none.
fn conversation(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(CONVERSATION).iter();
    let (first, second) = (values.next()?, values.next());
    let name = first.to_str().ok().filter(|_| second.is_none())?;
    let fits = (1..=MAX_CONVERSATION_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(name)
}

fn derived(key: &[u8; 32], parts: &[&[u8]]) -> ScopeKey {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("any length is a key");
    for part in parts {
        mac.update(part);
    }
    ScopeKey::new(mac.finalize().into_bytes().into())
}

/// A key that nobody can derive again.
fn random() -> Result<ScopeKey, Refusal> {
    let mut key = Zeroizing::new([0; 32]);
    OsEntropy.fill(key.as_mut_slice()).map_err(|_| {
        let reason = "the machine gave no random number for placeholders, so nothing was sent; try again";
        Refusal::new(Code::EvidenceUnavailable, reason)
    })?;
    Ok(ScopeKey::new(*key))
}
