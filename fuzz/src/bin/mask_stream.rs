//! Streams: in pieces of any size, masked or restored, text becomes what the whole text becomes; little is held back; and
//! arguments of a tool call stay JSON when values are given back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_mask::{
    Class, Classes, MAX_HELD_BYTES, MAX_SECRET_BYTES, MAX_URL_BYTES, MAX_VALUE_BYTES, Placing, Scope,
    ScopeKey, StreamMasker, StreamRestorer, mask_text, restore_text,
};

const VALUES: [(Class, &str); 3] = [
    (Class::Email, "ann@example.org"),
    (Class::PaymentCard, "4111 1111 1111 1111"),
    (Class::Iban, "DE89370400440532013000"),
];

/// The text in pieces whose lengths the sizes say, in turn; on character borders.
fn pieces<'t>(mut text: &'t str, sizes: &[u8]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if text.is_empty() {
            break;
        }
        let mut end = text.len().min(usize::from(*size) + 1);
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let (piece, rest) = text.split_at(end);
        pieces.push(piece);
        text = rest;
    }
    pieces
}

fuzz_target!(|data: &[u8]| {
    let Some((sizes, text)) = data.split_at_checked(4) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut scope = Scope::new(&ScopeKey::new([7; 32]));
    let issued = VALUES.map(|(class, value)| scope.issue(class, value).expect("three values fit"));
    // Short stand-ins, so that placeholders of this scope are likely.
    let text = text
        .replace('\u{1}', &issued[0])
        .replace('\u{2}', &issued[1])
        .replace('\u{3}', issued[2].trim_matches(['<', '>']));
    let pieces = pieces(&text, sizes);

    mask_text(&text, Classes::ALL, &mut scope).expect("few values fit");
    // A stream is taken as it is written; a whole text as it reads.
    let (mut masker, mut whole) = (StreamMasker::new(Classes::ALL), String::new());
    masker.push(&text, &mut scope, &mut whole).expect("few values fit");
    masker.finish(&mut scope, &mut whole).expect("few values fit");
    let (mut masker, mut out) = (StreamMasker::new(Classes::ALL), String::new());
    for piece in &pieces {
        masker.push(piece, &mut scope, &mut out).expect("few values fit");
        let most = MAX_HELD_BYTES + MAX_SECRET_BYTES + MAX_URL_BYTES;
        assert!(masker.held_bytes() <= most, "{} bytes are held back", masker.held_bytes());
    }
    masker.finish(&mut scope, &mut out).expect("few values fit");
    assert_eq!(out, whole, "masked otherwise in pieces");

    for placing in [Placing::Text, Placing::Json] {
        let whole = restore_text(&text, &scope, placing);
        let (mut restorer, mut out) = (StreamRestorer::new(placing), String::new());
        for piece in &pieces {
            restorer.push(piece, &scope, &mut out);
            assert!(
                restorer.held_bytes() <= MAX_VALUE_BYTES,
                "{} bytes are held back",
                restorer.held_bytes()
            );
        }
        restorer.finish(&scope, &mut out);
        assert_eq!(out, whole, "restored otherwise in pieces");
    }
    if serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.is_string()) {
        let restored = restore_text(&text, &scope, Placing::Json);
        serde_json::from_str::<serde_json::Value>(&restored).expect("restored arguments are arguments");
    }
});
