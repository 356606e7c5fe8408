//! Recorded decisions asked again, by the rules in force and by those that would be: what a change comes to before anybody is hit by it.
//!
//! Promises: the same decision and the same rules give the same answer on every machine; a decision that cannot be asked again is said to be one, never one that
//! stays as it is; rules that do not compile together deny, as they would at the gateway. Must never: read a clock, a file or the network.

use crate::layers::{Layers, Stack};
use crate::question::Question;
use crate::recorded::{Known, LookedAt, RecordedDecision};
use crate::verdict::Verdict;

/// Rules as they are and as they would be.
#[derive(Debug)]
pub struct Replay {
    before: Side,
    after: Side,
    looked_at: LookedAt,
    /// Digests of the texts in force, as records name them.
    in_force: Vec<String>,
}

/// Rules that decide together; `None`: they cannot be compiled, and so everything is denied.
#[derive(Debug)]
struct Side(Option<Layers>);

/// What came of one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It came about by something that no rule changes.
    ByNoRule,
    /// It cannot be asked again: why.
    NotAsked(String),
    /// The change leaves it as it is.
    Same,
    /// It would come out otherwise.
    Turned {
        /// What the rules in force say.
        before: Verdict,
        /// What would come instead.
        after: Verdict,
    },
}

/// What becomes of a call whose decision turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// It would be stopped.
    NowDenied,
    /// It would be let through.
    NowPermitted,
    /// It would be stopped for another reason.
    DeniedOtherwise,
}

impl Turn {
    /// Of which kind a turned decision is.
    pub fn of(before: &Verdict, after: &Verdict) -> Self {
        match (before.permits(), after.permits()) {
            (true, _) => Self::NowDenied,
            (false, true) => Self::NowPermitted,
            (false, false) => Self::DeniedOtherwise,
        }
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NowDenied => "now_denied",
            Self::NowPermitted => "now_permitted",
            Self::DeniedOtherwise => "denied_otherwise",
        }
    }
}

impl Replay {
    /// Of `before` (what is in force, with the digests that records have for it, in their order) and `after`, as the gateway puts them together. Where one
    /// of them cannot be read, the gateway takes none: then it is empty.
    pub fn of(before: &Stack, digests: Vec<String>, after: &Stack) -> Self {
        let of_side = |side: &Stack| LookedAt::by(&side.named()).unwrap_or_else(|_| LookedAt::everything());
        Self {
            looked_at: of_side(before).with(of_side(after)),
            before: Side::of(before),
            after: Side::of(after),
            in_force: digests,
        }
    }

    /// Asks one decision again.
    pub fn ask(&self, decision: &RecordedDecision, known: &Known) -> Replayed {
        if decision.is_by_no_rule() {
            return Replayed::ByNoRule;
        }
        let case = match decision.question(known, &self.looked_at) {
            Ok(case) => case,
            Err(why) => return Replayed::NotAsked(why),
        };
        let before = self.before.verdict(&case.question());
        if !self.in_force.is_empty() && decision.policies == self.in_force && !decision.is_of(&before) {
            // The engine or the reading is another one than the gateway's was: whatever it says of the change is worth nothing.
            return Replayed::NotAsked(
                "by the very policies that decided it, it comes out otherwise than it was recorded"
                    .to_owned(),
            );
        }
        let after = self.after.verdict(&case.question());
        if before.as_str() == after.as_str() {
            return Replayed::Same;
        }
        Replayed::Turned { before, after }
    }
}

impl Side {
    fn of(stack: &Stack) -> Self {
        Self(Layers::of_published(stack).ok())
    }

    fn verdict(&self, question: &Question<'_>) -> Verdict {
        let unreadable =
            || Verdict::Erred { rules: Vec::new(), what: "the policies cannot be read together".to_owned() };
        self.0.as_ref().map_or_else(unreadable, |rules| rules.decide(question).verdict)
    }
}
