//! The bytes of a proof.
//!
//! Numbers are read in their shortest form alone, so that a proof has one spelling in the order of its branches.

use super::{
    Attestation, Branch, MAX_DEPTH, MAX_MESSAGE_BYTES, MAX_PROOF_BYTES, Op, OtsError, OtsProof, Timestamp,
};
use crate::hash::Hash;

/// What every `.ots` file begins with.
const MAGIC: &[u8] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";
/// The only version.
const VERSION: u64 = 1;
const APPEND: u8 = 0xf0;
const PREPEND: u8 = 0xf1;
const REVERSE: u8 = 0xf2;
const HEXLIFY: u8 = 0xf3;
const SHA1: u8 = 0x02;
const RIPEMD160: u8 = 0x03;
const SHA256: u8 = 0x08;
const KECCAK256: u8 = 0x67;
/// Another branch follows this one.
const MORE: u8 = 0xff;
/// An attestation, not an operation.
const ATTESTATION: u8 = 0x00;
const PENDING: [u8; 8] = [0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e];
const BITCOIN: [u8; 8] = [0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01];
/// Longest content of an attestation, as in the reference implementation.
const MAX_ATTESTATION_BYTES: usize = 8_192;
/// Longest URL of a calendar, as in the reference implementation.
const MAX_URL_BYTES: usize = 1_000;
/// Most branches of one message: a proof merged from many calendars has a dozen.
const MAX_BRANCHES: usize = 256;

impl OtsProof {
    /// Reads a `.ots` file over SHA-256.
    pub fn parse(bytes: &[u8]) -> Result<Self, OtsError> {
        let mut reader = Reader::new(bytes)?;
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(reader.fault("the magic of a proof"));
        }
        if reader.number()? != VERSION {
            return Err(reader.fault("version 1"));
        }
        if reader.byte()? != SHA256 {
            return Err(reader.fault("a digest by SHA-256"));
        }
        let digest: [u8; 32] =
            reader.take(32)?.try_into().map_err(|_| reader.fault("a digest of 32 bytes"))?;
        let timestamp = reader.timestamp(0)?;
        reader.finish()?;
        Self { digest: Hash(digest), timestamp }.bounded()
    }

    /// The bytes of the `.ots` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_number(&mut out, VERSION);
        out.push(SHA256);
        out.extend_from_slice(self.digest.as_bytes());
        put_timestamp(&mut out, &self.timestamp);
        out
    }
}

