//! The rules against facts that somebody made up: what each must be, and what no facts may ever do.
//!
//! Requirement: V45, W15

mod properties;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::facts::{
    Applicability, ApplicabilityRow, Approval, Calls, Decision, Facts, ItemFacts, LedgerFacts, ModelSeen,
    PolicyFacts, SystemFacts,
};
use super::rules::{Cap, DAY_US, Need, Review, Rules, RulesError};
use super::{Mark, Overall, Part, Qualifier, Status, Target, evaluate, evaluate_all};
use crate::body::{Role, SystemStage};
use crate::catalogue::Reference;
use crate::register::Registers;
use crate::{CredentialId, Micros, SystemId};

const NOW: Micros = Micros(20_000 * DAY_US);
const AUTHOR: CredentialId = CredentialId::from_bytes([1; 16]);
const APPROVER: CredentialId = CredentialId::from_bytes([2; 16]);

fn days_ago(days: u64) -> Micros {
    Micros(NOW.0 - days * DAY_US)
}

fn system(byte: u8) -> SystemId {
    SystemId::from_bytes([byte; 16])
}

fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}

fn texts<const N: usize>(items: [&str; N]) -> BTreeSet<String> {
    items.map(str::to_owned).into()
}

/// An approval of 40 days ago that covers what rules ask for.
fn approval() -> Approval {
    Approval {
        entry: 7,
        at: days_ago(40),
        first_at: days_ago(40),
        by: APPROVER,
        authors: set([AUTHOR]),
        review_at: Some(Micros(NOW.0 + 100 * DAY_US)),
        models: texts(["small"]),
        missing: BTreeSet::new(),
        adverse: false,
    }
}

fn item(register: &str, about: u8) -> Arc<ItemFacts> {
    Arc::new(bare_item(register, about))
}

fn bare_item(register: &str, about: u8) -> ItemFacts {
    ItemFacts {
        register: register.to_owned(),
        item: format!("{register}-{about}"),
        system: Some(system(about)),
        state: Some("production".to_owned()),
        first_in: BTreeMap::from([("production".to_owned(), days_ago(39))]),
        approved: Some(approval()),
        unreadable: false,
        refresh_since: None,
    }
}

fn in_use(about: u8) -> SystemFacts {
    let calls = Calls { permitted: 1000, denied: 10, completed: 1000, broken: 0 };
    let model =
        ModelSeen { model: Some("small".to_owned()), first: [Some(days_ago(20)); 4], last: days_ago(1) };
    SystemFacts {
        system: system(about),
        name: Some(format!("System {about}")),
        stage: Some(SystemStage::Live),
        owner_known: true,
        calls: [calls; 4],
        models: vec![model],
    }
}

fn row(decision: Decision) -> ApplicabilityRow {
    ApplicabilityRow {
        entry: 9,
        at: days_ago(9),
        decision: Some(decision),
        reasoned: true,
        evidenced: false,
        approved: true,
    }
}

/// One system in use, with everything that this version can hold.
fn good() -> Facts {
    Facts {
        size: 5000,
        systems: vec![in_use(1)],
        systems_counted: Some(1),
        items: vec![item("ai_system", 1), item("impact_assessment", 1)],
        holders: Role::ALL.into_iter().map(|role| (role, 1)).collect(),
        policies: PolicyFacts { in_force: 1, changes: [1; 4], explained: [1; 4] },
        ledger: LedgerFacts {
            records: 4000,
            missing: Some(0),
            proved: Some(5000),
            contradicted: false,
            calls_without_end: Some(0),
        },
        applicability: Applicability {
            rows: Reference::controls().map(|control| (control, row(Decision::Applied))).collect(),
            approved: Some((days_ago(5), 11)),
        },
    }
}

fn of(reference: &str, facts: &Facts) -> Status {
    evaluate(Rules::built_in(), Reference::parse(reference).expect("a reference"), facts, NOW)
}

fn overall(reference: &str, facts: &Facts) -> Overall {
    of(reference, facts).overall
}

