//! What others found, in `tabellion-verify`: attesting entries of somebody's log with a key of one's own, and counting what several organisations attest.
//!
//! Promises: a level is computed from the evidence and can be asked for by nobody; nothing is signed where a file could not be read. Must never: print a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use tabellion_ledger::{Clock as _, SystemClock};
use tabellion_model::attestation::{
    Attestation, Attested, MAX_ATTESTATION_BYTES, MAX_ATTESTED, MAX_BUNDLES, QuorumAsked, attest, quorum,
};
use tabellion_model::{AspectStanding, MAX_RECEIPT_FILE_BYTES, Origin, Reader};
use tabellion_tlog::SigningKey;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::verifying::{MAX_LIVE_BYTES, read_keys};
use crate::{files, terminal, trust};

/// Largest key file: a PEM of some 120 bytes, with room for text around it.
const MAX_KEY_BYTES: u64 = 16 << 10;
/// Largest list of entries: 50,000 lines of an origin and an index.
const MAX_LIST_BYTES: u64 = 16 << 20;
/// What an Ed25519 key in PKCS#8 (RFC 8410) begins with; the seed's 32 bytes follow.
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// What to do besides verifying one file.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Check receipts of somebody's log and sign, with a key of your own, how far each goes: existence, hash, signature
    Attest(AttestOptions),
    /// Count what known signers attest of each entry
    Quorum(QuorumOptions),
}

/// What to attest.
#[derive(Debug, Clone, Args)]
pub struct AttestOptions {
    /// The receipts
    #[arg(value_name = "RECEIPT", required = true)]
    receipts: Vec<PathBuf>,
    /// The log's trust file, got by another way than the receipts
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// Your own key: Ed25519 in PEM, as `openssl genpkey -algorithm ed25519` writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to write the attestation
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The content of one receipt's entry; or a directory with the content of NAME.receipt under NAME
    #[arg(long, value_name = "PATH")]
    content: Option<PathBuf>,
    /// Your own directory of keys: level 3 is then attained under keys that are in it alone
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// What to count.
#[derive(Debug, Clone, Args)]
pub struct QuorumOptions {
    /// The attestations
    #[arg(value_name = "ATTESTATION", required = true)]
    attestations: Vec<PathBuf>,
    /// Your directory of keys: whose each signer's key is
    #[arg(long, value_name = "FILE")]
    signers: PathBuf,
    /// How many independent organisations of that directory are enough
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..))]
    need: u16,
    /// The level they have to attest: 1 existence, 2 hash, 3 signature
    #[arg(long, value_name = "LEVEL", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=3))]
    level: u8,
    /// Entries that have to be attested, one a line: ORIGIN INDEX
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
    /// Print the count as JSON
    #[arg(long)]
    json: bool,
}

/// Carries it out.
pub fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Attest(options) => make(options),
        Action::Quorum(options) => count(options),
    }
}

fn make(options: &AttestOptions) -> Result<(), Failure> {
    if options.receipts.len() > MAX_ATTESTED {
        return Err(Failure::malformed(format!(
            "{} receipts are more than the {MAX_ATTESTED} of one attestation; make several",
            options.receipts.len()
        )));
    }
    files::check_new(&options.out, Path::new("."))?;
    let key = signing_key(&options.key)?;
    let (policy, anchors) = trust::read_with_anchors(&options.trust)?;
    let keys = options.keys.as_deref().map(read_keys).transpose()?;
    let mut items = Vec::new();
    for path in &options.receipts {
        let bytes = files::read_limited(path, MAX_RECEIPT_FILE_BYTES as u64, "receipt")?;
        let content = content_of(options, path)?;
        let reader = Reader {
            trust: Some(&policy),
            anchors: Some(&anchors),
            keys: keys.as_ref(),
            live: content.as_deref(),
        };
        let item = attest(&bytes, &reader).map_err(|error| {
            Failure::malformed(format!("{}: {error}. Nothing was signed; leave it out", path.display()))
        })?;
        items.push(item);
    }
    let software = format!("tabellion {}", env!("CARGO_PKG_VERSION"));
    let said = Attestation::of(&key, SystemClock.now(), software, items).ok_or_else(|| {
        Failure::malformed("two of the receipts are of one entry; nothing was signed, leave one out")
    })?;
    let bytes = said.sign(&key).map_err(|error| Failure::failed(error.to_string()))?;
    files::write_whole(&options.out, &bytes)?;
    for item in &said.items {
        terminal::data(&line(item))?;
    }
    terminal::say(&format!(
        "Signed with key {}, public {}. Whoever counts it needs this key in their directory, got from you by another way.",
        said.signer.key_id,
        STANDARD.encode(said.signer.public.as_bytes())
    ));
    if said.items.iter().any(Attested::is_broken) {
        return Err(Failure::told(Exit::Failed));
    }
    if said.items.iter().any(|item| item.level() == 0) {
        return Err(Failure::told(Exit::Undetermined));
    }
    Ok(())
}

