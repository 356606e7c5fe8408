//! The signed header of a statement from outside: an open set, of which some parameters are understood and the rest is passed over unless it is
//! critical.

use std::fmt;

use minicbor::data::Type;
use minicbor::decode::Decoder;

use super::envelope::{HASH_ALG, HashEnvelope, LOCATION, PREIMAGE_TYPE, PayloadHash};
use super::{ForeignError, IssuerAlgorithm};
use crate::cbor;

/// `alg` (RFC 9052 §3.1).
const ALG: i64 = 1;
/// `crit` (RFC 9052 §3.1).
const CRIT: i64 = 2;
/// `content type` (RFC 9052 §3.1).
const CONTENT_TYPE: i64 = 3;
/// `kid` (RFC 9052 §3.1).
const KID: i64 = 4;
/// CWT Claims (RFC 9597 §2).
const CWT_CLAIMS: i64 = 15;
/// Claim `iss` (RFC 8392).
const ISS: i64 = 1;
/// Claim `sub` (RFC 8392).
const SUB: i64 = 2;
/// What may be marked critical, because it is understood.
const UNDERSTOOD: [i64; 7] = [ALG, CONTENT_TYPE, KID, CWT_CLAIMS, HASH_ALG, PREIMAGE_TYPE, LOCATION];
/// Most parameters of a header and most claims: the registry has about fifty.
const MAX_PARAMETERS: usize = 64;
/// Longest issuer, subject, content type or location.
const MAX_TEXT_BYTES: usize = 2048;
/// Longest key id.
const MAX_KID_BYTES: usize = 256;
/// What the content types of our own objects begin with (formats §4).
const OWN_KINDS: &str = "application/tabellion-";

/// The label of a header parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{:?}", text.chars().take(64).collect::<String>()),
        }
    }
}

/// What a signed header says that is understood here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignHeader {
    /// How it is signed.
    pub algorithm: IssuerAlgorithm,
    /// Key id, as the issuer chose it.
    pub kid: Option<Vec<u8>>,
    /// Content type of the payload: a media type, or the number of a `CoAP` content format.
    pub content_type: Option<String>,
    /// Claim `iss`.
    pub issuer: String,
    /// Claim `sub`.
    pub subject: String,
    /// Present when the payload is a digest.
    pub envelope: Option<HashEnvelope>,
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    seen: Vec<Label>,
    critical: Vec<Label>,
    algorithm: Option<IssuerAlgorithm>,
    kid: Option<Vec<u8>>,
    content_type: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    payload_hash: Option<PayloadHash>,
    preimage_type: Option<String>,
    location: Option<String>,
}

impl ForeignHeader {
    /// Reads a header map of definite length in any order, without repeats.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ForeignError> {
        let mut decoder = Decoder::new(bytes);
        let mut reading = Reading::default();
        for _ in 0..cbor::map(&mut decoder, MAX_PARAMETERS)? {
            let label = label(&mut decoder)?;
            if reading.seen.contains(&label) {
                return Err(ForeignError::Form(format!("header parameter {label} stands twice")));
            }
            reading.parameter(&label, &mut decoder)?;
            reading.seen.push(label);
        }
        if decoder.position() != bytes.len() {
            return Err(ForeignError::Form("something follows the protected header".to_owned()));
        }
        reading.finish()
    }
}

impl Reading {
    fn parameter(&mut self, label: &Label, decoder: &mut Decoder<'_>) -> Result<(), ForeignError> {
        let Label::Number(number) = label else { return Ok(decoder.skip()?) };
        match *number {
            ALG => self.algorithm = Some(IssuerAlgorithm::parse(&self::label(decoder)?)?),
            CRIT => self.critical = critical(decoder)?,
            CONTENT_TYPE => self.content_type = Some(content_type(decoder)?),
            KID => self.kid = Some(cbor::bytes(decoder, MAX_KID_BYTES)?.to_vec()),
            CWT_CLAIMS => self.claims(decoder)?,
            HASH_ALG => self.payload_hash = Some(PayloadHash::parse(&self::label(decoder)?)?),
            PREIMAGE_TYPE => self.preimage_type = Some(content_type(decoder)?),
            LOCATION => self.location = Some(cbor::text(decoder, MAX_TEXT_BYTES)?),
            _ => decoder.skip()?,
        }
        Ok(())
    }

    fn claims(&mut self, decoder: &mut Decoder<'_>) -> Result<(), ForeignError> {
        let mut seen = Vec::new();
        for _ in 0..cbor::map(decoder, MAX_PARAMETERS)? {
            let claim = label(decoder)?;
            if seen.contains(&claim) {
                return Err(ForeignError::Form(format!("claim {claim} stands twice")));
            }
            match claim {
                Label::Number(ISS) => self.issuer = Some(cbor::text(decoder, MAX_TEXT_BYTES)?),
                Label::Number(SUB) => self.subject = Some(cbor::text(decoder, MAX_TEXT_BYTES)?),
                _ => decoder.skip()?,
            }
            seen.push(claim);
        }
        Ok(())
    }

    fn finish(self) -> Result<ForeignHeader, ForeignError> {
        for label in &self.critical {
            let understood = matches!(label, Label::Number(number) if UNDERSTOOD.contains(number));
            if !understood {
                return Err(ForeignError::Critical(label.clone()));
            }
            if !self.seen.contains(label) {
                return Err(ForeignError::Form(format!(
                    "header parameter {label} is critical and not there"
                )));
            }
        }
        let own = |kind: &&String| kind.to_ascii_lowercase().starts_with(OWN_KINDS);
        if let Some(kind) = self.content_type.as_ref().filter(own) {
            return Err(ForeignError::OwnKind(kind.clone()));
        }
        let algorithm = self.algorithm.ok_or_else(|| ForeignError::Algorithm("(none)".to_owned()))?;
        let envelope = match (self.payload_hash, self.preimage_type, self.location) {
            (None, None, None) => None,
            (None, _, _) => {
                return Err(ForeignError::Envelope("it names no hash (258) for what it describes"));
            }
            (Some(_), _, _) if self.content_type.is_some() => {
                return Err(ForeignError::Envelope("a content type (3) cannot stand beside 258; use 259"));
            }
            (Some(hash), preimage_type, location) => Some(HashEnvelope { hash, preimage_type, location }),
        };
        Ok(ForeignHeader {
            algorithm,
            kid: self.kid,
            content_type: self.content_type,
            issuer: self.issuer.ok_or(ForeignError::NoClaim("issuer (iss, 1)"))?,
            subject: self.subject.ok_or(ForeignError::NoClaim("subject (sub, 2)"))?,
            envelope,
        })
    }
}

/// A number or a text, in any spelling: what is signed is kept as it is.
fn label(decoder: &mut Decoder<'_>) -> Result<Label, ForeignError> {
    Ok(match decoder.datatype()? {
        Type::String => Label::Text(cbor::text(decoder, MAX_TEXT_BYTES)?),
        _ => Label::Number(decoder.i64()?),
    })
}

fn critical(decoder: &mut Decoder<'_>) -> Result<Vec<Label>, ForeignError> {
    let count = cbor::array(decoder, MAX_PARAMETERS)?;
    if count == 0 {
        return Err(ForeignError::Form("the list of critical parameters is empty".to_owned()));
    }
    (0..count).map(|_| label(decoder)).collect()
}

fn content_type(decoder: &mut Decoder<'_>) -> Result<String, ForeignError> {
    Ok(match label(decoder)? {
        Label::Text(text) => text,
        Label::Number(number) => number.to_string(),
    })
}
