//! The key records of one log, folded in order.

use std::collections::BTreeMap;

use tabellion_tlog::{Hash, PublicKey, leaf_hash};

use super::rotation_message;
use crate::header::{Env, Header};
use crate::id::{CredentialId, KeyId, ProducerId};
use crate::origin::Origin;
use crate::registry::{
    self, Facts, Genesis, Granted, KeyInfo, Kind, Purpose, Recognition, RegistryError, Revocation, Revoked,
    Rotated,
};
use crate::statement::{Statement, StatementError};

/// Why a statement does not continue the keys of a log, or is not covered by them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a statement, or the signature does not verify.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The record is not what its type says.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Entry 0 is something else.
    #[error("entry 0 is not a genesis (log.genesis, version 1)")]
    NotGenesis,
    /// Another type, or a version of a key record that is not known here.
    #[error("the statement is not a key record that is known here")]
    NotAKeyRecord,
    /// A second genesis.
    #[error("a log has one genesis, entry 0")]
    SecondGenesis,
    /// Sealed for another log or environment.
    #[error("the key record was sealed for another log or environment than its genesis names")]
    OtherLog,
    /// Signed by another key than the root key.
    #[error("key record is signed by key {0}, which is not the root key")]
    NotRoot(KeyId),
    /// Actor or producer are not those of the root.
    #[error("a key record names the root's credential as actor and the root key's producer")]
    NotRootActor,
    /// Not the next version of the stream `keys`.
    #[error(
        "key record has version {given} of stream keys, {due} is due: a key record is missing or repeated"
    )]
    Version {
        /// The next version.
        due: u64,
        /// The version found.
        given: u64,
    },
    /// Positions go backwards.
    #[error("key records come in the order of their entries; entry {given} does not come after entry {last}")]
    Order {
        /// The last entry applied.
        last: u64,
        /// The entry given.
        given: u64,
    },
    /// The key was granted or rotated in before, or is the root key.
    #[error("key {0} was already granted in this log; a key is granted once")]
    Repeated(KeyId),
    /// Another key is in force for this purpose.
    #[error(
        "key {current} is in force for purpose {purpose}; rotate it, or revoke it before another is granted"
    )]
    Occupied {
        /// The purpose.
        purpose: Purpose,
        /// The key in force.
        current: KeyId,
    },
    /// The key to be replaced or revoked was never granted, or is the root key.
    #[error("key {0} was never granted in this log (the root key can neither be rotated nor revoked)")]
    Unknown(KeyId),
    /// The key to be replaced, or the key that signed, is not in force there.
    #[error("key {0} is not in force")]
    NotInForce(KeyId),
    /// The rotation names another credential or purpose than the key had.
    #[error("the rotation of key {0} changes its credential or purpose")]
    OtherHolder(KeyId),
    /// One of the two inner signatures of a rotation does not verify.
    #[error("the rotation is not signed by the {which} key {key_id}")]
    RotationSignature {
        /// `old` or `new`.
        which: &'static str,
        /// The key whose signature fails.
        key_id: KeyId,
    },
    /// The key is in force for another purpose or credential than the statement needs.
    #[error("key {0} does not speak for the statement's actor")]
    OtherActor(KeyId),
}

/// How a key went out of force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEnd {
    /// Replaced by this key at this entry.
    Rotated {
        /// Index of the record.
        index: u64,
        /// The key after it.
        by: KeyId,
    },
    /// Revoked at this entry.
    Revoked {
        /// Index of the record.
        index: u64,
        /// Why.
        reason: Revocation,
    },
}

impl KeyEnd {
    /// Index of the record that took the key out of force.
    pub fn index(&self) -> u64 {
        match self {
            Self::Rotated { index, .. } | Self::Revoked { index, .. } => *index,
        }
    }
}

/// One key and its life in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGrant {
    /// The key.
    pub info: KeyInfo,
    /// What it may sign.
    pub purpose: Purpose,
    /// The credential that speaks with it.
    pub credential: CredentialId,
    /// Index of the record that granted it or rotated it in.
    pub since: u64,
    /// How it first went out of force.
    pub end: Option<KeyEnd>,
    /// Every revocation, in order; a key that was rotated out may still be revoked.
    pub revocations: Vec<(u64, Revocation)>,
}

/// Where a position lies in the life of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Before it was granted.
    NotYet,
    /// It may sign.
    InForce,
    /// It went out of force before.
    Ended(KeyEnd),
}

/// A key as it stands at one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyStatus<'c> {
    /// The key.
    pub grant: &'c KeyGrant,
    /// Whether it is in force there.
    pub standing: Standing,
}

impl KeyGrant {
    /// Whether the key is in force for position `position` (an entry at that index, a checkpoint of that size).
    fn standing(&self, position: u64) -> Standing {
        match self.end {
            // Genesis is signed by the root key that it introduces.
            _ if self.since >= position && self.purpose != Purpose::Root => Standing::NotYet,
            Some(end) if end.index() < position => Standing::Ended(end),
            _ => Standing::InForce,
        }
    }
}

