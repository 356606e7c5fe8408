//! Reading what the log's own writer wrote, for folding alone: headers without their digests, bodies straight from the plaintext of their unit.
//!
//! Promises: what was committed reads as everywhere else; what does not is an error. Must never: be given bytes from elsewhere. That they are in their one
//! form was checked when they were sealed, and is again by whoever verifies; the projector folds thousands of them a second.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tabellion_model::{
    Assurance, CredentialId, Env, Header, Micros, Origin, Parent, ProducerId, RecordId, RecordType,
    StreamName, SystemId,
};
use tabellion_tlog::Hash;

/// Members of docs/formats.md §3 in the order of their names; `digest_alg`, `format` and the digests of `units` are passed over.
#[derive(Deserialize)]
struct WrittenHeader<'a> {
    actor: CredentialId,
    #[serde(borrow)]
    assurance: &'a str,
    basis: Option<u64>,
    clear: Option<Map<String, Value>>,
    critical: bool,
    #[serde(borrow)]
    env: &'a str,
    epoch: u64,
    #[serde(borrow)]
    idem: Option<&'a str>,
    #[serde(borrow)]
    log: &'a str,
    observed_at: Micros,
    #[serde(borrow, default)]
    parents: Vec<WrittenParent<'a>>,
    producer: ProducerId,
    record_id: RecordId,
    seq: u64,
    #[serde(borrow)]
    stream: Option<&'a str>,
    stream_version: Option<u64>,
    system: Option<SystemId>,
    system_seq: Option<u64>,
    #[serde(borrow, rename = "type")]
    record_type: &'a str,
    type_version: u32,
}

#[derive(Deserialize)]
struct WrittenParent<'a> {
    #[serde(borrow)]
    hash: &'a str,
    record_id: RecordId,
    role: String,
}

/// The header of a committed record, its units left out.
pub(crate) fn header(bytes: &[u8]) -> Result<Header, String> {
    let written: WrittenHeader<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let word = |member: &str| format!("the member {member} is not of its form");
    let stream = written.stream.map(StreamName::new).transpose().map_err(|error| error.to_string())?;
    let parents = written.parents.into_iter().map(|parent| {
        let hash = Hash::from_hex(parent.hash).ok_or_else(|| word("parents"))?;
        Ok(Parent { hash, record_id: parent.record_id, role: parent.role })
    });
    Ok(Header {
        record_type: RecordType::new(written.record_type).map_err(|error| error.to_string())?,
        type_version: written.type_version,
        critical: written.critical,
        log: Origin::new(written.log).map_err(|error| error.to_string())?,
        env: Env::parse(written.env).ok_or_else(|| word("env"))?,
        record_id: written.record_id,
        observed_at: written.observed_at,
        actor: written.actor,
        assurance: Assurance::parse(written.assurance).ok_or_else(|| word("assurance"))?,
        producer: written.producer,
        epoch: written.epoch,
        seq: written.seq,
        system: written.system.zip(written.system_seq),
        stream: stream.zip(written.stream_version),
        parents: parents.collect::<Result<_, String>>()?,
        basis: written.basis,
        idem: written.idem.and_then(Hash::from_hex),
        clear: written.clear,
        units: Vec::new(),
    })
}

/// The fields in a unit's plaintext as the members of a `T`; none: they are not all there, or are not its members.
pub(crate) fn fields<T: DeserializeOwned>(plaintext: &[u8]) -> Option<T> {
    serde_json::from_slice(&object(plaintext)?).ok()
}

/// `[["salt","name",value],…]` as `{"name":value,…}`.
fn object(plaintext: &[u8]) -> Option<Vec<u8>> {
    let mut object = Vec::with_capacity(plaintext.len());
    let mut rest = plaintext.strip_prefix(b"[")?;
    let mut before = b'{';
    loop {
        let salted = rest.strip_prefix(b"[")?;
        let after_salt = salted.get(end_of(salted)?..)?.strip_prefix(b",")?;
        let name_end = end_of(after_salt)?;
        let value = after_salt.get(name_end..)?.strip_prefix(b",")?;
        let value_end = end_of(value)?;
        object.push(before);
        object.extend_from_slice(after_salt.get(..name_end)?);
        object.push(b':');
        object.extend_from_slice(value.get(..value_end)?);
        before = b',';
        rest = value.get(value_end..)?.strip_prefix(b"]")?;
        match rest {
            b"]" => break,
            _ => rest = rest.strip_prefix(b",")?,
        }
    }
    object.push(b'}');
    Some(object)
}

/// Where the value at the start of canonical JSON ends: at the comma or bracket after it that belongs to none of its own.
fn end_of(json: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for (at, byte) in json.iter().enumerate() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => depth += 1,
            b',' | b']' | b'}' if depth == 0 => return Some(at),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};
    use tabellion_model::{Disclosure, unit_plaintext};

    use super::fields;

    #[test]
    fn the_fields_of_a_unit_are_read_as_they_were_sealed() {
        let said = json!({
            "text": "quote \" comma , bracket ] brace } backslash \\ and é\u{1}",
            "nested": {"a": [1, {"b": "]}"}], "c": null},
            "list": [["x", "y"], []],
            "number": 9_007_199_254_740_991_u64,
            "yes": true,
        });
        let said = said.as_object().expect("an object");
        let disclosures: Vec<Disclosure> = said
            .iter()
            .map(|(name, value)| Disclosure::new([7; 16], name, value.clone()).expect("a field"))
            .collect();
        for count in 1..=disclosures.len() {
            let some = disclosures.get(..count).expect("some");
            let read: Map<String, Value> =
                fields(&unit_plaintext(some)).expect("a page would say that it was erased");
            let sealed: Map<String, Value> =
                some.iter().map(|field| (field.name().to_owned(), field.value().clone())).collect();
            assert_eq!(read, sealed, "a view would show something else than was recorded");
        }
        for broken in ["", "[", "[]", "[[]]", r#"[["s","n"]]"#, r#"[["s","n",1]"#, r#"[["s","n",1]]x"#] {
            assert_eq!(fields::<Map<String, Value>>(broken.as_bytes()), None, "{broken} passes for content");
        }
    }
}
