//! The control plane as an operator meets it: the first person comes in by a link, over the socket or the held log.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::support::{Notary, Server};

/// Where a server's control plane listens.
pub(crate) fn address(server: &Server) -> String {
    let said = server.said.lines().find_map(|line| line.split("control plane at http://").nth(1));
    said.and_then(|rest| rest.split(',').next())
        .expect("the server says where its control plane is")
        .to_owned()
}

/// Status and body of one request.
pub(crate) fn ask(address: &str, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
    ask_with(address, method, path, token, "", body)
}

/// A `PUT` in place of the version that somebody read.
pub(crate) fn change(address: &str, path: &str, token: &str, version: &Value, body: &Value) -> (u16, Value) {
    ask_with(address, "PUT", path, token, &format!("if-match: \"{version}\"\r\n"), body)
}

fn ask_with(address: &str, method: &str, path: &str, token: &str, more: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(address).expect("the control plane listens");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n{more}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("the request is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

pub(crate) fn session(address: &str, url: &str) -> (u16, Value) {
    let link = url.split_once("#link=").expect("a link holds its token behind the #").1;
    ask(address, "POST", "/api/v1/session", "", &json!({"link": link, "for": "program"}))
}

#[test]
fn the_first_administrator_comes_in_by_a_link_and_registers_a_system() {
    let notary = Notary::new();
    // Before any server runs: the command holds the log itself.
    let held = notary.run(&["person", "add", "Ada", "--role", "administrator", "--json"]).ends(0).json();
    let server = Server::start(&notary.dir());
    let address = address(&server);
    assert_eq!(
        ask(&address, "GET", "/readyz", "", &Value::Null).0,
        200,
        "a supervisor would not send traffic"
    );
    let (status, opened) = session(&address, held["url"].as_str().expect("a link"));
    assert_eq!(status, 201, "the first administrator cannot come in: {opened}");
    let token = opened["token"].as_str().expect("a token").to_owned();
    let (status, refused) = session(&address, held["url"].as_str().expect("a link"));
    assert_eq!((status, refused["code"].as_str()), (403, Some("link_unusable")), "a link works once");
    let body = json!({"name": "Loan support", "purposes": ["support"]});
    let (status, made) = ask(&address, "POST", "/api/v1/systems", &token, &body);
    assert_eq!(status, 201, "{made}");
    let policy = json!({"text": "permit (principal, action, resource);", "note": "to begin with"});
    let (status, published) = ask(&address, "PUT", "/api/v1/policies/base", &token, &policy);
    assert_eq!(status, 200, "{published}");
    let faulty = json!({"text": "permit (principal, action, resource) when { context.porpose == \"x\" };"});
    let (status, refused) = ask(&address, "POST", "/api/v1/policies/check", &token, &faulty);
    assert_eq!(
        (status, refused["code"].as_str()),
        (422, Some("policy_faulty")),
        "a misspelt name would be published"
    );
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("line 1")), "{refused}");
    // While a server runs: the same command goes through it, and the person is there at once.
    let again =
        notary.run(&["person", "link", held["person"].as_str().expect("an id"), "--json"]).ends(0).json();
    assert_eq!(session(&address, again["url"].as_str().expect("a link")).0, 201);
    notary.run(&["person", "link", &"0".repeat(32)]).refused(1, &["no person"]);
    server.stop().ends(0);
    let server = Server::start(&notary.dir());
    let address = self::address(&server);
    let (status, systems) = ask(&address, "GET", "/api/v1/systems", &token, &Value::Null);
    assert_eq!(
        (status, &systems["systems"][0]["id"]),
        (200, &made["result"]["id"]),
        "a restart forgot what was recorded"
    );
    server.stop().ends(0);
}

#[test]
fn a_port_that_is_taken_is_said_and_nothing_is_served() {
    let notary = Notary::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("an address").to_string();
    let mut command = super::support::command(&["serve", "--dir", &notary.dir_text()]);
    let output = command.env("TABELLION_CONSOLE__LISTEN", &listen).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&listen) && said.contains("[console] listen"),
        "the operator is not told what to do: {said}"
    );
}

#[test]
fn the_operator_ends_the_sessions_of_a_person_by_name() {
    let notary = Notary::new();
    let held = notary.run(&["person", "add", "Ada", "--role", "administrator", "--json"]).ends(0).json();
    let server = Server::start(&notary.dir());
    let address = address(&server);
    let (status, opened) = session(&address, held["url"].as_str().expect("a link"));
    assert_eq!(status, 201, "{opened}");
    let token = opened["token"].as_str().expect("a token");
    notary.run(&["person", "sign-out", "Bob"]).refused(2, &["Bob", "id"]);
    assert_eq!(ask(&address, "GET", "/api/v1/session", token, &Value::Null).0, 200);
    notary.run(&["person", "sign-out", "Ada"]).ends(0);
    let ended = ask(&address, "GET", "/api/v1/session", token, &Value::Null);
    assert_eq!(ended.0, 401, "a stolen session goes on: {}", ended.1);
}
