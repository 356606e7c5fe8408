//! ISO/IEC 42001:2023 as data: ids, titles, which documents are asked for, how each relates to laws and other frameworks, and what each is often
//! mistaken for.
//!
//! Promises: exactly the 32 leaf clauses and 38 controls, in the standard's order; every other table names only these. Must never: hold the
//! standard's text. Hints and notes are our own words.

pub(crate) mod csv;
mod reference;
mod retention;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use csv::CsvFault;
pub use reference::{Reference, ReferenceError};
pub use retention::{CountedFrom, Floor, RetentionFloor, retention_floor, retention_floors};

const ITEMS_CSV: &str = include_str!("../catalog/iso42001.csv");
const CROSSWALK_CSV: &str = include_str!("../catalog/crosswalk.csv");
const MISLABELLED_CSV: &str = include_str!("../catalog/mislabelled.csv");
const EU_AI_ACT_CSV: &str = include_str!("../catalog/eu_ai_act.csv");
const NIST_AI_RMF_CSV: &str = include_str!("../catalog/nist_ai_rmf.csv");

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A clause without clauses of its own below it.
    Clause,
    /// A control of Annex A.
    Control,
}

/// A leaf clause or control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: &'static str,
    /// Which of the two.
    pub kind: Kind,
    /// Its title.
    pub title: Cow<'static, str>,
    /// The heading it stands under.
    pub parent: &'static str,
    /// Whether documented information is asked for.
    pub documented: bool,
    /// What evidence an auditor looks for, in our words.
    pub hint: Cow<'static, str>,
    /// What it is often taken for, and what that really is.
    pub mislabelled: Option<Mislabelled>,
}

/// A mistake that is common in the market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mislabelled {
    /// What it is often taken for.
    pub taken_for: Cow<'static, str>,
    /// Where that really stands, and what this is.
    pub really: Cow<'static, str>,
}

/// A heading: it has no status of its own but the worst below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its id.
    pub id: &'static str,
    /// Its title.
    pub title: Cow<'static, str>,
    /// The heading above, if any.
    pub parent: Option<&'static str>,
}

/// How two requirements relate, in the words of OSCAL's mapping model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// They share something; neither holds the other.
    Intersects,
    /// Ours holds all of the other.
    Superset,
}

/// How sure the mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// An analyst's guess.
    Low,
    /// An analyst's judgement.
    Medium,
    /// Published, or plain from both numberings.
    High,
}

/// One line of the crosswalk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Ours.
    pub reference: Reference,
    /// The other framework: `EU_AI_ACT`, `GDPR`, `ISO27001_2022`, `NIST_AI_600_1`, `NIST_AI_RMF_1.0`.
    pub framework: &'static str,
    /// The place there.
    pub place: Cow<'static, str>,
    /// How they relate.
    pub relation: Relation,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it rests on.
    pub basis: Cow<'static, str>,
}

struct Catalogue {
    items: Vec<Item>,
    headings: Vec<Heading>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| sound("iso42001.csv", read_items()));
static CROSSWALK: LazyLock<Vec<Crossing>> = LazyLock::new(|| sound("crosswalk.csv", read_crosswalk()));

/// The headings, in the standard's order: 11 of clauses, then 11 of objectives.
pub fn headings() -> &'static [Heading] {
    &CATALOGUE.headings
}

/// How one clause or control relates to other frameworks.
pub fn crossings(reference: Reference) -> impl Iterator<Item = &'static Crossing> {
    CROSSWALK.iter().filter(move |crossing| crossing.reference == reference)
}

/// Every line of the crosswalk.
pub fn crosswalk() -> &'static [Crossing] {
    &CROSSWALK
}

/// A table that was compiled in.
#[expect(
    clippy::panic,
    reason = "INVARIANT: the bytes are part of the program, and a test reads every table"
)]
fn sound<T>(table: &str, read: Result<T, CsvFault>) -> T {
    match read {
        Ok(table) => table,
        Err(fault) => panic!("the table {table} that was compiled in cannot be read: {fault}"),
    }
}

