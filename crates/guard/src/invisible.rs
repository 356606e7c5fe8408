//! Characters without a shape of their own, and when they carry something.
//!
//! Most have an honest use: a joiner between two emoji or in a Persian word, a mark of direction around a Hebrew name, a variation selector behind a
//! sign. What has none is text written in tag characters, a run of joiners that spells bits, and an override that shows text in another order than
//! a model reads it.

/// So many in a row join nothing any more: honest text has at most three (emoji sequences with a selector).
const RUN: u32 = 4;
/// So many selectors of a sign select nothing.
const SELECTORS: u32 = 2;
/// The black flag, behind which tags spell a region (`UTS #51`, flag sequences).
const FLAG: char = '\u{1F3F4}';
/// Longest such region with its end: `gbeng` and the cancel tag, with room for others.
const REGION: u32 = 8;

/// What kind of invisible character one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tag,
    Override,
    Selector,
    Joiner,
}

fn kind(c: char) -> Option<Kind> {
    match c {
        '\u{E0000}'..='\u{E007F}' => Some(Kind::Tag),
        '\u{202D}' | '\u{202E}' => Some(Kind::Override),
        '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => Some(Kind::Selector),
        '\u{00AD}'
        | '\u{034F}'
        | '\u{061C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202C}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' => Some(Kind::Joiner),
        _ => None,
    }
}

/// Looks at one text, character by character.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    /// Invisible characters in a row, and of these selectors.
    run: u32,
    selectors: u32,
    /// Tags that may still follow a flag.
    region: u32,
}

/// What a character turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It has a shape.
    Shape,
    /// It has none, and may be there rightly.
    Nothing,
    /// It carries something: what.
    Carries(&'static str),
}

impl Watch {
    /// Takes characters of ASCII, each of which has a shape.
    pub(crate) fn see_shapes(&mut self) {
        *self = Self::default();
    }

    /// Takes the next character.
    pub(crate) fn see(&mut self, c: char) -> Seen {
        let Some(kind) = kind(c) else {
            *self = Self { region: if c == FLAG { REGION } else { 0 }, ..Self::default() };
            return Seen::Shape;
        };
        if kind == Kind::Tag && self.region > 0 {
            self.region -= 1;
            return Seen::Nothing;
        }
        self.run += 1;
        self.selectors += u32::from(kind == Kind::Selector);
        match kind {
            Kind::Tag => Seen::Carries("tags"),
            Kind::Override => Seen::Carries("direction"),
            _ if self.selectors >= SELECTORS => Seen::Carries("selectors"),
            _ if self.run >= RUN => Seen::Carries("joiners"),
            Kind::Selector | Kind::Joiner => Seen::Nothing,
        }
    }
}
