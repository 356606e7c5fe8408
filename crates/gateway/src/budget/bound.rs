//! The most that a request may take, before anything is known of its answer.
//!
//! Promises: never less than what a provider counts for a request of text: no tokenizer makes more tokens than there are bytes. Must never: trust a limit that the
//! request does not name and nobody has set.

use tabellion_model::Micros;
use tabellion_model::charge::{Reserved, Tokens};
use tabellion_views::gate::GatePrice;

use crate::surface::Surface;
use crate::surface::asks::Asks;

/// Most tokens of an answer where neither the request nor a price names a limit: what the largest models of today give.
pub(crate) const DEFAULT_OUTPUT_LIMIT: u64 = 131_072;
/// Most tokens of a prompt that lies elsewhere (a file, an address, an earlier answer) where no price names a limit: what the largest models of today read.
pub(crate) const DEFAULT_INPUT_LIMIT: u64 = 1_048_576;
/// Tokens that a provider puts before a prompt with tools, to say that there are some and how they are called: some 800 at those that tell. Their declarations
/// themselves are in the request, and counted by its bytes.
pub(crate) const TOOLS_PROMPT: u64 = 1_024;

/// The price of `model` at `upstream` for a call at `at`: the newest that has begun.
pub(crate) fn price<'a>(
    prices: &'a [GatePrice],
    upstream: &str,
    model: &str,
    at: Micros,
) -> Option<&'a GatePrice> {
    prices.iter().find(|price| price.upstream == upstream && price.model == model && price.rates.covers(at))
}

/// What to reserve for a request of `bytes` bytes that `asks` for this. One for another tier has no price: that of the list is of the ordinary one.
pub(crate) fn reserve(surface: Surface, asks: &Asks, bytes: usize, price: Option<&GatePrice>) -> Reserved {
    let by = price.filter(|_| !asks.other_tier).map(|price| price.record);
    // Counting tokens costs nothing at its provider; it is a call all the same.
    if surface == Surface::AnthropicCountTokens {
        return Reserved { input: 0, output: 0, price: by };
    }
    let elsewhere = if asks.reads_elsewhere {
        price.and_then(|price| price.input_limit).unwrap_or(DEFAULT_INPUT_LIMIT)
    } else {
        0
    };
    let one = asks
        .max_output
        .filter(|limit| *limit > 0)
        .or_else(|| price.and_then(|price| price.output_limit))
        .unwrap_or(DEFAULT_OUTPUT_LIMIT);
    let output = if surface == Surface::OpenAiEmbeddings { 0 } else { one.saturating_mul(asks.choices) };
    let told = if asks.offers_tools { TOOLS_PROMPT } else { 0 };
    let input = (bytes as u64).saturating_add(told).max(elsewhere);
    let tokens = Tokens { input, output, ..Tokens::default() }.bounded();
    Reserved { input: tokens.input, output: tokens.output, price: by }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks() -> Asks {
        Asks::default()
    }

    /// Requirement: N23.
    #[test]
    fn the_worst_case_is_reserved() {
        let of = |asks: Asks| reserve(Surface::OpenAiChat, &asks, 500, None);
        assert_eq!(
            (of(asks()).input, of(asks()).output),
            (500, DEFAULT_OUTPUT_LIMIT),
            "a request without a limit"
        );
        let limited = of(Asks { max_output: Some(10), choices: 3, ..asks() });
        assert_eq!(limited.output, 30, "each choice is an answer of its own, and is paid");
        let none = of(Asks { max_output: Some(0), ..asks() });
        assert_eq!(none.output, DEFAULT_OUTPUT_LIMIT, "what may be no limit would reserve no answer");
        let tools = of(Asks { offers_tools: true, ..asks() });
        assert_eq!(
            tools.input,
            500 + TOOLS_PROMPT,
            "what the provider says of tools is in no byte of the request"
        );
        let elsewhere = of(Asks { reads_elsewhere: true, ..asks() });
        assert_eq!(elsewhere.input, DEFAULT_INPUT_LIMIT, "a short address stands for a long file");
        let embedded = reserve(Surface::OpenAiEmbeddings, &asks(), 500, None);
        assert_eq!(
            (embedded.input, embedded.output),
            (500, 0),
            "embeddings answer with no tokens, and read some"
        );
    }
}
