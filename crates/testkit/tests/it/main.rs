//! The test tools themselves: a tool that does other than it says makes every test that rests on it say something else.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to stop"
)]

mod upstream;
