//! An auditor's own list of keys: which organisation stands behind a key, from when to when, and whether it was revoked (formats §12.2).
//!
//! Promises: a signature that verifies under a key which nobody registered is called a valid signature by an unknown key. A root key that is listed also
//! speaks for the log, writer and package keys that it granted; an actor's key only for itself, because a log does not say which organisation its actors
//! belong to. Must never: read a clock; every date is compared with the log's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};
use tabellion_tlog::PublicKey;

use crate::form::{FormFault, Members};
use crate::id::KeyId;
use crate::time::Micros;
use crate::verdict::{CheckPlan, KEY_DIRECTORY, Outcome, Problems};

/// The format name in every such file.
pub const DIRECTORY_FORMAT: &str = "tabellion.key-directory/1";
/// Largest file that is read.
pub const MAX_DIRECTORY_BYTES: usize = 16 << 20;
/// Most keys of one directory.
pub const MAX_DIRECTORY_KEYS: usize = 65_536;
const PLACE: &str = "the key directory";

/// The check, which a report has when the reader gives a directory.
pub(crate) const KEY_DIRECTORY_PLAN: CheckPlan = CheckPlan {
    name: KEY_DIRECTORY,
    proves: "Every signature that this report relies on is by a key that your key directory lists, within its dates.",
    does_not_prove: "That the directory is right: it is as good as whoever keeps it.",
};

/// Why a file is no key directory.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// More bytes than are read.
    #[error("{0} bytes are too long for a key directory; the most is 16 MiB")]
    TooLong(usize),
    /// Not JSON, or with a member twice.
    #[error("the key directory is not JSON that can be read: {0}")]
    Json(serde_json::Error),
    /// JSON of another form.
    #[error("{0}")]
    Form(#[from] FormFault),
}

/// One key of the list.
#[derive(Clone, Debug)]
struct Listed {
    organisation: String,
    public: Option<PublicKey>,
    valid_from: Micros,
    valid_to: Option<Micros>,
    revoked_at: Option<Micros>,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct KeyDirectory {
    keys: BTreeMap<KeyId, Listed>,
}

/// A key that made a valid signature: for what, and when by the log's own clock.
#[derive(Clone, Debug)]
struct Use {
    key: KeyId,
    purpose: &'static str,
    what: String,
    at: Option<Micros>,
}

/// Every key that a report relies on, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    found: Vec<Use>,
    root: Option<KeyId>,
}

impl Uses {
    pub(crate) fn add(
        &mut self,
        key: KeyId,
        purpose: &'static str,
        what: impl Into<String>,
        at: Option<Micros>,
    ) {
        if purpose == ROOT {
            self.root = Some(key);
        }
        self.found.push(Use { key, purpose, what: what.into(), at });
    }
}

/// What the key of a log's genesis is used as.
pub(crate) const ROOT: &str = "root";

impl KeyDirectory {
    /// Reads a directory. People write this file, so any JSON spelling is read; its members are closed all the same.
    pub fn parse(bytes: &[u8]) -> Result<Self, DirectoryError> {
        if bytes.len() > MAX_DIRECTORY_BYTES {
            return Err(DirectoryError::TooLong(bytes.len()));
        }
        let Once(value) = serde_json::from_slice(bytes).map_err(DirectoryError::Json)?;
        let mut members = Members::of(PLACE, value)?;
        members.fixed("format", DIRECTORY_FORMAT)?;
        let rows = members.list("keys")?;
        members.finish()?;
        if rows.len() > MAX_DIRECTORY_KEYS {
            return Err(FormFault::new(PLACE, "lists more than 65536 keys").into());
        }
        let mut keys = BTreeMap::new();
        for (number, row) in rows.into_iter().enumerate() {
            let (key, listed) = Listed::read(&format!("{PLACE}: keys[{number}]"), row)?;
            if keys.insert(key, listed).is_some() {
                return Err(FormFault::new(PLACE, format!("lists key {key} twice")).into());
            }
        }
        Ok(Self { keys })
    }

    /// The public key of this id, where the list has it.
    pub(crate) fn public(&self, key: &KeyId) -> Option<&PublicKey> {
        self.keys.get(key)?.public.as_ref()
    }

    /// The organisation that the list names for a key, whatever its dates.
    pub(crate) fn organisation(&self, key: &KeyId) -> Option<&str> {
        self.keys.get(key).map(|listed| listed.organisation.as_str())
    }

    /// The organisation for which a key speaks in what it dates itself, or why it does not. Of a key that was revoked nothing counts, whatever date it wrote:
    /// whoever has it can write any.
    pub(crate) fn speaker(&self, key: &KeyId, said_at: Micros) -> Result<&str, String> {
        let listed = self.keys.get(key).ok_or_else(|| "no key of your directory".to_owned())?;
        let fault = match listed.revoked_at {
            Some(revoked) => Some(format!(
                "a key that {} revoked at {revoked}; its own date proves nothing",
                listed.organisation
            )),
            None => listed.fault(Some(said_at)).map(|fault| format!("a key {fault}")),
        };
        fault.map_or(Ok(listed.organisation.as_str()), Err)
    }

