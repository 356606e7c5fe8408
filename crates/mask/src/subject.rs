//! Under which names a person may be known whose values were kept: a kept value is named by its normal form, or by that of the one value in it.
//!
//! Promises: the text itself is always one of them; another is there only when the text reads as a value of a class, so that whoever erases `customer-17` does
//! not erase what is about 17. Of an address, its usual writings in small and capital letters are among them: content is found by its subject's name as it was written, and by no part of it.

use std::collections::BTreeSet;

use crate::class::{Class, Classes, composed};
use crate::scan::{Context, Finding, scan, scan_with};

/// The text as it was typed, and the normal form of every class that it is a value of; of an e-mail address also its usual writings, 17 at most. A writing that is none of them, such as `aLiCe@example.org`, is not found
/// by another.
pub fn subject_names(typed: &str) -> BTreeSet<String> {
    let trimmed = typed.trim();
    let mut names = BTreeSet::from([typed.to_owned(), composed(typed)]);
    let looked_for =
        Class::all().filter(|class| !Classes::SECRETS.has(*class) && !Classes::NAMES.has(*class));
    for class in looked_for.filter(|class| is_value(trimmed, *class)) {
        let normal = class.normalised(trimmed);
        if class == Class::Email {
            names.extend(writings(trimmed, &normal));
        }
        names.insert(normal);
    }
    if is_name(trimmed) {
        names.insert(Class::Person.normalised(trimmed));
    }
    names
}

/// How the address that was `typed`, and whose normal form is `normal`, is usually written: each part in small letters, in capitals, with a capital first, or with one before each sign.
fn writings(typed: &str, normal: &str) -> BTreeSet<String> {
    let Some((local, domain)) = normal.rsplit_once('@') else { return BTreeSet::new() };
    let as_typed = typed.rsplit_once('@').unwrap_or((local, domain));
    let (first, each) = (|text: &str| capital(text, false), |text: &str| capital(text, true));
    let locals = [as_typed.0.to_owned(), local.to_owned(), local.to_uppercase(), first(local), each(local)];
    let domains = [domain.to_owned(), first(domain), each(domain)];
    let mut found: BTreeSet<String> = locals
        .iter()
        .flat_map(|local| domains.iter().map(move |domain| composed(&format!("{local}@{domain}"))))
        .collect();
    found.insert(composed(&format!("{local}@{}", domain.to_uppercase())));
    found.insert(composed(&normal.to_uppercase()));
    found
}

/// The text with its first letter as a capital, or each that follows a sign.
fn capital(text: &str, each: bool) -> String {
    let mut begins = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if begins && c.is_alphabetic() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        begins = each && !c.is_alphanumeric();
    }
    out
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
