//! One schema, ready: the one place that knows who evaluates schemas.
//!
//! Promises: nothing outside the schema is read, patterns take linear time, and nothing is begun that the schema was not examined for. `format` says something to
//! readers alone, as the draft has it.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;
use tabellion_guard::schema::{Examined, MAX_TEXT_DEPTH, SchemaFault, read};
use tabellion_mask::json::{Limits, Path, Problem, Scalar, Visitor, walk};

use crate::words::is_impersonal;

/// Most bytes of a text that is held against a schema: as many as services are shown.
const MAX_TEXT_BYTES: usize = 10 << 20;
/// Most work, in steps of some hundred nanoseconds at their slowest: at most a second or so of a thread that serves others as well, and far less than that for what
/// is not made to be slow, of which the steps are counted too high some thirty times.
const MAX_WORK: u64 = 1 << 25;
/// Up to so much work a fault is looked for: each branch of a choice keeps its own, some hundred bytes for each thirty steps.
const MAX_TOLD_WORK: u64 = 1 << 20;
/// What a record says of a fault that was not looked for.
const SOMEWHERE: &str = "not_valid";
/// Most memory of one pattern, ready, and of what it keeps while it looks.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// What a record says of a text that no reader takes for JSON, or that readers read differently.
const NOT_JSON: &str = "not_json";

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
}

impl Compiled {
    /// That of this text; the error says what is wrong with it, for who wrote it.
    pub(crate) fn of_text(text: &str) -> Result<Self, String> {
        let schema = read(text).map_err(|fault| fault.to_string())?;
        Self::of(schema)
    }

    /// That of this value.
    pub(crate) fn of(mut schema: Value) -> Result<Self, String> {
        let examined = Examined::of(&schema).map_err(|fault: SchemaFault| fault.to_string())?;
        if let Some(top) = schema.as_object_mut() {
            // Which draft it is read as is settled, and it leads nowhere by its own name.
            top.remove("$schema");
            top.remove("$id");
        }
        let patterns =
            PatternOptions::regex().size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES);
        let validator = jsonschema::options()
            .offline()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(patterns)
            .should_validate_formats(false)
            .build(&schema)
            // Its own words may repeat the schema.
            .map_err(|_| {
                "is not valid by the draft, or has a pattern that needs looking back or ahead".to_owned()
            })?;
        Ok(Self { examined, validator })
    }

    /// What is wrong with `text`, as a record may say it; `None`: nothing.
    pub(crate) fn judge(&self, text: &str) -> Result<Option<String>, Unfit> {
        let limits = Limits { max_bytes: MAX_TEXT_BYTES, max_depth: MAX_TEXT_DEPTH };
        match walk(text.as_bytes(), &limits, &mut Nothing).map_err(|fault| fault.problem) {
            Ok(()) => {}
            Err(Problem::TooDeep) => return Err(Unfit::TooDeep),
            Err(Problem::TooLarge) => return Err(Unfit::TooLarge),
            Err(_) => return Ok(Some(NOT_JSON.to_owned())),
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Ok(Some(NOT_JSON.to_owned())) };
        let work = self.examined.work(&value);
        if work > MAX_WORK {
            return Err(Unfit::TooCostly);
        }
        if self.validator.is_valid(&value) {
            return Ok(None);
        }
        let told = (work <= MAX_TOLD_WORK).then(|| self.validator.validate(&value));
        let Some(Err(error)) = told else { return Ok(Some(SOMEWHERE.to_owned())) };
        let (schema_place, text_place) = (error.schema_path().as_str(), error.instance_path().as_str());
        let keyword = schema_place.rsplit('/').next().unwrap_or_default();
        let steps = text_place.split('/').skip(1);
        Ok(Some(self.examined.label(keyword, steps, is_impersonal)))
    }
}

/// For texts of which only the form is looked at.
struct Nothing;

impl<'b> Visitor<'b> for Nothing {
    fn scalar(&mut self, _: Path<'_, 'b>, _: Scalar<'b>, _: std::ops::Range<usize>) {}
}