fn line(item: &Attested) -> String {
    let [existence, hash, signature] =
        [item.existence, item.hash, item.signature].map(AspectStanding::as_str);
    let detail = if item.detail.is_empty() { String::new() } else { format!(" ({})", item.detail) };
    let text = format!(
        "level {} {} entry {}: existence {existence}, hash {hash}, signature {signature}{detail}",
        item.level(),
        item.log,
        item.index
    );
    format!("{}\n", terminal::printable(&text))
}

/// What the reader brings of the content of a receipt's entry.
fn content_of(options: &AttestOptions, receipt: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let Some(given) = &options.content else { return Ok(None) };
    let path = if given.is_dir() {
        let path = given.join(receipt.file_stem().unwrap_or_default());
        if !path.exists() {
            return Ok(None);
        }
        path
    } else if options.receipts.len() == 1 {
        given.clone()
    } else {
        return Err(Failure::malformed(
            "--content names one file, and there are several receipts; name a directory that has the content of NAME.receipt under NAME",
        ));
    };
    files::read_limited(&path, MAX_LIVE_BYTES, "content").map(Some)
}

/// An Ed25519 key in PKCS#8, not encrypted, that its owner alone can read.
fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let mode = fs::metadata(path).map_err(|error| Failure::io("read the key", path, &error))?.permissions();
    if mode.mode() & OTHERS != 0 {
        return Err(Failure::failed(format!(
            "{0} can be read by others than its owner; chmod 600 {0}, and make another key if it was so for long",
            path.display()
        )));
    }
    let bytes = Zeroizing::new(files::read_limited(path, MAX_KEY_BYTES, "key")?);
    let seed = std::str::from_utf8(&bytes).ok().and_then(seed_of);
    let seed = seed.ok_or_else(|| {
        Failure::malformed(format!(
            "{} holds no Ed25519 key in PEM that is not encrypted; make one: openssl genpkey -algorithm ed25519 -out FILE",
            path.display()
        ))
    })?;
    Ok(SigningKey::from_seed(&seed))
}

fn seed_of(pem: &str) -> Option<Zeroizing<[u8; 32]>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let text: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let der = Zeroizing::new(STANDARD.decode(text.as_bytes()).ok()?);
    let seed = der.strip_prefix(PKCS8_ED25519.as_slice())?;
    Some(Zeroizing::new(seed.try_into().ok()?))
}

fn count(options: &QuorumOptions) -> Result<(), Failure> {
    if options.attestations.len() > MAX_BUNDLES {
        return Err(Failure::malformed(format!(
            "{} attestations are more than the {MAX_BUNDLES} that are counted together",
            options.attestations.len()
        )));
    }
    let signers = read_keys(&options.signers)?;
    let expected = options.items.as_deref().map(read_items).transpose()?.unwrap_or_default();
    let read = options.attestations.iter().map(|path| {
        let bytes = files::read_limited(path, MAX_ATTESTATION_BYTES as u64, "attestation")?;
        Ok((path.display().to_string(), bytes))
    });
    let read = read.collect::<Result<Vec<_>, Failure>>()?;
    let counted = quorum(&QuorumAsked {
        bundles: read.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect(),
        signers: &signers,
        need: options.need.into(),
        level: options.level,
        expected,
    });
    if options.json {
        terminal::json(&counted.to_json())?;
    } else {
        let lines: Vec<String> = counted.to_text().lines().map(terminal::printable).collect();
        terminal::data(&format!("{}\n", lines.join("\n")))?;
    }
    match counted.exit_code() {
        0 => Ok(()),
        1 => Err(Failure::told(Exit::Failed)),
        2 => Err(Failure::told(Exit::Malformed)),
        _ => Err(Failure::told(Exit::Undetermined)),
    }
}

fn read_items(path: &Path) -> Result<Vec<(String, u64)>, Failure> {
    let bytes = files::read_limited(path, MAX_LIST_BYTES, "list of entries")?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::malformed(format!("{} is not text in UTF-8", path.display())))?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let items = lines.map(|(number, line)| {
        let read = line.trim().rsplit_once(' ').and_then(|(origin, index)| {
            Some((Origin::new(origin.trim()).ok()?.as_str().to_owned(), index.parse().ok()?))
        });
        read.ok_or_else(|| {
            Failure::malformed(format!("{}, line {number}: write ORIGIN INDEX", path.display()))
        })
    });
    items.collect()
}
