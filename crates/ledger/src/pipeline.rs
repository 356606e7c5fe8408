//! The committer's thread: stages what waits, writes it as one batch, and stages the next one meanwhile.
//!
//! Commits at once when idle. While a batch is being written the next one gathers; it is staged and sealed when it has become as large as the one
//! before it, when it is full, or when the disk is free: so the batch size follows the load by itself. The thread owns the [`Committer`]; everybody else sends it commands.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use crate::batch_io::BatchIo;
use crate::commit::{Answer, Committer, Flight, Group, Sealed, refuse};
use crate::error::LedgerError;
use crate::place::GroupPlaced;
use crate::queue::{Command, Done, Inbox};
use crate::stage::Staging;
use crate::state::LogState;

/// Commands that are staged at a time while they gather: staging them takes a tenth of a millisecond, which the disk would wait for at the end.
const STAGED_AT_ONCE: usize = 64;

/// What the committer has taken from the queue and not yet placed.
#[derive(Default)]
pub(crate) struct Line {
    /// Must wait until a batch has landed; first of all when it has.
    later: VecDeque<(Group, Done)>,
    commands: VecDeque<Command>,
}

impl Line {
    /// A line of one group.
    pub(crate) fn of(group: Group, done: Done) -> Self {
        Self { later: VecDeque::from([(group, done)]), commands: VecDeque::new() }
    }

    /// The next group, unless a command that goes alone is before it.
    fn next(&mut self) -> Option<(Group, Done)> {
        if let Some(first) = self.later.pop_front() {
            return Some(first);
        }
        match self.commands.pop_front()? {
            Command::Append { group, done } => Some((group, done)),
            alone => {
                self.commands.push_front(alone);
                None
            }
        }
    }

    /// Whether no group can be placed before a command that goes alone.
    fn is_blocked(&self) -> bool {
        self.later.is_empty() && !matches!(self.commands.front(), None | Some(Command::Append { .. }))
    }

    /// Groups and commands in it.
    fn len(&self) -> usize {
        self.later.len() + self.commands.len()
    }

    /// Whether there is a group to place.
    fn has_group(&self) -> bool {
        !self.later.is_empty() || matches!(self.commands.front(), Some(Command::Append { .. }))
    }
}

/// Starts the thread. `threaded`: batches are written by another one.
pub(crate) fn start(
    mut committer: Committer,
    inbox: Inbox,
    threaded: bool,
) -> std::io::Result<JoinHandle<()>> {
    if threaded {
        committer.io = BatchIo::thread(inbox.bell())?;
    }
    thread::Builder::new().name("committer".to_owned()).spawn(move || run(committer, &inbox))
}

fn run(mut committer: Committer, inbox: &Inbox) {
    let mut line = Line::default();
    while inbox.wait(1) {
        inbox.take(&mut line.commands);
        while !line.commands.is_empty() {
            committer.pump(&mut line, Some(inbox));
            match line.commands.pop_front() {
                None => {}
                Some(Command::Destroy { order, keys, done }) => done(committer.destroy(order, &keys)),
                Some(Command::Close { done }) => return done(committer.close()),
                Some(append @ Command::Append { .. }) => line.commands.push_front(append),
            }
        }
    }
}

impl Committer {
    /// Commits until no group is left in the line; takes more from the inbox while a batch is being written.
    pub(crate) fn pump(&mut self, line: &mut Line, inbox: Option<&Inbox>) {
        let mut flight: Option<Flight> = None;
        loop {
            if let (Some(flying), Some(inbox)) = (&flight, inbox) {
                self.gather(line, inbox, flying);
            }
            let staged = self.stage(line, inbox, flight.as_ref());
            let landing = flight.take().map(|flight| (flight, self.io.wait()));
            if let Some(Err(error)) = landing.as_ref().map(|(_, written)| &written.result) {
                self.note(error);
            }
            // First back to work with the disk, then the answers.
            let next = staged.and_then(|(sealed, answers)| self.dispatch(sealed, answers));
            if let Some((landed, written)) = landing {
                self.land(landed, written);
            }
            flight = next;
            if flight.is_none() && !line.has_group() {
                return;
            }
        }
    }

