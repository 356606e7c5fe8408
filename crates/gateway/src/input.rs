//! What the rules were given of a call, as its record has it.
//!
//! Promises: the digest is of exactly what was asked, before the verdict is known; the names of tools that stand in a record are of the form of a word and
//! hold nothing that the mask would take out. Must never: let who a person is be tried by the digest once they are erased, or by who is not shown them.

use sha2::{Digest as _, Sha256};
use tabellion_model::Micros;
use tabellion_model::body::{CallerShown, Input};
use tabellion_policy::Question;

use crate::code::Code;
use crate::decide::Refusal;
use crate::salt::Salt;
use crate::words::{hex_of, is_word};

/// Most names of tools that a record holds, of 64 bytes each: as many as providers take. Of more none is named.
const MAX_NAMED_TOOLS: usize = 128;

/// What the rules were given of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    at: Micros,
    stream: bool,
    tools: Vec<String>,
    unnamed_tools: u64,
    purpose: String,
    /// All of it, in the one form that its digest is of.
    canonical: Vec<u8>,
}

impl Given {
    /// Of `question`; refused where it has no such form, which nothing that comes this far lacks.
    pub(crate) fn of(question: &Question<'_>) -> Result<Self, Refusal> {
        let (tools, unnamed_tools) = named(question.tools);
        let canonical = question.canonical(&tools, unnamed_tools).map_err(|why| {
            Refusal::new(Code::PolicyError, format!("what the rules are asked could not be put down: {why}"))
        })?;
        let (at, stream, purpose) = (question.at, question.stream, question.purpose.to_owned());
        Ok(Self { at, stream, tools, unnamed_tools, purpose, canonical })
    }

    /// For the record of a permission, which says the purpose; the salt of the digest goes to the person in `caller`.
    pub(crate) fn permitted(&self, salt: &Salt, caller: Option<&mut CallerShown>) -> Input {
        Input { purpose: None, ..self.denied(salt, caller) }
    }

    /// The same for the record of a denial, which says a purpose only where it was claimed.
    pub(crate) fn denied(&self, salt: &Salt, caller: Option<&mut CallerShown>) -> Input {
        let person = caller.filter(|caller| caller.chain.person.is_some());
        let (sha256, salted_sha256) = match person {
            None => (Some(hex_of(Sha256::digest(&self.canonical).into())), None),
            Some(caller) => {
                let salt = salt.of_input();
                caller.input_salt = Some(hex::encode(salt));
                let digest = Sha256::new().chain_update(salt).chain_update(&self.canonical).finalize();
                (None, Some(hex_of(digest.into())))
            }
        };
        Input {
            at: self.at,
            stream: self.stream,
            tools: self.tools.clone(),
            unnamed_tools: self.unnamed_tools,
            purpose: Some(self.purpose.clone()),
            sha256,
            salted_sha256,
        }
    }
}

/// The tools that a record may name, each once, and how many more there are.
fn named(tools: &[String]) -> (Vec<String>, u64) {
    let mut all: Vec<&str> = tools.iter().map(String::as_str).collect();
    all.sort_unstable();
    all.dedup();
    if all.len() > MAX_NAMED_TOOLS {
        return (Vec::new(), all.len() as u64);
    }
    let named: Vec<String> = all.iter().filter(|tool| is_word(tool)).map(|&tool| tool.to_owned()).collect();
    let unnamed = all.len() - named.len();
    (named, unnamed as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: B09.
    #[test]
    fn tools_are_named_as_far_as_a_record_may_hold_their_names_and_counted_beyond() {
        let tools = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let (kept, unnamed) = named(&tools(&["pay", "look_up", "pay", "ada@example.org", "two words"]));
        assert_eq!(
            (kept, unnamed),
            (tools(&["look_up", "pay"]), 2),
            "an address is on record, or a tool is not counted"
        );
        let many: Vec<String> = (0..=MAX_NAMED_TOOLS).map(|number| format!("tool_{number}")).collect();
        assert_eq!(named(&many), (Vec::new(), many.len() as u64), "a record has no bound");
    }
}
