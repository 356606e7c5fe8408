//! Masks what a model brought up itself in an answer, whole or in the pieces of a stream, before values are given back for placeholders.
//!
//! Promises: of a value that is found no letter has left; JSON stays JSON; in whatever pieces a text comes, what leaves is what it gives in one. What is held back when
//! a stream breaks off goes to nobody. Must never: touch a model's thinking or what proves it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tabellion_mask::json::{Limits as JsonLimits, RawString, escaped};
use tabellion_mask::{
    Class, Content, EditError, Edits, Operator, Place, Scope, ScopeFull, StreamMasker, mask_string, mask_text,
};
use tabellion_model::body::{Guarded, Masked};

use crate::answer::parts::{Channel, Parts, Text};
use crate::answer::spots::{inputs, without_probabilities};
use crate::code::Code;
use crate::masking::answers::OfAnswers;
use crate::surface::Surface;

/// Blanks that a text begins with, and still may be JSON that is read in pieces: an editor indents by less. With more it is looked at when it is whole.
const MAX_BLANKS: usize = 1024;
/// Why no rule could look: more values than one call may hold.
const TOO_LARGE: &str = "too_large";
/// JSON in more strings of JSON than are read.
const TOO_DEEP: &str = "too_deep";

/// A text of an answer.
type Key = (usize, Channel);

/// A text that comes in pieces.
enum Piecewise {
    /// So little of it that its next letters say whether it is JSON.
    Begun(String),
    /// What is looked at when it is whole: JSON, which is none before, and what only its end decides.
    Held(Content, String),
    /// Any other.
    Flowing(Box<StreamMasker>),
}

/// Of what a body is that is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A whole answer.
    Answer,
    /// One event of a stream, without the pieces of its texts: these are [pushed](AnswerMasker::push).
    Event,
}

/// Masks one answer.
pub(crate) struct AnswerMasker {
    rules: OfAnswers,
    texts: BTreeMap<Key, Piecewise>,
    /// Those of which no more may come.
    ended: BTreeSet<Key>,
    /// Values in texts that are over.
    found: BTreeMap<(Class, Operator), u64>,
    /// Why it could not look.
    fault: Option<&'static str>,
}

impl AnswerMasker {
    /// Of an answer for which these rules are.
    pub(crate) fn new(rules: OfAnswers) -> Self {
        Self { rules, texts: BTreeMap::new(), ended: BTreeSet::new(), found: BTreeMap::new(), fault: None }
    }

