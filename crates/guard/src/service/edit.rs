//! What a service wants changed in the texts that it was shown, and what of that can be looked at without knowing where a text stands.
//!
//! Promises: nothing that breaks one of these rules is ever an edit; which one it was has a word.

use std::ops::Range;

/// Most changes of one answer: a service that wants more has another text in mind.
pub const MAX_EDITS: usize = 1_024;
/// Most bytes of one replacement; all of them together are bounded by the answer's own limit.
pub const MAX_REPLACEMENT_BYTES: usize = 16 << 10;
/// How far a change that was told by its result is widened, so that it does not begin or end within a mark in angle brackets.
const MAX_WIDENED: usize = 64;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// Which of the texts that were shown, from 0.
    pub text: usize,
    /// Bytes of it (UTF-8).
    pub range: Range<usize>,
    /// What goes there.
    pub replacement: String,
    /// Why, in one word.
    pub label: String,
}

/// Which rule an edit breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditFault {
    /// There are more than [`MAX_EDITS`].
    Count,
    /// A replacement has more than [`MAX_REPLACEMENT_BYTES`].
    TooLong,
    /// A replacement holds a character that is none of text.
    Characters,
    /// There is no text of that number.
    Text,
    /// A range ends before it begins, or goes beyond its text.
    Range,
    /// A range begins or ends within a character.
    Border,
    /// Ranges overlap, or do not come in the order of the texts.
    Order,
    /// A placeholder is cut, or one comes that the text did not have.
    Placeholder,
    /// The text would hold personal data that it did not hold.
    PersonalData,
    /// It stands where every byte has to stay.
    Sealed,
    /// A text that is JSON would be other JSON, or none.
    Json,
    /// The same text is there once more in pieces with their probabilities.
    Logprobs,
    /// The text goes to the provider with personal data in it that a service is not shown.
    Passed,
    /// What comes of it cannot be sent, or read.
    Unfit,
}

impl EditFault {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::Count,
        Self::TooLong,
        Self::Characters,
        Self::Text,
        Self::Range,
        Self::Border,
        Self::Order,
        Self::Placeholder,
        Self::PersonalData,
        Self::Sealed,
        Self::Json,
        Self::Logprobs,
        Self::Passed,
        Self::Unfit,
    ];

    /// The word for it in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "edit_count",
            Self::TooLong => "edit_too_long",
            Self::Characters => "edit_characters",
            Self::Text => "edit_text",
            Self::Range => "edit_range",
            Self::Border => "edit_border",
            Self::Order => "edit_order",
            Self::Placeholder => "edit_placeholder",
            Self::PersonalData => "edit_personal_data",
            Self::Sealed => "edit_sealed",
            Self::Json => "edit_json",
            Self::Logprobs => "edit_logprobs",
            Self::Passed => "edit_passed",
            Self::Unfit => "edit_unfit",
        }
    }
}

/// Whether these can be edits of these texts.
pub(super) fn check(texts: &[&str], edits: &[TextEdit]) -> Result<(), EditFault> {
    if edits.len() > MAX_EDITS {
        return Err(EditFault::Count);
    }
    let mut last: Option<&TextEdit> = None;
    for edit in edits {
        let text = texts.get(edit.text).ok_or(EditFault::Text)?;
        let Range { start, end } = edit.range;
        if start > end || end > text.len() {
            return Err(EditFault::Range);
        }
        if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            return Err(EditFault::Border);
        }
        if edit.replacement.len() > MAX_REPLACEMENT_BYTES {
            return Err(EditFault::TooLong);
        }
        if edit.replacement.chars().any(is_no_text) {
            return Err(EditFault::Characters);
        }
        let follows = last.is_none_or(|last| {
            let behind = last.range.end <= start && last.range.start < start;
            last.text < edit.text || (last.text == edit.text && behind)
        });
        if !follows {
            return Err(EditFault::Order);
        }
        last = Some(edit);
    }
    Ok(())
}

/// Control characters but for those that end lines and tabs, and characters that Unicode has none for.
fn is_no_text(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let is_none = matches!(u32::from(c) & 0xfffe, 0xfffe) || ('\u{fdd0}'..='\u{fdef}').contains(&c);
    is_control || is_none
}

/// The one change that makes `was` into `is`: what they do not have in common at their beginnings and ends. It takes what stands in angle brackets whole.
pub(super) fn difference(text: usize, was: &str, is: &str, label: &str) -> Option<TextEdit> {
    if was == is {
        return None;
    }
    let apart = was.char_indices().zip(is.chars()).find(|((_, before), after)| before != after);
    let front = apart.map_or(was.len().min(is.len()), |((at, _), _)| at);
    let front = widened(was, front);
    let (rest, new) = (was.get(front..)?, is.get(front..)?);
    let pairs = rest.chars().rev().zip(new.chars().rev());
    let back: usize = pairs.take_while(|(before, after)| before == after).map(|(c, _)| c.len_utf8()).sum();
    let end = was.len().checked_sub(back)?;
    let back = back.checked_sub(closing(was, end))?;
    let (end, new_end) = (was.len().checked_sub(back)?, is.len().checked_sub(back)?);
    Some(TextEdit {
        text,
        range: front..end,
        replacement: is.get(front..new_end)?.to_owned(),
        label: label.to_owned(),
    })
}

