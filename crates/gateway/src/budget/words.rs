//! What whoever calls is told when a budget stops a call: which one, when it begins anew, and what would change the answer.

use tabellion_model::Micros;
use tabellion_model::charge::{Currency, MAX_CHARGED, Reserved};

use super::purse::{Exceeded, Limit};
use crate::code::Code;
use crate::decide::Refusal;

/// Seconds after which a call at the limit of those at once may try again: most calls are over by then.
const AT_ONCE_WAIT_S: u32 = 1;

/// The refusal of a call that may take `reserved` at most.
pub(super) fn refusal(exceeded: &Exceeded, reserved: &Reserved) -> Refusal {
    let Exceeded { budget, scope, limit, resets } = exceeded;
    let whose = format!("the budget {budget} of the {scope}");
    let until = |is_left: bool| until(*resets, is_left);
    let tokens = format!(
        "this call may take {} tokens of prompt and {} of answer; a lower max_tokens asks for less",
        reserved.input, reserved.output
    );
    let (code, reason) = match limit {
        Limit::Micros { cap, used, asked, currency } => (
            Code::BudgetExceeded,
            format!(
                "{whose} is {} and {} of it are used or reserved, so that up to {} more are not possible: {tokens}; {}",
                money(*cap, *currency),
                money(*used, *currency),
                money(*asked, *currency),
                until(used < cap)
            ),
        ),
        Limit::Tokens { cap, used, .. } => (
            Code::BudgetExceeded,
            format!(
                "{whose} is {cap} tokens and {used} of them are used or reserved: {tokens}; {}",
                until(used < cap)
            ),
        ),
        Limit::Calls { cap } => {
            (Code::BudgetExceeded, format!("{whose} is {cap} calls, and they are made; {}", until(false)))
        }
        Limit::Rate { cap, wait_s } => {
            let reason = format!("{whose} is {cap} calls a minute; the next one is possible in {wait_s} s");
            return Refusal {
                retry_after_s: u32::try_from(*wait_s).ok(),
                ..Refusal::new(Code::RateLimited, reason)
            };
        }
        Limit::AtOnce { cap } => {
            let reason = format!(
                "{whose} is {cap} calls at the same time, and they are under way; try again when one is over"
            );
            return Refusal {
                retry_after_s: Some(AT_ONCE_WAIT_S),
                ..Refusal::new(Code::RateLimited, reason)
            };
        }
        Limit::Unpriced => (
            Code::PriceUnknown,
            format!(
                "{whose} is in money alone, and no price of this model in its currency, at the tier that is asked for, is known; leave service_tier out, have a price set, or a cap in tokens beside it"
            ),
        ),
        Limit::Unreadable => (
            Code::EvidenceUnavailable,
            format!(
                "what {whose} says cannot be read, so nothing is let through; have it ended, and set again if it is needed"
            ),
        ),
    };
    Refusal::new(code, reason)
}

/// The refusal of a call that more budgets of persons, teams and agents hold for than a record names.
pub(super) fn too_many() -> Refusal {
    let reason = format!(
        "more than {MAX_CHARGED} budgets of persons, teams and agents hold for this call, and its record could not name them all; have some of them ended"
    );
    Refusal::new(Code::BudgetExceeded, reason)
}

/// What helps: asking for less does as long as something is left.
fn until(resets: Option<Micros>, is_left: bool) -> String {
    match (resets, is_left) {
        (Some(resets), true) => {
            format!("it begins anew at {resets}; until then ask for less, or have it raised")
        }
        (Some(resets), false) => {
            format!("it begins anew at {resets}; until then nothing is possible, unless it is raised")
        }
        (None, true) => "it does not begin anew: ask for less, or have it raised".to_owned(),
        (None, false) => "it does not begin anew: have it raised".to_owned(),
    }
}

/// Millionths as a number with six places, and the currency.
fn money(micros: u64, currency: Option<Currency>) -> String {
    let currency = currency.map(|currency| format!(" {currency}")).unwrap_or_default();
    format!("{}.{:06}{currency}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(limit: Limit, resets: Option<Micros>) -> String {
        let exceeded = Exceeded { budget: "loans".to_owned(), scope: "system", limit, resets };
        refusal(&exceeded, &Reserved { input: 9, output: 64, price: None }).reason.into_string()
    }

    /// Requirement: N20, N23. What is told to help does help, and money has a currency.
    #[test]
    fn each_limit_is_told_with_what_helps() {
        let anew = Some(Micros(0));
        let calls = told(Limit::Calls { cap: 5 }, anew);
        assert!(calls.contains("5 calls") && calls.contains("begins anew at"), "{calls}");
        assert!(
            !calls.contains("ask for less") && !calls.contains("max_tokens"),
            "no call is less than one: {calls}"
        );
        let currency = Currency::parse("GBP");
        let money = |used| told(Limit::Micros { cap: 2_500_000, used, asked: 1, currency }, anew);
        assert!(money(0).contains("2.500000 GBP") && money(0).contains("ask for less"), "{}", money(0));
        assert!(!money(2_500_000).contains("ask for less"), "nothing is left: {}", money(2_500_000));
        let ever = told(Limit::Tokens { cap: 5, used: 1, asked: 9 }, None);
        assert!(ever.contains("does not begin anew: ask for less"), "{ever}");
    }
}
