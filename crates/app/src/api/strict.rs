//! JSON as it comes from outside: read strictly, then held against the schema that is published.
//!
//! Promises: a member that occurs twice, is unknown or of another type is refused with its place; what passes has the published form. Must never:
//! be laxer than the OpenAPI document. Patterns and formats are the concern of the types that are read afterwards.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::refusal::{Code, FieldError, Refusal};

/// The schemas that `$ref` names.
pub(super) type Definitions = Map<String, Value>;
/// Where named schemas stand in the document.
pub(super) const DEFINITIONS_AT: &str = "/components/schemas";
/// Most faults that one answer names: more than any form has fields.
const MAX_FAULTS: usize = 20;
/// References that lead to references: deeper is a mistake in the schemas.
const MAX_REFERENCES: usize = 8;

/// Reads JSON; a member that occurs twice is refused.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = deserializer.deserialize_any(Strict);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        Refusal::at(Code::Malformed, "", format!("the body cannot be read as JSON: {error}"))
    })
}

struct Strict;

impl<'de> serde::de::DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Self)?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the member {name:?} occurs twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// Holds `value` against `schema`, then reads it.
pub(super) fn read<T: DeserializeOwned>(
    value: Value,
    schema: &Value,
    definitions: &Definitions,
    place: Place,
) -> Result<T, Refusal> {
    let check = Check { definitions, place };
    check.conforms(&value, schema, &mut String::new())?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => push(&mut pointer, &index.to_string()),
                serde_path_to_error::Segment::Map { key } => push(&mut pointer, key),
                _ => {}
            }
        }
        place.refusal(&pointer, &error.inner().to_string())
    })
}

/// Which part of a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its path.
    Path,
    /// Its query.
    Query,
    /// Its body.
    Body,
}

impl Place {
    fn refusal(self, pointer: &str, what: &str) -> Refusal {
        let name = pointer.trim_start_matches('/');
        match self {
            Self::Path => Refusal::new(Code::Malformed, format!("{{{name}}} in the path: {what}")),
            Self::Query if name.is_empty() => Refusal::new(Code::Malformed, format!("the query: {what}")),
            Self::Query => Refusal::new(Code::Malformed, format!("{name} in the query: {what}")),
            Self::Body => {
                let shown = if pointer.is_empty() { "the body" } else { pointer };
                Refusal::at(Code::Malformed, pointer, format!("{shown}: {what}"))
            }
        }
    }
}

/// Follows `$ref`.
pub(super) fn resolved<'a>(schema: &'a Value, definitions: &'a Definitions) -> &'a Value {
    let mut schema = schema;
    for _ in 0..MAX_REFERENCES {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
        match name.and_then(|name| definitions.get(name)) {
            Some(named) => schema = named,
            None => break,
        }
    }
    schema
}

struct Check<'a> {
    definitions: &'a Definitions,
    place: Place,
}

