//! What somebody finds who has a whole package, or every file of a data directory, and tries values in the place of what was masked: nothing.

use std::collections::HashMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tabellion_testkit::upstream::{Answer, Script, openai};

use super::erasure::walk;
use super::organisation::Organisation;

/// How many numbers are tried: all that end in four other digits.
const TRIED: u32 = 10_000;
/// Which of them was sent.
const RIGHT: u32 = 1820;
/// Bytes of a digest, and its length in hex.
const DIGEST_BYTES: usize = 32;
const DIGEST_HEX: usize = 64;
/// Shortest text in base64 that could hold a digest in hex.
const SHORTEST_BASE64: usize = 86;

/// What digests are of, by digest.
type Guesses = HashMap<[u8; DIGEST_BYTES], String>;

fn text(last: u32) -> String {
    format!("Call +49 30 90{last:04} today")
}

/// A request as [`Organisation::chat`] sends it.
fn request(model: &str, text: &str) -> String {
    json!({"model": model, "messages": [{"role": "user", "content": text}]}).to_string()
}

/// Plain digests of what came and went, of the text and of the number, for every number.
fn guesses() -> Guesses {
    let forms = |last| {
        let text = text(last);
        let number = format!("+49 30 90{last:04}");
        let answer = openai::chat_of(&text);
        [request("small", &text), request("unheard-of", &text), answer, text, number]
    };
    (0..TRIED).flat_map(forms).map(|form| (Sha256::digest(&form).into(), form)).collect()
}

/// What of `guesses` stands in `bytes`: as bytes, in hex, or in hex within base64 as disclosures have it.
fn found(bytes: &[u8], guesses: &Guesses) -> Vec<String> {
    let plain = bytes.windows(DIGEST_BYTES).filter_map(|window| {
        let digest: [u8; DIGEST_BYTES] = window.try_into().ok()?;
        guesses.get(&digest).cloned()
    });
    let mut all: Vec<String> = plain.chain(in_hex(bytes, guesses)).collect();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    for run in bytes.split(|byte| !is_base64(byte)).filter(|run| run.len() >= SHORTEST_BASE64) {
        if let Ok(inner) = URL_SAFE_NO_PAD.decode(run) {
            all.extend(in_hex(&inner, guesses));
        }
    }
    all
}

fn in_hex(bytes: &[u8], guesses: &Guesses) -> Vec<String> {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let runs = bytes.split(|byte| !is_hex(byte)).filter(|run| run.len() >= DIGEST_HEX);
    let windows = runs.flat_map(|run| run.windows(DIGEST_HEX));
    let read = windows.filter_map(|window| <[u8; DIGEST_BYTES]>::try_from(hex::decode(window).ok()?).ok());
    read.filter_map(|digest| guesses.get(&digest).cloned()).collect()
}

/// Requirement: G17. Neither who has a package that discloses all, with the masked prompt in it, nor who has the data directory, views included, finds a masked
/// number by trying all of them; who made the call shows what it sent and got by its salt.
#[test]
fn no_digest_in_a_package_or_a_file_gives_away_what_was_masked() {
    let script =
        Script::by(|request, _| Answer::json(200, openai::chat_of(&openai::last_message(&request.body))));
    let mut organisation = Organisation::new(script);
    let system = organisation.system("Help desk");
    let captures = format!("/api/v1/systems/{system}/capture");
    organisation.done("POST", &captures, &json!({"capture": "masked", "reason": "a review"}));
    let key = organisation.key(&system, &json!({}));
    let answered = organisation.chat(&key.secret, "small", &text(RIGHT));
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(answered.body.contains(&text(RIGHT)), "the caller gets its value back: {answered:?}");
    assert!(!organisation.provider.requests()[0].text().contains("901820"), "the mask did not hold");
    let denied = organisation.chat(&key.secret, "unheard-of", &text(RIGHT));
    assert_eq!(denied.code(), "unknown_model", "{denied:?}");
    // What its caller can show by its salts: searching finds what is there.
    let sent = [request("small", &text(RIGHT)), request("unheard-of", &text(RIGHT))];
    let opened: Guesses = [(&answered, &sent[0]), (&answered, &answered.body), (&denied, &sent[1])]
        .into_iter()
        .map(|(answer, bytes)| {
            let salt = hex::decode(answer.header("tabellion-salt").expect("a salt")).expect("hex");
            (Sha256::digest([salt.as_slice(), bytes.as_bytes()].concat()).into(), bytes.clone())
        })
        .collect();
    let salts =
        [&answered, &denied].map(|answer| answer.header("tabellion-salt").expect("a salt").to_owned());
    organisation.stop();

    let package = organisation.notary.beside_text("all.zip");
    organisation.notary.run(&["export", "--out", &package, "--disclose", "all"]).ends(0);
    let package = fs::read(package).expect("the package");
    let (guesses, files) = (guesses(), walk(&organisation.notary.dir()));
    assert!(guesses.values().any(|form| *form == sent[0]) && guesses.values().any(|form| *form == sent[1]));
    assert_eq!(found(&package, &guesses), Vec::<String>::new(), "whoever has the package finds the number");
    for file in &files {
        let bytes = fs::read(file).expect("a file of the directory");
        assert_eq!(found(&bytes, &guesses), Vec::<String>::new(), "{} gives the number away", file.display());
        for salt in &salts {
            let raw = hex::decode(salt).expect("hex");
            let is_there = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            assert!(!is_there(salt.as_bytes()) && !is_there(&raw), "{} has a salt", file.display());
        }
    }
    let mut shown = found(&package, &opened);
    shown.sort_unstable();
    shown.dedup();
    let mut due: Vec<String> = opened.values().cloned().collect();
    due.sort_unstable();
    due.dedup();
    assert_eq!(shown, due, "who made the calls can show nothing of them");
    let secret: Guesses = [(Sha256::digest(&key.secret).into(), "the key".to_owned())].into();
    let views = files.iter().filter(|file| file.components().any(|part| part.as_os_str() == "views"));
    let mut kept = views.map(|file| fs::read(file).expect("a view"));
    assert!(
        kept.any(|bytes| !found(&bytes, &secret).is_empty()),
        "nothing would be found in views either way"
    );
}
