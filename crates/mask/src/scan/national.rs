//! Numbers that states and their registers give to people and companies: one file for each country or region.

mod asia;
mod au;
mod ca;
mod de;
mod es;
mod europe;
mod india;
mod italy;
mod latin;
mod nordic;
mod others;
mod uk;
mod us;

use super::rule::{Alone, Rule};
use super::topics::Topics;
use crate::class::Class;

/// Every rule. Of two that fit and are named by the same words the first counts.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    let all: [&'static [Rule]; 13] = [
        &de::RULES,
        &us::RULES,
        &uk::RULES,
        &ca::RULES,
        &au::RULES,
        &es::RULES,
        &nordic::RULES,
        &india::RULES,
        &italy::RULES,
        &asia::RULES,
        &others::RULES,
        &europe::RULES,
        &latin::RULES,
    ];
    all.into_iter().flatten()
}

const fn rule(
    class: Class,
    forms: &'static [&'static str],
    check: fn(&[u8]) -> bool,
    alone: Alone,
    topics: Topics,
) -> Rule {
    Rule { class, forms, check, alone, topics }
}
