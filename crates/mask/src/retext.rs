//! Other text in place of named ranges of a text, put where that text stands in a body: also where it is JSON, or stands as a string within JSON within a string.
//!
//! Promises: what no range names is not changed; JSON stays JSON, with the same names, numbers and order, and no escape of it is cut or made. Must never: put in
//! a part of what was asked for. After an error nothing may be used.

use std::ops::Range;

use crate::body::{Content, MAX_NESTED_JSON, Place};
use crate::class::Class;
use crate::edits::Edits;
use crate::json::{self, Kind, Limits, Path, RawString, Scalar, Visitor, escaped};
use crate::placeholder::{self, may_begin};

/// How JSON in a string is read: its bytes are within a body that was accepted.
const LIMITS: Limits = Limits { max_bytes: usize::MAX, max_depth: 64 };
/// Characters of a digest that stands for a value, and most that such a mark has behind its opening bracket: label, sign, digest.
const HASH_LEN: usize = 16;
/// Most bytes that go into one text, as they are written there: each level of JSON can double them.
const MAX_WRITTEN_BYTES: usize = 4 << 20;
const MAX_MARK: usize = 13 + 1 + HASH_LEN;

/// A range of a text, in bytes, and what goes there.
pub type Replacement = (Range<usize>, String);

/// Why nothing was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetextError {
    /// Two ranges overlap, also where one is of a text and the other of a string within it.
    #[error("two replacements overlap; name each byte once")]
    Overlap,
    /// A name of a member would change.
    #[error("a replacement is in the name of a member, which stays as it is")]
    Name,
    /// The text is JSON and would be other JSON, or none.
    #[error("a replacement goes beyond the inside of a string of JSON")]
    Json,
    /// More would be written than a text takes.
    #[error("replacements have more than 4 MiB as they are written in JSON within JSON; say less")]
    TooLong,
}

/// What stands in a text for something that was masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// Where it stands.
    pub range: Range<usize>,
    /// Whether it stands for one value, and not for its class alone.
    pub is_of_value: bool,
}

/// What goes into `text`, and into the strings with escapes of JSON that it is, by what `wanted` says of each: ranges of `text`, in order.
pub fn retext<'w>(
    text: &str,
    content: Content,
    wanted: &mut impl FnMut(&str) -> Option<&'w [Replacement]>,
) -> Result<Vec<Replacement>, RetextError> {
    within(text, content, 0, wanted)
}

/// The same for a string of a body, as edits of it.
pub fn retext_string<'w>(
    place: Place<'_>,
    wanted: &mut impl FnMut(&str) -> Option<&'w [Replacement]>,
    edits: &mut Edits,
) -> Result<(), RetextError> {
    let outer = place.string.unescaped();
    for (range, with) in retext(&outer.text, place.content, wanted)? {
        let raw = outer.raw_range(range);
        let range = raw.start.saturating_add(place.at)..raw.end.saturating_add(place.at);
        edits.replace(range, escaped(&with).as_bytes()).map_err(|_| RetextError::Overlap)?;
    }
    Ok(())
}

/// A text with its replacements; [`RetextError::Overlap`] where two of them overlap.
pub fn replaced(text: &str, with: &[Replacement]) -> Result<String, RetextError> {
    let mut edits = Edits::new();
    for (range, with) in with {
        edits.replace(range.clone(), with.as_bytes()).map_err(|_| RetextError::Overlap)?;
    }
    // Ranges that do not lie on character borders make no text.
    String::from_utf8(edits.apply(text.as_bytes())).map_err(|_| RetextError::Json)
}

/// Recurses [`MAX_NESTED_JSON`] levels at most.
fn within<'w>(
    text: &str,
    content: Content,
    level: usize,
    wanted: &mut impl FnMut(&str) -> Option<&'w [Replacement]>,
) -> Result<Vec<Replacement>, RetextError> {
    let mut found = wanted(text).map(<[_]>::to_vec).unwrap_or_default();
    let begins = text.trim_start().starts_with(['{', '[']);
    let mut strings = Strings::default();
    let is_json =
        (begins || content == Content::Json) && json::walk(text.as_bytes(), &LIMITS, &mut strings).is_ok();
    if !is_json {
        return Ok(found);
    }
    for (at, string, is_name) in strings.0.iter().filter(|_| begins && level < MAX_NESTED_JSON) {
        let inner = string.unescaped();
        let below = within(&inner.text, Content::Text, level.saturating_add(1), wanted)?;
        if *is_name && !below.is_empty() {
            return Err(RetextError::Name);
        }
        found.extend(below.into_iter().map(|(range, with)| {
            let raw = inner.raw_range(range);
            let range = raw.start.saturating_add(*at)..raw.end.saturating_add(*at);
            (range, escaped(&with).into_owned())
        }));
        if found.iter().fold(0, |sum: usize, (_, with)| sum.saturating_add(with.len())) > MAX_WRITTEN_BYTES {
            return Err(RetextError::TooLong);
        }
    }
    found.sort_by_key(|(range, _)| (range.start, range.end));
    if !found.is_empty() {
        check(text, &strings, &found)?;
    }
    Ok(found)
}

