//! `tabellion key`: who may sign what, and how that changes.
//!
//! Promises: secrets are never printed; every change is a record under the root key. Must never: change a key without recording it.

mod encrypt;
mod second;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use tabellion_ledger::{Reader, keyring};
use tabellion_model::{CredentialId, KeyChain, KeyEnd, KeyGrant, KeyId, Purpose};
use tabellion_tlog::{IssuerKey, VerifierKey};

use super::init::write_trust;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::sealing::random_id;
use crate::writer::{Writer, unexpected};
use crate::{terminal, trust};

/// What to do with keys.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// List the log's keys and how they stand
    List {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one key, its public half in the form that others need
    Show {
        #[command(flatten)]
        place: Place,
        /// The key id, or enough of its beginning
        #[arg(value_name = "KEYID")]
        key: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
        /// Print the public key alone, in PEM (RFC 7468, its subject public key info), as others take it
        #[arg(long, conflicts_with = "json")]
        pem: bool,
    },
    /// Print the log's trust file as it should be now
    Trust {
        #[command(flatten)]
        place: Place,
        /// Ask for the witnesses of the configured policy too: only what they cosigned is then believed
        #[arg(long)]
        witnessed: bool,
    },
    /// Make a key and grant it; or grant a key that somebody else holds
    Create {
        #[command(flatten)]
        place: Place,
        /// What it may sign
        #[arg(long, value_name = "PURPOSE", default_value = "actor")]
        purpose: PurposeName,
        /// Grant this public key (base64) instead of making one: its secret never comes here
        #[arg(long, value_name = "KEY")]
        public: Option<String>,
    },
    /// Make a second key for checkpoints, ML-DSA-44 (post-quantum), in a file of its own, and put it on record
    Hybrid {
        #[command(flatten)]
        place: Place,
    },
    /// Replace a key by a new one, with the signatures of both
    Rotate {
        #[command(flatten)]
        place: Place,
        /// The purpose whose key is replaced (log, writer, package, hybrid), or a key id
        #[arg(value_name = "PURPOSE|KEYID")]
        which: String,
    },
    /// Encrypt the key files under a passphrase, or under another one; no server may run meanwhile
    Encrypt(encrypt::Options),
    /// Revoke a key; for log, writer and package a new one is granted in the same step, the second key (hybrid) is withdrawn
    Revoke {
        #[command(flatten)]
        place: Place,
        /// The key id, or enough of its beginning
        #[arg(value_name = "KEYID")]
        key: String,
        /// Why
        #[arg(long, value_name = "REASON")]
        reason: ReasonName,
    },
}

/// Purposes of keys that are granted.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PurposeName {
    /// Checkpoints and receipts.
    Log,
    /// Seals.
    Writer,
    /// Packages.
    Package,
    /// Statements.
    Actor,
}

/// Reasons of revocations.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ReasonName {
    /// Somebody else may have it.
    Compromised,
    /// Nobody has it.
    Lost,
    /// It is no longer used.
    Retired,
}

pub(super) use second::introduce as introduce_second;

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::List { place, json } => list(place, *json),
        Action::Show { place, key, json, pem } => show(place, key, (*json, *pem)),
        Action::Trust { place, witnessed } => {
            let directory = Directory::find(place)?;
            let text = trust::text(&directory.reader()?)?;
            if !*witnessed {
                return terminal::data(&text);
            }
            let missing = || {
                Failure::malformed(
                    "no witnesses are configured; set [witness] policy, or leave out --witnessed",
                )
            };
            terminal::data(&trust::with_witnesses(&text, directory.witnesses()?.ok_or_else(missing)?.policy)?)
        }
        Action::Create { place, purpose, public } => create(place, *purpose, public.as_deref()),
        Action::Hybrid { place } => second::introduce(place),
        Action::Rotate { place, which } => rotate(place, which),
        Action::Encrypt(options) => encrypt::run(options),
        Action::Revoke { place, key, reason } => {
            let directory = Directory::find(place)?;
            let reader = directory.reader()?;
            let (key_id, reason) = (find(&reader, key)?, word(reason));
            if reader.second_keys().find(&key_id).is_some() {
                return second::withdraw(&directory, &key_id, reason);
            }
            let key_id = key_id.to_hex();
            change(
                &directory,
                &Request::RevokeKey { key_id: key_id.clone(), reason: reason.clone() },
                &format!("revoked {key_id} ({reason})"),
            )
        }
    }
}

