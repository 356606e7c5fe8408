//! No facts make anything better by being taken away, and nothing escapes its cap.
//!
//! Requirement: V45

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{APPROVER, AUTHOR, NOW, approval, bare_item, days_ago, good, in_use, item, row};
use crate::Micros;
use crate::body::{Role, SystemStage};
use crate::catalogue::Reference;
use crate::status::facts::{
    Applicability, ApplicabilityRow, Approval, Calls, Decision, Facts, ItemFacts, LedgerFacts, ModelSeen,
    PolicyFacts, SystemFacts,
};
use crate::status::rules::{Cap, Rules, Window};
use crate::status::{Mark, Overall, Part, Qualifier, evaluate, evaluate_all};

prop_compose! {
    fn any_approval()(
        at in 0..500u64, first in 0..500u64, due in -60..400i64, second in any::<bool>(),
        models in vec(prop_oneof![Just("small"), Just("large")], 0..3),
        missing in vec(prop_oneof![Just("harms_groups"), Just("harms_society"), Just("intended_use")], 0..3),
        known in any::<bool>(), adverse in any::<bool>(),
    ) -> Approval {
        let review_at = NOW.0.saturating_add_signed(due * 86_400_000_000);
        Approval {
            entry: at,
            at: days_ago(at.min(first)),
            first_at: days_ago(first),
            by: if second { APPROVER } else { AUTHOR },
            review_at: known.then_some(Micros(review_at)),
            models: models.into_iter().map(str::to_owned).collect(),
            missing: missing.into_iter().map(str::to_owned).collect(),
            adverse,
            ..approval()
        }
    }
}

prop_compose! {
    fn any_item()(
        assessment in any::<bool>(), about in 1..4u8, approved in proptest::option::weighted(0.8, any_approval()),
        refresh in proptest::option::weighted(0.2, 0..60u64), entered in proptest::option::weighted(0.8, 0..60u64),
        unreadable in proptest::bool::weighted(0.2),
    ) -> ItemFacts {
        let register = if assessment { "impact_assessment" } else { "ai_system" };
        let first_in = entered.map(|days| ("production".to_owned(), days_ago(days))).into_iter().collect();
        let state = entered.map(|_| "production".to_owned());
        ItemFacts { approved, refresh_since: refresh.map(days_ago), state, first_in, unreadable, ..bare_item(register, about) }
    }
}

prop_compose! {
    fn any_system(about: u8)(
        stage in 0..5u8, owner_known in any::<bool>(), calls in 0..3u64, broken in 0..2u64,
        models in vec((proptest::option::of(prop_oneof![Just("small"), Just("large")]), 0..40u64, 0..40u64), 0..3),
    ) -> SystemFacts {
        let stages = [None, Some(SystemStage::Draft), Some(SystemStage::Live), Some(SystemStage::Paused), Some(SystemStage::Retired)];
        let seen = |(model, first, last): (Option<&str>, u64, u64)| ModelSeen {
            model: model.map(str::to_owned),
            first: Window::ALL.map(|window| (first <= window.days()).then(|| days_ago(first))),
            last: days_ago(last),
        };
        SystemFacts {
            stage: stages[usize::from(stage)],
            owner_known,
            calls: [Calls { permitted: calls, broken: broken.min(calls), completed: calls, denied: 0 }; 4],
            models: models.into_iter().map(seen).collect(),
            ..in_use(about)
        }
    }
}

prop_compose! {
    fn any_row()(decision in 0..4u8, reasoned in any::<bool>(), evidenced in any::<bool>(), approved in any::<bool>()) -> ApplicabilityRow {
        let decisions = [None, Some(Decision::Applied), Some(Decision::Excluded), Some(Decision::Inherited)];
        ApplicabilityRow { decision: decisions[usize::from(decision)], reasoned, evidenced, approved, ..row(Decision::Applied) }
    }
}

prop_compose! {
    fn any_facts()(
        systems in (any_system(1), any_system(2), any_system(3)), number in 0..4usize, unseen in 0..2u64,
        counted in any::<bool>(), items in vec(any_item(), 0..8), held in 0..2u64, missing in 0..3u64,
        changes in 0..4u64, explained in 0..4u64, proved in 4999..5001u64, open in 0..2u64, in_force in 0..2u64,
        rows in vec(any_row(), 38), decided in 0..39usize, approved in proptest::option::of(0..420u64),
        good_items in any::<bool>(),
    ) -> Facts {
        let systems: Vec<SystemFacts> = [systems.0, systems.1, systems.2].into_iter().take(number).collect();
        let more = (1..4).flat_map(|about| [item("ai_system", about), item("impact_assessment", about)]);
        let items = items.into_iter().map(Arc::new).chain(more.filter(|_| good_items)).collect();
        Facts {
            systems_counted: counted.then_some(number as u64 + unseen),
            systems,
            items,
            holders: Role::ALL.into_iter().map(|role| (role, held)).collect(),
            policies: PolicyFacts { in_force, changes: [changes; 4], explained: [explained; 4] },
            ledger: LedgerFacts {
                missing: (missing < 2).then_some(0),
                proved: Some(proved),
                calls_without_end: Some(open),
                ..good().ledger
            },
            applicability: Applicability {
                rows: Reference::controls().zip(rows).take(decided).collect(),
                approved: approved.map(|days| (days_ago(days), 11)),
            },
            ..good()
        }
    }
}

fn some<T>(list: &mut [T], at: Index) -> Option<&mut T> {
    if list.is_empty() { None } else { Some(at.get_mut(list)) }
}

