//! The interface that `LiteLLM` calls its generic guardrail API: texts, and whether they pass, are blocked, or were changed.
//!
//! A guardrail may give back other texts. They are not taken over as they are: where it may have texts changed, what differs in each is one edit, which is held
//! to the same rules as any; else they are no verdict. Its reason is free text and not kept.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::service::edit::difference;
use crate::service::{Fault, Of, Question, Ruling, TextEdit, Verdict, object, written};

/// The label of what it blocks.
const BLOCKED: &str = "blocked";
/// The label of what it changes.
const INTERVENED: &str = "intervened";

#[derive(Serialize)]
struct Asked<'a> {
    input_type: &'static str,
    texts: &'a [&'a str],
    model: &'a str,
    /// Who called, which is nobody's business there; the member has to be there.
    request_data: Nothing,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Said {
    action: String,
    #[serde(default)]
    texts: Option<Vec<String>>,
    #[serde(default)]
    images: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    tools: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    structured_messages: Option<Vec<IgnoredAny>>,
}

pub(super) fn ask(question: &Question<'_>) -> Vec<u8> {
    written(&Asked {
        input_type: match question.of {
            Of::Prompt => "request",
            Of::Answer => "response",
        },
        texts: question.texts,
        model: question.model,
        request_data: Nothing {},
    })
}

pub(super) fn read(question: &Question<'_>, answer: &[u8]) -> Result<Verdict, Fault> {
    let said: Said = object(answer)?;
    let others = [&said.images, &said.tools, &said.structured_messages];
    let adds = others.into_iter().flatten().any(|list| !list.is_empty());
    match said.action.as_str() {
        "NONE" => {}
        "BLOCKED" => return Ok(Verdict::of(Ruling::Block, vec![BLOCKED.to_owned()])),
        "GUARDRAIL_INTERVENED" if adds || !question.may_edit => return Err(Fault::Edited),
        "GUARDRAIL_INTERVENED" => return changed(question, said.texts),
        _ => return Err(Fault::Malformed),
    }
    // It says that it changed nothing; what it gives back has to agree.
    let changes = said.texts.is_some_and(|texts| texts != question.texts);
    if adds || changes { Err(Fault::Edited) } else { Ok(Verdict::of(Ruling::Pass, Vec::new())) }
}

/// What it wants changed. That it says so and then changes nothing that can be told is no verdict.
fn changed(question: &Question<'_>, texts: Option<Vec<String>>) -> Result<Verdict, Fault> {
    let texts = texts.filter(|texts| texts.len() == question.texts.len()).ok_or(Fault::Edited)?;
    let pairs = question.texts.iter().zip(&texts).enumerate();
    let edits: Vec<TextEdit> =
        pairs.filter_map(|(number, (was, is))| difference(number, was, is, INTERVENED)).collect();
    if edits.is_empty() {
        return Err(Fault::Edited);
    }
    Ok(Verdict::of(Ruling::Flag, Vec::new()).with_edits(edits))
}
