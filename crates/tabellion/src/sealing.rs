//! Statements of this machine's operator: sealed and signed here, before the log sees them.
//!
//! Promises: the signing key leaves neither its file nor this process; a statement's numbers continue its producer's count; salts are random
//! and kept nowhere but in the disclosures. Must never: append by itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tabellion_ledger::keyring::KeyPair;
use tabellion_ledger::{Entropy, OsEntropy};
use tabellion_model::registry::{EpochClosed, EpochOpened, Facts, PreviousEpoch};
use tabellion_model::{
    Assurance, Env, Header, Micros, Origin, Parent, ProducerId, RecordId, RecordType, SealedRecord,
    Statement, SystemId, UnitId, registry, seal_unit,
};
use tabellion_tlog::Hash;

use crate::failure::Failure;
use crate::request::SignedStatement;

/// What a statement says, before it is sealed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// Its type.
    pub(crate) record_type: RecordType,
    /// The system it is about.
    pub(crate) system: Option<SystemId>,
    /// The person it is about.
    pub(crate) subject: Option<String>,
    /// Its idempotency tag.
    pub(crate) idem: Option<Hash>,
    /// What it follows from.
    pub(crate) parents: Vec<Parent>,
    /// What it says in clear, for types that do.
    pub(crate) clear: Option<Map<String, Value>>,
    /// Its fields.
    pub(crate) fields: Vec<(String, Value)>,
}

/// One life of an operator's key as a producer: opened, any number of statements, closed.
pub(crate) struct Epoch<'a> {
    origin: &'a Origin,
    env: Env,
    signer: &'a KeyPair,
    number: u64,
    seq: u64,
    systems: BTreeMap<SystemId, u64>,
    now: Micros,
}

impl<'a> Epoch<'a> {
    /// Begins the epoch after `previous`. Epochs are numbered by the clock, so that two programs that hold the same key and know nothing of each
    /// other do not choose the same number.
    pub(crate) fn open(
        origin: &'a Origin,
        env: Env,
        signer: &'a KeyPair,
        previous: Option<PreviousEpoch>,
        now: Micros,
    ) -> Result<(Self, SignedStatement), Failure> {
        let number = previous.map_or(now.0, |previous| now.0.max(previous.epoch + 1));
        let mut epoch = Self { origin, env, signer, number, seq: 0, systems: BTreeMap::new(), now };
        let opened = epoch.own_record(&Facts::EpochOpened(EpochOpened { previous }))?;
        Ok((epoch, opened))
    }

    /// Seals and signs the next statement.
    pub(crate) fn state(&mut self, said: Said) -> Result<SignedStatement, Failure> {
        let mut header = self.header(said.record_type)?;
        header.system =
            said.system.map(|system| (system, self.systems.get(&system).copied().unwrap_or(0) + 1));
        header.idem = said.idem;
        header.parents = said.parents;
        header.clear = said.clear;
        let mut seed = [0; 32];
        random(&mut seed)?;
        let unit = UnitId::from_bytes(random_id()?);
        let (digests, disclosures) = seal_unit(unit, &seed, &said.fields)
            .map_err(|error| Failure::malformed(format!("the record cannot be sealed: {error}")))?;
        header.units.push(digests);
        let statement = self.sign(header)?;
        if let Some(system) = said.system {
            *self.systems.entry(system).or_default() += 1;
        }
        let disclosures = disclosures.iter().map(tabellion_model::Disclosure::encode).collect();
        Ok(SignedStatement { disclosures, subject: said.subject, ..statement })
    }

    /// Ends the epoch.
    pub(crate) fn close(mut self) -> Result<SignedStatement, Failure> {
        let systems = self.systems.iter().map(|(system, last)| (*system, *last)).collect();
        let facts = Facts::EpochClosed(EpochClosed { last_seq: self.seq + 1, systems });
        self.own_record(&facts)
    }

    fn own_record(&mut self, facts: &Facts) -> Result<SignedStatement, Failure> {
        let record_type =
            RecordType::new(facts.kind().name()).map_err(|error| Failure::failed(error.to_string()))?;
        let mut header = self.header(record_type)?;
        header.clear = facts.to_clear();
        self.sign(header)
    }

    fn header(&self, record_type: RecordType) -> Result<Header, Failure> {
        Ok(Header {
            critical: registry::is_critical(&record_type),
            record_type,
            type_version: registry::TYPE_VERSION,
            log: self.origin.clone(),
            env: self.env,
            record_id: RecordId::from_bytes(random_id()?),
            observed_at: self.now,
            actor: self.signer.credential,
            assurance: Assurance::Signed,
            producer: ProducerId::of_key(&self.signer.key_id()),
            epoch: self.number,
            seq: self.seq + 1,
            system: None,
            stream: None,
            parents: Vec::new(),
            basis: None,
            idem: None,
            clear: None,
            units: Vec::new(),
        })
    }

    /// Signs; only a statement that could be signed is counted.
    fn sign(&mut self, header: Header) -> Result<SignedStatement, Failure> {
        let entry = Statement::sign(&SealedRecord { header }, self.signer.key.as_ref())
            .map_err(|error| Failure::malformed(format!("the statement cannot be signed: {error}")))?;
        self.seq += 1;
        Ok(SignedStatement { entry: STANDARD.encode(entry), disclosures: Vec::new(), subject: None })
    }
}

fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    let failed = |error| {
        Failure::failed(format!(
            "the operating system gives no random bytes: {error}. Nothing was recorded; try again"
        ))
    };
    OsEntropy.fill(bytes).map_err(failed)
}

/// 128 fresh random bits, for an id.
pub(crate) fn random_id() -> Result<[u8; 16], Failure> {
    let mut id = [0; 16];
    random(&mut id)?;
    Ok(id)
}
