//! What guards said of the lines of a batch's file, added up for the one record that the file has.
//!
//! Promises: what any line was flagged for is on record, with how many lines it was and which came first; it takes the same room for one line and for fifty thousand. Must
//! never: name a line that nothing was found in, or make a finding of the file less than it is.

use tabellion_guard::MAX_LABELS;
use tabellion_model::body::{GuardOutcome, Guarded};

/// What one guard said of all lines.
struct OfGuard {
    /// What it said, with the labels of every line, at most [`MAX_LABELS`].
    said: Guarded,
    /// Lines that it found something in.
    lines: u64,
    /// The first of them, counted from one.
    first: u64,
}

/// What guards said of the lines so far.
#[derive(Default)]
pub(super) struct SaidOfLines(Vec<OfGuard>);

impl SaidOfLines {
    /// What guards said of one line, numbered from one.
    pub(super) fn take(&mut self, line: u64, said: Vec<Guarded>) {
        for said in said {
            if said.outcome == GuardOutcome::NotRun {
                continue;
            }
            let has_found = said.outcome != GuardOutcome::Passed;
            let (lines, first) = (u64::from(has_found), if has_found { line } else { 0 });
            let Some(known) = self.0.iter_mut().find(|known| known.said.guard == said.guard) else {
                self.0.push(OfGuard { said, lines, first });
                continue;
            };
            if !has_found {
                continue;
            }
            if known.lines == 0 {
                known.first = line;
            }
            known.lines += 1;
            known.said.outcome = graver(known.said.outcome, said.outcome);
            add(&mut known.said.found, said.found);
        }
    }

    /// Puts it among what the same guards said of the file as a whole.
    pub(super) fn join(self, guards: &mut Vec<Guarded>) {
        for OfGuard { said, lines, first } in self.0 {
            let named = guards.iter().position(|own| own.guard == said.guard);
            let Some(own) = named.and_then(|place| guards.get_mut(place)) else {
                guards.push(with_lines(said, lines, first));
                continue;
            };
            own.outcome = graver(own.outcome, said.outcome);
            add(&mut own.found, said.found);
            if lines > 0 {
                own.found.push(of_lines(lines, first));
            }
        }
    }
}

fn with_lines(mut said: Guarded, lines: u64, first: u64) -> Guarded {
    if lines > 0 {
        said.found.push(of_lines(lines, first));
    }
    said
}

/// The label that says where something was found.
fn of_lines(lines: u64, first: u64) -> String {
    format!("lines {lines}, first {first}")
}

fn add(labels: &mut Vec<String>, more: Vec<String>) {
    for label in more {
        if labels.len() < MAX_LABELS && !labels.contains(&label) {
            labels.push(label);
        }
    }
}

/// The outcome that says more against it.
fn graver(one: GuardOutcome, other: GuardOutcome) -> GuardOutcome {
    let rank = |outcome: GuardOutcome| match outcome {
        GuardOutcome::NotRun => 0,
        GuardOutcome::Passed => 1,
        GuardOutcome::Flagged => 2,
        GuardOutcome::Errored => 3,
        GuardOutcome::Blocked => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(outcome: GuardOutcome, found: &[&str]) -> Guarded {
        Guarded {
            guard: "house".to_owned(),
            version: "rego.1".to_owned(),
            outcome,
            edits: None,
            found: found.iter().map(|label| (*label).to_owned()).collect(),
        }
    }

    /// Requirement: P32, N22. However many lines are flagged, the record says by what, how many they are and which was first, and grows no further.
    #[test]
    fn flags_of_many_lines_take_the_room_of_one() {
        let mut lines = SaidOfLines::default();
        lines.take(1, vec![said(GuardOutcome::Passed, &[])]);
        for line in 2..=50_000 {
            let label = format!("id-{}", line % 9);
            lines.take(line, vec![said(GuardOutcome::Flagged, &[&label])]);
        }
        let mut guards = vec![said(GuardOutcome::Passed, &[])];
        lines.join(&mut guards);
        assert_eq!((guards.len(), guards[0].outcome), (1, GuardOutcome::Flagged), "a flag of a line is lost");
        assert_eq!(guards[0].found, ["id-2", "id-3", "id-4", "id-5", "lines 49999, first 2"]);
    }

    /// Requirement: P32, N22. A guard that looked at every line and found nothing has passed, and one that no line was shown has not run.
    #[test]
    fn what_lines_were_looked_at_by_has_looked() {
        let mut lines = SaidOfLines::default();
        lines.take(1, vec![said(GuardOutcome::Passed, &[]), said(GuardOutcome::NotRun, &[])]);
        let mut guards = vec![said(GuardOutcome::NotRun, &[])];
        lines.join(&mut guards);
        assert_eq!((guards[0].outcome, guards[0].found.len()), (GuardOutcome::Passed, 0));
        let mut guards = vec![said(GuardOutcome::NotRun, &[])];
        SaidOfLines::default().join(&mut guards);
        assert_eq!(guards[0].outcome, GuardOutcome::NotRun, "nobody looked, and it is said to have passed");
    }
}
