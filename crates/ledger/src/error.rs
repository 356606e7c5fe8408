//! What can go wrong with the ledger, in three kinds that are never mixed.
//!
//! `Rejected`: the caller's fault, nothing was appended, has a stable code. `Unavailable`: nothing was appended, the same request may
//! succeed later; `Full` is that of a full disk. `Fatal`: the state on disk is unknown; the process must end and recover at its next start.

use std::io;

/// Stable codes of a refused request. They are part of the API: never renamed, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectCode {
    /// The record, statement or draft is not of the form that docs/formats.md asks for.
    Malformed,
    /// The record does not fit into one entry or one batch.
    TooLarge,
    /// The idempotency key was used for another request.
    IdempotencyConflict,
    /// The idempotency key was used, but its content is erased: equality can no longer be told.
    IdempotencyErased,
    /// The stream is not at the expected version.
    StreamConflict,
    /// The statement's numbers do not continue its producer's epoch.
    SequenceConflict,
    /// The signer's key is not in force.
    KeyNotInForce,
    /// The system was deleted, or its deletion is under way.
    SystemGone,
    /// A legal hold forbids the erasure.
    OnHold,
    /// This machine's clock is all that says that content is over its time.
    ClockInDoubt,
    /// It takes two people, and this is one.
    SecondPerson,
    /// What was asked for does not exist.
    NotFound,
}

impl RejectCode {
    /// The code as it appears in answers and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::IdempotencyErased => "idempotency_erased",
            Self::StreamConflict => "stream_conflict",
            Self::SequenceConflict => "sequence_conflict",
            Self::KeyNotInForce => "key_not_in_force",
            Self::SystemGone => "system_gone",
            Self::OnHold => "on_hold",
            Self::ClockInDoubt => "clock_in_doubt",
            Self::SecondPerson => "second_person",
            Self::NotFound => "not_found",
        }
    }

    /// The HTTP status that says the same.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::KeyNotInForce | Self::SecondPerson => 403,
            Self::NotFound => 404,
            Self::IdempotencyConflict
            | Self::IdempotencyErased
            | Self::StreamConflict
            | Self::SequenceConflict
            | Self::OnHold
            | Self::ClockInDoubt => 409,
            Self::SystemGone => 410,
            Self::TooLarge => 413,
        }
    }
}

/// Why an append (or an erasure, a rotation …) did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The caller's fault; nothing was appended.
    #[error("{detail} [{}]", code.as_str())]
    Rejected {
        /// Stable code.
        code: RejectCode,
        /// What failed, on what, what to do.
        detail: String,
    },
    /// Nothing was appended; trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// Nothing was appended: the disk is full. The same request succeeds once there is space; nobody needs to start anything.
    #[error("{0}")]
    Full(String),
    /// Nothing was appended: an erasure destroyed a key between sealing and committing. [`crate::Ledger::append`] seals again by itself.
    #[error("the content's key was destroyed by an erasure meanwhile; seal the record again")]
    SealAgain,
    /// The state on disk is unknown; the process must end.
    #[error("{0}")]
    Fatal(String),
}

impl LedgerError {
    /// A refusal with its code.
    pub fn rejected(code: RejectCode, detail: impl Into<String>) -> Self {
        Self::Rejected { code, detail: detail.into() }
    }

    /// The code, when this is a refusal.
    pub fn code(&self) -> Option<RejectCode> {
        match self {
            Self::Rejected { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub(crate) fn fatal_io(what: &str, error: &io::Error) -> Self {
        Self::Fatal(format!(
            "{what}: {error}. The ledger stops here, because what is on disk is no longer known; start again to recover"
        ))
    }
}

/// Why a directory was not opened. Every text names what, where and the way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk refused an operation.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path, relative to the data directory.
        path: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Committed data is damaged, missing or contradicts itself.
    #[error("{0}")]
    Corrupt(String),
    /// The directory, the configuration or a key belongs to something else.
    #[error("{0}")]
    Mismatch(String),
    /// Another process holds the directory.
    #[error("{0}")]
    Locked(String),
}

impl OpenError {
    pub(crate) fn io(action: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
