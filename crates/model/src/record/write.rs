//! From a header to its canonical bytes, without a general JSON writer: the members are known, in their canonical order, and every text
//! among them is plain ASCII that needs no escape. Only `clear` goes through the JCS library.

use serde_json::Value as Json;

use super::{DIGEST_ALG, RECORD_FORMAT};
use crate::header::{Header, Parent};
use crate::jcs::{JcsError, to_jcs};
use crate::unit::UnitDigests;

/// The numbers that only the ledger's committer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Epoch,
    Seq,
    StreamVersion,
    SystemSeq,
}

/// Where the writer puts bytes and numbers: a whole record, or the fixed parts of a template.
pub(super) trait Sink {
    /// Fixed bytes.
    fn bytes(&mut self, bytes: &[u8]);
    /// One of the numbers that a template leaves open.
    fn slot(&mut self, slot: Slot, value: u64);
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn slot(&mut self, _: Slot, value: u64) {
        push_decimal(self, value);
    }
}

/// The canonical bytes of `header`, whose limits the caller has checked.
pub(super) fn canonical(header: &Header) -> Result<Vec<u8>, JcsError> {
    let mut out = Vec::with_capacity(estimate(header));
    write(header, &mut out)?;
    Ok(out)
}

/// Members in ascending order of their names, as RFC 8785 §3.2.3 asks.
pub(super) fn write(header: &Header, out: &mut impl Sink) -> Result<(), JcsError> {
    text(out, "{\"actor\":", &header.actor.to_hex());
    text(out, ",\"assurance\":", header.assurance.as_str());
    if let Some(basis) = header.basis {
        number(out, ",\"basis\":", basis);
    }
    if let Some(clear) = &header.clear {
        out.bytes(b",\"clear\":");
        out.bytes(&to_jcs(&Json::Object(clear.clone()))?);
    }
    out.bytes(if header.critical { b",\"critical\":true" } else { b",\"critical\":false" });
    text(out, ",\"digest_alg\":", DIGEST_ALG);
    text(out, ",\"env\":", header.env.as_str());
    out.bytes(b",\"epoch\":");
    out.slot(Slot::Epoch, header.epoch);
    text(out, ",\"format\":", RECORD_FORMAT);
    if let Some(idem) = &header.idem {
        text(out, ",\"idem\":", &idem.to_hex());
    }
    text(out, ",\"log\":", header.log.as_str());
    number(out, ",\"observed_at\":", header.observed_at.0);
    if !header.parents.is_empty() {
        list(out, ",\"parents\":", &header.parents, parent);
    }
    text(out, ",\"producer\":", &header.producer.to_hex());
    text(out, ",\"record_id\":", &header.record_id.to_hex());
    out.bytes(b",\"seq\":");
    out.slot(Slot::Seq, header.seq);
    if let Some((stream, version)) = &header.stream {
        text(out, ",\"stream\":", stream.as_str());
        out.bytes(b",\"stream_version\":");
        out.slot(Slot::StreamVersion, *version);
    }
    if let Some((system, seq)) = &header.system {
        text(out, ",\"system\":", &system.to_hex());
        out.bytes(b",\"system_seq\":");
        out.slot(Slot::SystemSeq, *seq);
    }
    text(out, ",\"type\":", header.record_type.as_str());
    number(out, ",\"type_version\":", u64::from(header.type_version));
    list(out, ",\"units\":", &header.units, unit);
    out.bytes(b"}");
    Ok(())
}

fn parent(out: &mut impl Sink, parent: &Parent) {
    text(out, "{\"hash\":", &parent.hash.to_hex());
    text(out, ",\"record_id\":", &parent.record_id.to_hex());
    text(out, ",\"role\":", &parent.role);
    out.bytes(b"}");
}

fn unit(out: &mut impl Sink, unit: &UnitDigests) {
    list(out, "{\"digests\":", &unit.digests, |out, digest| text(out, "", digest));
    text(out, ",\"id\":", &unit.id.to_hex());
    out.bytes(b"}");
}

fn list<S: Sink, T>(out: &mut S, before: &str, items: &[T], write_one: impl Fn(&mut S, &T)) {
    out.bytes(before.as_bytes());
    out.bytes(b"[");
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.bytes(b",");
        }
        write_one(out, item);
    }
    out.bytes(b"]");
}

/// INVARIANT: `value` is printable ASCII without `"` and `\`: ids, hashes, digests, closed words and the restricted names of
/// [`crate::header`], [`crate::origin`]; so its JSON string is itself between quotes.
fn text(out: &mut impl Sink, before: &str, value: &str) {
    out.bytes(before.as_bytes());
    out.bytes(b"\"");
    out.bytes(value.as_bytes());
    out.bytes(b"\"");
}

fn number(out: &mut impl Sink, before: &str, value: u64) {
    out.bytes(before.as_bytes());
    let mut digits = Vec::with_capacity(MAX_DIGITS);
    push_decimal(&mut digits, value);
    out.bytes(&digits);
}

/// Decimal digits of the largest `u64`.
pub(super) const MAX_DIGITS: usize = 20;

/// Appends the decimal digits of `value`.
pub(super) fn push_decimal(out: &mut Vec<u8>, value: u64) {
    let mut digits = [b'0'; MAX_DIGITS];
    let mut rest = value;
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789".get((rest % 10) as usize).copied().unwrap_or(b'0');
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(MAX_DIGITS - used));
}

/// Close to the length of the record: 700 bytes of fixed members, 48 per digest, 160 per parent.
pub(super) fn estimate(header: &Header) -> usize {
    let digests: usize = header.units.iter().map(|unit| unit.digests.len() + 2).sum();
    1024 + digests * 48 + header.parents.len() * 160
}
