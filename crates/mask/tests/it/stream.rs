//! A stream in any pieces gives what the whole text gives.

use proptest::prelude::{ProptestConfig, Strategy as _, any, prop_assert, prop_assert_eq, proptest};
use tabellion_mask::json::escaped;
use tabellion_mask::{
    Class, Classes, MAX_HELD_BYTES, MAX_SECRET_BYTES, MAX_VALUE_BYTES, Placing, Scope, StreamMasker,
    StreamRestorer, mask_text, restore_text,
};

use crate::scope;
use crate::texts::{answer, pieces, text};

const VALUES: [(Class, &str); 3] = [
    (Class::Email, "ann.o'brien@example.org"),
    (Class::PaymentCard, "4111 1111 1111 1111"),
    (Class::Iban, "DE89370400440532013000"),
];

/// What may be held back: as much as a private key or token has and a name before it where one may have begun, else as much as a value and a name.
fn held_at_most(pieces: &[&str]) -> usize {
    let text = pieces.concat();
    let is_long = text.contains("-----BEGIN") || text.contains("eyJ");
    if is_long { MAX_SECRET_BYTES + MAX_HELD_BYTES } else { MAX_HELD_BYTES }
}

fn masked(pieces: &[&str]) -> String {
    masked_as(pieces, Classes::ALL)
}

fn masked_as(pieces: &[&str], classes: Classes) -> String {
    let (mut masker, mut scope, mut out) = (StreamMasker::new(classes), scope(), String::new());
    for piece in pieces {
        masker.push(piece, &mut scope, &mut out).unwrap();
        assert!(
            masker.held_bytes() <= held_at_most(pieces),
            "a stream stalls: {} bytes are held back",
            masker.held_bytes()
        );
    }
    masker.finish(&mut scope, &mut out).unwrap();
    out
}

/// What a text becomes in one piece; masking a text that is read as it is written gives the same.
fn whole(text: &str) -> String {
    let whole = masked(&[text]);
    let otherwise = ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];
    if !text.contains("\\u") && !text.contains(otherwise) {
        assert_eq!(
            whole,
            mask_text(text, Classes::ALL, &mut scope()).unwrap().0,
            "a stream would leak: {text:?}"
        );
    }
    whole
}

fn restored(pieces: &[&str], scope: &Scope, placing: Placing) -> String {
    let (mut restorer, mut out) = (StreamRestorer::new(placing), String::new());
    for piece in pieces {
        restorer.push(piece, scope, &mut out);
        assert!(
            restorer.held_bytes() <= MAX_VALUE_BYTES,
            "a stream stalls: {} bytes held",
            restorer.held_bytes()
        );
    }
    restorer.finish(scope, &mut out);
    out
}

fn issued(scope: &mut Scope) -> Vec<String> {
    VALUES.iter().map(|(class, value)| scope.issue(*class, value).unwrap()).collect()
}

#[test]
fn every_split_in_three_gives_the_same() {
    let text = "Write to user=ann@example.org. Card 4111 1111 1111 1111 12/27, IBAN de89 3704 0044 0532 0130 00; \
                josé@bücher.example 用户@例子.广告。icon@2x.png x\\u0040y.org\\n3714-496353-98431 0.4111111111111111";
    let (whole, found) = mask_text(text, Classes::ALL, &mut scope()).unwrap();
    assert_eq!(found.len(), 8, "the text has seven values and a date: {whole}");
    for first in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
        for second in (first..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let pieces = [&text[..first], &text[first..second], &text[second..]];
            assert_eq!(masked(&pieces), whole, "a value split over events would leave: {pieces:?}");
        }
    }
}

/// A text with values of the structured classes, with words before and behind them.
const STRUCTURED: &str = "Call me at +44 20 7946 0018 or (415) 555-0132 x12; 467 3395 office. My SSN: 472-96-1046, \
    NIE es Z8078221M; 020594X903P is my hetu. born March 12, 1985 at 10.0.0.0/8 or 2001:db8::8a2e:370:7334 mac \
    AA-BB-CC-DD-EE-FF nino AB 12 34 56 C from SW1A 1AA. key AKIAIOSFODNN7REALKEY password=hunter2!x, \
    ghp_16C7e42F292c6912E7710c838347Ae178B4a https://u:p4ss@h.example/ 여권번호는 M12345678입니다 \
    16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ done";

#[test]
fn every_split_of_structured_values_gives_the_same() {
    for classes in [Classes::ALL, Classes::DEFAULT] {
        let (whole, found) = mask_text(STRUCTURED, classes, &mut scope()).unwrap();
        assert!(found.len() > 16, "the text has values: {whole}");
        let places: Vec<usize> =
            (0..=STRUCTURED.len()).filter(|at| STRUCTURED.is_char_boundary(*at)).collect();
        for first in &places {
            for second in places.iter().filter(|second| *second >= first).step_by(7) {
                let pieces = [&STRUCTURED[..*first], &STRUCTURED[*first..*second], &STRUCTURED[*second..]];
                assert_eq!(
                    masked_as(&pieces, classes),
                    whole,
                    "a value split over events would leave: {pieces:?}"
                );
            }
        }
    }
}

#[test]
fn one_character_at_a_time_gives_the_same() {
    let long = format!("{}@example.org {} ", "a".repeat(500), "4".repeat(500)).repeat(3);
    let addresses =
        ["@", "%40", "\\u0040"].map(|sign| format!("{}{sign}{}", "a".repeat(100), "b".repeat(300)));
    let texts = [
        long,
        "4111-1111-".repeat(60),
        "a.".repeat(400) + "@b.org",
        "@a.bc".repeat(200),
        "\\".repeat(700) + "u0040x.org",
    ];
    for text in texts.into_iter().chain(addresses) {
        let characters: Vec<&str> = text.split_inclusive(|_: char| true).collect();
        let (whole, _) = mask_text(&text, Classes::ALL, &mut scope()).unwrap();
        assert_eq!(masked(&characters), whole, "a stream differs from the whole text");
    }
}

