//! The projector: one plain thread that owns the writing connection and keeps the views at the end of the log.
//!
//! Promises: whoever waits for a position is woken once it is readable and the gateway's snapshot has it; what failed is tried again until it
//! succeeds, unless trying again cannot help. Must never: be waited for by a question, or write anything but what it read from the log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tabellion_ledger::Reader;

use crate::database::{self, Cursor};
use crate::error::ViewsError;
use crate::fold::{self, Touched};
use crate::gate::{self, Gate};
use crate::projection;
use crate::read::{self, Batch};
use crate::views::Shared;

/// Takes lines for the operator.
pub type Note = Arc<dyn Fn(&str) + Send + Sync>;

/// Entries in one transaction when catching up: a few MiB of rows, and a stop is heard within a fraction of a second.
const STEP_ENTRIES: u64 = 8192;
/// Longest wait for the log to grow: how late a stop or a wish to rebuild is heard.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long records gather before they are folded while nobody waits for them: under load a transaction for each commit of the log would cost
/// more than the rows in it.
const GATHER: Duration = Duration::from_millis(50);
/// Wait before what failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

pub(crate) struct Projector {
    path: PathBuf,
    db: Option<(Connection, Vec<Cursor>)>,
    reader: Reader,
    shared: Arc<Shared>,
    note: Note,
    /// What was committed since the last snapshot.
    pending: Touched,
    /// The last notes about the gate, so that each is told once.
    told: Vec<String>,
}

impl Projector {
    pub(crate) fn new(
        path: PathBuf,
        db: (Connection, Vec<Cursor>),
        reader: Reader,
        shared: Arc<Shared>,
        note: Note,
    ) -> Self {
        // Whoever ran before may have ended between a commit and the snapshot or the scrubbing that it called for.
        let pending = Touched { gate: true, spend: true, blanked: true };
        Self { path, db: Some(db), reader, shared, note, pending, told: Vec::new() }
    }

    /// Runs until it is told to stop, or cannot go on.
    pub(crate) fn run(mut self) {
        while !self.shared.is_stopping() {
            match self.turn() {
                Ok(reached) => {
                    self.shared.gather(reached, GATHER);
                    self.reader.wait_for_more(reached, PATIENCE);
                }
                Err(ViewsError::Stopped(_)) => {}
                Err(error) => {
                    (self.note)(&format!("views: {error}"));
                    let is_final = error.is_final();
                    self.shared.failed(&error, is_final);
                    if is_final {
                        return;
                    }
                    // The connection's state and the cursors in memory are unknown now; the file's are not.
                    self.db = None;
                    self.pending = Touched { gate: true, spend: true, blanked: true };
                    self.shared.pause(RETRY_AFTER);
                }
            }
        }
    }

    /// Brings the views to the end of the log as it is now; gives the position reached.
    fn turn(&mut self) -> Result<u64, ViewsError> {
        let (db, mut cursors) = match self.db.take() {
            Some(open) => open,
            None => self.open()?,
        };
        let wanted = self.shared.rebuild_wanted();
        if wanted.is_some() {
            cursors = replay(&db, &self.reader, &self.shared)?;
            self.pending = Touched { gate: true, spend: true, blanked: true };
            (self.note)(&format!("all views were rebuilt from {} entries", fold::position(&cursors)));
        }
        self.catch_up(&db, &mut cursors)?;
        let position = fold::position(&cursors);
        if self.pending.gate || self.pending.spend || !self.shared.has_reached(position) {
            self.publish(&db, position)?;
        }
        if let Some(wanted) = wanted {
            self.shared.rebuilt(wanted);
        }
        if self.pending.blanked {
            self.pending.blanked = !scrub(&db)?;
        }
        self.db = Some((db, cursors));
        Ok(position)
    }

    fn open(&self) -> Result<(Connection, Vec<Cursor>), ViewsError> {
        let (db, cursors, notes) = database::open(&self.path, &self.reader)?;
        // The file may be another one now.
        self.shared.pool.renew();
        for line in &notes {
            (self.note)(line);
        }
        Ok((db, cursors))
    }

