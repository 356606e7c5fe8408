//! One schema, ready: the one place that knows who evaluates schemas.
//!
//! Promises: nothing outside the schema is read, patterns take linear time, and nothing is begun that the schema was not examined for. `format` says something to
//! readers alone, as the draft has it.

use jsonschema::{Draft, PatternOptions, ValidationOptions, Validator};
use serde_json::{Value, json};
use tabellion_guard::schema::{Examined, MAX_TEXT_DEPTH, SchemaFault, read};
use tabellion_mask::json::{Limits, Path, Problem, Scalar, Visitor, walk};

use crate::guards::schema::room::Room;
use crate::words::is_impersonal;

/// Most bytes of a text that is held against a schema: as many as services are shown.
const MAX_TEXT_BYTES: usize = 10 << 20;
/// Up to so much work a fault is looked for: each branch of a choice keeps its own, some hundred bytes for each thirty steps.
const MAX_TOLD_WORK: u64 = 1 << 20;
/// What a record says of a fault that was not looked for.
const SOMEWHERE: &str = "not_valid";
/// What a record says of a text that no reader takes for JSON, or that readers read differently.
pub(crate) const NOT_JSON: &str = "not_json";

/// Why a text could not be held against a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// What the request asked for is no schema that is read here.
    Schema,
    /// Readers of the answer may take it for different ones.
    Unreadable,
    /// The text is nested too deeply.
    TooDeep,
    /// The text is too long.
    TooLarge,
    /// It would take too long.
    TooCostly,
}

impl Unfit {
    /// The word for it in records.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Unreadable => "unreadable",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::TooCostly => "too_costly",
        }
    }
}

/// One schema.
pub(crate) struct Compiled {
    examined: Examined,
    validator: Validator,
    /// Whose words its names are: an operator's may stand in records.
    tells_names: bool,
    /// Most work for all texts of an answer together.
    max_work: u64,
}

impl Compiled {
    /// That of an operator's text; the error says what is wrong with it, for who wrote it.
    pub(crate) fn of_text(text: &str) -> Result<Self, SchemaFault> {
        Self::of(read(text)?, &mut Room::of_operator())
    }

    /// That of this value, as far as there is `room` for it.
    pub(crate) fn of(mut schema: Value, room: &mut Room) -> Result<Self, SchemaFault> {
        room.take_bytes(&schema)?;
        let largest = room.largest_pattern();
        let examined =
            Examined::of(&schema, |pattern| room.take_pattern(pattern, |bytes| has_room(pattern, bytes)))?;
        room.take_places(examined.places())?;
        if let Some(top) = schema.as_object_mut() {
            // Which draft it is read as is settled, and it leads nowhere by its own name.
            top.remove("$schema");
            top.remove("$id");
        }
        // Its own words may repeat the schema.
        let validator = options(largest).build(&schema).map_err(|_| SchemaFault::Pattern)?;
        Ok(Self { examined, validator, tells_names: room.tells_names(), max_work: room.max_work() })
    }

    /// What is wrong with `text`, as a record may say it; `None`: nothing. `spent` is the work that other texts of the answer took, which it adds to.
    pub(crate) fn judge(&self, text: &str, spent: &mut u64) -> Result<Option<String>, Unfit> {
        let limits = Limits { max_bytes: MAX_TEXT_BYTES, max_depth: MAX_TEXT_DEPTH };
        match walk(text.as_bytes(), &limits, &mut Nothing).map_err(|fault| fault.problem) {
            Ok(()) => {}
            Err(Problem::TooDeep) => return Err(Unfit::TooDeep),
            Err(Problem::TooLarge) => return Err(Unfit::TooLarge),
            Err(_) => return Ok(Some(NOT_JSON.to_owned())),
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Ok(Some(NOT_JSON.to_owned())) };
        let effort = self.examined.effort(&value);
        *spent = spent.saturating_add(effort.whole);
        if *spent > self.max_work {
            return Err(Unfit::TooCostly);
        }
        if self.validator.is_valid(&value) {
            return Ok(None);
        }
        let may_tell = effort.looks <= MAX_TOLD_WORK && spent.saturating_add(effort.telling) <= self.max_work;
        let told = may_tell.then(|| self.validator.validate(&value));
        let Some(Err(error)) = told else { return Ok(Some(SOMEWHERE.to_owned())) };
        *spent = spent.saturating_add(effort.telling);
        let (schema_place, text_place) = (error.schema_path().as_str(), error.instance_path().as_str());
        let keyword = schema_place.rsplit('/').next().unwrap_or_default();
        let may_be_told = |name: &str| self.tells_names && is_impersonal(name);
        Ok(Some(self.examined.label(keyword, text_place, &value, may_be_told)))
    }
}

/// How schemas are made ready, with patterns of at most so many bytes.
fn options<'i>(pattern_bytes: usize) -> ValidationOptions<'i> {
    let patterns = PatternOptions::regex().size_limit(pattern_bytes).dfa_size_limit(pattern_bytes);
    jsonschema::options()
        .offline()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(patterns)
        .should_validate_formats(false)
}

/// Whether `pattern` can be had ready in so many bytes.
fn has_room(pattern: &str, bytes: usize) -> bool {
    options(bytes).build(&json!({ "pattern": pattern })).is_ok()
}

/// For texts of which only the form is looked at.
struct Nothing;

impl<'b> Visitor<'b> for Nothing {
    fn scalar(&mut self, _: Path<'_, 'b>, _: Scalar<'b>, _: std::ops::Range<usize>) {}
}
