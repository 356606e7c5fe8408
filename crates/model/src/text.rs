//! Text that people write for people: what it may hold.
//!
//! Promises: the same answer for a field of a register and for a reason. Must never: take characters that nobody sees for something said.

use std::fmt;

/// Why a text cannot stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    /// Nothing of it can be seen.
    Empty,
    /// It is longer than it may be.
    TooLong {
        /// Characters that it has.
        count: u64,
        /// Characters that it may have.
        most: u64,
    },
    /// It holds a character that cannot be seen, or makes text look like other text.
    Hidden {
        /// Which, from 1.
        place: usize,
    },
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing of it can be seen"),
            Self::TooLong { count, most } => {
                write!(f, "it has {count} characters; at most {most} are possible")
            }
            Self::Hidden { place } => write!(
                f,
                "character {place} is one that cannot be seen (a control character, or one that turns the direction of writing); take it out"
            ),
        }
    }
}

/// What is wrong with a text of at most `most` characters; `lines`: line feeds and tabulators are part of it.
pub fn fault(text: &str, most: u64, lines: bool) -> Option<TextFault> {
    let count = text.chars().count() as u64;
    if count > most {
        return Some(TextFault::TooLong { count, most });
    }
    if text.trim().is_empty() {
        return Some(TextFault::Empty);
    }
    let odd = |c: char| if lines && matches!(c, '\n' | '\t') { false } else { c.is_control() || turns(c) };
    if let Some(place) = text.chars().position(odd) {
        return Some(TextFault::Hidden { place: place + 1 });
    }
    (!says_something(text)).then_some(TextFault::Empty)
}

/// Whether any of it can be seen.
pub fn says_something(text: &str) -> bool {
    text.chars().any(|c| !(c.is_whitespace() || c.is_control() || is_ignorable(c)))
}

/// Characters that make text look like other text: embeddings, overrides and isolates (Unicode UAX 9), and the byte order mark.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Characters that draw nothing by themselves: `Default_Ignorable_Code_Point` of Unicode 16 (DerivedCoreProperties.txt), interlinear annotations and the
/// blank pattern of Braille. Between others some are part of words (joiners, variation selectors), so they are not refused, and count for nothing.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_says_nothing() {
        for text in [
            "",
            " \n",
            "\u{200b}",
            "\u{2060}\u{2060}",
            "\u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\u{e0041}",
            "\u{a0}\u{fe0f}",
        ] {
            assert_eq!(fault(text, 100, true), Some(TextFault::Empty), "{text:?} passes for a reason");
        }
        for text in ["\u{202e}", "a\u{202e}b", "\0", "why\0", "\u{1b}[2J", "a\rb"] {
            assert!(
                matches!(fault(text, 100, true), Some(TextFault::Hidden { .. } | TextFault::Empty)),
                "{text:?} would be shown"
            );
        }
        assert_eq!(fault("a\nb", 100, false), Some(TextFault::Hidden { place: 2 }));
        assert_eq!(fault("abc", 2, true), Some(TextFault::TooLong { count: 3, most: 2 }));
    }

    #[test]
    fn what_people_write_passes_in_their_scripts() {
        for text in [
            "by risk",
            "a\nb\tc",
            "क्\u{200d}ष",
            "👩\u{200d}🔬",
            "❤\u{fe0f}",
            "می\u{200c}خواهم",
            "ISO/IEC 42001, 8.4",
        ] {
            assert_eq!(fault(text, 100, true), None, "{text:?} cannot be written");
        }
    }
}
