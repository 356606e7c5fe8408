//! Where a passphrase or PIN comes from: a private file, a variable, a credential of systemd, or the person at the terminal.
//!
//! Promises: it never stands on a command line, in a record or in a message; a file that others can read is refused; a terminal does not show what is
//! typed. Must never: ask a terminal when a place was named.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use tabellion_ledger::keyring::{MAX_PASSPHRASE_BYTES, Passphrase};
use zeroize::Zeroizing;

/// The credential that is looked for when no place is named (systemd: `LoadCredential=` or `LoadCredentialEncrypted=`).
pub(crate) const DEFAULT_CREDENTIAL: &str = "tabellion-passphrase";
/// Where systemd puts a service's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// A place that holds one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    /// The first line of a file.
    File(PathBuf),
    /// A variable.
    Variable(String),
    /// A credential that systemd hands to the service.
    Credential(String),
}

/// Whether the passphrase is one that exists or one that is being chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It opens what is there.
    Known,
    /// It is being chosen: a person types it twice.
    Anew,
}

impl SecretPlace {
    /// The secret.
    pub(crate) fn read(&self) -> Result<Zeroizing<String>, String> {
        match self {
            Self::File(path) => read_file(path, true),
            Self::Variable(name) => {
                let value = std::env::var(name);
                value
                    .map(Zeroizing::new)
                    .map_err(|_| format!("the variable {name} is not set, or not text. Set it"))
            }
            Self::Credential(name) => {
                let directory = std::env::var_os(CREDENTIALS).ok_or_else(|| {
                    format!("there are no credentials here: {CREDENTIALS} is not set. Start it as a service with LoadCredential={name}:FILE")
                })?;
                // systemd made the directory for this service alone.
                read_file(&Path::new(&directory).join(name), false)
            }
        }
    }
}

fn read_file(path: &Path, private: bool) -> Result<Zeroizing<String>, String> {
    let name = path.display();
    let failed =
        |error: std::io::Error| format!("{name} cannot be read: {error}. Check the path and who may read it");
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if private && mode & OTHERS != 0 {
        return Err(format!(
            "{name} can be read or changed by other users. Make it private: chmod 600 {name}"
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_PASSPHRASE_BYTES + 2));
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_PASSPHRASE_BYTES as u64 + 2).read_to_string(&mut text).map_err(|error| {
        format!("{name} cannot be read as text: {error}. Its first line is to be the passphrase or PIN")
    })?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// The passphrase: from the place that was named, else from the default credential, else from whoever sits at the terminal.
pub(crate) fn passphrase(place: Option<&SecretPlace>, asked: Asked) -> Result<Passphrase, String> {
    let credential = SecretPlace::Credential(DEFAULT_CREDENTIAL.to_owned());
    let handed =
        std::env::var_os(CREDENTIALS).is_some_and(|dir| Path::new(&dir).join(DEFAULT_CREDENTIAL).exists());
    let text = match place.or(handed.then_some(&credential)) {
        Some(place) => place.read()?,
        None => typed(asked)?,
    };
    Passphrase::new(text).ok_or_else(|| {
        format!("the passphrase is empty, longer than {MAX_PASSPHRASE_BYTES} bytes, or has control characters. Correct it where it is kept")
    })
}

fn typed(asked: Asked) -> Result<Zeroizing<String>, String> {
    let nobody = |_| {
        "nobody can be asked for the passphrase: there is no terminal. Name where it is: [keys] passphrase_file or passphrase_env, or the systemd \
         credential tabellion-passphrase"
            .to_owned()
    };
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(nobody)?;
    let unreadable = |error: std::io::Error| {
        format!("the terminal cannot be asked: {error}. Name a file: [keys] passphrase_file")
    };
    let first = ask(&terminal, "Passphrase of the keys: ").map_err(unreadable)?;
    if asked == Asked::Anew && *ask(&terminal, "The same once more: ").map_err(unreadable)? != *first {
        return Err("the two were not the same. Try again".to_owned());
    }
    Ok(first)
}

/// Asks one question, and shows nothing of the answer.
fn ask(mut terminal: &File, question: &str) -> std::io::Result<Zeroizing<String>> {
    let before = tcgetattr(terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    terminal.write_all(question.as_bytes())?;
    tcsetattr(terminal, OptionalActions::Flush, &silent)?;
    let mut line = Zeroizing::new(String::with_capacity(MAX_PASSPHRASE_BYTES + 2));
    let read = BufReader::new(terminal.take(MAX_PASSPHRASE_BYTES as u64 + 2)).read_line(&mut line);
    tcsetattr(terminal, OptionalActions::Flush, &before)?;
    read?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