/// Whether JSON stays the same JSON but for what its strings say.
fn check(text: &str, strings: &Strings<'_>, with: &[Replacement]) -> Result<(), RetextError> {
    let after = replaced(text, with)?;
    let mut changed = Strings::default();
    json::walk(after.as_bytes(), &LIMITS, &mut changed).map_err(|_| RetextError::Json)?;
    if Skeleton::of(text) != Skeleton::of(&after) {
        return Err(RetextError::Json);
    }
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    let mut grown = 0_usize;
    let mut shrunk = 0_usize;
    for (range, with) in with {
        before.extend([range.start, range.end]);
        let start = range.start.saturating_add(grown).saturating_sub(shrunk);
        behind.extend([start, start.saturating_add(with.len())]);
        grown = grown.saturating_add(with.len());
        shrunk = shrunk.saturating_add(range.len());
    }
    if strings.cut_at(&before) || changed.cut_at(&behind) { Err(RetextError::Json) } else { Ok(()) }
}

/// Strings and names with escapes, each with its place, in the order of the text.
#[derive(Default)]
struct Strings<'b>(Vec<(usize, RawString<'b>, bool)>);

impl<'b> Strings<'b> {
    fn take(&mut self, at: usize, string: RawString<'b>, is_name: bool) {
        if string.raw().contains('\\') {
            self.0.push((at, string, is_name));
        }
    }

    /// Whether one of these places, in order, lies within an escape.
    fn cut_at(&self, places: &[usize]) -> bool {
        self.0.iter().any(|(at, string, _)| {
            let end = at.saturating_add(string.raw().len());
            let first = places.partition_point(|place| place <= at);
            let inside = places.iter().skip(first).take_while(|place| **place < end);
            let mut inside = inside.peekable();
            if inside.peek().is_none() {
                return false;
            }
            let read = string.unescaped();
            inside.any(|place| read.cuts(place.saturating_sub(*at)))
        })
    }
}

impl<'b> Visitor<'b> for Strings<'b> {
    fn scalar(&mut self, _: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        if let Scalar::String(string) = scalar {
            self.take(range.start, string, false);
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, range: Range<usize>) {
        self.take(range.start, name, true);
    }
}

/// Everything of JSON but what its strings say: names, numbers and words as they are written, in their order.
#[derive(Default, PartialEq, Eq)]
struct Skeleton(Vec<u8>);

impl Skeleton {
    fn of(text: &str) -> Option<Self> {
        let mut skeleton = Self::default();
        json::walk(text.as_bytes(), &LIMITS, &mut skeleton).ok().map(|()| skeleton)
    }
}

