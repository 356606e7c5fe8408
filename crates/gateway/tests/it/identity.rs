//! Access tokens in place of keys, with an issuer that publishes what the test says: rotated, down, silent, and junk.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tabellion_gateway::IdentityConfig;
use tabellion_ledger::{Clock as _, SystemClock, UnitContent};
use tabellion_model::body::ProofKind;
use tabellion_model::{CredentialId, Micros};
use tabellion_testkit::upstream::{Answer as Provided, openai};

use crate::client::{Answer, request};
use crate::fixture::{Fixture, KEY, Setup, api_key, policy, say};

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the issuer answers about its keys.
#[derive(Clone)]
pub(crate) enum Says {
    /// These.
    Keys(Value),
    /// Another status.
    Status(u16),
    /// Text that is no set of keys.
    Junk,
    /// Nothing, for as long as it is asked.
    Nothing,
}

/// An identity provider.
pub(crate) struct Issuer {
    address: SocketAddr,
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicU64>,
}

impl Issuer {
    pub(crate) fn start(says: Says) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let issuer = Self { address, says: Arc::new(Mutex::new(says)), asked: Arc::default() };
        let (says, asked) = (Arc::clone(&issuer.says), Arc::clone(&issuer.asked));
        thread::spawn(move || {
            // Those that are told nothing stay open until the test is over.
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if let Some(stream) = serve(stream, address, &says, &asked) {
                    silent.push(stream);
                }
            }
        });
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn say(&self, says: Says) {
        *self.says.lock().expect("no test panics with this lock") = says;
    }

    /// Where nobody listens.
    pub(crate) fn closed() -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        format!("http://{}", listener.local_addr().expect("an address"))
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// What takes its tokens.
    pub(crate) fn config(&self) -> IdentityConfig {
        IdentityConfig {
            audiences: vec!["tabellion".to_owned()],
            clients: [("loans".to_owned(), CredentialId::from_bytes(KEY).to_hex())].into(),
            groups_claim: Some("groups".to_owned()),
            again_ms: 50,
            refresh_ms: 60_000,
            ..IdentityConfig::new("corp", self.url())
        }
    }

    pub(crate) fn claims(&self) -> Value {
        let now = SystemClock.now().0 / 1_000_000;
        json!({
            "iss": self.url(), "aud": "tabellion", "sub": "4711", "client_id": "loans", "jti": "a-token",
            "iat": now, "exp": now + 600, "groups": ["advisers"],
        })
    }

    pub(crate) fn token(&self, seed: u8) -> String {
        token(seed, &self.claims())
    }
}

