//! The programs as a user meets them: built binaries, real directories, a real socket, kill -9.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it must be"
)]

mod anchors;
mod attestation;
mod backup;
mod bad_input;
mod batch;
mod capture;
mod configuration;
mod control;
mod damage;
mod demo;
mod disk_limits;
mod encrypted_keys;
mod envelopes;
mod erasure;
mod evidence;
mod gateway_kill;
mod governed;
mod guessing;
mod help;
mod identity;
mod keys;
mod kill;
mod mask;
mod organisation;
mod packs;
mod playground;
mod policies;
mod probes;
mod provider_key;
mod record;
mod second_key;
mod secrets;
mod serve;
mod shards;
mod statements;
mod stops;
mod subjects;
mod support;
mod usage;
mod vault;
mod witness;
