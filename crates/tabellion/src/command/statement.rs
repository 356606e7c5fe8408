//! `tabellion statement`: statements as SCITT has them: made for large artefacts, and registered.
//!
//! Must never: read an artefact into memory, or send it anywhere.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tabellion_ledger::keyring;
use tabellion_model::{KeyId, Purpose};
use tabellion_tlog::{ForeignStatement, HashEnvelope, IssuerKey, MAX_FOREIGN_BYTES, PayloadHash};

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::writer::{Writer, unexpected};
use crate::{files, terminal};

/// Bytes of an artefact that are read at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Largest file of a public key.
const MAX_KEY_BYTES: u64 = 16 << 10;
/// What a receipt's name ends in.
const RECEIPT_SUFFIX: &str = ".cose-receipt";

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// State a file of any size by its SHA-256: a hash envelope (RFC 9995), signed with an actor's key. FILE.cose is written beside it
    Hash {
        #[command(flatten)]
        place: Place,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Who states it: the claim `iss`
        #[arg(long, value_name = "ISSUER")]
        issuer: String,
        /// What it is about: the claim `sub` [default: the file's name]
        #[arg(long, value_name = "TEXT")]
        subject: Option<String>,
        /// Media type of the file
        #[arg(long, value_name = "TYPE")]
        media_type: Option<String>,
        /// Where the file is to be found
        #[arg(long, value_name = "URL")]
        location: Option<String>,
        /// The actor key to sign with [default: the first whose file is here]
        #[arg(long, value_name = "KEYID")]
        actor: Option<String>,
        /// Where to write the statement [default: FILE.cose]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Register it too; the issuer has to be known (tabellion issuer add)
        #[arg(long)]
        register: bool,
    },
    /// Register a statement that somebody signed; its COSE Receipt is written beside it
    Register {
        #[command(flatten)]
        place: Place,
        /// The statement, as its issuer signed it
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where to write the receipt [default: FILE.cose-receipt]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Print what was registered as JSON
        #[arg(long)]
        json: bool,
    },
    /// Whether a file is the one that a hash envelope states, and whose signature it carries
    Check {
        /// The signer's public key (PEM), got by another way: the signature has to be by it
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The statement, as it was registered
        #[arg(value_name = "STATEMENT")]
        statement: PathBuf,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Hash { place, file, issuer, subject, media_type, location, actor, out, register } => {
            let envelope = HashEnvelope {
                hash: PayloadHash::Sha256,
                preimage_type: media_type.clone(),
                location: location.clone(),
            };
            let name =
                || file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let subject = subject.clone().unwrap_or_else(name);
            let path = out.clone().unwrap_or_else(|| files::beside(file, ".cose"));
            let signer = signer(&Directory::find(place)?, actor.as_deref())?;
            let digest = sha256_of(file)?;
            let bytes = envelope.sign(&digest, issuer, &subject, signer.key.as_ref()).map_err(|error| {
                Failure::malformed(format!("{} cannot be stated: {error}", file.display()))
            })?;
            files::write_whole(&path, &bytes)?;
            terminal::data(&format!(
                "{}  SHA-256 {}  statement {}  key {}\n",
                terminal::printable(&file.display().to_string()),
                hex::encode(&digest),
                terminal::printable(&path.display().to_string()),
                signer.key_id()
            ))?;
            if *register { self::register(place, &path, None, false) } else { Ok(()) }
        }
        Action::Register { place, file, out, json } => register(place, file, out.as_deref(), *json),
        Action::Check { key, statement, file } => check(key.as_deref(), statement, file),
    }
}

