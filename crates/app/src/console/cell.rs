//! One value as a table or a list of facts shows it: its text, its look, where it leads, and by what it is sorted.
//!
//! Promises: text of others is shown as it is, hidden characters spelled out, and never longer than a cell takes, but for what is to be read to its end.

use std::cmp::Ordering;

use tabellion_model::Micros;

use super::words::{self, Tone};
use crate::printable::visible;

/// Longest text of one cell, in characters; the record's own page has the rest.
const MAX_CELL_CHARS: usize = 200;

/// How a cell is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Text.
    Plain,
    /// A number, to the right.
    Number,
    /// An id or hash.
    Id,
    /// A time; the title has it in full.
    Time,
    /// A state with its shape.
    State(Tone),
    /// Several states, each a small shape of its own.
    Marks,
    /// Short words, each with an outline.
    Tags,
    /// Nothing is known, or nothing was said.
    Unknown,
    /// Said beside something that matters more.
    Aside,
}

/// By what a cell is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Letter case aside.
    Text(String),
    /// By number.
    Number(u64),
    /// Behind all others.
    Last,
}

/// One mark or tag of a cell that has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// What is shown.
    pub(crate) text: String,
    /// What it means, for whoever rests on it or listens.
    pub(crate) title: String,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What is shown.
    pub(crate) text: String,
    /// What a spreadsheet gets.
    pub(crate) whole: String,
    /// Shown by resting on it, and in print for a time.
    pub(crate) title: String,
    /// Where it leads.
    pub(crate) href: String,
    /// How it is set.
    pub(crate) look: Look,
    /// By what it is sorted.
    pub(crate) order: Order,
    /// The marks or tags, where it has several.
    pub(crate) pieces: Vec<Piece>,
}

impl Cell {
    /// Text.
    pub(crate) fn text(text: &str) -> Self {
        let shown = visible(text, MAX_CELL_CHARS);
        let order = Order::Text(shown.to_lowercase());
        Self {
            whole: shown.clone(),
            text: shown,
            title: String::new(),
            href: String::new(),
            look: Look::Plain,
            order,
            pieces: Vec::new(),
        }
    }

    /// Text of which a spreadsheet gets all, also when it is longer than a cell shows.
    pub(crate) fn long(text: &str) -> Self {
        Self { whole: visible(text, usize::MAX), ..Self::text(text) }
    }

    /// Text of which the cell shows all; for what its own limit keeps short.
    pub(crate) fn whole(text: &str) -> Self {
        let whole = visible(text, usize::MAX);
        Self { text: whole.clone(), whole, ..Self::text(text) }
    }

    /// Several marks; sorted by how many of them are what `rank` counts.
    pub(crate) fn marks(pieces: Vec<Piece>, rank: u64) -> Self {
        let said = said(&pieces);
        Self { look: Look::Marks, order: Order::Number(rank), pieces, whole: said, ..Self::text("") }
    }

    /// Several tags; none is an empty cell.
    pub(crate) fn tags(pieces: Vec<Piece>) -> Self {
        let words: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let order = if words.is_empty() { Order::Last } else { Order::Text(words.join(", ")) };
        Self { look: Look::Tags, order, whole: words.join(", "), pieces, ..Self::text("") }
    }

    /// A code of ours, such as `policy_denied`, in words; a spreadsheet gets the code.
    pub(crate) fn code(code: &str) -> Self {
        let mut words = code.replace('_', " ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self { whole: Self::text(code).text, title: code.to_owned(), ..Self::text(&words) }
    }

    /// Text, where there is some.
    pub(crate) fn maybe(text: Option<&str>, otherwise: &str) -> Self {
        text.filter(|text| !text.is_empty()).map_or_else(|| Self::unknown(otherwise), Self::text)
    }

    /// Something that is not known, in its own words.
    pub(crate) fn unknown(why: &str) -> Self {
        Self { look: Look::Unknown, order: Order::Last, ..Self::text(why) }
    }

    /// A number.
    pub(crate) fn number(number: u64) -> Self {
        let order = Order::Number(number);
        Self { whole: number.to_string(), look: Look::Number, order, ..Self::text(&words::count(number)) }
    }

    /// A number, where it is known.
    pub(crate) fn maybe_number(number: Option<u64>) -> Self {
        number.map_or_else(|| Self::unknown("–"), Self::number)
    }

    /// A quantity in words that are sorted by their number.
    pub(crate) fn quantity(text: &str, number: u64) -> Self {
        Self { look: Look::Number, order: Order::Number(number), ..Self::text(text) }
    }

    /// An id or hash, shortened.
    pub(crate) fn id(id: &str) -> Self {
        let text = words::short(id);
        Self { text, title: id.to_owned(), look: Look::Id, ..Self::text(id) }
    }

    /// A time, relative to `now`.
    pub(crate) fn time(at: Micros, now: Micros) -> Self {
        Self {
            whole: at.to_string(),
            title: words::moment(at),
            look: Look::Time,
            order: Order::Number(at.0),
            ..Self::text(&words::relative(at, now))
        }
    }

    /// A state.
    pub(crate) fn state((word, tone): (&str, Tone)) -> Self {
        Self { look: Look::State(tone), ..Self::text(word) }
    }

    /// The same, leading to a page of ours.
    pub(crate) fn to(self, href: String) -> Self {
        Self { href, ..self }
    }

    /// Compares for sorting; what is not known comes last either way.
    pub(crate) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
        match (&self.order, &other.order) {
            (Order::Text(a), Order::Text(b)) => turned(a.cmp(b)),
            (Order::Number(a), Order::Number(b)) => turned(a.cmp(b)),
            (Order::Last, Order::Last) => Ordering::Equal,
            // Numbers before words, and what is not known behind both.
            (Order::Last, _) | (Order::Text(_), Order::Number(_)) => Ordering::Greater,
            (_, Order::Last) | (Order::Number(_), Order::Text(_)) => Ordering::Less,
        }
    }

    /// Its class in the style sheet.
    pub(crate) fn class(&self) -> &'static str {
        match self.look {
            Look::Plain => "",
            Look::Number => "number",
            Look::Id => "id",
            Look::Time => "time",
            Look::State(_) => "state",
            Look::Marks => "marks",
            Look::Tags => "tags",
            Look::Unknown => "unknown",
            Look::Aside => "aside",
        }
    }

    /// The class of a state's shape; empty for what is no state.
    pub(crate) fn tone(&self) -> &'static str {
        match self.look {
            Look::State(tone) => tone.class(),
            _ => "",
        }
    }
}

fn said(pieces: &[Piece]) -> String {
    let titles: Vec<&str> = pieces.iter().map(|piece| piece.title.as_str()).collect();
    titles.join("; ")
}
