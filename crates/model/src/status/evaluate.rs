//! One rule against the facts.
//!
//! Promises: a status is the worst of its parts, so that no part can make up for another; a reason stands beside every mark. Must never: let the
//! absence of a fact lift a mark.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ApplicabilityRow, Decision, Facts, ItemFacts, SystemFacts};
use super::rules::{Against, Population, Review, Rule, Rules, StaleWhen};
use super::{
    MAX_NAMED, MAX_STEPS, Mark, Overall, Part, Qualifier, Reason, Status, Step, SystemStatus, Target, design,
    operation, population,
};
use crate::catalogue::Reference;
use crate::{Micros, SystemId};

/// The status of every reference, in the standard's order.
pub fn evaluate_all(rules: &Rules, facts: &Facts, now: Micros) -> Vec<Status> {
    let items = by_system(facts);
    rules.iter().map(|rule| judge(rules, rule, facts, &items, now)).collect()
}

/// The status of one reference.
pub fn evaluate(rules: &Rules, reference: Reference, facts: &Facts, now: Micros) -> Status {
    judge(rules, rules.of(reference), facts, &by_system(facts), now)
}

/// Items by the system they are about; those about none speak for no system.
type Items<'a> = BTreeMap<SystemId, Vec<&'a ItemFacts>>;

fn by_system(facts: &Facts) -> Items<'_> {
    let mut items = Items::new();
    for item in &facts.items {
        if let Some(system) = item.system {
            items.entry(system).or_default().push(item);
        }
    }
    items
}

fn judge<'a>(rules: &Rules, rule: &'a Rule, facts: &'a Facts, items: &'a Items<'a>, now: Micros) -> Status {
    let mut case = Case::new(rules, rule, facts, items, now);
    design::judge(&mut case);
    population::judge(&mut case);
    operation::judge(&mut case);
    case.sample();
    case.integrity();
    case.findings();
    case.close()
}

/// One evaluation under way.
pub(super) struct Case<'a> {
    pub(super) rule: &'a Rule,
    pub(super) facts: &'a Facts,
    items: &'a Items<'a>,
    pub(super) now: Micros,
    pub(super) grace_days: u64,
    /// Systems in scope of the rule's window.
    pub(super) scope: Vec<&'a SystemFacts>,
    /// Systems that headers count and nothing describes: taken for systems without any evidence.
    pub(super) unseen: u64,
    /// How the design records stand by themselves, without what has no source.
    pub(super) needs: Mark,
    /// How many things were counted.
    pub(super) population: u64,
    marks: BTreeMap<Part, Mark>,
    reasons: Vec<Reason>,
    steps: Vec<Step>,
    steps_left_out: u64,
    qualifiers: BTreeSet<Qualifier>,
    systems: BTreeMap<SystemId, Mark>,
}

impl<'a> Case<'a> {
    fn new(rules: &Rules, rule: &'a Rule, facts: &'a Facts, items: &'a Items<'a>, now: Micros) -> Self {
        let found = facts.systems.len() as u64;
        Self {
            rule,
            facts,
            items,
            now,
            grace_days: rules.grace_days,
            scope: facts.systems.iter().filter(|system| system.in_scope(rule.window)).collect(),
            // A count that nobody knows may hide one at least.
            unseen: facts.systems_counted.map_or(1, |counted| counted.saturating_sub(found)),
            needs: Mark::NotAsked,
            population: 0,
            marks: Part::ALL.into_iter().map(|part| (part, Mark::NotAsked)).collect(),
            reasons: Vec::new(),
            steps: Vec::new(),
            steps_left_out: 0,
            qualifiers: BTreeSet::new(),
            systems: BTreeMap::new(),
        }
    }

