//! The record types of version 1 and what the header of each must hold (`docs/formats.md` §6 to §8).
//!
//! Promises: a record of a known type that passes [`check`] has exactly the `clear` members of its type. A type that is not listed here
//! is read (a later registry may know it) and, unless it is critical, left alone; the only `clear` member that it is ever sealed with is a source's number.

mod anchor;
mod envelope;
mod epoch;
mod erasure;
mod error;
mod export;
mod key;
mod registered;
mod second_key;
mod shard;
mod source;
mod source_key;
mod witness;

use serde_json::{Map, Value as Json};

use crate::charge;
use crate::form::{FormFault, Members};
use crate::header::{Header, RecordType};

pub use anchor::AnchorConfirmed;
pub use envelope::{EnvelopeImported, EnvelopeKind};
pub use epoch::{EpochClosed, EpochOpened, PreviousEpoch};
pub use erasure::{ErasureDone, ErasureOrdered, ErasureScope, HoldPlaced};
pub use error::RegistryError;
pub use export::PackageExported;
pub use key::{Genesis, Granted, KEYS_STREAM, KeyInfo, Purpose, Revocation, Revoked, Rotated};
pub use registered::StatementRegistered;
pub use second_key::{SecondKeyInfo, SecondKeyIntroduced, SecondKeyRotated, SecondKeyWithdrawn};
pub use shard::{
    SHARD_STREAMS, ShardCheckpoint, ShardConflict, ShardKeyRotated, ShardRegistered, shard_name, shard_stream,
};
pub use source::{GapReason, Heartbeat, LossReason, SourceLife, SourceSpan};
pub use source_key::{HeartbeatSignature, SourceKeySet};
pub use witness::{ConflictFound, Divergence};

use crate::id::{HoldId, RecordId};
use crate::probe;
use crate::source::SourceNumber;
use crate::time::Micros;

/// The only version of every type listed here.
pub const TYPE_VERSION: u32 = 1;

/// A record type of version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `log.genesis`
    Genesis,
    /// `key.granted`
    KeyGranted,
    /// `key.rotated`
    KeyRotated,
    /// `key.revoked`
    KeyRevoked,
    /// `epoch.opened`
    EpochOpened,
    /// `epoch.closed`
    EpochClosed,
    /// `erasure.ordered`
    ErasureOrdered,
    /// `erasure.done`
    ErasureDone,
    /// `hold.placed`
    HoldPlaced,
    /// `hold.released`
    HoldReleased,
    /// `system.deletion_requested`
    DeletionRequested,
    /// `system.deletion_cancelled`
    DeletionCancelled,
    /// `system.purged`
    SystemPurged,
    /// `package.exported`
    PackageExported,
    /// `record.read`
    RecordRead,
    /// `witness.conflict_found`
    ConflictFound,
    /// `witness.conflict_lifted`
    ConflictLifted,
    /// `anchor.confirmed`
    AnchorConfirmed,
    /// `statement.registered`
    StatementRegistered,
    /// `envelope.imported`
    EnvelopeImported,
    /// `source.heartbeat`
    SourceHeartbeat,
    /// `source.key_set`
    SourceKeySet,
    /// `gap.declared`
    GapDeclared,
    /// `gap.found`
    GapFound,
    /// `gap.filled`
    GapFilled,
    /// `shard.registered`
    ShardRegistered,
    /// `shard.key_rotated`
    ShardKeyRotated,
    /// `shard.checkpoint_recorded`
    ShardCheckpointRecorded,
    /// `shard.conflict_found`
    ShardConflictFound,
    /// `second_key.introduced`
    SecondKeyIntroduced,
    /// `second_key.rotated`
    SecondKeyRotated,
    /// `second_key.withdrawn`
    SecondKeyWithdrawn,
}

