//! Witnesses: ours as others meet it, and a log that asks for cosignatures.

mod asking;
mod conflict;
mod liars;
mod peer;
mod serving;
