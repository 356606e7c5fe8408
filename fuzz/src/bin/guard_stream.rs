//! Guards: in pieces of any size a text gives what it gives whole, as text and as JSON.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tabellion_guard::{Content, Findings, Rule, Screen, Topic};

/// Made once: thousands of phrases take longer to make ready than a text to look at.
static SCREEN: OnceLock<Screen> = OnceLock::new();

fn screen() -> Screen {
    let topic = Topic { name: "t".to_owned(), terms: vec!["heron".into(), "two words".into()], at_least: 2 };
    let rules = [
        Rule::Words(vec!["a".into(), "project heron".into(), "ü-ber".into(), "机密".into()]),
        Rule::Topics(vec![topic]),
        Rule::Injection,
        Rule::Invisible,
    ];
    Screen::new(&rules).unwrap_or_else(|(rule, fault)| panic!("rule {rule}: {fault}"))
}

/// What is found in the text in pieces of these sizes, and how many characters were read.
fn looked(screen: &Screen, content: Content, text: &str, sizes: &[u8]) -> (Findings, u64) {
    let (mut findings, mut screening) = (Findings::default(), screen.begin(content));
    let mut rest = text;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let mut end = rest.len().min(usize::from(*sizes.next().unwrap_or(&255)) + 1);
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (piece, more) = rest.split_at(end);
        screen.push(&mut screening, piece, &mut findings);
        rest = more;
    }
    let read = screening.read();
    screen.finish(screening, &mut findings);
    (findings, read)
}

fuzz_target!(|data: &[u8]| {
    let Some((sizes, text)) = data.split_at_checked(4) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let screen = SCREEN.get_or_init(screen);
    for content in [Content::Text, Content::Json] {
        assert_eq!(
            looked(screen, content, text, sizes),
            looked(screen, content, text, &[255]),
            "found otherwise in pieces"
        );
    }
});
