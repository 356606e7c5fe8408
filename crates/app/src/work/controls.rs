//! How every clause and control stands, and why.
//!
//! Promises: computed when asked, from the views as they are then, by rules whose digest stands beside the answer. Must never: keep a status, or let
//! anybody type one in.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::catalogue::{self, Confidence, Kind, Reference, Relation};
use tabellion_model::status::facts::Facts;
use tabellion_model::status::rules::{Cap, Lack, Rule, Rules};
use tabellion_model::status::{Overall, Reason, Status, Step, SystemStatus, Target, evaluate, evaluate_all};

use super::Desk;
use super::forms::{
    DigestForm, IdForm, MarkForm, OverallForm, PartForm, QualifierForm, ReferenceForm, TargetForm, Time,
};
use crate::refusal::{Code, Refusal};

/// By what the statuses were computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// Log size up to which records were read.
    pub size: u64,
    /// The time that windows end at.
    pub at: Time,
    /// Version of the rules.
    pub rules_version: u64,
    /// SHA-256 of the rules.
    #[schemars(with = "DigestForm")]
    pub rules_digest: String,
}

/// How many stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Covered.
    pub covered: u64,
    /// Partial.
    pub partial: u64,
    /// Gap.
    pub gap: u64,
    /// Not applicable.
    pub not_applicable: u64,
}

impl Counts {
    /// Counts one more.
    pub(crate) fn add(&mut self, overall: Overall) {
        match overall {
            Overall::Covered => self.covered += 1,
            Overall::Partial => self.partial += 1,
            Overall::Gap => self.gap += 1,
            Overall::NotApplicable => self.not_applicable += 1,
        }
    }
}

/// One part of a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartMark {
    /// Which.
    #[schemars(with = "PartForm")]
    pub part: &'static str,
    /// How it stands.
    #[schemars(with = "MarkForm")]
    pub mark: &'static str,
}

/// One clause or control in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlRow {
    /// Which.
    #[schemars(with = "ReferenceForm")]
    pub reference: &'static str,
    /// Its title.
    pub title: String,
    /// The heading it stands under.
    pub heading: &'static str,
    /// Whether it is a control of Annex A; else a clause.
    pub is_control: bool,
    /// What is evidenced.
    #[schemars(with = "OverallForm")]
    pub status: &'static str,
    /// What to know beside it.
    #[schemars(with = "Vec<QualifierForm>")]
    pub qualifiers: Vec<&'static str>,
    /// How each part stands.
    pub parts: Vec<PartMark>,
    /// The weightiest reason.
    pub because: String,
    /// The newest entry that a reason names; null: none names any.
    pub newest: Option<u64>,
}

/// A heading, which is as good as the worst below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadingRow {
    /// Which.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// The heading above.
    pub heading: Option<&'static str>,
    /// The worst below.
    #[schemars(with = "OverallForm")]
    pub status: &'static str,
}

/// Every clause and control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// By what.
    pub basis: Basis,
    /// How many stand how.
    pub counts: Counts,
    /// Headings, in the standard's order.
    pub headings: Vec<HeadingRow>,
    /// Clauses and controls, in the standard's order.
    pub controls: Vec<ControlRow>,
}

/// Why a part stands as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Which part.
    #[schemars(with = "PartForm")]
    pub part: &'static str,
    /// How it stands by this.
    #[schemars(with = "MarkForm")]
    pub mark: &'static str,
    /// In words.
    pub text: String,
    /// Where the records are.
    #[schemars(with = "Option<TargetForm>")]
    pub target: Option<Target>,
    /// Entries that say so: `/api/v1/entries/{index}`.
    pub entries: Vec<u64>,
}

/// Something that would raise the status, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WouldChange {
    /// What to do.
    pub text: String,
    /// Where.
    #[schemars(with = "TargetForm")]
    pub target: Target,
}

/// Something that this version takes no evidence of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSource {
    /// What.
    pub what: String,
    /// Whether the status stays a gap without it; otherwise it stays partial.
    pub essential: bool,
}

/// How one system stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfSystem {
    /// Which.
    #[schemars(with = "IdForm")]
    pub system: String,
    /// Its name; null: not known any more.
    pub name: Option<String>,
    /// By what is about it alone.
    #[schemars(with = "OverallForm")]
    pub status: &'static str,
}

/// A place in another framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossingRow {
    /// The framework.
    pub framework: &'static str,
    /// The place there.
    pub place: String,
    /// `intersects` or `superset`.
    pub relation: &'static str,
    /// `low`, `medium` or `high`.
    pub confidence: &'static str,
    /// What that rests on.
    pub basis: String,
}

/// The rule that a status follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleShown {
    /// How far back events count, in days.
    pub window_days: u64,
    /// A: machine evidence can be enough; B: it takes a dated human review; H: the human record is what counts.
    pub cap: &'static str,
    /// What has no evidence source yet.
    pub lacks: Vec<String>,
    /// What no machine can say.
    pub not_automated: String,
}

/// A mistake that is common in the market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OftenMistaken {
    /// What it is often taken for.
    pub taken_for: String,
    /// Where that really stands.
    pub really: String,
}

