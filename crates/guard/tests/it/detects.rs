//! Detectors: what they say of texts, what they do not read, and how much they find of a small set that was written for them.

use tabellion_guard::{Detected, Detecting, Detector, NotRead, Topic};

fn look(detector: &Detector, text: &str) -> Result<Detected, NotRead> {
    Detecting::new(detector).expect("a detector").look(text)
}

fn labels(detector: &Detector, text: &str) -> Vec<String> {
    let found = look(detector, text).unwrap_or_else(|why| panic!("{text:?} was not read: {why:?}"));
    found.labels.into_iter().map(|(label, _)| label).collect()
}

const GERMAN: &str = "Ich habe gestern einen Brief von der Bank bekommen, in dem steht, dass die Rate für das Haus im nächsten Jahr steigen wird. Können Sie mir \
    bitte erklären, warum das so ist und was ich dagegen tun kann?";
const FRENCH: &str = "Bonjour, je voudrais savoir pourquoi ma demande de crédit a été refusée la semaine dernière, alors que tous les documents nécessaires ont \
    été envoyés à votre agence depuis longtemps.";
const ENGLISH: &str = "I would like to know why the instalments of my loan have changed since the beginning of the year, and whether there is anything that I \
    could do about that before the next payment is due.";

/// Requirement: P15. A language is told where there is enough of it, and is undetermined where there is not.
#[test]
fn languages_are_told_apart_or_said_to_be_unknown() {
    for (text, code) in [(GERMAN, "deu"), (FRENCH, "fra"), (ENGLISH, "eng")] {
        let found = look(&Detector::Language, text).expect("letters");
        assert_eq!(found.labels, [(code.to_owned(), 1)], "{text}");
        assert!((1..=10_000).contains(&found.score_per_10000.expect("how sure it is")), "{found:?}");
    }
    assert_eq!(labels(&Detector::Language, "ok"), ["und"], "two letters were taken for a language");
    assert_eq!(
        look(&Detector::Language, "12 + 30 = 42"),
        Err(NotRead::NoText),
        "figures were taken for a language"
    );
}

/// Requirement: P15. Words are read by their list, turned around by a denial; what is in another language is not read, which is not "neutral".
#[test]
fn moods_are_told_in_english_alone() {
    for (text, label) in [
        ("The support was excellent and my problem is solved.", "positive"),
        ("Your app is terrible, it crashed again and I lost my work.", "negative"),
        ("The answer was not helpful at all.", "negative"),
        ("It never crashed.", "positive"),
        ("The design is good but the app is slow.", "mixed"),
        (ENGLISH, "neutral"),
    ] {
        assert_eq!(labels(&Detector::Sentiment, text), [label], "{text}");
    }
    let [weak, strong] = ["It is good, and slow.", "It is excellent, and slow."]
        .map(|text| look(&Detector::Sentiment, text).expect("English").score_per_10000.expect("a balance"));
    assert_eq!(weak, 0, "good and ill outweigh one another");
    assert!(strong > weak, "a stronger word weighs no more: {strong}");
    for detector in [Detector::Sentiment, Detector::Toxicity] {
        assert_eq!(look(&detector, GERMAN), Err(NotRead::Language), "what was not read passed as harmless");
        assert_eq!(
            look(&detector, "Danke schön"),
            Err(NotRead::Language),
            "a short text of no known word was read as English"
        );
    }
}

/// What somebody would call abuse, and whether the list knows it.
const ABUSE: &[(&str, Option<&str>)] = &[
    ("You are an idiot and everybody knows it.", Some("insult")),
    ("you're such a loser", Some("insult")),
    ("You\u{2019}re so PATHETIC!", Some("insult")),
    ("Listen, you stupid machine.", Some("insult")),
    ("You are nothing but a waste of space.", Some("insult")),
    ("I will kill you if you do that again.", Some("threat")),
    ("We'll make you suffer for this.", Some("threat")),
    ("Just go and kill yourself already.", Some("urging-harm")),
    ("Nobody would miss you.", Some("urging-harm")),
    ("Shut your mouth.", Some("profanity")),
    ("fuck off with your policy", Some("profanity")),
    // What no list of phrases has.
    ("Did your mother drop you on the head as a child?", None),
    ("People like you should not be allowed to vote.", None),
    ("Careful, I know where your kids go to school.", None),
    ("What a clown you must be to ask that.", None),
    ("Go back to where you came from.", None),
];
/// What nobody would call abuse, and whether the list takes it for some.
const PLAIN: &[(&str, Option<&str>)] = &[
    ("How do I kill a process that will not stop?", None),
    ("If you trash the file, can I get it back?", None),
    ("You are right, thank you for the quick answer.", None),
    ("The garbage collector runs too often.", None),
    ("I will beat my own record next year.", None),
    ("This is a stupid bug in our own code.", None),
    ("You are not a loser, and it will get better.", None),
    ("Please shut down the server at noon.", None),
    ("The idiot in the novel is its hero.", None),
    ("We are going to destroy the old disks tomorrow.", None),
    ("What the hell does this error mean?", None),
    ("Her disgrace is the theme of the third act.", None),
    // A text about abuse that quotes it.
    ("He wrote \"you are worthless\" under my picture. What can I do?", Some("insult")),
];

/// Requirement: P15. The figures of docs/enrichments.md: of 16 abusive texts 11 are found, and one of 13 others is taken for one.
#[test]
fn abuse_is_found_as_far_as_the_list_goes_and_the_figures_say_how_far() {
    let found = |text: &str| labels(&Detector::Toxicity, text);
    for (text, family) in ABUSE.iter().chain(PLAIN) {
        assert_eq!(found(text), family.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{text}");
    }
    let hits = |texts: &[(&str, Option<&str>)]| texts.iter().filter(|(_, family)| family.is_some()).count();
    assert_eq!(
        (hits(ABUSE), ABUSE.len(), hits(PLAIN), PLAIN.len()),
        (11, 16, 1, 13),
        "the published figures are others"
    );
    let two =
        look(&Detector::Toxicity, "Good morning. You are an idiot. Fuck off! What now?").expect("English");
    assert_eq!(two.labels, [("insult".to_owned(), 1), ("profanity".to_owned(), 1)]);
    assert_eq!(two.score_per_10000, Some(5_000), "two of four sentences");
}

/// Requirement: P15. Topics are those of guards, in a detector that stops nothing.
#[test]
fn topics_are_told_by_their_terms() {
    let topic = |name: &str, terms: &[&str]| Topic {
        name: name.to_owned(),
        terms: terms.iter().map(|term| (*term).to_owned()).collect(),
        at_least: 2,
    };
    let detector = Detector::Topics(vec![
        topic("loans", &["instalment", "interest", "loan"]),
        topic("health", &["dose", "fever"]),
    ]);
    assert_eq!(labels(&detector, "What is the interest on a LOAN?"), ["loans"]);
    assert!(labels(&detector, "What is the interest?").is_empty(), "one term makes no topic");
    assert!(Detecting::new(&Detector::Topics(Vec::new())).is_err(), "a detector that looks for nothing");
}
