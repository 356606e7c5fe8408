//! What placeholders of a call stand for: shown once to whoever may see it, said why, and had that put on record first.
//!
//! Promises: nothing of it is given before the reason and the placeholders are durable; whoever may see what was captured sees who asked before. Must never: take a
//! permission for a reason, give a value again for a record that was made before, or give one when the record could not be written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::{DraftParent, DraftStream, UnitContent};
use tabellion_model::RecordId;
use tabellion_model::body::{MaskingUnmasked, Original, Pseudonyms, is_original};
use tabellion_tlog::leaf_hash;
use tabellion_views::query::{CallDetail, CallState, Page, UnmaskingRow};

use super::forms::{IdForm, Reference, Time};
use super::prose::Prose;
use super::writing::{Earlier, draft_of};
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Why a record keeps no values: they are of too many people.
const TOO_MANY: &str = "too_many";
/// Unmaskings that are listed, the newest.
const LISTED: u32 = 50;

/// How the placeholders of a call were made and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CallPseudonyms")]
pub struct PseudonymsForm {
    /// Within what one value has one placeholder: `system`, `conversation` or `call`.
    pub scope: String,
    /// Whether the answer got the values for them.
    pub given_back: bool,
    /// Of how many the value was kept; null: none was to be kept.
    pub kept: Option<u64>,
    /// Why none was: `too_many`.
    pub kept_withheld: Option<String>,
}

impl PseudonymsForm {
    pub(super) fn of(pseudonyms: &Pseudonyms) -> Self {
        Self {
            scope: pseudonyms.scope.name().to_owned(),
            given_back: pseudonyms.given_back,
            kept: pseudonyms.kept,
            kept_withheld: pseudonyms.kept_withheld.clone(),
        }
    }
}

/// Who wants to see what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUnmasking {
    /// Why, for whoever asks later.
    pub reason: Prose,
    /// Which placeholders, as the provider saw them: `<EMAIL_7Q2K4F>`; absent: all of which a value is kept.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 64)))]
    pub placeholders: Option<Vec<String>>,
}

/// What one placeholder stands for.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmaskedValue {
    /// The placeholder.
    pub placeholder: String,
    /// The class.
    pub class: String,
    /// The value, as it came.
    pub value: String,
}

/// What placeholders of a call stand for.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmasked {
    /// The values, by placeholder; null: the same request was sent before, and they were shown then.
    pub values: Option<Vec<UnmaskedValue>>,
    /// How many of the call's kept values were erased since: nobody can show them.
    pub erased: u64,
}

/// Somebody who asked what placeholders stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmasking {
    /// Who.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// Which placeholders; null: erased.
    pub placeholders: Option<Vec<String>>,
    /// The record.
    pub recorded: Reference,
}

/// Who asked what placeholders of a call stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmaskings {
    /// The newest first, at most 50.
    pub unmaskings: Vec<Unmasking>,
}

impl Desk {
    /// Records why `actor` wants to see what placeholders of a call stand for, then gives it.
    pub fn unmask(
        &self,
        actor: &Actor,
        given: &Given,
        id: RecordId,
        new: &NewUnmasking,
    ) -> Result<(Unmasked, Written), Refusal> {
        let call = self.call_to(actor, id, Permission::UnmaskValues)?;
        if !matches!(actor, Actor::Person { .. }) {
            return Err(Refusal::new(Code::NotPermitted, "a reason is a person's: sign in to give one"));
        }
        kept(&call)?;
        let decided = self.ledger.reader().entry(call.row.entry)?;
        let mut asked_for = Vec::new();
        let written = self.once(actor, "unmask", given, |earlier| {
            // A request that was recorded is the same one whatever was erased since: it is told by what it asked for.
            asked_for = match earlier {
                Some(earlier) => asked_before(earlier, new.placeholders.as_deref()),
                None => chosen(&self.originals(&call)?, new.placeholders.as_deref())?,
            };
            let body = MaskingUnmasked { reason: new.reason.to_text(), placeholders: asked_for.clone() };
            let mut draft = draft_of(&body, String::new(), 0)?;
            // Whoever else asks at the same time is in nobody's way.
            draft.stream = Some(DraftStream { name: format!("unmasking/{id}"), expected: None });
            draft.system = call.row.system.map(|system| system.to_hex());
            draft.parents = vec![DraftParent {
                hash: leaf_hash(&decided.bytes).to_hex(),
                record_id: id.to_hex(),
                role: "unmasked".to_owned(),
            }];
            Ok(vec![draft])
        })?;
        // Read again: what was erased while the record was written is gone.
        let mut originals = self.originals(&call)?;
        let erased = kept(&call)?.saturating_sub(originals.len() as u64);
        let shown = asked_for.iter().filter_map(|placeholder| originals.remove(placeholder));
        let values = (!written.repeated).then(|| shown.map(UnmaskedValue::from).collect());
        Ok((Unmasked { values, erased }, written))
    }

    /// Who asked what placeholders of a call stand for.
    pub fn unmaskings(&self, actor: &Actor, id: RecordId) -> Result<Unmaskings, Refusal> {
        self.call_to(actor, id, Permission::ReadCaptured)?;
        let found = self.present().unmaskings(&id, Page { before: None, limit: LISTED })?;
        let unmaskings = found.rows.into_iter().map(|row| self.unmasking(row)).collect::<Result<_, _>>()?;
        Ok(Unmaskings { unmaskings })
    }