/// Takes something about one item away.
fn weaken_item(facts: &mut Facts, which: u8, at: Index) {
    let Some(item) = some(&mut facts.items, at) else { return };
    let item = Arc::make_mut(item);
    if which < 2 {
        (item.approved, item.unreadable) = (None, true);
    }
    match which {
        26 => item.state = None,
        27 => item.first_in.clear(),
        _ => {}
    }
    let Some(approval) = &mut item.approved else { return };
    match which {
        2 => approval.review_at = None,
        3 => approval.models.clear(),
        4 => drop(approval.missing.insert("harms_society".to_owned())),
        5 => drop(approval.missing.insert("harms_individuals".to_owned())),
        6 => approval.authors.clear(),
        25 => approval.adverse = true,
        _ => {}
    }
}

/// Takes one piece of evidence away, or makes it unknown. What has to be covered (systems, calls) stays: it is known by headers.
fn weaken(facts: &mut Facts, which: u8, at: Index) {
    match which {
        // What speaks against a system does not vanish: the headers of its records stay, and what they say no more counts as a no.
        0 if !facts.items.is_empty() => {
            let place = at.index(facts.items.len());
            let against = |item: &Arc<ItemFacts>| {
                item.unreadable || item.approved.as_ref().is_some_and(|approval| approval.adverse)
            };
            if facts.items.get(place).is_some_and(against) {
                weaken_item(facts, which, at);
            } else {
                facts.items.remove(place);
            }
        }
        1..=6 | 25..=27 => weaken_item(facts, which, at),
        7 if !facts.systems.is_empty() => drop(facts.systems.remove(at.index(facts.systems.len()))),
        8 => facts.systems_counted = None,
        9..=12 => {
            if let Some(system) = some(&mut facts.systems, at) {
                match which {
                    9 => system.stage = None,
                    10 => system.owner_known = false,
                    11 => system.name = None,
                    _ => system.models.iter_mut().for_each(|seen| seen.model = None),
                }
            }
        }
        13 => facts.holders.clear(),
        14 => facts.policies.in_force = 0,
        15 => facts.policies.explained = [0; 4],
        16 => facts.ledger.proved = None,
        17 => facts.ledger.missing = None,
        18 => facts.ledger.calls_without_end = None,
        19 => facts.applicability = Applicability::default(),
        20 => facts.applicability.approved = None,
        28 => facts
            .systems
            .iter_mut()
            .for_each(|system| system.models.iter_mut().for_each(|seen| seen.first = [None; 4])),
        _ => {
            let row = Reference::controls()
                .nth(at.index(38))
                .and_then(|control| facts.applicability.rows.get_mut(&control));
            if let Some(row) = row {
                match which {
                    21 => row.decision = None,
                    22 => row.reasoned = false,
                    23 => row.evidenced = false,
                    _ => row.approved = false,
                }
            }
        }
    }
}

/// Better to worse, for comparison: an approved exclusion is as good as it gets.
fn rank(overall: Overall) -> u8 {
    match overall {
        Overall::Gap => 0,
        Overall::Partial => 1,
        Overall::Covered | Overall::NotApplicable => 2,
    }
}

fn ranks(facts: &Facts) -> BTreeMap<Reference, u8> {
    let statuses = evaluate_all(Rules::built_in(), facts, NOW);
    statuses.iter().map(|status| (status.reference, rank(status.overall))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn taking_evidence_away_never_improves_anything(facts in any_facts(), which in 0..29u8, at in any::<Index>()) {
        let mut less = facts.clone();
        weaken(&mut less, which, at);
        let (before, after) = (ranks(&facts), ranks(&less));
        for (reference, rank) in after {
            prop_assert!(rank <= before[&reference], "{reference} turned greener by removal {which} from {facts:?}");
        }
    }

    #[test]
    fn one_more_approval_never_worsens_the_design(facts in any_facts(), about in 1..4u8, assessment in any::<bool>()) {
        let register = if assessment { "impact_assessment" } else { "ai_system" };
        let mut more = facts.clone();
        more.items.push(item(register, about));
        for (before, after) in evaluate_all(Rules::built_in(), &facts, NOW).iter().zip(evaluate_all(Rules::built_in(), &more, NOW)) {
            prop_assert!(after.part(Part::Design) >= before.part(Part::Design), "{} by an approval", after.reference);
            prop_assert!(rank(after.overall) >= rank(before.overall), "{} by an approval", after.reference);
        }
    }

    #[test]
    fn caps_hold_and_a_log_with_a_hole_covers_nothing(facts in any_facts(), hole in any::<bool>()) {
        let mut facts = facts;
        if hole {
            facts.ledger.missing = Some(1);
        }
        for status in evaluate_all(Rules::built_in(), &facts, NOW) {
            let rule = Rules::built_in().of(status.reference);
            if status.overall == Overall::Covered {
                prop_assert!(rule.cap == Cap::A || status.part(Part::Sample) == Mark::Holds, "{} without its human", status.reference);
                prop_assert!(rule.cap != Cap::H && rule.lacks.is_empty(), "{} without a source", status.reference);
                prop_assert!(status.parts.iter().all(|(_, mark)| *mark >= Mark::Holds));
            }
            prop_assert!(!hole || status.overall == Overall::Gap, "{} although records are missing", status.reference);
            prop_assert!(status.systems.iter().all(|system| system.overall >= status.overall || status.overall == Overall::NotApplicable || status.qualifiers.contains(&Qualifier::AttestedOnly)), "{}: one system is worse than the whole", status.reference);
            let again = evaluate(Rules::built_in(), status.reference, &facts, NOW);
            prop_assert_eq!(&again, &status, "the same facts gave another answer");
        }
    }
}
