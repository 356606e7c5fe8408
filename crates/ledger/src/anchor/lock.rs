//! One process at a time asks the anchors: a server, or a command while there is none.
//!
//! Not the log's lock, so that a service that stalls never keeps a server from starting.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::outbox::ANCHOR_DIR;
use crate::error::OpenError;
use crate::lock::DirLock;

/// Holds the outboxes below a data directory until dropped.
#[derive(Debug)]
pub struct OutboxLock(#[expect(dead_code, reason = "held for its drop")] DirLock);

impl OutboxLock {
    /// Takes the lock of the outboxes below the data directory `dir`.
    pub fn acquire(dir: &Path) -> Result<Self, OpenError> {
        let outboxes = dir.join(ANCHOR_DIR);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&outboxes)
            .map_err(OpenError::io("create", &outboxes.display().to_string()))?;
        DirLock::acquire(&outboxes).map(Self).map_err(|error| match error {
            OpenError::Locked(_) => OpenError::Locked(format!(
                "another process asks the anchors of {} now; its answers are kept, and asking goes on when it ends",
                dir.display()
            )),
            other => other,
        })
    }
}
