//! The usual way from a record's bytes to its header, without a tree of JSON values in between.
//!
//! Promises: only a guess. Whoever uses it writes the header again and compares, and reads strictly ([`super::read`]) where that differs: so what is
//! accepted, and why something is refused, is said in one place.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use tabellion_tlog::Hash;

use crate::header::{Assurance, Env, Header, Parent, RecordType, StreamName};
use crate::id::{CredentialId, ProducerId, RecordId, SystemId, UnitId};
use crate::origin::Origin;
use crate::time::Micros;
use crate::unit::UnitDigests;

/// The members as they stand. A text with an escape is none of ours and does not read.
#[derive(Deserialize)]
struct Members<'b> {
    actor: &'b str,
    assurance: &'b str,
    basis: Option<u64>,
    clear: Option<Map<String, Json>>,
    critical: bool,
    env: &'b str,
    epoch: u64,
    idem: Option<&'b str>,
    log: &'b str,
    observed_at: u64,
    #[serde(borrow, default)]
    parents: Vec<ParentMembers<'b>>,
    producer: &'b str,
    record_id: &'b str,
    seq: u64,
    stream: Option<&'b str>,
    stream_version: Option<u64>,
    system: Option<&'b str>,
    system_seq: Option<u64>,
    #[serde(rename = "type")]
    record_type: &'b str,
    type_version: u32,
    #[serde(borrow)]
    units: Vec<UnitMembers<'b>>,
}

#[derive(Deserialize)]
struct ParentMembers<'b> {
    hash: &'b str,
    record_id: &'b str,
    role: &'b str,
}

#[derive(Deserialize)]
struct UnitMembers<'b> {
    digests: Vec<String>,
    id: &'b str,
}

/// What the header probably is.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let members: Members<'_> = serde_json::from_slice(bytes).ok()?;
    let idem = members.idem.map(|idem| Hash::from_hex(idem).ok_or(())).transpose().ok()?;
    let stream = match (members.stream, members.stream_version) {
        (Some(stream), Some(version)) => Some((StreamName::new(stream).ok()?, version)),
        _ => None,
    };
    let system = match (members.system, members.system_seq) {
        (Some(system), Some(seq)) => Some((SystemId::from_hex(system)?, seq)),
        _ => None,
    };
    Some(Header {
        record_type: RecordType::new(members.record_type).ok()?,
        type_version: members.type_version,
        critical: members.critical,
        log: Origin::new(members.log).ok()?,
        env: Env::parse(members.env)?,
        record_id: RecordId::from_hex(members.record_id)?,
        observed_at: Micros(members.observed_at),
        actor: CredentialId::from_hex(members.actor)?,
        assurance: Assurance::parse(members.assurance)?,
        producer: ProducerId::from_hex(members.producer)?,
        epoch: members.epoch,
        seq: members.seq,
        system,
        stream,
        parents: members.parents.iter().map(parent).collect::<Option<_>>()?,
        basis: members.basis,
        idem,
        clear: members.clear,
        units: members.units.into_iter().map(unit).collect::<Option<_>>()?,
    })
}

fn parent(members: &ParentMembers<'_>) -> Option<Parent> {
    Some(Parent {
        hash: Hash::from_hex(members.hash)?,
        record_id: RecordId::from_hex(members.record_id)?,
        role: members.role.to_owned(),
    })
}

fn unit(members: UnitMembers<'_>) -> Option<UnitDigests> {
    Some(UnitDigests { id: UnitId::from_hex(members.id)?, digests: members.digests })
}
