//! The control plane over real HTTP, on a real log in a directory of its own.

mod calls;
mod changes;
mod client;
mod document;
mod erasure;
mod form;
mod house;
mod permission;
mod records;
mod sessions;
