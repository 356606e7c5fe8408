//! Whether a text speaks well or ill of things: words of a list of our own, turned around behind a denial and heavier behind an emphasis. English.
//!
//! A heuristic: it knows no irony, no context, and none of the words that are not in the list.

use super::{Detected, NotRead, WHOLE, is_read_as_english};
use crate::reading::read_term;

/// What a word weighs: in tenths, so that halves need no fraction.
const PLAIN: i64 = 10;
const STRONG: i64 = 20;
/// How many words before a word a denial reaches: "not at all a good", "never very helpful".
const REACH: usize = 3;
/// From this balance on, in ten-thousandths, a text is of one kind: two thirds of the weight on one side.
const ONE_SIDED: i64 = 3_333;

const GOOD: &[&str] = &[
    "good",
    "nice",
    "fine",
    "glad",
    "happy",
    "pleased",
    "thanks",
    "thank",
    "helpful",
    "useful",
    "clear",
    "easy",
    "fast",
    "reliable",
    "friendly",
    "polite",
    "fair",
    "works",
    "worked",
    "solved",
    "resolved",
    "fixed",
    "improved",
    "improvement",
    "better",
    "correct",
    "liked",
    "enjoy",
    "enjoyed",
    "satisfied",
    "recommend",
    "success",
    "successful",
    "smooth",
    "smoothly",
    "comfortable",
    "safe",
    "calm",
    "appreciate",
    "appreciated",
    "patient",
    "pleasant",
    "quick",
    "quickly",
    "simple",
];
const VERY_GOOD: &[&str] = &[
    "excellent",
    "great",
    "wonderful",
    "fantastic",
    "amazing",
    "perfect",
    "perfectly",
    "love",
    "loved",
    "loves",
    "delighted",
    "brilliant",
    "outstanding",
    "awesome",
    "superb",
    "best",
    "thrilled",
    "beautiful",
    "impressed",
    "impressive",
    "marvellous",
];
const BAD: &[&str] = &[
    "bad",
    "poor",
    "poorly",
    "slow",
    "wrong",
    "sad",
    "unhappy",
    "annoyed",
    "annoying",
    "confusing",
    "confused",
    "difficult",
    "problem",
    "problems",
    "issue",
    "issues",
    "error",
    "errors",
    "fail",
    "fails",
    "failed",
    "failure",
    "broken",
    "broke",
    "bug",
    "bugs",
    "late",
    "delay",
    "delayed",
    "missing",
    "lost",
    "unclear",
    "unfair",
    "rude",
    "complain",
    "complaint",
    "complaints",
    "disappointed",
    "disappointing",
    "frustrated",
    "frustrating",
    "worried",
    "worry",
    "afraid",
    "dislike",
    "disliked",
    "expensive",
    "unreliable",
    "unusable",
    "useless",
    "waste",
    "wasted",
    "worse",
    "crash",
    "crashes",
    "crashed",
    "ignored",
    "refused",
    "misleading",
    "stressful",
    "tired",
    "painful",
    "ugly",
    "noisy",
    "dirty",
];
const VERY_BAD: &[&str] = &[
    "terrible",
    "horrible",
    "awful",
    "worst",
    "hate",
    "hated",
    "hates",
    "furious",
    "angry",
    "disgusting",
    "dreadful",
    "appalling",
    "unacceptable",
    "nightmare",
    "disaster",
    "scam",
    "outrageous",
    "miserable",
    "pathetic",
    "ruined",
];
const DENIALS: &[&str] = &[
    "not",
    "no",
    "never",
    "nothing",
    "hardly",
    "barely",
    "without",
    "cannot",
    "can't",
    "don't",
    "doesn't",
    "didn't",
    "isn't",
    "wasn't",
    "aren't",
    "weren't",
    "won't",
    "wouldn't",
    "couldn't",
    "shouldn't",
    "haven't",
    "hasn't",
    "hadn't",
    "neither",
    "nor",
];
const EMPHASES: &[&str] = &[
    "very",
    "really",
    "extremely",
    "so",
    "too",
    "totally",
    "completely",
    "absolutely",
    "highly",
    "incredibly",
];

fn weight(word: &str) -> i64 {
    let is_in = |list: &[&str]| list.contains(&word);
    if is_in(VERY_GOOD) {
        STRONG
    } else if is_in(GOOD) {
        PLAIN
    } else if is_in(VERY_BAD) {
        -STRONG
    } else if is_in(BAD) {
        -PLAIN
    } else {
        0
    }
}

/// What stands for good and for ill in a text.
fn weigh(text: &str) -> (i64, i64) {
    let read = read_term(text);
    let words: Vec<&str> =
        read.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let (mut good, mut ill) = (0_i64, 0_i64);
    for (place, word) in words.iter().enumerate() {
        let mut weight = weight(word);
        if weight == 0 {
            continue;
        }
        let before = words.get(place.saturating_sub(REACH)..place).unwrap_or_default();
        if before.last().is_some_and(|word| EMPHASES.contains(word)) {
            weight += weight / 2;
        }
        if before.iter().any(|word| DENIALS.contains(word)) {
            // "Not good" is ill, and less so than "bad".
            weight = -weight / 2;
        }
        if weight > 0 { good += weight } else { ill -= weight }
    }
    (good, ill)
}

/// `positive`, `negative`, `mixed`, or `neutral` where none of the words is there; with where between -10000 and 10000 it lies.
pub(super) fn detect(text: &str) -> Result<Detected, NotRead> {
    let (good, ill) = weigh(text);
    let all = good + ill;
    if !is_read_as_english(text, all > 0) {
        return Err(NotRead::Language);
    }
    let balance = if all == 0 { 0 } else { (good - ill) * WHOLE / all };
    let label = match balance {
        _ if all == 0 => "neutral",
        ONE_SIDED.. => "positive",
        balance if balance <= -ONE_SIDED => "negative",
        _ => "mixed",
    };
    Ok(Detected { labels: vec![(label.to_owned(), 1)], score_per_10000: Some(balance) })
}
