//! Operation: tests over everything in the window, never over a choice of it.
//!
//! Promises: what is not known fails; a test that has nothing to look at says that it was not exercised.

use super::design::{counting, is_decided};
use super::evaluate::Case;
use super::facts::SystemFacts;
use super::rules::{Test, Window};
use super::words::{item_of, name, share};
use super::{Mark, Part, Qualifier, Target};
use crate::body::Role;
use crate::catalogue::Reference;

/// How many passed, of how many, and what that was about.
struct Tested {
    passed: u64,
    of: u64,
    /// Share that has to pass, in thousandths.
    at_least: u64,
    about: String,
    target: Target,
}

pub(super) fn judge(case: &mut Case<'_>) {
    for test in &case.rule.tests {
        let tested = match test {
            Test::ModelsNamed { register } => models_named(case, register),
            Test::ApprovedBeforeUse { register } => approved_before_use(case, register),
            Test::CallsEnded { at_least } => calls_ended(case, *at_least),
            Test::OwnersKnown => owners_known(case),
            Test::RolesHeld { roles } => roles_held(case, roles),
            Test::ChangesExplained { at_least } => changes_explained(case, *at_least),
            Test::ControlsReasoned => controls_reasoned(case),
            Test::ItemsSigned { register } => items_signed(case, register),
            Test::LedgerSound => ledger_sound(case),
        };
        let result = share(tested.passed, tested.of);
        let mark = if tested.of == 0 {
            case.qualify(Qualifier::NotExercised);
            Mark::Short
        } else if tested.passed == 0 {
            Mark::Missing
        } else if u128::from(tested.passed) * 1000 >= u128::from(tested.at_least) * u128::from(tested.of) {
            Mark::Holds
        } else {
            Mark::Short
        };
        case.say(Part::Operation, mark, format!("{}: {result}", tested.about), Some(tested.target));
    }
}

const ALL: u64 = 1000;

fn models_named(case: &mut Case<'_>, register: &str) -> Tested {
    let begin = case.rule.window.begin(case.now);
    // What nothing describes may have called anything.
    let (mut passed, mut of) = (0, case.unseen);
    for system in case.scope.clone() {
        let approvals: Vec<_> = counting(case, system, register).collect();
        let recent: Vec<_> = system.models.iter().filter(|seen| seen.last >= begin).collect();
        let called = system.calls_in(case.rule.window).permitted > 0;
        if called && recent.is_empty() {
            of += 1;
            case.note_system(system.system, Mark::Short);
        }
        for seen in recent {
            of += 1;
            let names = |model: &String| approvals.iter().any(|approval| approval.models.contains(model));
            let is_named = seen.model.as_ref().is_some_and(names);
            if is_named {
                passed += 1;
                continue;
            }
            case.note_system(system.system, Mark::Short);
            let model = seen.model.as_deref().unwrap_or("a model that is not known any more");
            let text = format!(
                "Name {model} in the {} of {}, and have it approved",
                item_of(register),
                name(system)
            );
            case.advise(
                text,
                Target::Register { register: register.to_owned(), system: Some(system.system) },
            );
        }
    }
    Tested {
        passed,
        of,
        at_least: ALL,
        about: format!("models called that an approved {} names", item_of(register)),
        target: Target::Calls,
    }
}

fn approved_before_use(case: &mut Case<'_>, register: &str) -> Tested {
    let begin = Window::Rolling.begin(case.now);
    let (mut passed, mut of) = (0, case.unseen);
    for system in case.scope.clone() {
        if system.calls_in(Window::Rolling).permitted == 0 {
            continue;
        }
        of += 1;
        let first = counting(case, system, register).map(|approval| approval.first_at).min();
        let recent: Vec<_> = system.models.iter().filter(|seen| seen.last >= begin).collect();
        let after = |first| recent.iter().all(|seen| seen.first_recent.is_some_and(|at| at >= first));
        if !recent.is_empty() && first.is_some_and(after) {
            passed += 1;
        } else {
            case.note_system(system.system, Mark::Short);
            let text = format!(
                "Have the {} of {} approved, or pause it until then",
                item_of(register),
                name(system)
            );
            case.advise(text, Target::System { system: system.system });
        }
    }
    Tested {
        passed,
        of,
        at_least: ALL,
        about: format!("systems called in 30 days whose {} was approved before", item_of(register)),
        target: Target::Calls,
    }
}

