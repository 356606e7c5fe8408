//! Safeguards as the configuration has them: what a start changed of guards, rules of masking, probes, and who publishes and erases; and in whose words why
//! (docs/decisions/0061-why-safeguards-change.md).
//!
//! Promises: a start under other safeguards than those of before is a record before anything is let through; why is what somebody said, or *not given*. Must never:
//! keep a start from happening, take silence for a reason, or show settings to somebody who may not read entries.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tabellion_ledger::UnitContent;
use tabellion_model::body::{
    Body as _, ConfigLoaded, ConfigurationChanged, ConfigurationExplained, MemberChange, SafeguardChange,
    SafeguardTurn,
};
use tabellion_model::{ConfigurationChangeId, to_jcs};
use tabellion_views::query::ConfigurationChangeRow;

use super::asking::refer;
use super::forms::{DigestForm, IdForm, Reason, Reference, Time};
use super::noticing::noticed;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written, digest_of};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

/// Sections of a configuration that are safeguards as a whole.
const SECTIONS: [&str; 3] = ["erasure", "policies", "probes"];
/// Lists of sections with a name each.
const NAMED: [&str; 2] = ["guard", "masking"];
/// Which names are masked, within `gateway`.
const MASKED_NAMES: &str = "names";
/// Most members that a record lists, each with two texts: some 130 kB, well below what one record holds.
const MAX_MEMBERS: usize = 200;
/// Longest text of a member that is listed, in characters: a long line. Of more, the digest says whether it is the same.
const MAX_VALUE_CHARS: usize = 300;
/// Longest safeguards that a change keeps whole: a quarter of what one record holds.
const MAX_SAFEGUARDS_BYTES: usize = 256 << 10;
/// Changes that are shown, the newest: years of them.
const MAX_SHOWN: u64 = 100;

/// Safeguards by section, each with its members.
type Safeguards = BTreeMap<String, Map<String, Value>>;

/// How a start came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Started {
    /// The settings in effect, as `config.loaded` records them.
    pub settings: String,
    /// The account of the operating system.
    pub account: String,
    /// Version of the program.
    pub version: String,
    /// Why safeguards change, where somebody said.
    pub reason: Option<String>,
}

/// A member of a section that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationMember")]
pub struct Member {
    /// Its name.
    pub member: String,
    /// What it was; null: it was not there, or settings are withheld. Of a list, the items that went.
    pub before: Option<String>,
    /// What it is; null: it is not there, or settings are withheld. Of a list, the items that came.
    pub after: Option<String>,
}

/// A section that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationSection")]
pub struct Section {
    /// The section as the configuration names it.
    pub section: String,
    /// What became of it.
    #[schemars(extend("enum" = ["added", "removed", "changed"]))]
    pub turn: &'static str,
    /// Its members that differ.
    pub members: Vec<Member>,
}

/// Why, in somebody's words after the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationExplained")]
pub struct Explained {
    /// Who.
    #[schemars(with = "Option<IdForm>")]
    pub by: Option<String>,
    /// When.
    pub at: Time,
    /// Why; null: erased.
    pub reason: Option<String>,
}

/// A change of safeguards that a start brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationChange")]
pub struct Change {
    /// Its id.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// When.
    pub at: Time,
    /// SHA-256 of the safeguards before; null: there were none, nothing says which, or erased.
    #[schemars(with = "Option<DigestForm>")]
    pub before: Option<String>,
    /// SHA-256 of the safeguards from then on; null: erased.
    #[schemars(with = "Option<DigestForm>")]
    pub after: Option<String>,
    /// Whether it is what the first start of the log found; null: erased.
    pub first: Option<bool>,
    /// What differs.
    pub sections: Vec<Section>,
    /// Members that differ and are not listed.
    pub unlisted: u64,
    /// Whether the settings themselves are left out, since the reader may not read entries of the whole log.
    pub withheld: bool,
    /// The account of the operating system that the program ran under; null: erased.
    pub account: Option<String>,
    /// Version of the program; another one may have other defaults. Null: erased.
    pub program: Option<String>,
    /// Why, as was said at the start; null: nothing was said.
    pub reason: Option<String>,
    /// Why, as somebody said later; null: nobody did.
    pub explained: Option<Explained>,
    /// Whether nobody has said why.
    pub unexplained: bool,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record.
    pub recorded: Reference,
}

