//! What can be said of edits by the texts that were shown alone: placeholders stay whole, and nothing of anybody's comes in.

use std::collections::BTreeSet;

use tabellion_guard::service::EditFault;
use tabellion_mask::json::{RawString, escaped};
use tabellion_mask::{
    Classes, Content, Edits, Place, Replacement, Scope, ScopeKey, StandIn, mask_string, replaced, stand_ins,
};

use crate::guards::edits::Wanted;

impl Wanted {
    /// Whether no placeholder is cut or comes in, and no value of `classes` that a text did not hold.
    pub(crate) fn check(&self, classes: Classes) -> Result<(), EditFault> {
        for (text, with) in &self.0 {
            let after = replaced(text, with).map_err(|_| EditFault::Order)?;
            let marks = stand_ins(text);
            if with.iter().any(|replacement| cuts(&marks, replacement)) {
                return Err(EditFault::Placeholder);
            }
            let issued = |text: &str, marks: &[StandIn]| -> BTreeSet<String> {
                let of_values = marks.iter().filter(|mark| mark.is_of_value);
                of_values.filter_map(|mark| text.get(mark.range.clone())).map(str::to_owned).collect()
            };
            if !issued(&after, &stand_ins(&after)).is_subset(&issued(text, &marks)) {
                return Err(EditFault::Placeholder);
            }
            // It is thrown away: all that it is for is that the same value has the same placeholder in both.
            let mut scope = Scope::new(&ScopeKey::new([0; 32]));
            let before = values(text, classes, &mut scope)?;
            if !values(&after, classes, &mut scope)?.is_subset(&before) {
                return Err(EditFault::PersonalData);
            }
        }
        Ok(())
    }
}

/// Whether a range takes a part of one of these, which are in order.
fn cuts(marks: &[StandIn], (range, _): &Replacement) -> bool {
    let first = marks.partition_point(|mark| mark.range.end <= range.start);
    let reached = marks.iter().skip(first).take_while(|mark| mark.range.start < range.end);
    reached.map(|mark| &mark.range).any(|mark| mark.start < range.start || range.end < mark.end)
}

/// What masking would find in a text, as a string of a body, by placeholders.
fn values(text: &str, classes: Classes, scope: &mut Scope) -> Result<BTreeSet<String>, EditFault> {
    let quoted = format!("\"{}\"", escaped(text));
    let string = RawString::parse(&quoted).map_err(|_| EditFault::Characters)?;
    let place = Place { string, at: 0, content: Content::Text };
    let found = mask_string(place, classes, scope, &mut Edits::new());
    // What cannot be masked cannot be looked at.
    Ok(found.map_err(|_| EditFault::PersonalData)?.into_iter().map(|found| found.placeholder).collect())
}