/// The keys of one log, from its genesis to the last key record applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChain {
    genesis: Genesis,
    genesis_hash: Hash,
    root: KeyGrant,
    version: u64,
    last_index: u64,
    grants: BTreeMap<KeyId, KeyGrant>,
    /// Keys of the purposes that have one key at a time, in the order in which they came.
    succession: BTreeMap<Purpose, Vec<KeyId>>,
}

impl KeyChain {
    /// Begins with the bytes of entry 0, which must be signed by the root key that it introduces.
    pub fn genesis(entry: &[u8]) -> Result<Self, KeyError> {
        let statement = Statement::parse(entry)?;
        let header = &statement.record.header;
        let Some(Facts::Genesis(genesis)) = registry::facts(header)? else {
            return Err(KeyError::NotGenesis);
        };
        if statement.kid != genesis.key.key_id {
            return Err(KeyError::NotRoot(statement.kid));
        }
        statement.verify(&genesis.key.public)?;
        if header.producer != ProducerId::of_key(&statement.kid) {
            return Err(KeyError::NotRootActor);
        }
        let root = KeyGrant {
            info: genesis.key,
            purpose: Purpose::Root,
            credential: header.actor,
            since: 0,
            end: None,
            revocations: Vec::new(),
        };
        Ok(Self {
            genesis,
            genesis_hash: leaf_hash(entry),
            root,
            version: 1,
            last_index: 0,
            grants: BTreeMap::new(),
            succession: BTreeMap::new(),
        })
    }

    /// Adds the key record at entry `index`. On an error nothing has changed.
    pub fn apply(&mut self, index: u64, statement: &Statement) -> Result<(), KeyError> {
        let header = &statement.record.header;
        self.check_root(index, statement)?;
        match registry::facts(header)? {
            Some(Facts::KeyGranted(granted)) => self.grant(index, &granted)?,
            Some(Facts::KeyRotated(rotated)) => self.rotate(index, &rotated)?,
            Some(Facts::KeyRevoked(revoked)) => self.revoke(index, revoked)?,
            Some(Facts::Genesis(_)) => return Err(KeyError::SecondGenesis),
            _ => return Err(KeyError::NotAKeyRecord),
        }
        self.version += 1;
        self.last_index = index;
        Ok(())
    }

    /// What every later key record has in common: the root signed it for this log, and it is the next one.
    fn check_root(&self, index: u64, statement: &Statement) -> Result<(), KeyError> {
        let header = &statement.record.header;
        if !matches!(registry::recognise(header), Recognition::Known(kind) if kind.is_key_record()) {
            return Err(KeyError::NotAKeyRecord);
        }
        if index <= self.last_index {
            return Err(KeyError::Order { last: self.last_index, given: index });
        }
        self.check_log(header)?;
        if statement.kid != self.root.info.key_id {
            return Err(KeyError::NotRoot(statement.kid));
        }
        statement.verify(&self.root.info.public)?;
        if header.actor != self.root.credential || header.producer != ProducerId::of_key(&statement.kid) {
            return Err(KeyError::NotRootActor);
        }
        let given = header.stream.as_ref().map_or(0, |(_, version)| *version);
        let due = self.version + 1;
        if given == due { Ok(()) } else { Err(KeyError::Version { due, given }) }
    }

    fn check_log(&self, header: &Header) -> Result<(), KeyError> {
        if header.log == self.genesis.origin && header.env == self.genesis.env {
            Ok(())
        } else {
            Err(KeyError::OtherLog)
        }
    }

    fn grant(&mut self, index: u64, granted: &Granted) -> Result<(), KeyError> {
        self.check_new(&granted.key.key_id)?;
        // A record cannot see itself: what stands after everything up to `index` is what counts.
        if granted.purpose.is_single()
            && let Some(current) = self.in_force(granted.purpose, index + 1)
        {
            return Err(KeyError::Occupied { purpose: granted.purpose, current: current.key_id });
        }
        self.insert(index, granted.key, granted.purpose, granted.credential);
        Ok(())
    }

    fn rotate(&mut self, index: u64, rotated: &Rotated) -> Result<(), KeyError> {
        let new = rotated.key.key_id;
        self.check_new(&new)?;
        let old = self.grants.get(&rotated.old).ok_or(KeyError::Unknown(rotated.old))?;
        if old.end.is_some() {
            return Err(KeyError::NotInForce(rotated.old));
        }
        if old.credential != rotated.credential || old.purpose != rotated.purpose {
            return Err(KeyError::OtherHolder(rotated.old));
        }
        let message =
            rotation_message(&rotated.credential, &self.genesis.origin, &new, &rotated.old, rotated.purpose);
        check_rotation("old", &old.info.public, &message, &rotated.old_signature)?;
        check_rotation("new", &rotated.key.public, &message, &rotated.new_signature)?;
        if let Some(old) = self.grants.get_mut(&rotated.old) {
            old.end = Some(KeyEnd::Rotated { index, by: new });
        }
        self.insert(index, rotated.key, rotated.purpose, rotated.credential);
        Ok(())
    }

