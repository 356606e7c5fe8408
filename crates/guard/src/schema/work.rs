//! How much work it is at most to hold a text against a schema.
//!
//! A value of the text is looked at once for each way of places that leads to it, and how many there are follows from how deep it stands: of the members by
//! name, and of the items by index, one place is for each value, so the dearest counts; what may apply beside one another adds up. Items that are compared with
//! one another are looked at with all that is in them.

use serde_json::Value;

use super::graph::{Graph, Place};
use super::{MAX_SCHEMA_DEPTH, MAX_TEXT_DEPTH};

/// So many bytes of a text are one step.
const TEXT_BYTES: usize = 32;
/// What is wrong is found by looking again below each level at which it is told of.
const AGAIN: u64 = MAX_SCHEMA_DEPTH as u64;

/// Steps for one value, by how deep it stands.
#[derive(Debug, Clone)]
pub(super) struct Work {
    steps: Vec<u64>,
    /// Whether items are compared with one another.
    compares_items: bool,
}

impl Work {
    /// That of the first place. Places were found to be in an order, or none are.
    pub(super) fn of(graph: &Graph) -> Self {
        let order = graph.in_order().unwrap_or_default();
        let mut steps = Vec::new();
        let mut before: Vec<u64> = vec![0; graph.places.len()];
        for depth in 0..=MAX_TEXT_DEPTH {
            let mut now: Vec<u64> = vec![0; graph.places.len()];
            for number in &order {
                let Some(place) = graph.places.get(*number) else { continue };
                let own = if depth == 0 { place.own } else { within(place, &before) };
                let here = sum(&place.here, &now);
                if let Some(known) = now.get_mut(*number) {
                    *known = own.saturating_add(here);
                }
            }
            steps.push(now.first().copied().unwrap_or(u64::MAX));
            before = now;
        }
        Self { steps, compares_items: graph.compares_items }
    }

    /// That on `text`.
    pub(super) fn on(&self, text: &Value) -> u64 {
        self.at(text, 0).0.saturating_mul(AGAIN)
    }

    /// Steps for a value and all in it, and how much there is of it.
    fn at(&self, value: &Value, depth: usize) -> (u64, u64) {
        // What is deeper is not to be looked at.
        let Some(steps) = self.steps.get(depth) else { return (u64::MAX, 1) };
        let add = |(work, size): (u64, u64), value: &Value| {
            let (more, larger) = self.at(value, depth + 1);
            (work.saturating_add(more), size + larger)
        };
        let own = weight(value);
        let (inner, size) = match value {
            Value::Array(items) => items.iter().fold((0, own), add),
            Value::Object(members) => {
                let (inner, size) = members.values().fold((0, own), add);
                // A name is a value of its own to what looks at names.
                let next = self.steps.get(depth + 1).copied().unwrap_or(u64::MAX);
                let names = members.keys().map(|name| next.saturating_mul(bytes(name)));
                (names.fold(inner, u64::saturating_add), size)
            }
            _ => (0, own),
        };
        let looked_at = if self.compares_items && value.is_array() { size } else { own };
        (inner.saturating_add(steps.saturating_mul(looked_at)), size)
    }
}

/// Steps for a value one level deeper.
fn within(place: &Place, before: &[u64]) -> u64 {
    let named = dearest(&place.named, before).max(sum(&place.other_members, before));
    let members = named.saturating_add(sum(&place.patterned, before));
    let indexed = dearest(&place.indexed, before).max(sum(&place.other_items, before));
    let items = indexed.saturating_add(sum(&place.contained, before));
    // A value stands in an object or in an array; its name is looked at beside it.
    members.max(items).saturating_add(sum(&place.member_names, before))
}

fn sum(places: &[usize], steps: &[u64]) -> u64 {
    places.iter().filter_map(|place| steps.get(*place)).fold(0, |total, more| total.saturating_add(*more))
}

fn dearest(places: &[usize], steps: &[u64]) -> u64 {
    places.iter().filter_map(|place| steps.get(*place)).max().copied().unwrap_or(0)
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

fn bytes(text: &str) -> u64 {
    1 + (text.len() / TEXT_BYTES) as u64
}
