//! The guards that look when a call is over, made ready.

use std::sync::Arc;
use std::time::Duration;

use tabellion_model::SystemId;
use tabellion_model::body::{AwaitedLook, EnrichedSide};

use crate::config::{StartError, span};
use crate::guards::after::config::AfterConfig;
use crate::guards::config::{GuardConfig, Side};
use crate::guards::suite::Guards;

/// All of them.
pub(crate) struct AfterGuards {
    pub(crate) guards: Arc<Guards>,
    /// Of each, in their order: how it looks.
    pub(super) settings: Vec<AfterConfig>,
}

/// The looks that are taken at one call, by the numbers of the guards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks {
    pub(super) prompt: Vec<usize>,
    pub(super) answer: Vec<usize>,
}

impl Looks {
    /// Each with its side.
    pub(super) fn all(&self) -> impl Iterator<Item = (Side, usize)> {
        let prompt = self.prompt.iter().map(|number| (Side::Prompt, *number));
        prompt.chain(self.answer.iter().map(|number| (Side::Answer, *number)))
    }
}

impl AfterGuards {
    /// Makes them ready.
    pub(crate) fn new(configs: &[GuardConfig]) -> Result<Self, StartError> {
        let settings = configs.iter().map(|config| config.after.unwrap_or_default()).collect();
        Ok(Self { guards: Arc::new(Guards::new(configs)?), settings })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.guards.all.is_empty()
    }

    /// The looks that are for such a call.
    pub(super) fn looks(&self, system: SystemId, purpose: &str) -> Looks {
        let of = |side| self.guards.that_apply(side, system, purpose);
        Looks { prompt: of(Side::Prompt), answer: of(Side::Answer) }
    }

    /// The looks that are for such a call, as its permission names them.
    pub(crate) fn awaited(&self, system: SystemId, purpose: &str) -> Vec<AwaitedLook> {
        let look = |(side, number): (Side, usize)| {
            let guard = self.guards.all.get(number)?;
            let side = match side {
                Side::Prompt => EnrichedSide::Prompt,
                Side::Answer => EnrichedSide::Answer,
            };
            Some(AwaitedLook { guard: guard.name.clone(), version: guard.version.clone(), side })
        };
        self.looks(system, purpose).all().filter_map(look).collect()
    }

    /// From a call's end to the verdict of this guard.
    pub(super) fn within(&self, number: usize) -> Duration {
        span(self.settings.get(number).copied().unwrap_or_default().verdict_within_ms)
    }
}
