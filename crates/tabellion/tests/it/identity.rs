//! An identity provider that nobody reaches, with the program itself: what its operator reads.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use serde_json::json;
use tabellion_testkit::upstream::{Answer, openai};

use super::organisation::Organisation;
use super::support::wait_until;

/// What stands for the client; no key of the log, since no token comes.
const CLIENT_KEY: &str = "6f1d0c3b5a2e4f708192a3b4c5d6e7f8";

/// Requirement: G04. The server stays ready and says why tokens are refused: in a note, and once in its log. Keys of our own go on.
#[test]
fn an_operator_reads_why_tokens_are_refused() {
    let mut house = Organisation::new(Answer::json(200, openai::CHAT));
    let key = house.key(&house.system("Loan support"), &json!({}));
    house.stop();
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let configuration = house.notary.dir().join("tabellion.toml");
    let mut text = fs::read_to_string(&configuration).expect("its configuration");
    let more = format!(
        "\n[identity.corp]\nissuer = \"https://login.example\"\njwks_url = \"http://127.0.0.1:{port}/keys\"\n\
         audiences = [\"tabellion\"]\nagain_seconds = 1\n[identity.corp.clients]\nloans = \"{CLIENT_KEY}\"\n"
    );
    text.push_str(&more);
    fs::write(&configuration, text).expect("its configuration");
    house.start();
    let noted = || {
        let ready = house.read("", "/readyz");
        let notes = ready["notes"].as_array().into_iter().flatten().filter_map(|note| note.as_str());
        notes.filter(|note| note.starts_with("identity: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    wait_until("the note", || !noted().is_empty());
    let note = noted().pop().expect("a note");
    for said in ["the keys of corp cannot be read", "nobody answers", "Its tokens are refused"] {
        assert!(note.contains(said), "{said} is not said: {note}");
    }
    assert_eq!(house.chat(&key.secret, "small", "Hello").status, 200, "keys of our own need no issuer");
    let mut said = house.server().said.clone();
    house.server().terminate();
    said.push_str(&house.wait().ends(0).err);
    let lines =
        said.lines().filter(|line| line.starts_with("identity corp: its keys cannot be read")).count();
    assert_eq!(lines, 1, "an operator's log says it never, or again and again: {said}");
}