fn calls_ended(case: &mut Case<'_>, at_least: u64) -> Tested {
    let window = case.rule.window;
    let sum = |of: fn(&SystemFacts, Window) -> u64| {
        case.facts.systems.iter().map(|system| of(system, window)).sum::<u64>()
    };
    // A system that nothing describes may have called, and nobody saw the end.
    let permitted = sum(|system, window| system.calls_in(window).permitted) + case.unseen;
    let broken = sum(|system, window| system.calls_in(window).broken) + case.unseen;
    let lost = case.facts.ledger.calls_without_end.map_or(permitted, |open| open.saturating_add(broken));
    Tested {
        passed: permitted.saturating_sub(lost),
        of: permitted,
        at_least,
        about: format!("calls of {} days whose end is on record", window.days()),
        target: Target::Calls,
    }
}

fn owners_known(case: &mut Case<'_>) -> Tested {
    let of = case.in_scope();
    let mut passed = 0;
    for system in case.scope.clone() {
        if system.owner_known && system.known_in_use(case.rule.window) {
            passed += 1;
            case.note_system(system.system, Mark::Holds);
        } else {
            case.note_system(system.system, Mark::Short);
            let text = format!("Name a person who answers for {}", name(system));
            case.advise(text, Target::System { system: system.system });
        }
    }
    Tested {
        passed,
        of,
        at_least: ALL,
        about: "systems that somebody known answers for".to_owned(),
        target: Target::Systems,
    }
}

fn roles_held(case: &mut Case<'_>, roles: &[Role]) -> Tested {
    let is_held = |role: &&Role| case.facts.holders.get(*role).is_some_and(|holders| *holders > 0);
    let (held, open): (Vec<&Role>, Vec<&Role>) = roles.iter().partition(is_held);
    for role in open {
        case.advise(format!("Give somebody the role {}", role.as_str().replace('_', " ")), Target::People);
    }
    Tested {
        passed: held.len() as u64,
        of: roles.len() as u64,
        at_least: ALL,
        about: "roles that somebody known holds".to_owned(),
        target: Target::People,
    }
}

fn changes_explained(case: &Case<'_>, at_least: u64) -> Tested {
    let place = case.rule.window.place();
    let policies = &case.facts.policies;
    let of = policies.changes.get(place).copied().unwrap_or(0);
    let explained = policies.explained.get(place).copied().unwrap_or(0);
    Tested {
        passed: explained.min(of),
        of,
        at_least,
        about: "changes of the rules with who and why".to_owned(),
        target: Target::Policies,
    }
}

fn controls_reasoned(case: &mut Case<'_>) -> Tested {
    let rows = &case.facts.applicability.rows;
    let (mut passed, mut of) = (0, 0);
    for reference in Reference::controls() {
        of += 1;
        if rows.get(&reference).is_some_and(is_decided) {
            passed += 1;
        } else {
            case.advise(format!("Decide {reference} with a reason"), Target::Control { reference });
        }
    }
    Tested {
        passed,
        of,
        at_least: ALL,
        about: "controls decided with a reason".to_owned(),
        target: Target::Applicability,
    }
}

fn items_signed(case: &mut Case<'_>, register: &str) -> Tested {
    let of = case.in_scope();
    let mut passed = 0;
    for system in case.scope.clone() {
        let is_complete = counting(case, system, register).any(|approval| approval.missing.is_empty());
        if is_complete && system.known_in_use(case.rule.window) {
            passed += 1;
        } else {
            case.note_system(system.system, Mark::Short);
        }
    }
    Tested {
        passed,
        of,
        at_least: ALL,
        about: format!("systems whose {} is complete, kept and signed by a second person", item_of(register)),
        target: Target::Register { register: register.to_owned(), system: None },
    }
}

fn ledger_sound(case: &Case<'_>) -> Tested {
    let ledger = &case.facts.ledger;
    let proved = ledger.proved.filter(|_| !ledger.contradicted && ledger.missing == Some(0)).unwrap_or(0);
    Tested {
        passed: proved.min(case.facts.size),
        of: case.facts.size,
        at_least: ALL,
        about: "entries whose place in the signed tree was computed again".to_owned(),
        target: Target::Ledger,
    }
}
