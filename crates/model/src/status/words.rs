//! Sentences: numbers with their nouns, names in a row.

use super::MAX_NAMED;
use super::facts::SystemFacts;
use crate::Micros;

/// What people call an item of a register.
pub(super) fn item_of(register: &str) -> String {
    match register {
        "ai_system" => "inventory entry".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A number with its noun.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Systems by name, at most [`MAX_NAMED`], and how many more there are.
pub(super) fn names(systems: &[&SystemFacts], unnamed: u64) -> String {
    let mut named: Vec<String> = systems.iter().take(MAX_NAMED).map(|system| name(system)).collect();
    let more = unnamed + systems.len().saturating_sub(MAX_NAMED) as u64;
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

/// What people call a system, or its id when that is not known.
pub(super) fn name(system: &SystemFacts) -> String {
    system.name.clone().unwrap_or_else(|| format!("system {}", system.system))
}

/// The day of a time, in UTC.
pub(super) fn day(at: Micros) -> String {
    at.to_string().chars().take("2026-01-01".len()).collect()
}

/// A share as people read it.
pub(super) fn share(passed: u64, of: u64) -> String {
    if of == 0 {
        return "nothing to test".to_owned();
    }
    let permille = u128::from(passed) * 1000 / u128::from(of);
    format!("{passed} of {of} ({}.{} %)", permille / 10, permille % 10)
}
