//! Who is behind a call beside its key, and how they showed it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Field of a record of a call that has the person behind it and what they belong to, in a unit about them; `caller` has the rest.
pub const OF_PERSON: &str = "caller_person";
/// Field of such a record that says who called.
const CALLER: &str = "caller";
/// Member of that: what is of the person stands elsewhere.
const APART: &str = "person_apart";
/// Members that say who somebody is, or by which that could be tried.
const PERSON: &str = "person";
const PERSONAL: [&str; 3] = ["groups", "input_salt", PERSON];

/// The chain behind a key: a person who has an agent do something for them. Each name begins with that of whoever vouches for it and a bar, `corp|4711`:
/// what another authority calls the same is somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Chain {
    /// The person, by the identifier that the authority has for them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person: Option<String>,
    /// The program.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    /// What they belong to: teams, roles.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<String>,
}

/// Nobody beside the key.
pub static NOBODY: Chain = Chain { person: None, agent: None, groups: Vec::new() };

/// What was shown in place of a key's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// A token; the digest is of its identifier (`jti`).
    TokenId,
    /// A token without an identifier; the digest is of the whole of it.
    Token,
    /// A client's certificate; the digest is of the whole of it.
    Certificate,
}

/// How somebody showed who they are; never what they showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was shown.
    pub kind: ProofKind,
    /// Who vouches for it, by its name in the configuration.
    pub by: String,
    /// SHA-256, hex, of what `kind` says.
    pub sha256: String,
}

/// Who called, and how they showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerShown {
    /// Who.
    #[serde(flatten)]
    pub chain: Chain,
    /// How.
    pub proof: Proof,
    /// Of the digest of what the rules were given, hex; only where a person is in that. Without it nobody can try who the person was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input_salt: Option<String>,
    /// Whether the person stands in a unit of its own that was not read with this one: then there was somebody, and from here nobody knows who.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub person_apart: bool,
}

impl CallerShown {
    /// The chain as decisions saw it; none: a part of it is not to be read here.
    pub fn whole(self) -> Option<Chain> {
        (!self.person_apart).then_some(self.chain)
    }

    /// The bytes of `input_salt`, where it is there; of what is no salt none, which is of no digest.
    pub fn salt(&self) -> Option<Vec<u8>> {
        self.input_salt.as_ref().map(|salt| hex::decode(salt).unwrap_or_default())
    }
}

/// Takes the person behind a call, and what they belong to, out of the `fields` of its record: the name of the data subject, and the fields of the unit about
/// them. `None`: nobody is named, and nothing is taken.
pub fn set_apart(fields: &mut Map<String, Value>) -> Option<(String, Map<String, Value>)> {
    let caller = fields.get_mut(CALLER)?.as_object_mut()?;
    let person = caller.get(PERSON)?.as_str()?.to_owned();
    let taken = PERSONAL.iter().filter_map(|name| caller.remove_entry(*name));
    let personal: Map<String, Value> = taken.collect();
    caller.insert(APART.to_owned(), true.into());
    Some((person, Map::from_iter([(OF_PERSON.to_owned(), personal.into())])))
}

/// Puts what [`set_apart`] took back where it was, when it is there.
pub(super) fn rejoin(fields: &mut Map<String, Value>) {
    let Some(Value::Object(personal)) = fields.remove(OF_PERSON) else { return };
    let Some(caller) = fields.get_mut(CALLER).and_then(Value::as_object_mut) else { return };
    caller.remove(APART);
    caller.extend(personal.into_iter().filter(|(name, _)| PERSONAL.contains(&name.as_str())));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::body::{Body as _, CallDenied};

    fn denied(caller: &Value) -> CallDenied {
        let body = json!({
            "caller": caller, "code": "policy_denied", "reason": "no rule permits it", "status": 403, "surface": "openai.chat_completions",
            "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
        });
        serde_json::from_value(body).expect("a body")
    }

    /// Requirement: G04. What says who a person is stands apart under their name, and comes back with it; without it there was somebody, and not nobody.
    #[test]
    fn a_person_stands_apart_and_comes_back() {
        let proof = json!({"kind": "token_id", "by": "corp", "sha256": "7".repeat(64)});
        let body = denied(&json!({
            "person": "corp|4711", "agent": "corp|loans", "groups": ["corp|night"], "proof": proof, "input_salt": "5a".repeat(16),
        }));
        let mut fields = body.fields().expect("fields");
        let (subject, personal) = set_apart(&mut fields).expect("somebody is named");
        assert_eq!(subject, "corp|4711");
        let rest = serde_json::to_string(&fields).expect("plain");
        assert!(!rest.contains("4711") && !rest.contains("night") && rest.contains("corp|loans"), "{rest}");
        assert!(!rest.contains("5a5a"), "who the person was could be tried after they were erased: {rest}");
        let caller = CallDenied::read(fields.clone()).expect("a body").caller.expect("somebody called");
        assert_eq!(
            (caller.person_apart, caller.whole()),
            (true, None),
            "an erasure would say that nobody called"
        );
        fields.extend(personal);
        assert_eq!(CallDenied::read(fields).expect("a body"), body);
        let program = denied(&json!({"agent": "corp|loans", "groups": ["corp|night"], "proof": proof}));
        let mut fields = program.fields().expect("fields");
        assert_eq!(set_apart(&mut fields), None, "a program is no person");
        assert_eq!(CallDenied::read(fields).expect("a body"), program);
    }
}
