//! Statements that others signed, registered as SCITT has it (RFC 9943), and the receipts of all entries in its form.
//!
//! Promises: a statement is checked whole, under a key that counts, before anything is appended; the same statement is registered once and always
//! answered with its first entry; none is registered behind the removal of its issuer's key. Must never: put the statement itself, or anything that it says, where it cannot be erased.

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use minicbor::Encoder;
use serde_json::{Map, Value};
use tabellion_ledger::Draft;
use tabellion_model::body::IssuerAdded;
use tabellion_model::registry::{Facts, StatementRegistered};
use tabellion_model::{KeyId, ProducerId, Purpose, SystemId};
use tabellion_tlog::{ForeignError, ForeignStatement, Hash, IssuerKey, PublicKey, sha256};

use super::{Actor, Desk, Given, Written};
use crate::cose_receipt::{
    CoseReceiptError, STATEMENT_FIELD, cose_receipt, receipt_keys, registered, transparent_statement,
};
use crate::refusal::{Code, Refusal};

impl Desk {
    /// Registers a statement, or finds it registered; gives its receipt.
    pub fn register_statement(&self, actor: &Actor, bytes: &[u8]) -> Result<(Vec<u8>, Written), Refusal> {
        let statement = ForeignStatement::parse(bytes).map_err(refused)?;
        let system = match actor {
            Actor::Key { system, .. } => Some(*system),
            Actor::Person { .. } | Actor::Operator => None,
        };
        self.check_target(actor, system)?;
        let digest = sha256(bytes);
        let name = format!("scitt/{digest}");
        if let Some(written) = self.registered_before(&name, &digest)? {
            return Ok((self.receipt_at(written.index)?, written));
        }
        let stand = self.issuers_stand.read().unwrap_or_else(PoisonError::into_inner);
        let appended = self.once_for_all(actor, &name, &Given::default(), |earlier| {
            if earlier.is_some() {
                return Err(Refusal::new(Code::IdempotencyConflict, "it was registered at the same time"));
            }
            let key = self.issuer_of(&statement)?;
            Ok(vec![draft(&statement, bytes, &key, system)])
        });
        drop(stand);
        let written = match appended {
            Err(refusal) if refusal.code == Code::IdempotencyConflict => {
                self.registered_before(&name, &digest)?.ok_or(refusal)?
            }
            other => other?,
        };
        Ok((self.receipt_at(written.index)?, written))
    }

    /// The COSE Receipt of an entry, whoever asks: for somebody who has shown what it registers.
    fn receipt_at(&self, index: u64) -> Result<Vec<u8>, Refusal> {
        let view = self.ledger.reader().entry(index)?;
        cose_receipt(self.ledger.reader(), &|key| self.ledger.key_pair(Purpose::Log, key), &view)
            .map_err(unprovable)
    }

    /// The COSE Receipt of an entry.
    pub fn cose_receipt(&self, actor: &Actor, index: u64) -> Result<Vec<u8>, Refusal> {
        let view = self.reach_entry(actor, index)?;
        cose_receipt(self.ledger.reader(), &|key| self.ledger.key_pair(Purpose::Log, key), &view)
            .map_err(unprovable)
    }

    /// The transparent statement of an entry.
    pub fn transparent_statement(&self, actor: &Actor, index: u64) -> Result<Vec<u8>, Refusal> {
        let view = self.reach_entry(actor, index)?;
        transparent_statement(self.ledger.reader(), &|key| self.ledger.key_pair(Purpose::Log, key), &view)
            .map_err(unprovable)
    }

    /// The keys of receipts, a COSE Key Set.
    pub fn receipt_keys(&self) -> Result<Vec<u8>, Refusal> {
        let keys = receipt_keys(self.ledger.reader());
        let mut out = Encoder::new(Vec::new());
        written(out.array(keys.len() as u64).map(drop))?;
        keys.iter().try_for_each(|key| push_key(&mut out, key))?;
        Ok(out.into_writer())
    }

    /// One key of receipts, by its id: base64url, or hex.
    pub fn receipt_key(&self, kid: &str) -> Result<Vec<u8>, Refusal> {
        let named = |key: &PublicKey| {
            let id = key.key_id();
            id.to_hex() == kid || URL_SAFE_NO_PAD.encode(id.as_bytes()) == kid
        };
        let key = receipt_keys(self.ledger.reader()).into_iter().find(named);
        let key = key.ok_or_else(|| Refusal::new(Code::NotFound, "no key of a receipt has this id"))?;
        let mut out = Encoder::new(Vec::new());
        push_key(&mut out, &key)?;
        Ok(out.into_writer())
    }

    /// Where the statement was registered, when it was. Whoever asks has the statement, and so everything that its record says: they get the receipt of
    /// this one entry, though it may be another system's, and may read no more of that system than before.
    fn registered_before(&self, name: &str, digest: &Hash) -> Result<Option<Written>, Refusal> {
        let producer = ProducerId::of_log(&self.ledger.reader().genesis());
        let Some(index) = self.ledger.idempotency_tag(&producer, name)?.index else { return Ok(None) };
        let reader = self.ledger.reader();
        let view = reader.entry(index)?;
        let (Some(header), Some(_)) =
            (view.entry.header(), registered(&view).filter(|said| said.statement_sha256 == *digest))
        else {
            return Err(Refusal::new(
                Code::Broken,
                format!("entry {index} should register a statement and does not"),
            ));
        };
        let record_id = header.record_id;
        Ok(Some(Written { index, record_id, size: reader.commit_end(index)?, repeated: true }))
    }

