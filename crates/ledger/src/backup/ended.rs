//! Backups whose day is over: their keys are destroyed, once it is certain that the day has come.
//!
//! Promises: a clock that was set ahead ends no backup; that keys stay because of it is told. Must never: take it from the clock alone that a stretch of time has passed that is long against
//! what the backup had.

use tabellion_model::Micros;

use crate::erase::clock::ClockDoubt;
use crate::error::LedgerError;
use crate::keyring::{destroy_backup_key, ended_backup_keys};
use crate::reader::Reader;

/// Shortest stretch without a record that makes the clock doubted: a weekend's.
const LEAST_UNSEEN_US: u64 = 2 * 86_400 * 1_000_000;

/// What became of backups whose day is over by the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EndedBackups {
    /// How many keys were destroyed.
    pub(crate) gone: usize,
    /// How many stay because the clock is in doubt.
    pub(crate) staying: usize,
    /// Why.
    pub(crate) doubt: Option<ClockDoubt>,
}

impl EndedBackups {
    /// What the operator is told; nothing where nothing ended.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.gone > 0 {
            lines.push(format!("the content of {} backups can no longer be read, by their day", self.gone));
        }
        if let Some(doubt) = &self.doubt {
            lines.push(format!(
                "the keys of {} backups stay although their day is over by this machine's clock: {doubt} [clock_in_doubt]",
                self.staying
            ));
        }
        lines
    }
}

impl Reader {
    /// Destroys the keys of backups whose day is over. A key stays while there is a stretch since it was made, of more than half of the time that it was made for, of which the clock alone says
    /// that it has passed ([`crate::erase`]).
    pub(crate) fn end_backups(&self) -> Result<EndedBackups, LedgerError> {
        let disk = self.shared.disk.as_ref();
        let unavailable = |error: crate::error::OpenError| LedgerError::Unavailable(error.to_string());
        let now = self.shared.clock.now();
        let mut ended = EndedBackups::default();
        for key in ended_backup_keys(disk, now).map_err(unavailable)? {
            let doubt = match key.lived {
                Some((from, until)) => {
                    let most = (until.since(from) / 2).max(LEAST_UNSEEN_US);
                    self.unvouched(from, now, most)?
                }
                // It was overwritten, and its file not removed, because the process died between the two.
                None => None,
            };
            if doubt.is_some() {
                (ended.staying, ended.doubt) = (ended.staying + 1, doubt);
            } else {
                destroy_backup_key(disk, &key.path).map_err(unavailable)?;
                ended.gone += 1;
            }
        }
        Ok(ended)
    }

    /// The first stretch of more than `most` microseconds between `from` and `now` of which nothing but the clock says that it has passed.
    fn unvouched(&self, from: Micros, now: Micros, most: u64) -> Result<Option<ClockDoubt>, LedgerError> {
        self.unseen(self.vouched(from)?, now, most)
    }
}