    fn unmasking(&self, row: UnmaskingRow) -> Result<Unmasking, Refusal> {
        let (reason, placeholders) = row.said.unzip();
        Ok(Unmasking {
            by: row.by.to_hex(),
            at: Time(row.at),
            reason,
            placeholders,
            recorded: self.reference(row.entry)?,
        })
    }

    /// The call, when `actor` may do this with what is kept of it.
    fn call_to(&self, actor: &Actor, id: RecordId, permission: Permission) -> Result<CallDetail, Refusal> {
        let call = self.views.call(&id)?.ok_or_else(|| Refusal::not_found("call"))?;
        if !self.may(actor, Permission::ReadCalls, call.row.system)? {
            return Err(Refusal::not_found("call"));
        }
        if !self.may(actor, permission, call.row.system)? {
            return Err(Refusal::new(
                Code::NotPermitted,
                "none of your roles may see what placeholders stand for, or who asked",
            ));
        }
        Ok(call)
    }

    /// What is still there of what the call's placeholders stand for.
    fn originals(&self, call: &CallDetail) -> Result<BTreeMap<String, Original>, Refusal> {
        let view = self.ledger.reader().entry(call.row.entry)?;
        let Some(header) = view.entry.header() else { return Ok(BTreeMap::new()) };
        let shown = view.units.iter().filter_map(|unit| match &unit.content {
            UnitContent::Shown(disclosures) => Some(disclosures),
            UnitContent::Erased | UnitContent::Missing => None,
        });
        let kept = shown.flatten().filter(|field| is_original(header.record_type.as_str(), field.name()));
        let read = kept.filter_map(|field| serde_json::from_value::<Original>(field.value().clone()).ok());
        Ok(read.map(|original| (original.placeholder.clone(), original)).collect())
    }
}

impl From<Original> for UnmaskedValue {
    fn from(original: Original) -> Self {
        let Original { placeholder, class, value } = original;
        Self { placeholder, class, value }
    }
}

/// Of how many placeholders the call's record kept the value.
fn kept(call: &CallDetail) -> Result<u64, Refusal> {
    let Some(authorised) = &call.authorised else {
        return Err(if call.row.state == CallState::Denied { nothing_kept() } else { erased() });
    };
    let kept = authorised.pseudonyms.as_ref().and_then(|pseudonyms| pseudonyms.kept);
    let withheld = authorised.pseudonyms.as_ref().and_then(|pseudonyms| pseudonyms.kept_withheld.as_deref());
    match (kept, withheld) {
        (_, Some(why)) => Err(withheld_for(why)),
        (Some(0), None) => Err(none_to_keep()),
        (Some(kept), None) => Ok(kept),
        (None, None) => Err(nothing_kept()),
    }
}

/// The placeholders of a request that was recorded, when it is made again: those that it names, or all that were shown then.
fn asked_before(earlier: &Earlier, wanted: Option<&[String]>) -> Vec<String> {
    let recorded = || {
        let placeholders = earlier.fields.get("placeholders").and_then(serde_json::Value::as_array);
        let texts = placeholders.into_iter().flatten().filter_map(serde_json::Value::as_str);
        texts.map(str::to_owned).collect()
    };
    wanted.map_or_else(recorded, |wanted| once_each(wanted.iter()))
}

/// The same without those that were named before.
fn once_each<'p>(placeholders: impl Iterator<Item = &'p String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for placeholder in placeholders {
        if !all.contains(placeholder) {
            all.push(placeholder.clone());
        }
    }
    all
}

/// The placeholders asked for, each of which stands for something that is still there.
fn chosen(originals: &BTreeMap<String, Original>, wanted: Option<&[String]>) -> Result<Vec<String>, Refusal> {
    if originals.is_empty() {
        return Err(erased());
    }
    let Some(wanted) = wanted else { return Ok(originals.keys().cloned().collect()) };
    for (place, placeholder) in wanted.iter().enumerate() {
        if !originals.contains_key(placeholder) {
            let why = "no value is kept for this placeholder in this call, or it was erased";
            return Err(Refusal::at(Code::UnknownReference, format!("/placeholders/{place}"), why));
        }
    }
    Ok(once_each(wanted.iter()))
}

fn nothing_kept() -> Refusal {
    Refusal::new(
        Code::AlreadySo,
        "nothing of what this call's placeholders stand for was kept: a rule of masking with keep = true would say so",
    )
}

fn none_to_keep() -> Refusal {
    Refusal::new(
        Code::AlreadySo,
        "nothing that this call's placeholders stand for could be kept: secrets never are, nor what holds one or the values of several people",
    )
}

/// Of this reason nothing was kept although a rule wanted it to be.
fn withheld_for(why: &str) -> Refusal {
    let detail = match why {
        TOO_MANY => {
            "nothing of what this call's placeholders stand for was kept: it has values of more people than one record has room for (too_many)"
                .to_owned()
        }
        other => format!("nothing of what this call's placeholders stand for was kept ({other})"),
    };
    Refusal::new(Code::AlreadySo, detail)
}

fn erased() -> Refusal {
    Refusal::new(
        Code::ContentErased,
        "what this call's placeholders stood for was erased; nobody can show it",
    )
}
