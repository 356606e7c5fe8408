//! Guards over what a call may take: its tokens, and what they cost by the price in force.
//!
//! Promises: judged by what the call would reserve, before anything is reserved or sent; a call whose price nobody knows is never within a limit of money. Must never: look at a
//! canary, which is charged to nobody.

use serde::{Deserialize, Serialize};
use tabellion_model::body::{GuardOutcome, Guarded};
use tabellion_model::charge::Currency;

use crate::budget::Charge;
use crate::call::Call;
use crate::guards::config::Mode;
use crate::guards::suite::{Check, Guard, Guards};

/// More tokens than may be.
const TOO_MANY_TOKENS: &str = "too_many_tokens";
/// More money than may be.
const TOO_DEAR: &str = "too_dear";
/// No price of the model in the limit's currency is known.
const PRICE_UNKNOWN: &str = "price_unknown";

/// Limits of one call, as an operator writes them down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostConfig {
    /// Most money, in millionths of the currency's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_call: Option<u64>,
    /// The currency of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Most tokens of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    /// Most tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
}

impl CostConfig {
    /// What is missing or could not work.
    pub(crate) fn misfit(&self) -> Option<&'static str> {
        let limits = [self.max_per_call, self.max_input_tokens, self.max_output_tokens];
        if limits.iter().all(Option::is_none) {
            return Some("kind cost takes max_per_call, max_input_tokens or max_output_tokens; set one");
        }
        if self.max_per_call.is_some() != self.currency.is_some() {
            return Some("max_per_call and currency go together: millionths of a unit, and of which money");
        }
        let stops_all = limits.contains(&Some(0));
        stops_all.then_some("max_per_call, max_input_tokens and max_output_tokens are 1 or more")
    }
}

impl Guards {
    /// What those among these say of a call that would reserve `charge`, each in its place in `results`.
    fn ask_cost(&self, numbers: &[usize], results: &mut [Guarded], charge: &Charge) {
        for (number, result) in numbers.iter().zip(results) {
            let Some(guard) = self.all.get(*number) else { continue };
            if let Check::Cost(limits) = guard.check {
                *result = says(guard, &limits, charge);
            }
        }
    }
}

impl Call {
    /// What guards over costs say of this call, among the results of the guards `numbers`.
    pub(crate) fn ask_cost(&self, numbers: &[usize], results: &mut [Guarded], charge: &Charge) {
        if !self.caller.is_probe() {
            self.worker.shared.guards.ask_cost(numbers, results, charge);
        }
    }
}

fn says(guard: &Guard, limits: &CostConfig, charge: &Charge) -> Guarded {
    let tokens = charge.reserved.tokens();
    let beyond = |most: Option<u64>, taken: u64| most.is_some_and(|most| taken > most);
    let mut found = Vec::new();
    if beyond(limits.max_input_tokens, tokens.input) || beyond(limits.max_output_tokens, tokens.output) {
        found.push(TOO_MANY_TOKENS.to_owned());
    }
    let cost = charge.cost().filter(|cost| Some(cost.currency) == limits.currency);
    if cost.is_some_and(|cost| beyond(limits.max_per_call, cost.micros)) {
        found.push(TOO_DEAR.to_owned());
    }
    // Whatever its price is, nothing costs nothing.
    let is_unknown = limits.max_per_call.is_some() && cost.is_none() && tokens.total() > 0;
    match (found.is_empty(), guard.mode) {
        (true, _) if is_unknown => guard.says(GuardOutcome::Errored, vec![PRICE_UNKNOWN.to_owned()]),
        (true, _) => guard.says(GuardOutcome::Passed, found),
        (false, Mode::Block) => guard.says(GuardOutcome::Blocked, found),
        (false, Mode::Flag) => guard.says(GuardOutcome::Flagged, found),
    }
}

