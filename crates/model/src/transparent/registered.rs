//! A statement that somebody else signed, with receipts that carry the entry by which the log took it in (formats §4.1).
//!
//! Promises: the statement is the very one that the entry names. Must never: say anything about who the issuer is; their key is in no trust file.

use tabellion_tlog::{CoseReceipt, Hash, Policy, detach_entry, detach_registrations, leaf_hash, sha256};

use super::{FORM, ISSUER, RECEIPT, SIGNATURE};
use crate::entry::Entry;
use crate::header::Header;
use crate::id::KeyId;
use crate::registry::{Facts, Purpose, StatementRegistered, facts};
use crate::trust::{Claim, Pins, judge_issuer};
use crate::verdict::{Outcome, Report};

/// A receipt and the entry that it places.
struct Registration {
    receipt: CoseReceipt,
    bytes: Vec<u8>,
    header: Header,
    said: StatementRegistered,
    leaf: Hash,
}

impl Registration {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let (bytes, entry) = detach_entry(bytes).map_err(|error| error.to_string())?;
        let receipt = CoseReceipt::parse(&bytes).map_err(|error| error.to_string())?;
        let Entry::Record(record) = Entry::parse(&entry).map_err(|error| error.to_string())? else {
            return Err("the entry that a receipt carries is not a sealed record".to_owned());
        };
        let Ok(Some(Facts::StatementRegistered(said))) = facts(&record.header) else {
            return Err(format!(
                "the entry that a receipt carries is a {} record, not one of a registered statement",
                record.header.record_type
            ));
        };
        Ok(Self { receipt, bytes, header: record.header, said, leaf: leaf_hash(&entry) })
    }
}

/// Whether these bytes are of this form: told by the first receipt, which carries an entry.
pub(super) fn is_registered(bytes: &[u8]) -> bool {
    let first = detach_registrations(bytes).ok().and_then(|(_, receipts)| receipts.into_iter().next());
    first.is_some_and(|receipt| detach_entry(&receipt).is_ok())
}

pub(super) fn check(report: &mut Report, bytes: &[u8], trust: Option<&Policy>) {
    let read =
        detach_registrations(bytes).map_err(|error| error.to_string()).and_then(|(statement, receipts)| {
            let registrations = receipts.iter().map(|receipt| Registration::read(receipt));
            Ok((statement, registrations.collect::<Result<Vec<_>, _>>()?))
        });
    let (statement, registrations) = match read {
        Ok(parts) => parts,
        Err(problem) => return report.set(FORM, Outcome::Malformed, problem),
    };
    let Some(first) = registrations.first() else {
        return report.set(FORM, Outcome::Malformed, "it carries no receipts");
    };
    let log = &first.header.log;
    report.fact("log", log.as_str());
    report.fact("record_id", first.header.record_id.to_hex());
    report.fact("type", first.header.record_type.as_str());
    report.fact("observed_at (a claim)", first.header.observed_at.to_string());
    let digest = sha256(&statement);
    report.fact("statement_sha256", digest.to_hex());
    report.fact("issuer_key (as the log says)", first.said.issuer_key.to_hex());
    let text =
        format!("a statement of somebody else, registered in {log}, with {} receipts", registrations.len());
    report.set(FORM, Outcome::Holds, text);
    check_receipt(report, trust, &digest, log, &registrations);
    let text = format!(
        "not checked: the issuer's key {} is not in this file; the log checked the signature when it took the statement in, and anybody who \
         has that key can check it again",
        first.said.issuer_key
    );
    report.set(SIGNATURE, Outcome::Undetermined, text);
}

/// A receipt of the first one's log under a pinned key decides; one of another log is only read.
fn check_receipt(
    report: &mut Report,
    trust: Option<&Policy>,
    digest: &Hash,
    log: &crate::origin::Origin,
    registrations: &[Registration],
) {
    let pins = trust.map(|policy| Pins::of(policy, log)).unwrap_or_default();
    let own = registrations.iter().filter(|one| one.receipt.iss == log.as_str() && one.header.log == *log);
    let own: Vec<&Registration> = own.collect();
    let pinned = own.iter().find_map(|one| {
        let key = pins.log_keys().iter().find(|key| key.key_id() == one.receipt.kid)?;
        Some((one, key))
    });
    let claim = Claim { origin: log, root: None, log_key: pinned.map(|(_, key)| key), checkpoint: None };
    let (outcome, detail) = judge_issuer(trust, &claim);
    report.set(ISSUER, outcome, detail);
    let Some((one, key)) = pinned else {
        let (outcome, text) = match own.first() {
            None => {
                (Outcome::Broken, format!("no receipt is of {log}, the log of the entry that it carries"))
            }
            Some(one) => (
                Outcome::Undetermined,
                format!(
                    "the receipt is signed by key {}, which the trust file does not pin for {log}; a pinned root key is not enough here, \
                     because no key records come along",
                    one.receipt.kid
                ),
            ),
        };
        return report.set(RECEIPT, outcome, text);
    };
    if one.said.statement_sha256 != *digest {
        let text = format!(
            "the entry registers the statement {}, and this one is {digest}: it was changed, or the receipt is another statement's",
            one.said.statement_sha256
        );
        return report.set(RECEIPT, Outcome::Broken, text);
    }
    if one.receipt.sub != one.header.record_id.to_hex() {
        let text =
            format!("the receipt is about {:?}, not about the record that it carries", one.receipt.sub);
        return report.set(RECEIPT, Outcome::Broken, text);
    }
    match CoseReceipt::verify(&one.bytes, &one.leaf, key) {
        Ok(facts) => {
            report.uses.add(KeyId::of(key), Purpose::Log.as_str(), RECEIPT, None);
            report.fact("index", facts.index);
            report.fact("size", facts.size);
            let text = format!(
                "the entry at index {} of {}, as the receipt says, registers this statement, signed by log key {}",
                facts.index,
                facts.size,
                KeyId::of(key)
            );
            report.set(RECEIPT, Outcome::Holds, text);
        }
        Err(error) => {
            report.set(RECEIPT, Outcome::Broken, format!("record {}: {error}", one.header.record_id));
        }
    }
}
