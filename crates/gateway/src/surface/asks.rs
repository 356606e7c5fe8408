//! How much a request may take at its provider, by members at its top that say so.
//!
//! Promises: a limit that may be no limit at its provider limits nothing, and a tier of which no price is known has none. Must never: read a member that is not
//! at the top, or one of another interface, for a limit.

use tabellion_mask::json::Scalar;

/// Member at the top of a chat that offers a tool without naming one.
pub(crate) const WEB_SEARCH: &str = "web_search_options";
/// How many answers are asked for.
pub(crate) const CHOICES: &str = "n";
/// At which tier the provider is to serve it: other tiers than the ordinary one have other prices.
const TIER: &str = "service_tier";
/// What that is where prices are those of the list.
const ORDINARY_TIERS: [&str; 4] = ["auto", "default", "standard", "standard_only"];
/// What a limit that is no number is answered with.
const NO_LIMIT: &str = "a limit of tokens, or n, is no whole number; leave it out or send one";
/// Members at the top by which the provider reads what it has kept, or what others give it.
pub(crate) const KEPT_ELSEWHERE: [&str; 6] =
    ["previous_response_id", "conversation", "prompt", "mcp_servers", "container", WEB_SEARCH];

/// How much a request may take at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that have nothing to do with each other")]
pub(crate) struct Asks {
    /// Most tokens of one answer, where it names a limit; 0: it may be none to its provider.
    pub(crate) max_output: Option<u64>,
    /// How many answers it asks for.
    pub(crate) choices: u64,
    /// Whether the model reads what is not in the request: a file, an address, an earlier answer, what a tool of the provider finds.
    pub(crate) reads_elsewhere: bool,
    /// Whether the provider itself may do something for it: run a tool of its own, or write to what it keeps.
    pub(crate) acts: bool,
    /// Whether the model is offered tools, of which its provider tells it in words of its own.
    pub(crate) offers_tools: bool,
    /// Whether it asks for another tier than the ordinary one.
    pub(crate) other_tier: bool,
}

impl Default for Asks {
    fn default() -> Self {
        Self {
            max_output: None,
            choices: 1,
            reads_elsewhere: false,
            acts: false,
            offers_tools: false,
            other_tier: false,
        }
    }
}

impl Asks {
    /// Takes in the member `name` at the top, where `limits` are those that limit tokens. A number that is none cannot be counted on; the provider might read it
    /// otherwise.
    pub(crate) fn scalar(
        &mut self,
        limits: &[&str],
        name: &str,
        scalar: Scalar<'_>,
    ) -> Result<(), &'static str> {
        if scalar == Scalar::Null {
            return Ok(());
        }
        self.kept_elsewhere(name);
        if name == TIER {
            let is_ordinary =
                matches!(scalar, Scalar::String(tier) if ORDINARY_TIERS.contains(&tier.value().as_ref()));
            self.other_tier |= !is_ordinary;
        }
        let is_limit = limits.contains(&name);
        if !is_limit && name != CHOICES {
            return Ok(());
        }
        let Scalar::Number(number) = scalar else { return Err(NO_LIMIT) };
        let number: u64 = number.parse().map_err(|_| NO_LIMIT)?;
        if !is_limit {
            self.choices = number.max(1);
        } else if number == 0 || self.max_output == Some(0) {
            // Some providers take none for no limit at all, also beside another.
            self.max_output = Some(0);
        } else {
            // A provider that knows two of these takes one of them.
            self.max_output = self.max_output.max(Some(number));
        }
        Ok(())
    }

    /// Takes in that the member `name` at the top is an object or an array.
    pub(crate) fn opened(&mut self, limits: &[&str], name: &str) -> Result<(), &'static str> {
        self.kept_elsewhere(name);
        self.other_tier |= name == TIER;
        if name == CHOICES || limits.contains(&name) { Err(NO_LIMIT) } else { Ok(()) }
    }

    fn kept_elsewhere(&mut self, name: &str) {
        let is_kept = KEPT_ELSEWHERE.contains(&name);
        self.reads_elsewhere |= is_kept;
        self.acts |= is_kept;
    }
}
