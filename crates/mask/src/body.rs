//! Masks and restores strings of a JSON body where they stand, as edits of its bytes.
//!
//! Promises that no escape hides a value (`\u0040` is an at sign, also in JSON that is a string of JSON, eight levels deep),
//! and that what is put in is valid where it stands, at every level.

use std::borrow::Cow;
use std::ops::Range;

use crate::class::{Class, Classes};
use crate::edits::{Edits, OverlapError};
use crate::json::{self, Limits, Path, RawString, Scalar, Step, Unescaped, Visitor, escaped};
use crate::names::is_name_key;
use crate::plan::{Operator, Plan, Role};
use crate::restore::{Placing, Search, next_known};
use crate::scan::{Context, is_telling, scan_for, scan_number_with};
use crate::scope::{Scope, ScopeFull};

/// Levels of JSON in a string that are read. Agents that hand on each other's calls reach three; each level doubles the
/// backslashes, 255 before a quote at the eighth.
pub const MAX_NESTED_JSON: usize = 8;
/// How JSON in a string is read: its bytes are within a body that was accepted.
const LIMITS: Limits = Limits { max_bytes: usize::MAX, max_depth: 64 };
/// Shorter values of a member are none of any class: an address with its quotes has eight bytes, a card twelve digits. A list
/// of a million short numbers is not kept.
const SHORTEST_STRING: usize = 8;
/// The same where the member's name says that its value is a name: two letters with their quotes.
const SHORTEST_NAMED_STRING: usize = 4;
/// Shorter numbers of JSON are none of any class, where nothing says what they are.
pub const SHORTEST_NUMBER: usize = 12;
/// The same where the member's name says what it is: a telephone number has seven.
pub const SHORTEST_NAMED_NUMBER: usize = 7;

/// What a string of a body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text for people or models. Text that begins like JSON and is JSON is treated as JSON.
    Text,
    /// JSON within the string, such as the arguments of a tool call. Text that is not JSON after all is treated as text.
    Json,
    /// The name of a member: text that no other name may become the same as.
    Name,
}

/// A value that was found: what a record may say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What it was.
    pub class: Class,
    /// Where it stood, in bytes of the body (or of the text, for [`mask_text`]).
    pub range: Range<usize>,
    /// What became of it.
    pub operator: Operator,
    /// What stands there now; empty where it was dropped, and where it stays.
    pub placeholder: String,
}

/// Replaces the values in a text.
pub fn mask_text(
    text: &str,
    plan: impl Into<Plan>,
    scope: &mut Scope,
) -> Result<(String, Vec<Masked>), ScopeFull> {
    let plan = plan.into();
    let mut out = String::with_capacity(text.len());
    let mut masked = Vec::new();
    let mut kept = 0;
    for finding in scan_for(text, Context::default(), &plan) {
        let replacement = plan.replacement(finding.class, finding.value, Role::Value, scope)?;
        let value = Masked::of(&plan, Role::Value, finding.class, finding.range, replacement);
        if value.operator != Operator::Pass {
            out.push_str(text.get(kept..value.range.start).unwrap_or_default());
            out.push_str(&value.placeholder);
            kept = value.range.end;
        }
        masked.push(value);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Ok((out, masked))
}

impl Masked {
    fn of(plan: &Plan, role: Role, class: Class, range: Range<usize>, replacement: Option<String>) -> Self {
        let operator = plan.applied(class, role);
        Self { class, range, operator, placeholder: replacement.unwrap_or_default() }
    }
}

/// Why a string cannot be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Too many values.
    #[error(transparent)]
    Full(#[from] ScopeFull),
    /// The string was edited before.
    #[error(transparent)]
    Overlap(#[from] OverlapError),
    /// JSON in a string of JSON, more than [`MAX_NESTED_JSON`] times: what it holds is not known.
    #[error(
        "JSON is written into strings of JSON more than {MAX_NESTED_JSON} levels deep; send it with fewer levels"
    )]
    TooDeep,
}

/// Where to look in a body, and for what.
#[derive(Clone, Copy)]
pub struct Place<'b> {
    /// The string, with its quotes.
    pub string: RawString<'b>,
    /// Where its opening quote stands in the body.
    pub at: usize,
    /// What it holds.
    pub content: Content,
}

/// Replaces the values in a string of a body. After an error the edits are incomplete and the body may not be sent.
pub fn mask_string(
    place: Place<'_>,
    plan: impl Into<Plan>,
    scope: &mut Scope,
    edits: &mut Edits,
) -> Result<Vec<Masked>, EditError> {
    mask_field(place, None, plan, scope, edits)
}

/// [`mask_string`] of the value of a `field` that says what it is ([`telling_field`]).
pub fn mask_field(
    place: Place<'_>,
    field: Option<&str>,
    plan: impl Into<Plan>,
    scope: &mut Scope,
    edits: &mut Edits,
) -> Result<Vec<Masked>, EditError> {
    let outer = place.string.unescaped();
    let mut body = BodyMask { scope, edits, masked: Vec::new() };
    let level = Level { around: None, depth: 1, at: place.at, string: &outer };
    body.mask(&level, place.content, field, &plan.into())?;
    Ok(body.masked)
}

/// Gives values back in a string of a body.
pub fn restore_string(place: Place<'_>, scope: &Scope, edits: &mut Edits) -> Result<(), OverlapError> {
    if scope.is_empty() {
        return Ok(());
    }
    let outer = place.string.unescaped();
    let placing = match place.content {
        Content::Text | Content::Name => Placing::Text,
        Content::Json => Placing::Json,
    };
    let mut at = 0;
    while let Search::Known(known) = next_known(&outer.text, at, scope, false) {
        at = known.range.end;
        let value = placing.write(known.value);
        edits.replace(shifted(outer.raw_range(known.range), place.at), escaped(&value).as_bytes())?;
    }
    Ok(())
}