    /// Folds what the log has now beyond the cursors, a transaction for every [`STEP_ENTRIES`]. Nothing is published in between: a key that the
    /// next step revokes must not work for a moment.
    fn catch_up(&mut self, db: &Connection, cursors: &mut Vec<Cursor>) -> Result<(), ViewsError> {
        let (from, size) = (fold::position(cursors), self.reader.size());
        if from >= size {
            return Ok(());
        }
        let mut step = Step::begin(db, cursors)?;
        let (shared, pending) = (&self.shared, &mut self.pending);
        read::batches(&self.reader, from, size, |batch| {
            if step.is_full() {
                pending.add(step.commit(cursors)?);
                step = Step::begin(db, cursors)?;
            }
            if shared.is_stopping() {
                return Err(ViewsError::Stopped("it was told to".to_owned()));
            }
            step.fold(&batch)
        })?;
        pending.add(step.commit(cursors)?);
        Ok(())
    }

    /// Publishes the snapshot of `position`, then wakes whoever waits for it: in this order, so that an answer after a revocation is true.
    fn publish(&mut self, db: &Connection, position: u64) -> Result<(), ViewsError> {
        if self.pending.blanked {
            self.shared.blanked();
        }
        let before = self.shared.gate.load();
        let gate = if self.pending.gate {
            let (gate, notes) = gate::load(db, &self.reader, position, &before)?;
            notes.iter().filter(|line| !self.told.contains(line)).for_each(|line| (self.note)(line));
            self.told = notes;
            gate
        } else if self.pending.spend {
            gate::load_spend(db, position, &before)?
        } else {
            Gate { position, ..Gate::clone(&before) }
        };
        self.shared.gate.store(gate);
        self.pending.gate = false;
        self.pending.spend = false;
        self.shared.reached(position);
        Ok(())
    }
}

/// One transaction of a catch-up. Cursors in memory move only when it is committed.
struct Step<'a> {
    tx: Option<Transaction<'a>>,
    cursors: Vec<Cursor>,
    from: u64,
    touched: Touched,
}

impl<'a> Step<'a> {
    fn begin(db: &'a Connection, cursors: &[Cursor]) -> Result<Self, ViewsError> {
        Ok(Self {
            tx: Some(Transaction::new_unchecked(db, TransactionBehavior::Immediate)?),
            cursors: cursors.to_vec(),
            from: fold::position(cursors),
            touched: Touched::default(),
        })
    }

    fn fold(&mut self, batch: &Batch) -> Result<(), ViewsError> {
        if let Some(tx) = &self.tx {
            self.touched.add(fold::batch(tx, &mut self.cursors, batch)?);
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        fold::position(&self.cursors) - self.from >= STEP_ENTRIES
    }

    fn commit(&mut self, cursors: &mut Vec<Cursor>) -> Result<Touched, ViewsError> {
        if let Some(tx) = self.tx.take() {
            fold::save(&tx, &self.cursors)?;
            tx.commit()?;
            cursors.clone_from(&self.cursors);
        }
        Ok(self.touched)
    }
}

/// Everything from entry 0, in one transaction: questions see the rows of before until all of it is there.
fn replay(db: &Connection, reader: &Reader, shared: &Shared) -> Result<Vec<Cursor>, ViewsError> {
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    let mut cursors = Vec::new();
    for projection in projection::ALL {
        database::drop_view(&tx, projection.name)?;
        database::make(&tx, projection)?;
        cursors.push(Cursor { position: 0, seal: None });
    }
    read::batches(reader, 0, reader.size(), |batch| {
        if shared.is_stopping() {
            return Err(ViewsError::Stopped("it was told to".to_owned()));
        }
        fold::batch(&tx, &mut cursors, &batch).map(drop)
    })?;
    fold::save(&tx, &cursors)?;
    tx.commit()?;
    Ok(cursors)
}

/// Empties the write-ahead file, where blanked content would otherwise stand until it is written over. False when a question is still reading
/// from it.
fn scrub(db: &Connection) -> Result<bool, ViewsError> {
    db.busy_timeout(Duration::ZERO)?;
    let busy: rusqlite::Result<i64> = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    db.busy_timeout(database::LOCK_WAIT)?;
    Ok(busy? == 0)
}

/// The time left until `until`.
pub(crate) fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