fn register(place: &Place, file: &Path, out: Option<&Path>, as_json: bool) -> Result<(), Failure> {
    let statement = files::read_limited(file, MAX_FOREIGN_BYTES as u64, "statement")?;
    let request = Request::RegisterStatement { statement: STANDARD.encode(&statement) };
    let (receipt, record) = Writer::with(&Directory::find(place)?, |writer| match writer.ask(&request)? {
        Answer::Registered { receipt, record } => Ok((receipt, record)),
        other => Err(unexpected(&other)),
    })?;
    let receipt =
        STANDARD.decode(receipt).map_err(|_| Failure::failed("the log gave a receipt that is no base64"))?;
    let path = out.map_or_else(|| files::beside(file, RECEIPT_SUFFIX), Path::to_owned);
    files::write_whole(&path, &receipt)?;
    if as_json {
        return terminal::json_line(&json!({
            "duplicate": record.duplicate, "index": record.index, "receipt": path.display().to_string(),
            "record_id": record.record_id, "size": record.size,
        }));
    }
    let before = if record.duplicate { " (registered before)" } else { "" };
    terminal::data(&format!(
        "{}  entry {}  record {}  receipt {}{before}\n",
        terminal::printable(&file.display().to_string()),
        record.index,
        record.record_id,
        terminal::printable(&path.display().to_string())
    ))
}

fn check(key: Option<&Path>, statement: &Path, file: &Path) -> Result<(), Failure> {
    let bytes = files::read_limited(statement, MAX_FOREIGN_BYTES as u64, "statement")?;
    let read = ForeignStatement::parse(&bytes)
        .map_err(|error| Failure::malformed(format!("{}: {error}", statement.display())))?;
    let signed = key.map(|key| check_signature(&read, statement, key)).transpose()?;
    let envelope = read.header.envelope.ok_or_else(|| {
        Failure::malformed(format!(
            "{} is not a hash envelope: its payload is no digest",
            statement.display()
        ))
    })?;
    if envelope.hash != PayloadHash::Sha256 {
        let name = envelope.hash.name();
        return Err(Failure::malformed(format!(
            "the envelope is by {name}; files are compared by SHA-256 here"
        )));
    }
    let digest = sha256_of(file)?;
    if digest == read.payload {
        let name = terminal::printable(&file.display().to_string());
        let signed = signed.unwrap_or_else(|| "who signed it is another check (--key)".to_owned());
        return terminal::data(&format!("{name} is the file that the statement names; {signed}\n"));
    }
    Err(Failure::failed(format!(
        "{} has SHA-256 {}, and the statement names {}: it is another file, or was changed",
        file.display(),
        hex::encode(&digest),
        hex::encode(&read.payload)
    )))
}

/// Whether the statement is signed by the key in a file; who that is, in words.
fn check_signature(read: &ForeignStatement, statement: &Path, key: &Path) -> Result<String, Failure> {
    let bytes = files::read_limited(key, MAX_KEY_BYTES, "public key")?;
    let text = String::from_utf8_lossy(&bytes);
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::malformed(format!("{} is no public key that is known here: {error}", key.display()))
    };
    let known = IssuerKey::from_pem(&text).map_err(|error| unusable(&error))?;
    read.verify(&known).map_err(|error| {
        Failure::failed(format!(
            "{} is not signed by the key in {}: {error}",
            statement.display(),
            key.display()
        ))
    })?;
    Ok(format!("signed by {} with the key {}", terminal::printable(&read.header.issuer), known.key_id()))
}

/// SHA-256 of a file, read piece by piece.
fn sha256_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        let count = file.read(&mut chunk).map_err(|error| Failure::io("read", path, &error))?;
        if count == 0 {
            return Ok(hash.finalize().to_vec());
        }
        hash.update(chunk.get(..count).unwrap_or_default());
    }
}

/// The key to sign with: the named one, else the first actor key whose file is here.
fn signer(directory: &Directory, actor: Option<&str>) -> Result<keyring::KeyPair, Failure> {
    if let Some(name) = actor {
        let key_id = KeyId::from_hex(name).ok_or_else(|| {
            Failure::malformed(format!(
                "--actor {name:?} is not a key id of 64 lower-case hex digits (tabellion key list)"
            ))
        })?;
        return directory.key_pair(Purpose::Actor, &key_id);
    }
    let here = keyring::list_keys(directory.disk()?.as_ref(), Purpose::Actor)?;
    let first = here.first().ok_or_else(|| {
        Failure::failed(format!(
            "no actor key has its file in {}/keys; put it back from your key backup, or create a key: tabellion key create",
            directory.path().display()
        ))
    })?;
    directory.key_pair(Purpose::Actor, first)
}
