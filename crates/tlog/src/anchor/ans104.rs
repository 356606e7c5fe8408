//! ANS-104 data items as Arweave's upload services take them, signed with Ed25519 (signature type 2).
//!
//! Promises: one byte form of what is read; tags are read as Avro with one block; the id is SHA-256 of the signature. The signed message is the
//! deep hash that deployed services and readers compute, over the list "dataitem", "1", the signature type in decimals, owner, target, anchor, the raw
//! bytes of the tags, and the data. (The text of ANS-104 leaves the signature type out and nests the tags; no service accepts that.)
//! Must never: take a data item for published because it is signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha384};

use crate::hash::sha256;
use crate::key::{PublicKey, Signer, SignerError};

/// Largest data item that is read: ours have 32 bytes of data and two tags.
pub const MAX_ITEM_BYTES: usize = 64 << 10;
/// Most tags (ANS-104 §2.1).
pub const MAX_TAGS: usize = 128;
/// Longest name of a tag (ANS-104 §2.1).
pub const MAX_TAG_NAME_BYTES: usize = 1_024;
/// Longest value of a tag (ANS-104 §2.1).
pub const MAX_TAG_VALUE_BYTES: usize = 3_072;
/// Ed25519 in the list of signature types.
const ED25519: u16 = 2;

/// Why bytes are no data item, or show nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataItemError {
    /// More bytes than we would upload.
    #[error("{0} bytes are too long for a data item of a checkpoint; the most is 65536")]
    TooLong(usize),
    /// Not the form of a data item.
    #[error("not an ANS-104 data item: {0}")]
    Form(&'static str),
    /// Signed in another way.
    #[error("signature type {0} of the data item is not Ed25519 (2)")]
    SignatureType(u16),
    /// The signature is wrong.
    #[error("the signature of the data item does not verify")]
    Signature,
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// Name and value of a tag.
pub type Tag = (Vec<u8>, Vec<u8>);

/// A data item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataItem {
    /// Ed25519 over the deep hash.
    pub signature: [u8; 64],
    /// The signer's public key.
    pub owner: [u8; 32],
    /// Whom it is for.
    pub target: Option<[u8; 32]>,
    /// Whatever makes two items differ.
    pub anchor: Option<[u8; 32]>,
    /// Name and value.
    pub tags: Vec<Tag>,
    /// The content.
    pub data: Vec<u8>,
}

impl DataItem {
    /// Signs `data` with `tags`.
    pub fn sign(
        data: &[u8],
        tags: &[(&str, &str)],
        anchor: Option<[u8; 32]>,
        signer: &dyn Signer,
    ) -> Result<Self, DataItemError> {
        let tags = tags.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let mut item = Self {
            signature: [0; 64],
            owner: *signer.public().as_bytes(),
            target: None,
            anchor,
            tags: tags.collect(),
            data: data.to_vec(),
        };
        item.signature = signer.sign(&item.message())?;
        Ok(item)
    }

