//! URLs and what is within them: the strictest operator of each byte holds, no tail leaves, and streams give what whole texts give.

use proptest::prelude::*;
use tabellion_mask::{
    Class, Classes, Content, Edits, MAX_HELD_BYTES, MAX_URL_BYTES, Masked, Operator, Place, Placing, Plan,
    StreamMasker, json, mask_string, mask_text, restore_text,
};

use crate::scope;

/// A vendor's key, made up.
const KEY: &str = "sk-proj-abcDEF123ghiJKL456mnoPQR789stuVWX012yzA";

fn plan(of: &[(Class, Operator)]) -> Plan {
    of.iter().fold(Plan::from(Classes::FORMS), |plan, (class, operator)| plan.with(*class, *operator))
}

fn masked(text: &str, of: &[(Class, Operator)]) -> (String, Vec<Masked>) {
    mask_text(text, plan(of), &mut scope()).unwrap()
}

fn said(values: &[Masked]) -> Vec<(&'static str, Operator)> {
    values.iter().map(|value| (value.class.name(), value.operator)).collect()
}

/// Requirement: V40.
#[test]
fn a_url_that_passes_takes_nothing_along_that_must_not() {
    let text = format!(
        "https://h.example/cb?api_key={KEY} and https://h.example/u?mail=ada@example.org&c=4111111111111111 \
         and https://ann:hunter2secret9@h.example/ and ftp://h.example/%2C?m=bob%40example.org&i=DE89370400440532013000"
    );
    let blocked = [
        (Class::Url, Operator::Pass),
        (Class::ApiKey, Operator::Block),
        (Class::Email, Operator::Block),
        (Class::PaymentCard, Operator::Block),
        (Class::Password, Operator::Block),
        (Class::Iban, Operator::Block),
    ];
    let (out, values) = masked(&text, &blocked);
    for value in [KEY, "ada@example.org", "4111111111111111", "hunter2secret9", "bob%40", "DE8937"] {
        assert!(!out.contains(value), "a URL that may pass takes {value} out: {out}");
    }
    let stopped: Vec<_> = said(&values)
        .into_iter()
        .filter(|(_, operator)| *operator == Operator::Block)
        .map(|(class, _)| class)
        .collect();
    assert_eq!(stopped, ["api_key", "email", "payment_card", "password", "email", "iban"], "{values:?}");
    for front in ["https://h.example/cb?api_key=", "https://ann:", "@h.example/ and"] {
        assert!(out.contains(front), "the rest of a URL that may pass stays: {out}");
    }
}

/// Requirement: V40.
#[test]
fn the_stricter_of_a_url_and_what_is_within_it_holds() {
    let text = "see https://h.example/u?mail=ada@example.org&x=1 now";
    // The URL's, the address's, what is left.
    let cases = [
        (Operator::Mask, Operator::Pseudonymise, "see <URL> now"),
        (Operator::Mask, Operator::Mask, "see <URL> now"),
        (Operator::Mask, Operator::Pass, "see <URL> now"),
        (Operator::Drop, Operator::Mask, "see  now"),
        (Operator::Pass, Operator::Mask, "see https://h.example/u?mail=<EMAIL>&x=1 now"),
        (Operator::Pass, Operator::Drop, "see https://h.example/u?mail=&x=1 now"),
        (Operator::Mask, Operator::Drop, "see <URL><URL> now"),
        (Operator::Pass, Operator::Pass, text),
    ];
    for (of_url, of_email, left) in cases {
        let (out, values) = masked(text, &[(Class::Url, of_url), (Class::Email, of_email)]);
        assert_eq!(out, left, "{of_url:?} of a URL, {of_email:?} within: {values:?}");
    }
    let (_, values) = masked(text, &[(Class::Url, Operator::Block), (Class::Email, Operator::Pass)]);
    assert_eq!(
        said(&values),
        [("url", Operator::Block)],
        "a URL that is blocked is blocked whatever is in it"
    );
    let (_, values) = masked(text, &[(Class::Url, Operator::Pass), (Class::Email, Operator::Pass)]);
    let passed = [("url", Operator::Pass), ("email", Operator::Pass), ("url", Operator::Pass)];
    assert_eq!(said(&values), passed, "what passes within a URL is counted as what it is");
}

/// Requirement: V40.
#[test]
fn what_reaches_out_of_a_url_leaves_no_part() {
    let text = "call https://h.example/?tel=+49 151 12345679 now";
    for (of_url, of_phone) in [
        (Operator::Pass, Operator::Mask),
        (Operator::Mask, Operator::Mask),
        (Operator::Mask, Operator::Pseudonymise),
        (Operator::Pseudonymise, Operator::Pseudonymise),
    ] {
        let (out, values) = masked(text, &[(Class::Url, of_url), (Class::Phone, of_phone)]);
        assert!(
            !out.contains("151") && !out.contains("12345679"),
            "{of_url:?}, {of_phone:?}: {out} {values:?}"
        );
        assert!(out.starts_with("call ") && out.ends_with(" now"), "{out}");
    }
}

/// Requirement: V40.
#[test]
fn a_url_in_a_body_is_looked_into_as_its_receiver_reads_it() {
    let body =
        r#""see https:\/\/ann:hunter2secret9@h.example\/?m=ada\u0040example.org\nhttps://b.example/x""#;
    let string = json::RawString::parse(body).unwrap();
    let (mut edits, mut scope) = (Edits::new(), scope());
    let plan = plan(&[
        (Class::Url, Operator::Pass),
        (Class::Password, Operator::Mask),
        (Class::Email, Operator::Mask),
    ]);
    let values =
        mask_string(Place { string, at: 0, content: Content::Text }, plan, &mut scope, &mut edits).unwrap();
    let out = String::from_utf8(edits.apply(body.as_bytes())).unwrap();
    assert_eq!(
        out, r#""see https:\/\/ann:<PASSWORD>@h.example\/?m=<EMAIL>\nhttps://b.example/x""#,
        "what an escape hides in a URL would leave: {values:?}"
    );
}

