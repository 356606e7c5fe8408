//! Issuers whose signed statements are registered: their keys, added and removed by record.
//!
//! Promises: a statement counts as an issuer's only under a key that somebody with the right to added here. Must never: take a key from a statement.

use std::sync::PoisonError;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::{IssuerAdded, IssuerRemoved};
use tabellion_tlog::{Hash, IssuerKey};
use tabellion_views::query::IssuerRow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::asking::all;
use super::forms::{DigestForm, IdForm, Line, Reason, Reference, Time};
use super::prose::Prose;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::refusal::{Code, Refusal};

/// An issuer's key to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIssuer {
    /// The claim `iss` of its statements, exactly.
    pub issuer: Line,
    /// Its public key in PEM, as `openssl pkey -pubout` writes it: Ed25519, or ECDSA on P-256.
    #[schemars(length(min = 1, max = 1024))]
    pub public_key: String,
    /// Key id that its statements carry, lower-case hex; absent: the key's COSE thumbprint alone.
    #[serde(default)]
    #[schemars(length(min = 2, max = 128), extend("pattern" = "^([0-9a-f]{2})+$"))]
    pub kid: Option<String>,
    /// Who that is, and how you came by the key.
    pub note: Prose,
}

/// A key of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Thumbprint of the key (RFC 9679).
    #[schemars(with = "DigestForm")]
    pub id: String,
    /// The claim `iss` of its statements; null: erased.
    pub issuer: Option<String>,
    /// `EdDSA` or `ES256`; null: erased.
    pub algorithm: Option<String>,
    /// The public key, a `SubjectPublicKeyInfo`, base64; null: erased.
    pub public_key: Option<String>,
    /// Key id that its statements carry besides the thumbprint; null: none.
    pub kid: Option<String>,
    /// What was said of it; null: erased.
    pub note: Option<String>,
    /// Whether statements under it are taken in.
    pub counts: bool,
    /// When it was added.
    pub added_at: Time,
    /// Who added it.
    #[schemars(with = "IdForm")]
    pub added_by: String,
    /// When it was removed; null: it was not.
    pub removed_at: Option<Time>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record that added it.
    pub added: Reference,
}

/// Issuers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuers {
    /// Every key, the last added first; removed ones too.
    pub issuers: Vec<Issuer>,
}

impl Desk {
    /// Every key of an issuer.
    pub fn issuers(&self) -> Result<Issuers, Refusal> {
        let rows = all(|page| self.views.issuers(page))?;
        let issuers = rows.into_iter().map(|row| self.shown_issuer(row));
        Ok(Issuers { issuers: issuers.collect::<Result<_, _>>()? })
    }

    /// One key.
    pub fn issuer(&self, id: &str) -> Result<Issuer, Refusal> {
        self.shown_issuer(self.issuer_row(id)?)
    }

    /// Adds a key of an issuer, or one that was removed once more.
    pub fn add_issuer(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewIssuer,
    ) -> Result<(Issuer, Written), Refusal> {
        let key = IssuerKey::from_pem(&new.public_key)
            .map_err(|error| Refusal::at(Code::Malformed, "/public_key", error.to_string()))?;
        let kid = new.kid.clone().unwrap_or_default();
        if hex::decode(&kid).is_err() || kid.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(Refusal::at(Code::Malformed, "/kid", "a key id is written as lower-case hex digits"));
        }
        let id = key.key_id();
        let written = self.once(actor, "add-issuer", given, |earlier| {
            let current = self.views.issuer(&id)?;
            if earlier.is_none() && current.as_ref().is_some_and(|row| row.removed_at.is_none()) {
                return Err(Refusal::new(Code::AlreadySo, "this key is an issuer's already"));
            }
            let body = IssuerAdded {
                issuer: new.issuer.as_str().to_owned(),
                algorithm: key.algorithm().as_str().to_owned(),
                public: STANDARD.encode(key.spki()),
                kid: kid.clone(),
                note: new.note.to_text(),
            };
            let version = current.map_or(0, |row| row.version);
            Ok(vec![draft_of(&body, stream(&id), given.expected(earlier, version))?])
        })?;
        Ok((self.issuer(&id.to_hex())?, written))
    }

    /// Takes nothing more in under a key; what was registered stays.
    pub fn remove_issuer(
        &self,
        actor: &Actor,
        given: &Given,
        id: &str,
        why: &Reason,
    ) -> Result<(Issuer, Written), Refusal> {
        let _stand = self.issuers_stand.write().unwrap_or_else(PoisonError::into_inner);
        let written = self.once_taking(actor, "remove-issuer", given, |earlier| {
            let row = self.issuer_row(id)?;
            if earlier.is_none() && row.removed_at.is_some() {
                return Err(Refusal::new(Code::AlreadySo, "the key was removed before"));
            }
            let body = IssuerRemoved { reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(&row.key_id), given.expected(earlier, row.version))?])
        })?;
        Ok((self.issuer(id)?, written))
    }

    fn issuer_row(&self, id: &str) -> Result<IssuerRow, Refusal> {
        let id = Hash::from_hex(id).ok_or_else(|| Refusal::not_found("issuer"))?;
        self.views.issuer(&id)?.ok_or_else(|| Refusal::not_found("issuer"))
    }

    fn shown_issuer(&self, row: IssuerRow) -> Result<Issuer, Refusal> {
        let added = self.reference(row.entry)?;
        let counts = row.removed_at.is_none() && row.said.is_some();
        let said = row.said;
        let text = |of: fn(&IssuerAdded) -> &String| said.as_ref().map(|said| of(said).clone());
        Ok(Issuer {
            id: row.key_id.to_hex(),
            issuer: text(|said| &said.issuer),
            algorithm: text(|said| &said.algorithm),
            public_key: text(|said| &said.public),
            kid: text(|said| &said.kid).filter(|kid| !kid.is_empty()),
            note: text(|said| &said.note),
            counts,
            added_at: Time(row.at),
            added_by: row.by.to_hex(),
            removed_at: row.removed_at.map(Time),
            version: row.version,
            added,
        })
    }
}

fn stream(id: &Hash) -> String {
    format!("issuer/{id}")
}