    fn revoke(&mut self, index: u64, revoked: Revoked) -> Result<(), KeyError> {
        let grant = self.grants.get_mut(&revoked.key_id).ok_or(KeyError::Unknown(revoked.key_id))?;
        grant.revocations.push((index, revoked.reason));
        grant.end.get_or_insert(KeyEnd::Revoked { index, reason: revoked.reason });
        Ok(())
    }

    fn check_new(&self, key_id: &KeyId) -> Result<(), KeyError> {
        if self.grants.contains_key(key_id) || *key_id == self.root.info.key_id {
            return Err(KeyError::Repeated(*key_id));
        }
        Ok(())
    }

    fn insert(&mut self, since: u64, info: KeyInfo, purpose: Purpose, credential: CredentialId) {
        if purpose.is_single() {
            self.succession.entry(purpose).or_default().push(info.key_id);
        }
        let grant = KeyGrant { info, purpose, credential, since, end: None, revocations: Vec::new() };
        self.grants.insert(info.key_id, grant);
    }

    /// The one key in force at `position` for a purpose that has one key at a time; for [`Purpose::Actor`] ask [`KeyChain::find`].
    pub fn in_force(&self, purpose: Purpose, position: u64) -> Option<&KeyInfo> {
        if purpose == Purpose::Root {
            return Some(&self.root.info);
        }
        let keys = self.succession.get(&purpose)?.iter().rev();
        let mut grants = keys.filter_map(|key_id| self.grants.get(key_id));
        grants.find(|grant| grant.standing(position) == Standing::InForce).map(|grant| &grant.info)
    }

    /// A key, root included, as it stands at `position`.
    pub fn find(&self, key_id: &KeyId, position: u64) -> Option<KeyStatus<'_>> {
        let grant = self.grant_of(key_id)?;
        Some(KeyStatus { grant, standing: grant.standing(position) })
    }

    /// Whether the key may sign for `purpose` at `position`.
    pub fn may_sign(&self, purpose: Purpose, key_id: &KeyId, position: u64) -> bool {
        self.find(key_id, position)
            .is_some_and(|status| status.standing == Standing::InForce && status.grant.purpose == purpose)
    }

    /// Checks a statement other than a key record at entry `position`: sealed for this log, key in force, the actor's own, signature.
    ///
    /// The key is an actor's, or the root key where the root opens and closes epochs of its own producer.
    pub fn check_statement(&self, position: u64, statement: &Statement) -> Result<(), KeyError> {
        let header = &statement.record.header;
        self.check_log(header)?;
        let status = self.find(&statement.kid, position).ok_or(KeyError::Unknown(statement.kid))?;
        if status.standing != Standing::InForce {
            return Err(KeyError::NotInForce(statement.kid));
        }
        let may_say_this = match status.grant.purpose {
            Purpose::Actor => !registry::is_key_record(header),
            Purpose::Root => is_epoch_of(header, &statement.kid),
            Purpose::Log | Purpose::Writer | Purpose::Package => false,
        };
        if !may_say_this || status.grant.credential != header.actor {
            return Err(KeyError::OtherActor(statement.kid));
        }
        Ok(statement.verify(&status.grant.info.public)?)
    }

    /// The life of one key, root included.
    pub fn grant_of(&self, key_id: &KeyId) -> Option<&KeyGrant> {
        if *key_id == self.root.info.key_id { Some(&self.root) } else { self.grants.get(key_id) }
    }

    /// The credential that speaks with a key.
    pub fn credential_of(&self, key_id: &KeyId) -> Option<CredentialId> {
        self.grant_of(key_id).map(|grant| grant.credential)
    }

    /// Every key but the root, by key id.
    pub fn grants(&self) -> impl Iterator<Item = &KeyGrant> {
        self.grants.values()
    }

    /// The root key.
    pub fn root(&self) -> &KeyInfo {
        &self.root.info
    }

    /// The root's credential.
    pub fn root_credential(&self) -> CredentialId {
        self.root.credential
    }

    /// Key records so far, genesis included: the version of the stream `keys`.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The log's name.
    pub fn origin(&self) -> &Origin {
        &self.genesis.origin
    }

    /// The log's tenant.
    pub fn tenant(&self) -> &str {
        self.genesis.origin.tenant()
    }

    /// The log's environment.
    pub fn env(&self) -> Env {
        self.genesis.env
    }

    /// Leaf hash of entry 0.
    pub fn genesis_hash(&self) -> &Hash {
        &self.genesis_hash
    }
}

/// Whether the record opens or closes an epoch of the producer that belongs to this key.
fn is_epoch_of(header: &Header, key_id: &KeyId) -> bool {
    let kind = Kind::of(&header.record_type);
    matches!(kind, Some(Kind::EpochOpened | Kind::EpochClosed))
        && header.producer == ProducerId::of_key(key_id)
}

fn check_rotation(
    which: &'static str,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), KeyError> {
    key.verify(message, signature).map_err(|_| KeyError::RotationSignature { which, key_id: KeyId::of(key) })
}