/// Changes of safeguards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationChanges")]
pub struct Changes {
    /// The newest first, 100 at most.
    pub changes: Vec<Change>,
}

/// What held before.
enum Before {
    /// The log was never served.
    Nothing,
    /// Something, which cannot be read any more.
    Unknown,
    /// These.
    Known(Safeguards),
}

impl Desk {
    /// Records what this start changes of safeguards, after its `config.loaded` and before anything is let through. Whether that is another than held before.
    pub fn note_safeguards(&self, started: &Started) -> Result<bool, Refusal> {
        self.refresh()?;
        let now = safeguards_of(&started.settings).ok_or_else(|| {
            Refusal::new(Code::Broken, "the settings in effect are no JSON object, so no change can be found")
        })?;
        let (text, after) = written(&now)?;
        let newest = self.views.configuration_changes(1)?.into_iter().next().and_then(|row| row.said);
        if newest.as_ref().is_some_and(|said| said.after == after) {
            return Ok(false);
        }
        let before = self.safeguards_before(newest.as_ref())?;
        let (known, changes) = match &before {
            Before::Nothing => (None, differences(&Safeguards::new(), &now)),
            Before::Unknown => (None, Vec::new()),
            Before::Known(held) => (Some(written(held)?.1), differences(held, &now)),
        };
        // A first start without any says nothing, and nothing changed where all is as it was.
        if known.as_ref() == Some(&after) || (matches!(before, Before::Nothing) && changes.is_empty()) {
            return Ok(false);
        }
        let (changes, unlisted) = limited(changes);
        let change = ConfigurationChangeId::from_bytes(self.random_id()?);
        let body = ConfigurationChanged {
            change,
            before: known,
            after,
            safeguards: Some(text).filter(|text| text.len() <= MAX_SAFEGUARDS_BYTES),
            first: matches!(before, Before::Nothing),
            changes,
            unlisted,
            account: started.account.clone(),
            version: started.version.clone(),
            reason: started.reason.clone(),
        };
        let mut draft = noticed(&body, stream(change), Some(0))?;
        // A list of words may name somebody, and goes then without taking other records with it.
        draft.erasable_alone = true;
        Ok(self.record_found(draft)? && !body.first)
    }

    /// Changes of safeguards, the newest first.
    pub fn configuration_changes(&self, actor: &Actor) -> Result<Changes, Refusal> {
        let rows = self.views.configuration_changes(MAX_SHOWN)?;
        Ok(Changes { changes: rows.into_iter().map(|row| shown(actor, row)).collect() })
    }

    /// One change.
    pub fn configuration_change(
        &self,
        actor: &Actor,
        change: ConfigurationChangeId,
    ) -> Result<Change, Refusal> {
        Ok(shown(actor, self.change_row(change)?))
    }

    /// Says why a change was made.
    pub fn explain_configuration(
        &self,
        actor: &Actor,
        given: &Given,
        change: ConfigurationChangeId,
        why: &Reason,
    ) -> Result<(Change, Written), Refusal> {
        let written = self.once(actor, "explain-configuration", given, |earlier| {
            let row = self.change_row(change)?;
            let body = ConfigurationExplained { change, reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(change), given.expected(earlier, row.version))?])
        })?;
        Ok((self.configuration_change(actor, change)?, written))
    }

    fn change_row(&self, change: ConfigurationChangeId) -> Result<ConfigurationChangeRow, Refusal> {
        let row = self.views.configuration_change(&change)?;
        row.ok_or_else(|| Refusal::not_found("configuration change"))
    }

    /// What held until this start: by the newest change, else by the settings that the start before took.
    fn safeguards_before(&self, newest: Option<&ConfigurationChanged>) -> Result<Before, Refusal> {
        let held = newest.and_then(|said| said.safeguards.as_deref()).and_then(read);
        if let Some(held) = held {
            return Ok(Before::Known(held));
        }
        // The newest is this start's own.
        let Some(entry) = self.views.configurations_taken(2)?.get(1).copied() else {
            return Ok(Before::Nothing);
        };
        let view = self.ledger.reader().entry(entry)?;
        let settings = view.units.iter().find_map(|unit| {
            let UnitContent::Shown(disclosures) = &unit.content else { return None };
            let fields = disclosures.iter().map(|one| (one.name().to_owned(), one.value().clone())).collect();
            ConfigLoaded::read(fields).ok()
        });
        let held = settings.and_then(|said| safeguards_of(&said.settings));
        Ok(held.map_or(Before::Unknown, Before::Known))
    }
}