    /// Waits until there is as much to write as is being written, or that has landed.
    fn gather(&mut self, line: &mut Line, inbox: &Inbox, flight: &Flight) {
        let entries = flight.entries();
        if !self.io.is_done() && line.len() < entries {
            inbox.wait((entries - line.len()).min(STAGED_AT_ONCE));
            inbox.take(&mut line.commands);
        }
    }

    /// Stages and seals what is there, on top of the batch in the air. `None`: there is nothing to write.
    fn stage(
        &mut self,
        line: &mut Line,
        inbox: Option<&Inbox>,
        flight: Option<&Flight>,
    ) -> Option<(Sealed, Vec<Answer>)> {
        let ahead = match flight {
            None => None,
            Some(flight) => Some(flight.ahead()?),
        };
        let tight = match self.alive().and_then(|()| self.check_room()) {
            Ok(tight) => tight,
            Err(error) => return self.refuse_all(line, &error),
        };
        let shared = Arc::clone(&self.shared);
        let state = shared.state.read().unwrap_or_else(PoisonError::into_inner);
        let buffer = std::mem::take(&mut self.buffer);
        let mut staging = Staging::new(&state, ahead, &shared, buffer);
        if let Err(error) = self.open_epoch(&state, &mut staging) {
            return self.refuse_all(line, &error);
        }
        let own_entries = staging.entries.len();
        let mut answers = Vec::new();
        let mut later = VecDeque::new();
        loop {
            let full = !self.place_waiting(&state, &mut staging, line, &mut later, &mut answers, tight);
            let Some(flight) = flight else { break };
            if full || line.is_blocked() || self.io.is_done() {
                break;
            }
            let Some(inbox) = inbox else { break };
            inbox.take(&mut line.commands);
            if line.commands.is_empty() {
                let missing = flight.entries().saturating_sub(staging.entries.len());
                if missing == 0 || !inbox.wait(missing.min(STAGED_AT_ONCE)) {
                    break;
                }
                inbox.take(&mut line.commands);
            }
        }
        line.later.append(&mut later);
        if staging.entries.len() == own_entries {
            self.buffer = staging.batch.into_buffer();
            // Duplicates of what is durable already.
            for Answer { acks, done, .. } in answers {
                done(Ok(acks));
            }
            return None;
        }
        match self.seal(&state, staging) {
            Ok(sealed) => Some((sealed, answers)),
            Err(error) => {
                self.note(&error);
                refuse(answers, &error);
                None
            }
        }
    }

    /// Places group after group; `false`: the batch is full.
    fn place_waiting(
        &self,
        state: &LogState,
        staging: &mut Staging<'_>,
        line: &mut Line,
        later: &mut VecDeque<(Group, Done)>,
        answers: &mut Vec<Answer>,
        tight: bool,
    ) -> bool {
        while let Some((mut group, done)) = line.next() {
            match self.place_group(state, staging, &mut group, tight) {
                GroupPlaced::Decided(Err(error)) => done(Err(error)),
                GroupPlaced::Decided(Ok(acks)) => {
                    answers.push(Answer { acks, done, reservation: group.reservation });
                }
                GroupPlaced::AfterThisBatch => later.push_back((group, done)),
                GroupPlaced::Full => {
                    line.later.push_front((group, done));
                    return false;
                }
            }
        }
        true
    }

    fn refuse_all(&mut self, line: &mut Line, error: &LedgerError) -> Option<(Sealed, Vec<Answer>)> {
        self.note(error);
        while let Some((_, done)) = line.next() {
            done(Err(error.clone()));
        }
        None
    }
}
