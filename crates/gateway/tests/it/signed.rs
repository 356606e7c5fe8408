//! Providers that are shown whose requests they are in another way than by a key in the header of their interface: AWS by a signature, Azure by a header of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tabellion_gateway::{Api, Auth, AwsConfig, KeptAt, UpstreamConfig};
use tabellion_model::Micros;
use tabellion_model::body::RouteClass;
use tabellion_testkit::upstream::{Answer, Request, Script, openai};
use tabellion_testkit::{ManualClock, Upstream};

use crate::client::request;
use crate::fixture::{Fixture, Setup, api_key, make_private};
use crate::opaque::opened;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "of-the-session";
/// How long a test waits for a file to be read again; a healthy run needs a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// 2026-10-21 12:26:40 UTC.
const NOON: Micros = Micros(1_792_585_600_000_000);

/// Puts `text` in the place of a file as a whole.
fn put(path: &Path, text: &str) {
    let next = path.with_extension("next");
    std::fs::write(&next, text).expect("a file");
    make_private(&next);
    std::fs::rename(&next, path).expect("put in its place");
}

fn kept(dir: &Path, name: &str, text: &str) -> KeptAt {
    let file: PathBuf = dir.join(name);
    put(&file, text);
    KeptAt { env: None, file: Some(file) }
}

/// A provider at `url` whose requests are signed with a temporary key in `dir`.
fn aws(dir: &Path, url: String, api: Api, models: &[&str]) -> UpstreamConfig {
    UpstreamConfig {
        api,
        auth: Auth::AwsSigv4,
        aws: AwsConfig {
            region: Some("eu-central-1".to_owned()),
            access_key_id: kept(dir, "id", "ASIAEXAMPLE\n"),
            secret_access_key: kept(dir, "secret", SECRET),
            session_token: kept(dir, "token", TOKEN),
            ..AwsConfig::default()
        },
        models: models.iter().map(|&model| model.to_owned()).collect(),
        ..UpstreamConfig::new("aws", url)
    }
}

/// The signature that belongs to what arrived, by the description of AWS and nothing of the gateway: written once more here, so that the test does not trust what it tests.
fn due(arrived: &Request, path: &str) -> String {
    let header =
        |name: &str| arrived.header(name).unwrap_or_else(|| panic!("{name} is missing: {}", arrived.head));
    let (time, payload) = (header("x-amz-date"), hex::encode(Sha256::digest(&arrived.body)));
    let canonical = format!(
        "POST\n{path}\n\ncontent-type:{}\nhost:{}\nx-amz-date:{time}\nx-amz-security-token:{}\n\ncontent-type;host;x-amz-date;x-amz-security-token\n{payload}",
        header("content-type"),
        header("host"),
        header("x-amz-security-token"),
    );
    let day = &time[..8];
    let scope = format!("{day}/eu-central-1/bedrock/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let mac = |key: &[u8], part: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
        mac.update(part.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let parts = [day, "eu-central-1", "bedrock", "aws4_request", &text];
    hex::encode(parts.iter().fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part)))
}

fn signature(arrived: &Request) -> String {
    let line = arrived.header("authorization").expect("a signature");
    line.rsplit_once("Signature=").expect("a signature").1.to_owned()
}

fn converse(fixture: &Fixture, model: &str) -> crate::client::Answer {
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hello" }] }] });
    fixture.send_json(&format!("/model/{model}/converse"), &body)
}

/// Requirement: N22. What arrives is what was signed: the model's colon escaped and the escape escaped, the host with its port, the gateway's time, the token.
#[test]
fn a_call_of_bedrock_is_signed_as_it_leaves() {
    let dir = tempfile::tempdir().expect("a directory");
    let bedrock =
        Upstream::start(Answer::json(200, r#"{"output":{},"usage":{"inputTokens":3,"outputTokens":5}}"#));
    let url = format!("http://{}", bedrock.address());
    let setup = Setup {
        others: vec![aws(dir.path(), url, Api::Bedrock, &["anthropic.*", "arn:*"])],
        clock: Arc::new(ManualClock::at(NOON)),
        ..Setup::default()
    };
    let fixture = opened(Script::by(|_, _| panic!("it went to another")), &[RouteClass::Passthrough], setup);
    let arn = "arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.anthropic.c%3A0";
    for (model, left, signed) in [
        ("anthropic.claude-v2:1", "anthropic.claude-v2%3A1", "anthropic.claude-v2%253A1"),
        ("anthropic.claude-v2%3A1", "anthropic.claude-v2%3A1", "anthropic.claude-v2%253A1"),
        (arn, arn, arn.replace('%', "%25").as_str()),
    ] {
        let answer = converse(&fixture, model);
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        let arrived = bedrock.requests().pop().expect("it was sent");
        assert_eq!(arrived.path(), format!("/model/{left}/converse"));
        assert_eq!(
            arrived.header("host"),
            Some(bedrock.address().to_string().as_str()),
            "the port is signed"
        );
        assert_eq!(
            arrived.header("x-amz-date"),
            Some("20261021T122640Z"),
            "another clock than the gateway's"
        );
        assert_eq!(arrived.header("x-amz-security-token"), Some(TOKEN));
        assert_eq!(
            signature(&arrived),
            due(&arrived, &format!("/model/{signed}/converse")),
            "{}",
            arrived.head
        );
        assert!(
            !arrived.head.contains(SECRET) && !arrived.head.contains(&api_key()),
            "a key left: {}",
            arrived.head
        );
    }
    let recorded =
        serde_json::to_string(&fixture.records().iter().map(|seen| &seen.fields).collect::<Vec<_>>());
    let recorded = recorded.expect("JSON");
    assert!(!recorded.contains(SECRET) && !recorded.contains(TOKEN), "a secret is on record");
}

/// Requirement: N22, N25. A governed call is signed after it was masked, and each attempt with the time at which it leaves.
#[test]
fn each_attempt_is_signed_anew_over_what_was_masked() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::at(NOON));
    let later = Arc::clone(&clock);
    let provider = Upstream::start(Script::by(move |_, number| {
        later.set(Micros(NOON.0 + 60_000_000));
        if number == 0 { Answer::json(500, openai::ERROR_500) } else { Answer::json(200, openai::CHAT) }
    }));
    let url = format!("http://{}/openai/v1", provider.address());
    let fallback = [("first".to_owned(), vec!["second".to_owned()])].into();
    let upstream = UpstreamConfig { fallback, ..aws(dir.path(), url, Api::OpenAi, &["first", "second"]) };
    let setup = Setup { others: vec![upstream], clock, ..Setup::default() };
    let fixture = Fixture::with(Script::by(|_, _| panic!("it went to another")), setup);
    let asked =
        json!({ "model": "first", "messages": [{ "role": "user", "content": "Write to ada@example.org" }] });
    assert_eq!(fixture.chat(asked.to_string().as_bytes()).status, 200);
    let arrived = provider.requests();
    let times: Vec<_> = arrived.iter().filter_map(|arrived| arrived.header("x-amz-date")).collect();
    assert_eq!(times, ["20261021T122640Z", "20261021T122740Z"], "an attempt has the time of another");
    for (arrived, model) in arrived.iter().zip(["first", "second"]) {
        let body: Value = serde_json::from_slice(&arrived.body).expect("JSON");
        assert_eq!(body["model"], model);
        assert!(!arrived.text().contains("ada@example.org"), "it was signed before it was masked");
        assert_eq!(signature(arrived), due(arrived, "/openai/v1/chat/completions"), "{}", arrived.head);
    }
}