/// The safeguards among settings; none: they are no JSON object.
fn safeguards_of(settings: &str) -> Option<Safeguards> {
    let all: Map<String, Value> = serde_json::from_str(settings).ok()?;
    let mut found = Safeguards::new();
    for name in SECTIONS {
        if let Some(Value::Object(members)) = all.get(name) {
            found.insert(name.to_owned(), members.clone());
        }
    }
    if let Some(names) = all.get("gateway").and_then(|gateway| gateway.get(MASKED_NAMES)) {
        found.insert("gateway".to_owned(), [(MASKED_NAMES.to_owned(), names.clone())].into_iter().collect());
    }
    for kind in NAMED {
        for section in all.get(kind).and_then(Value::as_array).into_iter().flatten() {
            let Value::Object(members) = section else { continue };
            let name = members.get("name").and_then(Value::as_str).unwrap_or_default();
            found.insert(format!("{kind}.{name}"), members.clone());
        }
    }
    Some(found)
}

/// As a record keeps them, and their digest.
fn written(safeguards: &Safeguards) -> Result<(String, String), Refusal> {
    let broken = |error: String| Refusal::new(Code::Broken, error);
    let value = serde_json::to_value(safeguards).map_err(|error| broken(error.to_string()))?;
    let bytes = to_jcs(&value).map_err(|error| broken(error.to_string()))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let digest = digest_of(&text).to_hex();
    Ok((text, digest))
}

fn read(text: &str) -> Option<Safeguards> {
    serde_json::from_str(text).ok()
}

/// What differs, by section and member.
fn differences(before: &Safeguards, after: &Safeguards) -> Vec<SafeguardChange> {
    let nothing = Map::new();
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let change = |name: &String| {
        let (held, holds) = (before.get(name), after.get(name));
        let members = members(held.unwrap_or(&nothing), holds.unwrap_or(&nothing));
        let turn = match (held, holds) {
            (None, _) => SafeguardTurn::Added,
            (_, None) => SafeguardTurn::Removed,
            _ if members.is_empty() => return None,
            _ => SafeguardTurn::Changed,
        };
        Some(SafeguardChange { section: name.clone(), turn, members })
    };
    names.into_iter().filter_map(change).collect()
}

fn members(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<MemberChange> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let change = |name: &String| {
        let (before, after) = match (before.get(name), after.get(name)) {
            (Some(Value::Array(held)), Some(Value::Array(holds))) => items(held, holds),
            (held, holds) => (held.map(words), holds.map(words)),
        };
        MemberChange { member: name.clone(), before, after }
    };
    differing.map(change).collect()
}

/// Of two lists, the items that went and those that came; both lists whole where only their order differs.
fn items(held: &[Value], holds: &[Value]) -> (Option<String>, Option<String>) {
    let beyond = |these: &[Value], those: &[Value]| -> Vec<Value> {
        these.iter().filter(|item| !those.contains(item)).cloned().collect()
    };
    let (went, came) = (beyond(held, holds), beyond(holds, held));
    let (went, came) =
        if went.is_empty() && came.is_empty() { (held.to_vec(), holds.to_vec()) } else { (went, came) };
    let text = |items: Vec<Value>| (!items.is_empty()).then(|| words(&Value::Array(items)));
    (text(went), text(came))
}

/// A setting as people read it.
fn words(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text;
    }
    let begins: String = text.chars().take(MAX_VALUE_CHARS).collect();
    format!("{begins}… ({} bytes, SHA-256 {})", text.len(), digest_of(&text).to_hex())
}

/// As many members as a record lists, and how many it does not.
fn limited(changes: Vec<SafeguardChange>) -> (Vec<SafeguardChange>, u64) {
    let (mut room, mut unlisted) = (MAX_MEMBERS, 0);
    let limit = |mut change: SafeguardChange| {
        let listed = change.members.len().min(room);
        room -= listed;
        unlisted += (change.members.len() - listed) as u64;
        change.members.truncate(listed);
        change
    };
    let listed = changes.into_iter().map(limit).collect();
    (listed, unlisted)
}