impl Kind {
    /// Every kind, in the order of `docs/formats.md`.
    pub const ALL: [Self; 32] = [
        Self::Genesis,
        Self::KeyGranted,
        Self::KeyRotated,
        Self::KeyRevoked,
        Self::EpochOpened,
        Self::EpochClosed,
        Self::ErasureOrdered,
        Self::ErasureDone,
        Self::HoldPlaced,
        Self::HoldReleased,
        Self::DeletionRequested,
        Self::DeletionCancelled,
        Self::SystemPurged,
        Self::PackageExported,
        Self::RecordRead,
        Self::ConflictFound,
        Self::ConflictLifted,
        Self::AnchorConfirmed,
        Self::StatementRegistered,
        Self::EnvelopeImported,
        Self::SourceHeartbeat,
        Self::SourceKeySet,
        Self::GapDeclared,
        Self::GapFound,
        Self::GapFilled,
        Self::ShardRegistered,
        Self::ShardKeyRotated,
        Self::ShardCheckpointRecorded,
        Self::ShardConflictFound,
        Self::SecondKeyIntroduced,
        Self::SecondKeyRotated,
        Self::SecondKeyWithdrawn,
    ];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Genesis => "log.genesis",
            Self::KeyGranted => "key.granted",
            Self::KeyRotated => "key.rotated",
            Self::KeyRevoked => "key.revoked",
            Self::EpochOpened => "epoch.opened",
            Self::EpochClosed => "epoch.closed",
            Self::ErasureOrdered => "erasure.ordered",
            Self::ErasureDone => "erasure.done",
            Self::HoldPlaced => "hold.placed",
            Self::HoldReleased => "hold.released",
            Self::DeletionRequested => "system.deletion_requested",
            Self::DeletionCancelled => "system.deletion_cancelled",
            Self::SystemPurged => "system.purged",
            Self::PackageExported => "package.exported",
            Self::RecordRead => "record.read",
            Self::ConflictFound => "witness.conflict_found",
            Self::ConflictLifted => "witness.conflict_lifted",
            Self::AnchorConfirmed => "anchor.confirmed",
            Self::StatementRegistered => "statement.registered",
            Self::EnvelopeImported => "envelope.imported",
            Self::SourceHeartbeat => "source.heartbeat",
            Self::SourceKeySet => "source.key_set",
            Self::GapDeclared => "gap.declared",
            Self::GapFound => "gap.found",
            Self::GapFilled => "gap.filled",
            Self::ShardRegistered => "shard.registered",
            Self::ShardKeyRotated => "shard.key_rotated",
            Self::ShardCheckpointRecorded => "shard.checkpoint_recorded",
            Self::ShardConflictFound => "shard.conflict_found",
            Self::SecondKeyIntroduced => "second_key.introduced",
            Self::SecondKeyRotated => "second_key.rotated",
            Self::SecondKeyWithdrawn => "second_key.withdrawn",
        }
    }

    /// The kind of a record type, whatever its version.
    pub fn of(record_type: &RecordType) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == record_type.as_str())
    }

    /// Whether a reader that does not know the kind must stop.
    pub fn is_critical(self) -> bool {
        !matches!(
            self,
            Self::PackageExported
                | Self::RecordRead
                | Self::ConflictFound
                | Self::ConflictLifted
                | Self::AnchorConfirmed
                | Self::StatementRegistered
                | Self::EnvelopeImported
                | Self::SourceHeartbeat
                | Self::SourceKeySet
                | Self::GapDeclared
                | Self::GapFound
                | Self::GapFilled
                | Self::ShardRegistered
                | Self::ShardKeyRotated
                | Self::ShardCheckpointRecorded
                | Self::ShardConflictFound
                | Self::SecondKeyIntroduced
                | Self::SecondKeyRotated
                | Self::SecondKeyWithdrawn
        )
    }

    /// Whether records of this kind are statements of the root key in the stream `keys`.
    pub fn is_key_record(self) -> bool {
        matches!(self, Self::Genesis | Self::KeyGranted | Self::KeyRotated | Self::KeyRevoked)
    }

    /// Whether records of this kind name the system they are about.
    fn names_system(self) -> bool {
        matches!(self, Self::DeletionRequested | Self::DeletionCancelled | Self::SystemPurged)
    }
}

