//! Card numbers in every length and grouping, and the numbers that are none.

use tabellion_mask::{Class, scan_number};

use crate::{assert_finds, assert_leaves, found};

/// Numbers that payment schemes publish for tests, one for each range or length.
const NUMBERS: [&str; 19] = [
    "4111111111111111",
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "5105105105105100",
    "2223000048400011",
    "2720992593319364",
    "371449635398431",
    "378282246310005",
    "30569309025904",
    "36227206271667",
    "6011000990139424",
    "6011000000000000001",
    "3530111333300000",
    "180016070420458",
    "6200000000000005",
    "6759649826438453",
    "587428561654",
    "122000000000003",
];

#[track_caller]
fn finds(text: &str, value: &str) {
    assert_finds(Class::PaymentCard, text, value);
}

#[test]
fn every_scheme_and_length_is_found() {
    for number in NUMBERS {
        assert!(luhn(number), "{number} is no example: its check digit is wrong");
        finds(number, number);
        finds(&format!("card {number}, please"), number);
        finds(&format!("{{\"card\":\"{number}\"}}"), number);
        finds(&format!("pay {number}."), number);
        finds(&format!("卡号{number}是"), number);
        finds(&format!("first\\n{number}\\nlast"), number);
        finds(&format!("?card=%20{number}&x"), number);
    }
}

#[test]
fn groups_are_found_with_every_separator() {
    for separator in [" ", "-", "\u{a0}", "\u{202f}", "\u{2011}", "."] {
        for groups in [
            &["4111", "1111", "1111", "1111"][..],
            &["3714", "496353", "98431"],
            &["3056", "930902", "5904"],
            &["4000", "0000", "0000", "0000", "006"],
        ] {
            let number = groups.join(separator);
            finds(&number, &number);
            finds(&format!("card: {number} 12/27"), &number);
            finds(&format!("two 7 {number} 123 x"), &number);
        }
    }
    finds("41 11 11 11 11 11 11 11", "41 11 11 11 11 11 11 11");
    finds("411111-1111111111", "411111-1111111111");
}

#[test]
fn what_nobody_sees_hides_no_card() {
    for invisible in ['\u{200b}', '\u{ad}', '\u{2060}', '\u{feff}', '\u{200d}'] {
        let number = ["4111", "1111", "1111", "1111"].join(&invisible.to_string());
        finds(&number, &number);
        finds(&format!("card{invisible} {number}{invisible}."), &number);
        finds(
            &format!("4111{invisible} 1111{invisible} 1111 1111"),
            &format!("4111{invisible} 1111{invisible} 1111 1111"),
        );
        let account = format!("GB29{invisible}NWBK{invisible}60161331926819");
        assert_finds(Class::Iban, &account, &account);
    }
    finds("\\u200b4111\\u200b111111111111", "4111\\u200b111111111111");
    assert_leaves("a\u{200b}b soft\u{ad}ly 12\u{200b}34");
}

#[test]
fn a_card_that_was_a_number_is_found() {
    finds("4111111111111111.0", "4111111111111111");
    finds("a,4111111111111111.00,b", "4111111111111111");
    for number in [
        "4111111111111111",
        "-4111111111111111",
        "4111111111111111.0",
        "4.111111111111111e15",
        "4.111111111111111E+15",
    ] {
        let found = scan_number(number, crate::FIRST);
        let value = found.map(|(class, value)| (class, value.trim_start_matches('-').to_owned()));
        assert_eq!(value, Some((Class::PaymentCard, "4111111111111111".to_owned())), "{number} would leave");
    }
    for number in [
        "4.111111111111111",
        "4.1111111111111115e15",
        "4111111111111111.5",
        "4e15",
        "4e999999999999",
        "1e-5",
        "0",
    ] {
        assert!(scan_number(number, crate::FIRST).is_none(), "{number} is no card");
    }
}

#[test]
fn cards_in_a_row_are_each_found() {
    let numbers = ["4012888888881881", "4012-8888-8888-1881", "4012 8888 8888 1881"];
    let expected = numbers.map(|number| ("payment_card", number));
    assert_eq!(found(&numbers.join(" ")), expected);
    assert_eq!(found("4111 1111 1111 1111 5555 5555 5555 4444").len(), 2);
}

#[test]
fn numbers_that_are_no_cards_stay() {
    for text in [
        "4111111111111112",     // check digit
        "9111111111111111",     // no issuer
        "1748503543012",        // milliseconds since 1970
        "41111111111111110000", // 20 digits
        "0.4111111111111111",   // a decimal
        "4111111111111111.25",  // another
        "4111111111111111.01",
        "4111111111111111.0e3",
        "a4111111111111111",                    // within a word
        "4111111111111111f",                    // within hexadecimal
        "550e8400-e29b-41d4-a716-587428561654", // a UUID
        "58742856-1654-41d4-a716-446655440000",
        "+587428561654", // a telephone number
        "4111 1111 1111 1112",
        "4111  1111  1111  1111 ",
        "1.2.3.4",
        "2024-01-02 03:04:05",
    ] {
        assert_leaves(text);
    }
}

#[test]
fn a_changed_digit_is_no_card() {
    for number in NUMBERS {
        for place in 6..number.len() {
            let digit = (number.as_bytes()[place] - b'0' + 1) % 10;
            let changed = format!("{}{digit}{}", &number[..place], &number[place + 1..]);
            assert_leaves(&changed);
        }
    }
}

/// A second way to the check digit: from the left, with the doubled digits written out.
fn luhn(number: &str) -> bool {
    let odd = number.len() % 2;
    let sum: u32 = number
        .bytes()
        .enumerate()
        .map(|(i, byte)| {
            let digit = u32::from(byte - b'0');
            if i % 2 == odd { [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit as usize] } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}
