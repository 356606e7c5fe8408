//! The ledger from outside: what it promises, on real and simulated disks.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test that meets the unexpected has to stop, and says what it counted"
)]

mod access;
mod anchor_services;
mod anchors;
mod append;
mod backup;
mod by_two;
mod clock;
mod crash;
mod crash_points;
mod damage;
mod derived;
mod disk;
mod erased_calls;
mod erasure;
mod expiry;
mod fixture;
mod guess;
mod hybrid;
mod in_place;
mod key_access;
mod keys;
mod levels;
mod pipelined;
mod refused;
mod room;
mod saved;
mod statement;
mod tiles;
mod vault;
mod vault_rotation;
mod witnessed;
