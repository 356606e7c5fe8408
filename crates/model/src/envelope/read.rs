//! One envelope, read: its members by their names, and the bytes that its signature covers.

use tabellion_tlog::{Hash, PublicKey};

use super::batch::{InclusionReceipt, ProofBundle};
use super::json::{self, Value, canonical_of};
use super::version::{Profile, SpecVersion};
use super::{EnvelopeError, MAX_ENVELOPE_BYTES, MAX_ENVELOPE_MEMBERS, hash_of};
use crate::registry::EnvelopeKind;

/// What stands in place of a predecessor's hash in the first envelope of a chain.
pub const GENESIS: &str = "GENESIS";
/// The signature, and countersignatures that were attached later: outside the signed scope in every profile.
const UNSIGNED: [&str; 2] = ["signature", "co_signatures"];
/// Members that the family's formats name; any other may be an addition of a later minor, or of somebody else.
const NAMED: [&str; 13] = [
    "co_signatures",
    "environment",
    "event_id",
    "event_type",
    "payload",
    "payload_hash",
    "payload_ref",
    "previous_hash",
    "public_key",
    "signature",
    "signed_at",
    "spec_version",
    "subject",
];
/// Longest time that is read; RFC 3339 with nanoseconds and offset has 35.
const MAX_TIME_BYTES: usize = 40;

/// An envelope whose members have the form that its profile asks for. Nothing is verified yet.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Profile and version.
    pub version: SpecVersion,
    /// SHA-256 over the canonical bytes of the whole, signature included; the same for every layout of the JSON.
    pub digest: Hash,
    /// Whether the bytes read were the canonical ones.
    pub is_canonical: bool,
    /// What it commits to.
    pub payload_hash: Hash,
    /// The key that it names; whose key that is, it cannot say.
    pub public_key: PublicKey,
    pub(super) signature: [u8; 64],
    pub(super) value: Value,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub enum Found {
    /// An envelope.
    Envelope(Box<Envelope>),
    /// A leaf with its proof and the checkpoint's envelope.
    Bundle(Box<ProofBundle>),
}

impl Found {
    /// Reads an envelope or a proof bundle.
    pub fn parse(bytes: &[u8], allow_legacy: bool) -> Result<Self, EnvelopeError> {
        let value = json::parse(bytes, MAX_ENVELOPE_BYTES)?;
        if value.text_of("spec_version") == Some(super::PROOF_BUNDLE_FORMAT) {
            return Ok(Self::Bundle(Box::new(ProofBundle::read(&value, bytes)?)));
        }
        Envelope::of_value(value, Some(bytes), allow_legacy)
            .map(|envelope| Self::Envelope(Box::new(envelope)))
    }

    /// The envelope whose signature carries the whole: itself, or the checkpoint's.
    pub fn envelope(&self) -> &Envelope {
        match self {
            Self::Envelope(envelope) => envelope,
            Self::Bundle(bundle) => &bundle.checkpoint,
        }
    }

    /// What it is, without minor versions.
    pub fn kind(&self) -> EnvelopeKind {
        match self {
            Self::Envelope(envelope) => EnvelopeKind::Envelope(envelope.version.profile),
            Self::Bundle(_) => EnvelopeKind::ProofBundle,
        }
    }

    /// SHA-256 over its canonical bytes.
    pub fn digest(&self) -> Hash {
        match self {
            Self::Envelope(envelope) => envelope.digest,
            Self::Bundle(bundle) => bundle.digest,
        }
    }
}

impl InclusionReceipt {
    /// Reads the file that an anchoring library hands out for one envelope of a batch.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Self::read(&json::parse(bytes, MAX_ENVELOPE_BYTES)?)
    }
}

impl Envelope {
    /// Reads an envelope in any layout. `allow_legacy`: one without `spec_version` passes too.
    pub fn parse(bytes: &[u8], allow_legacy: bool) -> Result<Self, EnvelopeError> {
        Self::of_value(json::parse(bytes, MAX_ENVELOPE_BYTES)?, Some(bytes), allow_legacy)
    }

    pub(super) fn of_value(
        value: Value,
        bytes: Option<&[u8]>,
        allow_legacy: bool,
    ) -> Result<Self, EnvelopeError> {
        let Value::Object(members) = &value else { return Err(EnvelopeError::NotAnObject) };
        if members.len() > MAX_ENVELOPE_MEMBERS {
            return Err(EnvelopeError::TooManyMembers(members.len()));
        }
        let version = version_of(&value, allow_legacy)?;
        let key = hex_member::<32>(&value, "public_key")?;
        let public_key = PublicKey::from_bytes(&key).map_err(|_| EnvelopeError::MemberForm {
            member: "public_key",
            problem: "is not an Ed25519 key, or one whose signatures prove nothing",
        })?;
        let canonical = value.to_canonical();
        let envelope = Self {
            digest: tabellion_tlog::sha256(&canonical),
            is_canonical: bytes.is_none_or(|bytes| bytes == canonical),
            payload_hash: Hash(hex_member(&value, "payload_hash")?),
            signature: hex_member(&value, "signature")?,
            public_key,
            version,
            value,
        };
        envelope.check_members()?;
        Ok(envelope)
    }

    /// The canonical bytes of the whole, signature included.
    pub fn to_canonical(&self) -> Vec<u8> {
        self.value.to_canonical()
    }

