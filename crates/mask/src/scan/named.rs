//! Names beside what forms tell. Promises that a value with a form keeps all of its bytes whatever the names' model makes of them, and that
//! what is left of a name beside it stays a name.

use std::ops::Range;

use super::Finding;
use super::reading::Reading;
use super::resolve::beside;
use crate::class::{Class, Classes};
use crate::names::{self, NameKind, NameSpan};

/// Letters that a piece of a name must have: an initial left over tells nobody.
const LEAST_LETTERS: usize = 2;

/// What a name of this kind is found as.
pub(crate) fn class_of(kind: NameKind) -> Class {
    match kind {
        NameKind::Person => Class::Person,
        NameKind::Location => Class::Location,
        NameKind::Organisation => Class::Organisation,
    }
}

/// `forms`, and what they leave of the names in the text; both are in order.
pub(super) fn with_names<'t>(
    forms: Vec<Finding<'t>>,
    text: &'t str,
    reading: Option<&Reading>,
    field: Option<&str>,
    classes: Classes,
) -> Vec<Finding<'t>> {
    let mut spans = Vec::new();
    let names = match reading {
        None => {
            names::find(text, field, &mut spans);
            found(text, spans, classes).collect()
        }
        Some(reading) => {
            names::find(&reading.text, field, &mut spans);
            for span in &mut spans {
                span.range = reading.written(span.range.clone());
            }
            let mut written = Vec::new();
            names::find(text, field, &mut written);
            written.retain(|span| reading.is_whole(&span.range));
            beside(found(text, spans, classes), found(text, written, classes))
        }
    };
    if names.is_empty() {
        return forms;
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    for name in names {
        // Forms that end before this name touch no later one.
        at += forms.iter().skip(at).take_while(|form| form.range.end <= name.range.start).count();
        let touching = forms.iter().skip(at).map(|form| form.range.clone());
        rest_of(text, name.range, touching, |range| {
            let value = text.get(range.clone()).unwrap_or_default();
            pieces.push(Finding { class: name.class, range, value });
        });
    }
    beside(forms.into_iter(), pieces.into_iter())
}

fn found(text: &str, spans: Vec<NameSpan>, classes: Classes) -> impl Iterator<Item = Finding<'_>> {
    spans.into_iter().filter(move |span| classes.has(class_of(span.kind))).map(|span| {
        let value = text.get(span.range.clone()).unwrap_or_default();
        Finding { class: class_of(span.kind), range: span.range, value }
    })
}

/// Gives the pieces of a name that lie outside of `forms` to `take`, without what leans on them. Of a name that no form touches that is all of it.
pub(crate) fn rest_of(
    text: &str,
    name: Range<usize>,
    forms: impl Iterator<Item = Range<usize>>,
    mut take: impl FnMut(Range<usize>),
) {
    let mut at = name.start;
    let mut cut = false;
    for form in forms.take_while(|form| form.start < name.end) {
        if form.end > name.start {
            cut = true;
            if let Some(piece) = trimmed(text, at..form.start) {
                take(piece);
            }
            at = at.max(form.end);
        }
    }
    if !cut {
        take(name);
    } else if let Some(piece) = trimmed(text, at..name.end) {
        take(piece);
    }
}

/// A piece without blanks and marks at its ends; nothing if hardly a letter is left.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = text.get(range.clone())?;
    let start = range.start.saturating_add(piece.find(char::is_alphanumeric)?);
    let last = piece.char_indices().rev().find(|(_, c)| c.is_alphanumeric())?;
    let end = range.start.saturating_add(last.0).saturating_add(last.1.len_utf8());
    let letters = text.get(start..end)?.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= LEAST_LETTERS).then_some(start..end)
}