    /// The key under which the statement is its issuer's.
    fn issuer_of(&self, statement: &ForeignStatement) -> Result<IssuerKey, Refusal> {
        let issuer = &statement.header.issuer;
        let rows = self.views.issuer_keys(issuer)?;
        if rows.is_empty() {
            return Err(Refusal::new(
                Code::IssuerUnknown,
                format!("no key of the issuer {:?} is known here", shortened(issuer)),
            ));
        }
        let named = rows.iter().filter_map(|row| {
            let said = row.said.as_ref()?;
            is_named(statement.header.kid.as_deref(), said, &row.key_id).then_some(said)
        });
        let keys: Vec<IssuerKey> = named.filter_map(key_of).collect();
        if keys.is_empty() {
            return Err(Refusal::new(
                Code::IssuerUnknown,
                format!(
                    "the issuer {:?} is known, and the key that the statement names (kid) is not one of its",
                    shortened(issuer)
                ),
            ));
        }
        let key = keys.into_iter().find(|key| statement.verify(key).is_ok());
        key.ok_or_else(|| {
            Refusal::new(
                Code::SignatureWrong,
                format!(
                    "the signature does not fit the statement under any known key of {:?}",
                    shortened(issuer)
                ),
            )
        })
    }
}

/// Whether a statement that carries `kid` may be under this key; one that carries none may be under any of its issuer.
fn is_named(kid: Option<&[u8]>, said: &IssuerAdded, key_id: &Hash) -> bool {
    kid.is_none_or(|kid| {
        kid == key_id.as_bytes()
            || (!said.kid.is_empty() && hex::decode(&said.kid).is_ok_and(|own| own == kid))
    })
}

fn key_of(said: &IssuerAdded) -> Option<IssuerKey> {
    IssuerKey::from_spki(&STANDARD.decode(&said.public).ok()?).ok()
}

/// The record by which the log takes a statement in. The statement is content, so that it can be erased; its digest is not, and cannot be guessed
/// from what the statement says, because the signature is part of it.
fn draft(statement: &ForeignStatement, bytes: &[u8], key: &IssuerKey, system: Option<SystemId>) -> Draft {
    let facts = Facts::StatementRegistered(StatementRegistered {
        issuer_key: KeyId(key.key_id()),
        statement_sha256: sha256(bytes),
    });
    let header = &statement.header;
    let mut body = Map::from_iter([
        (STATEMENT_FIELD.to_owned(), Value::from(STANDARD.encode(bytes))),
        ("issuer".to_owned(), Value::from(header.issuer.as_str())),
        ("subject".to_owned(), Value::from(header.subject.as_str())),
    ]);
    if let Some(content_type) = &header.content_type {
        body.insert("content_type".to_owned(), Value::from(content_type.as_str()));
    }
    if let Some(envelope) = &header.envelope {
        body.insert("artefact_hash".to_owned(), Value::from(envelope.hash.name()));
        body.insert("artefact_digest".to_owned(), Value::from(hex::encode(&statement.payload)));
        let described =
            [("artefact_type", &envelope.preimage_type), ("artefact_location", &envelope.location)];
        for (name, text) in described {
            if let Some(text) = text {
                body.insert(name.to_owned(), Value::from(text.as_str()));
            }
        }
    }
    let mut draft = Draft::new(facts.kind().name());
    draft.clear = facts.to_clear().unwrap_or_default();
    draft.system = system.map(|system| system.to_hex());
    draft.body = body;
    draft.erasable_alone = true;
    draft
}

fn push_key(out: &mut Encoder<Vec<u8>>, key: &PublicKey) -> Result<(), Refusal> {
    let id = key.key_id();
    let pushed = (|| {
        // COSE_Key (RFC 9052 §7): kty OKP, kid, alg EdDSA, crv Ed25519, x; in the order of deterministic CBOR.
        out.map(5)?.i64(1)?.i64(1)?.i64(2)?.bytes(id.as_bytes())?.i64(3)?.i64(tabellion_tlog::ALG_EDDSA)?;
        out.i64(-1)?.i64(6)?.i64(-2)?.bytes(key.as_bytes()).map(drop)
    })();
    written(pushed)
}

fn written<E: std::fmt::Display>(pushed: Result<(), E>) -> Result<(), Refusal> {
    pushed.map_err(|error| Refusal::new(Code::Broken, format!("the keys cannot be written: {error}")))
}

/// Enough of a text to find it again.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn refused(error: ForeignError) -> Refusal {
    let code = match &error {
        ForeignError::TooLong { .. } => Code::TooLarge,
        ForeignError::NoPayload => Code::PayloadMissing,
        ForeignError::Algorithm(_) => Code::AlgorithmUnsupported,
        ForeignError::Critical(_) => Code::HeaderCritical,
        ForeignError::NoClaim(_) => Code::ClaimsMissing,
        ForeignError::Unsigned(_) | ForeignError::Signature(_) => Code::SignatureWrong,
        ForeignError::Form(_)
        | ForeignError::Unprotected
        | ForeignError::Envelope(_)
        | ForeignError::OwnKind(_) => Code::StatementMalformed,
    };
    Refusal::new(code, error.to_string())
}

fn unprovable(error: CoseReceiptError) -> Refusal {
    let code = match error {
        CoseReceiptError::Ledger(error) => return error.into(),
        CoseReceiptError::NotAStatement(_) | CoseReceiptError::Gone(_) => Code::NotFound,
        CoseReceiptError::NoKey(_) | CoseReceiptError::KeyFile(_) => Code::Unavailable,
        CoseReceiptError::Receipt(_) | CoseReceiptError::Foreign(_) => Code::Broken,
    };
    Refusal::new(code, error.to_string())
}