#[test]
fn prose_is_released_at_the_next_separator() {
    let (mut masker, mut scope, mut out) = (StreamMasker::new(Classes::FORMS), scope(), String::new());
    masker.push("The answer is forty-tw", &mut scope, &mut out).unwrap();
    assert_eq!(out, "The answer is ", "prose waits only for the word that is not over");
    masker.push("o, or 4111 ", &mut scope, &mut out).unwrap();
    assert_eq!(out, "The answer is forty-two, or ", "digits wait while they can become a card");
    masker.push("metres", &mut scope, &mut out).unwrap();
    assert_eq!(out, "The answer is forty-two, or 4111 ", "digits are released when they cannot");
}

#[test]
fn a_restorer_holds_only_what_can_be_a_placeholder() {
    let mut scope = scope();
    issued(&mut scope);
    let (mut restorer, mut out) = (StreamRestorer::new(Placing::Text), String::new());
    restorer.push("a < b and <p>", &scope, &mut out);
    assert_eq!(out, "a < b and <p>", "markup would stall");
    restorer.push("hi <em", &scope, &mut out);
    assert_eq!(restorer.held_bytes(), 3, "only what can become a placeholder waits");
}

#[test]
fn values_are_given_back_at_every_split() {
    let mut scope = scope();
    let known = issued(&mut scope);
    let text = format!(
        "Dear {}, \"{}\"'s card\u{1f600} {} \\<{} &lt;{}&gt; <EMAIL_000000>",
        known[0],
        known[0].to_lowercase(),
        known[1].replace('_', "\\_"),
        &known[2][1..],
        known[2].trim_matches(['<', '>']),
    );
    for placing in [Placing::Text, Placing::Json] {
        let whole = restore_text(&text, &scope, placing).into_owned();
        assert_eq!(whole.matches(VALUES[0].1).count(), 2, "an answer would show placeholders: {whole}");
        for first in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            for second in (first..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(
                    restored(&pieces, &scope, placing),
                    whole,
                    "a split placeholder would be shown: {pieces:?}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    // The lesson of filters that scan event by event: a value split over events is sent.
    #[test]
    fn masking_any_pieces_gives_what_the_whole_gives(text in text(), cuts in proptest::collection::vec(any::<usize>(), 0..20)) {
        let whole = whole(&text);
        let pieces = pieces(&text, &cuts);
        prop_assert_eq!(masked(&pieces), whole, "pieces: {:?}", pieces);
    }

    #[test]
    fn masking_by_characters_gives_what_the_whole_gives(text in text()) {
        let whole = whole(&text);
        let characters: Vec<&str> = text.split_inclusive(|_: char| true).collect();
        prop_assert_eq!(masked(&characters), whole);
    }

    #[test]
    fn restoring_any_pieces_gives_what_the_whole_gives(
        text in answer(issued(&mut scope())),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
        json in any::<bool>(),
    ) {
        let mut scope = scope();
        issued(&mut scope);
        let placing = if json { Placing::Json } else { Placing::Text };
        let whole = restore_text(&text, &scope, placing).into_owned();
        let characters: Vec<&str> = text.split_inclusive(|_: char| true).collect();
        prop_assert_eq!(&restored(&pieces(&text, &cuts), &scope, placing), &whole);
        prop_assert_eq!(restored(&characters, &scope, placing), whole);
    }

    // A tool reads what is restored; broken arguments are a failed call.
    #[test]
    fn restored_arguments_stay_arguments(text in answer(issued(&mut scope())), choices in proptest::collection::vec(any::<bool>(), 1..9)) {
        let mut scope = scope();
        issued(&mut scope);
        scope.issue(Class::Email, "\"a\\\"@example.org").unwrap();
        let inside: String = text.chars().zip(choices.iter().cycle()).map(|(c, escape)| match (c, *escape) {
            ('<', true) => "\\u003c".to_owned(),
            ('>', true) => "\\u003E".to_owned(),
            _ => escaped(&c.to_string()).into_owned(),
        }).collect();
        let arguments = format!("{{\"to\":\"{inside}\"}}");
        let restored = restore_text(&arguments, &scope, Placing::Json);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&restored).is_ok(), "{:?} became {:?}", arguments, restored);
    }

    // What was masked comes back as it was, when each value has one spelling.
    #[test]
    fn what_was_masked_is_given_back(text in text().prop_filter("no placeholder by chance", |text| !text.contains('<'))) {
        let mut scope = scope();
        let (masked, found) = mask_text(&text, Classes::ALL, &mut scope).unwrap();
        let back = restore_text(&masked, &scope, Placing::Text).into_owned();
        if scope.len() == found.len() {
            prop_assert_eq!(&back, &text);
        }
        let (again, _) = mask_text(&back, Classes::ALL, &mut scope).unwrap();
        prop_assert_eq!(again, masked, "an answer that is sent back in the next turn would be masked otherwise");
    }

    #[test]
    fn nothing_that_is_found_is_left(text in text()) {
        let (masked, found) = mask_text(&text, Classes::ALL, &mut scope()).unwrap();
        for value in found {
            prop_assert!(masked.contains(&value.placeholder), "no trace of what was hidden");
        }
    }
}