#[test]
fn the_rules_hold_every_reference_with_the_caps_that_keep_them_honest() {
    let rules = Rules::built_in();
    let count = |control: bool, cap: Cap| {
        rules.iter().filter(|rule| rule.reference.is_control() == control && rule.cap == cap).count()
    };
    let caps = [Cap::A, Cap::B, Cap::H];
    assert_eq!(
        caps.map(|cap| count(true, cap)),
        [16, 20, 2],
        "a control could turn green without its human review"
    );
    assert_eq!(
        caps.map(|cap| count(false, cap)),
        [6, 20, 6],
        "a clause could turn green without its human review"
    );
    let registers = Registers::built_in().expect("the registers are sound");
    for rule in rules.iter() {
        for need in &rule.needs {
            let Need::ItemOfEachSystem { register, fields, states } = need else { continue };
            let register =
                registers.get(register).expect("a rule would wait for a register that is not there");
            for state in states {
                assert!(
                    register.state(state).is_some_and(|found| !found.ended),
                    "{}: no item could stand in {state}",
                    rule.reference
                );
            }
            for field in fields {
                let found = register.field(field).is_some_and(|field| field.required);
                assert!(
                    found,
                    "{}: {field} is no required field, so it could never be missing",
                    rule.reference
                );
            }
        }
        assert!(rule.cap == Cap::A || rule.review != Review::Nothing, "{} needs a human", rule.reference);
        assert!(!rule.has_no_source() || overall(rule.reference.as_str(), &good()) == Overall::Gap);
    }
}

#[test]
fn a_file_of_rules_is_read_whole_or_not_at_all() {
    let text = Rules::built_in_text();
    let changed = |from: &str, to: &str| Rules::parse(&text.replacen(from, to, 1));
    assert!(
        matches!(changed("window = \"Y\"", "windows = \"Y\""), Err(RulesError::Form(_))),
        "a misspelt rule would be passed over"
    );
    assert!(
        matches!(changed("ref = \"4.1\"", "ref = \"4.5\""), Err(RulesError::Form(_))),
        "a rule of nothing"
    );
    assert!(
        matches!(changed("ref = \"4.1\"", "ref = \"4.2\""), Err(RulesError::Order { .. })),
        "a reference would have no rule"
    );
    assert!(
        matches!(changed("review = \"record\"", "review = \"nothing\""), Err(RulesError::Review(_))),
        "H without a human record"
    );
    assert!(matches!(changed("tabellion.rules/1", "tabellion.rules/2"), Err(RulesError::Format(_))));
    assert!(
        matches!(changed("essential = true", "essential = false"), Err(RulesError::Empty(_))),
        "green from nothing"
    );
    let other = changed("grace_days = 30", "grace_days = 31").expect("sound");
    assert_ne!(other.digest, Rules::built_in().digest, "two rule sets would pass for one");
}

#[test]
fn what_this_version_can_evidence_is_covered_and_the_rest_says_what_is_missing() {
    let statuses = evaluate_all(Rules::built_in(), &good(), NOW);
    let those = |wanted: Overall| -> Vec<&str> {
        statuses
            .iter()
            .filter(|status| status.overall == wanted)
            .map(|status| status.reference.as_str())
            .collect()
    };
    assert_eq!(those(Overall::Covered), ["8.4", "A.5.3", "A.5.4", "A.5.5"]);
    assert_eq!(
        those(Overall::Partial),
        ["5.3", "6.1.4", "6.3", "7.5.3", "8.1", "A.3.2", "A.4.2", "A.4.4", "A.6.2.8", "A.9.2", "A.9.4"]
    );
    for status in &statuses {
        assert!(!status.because.is_empty(), "{} would be a colour without a reason", status.reference);
        if status.overall != Overall::Covered {
            // Requirement: V46
            assert!(
                !status.would_change.is_empty() || !status.no_source.is_empty(),
                "nobody would know what to do about {}, or that nothing can be done",
                status.reference
            );
        }
        if status.overall == Overall::Gap {
            assert!(
                status.qualifiers.contains(&Qualifier::NoSource),
                "{}: {:?}",
                status.reference,
                status.because
            );
        }
    }
}

#[test]
fn an_empty_organisation_has_gaps_and_nothing_else_that_would_please() {
    let facts = Facts { systems_counted: Some(0), ..Facts::default() };
    for status in evaluate_all(Rules::built_in(), &facts, NOW) {
        assert!(
            status.overall <= Overall::Partial,
            "{} is {:?} from nothing",
            status.reference,
            status.overall
        );
        let design = status.part(Part::Design);
        assert!(design != Mark::Holds, "{} holds from nothing", status.reference);
    }
    assert_eq!(overall("8.4", &facts), Overall::Gap);
    assert_eq!(overall("A.9.2", &facts), Overall::Gap);
}

