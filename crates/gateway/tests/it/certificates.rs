//! Clients that are known by their certificates, over the gateway's own TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tabellion_gateway::{Gateway, GatewayConfig, TlsConfig};
use tabellion_model::CredentialId;
use tabellion_model::body::ProofKind;
use tabellion_testkit::upstream::{Answer, openai};

use crate::client::request;
use crate::fixture::{Fixture, KEY, Setup, api_key, make_private, say};

/// What the client's certificate calls it.
const LOANS: &str = "spiffe://corp.example/loans";

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    fn certify(&self, names: &[&str], until: i32) -> Identity {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let alternative = |name: &&str| SanType::URI((*name).try_into().expect("a name in ASCII"));
        params.subject_alt_names.extend(names.iter().map(alternative));
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("it signs");
        (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
    }
}

/// A gateway that speaks TLS and knows one client.
struct Place {
    fixture: Fixture,
    server: Authority,
    clients: Authority,
    _dir: tempfile::TempDir,
}

fn place() -> Place {
    let dir = tempfile::tempdir().expect("a directory");
    let (server, clients) = (Authority::new("Servers"), Authority::new("Clients"));
    let file = |name: &str, text: &str| -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("a file can be written");
        make_private(&path);
        path
    };
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &server.0).expect("it signs");
    let tls = TlsConfig {
        certificate: file("server.pem", &certificate.pem()),
        key: file("server.key", &key.serialize_pem()),
        client_ca: Some(file("clients.pem", &clients.0.pem())),
        client_crl: None,
        clients: [(format!("uri:{LOANS}"), CredentialId::from_bytes(KEY).to_hex())].into(),
    };
    let setup = Setup { tls: Some(tls), ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, openai::CHAT), setup);
    Place { fixture, server, clients, _dir: dir }
}

impl Place {
    /// Asks with this certificate and these headers; empty: the connection came to nothing.
    fn ask(&self, identity: Option<Identity>, headers: &[(&str, &str)]) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(self.server.0.der().clone()).expect("an authority");
        let builder =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("usual versions")
                .with_root_certificates(roots);
        let config = match identity {
            Some((chain, key)) => {
                builder.with_client_auth_cert(chain, key).expect("a certificate with its key")
            }
            None => builder.with_no_client_auth(),
        };
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
        let address = self.fixture.gateway.as_ref().expect("it serves").address();
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
        let mut stream = StreamOwned::new(connection, stream);
        let mut headers = headers.to_vec();
        headers.push(("Connection", "close"));
        let asked = request("POST", "/v1/chat/completions", &headers, &say("Hello"));
        let mut answer = Vec::new();
        if stream.write_all(&asked).is_ok() {
            // How a connection ends that was refused is the other side's choice.
            drop(stream.read_to_end(&mut answer));
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Requirement: G04. A certificate that the right authority vouches for stands for the key that its name was written down for.
#[test]
fn a_certificate_calls_for_the_key_of_its_name() {
    let place = place();
    let good = place.clients.certify(&["spiffe://corp.example/other", LOANS], 2200);
    let answer = place.ask(Some(good), &[]);
    assert!(answer.starts_with("HTTP/1.1 200"), "a good certificate is refused: {answer}");
    place.fixture.end();
    let record = place.fixture.authorised().pop().expect("one call");
    let caller = record.caller.expect("nobody would know who called");
    assert_eq!(caller.chain.agent, Some(format!("mtls|uri:{LOANS}")));
    assert_eq!(caller.proof.kind, ProofKind::Certificate);
    let bearer = format!("Bearer {}", api_key());
    let answer = place.ask(None, &[("Authorization", &bearer)]);
    assert!(answer.starts_with("HTTP/1.1 200"), "a key is good without a certificate: {answer}");
}

/// Requirement: N19. Whoever can read the gateway's key can stand between it and its callers.
#[test]
fn a_key_of_the_gateway_that_everybody_can_read_refuses_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("it signs");
    let file = |name: &str, text: &str| -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("a file can be written");
        path
    };
    let tls = TlsConfig {
        certificate: file("server.pem", &certificate.pem()),
        key: file("server.key", &key.serialize_pem()),
        ..TlsConfig::default()
    };
    let with_mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&tls.key, permissions).expect("permissions can be set");
        Gateway::check(&GatewayConfig { tls: Some(tls.clone()), ..GatewayConfig::default() })
    };
    let refused = with_mode(0o644).expect_err("anybody could copy it").to_string();
    for said in ["tls_key", "0644", "chmod o=", "another key"] {
        assert!(refused.contains(said), "{said} is not said: {refused}");
    }
    assert!(!refused.contains("PRIVATE KEY"), "the refusal tells the key");
    for mode in [0o600, 0o640] {
        assert!(with_mode(mode).is_ok(), "{mode:o}: a group may be how a service is given its key");
    }
}

/// Requirement: G04.
#[test]
fn a_certificate_that_does_not_hold_lets_nobody_in() {
    let place = place();
    let others = Authority::new("Clients");
    for (what, identity) in [
        ("none", None),
        ("one of another authority of the same name", Some(others.certify(&[LOANS], 2200))),
        ("one that is over", Some(place.clients.certify(&[LOANS], 2020))),
        ("one of another name", Some(place.clients.certify(&["spiffe://corp.example/loans2"], 2200))),
        ("one of no name", Some(place.clients.certify(&[], 2200))),
    ] {
        let answer = place.ask(identity, &[]);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 401"), "{what}: {answer}");
    }
    let good = place.clients.certify(&[LOANS], 2200);
    let answer = place.ask(Some(good), &[("Authorization", "Bearer tbl_no")]);
    assert!(answer.starts_with("HTTP/1.1 401"), "a bad key is made good by a certificate: {answer}");
    assert!(place.fixture.upstream.requests().is_empty(), "somebody was let in");
}
