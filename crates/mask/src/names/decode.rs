//! The likeliest labels of a run of words, and how sure that is. Promises the same on every machine: all scores are whole
//! numbers.

use super::model::{LABELS, Model, Scores};

/// Score of a way that cannot be.
const NEVER: i32 = i32::MIN / 4;
/// The row of the step table for the start of a run.
const START: usize = 7;

/// Scores of the best way to each label of each word, from the front and from the back.
pub(super) struct Paths {
    front: Vec<Scores>,
    back: Vec<Scores>,
}

fn may_follow(before: usize, label: usize) -> bool {
    // A further word (2, 4, 6) stands behind the first or a further one of its kind.
    label == 0 || label % 2 == 1 || before == label || before + 1 == label
}

fn at(scores: &Scores, label: usize) -> i32 {
    scores.get(label).copied().unwrap_or(NEVER)
}

impl Paths {
    /// Walks a run both ways.
    pub(super) fn of(model: &Model<'_>, words: &[Scores]) -> Self {
        let steps: [Scores; LABELS] = std::array::from_fn(|before| {
            std::array::from_fn(
                |label| if may_follow(before, label) { model.step(before, label) } else { NEVER },
            )
        });
        let mut front: Vec<Scores> = Vec::with_capacity(words.len());
        for word in words {
            let next = match front.last() {
                None => std::array::from_fn(|label| {
                    let start = if label == 0 || label % 2 == 1 { model.step(START, label) } else { NEVER };
                    start.saturating_add(at(word, label))
                }),
                Some(before) => std::array::from_fn(|label| {
                    let ways = before.iter().zip(&steps).map(|(score, step)| score + at(step, label));
                    ways.max().unwrap_or(NEVER).max(NEVER).saturating_add(at(word, label))
                }),
            };
            front.push(next);
        }
        let mut back: Vec<Scores> = vec![[0; LABELS]];
        for word in words.iter().skip(1).rev() {
            let behind = back.last().copied().unwrap_or_default();
            let ahead: Scores = std::array::from_fn(|to| at(&behind, to) + at(word, to));
            back.push(std::array::from_fn(|label| {
                let own = steps.get(label).unwrap_or(&[NEVER; LABELS]);
                ahead.iter().zip(own).map(|(score, step)| score + step).max().unwrap_or(NEVER).max(NEVER)
            }));
        }
        back.reverse();
        Self { front, back }
    }

    /// The best total with this word labelled so.
    fn through(&self, word: usize, label: usize) -> i32 {
        let front = self.front.get(word).map_or(NEVER, |scores| at(scores, label));
        let back = self.back.get(word).map_or(NEVER, |scores| at(scores, label));
        front.saturating_add(back)
    }

    /// The label of each word, and by how much the best reading beats the best one in which the word is no name.
    pub(super) fn labels(&self) -> Vec<(usize, i32)> {
        let mut labels: Vec<(usize, i32)> = Vec::with_capacity(self.front.len());
        for word in 0..self.front.len() {
            let before = labels.last().map_or(0, |(label, _)| *label);
            let best = (0..LABELS)
                .filter(|label| may_follow(before, *label))
                .max_by_key(|label| (self.through(word, *label), std::cmp::Reverse(*label)))
                .unwrap_or_default();
            labels.push((best, self.through(word, best).saturating_sub(self.through(word, 0))));
        }
        labels
    }
}
