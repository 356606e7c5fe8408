//! API keys: issued once, rotated with an overlap, revoked.
//!
//! Promises: a key's secret leaves in the one answer that issued it; a revocation is answered when the views have passed it. Must never:
//! record a secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::Draft;
use tabellion_model::body::{CredentialIssued, CredentialRevoked, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_views::query::{CredentialRow, SystemRow};

use super::asking::all;
use super::forms::{IdForm, Line, Reason, Reference, Time, Word};
use super::systems::stage_of;
use super::writing::{Earlier, draft_of};
use super::{Actor, Desk, Given, Written, credential, digest_of};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// What every API key begins with, so that scanners for lost secrets know it.
pub const KEY_PREFIX: &str = "tbl_";

/// A key to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What people call it.
    pub name: Line,
    /// Purposes it may claim, of the system's; the first is its default; absent: all of the system's.
    #[serde(default)]
    #[schemars(length(min = 1, max = 32))]
    pub purposes: Option<Vec<Word>>,
    /// Models it may ask for; empty: whatever policy permits.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub models: Vec<Line>,
    /// When it stops working by itself.
    #[serde(default)]
    pub expires_at: Option<Time>,
}

/// How a key is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the old key goes on working beside the new one, in seconds: at most 90 days.
    #[schemars(range(min = 0, max = 7_776_000))]
    pub overlap_s: u64,
    /// When the new key stops working by itself.
    #[serde(default)]
    pub expires_at: Option<Time>,
}

/// An API key, without its secret. What was erased is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its credential.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// The system that calls with it.
    #[schemars(with = "IdForm")]
    pub system: String,
    /// What people call it.
    pub name: Option<String>,
    /// Purposes it may claim.
    pub purposes: Option<Vec<String>>,
    /// Models it may ask for; empty: whatever policy permits.
    pub models: Option<Vec<String>>,
    /// Whether it works now.
    pub works: bool,
    /// From when on it is refused.
    pub ends_at: Option<Time>,
    /// Why it was revoked, newest last.
    pub revocations: Vec<String>,
    /// The key it takes over from.
    #[schemars(with = "Option<IdForm>")]
    pub replaces: Option<String>,
    /// When it was issued.
    pub issued_at: Time,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record that issued it.
    pub issued: Reference,
}

/// A system's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// In the order in which they were issued.
    pub keys: Vec<Key>,
}

/// A key with its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuedKey {
    /// The key.
    pub key: Key,
    /// The whole key as a client sends it. It is shown here and never again; null in the answer to a repeated request.
    pub secret: Option<String>,
}

/// What a plan drew at random, unless an earlier request had.
struct Drawn {
    id: CredentialId,
    secret_sha256: String,
    secret: Option<String>,
}

impl Desk {
    /// The keys of one system.
    pub fn keys(&self, actor: &Actor, system: SystemId) -> Result<Keys, Refusal> {
        self.reach_system(actor, Permission::ReadKeys, system)?;
        let newest_first = all(|page| self.views.credentials(Some(&system), page))?;
        let keys = newest_first.iter().rev().map(|row| self.shown_key(row));
        Ok(Keys { keys: keys.collect::<Result<_, _>>()? })
    }

    /// The keys of every system within reach as the views have them, the last issued first.
    pub fn key_rows(&self, actor: &Actor) -> Result<Vec<CredentialRow>, Refusal> {
        let within = self.systems_within(actor, Permission::ReadKeys)?;
        let mut rows = all(|page| self.views.credentials(None, page))?;
        rows.retain(|row| within.as_ref().is_none_or(|within| within.contains(&row.system)));
        Ok(rows)
    }

    /// One key.
    pub fn key(&self, actor: &Actor, id: CredentialId) -> Result<Key, Refusal> {
        self.shown_key(&self.reach_key(actor, Permission::ReadKeys, id)?.0)
    }

