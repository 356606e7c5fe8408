//! Numbers of Canada.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{is_monotonous, luhn, nth};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 1] =
    [rule(Class::CaSin, &["999 999 999", "999999999"], is_sin, Alone::Never, words::SIN)];

fn is_sin(text: &[u8]) -> bool {
    !matches!(nth(text, 0), b'0' | b'8') && luhn(text) && !is_monotonous(text)
}
