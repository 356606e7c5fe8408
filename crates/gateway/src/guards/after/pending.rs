//! What of a call is kept until it is over, so that guards can look at it then.
//!
//! Promises: a call whose permission names looks hands all of them over once, to be taken, or with the reason why nobody takes them. Must never: keep what a prompt was
//! before it was masked.

use bytes::Bytes;
use tabellion_mask::Classes;
use tabellion_model::body::{
    AwaitedLook, CallAssessed, EnrichedSide, GuardOutcome, Guarded, Masked, Outcome,
};

use crate::authenticate::Caller;
use crate::guards::after::suite::{AfterGuards, Looks};
use crate::guards::after::{Tape, why};
use crate::guards::outside::About;
use crate::prepare::Ready;
use crate::surface::Surface;

/// A call that guards are to look at when it is over.
pub(crate) struct Pending {
    /// The looks, as its permission names them.
    awaited: Vec<AwaitedLook>,
    /// What they are taken at, or why nobody takes them.
    pub(super) seen: Result<Box<Kept>, &'static str>,
}

/// What is kept of it.
pub(crate) struct Kept {
    pub(super) looks: Looks,
    pub(super) about: About,
    pub(super) classes: Classes,
    pub(super) surface: Surface,
    /// The body as records may have it, with placeholders.
    pub(super) asked: Bytes,
    /// What masking found in it.
    pub(super) found: Vec<Masked>,
    /// Size of what was sent.
    pub(super) sent_bytes: u64,
    /// What was answered; none: nobody got an answer.
    pub(super) answered: Option<Tape>,
    /// Whether that is all of it.
    pub(super) is_whole: bool,
    /// Bytes that came from the provider.
    pub(super) received_bytes: u64,
}

impl Pending {
    /// Of a call whose permission names these looks, and of which nothing was sent yet; `None`: it names none.
    pub(crate) fn of(awaited: &[AwaitedLook]) -> Option<Self> {
        (!awaited.is_empty()).then(|| Self { awaited: awaited.to_vec(), seen: Err(why::NOT_SENT) })
    }

    /// From here on they are taken at what is sent, and what comes back.
    pub(crate) fn attend(&mut self, after: &AfterGuards, caller: &Caller, ready: &Ready) {
        let (purpose, treated) = (&ready.permission.purpose, &ready.treated);
        self.seen = Ok(Box::new(Kept {
            looks: after.looks(caller.system_id, purpose),
            about: About::new(&ready.model, purpose, caller.system_id),
            classes: treated.classes,
            surface: ready.surface,
            asked: treated.kept.as_ref().unwrap_or(&treated.bytes).clone(),
            found: [treated.masked.as_slice(), &treated.passed].concat(),
            sent_bytes: treated.bytes.len() as u64,
            answered: None,
            is_whole: false,
            received_bytes: 0,
        }));
    }

    /// Nothing looks into it, on whatever side.
    pub(crate) fn opaque(&mut self) {
        self.seen = Err(why::OPAQUE);
    }

    /// Whether its answer has to be kept.
    pub(crate) fn wants_answer(&self) -> bool {
        self.seen.as_ref().is_ok_and(|kept| !kept.looks.answer.is_empty())
    }

    /// This was answered.
    pub(crate) fn answered(&mut self, tape: Tape) {
        if let Ok(kept) = &mut self.seen {
            kept.answered = Some(tape);
        }
    }

    /// The call ended, and so much came from its provider.
    pub(crate) fn ended(&mut self, outcome: Outcome, received_bytes: u64) {
        if let Ok(kept) = &mut self.seen {
            // The provider's own error is all that it said.
            kept.is_whole = matches!(outcome, Outcome::Answered | Outcome::Refused);
            kept.received_bytes = received_bytes;
        }
    }

    /// Bytes that are held for it.
    pub(super) fn bytes(&self) -> usize {
        let Ok(kept) = &self.seen else { return 0 };
        kept.asked.len() + kept.answered.as_ref().map_or(0, Tape::bytes)
    }

    /// Gives its texts up.
    pub(super) fn give_up(&mut self, why: &'static str) {
        self.seen = Err(why);
    }

    /// That nobody took any of the looks.
    pub(super) fn not_run(&self, why: &str) -> CallAssessed {
        not_run(&self.awaited, why)
    }
}

/// That none of these looks was taken.
pub(super) fn not_run(awaited: &[AwaitedLook], why: &str) -> CallAssessed {
    let of = |side: EnrichedSide| -> Vec<Guarded> {
        let one = |look: &AwaitedLook| Guarded {
            guard: look.guard.clone(),
            version: look.version.clone(),
            outcome: GuardOutcome::NotRun,
            found: vec![why.to_owned()],
            edits: None,
        };
        awaited.iter().filter(|look| look.side == side).map(one).collect()
    };
    CallAssessed { prompt: of(EnrichedSide::Prompt), answer: of(EnrichedSide::Answer), after_ms: 0 }
}