    /// Issues a key for `system`.
    pub fn issue_key(
        &self,
        actor: &Actor,
        given: &Given,
        system: SystemId,
        new: &NewKey,
    ) -> Result<(IssuedKey, Written), Refusal> {
        let mut last = None;
        let written = self.once(actor, "issue-key", given, |earlier| {
            let drawn = last.insert(self.draw(earlier)?);
            let purposes = if let Some(earlier) = earlier {
                purposes_of(new, recorded_purposes(earlier).unwrap_or_default())
            } else {
                let row = self.reach_system(actor, Permission::ChangeKeys, system)?;
                self.check_new_key(&row, new)?
            };
            let body = CredentialIssued {
                name: new.name.as_str().to_owned(),
                secret_sha256: drawn.secret_sha256.clone(),
                purposes,
                models: new.models.iter().map(|model| model.as_str().to_owned()).collect(),
                expires_at: new.expires_at.map(|time| time.0),
                replaces: None,
            };
            Ok(vec![of_system(system, draft_of(&body, stream(drawn.id), 0)?)])
        })?;
        self.issued(last, written)
    }

    /// Issues a key in place of `old`, which works on for the overlap.
    pub fn rotate_key(
        &self,
        actor: &Actor,
        given: &Given,
        old: CredentialId,
        rotation: &Rotation,
    ) -> Result<(IssuedKey, Written), Refusal> {
        let mut last = None;
        let written = self.once(actor, "rotate-key", given, |earlier| {
            let drawn = last.insert(self.draw(earlier)?);
            let row = if earlier.is_some() {
                self.key_row(old)?
            } else {
                let (row, system) = self.reach_key(actor, Permission::ChangeKeys, old)?;
                check_not_retired(&system)?;
                if !works_at(&row, self.now()) {
                    return Err(Refusal::new(
                        Code::AlreadySo,
                        "the key does not work any more; issue a new one",
                    ));
                }
                self.check_expiry(rotation.expires_at)?;
                row
            };
            let before = row
                .issued
                .clone()
                .ok_or_else(|| Refusal::new(Code::Conflict, "what was issued is erased; issue a new key"))?;
            let body = CredentialIssued {
                name: before.name,
                secret_sha256: drawn.secret_sha256.clone(),
                purposes: before.purposes,
                models: before.models,
                expires_at: rotation.expires_at.map(|time| time.0),
                replaces: Some(old),
            };
            let second = earlier.and_then(|earlier| earlier.second.as_deref());
            let effective_at = second
                .and_then(effective_at)
                .unwrap_or(Micros(self.now().0 + rotation.overlap_s * 1_000_000));
            let ends = CredentialRevoked { reason: format!("rotated to {}", drawn.id), effective_at };
            let expected = given.expected(second, row.version);
            Ok(vec![
                of_system(row.system, draft_of(&body, stream(drawn.id), 0)?),
                of_system(row.system, draft_of(&ends, stream(old), expected)?),
            ])
        })?;
        self.issued(last, written)
    }

    /// Ends a key now.
    pub fn revoke_key(
        &self,
        actor: &Actor,
        given: &Given,
        id: CredentialId,
        why: &Reason,
    ) -> Result<(Key, Written), Refusal> {
        let written = self.once_taking(actor, "revoke-key", given, |earlier| {
            let row = if earlier.is_some() {
                self.key_row(id)?
            } else {
                let (row, _) = self.reach_key(actor, Permission::ChangeKeys, id)?;
                if !works_at(&row, self.now()) {
                    return Err(Refusal::new(Code::AlreadySo, "the key does not work any more"));
                }
                row
            };
            let now = earlier.and_then(effective_at).unwrap_or_else(|| self.now());
            let body = CredentialRevoked { reason: why.reason.to_text(), effective_at: now };
            let expected = given.expected(earlier, row.version);
            Ok(vec![of_system(row.system, draft_of(&body, stream(id), expected)?)])
        })?;
        Ok((self.shown_key(&self.key_row(id)?)?, written))
    }

    fn reach_key(
        &self,
        actor: &Actor,
        permission: Permission,
        id: CredentialId,
    ) -> Result<(CredentialRow, SystemRow), Refusal> {
        let row = self.key_row(id)?;
        let system = self.reach_system(actor, permission, row.system).map_err(|refusal| {
            if refusal.code == Code::NotFound { Refusal::not_found("key") } else { refusal }
        })?;
        Ok((row, system))
    }

