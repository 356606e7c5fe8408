//! What of a call is kept until it is over, so that detectors can look at it then.
//!
//! Promises: nothing is kept where no detector is for the call; a text is a reference to bytes that the call holds anyway, or the bounded copy of what the
//! model said.

use bytes::Bytes;
use tabellion_mask::Classes;
use tabellion_model::body::{CallEnriched, Masked, Outcome};

use crate::answer::transcript::Transcript;
use crate::authenticate::Caller;
use crate::enrich::suite::{Enrichments, Seen, why};
use crate::enrich::texts::{asked, impersonal};
use crate::guards::config::Side;
use crate::guards::outside::About;
use crate::prepare::Ready;
use crate::upstream::pool::Pool;

/// What was asked.
enum Asked {
    /// The body as records may have it, with placeholders, and what was found in it.
    Body { bytes: Bytes, found: Vec<Masked> },
    /// Nothing that is looked at, and why.
    Unseen(&'static str),
}

/// What was answered.
enum Answered {
    /// As the provider said it.
    Said(Box<Transcript>),
    /// Nothing that is looked at, and why.
    Unseen(&'static str),
}

/// A call that detectors are for.
pub(crate) struct Pending {
    looks: Vec<(usize, Side)>,
    about: About,
    classes: Classes,
    asked: Asked,
    answered: Answered,
}

impl Pending {
    /// What is kept of a call that is let through; `None`: no detector is for it, or it is one that the gateway makes itself.
    pub(crate) fn of(all: &Enrichments, caller: &Caller, ready: &Ready) -> Option<Box<Self>> {
        let purpose = &ready.permission.purpose;
        let looks = looks(all, caller, purpose)?;
        let treated = &ready.treated;
        let bytes = treated.kept.as_ref().unwrap_or(&treated.bytes).clone();
        Some(Box::new(Self {
            looks,
            about: About::new(&ready.model, purpose, caller.system_id),
            classes: treated.classes,
            asked: Asked::Body { bytes, found: [treated.masked.as_slice(), &treated.passed].concat() },
            answered: Answered::Unseen(why::NO_ANSWER),
        }))
    }

    /// The same of a call by a declared route, of which nothing is looked at.
    pub(crate) fn unseen(
        all: &Enrichments,
        caller: &Caller,
        model: &str,
        purpose: &str,
    ) -> Option<Box<Self>> {
        Some(Box::new(Self {
            looks: looks(all, caller, purpose)?,
            about: About::new(model, purpose, caller.system_id),
            classes: Classes::FORMS,
            asked: Asked::Unseen(why::OPAQUE),
            answered: Answered::Unseen(why::OPAQUE),
        }))
    }

    /// The model said something.
    pub(crate) fn said(&mut self, transcript: &Transcript) {
        if self.looks.iter().any(|(_, side)| *side == Side::Answer) {
            self.answered = Answered::Said(Box::new(transcript.clone()));
        }
    }

    /// The call ended: of an answer that is not whole nothing is told, since its end may say something else.
    pub(crate) fn ended(&mut self, outcome: Outcome) {
        if outcome != Outcome::Answered && matches!(self.answered, Answered::Said(_)) {
            self.answered = Answered::Unseen(why::NOT_WHOLE);
        }
    }

    /// Bytes that are held for it.
    pub(crate) fn bytes(&self) -> usize {
        let asked = match &self.asked {
            Asked::Body { bytes, .. } => bytes.len(),
            Asked::Unseen(_) => 0,
        };
        let answered = match &self.answered {
            Answered::Said(transcript) => transcript.bytes(),
            Answered::Unseen(_) => 0,
        };
        asked + answered
    }

    /// Gives its texts up: too much waits already.
    pub(crate) fn give_up(&mut self) {
        if let Asked::Body { .. } = self.asked {
            self.asked = Asked::Unseen(why::BUSY);
        }
        if let Answered::Said(_) = self.answered {
            self.answered = Answered::Unseen(why::BUSY);
        }
    }

    /// What the detectors say.
    pub(crate) async fn look(&self, all: &Enrichments, pool: &Pool) -> CallEnriched {
        let (prompt, answer) = (self.prompt(), self.answer());
        let mut said = Vec::new();
        for (number, side) in &self.looks {
            let seen = match side {
                Side::Prompt => &prompt,
                Side::Answer => &answer,
            };
            said.extend(all.says((*number, *side), seen, &self.about, pool).await);
        }
        CallEnriched { enrichments: said }
    }

    fn prompt(&self) -> Seen {
        match &self.asked {
            Asked::Unseen(why) => Seen { text: Err(*why), found: Err(*why) },
            Asked::Body { bytes, found } => Seen {
                text: asked(bytes).and_then(|text| impersonal(&text, self.classes).ok_or(why::NO_TEXT)),
                found: Ok(found.clone()),
            },
        }
    }

    fn answer(&self) -> Seen {
        match &self.answered {
            Answered::Unseen(why) => Seen { text: Err(*why), found: Err(*why) },
            Answered::Said(transcript) if transcript.is_truncated() => {
                Seen { text: Err(why::TOO_LARGE), found: Err(why::TOO_LARGE) }
            }
            Answered::Said(transcript) => {
                let text = Some(transcript.spoken()).filter(|text| !text.trim().is_empty());
                Seen {
                    text: text.and_then(|text| impersonal(&text, self.classes)).ok_or(why::NO_TEXT),
                    found: Ok(transcript.found()),
                }
            }
        }
    }
}

fn looks(all: &Enrichments, caller: &Caller, purpose: &str) -> Option<Vec<(usize, Side)>> {
    if all.is_empty() || caller.is_probe() {
        return None;
    }
    Some(all.that_apply(caller.system_id, purpose)).filter(|looks| !looks.is_empty())
}