impl Timestamp {
    /// Reads what a calendar answers: a timestamp without a file around it.
    pub fn parse(bytes: &[u8]) -> Result<Self, OtsError> {
        let mut reader = Reader::new(bytes)?;
        let timestamp = reader.timestamp(0)?;
        reader.finish()?;
        Ok(timestamp)
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_timestamp(&mut out, self);
        out
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, OtsError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(OtsError::TooLong(bytes.len()));
        }
        Ok(Self { rest: bytes, length: bytes.len() })
    }

    fn fault(&self, needed: &'static str) -> OtsError {
        OtsError::Form { at: self.length - self.rest.len(), needed }
    }

    fn finish(self) -> Result<(), OtsError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.fault("the end")) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], OtsError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.fault("more bytes than there are"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, OtsError> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| self.fault("one byte more"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, OtsError> {
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            // Nine groups of seven bits: no length or height comes near.
            if shift > 56 || (byte == 0 && shift > 0) {
                return Err(self.fault("a number in its shortest form"));
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    fn bytes(&mut self, range: std::ops::RangeInclusive<usize>) -> Result<&'a [u8], OtsError> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if !range.contains(&length) {
            return Err(self.fault("a length within its limits"));
        }
        self.take(length)
    }

    fn timestamp(&mut self, depth: usize) -> Result<Timestamp, OtsError> {
        if depth > MAX_DEPTH {
            return Err(self.fault("at most 256 operations in a row"));
        }
        let mut branches = Vec::new();
        loop {
            let tag = self.byte()?;
            let (tag, more) = if tag == MORE { (self.byte()?, true) } else { (tag, false) };
            branches.push(match tag {
                ATTESTATION => Branch::Attested(self.attestation()?),
                tag => {
                    let op = self.op(tag)?;
                    Branch::Then(op, self.timestamp(depth + 1)?)
                }
            });
            if !more {
                return Ok(Timestamp { branches });
            }
            if branches.len() >= MAX_BRANCHES {
                return Err(self.fault("at most 256 branches"));
            }
        }
    }

    fn op(&mut self, tag: u8) -> Result<Op, OtsError> {
        Ok(match tag {
            APPEND => Op::Append(self.bytes(1..=MAX_MESSAGE_BYTES)?.to_vec()),
            PREPEND => Op::Prepend(self.bytes(1..=MAX_MESSAGE_BYTES)?.to_vec()),
            REVERSE => Op::Reverse,
            HEXLIFY => Op::Hexlify,
            SHA1 => Op::Sha1,
            RIPEMD160 => Op::Ripemd160,
            SHA256 => Op::Sha256,
            KECCAK256 => Op::Keccak256,
            _ => return Err(self.fault("a known operation")),
        })
    }

    fn attestation(&mut self) -> Result<Attestation, OtsError> {
        let tag: [u8; 8] = self.take(8)?.try_into().map_err(|_| self.fault("a tag of 8 bytes"))?;
        let content = self.bytes(0..=MAX_ATTESTATION_BYTES)?;
        // Offsets inside are those of the content's end: near enough to find it.
        let mut inner = Reader { rest: content, length: content.len() };
        Ok(match tag {
            PENDING => {
                let url = inner.bytes(1..=MAX_URL_BYTES)?;
                inner.finish()?;
                let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:".contains(byte);
                if !url.iter().all(allowed) {
                    return Err(self.fault("a calendar's URL"));
                }
                Attestation::Pending(String::from_utf8_lossy(url).into_owned())
            }
            BITCOIN => {
                let height = inner.number()?;
                inner.finish()?;
                Attestation::Bitcoin(height)
            }
            tag => Attestation::Unknown(tag, content.to_vec()),
        })
    }
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let group = (value & 0x7f).to_le_bytes()[0];
        value >>= 7;
        if value == 0 {
            out.push(group);
            return;
        }
        out.push(group | 0x80);
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_timestamp(out: &mut Vec<u8>, timestamp: &Timestamp) {
    let last = timestamp.branches.len().saturating_sub(1);
    for (number, branch) in timestamp.branches.iter().enumerate() {
        if number < last {
            out.push(MORE);
        }
        match branch {
            Branch::Attested(attestation) => put_attestation(out, attestation),
            Branch::Then(op, next) => {
                put_op(out, op);
                put_timestamp(out, next);
            }
        }
    }
}

fn put_op(out: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Append(bytes) => {
            out.push(APPEND);
            put_bytes(out, bytes);
        }
        Op::Prepend(bytes) => {
            out.push(PREPEND);
            put_bytes(out, bytes);
        }
        Op::Sha256 => out.push(SHA256),
        Op::Sha1 => out.push(SHA1),
        Op::Ripemd160 => out.push(RIPEMD160),
        Op::Keccak256 => out.push(KECCAK256),
        Op::Reverse => out.push(REVERSE),
        Op::Hexlify => out.push(HEXLIFY),
    }
}

fn put_attestation(out: &mut Vec<u8>, attestation: &Attestation) {
    let mut content = Vec::new();
    let tag = match attestation {
        Attestation::Pending(url) => {
            put_bytes(&mut content, url.as_bytes());
            PENDING
        }
        Attestation::Bitcoin(height) => {
            put_number(&mut content, *height);
            BITCOIN
        }
        Attestation::Unknown(tag, bytes) => {
            content.clone_from(bytes);
            *tag
        }
    };
    out.push(ATTESTATION);
    out.extend_from_slice(&tag);
    put_bytes(out, &content);
}
