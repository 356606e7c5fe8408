//! Text of others, made safe to look at: what cannot be seen is spelled out, what is too long is cut and says so.
//!
//! Promises: the result holds no control character but the line end, no character that changes the direction or joins of its
//! neighbours, and at most the characters asked for. It does not escape HTML; the templates do that for every value.

use std::fmt::Write as _;

use serde_json::Value;

/// Shown instead of `\n`, followed by a real line end.
const LINE_END: &str = "↵\n";

/// `text` with every invisible character spelled as `⟨U+XXXX⟩`, cut after `limit` characters of the original.
pub(crate) fn visible(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    let mut characters = text.chars();
    for character in characters.by_ref().take(limit) {
        match character {
            '\n' => shown.push_str(LINE_END),
            hidden if is_hidden(hidden) => spell_out(hidden, &mut shown),
            plain => shown.push(plain),
        }
    }
    // Writing to a string does not fail.
    match characters.count() {
        0 => {}
        1 => shown.push_str(" … (1 more character)"),
        more => {
            let _ = write!(shown, " … ({more} more characters)");
        }
    }
    shown
}

fn spell_out(hidden: char, shown: &mut String) {
    let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(hidden));
}

/// A disclosed value as text: strings as they are, everything else as JSON.
pub(crate) fn visible_value(value: &Value, limit: usize) -> String {
    match value {
        Value::String(text) => visible(text, limit),
        other => visible(&other.to_string(), limit),
    }
}

/// Whether a reader could not see the character, or it would change how others are seen: controls, format characters (bidirectional
/// overrides and isolates, zero-width and joining characters, tags, soft hyphen), line separators, private use.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_spelled_out() {
        let text = "pay \u{202e}001\u{202c}\u{0}\u{1b}[2J\u{200b}x";
        let shown = visible(text, 100);
        assert_eq!(
            shown, "pay ⟨U+202E⟩001⟨U+202C⟩⟨U+0000⟩⟨U+001B⟩[2J⟨U+200B⟩x",
            "an auditor would read an amount backwards, or not see a character at all"
        );
    }

    #[test]
    fn ordinary_writing_stays_as_it_is() {
        for text in ["Grüße, 日本語, עברית, العربية", "a\u{301} 1 < 2 & 'x' \"y\"", "😀"] {
            assert_eq!(visible(text, 100), text, "ordinary text became unreadable");
        }
        assert_eq!(
            visible("a\nb", 100),
            "a↵\nb",
            "a line end of the content must be told from one of the page"
        );
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(visible("äöü", 3), "äöü", "text that fits was cut");
        assert_eq!(
            visible("äöüß", 3),
            "äöü … (1 more character)",
            "a reader would take a part for the whole"
        );
        assert_eq!(
            visible("abcdefgh", 3),
            "abc … (5 more characters)",
            "a reader would take a part for the whole"
        );
    }

    #[test]
    fn other_values_are_json() {
        assert_eq!(
            visible_value(&serde_json::json!({"a": [1, true, "x\u{202e}"]}), 100),
            "{\"a\":[1,true,\"x⟨U+202E⟩\"]}"
        );
    }
}
