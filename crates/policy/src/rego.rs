//! A policy in Rego: one more check of a call that rules permitted, written in a language that organisations have policies in already.
//!
//! Promises: it can only name reasons against a call, so it only tightens; whatever is no list of reasons is an error and stops the call, an undefined result among
//! them; the same policy and input give the same answer everywhere. An evaluation has a most number of steps, an input a most size.
//!
//! Must never: read a clock, a file or the network, repeat a word of the input, or let a type of the engine out of this crate.

mod chain;
mod input;
mod scan;
mod steps;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use regorus::Engine;
use serde_json::Value;

pub use self::input::RegoCall;
use self::scan::{Scanned, Told};
pub use self::steps::MAX_STEPS;
use crate::fault::{FaultKind, Place, PolicyFault};

/// Largest policy.
pub const MAX_REGO_BYTES: usize = 64 << 10;
/// Most bytes of content that a policy is shown; more is an error, not a sample.
pub const MAX_CONTENT_BYTES: usize = 1 << 20;
/// Longest id of a reason.
const MAX_ID_CHARS: usize = 32;
/// Stands for a reason without an id that a record may hold.
pub const UNNAMED: &str = "unnamed";
/// What the engine calls the text.
const FILE: &str = "policy.rego";
/// What stands before a place in the engine's messages.
const PLACE: &str = "--> policy.rego:";
/// What stands before the engine's own words.
const SAID: &str = "error: ";
/// How the engine says that the steps were too many.
const TOO_LONG: &str = "exceeded time limit";

/// A policy, ready to be asked.
#[derive(Debug)]
pub struct Rego {
    engine: Engine,
    query: String,
    has_content: bool,
    reads_prompt: bool,
}

/// What a policy says of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegoVerdict {
    /// Nothing against it.
    Clear,
    /// These reasons against it: ids, each once, in order. One that is no id is [`UNNAMED`].
    Against(Vec<String>),
    /// Nothing that could be taken for an answer.
    Erred(RegoError),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegoError {
    /// The query has no result.
    Undefined,
    /// A rule failed: a function was given what it cannot take, or two results contradict each other.
    Failed,
    /// It took more than [`MAX_STEPS`].
    TooLong,
    /// The result is no set or list of texts or of objects with an `id`.
    Form,
    /// There is more content than [`MAX_CONTENT_BYTES`].
    TooMuch,
}

impl RegoError {
    /// One word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Failed => "failed",
            Self::TooLong => "too_long",
            Self::Form => "form",
            Self::TooMuch => "too_much",
        }
    }
}

impl Rego {
    /// Reads a policy that is asked for `query`, such as `data.house.deny`; `has_content`: it is shown the texts of a prompt.
    pub fn compile(text: &str, query: &str, has_content: bool) -> Result<Self, PolicyFault> {
        Self::told(text, query, if has_content { Told::Content } else { Told::Facts })
    }

    /// The same of one that is told something else than calls: for the table of cases that holds the engine to the language.
    pub fn of_any_input(text: &str, query: &str) -> Result<Self, PolicyFault> {
        Self::told(text, query, Told::Anything)
    }

    fn told(text: &str, query: &str, told: Told) -> Result<Self, PolicyFault> {
        if text.len() > MAX_REGO_BYTES {
            let what = format!("the policy has {} bytes", text.len());
            let advice = format!("keep it to {MAX_REGO_BYTES}");
            return Err(PolicyFault::new(FaultKind::Limit, scan::START, what, advice));
        }
        let mut engine = Engine::new();
        engine.set_execution_timer_config(steps::limit());
        engine.set_strict_builtin_errors(true);
        engine.add_policy(FILE.to_owned(), text.to_owned()).map_err(|error| fault(&error.to_string()))?;
        let tree = engine.get_ast_as_json().map_err(|error| fault(&error.to_string()))?;
        let scanned = scan::scan(&tree, told)?;
        let rule = query.strip_prefix("data.").and_then(|path| path.strip_prefix(scanned.package.as_str()));
        if !rule.and_then(|rule| rule.strip_prefix('.')).is_some_and(is_name) {
            let what = format!("query {query:?} is no rule of the package {}", scanned.package);
            let advice =
                format!("set query = \"data.{}.deny\", or the rule's name for deny", scanned.package);
            return Err(PolicyFault::new(FaultKind::Name, scan::START, what, advice));
        }
        // Finds what can be known without an input: names that are nowhere, rules that contradict one another, a query that names no rule.
        let asked: Arc<str> = Arc::from(query);
        engine.compile_with_entrypoint(&asked).map_err(|error| unprepared(&error.to_string(), query))?;
        let Scanned { reads_prompt, .. } = scanned;
        Ok(Self { engine, query: query.to_owned(), has_content: told == Told::Content, reads_prompt })
    }

