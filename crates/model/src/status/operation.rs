//! Operation: tests over everything in the window, never over a choice of it.
//!
//! Promises: what is not known fails; a test that has nothing to look at says that it was not exercised.

use super::design::{counting, is_decided};
use super::evaluate::Case;
use super::facts::{Approval, ItemFacts, SystemFacts};
use super::rules::{DAY_US, Test, Window};
use super::words::{day, item_of, name, share};
use super::{Mark, Part, Qualifier, Target};
use crate::Micros;
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
    /// How the worst system stands, where the test looks at each: a good one never makes up for it. Otherwise the share decides.
    worst: Option<Mark>,
}

impl Tested {
    /// A test that looks at each system; what nothing describes may have called anything, and passes nothing.
    fn of_systems(case: &Case<'_>, about: String) -> Self {
        let worst = Some(if case.unseen > 0 { Mark::Missing } else { Mark::Holds });
        Self { passed: 0, of: case.unseen, at_least: ALL, about, target: Target::Calls, worst }
    }

    /// How the part stands by this test.
    fn mark(&self) -> Mark {
        let enough = u128::from(self.passed) * 1000 >= u128::from(self.at_least) * u128::from(self.of);
        match self.worst {
            _ if self.of == 0 => Mark::Short,
            Some(worst) => worst,
            None if self.passed == 0 => Mark::Missing,
            None if enough => Mark::Holds,
            None => Mark::Short,
        }
    }

    /// Counts one system.
    fn system(&mut self, case: &mut Case<'_>, system: &SystemFacts, mark: Mark) {
        self.worst = self.worst.min(Some(mark));
        case.note_system(system.system, mark);
    }
}

pub(super) fn judge(case: &mut Case<'_>) {
    for test in &case.rule.tests {
        let tested = match test {
            Test::ModelsNamed { register } => models_named(case, register),
            Test::ApprovedBeforeUse { register, states } => approved_before_use(case, register, states),
            Test::NotAdverse { register } => not_adverse(case, register),
            Test::CallsEnded { at_least } => calls_ended(case, *at_least),
            Test::OwnersKnown => owners_known(case),
            Test::RolesHeld { roles } => roles_held(case, roles),
            Test::ChangesExplained { at_least } => changes_explained(case, *at_least),
            Test::ControlsReasoned => controls_reasoned(case),
            Test::ItemsSigned { register } => items_signed(case, register),
            Test::LedgerSound => ledger_sound(case),
        };
        let result = share(tested.passed, tested.of);
        if tested.of == 0 {
            case.qualify(Qualifier::NotExercised);
        }
        let mark = tested.mark();
        case.say(Part::Operation, mark, format!("{}: {result}", tested.about), Some(tested.target));
    }
}

const ALL: u64 = 1000;

/// How something stands of which `passed` of `of` passed.
fn mark_of(passed: u64, of: u64) -> Mark {
    match passed {
        _ if passed == of => Mark::Holds,
        0 => Mark::Missing,
        _ => Mark::Short,
    }
}