/// Requirement: N22. Whoever renews temporary keys puts them into their files, and restarts nothing.
#[test]
fn a_key_that_was_renewed_signs_the_calls_that_follow() {
    let dir = tempfile::tempdir().expect("a directory");
    let bedrock = Upstream::start(Answer::json(200, "{}"));
    let url = format!("http://{}", bedrock.address());
    let setup =
        Setup { others: vec![aws(dir.path(), url, Api::Bedrock, &["anthropic.*"])], ..Setup::default() };
    let fixture = opened(Script::by(|_, _| panic!("it went to another")), &[RouteClass::Passthrough], setup);
    let line = || {
        assert_eq!(converse(&fixture, "anthropic.claude").status, 200);
        bedrock.requests().pop().and_then(|arrived| arrived.header("authorization").map(str::to_owned))
    };
    assert!(line().expect("signed").contains("Credential=ASIAEXAMPLE/"));
    put(&dir.path().join("id"), "ASIARENEWED\n");
    let end = Instant::now() + PATIENCE;
    while !line().expect("signed").contains("Credential=ASIARENEWED/") {
        assert!(
            Instant::now() < end,
            "a key that ended signs every call until somebody restarts the gateway"
        );
    }
    let said = fixture.said.lock().expect("no test panics with this lock").clone();
    assert!(said.iter().any(|line| line.contains("read again")), "the operator sees nothing of it: {said:?}");
}

/// Requirement: N22. Azure has the interface of `OpenAI`, its key in a header of its own and a version in the address.
#[test]
fn azure_is_asked_with_its_own_header_and_version() {
    let dir = tempfile::tempdir().expect("a directory");
    let azure = Upstream::start(Answer::json(200, openai::CHAT));
    let key_file = dir.path().join("key");
    put(&key_file, "of-the-resource\n");
    let upstream = UpstreamConfig {
        auth: Auth::AzureApiKey,
        key_file: Some(key_file),
        api_version: Some("2024-10-21".to_owned()),
        models: vec!["deployed".to_owned()],
        ..UpstreamConfig::new("azure", format!("http://{}/openai/deployments/deployed", azure.address()))
    };
    let fixture = Fixture::with(
        Script::by(|_, _| panic!("it went to another")),
        Setup { others: vec![upstream], ..Setup::default() },
    );
    let asked = json!({ "model": "deployed", "messages": [{ "role": "user", "content": "Hello" }] });
    assert_eq!(fixture.chat(asked.to_string().as_bytes()).status, 200);
    let arrived = azure.requests().remove(0);
    assert_eq!(arrived.path(), "/openai/deployments/deployed/chat/completions?api-version=2024-10-21");
    assert_eq!(arrived.header("api-key"), Some("of-the-resource"));
    assert_eq!(arrived.header("authorization"), None, "the key is shown twice, or the client's is");
}

/// Requirement: N22. A library of AWS signs by itself; its user is told what to do, in the form that it shows.
#[test]
fn who_signs_with_keys_of_aws_is_told_what_is_taken() {
    let setup = Setup { api: Api::Bedrock, ..Setup::default() };
    let fixture = opened(Script::by(|_, _| panic!("it was sent")), &[RouteClass::Passthrough], setup);
    let line = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261021/eu-central-1/bedrock/aws4_request, SignedHeaders=host, Signature=00";
    let headers = [("Authorization", line), ("Content-Type", "application/json")];
    let mut client = fixture.connect();
    client.send(&request("POST", "/model/gpt-b/converse", &headers, b"{}"));
    let answer = client.answer();
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"));
    assert_eq!(
        answer.header("x-amzn-errortype"),
        Some("AccessDeniedException"),
        "the library raises another"
    );
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("AWS_BEARER_TOKEN_BEDROCK"), "its user does not know what to do: {message}");
    assert!(!message.contains("AKIDEXAMPLE"), "the id of a key is repeated");
}
