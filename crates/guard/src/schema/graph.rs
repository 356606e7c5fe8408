//! The places of a schema and what leads from one to another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::keyword::{AT_THE_TOP, DRAFTS, Holds, NOT_TAKEN, holds};
use super::work::Cost;
use super::{MAX_PLACES, MAX_SCHEMA_DEPTH, SchemaFault};

/// Steps that a comparison of one number, word or limit counts for.
const PLAIN: u64 = 1;
/// The keyword by which items are compared with one another.
const UNIQUE_ITEMS: &str = "uniqueItems";
/// Steps of a division: of numbers that are no integers it is one of fractions with a thousand digits.
const MULTIPLE_OF: u64 = 128;
/// So many bytes of a text that is compared are one step.
const COMPARED_BYTES: usize = 16;
/// How often a pattern of names looks at each of them: for its own members, and to find those that are of no pattern.
const NAMES_TWICE: u64 = 2;

/// How many states a pattern has when it is ready.
pub(super) type States<'s> = &'s mut dyn FnMut(&str) -> Option<u64>;

/// One place of a schema.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Steps of its own keywords.
    pub(super) own: Cost,
    /// Places for the same value.
    pub(super) here: Vec<usize>,
    /// Of members by their names, of which one is for each member; by patterns, which may all be; and for all others.
    pub(super) named: Vec<usize>,
    pub(super) patterned: Vec<usize>,
    pub(super) other_members: Vec<usize>,
    pub(super) member_names: Vec<usize>,
    /// Of items by their index, of which one is for each item; for all others; and for any.
    pub(super) indexed: Vec<usize>,
    pub(super) other_items: Vec<usize>,
    pub(super) contained: Vec<usize>,
}

impl Place {
    /// All places that a look at this one leads to.
    fn all(&self) -> impl Iterator<Item = usize> {
        let groups = [
            &self.here,
            &self.named,
            &self.patterned,
            &self.other_members,
            &self.member_names,
            &self.indexed,
            &self.other_items,
            &self.contained,
        ];
        groups.into_iter().flatten().copied()
    }
}

/// All places; the first one is the whole schema.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) places: Vec<Place>,
    /// Names of members that it speaks of.
    pub(super) names: BTreeSet<String>,
    /// Each place by its pointer.
    known: BTreeMap<String, usize>,
}

impl Graph {
    /// Reads the places of `schema`.
    pub(super) fn of(schema: &Value, states: States<'_>) -> Result<Self, SchemaFault> {
        let mut graph = Self::default();
        graph.place((schema, states), "", schema, 0)?;
        Ok(graph)
    }