fn models_named(case: &mut Case<'_>, register: &str) -> Tested {
    let begin = case.rule.window.begin(case.now);
    let about = format!("models called that an approved {} names", item_of(register));
    let mut tested = Tested::of_systems(case, about);
    for system in case.scope.clone() {
        let approvals: Vec<_> = counting(case, system, register).map(|(_, approval)| approval).collect();
        let recent: Vec<_> = system.models.iter().filter(|seen| seen.last >= begin).collect();
        let called = system.calls_in(case.rule.window).permitted > 0;
        let (mut passed, mut of) = (0, u64::from(called && recent.is_empty()));
        for seen in recent {
            of += 1;
            let names = |model: &String| approvals.iter().any(|approval| approval.models.contains(model));
            if seen.model.as_ref().is_some_and(names) {
                passed += 1;
                continue;
            }
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
        tested.passed += passed;
        tested.of += of;
        tested.system(case, system, mark_of(passed, of));
    }
    tested
}

fn approved_before_use(case: &mut Case<'_>, register: &str, states: &[String]) -> Tested {
    let window = case.rule.window;
    let what = item_of(register);
    let about = format!("systems called in {} days whose {what} was approved before", window.days());
    let mut tested = Tested::of_systems(case, about);
    for system in case.scope.clone() {
        if system.calls_in(window).permitted == 0 {
            continue;
        }
        tested.of += 1;
        let since = counting(case, system, register)
            .filter_map(|(item, approval)| allowed_since(item, approval, states))
            .min();
        let mark = since.map_or(Mark::Missing, |since| used_after(case, system, since));
        if mark == Mark::Holds {
            tested.passed += 1;
        } else {
            advise_before_use(case, system, register, since);
        }
        tested.system(case, system, mark);
    }
    tested
}

/// Since when the item allows use: approved, and, where the rule names states, once it stood in one of them.
fn allowed_since(item: &ItemFacts, approval: &Approval, states: &[String]) -> Option<Micros> {
    if states.is_empty() {
        return Some(approval.first_at);
    }
    let entered = states.iter().filter_map(|state| item.first_in.get(state)).min()?;
    Some(approval.first_at.max(*entered))
}

/// Whether the calls of the window came after `since`: all, some, or none. A time that is not known counts as before.
fn used_after(case: &Case<'_>, system: &SystemFacts, since: Micros) -> Mark {
    let window = case.rule.window;
    let begin = window.begin(case.now);
    let recent: Vec<_> = system.models.iter().filter(|seen| seen.last >= begin).collect();
    if recent.iter().all(|seen| seen.last < since) {
        return Mark::Missing;
    }
    let after = recent.iter().all(|seen| seen.first_in(window).is_some_and(|first| first >= since));
    if after { Mark::Holds } else { Mark::Short }
}

fn advise_before_use(case: &mut Case<'_>, system: &SystemFacts, register: &str, since: Option<Micros>) {
    let (what, name, days) = (item_of(register), name(system), case.rule.window.days());
    let target = Target::System { system: system.system };
    let text = match since {
        None => format!("Pause {name} until its {what} is approved by a second person and allows its use"),
        Some(since) => format!(
            "{name} was called before its {what} allowed that, on {}. Those calls are {days} days old on {} at the latest; say on record why they came first",
            day(since),
            day(Micros(since.0.saturating_add(days * DAY_US)))
        ),
    };
    case.advise(text, target);
}

fn not_adverse(case: &mut Case<'_>, register: &str) -> Tested {
    let what = item_of(register);
    let mut tested = Tested::of_systems(case, format!("systems in use to which no approved {what} says no"));
    tested.target = Target::Register { register: register.to_owned(), system: None };
    for system in case.scope.clone() {
        tested.of += 1;
        let says_no = counting(case, system, register).any(|(_, approval)| approval.adverse);
        let unreadable = case.items_of(system.system, register).any(|item| item.unreadable);
        if !says_no && !unreadable && system.known_in_use(case.rule.window) {
            tested.passed += 1;
            continue;
        }
        let name = name(system);
        if says_no {
            let text = format!(
                "Take {name} out of use, or change it and assess it again: an approved {what} says no to it"
            );
            case.advise(text, Target::System { system: system.system });
        } else if unreadable {
            let text =
                format!("Withdraw the {what} of {name} that can no longer be read, and approve one that can");
            let target = Target::Register { register: register.to_owned(), system: Some(system.system) };
            case.advise(text, target);
        }
        tested.system(case, system, Mark::Short);
    }
    tested
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
        worst: None,
    }
}

fn owners_known(case: &mut Case<'_>) -> Tested {
    let mut tested = Tested::of_systems(case, "systems that somebody known answers for".to_owned());
    tested.target = Target::Systems;
    for system in case.scope.clone() {
        tested.of += 1;
        let passes = system.owner_known && system.known_in_use(case.rule.window);
        if passes {
            tested.passed += 1;
        } else {
            let text = format!("Name a person who answers for {}", name(system));
            case.advise(text, Target::System { system: system.system });
        }
        tested.system(case, system, mark_of(u64::from(passes), 1));
    }
    tested
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
        worst: None,
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
        worst: None,
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
        worst: None,
    }
}

fn items_signed(case: &mut Case<'_>, register: &str) -> Tested {
    let about =
        format!("systems whose {} is complete, kept and signed by a second person", item_of(register));
    let mut tested = Tested::of_systems(case, about);
    tested.target = Target::Register { register: register.to_owned(), system: None };
    for system in case.scope.clone() {
        tested.of += 1;
        let is_complete = counting(case, system, register).any(|(_, approval)| approval.missing.is_empty());
        let passes = is_complete && system.known_in_use(case.rule.window);
        tested.passed += u64::from(passes);
        tested.system(case, system, mark_of(u64::from(passes), 1));
    }
    tested
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
        worst: None,
    }
}
