//! What a call may cost, and what it did cost (docs/budgets.md): numbers that stand in the header's `clear`, so that no erasure of content changes a sum.
//!
//! Promises: whole numbers only, every sum checked or bounded, a fraction of the smallest unit always rounded up, against whoever calls. Must never:
//! take an unknown price for none, or hold a text that somebody wrote.

mod charged;
mod rates;
mod window;

use serde_json::{Map, Value as Json};

use crate::form::{FormFault, Members};
use crate::header::Header;
use crate::id::RecordId;

pub use charged::{Charged, MAX_CHARGED};
pub use rates::{Cost, Currency, MAX_RATE, Rates};
pub use window::{Window, WindowError};

/// Most tokens that one call is charged for. What a provider claims beyond it is charged as this: a thousand times what any model takes, and small
/// enough that millions of such calls still add up.
pub const MAX_CALL_TOKENS: u64 = 1_000_000_000;

/// Tokens of one call, as they are charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Of the prompt, those of the next two included.
    pub input: u64,
    /// Of these, taken from the provider's cache.
    pub cached: u64,
    /// Of these, put into the provider's cache.
    pub cache_write: u64,
    /// Of the answer.
    pub output: u64,
}

impl Tokens {
    /// All of them, each once.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Within [`MAX_CALL_TOKENS`], and no part larger than the whole.
    #[must_use]
    pub fn bounded(self) -> Self {
        let input = self.input.min(MAX_CALL_TOKENS);
        let cached = self.cached.min(input);
        Self {
            input,
            cached,
            cache_write: self.cache_write.min(input - cached),
            output: self.output.min(MAX_CALL_TOKENS),
        }
    }
}

/// `clear` of `call.authorised`: the most that the call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// Most tokens of the prompt.
    pub input: u64,
    /// Most tokens of the answer.
    pub output: u64,
    /// The `price.set` that it is rated by; none: no price is known.
    pub price: Option<RecordId>,
}

impl Reserved {
    /// The tokens.
    pub fn tokens(self) -> Tokens {
        Tokens { input: self.input, output: self.output, ..Tokens::default() }.bounded()
    }

    /// As `clear` members.
    pub fn to_clear(self) -> Map<String, Json> {
        let mut clear = members([("reserved_input", self.input), ("reserved_output", self.output)]);
        if let Some(price) = self.price {
            clear.insert("price".to_owned(), price.to_hex().into());
        }
        clear
    }

    /// What the header of a `call.authorised` says; `None` of one from before calls were charged, or by which nothing is sent.
    pub fn of(header: &Header) -> Option<Self> {
        Self::read(header.clear.as_ref()?).ok()
    }

    fn read(clear: &Map<String, Json>) -> Result<Self, FormFault> {
        Self::read_with(clear).map(|(reserved, _)| reserved)
    }

    /// The same, with the budgets that the call is charged to by name.
    fn read_with(clear: &Map<String, Json>) -> Result<(Self, Vec<Charged>), FormFault> {
        let mut members = Members::of("`clear` of a call.authorised record", Json::Object(clear.clone()))?;
        let charged = Charged::take(&mut members)?;
        let read = Self {
            input: members.number("reserved_input")?,
            output: members.number("reserved_output")?,
            price: match members.optional("price") {
                None => None,
                Some(price) => Some(
                    price
                        .as_str()
                        .and_then(RecordId::from_hex)
                        .ok_or_else(|| members.fault("price", "is not an id"))?,
                ),
            },
        };
        members.finish()?;
        Ok((read, charged))
    }
}

/// `clear` of `call.completed` and of `batch.settled`: what the call, or the batch that it began, took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// What the provider counted.
    Counted(Tokens),
    /// Nothing was sent, or the provider refused before it began.
    Nothing,
    /// Nobody counted to the end: what was reserved stands.
    Reserve,
}

/// The words of [`Spent`] in `clear`.
const COUNTED: &str = "counted";
const NOTHING: &str = "nothing";
const RESERVE: &str = "reserve";