#[cfg(test)]
mod tests {
    use tabellion_model::charge::{Rates, Reserved};
    use tabellion_model::{Micros, RecordId};
    use tabellion_views::gate::GatePrice;

    use super::*;
    use crate::guards::config::{GuardConfig, Kind, Side};

    fn eur() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    fn said(limits: CostConfig, mode: Mode, charge: &Charge) -> (GuardOutcome, Vec<String>) {
        let config = GuardConfig {
            on: vec![Side::Prompt],
            cost: Some(limits),
            mode,
            ..GuardConfig::new("dear", Kind::Cost)
        };
        let guards = Guards::new(&[config]).expect("a guard");
        let mut results = vec![guards.all[0].not_run()];
        guards.ask_cost(&[0], &mut results, charge);
        let said = results.remove(0);
        (said.outcome, said.found)
    }

    /// A token of prompt is a millionth, one of answer two.
    fn charge(input: u64, output: u64, priced: bool) -> Charge {
        let rates = Rates {
            currency: eur(),
            input: 1_000_000,
            cached: 1_000_000,
            cache_write: 1_000_000,
            output: 2_000_000,
            from: Micros(0),
            until: None,
        };
        let record = RecordId::from_bytes([3; 16]);
        let price = GatePrice {
            record,
            upstream: "u".to_owned(),
            model: "m".to_owned(),
            output_limit: None,
            input_limit: None,
            rates,
        };
        let reserved = Reserved { input, output, price: priced.then_some(record) };
        Charge::new(reserved, Some(&price))
    }

    /// Requirement: N21, N23. A call that may take more tokens or money than a limit is found, and one whose price nobody knows is within no limit of money.
    #[test]
    fn a_call_is_held_against_its_limits() {
        let money =
            |most| CostConfig { max_per_call: Some(most), currency: Some(eur()), ..CostConfig::default() };
        let block = |limits, charge: &Charge| said(limits, Mode::Block, charge);
        let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        let call = charge(10, 5, true);
        assert_eq!(block(money(20), &call), (GuardOutcome::Passed, Vec::new()));
        assert_eq!(block(money(19), &call), (GuardOutcome::Blocked, labels(&[TOO_DEAR])));
        assert_eq!(said(money(19), Mode::Flag, &call), (GuardOutcome::Flagged, labels(&[TOO_DEAR])));
        let dollars = CostConfig { currency: Currency::parse("USD"), ..money(1_000_000) };
        let unknown = (GuardOutcome::Errored, labels(&[PRICE_UNKNOWN]));
        assert_eq!(block(dollars, &call), unknown, "euros were taken for dollars");
        assert_eq!(
            block(money(1_000_000), &charge(10, 5, false)),
            unknown,
            "what nobody knows would be free"
        );
        assert_eq!(block(money(1), &charge(0, 0, false)).0, GuardOutcome::Passed, "nothing costs nothing");
        let tokens = CostConfig { max_input_tokens: Some(9), max_output_tokens: Some(5), ..money(19) };
        assert_eq!(block(tokens, &call), (GuardOutcome::Blocked, labels(&[TOO_MANY_TOKENS, TOO_DEAR])));
        let answer = CostConfig { max_output_tokens: Some(4), ..CostConfig::default() };
        assert_eq!(block(answer, &charge(10, 5, false)), (GuardOutcome::Blocked, labels(&[TOO_MANY_TOKENS])));
    }

    /// Requirement: N21.
    #[test]
    fn limits_that_could_not_work_are_refused() {
        let none = CostConfig::default();
        for wrong in [
            none,
            CostConfig { max_per_call: Some(5), ..none },
            CostConfig { currency: Some(eur()), max_input_tokens: Some(5), ..none },
            CostConfig { max_output_tokens: Some(0), ..none },
        ] {
            assert!(wrong.misfit().is_some(), "{wrong:?}");
        }
        assert_eq!(CostConfig { max_output_tokens: Some(1), ..none }.misfit(), None);
    }
}
