//! Saying what is missing, in records of the log's own.
//!
//! Promises: what is missing is said once, and once more when it is there after all; also after a restart, because what was said is read from the
//! log. Must never: be waited for by those who send nothing.

use std::sync::PoisonError;

use tabellion_model::Micros;
use tabellion_model::registry::{Facts, GapReason, SourceLife, SourceSpan};
use tabellion_views::query::SourceEpochSeen;

use super::GRACE_US;
use super::delivering::facts_draft;
use crate::refusal::Refusal;
use crate::work::Desk;

/// Most records about gaps that one heartbeat, one delivery or one look at an epoch causes, so that a count full of holes does not fill the log at once; the next
/// look says the next.
pub const MAX_GAPS_NAMED: usize = 64;
/// Most pages of epochs that one look takes: 16,384 epochs, of which each costs some rows. The next look goes on behind them.
const PAGES_A_LOOK: usize = 64;

/// What is said now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// What the source itself said: that numbers are here which are not, and what was filled.
    Told,
    /// Also what a later number overtook longer ago than the grace.
    Overdue(Micros),
}

impl Desk {
    /// Says of every source what has been missing for longer than the grace, and what has come after all. Gives how many records were made.
    pub fn name_gaps(&self) -> Result<usize, Refusal> {
        self.refresh()?;
        let (now, mut named) = (self.now(), 0);
        let mut looked_at = self.gaps_looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..PAGES_A_LOOK {
            let (epochs, next) = self.views.unsettled_sources(*looked_at)?;
            for epoch in epochs {
                named += self.say(&epoch, When::Overdue(now))?;
            }
            *looked_at = next;
            if next.is_none() {
                break;
            }
        }
        Ok(named)
    }

    pub(super) fn name_gaps_of(&self, life: &SourceLife, when: When) -> Result<usize, Refusal> {
        let epoch = self.views.source_epoch(life)?;
        epoch.map_or(Ok(0), |epoch| self.say(&epoch, when))
    }

    fn say(&self, epoch: &SourceEpochSeen, when: When) -> Result<usize, Refusal> {
        let system = self.views.source(&epoch.life.producer)?.and_then(|source| source.system);
        let size = self.ledger.reader().size();
        let mut drafts = Vec::new();
        for facts in due(epoch, when).into_iter().take(MAX_GAPS_NAMED) {
            // The place in the log tells a gap that opened again from the first time.
            let mut draft = facts_draft(&facts, key(&facts, &epoch.life, size));
            draft.system = system.map(|system| system.to_hex());
            draft.assurance = Some("observed".to_owned());
            drafts.push(draft);
        }
        if drafts.is_empty() {
            return Ok(0);
        }
        let appended = self.ledger.append_all(&drafts);
        self.note(appended.as_ref().map(drop));
        self.passed(&appended?)?;
        Ok(drafts.len())
    }
}

fn key(facts: &Facts, life: &SourceLife, size: u64) -> String {
    let (word, span) = match facts {
        Facts::GapFound(span, _) => ("found", span),
        Facts::GapFilled(span) => ("filled", span),
        _ => return String::new(),
    };
    format!("gap/{word}/{}/{}/{}-{}/{size}", life.producer, life.epoch, span.first, span.last)
}

/// What is to be said of an epoch.
fn due(epoch: &SourceEpochSeen, when: When) -> Vec<Facts> {
    let is_open = |span: &SourceSpan| {
        epoch.gaps.iter().any(|gap| gap.span.first <= span.last && span.first <= gap.span.last)
    };
    let filled = epoch.found.iter().filter(|span| !is_open(span)).map(|span| Facts::GapFilled(*span));
    let is_named = |span: &SourceSpan| {
        epoch.found.iter().any(|found| found.first <= span.first && span.last <= found.last)
    };
    let unnamed = epoch.gaps.iter().filter(|gap| !is_named(&gap.span));
    let found = unnamed.filter_map(|gap| {
        let overdue = matches!(when, When::Overdue(now) if now.since(gap.since) > GRACE_US);
        let why = if gap.stated { GapReason::Heartbeat } else { GapReason::Jump };
        (gap.stated || overdue).then_some(Facts::GapFound(gap.span, why))
    });
    filled.chain(found).collect()
}
