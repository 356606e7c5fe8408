//! Statements that others signed: their receipts carry the entry that registers them, and nothing else fits.

use serde_json::json;
use tabellion_model::registry::{Facts, Purpose, StatementRegistered};
use tabellion_model::{Entry, KeyId, Outcome, Report, verify};
use tabellion_tlog::{
    CoseReceipt, HashEnvelope, InclusionProof, PayloadHash, Policy, attach_entry, attach_registrations,
    detach_entry, detach_registrations, sha256,
};

use super::fixture::{Log, key, plain};

/// A log that registered a statement of somebody else, the statement, and its entry.
pub(crate) struct Registered {
    pub(crate) log: Log,
    pub(crate) statement: Vec<u8>,
    index: u64,
}

pub(crate) fn registered() -> Registered {
    let mut log = plain();
    let issuer = key("an issuer");
    let envelope = HashEnvelope {
        hash: PayloadHash::Sha256,
        preimage_type: Some("application/octet-stream".to_owned()),
        location: None,
    };
    let digest = envelope.hash.of(b"weights");
    let statement = envelope.sign(&digest, "vendor.example", "model 7", &issuer).unwrap();
    let own = log.own();
    let mut header = log.header("statement.registered", own, 1, None);
    let said =
        StatementRegistered { issuer_key: KeyId::of(&issuer.public()), statement_sha256: sha256(&statement) };
    header.clear = Facts::StatementRegistered(said).to_clear();
    let index = log.push_record(header);
    log.seal();
    Registered { log, statement, index }
}

impl Registered {
    /// The receipt of the entry at `index`, carrying it.
    fn receipt_of(&self, index: u64) -> Vec<u8> {
        let placed = self.log.placed(index, self.log.size());
        let entry = Entry::parse(&placed.entry).unwrap();
        let subject = entry.header().unwrap().record_id.to_hex();
        let proof = InclusionProof { size: self.log.size(), index, path: placed.path };
        let root = self.log.root_at(self.log.size());
        let signer = &self.log.keys[&Purpose::Log];
        let receipt = CoseReceipt::issue(&root, &proof, self.log.origin.as_str(), &subject, signer).unwrap();
        attach_entry(&receipt, &placed.entry).unwrap()
    }

    pub(crate) fn transparent(&self) -> Vec<u8> {
        attach_registrations(&self.statement, &[self.receipt_of(self.index)]).unwrap()
    }

    fn verify(&self, bytes: &[u8]) -> Report {
        verify(bytes, Some(&Policy::parse(self.log.trust()).unwrap()))
    }
}

#[test]
fn a_registered_statement_verifies_under_the_pinned_log_key_and_says_what_it_leaves_open() {
    let registered = registered();
    let bytes = registered.transparent();
    let report = registered.verify(&bytes);
    assert_eq!(report.exit_code(), 0, "an honest statement is refused\n{}", report.to_text());
    let digest = json!(sha256(&registered.statement).to_hex());
    assert_eq!(
        report.facts["statement_sha256"], digest,
        "the reader cannot tell which statement was checked"
    );
    let signature = report.check("statement signature").unwrap();
    assert!(
        !signature.required && signature.outcome == Outcome::Undetermined,
        "the issuer's signature passes unchecked"
    );
    assert_eq!(verify(&bytes, None).exit_code(), 3, "a stranger's statement passes");
    let root_only = verify(&bytes, Some(&Policy::parse(registered.log.root_trust()).unwrap()));
    assert_eq!(root_only.exit_code(), 3, "a root key alone vouches for a receipt without key records");
    let other = Policy::parse(Log::new("other.example", "b").trust()).unwrap();
    assert_eq!(verify(&bytes, Some(&other)).exit_code(), 3, "another log's key is believed");
}

#[test]
fn another_statement_receipt_or_entry_does_not_fit() {
    let registered = registered();
    let bytes = registered.transparent();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let report = registered.verify(&changed);
        // A changed name of the log or its key is somebody unknown, which is no verdict in favour.
        assert_ne!(
            report.exit_code(),
            0,
            "byte {position} was changed and nobody noticed\n{}",
            report.to_text()
        );
    }
    let statement = &registered.statement;
    // The receipt of a record that registers nothing, and of the entry under another proof.
    let unrelated =
        attach_registrations(statement, &[registered.receipt_of(registered.log.seals[1].1.first + 1)])
            .unwrap();
    assert_eq!(registered.verify(&unrelated).exit_code(), 2, "any record of the log vouches for a statement");
    let (plain, entry) = detach_entry(&registered.receipt_of(registered.index)).unwrap();
    let (foreign, _) = detach_entry(&registered.receipt_of(registered.log.seals[1].1.first + 1)).unwrap();
    let moved = attach_registrations(statement, &[attach_entry(&foreign, &entry).unwrap()]).unwrap();
    assert_eq!(registered.verify(&moved).exit_code(), 1, "an entry is placed by the proof of another");
    let bare = attach_registrations(statement, &[plain]).unwrap();
    assert_eq!(registered.verify(&bare).exit_code(), 2, "a receipt without its entry places nothing");
    assert_eq!(registered.verify(statement).exit_code(), 2, "a statement without receipts passes");
    let (again, receipts) = detach_registrations(&bytes).unwrap();
    assert_eq!((&again, receipts.len()), (statement, 1), "the registered bytes cannot be told again");
}
