//! Account numbers of many countries, in every writing, and what is none.

use tabellion_mask::Class;

use crate::{assert_finds, assert_leaves};

/// Examples of the SWIFT IBAN registry.
const NUMBERS: [&str; 24] = [
    "AL47212110090000000235698741",
    "AD1200012030200359100100",
    "AT611904300234573201",
    "AZ21NABZ00000000137010001944",
    "BE68539007547034",
    "CH9300762011623852957",
    "CR05015202001026284066",
    "DE89370400440532013000",
    "DK5000400440116243",
    "ES9121000418450200051332",
    "FR1420041010050500013M02606",
    "GB29NWBK60161331926819",
    "GR1601101250000000012300695",
    "IT60X0542811101000000123456",
    "JO94CBJO0010000000000131000302",
    "KW81CBKU0000000000001234560101",
    "LC55HEMM000100010012001200023015",
    "LI21088100002324013AA",
    "MT84MALT011000012345MTLCAST001S",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "PL61109010140000071219812874",
    "SC18SSCB11010000000000001497USD",
    "TR330006100519786457841326",
];

#[track_caller]
fn finds(text: &str, value: &str) {
    assert_finds(Class::Iban, text, value);
}

fn grouped(number: &str, separator: &str) -> String {
    let groups: Vec<_> =
        number.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(separator)
}

#[test]
fn every_writing_of_an_account_number_is_found() {
    for number in NUMBERS {
        let lower = number.to_lowercase();
        let writings = [
            number.to_owned(),
            format!("{}{}", &number[..2], &lower[2..]),
            lower,
            grouped(number, " "),
            grouped(number, "-"),
            grouped(number, "\u{a0}"),
            grouped(&number.to_lowercase(), " "),
        ];
        for writing in writings {
            finds(&writing, &writing);
            finds(&format!("to {writing}, now"), &writing);
            finds(&format!("IBAN:{writing}."), &writing);
            finds(&format!("line\\n{writing}\\n"), &writing);
            finds(&format!("{writing} X in a sentence"), &writing);
        }
    }
}

#[test]
fn a_changed_character_is_no_account_number() {
    for number in NUMBERS {
        for place in 2..number.len() {
            let byte = number.as_bytes()[place];
            let other = if byte.is_ascii_digit() {
                (byte - b'0' + 1) % 10 + b'0'
            } else {
                b'A' + (byte - b'A' + 1) % 26
            };
            let changed = format!("{}{}{}", &number[..place], char::from(other), &number[place + 1..]);
            let left: Vec<_> =
                crate::found(&changed).into_iter().filter(|(class, _)| *class == "iban").collect();
            assert_eq!(left, [], "a wrong account number would be hidden: {changed}");
        }
    }
}

#[test]
fn what_only_looks_like_an_account_number_stays() {
    for text in [
        "XX89370400440532013000",
        "DE8937040044053201300",
        "DE893704004405320130000",
        "xDE89370400440532013000",
        "AL47/2121/1009/0000/0002/3569/8741",
        "G B29 NWBK 6016 1331 9268 19",
        "KW81 aBKU 0000 0000 0000 1234 5601 01",
        "GB29 1WBK 6016 1331 9268 19",
    ] {
        assert_leaves(text);
    }
}
