//! Design: records that have to be there, approved by a second person and in date.
//!
//! Promises: of several items about a system the best counts, so an approval that is added never lowers anything. Must never: count a draft.

use super::evaluate::Case;
use super::facts::{Approval, Decision, ItemFacts, SystemFacts};
use super::rules::{DAY_US, Need};
use super::words::{item_of, name, names};
use super::{Mark, Part, Qualifier, Reason, Target};
use crate::Micros;
use crate::catalogue::Reference;

/// How the best item about a system stands.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) mark: Mark,
    pub(super) approval: Option<&'a Approval>,
    why: &'static str,
}

pub(super) fn judge(case: &mut Case<'_>) {
    for lack in &case.rule.lacks {
        if lack.essential {
            case.qualify(Qualifier::NoSource);
            case.say(Part::Design, Mark::Missing, format!("no evidence source yet: {}", lack.what), None);
            no_source(case);
        } else {
            let text = format!("not all of it has an evidence source yet: {}", lack.what);
            case.say(Part::Design, Mark::Short, text, None);
        }
    }
    let mut worst = Mark::NotAsked;
    for need in &case.rule.needs {
        let mark = match need {
            Need::ItemOfEachSystem { register, fields, states } => {
                items(case, &Wanted { register, fields, states })
            }
            Need::PolicyInForce => policy(case),
            Need::Applicability => applicability(case),
        };
        worst = worst.min(mark);
    }
    case.needs = worst;
}

/// A reader of a gap learns what can be decided about it, also when this version cannot take the evidence.
fn no_source(case: &mut Case<'_>) {
    let reference = case.rule.reference;
    if reference.is_control() {
        let text = "If it is not needed here, or another party carries it out, say so in the Statement of Applicability";
        case.advise(text.to_owned(), Target::Control { reference });
    }
}

/// What a rule asks of an item.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) register: &'a str,
    /// Fields that have to be filled in.
    pub(super) fields: &'a [String],
    /// States of which it has to stand in one; empty: any that has not ended.
    pub(super) states: &'a [String],
}

impl<'a> Wanted<'a> {
    /// Any approved item.
    pub(super) fn any(register: &'a str) -> Self {
        Self { register, fields: &[], states: &[] }
    }
}

/// Every item in `register` about `system` whose approval still counts, with that approval.
pub(super) fn counting<'a>(
    case: &Case<'a>,
    system: &SystemFacts,
    register: &str,
) -> impl Iterator<Item = (&'a ItemFacts, &'a Approval)> {
    let (grace_days, now) = (case.grace_days, case.now);
    case.items_of(system.system, register).filter_map(move |item| {
        let standing = of_item(grace_days, now, item, &Wanted::any(""));
        let approval = standing.approval.filter(|_| standing.mark > Mark::Missing);
        approval.map(|approval| (item, approval))
    })
}

/// The best standing among the items about `system`.
pub(super) fn standing<'a>(case: &Case<'a>, system: &SystemFacts, wanted: &Wanted<'_>) -> Standing<'a> {
    let nothing = Standing { mark: Mark::Missing, approval: None, why: "none is approved" };
    case.items_of(system.system, wanted.register)
        .map(|item| of_item(case.grace_days, case.now, item, wanted))
        .fold(nothing, |best, next| if next.mark > best.mark { next } else { best })
}

fn of_item<'a>(grace_days: u64, now: Micros, item: &'a ItemFacts, wanted: &Wanted<'_>) -> Standing<'a> {
    let Some(approval) = &item.approved else {
        return Standing { mark: Mark::Missing, approval: None, why: "none is approved" };
    };
    let stands = |mark, why| Standing { mark, approval: Some(approval), why };
    if !approval.by_a_second_person() {
        return stands(Mark::Missing, "nobody but its authors approved it");
    }
    if !wanted.states.is_empty() && !item.state.as_ref().is_some_and(|state| wanted.states.contains(state)) {
        return stands(Mark::Missing, "it is approved as it stands, and was not moved to a state of use");
    }
    let grace = Micros(grace_days.saturating_mul(DAY_US));
    let late = |since: Micros| now.0.saturating_sub(since.0) > grace.0;
    let Some(due) = approval.review_at else {
        return stands(Mark::Short, "when its review is due is not known");
    };
    match item.refresh_since {
        _ if now > due && late(due) => {
            return stands(Mark::Missing, "its review is overdue beyond the grace");
        }
        Some(since) if late(since) => {
            return stands(Mark::Missing, "something changed, and nobody has looked at it within the grace");
        }
        _ if now > due => return stands(Mark::Short, "its review is due"),
        Some(_) => return stands(Mark::Short, "something changed, and it has to be looked at again"),
        None => {}
    }
    if wanted.fields.iter().any(|field| approval.missing.contains(field)) {
        return stands(Mark::Short, "a field that this rests on is not filled in");
    }
    stands(Mark::Holds, "approved by a second person and in date")
}

