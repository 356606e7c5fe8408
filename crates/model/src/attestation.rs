//! What one organisation found when it checked entries of another's log, signed by its own key (formats §12.4).
//!
//! Promises: one byte form; an item's level follows from its three standings and is refused where it does not. Must never: call fine what was not checked.

mod make;
mod quorum;
mod words;

pub use make::{AttestError, attest};
pub use quorum::{BundleRow, ItemRow, MAX_BUNDLES, Quorum, QuorumAsked, Standing, quorum};

use serde_json::{Map, Value as Json, json};
use tabellion_tlog::{Hash, Protected, Sign1, Signer, Unprotected, sign1};

use crate::form::{FormFault, Members, base64_text, from_base64};
use crate::id::KeyId;
use crate::jcs::{JcsError, parse_jcs, to_jcs};
use crate::origin::Origin;
use crate::registry::KeyInfo;
use crate::time::Micros;
use crate::verdict::AspectStanding;

/// The format name.
pub const ATTESTATION_FORMAT: &str = "tabellion.attestation/1";
/// First line of the file.
pub const ATTESTATION_MAGIC: &str = "tabellion.attestation/1\n";
/// Most items of one attestation, as of a verification run.
pub const MAX_ATTESTED: usize = 50_000;
/// Most bytes of the file: 50,000 items of some 900 bytes.
pub const MAX_ATTESTATION_BYTES: usize = 48 << 20;
/// Content type of the signature.
const CONTENT_TYPE: &str = "application/tabellion-attestation+json";
/// Most bytes of a detail.
const MAX_DETAIL_BYTES: usize = 300;
/// Levels: 0 none, 1 existence, 2 hash, 3 signature.
pub const LEVELS: usize = 4;

/// Why bytes are no attestation, or one cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AttestationFormError {
    /// More bytes than one may have.
    #[error("an attestation has at most {MAX_ATTESTATION_BYTES} bytes, this has {0}")]
    TooLarge(usize),
    /// Not three lines that begin with the format's name.
    #[error("an attestation is three lines: its format's name, what was found, and a signature in base64")]
    Lines,
    /// Not canonical JSON.
    #[error("the attestation: {0}")]
    Jcs(#[from] JcsError),
    /// Canonical JSON of another form.
    #[error("{0}")]
    Form(#[from] FormFault),
    /// The signature cannot be read or made.
    #[error("the signature: {0}")]
    Signature(String),
}

/// What was found about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The log.
    pub log: Origin,
    /// Where the entry stands in it.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: Hash,
    /// The root key of that log, where its genesis could be followed.
    pub root_key: Option<KeyId>,
    /// The entry is in the log that the attester's trust file names.
    pub existence: AspectStanding,
    /// The given bytes hash to what the entry commits to.
    pub hash: AspectStanding,
    /// The issuer's signature holds under a key that the attester knows.
    pub signature: AspectStanding,
    /// SHA-256 of the receipt that was checked.
    pub evidence_sha256: Hash,
    /// SHA-256 of the content that was brought besides.
    pub content_sha256: Option<Hash>,
    /// What is to be said besides; empty when there is nothing.
    pub detail: String,
}

impl Attested {
    /// How far the three standings go: 0 none, 1 existence, 2 hash, 3 signature. Each level asks for those below it, and anything broken leaves none.
    pub fn level(&self) -> u8 {
        let standings = [self.existence, self.hash, self.signature];
        if standings.contains(&AspectStanding::Broken) {
            return 0;
        }
        (0..).zip(standings).find(|(_, one)| *one != AspectStanding::Holds).map_or(3, |(level, _)| level)
    }

    /// Whether something was found wrong.
    pub fn is_broken(&self) -> bool {
        [self.existence, self.hash, self.signature].contains(&AspectStanding::Broken)
    }

    fn place(&self) -> (&str, u64, &Hash) {
        (self.log.as_str(), self.index, &self.leaf)
    }
}