/// What the `clear` member of a known record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// `log.genesis`
    Genesis(Genesis),
    /// `key.granted`
    KeyGranted(Granted),
    /// `key.rotated`
    KeyRotated(Box<Rotated>),
    /// `key.revoked`
    KeyRevoked(Revoked),
    /// `epoch.opened`
    EpochOpened(EpochOpened),
    /// `epoch.closed`
    EpochClosed(EpochClosed),
    /// `erasure.ordered`
    ErasureOrdered(ErasureOrdered),
    /// `erasure.done`
    ErasureDone(ErasureDone),
    /// `hold.placed`
    HoldPlaced(HoldPlaced),
    /// `hold.released`, of this hold
    HoldReleased(HoldId),
    /// `system.deletion_requested`, to take place at this time
    DeletionRequested(Micros),
    /// `system.deletion_cancelled`
    DeletionCancelled,
    /// `system.purged`, under this erasure order, when there was anything to erase
    SystemPurged(Option<RecordId>),
    /// `package.exported`
    PackageExported(PackageExported),
    /// `record.read`, of the entry at this index
    RecordRead(u64),
    /// `witness.conflict_found`
    ConflictFound(ConflictFound),
    /// `witness.conflict_lifted`, of this `witness.conflict_found`
    ConflictLifted(RecordId),
    /// `anchor.confirmed`
    AnchorConfirmed(AnchorConfirmed),
    /// `statement.registered`
    StatementRegistered(StatementRegistered),
    /// `envelope.imported`
    EnvelopeImported(EnvelopeImported),
    /// `source.heartbeat`
    SourceHeartbeat(Heartbeat),
    /// `source.key_set`
    SourceKeySet(Box<SourceKeySet>),
    /// `gap.declared`: the source says that it lost these numbers
    GapDeclared(SourceSpan, LossReason),
    /// `gap.found`: the log lacks these numbers
    GapFound(SourceSpan, GapReason),
    /// `gap.filled`: these numbers, found missing before, are all here or declared now
    GapFilled(SourceSpan),
    /// `shard.registered`
    ShardRegistered(Box<ShardRegistered>),
    /// `shard.key_rotated`
    ShardKeyRotated(Box<ShardKeyRotated>),
    /// `shard.checkpoint_recorded`
    ShardCheckpointRecorded(ShardCheckpoint),
    /// `shard.conflict_found`
    ShardConflictFound(ShardConflict),
    /// `second_key.introduced`
    SecondKeyIntroduced(Box<SecondKeyIntroduced>),
    /// `second_key.rotated`
    SecondKeyRotated(Box<SecondKeyRotated>),
    /// `second_key.withdrawn`
    SecondKeyWithdrawn(SecondKeyWithdrawn),
}

/// How much this version knows of a record's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognition {
    /// Known: [`facts`] reads it.
    Known(Kind),
    /// Not known and not critical: it may be passed over.
    Unknown,
    /// Not known and critical: whoever interprets the log stops here.
    UnknownCritical,
}

/// Whether records of this type are critical, as far as this registry says.
pub fn is_critical(record_type: &RecordType) -> bool {
    Kind::of(record_type).is_some_and(Kind::is_critical)
}

/// What this version knows of the record's type and its version.
pub fn recognise(header: &Header) -> Recognition {
    match Kind::of(&header.record_type) {
        Some(kind) if header.type_version == TYPE_VERSION => Recognition::Known(kind),
        _ if header.critical => Recognition::UnknownCritical,
        _ => Recognition::Unknown,
    }
}

/// Whether the record is one of the four key records, of any version.
pub fn is_key_record(header: &Header) -> bool {
    Kind::of(&header.record_type).is_some_and(Kind::is_key_record)
}

/// Reads what a known record says in `clear`; `None` for types that are not known here.
pub fn facts(header: &Header) -> Result<Option<Facts>, RegistryError> {
    let Recognition::Known(kind) = recognise(header) else { return Ok(None) };
    Facts::read(kind, header.clear.as_ref()).map(Some)
}

