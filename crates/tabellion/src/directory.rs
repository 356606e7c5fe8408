//! The data directory as the commands see it: where it is, how it is configured, whether it is private, how it is opened.
//!
//! Promises: nothing is read from a directory whose keys others can read; reading commands take no lock and change nothing. Must never:
//! create a log where none is (that is `init`'s alone, and the demo's).

mod private;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::keyring::{self, KeyAccess, KeyPair};
use tabellion_ledger::{ComparedReader, OpenOptions, OsEntropy, Reader, SystemClock, retired};
use tabellion_model::{KeyId, Purpose};

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::secret::Asked;
use crate::terminal;
use crate::witnesses::policy::WitnessPolicy;

pub(crate) use private::{check_private, check_unchanged_by_others};

/// Below the data directory: where the log's segments are.
const SEGMENTS: &str = "log/segments";
/// Name of the trust file that `init` writes.
pub(crate) const TRUST_FILE: &str = "trust.txt";
/// Name of the local socket.
pub(crate) const SOCKET: &str = "tabellion.sock";

/// Which data directory a command works on.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Place {
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// The configuration file, when it is not DIR/tabellion.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Place {
    /// The configuration that applies here.
    pub(crate) fn load_config(&self) -> Result<Config, Failure> {
        match &self.config {
            Some(file) => Config::load(file, true),
            None => Config::load(&self.dir.join(config::FILE_NAME), false),
        }
    }

    /// Where the configuration is, or would be.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| self.dir.join(config::FILE_NAME))
    }

    /// Refuses a directory that holds a log and has lost the configuration that came with it: defaults would take the place of what somebody
    /// had set, in silence.
    pub(crate) fn check_config_is_there(&self) -> Result<(), Failure> {
        let file = self.dir.join(config::FILE_NAME);
        if self.config.is_some() || file.exists() || !has_log(&self.dir)? {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "{0} is missing, and with it what was set there: providers, limits, how long content is kept, what packages show. Put it back (from a \
             backup; the newest config.loaded record says what it held), name another with --config, or make it anew, empty for defaults alone: touch {0}",
            file.display()
        )))
    }
}

/// An existing data directory with its configuration.
#[derive(Clone)]
pub(crate) struct Directory {
    path: PathBuf,
    config: Config,
    /// One for the whole command, so that a passphrase is asked for once.
    keys: KeyAccess,
    /// Why nothing is written: the configuration is lost.
    unconfigured: Option<String>,
}

impl Directory {
    /// Finds the directory, reads its configuration and refuses it when it holds no log or is open to others.
    pub(crate) fn find(place: &Place) -> Result<Self, Failure> {
        let config = place.load_config()?;
        let path = place.dir.clone();
        if !has_log(&path)? {
            return Err(Failure::malformed(format!(
                "there is no log in {0}. Make one with: tabellion init --dir {0}, or name the right directory with --dir",
                path.display()
            )));
        }
        check_private(&path)?;
        let keys = config.keys.access(Asked::Known);
        let unconfigured = place.check_config_is_there().err().map(|failure| failure.to_string());
        Ok(Self { path, config, keys, unconfigured })
    }

    /// Refuses to write to a log whose configuration is lost; reading goes on.
    pub(crate) fn check_configured(&self) -> Result<(), Failure> {
        self.unconfigured.as_ref().map_or(Ok(()), |why| Err(Failure::failed(why.clone())))
    }

    /// The same directory under a changed configuration.
    pub(crate) fn configured(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Its files.
    pub(crate) fn disk(&self) -> Result<Arc<dyn Disk>, Failure> {
        let disk = RealDisk::open(&self.path).map_err(|error| Failure::io("open", &self.path, &error))?;
        Ok(Arc::new(disk))
    }

    /// Why nothing may be appended to this copy of the log; `None`: it goes on.
    pub(crate) fn retired(&self) -> Result<Option<String>, Failure> {
        retired(self.disk()?.as_ref()).map_err(|error| Failure::io("look into", &self.path, &error))
    }

    /// How to open it; `background`: for a server.
    pub(crate) fn options(&self, background: bool) -> Result<OpenOptions, Failure> {
        let mut options = options(&self.config, background)?;
        options.keys = self.keys.clone();
        Ok(options)
    }

    /// The signing key that `key_id` names, from its file or its token.
    pub(crate) fn key_pair(&self, purpose: Purpose, key_id: &KeyId) -> Result<KeyPair, Failure> {
        Ok(self.keys.load(self.disk()?.as_ref(), purpose, key_id)?)
    }

    /// Whether the key files are encrypted.
    pub(crate) fn has_encrypted_keys(&self) -> Result<bool, Failure> {
        Ok(keyring::are_encrypted(self.disk()?.as_ref())?)
    }

    /// The witnesses that are to be asked, when the configuration names a policy.
    pub(crate) fn witnesses(&self) -> Result<Option<WitnessPolicy>, Failure> {
        let file = self.config.witness_policy.as_deref();
        file.map(|file| WitnessPolicy::read(file, &self.path)).transpose()
    }

    /// Opens the committed prefix for reading, without lock. What was left out is said on standard error.
    pub(crate) fn reader(&self) -> Result<Reader, Failure> {
        let (reader, notes) = Reader::open(self.disk()?, &self.options(false)?)?;
        terminal::say_notes(&notes);
        self.check_env(&reader)?;
        Ok(reader)
    }

    /// The same, with what is wrong with the vault's keys, held against those that content needs.
    pub(crate) fn reader_with_keys(&self) -> Result<ComparedReader, Failure> {
        let compared = Reader::open_and_compare_keys(self.disk()?, &self.options(false)?)?;
        terminal::say_notes(&compared.notes);
        self.check_env(&compared.reader)?;
        Ok(compared)
    }

    /// Refuses a log of another environment than the configuration names.
    pub(crate) fn check_env(&self, reader: &Reader) -> Result<(), Failure> {
        match self.config.env {
            Some(env) if env != reader.env() => Err(Failure::failed(format!(
                "{} holds a {} log, but the configuration says [log] env = {:?}. An environment is fixed when a log is made: correct \
                 the configuration, or name the right directory",
                self.path.display(),
                reader.env(),
                env.as_str()
            ))),
            _ => Ok(()),
        }
    }
}

/// How to open or make a log under `config`.
pub(crate) fn options(config: &Config, background: bool) -> Result<OpenOptions, Failure> {
    let mut options = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    options.origin = config.origin()?;
    options.background = background;
    options.erase_by_two = config.erase_by_two.environments();
    options.subject_names = tabellion_gateway::subject_names;
    options.keys = config.keys.access(Asked::Known);
    if let Some(mib) = config.segment_mib {
        options.segment_bytes = mib << 20;
    }
    Ok(options)
}

/// Whether `dir` holds a log, or the beginnings of one.
pub(crate) fn has_log(dir: &Path) -> Result<bool, Failure> {
    let segments = dir.join(SEGMENTS);
    match fs::read_dir(&segments) {
        Ok(mut names) => Ok(names.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io("look into", &segments, &error)),
    }
}
