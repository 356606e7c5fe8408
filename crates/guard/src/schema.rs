//! JSON Schemas (draft 2020-12) that texts are held against: which ones can be, and how much work that may take.
//!
//! Promises: whether a schema is taken follows from its bytes alone; a taken one refers to nothing outside itself, comes to an end on every text, and
//! [`Examined::work`] is never less than what holding a text against it takes, whoever wrote the two. Must never: evaluate anything, that is somebody else's.

mod graph;
mod keyword;
mod work;

use std::collections::BTreeSet;

use serde_json::Value;

use graph::Graph;
use work::Work;

pub use keyword::is_keyword;

/// Largest schema.
pub const MAX_SCHEMA_BYTES: usize = 64 << 10;
/// How deep a schema may go, references followed once each. Whoever evaluates it goes as deep for each level of the text.
pub const MAX_SCHEMA_DEPTH: usize = 32;
/// How deep a text may be nested that is held against one.
pub const MAX_TEXT_DEPTH: usize = 32;
/// Most places of a schema, references put in place of what they stand for: what evaluates it may have it so in memory.
const MAX_PLACES: usize = 20_000;
/// Longest label of a fault; records promise room for 64, and whose fault it is may stand before it.
const MAX_LABEL_CHARS: usize = 54;
/// Longest name of a member that a label repeats.
const MAX_NAME_CHARS: usize = 24;
/// Stands for a name that is not repeated.
const SOME_NAME: &str = "*";
/// Before the end of a place that is too long for a label.
const CUT: &str = "..";

/// Why a schema is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaFault {
    /// It has more than [`MAX_SCHEMA_BYTES`].
    #[error("has more than 64 KiB; describe less")]
    TooLarge,
    /// It is not JSON.
    #[error("is not JSON")]
    NotJson,
    /// A part of it is neither an object nor true or false.
    #[error("has a schema that is neither an object nor true or false, at {0}")]
    NoSchema(String),
    /// It goes deeper than [`MAX_SCHEMA_DEPTH`].
    #[error("goes deeper than 32 levels, references followed; flatten it")]
    TooDeep,
    /// With references put in place of what they stand for it has too many places.
    #[error("has more than 20,000 places when its references are followed; repeat less")]
    TooMany,
    /// It names a draft that it is not read as.
    #[error("is of a draft that is not read: leave $schema out or name draft 2020-12, 2019-09 or 07")]
    Draft,
    /// A keyword that is not read here, or means something else in this draft.
    #[error("has the keyword {0}, which is not read here; docs/guards.md says what stands for it")]
    Keyword(&'static str),
    /// A keyword with a value that it cannot have.
    #[error("has a value that the keyword {0} cannot have")]
    Form(&'static str),
    /// A reference that leads out of the schema, or to nothing in it.
    #[error("has a $ref that does not lead to a place in it by a pointer, such as #/$defs/name")]
    Reference,
    /// References that lead back without going deeper into the text.
    #[error("has a $ref that leads back to itself without looking deeper into the text")]
    Circle,
}

/// A schema that can be held against texts.
#[derive(Debug, Clone)]
pub struct Examined {
    work: Work,
    /// Names of members that it speaks of.
    names: BTreeSet<String>,
}

impl Examined {
    /// Looks at a schema.
    pub fn of(schema: &Value) -> Result<Self, SchemaFault> {
        let graph = Graph::of(schema)?;
        graph.check()?;
        Ok(Self { work: Work::of(&graph), names: graph.names })
    }

    /// At most so much work is it to hold `text` against it, in steps of some hundred nanoseconds.
    pub fn work(&self, text: &Value) -> u64 {
        self.work.on(text)
    }

    /// What a record says of a fault: the keyword, and where in the text, by indexes and by those names alone that the schema itself speaks of.
    pub fn label<'p>(
        &self,
        keyword: &str,
        place: impl Iterator<Item = &'p str>,
        may_be_told: impl Fn(&str) -> bool,
    ) -> String {
        let keyword = if is_keyword(keyword) { keyword } else { "false" };
        let told = |step: &str| {
            let is_index = step.len() <= MAX_NAME_CHARS && step.bytes().all(|byte| byte.is_ascii_digit());
            let is_plain = (1..=MAX_NAME_CHARS).contains(&step.len())
                && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-$".contains(&byte));
            is_index || (is_plain && self.names.contains(step) && may_be_told(step))
        };
        let steps: Vec<&str> = place.map(|step| if told(step) { step } else { SOME_NAME }).collect();
        let room = MAX_LABEL_CHARS.saturating_sub(keyword.len() + 1);
        let whole: String = steps.iter().flat_map(|step| ["/", step]).collect();
        if whole.len() <= room {
            return format!("{keyword} {whole}").trim_end().to_owned();
        }
        // The end says most.
        let mut end = String::new();
        for step in steps.iter().rev() {
            if CUT.len() + end.len() + 1 + step.len() > room {
                break;
            }
            end = format!("/{step}{end}");
        }
        format!("{keyword} {CUT}{end}")
    }
}

/// Reads the text of a schema.
pub fn read(text: &str) -> Result<Value, SchemaFault> {
    if text.len() > MAX_SCHEMA_BYTES {
        return Err(SchemaFault::TooLarge);
    }
    serde_json::from_str(text).map_err(|_| SchemaFault::NotJson)
}
