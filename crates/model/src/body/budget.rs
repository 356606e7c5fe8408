//! Budgets: how much of what somebody may use, and when it begins anew.

use serde::{Deserialize, Serialize};

use super::caller::Chain;
use crate::charge::{Currency, Window};
use crate::{CredentialId, Micros, SystemId};

/// Whose calls a budget is for. Another kind of caller is another variant: a gateway that does not know it denies every call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum BudgetScope {
    /// Everybody of this log.
    Tenant,
    /// All keys of a system.
    System(SystemId),
    /// One key.
    Key(CredentialId),
    /// Calls for a person, by what records of calls have as `person`: who vouches for them, a bar, and what they are called there.
    Person(String),
    /// Calls for whoever belongs to a team, by one of what records of calls have as `groups`.
    Team(String),
    /// Calls of an agent, by what records of calls have as `agent`.
    Agent(String),
}

/// Whose a call is, as far as budgets look at it.
#[derive(Debug, Clone, Copy)]
pub struct BudgetSubject<'a> {
    /// The system.
    pub system: SystemId,
    /// The key.
    pub key: CredentialId,
    /// Who is behind the key; nobody, where a key alone was shown.
    pub chain: &'a Chain,
}

impl BudgetScope {
    /// The word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::System(_) => "system",
            Self::Key(_) => "key",
            Self::Person(_) => "person",
            Self::Team(_) => "team",
            Self::Agent(_) => "agent",
        }
    }

    /// Who is behind the calls, where it is for a person, a team or an agent. No header says so of a call: what it takes is found by the budget's own name.
    pub fn caller(&self) -> Option<&str> {
        match self {
            Self::Tenant | Self::System(_) | Self::Key(_) => None,
            Self::Person(caller) | Self::Team(caller) | Self::Agent(caller) => Some(caller),
        }
    }

    /// Whether a call is one of these. Names of callers are compared letter for letter.
    pub fn holds(&self, call: BudgetSubject<'_>) -> bool {
        match self {
            Self::Tenant => true,
            Self::System(known) => *known == call.system,
            Self::Key(known) => *known == call.key,
            Self::Person(person) => call.chain.person.as_ref() == Some(person),
            Self::Team(team) => call.chain.groups.contains(team),
            Self::Agent(agent) => call.chain.agent.as_ref() == Some(agent),
        }
    }
}

/// What a budget caps. Each is one of several limits that hold together; none: not capped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// Money in the window, in millionths of the currency's unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub micros: Option<u64>,
    /// The currency of `micros`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<Currency>,
    /// Tokens in the window, of prompts and answers together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<u64>,
    /// Calls in the window.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls: Option<u64>,
    /// Calls in a minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls_per_minute: Option<u64>,
    /// Calls at the same time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls_at_once: Option<u64>,
}

/// `budget.set`, stream `budget/<name>`: this holds from here on, in place of the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetSet {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`; the stream's name after `budget/`.
    pub name: String,
    /// Whose calls.
    pub scope: BudgetScope,
    /// The time that it is for.
    pub window: Window,
    /// The limits.
    #[serde(flatten)]
    pub caps: Caps,
    /// From this share on, in per cent of a cap, it counts as nearly used up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alert_percent: Option<u64>,
    /// Shares of a cap, in per cent, of which it is recorded when they are passed (`budget.crossed`); that of `alert_percent` is one too.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub alert_at: Vec<u64>,
    /// What changed and why, for the reader of the history.
    pub note: String,
}

/// What a budget caps in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapKind {
    /// Money.
    Micros,
    /// Tokens.
    Tokens,
    /// Calls.
    Calls,
}

impl CapKind {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Micros => "micros",
            Self::Tokens => "tokens",
            Self::Calls => "calls",
        }
    }
}

/// `budget.crossed`, stream `budget/<name>/crossed`: a share of a cap was passed; once for each share, cap and window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetCrossed {
    /// Name of the budget.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// The cap.
    pub cap: CapKind,
    /// What it is.
    pub limit: u64,
    /// The share, in per cent.
    pub percent: u64,
    /// What was used and reserved when it was noticed.
    pub used: u64,
    /// Where the window begins.
    pub window_start: Micros,
}

/// Why an alert is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetAlertEnd {
    /// Its window ended.
    WindowOver,
    /// The cap is another one, or there is none of that kind any more.
    CapChanged,
    /// The budget was ended, or another one has its name.
    BudgetEnded,
}

impl BudgetAlertEnd {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WindowOver => "window_over",
            Self::CapChanged => "cap_changed",
            Self::BudgetEnded => "budget_ended",
        }
    }
}

/// `budget.alert_resolved`, stream `budget/<name>/crossed`, parent `crossed`: an alert stands no longer; once for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetAlertResolved {
    /// Name of the budget.
    pub name: String,
    /// Why it is over.
    pub end: BudgetAlertEnd,
}

/// `budget.ended`, stream `budget/<name>`: nothing of this name holds any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetEnded {
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
    const KEY: CredentialId = CredentialId::from_bytes([2; 16]);

    /// Requirement: N23. A budget holds for whoever it names, in the capacity in which it names them, and for nobody else.
    #[test]
    fn a_scope_holds_for_its_callers_alone() {
        let chain = Chain {
            person: Some("corp|4711".to_owned()),
            agent: Some("corp|loans".to_owned()),
            groups: vec!["corp|advisers".to_owned(), "corp|night".to_owned()],
        };
        let call = BudgetSubject { system: SYSTEM, key: KEY, chain: &chain };
        let (person, team, agent) = (BudgetScope::Person, BudgetScope::Team, BudgetScope::Agent);
        for (scope, holds) in [
            (BudgetScope::Tenant, true),
            (BudgetScope::System(SYSTEM), true),
            (BudgetScope::System(SystemId::from_bytes([9; 16])), false),
            (BudgetScope::Key(KEY), true),
            (BudgetScope::Key(CredentialId::from_bytes([9; 16])), false),
            (person("corp|4711".to_owned()), true),
            (person("other|4711".to_owned()), false),
            (person("corp|471".to_owned()), false),
            (person("corp|loans".to_owned()), false),
            (team("corp|night".to_owned()), true),
            (team("corp|Night".to_owned()), false),
            (team("corp|4711".to_owned()), false),
            (agent("corp|loans".to_owned()), true),
            (agent("corp|advisers".to_owned()), false),
        ] {
            assert_eq!(scope.holds(call), holds, "{scope:?}");
        }
        let nobody = BudgetSubject { chain: &Chain::default(), ..call };
        for scope in [person(String::new()), team(String::new()), agent(String::new())] {
            assert!(!scope.holds(nobody), "a call for nobody was taken for one for somebody: {scope:?}");
        }
    }

    /// Requirement: N23. What is written is what was written for the kinds of before, and a kind of another version is none.
    #[test]
    fn a_scope_is_written_by_its_kind() {
        let person = serde_json::to_value(BudgetScope::Person("corp|4711".to_owned())).expect("plain");
        assert_eq!(person, serde_json::json!({"kind": "person", "id": "corp|4711"}));
        let key = serde_json::to_value(BudgetScope::Key(KEY)).expect("plain");
        assert_eq!(key, serde_json::json!({"kind": "key", "id": "02".repeat(16)}));
        let later = serde_json::json!({"kind": "tool", "id": "x"});
        assert!(serde_json::from_value::<BudgetScope>(later).is_err(), "a budget would hold for nobody");
    }
}
