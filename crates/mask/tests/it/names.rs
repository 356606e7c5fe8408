//! Names of persons, places and organisations: what is found, that pieces give what the whole gives, and that no text is slow.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tabellion_mask::names::{self, MAX_HELD_BYTES, NameFinder, NameKind, NameSpan};

/// Of the model that `docs/names.md` speaks of.
const MODEL_SHA256: &str = "afc42c94b83177f2d713cf61d7f43ffec5f0addb9678386b897204f859c433f3";

fn whole(text: &str) -> Vec<NameSpan> {
    let mut spans = Vec::new();
    names::find(text, None, &mut spans);
    spans
}

/// The spans of a text that comes in pieces, of which nothing is kept but what is not settled.
fn pieces<'t>(parts: impl IntoIterator<Item = &'t str>) -> Vec<NameSpan> {
    let (mut finder, mut held, mut gone, mut all) = (NameFinder::new(None), String::new(), 0, Vec::new());
    let mut take = |held: &mut String, more: bool| {
        let mut spans = Vec::new();
        let settled = finder.find_from(held, 0, more, &mut spans);
        all.extend(
            spans
                .into_iter()
                .map(|span| NameSpan { range: span.range.start + gone..span.range.end + gone, ..span }),
        );
        held.drain(..settled);
        gone += settled;
        assert!(held.len() <= MAX_HELD_BYTES, "a stream would wait for {} bytes", held.len());
    };
    for part in parts {
        held.push_str(part);
        take(&mut held, true);
    }
    take(&mut held, false);
    assert!(held.is_empty(), "the end of a text would be lost: {held:?}");
    all
}

fn texts_of(text: &str, kind: NameKind) -> Vec<&str> {
    whole(text).into_iter().filter(|span| span.kind == kind).map(|span| &text[span.range]).collect()
}

const TEXTS: [&str; 14] = [
    "My name is Ingrid van der Berg and I live at 12 Elm Street, Apt. 4\nSpringfield, IL 62704. Best, Ingrid",
    "From: Søren O'Neill-Kovač <soren@example.org>\n> Dr. Müller's office in São Paulo\r\n\r\nul. Zamkowa 33, 00-950 Warszawa",
    "{\"first_name\": \"aisha\", \"last_name\": \"khan\", \"city\":\"porto\"}",
    "name,email,total\nJosé García,jose@example.org,14\nJean-Pierre L’Écuyer,jp@example.org,3",
    "Αθήνα, Ελλάδα: ο Γιώργος Παπαδόπουλος. Москва: Иван Петров. 東京 太郎 Tokyo",
    "SELECT Name FROM Users WHERE City = 'Paris' AND Owner='Ann Lee'; -- TODO: Remove\nERROR IllegalStateException: X.Y.Z",
    "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z AA BB CC DD EE FF GG HH II JJ KK LL MM NN OO PP QQ RR SS",
    "Anna\\nPetrova\\n12 Oak Lane\\n\\tLeeds \\\\ x\\",
    "call aisha in porto, at 255 hersnapvej 18, københavn k; thanks",
    "Xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'b Anna                                        Berg",
    "O'Brien O' Brien 'Anna' Anna's Annas' d’Artagnan’s",
    "Para la señora Ruiz: Ley de Aguas, La Mairie, Scrum, Kanban y Naan 2020; the Geneva Conventions, Mr. Pálffy in Laax 12 & Ana",
    "Kniebeugen, Liegestütze und Klimmzüge mit Herrn Öztürk; Crème brûlée avec Élodie, Gaetane, Hannah and Derek. My name is Siiri",
    "<first>David</first><last>Larsen</last> & Sons Ltd, 4th Floor, 1 High Street\n \n Bristol BS1 4ST, UK",
];

#[test]
fn the_model_is_the_one_that_is_described() {
    let digest = Sha256::digest(include_bytes!("../../src/names/model.bin"));
    let digest = digest.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    });
    assert_eq!(digest, MODEL_SHA256, "nobody could tell which training found what");
}

#[test]
fn persons_places_and_organisations_are_found() {
    let text = "Dear Maria Jensen, your parcel for 12 Elm Street, Springfield was sent by Halvorsen Logistics Ltd from Oslo.";
    assert_eq!(texts_of(text, NameKind::Person), ["Maria Jensen"], "a person would reach the provider");
    assert_eq!(
        texts_of(text, NameKind::Location),
        ["12 Elm Street, Springfield", "Oslo"],
        "an address would"
    );
    assert_eq!(texts_of(text, NameKind::Organisation), ["Halvorsen Logistics Ltd"], "an employer would");
}

#[test]
fn a_key_or_a_field_tells_of_a_name_in_lower_case() {
    let text = "{\"first_name\": \"aisha\", \"status\": \"pending\"}";
    assert_eq!(texts_of(text, NameKind::Person), ["aisha"], "a record's name would reach the provider");
    let mut spans = Vec::new();
    names::find("aisha", Some("first_name"), &mut spans);
    assert_eq!(spans.len(), 1, "a field's name would reach the provider");
}