/// Checks a record that is read: the rules of its type, numbers included. Types that are not known here pass.
pub fn check(header: &Header) -> Result<(), RegistryError> {
    check_open_numbers(header)?;
    match fixed_seq(header)? {
        Some(due) if due != header.seq => {
            let kind = Kind::of(&header.record_type).map_or("", Kind::name);
            Err(RegistryError::Seq { kind, due, given: header.seq })
        }
        _ => Ok(()),
    }
}

/// Checks a record that is to be sealed and whose numbers may still be placeholders. Stricter than [`check`]: types that are not known
/// here carry no `clear` member, and known types have a version that is known.
pub fn check_sealable(header: &Header) -> Result<(), RegistryError> {
    match Kind::of(&header.record_type) {
        // What any other type may carry is a source's own number, what calls are charged by, that they were probes, and what came of these.
        None if header.clear.is_some()
            && SourceNumber::of(header).is_none()
            && !charge::is_charge(header)
            && !probe::is_known(header) =>
        {
            Err(RegistryError::NoClear(header.record_type.to_string()))
        }
        Some(kind) if header.type_version != TYPE_VERSION => {
            Err(RegistryError::Version { name: kind.name(), given: header.type_version })
        }
        _ => check_open_numbers(header),
    }
}

/// Refuses a key record where it would stand unsigned.
pub(crate) fn check_unsigned(header: &Header) -> Result<(), RegistryError> {
    match Kind::of(&header.record_type) {
        Some(kind) if kind.is_key_record() => Err(RegistryError::Unsigned(kind.name())),
        _ => Ok(()),
    }
}

/// The number that the record's type prescribes for it: 1 for `epoch.opened`, `last_seq` for `epoch.closed`.
pub(crate) fn fixed_seq(header: &Header) -> Result<Option<u64>, RegistryError> {
    Ok(match facts(header)? {
        Some(Facts::EpochOpened(_)) => Some(1),
        Some(Facts::EpochClosed(closed)) => Some(closed.last_seq),
        _ => None,
    })
}

fn check_open_numbers(header: &Header) -> Result<(), RegistryError> {
    let in_keys = header.stream.as_ref().is_some_and(|(stream, _)| stream.as_str() == KEYS_STREAM);
    if in_keys != is_key_record(header) {
        return Err(RegistryError::KeysStream);
    }
    let Recognition::Known(kind) = recognise(header) else { return Ok(()) };
    if header.critical != kind.is_critical() {
        return Err(RegistryError::Critical(kind.name()));
    }
    if kind.names_system() && header.system.is_none() {
        return Err(RegistryError::NoSystem(kind.name()));
    }
    match Facts::read(kind, header.clear.as_ref())? {
        Facts::Genesis(genesis) if !genesis.fits(header) => Err(RegistryError::Genesis),
        Facts::ErasureDone(done) => check_tombstones(header, done.erased),
        _ => Ok(()),
    }
}

fn check_tombstones(header: &Header, said: u64) -> Result<(), RegistryError> {
    let fields = header.units.iter().map(|unit| unit.digests.len() as u64).sum();
    if said == fields { Ok(()) } else { Err(RegistryError::Tombstones { said, fields }) }
}

