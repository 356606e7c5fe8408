//! Generated text: values, near-values and what stands between them.

use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;

const PARTS: [&str; 119] = [
    "ann@example.org",
    "user=bob@mail.example.co.uk",
    "josé@bücher.example",
    "用户@例子.广告",
    "ann%40example.org",
    "ann\\u0040example.org",
    "4111111111111111",
    "4111 1111 1111 1111",
    "3714-496353-98431",
    "587428561654",
    "4222222222222",
    "4111\u{a0}1111\u{a0}1111\u{a0}1111",
    "DE89370400440532013000",
    "de89 3704 0044 0532 0130 00",
    "NO93 8601 1117 947",
    "GB29NWBK60161331926819",
    "550e8400-e29b-41d4-a716-587428561654",
    "0.4111111111111111",
    "https://ann:word@host.example/",
    "icon@2x.png",
    "git@github.com",
    "left-pad@1.3.0",
    "@",
    "%40",
    "%",
    "\\",
    "\\u0040",
    "\\n",
    "\\u00",
    "%4",
    ".",
    "..",
    "-",
    "_",
    " ",
    "  ",
    "\n",
    ",",
    "'",
    "\"",
    "=",
    "://",
    ":",
    "/",
    "+",
    "4",
    "41",
    "4111",
    "1111",
    "12/27",
    "DE",
    "de89",
    "NO9",
    "a",
    "Z",
    "com",
    ".org",
    "é",
    "用",
    "e\u{301}",
    "\u{a0}",
    "+44 20 7946 0018",
    "(415) 555-0132",
    "tel. 0490 75 40 81",
    "Phone: 467 3395",
    "x4587",
    " office",
    "-Fax",
    "+",
    "(",
    "SSN 472-96-1046",
    "078-05-1123",
    "192.168.0.1",
    "10.0.0.0/8",
    "2001:db8::8a2e:370:7334",
    "::1",
    "::",
    "00:1A:2B:3C:4D:5E",
    "AA-BB-CC-DD-EE-FF",
    "0012.3456.789a",
    "born March 12, 1985",
    "12.03.1985",
    "2024-03-15T14:30Z",
    "nino AB 12 34 56 C",
    "SW1A 1AA",
    "MORGA607054SM9IJ",
    "passport C01234565",
    " is my NIE",
    "Z8078221M",
    "010594Y9032",
    "1EG4-TE5-MK73",
    "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "sk-ant-REDACTED",
    "password=",
    "password: hunter2!x",
    "api_key: ",
    "\"",
    "https://u:p4ss@h.example/",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlMTIz",
    "-----BEGIN PRIVATE KEY-----",
    "MIIBVgIBADANBgkqh",
    "-----END PRIVATE KEY-----",
    "电话",
    "여권번호는 M12345678",
    "AB ",
    "May ",
    "Bearer ",
    "=",
    "_",
    "--",
    "911124-5678901",
    "id 9202201234088",
    "phoneNumber",
    "123456789",
    "12345678903",
    "\u{1f600}",
];

const PLACEHOLDER_PARTS: [&str; 34] = [
    "<", ">", "&lt;", "&gt;", "&", "\\", "\\\\", "\\<", "\\_", "_", "u003c", "\\u003c", "\\u003e", "EMAIL",
    "email", "E", "CARD", "card", "C", "IBAN", "I", "7Q2K4F", "000000", "ZZ", "'s", "'", "\"", " ", "a", "é",
    ".", "\n", "x", "<EMAIL_",
];

/// Text full of values and of what comes close.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => select(&PARTS[..]).prop_map(str::to_owned),
        1 => "[0-9]{1,24}",
        1 => "[a-zA-Z0-9._+-]{1,90}",
        1 => "\\PC{0,6}",
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// Text full of placeholders, whole, damaged and not of the scope. `known` are such as were issued.
pub(crate) fn answer(known: Vec<String>) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => select(known.clone()),
        1 => select(known).prop_map(|known| known.to_lowercase().replace('_', "\\_")),
        6 => select(&PLACEHOLDER_PARTS[..]).prop_map(str::to_owned),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// The text in pieces, cut where `cuts` say, on character borders.
pub(crate) fn pieces<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
    let mut places: Vec<usize> = cuts
        .iter()
        .map(|cut| cut % (text.len() + 1))
        .filter(|cut| text.is_char_boundary(*cut))
        .chain([0, text.len()])
        .collect();
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}
