//! A witness (C2SP tlog-witness): cosigns the checkpoints of logs that it knows, each only when it extends the one before.
//!
//! Promises: of one log it never cosigns two roots for one size, nor a smaller size after a larger one, whatever crashes or comes at the same
//! time; what it says is durable before it says it. Must never: hold or read a log of its own, or cosign for a log that nobody configured.

pub(crate) mod identity;
pub(crate) mod judge;
pub(crate) mod logs;
pub(crate) mod server;
pub(crate) mod state;
