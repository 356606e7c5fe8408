//! What speaks against one check, collected while it goes on.
//!
//! Names the first few places and counts the rest, so that a package with a million wrong records gives a report one can read
//! and cannot fill the memory.

use super::Outcome;

/// How many places one check names; the rest are counted.
const NAMED: usize = 8;

/// Problems of one check, in the order they were found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    named: Vec<String>,
    broken: usize,
    malformed: usize,
    undetermined: usize,
}

impl Problems {
    pub(crate) fn broken(&mut self, what: impl FnOnce() -> String) {
        self.broken += 1;
        self.name(what);
    }

    pub(crate) fn malformed(&mut self, what: impl FnOnce() -> String) {
        self.malformed += 1;
        self.name(what);
    }

    pub(crate) fn undetermined(&mut self, what: impl FnOnce() -> String) {
        self.undetermined += 1;
        self.name(what);
    }

    fn name(&mut self, what: impl FnOnce() -> String) {
        if self.named.len() < NAMED {
            self.named.push(what());
        }
    }

    /// Adds what a parallel part found, after what is here.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.broken += other.broken;
        self.malformed += other.malformed;
        self.undetermined += other.undetermined;
        self.named.extend(other.named);
        self.named.truncate(NAMED);
    }

    fn total(&self) -> usize {
        self.broken + self.malformed + self.undetermined
    }

    /// The outcome and its text, or nothing when there is no problem.
    pub(crate) fn summary(&self) -> Option<(Outcome, String)> {
        let outcome = match (self.broken, self.malformed, self.undetermined) {
            (0, 0, 0) => return None,
            (0, 0, _) => Outcome::Undetermined,
            (_, 0, _) => Outcome::Broken,
            // A part is read before it is compared.
            _ => Outcome::Malformed,
        };
        let mut text = self.named.join("; ");
        let more = self.total().saturating_sub(self.named.len());
        if more > 0 {
            use std::fmt::Write as _;
            let _ = write!(text, "; and {more} more");
        }
        Some((outcome, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_places_are_named_and_the_rest_counted() {
        let mut problems = Problems::default();
        assert_eq!(problems.summary(), None);
        for index in 0..20 {
            problems.broken(|| format!("entry {index}"));
        }
        let mut later = Problems::default();
        later.malformed(|| "later".to_owned());
        problems.absorb(later);
        let (outcome, text) = problems.summary().unwrap();
        assert_eq!(outcome, Outcome::Malformed, "what cannot be read comes before what does not agree");
        assert!(text.starts_with("entry 0; entry 1") && text.ends_with("and 13 more"), "unreadable: {text}");
    }
}
