//! Which tools a request offers to the model: by the lists of them, wherever they may stand.
//!
//! Promises: a tool in a list within a list (a namespace) or handed over later in the conversation (what a search for tools found) is offered as one at the top is.

use tabellion_mask::json::Step;

/// Names of offered tools that are kept for the decision: one more than it takes, so that it refuses instead of overlooking one.
pub(crate) const TOOLS_KEPT: usize = tabellion_policy::MAX_TOOLS + 1;
/// What the list of tools within another tool is called, and how lists that are handed over later end (`additional_tools`).
const LIST: &str = "tools";
/// Kinds of tools that say nothing beyond names: of the tool, or of those in it.
const NAMED_KINDS: [&str; 3] = ["function", "custom", "namespace"];

/// Where tools are offered.
#[derive(Clone, Copy)]
pub(crate) struct Offers {
    /// Lists at the top.
    pub(crate) lists: &'static [&'static str],
    /// A list at the top whose items may have lists of tools; empty: none.
    pub(crate) handed_over_in: &'static str,
    /// Where a tool's name stands, within the tool.
    pub(crate) names: &'static [&'static [&'static str]],
}

/// No tools can be offered.
pub(crate) const NONE: Offers = Offers { lists: &[], handed_over_in: "", names: &[] };

/// What a string of an offered tool says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The tool's name.
    Name,
    /// Of which kind it is.
    Kind,
}

impl Offers {
    /// What stands at `steps`; none: nothing of a tool that is offered.
    pub(crate) fn said_at(&self, steps: &[Step<'_>]) -> Option<Said> {
        let within = self.within(steps)?;
        let is = |wanted: &&[&str]| {
            wanted.len() == within.len()
                && wanted
                    .iter()
                    .zip(within)
                    .all(|(name, step)| matches!(step, Step::Name(found) if found == name))
        };
        if self.names.iter().any(is) {
            return Some(Said::Name);
        }
        // Servers and functions have no kinds of tools.
        (has_kinds(steps) && is(&["type"].as_slice())).then_some(Said::Kind)
    }

    /// The steps that lie within the innermost offered tool.
    pub(crate) fn within<'s, 'b>(&self, steps: &'s [Step<'b>]) -> Option<&'s [Step<'b>]> {
        let mut rest = match steps {
            [Step::Name(top), Step::Index(_), rest @ ..] if self.lists.contains(&top.as_ref()) => rest,
            [Step::Name(top), Step::Index(_), Step::Name(list), Step::Index(_), rest @ ..]
                if top == self.handed_over_in && list.ends_with(LIST) =>
            {
                rest
            }
            _ => return None,
        };
        while let [Step::Name(list), Step::Index(_), inner @ ..] = rest
            && list == LIST
        {
            rest = inner;
        }
        Some(rest)
    }
}

/// Whether the list at the top is one of tools.
fn has_kinds(steps: &[Step<'_>]) -> bool {
    match steps {
        [Step::Name(top), _, Step::Name(list), ..] if !top.ends_with(LIST) => list.ends_with(LIST),
        [Step::Name(top), ..] => top.ends_with(LIST),
        _ => false,
    }
}

/// Whether a tool of this kind has a name of the caller's, and runs at the caller.
pub(crate) fn is_named_kind(kind: &str) -> bool {
    NAMED_KINDS.contains(&kind)
}