    /// Masks a body; `None`: it stays as it came. What tells tokens with their probabilities is left out in any case: it is the answer once more, in pieces in which
    /// nothing is found. After an error nothing of it may go.
    pub(crate) fn body(
        &mut self,
        (surface, extent): (Surface, Extent),
        json: &Bytes,
        limits: &JsonLimits,
        scope: &mut Scope,
    ) -> Result<Option<Bytes>, Code> {
        let bare = without_probabilities(surface, json, limits);
        let body = bare.as_ref().unwrap_or(json);
        let parts = Parts::read(surface, body, limits).map_err(|_| Code::UpstreamMalformed)?;
        let texts = parts.texts.iter().map(|text| text.place).filter(|_| extent == Extent::Answer);
        // A response says in its events again what came in pieces, where it was counted.
        let counts = extent == Extent::Answer || surface != Surface::OpenAiResponses;
        let inputs = inputs(surface, body, limits);
        let is_within = |at: usize| {
            let next = inputs.partition_point(|input| input.end <= at);
            inputs.get(next).is_some_and(|input| input.contains(&at))
        };
        let mut edits = Edits::new();
        for place in texts.chain(parts.repeated.iter().copied()).filter(|place| !is_within(place.at)) {
            let value = place.string.value();
            if let Cow::Owned(treated) = self.whole(&value, place.content, scope, counts)? {
                let range = place.at..place.at + place.string.raw().len();
                let quoted = format!("\"{}\"", escaped(&treated));
                edits.replace(range, quoted).map_err(|_| Code::UpstreamMalformed)?;
            }
        }
        for input in inputs {
            let value = body.get(input.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let value = value.ok_or(Code::UpstreamMalformed)?;
            if let Cow::Owned(treated) = self.whole(value, Content::Json, scope, counts)? {
                edits.replace(input, treated).map_err(|_| Code::UpstreamMalformed)?;
            }
        }
        let changed = (!edits.is_empty()).then(|| Bytes::from(edits.apply(body)));
        Ok(changed.or(bare))
    }

    /// Takes a piece of a text; `out` gets what of it may go on. After an error nothing more may go.
    pub(crate) fn push(
        &mut self,
        text: &Text<'_>,
        value: &str,
        scope: &mut Scope,
        out: &mut String,
    ) -> Result<(), Code> {
        if value.is_empty() {
            return Ok(());
        }
        let key = (text.choice, text.channel.clone());
        if self.ended.contains(&key) {
            // To a reader it is one text, and it was looked at as two.
            return Err(Code::UpstreamMalformed);
        }
        let known = self.texts.remove(&key).unwrap_or_else(|| self.begun(text.place.content));
        let known = match known {
            Piecewise::Begun(mut front) => {
                front.push_str(value);
                self.decided(front, scope, out)?
            }
            Piecewise::Held(content, mut held) => {
                held.push_str(value);
                Piecewise::Held(content, held)
            }
            Piecewise::Flowing(masker) => self.flow(masker, value, scope, out)?,
        };
        self.texts.insert(key, known);
        Ok(())
    }

    /// No more comes of a text: `out` gets what is left of it.
    pub(crate) fn close(&mut self, key: &Key, scope: &mut Scope, out: &mut String) -> Result<(), Code> {
        let Some(known) = self.texts.remove(key) else { return Ok(()) };
        self.ended.insert(key.clone());
        match known {
            Piecewise::Begun(text) => out.push_str(&self.whole(&text, Content::Text, scope, true)?),
            Piecewise::Held(content, text) => out.push_str(&self.whole(&text, content, scope, true)?),
            Piecewise::Flowing(masker) => {
                let found = masker.finish(scope, out).map_err(|full| self.too_large(full))?;
                let found = self.treated(&found);
                self.count(found, true)?;
            }
        }
        Ok(())
    }

    /// What records say of the answer: of what the rules treat, what became of it, and else what was `found`.
    pub(crate) fn told(&self, mut found: Vec<Masked>) -> Vec<Masked> {
        let treats = |class: Class| self.rules.plan.operator(class).is_some_and(|it| it != Operator::Pass);
        found.retain(|found| !Class::from_name(&found.class).is_some_and(treats));
        let treated = self.so_far().into_iter().filter(|((_, operator), _)| *operator != Operator::Pass);
        found.extend(treated.map(|((class, operator), count)| Masked {
            class: class.name().to_owned(),
            count,
            operator: Some(operator.name().to_owned()),
        }));
        found
    }

    /// The rules that stop the answer, as guards are told.
    pub(crate) fn stopped(&self) -> Vec<Guarded> {
        let blocked: BTreeSet<Class> = self
            .so_far()
            .into_keys()
            .filter(|(_, operator)| *operator == Operator::Block)
            .map(|(class, _)| class)
            .collect();
        match self.fault {
            Some(why) if blocked.is_empty() => self.rules.errored(why),
            _ => self.rules.stopped(&blocked),
        }
    }

    fn begun(&self, content: Content) -> Piecewise {
        if content == Content::Json || self.rules.plan.differs_by_url() {
            Piecewise::Held(content, String::new())
        } else {
            Piecewise::Begun(String::new())
        }
    }

    fn decided(&mut self, front: String, scope: &mut Scope, out: &mut String) -> Result<Piecewise, Code> {
        match may_be_json(&front) {
            None => Ok(Piecewise::Begun(front)),
            Some(true) => Ok(Piecewise::Held(Content::Text, front)),
            Some(false) => {
                let masker = Box::new(StreamMasker::new(self.rules.plan));
                self.flow(masker, &front, scope, out)
            }
        }
    }

    fn flow(
        &mut self,
        mut masker: Box<StreamMasker>,
        value: &str,
        scope: &mut Scope,
        out: &mut String,
    ) -> Result<Piecewise, Code> {
        masker.push(value, scope, out).map_err(|full| self.too_large(full))?;
        let blocked = self.rules.plan.blocked();
        if masker.found().keys().any(|class| blocked.has(*class)) {
            let found = self.treated(masker.found());
            self.count(found, true)?;
        }
        Ok(Piecewise::Flowing(masker))
    }

    /// A whole text as it may go on; borrowed: nothing of it changes.
    fn whole<'t>(
        &mut self,
        text: &'t str,
        content: Content,
        scope: &mut Scope,
        counts: bool,
    ) -> Result<Cow<'t, str>, Code> {
        let plan = self.rules.plan;
        if content != Content::Json && may_be_json(text) != Some(true) {
            let (treated, found) = mask_text(text, plan, scope).map_err(|full| self.too_large(full))?;
            let changes = found.iter().any(|found| found.operator != Operator::Pass);
            self.count(counted(&found), counts)?;
            return Ok(if changes { Cow::Owned(treated) } else { Cow::Borrowed(text) });
        }
        // Masking reads JSON within a string of a body.
        let quoted = format!("\"{}\"", escaped(text));
        let string = RawString::parse(&quoted).map_err(|_| Code::UpstreamMalformed)?;
        let mut edits = Edits::new();
        let found = mask_string(Place { string, at: 0, content }, plan, scope, &mut edits);
        let found = found.map_err(|error| match error {
            EditError::Full(full) => self.too_large(full),
            EditError::TooDeep => self.unseen(TOO_DEEP),
            EditError::Overlap(_) => Code::UpstreamMalformed,
        })?;
        self.count(counted(&found), counts)?;
        if edits.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        let treated =
            String::from_utf8(edits.apply(quoted.as_bytes())).map_err(|_| Code::UpstreamMalformed)?;
        let string = RawString::parse(&treated).map_err(|_| Code::UpstreamMalformed)?;
        Ok(Cow::Owned(string.value().into_owned()))
    }

    /// Takes down what was found; the error: some of it keeps the answer back, which is always taken down.
    fn count(&mut self, found: BTreeMap<(Class, Operator), u64>, counts: bool) -> Result<(), Code> {
        let blocks = found.keys().any(|(_, operator)| *operator == Operator::Block);
        if counts || blocks {
            add(&mut self.found, found);
        }
        if blocks { Err(Code::GuardBlocked) } else { Ok(()) }
    }

    /// What was found in a text that flowed, with what became of it.
    fn treated(&self, found: &BTreeMap<Class, u64>) -> BTreeMap<(Class, Operator), u64> {
        let with = |(class, count): (&Class, &u64)| {
            self.rules.plan.operator(*class).map(|operator| ((*class, operator), *count))
        };
        found.iter().filter_map(with).collect()
    }

    /// All that was found, also in texts that are not over.
    fn so_far(&self) -> BTreeMap<(Class, Operator), u64> {
        let mut all = self.found.clone();
        for text in self.texts.values() {
            if let Piecewise::Flowing(masker) = text {
                add(&mut all, self.treated(masker.found()));
            }
        }
        all
    }

    fn too_large(&mut self, _: ScopeFull) -> Code {
        self.unseen(TOO_LARGE)
    }

    fn unseen(&mut self, why: &'static str) -> Code {
        self.fault = Some(why);
        Code::GuardErrored
    }
}

