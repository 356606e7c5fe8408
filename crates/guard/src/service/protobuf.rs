//! The same question and answer as in our own form, in the wire format of Protocol Buffers: `proto/tabellion/guard/v1/guard.proto` describes it.
//!
//! Read by hand and strictly. What readers made from the description pass over (fields they do not know, a field twice of which the last counts) is no verdict here.

use crate::service::own::edited;
use crate::service::{Fault, Of, Question, Ruling, TextEdit, Verdict, is_word};

/// Kinds of fields on the wire that are used.
const VARINT: u64 = 0;
const BYTES: u64 = 2;
/// A tag is a field's number above its kind.
const KIND_BITS: u32 = 3;
/// A number on the wire has at most so many bytes of seven bits.
const MAX_VARINT_BYTES: usize = 10;
const MORE: u8 = 0x80;

/// Fields of a question.
const GUARD: u64 = 1;
const GUARD_VERSION: u64 = 2;
const SIDE: u64 = 3;
const MODEL: u64 = 4;
const PURPOSE: u64 = 5;
const SYSTEM: u64 = 6;
const TEXTS: u64 = 7;
const MAY_EDIT: u64 = 8;

/// Fields of many questions together, and of the verdicts on them.
const QUESTIONS: u64 = 1;
const VERDICTS: u64 = 1;

/// Fields of an answer.
const VERDICT: u64 = 1;
const REASON_CODE: u64 = 2;
const DETECTOR: u64 = 3;
const VERSION: u64 = 4;
const EDITS: u64 = 5;

/// Fields of an edit.
const EDIT_TEXT: u64 = 1;
const EDIT_START: u64 = 2;
const EDIT_END: u64 = 3;
const EDIT_REPLACEMENT: u64 = 4;
const EDIT_LABEL: u64 = 5;

pub(super) fn ask(question: &Question<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let side = match question.of {
        Of::Prompt => 1,
        Of::Answer => 2,
    };
    text(&mut out, GUARD, question.guard);
    text(&mut out, GUARD_VERSION, question.version);
    varint(&mut out, SIDE << KIND_BITS | VARINT);
    varint(&mut out, side);
    text(&mut out, MODEL, question.model);
    text(&mut out, PURPOSE, question.purpose);
    text(&mut out, SYSTEM, question.system);
    for one in question.texts {
        text(&mut out, TEXTS, one);
    }
    if question.may_edit {
        varint(&mut out, MAY_EDIT << KIND_BITS | VARINT);
        varint(&mut out, 1);
    }
    out
}