/// An attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The key that signs it.
    pub signer: KeyInfo,
    /// When, by the signer's own clock.
    pub made_at: Micros,
    /// Name and version of what made it.
    pub software: String,
    /// By log, index and leaf, each once.
    pub items: Vec<Attested>,
}

impl Attestation {
    /// One of these items in whatever order; `None`: an item is there twice.
    pub fn of(
        signer: &dyn Signer,
        made_at: Micros,
        software: String,
        mut items: Vec<Attested>,
    ) -> Option<Self> {
        items.sort_by(|one, other| one.place().cmp(&other.place()));
        let once = items.iter().zip(items.iter().skip(1)).all(|(one, next)| one.place() != next.place());
        once.then(|| Self { signer: KeyInfo::of(signer.public()), made_at, software, items })
    }

    /// The bytes of the file.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, AttestationFormError> {
        let said = to_jcs(&self.to_json())?;
        let protected = Protected {
            content_type: Some(CONTENT_TYPE.to_owned()),
            kid: Some(*signer.public().key_id().as_bytes()),
            ..Protected::default()
        };
        let signature = sign1(&protected, &said, false, signer)
            .map_err(|error| AttestationFormError::Signature(error.to_string()))?;
        let mut bytes = ATTESTATION_MAGIC.as_bytes().to_vec();
        bytes.extend(said);
        bytes.push(b'\n');
        bytes.extend(base64_text(&signature.encode()).into_bytes());
        bytes.push(b'\n');
        if bytes.len() > MAX_ATTESTATION_BYTES {
            return Err(AttestationFormError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    fn totals(&self) -> Json {
        let mut levels = [0_u64; LEVELS];
        for item in &self.items {
            if let Some(count) = levels.get_mut(usize::from(item.level())) {
                *count += 1;
            }
        }
        json!({ "broken": self.items.iter().filter(|item| item.is_broken()).count(), "levels": levels })
    }

    fn to_json(&self) -> Json {
        json!({
            "format": ATTESTATION_FORMAT, "items": self.items.iter().map(item_json).collect::<Vec<_>>(), "made_at": self.made_at.0,
            "signer": self.signer.to_json(), "software": self.software, "totals": self.totals(),
        })
    }
}

fn item_json(item: &Attested) -> Json {
    let mut members = Map::new();
    let mut put = |name: &str, value: Json| members.insert(name.to_owned(), value);
    put("log", item.log.as_str().into());
    put("index", item.index.into());
    put("leaf", item.leaf.to_hex().into());
    put("existence", item.existence.as_str().into());
    put("hash", item.hash.as_str().into());
    put("signature", item.signature.as_str().into());
    put("level", item.level().into());
    put("evidence_sha256", item.evidence_sha256.to_hex().into());
    if let Some(root) = &item.root_key {
        put("root_key", root.to_hex().into());
    }
    if let Some(content) = &item.content_sha256 {
        put("content_sha256", content.to_hex().into());
    }
    if !item.detail.is_empty() {
        put("detail", item.detail.clone().into());
    }
    Json::Object(members)
}

/// A file that was read, and whose signature was not looked at.
pub(crate) struct SignedAttestation<'a> {
    pub(crate) said: Attestation,
    signed: &'a [u8],
    signature: Sign1,
}

impl<'a> SignedAttestation<'a> {
    /// Reads a file; refuses every other form, and totals and levels that do not follow from the standings.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, AttestationFormError> {
        if bytes.len() > MAX_ATTESTATION_BYTES {
            return Err(AttestationFormError::TooLarge(bytes.len()));
        }
        let rest = bytes.strip_prefix(ATTESTATION_MAGIC.as_bytes()).ok_or(AttestationFormError::Lines)?;
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(AttestationFormError::Lines)?;
        let (signed, rest) = rest.split_at_checked(end).ok_or(AttestationFormError::Lines)?;
        let line = rest.strip_prefix(b"\n").and_then(|rest| rest.strip_suffix(b"\n"));
        let line = line.and_then(|line| std::str::from_utf8(line).ok()).and_then(from_base64);
        let signature = Sign1::parse(&line.ok_or(AttestationFormError::Lines)?)
            .map_err(|error| AttestationFormError::Signature(error.to_string()))?;
        let said = from_json(parse_jcs(signed)?)?;
        let header = &signature.protected;
        let plain = header.cwt_iss.is_none() && header.cwt_sub.is_none() && header.vds.is_none();
        let detached = signature.payload.is_none() && signature.unprotected == Unprotected::Empty;
        let by_signer = header.kid == Some(*said.signer.public.key_id().as_bytes());
        if !plain || !detached || !by_signer || header.content_type.as_deref() != Some(CONTENT_TYPE) {
            return Err(AttestationFormError::Signature(
                "is not one over an attestation by the key that it names".to_owned(),
            ));
        }
        Ok(Self { said, signed, signature })
    }

