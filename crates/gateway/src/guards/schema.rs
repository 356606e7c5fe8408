//! Guards that hold answers against JSON Schemas: the operator's, or the one that the request itself asks for.
//!
//! Promises: what a client would read is held against it, values of placeholders in place, each choice by itself; what is no JSON, or cannot be looked at, does not
//! pass. Must never: put a value of an answer into a record, look up what a schema names, or take longer than the schema was examined for.

pub(crate) mod answered;
pub(crate) mod compiled;
pub(crate) mod config;
pub(crate) mod room;
pub(crate) mod wanted;

use std::sync::Arc;

use tabellion_guard::MAX_LABELS;
use tabellion_mask::Scope;
use tabellion_model::body::{GuardOutcome, Guarded};

use crate::answer::parts::{Parts, Stage};
use crate::guards::config::Mode;
use crate::guards::schema::answered::Answered;
use crate::guards::schema::compiled::{Compiled, Unfit};
use crate::guards::schema::config::{SchemaConfig, SchemaOf};
use crate::guards::schema::wanted::{Asked, Wanted};
use crate::guards::suite::Guard;

/// What a record says of a call of a tool that the request did not offer.
const NOT_OFFERED: &str = "tool_not_offered";
/// Before what is wrong with the arguments of a tool.
const ARGUMENTS: &str = "arguments ";

/// One guard of this kind, ready.
pub(crate) struct SchemaGuard {
    /// What texts are held against.
    of: Source,
    /// Whether arguments of tools are held against what the request declares of them.
    tools: bool,
}

/// Where the schema for texts is from.
enum Source {
    Nowhere,
    Request,
    Operator(Compiled),
}

/// What was found in one answer.
#[derive(Default)]
struct Found {
    labels: Vec<String>,
    /// Work so far: what is left of one answer is for all its texts.
    spent: u64,
    unfit: Option<&'static str>,
    /// Whether there was anything to hold it against.
    looked: bool,
}

impl Found {
    /// Holds a text against a schema; `within` stands before what is wrong with it.
    fn hold(&mut self, compiled: &Compiled, text: &str, within: &str) {
        let judged = compiled.judge(text, &mut self.spent);
        self.take(judged.map(|fault| fault.map(|label| format!("{within}{label}"))));
    }

    fn take(&mut self, result: Result<Option<String>, Unfit>) {
        self.looked = true;
        match result {
            Ok(None) => {}
            Ok(Some(label)) => {
                if self.labels.len() < MAX_LABELS && !self.labels.contains(&label) {
                    self.labels.push(label);
                }
            }
            Err(unfit) => self.unfit = Some(unfit.as_str()),
        }
    }
}

impl SchemaGuard {
    /// Makes one ready; the error says what cannot work.
    pub(crate) fn new(config: &SchemaConfig) -> Result<Self, String> {
        let of = match &config.of {
            None => Source::Nowhere,
            Some(SchemaOf::Requested) => Source::Request,
            Some(SchemaOf::Given(text)) => {
                Source::Operator(Compiled::of_text(text).map_err(|why| format!("schema {why}"))?)
            }
        };
        if matches!(of, Source::Nowhere) && !config.tools {
            return Err(
                "kind schema takes schema, a file or \"requested\", or tools = true, or both".to_owned()
            );
        }
        Ok(Self { of, tools: config.tools })
    }

    /// Whether what the request asks for has to be known.
    pub(crate) fn reads_requests(&self) -> bool {
        self.tools || matches!(self.of, Source::Request)
    }

