//! The committer's thread: takes what waits, commits it as one batch, answers, takes the next.
//!
//! Commits at once when idle; while one batch is being written and synced the next one gathers in the queue, so the batch size follows the
//! load by itself and there is no timer. The thread owns the [`Committer`]; everybody else sends it messages.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use tabellion_model::VaultKeyId;

use crate::commit::{Committer, Group, GroupOutcome, GroupResult};
use crate::error::LedgerError;
use crate::stage::Item;
use crate::wal::batch::MAX_BATCH_ENTRIES;

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

/// The sending side and the thread.
pub(crate) struct Queue {
    pub(crate) sender: SyncSender<Command>,
    pub(crate) thread: JoinHandle<()>,
}

/// Starts the thread.
pub(crate) fn start(committer: Committer) -> std::io::Result<Queue> {
    let (sender, receiver) = sync_channel(QUEUE_GROUPS);
    let thread =
        thread::Builder::new().name("committer".to_owned()).spawn(move || run(committer, &receiver))?;
    Ok(Queue { sender, thread })
}

struct Waiting {
    groups: VecDeque<Group>,
    dones: VecDeque<Done>,
    /// A message that may only be handled when everything before it is committed.
    barrier: Option<Command>,
}

fn run(mut committer: Committer, receiver: &Receiver<Command>) {
    let mut waiting = Waiting { groups: VecDeque::new(), dones: VecDeque::new(), barrier: None };
    loop {
        let open = gather(&mut waiting, receiver);
        commit_waiting(&mut committer, &mut waiting);
        if !waiting.groups.is_empty() {
            continue;
        }
        match waiting.barrier.take() {
            None | Some(Command::Append { .. }) => {}
            Some(Command::Destroy { order, keys, done }) => done(committer.destroy(order, &keys)),
            Some(Command::Close { done }) => return done(committer.close()),
        }
        if !open {
            return;
        }
    }
}

/// Waits for work when there is none, then takes what else is there. `false`: nobody can send any more.
fn gather(waiting: &mut Waiting, receiver: &Receiver<Command>) -> bool {
    if waiting.groups.is_empty() && waiting.barrier.is_none() {
        match receiver.recv() {
            Ok(command) => take(waiting, command),
            Err(_) => return false,
        }
    }
    while waiting.barrier.is_none() && waiting.groups.len() < MAX_BATCH_ENTRIES {
        match receiver.try_recv() {
            Ok(command) => take(waiting, command),
            Err(TryRecvError::Empty) => break,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
    true
}

fn take(waiting: &mut Waiting, command: Command) {
    match command {
        Command::Append { group, done } => {
            waiting.groups.push_back(group);
            waiting.dones.push_back(done);
        }
        barrier => waiting.barrier = Some(barrier),
    }
}

fn commit_waiting(committer: &mut Committer, waiting: &mut Waiting) {
    if waiting.groups.is_empty() {
        return;
    }
    let outcomes = committer.commit(waiting.groups.make_contiguous());
    let groups = std::mem::take(&mut waiting.groups);
    let dones = std::mem::take(&mut waiting.dones);
    for ((group, done), outcome) in groups.into_iter().zip(dones).zip(outcomes) {
        match outcome {
            GroupOutcome::Answered(result) => done(result),
            GroupOutcome::Waits => {
                waiting.groups.push_back(group);
                waiting.dones.push_back(done);
            }
        }
    }
}
