//! What a policy in Rego is told of a call: what rules in Cedar know of it, how much is sent, and which personal data was found.
//!
//! Promises: what is not known is not there; a name that is never there is found when the policy is read. Must never: hold content that was not asked for.

use serde_json::{Map, Value, json};
use tabellion_model::body::Masked;

use crate::question::Question;
use crate::scene::stage_name;

/// A call about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct RegoCall<'a> {
    /// What rules in Cedar are asked.
    pub question: Question<'a>,
    /// The model that the application asked for, where this attempt is for another in its place.
    pub instead_of: Option<&'a str>,
    /// Size of what will be sent.
    pub sent_bytes: u64,
    /// Personal data that something takes the place of.
    pub masked: &'a [Masked],
    /// Personal data that a rule of masking lets pass.
    pub passed: &'a [Masked],
    /// Kinds of things that the prompt names and the provider keeps.
    pub refers_to: &'a [&'static str],
}

/// What a member of the input is.
enum Member {
    /// It has no members.
    Plain,
    /// It has any.
    Any,
    /// It has these.
    Of(&'static [&'static str]),
}

/// Member that holds the texts of the prompt.
pub(super) const CONTENT: &str = "content";

const MEMBERS: &[(&str, Member)] = &[
    ("action", Member::Plain),
    ("agent", Member::Plain),
    (CONTENT, Member::Any),
    ("groups", Member::Any),
    ("hour_utc", Member::Plain),
    ("key", Member::Plain),
    ("masked", Member::Any),
    ("model", Member::Of(&["name", "asked_as", "attempted_as"])),
    ("passed", Member::Any),
    ("person", Member::Plain),
    ("provider", Member::Of(&["name", "region", "retention_days", "trains"])),
    ("purpose", Member::Plain),
    ("received_bytes", Member::Plain),
    ("refers_to", Member::Any),
    ("sent_bytes", Member::Plain),
    ("stream", Member::Plain),
    ("surface", Member::Plain),
    ("system", Member::Of(&["id", "name", "stage", "purposes"])),
    ("tools", Member::Any),
    ("weekday_utc", Member::Plain),
];

/// Why nothing is ever at this path below `input`; `None`: something may be.
pub(super) fn never_there(path: &[String]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let Some((_, member)) = MEMBERS.iter().find(|(name, _)| name == first) else {
        let known: Vec<&str> = MEMBERS.iter().map(|(name, _)| *name).collect();
        return Some(format!("it has {}", known.join(", ")));
    };
    let second = rest.first()?;
    match member {
        Member::Any => None,
        Member::Plain => Some(format!("input.{first} has no members")),
        // Purposes are a list, and the others are plain; deeper than that nothing is looked for.
        Member::Of(names) if names.contains(&second.as_str()) => None,
        Member::Of(names) => Some(format!("input.{first} has {}", names.join(", "))),
    }
}

impl RegoCall<'_> {
    /// The input, with these texts where the policy asked for them.
    pub(super) fn document(&self, content: Option<&[&str]>) -> Value {
        let question = &self.question;
        let terms = question.terms;
        let (hour_utc, weekday_utc) = question.clock();
        let mut document = json!({
            "action": question.action.name(),
            "groups": question.chain.groups,
            "hour_utc": hour_utc,
            "key": question.key.to_hex(),
            "masked": counted(self.masked),
            "model": {
                "name": question.model,
                "asked_as": self.instead_of.unwrap_or(question.asked_as),
                "attempted_as": question.asked_as,
            },
            "passed": counted(self.passed),
            "provider": { "name": question.upstream, "trains": terms.trains() },
            "purpose": question.purpose,
            "received_bytes": question.received_bytes,
            "refers_to": self.refers_to,
            "sent_bytes": self.sent_bytes,
            "stream": question.stream,
            "surface": question.surface,
            "system": {
                "id": question.system.to_hex(),
                "name": question.system_name,
                "stage": stage_name(question.stage),
                "purposes": question.purposes,
            },
            "tools": question.tools,
            "weekday_utc": weekday_utc,
        });
        let mut put = |place: &str, name: &str, value: Option<Value>| {
            let place = document.pointer_mut(place).and_then(Value::as_object_mut);
            if let (Some(members), Some(value)) = (place, value) {
                members.insert(name.to_owned(), value);
            }
        };
        put("", "person", question.chain.person.as_deref().map(Value::from));
        put("", "agent", question.chain.agent.as_deref().map(Value::from));
        put("/provider", "region", terms.region.as_deref().map(Value::from));
        put("/provider", "retention_days", terms.retention_days.map(Value::from));
        put("", CONTENT, content.map(Value::from));
        document
    }
}

/// How many values of each class.
fn counted(found: &[Masked]) -> Value {
    let mut classes: Map<String, Value> = Map::new();
    for Masked { class, count, .. } in found {
        let before = classes.get(class).and_then(Value::as_u64).unwrap_or_default();
        classes.insert(class.clone(), before.saturating_add(*count).into());
    }
    Value::Object(classes)
}
