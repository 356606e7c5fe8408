//! What waits for the committer: appends and the few operations that go alone.
//!
//! Promises: order of arrival is kept; at most [`QUEUE_GROUPS`] wait and whoever sends more blocks, so memory stays bounded; every append that was
//! accepted is answered, also when the committer ends.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tabellion_model::VaultKeyId;

use crate::commit::{Group, GroupResult};
use crate::error::LedgerError;
use crate::stage::Item;

/// Groups that may wait. Beyond it `submit` blocks: memory stays bounded at about this many drafts.
const QUEUE_GROUPS: usize = 8192;

/// Called once, from the committer's thread, when the outcome is durable or refused. It must not block.
pub type Done = Box<dyn FnOnce(GroupResult) + Send>;

/// A message to the committer's thread.
pub(crate) enum Command {
    /// Append a group.
    Append { group: Group, done: Done },
    /// Append an erasure order and then destroy the keys it names.
    Destroy { order: Item, keys: Vec<VaultKeyId>, done: Done },
    /// Close the own epoch and end.
    Close { done: Box<dyn FnOnce(Result<(), LedgerError>) + Send> },
}

impl Command {
    /// Answers that nothing more is recorded.
    fn refuse(self) {
        let error = LedgerError::Fatal("the ledger is closed; nothing more is recorded".to_owned());
        match self {
            Self::Append { done, .. } | Self::Destroy { done, .. } => done(Err(error)),
            Self::Close { done } => done(Err(error)),
        }
    }
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Command>,
    /// Nobody can send any more.
    hung_up: bool,
    /// Nobody takes any more.
    ended: bool,
    /// Something happened that the committer may wait for: a command, a batch that landed, the end of the senders.
    news: bool,
}

#[derive(Default)]
struct Line {
    waiting: Mutex<Waiting>,
    news: Condvar,
    room: Condvar,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.lock().news = true;
        self.news.notify_one();
    }
}

/// The sending side; dropping it ends the committer once the queue is empty.
pub(crate) struct Sender(Arc<Line>);

/// The committer's side; dropping it refuses whatever still waits.
pub(crate) struct Inbox(Arc<Line>);

/// Makes a queue.
pub(crate) fn queue() -> (Sender, Inbox) {
    let line = Arc::new(Line::default());
    (Sender(Arc::clone(&line)), Inbox(line))
}

impl Sender {
    /// Puts a command at the end; blocks while the queue is full.
    pub(crate) fn send(&self, command: Command) {
        let full = |waiting: &mut Waiting| waiting.commands.len() >= QUEUE_GROUPS && !waiting.ended;
        let mut waiting = self.0.room.wait_while(self.0.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if waiting.ended {
            drop(waiting);
            return command.refuse();
        }
        waiting.commands.push_back(command);
        let asleep = !std::mem::replace(&mut waiting.news, true);
        drop(waiting);
        if asleep {
            self.0.news.notify_one();
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.lock().hung_up = true;
        self.0.tell();
    }
}

impl Inbox {
    /// Waits until something has happened since the last call. `false`: nobody can send any more and nothing waits.
    pub(crate) fn wait(&self) -> bool {
        let mut waiting = self
            .0
            .news
            .wait_while(self.0.lock(), |waiting| !waiting.news)
            .unwrap_or_else(PoisonError::into_inner);
        // The end of the senders stays news for ever.
        waiting.news = waiting.hung_up;
        !(waiting.hung_up && waiting.commands.is_empty())
    }

    /// Moves everything that waits to the end of `to`.
    pub(crate) fn take(&self, to: &mut VecDeque<Command>) {
        let mut waiting = self.0.lock();
        if waiting.commands.is_empty() {
            return;
        }
        let was_full = waiting.commands.len() >= QUEUE_GROUPS;
        if to.is_empty() {
            std::mem::swap(to, &mut waiting.commands);
        } else {
            to.append(&mut waiting.commands);
        }
        drop(waiting);
        if was_full {
            self.0.room.notify_all();
        }
    }

    /// Something to call from another thread when the committer has reason to look.
    pub(crate) fn bell(&self) -> impl Fn() + Send + 'static {
        let line = Arc::clone(&self.0);
        move || line.tell()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.ended = true;
        let left = std::mem::take(&mut waiting.commands);
        drop(waiting);
        self.0.room.notify_all();
        left.into_iter().for_each(Command::refuse);
    }
}
