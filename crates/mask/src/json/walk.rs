//! The walk over a JSON text: iterative, bounded, showing each value with its path and its place in the bytes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use super::fault::{JsonFault, Problem};
use super::reader::Reader;
use super::string::RawString;

/// Members up to which an object's names are compared one by one; beyond, they are kept sorted.
const FEW_MEMBERS: usize = 16;

/// What a walk accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of the text.
    pub max_bytes: usize,
    /// Most arrays and objects within each other.
    pub max_depth: usize,
}

impl Default for Limits {
    /// 10 MiB, as requests with pictures in them need; 64 levels, half of what common parsers stop at.
    fn default() -> Self {
        Self { max_bytes: 10 * 1024 * 1024, max_depth: 64 }
    }
}

/// A step from a container to a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'b> {
    /// A member's name, unescaped.
    Name(Cow<'b, str>),
    /// An element's place in its array, from 0.
    Index(usize),
}

/// The way from the outermost value to one within it.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p, 'b>(&'p [Step<'b>]);

impl<'p, 'b> Path<'p, 'b> {
    /// The steps, outermost first.
    pub fn steps(&self) -> &'p [Step<'b>] {
        self.0
    }

    /// Whether the path has these names, where `*` is any element of an array: `["messages", "*", "content"]`.
    pub fn is(&self, pattern: &[&str]) -> bool {
        self.0.len() == pattern.len() && self.starts_with(pattern)
    }

    /// Whether the path leads to such a place or into it.
    pub fn starts_with(&self, pattern: &[&str]) -> bool {
        self.0.len() >= pattern.len()
            && self.0.iter().zip(pattern).all(|(step, wanted)| match step {
                Step::Name(name) => *wanted != "*" && name == wanted,
                Step::Index(_) => *wanted == "*",
            })
    }

    /// The name of an outermost member, when that is what the path leads to.
    pub fn top(&self) -> Option<&'p str> {
        match self.0 {
            [Step::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// The index of the n-th array on the way, from 0.
    pub fn index(&self, nth: usize) -> Option<usize> {
        let mut indexes = self.0.iter().filter_map(|step| match step {
            Step::Index(index) => Some(*index),
            Step::Name(_) => None,
        });
        indexes.nth(nth)
    }
}

/// A value that holds no others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'b> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written.
    Number(&'b str),
    /// A string.
    String(RawString<'b>),
}

/// A value that holds others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object.
    Object,
    /// An array.
    Array,
}

/// What a walk shows its values to, in the order of the text. `at` and `range` are in bytes of that text.
pub trait Visitor<'b> {
    /// A value that holds no others.
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>);

    /// A member's name; `path` is that of the member.
    fn name(&mut self, path: Path<'_, 'b>, name: RawString<'b>, range: Range<usize>) {
        let _ = (path, name, range);
    }

    /// An object or array begins.
    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, at: usize) {
        let _ = (path, kind, at);
    }

    /// An object or array is over; `range` is all of it, brackets included.
    fn close(&mut self, path: Path<'_, 'b>, kind: Kind, range: Range<usize>) {
        let _ = (path, kind, range);
    }
}

/// Shows every value of a JSON text to a visitor. After an error, what was shown is to be forgotten.
pub fn walk<'b>(bytes: &'b [u8], limits: &Limits, visitor: &mut impl Visitor<'b>) -> Result<(), JsonFault> {
    if bytes.len() > limits.max_bytes {
        return Err(Problem::TooLarge.at(limits.max_bytes));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Problem::NotUtf8.at(error.valid_up_to()))?;
    let mut walk = Walk {
        reader: Reader { text, at: 0 },
        max_depth: limits.max_depth,
        open: Vec::new(),
        path: Vec::new(),
        names: Vec::new(),
    };
    walk.value(visitor)?;
    while let Some(kind) = walk.open.last().map(|container| container.kind) {
        walk.reader.skip_space();
        match kind {
            Kind::Object => walk.member(visitor)?,
            Kind::Array => walk.element(visitor)?,
        }
    }
    walk.reader.skip_space();
    if walk.reader.peek().is_some() {
        return Err(Problem::Trailing.at(walk.reader.at));
    }
    Ok(())
}

/// An object or array that is not over yet.
struct Container<'b> {
    kind: Kind,
    start: usize,
    /// Values of it so far.
    count: usize,
    /// Its first name in the common list.
    first_name: usize,
    /// Its names once there are many.
    many: BTreeSet<Cow<'b, str>>,
}

