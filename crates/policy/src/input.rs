//! What the rules were given of a call, in one form that anybody can make again: what its digest on record is of.
//!
//! Promises: two questions that a rule could tell apart have two forms, but for tools that are only counted. Must never: hold the name of a tool that the
//! record of the call does not hold, since that could be tried.

use serde_json::json;
use tabellion_model::body::{Chain, Input};
use tabellion_model::to_jcs;
use tabellion_tlog::sha256;

use crate::question::Question;
use crate::scene::stage_name;

/// Said where what the rules were given then has another digest than what they would be given.
pub(crate) const NOT_WHAT_IT_WAS: &str = "what the rules would be given is not what they were given then: its digest is another one than on record";

impl Question<'_> {
    /// Everything that a rule may look at, as canonical JSON; of its tools those that `tools` names, and how many more there were.
    pub fn canonical(&self, tools: &[String], unnamed_tools: u64) -> Result<Vec<u8>, String> {
        let Chain { person, agent, groups } = self.chain;
        let form = json!({
            "action": self.action.name(), "agent": agent, "asked_as": self.asked_as, "at": self.at, "groups": set(groups), "key": self.key,
            "model": self.model, "person": person, "purpose": self.purpose, "purposes": set(self.purposes), "received_bytes": self.received_bytes,
            "stage": stage_name(self.stage), "stream": self.stream, "surface": self.surface, "system": self.system, "system_name": self.system_name,
            "terms": self.terms, "tools": set(tools), "unnamed_tools": unnamed_tools, "upstream": self.upstream,
        });
        to_jcs(&form).map_err(|error| error.to_string())
    }

    /// Whether this is what `input` says that the rules were given; none: it cannot be told, because a salt that it takes is gone or was not shown.
    pub(crate) fn is_of(&self, input: &Input, salt: Option<&[u8]>) -> Option<bool> {
        let Ok(canonical) = self.canonical(&input.tools, input.unnamed_tools) else { return Some(false) };
        match (&input.sha256, &input.salted_sha256) {
            (Some(digest), None) => Some(sha256(&canonical).to_hex() == *digest),
            (None, Some(digest)) => Some(sha256(&[salt?, &canonical].concat()).to_hex() == *digest),
            // A record has one of them; whatever else it says is no account of a decision.
            _ => Some(false),
        }
    }
}

/// A set, as it has one form.
fn set(values: &[String]) -> Vec<&str> {
    let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
    values.sort_unstable();
    values.dedup();
    values
}
