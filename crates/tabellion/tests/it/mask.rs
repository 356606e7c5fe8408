//! Rules of masking as an operator tries them: with the built program, on text and on a table of cases, without a server.

use std::fs;
use std::path::Path;

use super::support::{Ran, tabellion};

const CONFIG: &str = "[upstream.abroad]\nbase_url = \"https://abroad.example/v1\"\nmodels = [\"m\"]\n\
[masking.abroad]\nupstreams = [\"abroad\"]\nblock = [\"payment_card\"]\nhash = [\"email\"]\n";

fn mask(dir: &Path, args: &[&str]) -> Ran {
    tabellion(&[&["mask"], args, &["--dir", dir.to_str().expect("plain paths")]].concat())
}

/// Requirement: V40.
#[test]
fn a_table_of_texts_is_held_to_what_it_says() {
    let place = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("plain paths").to_owned()
    };
    write("tabellion.toml", CONFIG);
    let right = write(
        "right.toml",
        "[[case]]\nname = \"at home\"\ntext = \"ann@example.org pays with 4111 1111 1111 1111\"\nsent = \"<EMAIL_*> pays with <CARD_*>\"\n\
         [[case]]\nname = \"abroad\"\nupstream = \"abroad\"\ntext = \"ann@example.org\"\nsent = \"<EMAIL#*>\"\n\
         [[case]]\nname = \"a card\"\nupstream = \"abroad\"\ntext = \"4111 1111 1111 1111\"\nblocked = [\"payment_card\"]\n",
    );
    let said = mask(place.path(), &["test", &right]).ends(0);
    assert_eq!(said.out, "3 texts, 0 of which did not become what their case says\n");
    let wrong = write(
        "wrong.toml",
        "[[case]]\nname = \"a card\"\ntext = \"4111 1111 1111 1111\"\nblocked = [\"payment_card\"]\n\
         [[case]]\nname = \"mail\"\nupstream = \"abroad\"\ntext = \"ann@example.org\"\nsent = \"<EMAIL_*>\"\n",
    );
    let said = mask(place.path(), &["test", &right, &wrong, "--json"]).ends(1).json();
    assert_eq!(said["tried"], 5);
    let faults: Vec<&str> =
        said["faults"].as_array().unwrap().iter().filter_map(|fault| fault["fault"].as_str()).collect();
    assert_eq!(
        faults,
        [
            "must be blocked for payment_card, would be sent",
            "must be sent as \"<EMAIL_*>\", would be sent as \"<EMAIL#*>\""
        ]
    );
    let vague = write("vague.toml", "[[case]]\nname = \"what\"\ntext = \"x\"\n");
    mask(place.path(), &["test", &vague]).refused(2, &["both or neither of sent and blocked"]);
    let misspelt = write("misspelt.toml", "[[case]]\nname = \"what\"\ntxt = \"x\"\n");
    mask(place.path(), &["test", &misspelt]).refused(2, &["txt", "docs/masking.md"]);
}

#[test]
fn the_examples_hold() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/masking");
    let of = |name: &str| examples.join(name).to_str().expect("plain paths").to_owned();
    tabellion(&["mask", "test", &of("cases.toml"), "--config", &of("tabellion.toml")]).ends(0);
}

/// Requirement: V40.
#[test]
fn a_text_is_shown_as_it_would_be_sent() {
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("tabellion.toml"), CONFIG).expect("a file");
    let text = place.path().join("letter.txt");
    fs::write(&text, "Dear ann@example.org,\n").expect("a file");
    let letter = text.to_str().expect("plain paths");
    let said = mask(place.path(), &["text", letter]).ends(0);
    assert_eq!(said.out, "Dear <EMAIL_*>,\n");
    assert!(said.err.contains("1 x email: pseudonymise") && said.err.contains("no rule is for such a call"));
    let said = mask(place.path(), &["text", letter, "--upstream", "abroad"]).ends(0);
    assert_eq!(said.out, "Dear <EMAIL#*>,\n");
    assert!(said.err.contains("rules: abroad@masking.1-"), "{}", said.err);
    fs::write(&text, "card 4111 1111 1111 1111\n").expect("a file");
    let said = mask(place.path(), &["text", letter, "--upstream", "abroad"]).ends(1);
    assert!(said.out.is_empty(), "what would not be sent is shown as if it were: {}", said.out);
    assert!(said.err.contains("would not be sent: it holds payment_card"), "{}", said.err);
    mask(place.path(), &["text", letter, "--upstream", "abraod"])
        .refused(2, &["[upstream.abraod]", "it has abroad"]);
    let nowhere = tempfile::tempdir().expect("a directory");
    mask(nowhere.path(), &["text", letter, "--upstream", "abroad"])
        .refused(2, &["there is no configuration at"]);
    fs::write(place.path().join("tabellion.toml"), "[masking.x]\nblock = [\"creditcard\"]\n")
        .expect("a file");
    mask(place.path(), &["text", letter]).refused(2, &["[masking.x]", "creditcard"]);
}
