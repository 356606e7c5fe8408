//! The most that a batch may take: what the requests of its file may take together, under the prices in force when it is begun.
//!
//! Promises: never less than the same requests would reserve as calls. Must never: begin a batch whose most is larger than a charge can be, where a budget counts on it.

use tabellion_model::Micros;
use tabellion_model::body::{BatchRequests, BudgetSubject, FileModel, FileTokens};
use tabellion_model::charge::MAX_CALL_TOKENS;
use tabellion_views::gate::{GateBudget, GatePrice};

use super::bound::{DEFAULT_INPUT_LIMIT, DEFAULT_OUTPUT_LIMIT, TOOLS_PROMPT, price};
use crate::code::Code;
use crate::decide::Refusal;
use crate::surface::Surface;
use crate::surface::asks::Asks;

/// Where sums stop: far above what any batch is charged, and far below what JSON cannot hold exactly.
const MOST: u64 = 1 << 50;

/// What one request of a batch's file may take: of `bytes` bytes, `asks` for this.
pub(crate) fn of_request(surface: Surface, asks: &Asks, bytes: usize) -> FileTokens {
    let told = if asks.offers_tools { TOOLS_PROMPT } else { 0 };
    let input = (bytes as u64).saturating_add(told).min(MOST);
    let answers = if surface == Surface::OpenAiEmbeddings { 0 } else { asks.choices.min(MOST) };
    let (output, unlimited) = match asks.max_output.filter(|limit| *limit > 0) {
        Some(limit) => (limit.saturating_mul(answers).min(MOST), 0),
        None => (0, answers),
    };
    FileTokens {
        requests: 1,
        input,
        most_input: input,
        output,
        most_output: output,
        unlimited,
        most_unlimited: unlimited,
        elsewhere: asks.reads_elsewhere.into(),
        other_tier: asks.other_tier.into(),
    }
}

/// Both together.
pub(crate) fn together(one: FileTokens, other: FileTokens) -> FileTokens {
    let sum = |one: u64, other: u64| one.saturating_add(other).min(MOST);
    FileTokens {
        requests: sum(one.requests, other.requests),
        input: sum(one.input, other.input),
        most_input: one.most_input.max(other.most_input),
        output: sum(one.output, other.output),
        most_output: one.most_output.max(other.most_output),
        unlimited: sum(one.unlimited, other.unlimited),
        most_unlimited: one.most_unlimited.max(other.most_unlimited),
        elsewhere: sum(one.elsewhere, other.elsewhere),
        other_tier: sum(one.other_tier, other.other_tier),
    }
}

/// What a batch at `upstream` that `asked` for this may take at `at`, and the price of it: there is one where all its requests have the same. None: it is not known of all of them
/// what they may take.
pub(crate) fn reserve<'p>(
    asked: &[FileModel],
    prices: &'p [GatePrice],
    upstream: &str,
    at: Micros,
) -> Option<(BatchRequests, Option<&'p GatePrice>)> {
    let mut sum = BatchRequests::default();
    let mut of_models = Vec::new();
    for FileModel { model, tokens, .. } in asked {
        let tokens = tokens.as_ref()?;
        let price = price(prices, upstream, model, at);
        let one = under(tokens, price);
        let add = |one: u64, other: u64| one.saturating_add(other).min(MOST);
        sum = BatchRequests {
            count: add(sum.count, one.count),
            input: add(sum.input, one.input),
            output: add(sum.output, one.output),
            most_input: sum.most_input.max(one.most_input),
            most_output: sum.most_output.max(one.most_output),
        };
        of_models.push(price.filter(|_| tokens.other_tier == 0));
    }
    let is_of_all = |first: &&GatePrice| {
        of_models.iter().all(|price| price.is_some_and(|price| price.record == first.record))
    };
    Some((sum, of_models.first().copied().flatten().filter(is_of_all)))
}

/// What they may take where `price` is of their model.
fn under(tokens: &FileTokens, price: Option<&GatePrice>) -> BatchRequests {
    let input_limit = price.and_then(|price| price.input_limit).unwrap_or(DEFAULT_INPUT_LIMIT);
    let output_limit = price.and_then(|price| price.output_limit).unwrap_or(DEFAULT_OUTPUT_LIMIT);
    // A prompt that lies elsewhere is counted beside its own bytes, not in place of them: no sum can tell which is the larger.
    let elsewhere = tokens.elsewhere.saturating_mul(input_limit);
    let unlimited = |answers: u64| answers.saturating_mul(output_limit);
    BatchRequests {
        count: tokens.requests,
        input: tokens.input.saturating_add(elsewhere).min(MOST),
        output: tokens.output.saturating_add(unlimited(tokens.unlimited)).min(MOST),
        most_input: tokens.most_input.saturating_add(elsewhere.min(input_limit)).min(MOST),
        most_output: tokens.most_output.max(unlimited(tokens.most_unlimited)).min(MOST),
    }
}

/// Refused where a batch may take more than a call can be charged, and a budget of `who` counts tokens or money: it would count too little.
pub(crate) fn check(
    requests: &BatchRequests,
    budgets: &[GateBudget],
    who: BudgetSubject<'_>,
) -> Result<(), Refusal> {
    if requests.input <= MAX_CALL_TOKENS && requests.output <= MAX_CALL_TOKENS {
        return Ok(());
    }
    let counts = |budget: &&GateBudget| {
        let held = budget.held.as_ref().filter(|held| held.scope.holds(who));
        held.is_some_and(|held| held.caps.tokens.is_some() || held.caps.micros.is_some())
    };
    let Some(budget) = budgets.iter().find(counts) else { return Ok(()) };
    let why = format!(
        "the {} requests of this batch may take {} tokens of prompt and {} of answer, more than the {MAX_CALL_TOKENS} of each that a batch is charged for, and the budget {} counts them; name max_tokens in each request, have the price of the model say its output_limit, or send several batches",
        requests.count, requests.input, requests.output, budget.name
    );
    Err(Refusal::new(Code::BudgetExceeded, why))
}

