//! What can go wrong with a view. Nothing here loses anything: a view can always be made again from the log.

use tabellion_ledger::LedgerError;

/// Why a view cannot be opened, brought up to date, rebuilt or read.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// The views' database failed: a full or read-only disk, or a damaged file.
    #[error(
        "the views' database failed: {0}. Free space or repair the disk; tabellion rebuild makes the file anew from the log"
    )]
    Database(#[from] rusqlite::Error),
    /// A file of the views could not be made, moved or removed.
    #[error("cannot {what} {path}: {error}")]
    File {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The log could not be read.
    #[error("the views cannot read the log: {0}")]
    Log(#[from] LedgerError),
    /// A record changes what others mean, and this version does not know how.
    #[error(
        "entry {index} is a {record_type} record of version {type_version}: it is critical and not known here, so the views stop before it. Run the \
         version of tabellion that wrote it"
    )]
    UnknownCritical {
        /// The entry.
        index: u64,
        /// Its type.
        record_type: String,
        /// Its type's version.
        type_version: u32,
    },
    /// A known record does not say what its type must say.
    #[error("entry {index} cannot be folded: {reason}. Run tabellion fsck")]
    Malformed {
        /// The entry.
        index: u64,
        /// What is wrong.
        reason: String,
    },
    /// All connections for reading are in use.
    #[error("too many questions are being answered at once; ask again")]
    Busy,
    /// The projector has ended or never took the request.
    #[error("the projector has ended: {0}")]
    Stopped(String),
}

impl ViewsError {
    /// Whether trying again cannot help until somebody changes something.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::UnknownCritical { .. } | Self::Malformed { .. } | Self::Log(LedgerError::Fatal(_))
        )
    }
}

/// Why a view did not reach a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// It is on its way, or its last attempt failed.
    #[error("the views have read {reached} of {wanted} entries in the time given{}", because(failure.as_deref()))]
    Late {
        /// Entries folded.
        reached: u64,
        /// Entries asked for.
        wanted: u64,
        /// What the last attempt failed with.
        failure: Option<String>,
    },
    /// The projector does not read on.
    #[error("the views stopped at {reached} entries: {failure}")]
    Stopped {
        /// Entries folded.
        reached: u64,
        /// Why.
        failure: String,
    },
}

fn because(failure: Option<&str>) -> String {
    failure.map(|failure| format!("; the last attempt failed: {failure}")).unwrap_or_default()
}
