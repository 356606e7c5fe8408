//! Guards: what must not go to a model or come from one, whatever the rules permit.
//!
//! Promises: every guard that applies says how it went, in the record; what cannot be checked is not let through; of an answer that a guard stops, nothing
//! that it names has left, streamed or not. Must never: put text into a record or an error, or tell one caller of another's.

pub(crate) mod answer;
pub(crate) mod asking;
pub(crate) mod config;
pub(crate) mod cost;
pub(crate) mod edits;
pub(crate) mod gathered;
pub(crate) mod outside;
pub(crate) mod rego;
pub(crate) mod schema;
pub(crate) mod suite;

pub(crate) use answer::AnswerGuards;
pub(crate) use suite::Guards;
