//! The views as the rest of the program holds them: start, wait, ask, rebuild, stop.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tabellion_ledger::Reader;

use crate::database;
use crate::digest::{self, ViewsDigest};
use crate::error::{ViewsError, WaitError};
use crate::gate::{Gate, GateCell};
use crate::past::Pasts;
use crate::pool::Pool;
use crate::projector::{Note, Projector, left};
use crate::query::facts::Kept;
use crate::rebuild::{self, Compared, Rebuilt};

/// The file in the data directory.
pub const VIEWS_FILE: &str = "views/views.sqlite";

/// The views of one log, kept up to date by a thread of their own. Dropping them stops it.
pub struct Views {
    shared: Arc<Shared>,
    projector: Option<JoinHandle<()>>,
}

impl Views {
    /// Opens the views of the log that `reader` reads, in the data directory `dir`, and starts to bring them up to date. Returns at once: until
    /// [`Self::wait_for`] has seen the log's size, lists are old and the gate is empty, so that everything is denied.
    pub fn start(reader: Reader, dir: &Path, note: Note) -> Result<Self, ViewsError> {
        let path = prepare(dir)?;
        let (db, cursors, notes) = database::open(&path, &reader)?;
        for line in &notes {
            note(line);
        }
        let pool = Arc::new(Pool::new(path.clone()));
        let shared = Arc::new(Shared {
            reader: reader.clone(),
            gate: Arc::new(GateCell::over(Arc::clone(&pool))),
            pool,
            kept: Mutex::default(),
            pasts: Pasts::default(),
            blanked: AtomicU64::new(0),
            state: Mutex::default(),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let projector = Projector::new(path.clone(), (db, cursors), reader, Arc::clone(&shared), note);
        let thread = thread::Builder::new().name("projector".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let ended = EndsWith(shared);
                projector.run();
                drop(ended);
            }
        });
        let thread = thread.map_err(|error| ViewsError::File {
            what: "start the projector's thread for",
            path: path.display().to_string(),
            error,
        })?;
        Ok(Self { shared, projector: Some(thread) })
    }

    /// Views in memory that were folded up to `position` and go no further.
    pub(crate) fn held(reader: Reader, db: Connection, position: u64) -> Self {
        let shared = Shared {
            reader,
            pool: Arc::new(Pool::held(db)),
            gate: Arc::new(GateCell::default()),
            kept: Mutex::default(),
            pasts: Pasts::default(),
            blanked: AtomicU64::new(0),
            state: Mutex::new(State { position, published: true, ..State::default() }),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared), projector: None }
    }

    /// Makes the file anew beside the old one and puts it in its place. Only while nothing else uses the directory: the caller holds its lock.
    pub fn rebuild(dir: &Path, reader: &Reader) -> Result<Rebuilt, ViewsError> {
        rebuild::beside(&prepare(dir)?, reader)
    }

    /// Compares the views in the data directory `dir`, if there are any, with what the log gives; for checks on demand, also beside a server. `reader`
    /// opens the log.
    pub fn compare<E: From<ViewsError>>(
        dir: &Path,
        reader: impl FnOnce() -> Result<Reader, E>,
    ) -> Result<Compared, E> {
        rebuild::compare(&dir.join(VIEWS_FILE), reader)
    }

    /// What a quick look at the views' file in `dir` finds wrong with it, without the log; `None`: nothing, or there is no file.
    pub fn look(dir: &Path) -> Option<String> {
        let path = dir.join(VIEWS_FILE);
        path.exists().then(|| database::look(&path)).flatten()
    }

    /// Rebuilds while running. Questions are answered from the rows of before until it is done; [`Self::wait_for`] waits meanwhile.
    pub fn rebuild_now(&self, until: Instant) -> Result<(), ViewsError> {
        self.shared.order_rebuild(until)
    }

    /// Entries folded and readable.
    pub fn position(&self) -> u64 {
        self.shared.state().position
    }

    /// Why the last attempt to read on failed, while that is so, or that a question found the file damaged.
    pub fn failure(&self) -> Option<String> {
        let state = self.shared.state();
        state.failure.clone().or_else(|| state.damage.clone())
    }

    /// Waits until `position` entries (a log size that an append was acknowledged at, or its index + 1) are folded, readable and in the gate.
    pub fn wait_for(&self, position: u64, until: Instant) -> Result<(), WaitError> {
        self.shared.wait_for(position, until)
    }

    /// Where the gateway finds the newest snapshot.
    pub fn gate(&self) -> Arc<GateCell> {
        Arc::clone(&self.shared.gate)
    }

    /// The newest snapshot itself.
    pub fn gate_now(&self) -> Arc<Gate> {
        self.shared.gate.load()
    }

    /// A digest of every row: equal for equal views, live or rebuilt. Reads everything; for tests and for checks on demand.
    pub fn digest(&self) -> Result<ViewsDigest, ViewsError> {
        self.ask(digest::of)
    }

    /// Ends the projector and waits for it.
    pub fn stop(mut self) {
        self.end();
    }

    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, ViewsError>,
    ) -> Result<T, ViewsError> {
        self.shared.pool.ask(question).inspect_err(|error| self.shared.asked_in_vain(error))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    fn end(&mut self) {
        // The projector's connection has to be the last one: a reading one could not put the write-ahead file away.
        self.shared.pool.renew();
        self.shared.stop.store(true, Ordering::Release);
        self.shared.changed.notify_all();
        if let Some(projector) = self.projector.take() {
            // A panic in it was reported by its own thread; the views are as they were committed.
            drop(projector.join());
        }
    }
}

