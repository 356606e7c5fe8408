//! Text made to cost: the work grows with its length and not faster.

use std::time::{Duration, Instant};

use tabellion_mask::json::{self, Limits, Path, Problem, Scalar, Visitor};
use tabellion_mask::{
    Classes, Content, Edits, Place, Placing, StreamMasker, mask_string, mask_text, restore_text, scan,
};

use crate::scope;

/// What a mebibyte may cost: a hundred times what it does in an unhurried debug build, a hundredth of what a scan would cost
/// whose work grows with the square.
const LIMIT: Duration = Duration::from_secs(20);
const MEBIBYTE: usize = 1 << 20;

const PATTERNS: [&str; 27] = [
    "-----BEGIN PRIVATE KEY-----\nMII",
    "eyJhbGc1.eyJ",
    "eyJ0",
    "::",
    "ab:",
    "password=a1",
    "+44 20 ",
    "id 123456789 ",
    "-",
    "4",
    "@",
    "(",
    "a",
    "4 ",
    "4111 ",
    "4111-",
    "a@",
    "a.",
    "a@b.",
    "%40",
    "%4",
    "\\u0040",
    "\\",
    "DE89 3704 ",
    "é",
    "用@",
    "://a:",
];

#[test]
fn a_mebibyte_of_anything_is_scanned_in_time() {
    for pattern in PATTERNS {
        let text = pattern.repeat(MEBIBYTE / pattern.len());
        let start = Instant::now();
        let found = scan(&text, Classes::ALL).count();
        assert!(
            start.elapsed() < LIMIT,
            "one request would stop the gateway: {pattern:?} took {:?}",
            start.elapsed()
        );
        assert!(found <= text.len() / 6, "more values than fit");
    }
}

#[test]
fn a_mebibyte_in_small_pieces_is_masked_in_time() {
    for pattern in PATTERNS {
        let text = pattern.repeat(MEBIBYTE / 4 / pattern.len());
        let start = Instant::now();
        let (mut masker, mut scope, mut out) = (StreamMasker::new(Classes::ALL), scope(), String::new());
        for piece in text.split_inclusive(|_: char| true) {
            masker.push(piece, &mut scope, &mut out).unwrap();
        }
        masker.finish(&mut scope, &mut out).unwrap();
        assert!(
            start.elapsed() < LIMIT,
            "one stream would stop the gateway: {pattern:?} took {:?}",
            start.elapsed()
        );
        assert_eq!(out, mask_text(&text, Classes::ALL, &mut scope).unwrap().0);
    }
}

#[test]
fn a_mebibyte_of_half_placeholders_is_restored_in_time() {
    let mut scope = scope();
    scope.issue(tabellion_mask::Class::Email, "ann@example.org").unwrap();
    for pattern in ["<", "\\", "<EMAIL_", "\\<", "&lt;", "EMAIL\\", "e", "\\u003c", "<EMAIL_7Q2K4"] {
        let text = pattern.repeat(MEBIBYTE / pattern.len());
        let start = Instant::now();
        assert_eq!(restore_text(&text, &scope, Placing::Text), text);
        assert!(
            start.elapsed() < LIMIT,
            "one answer would stop the gateway: {pattern:?} took {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn arguments_full_of_values_are_masked_in_time() {
    // Values as strings, names and numbers in turn: edits must not be sorted in one by one.
    let elements: Vec<_> = (0..MEBIBYTE / 60)
        .map(|number| {
            format!("{{\\\"n{number} a@b.cc\\\":4111111111111111,\\\"b\\\":\\\"ann@example.org\\\"}}")
        })
        .collect();
    let body = format!("\"[{}]\"", elements.join(","));
    let string = json::RawString::parse(&body).unwrap();
    let start = Instant::now();
    let mut edits = Edits::new();
    let place = Place { string, at: 0, content: Content::Json };
    let masked = mask_string(place, Classes::ALL, &mut scope(), &mut edits).unwrap();
    assert_eq!((masked.len(), edits.len()), (3 * elements.len(), 3 * elements.len()));
    assert!(start.elapsed() < LIMIT, "one request would stop the gateway: {:?}", start.elapsed());
}

struct Nothing;

impl Visitor<'_> for Nothing {
    fn scalar(&mut self, _: Path<'_, '_>, _: Scalar<'_>, _: std::ops::Range<usize>) {}
}

#[test]
fn bodies_made_to_cost_are_walked_or_refused_in_time() {
    let names: Vec<String> = (0..60_000).map(|number| format!("\"n{number}\":{number},")).collect();
    let names = names.concat();
    let nested = "[".repeat(MEBIBYTE);
    let escapes = format!("\"{}\"", "\\u0041".repeat(MEBIBYTE / 6));
    let digits = "9".repeat(MEBIBYTE);
    for (body, expected) in [
        (format!("{{{names}\"last\":0}}"), Ok(())),
        (format!("{{{names}\"n7\":0}}"), Err(Problem::DuplicateName)),
        (nested, Err(Problem::TooDeep)),
        (escapes, Ok(())),
        (digits, Err(Problem::Number)),
        (format!("[{}0]", "0,".repeat(MEBIBYTE / 2)), Ok(())),
    ] {
        let start = Instant::now();
        let result =
            json::walk(body.as_bytes(), &Limits::default(), &mut Nothing).map_err(|fault| fault.problem);
        assert_eq!(result, expected, "a body made to cost is judged wrongly");
        assert!(start.elapsed() < LIMIT, "one body would stop the gateway: {:?}", start.elapsed());
    }
}
