//! Personal data and secrets in what an application sends to a model and gets back: found, replaced by placeholders, given back.
//!
//! - [`scan`] finds it in text.
//! - [`Scope`] issues placeholders (`<EMAIL_7Q2K4F>`), the same one for the same value, and knows what it issued.
//! - A [`Plan`] says which classes are looked for and which [`Operator`] takes them; [`Classes`] alone are pseudonymised.
//! - [`mask_text`], [`mask_string`] and [`StreamMasker`] replace values; [`restore_text`], [`restore_string`] and
//!   [`StreamRestorer`] give them back. In bodies both work as [`Edits`] of the bytes that came: nothing is serialised again.
//! - [`retext_string`] puts other text where named ranges of a text stand in a body, and nowhere else.
//! - [`json`] walks a body strictly, so that what was looked at is what the receiver reads.
//!
//! Promises: linear time on hostile input; a stream in any pieces gives what it gives in one; a placeholder of another
//! scope is never given a value. No clock, no randomness, no file, no network: keys are handed in. What it holds of people is in
//! [`Scope`] and in the pending end of a stream, neither of which can be printed.

mod base64;
mod body;
mod class;
mod edits;
pub mod json;
pub mod names;
mod origins;
mod placeholder;
mod plan;
mod restore;
mod retext;
mod scan;
mod scope;
mod stream;
mod subject;

pub use base64::is_base64;
pub use body::{
    Content, EditError, MAX_NESTED_JSON, Masked, Place, SHORTEST_NAMED_NUMBER, SHORTEST_NUMBER, mask_field,
    mask_string, mask_text, restore_string, telling_field,
};
pub use class::{Class, Classes};
pub use edits::{Edits, OverlapError, Piece};
pub use plan::{Operator, Plan, Role};
pub use restore::{Placing, restore_text};
pub use retext::{Replacement, RetextError, StandIn, replaced, retext, retext_string, stand_ins};
pub use scan::{
    Context, Finding, MAX_SECRET_BYTES, MAX_URL_BYTES, MAX_VALUE_BYTES, scan, scan_number, scan_number_with,
    scan_with,
};
pub use scope::{MAX_ISSUED, Original, Scope, ScopeFull, ScopeKey};
pub use stream::{MAX_HELD_BYTES, StreamMasker, StreamRestorer};
pub use subject::{contents, subject_names};
