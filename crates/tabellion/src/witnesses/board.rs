//! What is being asked about, what came back, and when to ask about something newer. Knows no clock and no network.

use std::time::{Duration, Instant};

use tabellion_tlog::{NoteSignature, SignedCheckpoint};

/// Shortest time between two checkpoints that are asked about: the log publishes one a second at most.
const ROUND: Duration = Duration::from_secs(1);
/// How long one checkpoint is held for those who have not answered, while the quorum is not met: else a log that grows without a pause would ask
/// each witness about another checkpoint, and none would have enough of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// One round.
struct Round {
    target: SignedCheckpoint,
    since: Instant,
    lines: Vec<NoteSignature>,
    met: bool,
}

/// The round under way.
pub(super) struct Board {
    round: Option<Round>,
    /// Of each witness, whether it has answered about the target or is known to be down.
    heard: Vec<bool>,
}

impl Board {
    /// A board for so many witnesses.
    pub(super) fn new(witnesses: usize) -> Self {
        Self { round: None, heard: vec![false; witnesses] }
    }

    /// Size of what is being asked about.
    pub(super) fn size(&self) -> Option<u64> {
        self.round.as_ref().map(|round| round.target.checkpoint.size)
    }

    /// Whether it is time to ask about a newer checkpoint, when there is one.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some(round) = &self.round else { return true };
        let waited = now.saturating_duration_since(round.since);
        waited >= ROUND && (round.met || self.all_heard() || waited >= PATIENCE)
    }

    /// Whether every witness has answered or is known to be down.
    pub(super) fn all_heard(&self) -> bool {
        self.heard.iter().all(|heard| *heard)
    }

    /// Asks about `target` from now on. Who is down is not waited for: `down` of each witness.
    pub(super) fn begin(&mut self, target: SignedCheckpoint, down: &[bool], now: Instant) {
        self.round = Some(Round { target, since: now, lines: Vec::new(), met: false });
        self.heard = down.to_vec();
    }

    /// Asks about nothing.
    pub(super) fn clear(&mut self) {
        self.round = None;
    }

    /// Notes that a witness has answered, somehow.
    pub(super) fn hear(&mut self, witness: usize) {
        if let Some(heard) = self.heard.get_mut(witness) {
            *heard = true;
        }
    }

    /// Adds cosignatures of the checkpoint of `size`; the checkpoint with all that came so far, unless it is no longer asked about.
    pub(super) fn add(&mut self, size: u64, lines: Vec<NoteSignature>) -> Option<SignedCheckpoint> {
        let round = self.round.as_mut().filter(|round| round.target.checkpoint.size == size)?;
        // A witness that was asked twice gives two times; the newer takes the older's place.
        round
            .lines
            .retain(|known| !lines.iter().any(|line| line.name == known.name && line.key_id == known.key_id));
        round.lines.extend(lines);
        Some(round.target.with_signatures(&round.lines))
    }

    /// Notes that the quorum is met.
    pub(super) fn meet(&mut self) {
        if let Some(round) = &mut self.round {
            round.met = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tabellion_tlog::{Checkpoint, Hash, SigningKey, leaf_hash};

    fn target(size: u64) -> SignedCheckpoint {
        let root: Hash = leaf_hash(&size.to_be_bytes());
        let checkpoint = Checkpoint { origin: "example.com/log/acme".to_owned(), size, root };
        let note =
            SignedCheckpoint::sign(&checkpoint, &SigningKey::from_seed(&[1; 32])).expect("a checkpoint");
        SignedCheckpoint::parse(note.as_bytes()).expect("our own")
    }

    fn line(name: &str, time: u8) -> NoteSignature {
        NoteSignature { name: name.to_owned(), key_id: 7, signature: vec![time; 72] }
    }

    #[test]
    fn one_checkpoint_is_held_until_enough_have_answered_and_not_for_ever() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut board = Board::new(2);
        assert!(board.is_due(start), "nothing would ever be asked");
        board.begin(target(5), &[false, false], start);
        board.hear(0);
        assert!(!board.is_due(after(5)), "a growing log would ask each witness about another checkpoint");
        assert!(board.is_due(after(10)), "one that stalls would keep the others from going on");
        board.hear(1);
        assert!(!board.is_due(start), "more than one checkpoint a second would be asked about");
        assert!(board.is_due(after(1)), "there is nobody left to wait for");
        board.begin(target(6), &[false, true], start);
        board.hear(0);
        assert!(board.is_due(after(1)), "one that is down would hold up every checkpoint");
        board.begin(target(7), &[false, false], start);
        board.meet();
        assert!(board.is_due(after(1)), "a quorum is enough");
    }

    #[test]
    fn lines_gather_on_their_own_checkpoint_alone() {
        let mut board = Board::new(2);
        board.begin(target(5), &[false, false], Instant::now());
        assert!(board.add(4, vec![line("a", 1)]).is_none(), "a cosignature would stand under another tree");
        board.add(5, vec![line("a", 1)]).expect("the target");
        board.add(5, vec![line("b", 2)]).expect("the target");
        let all = board.add(5, vec![line("a", 3)]).expect("the target");
        assert_eq!(all.note.signatures.len(), 3, "the log's line and one of each witness");
        board.clear();
        assert!(board.add(5, vec![line("a", 1)]).is_none(), "nothing is asked about any more");
    }
}
