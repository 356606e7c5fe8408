//! Fields: what may stand in one member of an item's content.
//!
//! Must never: accept two spellings of one value. Nothing filled in is a member that is absent; an empty text or list is refused.

use serde::Deserialize;
use serde_json::Value;

use crate::catalogue::Reference;
use crate::text::{self, TextFault};
use crate::{CredentialId, MAX_INTEGER, Micros, SystemId};

/// Longest `line`, in characters: a heading.
pub const MAX_LINE_CHARS: u64 = 200;
/// Longest `text`, in characters: about three printed pages.
pub const MAX_TEXT_CHARS: u64 = 8000;
/// Most items of a `list` or `choices`.
pub const MAX_ITEMS: u64 = 100;

/// What a field holds. The word is the one of definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A text of one line.
    Line,
    /// A text of several lines.
    Text,
    /// One of the options.
    Choice,
    /// Several of the options, in any order, none twice.
    Choices,
    /// Lines, none twice.
    List,
    /// The credential id of a person; never a name, which could not be erased from here.
    Person,
    /// The id of a system.
    System,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// True or false.
    YesNo,
    /// A whole number from 0.
    Number,
    /// Clauses and controls of ISO/IEC 42001 by their ids, none twice.
    References,
}

impl Kind {
    /// The word in definitions and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Text => "text",
            Self::Choice => "choice",
            Self::Choices => "choices",
            Self::List => "list",
            Self::Person => "person",
            Self::System => "system",
            Self::Date => "date",
            Self::YesNo => "yes_no",
            Self::Number => "number",
            Self::References => "references",
        }
    }

    /// The most that `max` may say, when it may say anything.
    pub(super) fn most(self) -> Option<u64> {
        match self {
            Self::Line => Some(MAX_LINE_CHARS),
            Self::Text => Some(MAX_TEXT_CHARS),
            Self::List | Self::Choices | Self::References => Some(MAX_ITEMS),
            Self::Number => Some(MAX_INTEGER),
            Self::Choice | Self::Person | Self::System | Self::Date | Self::YesNo => None,
        }
    }
}

/// One option of a `choice` or `choices`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The word in content.
    pub word: String,
    /// What people read.
    pub label: String,
    /// Whether it says no to what the item is about: rules of controls never take it for a yes.
    #[serde(default)]
    pub adverse: bool,
}

/// One field of a register.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Member of the content.
    pub name: String,
    /// What people read beside it.
    pub label: String,
    /// What to write there.
    #[serde(default)]
    pub help: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether an item is incomplete without it.
    #[serde(default)]
    pub required: bool,
    /// Whether a change of it asks others to look again.
    #[serde(default)]
    pub material: bool,
    /// Whether it stays as it was when the item was opened.
    #[serde(default)]
    pub fixed: bool,
    /// The options of a `choice` or `choices`.
    #[serde(default)]
    pub options: Vec<Choice>,
    /// Less than the kind allows: characters, items, or the largest number.
    #[serde(default)]
    pub max: Option<u64>,
}

impl Field {
    /// The most that it takes: characters of a text, items of a list, the largest number.
    pub fn most(&self) -> Option<u64> {
        self.max.or_else(|| self.kind.most())
    }

    /// Why `value` cannot stand here, as a sentence for whoever filled in the form.
    pub(super) fn fault(&self, value: &Value) -> Option<String> {
        match self.kind {
            Kind::Line => self.text(value, MAX_LINE_CHARS, false),
            Kind::Text => self.text(value, MAX_TEXT_CHARS, true),
            Kind::Choice => match value.as_str() {
                Some(word) => self.option(word),
                None => Some("it has to be one of the options".to_owned()),
            },
            Kind::Choices => self.items(value, |word| self.option(word)),
            Kind::List => self.items(value, |line| text_fault(line, MAX_LINE_CHARS, false)),
            Kind::Person => named(value, "the id of a person", |id| CredentialId::from_hex(id).is_some()),
            Kind::System => named(value, "the id of a system", |id| SystemId::from_hex(id).is_some()),
            Kind::Date => named(value, "a day, written YYYY-MM-DD", |day| {
                day.len() == "YYYY-MM-DD".len() && Micros::parse_date(day).is_ok()
            }),
            Kind::YesNo => (!value.is_boolean()).then(|| "it has to be true or false".to_owned()),
            Kind::Number => {
                let most = self.most().unwrap_or(MAX_INTEGER);
                let fits = value.as_u64().is_some_and(|number| number <= most);
                (!fits).then(|| format!("it has to be a whole number, 0 to {most}"))
            }
            Kind::References => self.items(value, |id| Some(Reference::parse(id).err()?.to_string())),
        }
    }

    fn text(&self, value: &Value, most: u64, lines: bool) -> Option<String> {
        match value.as_str() {
            Some(text) => text_fault(text, self.max.unwrap_or(most), lines),
            None => Some("it has to be text".to_owned()),
        }
    }

    fn option(&self, word: &str) -> Option<String> {
        if self.options.iter().any(|option| option.word == word) {
            return None;
        }
        let words: Vec<&str> = self.options.iter().map(|option| option.word.as_str()).collect();
        Some(format!("it has to be one of {}", words.join(", ")))
    }

    fn items(&self, value: &Value, fault: impl Fn(&str) -> Option<String>) -> Option<String> {
        let Some(items) = value.as_array() else { return Some("it has to be a list".to_owned()) };
        let most = self.most().unwrap_or(MAX_ITEMS);
        if items.is_empty() {
            return Some("it is empty; leave it out until there is something to say".to_owned());
        }
        if items.len() as u64 > most {
            return Some(format!("it has {} items; at most {most} are possible", items.len()));
        }
        for (number, item) in items.iter().enumerate() {
            let place = number + 1;
            let Some(text) = item.as_str() else { return Some(format!("item {place} is not text")) };
            if let Some(fault) = fault(text) {
                return Some(format!("item {place}: {fault}"));
            }
            if items.iter().take(number).any(|before| before == item) {
                return Some(format!("item {place} is there twice"));
            }
        }
        None
    }
}

fn named(value: &Value, what: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    (!value.as_str().is_some_and(fits)).then(|| format!("it has to be {what}"))
}

fn text_fault(text: &str, most: u64, lines: bool) -> Option<String> {
    Some(match text::fault(text, most, lines)? {
        TextFault::Empty => "it is empty; leave it out until there is something to say".to_owned(),
        other => other.to_string(),
    })
}
