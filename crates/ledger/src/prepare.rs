//! Sealing a draft, in the caller's thread: keys, salts, digests, ciphertext, the header's canonical bytes.
//!
//! Everything that costs time and needs no order happens here; the committer only adds the numbers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tabellion_model::{
    CredentialId, Disclosure, Env, Micros, Origin, ProducerId, RecordId, RecordTemplate, Statement,
    UnitDigests, UnitId, UnitKeys, VaultKeyId, check_names, digest, idem_tag, seal_fields,
};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::draft::{Draft, HeaderContext, OfCall, checked_name, header_of, malformed};
use crate::entropy::Entropy;
use crate::error::{LedgerError, RejectCode};
use crate::idempotency;
use crate::keyring::{KeyPair, Secrets};
use crate::own_records::{random_id, random_ids};
use crate::read::{unit_frame, unit_prefix};
use crate::stage::{Item, RecordItem, SealedUnit, StatementItem};
use crate::vault::{
    CallTag, KeyScope, KeyTable, RetentionClass, TAG_BYTES, call_tag, encrypt_from, encrypt_unit, subject_tag,
};

/// Bytes of a field in a unit's plaintext, for the most part: what a frame has room for without growing.
const USUAL_FIELD_BYTES: usize = 128;

/// What sealing needs to know besides the draft.
pub(crate) struct Sealer<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) env: Env,
    pub(crate) writer: CredentialId,
    pub(crate) producer: ProducerId,
    /// Time of the newest commit: content counts from no month before it, or what is recorded while the clock is behind would go early once it is right.
    pub(crate) committed_at: Micros,
    pub(crate) secrets: &'a Secrets,
    pub(crate) vault: &'a Mutex<KeyTable>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// Fields that share one unit.
struct UnitPlan<'a> {
    subject: Option<&'a str>,
    fields: &'a Map<String, Value>,
}

