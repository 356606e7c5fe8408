//! The provider's key is nowhere but in requests to the provider: not in the log, the views, the numbers, the pages, the program's talk or a caller's answer,
//! whatever the provider says back.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Request, Script, openai};

use super::organisation::{Key, Organisation};
use super::secrets::{files_below, forms, holds};
use super::support::Notary;

const KEY: &str = "sk-live-Qm7tZr2Vw9Kx4Lp8Nd3B";
/// Of an authority that vouches for nobody here.
const AUTHORITY: &[u8] = include_bytes!("../../../tlog/tests/golden/anchor/authority-p256.der");
/// What a caller says, so that the provider plays it.
const SCENES: [&str; 8] = [
    "goes well",
    "echo 400",
    "echo 401",
    "echo 500",
    "echo header",
    "echo answer",
    "echo page",
    "breaks off",
];

fn error_of(text: &str) -> Value {
    json!({ "error": { "message": text, "type": "invalid_request_error", "param": null, "code": null } })
}

/// A provider that says what it was sent, its key above all.
fn echoes(request: &Request) -> Answer {
    let sent = request.header("authorization").unwrap_or_default().to_owned();
    let asked = openai::last_message(&request.body);
    let error = error_of(&format!("I do not like {sent}")).to_string();
    match asked.as_str() {
        "echo 400" => Answer::json(400, error),
        "echo 401" => Answer::json(401, error),
        "echo 500" => Answer::json(500, error),
        "echo header" => Answer::json(200, openai::chat_of("fine")).header("x-echo", &sent),
        "echo answer" => Answer::json(200, openai::chat_of(&sent)),
        "echo page" => Answer::with_body(200, "text/html", sent),
        "echo stream" => Answer::events(format!("{}data: {error}\n\n", openai::content_event("fine"))),
        "breaks off" => Answer::json(200, openai::chat_of("fine")).cut_after(20),
        _ => Answer::json(200, openai::chat_of("fine")),
    }
}

/// Whoever connects gets a line that is no TLS.
fn no_tls() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
        }
    });
    port
}

/// The key for the one provider, and two more providers with it: one that is gone, and one that cannot show who it is.
fn configured(notary: &Notary) -> String {
    let key = notary.private_file("provider.key", format!("{KEY}\n").as_bytes());
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(AUTHORITY));
    let authority = notary.file("authority.pem", pem.as_bytes());
    let (gone, port) = (Upstream::nobody(), no_tls());
    format!(
        "key_file = \"{key}\"\n\
         [upstream.gone]\nbase_url = \"{gone}\"\nmodels = [\"gone\"]\nkey_file = \"{key}\"\n\
         [upstream.untrusted]\nbase_url = \"https://127.0.0.1:{port}/v1\"\nmodels = [\"untrusted\"]\n\
         key_file = \"{key}\"\nca_file = \"{authority}\"\n"
    )
}