fn create(place: &Place, purpose: PurposeName, public: Option<&str>) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    let request = match (public, purpose) {
        (None, purpose) => Request::GrantKey { purpose: word(&purpose) },
        (Some(public), PurposeName::Actor) => {
            let credential = CredentialId::from_bytes(random_id()?);
            Request::GrantPublicKey { public: public.to_owned(), credential: credential.to_hex() }
        }
        (Some(_), _) => {
            return Err(Failure::malformed(
                "only actor keys can be held elsewhere: the log itself signs with the others. Leave out --public",
            ));
        }
    };
    change(&directory, &request, "granted")
}

fn rotate(place: &Place, which: &str) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    let reader = directory.reader()?;
    let keys = reader.keys();
    if which == second::PURPOSE {
        return second::rotate(&directory);
    }
    let key_id = match Purpose::parse(which) {
        Some(Purpose::Actor) => {
            return Err(Failure::malformed(
                "there can be several actor keys; name one by its key id (tabellion key list)",
            ));
        }
        Some(purpose) => keys.in_force(purpose, reader.size()).map(|key| key.key_id).ok_or_else(|| {
            Failure::failed(format!(
                "no {purpose} key is in force; create one: tabellion key create --purpose {purpose}"
            ))
        })?,
        None => find(&reader, which)?,
    };
    if reader.second_keys().in_force().is_some_and(|grant| grant.info.key_id == key_id) {
        return second::rotate(&directory);
    }
    change(&directory, &Request::RotateKey { key_id: key_id.to_hex() }, &format!("rotated {key_id} out"))
}

/// Has the change recorded, says what is in force now, and brings the trust file up to date.
fn change(directory: &Directory, request: &Request, what: &str) -> Result<(), Failure> {
    let answer = Writer::with(directory, |writer| writer.ask(request))?;
    let Answer::Key { key_id, purpose, record } = answer else { return Err(unexpected(&answer)) };
    let now = match (key_id, purpose) {
        (Some(key), Some(purpose)) => format!("; {purpose} key {key} is in force"),
        _ => String::new(),
    };
    terminal::data(&format!("{what}{now}, entry {}\n", record.index))?;
    write_trust(directory.path(), &directory.reader()?)?;
    terminal::say("Back up the keys directory again: a key that is only here is lost with this disk.");
    Ok(())
}

fn list(place: &Place, as_json: bool) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    let reader = directory.reader()?;
    let (keys, second) = (reader.keys(), reader.second_keys());
    let held = held_here(&directory)?;
    let rows = sorted(&keys);
    if as_json {
        let rows = rows.iter().map(|grant| describe(grant, &held));
        let rows: Vec<Value> =
            rows.chain(second.all().iter().map(|grant| second::describe(grant, &held))).collect();
        return terminal::json(&json!({ "keys": rows, "origin": keys.origin().as_str() }));
    }
    let mut text = String::new();
    for grant in rows {
        let here = if held.contains(&grant.info.key_id) { "held here" } else { "held elsewhere" };
        let (id, purpose, standing) = (grant.info.key_id, grant.purpose.as_str(), standing(grant));
        writeln!(text, "{purpose:<8} {id}  since entry {:<6} {standing}, {here}", grant.since)
            .map_err(|error| Failure::failed(error.to_string()))?;
    }
    text.extend(second.all().iter().map(|grant| second::row(grant, &held)));
    terminal::data(&text)
}

