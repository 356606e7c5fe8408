//! Records found again by the SHA-256 of a content that they speak of (R27).
//!
//! Promises: finds what its reader may read and nothing else, so that asking tells nobody what stands in content they may not see. Must never: look at more entries for one answer than its limit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tabellion_model::digests::{MAX_MENTIONS, digest_of_text, mentions};
use tabellion_model::registry::Kind;
use tabellion_tlog::Hash;

use super::entries::{EntryForm, EntryQuery};
use super::forms::{DigestForm, IdForm, Time};
use super::{Actor, Desk};
use crate::refusal::{Code, Refusal};

/// Most entries that one answer looks at: each is decrypted, a fraction of a second in all.
const MAX_LOOKED: u64 = 8_192;
/// Places after which an answer ends with the entries it has begun.
const ENOUGH: usize = 200;
/// Entries that are looked at in one go.
const STRETCH: u64 = 50;

/// Where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestQuery {
    /// Below this index: `next` of the answer before.
    #[serde(default)]
    pub before: Option<u64>,
}

/// A place in a record that speaks of the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestPlace {
    /// The entry.
    pub index: u64,
    /// Its record.
    #[schemars(with = "IdForm")]
    pub record_id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// The sealer's clock.
    pub at: Time,
    /// The system it is about.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// `asset`: the thing itself; `baseline`: what it should be; `observed`: what it was found to be.
    #[schemars(extend("enum" = ["asset", "baseline", "observed"]))]
    pub role: String,
    /// Where in the record: names from the field down, each after a slash.
    pub place: String,
}

/// Where records speak of a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestPlaces {
    /// The digest.
    #[schemars(with = "DigestForm")]
    pub digest: String,
    /// The newest entries first.
    pub places: Vec<DigestPlace>,
    /// `before` of the next answer; null: all of the log was looked at. An answer may be empty and not be the last.
    pub next: Option<u64>,
}

impl Desk {
    /// Where records within reach speak of the content of this digest.
    pub fn digest_places(
        &self,
        actor: &Actor,
        digest: &str,
        query: &DigestQuery,
    ) -> Result<DigestPlaces, Refusal> {
        let digest = digest_of_text(digest).ok_or_else(|| {
            Refusal::new(Code::Malformed, "a SHA-256 is 64 hex digits, with sha256: before them or without")
        })?;
        let begin = query.before.unwrap_or(u64::MAX).min(self.ledger.reader().size());
        let stop = begin.saturating_sub(MAX_LOOKED);
        let (mut places, mut next) = (Vec::new(), Some(begin));
        while let Some(before) = next.filter(|next| *next > stop && places.len() < ENOUGH) {
            let asked = EntryQuery { before: Some(before), limit: Some(STRETCH), ..EntryQuery::default() };
            let page = self.entries(actor, &asked)?;
            places.extend(page.entries.iter().flat_map(|entry| places_in(entry, &digest)));
            next = page.next;
        }
        Ok(DigestPlaces { digest: digest.to_hex(), places, next })
    }
}

fn places_in(entry: &EntryForm, digest: &Hash) -> Vec<DigestPlace> {
    let (Some(record_type), Some(record_id)) = (&entry.record_type, &entry.record_id) else {
        return Vec::new();
    };
    let is_import = record_type == Kind::EnvelopeImported.name();
    let of = |fields: &Map<String, Value>| -> Vec<_> {
        fields.iter().flat_map(|(name, value)| mentions(name, value, is_import, digest)).collect()
    };
    let units = entry.units.iter().flat_map(|unit| of(&unit.fields));
    let place = |mention: tabellion_model::digests::DigestMention| DigestPlace {
        index: entry.index,
        record_id: record_id.clone(),
        record_type: record_type.clone(),
        at: entry.at,
        system: entry.system.clone(),
        role: mention.role.as_str().to_owned(),
        place: mention.place,
    };
    of(&entry.clear).into_iter().chain(units).take(MAX_MENTIONS).map(place).collect()
}
