//! Our own form of a question and its answer: `docs/guards.md` describes it for those who build a service.

use serde::{Deserialize, Serialize};

use crate::service::{Fault, Of, Question, Ruling, Verdict, is_word, object, written};

/// Names the form; another one is another name.
const FORMAT: &str = "tabellion.guard/1";

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
}

pub(super) fn ask(question: &Question<'_>) -> Vec<u8> {
    written(&Asked {
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
    })
}

pub(super) fn read(answer: &[u8]) -> Result<Verdict, Fault> {
    let Said { verdict, reason_code, detector, version } = object(answer)?;
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
    Ok(Verdict { ruling, labels, detector, version })
}
