//! How the states of registers, clauses and controls read and look.
//!
//! Must never: give what is not known or not exercised the look of what holds.

use tabellion_model::status::Target;
use tabellion_model::status::facts::Decision;

use super::cell::{Cell, Piece};
use super::link::Link;
use super::words::Tone;
use crate::permission::Permission;
use crate::work::registers::Standing;

/// Where an item of a register stands.
pub(crate) fn standing(standing: Standing) -> (&'static str, Tone) {
    match standing {
        Standing::Draft => ("Draft", Tone::Quiet),
        Standing::InReview => ("Waits for a decision", Tone::Fair),
        Standing::Returned => ("Given back", Tone::Bad),
        Standing::Approved => ("Approved", Tone::Good),
        Standing::Changing => ("Approved, new draft", Tone::Fair),
        Standing::RefreshNeeded => ("Needs a new look", Tone::Fair),
        Standing::Overdue => ("Review overdue", Tone::Bad),
        Standing::Open => ("Open", Tone::Fair),
        Standing::PastDue => ("Overdue", Tone::Bad),
        Standing::ToClose => ("Waits for a second person", Tone::Fair),
        Standing::Ended => ("Ended", Tone::Quiet),
        Standing::Unknown => ("No longer readable", Tone::Bad),
    }
}

/// What is evidenced of a clause or control.
pub(crate) fn overall(word: &str) -> (&'static str, Tone) {
    match word {
        "covered" => ("Covered", Tone::Good),
        "partial" => ("Partial", Tone::Fair),
        "not_applicable" => ("Not applicable", Tone::Quiet),
        _ => ("Gap", Tone::Bad),
    }
}

/// How a part of a status stands.
pub(crate) fn mark(word: &str) -> (&'static str, Tone) {
    match word {
        "holds" => ("Holds", Tone::Good),
        "short" => ("Falls short", Tone::Fair),
        "not_asked" => ("Not asked for", Tone::Quiet),
        _ => ("Missing", Tone::Bad),
    }
}

/// A part of a status: its name, and what it asks.
pub(crate) fn part(word: &str) -> (&'static str, &'static str) {
    match word {
        "design" => ("Design", "Records that have to be there, approved by a second person and in date"),
        "population" => ("Population", "What is counted, and against what"),
        "operation" => ("Operation", "Tests over everything in the window"),
        "sample" => ("Sample", "The dated human act"),
        "integrity" => ("Integrity", "The log itself"),
        _ => ("Findings", "Open findings"),
    }
}

/// A qualifier: its words, and what it means.
pub(crate) fn qualifier(word: &str) -> (&'static str, &'static str) {
    match word {
        "not_exercised" => ("not exercised", "Nothing happened that could be tested"),
        "inherited" => ("inherited", "Another party carries it out, by the Statement of Applicability"),
        "attested_only" => ("attested only", "It rests on somebody's word"),
        "sample_due" => ("sample due", "A human review of a sample is due"),
        "not_reconciled" => ("not reconciled", "What was counted was compared with no independent count"),
        "integrity_failed" => ("integrity failed", "The log is not proved, or has a hole"),
        "exclusion_stale" => {
            ("exclusion stale", "It was excluded, and something known here contradicts that")
        }
        "no_source" => ("no evidence source", "There is no evidence source for it yet"),
        _ => ("overdue", "A record is overdue, or something asks for it to be looked at again"),
    }
}

/// Qualifiers as tags; what is unknown is hatched.
pub(crate) fn qualifiers(words: &[&'static str]) -> Cell {
    let tag = |word: &&'static str| {
        let (text, title) = qualifier(word);
        let class = match *word {
            "not_exercised" | "no_source" | "not_reconciled" | "attested_only" => "hatched",
            "overdue" | "integrity_failed" | "exclusion_stale" => "bad",
            _ => "",
        };
        Piece { class, text: text.to_owned(), title: title.to_owned() }
    };
    Cell::tags(words.iter().map(tag).collect())
}

/// Whether an applicable control applies, and who carries it out.
pub(crate) fn applicability(decision: Option<Decision>) -> Cell {
    match decision {
        Some(Decision::Applied) => Cell::state(("Applied", Tone::Good)),
        Some(Decision::Inherited) => Cell::state(("Inherited", Tone::Fair)),
        Some(Decision::Excluded) => Cell::state(("Excluded", Tone::Quiet)),
        None => Cell::unknown("not decided"),
    }
}

/// The page of a target, its name, and what one needs to open it.
pub(crate) fn target(target: &Target) -> (String, &'static str, Permission) {
    let at = |path: &str| Link::to(path).href();
    match target {
        Target::Calls => (at("/calls"), "Open the calls", Permission::ReadCalls),
        Target::Systems => (at("/systems"), "Open the systems", Permission::ReadSystems),
        Target::System { system } => {
            (at(&format!("/systems/{system}")), "Open the system", Permission::ReadSystems)
        }
        Target::Register { register, system } => (
            Link::to(&format!("/registers/{register}"))
                .with_some("system", system.map(|system| system.to_hex()).as_deref())
                .href(),
            "Open the register",
            Permission::ReadRegisters,
        ),
        Target::People => (at("/people"), "Open people and roles", Permission::ReadPeople),
        Target::Policies => (at("/policies"), "Open the policies", Permission::ReadPolicies),
        Target::Control { reference } => (
            at(&format!("/soa/{}", reference.as_str())),
            "Statement of Applicability",
            Permission::ReadControls,
        ),
        Target::Applicability => (at("/soa"), "Open the statement", Permission::ReadControls),
        Target::Ledger => (at("/ledger"), "Open the ledger", Permission::ReadEntries),
    }
}
