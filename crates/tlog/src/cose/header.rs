//! The closed set of header parameters, protected and unprotected.

use std::convert::Infallible;

use minicbor::decode::{Decoder, Error};
use minicbor::{Encoder, encode};

use super::{ALG_EDDSA, CoseError, MAX_RECEIPT_BYTES, MAX_RECEIPTS, VDS_RFC9162_SHA256};
use crate::cbor;
use crate::hash::Hash;
use crate::verify::MAX_PATH_HASHES;

/// `alg` (RFC 9052 §3.1).
const ALG: i64 = 1;
/// `content type` (RFC 9052 §3.1).
const CONTENT_TYPE: i64 = 3;
/// `kid` (RFC 9052 §3.1).
const KID: i64 = 4;
/// CWT Claims (RFC 9597 §2).
const CWT_CLAIMS: i64 = 15;
/// Receipts of a transparent statement (RFC 9942 §2).
const RECEIPTS: i64 = 394;
/// Verifiable data structure (RFC 9942 §2).
const VDS: i64 = 395;
/// Verifiable data structure proofs (RFC 9942 §2).
const VDP: i64 = 396;
/// The entry that a receipt is about, where that is not the statement itself: a parameter of our own, in the range for private use
/// of labels (below −65536, RFC 9052 §11.1).
const ENTRY: i64 = -65_537;
/// Claim `iss` (RFC 8392).
const ISS: i64 = 1;
/// Claim `sub` (RFC 8392).
const SUB: i64 = 2;
/// Inclusion proofs inside `vdp` (RFC 9942 §5.2).
const INCLUSION: i64 = -1;

/// Different protected parameters that exist.
const MAX_PROTECTED: usize = 5;
/// Longest text in a header: twice an origin.
const MAX_TEXT_BYTES: usize = 512;
/// Inclusion proofs in one receipt: a receipt is for one leaf.
const MAX_INCLUSION_PROOFS: usize = 1;
/// Largest index or size of an inclusion proof: what a number in JSON says exactly, as in every other file.
const MAX_PLACE: u64 = (1 << 53) - 1;

/// Signed header parameters. `alg` is always there and always −8, so it has no field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// Content type (3), 1 to 512 bytes.
    pub content_type: Option<String>,
    /// Key id (4): the RFC 9679 thumbprint.
    pub kid: Option<[u8; 32]>,
    /// CWT claim issuer (15, 1), 1 to 512 bytes.
    pub cwt_iss: Option<String>,
    /// CWT claim subject (15, 2), 1 to 512 bytes.
    pub cwt_sub: Option<String>,
    /// Verifiable data structure (395): 1 is the only one.
    pub vds: Option<i64>,
}

/// Header parameters that nobody signed: none, or exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Unprotected {
    /// None; the only form inside a log.
    #[default]
    Empty,
    /// The inclusion proof of a receipt (396, −1): one proof in a list of one.
    Inclusion(InclusionProof),
    /// The same with the entry that the proof places (−65537), of 1 to 4,096 bytes.
    Registration(InclusionProof, Vec<u8>),
    /// The receipts of a transparent statement (394), 1 to 16.
    Receipts(Vec<Vec<u8>>),
}

/// An inclusion proof as RFC 9942 §5.2 writes it: `bstr .cbor [size, index, [hash…]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Leaves of the tree.
    pub size: u64,
    /// Index of the leaf.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    fn encode(&self) -> Vec<u8> {
        cbor::encode(|out| {
            out.array(3)?.u64(self.size)?.u64(self.index)?.array(self.path.len() as u64)?;
            self.path.iter().try_for_each(|hash| out.bytes(hash.as_bytes())?.ok())
        })
    }

    /// Reads any spelling; the whole message is written again and compared.
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        if cbor::array(&mut decoder, 3)? != 3 {
            return Err(Error::message("an inclusion proof is [size, index, path]"));
        }
        let (size, index) = (decoder.u64()?, decoder.u64()?);
        if size.max(index) > MAX_PLACE {
            return Err(Error::message("index and size of an inclusion proof are at most 2^53 − 1"));
        }
        let count = cbor::array(&mut decoder, MAX_PATH_HASHES)?;
        let path: Result<Vec<_>, Error> =
            (0..count).map(|_| cbor::exact_bytes(&mut decoder).map(Hash)).collect();
        Ok(Self { size, index, path: path? })
    }
}

impl Protected {
    /// The deterministic map.
    pub(super) fn encode(&self) -> Vec<u8> {
        let claims = usize::from(self.cwt_iss.is_some()) + usize::from(self.cwt_sub.is_some());
        let optional = [self.content_type.is_some(), self.kid.is_some(), claims > 0, self.vds.is_some()];
        let pairs = 1 + optional.iter().filter(|there| **there).count();
        cbor::encode(|out| {
            out.map(pairs as u64)?.i64(ALG)?.i64(ALG_EDDSA)?;
            if let Some(content_type) = &self.content_type {
                out.i64(CONTENT_TYPE)?.str(content_type)?;
            }
            if let Some(kid) = &self.kid {
                out.i64(KID)?.bytes(kid)?;
            }
            if claims > 0 {
                out.i64(CWT_CLAIMS)?.map(claims as u64)?;
                for (label, claim) in [(ISS, &self.cwt_iss), (SUB, &self.cwt_sub)] {
                    if let Some(claim) = claim {
                        out.i64(label)?.str(claim)?;
                    }
                }
            }
            if let Some(vds) = self.vds {
                out.i64(VDS)?.i64(vds)?;
            }
            out.ok()
        })
    }
}

