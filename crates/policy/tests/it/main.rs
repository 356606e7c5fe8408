//! What the rules promise, seen from outside: verdicts, refusals of texts, and that the documents tell the truth.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it is"
)]

mod asked;
mod call;
mod compare;
mod decide;
mod documents;
mod hostile;
mod lint;
mod refused;
mod rego;
mod sets;
mod terms;
