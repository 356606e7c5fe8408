//! What services want changed in texts that they were shown: checked, put together, and put in where the texts stand.
//!
//! Promises: all that a service wants is put in, or nothing of it; what no range names goes on byte for byte. Whatever cannot be put in makes its guard `errored`;
//! two guards that want different things of the same bytes stop the call. Must never: let a service bring in personal data, or a placeholder that a text did not
//! have.

mod checked;
#[cfg(test)]
mod junk;
pub(crate) mod places;
mod prompt;

use std::collections::{BTreeMap, BTreeSet};

use tabellion_guard::service::{EditFault, TextEdit};
use tabellion_mask::{Content, Replacement, retext};
use tabellion_model::body::{GuardOutcome, Guarded};

use crate::guards::outside::Matter;
use crate::guards::suite::Guards;

/// The label of guards whose edits cannot be put in together.
const CONFLICT: &str = "edit_conflict";

/// What guards want changed, each by its place among the results.
#[derive(Default)]
pub(crate) struct Proposals(pub(crate) Vec<(usize, Vec<TextEdit>)>);

/// What goes into which text: ranges in order, none of which overlap.
pub(crate) struct Wanted(BTreeMap<String, Vec<Replacement>>);

impl Wanted {
    /// What one guard wants of `texts`; its edits were looked at when they were read.
    pub(crate) fn of(texts: &[&str], edits: &[TextEdit]) -> Result<Self, EditFault> {
        Self::together(texts, &[(0, edits)]).map_err(|_| EditFault::Order)
    }

    /// What several want, each by a number of its own; the same twice is wanted once. The error has the numbers of those who want different things of the same
    /// bytes.
    fn together(texts: &[&str], all: &[(usize, &[TextEdit])]) -> Result<Self, BTreeSet<usize>> {
        let mut by_text: BTreeMap<&str, Vec<(&TextEdit, usize)>> = BTreeMap::new();
        for (number, edits) in all {
            for edit in *edits {
                let Some(text) = texts.get(edit.text) else { return Err([*number].into()) };
                by_text.entry(text).or_default().push((edit, *number));
            }
        }
        let mut at_odds = BTreeSet::new();
        let mut wanted = BTreeMap::new();
        for (text, mut edits) in by_text {
            let key = |edit: &TextEdit| (edit.range.start, edit.range.end, edit.replacement.clone());
            edits.sort_by_cached_key(|(edit, _)| key(edit));
            edits.dedup_by(|(next, _), (edit, _)| {
                next.range == edit.range && next.replacement == edit.replacement
            });
            for pair in edits.windows(2) {
                let [(one, first), (other, second)] = pair else { continue };
                if other.range.start < one.range.end || other.range.start == one.range.start {
                    at_odds.extend([*first, *second]);
                }
            }
            let replacements = edits.iter().map(|(edit, _)| (edit.range.clone(), edit.replacement.clone()));
            wanted.insert(text.to_owned(), replacements.collect());
        }
        if at_odds.is_empty() { Ok(Self(wanted)) } else { Err(at_odds) }
    }

    /// What goes into `text`.
    pub(crate) fn get(&self, text: &str) -> Option<&[Replacement]> {
        self.0.get(text).map(Vec::as_slice)
    }

    /// How many texts it is of.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether anything is wanted of `text`, or of a string within the JSON that it is.
    pub(crate) fn speaks_of(&self, text: &str) -> bool {
        let mut speaks = false;
        let mut look = |text: &str| -> Option<&[Replacement]> {
            speaks |= self.0.contains_key(text);
            None
        };
        // Nothing is put in, so that nothing can go wrong.
        let _ = retext(text, Content::Text, &mut look);
        speaks
    }
}

impl Guards {
    /// Puts in what guards want changed, by `apply`, unless something stops the call. What cannot be put in takes the place of what those guards said in
    /// `results`, and so does how much was.
    pub(crate) fn put_in<T>(
        &self,
        proposals: &Proposals,
        results: &mut [Guarded],
        matter: &Matter<'_>,
        mut apply: impl FnMut(&Wanted) -> Result<T, EditFault>,
    ) -> Option<T> {
        if proposals.0.is_empty() || self.stop(results, matter.side).is_some() {
            return None;
        }
        let texts = matter.texts.texts();
        let mut standing: Vec<(usize, &[TextEdit])> = Vec::new();
        let mut made = None;
        for (number, edits) in &proposals.0 {
            match Wanted::of(&texts, edits).and_then(|wanted| apply(&wanted)) {
                Ok(new) => {
                    made = Some(new);
                    standing.push((*number, edits));
                }
                Err(fault) => said(results, *number, GuardOutcome::Errored, fault.as_str()),
            }
        }
        if standing.len() > 1 {
            let together = Wanted::together(&texts, &standing).and_then(|wanted| {
                let fits = wanted.check(matter.classes).and_then(|()| apply(&wanted));
                fits.map_err(|_| standing.iter().map(|(number, _)| *number).collect())
            });
            match together {
                Ok(new) => made = Some(new),
                // Whichever of them went in, the other's would not: nobody wanted what would come of it.
                Err(at_odds) => {
                    for number in at_odds {
                        said(results, number, GuardOutcome::Blocked, CONFLICT);
                    }
                }
            }
        }
        if self.stop(results, matter.side).is_some() {
            return None;
        }
        for (number, edits) in standing {
            if let Some(result) = results.get_mut(number) {
                result.edits = Some(edits.len() as u64);
            }
        }
        made
    }
}

/// Another word of the guard with this number, in place of what it said.
fn said(results: &mut [Guarded], number: usize, outcome: GuardOutcome, label: &str) {
    if let Some(result) = results.get_mut(number) {
        result.outcome = outcome;
        result.found = vec![label.to_owned()];
    }
}
