//! Calls that the gateway makes itself to see whether its guards stop what they must (docs/probes.md), and how their records are told from traffic.
//!
//! Promises: the mark stands in the signed header, so that no erasure of content turns a probe into traffic or traffic into a probe; a marked record is charged to
//! nobody. Must never: be carried by a record of another type than those of calls.

use serde_json::{Map, Value as Json};

use crate::form::{FormFault, Members};
use crate::header::Header;
use crate::id::{CredentialId, SystemId};
use crate::measure;

/// The system of every probe. Ids of systems are drawn at random, so that nobody registers this one, and no key is issued for it.
pub const PROBE_SYSTEM: SystemId = SystemId::from_bytes(*b"tabellion probes");
/// The credential of every probe; it has no secret.
pub const PROBE_KEY: CredentialId = CredentialId::from_bytes(*b"tabellion probes");

/// What the rule is called that permits probes. It stands among the policies in force, so that no other may have the name.
pub const PROBE_POLICY: &str = "tabellion-probe";

/// The member of `clear` that marks a probe.
const PROBE: &str = "probe";
/// Types whose records may be marked.
const CALLS: [&str; 4] = ["call.authorised", "call.denied", "call.completed", "call.broken"];

/// `clear` of a record of a probe, in place of what calls are charged by.
pub fn mark() -> Map<String, Json> {
    [(PROBE.to_owned(), Json::Bool(true))].into_iter().collect()
}

/// The member of `clear` that says that no model was asked.
const NO_MODEL: &str = "no_model";

/// `clear` of a record of a call that the gateway answers by itself, such as a list of models or a text that it looks at for somebody: it is no use of a model,
/// so that nothing that counts those counts it.
pub fn no_model() -> Map<String, Json> {
    [(NO_MODEL.to_owned(), Json::Bool(true))].into_iter().collect()
}

/// Whether `header` is of a record of a call that no model was asked for.
pub fn asks_no_model(header: &Header) -> bool {
    CALLS.contains(&header.record_type.as_str())
        && header.clear.as_ref().is_some_and(|clear| *clear == no_model())
}

/// Whether `header` is of a record of a probe.
pub fn is_probe(header: &Header) -> bool {
    CALLS.contains(&header.record_type.as_str())
        && header.clear.as_ref().is_some_and(|clear| *clear == mark())
}

/// `clear` of `guard.probed`: how many of the places that were tried came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProbeCounts {
    /// The guard stopped its canary.
    pub stopped: u64,
    /// It said that it found it, and lets such calls go on.
    pub flagged: u64,
    /// The canary got through.
    pub got_through: u64,
    /// Nobody knows.
    pub untested: u64,
}

impl ProbeCounts {
    /// As `clear` members.
    pub fn to_clear(self) -> Map<String, Json> {
        let Self { stopped, flagged, got_through, untested } = self;
        let numbers = [
            ("stopped", stopped),
            ("flagged", flagged),
            ("got_through", got_through),
            ("untested", untested),
        ];
        numbers.into_iter().map(|(name, number)| (name.to_owned(), number.into())).collect()
    }

    /// What the header of a `guard.probed` says.
    pub fn of(header: &Header) -> Option<Self> {
        Self::read(header.clear.as_ref()?).ok()
    }

    fn read(clear: &Map<String, Json>) -> Result<Self, FormFault> {
        let mut members = Members::of("`clear` of a guard.probed record", Json::Object(clear.clone()))?;
        let read = Self {
            stopped: members.number("stopped")?,
            flagged: members.number("flagged")?,
            got_through: members.number("got_through")?,
            untested: members.number("untested")?,
        };
        members.finish()?;
        Ok(read)
    }
}

/// Whether `header` is of a type that is marked or counted here or in `measure.rs`, and its `clear` has that form.
pub(crate) fn is_known(header: &Header) -> bool {
    is_probe(header)
        || asks_no_model(header)
        || (header.record_type.as_str() == "guard.probed" && ProbeCounts::of(header).is_some())
        || measure::is_known(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: B07.
    #[test]
    fn what_probes_came_to_comes_back_from_the_header_and_nothing_else_does() {
        let counts = ProbeCounts { stopped: 7, flagged: 1, got_through: 2, untested: 3 };
        assert_eq!(ProbeCounts::read(&counts.to_clear()), Ok(counts), "a rebuild would count something else");
        let mut more = counts.to_clear();
        more.insert("note".to_owned(), "text".into());
        assert!(ProbeCounts::read(&more).is_err(), "somebody's text would stand in clear for ever");
        assert!(ProbeCounts::read(&mark()).is_err(), "a mark is no count");
    }
}
