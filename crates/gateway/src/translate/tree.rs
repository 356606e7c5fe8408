//! JSON as a tree whose every value still knows how it was written, so that what is moved into another body is moved byte for byte: numbers, escapes, the
//! order of members.
//!
//! Promises: strict (no member twice, a limit on depth and size); nothing is read into a type that holds less. Must never: change a value.

use std::borrow::Cow;
use std::ops::Range;

use tabellion_mask::json::{JsonFault, Kind, Limits, Path, RawString, Scalar, Step, Visitor, walk};

/// A value and its text.
pub(crate) struct Node<'b> {
    /// As written.
    pub(crate) raw: &'b str,
    pub(crate) value: Value<'b>,
}

/// What a value is.
pub(crate) enum Value<'b> {
    Null,
    Bool(bool),
    Number,
    String(RawString<'b>),
    Array(Vec<Node<'b>>),
    Object(Vec<(Cow<'b, str>, Node<'b>)>),
}

impl<'b> Node<'b> {
    /// Reads a whole text.
    pub(crate) fn parse(bytes: &'b [u8], limits: &Limits) -> Result<Self, JsonFault> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let mut builder = Builder { text, open: Vec::new(), root: None };
        walk(bytes, limits, &mut builder)?;
        Ok(builder.root.unwrap_or(Self { raw: "null", value: Value::Null }))
    }

    /// The member `name` of an object; none where it is `null`.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Value::Object(members) = &self.value else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, node)| node).filter(|node| !node.is_null())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The elements of an array.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        if let Value::Array(items) = &self.value { Some(items) } else { None }
    }

    /// What a string says.
    pub(crate) fn text(&self) -> Option<Cow<'b, str>> {
        if let Value::String(string) = &self.value { Some(string.value()) } else { None }
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self) -> Option<u64> {
        if matches!(self.value, Value::Number) { self.raw.parse().ok() } else { None }
    }

    /// A number.
    pub(crate) fn number(&self) -> Option<f64> {
        if matches!(self.value, Value::Number) { self.raw.parse().ok() } else { None }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self.value { Some(value) } else { None }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.value, Value::Object(_))
    }

    /// Whether it says nothing: `null`, an empty text, list or object.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::String(string) => string.raw().len() <= 2,
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::Bool(_) | Value::Number => false,
        }
    }
}

/// A container that is not over.
struct Open<'b> {
    name: Option<Cow<'b, str>>,
    value: Value<'b>,
}

struct Builder<'b> {
    text: &'b str,
    open: Vec<Open<'b>>,
    root: Option<Node<'b>>,
}

fn name_of<'b>(path: Path<'_, 'b>) -> Option<Cow<'b, str>> {
    match path.steps().last() {
        Some(Step::Name(name)) => Some(name.clone()),
        Some(Step::Index(_)) | None => None,
    }
}

impl<'b> Builder<'b> {
    fn add(&mut self, name: Option<Cow<'b, str>>, node: Node<'b>) {
        match self.open.last_mut().map(|open| &mut open.value) {
            Some(Value::Array(items)) => items.push(node),
            Some(Value::Object(members)) => members.push((name.unwrap_or_default(), node)),
            _ => self.root = Some(node),
        }
    }
}

impl<'b> Visitor<'b> for Builder<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        let value = match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number(_) => Value::Number,
            Scalar::String(string) => Value::String(string),
        };
        let raw = self.text.get(range).unwrap_or_default();
        self.add(name_of(path), Node { raw, value });
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        let value = match kind {
            Kind::Array => Value::Array(Vec::new()),
            Kind::Object => Value::Object(Vec::new()),
        };
        self.open.push(Open { name: name_of(path), value });
    }

    fn close(&mut self, _: Path<'_, 'b>, _: Kind, range: Range<usize>) {
        let Some(Open { name, value }) = self.open.pop() else { return };
        let raw = self.text.get(range).unwrap_or_default();
        self.add(name, Node { raw, value });
    }
}

/// An object that is written member by member.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(json);
        self
    }

    /// The same, where there is a value.
    pub(crate) fn some(self, name: &str, json: Option<&str>) -> Self {
        match json {
            Some(json) => self.raw(name, json),
            None => self,
        }
    }

    /// A member that is text.
    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        self.raw(name, &quoted(text))
    }

    /// A member that is a number.
    pub(crate) fn count(self, name: &str, count: u64) -> Self {
        self.raw(name, &count.to_string())
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", tabellion_mask::json::escaped(text))
}

/// A list of values that are JSON already.
pub(crate) fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_found_again_as_it_was_written() {
        let text =
            "{\"b\": [1.50, 12345678901234567890123, \"\\u00e9\"], \"a\":{ \"x\":null,\"y\":true}, \"e\":[]}";
        let tree = Node::parse(text.as_bytes(), &Limits::default()).expect("JSON");
        assert_eq!(tree.raw, text, "the whole is as it was");
        let items = tree.get("b").and_then(Node::items).expect("a list");
        assert_eq!(items[0].raw, "1.50", "a number would be written anew");
        assert_eq!(items[1].raw, "12345678901234567890123", "a long number would lose its digits");
        assert_eq!(items[2].text().as_deref(), Some("é"));
        let inner = tree.get("a").expect("an object");
        assert_eq!(inner.raw, "{ \"x\":null,\"y\":true}");
        assert!(inner.get("x").is_none() && inner.get("y").and_then(Node::bool) == Some(true));
        assert!(tree.get("e").is_some_and(Node::is_empty));
        assert!(Node::parse(b"{\"a\":1,\"a\":2}", &Limits::default()).is_err(), "which one would hold?");
    }
}