fn shown(actor: &Actor, row: ConfigurationChangeRow) -> Change {
    let withheld = actor.reach(Permission::ReadEntries) != Reach::All;
    let said = row.said;
    let reason = said.as_ref().and_then(|said| said.reason.clone());
    let first = said.as_ref().map(|said| said.first);
    let explained = row.explained_at.map(|at| Explained {
        by: row.explained_by.map(|by| by.to_hex()),
        at: Time(at),
        reason: row.explained_reason,
    });
    let seen = |value: Option<String>| value.filter(|_| !withheld);
    let section = |change: SafeguardChange| Section {
        section: change.section,
        turn: change.turn.as_str(),
        members: change
            .members
            .into_iter()
            .map(|one| Member { member: one.member, before: seen(one.before), after: seen(one.after) })
            .collect(),
    };
    Change {
        id: row.change.to_hex(),
        at: Time(row.at),
        before: said.as_ref().and_then(|said| said.before.clone()),
        after: said.as_ref().map(|said| said.after.clone()),
        first,
        unlisted: said.as_ref().map_or(0, |said| said.unlisted),
        account: said.as_ref().map(|said| said.account.clone()),
        program: said.as_ref().map(|said| said.version.clone()),
        sections: said.map(|said| said.changes.into_iter().map(section).collect()).unwrap_or_default(),
        withheld,
        unexplained: reason.is_none() && explained.is_none() && first == Some(false),
        reason,
        explained,
        version: row.version,
        recorded: refer(row.entry, row.record_id),
    }
}

fn stream(change: ConfigurationChangeId) -> String {
    format!("configuration/{change}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(settings: &Value) -> Safeguards {
        safeguards_of(&settings.to_string()).expect("settings")
    }

    /// Requirement: P13. What differs is told rule by rule and member by member, of lists what came and went; the rest of a configuration is no safeguard.
    #[test]
    fn a_difference_is_told_rule_by_rule() {
        let before = of(&json!({
            "limits": {"body_bytes": 1}, "policies": {"two_people": true},
            "guard": [{"name": "arms", "mode": "block", "words": ["gun", "bomb"]}, {"name": "old", "mode": "flag"}],
        }));
        let after = of(&json!({
            "limits": {"body_bytes": 2}, "gateway": {"names": ["person"], "threads": 4},
            "guard": [{"name": "arms", "mode": "flag", "words": ["gun", "knife"]}],
            "masking": [{"name": "abroad", "block": ["iban"]}],
        }));
        let told: Vec<String> = differences(&before, &after)
            .iter()
            .flat_map(|change| {
                let turn = change.turn.as_str();
                change.members.iter().map(move |one| {
                    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                    format!(
                        "{turn} {} {} {} {}",
                        change.section,
                        one.member,
                        side(&one.before),
                        side(&one.after)
                    )
                })
            })
            .collect();
        assert_eq!(
            told,
            [
                "added gateway names - [\"person\"]",
                "changed guard.arms mode block flag",
                "changed guard.arms words [\"bomb\"] [\"knife\"]",
                "removed guard.old mode flag -",
                "removed guard.old name old -",
                "added masking.abroad block - [\"iban\"]",
                "added masking.abroad name - abroad",
                "removed policies two_people true -",
            ],
            "nobody sees which rule became weaker"
        );
        assert!(differences(&after, &after).is_empty(), "each start would be a change");
    }

    #[test]
    fn long_settings_are_told_by_their_beginning_and_digest_and_many_are_counted() {
        let long = words(&json!("x".repeat(5000)));
        assert!(long.chars().count() < 450 && long.contains("5000 bytes, SHA-256 "), "{long}");
        let members: Map<String, Value> = (0..300).map(|at| (format!("m{at:03}"), json!(at))).collect();
        let after: Safeguards = [("guard.many".to_owned(), members)].into_iter().collect();
        let (listed, unlisted) = limited(differences(&Safeguards::new(), &after));
        let count: usize = listed.iter().map(|change| change.members.len()).sum();
        assert_eq!((count, unlisted), (MAX_MEMBERS, 100), "what is left out is not said");
    }

    #[test]
    fn lists_in_another_order_differ_and_are_shown_whole() {
        let (before, after) = (json!(["a", "b"]), json!(["b", "a"]));
        let (Value::Array(held), Value::Array(holds)) = (before, after) else { panic!("lists") };
        assert_eq!(items(&held, &holds), (Some("[\"a\",\"b\"]".into()), Some("[\"b\",\"a\"]".into())));
    }
}
