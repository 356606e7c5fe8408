//! `tabellion policy pack`: packs as files, made by their publishers and looked at by whoever would load them.
//!
//! Promises: what is built passes what loading asks of a pack by itself; the same directory and key give the same bytes. Must never: load anything, or take a
//! publisher's key from the pack.

mod key;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use tabellion_model::body::PolicyLayer;
use tabellion_policy::{MAX_PACK_BYTES, Pack, PackFault, PackFaultKind, PackPolicy, PackSource, SignedPack};
use tabellion_tlog::VerifierKey;

use super::{cases, sources};
use crate::failure::{Exit, Failure};
use crate::{files, terminal};

/// What the directory of a pack holds besides its policies.
const DESCRIPTION: &str = "pack.toml";
const CASES: &str = "cases.toml";
/// Largest description: names, and a source for every rule that may be in force.
const MAX_DESCRIPTION_BYTES: u64 = 256 << 10;

/// What to do with a pack.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Make a publisher's key: a private file, and the line by which others trust it
    Key(KeyOptions),
    /// Make a signed pack of a directory with pack.toml, policies (*.cedar) and cases.toml
    Build(BuildOptions),
    /// Add a signature to a pack, beside those that it has
    Sign(SignOptions),
    /// Say whether a pack was signed by a publisher, and passes its own cases
    Verify(VerifyOptions),
    /// Show what a pack says, signed or not
    Show(ShowOptions),
}

/// Where the key goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeyOptions {
    /// The publisher's name: a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What is built.
#[derive(Debug, Clone, Args)]
pub(crate) struct BuildOptions {
    /// The directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The publisher's key, as `policy pack key` wrote it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file to write; without it the pack is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is signed.
#[derive(Debug, Clone, Args)]
pub(crate) struct SignOptions {
    /// The pack
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key of whoever signs, as `policy pack key` wrote it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file to write; without it the pack is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is verified.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyOptions {
    /// The pack
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The publisher's verifier key, got another way than the pack
    #[arg(long, value_name = "KEY", required = true)]
    publisher: Vec<String>,
}

/// What is shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowOptions {
    /// The pack
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(super) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Key(options) => {
            let key = key::create(&options.out, &options.name)?;
            terminal::data(&format!("{key}\n"))
        }
        Action::Build(options) => build(options),
        Action::Sign(options) => sign(options),
        Action::Verify(options) => verify(options),
        Action::Show(options) => show(options),
    }
}

/// `pack.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    version: u64,
    version_text: String,
    layer: PolicyLayer,
    licence: String,
    #[serde(default, rename = "source")]
    sources: Vec<PackSource>,
}

fn build(options: &BuildOptions) -> Result<(), Failure> {
    let signer = key::load(&options.key)?;
    let pack = read(&options.dir, &signer.name)?;
    pack.check().map_err(|fault| refused(&options.dir, &fault))?;
    let file = pack.sign(&signer.key).map_err(|fault| refused(&options.dir, &fault))?;
    // Read as whoever loads it reads it: what is written is a pack, or nothing is written.
    SignedPack::read(file.as_bytes()).map_err(|fault| refused(&options.dir, &fault))?;
    written(options.out.as_deref(), &file)
}

fn sign(options: &SignOptions) -> Result<(), Failure> {
    let own = key::load(&options.key)?;
    let file = opened(&options.file)?.signed_also(&own.name, &own.key);
    let file = file.map_err(|fault| refused(&options.file, &fault))?;
    written(options.out.as_deref(), &file)
}

fn written(out: Option<&Path>, file: &str) -> Result<(), Failure> {
    match out {
        Some(path) => files::write_whole(path, file.as_bytes()),
        None => terminal::data(file),
    }
}

/// The pack that a directory describes.
fn read(dir: &Path, publisher: &str) -> Result<Pack, Failure> {
    let path = dir.join(DESCRIPTION);
    let bytes = files::read_limited(&path, MAX_DESCRIPTION_BYTES, "description of a pack")?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::malformed(format!("{} is not UTF-8: {error}", path.display())))?;
    let described: Description = toml::from_str(&text).map_err(|error| {
        let why = error.to_string().trim_end().replace('\n', " ");
        Failure::malformed(format!("{} describes no pack: {why}; docs/packs.md has one", path.display()))
    })?;
    let mut policies: Vec<PackPolicy> = sources::read(&[dir.to_owned()])?
        .iter()
        .map(|source| PackPolicy::new(&source.name, &source.text))
        .collect();
    policies.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Pack {
        cases: cases::table(&dir.join(CASES))?,
        layer: described.layer,
        licence: described.licence,
        name: described.name,
        policies,
        publisher: publisher.to_owned(),
        sources: described.sources,
        version: described.version,
        version_text: described.version_text,
    })
}

fn verify(options: &VerifyOptions) -> Result<(), Failure> {
    let signed = opened(&options.file)?;
    let keys = options.publisher.iter().map(|key| {
        key.parse::<VerifierKey>().map_err(|error| Failure::malformed(format!("--publisher {key}: {error}")))
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    signed.verify(&keys).map_err(|fault| refused(&options.file, &fault))?;
    let rules = signed.pack().check().map_err(|fault| refused(&options.file, &fault))?;
    let pack = signed.pack();
    terminal::data(&format!(
        "{} {} ({}) of {}: signed, {} rules, every case comes out as it says. Whether it fits the layers above is known where it is loaded\n",
        pack.name,
        pack.version,
        terminal::printable(&pack.version_text),
        pack.publisher,
        rules.len()
    ))
}

fn show(options: &ShowOptions) -> Result<(), Failure> {
    let signed = opened(&options.file)?;
    let pack = signed.pack();
    let signers: Vec<String> = signed
        .signatures()
        .iter()
        .map(|signature| format!("{} (key id {:08x})", signature.name, signature.key_id))
        .collect();
    if options.json {
        return terminal::json(
            &json!({"pack": pack, "digest": signed.digest(), "signed_by_unverified": signers}),
        );
    }
    let mut lines = vec![
        format!("pack       {} {} ({})", pack.name, pack.version, pack.version_text),
        format!("publisher  {}", pack.publisher),
        format!("layer      {}", pack.layer.as_str()),
        format!("licence    {}", pack.licence),
        format!("sha256     {}", signed.digest()),
        format!(
            "signatures {} (not verified: tabellion policy pack verify)",
            if signers.is_empty() { "none".to_owned() } else { signers.join(", ") }
        ),
    ];
    for source in &pack.sources {
        lines.push(format!("source     {}: {}", source.rule, source.source));
    }
    for policy in &pack.policies {
        lines.push(format!("\n// {} sha256 {}\n{}", policy.name, policy.sha256, policy.text.trim_end()));
    }
    terminal::data(&format!("{}\n", terminal::printable_lines(&lines.join("\n"))))
}

fn opened(path: &Path) -> Result<SignedPack, Failure> {
    // One byte more, so that the refusal is the pack's own.
    let bytes = files::read_limited(path, MAX_PACK_BYTES as u64 + 1, "policy pack")?;
    SignedPack::read(&bytes).map_err(|fault| refused(path, &fault))
}

/// A pack that is none is wrong use; one that does not hold what it promises has failed.
fn refused(path: &Path, fault: &PackFault) -> Failure {
    let text = format!("{}: {fault}", path.display());
    if fault.kind == PackFaultKind::Malformed {
        return Failure::malformed(text);
    }
    terminal::say(&text);
    Failure::told(Exit::Failed)
}
