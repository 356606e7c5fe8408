//! COSE Receipts and transparent statements (RFC 9942, RFC 9943) of entries, and the keys that sign them.
//!
//! Promises: a receipt is made over a tree that the log has signed before; the same entry gives the same bytes as long as the same key is in
//! force. Must never: sign for an entry that is not in that tree.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tabellion_ledger::keyring::KeyPair;
use tabellion_ledger::{EntryView, LedgerError, OpenError, Reader, UnitContent};
use tabellion_model::registry::{Facts, Revocation, facts};
use tabellion_model::{Entry, KeyGrant, KeyId, KeyInfo, Purpose};
use tabellion_tlog::{
    CoseReceipt, ForeignError, InclusionProof, PublicKey, ReceiptError, attach_entry, attach_receipts,
    attach_registrations, sha256,
};

/// Body field of a `statement.registered` record that holds the statement, base64.
pub(crate) const STATEMENT_FIELD: &str = "statement";

/// Gives a key of the log by its id.
pub type LoadKey<'a> = &'a dyn Fn(&KeyId) -> Result<KeyPair, OpenError>;

/// Why there is no receipt or transparent statement.
#[derive(Debug, thiserror::Error)]
pub enum CoseReceiptError {
    /// The log.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No key.
    #[error("no log key is in force at size {0}")]
    NoKey(u64),
    /// The key's file.
    #[error(transparent)]
    KeyFile(#[from] OpenError),
    /// The receipt.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The statement of somebody else.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// Neither a statement nor one that was registered.
    #[error(
        "entry {0} is not a statement, so it cannot become a transparent statement; its receipt proves it all the same"
    )]
    NotAStatement(u64),
    /// Its content is gone.
    #[error("the statement that entry {0} registers is not kept any more, or never was here; its receipt is")]
    Gone(u64),
}

/// The COSE Receipt of an entry. One of a registered statement carries the entry too, because the statement is not the entry (formats §4.1).
pub fn cose_receipt(
    reader: &Reader,
    load: LoadKey<'_>,
    view: &EntryView,
) -> Result<Vec<u8>, CoseReceiptError> {
    let (size, log) = place(reader, view.index)?;
    let pair = load(&log.key_id)?;
    let header = view.entry.header();
    let subject = header.map_or_else(|| format!("entry{}", view.index), |header| header.record_id.to_hex());
    let proof = InclusionProof { size, index: view.index, path: reader.inclusion(view.index, size)? };
    let root = reader.root_at(size)?;
    let receipt = CoseReceipt::issue(&root, &proof, reader.origin().as_str(), &subject, pair.key.as_ref())?;
    if registered(view).is_some() { Ok(attach_entry(&receipt, &view.bytes)?) } else { Ok(receipt) }
}

/// The transparent statement of an entry: the statement with its receipt, ours or the one that was registered.
pub fn transparent_statement(
    reader: &Reader,
    load: LoadKey<'_>,
    view: &EntryView,
) -> Result<Vec<u8>, CoseReceiptError> {
    if let Some(said) = registered(view) {
        let statement = kept_statement(view).filter(|bytes| sha256(bytes) == said.statement_sha256);
        let statement = statement.ok_or(CoseReceiptError::Gone(view.index))?;
        return Ok(attach_registrations(&statement, &[cose_receipt(reader, load, view)?])?);
    }
    if !matches!(view.entry, Entry::Statement(_)) {
        return Err(CoseReceiptError::NotAStatement(view.index));
    }
    Ok(attach_receipts(&view.bytes, &[cose_receipt(reader, load, view)?])?)
}

/// What the entry says, when it registers somebody else's statement.
pub(crate) fn registered(view: &EntryView) -> Option<tabellion_model::registry::StatementRegistered> {
    let header = view.entry.header()?;
    match facts(header) {
        Ok(Some(Facts::StatementRegistered(said))) => Some(said),
        _ => None,
    }
}

/// The public keys that receipts of this log are or were signed with, the newest first; without those that somebody else may hold.
pub(crate) fn receipt_keys(reader: &Reader) -> Vec<PublicKey> {
    let keys = reader.keys();
    let stolen =
        |grant: &KeyGrant| grant.revocations.iter().any(|(_, reason)| *reason == Revocation::Compromised);
    let mut grants: Vec<_> =
        keys.grants().filter(|grant| grant.purpose == Purpose::Log && !stolen(grant)).collect();
    grants.sort_by_key(|grant| std::cmp::Reverse(grant.since));
    grants.into_iter().map(|grant| grant.info.public).collect()
}

/// The size and key of a receipt: those of the entry's own commit, so that it comes out the same each time; the newest once that key is replaced.
fn place(reader: &Reader, index: u64) -> Result<(u64, KeyInfo), CoseReceiptError> {
    let (own, newest) = (reader.commit_end(index)?, reader.size());
    let keys = reader.keys();
    let now = keys.in_force(Purpose::Log, newest).ok_or(CoseReceiptError::NoKey(newest))?;
    let same = keys.in_force(Purpose::Log, own).is_some_and(|then| then.key_id == now.key_id);
    Ok((if same { own } else { newest }, *now))
}

fn kept_statement(view: &EntryView) -> Option<Vec<u8>> {
    let shown = view.units.iter().filter_map(|unit| match &unit.content {
        UnitContent::Shown(disclosures) => Some(disclosures),
        UnitContent::Erased | UnitContent::Missing => None,
    });
    let field = shown.flatten().find(|disclosure| disclosure.name() == STATEMENT_FIELD)?;
    STANDARD.decode(field.value().as_str()?).ok()
}