fn counted(found: &[tabellion_mask::Masked]) -> BTreeMap<(Class, Operator), u64> {
    let mut counts = BTreeMap::new();
    for found in found {
        *counts.entry((found.class, found.operator)).or_default() += 1;
    }
    counts
}

fn add(to: &mut BTreeMap<(Class, Operator), u64>, found: BTreeMap<(Class, Operator), u64>) {
    for (what, count) in found {
        let sum = to.entry(what).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// Whether a text that begins so may be JSON that holds something: an object or an array. `None`: what follows says. Decided by the first two signs alone, so that a
/// text is the same in whatever pieces it comes.
fn may_be_json(front: &str) -> Option<bool> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let mut signs = front.bytes().enumerate().filter(|(_, byte)| !is_blank(byte));
    let open = |at: usize| if at > MAX_BLANKS { Some(true) } else { None };
    let Some((at, first)) = signs.next() else { return open(front.len()) };
    if at > MAX_BLANKS {
        return Some(true);
    }
    if !matches!(first, b'{' | b'[') {
        return Some(false);
    }
    let Some((at, second)) = signs.next() else { return open(front.len()) };
    if at > MAX_BLANKS {
        return Some(true);
    }
    Some(match (first, second) {
        (b'{', second) => matches!(second, b'"' | b'}'),
        (_, second) => matches!(second, b'"' | b'{' | b'[' | b']' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: V40.
    #[test]
    fn what_is_json_is_known_by_its_first_signs_and_prose_waits_for_nothing() {
        for (front, due) in [
            ("", None),
            (" \n", None),
            ("H", Some(false)),
            ("\"He", Some(false)),
            ("{", None),
            ("{ ", None),
            ("{ \"", Some(true)),
            ("{}", Some(true)),
            ("{x", Some(false)),
            ("[1", Some(true)),
            ("[link", Some(false)),
            ("ü", Some(false)),
        ] {
            assert_eq!(may_be_json(front), due, "{front:?}");
        }
        let blank = " ".repeat(MAX_BLANKS + 1);
        for text in [blank.clone(), format!("{blank}prose"), format!("{{{blank}x")] {
            for end in MAX_BLANKS + 1..=text.len() {
                let said = may_be_json(text.get(..end).unwrap_or_default());
                assert!(said != Some(false), "a text would be read otherwise in other pieces: {end}");
            }
            assert_eq!(may_be_json(&text), Some(true), "what is read anew with every piece has an end");
        }
    }
}