/// Answers one request; gives the connection back where it is told nothing.
fn serve(
    mut stream: TcpStream,
    address: SocketAddr,
    says: &Mutex<Says>,
    asked: &AtomicU64,
) -> Option<TcpStream> {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while !heard.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(count @ 1..) => heard.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
    let heard = String::from_utf8_lossy(&heard).into_owned();
    let says = says.lock().expect("no test panics with this lock").clone();
    let (status, body) = if heard.starts_with("GET /.well-known/openid-configuration ") {
        let url = format!("http://{address}");
        (200, json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string())
    } else {
        asked.fetch_add(1, Ordering::SeqCst);
        match says {
            Says::Keys(keys) => (200, json!({ "keys": keys }).to_string()),
            Says::Status(status) => (status, "{}".to_owned()),
            Says::Junk => (200, r#"{"keys":[],"keys":[]}"#.to_owned()),
            Says::Nothing => return Some(stream),
        }
    };
    let opening = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // A gateway that has ended reads no more.
    drop(stream.write_all(format!("{opening}{body}").as_bytes()));
    None
}

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The key of `seed`, named by its number.
pub(crate) fn public(seed: u8) -> Value {
    let x = URL_SAFE_NO_PAD.encode(signer(seed).verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": seed.to_string(), "x": x })
}

pub(crate) fn token(seed: u8, claims: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": seed.to_string() });
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encoded(&header), encoded(claims));
    let signature = URL_SAFE_NO_PAD.encode(signer(seed).sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

/// A gateway that takes the tokens of `config`.
pub(crate) fn gateway(config: IdentityConfig) -> Fixture {
    Fixture::with(Provided::json(200, openai::CHAT), Setup { identities: vec![config], ..Setup::default() })
}

pub(crate) fn ask(fixture: &Fixture, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut client = fixture.connect();
    client.send(&request("POST", "/v1/chat/completions", &headers, &say("Hello")));
    client.answer()
}

/// Asks until `status` is the answer; a key that was rotated is read within a moment and not before.
pub(crate) fn ask_until(fixture: &Fixture, token: &str, status: u16) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask(fixture, token);
        if answer.status == status {
            return answer;
        }
        assert!(Instant::now() < deadline, "never {status}: {} {}", answer.status, answer.text());
    }
}

/// Limits under which a test may be refused as often as it likes.
pub(crate) fn patient(config: IdentityConfig) -> Fixture {
    let mut setup = Setup { identities: vec![config], ..Setup::default() };
    setup.limits.noise_burst = u32::MAX;
    Fixture::with(Provided::json(200, openai::CHAT), setup)
}

/// Requirement: G04. A token is as good as the key that stands for its client, and the record says who was behind it; the token itself is nowhere.
#[test]
fn a_token_calls_for_the_key_of_its_client_and_the_record_says_for_whom() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = gateway(issuer.config());
    let token = issuer.token(1);
    let answer = ask(&fixture, &token);
    assert_eq!((answer.status, answer.text()), (200, openai::CHAT), "a good token is refused");
    fixture.end();
    let record = fixture.authorised().pop().expect("one call");
    let caller = record.caller.expect("nobody would know who called");
    assert_eq!(caller.chain.person.as_deref(), Some("corp|4711"));
    assert_eq!(caller.chain.agent.as_deref(), Some("corp|loans"));
    assert_eq!(caller.chain.groups, ["corp|advisers"]);
    assert_eq!((caller.proof.kind, caller.proof.by.as_str()), (ProofKind::TokenId, "corp"));
    assert_eq!(caller.proof.sha256, hex::encode(Sha256::digest("a-token")));
    let seen = fixture.of_type("call.authorised").pop().expect("a record");
    assert_eq!(
        seen.header.actor.to_hex(),
        CredentialId::from_bytes(KEY).to_hex(),
        "budgets and stops of the key hold"
    );
    let units = fixture.ledger.reader().entry(seen.index).expect("an entry").units;
    let said: Vec<(bool, String)> = units
        .iter()
        .map(|unit| {
            let UnitContent::Shown(fields) = &unit.content else { panic!("nothing is erased yet") };
            let field =
                |field: &tabellion_model::Disclosure| format!("{}: {}; ", field.name(), field.value());
            (unit.personal, fields.iter().map(field).collect())
        })
        .collect();
    for (personal, said) in &said {
        assert_eq!(said.contains("corp|4711"), *personal, "a package without people has who called: {said}");
        assert_eq!(
            said.contains("upstream"),
            !personal,
            "erasing whom it was for would take the call: {said}"
        );
    }
    assert_eq!(said.len(), 2, "who called and the call would go together: {said:?}");
    // Whoever does not see the person, or sees the record after they were erased, cannot try by the digest who it was.
    let input = record.input.expect("what the rules were given");
    let salt = caller.input_salt.expect("the salt of its digest");
    assert!(input.sha256.is_none() && input.salted_sha256.is_some(), "who called can be tried: {input:?}");
    for (personal, said) in &said {
        assert_eq!(said.contains(&salt), *personal, "the salt is not where the person is: {said}");
    }
    let kept = serde_json::to_string(&seen.fields).expect("plain");
    let requests = fixture.upstream.requests();
    let sent: String =
        requests.iter().map(|sent| sent.head.clone() + &String::from_utf8_lossy(&sent.body)).collect();
    for part in token.split('.') {
        assert!(!kept.contains(part) && !sent.contains(part), "a part of the token is kept or sent on");
    }
    let answer = ask(&fixture, &api_key());
    assert_eq!(answer.status, 200, "keys are good as before");
    fixture.ended(2);
    assert_eq!(fixture.authorised().pop().and_then(|record| record.caller), None);
}

/// Requirement: G04. Whatever ends the key ends its tokens.
#[test]
fn a_token_of_a_key_that_ended_is_refused() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = gateway(issuer.config());
    assert_eq!(ask(&fixture, &issuer.token(1)).status, 200);
    fixture.change_keys(|key| key.ends_at = Some(Micros(0)));
    let answer = ask(&fixture, &issuer.token(1));
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"), "a revoked key is used on");
    fixture.change_keys(|key| key.ends_at = None);
    let mut claims = issuer.claims();
    claims["exp"] = json!(SystemClock.now().0 / 1_000_000 - 61);
    let answer = ask(&fixture, &token(1, &claims));
    assert_eq!(answer.status, 401, "a token that is over is taken");
    assert!(answer.text().contains("over"), "whoever sent it is not told why: {}", answer.text());
}