    /// Reads a data item; checks no signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataItemError> {
        if bytes.len() > MAX_ITEM_BYTES {
            return Err(DataItemError::TooLong(bytes.len()));
        }
        let mut rest = bytes;
        let kind = u16::from_le_bytes(chunk(&mut rest, "a signature type")?);
        if kind != ED25519 {
            return Err(DataItemError::SignatureType(kind));
        }
        let signature = chunk(&mut rest, "a signature of 64 bytes")?;
        let owner = chunk(&mut rest, "an owner of 32 bytes")?;
        let target = optional(&mut rest, "a target")?;
        let anchor = optional(&mut rest, "an anchor")?;
        let count = u64::from_le_bytes(chunk(&mut rest, "a number of tags")?);
        let length = u64::from_le_bytes(chunk(&mut rest, "the length of the tags")?);
        let length = usize::try_from(length).map_err(|_| DataItemError::Form("the length of the tags"))?;
        let (tags, data) =
            rest.split_at_checked(length).ok_or(DataItemError::Form("the tags are cut off"))?;
        let tags = read_tags(tags)?;
        if tags.len() as u64 != count {
            return Err(DataItemError::Form("another number of tags than is said"));
        }
        let item = Self { signature, owner, target, anchor, tags, data: data.to_vec() };
        if item.to_bytes() == bytes {
            Ok(item)
        } else {
            Err(DataItemError::Form("a second spelling of one item"))
        }
    }

    /// The bytes that are uploaded.
    pub fn to_bytes(&self) -> Vec<u8> {
        let tags = self.tag_bytes();
        let mut out = ED25519.to_le_bytes().to_vec();
        out.extend_from_slice(&self.signature);
        out.extend_from_slice(&self.owner);
        for part in [&self.target, &self.anchor] {
            out.push(u8::from(part.is_some()));
            out.extend_from_slice(part.as_ref().map_or(&[], |bytes| bytes.as_slice()));
        }
        out.extend_from_slice(&(self.tags.len() as u64).to_le_bytes());
        out.extend_from_slice(&(tags.len() as u64).to_le_bytes());
        out.extend_from_slice(&tags);
        out.extend_from_slice(&self.data);
        out
    }

    /// Its id: base64url of SHA-256 of the signature.
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(&self.signature).as_bytes())
    }

    /// Whether its owner signed it.
    pub fn verify(&self) -> Result<(), DataItemError> {
        let key = PublicKey::from_bytes(&self.owner).map_err(|_| DataItemError::Signature)?;
        key.verify(&self.message(), &self.signature).map_err(|_| DataItemError::Signature)
    }

    /// What is signed.
    fn message(&self) -> [u8; 48] {
        let part = |part: &Option<[u8; 32]>| part.map(|bytes| bytes.to_vec()).unwrap_or_default();
        let (target, anchor, tags) = (part(&self.target), part(&self.anchor), self.tag_bytes());
        let kind = ED25519.to_string();
        deep_hash(&[b"dataitem", b"1", kind.as_bytes(), &self.owner, &target, &anchor, &tags, &self.data])
    }

    /// The tags in Avro: one block of pairs of strings, then an empty one; nothing when there are none.
    fn tag_bytes(&self) -> Vec<u8> {
        if self.tags.is_empty() {
            return Vec::new();
        }
        let mut out = Vec::new();
        put_long(&mut out, self.tags.len());
        for text in self.tags.iter().flat_map(|(name, value)| [name, value]) {
            put_long(&mut out, text.len());
            out.extend_from_slice(text);
        }
        out.push(0);
        out
    }
}

/// Arweave's deep hash of a list of byte strings.
fn deep_hash(parts: &[&[u8]]) -> [u8; 48] {
    let sha384 = |bytes: &[u8]| -> [u8; 48] { Sha384::digest(bytes).into() };
    let mut folded = sha384(format!("list{}", parts.len()).as_bytes());
    for part in parts {
        let tag = sha384(format!("blob{}", part.len()).as_bytes());
        let blob = sha384(&[tag, sha384(part)].concat());
        folded = sha384(&[folded, blob].concat());
    }
    folded
}

fn chunk<const N: usize>(rest: &mut &[u8], what: &'static str) -> Result<[u8; N], DataItemError> {
    let (first, after) = rest.split_first_chunk::<N>().ok_or(DataItemError::Form(what))?;
    *rest = after;
    Ok(*first)
}

fn optional(rest: &mut &[u8], what: &'static str) -> Result<Option<[u8; 32]>, DataItemError> {
    match chunk(rest, what)? {
        [0] => Ok(None),
        [1] => Ok(Some(chunk(rest, what)?)),
        [_] => Err(DataItemError::Form(what)),
    }
}

fn read_tags(bytes: &[u8]) -> Result<Vec<Tag>, DataItemError> {
    const WHAT: &str = "the tags are not one block of Avro";
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut rest = bytes;
    let count = long(&mut rest).filter(|count| (1..=MAX_TAGS).contains(count));
    let count = count.ok_or(DataItemError::Form("1 to 128 tags in one block"))?;
    let mut text = |limit: usize| {
        let length = long(&mut rest).filter(|length| (1..=limit).contains(length))?;
        let (text, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(text.to_vec())
    };
    let mut tags = Vec::new();
    for _ in 0..count {
        let name = text(MAX_TAG_NAME_BYTES).ok_or(DataItemError::Form("a tag's name"))?;
        let value = text(MAX_TAG_VALUE_BYTES).ok_or(DataItemError::Form("a tag's value"))?;
        tags.push((name, value));
    }
    if rest == [0] { Ok(tags) } else { Err(DataItemError::Form(WHAT)) }
}

/// A zig-zag number that is not negative.
fn long(rest: &mut &[u8]) -> Option<usize> {
    let (mut value, mut shift) = (0u64, 0u32);
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        if shift > 28 {
            return None; // beyond every length here
        }
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return value.is_multiple_of(2).then(|| usize::try_from(value / 2).ok()).flatten();
        }
        shift += 7;
    }
}

fn put_long(out: &mut Vec<u8>, value: usize) {
    let mut left = value * 2;
    while left > 0x7f {
        out.push(0x80 | (left & 0x7f).to_le_bytes()[0]);
        left >>= 7;
    }
    out.push(left.to_le_bytes()[0]);
}
