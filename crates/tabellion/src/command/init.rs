//! `tabellion init`: a log comes into being, once.
//!
//! Promises: what is printed exists durably. Must never: touch a directory that holds a log.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, Ledger, NewLog, OpenError, Reader, retired};
use tabellion_model::{Env, Origin};

use super::key;
use crate::config::{self, ByTwo, Config, KeySettings};
use crate::directory::{self, Directory, Place, TRUST_FILE};
use crate::failure::Failure;
use crate::request::Request;
use crate::secret::Asked;
use crate::writer::{Writer, take_lock};
use crate::{files, terminal, trust};

/// Host of a log that is not meant to be reached from elsewhere.
const DEFAULT_HOST: &str = "localhost";
/// Tenant of an installation with only one.
const DEFAULT_TENANT: &str = "default";

/// What the log will be.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Public host of the log's origin, fixed for ever [default: localhost]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Tenant of the log's origin, fixed for ever [default: default]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Host and tenant in one: HOST/log/NAME
    #[arg(long, value_name = "ORIGIN", conflicts_with_all = ["host", "tenant"])]
    origin: Option<String>,
    /// A copy of an older log that may not go on (tabellion restore --older-copy): the new log's first record cites it
    #[arg(long, value_name = "DIR")]
    continues: Option<PathBuf>,
    /// What the log is for; part of every signed byte [default: production]
    #[arg(long, value_name = "ENV")]
    env: Option<EnvName>,
    /// Sign checkpoints that are handed out a second time, with ML-DSA-44 (post-quantum); tabellion key hybrid does so later
    #[arg(long)]
    hybrid: bool,
    /// Encrypt the key files under a passphrase, which [keys] names or which is asked for
    #[arg(long)]
    encrypt_keys: bool,
}

/// The environments, as the command line names them.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum EnvName {
    Production,
    Sandbox,
    Development,
}

impl From<EnvName> for Env {
    fn from(name: EnvName) -> Self {
        match name {
            EnvName::Production => Self::Production,
            EnvName::Sandbox => Self::Sandbox,
            EnvName::Development => Self::Development,
        }
    }
}

/// Makes the log.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let config = options.place.load_config()?;
    let origin = origin(options, &config)?;
    let env = options.env.map(Env::from).or(config.env).unwrap_or(Env::Production);
    refuse_contradiction(&config, &origin, env)?;
    let cited = options.continues.as_deref().map(|old| cite(old, &origin)).transpose()?;
    let reader = make(&options.place, &config, &NewLog { origin, env }, options.encrypt_keys)?;
    if let Some(draft) = cited {
        let directory = Directory::find(&options.place)?;
        Writer::with(&directory, |writer| writer.append(&Request::Append { drafts: vec![draft] }))?;
    }
    let dir = options.place.dir.display();
    if options.hybrid {
        key::introduce_second(&options.place)?;
    }
    terminal::data(&format!(
        "log         {}\nenvironment {}\nroot key    {}\ndirectory   {dir}\ntrust file  {dir}/{TRUST_FILE}\n",
        reader.origin(),
        reader.env(),
        reader.keys().root().key_id
    ))?;
    terminal::say(&format!(
        "Let the first person in: tabellion person add NAME --role administrator --dir {dir}\n\
         Back up {dir}/keys now, to a safe place: without it content cannot be read and nothing more can be signed. Give {TRUST_FILE} to those \
         who will verify, by another way than the packages."
    ));
    Ok(())
}

/// The record by which a new log says which one it goes on from: what that log had, and the checkpoint that it signed over it.
fn cite(old: &Path, origin: &Origin) -> Result<Draft, Failure> {
    let place = Place { dir: old.to_owned(), config: None };
    let directory = Directory::find(&place)?;
    let shown = old.display();
    let marked =
        retired(directory.disk()?.as_ref()).map_err(|error| Failure::io("look into", old, &error))?;
    if marked.is_none() {
        return Err(Failure::malformed(format!(
            "{shown} may still be appended to, and then two logs would go on. Only a copy that was restored with --older-copy is continued elsewhere"
        )));
    }
    let reader = directory.reader()?;
    if reader.origin() == *origin {
        return Err(Failure::malformed(format!(
            "{shown} is of the same origin, {origin}; a log that goes on elsewhere needs an origin of its own: --origin"
        )));
    }
    let mut draft = Draft::new("log.continued")
        .with("checkpoint", reader.checkpoint().to_string())
        .with("log", reader.origin().as_str())
        .with("root", reader.root_at(reader.size())?.to_hex())
        .with("size", reader.size());
    draft.assurance = Some("observed".to_owned());
    Ok(draft)
}

fn origin(options: &Options, config: &Config) -> Result<Origin, Failure> {
    if let Some(text) = &options.origin {
        return Origin::new(text).map_err(|error| Failure::malformed(format!("--origin {text:?}: {error}")));
    }
    let host = options.host.as_deref().or(config.host.as_deref()).unwrap_or(DEFAULT_HOST);
    let tenant = options.tenant.as_deref().or(config.tenant.as_deref()).unwrap_or(DEFAULT_TENANT);
    Origin::with(host, tenant).map_err(|error| {
        Failure::malformed(format!("host {host:?} and tenant {tenant:?} make no origin: {error}"))
    })
}

