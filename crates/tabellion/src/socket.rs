//! The local socket of a running server: how the commands of the same machine reach the log while the server holds it.
//!
//! A message is its length (u32, little-endian) and that many bytes of JSON: a [`crate::request::Request`] one way, a
//! [`crate::request::Response`] back, in turn, as often as the client likes. Who may open the socket file may use the log: it is private to
//! the owner of the data directory. Must never: be reachable from another machine.

pub mod client;
mod frame;
pub(crate) mod server;

use std::time::Duration;

pub use client::Client;
pub use server::MAX_CONNECTIONS;

/// Largest message. A batch of drafts, the largest request, holds up to 16 MiB with its seal and ciphertext, and a receipt 4 MiB.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;
/// Longest path that a Unix socket can have on Linux (`sun_path` is 108 bytes with its final zero).
const MAX_SOCKET_PATH: usize = 107;
/// A whole message must arrive and leave within this time: both ends are on one machine.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