#[test]
fn what_is_no_name_stays() {
    for text in [
        "SELECT count(*) FROM Events WHERE Kind = 'Login' ORDER BY Created DESC;",
        "1. e4 c5 2. Nf3 d6 3. d4 cxd4 4. Nxd4 Nf6 5. Nc3 a6",
        "On Monday, 3 March, the German minister met the French one. See Section 4 Terms of Service.",
        "public class HttpClient extends BaseClient implements Closeable { throw new IllegalStateException(); }",
        "",
    ] {
        assert_eq!(whole(text), [], "{text:?} would lose its meaning");
    }
}

/// Capitals of titles, lists and other languages, where the model alone saw names.
#[test]
fn a_capital_alone_makes_no_name() {
    for text in [
        "The Helsinki Accords and the Maastricht Treaty",
        "Incoterms 2010 and Incoterms 2020 differ in one clause.",
        "Mülltonne, Biotonne, Altpapier: Abfuhrkalender",
        "Die Krankenkasse zahlt den Zahnersatz nicht.",
        "Explique le Théorème de Pythagore à un enfant.",
        "Quiche, Tartiflette et Crème brûlée",
        "La Mairie ouvre à neuf heures.",
        "Ley de Arrendamientos Urbanos",
        "Ejercicios: Sentadillas, Flexiones, Zancadas",
        "Compara Kanban y Cascada.",
        "Newton's Second Law and Ohm's Law for Year 9",
    ] {
        assert_eq!(whole(text), [], "{text:?} would lose its meaning");
    }
}

/// The same words where the text says whose they are.
#[test]
fn what_stands_around_makes_a_name() {
    for (text, name) in [
        ("Mr. Slepička flew home on Tuesday.", "Slepička"),
        ("Tell Frau Weinhold that it rains.", "Weinhold"),
        ("Ask Mrs. Thornquist today.", "Thornquist"),
        ("La señora Encarnación vive aquí.", "Encarnación"),
    ] {
        assert!(
            texts_of(text, NameKind::Person).contains(&name),
            "a person would reach the provider: {text:?}"
        );
    }
}

/// What looks like a title of a thing and is a name by its words.
#[test]
fn names_with_articles_and_joints_are_found() {
    for (text, kind, name) in [
        ("They flew to Los Angeles on Monday.", NameKind::Location, "Los Angeles"),
        ("He lives in The Hague.", NameKind::Location, "The Hague"),
        ("Our London office moved.", NameKind::Location, "London"),
        ("Maria de la Cruz called.", NameKind::Person, "Maria de la Cruz"),
        ("Ask Maika van de Noort today.", NameKind::Person, "Maika van de Noort"),
    ] {
        assert_eq!(texts_of(text, kind), [name], "a name would reach the provider: {text:?}");
    }
}

#[test]
fn every_split_gives_what_the_whole_gives() {
    for text in TEXTS {
        let expected = whole(text);
        for (at, _) in text.char_indices() {
            let (front, back) = text.split_at(at);
            assert_eq!(pieces([front, back]), expected, "split at {at} of {text:?}");
        }
        let single: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(pieces(single.iter().map(String::as_str)), expected, "character by character: {text:?}");
    }
}

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn no_text_is_slow_or_held_without_limit() {
    let units = [
        "A",
        "Anna ",
        "Anna\n",
        "a",
        "Ä",
        "ж",
        "東",
        "de ",
        "12 ",
        "12",
        "A. ",
        "A,",
        ",",
        "'",
        "O'",
        " ",
        "\n",
        "\\",
        "\\n",
        "a: ",
        "name: ",
        "\"name\":\"x\",",
        "in x ",
        "A-",
        "A                 ",
        "\u{301}",
        "🙂",
        "_",
        "A1",
        "X & ",
    ];
    let start = Instant::now();
    for unit in units {
        let text = unit.repeat((1 << 20) / unit.len());
        let spans = whole(&text);
        assert!(
            spans.windows(2).all(|two| two[0].range.end <= two[1].range.start),
            "spans of {unit:?} overlap"
        );
        assert!(start.elapsed() < LIMIT, "one text of {unit:?} would starve the others");
        let part: String = text.chars().take(1 << 12).collect();
        let chunks: Vec<String> =
            part.chars().collect::<Vec<_>>().chunks(7).map(|chunk| chunk.iter().collect()).collect();
        assert_eq!(pieces(chunks.iter().map(String::as_str)), whole(&part), "pieces of {unit:?}");
    }
}

fn text() -> impl Strategy<Value = String> {
    let unit = prop_oneof![
        "[A-Za-z' .,\\-\n:\"=0-9éÉñжЖ’\\\\_@&/()]{0,6}",
        proptest::sample::select(TEXTS.to_vec()).prop_map(|text| text
            .chars()
            .skip(7)
            .take(40)
            .collect::<String>()),
        proptest::sample::select(vec![
            "Anna ",
            "Berg",
            "\n",
            "  ",
            "12 ",
            "Street",
            "name: ",
            "in ",
            "porto ",
            "de ",
            "x".repeat(60).leak(),
            "'s ",
            "\\n",
            "                    "
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(unit, 0..24).prop_map(|units| units.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_pieces_of_any_text_give_what_the_whole_gives(text in text(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6)) {
        let expected = whole(&text);
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut places: Vec<usize> = cuts.iter().map(|cut| borders[cut.index(borders.len())]).collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let parts: Vec<&str> = places.windows(2).map(|two| &text[two[0]..two[1]]).collect();
        prop_assert_eq!(pieces(parts), expected);
    }
}
