//! Conversations in real time: no opening opens them.
//!
//! A socket that is switched to another protocol carries sound and text both ways without an end that a record could wait for, and a secret for a client lets
//! one past the gateway altogether. Both are refused under a code of their own, so that nobody looks for a mistake in their address.

/// Where they begin.
pub(super) const PATHS: [&str; 2] = ["/v1/realtime", "/v1/live"];
