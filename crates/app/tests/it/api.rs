//! The control plane over real HTTP, on a real log in a directory of its own.

mod budgets;
mod busy;
mod calls;
mod changes;
pub(crate) mod client;
mod controls;
mod document;
mod erasure;
mod erasures;
mod form;
pub(crate) mod house;
mod let_in;
mod observing;
mod packages;
mod permission;
mod recording;
mod records;
mod register_from_file;
mod register_traffic;
pub(crate) mod registers;
mod scitt;
mod session_ends;
mod sessions;
mod sources;
mod tiles;
mod verifications;
pub(crate) mod work;