    /// Whether it is shown the texts of a prompt.
    pub fn has_content(&self) -> bool {
        self.has_content
    }

    /// Whether it asks for what is known only where the prompt was read: texts, tools, personal data.
    pub fn reads_prompt(&self) -> bool {
        self.has_content || self.reads_prompt
    }

    /// What it says of `call`, which has these texts. `content` counts only where the policy is shown it.
    pub fn decide(&self, call: &RegoCall<'_>, content: &[&str]) -> RegoVerdict {
        let content = self.has_content.then_some(content);
        if content.is_some_and(|texts| texts.iter().map(|text| text.len()).sum::<usize>() > MAX_CONTENT_BYTES)
        {
            return RegoVerdict::Erred(RegoError::TooMuch);
        }
        match self.evaluate(call.document(content)) {
            Ok(result) => verdict(&result),
            Err(error) => RegoVerdict::Erred(error),
        }
    }

    /// The result of the query for `input`, with sets as lists in order.
    pub fn evaluate(&self, input: Value) -> Result<Value, RegoError> {
        let mut engine = self.engine.clone();
        // A function of the engine that panics on what it is given is a rule that failed.
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            engine.set_input(regorus::Value::from(input));
            match engine.eval_rule(self.query.clone()) {
                Ok(regorus::Value::Undefined) => Err(RegoError::Undefined),
                Ok(value) => serde_json::to_value(&value).map_err(|_| RegoError::Form),
                Err(error) if error.to_string().contains(TOO_LONG) => Err(RegoError::TooLong),
                // The engine's words may repeat values of the call.
                Err(_) => Err(RegoError::Failed),
            }
        }));
        evaluated.unwrap_or(Err(RegoError::Failed))
    }
}

/// A result as reasons.
fn verdict(result: &Value) -> RegoVerdict {
    let Some(reasons) = result.as_array() else { return RegoVerdict::Erred(RegoError::Form) };
    let mut ids: Vec<String> = Vec::new();
    for reason in reasons {
        let id = match reason {
            Value::String(id) => id.as_str(),
            Value::Object(members) => match members.get("id") {
                Some(Value::String(id)) => id.as_str(),
                _ => return RegoVerdict::Erred(RegoError::Form),
            },
            _ => return RegoVerdict::Erred(RegoError::Form),
        };
        let id = if is_id(id) { id } else { UNNAMED };
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    if ids.is_empty() { RegoVerdict::Clear } else { RegoVerdict::Against(ids) }
}

/// Whether a record may hold it: of letters, digits, `.` `_` `-`, at most [`MAX_ID_CHARS`].
fn is_id(id: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether it is the plain name of a rule.
fn is_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What the engine said of a text that it could not take, with its place. It may repeat the text, which is the operator's own.
fn fault(said: &str) -> PolicyFault {
    let numbers = said.split_once(PLACE).map(|(_, place)| place);
    let mut numbers =
        numbers.into_iter().flat_map(|place| place.split([':', '\n']).take(2)).map(str::parse::<usize>);
    let mut number = || numbers.next().and_then(Result::ok).unwrap_or(1);
    let (line, column) = (number(), number());
    let what = said.rsplit_once(SAID).map_or(said, |(_, what)| what);
    let advice = "correct it; it has to be Rego of OPA 1.0 and later";
    PolicyFault::new(FaultKind::Syntax, Place { line, column }, what, advice)
}

/// The same of a text that could be read, and not made ready.
fn unprepared(said: &str, query: &str) -> PolicyFault {
    if said.contains(PLACE) {
        return fault(said);
    }
    let what = format!("query {query:?} names no rule of the policy ({said})");
    PolicyFault::new(FaultKind::Name, scan::START, what, "name one that it defines")
}
