//! What is counted, and whether an independent count says the same.

use super::evaluate::Case;
use super::rules::{Against, Population};
use super::words::count;
use super::{Mark, Part, Qualifier, Target};
use crate::catalogue::Reference;

pub(super) fn judge(case: &mut Case<'_>) {
    let (number, text, target) = match case.rule.population.of {
        Population::NoneYet => return,
        Population::Systems => {
            let number = case.in_scope();
            (number, format!("{} in scope", count(number, "system", "systems")), Target::Systems)
        }
        Population::Calls => {
            let window = case.rule.window;
            let number = case.facts.systems.iter().map(|system| system.calls_in(window).permitted).sum();
            let text =
                format!("{} in {} days", count(number, "permitted call", "permitted calls"), window.days());
            (number, text, Target::Calls)
        }
        Population::PolicyChanges => {
            let window = case.rule.window;
            let number = case.facts.policies.changes.get(window.place()).copied().unwrap_or(0);
            let text = format!(
                "{} in {} days",
                count(number, "change of a policy", "changes of policies"),
                window.days()
            );
            (number, text, Target::Policies)
        }
        Population::Roles => {
            let number = case.facts.holders.values().sum();
            (number, format!("{} in all", count(number, "role held", "roles held")), Target::People)
        }
        Population::Controls => {
            let number = Reference::controls().count() as u64;
            (number, format!("{number} controls of Annex A"), Target::Applicability)
        }
        Population::Records => {
            let number = case.facts.ledger.records;
            (number, count(number, "record", "records"), Target::Ledger)
        }
    };
    case.population = number;
    if number == 0 {
        case.qualify(Qualifier::NotExercised);
        case.say(Part::Population, Mark::Short, format!("{text}: not exercised"), Some(target));
        return;
    }
    let (mark, against) = match case.against() {
        Against::List => (Mark::Holds, "a fixed list"),
        Against::Headers if case.counts(Population::Systems) && case.facts.systems_counted.is_none() => {
            (Mark::Short, "not reconciled: how many there are by headers is not known")
        }
        Against::Headers if case.counts(Population::Systems) && case.unseen > 0 => {
            (Mark::Short, "not reconciled: some are known by headers alone")
        }
        Against::Headers => (Mark::Holds, "counted by headers, which outlast content"),
        Against::NoneYet => (Mark::Short, "not reconciled: nobody else's count of them comes in yet"),
    };
    if mark != Mark::Holds {
        case.qualify(Qualifier::NotReconciled);
    }
    case.say(Part::Population, mark, format!("{text}; {against}"), Some(target));
}