#[cfg(test)]
mod tests {
    use tabellion_model::RecordId;
    use tabellion_model::body::{BudgetScope, Caps, NOBODY};
    use tabellion_model::charge::{Currency, Rates, Window};
    use tabellion_model::{CredentialId, SystemId};
    use tabellion_views::gate::{Held, Used};

    use super::*;
    use crate::budget::bound;

    const CHAT: Surface = Surface::OpenAiChat;

    fn priced(model: &str, record: u8) -> GatePrice {
        let currency = Currency::parse("EUR").expect("a currency");
        let (cached, cache_write) = (1, 1);
        let rates =
            Rates { currency, input: 1, cached, cache_write, output: 1, from: Micros(0), until: None };
        GatePrice {
            record: RecordId::from_bytes([record; 16]),
            upstream: "u".to_owned(),
            model: model.to_owned(),
            output_limit: Some(700),
            input_limit: Some(9_000),
            rates,
        }
    }

    fn of_model(model: &str, tokens: Option<FileTokens>) -> FileModel {
        let surface = CHAT.name().to_owned();
        FileModel { surface, model: model.to_owned(), tools: Vec::new(), bytes: None, tokens }
    }

    /// Requirement: N23. A batch reserves no less than its requests would as calls, with the limits of the price in force when it is begun.
    #[test]
    fn a_batch_reserves_what_its_requests_would() {
        let price = priced("m", 1);
        let requests = [
            (CHAT, Asks::default(), 100),
            (CHAT, Asks { max_output: Some(50), choices: 3, ..Asks::default() }, 200),
            (CHAT, Asks { max_output: Some(0), choices: 2, ..Asks::default() }, 20),
            (CHAT, Asks { offers_tools: true, ..Asks::default() }, 300),
            (CHAT, Asks { reads_elsewhere: true, ..Asks::default() }, 400),
            (Surface::OpenAiEmbeddings, Asks::default(), 500),
        ];
        for price in [Some(&price), None] {
            let (mut input, mut output, mut most) = (0, 0, (0, 0));
            let mut tokens = FileTokens::default();
            for (surface, asks, bytes) in &requests {
                let alone = bound::reserve(*surface, asks, *bytes, price);
                (input, output) = (input + alone.input, output + alone.output);
                most = (most.0.max(alone.input), most.1.max(alone.output));
                tokens = together(tokens, of_request(*surface, asks, *bytes));
            }
            let sum = under(&tokens, price);
            assert_eq!((sum.count, sum.output), (6, output), "answers of a batch are not those of its calls");
            assert!(sum.input >= input && sum.input <= input + 400, "{} of {input}", sum.input);
            assert!(sum.most_input >= most.0 && sum.most_output == most.1, "{sum:?} of {most:?}");
        }
    }

    /// Requirement: N23. A batch has a price where all its requests have the same, and is unpriced otherwise: never rated by a cheaper one.
    #[test]
    fn a_batch_of_several_prices_has_none() {
        let prices = [priced("a", 1), priced("b", 2)];
        let plain = of_request(CHAT, &Asks::default(), 10);
        let flex = of_request(CHAT, &Asks { other_tier: true, ..Asks::default() }, 10);
        let price = |asked: &[FileModel]| {
            let (_, price) = reserve(asked, &prices, "u", Micros(1)).expect("it is known of all");
            price.map(|price| price.model.clone())
        };
        let of = |model: &str| of_model(model, Some(plain));
        assert_eq!(price(&[of("a"), of("a")]).as_deref(), Some("a"));
        assert_eq!(price(&[of("b")]).as_deref(), Some("b"));
        assert_eq!(price(&[of("a"), of("b")]), None, "the dearer of two would be rated as the cheaper");
        assert_eq!(price(&[of("a"), of("unpriced")]), None, "a model without a price would be free");
        assert_eq!(price(&[of("unpriced"), of("a")]), None);
        assert_eq!(price(&[of("a"), of_model("a", Some(flex))]), None, "another tier has no price");
        let before = [of("a"), of_model("a", None)];
        assert!(reserve(&before, &prices, "u", Micros(1)).is_none(), "what nobody added up would be nothing");
    }

    /// Requirement: N23. What a charge cannot hold is not begun where a budget counts on it, and goes on where none does.
    #[test]
    fn more_than_a_charge_holds_is_refused_where_a_budget_counts() {
        let (system, key) = (SystemId::from_bytes([1; 16]), CredentialId::from_bytes([2; 16]));
        let who = BudgetSubject { system, key, chain: &NOBODY };
        let budget = |caps| {
            let (scope, window) = (BudgetScope::Tenant, Window::Day);
            let held = Held { scope, window, caps, start: Micros(0), used: Used::default() };
            GateBudget { name: "day".to_owned(), version: 1, since: 1, held: Some(held) }
        };
        let huge = BatchRequests { output: MAX_CALL_TOKENS + 1, ..BatchRequests::default() };
        let tokens = Caps { tokens: Some(u64::MAX), ..Caps::default() };
        assert!(check(&huge, &[budget(tokens)], who).is_err(), "what is beyond a charge would be free");
        let calls = Caps { calls: Some(3), ..Caps::default() };
        assert!(check(&huge, &[budget(calls)], who).is_ok() && check(&huge, &[], who).is_ok());
        let most = BatchRequests { output: MAX_CALL_TOKENS, ..BatchRequests::default() };
        assert!(check(&most, &[budget(tokens)], who).is_ok());
    }
}