impl Drop for Views {
    fn drop(&mut self) {
        self.end();
    }
}

/// The file's path, with its directory made: for the owner alone, since views hold what the vault encrypts.
fn prepare(dir: &Path) -> Result<PathBuf, ViewsError> {
    let path = dir.join(VIEWS_FILE);
    let parent = path.parent().unwrap_or(dir);
    DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|error| ViewsError::File {
        what: "make the directory",
        path: parent.display().to_string(),
        error,
    })?;
    Ok(path)
}

/// What the projector and those who ask share.
pub(crate) struct Shared {
    pub(crate) reader: Reader,
    pub(crate) pool: Arc<Pool>,
    pub(crate) gate: Arc<GateCell>,
    /// What answers about controls keep between each other.
    pub(crate) kept: Mutex<Kept>,
    /// Views of earlier sizes that were asked for lately.
    pub(crate) pasts: Pasts,
    /// Raised whenever content was blanked or rows were made anew, before whoever waits for it is woken.
    blanked: AtomicU64,
    stop: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    position: u64,
    /// The highest position that somebody has waited for.
    awaited: u64,
    published: bool,
    failure: Option<String>,
    /// What a question found: the file is damaged, and stays so until it is made anew.
    damage: Option<String>,
    ended: bool,
    rebuilds_wanted: u64,
    rebuilds_done: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    pub(crate) fn blanked(&self) {
        self.blanked.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn times_blanked(&self) -> u64 {
        self.blanked.load(Ordering::Acquire)
    }

    pub(crate) fn reached(&self, position: u64) {
        self.change(|state| {
            state.position = position;
            state.published = true;
            state.failure = None;
        });
    }

    pub(crate) fn has_reached(&self, position: u64) -> bool {
        let state = self.state();
        state.published && state.position >= position && state.failure.is_none()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn failed(&self, error: &ViewsError, ended: bool) {
        self.change(|state| {
            state.failure = Some(error.to_string());
            state.ended |= ended;
        });
    }

    /// Waits, or until somebody wants what is beyond `position`.
    pub(crate) fn gather(&self, position: u64, time: Duration) {
        let unhurried = |state: &mut State| {
            state.awaited <= position && state.rebuilds_wanted == state.rebuilds_done && !self.is_stopping()
        };
        drop(self.changed.wait_timeout_while(self.state(), time, unhurried));
    }

    /// Waits, or until the views are stopped.
    pub(crate) fn pause(&self, time: Duration) {
        let running = |_: &mut State| !self.is_stopping();
        drop(self.changed.wait_timeout_while(self.state(), time, running));
    }

    pub(crate) fn rebuild_wanted(&self) -> Option<u64> {
        let state = self.state();
        (state.rebuilds_wanted > state.rebuilds_done).then_some(state.rebuilds_wanted)
    }

    pub(crate) fn rebuilt(&self, wanted: u64) {
        self.change(|state| {
            state.rebuilds_done = wanted;
            state.damage = None;
        });
    }

    /// A question could not be answered. Where the file is the reason, no other start is to take it for good.
    fn asked_in_vain(&self, error: &ViewsError) {
        let ViewsError::Database(cause) = error else { return };
        if database::is_damage(cause) && self.state().damage.is_none() {
            if let Some(path) = self.pool.path() {
                database::mark_damaged(path);
            }
            let text = format!(
                "the views' file is damaged: {cause}. Start again, and they are made anew from the log"
            );
            self.change(|state| state.damage = Some(text));
        }
    }

    fn order_rebuild(&self, until: Instant) -> Result<(), ViewsError> {
        let mut state = self.state();
        state.rebuilds_wanted += 1;
        self.changed.notify_all();
        let wanted = state.rebuilds_wanted;
        let waiting = |state: &mut State| state.rebuilds_done < wanted && !state.ended;
        let (state, _) = self
            .changed
            .wait_timeout_while(state, left(until), waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if state.rebuilds_done >= wanted {
            return Ok(());
        }
        let failure = state.failure.clone();
        Err(ViewsError::Stopped(failure.unwrap_or_else(|| "the rebuild is still under way".to_owned())))
    }

    fn wait_for(&self, position: u64, until: Instant) -> Result<(), WaitError> {
        let waiting = |state: &mut State| state.position < position && !state.ended;
        let mut state = self.state();
        if state.awaited < position {
            state.awaited = position;
            self.changed.notify_all();
        }
        let (state, _) = self
            .changed
            .wait_timeout_while(state, left(until), waiting)
            .unwrap_or_else(PoisonError::into_inner);
        let (reached, failure) = (state.position, state.failure.clone());
        if reached >= position {
            return Ok(());
        }
        if state.ended {
            let failure = failure.unwrap_or_else(|| "its thread has ended".to_owned());
            return Err(WaitError::Stopped { reached, failure });
        }
        Err(WaitError::Late { reached, wanted: position, failure })
    }
}

/// Tells those who wait that the projector's thread is gone, however it went.
struct EndsWith(Arc<Shared>);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}