impl Spent {
    /// The tokens to charge a call for that had `reserved`.
    pub fn tokens(self, reserved: Reserved) -> Tokens {
        match self {
            Self::Counted(tokens) => tokens.bounded(),
            Self::Nothing => Tokens::default(),
            Self::Reserve => reserved.tokens(),
        }
    }

    /// The word for how it is known.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counted(_) => COUNTED,
            Self::Nothing => NOTHING,
            Self::Reserve => RESERVE,
        }
    }

    /// As `clear` members.
    pub fn to_clear(self) -> Map<String, Json> {
        let mut clear = match self {
            Self::Counted(tokens) => {
                let Tokens { input, cached, cache_write, output } = tokens.bounded();
                members([
                    ("cache_write", cache_write),
                    ("cached", cached),
                    ("input", input),
                    ("output", output),
                ])
            }
            Self::Nothing | Self::Reserve => Map::new(),
        };
        clear.insert("spent".to_owned(), self.word().into());
        clear
    }

    /// What the header of a `call.completed` or a `batch.settled` says; `None` of one from before calls were charged.
    pub fn of(header: &Header) -> Option<Self> {
        Self::read(header.clear.as_ref()?).ok()
    }

    fn read(clear: &Map<String, Json>) -> Result<Self, FormFault> {
        let mut members = Members::of("`clear` of a call.completed record", Json::Object(clear.clone()))?;
        let spent = match members.text("spent")?.as_str() {
            COUNTED => Self::Counted(Tokens {
                input: members.number("input")?,
                cached: members.number("cached")?,
                cache_write: members.number("cache_write")?,
                output: members.number("output")?,
            }),
            NOTHING => Self::Nothing,
            RESERVE => Self::Reserve,
            _ => return Err(members.fault("spent", "is none of counted, nothing, reserve")),
        };
        members.finish()?;
        Ok(spent)
    }
}

/// Whether `header` is of a type that is charged by, and its `clear` has that type's form.
pub(crate) fn is_charge(header: &Header) -> bool {
    let Some(clear) = &header.clear else { return false };
    match header.record_type.as_str() {
        "call.authorised" => Reserved::read(clear).is_ok(),
        "call.completed" | "batch.settled" => Spent::read(clear).is_ok(),
        "price.set" => Rates::read(clear).is_ok(),
        _ => false,
    }
}

fn members<const N: usize>(numbers: [(&str, u64); N]) -> Map<String, Json> {
    numbers.into_iter().map(|(name, number)| (name.to_owned(), number.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: N23.
    #[test]
    fn what_is_charged_comes_back_from_the_header_and_nothing_else_does() {
        let reserved = Reserved { input: 7, output: 9, price: Some(RecordId::from_bytes([3; 16])) };
        assert_eq!(
            Reserved::read(&reserved.to_clear()),
            Ok(reserved),
            "a rebuild would reserve something else"
        );
        let counted = Tokens { input: 5, cached: 1, cache_write: 2, output: 8 };
        for spent in [Spent::Counted(counted), Spent::Nothing, Spent::Reserve] {
            assert_eq!(Spent::read(&spent.to_clear()), Ok(spent), "a rebuild would charge something else");
        }
        let mut more = Spent::Nothing.to_clear();
        more.insert("note".to_owned(), "text".into());
        assert!(Spent::read(&more).is_err(), "somebody's text would stand in clear for ever");
    }

    /// Requirement: N23. A provider's own numbers cannot make a call cheaper than its parts, or a sum run over.
    #[test]
    fn tokens_are_bounded_and_the_reserve_stands_where_nobody_counted() {
        let odd = Tokens { input: 10, cached: 50, cache_write: 50, output: u64::MAX };
        assert_eq!(
            odd.bounded(),
            Tokens { input: 10, cached: 10, cache_write: 0, output: MAX_CALL_TOKENS },
            "parts are no larger than the whole"
        );
        let reserved = Reserved { input: 7, output: 9, price: None };
        assert_eq!(Spent::Reserve.tokens(reserved).total(), 16, "a silent provider would cost nothing");
        assert_eq!(Spent::Nothing.tokens(reserved).total(), 0, "what was never sent costs nothing");
    }
}
