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
    /// Append an erasure order, with what comes before it in the same batch, and then destroy the keys it names.
    Destroy { order: Vec<Item>, keys: Vec<VaultKeyId>, done: Done },
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
    /// A batch has landed since the committer last waited.
    landed: bool,
    /// So many commands are worth waking the committer for; 0 while it is awake.
    wanted: usize,
}

impl Waiting {
    fn has_nothing(&self) -> bool {
        !self.landed && !self.hung_up && self.commands.len() < self.wanted
    }

    /// The committer is awake; whether it has reason to be.
    fn woken(&mut self) -> bool {
        (self.landed, self.wanted) = (false, 0);
        !(self.hung_up && self.commands.is_empty())
    }
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
        self.lock().landed = true;
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
        // Woken once, when there is as much as it waits for: to wake it for each command costs more than the command.
        let enough = waiting.commands.len() == waiting.wanted;
        drop(waiting);
        if enough {
            self.0.news.notify_one();
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.lock().hung_up = true;
        self.0.news.notify_one();
    }
}

impl Inbox {
    /// Waits until `wanted` commands wait or a batch has landed since the last call. `false`: nobody can send any more and nothing waits.
    pub(crate) fn wait(&self, wanted: usize) -> bool {
        let mut waiting = self.0.lock();
        waiting.wanted = wanted.max(1);
        let nothing = |waiting: &mut Waiting| waiting.has_nothing();
        let mut waiting = self.0.news.wait_while(waiting, nothing).unwrap_or_else(PoisonError::into_inner);
        waiting.woken()
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

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn command() -> Command {
        Command::Close { done: Box::new(drop) }
    }

    /// Every command is in time to wake whoever waits for exactly so many; a wake that is lost hangs this test.
    #[test]
    fn the_committer_wakes_when_there_is_enough() {
        const TURNS: usize = 2000;
        for wanted in [1, 3] {
            let (sender, inbox) = queue();
            thread::scope(|scope| {
                scope.spawn(|| (0..TURNS * wanted).for_each(|_| sender.send(command())));
                let (mut taken, mut to) = (0, VecDeque::new());
                while taken < TURNS * wanted {
                    let missing = (TURNS * wanted - taken).min(wanted);
                    assert!(inbox.wait(missing), "appends would be refused while somebody sends them");
                    inbox.take(&mut to);
                    assert!(to.len() >= missing, "the committer would be woken for every single append");
                    taken += to.len();
                    to.clear();
                }
            });
        }
    }

    #[test]
    fn a_batch_that_landed_and_the_end_wake_too() {
        let (sender, inbox) = queue();
        sender.send(command());
        inbox.bell()();
        assert!(inbox.wait(2), "answers would wait for the next append");
        drop(sender);
        assert!(inbox.wait(2), "what waits at the end would be lost");
        inbox.take(&mut VecDeque::new());
        assert!(!inbox.wait(2), "a ledger that is closed would never end");
    }
}