fn items(case: &mut Case<'_>, wanted: &Wanted<'_>) -> Mark {
    let register = wanted.register;
    let what = item_of(register);
    let target = |system| Some(Target::Register { register: register.to_owned(), system });
    if case.in_scope() == 0 {
        let text = format!("no system is in scope, so there is no {what} to count");
        case.say(Part::Design, Mark::Missing, text, Some(Target::Systems));
        case.advise("Register the AI systems that are in use".to_owned(), Target::Systems);
        return Mark::Missing;
    }
    let Sorted { missing, short, holds, entries, whys } = sorted(case, wanted);
    let unseen = case.unseen;
    let mut worst = Mark::Holds;
    if !missing.is_empty() || unseen > 0 {
        worst = Mark::Missing;
        let number = missing.len() as u64 + unseen;
        let verb = if number == 1 { "has" } else { "have" };
        let text = format!(
            "{number} of {} in scope {verb} no {what} that counts: {}",
            case.in_scope(),
            names(&missing, unseen)
        );
        case.say(Part::Design, Mark::Missing, text, target(None));
    }
    if !short.is_empty() {
        worst = worst.min(Mark::Short);
        let text = format!("the {what} of {} falls short: {}", names(&short, 0), whys.join("; "));
        case.say(Part::Design, Mark::Short, text, target(None));
    }
    if !holds.is_empty() {
        let text = format!(
            "{what}, approved by a second person and in date: {} of {}",
            holds.len(),
            case.in_scope()
        );
        case.show(Reason { part: Part::Design, mark: Mark::Holds, text, target: target(None), entries });
    }
    worst
}

/// Systems in scope by how their best item stands.
#[derive(Default)]
struct Sorted<'a> {
    missing: Vec<&'a SystemFacts>,
    short: Vec<&'a SystemFacts>,
    holds: Vec<&'a SystemFacts>,
    /// Entries of the approvals that count.
    entries: Vec<u64>,
    /// Why some fall short.
    whys: Vec<&'static str>,
}

fn sorted<'a>(case: &mut Case<'a>, wanted: &Wanted<'_>) -> Sorted<'a> {
    let register = wanted.register;
    let mut sorted = Sorted::default();
    for system in case.scope.clone() {
        let mut stands = standing(case, system, wanted);
        if !system.known_in_use(case.rule.window) {
            stands =
                Standing { mark: Mark::Missing, approval: None, why: "whether it is in use is not known" };
        }
        case.note_system(system.system, stands.mark);
        match stands.mark {
            Mark::Missing => sorted.missing.push(system),
            Mark::Short => sorted.short.push(system),
            Mark::Holds | Mark::NotAsked => sorted.holds.push(system),
        }
        sorted.entries.extend(stands.approval.map(|approval| approval.entry));
        if stands.mark == Mark::Holds {
            continue;
        }
        let what = item_of(register);
        let not_in_use =
            stands.approval.is_some_and(Approval::by_a_second_person) && !wanted.states.is_empty();
        let text = if not_in_use {
            format!(
                "Bring the {what} of {} to a state of use, approved and in date: {}",
                name(system),
                stands.why
            )
        } else {
            format!("Bring the {what} of {} to an approval by a second person: {}", name(system), stands.why)
        };
        case.advise(text, Target::Register { register: register.to_owned(), system: Some(system.system) });
        if stands.approval.is_some() {
            case.qualify(Qualifier::Overdue);
        }
        if stands.mark == Mark::Short && !sorted.whys.contains(&stands.why) {
            sorted.whys.push(stands.why);
        }
    }
    if case.unseen > 0 {
        case.advise("Describe the systems that are known by headers alone".to_owned(), Target::Systems);
    }
    sorted
}

fn policy(case: &mut Case<'_>) -> Mark {
    let number = case.facts.policies.in_force;
    let (mark, text) = if number == 0 {
        case.advise("Publish the rules that calls are decided by".to_owned(), Target::Policies);
        (Mark::Missing, "no rule set is in force whose text is known".to_owned())
    } else {
        (Mark::Holds, format!("rule sets in force, their texts known: {number}"))
    };
    case.say(Part::Design, mark, text, Some(Target::Policies));
    mark
}

/// Whether a row of the statement is decided as it has to be.
pub(super) fn is_decided(row: &super::facts::ApplicabilityRow) -> bool {
    match row.decision {
        Some(Decision::Applied | Decision::Excluded) => row.reasoned,
        Some(Decision::Inherited) => row.reasoned && row.evidenced,
        None => false,
    }
}

fn applicability(case: &mut Case<'_>) -> Mark {
    let soa = &case.facts.applicability;
    let all = Reference::controls().count();
    let approved = soa.rows.values().filter(|row| row.approved && is_decided(row)).count();
    let grace = case.grace_days;
    let (mark, text) = match soa.approved {
        None => (Mark::Missing, "no Statement of Applicability was approved".to_owned()),
        Some((at, _)) if case.now.0.saturating_sub(at.0) > (365 + grace) * DAY_US => {
            case.qualify(Qualifier::Overdue);
            (
                Mark::Missing,
                "the approval of the Statement of Applicability is overdue beyond the grace".to_owned(),
            )
        }
        Some((at, _)) if case.now.0.saturating_sub(at.0) > 365 * DAY_US => {
            case.qualify(Qualifier::Overdue);
            (Mark::Short, "the Statement of Applicability has to be approved again".to_owned())
        }
        Some(_) if approved < all => {
            (Mark::Short, format!("{approved} of {all} controls stand as they were approved"))
        }
        Some(_) => (Mark::Holds, format!("all {all} controls are decided and approved by a second person")),
    };
    if mark != Mark::Holds {
        case.advise(
            "Decide every control with a reason and have a second person approve the statement".to_owned(),
            Target::Applicability,
        );
    }
    let entries = soa.approved.map(|(_, entry)| entry).into_iter().collect();
    case.show(Reason { part: Part::Design, mark, text, target: Some(Target::Applicability), entries });
    mark
}
