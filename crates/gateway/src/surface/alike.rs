//! Members that some readers of JSON take for others.
//!
//! Readers that do not mind the case of letters (Go's `encoding/json`, many of .NET) take `Model` for `model`, and the last of the two counts: what was decided
//! here would be about another request than the provider reads.

use tabellion_mask::json::Step;

use crate::surface::asks::{CHOICES, KEPT_ELSEWHERE};
use crate::surface::request::{Form, Required};

/// What such a request is answered with.
pub(crate) const MISTAKABLE: &str = "a member is one that decides something but for its letters' case, and some providers would take it for that; write it as the interface has it";
/// Members at the top that decide something on every route that has them.
const DECIDE: [&str; 9] = [
    "model",
    "stream",
    "stream_options",
    "response_format",
    "text",
    "tool_choice",
    "service_tier",
    "system",
    "instructions",
];
/// Members of an offered tool that do.
const OF_TOOLS: [&str; 6] = ["name", "type", "function", "custom", "server_label", "tools"];

impl Form {
    /// Whether the member at the end of `steps` could be taken for one that decides something.
    pub(crate) fn is_mistakable(&self, steps: &[Step<'_>]) -> bool {
        let Some(Step::Name(name)) = steps.last() else { return false };
        if let [_] = steps {
            let own = self.required.iter().copied().map(Required::name);
            let refused = self.refused.iter().map(|refused| refused.member);
            let known = DECIDE.into_iter().chain(KEPT_ELSEWHERE).chain([CHOICES]).chain(own).chain(refused);
            return is_alike(name, known.chain(self.limits.iter().chain(self.tools.lists).copied()));
        }
        match self.tools.within(steps) {
            // A name that stands deeper is one of a schema, which is the caller's.
            Some([_] | [Step::Name(_), Step::Name(_)]) => is_alike(name, OF_TOOLS.into_iter()),
            _ => false,
        }
    }
}

/// Whether `name` is `known`, a name in small letters of ASCII, to whoever does not mind the case of letters, as the simple folding of Unicode has it: two letters
/// beyond ASCII fold into it.
pub(crate) fn folds(name: &str, known: &str) -> bool {
    let plain = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(plain).eq(known.chars())
}

/// Whether `name` is one of `known` but for its letters' case.
fn is_alike<'k>(name: &str, mut known: impl Iterator<Item = &'k str>) -> bool {
    let mut is_known = false;
    let mut folded = false;
    known.by_ref().for_each(|known| {
        is_known |= name == known;
        folded |= folds(name, known);
    });
    folded && !is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_fold_are_alike_and_the_member_itself_is_not() {
        for (name, alike) in [
            ("model", false),
            ("Model", true),
            ("MODEL", true),
            ("\u{17f}tream", true),
            ("models", false),
            ("modèl", false),
        ] {
            assert_eq!(is_alike(name, ["model", "stream"].into_iter()), alike, "{name}");
        }
    }
}
