//! When services are asked about a call, and what comes of it.
//!
//! Promises: only what the other guards let pass is shown to anybody; a prompt is shown as it will be sent, masked. A wait ends with the client, the stop and the
//! time, as every other does.

use std::time::Duration;

use bytes::Bytes;
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_model::body::{GuardOutcome, Guarded};

use crate::code::Code;
use crate::guards::config::{Mode, Side};
use crate::guards::edits::Proposals;
use crate::guards::gathered::Gathered;
use crate::guards::outside::Matter;
use crate::guards::outside::config::{MAX_TIMEOUT_MS, OnError};
use crate::guards::suite::{Check, Guards};
use crate::race::{Interrupt, Watch};
use crate::stopwatch::{Phase, Stopwatch};
use crate::surface::Surface;
use crate::surface::request::Request;
use crate::worker::Worker;

/// What services are waited for at most: each has a time of its own, which is shorter.
const WAIT: Duration = Duration::from_millis(2 * MAX_TIMEOUT_MS);

/// What belongs to a call while others are waited for.
pub(crate) struct Waiting<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) watch: &'a mut Watch,
    pub(crate) stopwatch: &'a mut Stopwatch,
}

impl Waiting<'_> {
    /// Has the services among the guards `numbers` asked, unless another guard stops it already or there is nothing to show. What they want changed is given
    /// back.
    pub(crate) async fn ask(
        self,
        numbers: &[usize],
        results: &mut [Guarded],
        matter: &Matter<'_>,
    ) -> Result<Proposals, Interrupt> {
        let guards = &self.worker.shared.guards;
        if !guards.ask_any(numbers) || matter.texts.is_empty() || guards.stop(results, Side::Prompt).is_some()
        {
            return Ok(Proposals::default());
        }
        let before = self.stopwatch.enter(Phase::Guards);
        let asked = guards.ask(numbers, results, matter, &self.worker.guard_pool);
        let done = self.watch.race(WAIT, asked).await;
        self.stopwatch.enter(before);
        done
    }
}

/// What keeps a call from going on.
pub(crate) struct Stop {
    pub(crate) code: Code,
    /// Which guard and why, without a word of the text.
    pub(crate) text: String,
}

/// Why an answer is not let go.
pub(crate) enum Stopped {
    /// A guard stops it.
    ByGuard(Stop),
    /// Something else ended the wait for one.
    Interrupted(Interrupt),
}

impl Guards {
    /// What of these results stops the call: what was found comes before what could not be looked at.
    pub(crate) fn stop(&self, results: &[Guarded], side: Side) -> Option<Stop> {
        let of = |outcome: GuardOutcome| results.iter().filter(move |result| result.outcome == outcome);
        if let Some(found) = of(GuardOutcome::Blocked).next() {
            // Who asked can leave something out of a prompt, and nothing of an answer.
            let then = match side {
                Side::Prompt if self.is_of_amounts(&found.guard) => {
                    "ask for less: a shorter prompt, a lower max_tokens, fewer tools; or ask"
                }
                Side::Prompt => "leave out what it names, or ask",
                Side::Answer => "the answer is held back; ask",
            };
            let text = format!(
                "stopped by the guard {}{}; {then} the governance engineer who keeps the guard",
                found.guard,
                bracketed(&found.found)
            );
            return Some(Stop { code: Code::GuardBlocked, text });
        }
        let unseen = of(GuardOutcome::Errored).find(|result| self.denies_unseen(&result.guard))?;
        // What a schema cannot be held against is so however often it is asked for; of others' services there may be one later.
        let then = match self.check_of(&unseen.guard) {
            Some(Check::Schema(_)) => "that does not change by waiting: ask for a shorter or simpler answer",
            Some(Check::Cost(_)) => {
                "that does not change by waiting: ask for a model with a price, at the ordinary tier, or have one set"
            }
            _ => "try again later",
        };
        let text = format!(
            "the guard {} could not look at it{}, so it is not let through; {then}, or ask the governance engineer who keeps the guard",
            unseen.guard,
            bracketed(&unseen.found)
        );
        Some(Stop { code: Code::GuardErrored, text })
    }

    fn check_of(&self, name: &str) -> Option<Check> {
        self.all.iter().find(|guard| guard.name == name).map(|guard| guard.check)
    }

    /// Whether the guard of this name is over how much is asked for, so that no word has to be left out.
    fn is_of_amounts(&self, name: &str) -> bool {
        matches!(self.check_of(name), Some(Check::Size { .. } | Check::Cost(_)))
    }

    /// Whether the guard of this name stops what it could not look at: so does every one that is not told otherwise.
    fn denies_unseen(&self, name: &str) -> bool {
        let guard = self.all.iter().find(|guard| guard.name == name);
        if let Some(guard) = guard.filter(|guard| matches!(guard.check, Check::Schema(_) | Check::Cost(_))) {
            return guard.mode == Mode::Block;
        }
        let outside = guard.and_then(|guard| match guard.check {
            Check::Outside(place) => self.outside.get(place),
            _ => None,
        });
        outside.is_none_or(|outside| outside.on_error == OnError::Deny)
    }
}

/// Words behind a sentence; none leave no brackets.
fn bracketed(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// The texts of a request as they will be sent: what masking put there in place of what came.
pub(crate) fn shown_of_prompt(surface: Surface, sent: &Bytes, depth: usize) -> Gathered {
    let limits = JsonLimits { max_bytes: usize::MAX, max_depth: depth };
    // It could be read before it was masked; what cannot be read any more is shown to nobody, and so not let through.
    let Ok(request) = Request::read(surface.form(), sent, &limits) else { return Gathered::lost() };
    let mut gathered = Gathered::default();
    for (text, _) in request.texts() {
        gathered.add(&text);
    }
    for number in request.numbers() {
        gathered.add_number(number);
    }
    gathered
}
