//! From JSON to a header: every member named, typed and taken once.

use serde_json::{Map, Value as Json};

use super::{DIGEST_ALG, RECORD_FORMAT};
use crate::form::{FormFault, Members};
use crate::header::{Assurance, Env, Header, Parent, RecordType, StreamName};
use crate::id::SystemId;
use crate::jcs::{JcsError, first_difference, parse_strict};
use crate::origin::Origin;
use crate::record::RecordError;
use crate::unit::UnitDigests;

/// Where faults are reported.
const PLACE: &str = "the record";

/// Reads the members. Limits and the byte form are the caller's to check.
pub(super) fn header(bytes: &[u8]) -> Result<Header, RecordError> {
    let mut members = Members::of(PLACE, parse_strict(bytes)?)?;
    members.fixed("format", RECORD_FORMAT)?;
    members.fixed("digest_alg", DIGEST_ALG)?;
    let header = Header {
        record_type: members.typed("type", "is not a record type, family.event", |value| {
            value.as_str().and_then(|text| RecordType::new(text).ok())
        })?,
        type_version: members.typed("type_version", "is not an integer from 1 to 2^32−1", |value| {
            value.as_u64().and_then(|version| u32::try_from(version).ok()).filter(|version| *version > 0)
        })?,
        critical: members.flag("critical")?,
        log: members.typed("log", "is not an origin, <public host>/log/<tenant>", |value| {
            value.as_str().and_then(|text| Origin::new(text).ok())
        })?,
        env: members.typed("env", "is not production, sandbox or development", |value| {
            value.as_str().and_then(Env::parse)
        })?,
        record_id: members.id("record_id")?,
        observed_at: members.time("observed_at")?,
        actor: members.id("actor")?,
        assurance: members.typed(
            "assurance",
            "is not claimed, observed, corroborated or signed",
            |value| value.as_str().and_then(Assurance::parse),
        )?,
        producer: members.id("producer")?,
        epoch: members.count("epoch")?,
        seq: members.count("seq")?,
        system: system(&mut members)?,
        stream: stream(&mut members)?,
        parents: parents(&mut members)?,
        basis: members.natural_optional("basis")?,
        idem: members.digest_optional("idem")?,
        clear: clear(&mut members)?,
        units: units(&mut members)?,
    };
    members.finish()?;
    Ok(header)
}

/// Compares with what the writer makes of the same header.
pub(super) fn check_canonical(canonical: &[u8], bytes: &[u8]) -> Result<(), JcsError> {
    if canonical == bytes {
        return Ok(());
    }
    Err(JcsError::NotCanonical { at: first_difference(canonical, bytes) })
}

fn system(members: &mut Members) -> Result<Option<(SystemId, u64)>, FormFault> {
    let system = members.id_optional("system")?;
    let seq = members.count_optional("system_seq")?;
    both_or_neither(members, system, seq, "system", "system_seq")
}

fn stream(members: &mut Members) -> Result<Option<(StreamName, u64)>, FormFault> {
    let stream =
        members.typed_optional("stream", "is not a stream name, [a-z0-9][a-z0-9._/-]{0,127}", |value| {
            value.as_str().and_then(|text| StreamName::new(text).ok())
        })?;
    let version = members.count_optional("stream_version")?;
    both_or_neither(members, stream, version, "stream", "stream_version")
}

fn both_or_neither<T>(
    members: &Members,
    subject: Option<T>,
    number: Option<u64>,
    subject_name: &str,
    number_name: &str,
) -> Result<Option<(T, u64)>, FormFault> {
    match (subject, number) {
        (Some(subject), Some(number)) => Ok(Some((subject, number))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(members.fault(number_name, &format!("is missing beside `{subject_name}`"))),
        (None, Some(_)) => Err(members.fault(subject_name, &format!("is missing beside `{number_name}`"))),
    }
}

fn clear(members: &mut Members) -> Result<Option<Map<String, Json>>, FormFault> {
    match members.optional("clear") {
        None => Ok(None),
        Some(Json::Object(clear)) => Ok(Some(clear)),
        Some(_) => Err(members.fault("clear", "is not an object")),
    }
}

fn parents(members: &mut Members) -> Result<Vec<Parent>, FormFault> {
    match members.optional("parents") {
        None => Ok(Vec::new()),
        Some(Json::Array(items)) if !items.is_empty() => items.into_iter().map(parent).collect(),
        Some(_) => Err(members.fault("parents", "is not an array with elements")),
    }
}

fn parent(value: Json) -> Result<Parent, FormFault> {
    let mut members = Members::of("the record: an element of `parents`", value)?;
    let parent = Parent {
        hash: members.digest("hash")?,
        record_id: members.id("record_id")?,
        role: members.text("role")?,
    };
    members.finish()?;
    Ok(parent)
}

fn units(members: &mut Members) -> Result<Vec<UnitDigests>, FormFault> {
    members.list("units")?.into_iter().map(unit).collect()
}

fn unit(value: Json) -> Result<UnitDigests, FormFault> {
    let mut members = Members::of("the record: an element of `units`", value)?;
    let unit = UnitDigests { id: members.id("id")?, digests: members.texts("digests")? };
    members.finish()?;
    Ok(unit)
}