impl Check<'_> {
    fn conforms(&self, value: &Value, schema: &Value, pointer: &mut String) -> Result<(), Refusal> {
        let schema = resolved(schema, self.definitions);
        if let Some(choices) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            return self.one_of(value, choices, pointer);
        }
        if let Some(types) = schema.get("type")
            && !type_fits(value, types)
        {
            return Err(self.place.refusal(pointer, &format!("it has to be {}", types_text(types))));
        }
        if value.is_null() {
            return Ok(());
        }
        if let Some(known) = schema.get("enum").and_then(Value::as_array)
            && !known.contains(value)
        {
            let words: Vec<&str> = known.iter().filter_map(Value::as_str).collect();
            return Err(self.place.refusal(pointer, &format!("it has to be one of {}", words.join(", "))));
        }
        match value {
            Value::String(text) => self.text(text, schema, pointer),
            Value::Number(number) => self.number(number, schema, pointer),
            Value::Array(items) => self.array(items, schema, pointer),
            Value::Object(members) => self.object(members, schema, pointer),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    fn one_of(&self, value: &Value, choices: &[Value], pointer: &str) -> Result<(), Refusal> {
        let mut last = Ok(());
        for choice in choices {
            match self.conforms(value, choice, &mut pointer.to_owned()) {
                Ok(()) => return Ok(()),
                // A choice that is only null explains nothing.
                Err(refusal) if choice.get("type").and_then(Value::as_str) != Some("null") => {
                    last = Err(refusal);
                }
                Err(_) => {}
            }
        }
        last
    }

    fn text(&self, text: &str, schema: &Value, pointer: &str) -> Result<(), Refusal> {
        let length = text.chars().count() as u64;
        let (least, most) = (bound(schema, "minLength"), bound(schema, "maxLength"));
        if least.is_some_and(|least| length < least) || most.is_some_and(|most| length > most) {
            let possible = match (least, most) {
                (Some(least), Some(most)) if least == most => format!("{least} characters are needed"),
                _ => format!("{} are possible", range_text(least, most)),
            };
            return Err(self.place.refusal(pointer, &format!("it has {length} characters; {possible}")));
        }
        Ok(())
    }

    fn number(&self, number: &Number, schema: &Value, pointer: &str) -> Result<(), Refusal> {
        let (least, most) = (bound(schema, "minimum"), bound(schema, "maximum"));
        let below = least.is_some_and(|least| number.as_u64().is_none_or(|number| number < least));
        if below || most.is_some_and(|most| number.as_u64().is_some_and(|number| number > most)) {
            let range = range_text(least, most);
            return Err(self
                .place
                .refusal(pointer, &format!("{number} is out of range; {range} are possible")));
        }
        Ok(())
    }

    fn array(&self, items: &[Value], schema: &Value, pointer: &mut String) -> Result<(), Refusal> {
        let count = items.len() as u64;
        let (least, most) = (bound(schema, "minItems"), bound(schema, "maxItems"));
        if least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most) {
            let range = range_text(least, most);
            return Err(self.place.refusal(pointer, &format!("it has {count} items; {range} are possible")));
        }
        let unique = schema.get("uniqueItems").and_then(Value::as_bool).unwrap_or(false);
        for (at, item) in items.iter().enumerate() {
            if unique && items.iter().take(at).any(|before| before == item) {
                return Err(self.place.refusal(pointer, &format!("item {at} is there twice")));
            }
            if let Some(schema) = schema.get("items") {
                let length = pointer.len();
                push(pointer, &at.to_string());
                self.conforms(item, schema, pointer)?;
                pointer.truncate(length);
            }
        }
        Ok(())
    }

    fn object(
        &self,
        members: &Map<String, Value>,
        schema: &Value,
        pointer: &mut String,
    ) -> Result<(), Refusal> {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let closed = schema.get("additionalProperties").and_then(Value::as_bool) == Some(false);
        if let Some(unknown) = members.keys().find(|name| closed && !properties.contains_key(*name)) {
            let shown: String = unknown.chars().take(80).collect();
            let near = crate::nearest::nearest(&shown, properties.keys().map(String::as_str));
            let near = if near.is_empty() {
                "none is known here".to_owned()
            } else {
                format!("did you mean {near}?")
            };
            push(pointer, &shown);
            return Err(self.place.refusal(pointer, &format!("there is no member of this name; {near}")));
        }
        if bound(schema, "maxProperties").is_some_and(|most| members.len() as u64 > most) {
            return Err(self.place.refusal(pointer, &format!("it has {} members, too many", members.len())));
        }
        let required = schema.get("required").and_then(Value::as_array);
        let missing = required.into_iter().flatten().filter_map(Value::as_str);
        let mut faults = Vec::new();
        for name in missing.filter(|name| !members.contains_key(*name)) {
            let mut pointer = pointer.clone();
            push(&mut pointer, name);
            faults.push(self.place.refusal(&pointer, "it is missing"));
        }
        for (name, value) in members {
            let Some(schema) = properties.get(name) else { continue };
            let length = pointer.len();
            push(pointer, name);
            faults.extend(self.conforms(value, schema, pointer).err());
            pointer.truncate(length);
        }
        together(faults)
    }
}

/// Every fault of an object in one refusal, so that whoever corrects them is not told of the next one afterwards.
fn together(mut faults: Vec<Refusal>) -> Result<(), Refusal> {
    if faults.len() < 2 {
        return faults.pop().map_or(Ok(()), Err);
    }
    let mut errors = Vec::new();
    for fault in faults {
        match fault.pointer {
            Some(pointer) if fault.errors.is_empty() => {
                errors.push(FieldError { pointer, detail: fault.detail });
            }
            // A path or a query has no pointers: the first of its faults is enough.
            None => return Err(fault),
            Some(_) => errors.extend(fault.errors),
        }
    }
    errors.truncate(MAX_FAULTS);
    let said: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
    Err(Refusal::of_fields(Code::Malformed, said.join("; "), errors))
}

/// Adds a member's name to a JSON Pointer (RFC 6901).
fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

fn bound(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

fn range_text(least: Option<u64>, most: Option<u64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} and more"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "any".to_owned(),
    }
}

fn type_fits(value: &Value, types: &Value) -> bool {
    match types {
        Value::String(name) => is_of(value, name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(|name| is_of(value, name)),
        _ => true,
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn types_text(types: &Value) -> String {
    let name = |name: &str| {
        match name {
            "string" => "text",
            "integer" => "a whole number",
            "array" => "a list",
            "object" => "an object",
            "boolean" => "true or false",
            other => return other.to_owned(),
        }
        .to_owned()
    };
    match types {
        Value::String(one) => name(one),
        Value::Array(several) => {
            let names: Vec<String> = several.iter().filter_map(Value::as_str).map(name).collect();
            names.join(" or ")
        }
        _ => "something else".to_owned(),
    }
}
