//! `report.html`: what it says, what it must never say, and that nothing in it runs.

use std::fs;
use std::path::Path;

use tabellion_app::ExportRequest;
use tabellion_ledger::{Draft, DraftStream};
use tabellion_model::{DisclosurePolicy, Env, PACKAGE_SCOPE};

use crate::fixture::{Log, SUBJECT, day, document, text};

fn everything() -> ExportRequest {
    ExportRequest::everything(DisclosurePolicy::All)
}

fn report(log: &Log, request: &ExportRequest) -> String {
    text(&log.export(request).1, "report.html")
}

/// What a reader sees: the page without its style sheet and tags.
fn words(page: &str) -> String {
    let body = page.split("</style>").nth(1).expect("the page has a body");
    let mut words = String::new();
    let mut in_tag = false;
    for character in body.chars() {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            seen if !in_tag => words.push(seen),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_report_answers_what_an_auditor_asks_first() {
    let log = Log::sample();
    let request = ExportRequest {
        period: Some((day("2026-03-01"), day("2026-04-01"))),
        framework: Some("ISO/IEC 42001".to_owned()),
        ..everything()
    };
    let said = words(&report(&log, &request));
    for (sentence, why) in [
        (PACKAGE_SCOPE, "what the package shows"),
        ("it gives no verdict: only a verifier does", "that the page is no proof"),
        ("notary.example/log/acme", "which log"),
        ("2026-03-01 00:00:00 UTC (inside) to 2026-04-01 00:00:00 UTC (outside)", "which period"),
        ("This package evidences records; it carries no clause index", "what the framework label means"),
        ("Writer key rotated", "that a key changed"),
        ("both signed", "who agreed to the change"),
        ("Legal hold placed", "that content is on hold"),
        ("pending claim", "why"),
        ("6 units erased under order", "what was erased"),
        ("request of the data subject", "why it was erased"),
        ("complete, closed", "which epochs ended"),
        ("unknown after", "which epochs did not"),
        ("policy-0.pdf", "what was disclosed"),
        ("1 field erased, tombstone at entry", "what is gone from a record"),
        ("Contains content about persons in 1 unit", "that the file has to be handled with care"),
    ] {
        assert!(said.contains(sentence), "the report does not say {why} ({sentence:?} is missing)");
    }
    assert!(!said.contains("Environment: "), "a report of production would carry the sandbox notice");
    let sandbox = words(&report(&Log::in_env(Env::Sandbox), &everything()));
    assert!(sandbox.contains("Environment: sandbox."), "a sandbox would pass for production");
}

/// Requirement: A21
#[test]
fn no_generated_text_claims_what_only_others_may_say() {
    let log = Log::sample();
    for request in [everything(), ExportRequest { framework: Some("EU AI Act".to_owned()), ..everything() }] {
        let (_, package) = log.export(&request);
        for name in ["report.html", "VERIFY.txt", "manifest.json"] {
            let said = text(&package, name).to_lowercase();
            for word in [
                "compliant",
                "compliance",
                "certified",
                "tamper-proof",
                "tamperproof",
                "guarantee",
                "conforms with",
            ] {
                assert!(!said.contains(word), "{name} says {word:?}, which is for an auditor to say");
            }
        }
    }
}

/// Text that would run, load, hide or reorder something if it were not made inert.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</style></table><h1>verified</h1>",
    "<!-- <iframe src=https://evil.example>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&#x202e;",
    "invoice \u{202e}000.1\u{202c} EUR\u{0}\u{1b}[31m\u{200b}",
    "javascript:alert(1)' style='position:fixed",
];

#[test]
fn hostile_text_is_inert_and_visible() {
    let log = Log::new();
    for (number, text) in (0..).zip(HOSTILE) {
        let mut draft = Draft::new("document.captured").with("name", text).about(
            SUBJECT,
            "note",
            serde_json::json!({ "deep": [text] }),
        );
        draft.stream = Some(DraftStream { name: format!("documents/{number}"), expected: None });
        log.append(&[draft]);
    }
    log.ledger
        .erase(&tabellion_ledger::ErasureTarget::Subject(SUBJECT.to_owned()), HOSTILE[0])
        .expect("a subject can be erased for any reason");
    let framework = "\"><script>alert('framework')</script>".to_owned();
    let page = report(&log, &ExportRequest { framework: Some(framework), ..everything() });
    let markup = page.split("</style>").nth(1).expect("a body");
    let lower = markup.to_lowercase();
    for inert in
        ["<script", "<img", "<iframe", "<h1>verified", "<!--", "javascript:alert(1)' style='", "</style"]
    {
        assert!(!lower.contains(inert), "{inert:?} of a record became part of the page");
    }
    assert!(!lower.contains(" onerror=alert(1)>"), "a handler of a record became part of the page");
    for hidden in ['\u{202e}', '\u{202c}', '\u{0}', '\u{1b}', '\u{200b}'] {
        assert!(
            !page.contains(hidden),
            "U+{:04X} of a record would change what a reader sees",
            u32::from(hidden)
        );
    }
    assert!(
        page.contains("invoice ⟨U+202E⟩000.1⟨U+202C⟩ EUR⟨U+0000⟩⟨U+001B⟩[31m⟨U+200B⟩"),
        "a hidden character would stay hidden"
    );
    assert!(words(&page).contains("{{ 7 * 7 }}{% raw %}"), "text of a record was read as a template");
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let page = report(&Log::sample(), &everything());
    let lower = page.to_lowercase();
    for forbidden in [
        "<script", "http://", "https://", "src=", "@import", "url(", "<link", "<iframe", "<object", "<form",
        " onload", "style=\"",
    ] {
        assert!(!lower.contains(forbidden), "the page holds {forbidden:?}: it could run or load something");
    }
    assert!(
        page.contains("default-src 'none'; style-src 'sha256-"),
        "the page would not forbid itself to load anything"
    );
    assert!(
        page.contains("@media print") && page.contains("prefers-color-scheme: dark"),
        "the page has one look only"
    );
}

#[test]
fn a_long_log_is_cut_with_a_sentence_that_says_where_the_rest_is() {
    let log = Log::new();
    let drafts: Vec<Draft> = (0..700).map(document).collect();
    log.append(&drafts);
    let page = report(&log, &everything());
    let said = words(&page);
    let total = log.reader().size() - 2;
    assert!(
        said.contains(&format!("The first 500 of {total} records")),
        "a reader would take a part for the whole"
    );
    assert!(
        said.contains(&format!("{} more records are in entries/", total - 500)),
        "a reader would not find the rest"
    );
    assert_eq!(
        page.matches("<tr id=\"e").count(),
        500,
        "the page would have another number of rows than it says"
    );
    let wordy = Log::new();
    wordy.append(&[Draft::new("document.captured").with("text", "x".repeat(5_000))]);
    assert!(
        words(&report(&wordy, &everything())).contains("… (4600 more characters)"),
        "a cut value would pass for the whole"
    );
}

/// The page's text, held against a file so that a change of wording is seen in review. Set `UPDATE_GOLDEN=1` to write it again, and
/// `PACKAGE_OUT` to a file name to look at the package itself.
#[test]
fn the_words_of_the_pages_are_reviewed() {
    let log = Log::sample();
    let request = ExportRequest { framework: Some("ISO/IEC 42001".to_owned()), ..everything() };
    let (_, package) = log.export(&request);
    if let Some(path) = std::env::var_os("PACKAGE_OUT") {
        fs::write(path, &package).expect("the package can be written");
    }
    golden("report.txt", &without_ids(&words(&text(&package, "report.html")).replace(". ", ".\n")));
    golden("VERIFY.txt", &without_ids(&text(&package, "VERIFY.txt")));
}

fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory can be made");
        fs::write(&path, found).expect("a golden file can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    for (number, (kept, found)) in (1..).zip(kept.lines().zip(found.lines())) {
        assert_eq!(
            found, kept,
            "line {number} of {name} changed; if that is meant, run again with UPDATE_GOLDEN=1"
        );
    }
    assert_eq!(
        found.lines().count(),
        kept.lines().count(),
        "{name} is longer or shorter; if that is meant, run again with UPDATE_GOLDEN=1"
    );
}

/// Ids, hashes, keys, times and long numbers become `#`, so that the file holds wording and order alone.
fn without_ids(page: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '=');
    let mut kept = String::new();
    let mut run = String::new();
    for character in page.chars().chain(['\n']) {
        if is_part(character) {
            run.push(character);
            continue;
        }
        let digits = run.chars().filter(char::is_ascii_digit).count();
        let hex = run.len() >= 8 && run.chars().all(|one| one.is_ascii_digit() || ('a'..='f').contains(&one));
        let base64 = run.len() >= 40 && digits > 0;
        let number = digits >= 3 && digits == run.len();
        kept.push_str(if hex || base64 || number { "#" } else { &run });
        run.clear();
        kept.push(character);
    }
    kept
}
