//! Guards on text that goes to a model or comes from one: whether it holds certain words, keeps to its topics, tries to take the model over, or
//! hides characters that people do not see.
//!
//! - [`Rule`] says what one guard looks for, [`Screen`] looks for all of them at once.
//! - [`Screening`] is one text on its way, in pieces of any size.
//! - [`Findings`] is what was found, by rule; labels say what, never the text itself.
//! - [`Detector`] says what a text is like, and stops nothing ([`Detecting`]).
//! - [`schema`] says which JSON Schemas a text can be held against, and how much work that is at most.
//! - [`service`] has the words in which services of others are asked and answer; who carries them is not here.
//!
//! Text is read as a person or a model reads it (`reading.rs`): case, width, runs of spaces and characters without a shape make no difference.
//!
//! Promises: linear time on hostile input; a text in any pieces gives what it gives in one; [`Screen::window`] says how much of a stream has to be
//! held back so that nothing of a match has left when it is found. No clock, no randomness, no file, no network. A guard by phrases is a heuristic: it
//! finds what it knows and nothing else.

mod detect;
mod findings;
mod injection;
mod invisible;
mod reading;
mod rule;
pub mod schema;
mod screen;
pub mod service;

pub use detect::{Detected, Detecting, Detector, LANGUAGE_DETECTOR, NotRead, WHOLE};
pub use findings::{Findings, MAX_LABELS};
pub use rule::{MAX_TERM_CHARS, MAX_TERMS, Rule, RuleFault, Topic};
pub use screen::{Content, Screen, Screening};