    /// The place at `pointer` in `root`, which is `schema`.
    fn place(
        &mut self,
        (root, states): (&Value, States<'_>),
        pointer: &str,
        schema: &Value,
        depth: usize,
    ) -> Result<usize, SchemaFault> {
        if let Some(known) = self.known.get(pointer) {
            return Ok(*known);
        }
        if depth > 2 * MAX_SCHEMA_DEPTH {
            return Err(SchemaFault::TooDeep);
        }
        let number = self.places.len();
        self.places.push(Place::default());
        self.known.insert(pointer.to_owned(), number);
        let mut place = Place { own: Cost { looks: PLAIN, ..Cost::default() }, ..Place::default() };
        match schema {
            Value::Bool(_) => {}
            Value::Object(members) => {
                check_names(members, pointer)?;
                for (name, value) in members {
                    let Some(kind) = holds(name) else { continue };
                    self.keyword((root, &mut *states), &mut place, (pointer, depth), (name, kind, value))?;
                }
            }
            _ => return Err(SchemaFault::NoSchema(place_word(pointer))),
        }
        if let Some(known) = self.places.get_mut(number) {
            *known = place;
        }
        Ok(number)
    }

    /// Takes in one keyword of a place.
    fn keyword(
        &mut self,
        (root, states): (&Value, States<'_>),
        place: &mut Place,
        (pointer, depth): (&str, usize),
        (name, kind, value): (&str, Holds, &Value),
    ) -> Result<(), SchemaFault> {
        let here = format!("{pointer}/{name}");
        match kind {
            Holds::Told => {}
            Holds::Plain => plain(&mut place.own, (name, value), states)?,
            Holds::Compared => place.own.looks += size(value),
            Holds::Reference => {
                let (to, schema) = resolved(root, value)?;
                place.here.push(self.place((root, &mut *states), &to, schema, depth + 1)?);
            }
            Holds::Here => place.here.push(self.place((root, &mut *states), &here, value, depth + 1)?),
            Holds::Within => {
                let inner = self.place((root, &mut *states), &here, value, depth + 1)?;
                match name {
                    "additionalProperties" => place.other_members.push(inner),
                    "propertyNames" => place.member_names.push(inner),
                    "contains" => place.contained.push(inner),
                    _ => place.other_items.push(inner),
                }
            }
            Holds::HereList | Holds::WithinList => {
                let list = value.as_array().ok_or_else(|| form(name))?;
                for (index, schema) in list.iter().enumerate() {
                    let inner =
                        self.place((root, &mut *states), &format!("{here}/{index}"), schema, depth + 1)?;
                    if kind == Holds::HereList { place.here.push(inner) } else { place.indexed.push(inner) }
                }
            }
            Holds::HereTable | Holds::WithinTable | Holds::Apart => {
                let table = value.as_object().ok_or_else(|| form(name))?;
                for (key, schema) in table {
                    let inner = self.place(
                        (root, &mut *states),
                        &format!("{here}/{}", written(key)),
                        schema,
                        depth + 1,
                    )?;
                    match name {
                        "properties" => {
                            self.names.insert(key.clone());
                            place.named.push(inner);
                        }
                        "patternProperties" => {
                            let of_name = states(key).ok_or(SchemaFault::Pattern)?;
                            place.own.looks += PLAIN;
                            place.own.matches =
                                of_name.saturating_mul(NAMES_TWICE).saturating_add(place.own.matches);
                            place.patterned.push(inner);
                        }
                        "dependentSchemas" => place.here.push(inner),
                        // Only references lead there.
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether it ends on every text, and what evaluates it can hold it: in so many places.
    pub(super) fn check(&self) -> Result<usize, SchemaFault> {
        let mut left = MAX_PLACES;
        self.unfold(0, &mut Vec::new(), &mut left)?;
        self.in_order()?;
        // Definitions that nothing leads to are made ready as well.
        Ok((MAX_PLACES - left).max(self.places.len()))
    }

    /// Follows everything from `place` on, each place once on each way.
    fn unfold(&self, place: usize, way: &mut Vec<usize>, left: &mut usize) -> Result<(), SchemaFault> {
        if way.contains(&place) {
            return Ok(());
        }
        if way.len() == MAX_SCHEMA_DEPTH {
            return Err(SchemaFault::TooDeep);
        }
        *left = left.checked_sub(1).ok_or(SchemaFault::TooMany)?;
        way.push(place);
        let next = self.places.get(place);
        for inner in next.into_iter().flat_map(Place::all) {
            self.unfold(inner, way, left)?;
        }
        way.pop();
        Ok(())
    }

    /// All places, each after those for the same value that it leads to.
    pub(super) fn in_order(&self) -> Result<Vec<usize>, SchemaFault> {
        let mut order = Vec::new();
        let mut seen = vec![Seen::Not; self.places.len()];
        for place in 0..self.places.len() {
            self.visit(place, 0, &mut seen, &mut order)?;
        }
        Ok(order)
    }

    fn visit(
        &self,
        place: usize,
        depth: usize,
        seen: &mut [Seen],
        order: &mut Vec<usize>,
    ) -> Result<(), SchemaFault> {
        match seen.get(place) {
            Some(Seen::Begun) => return Err(SchemaFault::Circle),
            Some(Seen::Done) | None => return Ok(()),
            Some(Seen::Not) => {}
        }
        // What no way from the top leads to may still go on for ever.
        if depth > 2 * MAX_SCHEMA_DEPTH {
            return Err(SchemaFault::TooDeep);
        }
        mark(seen, place, Seen::Begun);
        for inner in self.places.get(place).into_iter().flat_map(|place| &place.here) {
            self.visit(*inner, depth + 1, seen, order)?;
        }
        mark(seen, place, Seen::Done);
        order.push(place);
        Ok(())
    }
}

/// Whether a place was visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    Begun,
    Done,
}

fn mark(seen: &mut [Seen], place: usize, as_what: Seen) {
    if let Some(known) = seen.get_mut(place) {
        *known = as_what;
    }
}

/// Whether what stands beside the keywords that are read can be read so.
fn check_names(members: &Map<String, Value>, pointer: &str) -> Result<(), SchemaFault> {
    if let Some(refused) = NOT_TAKEN.iter().find(|refused| members.contains_key(**refused)) {
        return Err(SchemaFault::Keyword(refused));
    }
    // Below the top it would change what a part of the schema means, or where it is.
    if let Some(refused) = AT_THE_TOP.iter().find(|refused| members.contains_key(**refused))
        && !pointer.is_empty()
    {
        return Err(SchemaFault::Keyword(refused));
    }
    let Some(draft) = members.get("$schema") else { return Ok(()) };
    let named = draft.as_str().unwrap_or_default().trim_end_matches('#');
    let named = named.strip_prefix("https://").or_else(|| named.strip_prefix("http://"));
    if named.is_some_and(|named| DRAFTS.contains(&named)) { Ok(()) } else { Err(SchemaFault::Draft) }
}

/// Where a reference leads.
fn resolved<'s>(root: &'s Value, reference: &Value) -> Result<(String, &'s Value), SchemaFault> {
    let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
    // Escapes of URLs would give one place two names.
    let pointer = pointer.filter(|pointer| !pointer.contains('%')).ok_or(SchemaFault::Reference)?;
    let schema = root.pointer(pointer).ok_or(SchemaFault::Reference)?;
    Ok((pointer.to_owned(), schema))
}

/// A name as a step of a pointer (RFC 6901).
fn written(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A place for people: its pointer, or that it is all of it.
fn place_word(pointer: &str) -> String {
    if pointer.is_empty() { "the top".to_owned() } else { pointer.to_owned() }
}

/// Adds the steps of a keyword that compares with limits, words or patterns.
fn plain(own: &mut Cost, (name, value): (&str, &Value), states: States<'_>) -> Result<(), SchemaFault> {
    own.looks += match name {
        "multipleOf" => MULTIPLE_OF,
        _ => size(value),
    };
    if name == UNIQUE_ITEMS {
        own.compares += PLAIN;
    }
    if let ("pattern", Some(pattern)) = (name, value.as_str()) {
        own.matches = own.matches.saturating_add(states(pattern).ok_or(SchemaFault::Pattern)?);
    }
    Ok(())
}

/// Steps of a comparison with `value`.
fn size(value: &Value) -> u64 {
    match value {
        Value::Array(items) => PLAIN + items.iter().map(size).sum::<u64>(),
        Value::Object(members) => PLAIN + members.values().map(size).sum::<u64>(),
        Value::String(text) => PLAIN + (text.len() / COMPARED_BYTES) as u64,
        _ => PLAIN,
    }
}

fn form(name: &str) -> SchemaFault {
    let known = super::keyword::KEYWORDS.iter().find(|(keyword, _)| *keyword == name);
    SchemaFault::Form(known.map_or("$defs", |(keyword, _)| keyword))
}
