//! Packages from outside: made from real logs, checked by the verifier, by `openssl`, and by eye.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop, and says what it skips"
)]

mod api;
mod console;
mod export;
mod fixture;
mod golden;
mod instructions;
mod report;
mod verification;