impl<'b> Visitor<'b> for Skeleton {
    fn scalar(&mut self, _: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        match scalar {
            Scalar::Null => self.0.push(b'0'),
            Scalar::Bool(value) => self.0.push(if value { b't' } else { b'f' }),
            Scalar::Number(number) => {
                self.0.push(b'#');
                self.0.extend_from_slice(number.as_bytes());
            }
            Scalar::String(_) => self.0.push(b's'),
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, _: Range<usize>) {
        self.0.extend_from_slice(name.raw().as_bytes());
    }

    fn open(&mut self, _: Path<'_, 'b>, kind: Kind, _: usize) {
        self.0.push(if kind == Kind::Object { b'{' } else { b'[' });
    }

    fn close(&mut self, _: Path<'_, 'b>, _: Kind, _: Range<usize>) {
        self.0.push(b'}');
    }
}

/// What stands in `text` for what was masked, in order: placeholders, whoever issued them, digests, and names of classes in brackets.
pub fn stand_ins(text: &str) -> Vec<StandIn> {
    let mut found: Vec<StandIn> = Vec::new();
    let mut at = 0;
    while let Some(offset) =
        text.as_bytes().get(at..).and_then(|rest| rest.iter().position(|byte| may_begin(*byte)))
    {
        let start = at.saturating_add(offset);
        let here = match placeholder::at(text, start, false) {
            placeholder::Place::Here { range, .. } => Some(StandIn { range, is_of_value: true }),
            placeholder::Place::No | placeholder::Place::More => mark(text, start),
        };
        at = here.as_ref().map_or(start.saturating_add(1), |here| here.range.end);
        found.extend(here);
    }
    found
}

/// A class in brackets, alone or with a digest: what stands for values that are not given back.
fn mark(text: &str, start: usize) -> Option<StandIn> {
    let inside = text.as_bytes().get(start..)?.strip_prefix(b"<")?;
    let length = inside.iter().take(MAX_MARK.saturating_add(1)).position(|byte| *byte == b'>')?;
    let inside = inside.get(..length)?;
    let sign = inside.iter().position(|byte| *byte == b'#');
    let label = inside.get(..sign.unwrap_or(length))?;
    let is_digest = |digest: &[u8]| digest.len() == HASH_LEN && digest.iter().all(u8::is_ascii_alphanumeric);
    let digest = sign.and_then(|sign| inside.get(sign.saturating_add(1)..));
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return None;
    }
    Class::from_label(label)?;
    let end = start.saturating_add(length).saturating_add(2);
    Some(StandIn { range: start..end, is_of_value: digest.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, from: &str, to: &str) -> Replacement {
        let at = text.find(from).expect("it is there");
        (at..at + from.len(), to.to_owned())
    }

    fn of(text: &str, wanted: &[(&str, Vec<Replacement>)]) -> Result<String, RetextError> {
        let mut says =
            |text: &str| wanted.iter().find(|(known, _)| *known == text).map(|(_, with)| with.as_slice());
        replaced(text, &retext(text, Content::Text, &mut says)?)
    }

    /// Requirement: N21.
    #[test]
    fn json_stays_the_same_but_for_what_its_strings_say() {
        let text = r#"{"name":"Ada","n":12,"list":["Ada \"L\"", true]}"#;
        let ok = |from: &str, to: &str| of(text, &[(text, vec![one(text, from, to)])]);
        assert_eq!(ok("Ada", "[x]").as_deref(), Ok(text.replacen("Ada", "[x]", 1).as_str()));
        let both = [one(text, r#"Ada","n":12"#, r#"*","n":12"#), one(text, r#"Ada \"L"#, "*\\\"M")];
        assert_eq!(
            of(text, &[(text, both.to_vec())]).as_deref(),
            Ok(r#"{"name":"*","n":12,"list":["*\"M\"", true]}"#),
            "names and numbers that a range holds and gives back as they were are none of its doing"
        );
        for (from, to) in [
            ("name", "nome"),
            ("12", "13"),
            ("true", "false"),
            ("Ada", "a\"b"),
            ("Ada", "a\nb"),
            (r#""Ada""#, "12"),
            (r", true", ""),
            // An escape of the text is cut, and one is made with what follows.
            ("\"L", "u"),
            ("Ada ", "Ada \\\\\\"),
        ] {
            assert_eq!(ok(from, to), Err(RetextError::Json), "{from} -> {to}");
        }
    }

    /// Requirement: N21.
    #[test]
    fn a_string_within_json_is_reached_as_it_reads() {
        let inner = "Ada \"Lovelace\"";
        let text = serde_json::json!({ "q": inner, "plain": "Ada" }).to_string();
        let wanted = [(inner, vec![one(inner, "\"Lovelace\"", "\"L\"\n")])];
        let due = text.replace(r#"\"Lovelace\""#, r#"\"L\"\n"#);
        assert_eq!(of(&text, &wanted).as_deref(), Ok(due.as_str()));
        let named = serde_json::json!({ inner: 1 }).to_string();
        assert_eq!(of(&named, &wanted), Err(RetextError::Name));
        let both = [wanted[0].clone(), (text.as_str(), vec![one(&text, "Lovelace", "x")])];
        assert_eq!(of(&text, &both), Err(RetextError::Overlap), "one byte has two masters");
    }

    /// Requirement: N21, P15.
    #[test]
    fn what_stands_for_values_is_known() {
        let text =
            "to <EMAIL_7Q2K4F>, <EMAIL#0123456789ABCDEF>, <EMAIL>, <b>, <EMAIL_ADDRESS> or EMAIL_7Q2K4F";
        let found: Vec<_> =
            stand_ins(text).into_iter().map(|found| (&text[found.range], found.is_of_value)).collect();
        let wanted = [
            ("<EMAIL_7Q2K4F>", true),
            ("<EMAIL#0123456789ABCDEF>", true),
            ("<EMAIL>", false),
            ("EMAIL_7Q2K4F", true),
        ];
        assert_eq!(found, wanted);
    }
}