impl Facts {
    /// The kind of record that says this.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Genesis(_) => Kind::Genesis,
            Self::KeyGranted(_) => Kind::KeyGranted,
            Self::KeyRotated(_) => Kind::KeyRotated,
            Self::KeyRevoked(_) => Kind::KeyRevoked,
            Self::EpochOpened(_) => Kind::EpochOpened,
            Self::EpochClosed(_) => Kind::EpochClosed,
            Self::ErasureOrdered(_) => Kind::ErasureOrdered,
            Self::ErasureDone(_) => Kind::ErasureDone,
            Self::HoldPlaced(_) => Kind::HoldPlaced,
            Self::HoldReleased(_) => Kind::HoldReleased,
            Self::DeletionRequested(_) => Kind::DeletionRequested,
            Self::DeletionCancelled => Kind::DeletionCancelled,
            Self::SystemPurged(_) => Kind::SystemPurged,
            Self::PackageExported(_) => Kind::PackageExported,
            Self::RecordRead(_) => Kind::RecordRead,
            Self::ConflictFound(_) => Kind::ConflictFound,
            Self::ConflictLifted(_) => Kind::ConflictLifted,
            Self::AnchorConfirmed(_) => Kind::AnchorConfirmed,
            Self::StatementRegistered(_) => Kind::StatementRegistered,
            Self::EnvelopeImported(_) => Kind::EnvelopeImported,
            Self::SourceHeartbeat(_) => Kind::SourceHeartbeat,
            Self::SourceKeySet(_) => Kind::SourceKeySet,
            Self::GapDeclared(..) => Kind::GapDeclared,
            Self::GapFound(..) => Kind::GapFound,
            Self::GapFilled(_) => Kind::GapFilled,
            Self::ShardRegistered(_) => Kind::ShardRegistered,
            Self::ShardKeyRotated(_) => Kind::ShardKeyRotated,
            Self::ShardCheckpointRecorded(_) => Kind::ShardCheckpointRecorded,
            Self::ShardConflictFound(_) => Kind::ShardConflictFound,
            Self::SecondKeyIntroduced(_) => Kind::SecondKeyIntroduced,
            Self::SecondKeyRotated(_) => Kind::SecondKeyRotated,
            Self::SecondKeyWithdrawn(_) => Kind::SecondKeyWithdrawn,
        }
    }

    /// The `clear` member that says this; `None` where the type has nothing to say.
    pub fn to_clear(&self) -> Option<Map<String, Json>> {
        let clear = match self {
            Self::Genesis(facts) => facts.to_clear(),
            Self::KeyGranted(facts) => facts.to_clear(),
            Self::KeyRotated(facts) => facts.to_clear(),
            Self::KeyRevoked(facts) => facts.to_clear(),
            Self::EpochOpened(facts) => facts.to_clear(),
            Self::EpochClosed(facts) => facts.to_clear(),
            Self::ErasureOrdered(facts) => facts.to_clear(),
            Self::ErasureDone(facts) => facts.to_clear(),
            Self::HoldPlaced(facts) => facts.to_clear(),
            Self::HoldReleased(hold) => object([("hold", hold.to_hex().into())]),
            Self::DeletionRequested(due_at) => object([("due_at", due_at.0.into())]),
            Self::DeletionCancelled => Map::new(),
            Self::SystemPurged(order) => {
                order.iter().map(|order| ("order".to_owned(), order.to_hex().into())).collect()
            }
            Self::PackageExported(facts) => facts.to_clear(),
            Self::RecordRead(entry) => object([("entry", (*entry).into())]),
            Self::ConflictFound(facts) => facts.to_clear(),
            Self::ConflictLifted(conflict) => object([("conflict", conflict.to_hex().into())]),
            Self::AnchorConfirmed(facts) => facts.to_clear(),
            Self::StatementRegistered(facts) => facts.to_clear(),
            Self::EnvelopeImported(facts) => facts.to_clear(),
            Self::SourceHeartbeat(beat) => beat.to_clear(),
            Self::SourceKeySet(facts) => facts.to_clear(),
            Self::GapDeclared(span, reason) => span.with_reason("reason", reason.as_str()),
            Self::GapFound(span, reason) => span.with_reason("why", reason.as_str()),
            Self::GapFilled(span) => span.to_clear(),
            Self::ShardRegistered(facts) => facts.to_clear(),
            Self::ShardKeyRotated(facts) => facts.to_clear(),
            Self::ShardCheckpointRecorded(facts) => facts.to_clear(),
            Self::ShardConflictFound(facts) => facts.to_clear(),
            Self::SecondKeyIntroduced(facts) => facts.to_clear(),
            Self::SecondKeyRotated(facts) => facts.to_clear(),
            Self::SecondKeyWithdrawn(facts) => facts.to_clear(),
        };
        (!clear.is_empty()).then_some(clear)
    }

    fn read(kind: Kind, clear: Option<&Map<String, Json>>) -> Result<Self, RegistryError> {
        if kind == Kind::DeletionCancelled && clear.is_some() {
            return Err(RegistryError::NoClear(kind.name().to_owned()));
        }
        let place = format!("`clear` of a {} record", kind.name());
        let mut members = Members::of(place, Json::Object(clear.cloned().unwrap_or_default()))?;
        let facts = Self::read_members(kind, &mut members)?;
        members.finish()?;
        Ok(facts)
    }

    fn read_members(kind: Kind, members: &mut Members) -> Result<Self, FormFault> {
        Ok(match kind {
            Kind::Genesis => Self::Genesis(Genesis::read(members)?),
            Kind::KeyGranted => Self::KeyGranted(Granted::read(members)?),
            Kind::KeyRotated => Self::KeyRotated(Box::new(Rotated::read(members)?)),
            Kind::KeyRevoked => Self::KeyRevoked(Revoked::read(members)?),
            Kind::EpochOpened => Self::EpochOpened(EpochOpened::read(members)?),
            Kind::EpochClosed => Self::EpochClosed(EpochClosed::read(members)?),
            Kind::ErasureOrdered => Self::ErasureOrdered(ErasureOrdered::read(members)?),
            Kind::ErasureDone => Self::ErasureDone(ErasureDone::read(members)?),
            Kind::HoldPlaced => Self::HoldPlaced(HoldPlaced::read(members)?),
            Kind::HoldReleased => Self::HoldReleased(members.id("hold")?),
            Kind::DeletionRequested => Self::DeletionRequested(members.time("due_at")?),
            Kind::DeletionCancelled => Self::DeletionCancelled,
            Kind::SystemPurged => Self::SystemPurged(members.typed_optional(
                "order",
                "is not an id",
                |value| RecordId::from_hex(value.as_str()?),
            )?),
            Kind::PackageExported => Self::PackageExported(PackageExported::read(members)?),
            Kind::RecordRead => Self::RecordRead(members.natural("entry")?),
            Kind::ConflictFound => Self::ConflictFound(ConflictFound::read(members)?),
            Kind::ConflictLifted => Self::ConflictLifted(members.id("conflict")?),
            Kind::AnchorConfirmed => Self::AnchorConfirmed(AnchorConfirmed::read(members)?),
            Kind::StatementRegistered => Self::StatementRegistered(StatementRegistered::read(members)?),
            Kind::EnvelopeImported => Self::EnvelopeImported(EnvelopeImported::read(members)?),
            Kind::SourceHeartbeat => Self::SourceHeartbeat(Heartbeat::read(members)?),
            Kind::SourceKeySet => Self::SourceKeySet(Box::new(SourceKeySet::read(members)?)),
            Kind::GapDeclared => Self::GapDeclared(
                SourceSpan::read(members)?,
                members
                    .typed("reason", "is no reason for a loss", |word| LossReason::parse(word.as_str()?))?,
            ),
            Kind::GapFound => Self::GapFound(
                SourceSpan::read(members)?,
                members.typed("why", "is not jump or heartbeat", |word| GapReason::parse(word.as_str()?))?,
            ),
            Kind::GapFilled => Self::GapFilled(SourceSpan::read(members)?),
            Kind::ShardRegistered => Self::ShardRegistered(Box::new(ShardRegistered::read(members)?)),
            Kind::ShardKeyRotated => Self::ShardKeyRotated(Box::new(ShardKeyRotated::read(members)?)),
            Kind::ShardCheckpointRecorded => Self::ShardCheckpointRecorded(ShardCheckpoint::read(members)?),
            Kind::ShardConflictFound => Self::ShardConflictFound(ShardConflict::read(members)?),
            Kind::SecondKeyIntroduced => {
                Self::SecondKeyIntroduced(Box::new(SecondKeyIntroduced::read(members)?))
            }
            Kind::SecondKeyRotated => Self::SecondKeyRotated(Box::new(SecondKeyRotated::read(members)?)),
            Kind::SecondKeyWithdrawn => Self::SecondKeyWithdrawn(SecondKeyWithdrawn::read(members)?),
        })
    }
}

/// A JSON object of these members.
fn object<const N: usize>(members: [(&str, Json); N]) -> Map<String, Json> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
