//! What the rules of masking say, for whoever reads them.

use tabellion_mask::Class;
use tabellion_model::SystemId;

use super::{Masking, Said};
use crate::guards::config::Side;

/// What a rule may treat, each by the word of the configuration.
const SIDES: [(Side, &str); 2] = [(Side::Prompt, "prompt"), (Side::Answer, "answer")];

/// One rule as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRule {
    /// Its name in records.
    pub name: String,
    /// Its version in records.
    pub version: String,
    /// What it treats: `prompt`, `answer` or both.
    pub on: Vec<&'static str>,
    /// Ids of the systems it is for; none: all.
    pub systems: Vec<String>,
    /// Purposes it is for; none: all.
    pub purposes: Vec<String>,
    /// Providers it is for; none: all.
    pub upstreams: Vec<String>,
    /// Classes by name, each with the name of what becomes of it.
    pub classes: Vec<(&'static str, &'static str)>,
    /// What it says of placeholders.
    pub said: Said,
}

impl Masking {
    /// Every rule, in the order of the configuration.
    pub fn shown(&self) -> Vec<ShownRule> {
        let each = self.rules.iter().map(|rule| ShownRule {
            name: rule.name.clone(),
            version: rule.version.clone(),
            on: SIDES.into_iter().filter(|(side, _)| rule.is_on(*side)).map(|(_, name)| name).collect(),
            systems: rule.systems.iter().map(SystemId::to_hex).collect(),
            purposes: rule.purposes.iter().cloned().collect(),
            upstreams: rule.upstreams.iter().cloned().collect(),
            classes: rule.operators.iter().map(|(class, operator)| (class.name(), operator.name())).collect(),
            said: rule.said,
        });
        each.collect()
    }

    /// Names of the classes that get a placeholder where no rule says otherwise.
    pub fn usual(&self) -> Vec<&'static str> {
        Class::all().filter(|class| self.base.has(*class)).map(Class::name).collect()
    }
}
