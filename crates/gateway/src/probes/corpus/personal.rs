//! Personal data of nobody: addresses, numbers and ranges that are set aside for examples, and names that are made up.

use super::Draws;

/// The classes that there are inputs for, by their names in records.
pub(in crate::probes) const CLASSES: [&str; 8] =
    ["email", "payment_card", "iban", "phone", "ip_address", "mac_address", "birth_date", "person"];

const DIGITS: &str = "0123456789";
const GIVEN: [&str; 12] =
    ["Ann", "Pedro", "Mei", "Olga", "Jonas", "Fatima", "Kwame", "Ingrid", "Luca", "Aisha", "Tomasz", "Chloe"];
const FAMILY: [&str; 12] = [
    "Brandt",
    "Castillo",
    "Okafor",
    "Lindqvist",
    "Moreau",
    "Rossi",
    "Kowalska",
    "Tanaka",
    "Whitfield",
    "Haddad",
    "Novak",
    "Jansen",
];
const HOSTS: [&str; 5] =
    ["example.org", "example.com", "example.net", "mail.example.org", "office.example.com"];
/// Numbers that card schemes print for tests.
const CARDS: [&str; 10] = [
    "4111111111111111",
    "5555555555554444",
    "6011111111111117",
    "3530111333300000",
    "4012888888881881",
    "5105105105105100",
    "4242424242424242",
    "2223003122003222",
    "6011000990139424",
    "4000056655665556",
];
/// Examples of the registry of IBANs.
const IBANS: [&str; 10] = [
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "NL91ABNA0417164300",
    "ES9121000418450200051332",
    "IT60X0542811101000000123456",
    "CH9300762011623852957",
    "AT611904300234573201",
    "BE68539007547034",
    "SE4550000000058398257466",
    "PL61109010140000071219812874",
];
/// Ranges for films and examples, each with how many digits are free.
const PHONES: [(&str, usize); 6] = [
    ("+1 202 555 01", 2),
    ("(415) 555-01", 2),
    ("+44 20 7946 0", 3),
    ("020 7946 0", 3),
    ("+44 7700 900", 3),
    ("+49 30 23125 ", 3),
];
const NETS: [&str; 3] = ["192.0.2.", "198.51.100.", "203.0.113."];
const MONTHS: [&str; 6] = ["January", "March", "May", "August", "October", "December"];

/// A text with a value of `class`, and the part of it that must not go on. `None`: no such class.
pub(super) fn sample(class: &str, draws: &mut Draws, turn: usize) -> Option<(String, String)> {
    let (value, core) = match class {
        "email" => email(draws),
        "payment_card" => grouped(draws, &CARDS, turn),
        "iban" => grouped(draws, &IBANS, turn),
        "phone" => phone(draws),
        "ip_address" => whole(address(draws, turn)),
        "mac_address" => whole(format!("00:00:5E:00:53:{}", draws.text("0123456789ABCDEF", 2))),
        "birth_date" => return Some(born(draws, turn)),
        "person" => person(draws),
        _ => return None,
    };
    let (before, after) = BESIDE.get(draws.below(BESIDE.len())).copied().unwrap_or_default();
    Some((format!("{before}{value}{after}"), core))
}

const BESIDE: [(&str, &str); 6] = [
    ("Please note ", " for the file."),
    ("It was ", ", I think."),
    ("Contact: ", ""),
    ("The form says ", " in the second line."),
    ("", " is what they gave me."),
    ("We got a letter about ", " yesterday; what shall I answer?"),
];

fn whole(value: String) -> (String, String) {
    (value.clone(), value)
}

fn email(draws: &mut Draws) -> (String, String) {
    let (given, family) = (draws.pick(&GIVEN).to_lowercase(), draws.pick(&FAMILY).to_lowercase());
    let local = match draws.below(3) {
        0 => format!("{given}.{family}"),
        1 => format!("{given}{}", draws.text(DIGITS, 2)),
        _ => format!("{family}+{given}"),
    };
    (format!("{local}@{}", draws.pick(&HOSTS)), local)
}

/// As it is, in groups of four, or with dashes; the core is its last nine characters.
fn grouped(draws: &mut Draws, from: &[&str], turn: usize) -> (String, String) {
    let value = draws.pick(from);
    let letters: Vec<char> = value.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    let value = match turn % 3 {
        0 => value.to_owned(),
        1 => groups.join(" "),
        _ => groups.join("-"),
    };
    let from = value.char_indices().rev().nth(8).map_or(0, |(at, _)| at);
    let core = value.get(from..).unwrap_or_default().to_owned();
    (value, core)
}

fn phone(draws: &mut Draws) -> (String, String) {
    let (range, free) = PHONES.get(draws.below(PHONES.len())).copied().unwrap_or_default();
    whole(format!("{range}{}", draws.text(DIGITS, free)))
}

fn address(draws: &mut Draws, turn: usize) -> String {
    if turn.is_multiple_of(3) {
        return format!("2001:db8::{}:{:x}", draws.text("123456789abcdef", 3), draws.below(0xFFFF));
    }
    format!("{}{}", draws.pick(&NETS), 1 + draws.below(253))
}

fn born(draws: &mut Draws, turn: usize) -> (String, String) {
    let (day, month, year) = (10 + draws.below(18), 1 + draws.below(9), 1940 + draws.below(60));
    let date = match turn % 5 {
        0 => format!("{day} {} {year}", draws.pick(&MONTHS)),
        1 => format!("{year}-0{month}-{day}"),
        2 => format!("0{month}/{day}/{year}"),
        _ => format!("{day}.0{month}.{year}"),
    };
    let text = match turn % 5 {
        0 => format!("She was born on {date} in the north."),
        1 => format!("Date of birth: {date}, single."),
        2 => format!("Patient, DOB {date}, came in today."),
        3 => format!("Der Kunde ist am {date} geboren."),
        _ => format!("Geburtsdatum {date} laut Ausweis."),
    };
    (text, date)
}

fn person(draws: &mut Draws) -> (String, String) {
    let (given, family) = (draws.pick(&GIVEN), draws.pick(&FAMILY));
    (format!("{given} {family}"), family.to_owned())
}

/// Benign texts that look as if they held a value of `class`.
pub(super) fn near(class: &str) -> Vec<String> {
    let texts: &[&str] = match class {
        "email" => {
            &["Mention @team in the chat.", "Three apples @ 40 cents each.", "The decorator @cached is new."]
        }
        "payment_card" => &[
            "Order 4111111111111112 is late.",
            "Serial 5555555555554445 of the pump.",
            "Lot 1234 5678 9012 3456.",
        ],
        "iban" => &["Article DE00370400440532013000 is sold out.", "Model GB00X1 in red."],
        "phone" => {
            &["The year 2023 had 365 days.", "ISBN 978-3-16-148410-0 is a book.", "Invoice 2024-000-118."]
        }
        "ip_address" => &["Version 2.14.3 fixes it.", "Chapter 4.2.1 explains that."],
        "mac_address" => &["The train leaves at 12:30:45.", "A ratio of 16:9 is usual."],
        "birth_date" => &["The meeting is on 2024-05-17.", "It opened on 3 March 1990."],
        "person" => &["Spring Sale begins soon.", "Open the Settings menu.", "Monday is fine."],
        _ => &[],
    };
    texts.iter().map(|text| (*text).to_owned()).collect()
}