    /// Whether the key that it names signed it.
    pub(crate) fn is_signed(&self) -> bool {
        self.signature.verify(&self.said.signer.public, Some(self.signed)).is_ok()
    }
}

impl Attestation {
    /// Reads a file and judges nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self, AttestationFormError> {
        SignedAttestation::parse(bytes).map(|signed| signed.said)
    }
}

fn from_json(value: Json) -> Result<Attestation, FormFault> {
    let mut members = Members::of("the attestation", value)?;
    members.fixed("format", ATTESTATION_FORMAT)?;
    let rows = members.list("items")?;
    if rows.len() > MAX_ATTESTED {
        return Err(members.fault("items", "holds more than an attestation may have"));
    }
    let items = rows.into_iter().enumerate().map(|(number, row)| item(number, row));
    let said = Attestation {
        items: items.collect::<Result<_, _>>()?,
        made_at: Micros(members.number("made_at")?),
        signer: KeyInfo::read(&mut members, "signer")?,
        software: members.text("software")?,
    };
    let ascending =
        said.items.iter().zip(said.items.iter().skip(1)).all(|(one, next)| one.place() < next.place());
    if !ascending {
        return Err(members.fault("items", "is out of order or repeats an entry"));
    }
    if members.any("totals")? != said.totals() {
        return Err(members.fault("totals", "is not that of the items"));
    }
    members.finish()?;
    Ok(said)
}

fn item(number: usize, value: Json) -> Result<Attested, FormFault> {
    let mut members = Members::of(format!("item {number}"), value)?;
    let standing = |members: &mut Members, name: &str| {
        let text = members.text(name)?;
        AspectStanding::from_name(&text)
            .ok_or_else(|| members.fault(name, "is not holds, broken or not checked"))
    };
    let log = members.text("log")?;
    let log = Origin::new(&log).map_err(|error| members.fault("log", &error.to_string()))?;
    let optional = |members: &mut Members, name: &str| match members.optional(name) {
        None => Ok(None),
        Some(value) => {
            members.put(name, value);
            members.hash(name).map(Some)
        }
    };
    let detail = match members.optional("detail") {
        None => String::new(),
        Some(Json::String(text)) if !text.is_empty() && text.len() <= MAX_DETAIL_BYTES => text,
        Some(_) => return Err(members.fault("detail", "is no text, or an empty or long one")),
    };
    let item = Attested {
        existence: standing(&mut members, "existence")?,
        hash: standing(&mut members, "hash")?,
        signature: standing(&mut members, "signature")?,
        index: members.number("index")?,
        leaf: members.hash("leaf")?,
        root_key: optional(&mut members, "root_key")?.map(KeyId),
        evidence_sha256: members.hash("evidence_sha256")?,
        content_sha256: optional(&mut members, "content_sha256")?,
        log,
        detail,
    };
    if members.number("level")? != u64::from(item.level()) {
        return Err(members.fault("level", "does not follow from the three standings"));
    }
    if item.root_key.is_none() && item.existence == AspectStanding::Holds {
        return Err(members.fault("root_key", "is missing, and yet the entry is said to be in the log"));
    }
    members.finish()?;
    Ok(item)
}
