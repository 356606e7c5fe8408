//! Our own form of a question and its answer: `docs/guards.md` describes it for those who build a service.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::service::{Fault, Of, Question, Ruling, TextEdit, Verdict, is_word, object, written};

/// Names the form; another one is another name.
const FORMAT: &str = "tabellion.guard/1";
/// Names the form of many questions together.
const BATCH_FORMAT: &str = "tabellion.guard-batch/1";

/// Many questions, each as it is asked alone.
#[derive(Serialize)]
struct AskedTogether<'a> {
    format: &'static str,
    questions: Vec<Asked<'a>>,
}

#[derive(Serialize)]
struct Asked<'a> {
    format: &'static str,
    guard: &'a str,
    guard_version: &'a str,
    of: &'static str,
    model: &'a str,
    purpose: &'a str,
    system: &'a str,
    texts: &'a [&'a str],
    /// Said to those alone that may.
    #[serde(skip_serializing_if = "is_false")]
    may_edit: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Unknown members are refused: what is not understood may change what the others mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    verdict: String,
    #[serde(default)]
    reason_code: Option<String>,
    #[serde(default)]
    detector: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default, deserialize_with = "there")]
    edits: Option<Vec<Object<SaidEdit>>>,
}

/// A list that is one; `null` is none.
fn there<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Object<SaidEdit>>>, D::Error> {
    Vec::deserialize(from).map(Some)
}

/// One change, in bytes of a text as it was shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidEdit {
    text: usize,
    start: usize,
    end: usize,
    replacement: String,
    label: String,
}

/// Something that is an object: a list of its values, in whatever order, is none.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }
        from.deserialize_map(Members(PhantomData))
    }
}

/// Verdicts on questions that were asked together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidTogether {
    verdicts: Vec<Object<Said>>,
}

pub(super) fn ask(question: &Question<'_>) -> Vec<u8> {
    written(&asked(question))
}

pub(super) fn ask_batch(questions: &[Question<'_>]) -> Vec<u8> {
    written(&AskedTogether { format: BATCH_FORMAT, questions: questions.iter().map(asked).collect() })
}

fn asked<'a>(question: &Question<'a>) -> Asked<'a> {
    Asked {
        format: FORMAT,
        guard: question.guard,
        guard_version: question.version,
        of: match question.of {
            Of::Prompt => "prompt",
            Of::Answer => "answer",
        },
        model: question.model,
        purpose: question.purpose,
        system: question.system,
        texts: question.texts,
        may_edit: question.may_edit,
    }
}

pub(super) fn read(answer: &[u8], may_edit: bool) -> Result<Verdict, Fault> {
    verdict_of(object(answer)?, may_edit)
}

/// The verdicts on questions that were asked together, of which none may have anything changed.
pub(super) fn read_batch(answer: &[u8]) -> Result<Vec<Verdict>, Fault> {
    let SaidTogether { verdicts } = object(answer)?;
    verdicts.into_iter().map(|Object(said)| verdict_of(said, false)).collect()
}

fn verdict_of(said: Said, may_edit: bool) -> Result<Verdict, Fault> {
    let Said { verdict, reason_code, detector, version, edits } = said;
    if edits.is_some() && !may_edit {
        // To whoever may not, the form has no such member.
        return Err(Fault::Malformed);
    }
    let words = [&reason_code, &detector, &version];
    if !words.into_iter().flatten().all(|word| is_word(word)) {
        return Err(Fault::Malformed);
    }
    let ruling = match verdict.as_str() {
        "pass" => Ruling::Pass,
        "flag" => Ruling::Flag,
        "block" => Ruling::Block,
        _ => return Err(Fault::Malformed),
    };
    // What passed has nothing to be named.
    let labels = reason_code.filter(|_| ruling != Ruling::Pass).into_iter().collect();
    let verdict = Verdict { ruling, labels, detector, version, edits: Vec::new() };
    edited(verdict, edits.unwrap_or_default().into_iter().map(|Object(said)| said.edit()).collect())
}

impl SaidEdit {
    fn edit(self) -> TextEdit {
        let Self { text, start, end, replacement, label } = self;
        TextEdit { text, range: start..end, replacement, label }
    }
}

/// A verdict with these edits: they go with a finding that may go on, and with none else.
pub(super) fn edited(verdict: Verdict, edits: Vec<TextEdit>) -> Result<Verdict, Fault> {
    if edits.is_empty() {
        return Ok(verdict);
    }
    if verdict.ruling != Ruling::Flag || !edits.iter().all(|edit| is_word(&edit.label)) {
        return Err(Fault::Malformed);
    }
    Ok(verdict.with_edits(edits))
}
