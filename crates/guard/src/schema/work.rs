//! How much work it is at most to hold a text against a schema.
//!
//! A value of the text is looked at once for each way of places that leads to it, and how many there are follows from how deep it stands: of the members by
//! name, and of the items by index, one place is for each value, so the dearest counts; what may apply beside one another adds up. A pattern may look at each of
//! its states for each byte. Items that are compared with one another are so in pairs where their digests may be equal, each with all that is in it.

use serde_json::Value;

use super::graph::{Graph, Place};
use super::{Effort, MAX_SCHEMA_DEPTH, MAX_TEXT_DEPTH};

/// So many bytes of a text are one step.
const TEXT_BYTES: usize = 32;
/// What is wrong is found by looking again below each level at which it is told of.
const AGAIN: u64 = MAX_SCHEMA_DEPTH as u64;
/// Integers up to here have digests of their own: they are digested as the nearest of the numbers with 53 bits.
const MAX_EXACT: u64 = 1 << 53;

/// Steps for one value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// For each piece of it.
    pub(super) looks: u64,
    /// For each byte of it: states of patterns.
    pub(super) matches: u64,
    /// For each pair of its items.
    pub(super) compares: u64,
}

impl Cost {
    const MOST: Self = Self { looks: u64::MAX, matches: u64::MAX, compares: u64::MAX };

    fn and(self, more: Self) -> Self {
        self.by(more, u64::saturating_add)
    }

    fn or(self, other: Self) -> Self {
        self.by(other, u64::max)
    }

    fn by(self, other: Self, of: fn(u64, u64) -> u64) -> Self {
        Self {
            looks: of(self.looks, other.looks),
            matches: of(self.matches, other.matches),
            compares: of(self.compares, other.compares),
        }
    }

    /// As often as there is something for each.
    fn times(self, amount: Self) -> Self {
        self.by(amount, u64::saturating_mul)
    }
}

/// Steps for one value, by how deep it stands.
#[derive(Debug, Clone)]
pub(super) struct Work {
    steps: Vec<Cost>,
}

impl Work {
    /// That of the first place. Places were found to be in an order, or none are.
    pub(super) fn of(graph: &Graph) -> Self {
        let order = graph.in_order().unwrap_or_default();
        let mut steps = Vec::new();
        let mut before: Vec<Cost> = vec![Cost::default(); graph.places.len()];
        for depth in 0..=MAX_TEXT_DEPTH {
            let mut now: Vec<Cost> = vec![Cost::default(); graph.places.len()];
            for number in &order {
                let Some(place) = graph.places.get(*number) else { continue };
                let own = if depth == 0 { place.own } else { within(place, &before) };
                let here = sum(&place.here, &now);
                if let Some(known) = now.get_mut(*number) {
                    *known = own.and(here);
                }
            }
            steps.push(now.first().copied().unwrap_or(Cost::MOST));
            before = now;
        }
        Self { steps }
    }

    /// That on `text`.
    pub(super) fn on(&self, text: &Value) -> Effort {
        let (Cost { looks, matches, compares }, _) = self.at(text, 0);
        let looks = looks.saturating_mul(AGAIN);
        let beside = matches.saturating_add(compares);
        Effort {
            looks,
            whole: looks.saturating_add(beside),
            telling: looks.saturating_add(beside.saturating_mul(AGAIN)),
        }
    }

    /// Steps for a value and all in it, and how much there is of it.
    fn at(&self, value: &Value, depth: usize) -> (Cost, u64) {
        // What is deeper is not to be looked at.
        let Some(steps) = self.steps.get(depth) else { return (Cost::MOST, 1) };
        let add = |(work, size): (Cost, u64), value: &Value| {
            let (more, larger) = self.at(value, depth + 1);
            (work.and(more), size + larger)
        };
        let own = weight(value);
        let (inner, size) = match value {
            Value::Array(items) => items.iter().fold((Cost::default(), own), add),
            Value::Object(members) => {
                let (inner, size) = members.values().fold((Cost::default(), own), add);
                // A name is a value of its own to what looks at names.
                let next = self.steps.get(depth + 1).copied().unwrap_or(Cost::MOST);
                let of_name = |name: &String| {
                    next.times(Cost { looks: bytes(name), matches: length(name), compares: 0 })
                };
                (members.keys().map(of_name).fold(inner, Cost::and), size)
            }
            _ => (Cost::default(), own),
        };
        let amount = Cost { looks: own, matches: matched(value), compares: compared(value, size) };
        (inner.and(steps.times(amount)), size)
    }
}

/// Steps for a value one level deeper.
fn within(place: &Place, before: &[Cost]) -> Cost {
    let named = dearest(&place.named, before).or(sum(&place.other_members, before));
    let members = named.and(sum(&place.patterned, before));
    let indexed = dearest(&place.indexed, before).or(sum(&place.other_items, before));
    let items = indexed.and(sum(&place.contained, before));
    // A value stands in an object or in an array; its name is looked at beside it.
    members.or(items).and(sum(&place.member_names, before))
}

fn sum(places: &[usize], steps: &[Cost]) -> Cost {
    places.iter().filter_map(|place| steps.get(*place)).copied().fold(Cost::default(), Cost::and)
}

fn dearest(places: &[usize], steps: &[Cost]) -> Cost {
    places.iter().filter_map(|place| steps.get(*place)).copied().fold(Cost::default(), Cost::or)
}

/// How much there is of a value itself.
fn weight(value: &Value) -> u64 {
    match value {
        Value::String(text) => bytes(text),
        Value::Array(items) => 1 + items.len() as u64,
        Value::Object(members) => 1 + members.keys().map(|name| bytes(name)).sum::<u64>(),
        _ => 1,
    }
}

/// Bytes of a value that patterns look at: of a text, or of names.
fn matched(value: &Value) -> u64 {
    match value {
        Value::String(text) => length(text),
        Value::Object(members) => members.keys().map(|name| length(name)).sum(),
        _ => 0,
    }
}

/// Steps of comparing the items of a value, of which there is so much, with one another. Texts and small numbers have digests of their own; of lists, objects
/// and large numbers as many as one likes can be written that have the same.
fn compared(value: &Value, size: u64) -> u64 {
    let Value::Array(items) = value else { return 0 };
    let is_plain = |item: &Value| match item {
        Value::Array(_) | Value::Object(_) => false,
        Value::Number(number) => {
            number.is_f64() || number.as_i64().is_some_and(|it| it.unsigned_abs() <= MAX_EXACT)
        }
        _ => true,
    };
    if items.iter().all(is_plain) { size.saturating_mul(2) } else { size.saturating_mul(items.len() as u64) }
}

fn bytes(text: &str) -> u64 {
    1 + (text.len() / TEXT_BYTES) as u64
}

fn length(text: &str) -> u64 {
    1 + text.len() as u64
}