/// Makes a log in `place`, with its configuration and trust file, and opens it for reading.
pub(crate) fn make(
    place: &Place,
    config: &Config,
    new: &NewLog,
    encrypt_keys: bool,
) -> Result<Reader, Failure> {
    let dir = place.dir.as_path();
    if directory::has_log(dir)? {
        return Err(Failure::malformed(format!(
            "there is a log in {} already; a log is made once. Name another directory",
            dir.display()
        )));
    }
    let disk = RealDisk::create(dir).map_err(|error| Failure::io("create", dir, &error))?;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let _lock = take_lock(dir)?;
    let mut options = directory::options(config, false)?;
    options.origin = None; // the log is only now given its origin
    if !config.says(config::SECOND_PERSON) {
        options.erase_by_two = ByTwo::Production.environments();
    }
    if encrypt_keys {
        options.keys = config.keys.access(Asked::Anew).encrypting();
    }
    let ledger = Ledger::create(disk, new, &options).map_err(|error| unfinished(error, dir))?;
    if place.config.is_none() && !dir.join(config::FILE_NAME).exists() {
        files::write_whole(&dir.join(config::FILE_NAME), configuration(new, &config.keys)?.as_bytes())?;
    }
    write_trust(dir, ledger.reader())?;
    let reader = ledger.reader().clone();
    ledger.close()?;
    Ok(reader)
}

/// What a creation that failed leaves is no log, and holds keys that nothing was signed with.
fn unfinished(error: OpenError, dir: &Path) -> Failure {
    let what = format!(
        ". No log was made. If {0} was empty before, remove it and run tabellion init again",
        dir.display()
    );
    Failure::from(error).with(&what)
}

/// Writes the trust file of the log in `dir`.
pub(crate) fn write_trust(dir: &Path, reader: &Reader) -> Result<(), Failure> {
    files::write_whole(&dir.join(TRUST_FILE), trust::text(reader)?.as_bytes())
}

/// A configuration file that exists already must not say something else than the command line.
fn refuse_contradiction(config: &Config, origin: &Origin, env: Env) -> Result<(), Failure> {
    let named = config.origin()?.filter(|named| named != origin);
    if let Some(named) = named {
        return Err(Failure::malformed(format!(
            "the command line asks for the log {origin}, the configuration says {named}; make them agree"
        )));
    }
    match config.env {
        Some(named) if named != env => Err(Failure::malformed(format!(
            "the command line asks for env {env}, the configuration says {named}; make them agree"
        ))),
        _ => Ok(()),
    }
}

fn configuration(new: &NewLog, keys: &KeySettings) -> Result<String, Failure> {
    let mut text = String::new();
    write!(
        text,
        "# Configuration of one Tabellion data directory. Every key can be overridden by a variable TABELLION_SECTION__KEY,\n\
         # for instance TABELLION_EXPORT__DISCLOSE=none. Unknown keys are refused. No secrets belong here.\n\n\
         [log]\n\
         # Name and environment of the log. Both were fixed when it was made; another log in this directory is refused.\n\
         host = {host:?}\n\
         tenant = {tenant:?}\n\
         env = {env:?}\n\
         # Size of new segments in MiB.\n\
         # segment_mib = 64\n\
         # Whether anybody who reaches the control plane may read checkpoints, tiles and entries (C2SP tlog-tiles), without a session. They hold no content.\n\
         # public = false\n\n\
         [retention]\n\
         # Months that content is kept after the month it was recorded in, by retention class; the server erases once a day what is older (docs/retention.md).\n\
         # standard = 84\n\n\
         # Where erasing what somebody names takes two people, one who asks and another who confirms: production (in a log of that environment), always, never.\n\
         # From the first start under it that is on record in the log, and nothing said here later takes it back.\n\
         [erasure]\n\
         second_person = \"production\"\n\n\
         # What has to hold before a policy comes into force (docs/policies.md). With two_people, what one puts forward another confirms; as it stands here, whoever may\n\
         # publish policies does so alone, and the console says that one person can.\n\
         [policies]\n\
         two_people = false\n\
         # observe_first = false\n\n\
         [export]\n\
         # What a package discloses when the command does not say: all, business (nothing about a data subject, no prompts and answers), none.\n\
         # disclose = \"business\"\n\n\
         [console]\n\
         # Where the control plane listens (`off`: nowhere), and where people reach it when that is elsewhere, behind a proxy for instance.\n\
         # listen = \"127.0.0.1:8087\"\n\
         # public_url = \"https://notary.example.org\"\n\n\
         {keys}\n\
         # Others who are to sign what the log showed them: a policy in this directory (docs/witnesses.md).\n\
         # [witness]\n\
         # policy = \"witnesses.txt\"\n\n\
         # The gateway serves once there is a provider to forward to, one section [upstream.NAME] for each (docs/gateway.md):\n\
         # [upstream.openai]\n\
         # base_url = \"https://api.openai.com/v1\"\n\
         # key_env = \"OPENAI_API_KEY\"\n\
         # models = [\"gpt-5-mini\", \"gpt-5-*\"]\n\n\
         # [gateway]\n\
         # listen = \"127.0.0.1:8088\"\n\n\
         # What may be how large and last how long.\n\
         # [limits]\n\
         # body_bytes = 10485760\n",
        host = new.origin.host(),
        tenant = new.origin.tenant(),
        env = new.env.as_str(),
        keys = passphrase_section(keys),
    )
    .map_err(|error| Failure::failed(error.to_string()))?;
    Ok(text)
}

/// What says where the passphrase of the keys is; as a comment where nothing was said.
fn passphrase_section(keys: &KeySettings) -> String {
    let why = "# Where the passphrase of encrypted key files is (docs/keys.md): passphrase_file, passphrase_env or passphrase_credential.\n";
    match keys.passphrase_line() {
        Some(line) => format!("{why}[keys]\n{line}\n"),
        None => format!("{why}# [keys]\n# passphrase_file = \"/etc/tabellion/passphrase\"\n"),
    }
}
