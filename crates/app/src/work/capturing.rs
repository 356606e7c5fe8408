//! What can be done with what is kept of a system's prompts and answers, and what is lost where they are not kept.
//!
//! Must never: call something possible that nothing here does.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_ledger::UnitContent;
use tabellion_model::body::{Body as _, Capture, SystemRegistered};
use tabellion_model::{Header, SystemId};

use super::forms::CaptureForm;
use super::{Actor, Desk};
use crate::refusal::Refusal;

/// Something that may need what was said.
struct Capability {
    id: &'static str,
    what: &'static str,
    needs_prompts: bool,
    needs_answers: bool,
    /// What there is without it.
    without: &'static str,
}

const fn needs(
    id: &'static str,
    what: &'static str,
    (needs_prompts, needs_answers): (bool, bool),
    without: &'static str,
) -> Capability {
    Capability { id, what, needs_prompts, needs_answers, without }
}

/// What a call's record holds, and what needs more. The last ones need nothing that was said, and are here because people ask.
const CAPABILITIES: &[Capability] = &[
    needs(
        "read_prompt",
        "Read what a call asked, with a reason that is on record",
        (true, false),
        "its digests, its size, and what was masked in it by class",
    ),
    needs(
        "read_answer",
        "Read what a call was answered, with a reason that is on record",
        (false, true),
        "its digests, its size, why the model stopped, and tokens",
    ),
    needs(
        "review",
        "Review a call as a whole: a complaint, an incident, a sample",
        (true, true),
        "who asked, what decided, what guards and detectors said, and what it took",
    ),
    needs(
        "try_again",
        "Try what a call asked again in the playground, under other rules",
        (true, false),
        "whoever has the request can try it; with the salt that its caller was given, a digest tells whether it is the same",
    ),
    needs(
        "collect",
        "Collect test cases from calls, with what was asked and answered",
        (true, true),
        "test cases that people write",
    ),
    needs(
        "disclose",
        "Show prompts and answers to an auditor in a package that discloses all",
        (true, true),
        "every other content, and digests of these",
    ),
    needs(
        "prove",
        "Prove that a text that somebody has is the one that was sent or released, by the salt that its caller was given",
        (false, false),
        "",
    ),
    needs(
        "replay_rules",
        "Replay rules over recorded decisions before they are published",
        (false, false),
        "",
    ),
    needs(
        "count",
        "Count what guards and detectors said, tokens, costs and masked values",
        (false, false),
        "",
    ),
];

/// Something that may need what was said, as it stands for one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CaptureCapability")]
pub struct Possible {
    /// Its name for programs.
    pub id: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Whether it needs prompts to be kept.
    pub needs_prompts: bool,
    /// Whether it needs answers to be kept.
    pub needs_answers: bool,
    /// Whether calls from now on can be used so; null: what is kept of the system was erased.
    pub works: Option<bool>,
    /// What there is instead; null: it works, or needs nothing that was said.
    pub instead: Option<&'static str>,
}

/// What is kept of a system's calls from now on, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CaptureOfSystem")]
pub struct Capturing {
    /// How much of prompts and answers is kept; null: erased.
    #[schemars(with = "Option<CaptureForm>")]
    pub capture: Option<Capture>,
    /// What is possible with it.
    pub capabilities: Vec<Possible>,
}

impl Desk {
    /// What the record at `entry` said of a system; none: it is another record, or what it said is erased. Only for whoever may read that system.
    pub(crate) fn described_at(&self, entry: u64) -> Result<Option<SystemRegistered>, Refusal> {
        let view = self.ledger.reader().entry(entry)?;
        let is_such = |header: &Header| header.record_type.as_str() == SystemRegistered::TYPE;
        if !view.entry.header().is_some_and(is_such) {
            return Ok(None);
        }
        let shown = view.units.iter().filter_map(|unit| match &unit.content {
            UnitContent::Shown(disclosures) => Some(disclosures),
            UnitContent::Erased | UnitContent::Missing => None,
        });
        let fields = shown.flatten().map(|one| (one.name().to_owned(), one.value().clone())).collect();
        Ok(SystemRegistered::read(fields).ok())
    }

    /// What is kept of a system's calls, and what is lost by what is not.
    pub fn capturing(&self, actor: &Actor, id: SystemId) -> Result<Capturing, Refusal> {
        let capture = self.system(actor, id)?.capture;
        Ok(Capturing { capture, capabilities: possible(capture) })
    }
}

/// Each capability as it stands where so much is kept.
pub(crate) fn possible(capture: Option<Capture>) -> Vec<Possible> {
    let shown = |of: &Capability| {
        let needs_any = of.needs_prompts || of.needs_answers;
        let works = match capture {
            Some(kept) => Some(
                (!of.needs_prompts || kept.keeps_prompts()) && (!of.needs_answers || kept.keeps_answers()),
            ),
            None => (!needs_any).then_some(true),
        };
        Possible {
            id: of.id,
            what: of.what,
            needs_prompts: of.needs_prompts,
            needs_answers: of.needs_answers,
            works,
            instead: (works != Some(true)).then_some(of.without),
        }
    };
    CAPABILITIES.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: P16. What is lost follows from what is kept, field by field; what needs nothing that was said is never lost.
    #[test]
    fn what_is_lost_follows_from_what_is_kept() {
        let works = |capture: Option<Capture>| -> Vec<&str> {
            let all = possible(capture).into_iter();
            all.filter(|one| one.works == Some(true)).map(|one| one.id).collect()
        };
        let always = ["prove", "replay_rules", "count"];
        assert_eq!(works(Some(Capture::None)), always);
        assert_eq!(works(None), always, "what nobody knows to be kept counts as kept");
        assert_eq!(works(Some(Capture::MaskedPrompt)), [&["read_prompt", "try_again"][..], &always].concat());
        assert_eq!(works(Some(Capture::MaskedAnswer)), [&["read_answer"][..], &always].concat());
        assert_eq!(works(Some(Capture::Masked)).len(), CAPABILITIES.len());
        let off = possible(Some(Capture::None));
        assert!(
            off.iter().all(|one| one.works == Some(true) || one.instead.is_some_and(|text| !text.is_empty())),
            "a loss without what remains: {off:?}"
        );
        let unknown = possible(None);
        assert!(unknown.iter().any(|one| one.works.is_none()), "{unknown:?}");
    }
}
