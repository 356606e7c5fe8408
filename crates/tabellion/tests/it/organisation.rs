//! An organisation that uses the program: a running notary with gateway and control plane, people, systems, keys, and a provider behind it all.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::Script;

use super::control::{self, session};
use super::support::{Notary, Ran, Server};

/// Everything a test talks to; gone when it is dropped.
pub(crate) struct Organisation {
    pub(crate) notary: Notary,
    pub(crate) provider: Upstream,
    server: Option<Server>,
    /// Where the control plane is.
    pub(crate) control: String,
    /// Where the gateway is.
    pub(crate) gateway: String,
    /// The administrator: person and session.
    pub(crate) admin: Person,
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// An API key.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What came back of a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The record that decided it.
    pub(crate) fn record(&self) -> &str {
        self.header("tabellion-record").unwrap_or_else(|| panic!("an answer names its record: {self:?}"))
    }

    /// `error.code`, in the library's form.
    pub(crate) fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Organisation {
    /// Starts it, with models `small` and `large` at a provider that answers by `script`, and one rule that permits.
    pub(crate) fn new(script: impl Into<Script>) -> Self {
        Self::with(script, |_| String::new())
    }

    /// The same with what `more` adds to the section of that provider, and to the configuration behind it.
    pub(crate) fn with(script: impl Into<Script>, more: impl FnOnce(&Notary) -> String) -> Self {
        let (notary, provider) = (Notary::new(), Upstream::start(script));
        let configuration = notary.dir().join("tabellion.toml");
        let mut text = fs::read_to_string(&configuration).expect("its configuration");
        let section = format!(
            "\n[gateway]\nlisten = \"127.0.0.1:0\"\n[upstream.local]\nbase_url = \"{}\"\nmodels = [\"small\", \"large\"]\n",
            provider.base_url()
        );
        text.push_str(&section);
        text.push_str(&more(&notary));
        fs::write(&configuration, text).expect("its configuration");
        let server = notary.serve();
        let (control, gateway) = (control::address(&server), gateway_of(&server));
        let admin = Person { id: String::new(), token: String::new() };
        let mut organisation = Self { notary, provider, server: Some(server), control, gateway, admin };
        organisation.admin = organisation.person("Ada", "administrator");
        let policy = json!({"text": "@id(\"all\") permit (principal, action, resource);", "note": "approved by the board"});
        organisation.done("PUT", "/api/v1/policies/base", &policy);
        organisation
    }

    /// Adds somebody, who comes in by their link.
    pub(crate) fn person(&self, name: &str, role: &str) -> Person {
        let added = self.notary.run(&["person", "add", name, "--role", role, "--json"]).ends(0).json();
        let (status, opened) = session(&self.control, added["url"].as_str().expect("a link"));
        assert_eq!(status, 201, "{name} cannot come in: {opened}");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Person { id: text(&added["person"]), token: text(&opened["token"]) }
    }

    /// A request to the control plane with a session or a key.
    pub(crate) fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        control::ask(&self.control, method, path, token, body)
    }

    /// What somebody reads there.
    #[track_caller]
    pub(crate) fn read(&self, token: &str, path: &str) -> Value {
        let (status, answer) = self.ask(token, "GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// A change by the administrator.
    #[track_caller]
    pub(crate) fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(&self.admin.token, method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Registers a system of the administrator's with two purposes.
    pub(crate) fn draft_system(&self, name: &str) -> String {
        let made =
            self.done("POST", "/api/v1/systems", &json!({"name": name, "purposes": ["support", "testing"]}));
        made["result"]["id"].as_str().expect("an id").to_owned()
    }

    /// The same, live.
    pub(crate) fn system(&self, name: &str) -> String {
        let system = self.draft_system(name);
        self.move_to(&system, "live");
        system
    }

    /// Moves a system to another stage.
    pub(crate) fn move_to(&self, system: &str, stage: &str) {
        let body = json!({"stage": stage, "reason": "decided in the weekly meeting"});
        self.done("POST", &format!("/api/v1/systems/{system}/stage"), &body);
    }

    /// Issues a key; `more` restricts it.
    pub(crate) fn key(&self, system: &str, more: &Value) -> Key {
        let mut body = json!({"name": "backend"});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let made = self.done("POST", &format!("/api/v1/systems/{system}/keys"), &body);
        let text =
            |name: &str| made["result"][name].as_str().unwrap_or_else(|| panic!("{name}: {made}")).to_owned();
        let secret = text("secret");
        let id = secret.split('_').nth(1).expect("a key holds its id").to_owned();
        Key { id, secret }
    }

    /// A request to the gateway; `None`: the connection was refused, or ended before an answer began. An answer that breaks off fails the test.
    pub(crate) fn try_call(&self, headers: &[&str], method: &str, path: &str, body: &str) -> Option<Answer> {
        let mut connection = TcpStream::connect(&self.gateway).ok()?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        let request =
            format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        connection.write_all(request.as_bytes()).ok()?;
        let mut bytes = Vec::new();
        // A connection that is reset gives what came before.
        let _ = connection.read_to_end(&mut bytes);
        if bytes.is_empty() {
            return None;
        }
        let answer = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("half a head: {answer}"));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let answer = Answer { status, head: head.to_owned(), body: body.to_owned() };
        let whole = match answer.header("content-length") {
            Some(length) => length.parse() == Ok(body.len()),
            None => body.ends_with("0\r\n\r\n"),
        };
        assert!(whole, "an answer broke off: {answer:?}");
        Some(answer)
    }

    /// A chat call with a key.
    #[track_caller]
    pub(crate) fn chat(&self, secret: &str, model: &str, text: &str) -> Answer {
        let body = json!({"model": model, "messages": [{"role": "user", "content": text}]}).to_string();
        let bearer = format!("authorization: Bearer {secret}");
        self.try_call(&[&bearer], "POST", "/v1/chat/completions", &body).expect("the gateway answers")
    }

    /// A call as somebody sees it at the control plane.
    #[track_caller]
    pub(crate) fn call(&self, token: &str, record: &str) -> Value {
        self.read(token, &format!("/api/v1/calls/{record}"))
    }

    /// A call with what was captured of it, for which a person says why.
    #[track_caller]
    pub(crate) fn opened_call(&self, token: &str, record: &str) -> Value {
        let call = self.call(token, record);
        if call["evidence"]["withheld"] != "reason_needed" {
            return call;
        }
        let path = format!("/api/v1/calls/{record}/viewings");
        let (status, answer) = self.ask(token, "POST", &path, &json!({"reason": "a test of what is kept"}));
        assert_eq!(status, 201, "{path}: {answer}");
        self.call(token, record)
    }

    /// The running server.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// Waits for the server's end.
    pub(crate) fn wait(&mut self) -> Ran {
        self.server.take().expect("it runs").wait()
    }

    /// Ends the server in good order and starts it anew, on other ports.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// Starts the server that was ended, on other ports.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same with more of a command line.
    pub(crate) fn start_with(&mut self, more: &[&str]) {
        let server = Server::start_with(&self.notary.dir(), more);
        (self.control, self.gateway) = (control::address(&server), gateway_of(&server));
        self.server = Some(server);
    }

    /// Ends the server in good order.
    pub(crate) fn stop(&mut self) {
        self.server.take().expect("it runs").stop().ends(0);
    }
}

fn gateway_of(server: &Server) -> String {
    let said = server.said.lines().find_map(|line| line.split("gateway at http://").nth(1));
    said.and_then(|rest| rest.split('/').next()).expect("the server says where its gateway is").to_owned()
}