impl Sealer<'_> {
    /// The vault's key table; held for one look at a time.
    fn vault(&self) -> MutexGuard<'_, KeyTable> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals `draft`.
    pub(crate) fn seal_draft(&self, draft: &Draft) -> Result<Item, LedgerError> {
        draft.check_size()?;
        let now = self.clock.now();
        let [record_id, first_unit] = random_ids(self.entropy)?;
        let record_id = RecordId::from_bytes(record_id);
        let idem = match &draft.idempotency_key {
            None => None,
            Some(key) => {
                let key = checked_name("idempotency key", key)?;
                Some(
                    idem_tag(&self.secrets.idempotency, &self.producer, key)
                        .map_err(|error| malformed(error.to_string()))?,
                )
            }
        };
        let context = HeaderContext {
            log: self.origin,
            env: self.env,
            record_id,
            now,
            writer: self.writer,
            producer: self.producer,
            idem,
        };
        let mut header = header_of(draft, &context)?;
        let class = draft.retention_class()?;
        let call = self.call_of(draft, &record_id);
        let mut sealed = Vec::new();
        for (position, plan) in unit_plans(draft)?.iter().enumerate() {
            let scope = KeyScope {
                system: header.system.map(|(system, _)| system),
                class: class.clone(),
                month: now.max(self.committed_at).month(),
                subject: plan.subject.map(|subject| subject_tag(&self.secrets.pseudonym, subject)),
                call,
                own: draft.erasable_alone && call.is_none(),
            };
            let id = UnitId::from_bytes(if position == 0 { first_unit } else { random_id(self.entropy)? });
            let (digests, unit) = self.seal_unit(id, &record_id, &scope, plan)?;
            header.units.push(digests);
            sealed.push(unit);
        }
        header.units.sort_by_key(|unit| unit.id);
        sealed.sort_by_key(|(id, _)| *id);
        let template = RecordTemplate::new(&header)
            .map_err(|error| malformed(format!("the record cannot be sealed: {error}")))?;
        let request = idem.map(|_| draft.request()).transpose()?;
        let fingerprint = request.as_ref().and_then(|request| {
            let keys: Vec<_> = sealed.iter().map(|(id, unit)| (*id, unit.key)).collect();
            idempotency::fingerprint(&self.secrets.idempotency, &self.vault(), &keys, request)
        });
        Ok(Item::Record(Box::new(RecordItem {
            header: Arc::new(header),
            template,
            expected: draft.stream.as_ref().and_then(|stream| stream.expected),
            units: sealed.into_iter().map(|(_, unit)| unit).collect(),
            only_while: None,
            request,
            fingerprint,
        })))
    }

    fn seal_unit(
        &self,
        id: UnitId,
        record: &RecordId,
        scope: &KeyScope,
        plan: &UnitPlan<'_>,
    ) -> Result<(UnitDigests, (UnitId, SealedUnit)), LedgerError> {
        let (key_id, key) = self.key_for(scope)?;
        let keys = UnitKeys::new(&key, &id);
        let mut frame = unit_prefix(&id, &key_id, plan.fields.len() * USUAL_FIELD_BYTES + TAG_BYTES);
        let begin = frame.len();
        let digests = seal_fields(id, &keys.seed(), plan.fields, &mut frame)
            .map_err(|error| malformed(format!("the body cannot be sealed: {error}")))?;
        encrypt_from(&keys.data_key(), &id, record, &mut frame, begin)
            .map_err(|error| malformed(format!("the body cannot be encrypted: {error}")))?;
        Ok((digests, (id, SealedUnit { frame, key: key_id })))
    }

    /// The call whose keys the record's content is kept under. Where the table of keys has no room for that, it is kept under those that all records share.
    fn call_of(&self, draft: &Draft, record_id: &RecordId) -> Option<CallTag> {
        let first = match draft.call.as_ref()? {
            OfCall::First => record_id,
            OfCall::Of(first) => first,
        };
        self.vault().has_room_for_calls().then(|| call_tag(first))
    }

    fn key_for(&self, scope: &KeyScope) -> Result<(VaultKeyId, Zeroizing<[u8; 32]>), LedgerError> {
        // In the key table sixteen zero bytes mean "no system": content kept so would not be found when the system is deleted.
        if scope.system.is_some_and(|system| system.as_bytes() == &[0; 16]) {
            return Err(malformed("a system id is 128 random bits; this one is all zeros".to_owned()));
        }
        self.vault().key_for(scope, self.clock.now(), self.entropy).map_err(|error| {
            LedgerError::Unavailable(format!(
                "a content key cannot be made: {error}. Nothing was recorded; try again"
            ))
        })
    }

    /// Takes in a statement that was sealed and signed elsewhere, with the disclosures that are to be kept. Every unit gets a
    /// key of its own, so each statement can be erased alone; with a `subject` the keys carry their tag and go with them.
    pub(crate) fn take_statement(
        &self,
        bytes: Vec<u8>,
        disclosures: &[String],
        subject: Option<&str>,
        adopts: Option<KeyPair>,
    ) -> Result<Item, LedgerError> {
        let statement =
            Statement::parse(&bytes).map_err(|error| malformed(format!("the statement: {error}")))?;
        let header = &statement.record.header;
        if header.log != *self.origin || header.env != self.env {
            return Err(malformed(format!(
                "the statement was sealed for {} ({}), this log is {} ({})",
                header.log,
                header.env.as_str(),
                self.origin,
                self.env.as_str()
            )));
        }
        let parsed = parse_disclosures(disclosures)?;
        check_names(parsed.iter().map(|(_, disclosure)| disclosure))
            .map_err(|error| malformed(format!("the disclosures: {error}")))?;
        let subject = subject.map(|subject| checked_name("subject", subject)).transpose()?;
        let tag = subject.map(|subject| subject_tag(&self.secrets.pseudonym, subject));
        let class = RetentionClass::new(crate::draft::DEFAULT_RETENTION)
            .map_err(|error| LedgerError::Fatal(format!("default retention: {error}")))?;
        let mut taken = BTreeSet::new();
        let mut units = Vec::new();
        for unit in &header.units {
            let shown: Vec<Disclosure> = unit
                .digests
                .iter()
                .filter_map(|digest| parsed.iter().find(|(known, _)| known == digest))
                .map(|(digest, disclosure)| {
                    taken.insert(digest.clone());
                    disclosure.clone()
                })
                .collect();
            if shown.is_empty() {
                continue;
            }
            let scope = KeyScope {
                system: header.system.map(|(system, _)| system),
                class: class.clone(),
                month: self.clock.now().max(self.committed_at).month(),
                subject: tag,
                call: None,
                // Whoever signs chooses the unit's id, from which its data key is derived; under a shared key a repeated id would encrypt two
                // contents with one key stream.
                own: true,
            };
            let (key_id, key) = self.key_for(&scope)?;
            let ciphertext = encrypt_unit(&key, &unit.id, &header.record_id, &shown)
                .map_err(|error| malformed(format!("the disclosures cannot be kept: {error}")))?;
            units.push(SealedUnit { frame: unit_frame(&unit.id, &key_id, &ciphertext), key: key_id });
        }
        if taken.len() != parsed.len() {
            return Err(malformed("a disclosure belongs to no digest of the statement".to_owned()));
        }
        Ok(Item::Statement(Box::new(StatementItem { statement, bytes, units, adopts })))
    }
}

fn parse_disclosures(disclosures: &[String]) -> Result<Vec<(String, Disclosure)>, LedgerError> {
    disclosures
        .iter()
        .map(|text| {
            let disclosure =
                Disclosure::parse(text).map_err(|error| malformed(format!("a disclosure: {error}")))?;
            Ok((digest(text), disclosure))
        })
        .collect()
}

/// Groups a draft's fields by who they are about.
fn unit_plans(draft: &Draft) -> Result<Vec<UnitPlan<'_>>, LedgerError> {
    let mut plans: Vec<UnitPlan<'_>> = Vec::new();
    let business = (!draft.body.is_empty()).then_some((None, &draft.body));
    let subjects = draft.subjects.iter().map(|unit| (Some(unit.subject.as_str()), &unit.fields));
    for (subject, fields) in business.into_iter().chain(subjects) {
        if let Some(subject) = subject {
            checked_name("subject", subject)?;
        }
        if fields.is_empty() {
            return Err(malformed("a subject without fields says nothing; leave it out".to_owned()));
        }
        plans.push(UnitPlan { subject, fields });
    }
    check_names_of(&plans)?;
    Ok(plans)
}

/// Refuses a field that stands in two units. Within one its map holds each name once.
fn check_names_of(plans: &[UnitPlan<'_>]) -> Result<(), LedgerError> {
    if plans.len() < 2 {
        return Ok(());
    }
    let mut names = BTreeSet::new();
    for name in plans.iter().flat_map(|plan| plan.fields.keys()) {
        if !names.insert(name) {
            return Err(LedgerError::rejected(
                RejectCode::Malformed,
                format!("the field {name} occurs twice in one record; give it two names"),
            ));
        }
    }
    Ok(())
}