fn show(place: &Place, key: &str, (as_json, as_pem): (bool, bool)) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    let reader = directory.reader()?;
    let keys = reader.keys();
    let key_id = find(&reader, key)?;
    let held = held_here(&directory)?;
    if let Some(grant) = reader.second_keys().find(&key_id) {
        if as_pem {
            return Err(Failure::malformed(
                "the second key is no key that others take in PEM; leave out --pem: vkey is its line of a trust file",
            ));
        }
        return print_facts(&second::describe_whole(&reader, grant, &held), as_json);
    }
    let grant = keys
        .grant_of(&key_id)
        .ok_or_else(|| Failure::failed(format!("there is no key {key_id} in this log")))?;
    if as_pem {
        return terminal::data(&IssuerKey::Ed25519(grant.info.public).to_pem());
    }
    let mut facts = describe(grant, &held);
    let name = match grant.purpose {
        Purpose::Root => Some(format!("{}/root", keys.origin())),
        Purpose::Log => Some(keys.origin().to_string()),
        Purpose::Writer | Purpose::Package | Purpose::Actor => None,
    };
    let vkey = name.and_then(|name| VerifierKey::new(&name, grant.info.public).ok());
    if let (Some(vkey), Some(members)) = (vkey, facts.as_object_mut()) {
        members.insert("vkey".to_owned(), vkey.to_string().into());
    }
    print_facts(&facts, as_json)
}

fn print_facts(facts: &Value, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return terminal::json(facts);
    }
    let members = facts.as_object().into_iter().flatten();
    members.into_iter().try_for_each(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        terminal::data(&format!("{name:<10} {value}\n"))
    })
}

/// Every key, the root first, then in the order of their grants.
fn sorted(keys: &KeyChain) -> Vec<&KeyGrant> {
    let mut rows: Vec<&KeyGrant> = keys.grants().collect();
    rows.sort_by_key(|grant| (grant.since, grant.info.key_id));
    keys.grant_of(&keys.root().key_id).into_iter().chain(rows).collect()
}

fn describe(grant: &KeyGrant, held: &[KeyId]) -> Value {
    json!({
        "credential": grant.credential.to_hex(), "held_here": held.contains(&grant.info.key_id), "key_id": grant.info.key_id.to_hex(),
        "public": public_text(grant), "purpose": grant.purpose.as_str(), "since": grant.since, "standing": standing(grant),
    })
}

fn public_text(grant: &KeyGrant) -> String {
    STANDARD.encode(grant.info.public.as_bytes())
}

fn standing(grant: &KeyGrant) -> String {
    let ended = match &grant.end {
        None => "in force".to_owned(),
        Some(KeyEnd::Rotated { index, .. }) => format!("rotated out at entry {index}"),
        Some(KeyEnd::Revoked { index, reason }) => {
            return format!("revoked at entry {index} ({})", reason.as_str());
        }
    };
    let later = grant
        .revocations
        .iter()
        .map(|(index, reason)| format!(", revoked at entry {index} ({})", reason.as_str()));
    later.fold(ended, |text, more| text + &more)
}

/// Keys whose secrets are in this directory.
fn held_here(directory: &Directory) -> Result<Vec<KeyId>, Failure> {
    let disk = directory.disk()?;
    let mut held = Vec::new();
    for purpose in [Purpose::Root, Purpose::Log, Purpose::Writer, Purpose::Package, Purpose::Actor] {
        held.extend(keyring::list_keys(disk.as_ref(), purpose)?);
    }
    held.extend(directory.reader()?.held_second_keys()?);
    Ok(held)
}

/// The one key whose id begins so.
fn find(reader: &Reader, beginning: &str) -> Result<KeyId, Failure> {
    let (keys, second) = (reader.keys(), reader.second_keys());
    let all = sorted(&keys);
    let second = second.all().iter().map(|grant| grant.info.key_id);
    let mut matching = all
        .iter()
        .map(|grant| grant.info.key_id)
        .chain(second)
        .filter(|key| !beginning.is_empty() && key.to_hex().starts_with(beginning));
    match (matching.next(), matching.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => {
            Err(Failure::malformed(format!("several key ids begin with {beginning}; give more of it")))
        }
        (None, _) => Err(Failure::malformed(format!(
            "no key id of this log begins with {beginning:?}; tabellion key list shows them"
        ))),
    }
}

/// The word of a value of the command line.
fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
