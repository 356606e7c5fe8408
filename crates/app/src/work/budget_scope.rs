//! Whose calls a budget counts: as forms write it, and as records have it.
//!
//! Promises: a caller is written as records of calls have one, letter for letter, or refused. Must never: let the name of a budget, which stands in the clear for
//! ever, say which person it is for.

use tabellion_model::body::BudgetScope;
use tabellion_model::{CredentialId, SystemId};

use super::budgets::{NewBudget, ScopeForm};
use super::stops::is_vouched_for;
use crate::refusal::{Code, Refusal};

/// From so many letters on a name of a budget may not have a part of what its person is called: shorter ones are in many words by chance.
const TOLD_FROM: usize = 3;

/// Whose calls `new` is for, checked.
pub(super) fn scope_of(new: &NewBudget) -> Result<BudgetScope, Refusal> {
    let malformed = |what: &str| Refusal::at(Code::Malformed, "/subject", what);
    let Some(subject) = new.subject.as_ref().map(super::forms::Line::as_str) else {
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
        if is_misread(subject) {
            return Err(malformed(
                "it begins or ends with a blank, or has a mark that nobody sees and that turns the direction of reading; names of callers are compared letter for letter, so write it without",
            ));
        }
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
            SystemId::from_hex(subject.trim()).map(BudgetScope::System).ok_or_else(|| malformed(id))
        }
        ScopeForm::Key => {
            CredentialId::from_hex(subject.trim()).map(BudgetScope::Key).ok_or_else(|| malformed(id))
        }
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

/// Whether a name of a caller is read as another: with a blank at an end, also of its part behind the bar, or a mark of direction ([`Line`] has none of those that
/// embed, override and isolate, and no byte order mark).
///
/// [`Line`]: super::forms::Line
fn is_misread(subject: &str) -> bool {
    let called = subject.split_once('|').map_or(subject, |(_, called)| called);
    let turns = |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}');
    subject.trim() != subject || called.trim() != called || subject.contains(turns)
}

/// Refuses a name that says whom a budget is for, where that is a person: callers read it, each of the person's calls has it in the clear, and no erasure takes it
/// away.
pub(super) fn check_name(name: &str, scope: &BudgetScope) -> Result<(), Refusal> {
    let BudgetScope::Person(person) = scope else { return Ok(()) };
    // Whoever vouches is in every person's name and says nothing of this one.
    let called = person.split_once('|').map_or(person.as_str(), |(_, called)| called);
    // As a name of a budget would have it, which has nothing but these letters: `anna.berg@corp.example` falls into four parts, and `bjørn` is `bj-rn`.
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let called: String = called.chars().map(plain).collect();
    let mut parts = called.split('-').chain([called.trim_matches('-')]);
    if !parts.any(|part| part.len() >= TOLD_FROM && name.contains(part)) {
        return Ok(());
    }
    let what = "the budget's name has the person's in it, or a part of that, and would stand for ever with each of their calls; choose one that says nothing of them";
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
            ("berg-2026", person("anna.berg@corp.example"), false),
            ("annas-month", person("ANNA_Berg"), false),
            ("corp-q7", person("4711"), true),
            ("bo-q7", person("bo.li"), true),
            ("bj-rn", person("Bj\u{f8}rn"), false),
            ("brien-q7", person("O'Brien"), false),
            ("q7-4711", person("emp 4711"), false),
            ("anna-berg-corp-example", person("Anna.Berg@corp.example"), false),
            ("month-4711", person("4711"), false),
            ("month-12", person("12"), true),
            ("month-4711", BudgetScope::Team("corp|4711".to_owned()), true),
        ] {
            assert_eq!(check_name(name, &scope).is_ok(), fits, "{name} of {scope:?}");
        }
    }

    /// Requirement: N23. What looks like another name is refused, and never made one: a budget for nobody would cap nobody.
    #[test]
    fn a_name_that_is_read_as_another_is_refused() {
        for (subject, is) in [
            ("corp|4711", false),
            ("corp|night shift", false),
            ("corp|4711 ", true),
            (" corp|4711", true),
            ("corp|4711\u{a0}", true),
            ("corp|\u{a0}4711", true),
            ("corp|47\u{200f}11", true),
            ("corp|47\u{61c}11", true),
        ] {
            assert_eq!(is_misread(subject), is, "{subject:?}");
        }
        for character in ['\u{202e}', '\u{2066}', '\u{feff}'] {
            let subject = format!("corp|47{character}11");
            assert_eq!(super::super::forms::Line::new(&subject), None, "{subject:?}");
        }
    }
}
