//! Emergency stops: what nobody may do from here on, until a second person lifts it.

use serde::{Deserialize, Serialize};

use crate::{CredentialId, RecordId, StopId, SystemId};

/// What a stop is for. Another kind of scope (a group, a tool) is another variant: a gateway that does not know it stops every call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum StopScope {
    /// Every call of this log.
    Tenant,
    /// Calls of all keys of a system.
    System(SystemId),
    /// Calls of one key.
    Key(CredentialId),
    /// Calls of a model, by the name asked for or the one that its provider is given; with a `*` at its end: of every name that begins so.
    Model(String),
    /// Calls that go to a provider, by its name in the configuration.
    Provider(String),
    /// Calls for a person, by what records of calls have as `person`: who vouches for them, a bar, and what they are called there.
    Person(String),
    /// Calls of an agent, by what records of calls have as `agent`.
    Agent(String),
}

/// What a call is, as far as stops look at it; a member is none as long as it is not known.
#[derive(Debug, Clone, Copy)]
pub struct StopSubject<'a> {
    /// The system.
    pub system: SystemId,
    /// The key.
    pub key: CredentialId,
    /// Model asked for.
    pub asked: Option<&'a str>,
    /// Model that the caller asked for, where `asked` stands in for it since its provider gave no answer.
    pub instead_of: Option<&'a str>,
    /// Model as the provider is given it.
    pub given: Option<&'a str>,
    /// The provider, by its name in the configuration.
    pub provider: Option<&'a str>,
    /// For whom it is made, with whoever vouches for that; none of one that was made with a key alone.
    pub person: Option<&'a str>,
    /// By which program, likewise.
    pub agent: Option<&'a str>,
}

impl StopScope {
    /// Whether a call is one of these.
    pub fn holds(&self, call: &StopSubject<'_>) -> bool {
        match self {
            Self::Tenant => true,
            Self::System(system) => call.system == *system,
            Self::Key(key) => call.key == *key,
            Self::Model(name) => {
                let names = [call.asked, call.instead_of, call.given];
                names.into_iter().flatten().any(|model| is_named(name, model))
            }
            Self::Provider(name) => call.provider == Some(name),
            Self::Person(person) => call.person == Some(person),
            Self::Agent(agent) => call.agent == Some(agent),
        }
    }
}

/// Whether a stop of the model `name` is one of `model`.
fn is_named(name: &str, model: &str) -> bool {
    name.strip_suffix('*').map_or_else(|| name == model, |beginning| model.starts_with(beginning))
}

/// `stop.ordered`, stream `stop/<stop>`: from here on every call in its scope is refused, and those that run are cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopOrdered {
    /// The stop; the stream's name after `stop/`.
    pub stop: StopId,
    /// What is stopped.
    pub scope: StopScope,
    /// Why, for the reader of the history; callers are not told.
    pub reason: String,
    /// Whether it is an exercise. It is in force like any other.
    pub drill: bool,
}

/// `stop.lifted`, the same stream: this stop holds nothing up any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopLifted {
    /// The stop.
    pub stop: StopId,
    /// Its `stop.ordered`.
    pub ordered: RecordId,
    /// Why.
    pub reason: String,
}

/// `stop.refused`, stream `stop/<stop>/refused`: somebody tried to lift a stop that they ordered, or where they and whoever did let one another in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRefused {
    /// The stop.
    pub stop: StopId,
    /// Why: `own_work` or `own_link`.
    pub code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
    const KEY: CredentialId = CredentialId::from_bytes([2; 16]);

    fn call<'a>() -> StopSubject<'a> {
        StopSubject {
            system: SYSTEM,
            key: KEY,
            asked: Some("house-model"),
            instead_of: Some("large-1"),
            given: Some("gpt-5-mini-2026"),
            provider: Some("openai"),
            person: Some("corp|4711"),
            agent: Some("corp|loans"),
        }
    }

    /// Requirement: N11. A stop reaches a call by whatever the call is, and no other call.
    #[test]
    fn a_scope_holds_for_its_calls_alone() {
        let named = |name: &str| StopScope::Model(name.to_owned());
        let by = |name: &str| StopScope::Provider(name.to_owned());
        for (scope, holds) in [
            (StopScope::Tenant, true),
            (StopScope::System(SYSTEM), true),
            (StopScope::System(SystemId::from_bytes([9; 16])), false),
            (StopScope::Key(KEY), true),
            (StopScope::Key(CredentialId::from_bytes([9; 16])), false),
            (named("house-model"), true),
            (named("large-1"), true),
            (named("gpt-5-mini-2026"), true),
            (named("gpt-5-mini"), false),
            (named("gpt-5-*"), true),
            (named("gpt-4*"), false),
            (by("openai"), true),
            (by("anthropic"), false),
            (StopScope::Person("corp|4711".to_owned()), true),
            (StopScope::Person("other|4711".to_owned()), false),
            (StopScope::Person("corp|loans".to_owned()), false),
            (StopScope::Agent("corp|loans".to_owned()), true),
            (StopScope::Agent("corp|loan".to_owned()), false),
        ] {
            assert_eq!(scope.holds(&call()), holds, "{scope:?}");
        }
        let early = StopSubject { asked: None, instead_of: None, given: None, provider: None, ..call() };
        for scope in [named("*"), by("openai")] {
            assert!(!scope.holds(&early), "a call without a model was taken for one of a model: {scope:?}");
        }
        let of_a_key = StopSubject { person: None, agent: None, ..call() };
        for scope in [StopScope::Person(String::new()), StopScope::Agent(String::new())] {
            assert!(!scope.holds(&of_a_key), "a call for nobody was taken for one for somebody: {scope:?}");
        }
    }

    #[test]
    fn a_scope_of_another_version_is_no_scope() {
        let later = serde_json::json!({"kind": "tool", "of": "x"});
        assert!(serde_json::from_value::<StopScope>(later).is_err(), "a stop would hold for nobody");
        let scope = serde_json::to_value(StopScope::Tenant).expect("plain");
        assert_eq!(scope, serde_json::json!({"kind": "tenant"}));
    }
}