/// Requirement: V40.
#[test]
fn no_tail_of_a_long_url_leaves() {
    for len in [200, 240, 241, MAX_URL_BYTES - 30, MAX_URL_BYTES, MAX_URL_BYTES + 1, 3 * MAX_URL_BYTES + 17] {
        for letter in ["q", "é"] {
            let path = letter.repeat(len);
            let text = format!("a https://h.example/{path}?last=secret-tail. b");
            let (out, _) = masked(&text, &[(Class::Url, Operator::Mask)]);
            assert!(!out.contains(letter) && !out.contains("tail"), "{len} bytes: a tail leaves: {out}");
            assert!(out.starts_with("a <URL>") && out.ends_with(" b"), "{len} bytes: {out}");
            let mut scope = scope();
            let (out, _) = mask_text(&text, Classes::ALL, &mut scope).unwrap();
            assert_eq!(restore_text(&out, &scope, Placing::Text), text, "a long URL comes back as it was");
        }
    }
}

fn streamed(pieces: &[&str]) -> String {
    let (mut masker, mut scope, mut out) = (StreamMasker::new(Classes::ALL), scope(), String::new());
    for piece in pieces {
        masker.push(piece, &mut scope, &mut out).unwrap();
        let held = masker.held_bytes();
        assert!(held <= MAX_HELD_BYTES + MAX_URL_BYTES, "a stream stalls: {held} bytes are held back");
    }
    masker.finish(&mut scope, &mut out).unwrap();
    out
}

const WITHIN: &str = "Ann Lee: https://ann:hunter2secret9@h.example/u?mail=ada@example.org&c=4111111111111111&t=+49 151 \
     12345679 (see http://b.example/x). password=https://h.example/a1b2c3d4 \\nhttps://c.example/%0Ahttp://d.example/ \
     ftp://e.example:21/é?i=DE89370400440532013000, http: http:/ http:// xhttp://f.example Ann Lee https://g.example/Ann Lee";

/// Requirement: V40.
#[test]
fn urls_in_streams_are_what_they_are_in_whole_texts() {
    let (whole, found) = mask_text(WITHIN, Classes::ALL, &mut scope()).unwrap();
    assert!(found.iter().filter(|value| value.class == Class::Url).count() > 5, "the text has URLs: {whole}");
    let places: Vec<usize> = (0..=WITHIN.len()).filter(|at| WITHIN.is_char_boundary(*at)).collect();
    for first in &places {
        for second in places.iter().filter(|second| *second >= first).step_by(5) {
            let pieces = [&WITHIN[..*first], &WITHIN[*first..*second], &WITHIN[*second..]];
            assert_eq!(streamed(&pieces), whole, "a value split over events would leave: {pieces:?}");
        }
    }
    let characters: Vec<&str> = WITHIN.split_inclusive(|_: char| true).collect();
    assert_eq!(streamed(&characters), whole, "one character at a time");
}

/// Requirement: V40.
#[test]
fn a_long_url_is_let_go_in_a_stream_before_it_ends() {
    for path in
        ["q".repeat(5 * MAX_URL_BYTES), "é/".repeat(2 * MAX_URL_BYTES), "ann@example.org/".repeat(400)]
    {
        let text = format!("a https://h.example/{path} b");
        let (whole, _) = mask_text(&text, Classes::ALL, &mut scope()).unwrap();
        for size in [7, 500, 2048, 5000] {
            let characters: Vec<char> = text.chars().collect();
            let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            assert_eq!(streamed(&pieces), whole, "pieces of {size} characters");
        }
    }
}

/// Requirement: V40.
#[test]
fn hostile_rows_of_schemes_take_linear_time() {
    for pattern in ["http://", "http://a", "://", "http://a.b", "http:/", "https://a:b@"] {
        let text = pattern.repeat(1 << 16);
        let (whole, _) = mask_text(&text, Classes::ALL.except(Classes::NAMES), &mut scope()).unwrap();
        assert!(!whole.is_empty(), "{pattern:?}");
    }
}

proptest! {
    /// Requirement: V40.
    #[test]
    fn any_mixture_streams_as_it_reads_whole(
        parts in prop::collection::vec(prop::sample::select(vec![
            "https://", "http:", "//", "/", "h.example", "ann:hunter2secret9@", "ada@example.org", " ", "?c=", "&",
            "4111111111111111", "+49 151 12345679", "password=", "Ann Lee", ".", ")", "\n", "\\n", "%0A", "é", "10.1.2.3",
        ]), 1..24),
        cuts in prop::collection::vec(1_usize..12, 1..6),
    ) {
        let text = parts.concat();
        let (whole, _) = mask_text(&text, Classes::ALL, &mut scope()).unwrap();
        let characters: Vec<char> = text.chars().collect();
        let mut pieces: Vec<String> = Vec::new();
        let mut rest = characters.as_slice();
        for cut in cuts.iter().cycle() {
            let (front, behind) = rest.split_at(rest.len().min(*cut));
            pieces.push(front.iter().collect());
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        prop_assert_eq!(streamed(&pieces), whole);
    }
}
