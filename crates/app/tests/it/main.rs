//! Packages from outside: made from real logs, checked by the verifier, by `openssl`, and by eye.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop, and says what it skips"
)]

mod export;
mod fixture;
mod instructions;
mod report;