    /// Items of `register` about `system`.
    pub(super) fn items_of(&self, system: SystemId, register: &str) -> impl Iterator<Item = &'a ItemFacts> {
        let items = self.items.get(&system).map(Vec::as_slice).unwrap_or_default();
        items.iter().copied().filter(move |item| item.register == register)
    }

    /// Systems in scope, with those that nothing describes.
    pub(super) fn in_scope(&self) -> u64 {
        self.scope.len() as u64 + self.unseen
    }

    /// Adds a reason; a part is as good as its worst.
    pub(super) fn say(&mut self, part: Part, mark: Mark, text: String, target: Option<Target>) {
        self.show(Reason { part, mark, text, target, entries: Vec::new() });
    }

    /// Adds a reason with its records.
    pub(super) fn show(&mut self, mut reason: Reason) {
        reason.entries.truncate(MAX_NAMED);
        let mark = self.marks.entry(reason.part).or_insert(Mark::NotAsked);
        *mark = (*mark).min(reason.mark);
        self.reasons.push(reason);
    }

    pub(super) fn qualify(&mut self, qualifier: Qualifier) {
        self.qualifiers.insert(qualifier);
    }

    /// Adds what somebody could do.
    pub(super) fn advise(&mut self, text: String, target: Target) {
        let step = Step { text, target };
        if self.steps.contains(&step) {
            return;
        }
        if self.steps.len() < MAX_STEPS {
            self.steps.push(step);
        } else {
            self.steps_left_out += 1;
        }
    }

    /// Notes how one system stands by itself.
    pub(super) fn note_system(&mut self, system: SystemId, mark: Mark) {
        let noted = self.systems.entry(system).or_insert(Mark::Holds);
        *noted = (*noted).min(mark);
    }

    fn sample(&mut self) {
        let (mark, text) = match self.rule.review {
            Review::Nothing => (Mark::NotAsked, "machine evidence can be enough".to_owned()),
            Review::Approval if self.needs == Mark::Holds => {
                (Mark::Holds, "a second person approved what the design rests on".to_owned())
            }
            Review::Approval => (
                Mark::Short,
                "the approval by a second person is the human review, and not all of it is there".to_owned(),
            ),
            // Without a source there is nothing yet of which a sample could be due.
            Review::Sample | Review::Record if self.rule.has_no_source() => {
                (Mark::Short, "a person has to look at it, once there is something to look at".to_owned())
            }
            Review::Sample => {
                self.qualify(Qualifier::SampleDue);
                (
                    Mark::Short,
                    "a person has to look at a sample; this version has no register of samples yet"
                        .to_owned(),
                )
            }
            Review::Record => {
                self.qualify(Qualifier::SampleDue);
                (
                    Mark::Short,
                    "a human record is what counts here; this version has no register of it yet".to_owned(),
                )
            }
        };
        self.say(Part::Sample, mark, text, None);
    }

    fn integrity(&mut self) {
        let (ledger, size) = (&self.facts.ledger, self.facts.size);
        let (mark, text) = match (ledger.contradicted, ledger.missing, ledger.proved) {
            (true, _, _) => {
                (Mark::Missing, "the log's entries do not make the tree that it signed".to_owned())
            }
            (_, Some(missing @ 1..), _) => {
                (Mark::Missing, format!("{missing} numbers are missing between the log's records"))
            }
            (_, None, _) => {
                (Mark::Short, "whether numbers are missing between the log's records is not known".to_owned())
            }
            (_, _, Some(proved)) if proved >= size => (
                Mark::Holds,
                format!("all {size} entries make the tree that the log signed, and no number is missing"),
            ),
            _ => (Mark::Short, "the log's tree has not been computed again up to its end".to_owned()),
        };
        if mark != Mark::Holds {
            self.qualify(Qualifier::IntegrityFailed);
            self.advise(
                "Find out what happened to the log: tabellion fsck names the entries".to_owned(),
                Target::Ledger,
            );
        }
        self.say(Part::Integrity, mark, text, Some(Target::Ledger));
    }

    fn findings(&mut self) {
        let text =
            "this version has no register of findings; refreshes that are open count under design".to_owned();
        self.say(Part::Findings, Mark::NotAsked, text, None);
    }

    /// What the Statement of Applicability makes of the worst part.
    fn applicability(&mut self, computed: Overall) -> Overall {
        let Some(row) = self.facts.applicability.rows.get(&self.rule.reference) else { return computed };
        match row.decision {
            Some(Decision::Excluded) => self.excluded(row, computed),
            Some(Decision::Inherited) => self.inherited(row, computed),
            Some(Decision::Applied) | None => computed,
        }
    }

    fn excluded(&mut self, row: &ApplicabilityRow, computed: Overall) -> Overall {
        let reference = self.rule.reference;
        if !row.approved || !row.reasoned {
            let text = "excluding it was proposed; no second person has approved that with a reason that is still known";
            self.advise("Have the Statement of Applicability approved".to_owned(), Target::Applicability);
            self.soa(Mark::NotAsked, text, row.entry);
            return computed;
        }
        if self.rule.exclusion_stale == StaleWhen::SystemsInScope && self.in_scope() > 0 {
            self.qualify(Qualifier::ExclusionStale);
            self.advise(
                "Decide again whether it applies: systems are in scope".to_owned(),
                Target::Control { reference },
            );
            self.soa(
                Mark::NotAsked,
                "it was excluded, and systems in scope contradict that: the exclusion is stale",
                row.entry,
            );
            return computed;
        }
        self.soa(Mark::NotAsked, "the approved Statement of Applicability excludes it", row.entry);
        Overall::NotApplicable
    }

    fn inherited(&mut self, row: &ApplicabilityRow, computed: Overall) -> Overall {
        self.qualify(Qualifier::Inherited);
        if !row.approved || !row.reasoned || !row.evidenced || computed > Overall::Gap {
            return computed;
        }
        self.qualify(Qualifier::AttestedOnly);
        self.soa(Mark::Short, "another party carries it out by the approved Statement of Applicability; that is a word, not a test", row.entry);
        Overall::Partial
    }

    fn soa(&mut self, mark: Mark, text: &str, entry: u64) {
        let target = Some(Target::Control { reference: self.rule.reference });
        self.reasons.push(Reason {
            part: Part::Design,
            mark,
            text: text.to_owned(),
            target,
            entries: vec![entry],
        });
    }

    fn close(mut self) -> Status {
        let worst = self.marks.values().map(|mark| mark.allows()).min().unwrap_or(Overall::Gap);
        // What a log with a hole says of exclusions is worth no more than the rest.
        let sound = self.marks.get(&Part::Integrity) != Some(&Mark::Missing);
        let overall = if sound { self.applicability(worst) } else { Overall::Gap };
        self.reasons.sort_by_key(|reason| (reason.part, reason.mark));
        let named = |system: &SystemId| {
            self.scope.iter().find(|found| found.system == *system).and_then(|found| found.name.clone())
        };
        let is_done = matches!(overall, Overall::Covered | Overall::NotApplicable);
        Status {
            reference: self.rule.reference,
            overall,
            qualifiers: self.qualifiers,
            parts: self.marks.into_iter().collect(),
            population: self.population,
            because: self.reasons,
            would_change: if is_done { Vec::new() } else { self.steps },
            would_change_left_out: if is_done { 0 } else { self.steps_left_out },
            no_source: if is_done { Vec::new() } else { self.rule.lacks.clone() },
            systems: self
                .systems
                .iter()
                .map(|(system, mark)| SystemStatus {
                    system: *system,
                    name: named(system),
                    overall: mark.allows(),
                })
                .collect(),
        }
    }

    /// Whether the population of the rule is this one.
    pub(super) fn counts(&self, population: Population) -> bool {
        self.rule.population.of == population
    }

    /// What the population is compared with.
    pub(super) fn against(&self) -> Against {
        self.rule.population.against
    }
}