    /// What it says of a whole answer.
    fn says(&self, guard: &Guard, held: &Held) -> Guarded {
        let mut found = Found::default();
        let looks_at_texts = self.look_at_texts(held, &mut found);
        if self.tools {
            look_at_arguments(held, &mut found);
        }
        if held.answered.is_unreadable() && (looks_at_texts || self.tools) {
            found.take(Err(Unfit::Unreadable));
        }
        let outcome = match (found.labels.is_empty(), found.unfit, guard.mode) {
            (false, _, Mode::Block) => GuardOutcome::Blocked,
            (_, Some(unfit), _) => return guard.says(GuardOutcome::Errored, vec![unfit.to_owned()]),
            (false, None, Mode::Flag) => GuardOutcome::Flagged,
            (true, None, _) if found.looked => GuardOutcome::Passed,
            (true, None, _) => GuardOutcome::NotRun,
        };
        guard.says(outcome, found.labels)
    }

    /// Looks at the texts, where anything is asked of them.
    fn look_at_texts(&self, held: &Held, found: &mut Found) -> bool {
        let compiled = match (&self.of, held.wanted.as_deref().map(|wanted| &wanted.text)) {
            (Source::Operator(compiled), _) | (Source::Request, Some(Asked::Schema(compiled))) => compiled,
            (Source::Nowhere, _) | (Source::Request, Some(Asked::Nothing)) => return false,
            // It is not known what was asked for.
            (Source::Request, Some(Asked::Unusable(_)) | None) => {
                found.take(Err(Unfit::Schema));
                return true;
            }
        };
        for text in held.answered.texts() {
            found.hold(compiled, &text, "");
        }
        true
    }

    /// Why it could hold no answer against what is wanted; none: it can, or nothing is wanted that it looks at.
    pub(crate) fn cannot_read<'w>(&self, wanted: &'w Wanted) -> Option<&'w str> {
        let of_text = matches!(self.of, Source::Request).then_some(&wanted.text);
        let of_tools = wanted.tools.values().filter(|_| self.tools);
        of_text.into_iter().chain(of_tools).find_map(|asked| match asked {
            Asked::Unusable(why) => Some(why.as_str()),
            Asked::Nothing | Asked::Schema(_) => None,
        })
    }
}

fn look_at_arguments(held: &Held, found: &mut Found) {
    let Some(wanted) = held.wanted.as_deref() else { return found.take(Err(Unfit::Schema)) };
    for (name, arguments) in held.answered.calls() {
        match wanted.tools.get(name) {
            None => found.take(Ok(Some(NOT_OFFERED.to_owned()))),
            Some(Asked::Nothing) => {}
            Some(Asked::Unusable(_)) => found.take(Err(Unfit::Schema)),
            Some(Asked::Schema(compiled)) => found.hold(compiled, arguments, ARGUMENTS),
        }
    }
}

/// An answer as guards of this kind hold it.
pub(crate) struct Held {
    wanted: Option<Arc<Wanted>>,
    answered: Answered,
    /// Whether it is whole, with values in place of placeholders.
    is_settled: bool,
    /// Whether it is no answer of a model: an error of the provider, or numbers.
    is_other: bool,
}

impl Held {
    /// Nothing yet, of a call that asked for `wanted`.
    pub(crate) fn new(wanted: Option<Arc<Wanted>>) -> Self {
        Self { wanted, answered: Answered::default(), is_settled: false, is_other: false }
    }

    /// Takes a whole answer, or one event of a stream.
    pub(crate) fn take(&mut self, json: &[u8], parts: &Parts<'_>, is_whole: bool) {
        let is_other = parts.stage == Stage::Refused || parts.is_numbers();
        self.is_other |= is_other;
        if let Some(surface) = parts.surface.filter(|_| !is_other) {
            self.answered.take(surface, is_whole, json);
        }
    }

    /// No more comes: what a client will read has values in place of these placeholders.
    pub(crate) fn settle(&mut self, scope: &Scope) {
        if !self.is_settled {
            self.answered.restore(scope);
            self.is_settled = true;
        }
    }

    /// What `guard` says of it.
    pub(crate) fn judge(&self, guard: &Guard, schema: &SchemaGuard, whole: bool) -> Guarded {
        if whole && self.is_settled && !self.is_other { schema.says(guard, self) } else { guard.not_run() }
    }
}
