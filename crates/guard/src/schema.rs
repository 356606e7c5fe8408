//! JSON Schemas (draft 2020-12) that texts are held against: which ones can be, and how much work that may take.
//!
//! Promises: whether a schema is taken follows from its bytes alone; a taken one refers to nothing outside itself, comes to an end on every text, and
//! [`Examined::effort`] is never less than what holding a text against it takes, whoever wrote the two. Must never: evaluate anything, that is somebody else's.

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
    /// A pattern that cannot be had ready, or not in the room that there is for patterns.
    #[error(
        "is not valid by the draft, or has a pattern that needs looking back or ahead, or patterns that are too large when ready; ask for less of them"
    )]
    Pattern,
    /// References that lead back without going deeper into the text.
    #[error("has a $ref that leads back to itself without looking deeper into the text")]
    Circle,
}

/// How much work it is at most to hold one text against a schema, in steps of some hundred nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Of looking at places: as much may have to be kept while a fault is looked for.
    pub looks: u64,
    /// Of saying whether it satisfies the schema.
    pub whole: u64,
    /// Of saying what is wrong with it.
    pub telling: u64,
}

/// A schema that can be held against texts.
#[derive(Debug, Clone)]
pub struct Examined {
    work: Work,
    /// Names of members that it speaks of.
    names: BTreeSet<String>,
    places: usize,
}

impl Examined {
    /// Looks at a schema. `states` says how many states a pattern has when it is ready, of which each may be looked at for each byte of a text; none: it
    /// cannot be had.
    pub fn of(schema: &Value, mut states: impl FnMut(&str) -> Option<u64>) -> Result<Self, SchemaFault> {
        let graph = Graph::of(schema, &mut states)?;
        let places = graph.check()?;
        Ok(Self { work: Work::of(&graph), names: graph.names, places })
    }

    /// So many places does it have, references put in place of what they stand for.
    pub fn places(&self) -> usize {
        self.places
    }

    /// At most so much work is it to hold `text` against it.
    pub fn effort(&self, text: &Value) -> Effort {
        self.work.on(text)
    }

    /// What a record says of a fault at `place` of `text`, a pointer: the keyword, and where, by indexes of lists and by those names alone that the schema
    /// itself speaks of. A name of digits is a name.
    pub fn label(
        &self,
        keyword: &str,
        place: &str,
        text: &Value,
        may_be_told: impl Fn(&str) -> bool,
    ) -> String {
        let keyword = if is_keyword(keyword) { keyword } else { "false" };
        let mut at = Some(text);
        let mut steps: Vec<String> = Vec::new();
        for step in place.split('/').skip(1) {
            let name = step.replace("~1", "/").replace("~0", "~");
            let (is_told, below) = match at {
                Some(Value::Array(items)) => {
                    let item = name.parse().ok().and_then(|index: usize| items.get(index));
                    (item.is_some(), item)
                }
                Some(Value::Object(members)) => {
                    let is_plain = (1..=MAX_NAME_CHARS).contains(&name.len())
                        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-$".contains(&byte));
                    (is_plain && self.names.contains(&name) && may_be_told(&name), members.get(&name))
                }
                _ => (false, None),
            };
            at = below;
            steps.push(if is_told { name } else { SOME_NAME.to_owned() });
        }
        let room = MAX_LABEL_CHARS.saturating_sub(keyword.len() + 1);
        let whole: String = steps.iter().flat_map(|step| ["/", step.as_str()]).collect();
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
