//! Registers: what an organisation keeps an orderly list of, each defined by one readable file (`docs/registers.md`).
//!
//! Promises: pure; a definition is refused whole when anything in it is unknown or contradicts itself; content is judged field by field, with a
//! sentence for each fault. Must never: know a register by name. Adding one is adding a file.

mod content;
mod definition;
mod diff;
mod field;
mod life;
mod words;

pub use content::{Checked, Content, FieldFault, MAX_CONTENT_BYTES, content_digest};
pub use definition::{
    About, Approval, DefinitionFault, MAX_DEFINITION_BYTES, Register, RegisterState, Section, Transition,
    Waits,
};
pub use diff::{FieldChange, changes};
pub use field::{Choice, Field, Kind, MAX_ITEMS, MAX_LINE_CHARS, MAX_TEXT_CHARS};
pub use life::{Act, Approved, Deed, Life, Ruling, Saving};
pub use words::{Decision, RefreshTrigger, Review};

/// The registers that come with the program, in the order in which lists show them.
const BUILT_IN: &[&str] = &[
    include_str!("../registers/ai_system.toml"),
    include_str!("../registers/impact_assessment.toml"),
    include_str!("../registers/task.toml"),
    include_str!("../registers/request.toml"),
];

/// A set of registers with different names.
#[derive(Debug, Clone, Default)]
pub struct Registers {
    all: Vec<Register>,
}

impl Registers {
    /// The registers that come with the program.
    pub fn built_in() -> Result<Self, DefinitionFault> {
        BUILT_IN.iter().try_fold(Self::default(), |registers, text| registers.with(text))
    }

    /// These, and one more from the text of its file.
    pub fn with(mut self, text: &str) -> Result<Self, DefinitionFault> {
        let register = Register::parse(text)?;
        if self.get(&register.name).is_some() {
            return Err(DefinitionFault { register: register.name, problem: "is defined twice".to_owned() });
        }
        self.all.push(register);
        Ok(self)
    }

    /// All of them.
    pub fn all(&self) -> &[Register] {
        &self.all
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Register> {
        self.all.iter().find(|register| register.name == name)
    }
}