/// Reads the deterministic map and refuses any other spelling.
pub(super) fn parse_protected(bytes: &[u8]) -> Result<Protected, CoseError> {
    let mut decoder = Decoder::new(bytes);
    let mut protected = Protected::default();
    let mut has_algorithm = false;
    for _ in 0..cbor::map(&mut decoder, MAX_PROTECTED)? {
        match decoder.i64()? {
            ALG => match decoder.i64()? {
                ALG_EDDSA => has_algorithm = true,
                other => return Err(CoseError::Algorithm(other)),
            },
            CONTENT_TYPE => protected.content_type = Some(cbor::text(&mut decoder, MAX_TEXT_BYTES)?),
            KID => protected.kid = Some(cbor::exact_bytes(&mut decoder)?),
            CWT_CLAIMS => parse_claims(&mut decoder, &mut protected)?,
            VDS => match decoder.i64()? {
                VDS_RFC9162_SHA256 => protected.vds = Some(VDS_RFC9162_SHA256),
                other => return Err(CoseError::DataStructure(other)),
            },
            label => return Err(CoseError::Header { place: "protected", label }),
        }
    }
    if !has_algorithm {
        return Err(Error::message("no algorithm").into());
    }
    if protected.encode() == bytes { Ok(protected) } else { Err(CoseError::NotCanonical) }
}

fn parse_claims(decoder: &mut Decoder<'_>, protected: &mut Protected) -> Result<(), CoseError> {
    for _ in 0..cbor::map(decoder, 2)? {
        let claim = match decoder.i64()? {
            ISS => &mut protected.cwt_iss,
            SUB => &mut protected.cwt_sub,
            _ => return Err(Error::message("a claim other than iss and sub").into()),
        };
        *claim = Some(cbor::text(decoder, MAX_TEXT_BYTES)?);
    }
    Ok(())
}

pub(super) fn parse_unprotected(decoder: &mut Decoder<'_>) -> Result<Unprotected, CoseError> {
    let pairs = cbor::map(decoder, 2)?;
    if pairs == 0 {
        return Ok(Unprotected::Empty);
    }
    match (decoder.i64()?, pairs) {
        (RECEIPTS, 1) => {
            Ok(Unprotected::Receipts(cbor::byte_strings(decoder, MAX_RECEIPTS, MAX_RECEIPT_BYTES)?))
        }
        (VDP, 1) => Ok(Unprotected::Inclusion(inclusion(decoder)?)),
        (VDP, _) => {
            let proof = inclusion(decoder)?;
            match decoder.i64()? {
                ENTRY => {
                    Ok(Unprotected::Registration(proof, cbor::bytes(decoder, MAX_RECEIPT_BYTES)?.to_vec()))
                }
                label => Err(CoseError::Header { place: "unprotected", label }),
            }
        }
        (label, _) => Err(CoseError::Header { place: "unprotected", label }),
    }
}

fn inclusion(decoder: &mut Decoder<'_>) -> Result<InclusionProof, CoseError> {
    if cbor::map(decoder, 1)? != 1 || decoder.i64()? != INCLUSION {
        return Err(Error::message("the proofs are not inclusion proofs").into());
    }
    let proofs = cbor::byte_strings(decoder, MAX_INCLUSION_PROOFS, MAX_RECEIPT_BYTES)?;
    let bytes = proofs.first().ok_or_else(|| Error::message("no inclusion proof"))?;
    Ok(InclusionProof::parse(bytes)?)
}

pub(super) fn write_unprotected(
    out: &mut Encoder<Vec<u8>>,
    unprotected: &Unprotected,
) -> Result<(), encode::Error<Infallible>> {
    match unprotected {
        Unprotected::Empty => out.map(0)?.ok(),
        Unprotected::Inclusion(proof) => {
            out.map(1)?.i64(VDP)?.map(1)?.i64(INCLUSION)?.array(1)?.bytes(&proof.encode())?.ok()
        }
        Unprotected::Registration(proof, entry) => {
            out.map(2)?.i64(VDP)?.map(1)?.i64(INCLUSION)?.array(1)?.bytes(&proof.encode())?;
            out.i64(ENTRY)?.bytes(entry)?.ok()
        }
        Unprotected::Receipts(receipts) => {
            out.map(1)?.i64(RECEIPTS)?.array(receipts.len() as u64)?;
            receipts.iter().try_for_each(|receipt| out.bytes(receipt)?.ok())
        }
    }
}
