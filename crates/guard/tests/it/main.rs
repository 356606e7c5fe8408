//! What guards find, however it is written and however it comes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it is"
)]

mod detects;
mod edits;
mod finds;
mod pieces;
mod schemas;
