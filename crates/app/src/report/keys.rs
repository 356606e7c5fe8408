//! Whose keys speak in this log: those in force at the checkpoint, and how they came to be (`docs/formats.md` §6).

use tabellion_ledger::EntryView;
use tabellion_model::registry::{Facts, facts};
use tabellion_model::{KeyGrant, KeyId, Purpose, Standing};

use super::words::{count, row_time, short};
use crate::export::{ExportError, Subject};

/// Rows of key records: what a busy log collects in years. The rest is counted.
const MAX_HISTORY_ROWS: usize = 200;
/// Rows of keys in force: four of the log's own and as many actors as a page or two hold.
const MAX_KEY_ROWS: usize = 100;

/// A key in force at the checkpoint.
pub(super) struct KeyRow {
    pub(super) purpose: &'static str,
    pub(super) does: &'static str,
    pub(super) key_id: String,
    pub(super) credential: String,
    pub(super) since: u64,
}

/// One key record.
pub(super) struct KeyEvent {
    pub(super) index: u64,
    pub(super) time: String,
    pub(super) what: String,
    pub(super) detail: String,
}

/// Both tables.
pub(super) struct Keys {
    pub(super) in_force: Vec<KeyRow>,
    pub(super) more_in_force: usize,
    pub(super) history: Vec<KeyEvent>,
    pub(super) more_history: usize,
    pub(super) root: String,
    pub(super) records: String,
}

pub(super) fn keys(subject: &Subject<'_>) -> Result<Keys, ExportError> {
    let (chain, size) = (&subject.chain, subject.span.size);
    let status = |grant: &&KeyGrant| {
        chain.find(&grant.info.key_id, size).is_some_and(|status| status.standing == Standing::InForce)
    };
    let mut grants: Vec<&KeyGrant> =
        chain.grant_of(&chain.root().key_id).into_iter().chain(chain.grants()).filter(status).collect();
    grants.sort_by_key(|grant| (grant.purpose, grant.since, grant.info.key_id));
    let more_in_force = grants.len().saturating_sub(MAX_KEY_ROWS);
    let indexes = subject.reader.key_records(size);
    let history =
        indexes.iter().take(MAX_HISTORY_ROWS).map(|index| Ok(key_event(&subject.reader.entry(*index)?)));
    Ok(Keys {
        in_force: grants.into_iter().take(MAX_KEY_ROWS).map(key_row).collect(),
        more_in_force,
        history: history.collect::<Result<_, ExportError>>()?,
        more_history: indexes.len().saturating_sub(MAX_HISTORY_ROWS),
        root: chain.root().key_id.to_hex(),
        records: count(chain.version()),
    })
}

fn key_row(grant: &KeyGrant) -> KeyRow {
    KeyRow {
        purpose: name(grant.purpose),
        does: match grant.purpose {
            Purpose::Root => "signs key records",
            Purpose::Log => "signs checkpoints and receipts",
            Purpose::Writer => "signs seals",
            Purpose::Package => "signs packages",
            Purpose::Actor => "signs statements",
        },
        key_id: grant.info.key_id.to_hex(),
        credential: grant.credential.to_string(),
        since: grant.since,
    }
}

fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Root => "Root key",
        Purpose::Log => "Log key",
        Purpose::Writer => "Writer key",
        Purpose::Package => "Package key",
        Purpose::Actor => "Actor key",
    }
}

/// A key record in words. The time is the root's own claim: key records may lie outside the range, where no seal of this package dates them.
fn key_event(view: &EntryView) -> KeyEvent {
    let id = |key: &KeyId| short(&key.to_hex());
    let (time, facts) = match view.entry.header() {
        Some(header) => (row_time(header.observed_at), facts(header).ok().flatten()),
        None => (String::new(), None),
    };
    let (what, detail) = match facts {
        Some(Facts::Genesis(genesis)) => {
            ("Log begun".to_owned(), format!("root key {} introduces itself", id(&genesis.key.key_id)))
        }
        Some(Facts::KeyGranted(granted)) => {
            let detail = format!(
                "{} to credential {}",
                id(&granted.key.key_id),
                short(&granted.credential.to_string())
            );
            (format!("{} granted", name(granted.purpose)), detail)
        }
        Some(Facts::KeyRotated(rotated)) => {
            let detail = format!("{} replaces {}; both signed", id(&rotated.key.key_id), id(&rotated.old));
            (format!("{} rotated", name(rotated.purpose)), detail)
        }
        Some(Facts::KeyRevoked(revoked)) => {
            ("Key revoked".to_owned(), format!("{}: {}", id(&revoked.key_id), revoked.reason.as_str()))
        }
        _ => ("Key record".to_owned(), String::new()),
    };
    KeyEvent { index: view.index, time, what, detail }
}