struct Walk<'b> {
    reader: Reader<'b>,
    max_depth: usize,
    open: Vec<Container<'b>>,
    path: Vec<Step<'b>>,
    /// Names of all open objects, innermost last.
    names: Vec<Cow<'b, str>>,
}

impl<'b> Walk<'b> {
    /// Reads a scalar, or the opening bracket of a container.
    fn value(&mut self, visitor: &mut impl Visitor<'b>) -> Result<(), JsonFault> {
        self.reader.skip_space();
        let start = self.reader.at;
        let scalar = match self.reader.peek() {
            Some(b'{') => return self.opened(Kind::Object, visitor),
            Some(b'[') => return self.opened(Kind::Array, visitor),
            Some(b'"') => Scalar::String(self.reader.string()?),
            Some(b'n') => self.reader.word("null").map(|()| Scalar::Null)?,
            Some(b't') => self.reader.word("true").map(|()| Scalar::Bool(true))?,
            Some(b'f') => self.reader.word("false").map(|()| Scalar::Bool(false))?,
            Some(b'-' | b'0'..=b'9') => Scalar::Number(self.reader.number()?),
            _ => return Err(self.reader.unexpected()),
        };
        visitor.scalar(Path(&self.path), scalar, start..self.reader.at);
        Ok(())
    }

    fn opened(&mut self, kind: Kind, visitor: &mut impl Visitor<'b>) -> Result<(), JsonFault> {
        if self.open.len() >= self.max_depth {
            return Err(Problem::TooDeep.at(self.reader.at));
        }
        visitor.open(Path(&self.path), kind, self.reader.at);
        let first_name = self.names.len();
        self.open.push(Container {
            kind,
            start: self.reader.at,
            count: 0,
            first_name,
            many: BTreeSet::new(),
        });
        self.reader.skip();
        Ok(())
    }

    /// Reads the innermost object's next member or its end.
    fn member(&mut self, visitor: &mut impl Visitor<'b>) -> Result<(), JsonFault> {
        if !self.goes_on(b'}', visitor)? {
            return Ok(());
        }
        let start = self.reader.at;
        if self.reader.peek() != Some(b'"') {
            return Err(self.reader.unexpected());
        }
        let raw = self.reader.string()?;
        let end = self.reader.at;
        let name = raw.value();
        if !self.is_new(name.clone()) {
            return Err(Problem::DuplicateName.at(start));
        }
        self.path.push(Step::Name(name));
        visitor.name(Path(&self.path), raw, start..end);
        self.reader.skip_space();
        self.reader.expect(b':')?;
        self.value(visitor)
    }

    /// Reads the innermost array's next element or its end.
    fn element(&mut self, visitor: &mut impl Visitor<'b>) -> Result<(), JsonFault> {
        if !self.goes_on(b']', visitor)? {
            return Ok(());
        }
        let index = self.open.last().map_or(0, |array| array.count.saturating_sub(1));
        self.path.push(Step::Index(index));
        self.value(visitor)
    }

    /// Ends the value before, then passes the comma or the closing bracket. False when the container is over.
    fn goes_on(&mut self, closing: u8, visitor: &mut impl Visitor<'b>) -> Result<bool, JsonFault> {
        let Some(container) = self.open.last_mut() else { return Ok(false) };
        let first = container.count == 0;
        if !first {
            self.path.pop();
        }
        if self.reader.peek() == Some(closing) {
            self.reader.skip();
            let (kind, range) = (container.kind, container.start..self.reader.at);
            self.names.truncate(container.first_name);
            self.open.pop();
            visitor.close(Path(&self.path), kind, range);
            return Ok(false);
        }
        container.count = container.count.saturating_add(1);
        if !first {
            self.reader.expect(b',')?;
            self.reader.skip_space();
        }
        Ok(true)
    }

    /// Notes a name of the innermost object; false when the object has it already.
    fn is_new(&mut self, name: Cow<'b, str>) -> bool {
        let Some(object) = self.open.last_mut() else { return true };
        if object.count > FEW_MEMBERS {
            if object.many.is_empty() {
                object.many.extend(self.names.drain(object.first_name..));
            }
            return object.many.insert(name);
        }
        let few = self.names.get(object.first_name..).unwrap_or_default();
        if few.contains(&name) {
            return false;
        }
        self.names.push(name);
        true
    }
}
