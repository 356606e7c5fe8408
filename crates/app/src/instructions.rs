//! `VERIFY.txt`: how to check the package with `sha256sum` and `openssl`, every value filled in.
//!
//! Promises: each command stands on a line that begins with four spaces and each line it prints follows as `  => …`, so that the page can be
//! run as it is. Must never: put a value of others into a command unquoted, or say that a part was checked that no command checks.

mod layout;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tabellion_model::{BatchSealEntry, Entry, KeyInfo, PACKAGE_SCOPE, Purpose};
use tabellion_tlog::VerifierKey;

use crate::export::{ExportError, Subject};
use layout::{FIRST_SAMPLE_SECTION, Sample, bstr_bytes, samples};

/// Protected header of `manifest.cose` as it stands there: `58 4b` and 75 bytes, namely a map of three (1), `alg` −8 (2), content type
/// (1 + 2 + 34), `kid` (1 + 2 + 32).
const MANIFEST_PROTECTED_BYTES: usize = 77;
/// The first line of signatures in a checkpoint: after three lines of text and an empty one.
const FIRST_SIGNATURE_LINE: usize = 5;
/// Digits of a key id that are enough for a reader to recognise it in a sentence.
const SHORT_ID: usize = 16;

#[derive(Template)]
#[template(path = "VERIFY.txt")]
struct Page {
    origin: String,
    env: &'static str,
    first: u64,
    last: u64,
    count: u64,
    size: u64,
    first_commit: String,
    last_commit: String,
    sample_words: &'static str,
    protected_bytes: usize,
    signature_line: usize,
    root: String,
    package_key: Key,
    log_key: Key,
    writer_key: Key,
    samples: Vec<Sample>,
    seal: Seal,
    seal_section: usize,
    keys_section: usize,
    log_vkey: String,
    root_vkey: String,
    scope: &'static str,
}

struct Key {
    public: String,
    id: String,
    short: String,
}

impl Key {
    fn of(info: &KeyInfo) -> Self {
        let id = info.key_id.to_hex();
        let short = id.chars().take(SHORT_ID).collect();
        Self { public: BASE64.encode(info.public.as_bytes()), id, short }
    }
}

/// Where the parts of the last seal lie in its entry.
struct Seal {
    protected_bytes: usize,
    payload_offset: usize,
    payload_bytes: usize,
    text_bytes: usize,
    text: String,
    first: u64,
    last: u64,
    committed_at: String,
}

impl Seal {
    fn of(bytes: &[u8]) -> Result<Self, ExportError> {
        let Entry::Seal(BatchSealEntry { seal, sign1, .. }) = Entry::parse(bytes)? else {
            return Err(ExportError::Inconsistent("the last entry of a batch is no seal".to_owned()));
        };
        let text = String::from_utf8(sign1.payload.unwrap_or_default())
            .map_err(|_| ExportError::Inconsistent("the payload of a seal is not text".to_owned()))?;
        let protected_bytes = bstr_bytes(sign1.protected_bytes.len());
        Ok(Self {
            protected_bytes,
            // Tag and array head (2), protected header, empty map (1); `tail -c +1` is the first byte.
            payload_offset: 2 + protected_bytes + 1 + 1,
            payload_bytes: bstr_bytes(text.len()),
            text_bytes: text.len(),
            text,
            first: seal.first,
            last: seal.first + seal.count - 1,
            committed_at: seal.committed_at.to_string(),
        })
    }
}

/// The text of `VERIFY.txt`.
pub(crate) fn write(subject: &Subject<'_>) -> Result<String, ExportError> {
    let (span, chain) = (&subject.span, &subject.chain);
    let checkpoint = &subject.checkpoint.checkpoint;
    let origin = chain.origin().as_str();
    let (samples, seal) = samples(subject)?;
    let seal_index = span.end().saturating_sub(1);
    let log_key = in_force(subject, Purpose::Log, span.size)?;
    let seal_section = FIRST_SAMPLE_SECTION + samples.len();
    let vkey = |name: &str, key: &KeyInfo| VerifierKey::new(name, key.public).map(|key| key.to_string());
    let page = Page {
        origin: origin.to_owned(),
        env: chain.env().as_str(),
        first: span.first,
        last: seal_index,
        count: span.count,
        size: span.size,
        first_commit: span.first_commit().to_string(),
        last_commit: span.last_commit().to_string(),
        sample_words: if samples.len() > 2 {
            "the first record, the last record and the last seal"
        } else {
            "the record and its seal"
        },
        protected_bytes: MANIFEST_PROTECTED_BYTES,
        signature_line: signature_line(subject, &log_key),
        root: BASE64.encode(checkpoint.root.as_bytes()),
        package_key: Key::of(&in_force(subject, Purpose::Package, span.size)?),
        writer_key: Key::of(&in_force(subject, Purpose::Writer, seal_index)?),
        log_vkey: vkey(origin, &log_key)?,
        root_vkey: vkey(&format!("{origin}/root"), chain.root())?,
        log_key: Key::of(&log_key),
        seal_section,
        keys_section: seal_section + 1,
        samples,
        seal: Seal::of(&seal)?,
        scope: PACKAGE_SCOPE,
    };
    page.render().map_err(|source| ExportError::Page { page: "VERIFY.txt", source })
}

fn in_force(subject: &Subject<'_>, purpose: Purpose, position: u64) -> Result<KeyInfo, ExportError> {
    subject.chain.in_force(purpose, position).copied().ok_or_else(|| {
        ExportError::Inconsistent(format!("no {} key is in force for position {position}", purpose.as_str()))
    })
}

/// The line of the checkpoint that holds the log key's own signature; witnesses may have signed beside it.
fn signature_line(subject: &Subject<'_>, key: &KeyInfo) -> usize {
    let origin = subject.chain.origin().as_str();
    let id = VerifierKey::new(origin, key.public).map(|key| key.id()).ok();
    let signatures = &subject.checkpoint.note.signatures;
    let position = signatures.iter().position(|line| line.name == origin && Some(line.key_id) == id);
    FIRST_SIGNATURE_LINE + position.unwrap_or(0)
}
