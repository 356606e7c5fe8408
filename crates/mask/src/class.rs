//! The kinds of personal data that are looked for. Promises that a name, once given out in a record, never changes its
//! meaning.

use crate::scan::resolved;

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// An e-mail address.
    Email,
    /// The number of a payment card.
    PaymentCard,
    /// An international bank account number (ISO 13616).
    Iban,
}

impl Class {
    /// Every class, in the order of their names in code.
    pub const ALL: [Self; 3] = [Self::Email, Self::PaymentCard, Self::Iban];

    /// The stable name: what policies, records and metrics say.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PaymentCard => "payment_card",
            Self::Iban => "iban",
        }
    }

    /// The class with this [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// What a placeholder of this class starts with, for a model to understand: upper-case ASCII letters.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::PaymentCard => "CARD",
            Self::Iban => "IBAN",
        }
    }

    /// One form for all spellings of a value, so that they share a placeholder: an address in lower case, a card's digits
    /// alone, an account number in upper case without its separators.
    pub(crate) fn normalised(self, value: &str) -> String {
        let value = resolved(value);
        match self {
            Self::Email => at_sign(&value.to_lowercase()),
            Self::PaymentCard => value.chars().filter(char::is_ascii_digit).collect(),
            Self::Iban => {
                value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
            }
        }
    }
}

/// An address in lower case with its at sign plain, however it was written.
fn at_sign(lower: &str) -> String {
    if lower.contains('@') { lower.to_owned() } else { lower.replace("%40", "@") }
}

/// Which classes to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// Every class there is.
    pub const ALL: Self = Self(0b111);
    /// None; nothing is found.
    pub const NONE: Self = Self(0);

    /// These and one more.
    #[must_use]
    pub const fn with(self, class: Class) -> Self {
        Self(self.0 | Self::bit(class))
    }

    /// Whether the class is looked for.
    pub const fn has(self, class: Class) -> bool {
        self.0 & Self::bit(class) != 0
    }

    const fn bit(class: Class) -> u8 {
        match class {
            Class::Email => 1,
            Class::PaymentCard => 1 << 1,
            Class::Iban => 1 << 2,
        }
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, Self::with)
    }
}