/// Text that lives as long as the program, when it needed no unquoting.
#[expect(clippy::needless_pass_by_value, reason = "a borrowed field is taken out of it")]
fn id(line: usize, text: Cow<'static, str>) -> Result<&'static str, CsvFault> {
    match text {
        Cow::Borrowed(text) => Ok(text),
        Cow::Owned(_) => Err(CsvFault { line, what: "an id holds a quote" }),
    }
}

/// Rows with their line numbers.
fn numbered<T>(rows: Vec<T>) -> impl Iterator<Item = (usize, T)> {
    rows.into_iter().enumerate().map(|(row, fields)| (row + 2, fields))
}

fn read_items() -> Result<Catalogue, CsvFault> {
    let mut mislabelled = BTreeMap::new();
    for (line, [reference, taken_for, really]) in
        numbered(csv::rows(MISLABELLED_CSV, ["ref", "often_taken_for", "really"])?)
    {
        mislabelled.insert(id(line, reference)?, Mislabelled { taken_for, really });
    }
    let header = ["ref", "kind", "title", "parent", "documented_information", "evidence_hint"];
    let rows = csv::rows(ITEMS_CSV, header)?;
    let parents: Vec<Cow<'static, str>> = rows.iter().map(|[_, _, _, parent, _, _]| parent.clone()).collect();
    let (mut items, mut headings) = (Vec::new(), Vec::new());
    for (line, [reference, kind, title, parent, documented, hint]) in numbered(rows) {
        let fault = |what| CsvFault { line, what };
        let (is_heading, parent) = (parents.contains(&reference), id(line, parent)?);
        let id = id(line, reference)?;
        let documented = match documented.as_ref() {
            "yes" => true,
            "no" => false,
            _ => return Err(fault("documented_information is neither yes nor no")),
        };
        let kind = match (kind.as_ref(), is_heading) {
            ("clause" | "objective", true) => {
                headings.push(Heading { id, title, parent: (!parent.is_empty()).then_some(parent) });
                continue;
            }
            ("clause", false) => Kind::Clause,
            ("control", false) => Kind::Control,
            _ => return Err(fault("a control has something below it, or an objective nothing")),
        };
        let mislabelled = mislabelled.remove(id);
        items.push(Item { id, kind, title, parent, documented, hint, mislabelled });
    }
    if mislabelled.is_empty() {
        return Ok(Catalogue { items, headings });
    }
    Err(CsvFault { line: 0, what: "a note on mislabelling names an id that is no leaf clause or control" })
}

fn read_crosswalk() -> Result<Vec<Crossing>, CsvFault> {
    let rows = csv::rows(CROSSWALK_CSV, ["iso42001_ref", "framework", "ref", "relation", "basis"])?;
    let read = numbered(rows).map(|(line, [reference, framework, place, relation, basis])| {
        let fault = |what| CsvFault { line, what };
        let (confidence, basis) = basis
            .strip_prefix('[')
            .and_then(|basis| basis.split_once("] "))
            .ok_or(fault("basis does not begin with how sure it is"))?;
        Ok(Crossing {
            reference: Reference::parse(&reference).map_err(|_| fault("names no leaf clause or control"))?,
            framework: id(line, framework)?,
            place,
            relation: match relation.as_ref() {
                "intersects" => Relation::Intersects,
                "superset" => Relation::Superset,
                _ => return Err(fault("relation is neither intersects nor superset")),
            },
            confidence: match confidence {
                "high" => Confidence::High,
                "medium" => Confidence::Medium,
                "low" => Confidence::Low,
                _ => return Err(fault("confidence is neither high, medium nor low")),
            },
            basis: basis.to_owned().into(),
        })
    });
    read.collect()
}

/// Requirements of the EU AI Act by id: title, to whom they apply, what evidence shows, from when. Dates are data: they have moved before.
pub fn eu_ai_act() -> Result<Vec<[Cow<'static, str>; 5]>, CsvFault> {
    csv::rows(EU_AI_ACT_CSV, ["id", "title", "applies_to", "evidence_hint", "applies_from"])
}

/// Subcategories of the NIST AI RMF 1.0: id, function, category, title.
pub fn nist_ai_rmf() -> Result<Vec<[Cow<'static, str>; 4]>, CsvFault> {
    csv::rows(NIST_AI_RMF_CSV, ["id", "function", "category", "title"])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many controls stand in each area A.2 to A.10.
    const CONTROLS: [(&str, usize); 9] = [
        ("A.2.", 3),
        ("A.3.", 2),
        ("A.4.", 5),
        ("A.5.", 4),
        ("A.6.", 9),
        ("A.7.", 5),
        ("A.8.", 4),
        ("A.9.", 3),
        ("A.10.", 3),
    ];

    #[test]
    fn the_catalogue_has_exactly_the_controls_and_leaf_clauses_of_the_standard() {
        let clauses: Vec<&str> =
            Reference::all().filter(|reference| !reference.is_control()).map(Reference::as_str).collect();
        assert_eq!(clauses.len(), 32, "a clause would have no status: {clauses:?}");
        assert_eq!(Reference::controls().count(), 38, "a Statement of Applicability would miss a control");
        for (area, count) in CONTROLS {
            let found = Reference::controls().filter(|control| control.as_str().starts_with(area)).count();
            assert_eq!(found, count, "area {area} has {count} controls");
        }
        assert_eq!(headings().len(), 22, "11 headings of clauses and 11 objectives");
        let documented = Reference::controls().filter(|control| control.item().documented).count();
        assert_eq!(documented, 27, "27 of the 38 controls ask for something documented");
        let order: Vec<Reference> = Reference::all().collect();
        assert!(order.is_sorted(), "lists would not be in the standard's order");
    }

    #[test]
    fn a_heading_or_an_id_that_does_not_exist_is_never_a_reference() {
        for wrong in [
            "A.2.1", "A.8.1", "A.9.1", "A.10.1", "A.4.1", "A.6.1.4", "8.6", "A.6.2.1", "", "a.6.2.8",
            "A.6.2.8 ", "A.11.2",
        ] {
            let error = Reference::parse(wrong).expect_err("a page would show a control that is not there");
            assert!(matches!(error, ReferenceError::Unknown { .. }), "{wrong}: {error}");
        }
        for heading in ["4", "6.1", "9.3", "A.6", "A.6.1", "A.6.2", "A.10"] {
            let error = Reference::parse(heading).expect_err("a heading has no status of its own");
            assert!(matches!(error, ReferenceError::Heading { .. }), "{heading}: {error}");
        }
        let text = Reference::parse("A.6.1").expect_err("a heading").to_string();
        assert!(text.ends_with("A.6.1.2, A.6.1.3"), "whoever mistook it could not go on: {text}");
        for reference in Reference::all() {
            assert_eq!(Reference::parse(reference.as_str()), Ok(reference));
        }
    }

    #[test]
    fn every_table_is_read_and_names_only_what_is_there() {
        assert_eq!(crosswalk().len(), 490, "a mapping was lost");
        assert!(
            Reference::all().all(|reference| crossings(reference).next().is_some()),
            "a page would show no relation to any law"
        );
        let nist: Vec<_> = nist_ai_rmf().expect("the table is sound");
        assert_eq!(nist.len(), 72, "NIST AI RMF 1.0 has 72 subcategories");
        let law: Vec<_> = eu_ai_act().expect("the table is sound");
        for crossing in crosswalk() {
            let known = match crossing.framework {
                "EU_AI_ACT" => law.iter().any(|row| row.first().is_some_and(|id| *id == crossing.place)),
                "NIST_AI_RMF_1.0" => {
                    nist.iter().any(|row| row.first().is_some_and(|id| *id == crossing.place))
                }
                _ => true,
            };
            assert!(
                known,
                "{} names {} {}, which is in no table",
                crossing.reference, crossing.framework, crossing.place
            );
        }
        let noted = Reference::all().filter(|reference| reference.item().mislabelled.is_some()).count();
        assert_eq!(noted, 30, "a note on a common mistake was lost");
    }
}
