//! What a vault key is for: the content that lives and dies together.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tabellion_model::{RecordId, SystemId};

/// Class of what proves erasures and holds; it never expires.
pub(crate) const EVIDENCE_CLASS: &str = "evidence";
/// Class of keys that were lost with their table: what they were for is not known any more.
pub(crate) const LOST_CLASS: &str = "lost";
/// Longest class name: it has a fixed place in a slot of the key table.
pub(crate) const MAX_CLASS_BYTES: usize = 30;

/// Name of a retention class: `[a-z][a-z0-9-]{0,29}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RetentionClass(String);

impl RetentionClass {
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits =
            name.len() <= MAX_CLASS_BYTES && name.starts_with(|first: char| first.is_ascii_lowercase());
        if fits && name.bytes().all(plain) {
            return Ok(Self(name.to_owned()));
        }
        Err(format!(
            "a retention class is a letter and then letters, digits and hyphens, at most {MAX_CLASS_BYTES} in all, lower case"
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The class of lost keys.
    pub(crate) fn lost() -> Self {
        Self(LOST_CLASS.to_owned())
    }
}

/// Stands for a data subject where the subject itself must not be written.
pub(crate) type SubjectTag = [u8; 32];

/// The tag of `subject`: HMAC-SHA-256(pseudonym key, subject).
pub(crate) fn subject_tag(pseudonym_key: &[u8; 32], subject: &str) -> SubjectTag {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(pseudonym_key).expect("any length is a key");
    mac.update(subject.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Stands for a call in a slot of the key table: the first 96 of the 128 random bits of its record's id.
pub(crate) type CallTag = [u8; 12];

/// The tag of the call that `record` began.
pub(crate) fn call_tag(record: &RecordId) -> CallTag {
    let mut tag = CallTag::default();
    for (to, from) in tag.iter_mut().zip(record.as_bytes()) {
        *to = *from;
    }
    tag
}

/// The content that shares one vault key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyScope {
    pub(crate) system: Option<SystemId>,
    pub(crate) class: RetentionClass,
    /// Year and month, yyyymm.
    pub(crate) month: u32,
    pub(crate) subject: Option<SubjectTag>,
    /// A key for what belongs to one call alone, so that the call can be erased without others.
    pub(crate) call: Option<CallTag>,
    /// A key for one unit alone; never shared.
    pub(crate) own: bool,
}

/// Which keys to find; every part that is set must fit.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyFilter {
    pub(crate) system: Option<SystemId>,
    /// The class, and the last month.
    pub(crate) class: Option<(RetentionClass, u32)>,
    pub(crate) subject: Option<SubjectTag>,
    pub(crate) call: Option<CallTag>,
}

impl KeyFilter {
    pub(crate) fn fits(&self, scope: &KeyScope) -> bool {
        let system = self.system.is_none_or(|system| scope.system == Some(system));
        let class =
            self.class.as_ref().is_none_or(|(class, until)| scope.class == *class && scope.month <= *until);
        let subject = self.subject.is_none_or(|subject| scope.subject == Some(subject));
        let call = self.call.is_none_or(|call| scope.call == Some(call));
        system && class && subject && call
    }
}