/// The place, or where the angle bracket, or the backslash, before it begins that it stands within.
fn widened(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let is_end = |c: char| c == '>' || c == '<' || c.is_whitespace();
    if let Some(open) = before.rfind(is_end)
        && before.get(open..).is_some_and(|inside| inside.starts_with('<'))
        && at.saturating_sub(open) <= MAX_WIDENED
    {
        return open;
    }
    let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
    at.saturating_sub(backslashes % 2)
}

/// How far behind the place the bracket is closed that it stands within.
fn closing(text: &str, at: usize) -> usize {
    let behind = text.get(at..).unwrap_or_default();
    let is_end = |c: char| c == '>' || c == '<' || c.is_whitespace();
    let close = behind.find(is_end).filter(|close| *close < MAX_WIDENED);
    let is_close = |close: &usize| behind.get(*close..).is_some_and(|rest| rest.starts_with('>'));
    close.filter(is_close).map_or(0, |close| close + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::service::is_word;

    fn edit(text: usize, range: Range<usize>, replacement: &str) -> TextEdit {
        TextEdit { text, range, replacement: replacement.to_owned(), label: "x".to_owned() }
    }

    /// Requirement: N21.
    #[test]
    fn each_rule_has_its_word() {
        let texts = ["über", "two"];
        let said = |edits: &[TextEdit]| check(&texts, edits);
        assert_eq!(said(&[edit(0, 0..2, "U"), edit(0, 2..2, "-"), edit(1, 0..3, "")]), Ok(()));
        let long = "x".repeat(MAX_REPLACEMENT_BYTES + 1);
        for (edits, fault) in [
            (vec![edit(1, 0..1, "a"); MAX_EDITS + 1], EditFault::Count),
            (vec![edit(2, 0..0, "")], EditFault::Text),
            (vec![edit(1, 0..4, "")], EditFault::Range),
            (vec![edit(1, Range { start: 2, end: 1 }, "")], EditFault::Range),
            (vec![edit(0, 0..1, "")], EditFault::Border),
            (vec![edit(0, 1..2, "")], EditFault::Border),
            (vec![edit(1, 0..1, &long)], EditFault::TooLong),
            (vec![edit(1, 0..1, "a\0")], EditFault::Characters),
            (vec![edit(1, 0..1, "\u{1b}[2J")], EditFault::Characters),
            (vec![edit(1, 0..1, "\u{1ffff}")], EditFault::Characters),
            (vec![edit(1, 0..2, ""), edit(1, 1..3, "")], EditFault::Order),
            (vec![edit(1, 1..1, "a"), edit(1, 1..1, "b")], EditFault::Order),
            (vec![edit(1, 1..2, "a"), edit(1, 0..1, "b")], EditFault::Order),
            (vec![edit(1, 0..1, "a"), edit(0, 0..2, "b")], EditFault::Order),
        ] {
            assert_eq!(said(&edits), Err(fault), "{fault:?}");
        }
        assert!(EditFault::ALL.iter().all(|fault| is_word(fault.as_str())), "a label is a word");
    }

    /// Requirement: N21.
    #[test]
    fn what_differs_is_one_change_that_cuts_no_mark() {
        let of = |was: &str, is: &str| {
            difference(0, was, is, "x").map(|edit| (edit.range, edit.replacement)).expect("they differ")
        };
        assert_eq!(of("call Bob now", "call * now"), (5..8, "*".to_owned()));
        assert_eq!(of("aa", "aaa"), (2..2, "a".to_owned()));
        assert_eq!(of("to <EMAIL_7Q2K4F>.", "to <EMAIL>."), (3..17, "<EMAIL>".to_owned()));
        assert_eq!(of("to <EMAIL_7Q2K4F>.", "to <EMAIL_7Q2K4G>."), (3..17, "<EMAIL_7Q2K4G>".to_owned()));
        assert_eq!(of(r"a\nb", r"a\tb"), (1..3, r"\t".to_owned()));
        assert_eq!(difference(0, "same", "same", "x"), None);
    }

    proptest! {
        /// Requirement: N21. Whatever differs, the change makes the one text into the other.
        #[test]
        fn a_difference_makes_the_one_into_the_other(was in "[a<>\\\\ü ]{0,24}", is in "[a<>\\\\ü ]{0,24}") {
            let made = match difference(0, &was, &is, "x") {
                None => was.clone(),
                Some(edit) => {
                    prop_assert_eq!(check(&[&was], std::slice::from_ref(&edit)), Ok(()));
                    let TextEdit { range, replacement, .. } = edit;
                    format!("{}{replacement}{}", &was[..range.start], &was[range.end..])
                }
            };
            prop_assert_eq!(made, is);
        }

        /// Requirement: N21. No numbers make it panic, and what passes can be cut out as it is said.
        #[test]
        fn no_junk_passes(text in "\\PC{0,12}", edits in proptest::collection::vec((0_usize..3, 0_usize..20, 0_usize..20), 0..5)) {
            let edits: Vec<TextEdit> = edits.into_iter().map(|(text, start, end)| edit(text, start..end, "*")).collect();
            if check(&[&text, "two"], &edits).is_ok() {
                prop_assert!(edits.iter().all(|edit| [text.as_str(), "two"][edit.text].get(edit.range.clone()).is_some()));
            }
        }
    }
}