/// Requirement: V46
#[test]
fn an_approval_moves_the_assessment_controls_and_the_step_before_said_so() {
    let mut facts = good();
    facts.items.retain(|item| item.register != "impact_assessment");
    for reference in ["6.1.4", "8.4", "A.5.2", "A.5.3", "A.5.4", "A.5.5"] {
        let before = of(reference, &facts);
        assert_eq!(before.overall, Overall::Gap, "{reference} was green without an assessment");
        let wanted = Target::Register { register: "impact_assessment".to_owned(), system: Some(system(1)) };
        assert!(
            before.would_change.iter().any(|step| step.target == wanted),
            "{reference}: {:?}",
            before.would_change
        );
    }
    let draft = ItemFacts { approved: None, ..bare_item("impact_assessment", 1) };
    facts.items.push(Arc::new(draft));
    assert_eq!(overall("8.4", &facts), Overall::Gap, "a draft counted");
    let own = Some(Approval { by: AUTHOR, ..approval() });
    facts.items.push(Arc::new(ItemFacts { approved: own, ..bare_item("impact_assessment", 1) }));
    assert_eq!(overall("8.4", &facts), Overall::Gap, "somebody's own approval counted");
    facts.items.push(item("impact_assessment", 1));
    assert_eq!(overall("8.4", &facts), Overall::Covered);
    assert_eq!(of("A.5.2", &facts).part(Part::Operation), Mark::Holds, "the assessment is signed");
    assert_eq!(overall("A.5.2", &facts), Overall::Gap, "the procedure has no source yet");
    assert_eq!(overall("6.1.4", &facts), Overall::Partial, "its procedure is a part of it");
}

#[test]
fn what_happened_against_the_rules_lowers_the_status() {
    let change = |reference: &str, change: fn(&mut Facts)| changed(reference, change).overall;
    let other_model = |facts: &mut Facts| facts.systems[0].models[0].model = Some("large".to_owned());
    assert_eq!(change("8.4", other_model), Overall::Gap, "no model in use is assessed");
    assert_eq!(change("A.4.4", other_model), Overall::Gap, "an unlisted model passed");
    assert_eq!(
        change("A.4.4", |facts| facts.systems[0].models[0].model = None),
        Overall::Gap,
        "erasing hid a model"
    );
    assert_eq!(
        change("8.4", |facts| Arc::make_mut(&mut facts.items[1]).refresh_since = Some(days_ago(3))),
        Overall::Partial
    );
    assert_eq!(
        change("8.4", |facts| Arc::make_mut(&mut facts.items[1]).refresh_since = Some(days_ago(40))),
        Overall::Gap
    );
    let due: fn(&mut Facts) =
        |facts| Arc::make_mut(&mut facts.items[1]).approved.as_mut().unwrap().review_at = Some(days_ago(3));
    assert_eq!(change("A.5.3", due), Overall::Partial, "a stale assessment stayed green");
    let expired: fn(&mut Facts) =
        |facts| Arc::make_mut(&mut facts.items[1]).approved.as_mut().unwrap().review_at = Some(days_ago(31));
    assert_eq!(change("A.5.3", expired), Overall::Gap, "an expired assessment counted");
    assert_eq!(change("A.3.2", |facts| facts.systems[0].owner_known = false), Overall::Gap);
    assert_eq!(
        change("A.6.2.8", |facts| facts.ledger.missing = Some(1)),
        Overall::Gap,
        "a hole in the log was ignored"
    );
    assert_eq!(
        change("8.4", |facts| facts.ledger.contradicted = true),
        Overall::Gap,
        "a false tree was believed"
    );
    assert_eq!(
        change("A.9.2", |facts| facts.ledger.proved = Some(4999)),
        Overall::Partial,
        "an unproved log was believed"
    );
    assert_eq!(
        change("5.3", |facts| {
            facts.holders.remove(&Role::Approver);
        }),
        Overall::Partial
    );
    let unheard: fn(&mut Facts) = |facts| facts.systems_counted = Some(2);
    assert_eq!(change("8.4", unheard), Overall::Gap, "a system that only headers know was left out");
}

/// How `reference` stands once `change` was made to what is good.
fn changed(reference: &str, change: fn(&mut Facts)) -> Status {
    let mut facts = good();
    change(&mut facts);
    of(reference, &facts)
}

