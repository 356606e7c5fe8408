//! Under which names a person may be known whose values were kept: a kept value is named by its normal form, or by that of the one value in it.
//!
//! Promises: the text itself is always one of them; another is there only when the text reads as a value of a class, so that whoever erases `customer-17` does
//! not erase what is about 17.

use std::collections::BTreeSet;

use crate::class::{Class, Classes, composed};
use crate::scan::{Context, Finding, scan, scan_with};

/// The text as it was typed, and the normal form of every class that it is a value of.
pub fn subject_names(typed: &str) -> BTreeSet<String> {
    let trimmed = typed.trim();
    let mut names = BTreeSet::from([typed.to_owned(), composed(typed)]);
    let looked_for =
        Class::all().filter(|class| !Classes::SECRETS.has(*class) && !Classes::NAMES.has(*class));
    for class in looked_for.filter(|class| is_value(trimmed, *class)) {
        names.insert(class.normalised(trimmed));
    }
    if is_name(trimmed) {
        names.insert(Class::Person.normalised(trimmed));
    }
    names
}

/// What is within a value of a class that was kept whole, such as a URL with an address and a password in it: each with its class and normal form.
pub fn contents(class: Class, value: &str) -> Vec<(Class, String)> {
    let found = scan(value, Classes::FORMS);
    let is_within = |found: &Finding<'_>| {
        found.class != class && (found.range.len() < value.len() || Classes::SECRETS.has(found.class))
    };
    let within = found.filter(is_within);
    within.map(|found| (found.class, found.class.normalised(found.value))).collect()
}

/// Whether the whole text is a value of this class, as that of a field that is called so.
fn is_value(text: &str, class: Class) -> bool {
    let field = Some(class.name());
    scan_with(text, Context { field }, Classes::NONE.with(class)).any(|found| found.range == (0..text.len()))
}

/// Whether a text may be the name of somebody or of a place: identifiers have digits and signs.
fn is_name(text: &str) -> bool {
    let fits = |c: char| {
        c.is_alphabetic() || c.is_whitespace() || is_mark(c) || matches!(c, '.' | '\'' | '’' | '-' | ',')
    };
    !text.is_empty() && text.chars().all(fits)
}

/// A mark over a letter that stands alone.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}
