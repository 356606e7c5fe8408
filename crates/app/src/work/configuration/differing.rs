//! Safeguards among settings, and what differs between two of them, section by section and member by member.
//!
//! Promises: what differs is in what is told: of nested settings each member by itself, of a long text the place where it begins to differ, and where that ends. Must
//! never: tell of two that differ by what they have in common alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tabellion_model::body::{MemberChange, SafeguardChange, SafeguardTurn};
use tabellion_model::to_jcs;

use crate::refusal::{Code, Refusal};
use crate::work::digest_of;

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
/// Of a long text, so much before the first difference stands with it: most of a line.
const CONTEXT_CHARS: usize = 60;
/// How deep settings are looked into; below, they are told as JSON. No section has half as many levels.
const MAX_DEPTH: usize = 8;

/// Safeguards by section, each with its members.
pub(super) type Safeguards = BTreeMap<String, Map<String, Value>>;

/// The safeguards among settings; none: they are no JSON object.
pub(super) fn safeguards_of(settings: &str) -> Option<Safeguards> {
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
pub(super) fn written(safeguards: &Safeguards) -> Result<(String, String), Refusal> {
    let broken = |error: String| Refusal::new(Code::Broken, error);
    let value = serde_json::to_value(safeguards).map_err(|error| broken(error.to_string()))?;
    let bytes = to_jcs(&value).map_err(|error| broken(error.to_string()))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let digest = digest_of(&text).to_hex();
    Ok((text, digest))
}

pub(super) fn read(text: &str) -> Option<Safeguards> {
    serde_json::from_str(text).ok()
}

/// What differs, by section and member.
pub(super) fn differences(before: &Safeguards, after: &Safeguards) -> Vec<SafeguardChange> {
    let nothing = Map::new();
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let change = |name: &String| {
        let (held, holds) = (before.get(name), after.get(name));
        let mut members = Vec::new();
        descend("", (held.unwrap_or(&nothing), holds.unwrap_or(&nothing)), MAX_DEPTH, &mut members);
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

/// What differs between two objects, each member under the path that leads to it.
fn descend(
    path: &str,
    (held, holds): (&Map<String, Value>, &Map<String, Value>),
    depth: usize,
    found: &mut Vec<MemberChange>,
) {
    let mut names: Vec<&String> = held.keys().chain(holds.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let member = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        member_of(member, (held.get(name), holds.get(name)), depth, found);
    }
}

/// What differs of one member, or of those within it.
fn member_of(
    member: String,
    (held, holds): (Option<&Value>, Option<&Value>),
    depth: usize,
    found: &mut Vec<MemberChange>,
) {
    if held == holds {
        return;
    }
    let nothing = Map::new();
    let deeper = depth.saturating_sub(1);
    let (before, after) = match (held, holds) {
        (Some(Value::Object(held)), Some(Value::Object(holds))) if depth > 0 => {
            return descend(&member, (held, holds), deeper, found);
        }
        (Some(Value::Object(held)), None) if depth > 0 && !held.is_empty() => {
            return descend(&member, (held, &nothing), deeper, found);
        }
        (None, Some(Value::Object(holds))) if depth > 0 && !holds.is_empty() => {
            return descend(&member, (&nothing, holds), deeper, found);
        }
        (Some(Value::Array(held)), Some(Value::Array(holds))) if depth > 0 && are_alike(held, holds) => {
            for (at, (held, holds)) in held.iter().zip(holds).enumerate() {
                member_of(format!("{member}[{at}]"), (Some(held), Some(holds)), deeper, found);
            }
            return;
        }
        (Some(Value::Array(held)), Some(Value::Array(holds))) => items(held, holds),
        (held, holds) => sides(held.map(text), holds.map(text)),
    };
    found.push(MemberChange { member, before, after });
}

/// Whether two lists are of objects, one for one.
fn are_alike(held: &[Value], holds: &[Value]) -> bool {
    held.len() == holds.len() && held.iter().chain(holds).all(Value::is_object)
}

/// Of two lists, the items that went and those that came; both lists whole where only their order differs.
fn items(held: &[Value], holds: &[Value]) -> (Option<String>, Option<String>) {
    let beyond = |these: &[Value], those: &[Value]| -> Vec<Value> {
        these.iter().filter(|item| !those.contains(item)).cloned().collect()
    };
    let (went, came) = (beyond(held, holds), beyond(holds, held));
    let (went, came) =
        if went.is_empty() && came.is_empty() { (held.to_vec(), holds.to_vec()) } else { (went, came) };
    let list = |items: Vec<Value>| (!items.is_empty()).then(|| Value::Array(items).to_string());
    sides(list(went), list(came))
}

/// A setting as people read it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Both sides as a record lists them. Of long ones that differ, what stands around the first difference.
fn sides(before: Option<String>, after: Option<String>) -> (Option<String>, Option<String>) {
    let (Some(held), Some(holds)) = (&before, &after) else {
        return (before.map(begun), after.map(begun));
    };
    let same = held.chars().zip(holds.chars()).take_while(|(a, b)| a == b).count();
    let short = held.chars().count().min(holds.chars().count());
    let tail = held.chars().rev().zip(holds.chars().rev()).take_while(|(a, b)| a == b).count();
    // What is the same at the beginning is not the same at the end once more.
    let tail = tail.min(short.saturating_sub(same));
    (Some(around(held, same, tail)), Some(around(holds, same, tail)))
}

/// A text where it begins to differ: the first `same` characters and the last `tail` are those of the other side.
fn around(text: &str, same: usize, tail: usize) -> String {
    let count = text.chars().count();
    if count <= MAX_VALUE_CHARS {
        return text.to_owned();
    }
    let line = |chars: usize| text.chars().take(chars).filter(|character| *character == '\n').count() + 1;
    let (first, last) = (line(same), line(count.saturating_sub(tail + 1).max(same)));
    let lines = if last > first { format!("lines {first} to {last}") } else { format!("line {first}") };
    let from = same.saturating_sub(CONTEXT_CHARS);
    let shown: String = text.chars().skip(from).take(MAX_VALUE_CHARS).collect();
    let begins = if from > 0 { "…" } else { "" };
    let ends = if from + MAX_VALUE_CHARS < count { "…" } else { "" };
    format!("{lines}: {begins}{shown}{ends} {}", measured(text))
}

/// A text that has no other side, by its beginning.
fn begun(text: String) -> String {
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text;
    }
    let begins: String = text.chars().take(MAX_VALUE_CHARS).collect();
    format!("{begins}… {}", measured(&text))
}

/// How long a text is that is not listed whole, and which it is.
fn measured(text: &str) -> String {
    format!("({} bytes, SHA-256 {})", text.len(), digest_of(text).to_hex())
}

/// As many members as a record lists, and how many it does not.
pub(super) fn limited(changes: Vec<SafeguardChange>) -> (Vec<SafeguardChange>, u64) {
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
        let long = begun("x".repeat(5000));
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

    /// Requirement: P13. What a nested setting became, and what became of a long text below its beginning, is told, also where something before it is the same.
    #[test]
    fn a_weakening_within_a_nested_setting_or_a_long_text_is_told() {
        let rules = |ending: &str| format!("{}deny if input.risk > 3\n{ending}", "# a comment\n".repeat(60));
        let guard = |on_error: &str, text: &str| {
            let service = json!({"url": "x".repeat(400), "on_error": on_error, "timeout_ms": 500});
            let topics = json!([{"name": "arms", "over": 1}, {"name": text.len().to_string(), "over": 2}]);
            of(
                &json!({"guard": [{"name": "pii", "service": service, "policy_text": text, "topics": topics}]}),
            )
        };
        let (before, after) = (guard("deny", &rules("deny if input.tool\n")), guard("flag", &rules("")));
        let changes = differences(&before, &after);
        let [change] = changes.as_slice() else { panic!("one section: {changes:?}") };
        let told = |member: &str| {
            let found = change.members.iter().find(|one| one.member == member);
            let found = found.unwrap_or_else(|| panic!("{member} is not told: {change:?}"));
            (found.before.clone().unwrap_or_default(), found.after.clone().unwrap_or_default())
        };
        assert_eq!(told("service.on_error"), ("deny".to_owned(), "flag".to_owned()));
        let (had, has) = told("policy_text");
        assert!(had.contains("deny if input.tool") && !has.contains("deny if input.tool"), "{had}\n{has}");
        assert!(had.starts_with("line 62: …") && has.starts_with("line 62: …"), "{had}\n{has}");
        assert!(had.contains("deny if input.risk > 3") && had.contains(" bytes, SHA-256 "), "{had}");
        told("topics[1].name");
        assert_eq!(change.members.len(), 3, "what is the same is told as well: {change:?}");
        let names: Vec<String> = differences(&Safeguards::new(), &after)
            .into_iter()
            .flat_map(|change| change.members.into_iter().map(|one| one.member))
            .collect();
        assert!(names.contains(&"service.on_error".to_owned()), "of what is new nobody sees it: {names:?}");
    }

    #[test]
    fn texts_that_repeat_themselves_are_told_by_what_is_on_one_side_alone() {
        let (short, long) = ("ab".repeat(200), "ab".repeat(300));
        let (before, after) = sides(Some(short), Some(long));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        assert_ne!(before, after, "two that differ are told alike");
        assert!(before.contains("(400 bytes") && after.contains("(600 bytes"), "{before}\n{after}");
    }
}
