//! What the log library promises, seen from outside: published vectors, a second implementation, mutations and golden files.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may stop where it is, and prints its seed"
)]

mod add_checkpoint;
mod anchor;
mod broken_input;
mod bundle;
mod checkpoint;
mod cose;
mod cosignature;
mod foreign;
mod golden;
mod key;
mod note;
mod policy;
mod proof;
mod reference;
mod tile;
mod tree;
mod tree_refusals;
mod vectors;
