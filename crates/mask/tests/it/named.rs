//! Names as part of a scan: beside values with a form, in streams and bodies, and never in what programs read.

use proptest::prelude::{ProptestConfig, Rng as _, Strategy as _, any, prop_assert_eq, proptest};
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestRng};
use tabellion_mask::{
    Class, Classes, Content, Edits, MAX_HELD_BYTES, Place, StreamMasker, json, mask_string, mask_text, scan,
};

use crate::texts::{pieces, text};
use crate::{found_of, scope};

/// Names beside values, names with values in them, and values that look like names.
const MIXED: &str = "Dear Maria Jensen <maria.jensen@example.org>, your card 4111 1111 1111 1111 goes to 12 Elm Street, \
    London SW1A 1AA. Anna Berg +44 20 7946 0018, born March 12, 1985 in Oslo; Halvorsen Logistics Ltd, DE89 3704 0044 0532 0130 00. \
    {\"first_name\": \"aisha\", \"ssn\": \"472-96-1046\", \"city\":\"porto\"} https://example.com/Paris?name=Anna Best, Ingrid van der Berg";

fn streamed(pieces: &[&str]) -> String {
    let (mut masker, mut scope, mut out) = (StreamMasker::new(Classes::DEFAULT), scope(), String::new());
    for piece in pieces {
        masker.push(piece, &mut scope, &mut out).unwrap();
        assert!(masker.held_bytes() <= MAX_HELD_BYTES, "a stream stalls: {} bytes wait", masker.held_bytes());
    }
    masker.finish(&mut scope, &mut out).unwrap();
    out
}

/// Requirement: G02.
#[test]
fn names_are_masked_by_default_beside_values_with_a_form() {
    let (out, found) = mask_text(MIXED, Classes::DEFAULT, &mut scope()).unwrap();
    for name in [
        "Maria",
        "Jensen",
        "Elm Street",
        "London",
        "Anna Berg",
        "Oslo",
        "Halvorsen",
        "aisha",
        "porto",
        "Ingrid",
    ] {
        assert!(!out.contains(name), "{name} would reach the provider: {out}");
    }
    let forms =
        [Class::Email, Class::PaymentCard, Class::UkPostcode, Class::Phone, Class::Iban, Class::UsSsn];
    for class in forms {
        assert!(
            found.iter().any(|masked| masked.class == class),
            "a name took a {} away: {out}",
            class.name()
        );
    }
    assert!(out.contains("https://example.com/Paris?name="), "an address of the web would break: {out}");
}

#[test]
fn every_split_of_a_stream_gives_the_whole() {
    let (whole, _) = mask_text(MIXED, Classes::DEFAULT, &mut scope()).unwrap();
    for at in (0..=MIXED.len()).filter(|at| MIXED.is_char_boundary(*at)) {
        assert_eq!(streamed(&[&MIXED[..at], &MIXED[at..]]), whole, "split at {at}");
    }
    let single: Vec<&str> = MIXED.split_inclusive(|_: char| true).collect();
    assert_eq!(streamed(&single), whole, "a stream of single characters differs");
}

#[test]
fn prose_waits_for_two_words_at_most() {
    let (mut masker, mut scope, mut out) = (StreamMasker::new(Classes::DEFAULT), scope(), String::new());
    masker.push("the answer is ready and wai", &mut scope, &mut out).unwrap();
    assert_eq!(
        out.trim_end(),
        "the answer is ready and",
        "prose in lower case waits only for the word that is not over"
    );
    masker.push("ts for Anna Berg who", &mut scope, &mut out).unwrap();
    assert!(
        out.ends_with("waits for") || out.ends_with("waits for "),
        "a name waits for what follows it: {out:?}"
    );
    masker.push(" comes tomo", &mut scope, &mut out).unwrap();
    assert!(out.contains("<PERSON_") && out.contains("who"), "it waits for no more than two words: {out:?}");
}

#[test]
fn what_a_value_leaves_of_a_name_stays_hidden() {
    let text = "My address is 12 Elm Street, Springfield SW1A 1AA, call me";
    let found = found_of(text, Classes::DEFAULT);
    assert!(found.contains(&("uk_postcode", "SW1A 1AA")), "the postcode's own class is lost: {found:?}");
    assert!(
        found.iter().any(|(class, value)| *class == "location" && value.contains("Elm Street")),
        "the street would reach the provider: {found:?}"
    );
}

