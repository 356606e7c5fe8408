//! Whose calls a budget counts: as forms write it, and as records have it.
//!
//! Promises: a caller is written as records of calls have one, letter for letter, or refused. Must never: let the name of a budget, which stands in the clear for
//! ever, say which person it is for.

use tabellion_model::body::BudgetScope;
use tabellion_model::{CredentialId, SystemId};

use super::budgets::{NewBudget, ScopeForm};
use super::stops::is_vouched_for;
use crate::refusal::{Code, Refusal};

/// From so many letters on a name of a budget may not have what its person is called: shorter ones are in many words by chance.
const TOLD_FROM: usize = 3;

/// Whose calls `new` is for, checked.
pub(super) fn scope_of(new: &NewBudget) -> Result<BudgetScope, Refusal> {
    let malformed = |what: &str| Refusal::at(Code::Malformed, "/subject", what);
    let subject = new.subject.as_ref().map(|subject| subject.as_str().trim());
    let Some(subject) = subject else {
        return match new.scope {
            ScopeForm::Tenant => Ok(BudgetScope::Tenant),
            ScopeForm::System => Err(malformed("name the system by its id")),
            ScopeForm::Key => Err(malformed("name the key by its id")),
            ScopeForm::Person | ScopeForm::Team | ScopeForm::Agent => {
                Err(malformed("name the person, team or agent as records of calls have them: corp|4711"))
            }
        };
    };
    let id = "a system or key is named by its id, 32 lower-case hex digits";
    let caller = |scope: fn(String) -> BudgetScope| {
        let named = is_vouched_for(subject).then(|| scope(subject.to_owned()));
        named.ok_or_else(|| {
            malformed(
                "no call has this: write it as records of calls have it, with the name of the section [identity.NAME] and a bar before it (corp|4711), or, for an agent, mtls| before the name of a certificate",
            )
        })
    };
    match new.scope {
        ScopeForm::Tenant => Err(malformed("a budget of the tenant names nobody")),
        ScopeForm::System => {
            SystemId::from_hex(subject).map(BudgetScope::System).ok_or_else(|| malformed(id))
        }
        ScopeForm::Key => CredentialId::from_hex(subject).map(BudgetScope::Key).ok_or_else(|| malformed(id)),
        ScopeForm::Person => caller(BudgetScope::Person),
        ScopeForm::Team => caller(BudgetScope::Team),
        ScopeForm::Agent => caller(BudgetScope::Agent),
    }
}

/// What a budget is for, in the words of its form.
pub(super) fn said_scope(scope: &BudgetScope) -> (ScopeForm, Option<String>) {
    match scope {
        BudgetScope::Tenant => (ScopeForm::Tenant, None),
        BudgetScope::System(system) => (ScopeForm::System, Some(system.to_hex())),
        BudgetScope::Key(key) => (ScopeForm::Key, Some(key.to_hex())),
        BudgetScope::Person(person) => (ScopeForm::Person, Some(person.clone())),
        BudgetScope::Team(team) => (ScopeForm::Team, Some(team.clone())),
        BudgetScope::Agent(agent) => (ScopeForm::Agent, Some(agent.clone())),
    }
}

/// Refuses a name that says whom a budget is for, where that is a person: callers read it, each of the person's calls has it in the clear, and no erasure takes it
/// away.
pub(super) fn check_name(name: &str, scope: &BudgetScope) -> Result<(), Refusal> {
    let BudgetScope::Person(person) = scope else { return Ok(()) };
    let called = person.split_once('|').map_or(person.as_str(), |(_, called)| called);
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let called: String = called.chars().map(plain).collect();
    let called = called.trim_matches('-');
    if called.len() < TOLD_FROM || !name.contains(called) {
        return Ok(());
    }
    let what = "the budget's name has the person's in it, and would stand for ever with each of their calls; choose one that says nothing of them";
    Err(Refusal::at(Code::Malformed, "/name", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: N23, G04.
    #[test]
    fn a_name_that_says_whom_the_budget_is_for_is_refused() {
        let person = |name: &str| BudgetScope::Person(format!("corp|{name}"));
        for (name, scope, fits) in [
            ("adviser-q7", person("anna.berg@corp.example"), true),
            ("anna-berg-corp-example", person("Anna.Berg@corp.example"), false),
            ("month-4711", person("4711"), false),
            ("month-12", person("12"), true),
            ("month-4711", BudgetScope::Team("corp|4711".to_owned()), true),
        ] {
            assert_eq!(check_name(name, &scope).is_ok(), fits, "{name} of {scope:?}");
        }
    }
}