    /// The outcome of the check and its text.
    pub(crate) fn judge(&self, uses: &Uses) -> (Outcome, String) {
        let (mut problems, mut organisations) = (Problems::default(), BTreeSet::new());
        let mut seen = BTreeSet::new();
        for one in &uses.found {
            let granted = matches!(one.purpose, "log" | "writer" | "package");
            let of_root = || uses.root.as_ref().filter(|_| granted).and_then(|root| self.keys.get(root));
            let listed = self.keys.get(&one.key).or_else(of_root);
            let fault = listed.map(|listed| listed.fault(one.at));
            if let (Some(listed), Some(None)) = (listed, &fault) {
                organisations.insert(listed.organisation.as_str());
                continue;
            }
            let Use { key, purpose, what, .. } = one;
            match fault.flatten() {
                fault if !seen.insert((*key, fault.clone())) => {}
                Some(fault) => {
                    problems.broken(|| format!("{what}: valid signature by {purpose} key {key}, {fault}"));
                }
                None => problems.undetermined(|| {
                    format!("{what}: valid signature by an unknown key, {purpose} key {key}")
                }),
            }
        }
        if uses.found.is_empty() {
            problems.undetermined(|| "no signature could be checked".to_owned());
        }
        let names: Vec<&str> = organisations.into_iter().collect();
        problems
            .summary()
            .unwrap_or_else(|| (Outcome::Holds, format!("every key belongs to {}", names.join(", "))))
    }
}

impl Listed {
    fn read(place: &str, row: Json) -> Result<(KeyId, Self), FormFault> {
        let mut members = Members::of(place, row)?;
        let id = members.text("key_id")?;
        let key =
            KeyId::from_hex(&id).ok_or_else(|| members.fault("key_id", "is not 64 lower-case hex digits"))?;
        let organisation = members.text("organisation")?;
        let valid_from = members.text("valid_from")?;
        let valid_from = date(&members, "valid_from", &valid_from)?;
        let valid_to = optional_date(&mut members, "valid_to")?;
        let revoked_at = optional_date(&mut members, "revoked_at")?;
        if let Some(note) = members.optional("note")
            && !note.is_string()
        {
            return Err(members.fault("note", "is not a string"));
        }
        let public = read_public(&mut members, &key)?;
        members.finish()?;
        Ok((key, Self { organisation, public, valid_from, valid_to, revoked_at }))
    }

    /// Why a signature at this time does not count. The time is the log's own clock.
    fn fault(&self, at: Option<Micros>) -> Option<String> {
        let organisation = &self.organisation;
        if let Some(revoked) = self.revoked_at
            && at.is_none_or(|at| at >= revoked)
        {
            return Some(format!("which {organisation} revoked at {revoked}"));
        }
        let outside = |at: Micros| at < self.valid_from || self.valid_to.is_some_and(|end| at >= end);
        at.is_some_and(outside).then(|| format!("outside the dates within which {organisation} used it"))
    }
}

/// `YYYY-MM-DD`, its first moment, or `YYYY-MM-DDThh:mm:ssZ`.
fn date(members: &Members, name: &str, text: &str) -> Result<Micros, FormFault> {
    const FORMS: [&str; 2] = ["0000-00-00", "0000-00-00T00:00:00Z"];
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let fault = || members.fault(name, "is no date since 1970: write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ");
    if !FORMS.contains(&shape.as_str()) {
        return Err(fault());
    }
    Micros::parse_date(text).map_err(|_| fault())
}

fn optional_date(members: &mut Members, name: &str) -> Result<Option<Micros>, FormFault> {
    match members.optional(name) {
        None => Ok(None),
        Some(Json::String(text)) => date(members, name, &text).map(Some),
        Some(_) => Err(members.fault(name, "is not a string")),
    }
}

fn read_public(members: &mut Members, key: &KeyId) -> Result<Option<PublicKey>, FormFault> {
    let Some(value) = members.optional("public") else { return Ok(None) };
    let unusable = || members.fault("public", "is not 32 bytes in base64 of a usable Ed25519 key");
    let text = value.as_str().ok_or_else(unusable)?;
    let bytes =
        crate::form::from_base64(text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(unusable)?;
    let public = PublicKey::from_bytes(&bytes).map_err(|_| unusable())?;
    if KeyId::of(&public) != *key {
        return Err(members.fault("public", "is the public key of another id"));
    }
    Ok(Some(public))
}

/// JSON in which no object has a member twice: of two rows nobody knows which counts.
struct Once(Json);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects, arrays and strings")
    }

    fn visit_str<E>(self, text: &str) -> Result<Once, E> {
        Ok(Once(Json::String(text.to_owned())))
    }

    // No member of this file is anything else; which one it is, its reader says.
    fn visit_bool<E>(self, value: bool) -> Result<Once, E> {
        Ok(Once(Json::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
        Ok(Once(Json::Null))
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once(Json::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
        let mut read = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            read.push(item);
        }
        Ok(Once(Json::Array(read)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Once, A::Error> {
        let mut read = Map::new();
        while let Some((name, Once(value))) = members.next_entry::<String, Once>()? {
            if read.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Once(Json::Object(read)))
    }
}