/// One clause or control with everything about its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// By what.
    pub basis: Basis,
    /// As in the list.
    pub control: ControlRow,
    /// Whether the standard asks for a document.
    pub documented: bool,
    /// What evidence an auditor looks for, in our words.
    pub hint: String,
    /// What it is often mistaken for.
    pub often_mistaken: Option<OftenMistaken>,
    /// The rule.
    pub rule: RuleShown,
    /// How many things were counted.
    pub population: u64,
    /// Why, by part, the worst first.
    pub because: Vec<Because>,
    /// What would change it.
    pub would_change: Vec<WouldChange>,
    /// How many further steps there are.
    pub would_change_left_out: u64,
    /// What this version takes no evidence of: a file about it is worth keeping for the auditor, and changes nothing here.
    pub no_source: Vec<NoSource>,
    /// Each system in scope, where the rule looks at systems.
    pub systems: Vec<OfSystem>,
    /// How it relates to other frameworks; never the same as fulfilling them.
    pub crosswalk: Vec<CrossingRow>,
}

impl Desk {
    /// What the rules look at, now.
    pub fn facts(&self) -> Result<Facts, Refusal> {
        Ok(self.views.facts(&self.tools.registers, self.now())?)
    }

    /// Every clause and control.
    pub fn controls(&self) -> Result<Controls, Refusal> {
        let (rules, facts) = (Rules::built_in(), self.facts()?);
        let statuses = evaluate_all(rules, &facts, self.now());
        let mut counts = Counts::default();
        for status in &statuses {
            counts.add(status.overall);
        }
        Ok(Controls {
            basis: self.basis(rules, &facts),
            counts,
            headings: headings(&statuses),
            controls: statuses.iter().map(row).collect(),
        })
    }

    /// One clause or control.
    pub fn control(&self, reference: &str) -> Result<Control, Refusal> {
        let reference = reference_of(reference)?;
        let (rules, facts) = (Rules::built_in(), self.facts()?);
        let status = evaluate(rules, reference, &facts, self.now());
        let item = reference.item();
        let mistaken = item.mislabelled.as_ref().map(|known| OftenMistaken {
            taken_for: known.taken_for.to_string(),
            really: known.really.to_string(),
        });
        Ok(Control {
            basis: self.basis(rules, &facts),
            control: row(&status),
            documented: item.documented,
            hint: item.hint.to_string(),
            often_mistaken: mistaken,
            rule: shown(rules.of(reference)),
            population: status.population,
            because: status.because.into_iter().map(because).collect(),
            would_change: status.would_change.into_iter().map(step).collect(),
            would_change_left_out: status.would_change_left_out,
            no_source: status.no_source.into_iter().map(no_source).collect(),
            systems: status.systems.into_iter().map(system).collect(),
            crosswalk: crosswalk(reference),
        })
    }

    fn basis(&self, rules: &Rules, facts: &Facts) -> Basis {
        Basis {
            size: facts.size,
            at: Time(self.now()),
            rules_version: rules.version,
            rules_digest: rules.digest.to_hex(),
        }
    }
}

/// A reference that a caller named.
pub(super) fn reference_of(text: &str) -> Result<Reference, Refusal> {
    Reference::parse(text).map_err(|error| Refusal::new(Code::NotFound, error.to_string()))
}

fn row(status: &Status) -> ControlRow {
    let item = status.reference.item();
    // Reasons are sorted by part; across parts the worst says the most.
    let weightiest = status.because.iter().min_by_key(|reason| reason.mark);
    ControlRow {
        reference: item.id,
        title: item.title.to_string(),
        heading: item.parent,
        is_control: item.kind == Kind::Control,
        status: status.overall.as_str(),
        qualifiers: status.qualifiers.iter().map(|qualifier| qualifier.as_str()).collect(),
        parts: status
            .parts
            .iter()
            .map(|(part, mark)| PartMark { part: part.as_str(), mark: mark.as_str() })
            .collect(),
        because: weightiest.map(|reason| reason.text.clone()).unwrap_or_default(),
        newest: status.because.iter().flat_map(|reason| reason.entries.iter().copied()).max(),
    }
}

fn headings(statuses: &[Status]) -> Vec<HeadingRow> {
    let below = |id: &str, status: &&Status| {
        status.reference.as_str().strip_prefix(id).is_some_and(|rest| rest.starts_with('.'))
    };
    let rows = catalogue::headings().iter().map(|heading| HeadingRow {
        id: heading.id,
        title: heading.title.to_string(),
        heading: heading.parent,
        status: statuses
            .iter()
            .filter(|status| below(heading.id, status))
            .map(|status| status.overall)
            .min()
            .unwrap_or(Overall::Gap)
            .as_str(),
    });
    rows.collect()
}

fn because(reason: Reason) -> Because {
    Because {
        part: reason.part.as_str(),
        mark: reason.mark.as_str(),
        text: reason.text,
        target: reason.target,
        entries: reason.entries,
    }
}

fn step(step: Step) -> WouldChange {
    WouldChange { text: step.text, target: step.target }
}

fn no_source(lack: Lack) -> NoSource {
    NoSource { what: lack.what, essential: lack.essential }
}

fn system(status: SystemStatus) -> OfSystem {
    OfSystem { system: status.system.to_hex(), name: status.name, status: status.overall.as_str() }
}

fn shown(rule: &Rule) -> RuleShown {
    RuleShown {
        window_days: rule.window.days(),
        cap: match rule.cap {
            Cap::A => "A",
            Cap::B => "B",
            Cap::H => "H",
        },
        lacks: rule.lacks.iter().map(|lack| lack.what.clone()).collect(),
        not_automated: rule.not_automated.clone(),
    }
}

fn crosswalk(reference: Reference) -> Vec<CrossingRow> {
    let rows = catalogue::crossings(reference).map(|crossing| CrossingRow {
        framework: crossing.framework,
        place: crossing.place.to_string(),
        relation: match crossing.relation {
            Relation::Intersects => "intersects",
            Relation::Superset => "superset",
        },
        confidence: match crossing.confidence {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        },
        basis: crossing.basis.to_string(),
    });
    rows.collect()
}
