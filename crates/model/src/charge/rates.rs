//! What tokens cost: whole millionths of a currency's unit for a million tokens.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

use super::Tokens;
use crate::form::{FormFault, Members};
use crate::header::Header;
use crate::time::Micros;

/// Highest price of a million tokens, in millionths: 10,000 units of a currency, some ten times what the dearest model takes. With
/// [`super::MAX_CALL_TOKENS`] a call costs at most 2 · 10¹³ millionths, and half a million such calls add up in 63 bits.
pub const MAX_RATE: u64 = 10_000_000_000;
/// Tokens that a rate is for.
const PER: u128 = 1_000_000;

/// A currency by its three letters (ISO 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads three capital letters.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a currency is three capital letters, such as EUR"))
    }
}

/// An amount of money: millionths of a currency's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Millionths.
    pub micros: u64,
    /// Of what.
    pub currency: Currency,
}

/// `clear` of `price.set`: what a million tokens cost, and from when to when calls are rated by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// The currency of all four.
    pub currency: Currency,
    /// Tokens of the prompt that no other rate is for.
    pub input: u64,
    /// Tokens of the prompt taken from the provider's cache.
    pub cached: u64,
    /// Tokens of the prompt put into the provider's cache.
    pub cache_write: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// The first moment.
    pub from: Micros,
    /// The first moment that it is not for any more; none: until another price begins.
    pub until: Option<Micros>,
}

impl Rates {
    /// What `tokens` cost, the last fraction of a millionth rounded up.
    pub fn cost(&self, tokens: Tokens) -> Cost {
        let Tokens { input, cached, cache_write, output } = tokens.bounded();
        let plain = input.saturating_sub(cached).saturating_sub(cache_write);
        let parts = [
            (plain, self.input),
            (cached, self.cached),
            (cache_write, self.cache_write),
            (output, self.output),
        ];
        // 4 · 10⁹ · 10¹⁰ is far below 2¹²⁸.
        let sum: u128 = parts.iter().map(|(tokens, rate)| u128::from(*tokens) * u128::from(*rate)).sum();
        let micros = u64::try_from(sum.div_ceil(PER)).unwrap_or(u64::MAX);
        Cost { micros, currency: self.currency }
    }

    /// The most that `tokens` can cost, whatever of the prompt comes from a cache or goes into one.
    pub fn most(&self, tokens: Tokens) -> Cost {
        let dearest = self.input.max(self.cached).max(self.cache_write);
        Self { input: dearest, ..*self }.cost(Tokens { cached: 0, cache_write: 0, ..tokens })
    }

    /// Whether a call at `at` is rated by it.
    pub fn covers(&self, at: Micros) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// As `clear` members.
    pub fn to_clear(&self) -> Map<String, Json> {
        let mut clear = super::members([
            ("cache_write", self.cache_write),
            ("cached", self.cached),
            ("from", self.from.0),
            ("input", self.input),
            ("output", self.output),
        ]);
        clear.insert("currency".to_owned(), self.currency.as_str().into());
        if let Some(until) = self.until {
            clear.insert("until".to_owned(), until.0.into());
        }
        clear
    }

    /// What the header of a `price.set` says.
    pub fn of(header: &Header) -> Option<Self> {
        Self::read(header.clear.as_ref()?).ok()
    }

    pub(super) fn read(clear: &Map<String, Json>) -> Result<Self, FormFault> {
        let mut members = Members::of("`clear` of a price.set record", Json::Object(clear.clone()))?;
        let rate = |members: &mut Members, name| match members.number(name)? {
            rate if rate <= MAX_RATE => Ok(rate),
            _ => Err(members.fault(name, "is larger than any price")),
        };
        let (input, cached) = (rate(&mut members, "input")?, rate(&mut members, "cached")?);
        let (cache_write, output) = (rate(&mut members, "cache_write")?, rate(&mut members, "output")?);
        let currency = Currency::parse(&members.text("currency")?)
            .ok_or_else(|| members.fault("currency", "is not three capital letters"))?;
        let from = Micros(members.number("from")?);
        let until = match members.optional("until") {
            None => None,
            Some(until) => Some(Micros(until.as_u64().ok_or_else(|| members.fault("until", "is no time"))?)),
        };
        members.finish()?;
        Ok(Self { currency, input, cached, cache_write, output, from, until })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rates() -> impl Strategy<Value = Rates> {
        let rate = || 0..=MAX_RATE;
        (rate(), rate(), rate(), rate()).prop_map(|(input, cached, cache_write, output)| Rates {
            currency: Currency(*b"EUR"),
            input,
            cached,
            cache_write,
            output,
            from: Micros(1),
            until: None,
        })
    }

    fn tokens() -> impl Strategy<Value = Tokens> {
        (0..1u64 << 40, 0..1u64 << 40, 0..1u64 << 40, 0..1u64 << 40)
            .prop_map(|(input, cached, cache_write, output)| Tokens { input, cached, cache_write, output })
    }

    /// Requirement: N24. The smallest call with a price costs something, and a fraction is rounded against whoever calls.
    #[test]
    fn a_fraction_is_rounded_up() {
        let rates = Rates {
            currency: Currency(*b"EUR"),
            input: 1,
            cached: 1,
            cache_write: 1,
            output: 2_000_000,
            from: Micros(0),
            until: Some(Micros(5)),
        };
        assert_eq!(
            rates.cost(Tokens { input: 1, ..Tokens::default() }).micros,
            1,
            "a millionth of a millionth"
        );
        assert_eq!(rates.cost(Tokens { output: 3, ..Tokens::default() }).micros, 6, "what divides is exact");
        assert_eq!(rates.cost(Tokens::default()).micros, 0, "nothing costs nothing");
        assert!(rates.covers(Micros(4)) && !rates.covers(Micros(5)), "a price ends when the next begins");
        assert_eq!(Rates::read(&rates.to_clear()), Ok(rates), "a rebuild would rate by another price");
    }

    proptest! {
        /// Requirement: N23. What is reserved is never less than what the same tokens cost in the end.
        #[test]
        fn the_reserve_covers_the_cost(rates in rates(), tokens in tokens()) {
            prop_assert!(rates.most(tokens).micros >= rates.cost(tokens).micros);
            prop_assert!(rates.cost(tokens).micros <= 4 * 10_000_000_000_000);
        }
    }
}