/// All that comes back of a request, as it is.
fn exchanged(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.write_all(request.as_bytes()).expect("the request is taken");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn fetched(organisation: &Organisation, path: &str) -> String {
    let (address, token) = (&organisation.control, &organisation.admin.token);
    let credential = if path.starts_with("/api/") {
        format!("authorization: Bearer {token}")
    } else {
        format!("accept: text/html\r\ncookie: tabellion_session={token}")
    };
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{credential}\r\n\r\n");
    exchanged(address, &head)
}

/// Calls of every kind; what callers got.
fn calls(organisation: &Organisation, key: &Key) -> Vec<(String, String)> {
    let mut got = Vec::new();
    for scene in SCENES {
        let answer = organisation.chat(&key.secret, "small", scene);
        got.push((scene.to_owned(), format!("{answer:?}")));
    }
    for model in ["gone", "untrusted", "no-such-model"] {
        let answer = organisation.chat(&key.secret, model, "goes well");
        assert_ne!(answer.status, 200, "{model}: {answer:?}");
        got.push((model.to_owned(), format!("{answer:?}")));
    }
    let denied = organisation.chat("tbl_wrong", "small", "goes well");
    got.push(("a wrong key".to_owned(), format!("{denied:?}")));
    got
}

/// Everything that can be read at the control plane without naming anything.
fn pages(organisation: &Organisation) -> Vec<(String, String)> {
    let described = organisation.read(&organisation.admin.token, "/api/openapi.json");
    let paths = described["paths"].as_object().expect("paths");
    let plain = paths.iter().filter(|(path, methods)| !path.contains('{') && methods.get("get").is_some());
    let mut all: Vec<String> = plain.map(|(path, _)| path.clone()).collect();
    assert!(all.len() > 30, "the description has hardly a page: {all:?}");
    all.extend(
        ["/", "/inbox", "/traffic", "/calls", "/providers", "/ledger", "/settings"].map(str::to_owned),
    );
    let listed = organisation.read(&organisation.admin.token, "/api/v1/calls");
    for call in listed["calls"].as_array().expect("calls") {
        let id = call["id"].as_str().or_else(|| call["record"].as_str());
        all.extend(id.iter().flat_map(|id| [format!("/api/v1/calls/{id}"), format!("/calls/{id}")]));
    }
    let read = all.into_iter().map(|path| {
        let text = fetched(organisation, &path);
        (path, text)
    });
    read.collect()
}

/// Requirement: G19. After calls that went well, were refused, broke off, were not let through or met nobody, and a provider that repeats the key in each way that
/// it can, no form of it stands anywhere that is written or shown.
#[test]
fn the_providers_key_gets_nowhere_but_to_the_provider() {
    let mut organisation = Organisation::with(Script::by(|request, _| echoes(request)), configured);
    let system = organisation.system("Loan support");
    let key = organisation.key(&system, &json!({}));
    let kept = json!({ "capture": "masked", "reason": "what is kept is looked through as well" });
    organisation.done("POST", &format!("/api/v1/systems/{system}/capture"), &kept);
    let mut everything = calls(&organisation, &key);
    let heard = organisation.provider.requests();
    assert!(
        heard.iter().any(|request| request.head.contains(KEY)),
        "the test looks for a key that nobody uses"
    );

    let body = json!({ "model": "small", "stream": true, "messages": [{ "role": "user", "content": "echo stream" }] });
    let body = body.to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        key.secret,
        body.len()
    );
    everything.push(("a stream".to_owned(), exchanged(&organisation.gateway, &format!("{request}{body}"))));
    everything.extend(pages(&organisation));
    let metrics = everything.iter().find(|(path, _)| path == "/metrics").expect("the numbers are looked at");
    assert!(metrics.1.contains("tabellion_gateway"), "{}", metrics.1);
    let said = organisation.server().said.clone();
    organisation.server().terminate();
    let ended = organisation.wait();
    everything.extend([("before it served".to_owned(), said), ("its talk".to_owned(), ended.err)]);
    for arguments in [&["log", "tail", "-n", "100000", "--json"][..], &["doctor"], &["key", "list", "--json"]]
    {
        let ran = organisation.notary.run(arguments);
        everything.push((arguments.join(" "), format!("{}{}", ran.out, ran.err)));
    }

    let package = organisation.notary.beside_text("p.zip");
    organisation.notary.run(&["export", "--out", &package, "--disclose", "all"]).ends(0);
    let mut paths = Vec::new();
    files_below(&organisation.notary.dir(), &mut paths);
    paths.push(package.into());
    let written = paths.into_iter().map(|path| (path.display().to_string(), fs::read(path).expect("a file")));
    let texts = everything.into_iter().map(|(what, text)| (what, text.into_bytes()));
    for (what, bytes) in texts.chain(written) {
        for form in forms(KEY.as_bytes()) {
            assert!(!holds(&bytes, &form), "the provider's key got out: {what}");
        }
    }
}