/// Requirement: G04. Rules see who is behind a call, and what they decided by is on record.
#[test]
fn rules_look_at_the_person_the_agent_and_the_groups() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = gateway(issuer.config());
    let rule = r#"@id("advisers") permit (principal, action, resource)
        when { context has person && context.groups.contains("corp|advisers") }
        unless { context has agent && context.agent == "corp|other" };"#;
    fixture.change(|gate| gate.policies = Arc::new(vec![policy(rule)]));
    assert_eq!(ask(&fixture, &issuer.token(1)).status, 200, "the rule does not see whom it permits");
    let mut claims = issuer.claims();
    claims["groups"] = json!(["guests"]);
    let answer = ask(&fixture, &token(1, &claims));
    assert_eq!((answer.status, answer.code().as_str()), (403, "policy_denied"), "another group is let in");
    let denied = fixture.denied().pop().expect("one denial");
    assert_eq!(denied.caller.map(|caller| caller.chain.groups), Some(vec!["corp|guests".to_owned()]));
    let mut claims = issuer.claims();
    claims["sub"] = json!("loans");
    assert_eq!(ask(&fixture, &token(1, &claims)).status, 403, "a program passes for a person");
    assert_eq!(ask(&fixture, &api_key()).status, 403, "a key alone passes for a person");
}

/// Requirement: G04. The key of a token that comes right after a rotation is read because of it; the one that was taken away is good for nothing then.
#[test]
fn a_rotated_key_is_taken_up_and_the_old_one_refused() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = patient(issuer.config());
    assert_eq!(ask(&fixture, &issuer.token(1)).status, 200);
    issuer.say(Says::Keys(json!([public(1), public(2)])));
    ask_until(&fixture, &issuer.token(2), 200);
    issuer.say(Says::Keys(json!([public(3)])));
    ask_until(&fixture, &issuer.token(3), 200);
    for gone in [1, 2] {
        let answer = ask(&fixture, &issuer.token(gone));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_api_key"),
            "a key that is gone is used on"
        );
    }
    assert_eq!(ask(&fixture, &issuer.token(3)).status, 200);
}

/// Requirement: G04. Whatever tokens are sent, the issuer is asked no more often than is said.
#[test]
fn nobody_makes_the_gateway_ask_the_issuer_again_and_again() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = patient(IdentityConfig { again_ms: 60_000, ..issuer.config() });
    assert_eq!(ask(&fixture, &issuer.token(1)).status, 200);
    for seed in 10..60 {
        assert_eq!(ask(&fixture, &issuer.token(seed)).status, 401, "a key that nobody has signed it");
    }
    assert_eq!(issuer.asked(), 1, "each forged token asks the issuer");
}

/// Requirement: G04. Without keys nobody is let in by them: said as what it is, with keys of our own as good as before. Those read before do for a while.
#[test]
fn an_issuer_that_cannot_be_asked_lets_nobody_in() {
    for (what, says) in [
        ("down", Says::Status(503)),
        ("elsewhere", Says::Status(302)),
        ("junk", Says::Junk),
        ("silent", Says::Nothing),
    ] {
        let issuer = Issuer::start(says);
        let fixture = patient(issuer.config());
        let answer = ask(&fixture, &issuer.token(1));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "identity_unavailable"),
            "{what}: {}",
            answer.text()
        );
        assert_eq!(answer.header("x-should-retry"), Some("true"), "{what}: it may be there later");
        assert!(fixture.authorised().is_empty() && fixture.denied().is_empty(), "{what}: nobody called");
        assert_eq!(ask(&fixture, &api_key()).status, 200, "{what}: keys of our own do not need it");
        if what == "silent" {
            continue;
        }
        issuer.say(Says::Keys(json!([public(1)])));
        ask_until(&fixture, &issuer.token(1), 200);
        issuer.say(Says::Junk);
        ask_until(&fixture, &issuer.token(2), 401);
        assert_eq!(
            ask(&fixture, &issuer.token(1)).status,
            200,
            "{what}: one bad moment ends every application"
        );
    }
}

/// Requirement: G04. Keys that could not be read again for too long are gone by no more.
#[test]
fn keys_of_too_long_ago_are_not_gone_by() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = patient(IdentityConfig { refresh_ms: 50, max_age_ms: 1_000, ..issuer.config() });
    ask_until(&fixture, &issuer.token(1), 200);
    issuer.say(Says::Status(500));
    let answer = ask_until(&fixture, &issuer.token(1), 503);
    assert_eq!(answer.code(), "identity_unavailable");
    issuer.say(Says::Keys(json!([public(1)])));
    ask_until(&fixture, &issuer.token(1), 200);
}

/// Requirement: G04. Two things that say who calls are none, and a token belongs where a bearer's is.
#[test]
fn a_token_beside_a_key_is_neither() {
    let issuer = Issuer::start(Says::Keys(json!([public(1)])));
    let fixture = gateway(issuer.config());
    let (bearer, key) = (format!("Bearer {}", issuer.token(1)), api_key());
    let headers = [("Authorization", bearer.as_str()), ("x-api-key", key.as_str())];
    let mut client = fixture.connect();
    client.send(&request("POST", "/v1/chat/completions", &headers, &say("Hello")));
    assert_eq!(client.answer().status, 401);
    assert!(fixture.upstream.requests().is_empty(), "somebody was let in");
}