    fn check_new_key(&self, system: &SystemRow, new: &NewKey) -> Result<Vec<String>, Refusal> {
        check_not_retired(system)?;
        self.check_expiry(new.expires_at)?;
        let said = system.described.as_ref().ok_or_else(|| {
            Refusal::new(Code::Conflict, "what was said of the system is erased; describe it anew")
        })?;
        let purposes = purposes_of(new, said.purposes.clone());
        match purposes.iter().position(|purpose| !said.purposes.contains(purpose)) {
            None => Ok(purposes),
            Some(at) => Err(Refusal::at(
                Code::UnknownReference,
                format!("/purposes/{at}"),
                format!("this is none of the system's purposes ({})", said.purposes.join(", ")),
            )),
        }
    }

    fn check_expiry(&self, expires_at: Option<Time>) -> Result<(), Refusal> {
        let now = self.now();
        match expires_at {
            Some(time) if time.0 <= now => {
                let (given, now) = (time.0, now);
                let text = format!(
                    "the key would have expired already: {given} is not after now, {now}. Give a later time, or none"
                );
                Err(Refusal::at(Code::Malformed, "/expires_at", text))
            }
            _ => Ok(()),
        }
    }

    fn draw(&self, earlier: Option<&Earlier>) -> Result<Drawn, Refusal> {
        if let Some(earlier) = earlier {
            let id = earlier.drawn_id()?;
            let secret_sha256 = earlier.text("secret_sha256").unwrap_or_default();
            return Ok(Drawn { id, secret_sha256, secret: None });
        }
        let id = credential(self.random_id()?);
        let secret = format!("{KEY_PREFIX}{id}_{}", self.random_token()?);
        Ok(Drawn { id, secret_sha256: digest_of(&secret).to_hex(), secret: Some(secret) })
    }

    fn issued(&self, drawn: Option<Drawn>, written: Written) -> Result<(IssuedKey, Written), Refusal> {
        let drawn = drawn.ok_or_else(|| Refusal::not_found("key"))?;
        let row = self.key_row(drawn.id)?;
        Ok((IssuedKey { key: self.shown_key(&row)?, secret: drawn.secret }, written))
    }

    fn key_row(&self, id: CredentialId) -> Result<CredentialRow, Refusal> {
        self.views.credential(&id)?.ok_or_else(|| Refusal::not_found("key"))
    }

    fn shown_key(&self, row: &CredentialRow) -> Result<Key, Refusal> {
        let issued = row.issued.as_ref();
        Ok(Key {
            id: row.credential.to_hex(),
            system: row.system.to_hex(),
            name: issued.map(|issued| issued.name.clone()),
            purposes: issued.map(|issued| issued.purposes.clone()),
            models: issued.map(|issued| issued.models.clone()),
            works: works_at(row, self.now()),
            ends_at: row.ends_at.map(Time),
            revocations: row.revocations.iter().filter_map(|revoked| revoked.reason.clone()).collect(),
            replaces: issued.and_then(|issued| issued.replaces).map(|id| id.to_hex()),
            issued_at: Time(row.issued_at),
            version: row.version,
            issued: self.reference(row.issued_entry)?,
        })
    }
}

/// Whether a key works at `now`: it is wholly known, and nothing has ended it.
pub fn works_at(row: &CredentialRow, now: Micros) -> bool {
    row.issued.is_some()
        && row.issued_again_entry.is_none()
        && row.ends_at.is_none_or(|ends_at| now < ends_at)
}

fn purposes_of(new: &NewKey, all: Vec<String>) -> Vec<String> {
    match &new.purposes {
        Some(purposes) => purposes.iter().map(|word| word.as_str().to_owned()).collect(),
        None => all,
    }
}

fn recorded_purposes(earlier: &Earlier) -> Option<Vec<String>> {
    serde_json::from_value(earlier.fields.get("purposes")?.clone()).ok()
}

fn effective_at(earlier: &Earlier) -> Option<Micros> {
    earlier.fields.get("effective_at").and_then(serde_json::Value::as_u64).map(Micros)
}

fn check_not_retired(system: &SystemRow) -> Result<(), Refusal> {
    if stage_of(system) == SystemStage::Retired {
        return Err(Refusal::new(Code::StageImpossible, "the system is retired; it gets no more keys"));
    }
    Ok(())
}

fn stream(id: CredentialId) -> String {
    format!("credential/{id}")
}

fn of_system(id: SystemId, mut draft: Draft) -> Draft {
    draft.system = Some(id.to_hex());
    draft
}