pub(super) fn ask_batch(questions: &[Question<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for question in questions {
        bytes(&mut out, QUESTIONS, &ask(question));
    }
    out
}

/// The verdicts on questions that were asked together, of which none may have anything changed.
pub(super) fn read_batch(answer: &[u8]) -> Result<Vec<Verdict>, Fault> {
    let mut left = answer;
    let mut verdicts = Vec::new();
    while !left.is_empty() {
        match tag(&mut left)? {
            (VERDICTS, BYTES) => verdicts.push(read(piece(&mut left)?, false)?),
            _ => return Err(Fault::Malformed),
        }
    }
    Ok(verdicts)
}

pub(super) fn read(answer: &[u8], may_edit: bool) -> Result<Verdict, Fault> {
    let mut left = answer;
    let mut ruling = None;
    let mut edits = Vec::new();
    let (mut reason_code, mut detector, mut version) = (None, None, None);
    while !left.is_empty() {
        let place = match tag(&mut left)? {
            (VERDICT, VARINT) => {
                let said = match number(&mut left)? {
                    1 => Ruling::Pass,
                    2 => Ruling::Flag,
                    3 => Ruling::Block,
                    _ => return Err(Fault::Malformed),
                };
                if ruling.replace(said).is_some() {
                    return Err(Fault::Malformed);
                }
                continue;
            }
            (EDITS, BYTES) if may_edit => {
                edits.push(edit(piece(&mut left)?)?);
                continue;
            }
            (REASON_CODE, BYTES) => &mut reason_code,
            (DETECTOR, BYTES) => &mut detector,
            (VERSION, BYTES) => &mut version,
            _ => return Err(Fault::Malformed),
        };
        if place.replace(word(&mut left)?).is_some() {
            return Err(Fault::Malformed);
        }
    }
    let ruling = ruling.ok_or(Fault::Malformed)?;
    // What passed has nothing to be named.
    let labels = reason_code.filter(|_| ruling != Ruling::Pass).into_iter().collect();
    edited(Verdict { ruling, labels, detector, version, edits: Vec::new() }, edits)
}

/// One change. Numbers and texts that are left out are 0 and empty, as the format has it; a label has to be there.
fn edit(mut left: &[u8]) -> Result<TextEdit, Fault> {
    let mut numbers = [None; 3];
    let (mut replacement, mut label) = (None, None);
    while !left.is_empty() {
        let is_first = match tag(&mut left)? {
            (field @ (EDIT_TEXT | EDIT_START | EDIT_END), VARINT) => {
                let said = usize::try_from(number(&mut left)?).map_err(|_| Fault::Malformed)?;
                let [text, start, end] = &mut numbers;
                let place = match field {
                    EDIT_TEXT => text,
                    EDIT_START => start,
                    _ => end,
                };
                place.replace(said).is_none()
            }
            (EDIT_REPLACEMENT, BYTES) => {
                let said = std::str::from_utf8(piece(&mut left)?).map_err(|_| Fault::Malformed)?;
                replacement.replace(said.to_owned()).is_none()
            }
            (EDIT_LABEL, BYTES) => label.replace(word(&mut left)?).is_none(),
            _ => return Err(Fault::Malformed),
        };
        if !is_first {
            return Err(Fault::Malformed);
        }
    }
    let [text, start, end] = numbers.map(Option::unwrap_or_default);
    let (replacement, label) = (replacement.unwrap_or_default(), label.ok_or(Fault::Malformed)?);
    Ok(TextEdit { text, range: start..end, replacement, label })
}

/// Takes a field's number and kind off the front.
fn tag(left: &mut &[u8]) -> Result<(u64, u64), Fault> {
    let tag = number(left)?;
    Ok((tag >> KIND_BITS, tag & ((1 << KIND_BITS) - 1)))
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.push(low & !MORE);
        }
        out.push(low | MORE);
    }
}

fn text(out: &mut Vec<u8>, field: u64, text: &str) {
    bytes(out, field, text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << KIND_BITS | BYTES);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes a number off the front.
fn number(left: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0_u64;
    for at in 0..MAX_VARINT_BYTES {
        let (byte, rest) = left.split_first().ok_or(Fault::Malformed)?;
        *left = rest;
        let bits = u64::from(byte & !MORE);
        let shift = 7 * u32::try_from(at).unwrap_or(u32::MAX);
        // The tenth byte has room for one bit.
        let shifted = bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits);
        value |= shifted.ok_or(Fault::Malformed)?;
        if byte & MORE == 0 {
            return Ok(value);
        }
    }
    Err(Fault::Malformed)
}

/// Takes bytes of a known length off the front.
fn piece<'a>(left: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let length = usize::try_from(number(left)?).map_err(|_| Fault::Malformed)?;
    let (piece, rest) = left.split_at_checked(length).ok_or(Fault::Malformed)?;
    *left = rest;
    Ok(piece)
}