#[test]
fn one_name_has_one_placeholder() {
    let mut scope = scope();
    let mut of = |text: &str| mask_text(text, Classes::NAMES, &mut scope).unwrap().1[0].placeholder.clone();
    let first = of("My name is Anna Kowalska.");
    assert_eq!(of("Regards,\nAnna Kowalska"), first, "a conversation would speak of two people");
    assert_eq!(of("my name is anna kowalska"), first, "case would make another person");
}

#[test]
fn classes_that_are_not_wanted_are_left() {
    let text = "Dear Maria Jensen, welcome to Oslo.";
    let only = Classes::NONE.with(Class::Person);
    assert_eq!(found_of(text, only), [("person", "Maria Jensen")], "a choice of names would mean nothing");
    assert_eq!(found_of(text, Classes::FORMS), [], "names would be masked where they are switched off");
}

/// The only string of a body.
struct First<'b>(Option<json::RawString<'b>>);

impl<'b> json::Visitor<'b> for First<'b> {
    fn scalar(&mut self, _: json::Path<'_, 'b>, scalar: json::Scalar<'b>, _: std::ops::Range<usize>) {
        if let json::Scalar::String(string) = scalar {
            self.0 = Some(string);
        }
    }
}

fn in_body(body: &str) -> String {
    let string = format!("\"{}\"", json::escaped(body));
    let mut edits = Edits::new();
    let mut first = First(None);
    json::walk(string.as_bytes(), &json::Limits::default(), &mut first).unwrap();
    let place = Place { string: first.0.unwrap(), at: 0, content: Content::Json };
    mask_string(place, Classes::DEFAULT, &mut scope(), &mut edits).unwrap();
    serde_json::from_slice(&edits.apply(string.as_bytes())).unwrap()
}