    /// A member of the envelope that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value.text_of(name)
    }

    pub(super) fn members(&self) -> &[(String, Value)] {
        if let Value::Object(members) = &self.value { members } else { &[] }
    }

    /// Whether the signature covers the member of this name.
    pub fn is_signed(&self, name: &str) -> bool {
        let is_annotation = self.version.profile.has_annotations() && name.starts_with('_');
        !is_annotation && !UNSIGNED.contains(&name)
    }

    /// The bytes that were signed: the canonical form of every member that is signed, without those for which `left_out` says so.
    pub(super) fn signed_bytes(&self, left_out: impl Fn(&str) -> bool) -> Vec<u8> {
        let signed = self.members().iter().filter(|(name, _)| self.is_signed(name) && !left_out(name));
        canonical_of(signed.map(|(name, value)| (name, value)))
    }

    /// Names of members that stand outside the signed scope besides the signature: anybody may have written them.
    pub fn unsigned_members(&self) -> Vec<&str> {
        let names = self.members().iter().map(|(name, _)| name.as_str());
        names.filter(|name| *name != "signature" && !self.is_signed(name)).collect()
    }

    /// Names of signed members that the family's formats do not have.
    pub(super) fn unnamed_members(&self) -> Vec<&str> {
        let names = self.members().iter().map(|(name, _)| name.as_str());
        names.filter(|name| self.is_signed(name) && !NAMED.contains(name)).collect()
    }

    fn check_members(&self) -> Result<(), EnvelopeError> {
        let form = |member, problem| EnvelopeError::MemberForm { member, problem };
        if self.value.get("co_signatures").is_some_and(|value| !matches!(value, Value::List(_))) {
            return Err(form("co_signatures", "is not an array"));
        }
        if self
            .value
            .get("environment")
            .is_some_and(|value| !matches!(value.as_text(), Some("dev" | "production")))
        {
            return Err(form("environment", "is neither dev nor production"));
        }
        if self.version.profile == Profile::Legacy {
            return Ok(());
        }
        if !is_uuid(text_member(&self.value, "event_id")?) {
            return Err(form("event_id", "is not a UUID in lower case"));
        }
        if !is_time(text_member(&self.value, "signed_at")?) {
            return Err(form("signed_at", "is not a time of RFC 3339"));
        }
        if self.version.profile.is_promoted() { self.check_promoted() } else { self.check_minimal() }
    }

    fn check_promoted(&self) -> Result<(), EnvelopeError> {
        let form = |member, problem| EnvelopeError::MemberForm { member, problem };
        text_member(&self.value, "event_type")?;
        let subject = self.value.get("subject").ok_or(EnvelopeError::MissingMember("subject"))?;
        if subject.text_of("type").is_none() {
            return Err(form("subject", "is not an object with a member type"));
        }
        let previous = text_member(&self.value, "previous_hash")?;
        if previous == GENESIS || hash_of(previous).is_some() {
            Ok(())
        } else {
            Err(form("previous_hash", "is neither GENESIS nor 64 lower-case hex digits"))
        }
    }

    /// `ario.events/v1` keeps what happened to whom in its payload, and always says for which environment it was made.
    fn check_minimal(&self) -> Result<(), EnvelopeError> {
        let misplaced = ["event_type", "subject", "previous_hash", "payload"];
        if let Some(member) = misplaced.into_iter().find(|name| self.value.get(name).is_some()) {
            return Err(EnvelopeError::Misplaced(member));
        }
        text_member(&self.value, "environment").map(|_| ())
    }
}

fn version_of(value: &Value, allow_legacy: bool) -> Result<SpecVersion, EnvelopeError> {
    match value.get("spec_version") {
        Some(Value::Text(text)) => SpecVersion::parse(text),
        Some(_) => Err(EnvelopeError::UnsupportedVersion),
        None if allow_legacy => Ok(SpecVersion { profile: Profile::Legacy, text: String::new() }),
        None => Err(EnvelopeError::MissingVersion),
    }
}

fn text_member<'v>(value: &'v Value, name: &'static str) -> Result<&'v str, EnvelopeError> {
    let member = value.get(name).ok_or(EnvelopeError::MissingMember(name))?;
    member.as_text().ok_or(EnvelopeError::MemberForm { member: name, problem: "is not text" })
}

/// Lower-case hex of exactly `N` bytes.
pub(super) fn hex_member<const N: usize>(
    value: &Value,
    name: &'static str,
) -> Result<[u8; N], EnvelopeError> {
    let text = text_member(value, name)?;
    let mut bytes = [0; N];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) if hex::encode(bytes) == text => Ok(bytes),
        _ => Err(EnvelopeError::MemberForm {
            member: name,
            problem: "is not lower-case hex of the length that it must have",
        }),
    }
}

fn is_uuid(text: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_hex(byte),
        })
}

/// The shape of RFC 3339; whether it was so then, nobody can say: it is the signer's own clock.
fn is_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(19) else { return false };
    let is_date = date.bytes().zip("0000-00-00T00:00:00".bytes()).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    let digits = rest.strip_prefix('.').map_or(0, |more| more.bytes().take_while(u8::is_ascii_digit).count());
    let zone = if digits > 0 { rest.get(digits + 1..) } else { Some(rest) }.unwrap_or_default();
    let is_offset = zone.len() == 6
        && zone.bytes().zip("+00:00".bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'+' => matches!(byte, b'+' | b'-'),
            _ => byte == form,
        });
    text.len() <= MAX_TIME_BYTES && is_date && (zone == "Z" || is_offset)
}
