//! How far rules of a policy stand one upon the other: the engine follows each with a piece of its stack.

use std::collections::{BTreeMap, BTreeSet};

/// Most rules and functions that may stand one upon the other. The engine's stack holds several hundred.
pub(super) const MAX_CHAIN: usize = 64;

/// The rules by name, each with the names that stand in it.
pub(super) type Uses = BTreeMap<String, BTreeSet<String>>;

/// The rule that begins a chain of more than [`MAX_CHAIN`]; rules that come back to themselves are none of these.
pub(super) fn too_long(rules: &Uses) -> Option<&str> {
    let mut waiting_for: BTreeMap<&str, usize> = rules.keys().map(|name| (name.as_str(), 0)).collect();
    let below = |of: &str| rules.get(of).into_iter().flatten().map(String::as_str);
    for name in rules.keys() {
        for used in below(name).filter(|used| used != name) {
            waiting_for.entry(used).and_modify(|count| *count += 1);
        }
    }
    // From rules that no other uses down: each is looked at once all that use it were.
    let mut ready: Vec<(&str, &str, usize)> =
        waiting_for.iter().filter(|(_, count)| **count == 0).map(|(name, _)| (*name, *name, 1)).collect();
    let mut deepest: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    while let Some((name, top, depth)) = ready.pop() {
        if depth > MAX_CHAIN {
            return Some(top);
        }
        for used in below(name).filter(|used| *used != name) {
            let Some(left) = waiting_for.get_mut(used) else { continue };
            let known = deepest.entry(used).or_insert((top, 0));
            if known.1 < depth + 1 {
                *known = (top, depth + 1);
            }
            *left = left.saturating_sub(1);
            if *left == 0 {
                ready.push((used, known.0, known.1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: usize) -> Uses {
        let name = |number: usize| format!("r{number}");
        (0..length).map(|number| (name(number), BTreeSet::from([name(number + 1), name(0)]))).collect()
    }

    fn plain(length: usize) -> Uses {
        let mut uses = chain(length);
        for used in uses.values_mut() {
            used.remove("r0");
        }
        uses
    }

    #[test]
    fn a_chain_is_told_by_its_first_rule_and_a_ring_is_none() {
        assert_eq!(too_long(&plain(MAX_CHAIN)), None);
        assert_eq!(too_long(&plain(MAX_CHAIN + 1)), Some("r0"));
        assert_eq!(too_long(&chain(1_000)), None, "a ring is refused as one");
        let wide: Uses =
            (0..1_000).map(|number| (format!("w{number}"), BTreeSet::from(["r0".to_owned()]))).collect();
        let mut uses = plain(MAX_CHAIN - 1);
        uses.extend(wide);
        assert_eq!(too_long(&uses), None);
        uses.extend(plain(MAX_CHAIN));
        assert!(too_long(&uses).is_some_and(|top| top.starts_with('w')));
    }
}