#[test]
fn members_keep_their_names_and_lose_their_values() {
    let out = in_body(
        r#"{"Anna Berg": {"Paris": 3}, "guest": {"first_name": "Jo", "name": "search", "city": "Oslo"}}"#,
    );
    assert!(out.contains(r#"{"Anna Berg": {"Paris": 3}"#), "a program would not find its member: {out}");
    assert!(out.contains(r#""first_name": "<PERSON_"#), "a short name would reach the provider: {out}");
    assert!(out.contains(r#""city": "<LOCATION_"#), "a town would: {out}");
    assert!(out.contains(r#""name": "search""#), "a tool would be called by another name: {out}");
}

const NAMES: [&str; 12] = [
    "Paris", "Anna", "Jordan", "Madison", "Florence", "Austin", "Berg", "Jensen", "Oslo", "Maria",
    "Lovelace", "Siemens",
];
/// Places in code, paths, addresses and identifiers; `N` is the name.
const CODE: [&str; 22] = [
    "N::new()",
    "std::N::from(x)",
    "let x = N(1);",
    "obj.N.run()",
    "self.module.N = 1",
    "x->N",
    "https://example.com/N",
    "see http://h.example/a/N/N.html#N",
    "/srv/N/src",
    "C:\\\\Users\\\\N\\\\x",
    "import x from './N.js'",
    "{\"N\": 3, \"N\": 4}",
    "@N",
    "$N",
    "N_N",
    "get_N(1)",
    "models/N-7b-instruct",
    "N-3.5",
    "N.parse(x)",
    "N[0]",
    "N{}",
    "x#N",
];

#[test]
fn nothing_that_programs_read_is_taken_for_a_name() {
    for name in NAMES {
        for code in CODE {
            let text = code.replace('N', name);
            assert_eq!(found_of(&text, Classes::NAMES), [], "a program would break: {text}");
        }
    }
}

/// A row of `unseen.txt`: its text and the labelled parts.
fn row(line: &str) -> (String, Vec<(&'static str, String)>) {
    let (mut text, mut labels, mut rest) = (String::new(), Vec::new(), line);
    while let Some((front, more)) = rest.split_once('[') {
        text.push_str(front);
        let class = match more.get(..2) {
            Some("P:") => "person",
            Some("L:") => "location",
            Some("O:") => "organisation",
            _ => {
                text.push('[');
                rest = more;
                continue;
            }
        };
        let (name, more) = more[2..].split_once(']').unwrap();
        labels.push((class, name.to_owned()));
        text.push_str(name);
        rest = more;
    }
    text.push_str(rest);
    (text.replace("\\n", "\n"), labels)
}

/// A floor under the figures of `docs/names.md`, on rows that nothing was fitted to.
#[test]
fn most_names_of_unseen_rows_are_found_and_little_else() {
    let rows: Vec<_> = include_str!("unseen.txt").lines().skip(1).map(row).collect();
    let (mut names, mut hidden, mut clean, mut hit) = (0, 0, 0, 0);
    for (text, labels) in &rows {
        let found = found_of(text, Classes::NAMES);
        if labels.is_empty() {
            clean += 1;
            hit += usize::from(!found.is_empty());
        }
        names += labels.len();
        hidden += labels
            .iter()
            .filter(|(_, name)| found.iter().any(|(_, value)| value.contains(name.as_str())))
            .count();
    }
    assert!(hidden * 100 >= names * 75, "{hidden} of {names} names would be hidden");
    assert!(hit * 100 <= clean * 15, "{hit} of {clean} texts without a name would be changed");
}

fn mixed() -> impl proptest::strategy::Strategy<Value = String> {
    let name = select(vec![
        "Maria Jensen ",
        "Oslo",
        ", ",
        "12 Elm Street",
        "\n",
        "in ",
        "Dr. ",
        "name=",
        "\"city\": \"",
        "Ltd",
        "anna ",
        "de ",
        "X",
        "://",
        "/",
        "SW1A 1AA",
        "Halvorsen ",
        "4B",
        "'s ",
        ". ",
    ]);
    proptest::collection::vec((text(), name), 0..6).prop_map(|parts| {
        parts.into_iter().map(|(text, name)| [name, &text, name].concat()).collect::<Vec<_>>().concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_pieces_give_the_whole(text in mixed(), cuts in proptest::collection::vec(any::<usize>(), 0..8)) {
        let pieces = pieces(&text, &cuts);
        prop_assert_eq!(streamed_all(&pieces), streamed_all(&[&text]), "a stream would differ: {:?}", pieces);
    }

    #[test]
    fn a_value_with_a_form_always_beats_a_name(text in mixed()) {
        let forms: Vec<_> = scan(&text, Classes::FORMS).collect();
        let all: Vec<_> = scan(&text, Classes::DEFAULT).collect();
        prop_assert_eq!(
            all.iter().filter(|found| Classes::FORMS.has(found.class)).cloned().collect::<Vec<_>>(),
            forms,
            "a name changed what a form tells"
        );
        assert!(all.windows(2).all(|two| two[0].range.end <= two[1].range.start), "findings overlap: {all:?}");
    }
}

/// What chance writes is now and then a name between two marks: what is asked for is that a file of some hundred kilobytes is left as it is. The
/// texts are the same each time.
#[test]
fn encoded_bytes_hold_hardly_a_name() {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const TEXTS: usize = 40_000;
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let damaged: Vec<_> = (0..TEXTS)
        .filter_map(|_| {
            let text: String = (0..330)
                .map(|_| char::from(DIGITS[usize::try_from(random.next_u32() % 64).unwrap()]))
                .collect();
            let found = found_of(&text, Classes::NAMES);
            (!found.is_empty()).then(|| format!("{found:?} in {text}"))
        })
        .collect();
    assert!(damaged.len() <= 2, "{} of {TEXTS} encoded texts would be changed: {damaged:?}", damaged.len());
    for (encoded, why) in
        [("8fydxiSdHEWkB5ApO1lRuoTt+Du", "behind what is encoded"), ("Ada+7AMU0mIZ", "before it")]
    {
        assert_eq!(found_of(encoded, Classes::NAMES), vec![], "{why}");
    }
    assert!(
        !found_of("name=Anna+Berg&city=Oslo", Classes::NAMES).is_empty(),
        "a form's blanks are no encoding"
    );
}

/// Without the limit on what is held, since a key may begin in any text.
fn streamed_all(pieces: &[&str]) -> String {
    let (mut masker, mut scope, mut out) = (StreamMasker::new(Classes::ALL), scope(), String::new());
    for piece in pieces {
        masker.push(piece, &mut scope, &mut out).unwrap();
    }
    masker.finish(&mut scope, &mut out).unwrap();
    out
}
