//! What guards of our own say of a call that is over, and what services are to be asked about it.

use std::sync::Arc;

use hyper::HeaderMap;
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_model::body::{GuardOutcome, Guarded};

use crate::answer::parts::Parts;
use crate::answer::whole::json_limits;
use crate::config::Limits;
use crate::guards::AnswerGuards;
use crate::guards::after::pending::Kept;
use crate::guards::after::suite::AfterGuards;
use crate::guards::after::{Tape, why};
use crate::guards::asking::shown_of_prompt;
use crate::guards::config::Side;
use crate::guards::gathered::Gathered;
use crate::guards::outside::About;
use crate::guards::suite::{Guard, Prompt};
use crate::references::References;
use crate::surface::request::Request;

/// A look that a service has to take.
pub(super) struct Ask {
    pub(super) side: Side,
    /// Where what it says belongs among the results of the side.
    pub(super) place: usize,
    /// The guard that asks.
    pub(super) number: usize,
    pub(super) texts: Arc<Gathered>,
}

/// What is said of a call so far. The results of services stand as not run until they are there.
pub(super) struct Looked {
    pub(super) about: Arc<About>,
    pub(super) prompt: Vec<Guarded>,
    pub(super) answer: Vec<Guarded>,
    pub(super) asks: Vec<Ask>,
}

/// Has all guards of our own look at a call, and gives up what is not needed of it any more.
pub(super) fn look(kept: Kept, after: &AfterGuards, limits: &Limits) -> Looked {
    let (prompt, of_prompt) = prompt(&kept, after, limits);
    let (answer, of_answer) = answer(&kept, after, limits);
    let mut looked = Looked { about: Arc::new(kept.about), prompt, answer, asks: Vec::new() };
    for (side, numbers, texts) in
        [(Side::Prompt, &kept.looks.prompt, of_prompt), (Side::Answer, &kept.looks.answer, of_answer)]
    {
        let Some(texts) = texts.filter(|texts| !texts.is_empty()).map(Arc::new) else { continue };
        for (place, number) in numbers.iter().copied().enumerate() {
            let Some((guard, _)) = after.guards.outside_of(number) else { continue };
            if texts.is_over() {
                let results = looked.of(side);
                put(results, place, guard.says(GuardOutcome::Errored, vec![why::TOO_MUCH.to_owned()]));
            } else {
                looked.asks.push(Ask { side, place, number, texts: Arc::clone(&texts) });
            }
        }
    }
    looked
}

impl Looked {
    /// The results of one side.
    pub(super) fn of(&mut self, side: Side) -> &mut Vec<Guarded> {
        match side {
            Side::Prompt => &mut self.prompt,
            Side::Answer => &mut self.answer,
        }
    }
}

/// Puts a result in its place.
pub(super) fn put(results: &mut [Guarded], place: usize, said: Guarded) {
    if let Some(result) = results.get_mut(place) {
        *result = said;
    }
}

/// What is said of the prompt, and what services are shown of it.
fn prompt(kept: &Kept, after: &AfterGuards, limits: &Limits) -> (Vec<Guarded>, Option<Gathered>) {
    let (guards, numbers) = (&after.guards, &kept.looks.prompt);
    if numbers.is_empty() {
        return (Vec::new(), None);
    }
    let json = JsonLimits { max_bytes: usize::MAX, max_depth: limits.depth };
    let Ok(request) = Request::read(kept.surface.form(), &kept.asked, &json) else {
        // It could be read before it was masked.
        return (all(after, numbers, GuardOutcome::Errored, why::UNREADABLE), None);
    };
    let references = References::of(&HeaderMap::new());
    let prompt = Prompt {
        texts: request.texts(),
        found: &kept.found,
        bytes: kept.sent_bytes,
        references: &references,
    };
    let said = guards.prompt(numbers, prompt);
    let shown = guards.ask_any(numbers).then(|| shown_of_prompt(kept.surface, &kept.asked, limits.depth));
    (said, shown)
}

/// What is said of the answer, and what services are shown of it: nothing of one that broke off.
fn answer(kept: &Kept, after: &AfterGuards, limits: &Limits) -> (Vec<Guarded>, Option<Gathered>) {
    let numbers = &kept.looks.answer;
    let about = || kept.about.clone();
    let looking = AnswerGuards::over(&after.guards, numbers.clone(), about, None, kept.classes);
    let Some(mut looking) = looking else { return (Vec::new(), None) };
    let Some(tape) = kept.answered.as_ref().filter(|tape| tape.is_over() || !tape.pieces().is_empty()) else {
        return (all(after, numbers, GuardOutcome::NotRun, why::NO_ANSWER), None);
    };
    if tape.is_over() {
        return (all(after, numbers, GuardOutcome::Errored, why::TOO_MUCH), None);
    }
    if !replay(kept, tape, &mut looking, limits) {
        return (all(after, numbers, GuardOutcome::Errored, why::UNREADABLE), None);
    }
    let said = looking.results(kept.is_whole, kept.received_bytes);
    (said, looking.into_gathered().filter(|_| kept.is_whole))
}

/// Has the guards look at an answer as it came; whether it can be read in one way alone.
fn replay(kept: &Kept, tape: &Tape, looking: &mut AnswerGuards, limits: &Limits) -> bool {
    let limits = json_limits(limits);
    for piece in tape.pieces() {
        let Ok(parts) = Parts::read(kept.surface, piece, &limits) else { return false };
        looking.look(piece, &parts, &limits, tape.is_one());
        if looking.overran() {
            return false;
        }
    }
    looking.close_all();
    true
}

/// The same of all of these guards.
fn all(after: &AfterGuards, numbers: &[usize], outcome: GuardOutcome, why: &str) -> Vec<Guarded> {
    let says = |guard: &Guard| guard.says(outcome, vec![why.to_owned()]);
    numbers.iter().filter_map(|number| after.guards.all.get(*number)).map(says).collect()
}
