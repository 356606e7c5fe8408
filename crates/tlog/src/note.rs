//! Signed notes (C2SP signed-note) and the witness signatures on them (C2SP tlog-cosignature, Ed25519).
//!
//! Promises that a note has one byte form and that a signature by a known key is checked or the note refused. A signature by an
//! unknown key is kept, for others to check, and otherwise ignored.

use std::fmt;

use crate::base64;
use crate::cosignature;
use crate::key::{SignatureError, Signer, SignerError};
use crate::vkey::{KeyMaterial, SignatureType, VerifierKey, VerifierKeyError, is_key_name};

/// Most bytes of a note: 64 post-quantum signatures (7 KiB each in base64) and some text.
pub const MAX_NOTE_BYTES: usize = 512 * 1024;
/// Most signature lines of a note; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;
/// What every signature line starts with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";
/// Bytes of the key id in front of a signature.
const KEY_ID_BYTES: usize = 4;

/// Why a note cannot be read, signed or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Too many bytes.
    #[error("a note of {0} bytes is too long; the most is 524288")]
    TooLong(usize),
    /// Not text, or text with control characters.
    #[error("a note is UTF-8 text without control characters other than newline")]
    NotText,
    /// No signatures behind an empty line.
    #[error("the note has no text that ends in a newline, followed by an empty line and signatures")]
    NoSignatures,
    /// A line that is not a signature.
    #[error("signature line {0} of the note is not of the form \"\u{2014} name base64\"")]
    Line(usize),
    /// Too many signature lines.
    #[error("a note may carry 64 signatures, not {0}")]
    TooManySignatures(usize),
    /// A name that a signature line cannot carry.
    #[error(transparent)]
    Key(#[from] VerifierKeyError),
    /// Two of the verifier's keys have one name and id.
    #[error("two different keys of {name} have the key id {id:08x}; remove one of them")]
    Ambiguous {
        /// The name.
        name: String,
        /// The id.
        id: u32,
    },
    /// A known key's signature is wrong.
    #[error("the note's signature by {name} does not verify, so none of it can be believed")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// No known key signed.
    #[error("no key that is known here signed the note; it is signed by {signers}")]
    NoKnownKey {
        /// Names in the note's signature lines.
        signers: String,
    },
    /// No time, or one beyond the specification.
    #[error("a cosignature cannot carry the time {0}")]
    Timestamp(u64),
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: u32,
    /// What follows the key id; at least one byte.
    pub signature: Vec<u8>,
}

/// A signature that a known key made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// Name of the key.
    pub name: String,
    /// The key.
    pub key: KeyMaterial,
    /// What the key signs.
    pub kind: SignatureType,
    /// Seconds since 1970 that a cosignature claims; `None` for type 0x01, and for one that claims no time.
    pub timestamp: Option<u64>,
}

/// A text with signature lines. `Display` is the note's byte form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, with its final newline.
    pub text: String,
    /// The signature lines, in order.
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note and refuses any that would be written differently.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note =
            std::str::from_utf8(bytes).ok().filter(|note| is_note_text(note)).ok_or(NoteError::NotText)?;
        // The last empty line separates: signature lines are never empty.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        Ok(Self { text: format!("{text}\n"), signatures: read_lines(lines)? })
    }

    /// The signatures made by `keys`. An error when one of them is wrong or when there is none.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<VerifiedSignature>, NoteError> {
        let mut verified: Vec<VerifiedSignature> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = known_key(keys, signature)? else { continue };
            let bad = |_| NoteError::BadSignature { name: key.name().to_owned() };
            let timestamp = check(&self.text, key, &signature.signature).map_err(bad)?;
            if !verified.iter().any(|earlier| earlier.name == key.name() && earlier.key == *key.material()) {
                let (name, kind) = (key.name().to_owned(), key.kind());
                verified.push(VerifiedSignature { name, key: key.material().clone(), kind, timestamp });
            }
        }
        if verified.is_empty() {
            let names: Vec<_> = self.signatures.iter().map(|signature| signature.name.as_str()).collect();
            return Err(NoteError::NoKnownKey { signers: names.join(", ") });
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id.to_be_bytes(), self.signature.as_slice()].concat();
        write!(f, "{LINE_START}{} {}", self.name, base64::encode(&bytes))
    }
}

/// A whole note: `text`, which must end in a newline, with one signature of type 0x01 under `name`.
pub fn sign_note(text: &str, name: &str, signer: &dyn Signer) -> Result<String, NoteError> {
    if !text.ends_with('\n') || !is_note_text(text) {
        return Err(NoteError::NotText);
    }
    let key = VerifierKey::new(name, signer.public())?;
    let signature = signer.sign(text.as_bytes())?.to_vec();
    let line = NoteSignature { name: name.to_owned(), key_id: key.id(), signature };
    let note = Note { text: text.to_owned(), signatures: vec![line] }.to_string();
    if note.len() > MAX_NOTE_BYTES { Err(NoteError::TooLong(note.len())) } else { Ok(note) }
}

/// The key of this name and id, if there is one.
fn known_key<'k>(
    keys: &'k [VerifierKey],
    line: &NoteSignature,
) -> Result<Option<&'k VerifierKey>, NoteError> {
    let mut matching = keys.iter().filter(|key| key.name() == line.name && key.id() == line.key_id);
    let first = matching.next();
    match first {
        Some(first) if matching.any(|other| other != first) => {
            Err(NoteError::Ambiguous { name: line.name.clone(), id: line.key_id })
        }
        first => Ok(first),
    }
}

/// The time that a signature claims, if it claims one; an error when it is wrong.
fn check(text: &str, key: &VerifierKey, signature: &[u8]) -> Result<Option<u64>, SignatureError> {
    match key.kind() {
        SignatureType::Ed25519 => {
            let public = key.ed25519().ok_or(SignatureError)?;
            public.verify(text.as_bytes(), signature.try_into().map_err(|_| SignatureError)?)?;
            Ok(None)
        }
        SignatureType::CosignatureV1 | SignatureType::MlDsa44 => cosignature::verify(text, key, signature)
            .map(|timestamp| Some(timestamp).filter(|time| *time > 0)),
    }
}

/// The signature lines that a witness answers with, each ended by a newline.
pub fn parse_signature_lines(bytes: &[u8]) -> Result<Vec<NoteSignature>, NoteError> {
    if bytes.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| is_note_text(text)).ok_or(NoteError::NotText)?;
    read_lines(text.strip_suffix('\n').ok_or(NoteError::NoSignatures)?)
}

fn read_lines(lines: &str) -> Result<Vec<NoteSignature>, NoteError> {
    let count = lines.split('\n').count();
    if count > MAX_SIGNATURES {
        return Err(NoteError::TooManySignatures(count));
    }
    (1..)
        .zip(lines.split('\n'))
        .map(|(number, line)| parse_line(line).ok_or(NoteError::Line(number)))
        .collect()
}

/// Whether every character may stand in a note.
pub(crate) fn is_note_text(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 || byte == b'\n')
}

fn parse_line(line: &str) -> Option<NoteSignature> {
    let (name, signature) = line.strip_prefix(LINE_START)?.split_once(' ')?;
    let bytes = base64::decode(signature)?;
    let (key_id, signature) = bytes.split_first_chunk::<KEY_ID_BYTES>()?;
    if !is_key_name(name) || signature.is_empty() {
        return None;
    }
    Some(NoteSignature {
        name: name.to_owned(),
        key_id: u32::from_be_bytes(*key_id),
        signature: signature.to_vec(),
    })
}
