//! A first look at a policy's text, before Cedar reads it: where each rule starts, and whether the text keeps the limits.
//!
//! Promises: takes time in proportion to the text and a fixed amount of stack, whatever the text is. Knows of Cedar's lexis only strings,
//! comments, brackets and the semicolon that ends a rule; whether the text is Cedar is for Cedar to say.

use crate::fault::{FaultKind, Place, PolicyFault};

/// Largest text of one policy, in bytes. A policy is read by people: this is some forty pages, and Cedar parses it in milliseconds.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Deepest nesting of brackets. Cedar's parser recurses over it; a rule that people understand stays below ten.
pub const MAX_NESTING: usize = 32;

/// The most operators in one rule: `||`, `&&`, `+`, `-`, `*`, `.`, `!` and `else`. A chain of them is as deep as it is long, and evaluating it
/// must fit a thread's stack with room to spare, or the same rule would err on one machine and not on another: this many take less than half of
/// the 2 MiB that a thread has by default. For long lists of names there are sets.
pub const MAX_OPERATORS: usize = 128;

/// The most `if`s in one rule. Where the type of a condition says its outcome (`true`, or `has` of what is always there), Cedar's checker puts
/// the branch it takes in place of both, so that each `if` within the next doubles its work: 2^8 is as nothing, 2^24 are seconds, 2^60 is for
/// ever. All of a rule are counted, nested or not: brackets, `&&`, sets and records do not hide one from the count.
pub const MAX_CONDITIONALS: usize = 8;

/// The longest string, in characters as written. `like` takes the product of its text and its pattern, at every call: of 64 KiB in one rule, one
/// and a half seconds; of this many, a millisecond.
pub const MAX_STRING: usize = 1024;

/// Byte offsets at which the rules of `text` start, in order.
pub(crate) fn starts(text: &str) -> Result<Vec<usize>, PolicyFault> {
    if text.len() > MAX_TEXT_BYTES {
        let what = format!("the text has {} bytes, {MAX_TEXT_BYTES} at most", text.len());
        return Err(PolicyFault::new(
            FaultKind::Limit,
            Place::at("", 0),
            what,
            "split it into policies of their own",
        ));
    }
    let mut starts = Vec::new();
    let mut rule = Rule::default();
    let mut characters = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((offset, character)) = characters.next() {
        let starts_word = !is_word(std::mem::replace(&mut before, character));
        let next = characters.peek().map(|(_, next)| *next);
        match character {
            '/' if next == Some('/') => {
                characters.by_ref().find(|(_, character)| matches!(character, '\n' | '\r'));
                continue;
            }
            ';' => {
                rule = Rule::default();
                continue;
            }
            space if space.is_whitespace() => continue,
            '"' => rule.string = skip_string(&mut characters),
            '(' | '[' | '{' => rule.depth += 1,
            ')' | ']' | '}' => rule.depth = rule.depth.saturating_sub(1),
            // Of a doubled one, the first.
            '|' | '&' if next == Some(character) => rule.operators += 1,
            '+' | '-' | '*' | '.' | '!' => rule.operators += 1,
            'e' if text.get(offset..).is_some_and(|rest| rest.starts_with("else")) => rule.operators += 1,
            'i' if starts_word && is_if(text.get(offset..).unwrap_or_default()) => rule.conditionals += 1,
            _ => {}
        }
        rule.within_limits().map_err(|what| {
            let advice = "make it several rules, or compare with a set: [\"a\", \"b\"].contains(…)";
            PolicyFault::new(FaultKind::Limit, Place::at(text, offset), what, advice)
        })?;
        if !rule.started {
            rule.started = true;
            starts.push(offset);
        }
    }
    Ok(starts)
}

/// The rule that is being read.
#[derive(Default)]
struct Rule {
    started: bool,
    depth: usize,
    operators: usize,
    conditionals: usize,
    /// Characters of the newest string.
    string: usize,
}

impl Rule {
    fn within_limits(&self) -> Result<(), String> {
        if self.depth > MAX_NESTING {
            return Err(format!("brackets are nested more than {MAX_NESTING} deep"));
        }
        if self.operators > MAX_OPERATORS {
            return Err(format!("a rule has more than {MAX_OPERATORS} operators"));
        }
        if self.conditionals > MAX_CONDITIONALS {
            return Err(format!("a rule has more than {MAX_CONDITIONALS} `if`s"));
        }
        if self.string > MAX_STRING {
            return Err(format!("a string has more than {MAX_STRING} characters"));
        }
        Ok(())
    }
}

/// Whether a word of Cedar may go on after `character`.
fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Whether `rest` starts with the word `if`.
fn is_if(rest: &str) -> bool {
    rest.strip_prefix("if").is_some_and(|rest| !rest.starts_with(is_word))
}

/// Passes the rest of a string, the closing quote included, and says how many characters it has.
fn skip_string(characters: &mut impl Iterator<Item = (usize, char)>) -> usize {
    let mut count = 0;
    while let Some((_, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '"' => break,
            _ => {}
        }
        count += 1;
    }
    count
}
