//! Answers of `POST /v1/embeddings`: numbers, in which nothing can be given back.

use std::ops::Range;

use tabellion_mask::json::{JsonFault, Kind, Limits, Path, Scalar, Step, Visitor, walk};

use crate::answer::parts::{Parts, Stage};
use crate::words;

/// Reads an answer.
pub(crate) fn read<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Parts<'b>, JsonFault> {
    let mut reader = Reader::default();
    walk(bytes, limits, &mut reader)?;
    Ok(reader.0)
}

#[derive(Default)]
struct Reader<'b>(Parts<'b>);

impl<'b> Visitor<'b> for Reader<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        match (path.steps(), scalar) {
            ([Step::Name(name)], Scalar::String(model)) if name == "model" => {
                self.0.model = Some(words::recorded(&model.value(), words::is_answering_model));
            }
            ([Step::Name(name)], scalar) if name == "error" && scalar != Scalar::Null => {
                self.0.stage = Stage::Refused;
            }
            ([Step::Name(usage), Step::Name(name)], Scalar::Number(number))
                if usage == "usage" && name == "prompt_tokens" =>
            {
                self.0.tokens.prompt = number.parse().ok();
                self.0.tokens.prompt_alone = true;
            }
            ([Step::Name(usage), Step::Name(name)], Scalar::Number(number))
                if usage == "usage" && name == "total_tokens" =>
            {
                self.0.tokens.total = number.parse().ok();
            }
            _ => {}
        }
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        match path.steps() {
            [] => self.0.is_object = kind == Kind::Object,
            [Step::Name(name)] if name == "data" => self.0.is_answer = kind == Kind::Array,
            [Step::Name(name)] if name == "error" => self.0.stage = Stage::Refused,
            _ => {}
        }
    }
}