/// Takes a word off the front.
fn word(left: &mut &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(piece(left)?).map_err(|_| Fault::Malformed)?;
    if is_word(text) { Ok(text.to_owned()) } else { Err(Fault::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question<'static> = Question {
        guard: "g",
        version: "1",
        of: Of::Answer,
        model: "m",
        purpose: "p",
        system: "s",
        texts: &["ü", "two"],
        may_edit: false,
    };

    /// Requirement: N21. Byte for byte what the reference implementation writes for the same question.
    #[test]
    fn a_question_is_written_as_described() {
        let wanted = b"\x0a\x01g\x12\x011\x18\x02\x22\x01m\x2a\x01p\x32\x01s\x3a\x02\xc3\xbc\x3a\x03two";
        assert_eq!(ask(&QUESTION), wanted);
        let long = "x".repeat(300);
        let texts = [long.as_str()];
        let asked = ask(&Question { texts: &texts, ..QUESTION });
        assert!(
            asked.ends_with(&[b"\x3a\xac\x02".as_slice(), long.as_bytes()].concat()),
            "a length of two bytes"
        );
    }

    /// Requirement: N21.
    #[test]
    fn an_answer_is_read_strictly() {
        let read = |answer: &[u8]| {
            read(answer, false).map(|said| (said.ruling, said.labels, said.detector, said.version))
        };
        assert_eq!(read(b"\x08\x01"), Ok((Ruling::Pass, vec![], None, None)));
        assert_eq!(read(b"\x12\x05house\x08\x02"), Ok((Ruling::Flag, vec!["house".to_owned()], None, None)));
        let said = read(b"\x08\x03\x12\x03odd\x1a\x03net\x22\x037.1").expect("a verdict");
        assert_eq!(
            said,
            (Ruling::Block, vec!["odd".to_owned()], Some("net".to_owned()), Some("7.1".to_owned()))
        );
        let bad: [&[u8]; 21] = [
            b"",
            b"\x08",
            b"\x08\x00",
            b"\x08\x04",
            b"\x08\x80",
            // The low bits of a verdict that has more of them.
            b"\x08\x81\x80\x80\x80\x10",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x02",
            b"\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
            b"\x08\x03\x08\x01",
            b"\x12\x03odd",
            b"\x08\x01\x12\x00",
            b"\x08\x01\x12\x04odd",
            b"\x08\x01\x12\x03odd\x12\x03odd",
            b"\x08\x03\x12\x0cAda Lovelace",
            b"\x08\x01\x12\x02\xff\xfe",
            b"\x08\x01\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x",
            // A field that is not described, of each kind.
            b"\x08\x01\x28\x01",
            b"\x08\x01\x2a\x01x",
            // The verdict as text, and another kind.
            b"\x0a\x01\x01",
            b"\x0d\x01\x00\x00\x00",
        ];
        for answer in bad {
            assert_eq!(read(answer), Err(Fault::Malformed), "{answer:x?} is taken for a verdict");
        }
    }

    /// Requirement: P13. Byte for byte what the reference implementation writes: each question behind its length.
    #[test]
    fn questions_together_are_each_as_alone() {
        let alone = ask(&QUESTION);
        let length = u8::try_from(alone.len()).expect("a short question");
        let one = [&[0x0a, length], alone.as_slice()].concat();
        assert_eq!(ask_batch(&[QUESTION, QUESTION]), [one.as_slice(), &one].concat());
        let rulings = |answer: &[u8]| -> Result<Vec<Ruling>, Fault> {
            read_batch(answer).map(|all| all.into_iter().map(|said| said.ruling).collect())
        };
        assert_eq!(rulings(b"\x0a\x02\x08\x01\x0a\x02\x08\x03"), Ok(vec![Ruling::Pass, Ruling::Block]));
        assert_eq!(rulings(b""), Ok(vec![]), "how many there must be is counted by whoever asked");
        for bad in [
            b"\x0a\x00".as_slice(),
            b"\x0a\x03\x08\x01",
            b"\x0a\x02\x08\x09",
            b"\x12\x02\x08\x01",
            b"\x0a\x02\x08\x01\x08\x01",
            b"\x08\x01",
        ] {
            assert_eq!(rulings(bad), Err(Fault::Malformed), "{bad:x?}");
        }
    }

    /// Requirement: N21. One byte that is another on the way lets nothing through that was to be blocked, but the one that says so.
    #[test]
    fn no_byte_but_the_verdict_turns_a_block_into_a_pass() {
        let answer = b"\x08\x03\x12\x03odd";
        for at in 0..answer.len() {
            for byte in u8::MIN..=u8::MAX {
                let mut changed = answer.to_vec();
                changed[at] = byte;
                let passes = read(&changed, false).is_ok_and(|said| said.ruling == Ruling::Pass);
                assert_eq!(passes, at == 1 && byte == 1, "{changed:x?}");
            }
        }
    }
}
