//! What whoever calls is told when a budget stops a call: which one, when it begins anew, and what would change the answer.

use tabellion_model::charge::{MAX_CHARGED, Reserved};

use super::purse::{Exceeded, Limit};
use crate::code::Code;
use crate::decide::Refusal;

/// Seconds after which a call at the limit of those at once may try again: most calls are over by then.
const AT_ONCE_WAIT_S: u32 = 1;

/// The refusal of a call that may take `reserved` at most.
pub(super) fn refusal(exceeded: &Exceeded, reserved: &Reserved) -> Refusal {
    let Exceeded { budget, scope, limit, resets } = exceeded;
    let whose = format!("the budget {budget} of the {scope}");
    let until = resets.map_or_else(
        || "it does not begin anew: have it raised".to_owned(),
        |resets| format!("it begins anew at {resets}; until then ask for less, or have it raised"),
    );
    let tokens = format!(
        "this call may take {} tokens of prompt and {} of answer; a lower max_tokens asks for less",
        reserved.input, reserved.output
    );
    let (code, reason) = match limit {
        Limit::Micros { cap, used, asked } => (
            Code::BudgetExceeded,
            format!(
                "{whose} is {} and {} of it is used or reserved, so that up to {} more is not possible: {tokens}; {until}",
                money(*cap),
                money(*used),
                money(*asked)
            ),
        ),
        Limit::Tokens { cap, used, .. } => (
            Code::BudgetExceeded,
            format!("{whose} is {cap} tokens and {used} of them are used or reserved: {tokens}; {until}"),
        ),
        Limit::Calls { cap } => {
            (Code::BudgetExceeded, format!("{whose} is {cap} calls, and they are made; {until}"))
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
                "{whose} is in money alone, and no price of this model in its currency is known; have a price set, or a cap in tokens beside it"
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

/// Millionths as a number with six places.
fn money(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