/// A string, and the strings of JSON that it is written in.
struct Level<'a> {
    around: Option<&'a Level<'a>>,
    /// How many strings it is in, itself included.
    depth: usize,
    /// Where it stands in the text of the level around it, or in the body.
    at: usize,
    string: &'a Unescaped<'a>,
}

impl Level<'_> {
    /// Where a range of the string's text stands in the body.
    fn in_body(&self, range: Range<usize>) -> Range<usize> {
        let range = shifted(self.string.raw_range(range), self.at);
        self.around.map_or(range.clone(), |around| around.in_body(range))
    }

    /// A quote of JSON that is this string's text, as it is written in the body.
    fn quote(&self) -> String {
        (0..self.depth).fold("\"".to_owned(), |quote, _| escaped(&quote).into_owned())
    }
}

/// The masking of one string of a body.
struct BodyMask<'a> {
    scope: &'a mut Scope,
    edits: &'a mut Edits,
    masked: Vec<Masked>,
}

impl BodyMask<'_> {
    /// Masks a string as its receiver reads it. Recurses [`MAX_NESTED_JSON`] levels at most.
    fn mask(
        &mut self,
        level: &Level<'_>,
        content: Content,
        field: Option<&str>,
        plan: &Plan,
    ) -> Result<(), EditError> {
        let text = level.string.text.as_ref();
        let mut leaves = Leaves::default();
        let is_json = (content == Content::Json || looks_like_json(text))
            && json::walk(text.as_bytes(), &LIMITS, &mut leaves).is_ok();
        let role = if content == Content::Name { Role::Name } else { Role::Value };
        if !is_json {
            for finding in scan_for(text, Context { field }, plan) {
                let replacement = plan.replacement(finding.class, finding.value, role, self.scope)?;
                self.replace(level, Masked::of(plan, role, finding.class, finding.range, replacement), "")?;
            }
            return Ok(());
        }
        if level.depth > MAX_NESTED_JSON && !leaves.0.is_empty() {
            return Err(EditError::TooDeep);
        }
        // What a program calls a member is no person, and it must find it again.
        let of_names = plan.except(Classes::NAMES);
        for (at, leaf, name) in leaves.0 {
            let field = name.as_deref();
            match leaf {
                Leaf::String(string) | Leaf::Name(string) => {
                    let is_name = matches!(leaf, Leaf::Name(_));
                    let plan = if is_name { &of_names } else { plan };
                    let content = if is_name || role == Role::Name { Content::Name } else { Content::Text };
                    let string = &string.unescaped();
                    let depth = level.depth.saturating_add(1);
                    let level = Level { around: Some(level), depth, at, string };
                    self.mask(&level, content, field, plan)?;
                }
                Leaf::Number(number) => {
                    let found = scan_number_with(number, Context { field }, plan.looked_for());
                    if let Some((class, value)) = found {
                        let range = at..at.saturating_add(number.len());
                        let replacement = plan.replacement(class, &value, role, self.scope)?;
                        self.replace(
                            level,
                            Masked::of(plan, role, class, range, replacement),
                            &level.quote(),
                        )?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The value's range is of the level's text; `quote` where a number gives way to a string.
    fn replace(&mut self, level: &Level<'_>, value: Masked, quote: &str) -> Result<(), OverlapError> {
        let range = level.in_body(value.range);
        if value.operator != Operator::Pass {
            // A placeholder has no character that JSON escapes; the quotes around it do.
            self.edits.replace(range.clone(), format!("{quote}{}{quote}", value.placeholder))?;
        }
        self.masked.push(Masked { range, ..value });
        Ok(())
    }
}

/// Whether a text may be JSON that holds something. A number alone is a number of the text around it.
fn looks_like_json(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(['{', '[', '"'])
}

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start.saturating_add(by)..range.end.saturating_add(by)
}

/// What can hold personal data in a JSON text, each with its place, in the order of the text: edits that come in order are
/// appended, others are inserted.
#[derive(Default)]
struct Leaves<'b>(Vec<(usize, Leaf<'b>, Option<Cow<'b, str>>)>);

enum Leaf<'b> {
    String(RawString<'b>),
    /// The name of a member.
    Name(RawString<'b>),
    Number(&'b str),
}

/// The name of the innermost member around a value, when it says what the value is.
pub fn telling_field<'b>(path: Path<'_, 'b>) -> Option<Cow<'b, str>> {
    let name = path.steps().iter().rev().find_map(|step| match step {
        Step::Name(name) => Some(name),
        Step::Index(_) => None,
    });
    name.filter(|name| is_telling(name)).cloned()
}

impl<'b> Visitor<'b> for Leaves<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match scalar {
            Scalar::String(string) if string.raw().len() >= SHORTEST_STRING => {
                self.0.push((range.start, Leaf::String(string), telling_field(path)));
            }
            Scalar::String(string) if string.raw().len() >= SHORTEST_NAMED_STRING => {
                if let Some(field) = telling_field(path).filter(|field| is_name_key(field)) {
                    self.0.push((range.start, Leaf::String(string), Some(field)));
                }
            }
            Scalar::Number(number) if number.len() >= SHORTEST_NAMED_NUMBER => {
                let field = telling_field(path);
                if number.len() >= SHORTEST_NUMBER || field.is_some() {
                    self.0.push((range.start, Leaf::Number(number), field));
                }
            }
            Scalar::String(_) | Scalar::Number(_) | Scalar::Null | Scalar::Bool(_) => {}
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, range: Range<usize>) {
        if name.raw().len() >= SHORTEST_STRING {
            self.0.push((range.start, Leaf::Name(name), None));
        }
    }
}