#[test]
fn use_counts_as_allowed_from_the_approval_and_the_step_to_production_on() {
    let early: fn(&mut Facts) =
        |facts| Arc::make_mut(&mut facts.items[0]).approved.as_mut().unwrap().first_at = days_ago(10);
    assert_eq!(changed("A.9.2", |_| ()).part(Part::Operation), Mark::Holds);
    assert_eq!(
        changed("A.9.2", early).part(Part::Operation),
        Mark::Short,
        "calls before the approval passed"
    );
    let late: fn(&mut Facts) =
        |facts| Arc::make_mut(&mut facts.items[0]).approved.as_mut().unwrap().first_at = NOW;
    assert_eq!(
        changed("A.9.2", late).part(Part::Operation),
        Mark::Missing,
        "an approval after the last call covers none of them"
    );
    let entered: fn(&mut Facts) = |facts| {
        Arc::make_mut(&mut facts.items[0]).first_in.insert("production".to_owned(), days_ago(10));
    };
    assert_eq!(
        changed("A.9.2", entered).part(Part::Operation),
        Mark::Short,
        "calls before the step to production passed"
    );
    for state in [Some("proposed"), Some("suspended"), None] {
        let mut facts = good();
        Arc::make_mut(&mut facts.items[0]).state = state.map(str::to_owned);
        assert_eq!(overall("A.9.2", &facts), Overall::Gap, "{state:?} passed for use that was approved");
    }
}

#[test]
fn an_assessment_that_says_no_is_not_hidden_by_one_that_says_yes_nor_by_an_erasure() {
    let says_no: fn(&mut Facts) =
        |facts| Arc::make_mut(&mut facts.items[1]).approved.as_mut().unwrap().adverse = true;
    let hidden: fn(&mut Facts) = |facts| {
        let no = Approval { adverse: true, ..approval() };
        facts.items.push(Arc::new(ItemFacts { approved: Some(no), ..bare_item("impact_assessment", 1) }));
    };
    let unreadable: fn(&mut Facts) = |facts| {
        let item = ItemFacts { approved: None, unreadable: true, ..bare_item("impact_assessment", 1) };
        facts.items.push(Arc::new(item));
    };
    for (change, why) in
        [(says_no, "a no"), (hidden, "a no beside a yes"), (unreadable, "what may have been a no")]
    {
        for reference in ["8.4", "A.9.2"] {
            assert_eq!(
                changed(reference, change).part(Part::Operation),
                Mark::Short,
                "{reference}: {why} passed"
            );
        }
        assert_eq!(changed("8.4", change).overall, Overall::Partial, "8.4 was covered by {why}");
    }
}

#[test]
fn a_status_is_as_good_as_its_worst_system() {
    let second: fn(&mut Facts) = |facts| {
        facts.systems.push(in_use(2));
        facts.systems_counted = Some(2);
    };
    assert_eq!(
        changed("A.5.4", second).overall,
        Overall::Gap,
        "a good system made up for one without an assessment"
    );
    let other: fn(&mut Facts) = |facts| {
        let mut other = in_use(2);
        other.models[0].model = Some("large".to_owned());
        facts.systems.push(other);
        facts.systems_counted = Some(2);
        facts.items.extend([item("ai_system", 2), item("impact_assessment", 2)]);
    };
    assert_eq!(
        changed("8.4", other).part(Part::Operation),
        Mark::Missing,
        "a good system made up for one whose model nobody assessed"
    );
    assert_eq!(changed("8.4", other).overall, Overall::Gap, "a mean of systems passed for a status");
}

/// Requirement: A09, D06
#[test]
fn the_statement_of_applicability_excludes_and_inherits_only_when_it_was_approved_and_holds() {
    let with = |reference: &str, row: ApplicabilityRow| {
        let mut facts = good();
        facts.applicability.rows.insert(Reference::parse(reference).expect("a control"), row);
        of(reference, &facts)
    };
    let excluded = row(Decision::Excluded);
    assert_eq!(with("A.7.3", excluded.clone()).overall, Overall::NotApplicable);
    assert_eq!(
        with("A.7.3", ApplicabilityRow { approved: false, ..excluded.clone() }).overall,
        Overall::Gap,
        "a proposal excluded"
    );
    assert_eq!(
        with("A.7.3", ApplicabilityRow { reasoned: false, ..excluded.clone() }).overall,
        Overall::Gap,
        "no reason, yet excluded"
    );
    let stale = with("A.6.2.8", excluded);
    assert_eq!(stale.overall, Overall::Partial, "event logs were excluded while systems are in use");
    assert!(stale.qualifiers.contains(&Qualifier::ExclusionStale));
    let inherited = ApplicabilityRow { evidenced: true, ..row(Decision::Inherited) };
    let status = with("A.7.3", inherited.clone());
    assert_eq!(status.overall, Overall::Partial, "somebody's word made more than partial");
    assert!(status.qualifiers.contains(&Qualifier::AttestedOnly));
    assert_eq!(
        with("A.7.3", ApplicabilityRow { evidenced: false, ..inherited }).overall,
        Overall::Gap,
        "inherited without evidence"
    );
}
