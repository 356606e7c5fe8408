//! Providers over TLS: only one that its authority vouches for, under its own name and in its time, hears anything.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tabellion_model::body::{Delivered, Outcome};
use tabellion_testkit::upstream::{Answer, openai};

use crate::fixture::{Fixture, Setup, say};

/// The authority that the gateway believes.
const OURS: &str = "Our authority";

/// Somebody who signs certificates.
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

    /// Its certificate, as a file.
    fn file(&self, dir: &tempfile::TempDir) -> PathBuf {
        let path = dir.path().join("authority.pem");
        std::fs::write(&path, self.0.pem()).expect("a file can be written");
        path
    }

    /// A certificate for `name`, good up to the first day of `until`.
    fn certify(&self, name: &str, until: i32) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("it signs");
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
    }
}

/// A provider that speaks TLS and keeps whatever it hears.
struct Provider {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Provider {
    /// Serves one connection with this certificate.
    fn start((certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>)) -> Self {
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("usual versions")
                .with_no_client_auth()
                .with_single_cert(vec![certificate], key)
                .expect("a certificate with its key");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::default();
        let provider = Self { address, heard: Arc::clone(&heard) };
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("the gateway connects");
            let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
            converse(StreamOwned::new(connection, stream), &heard);
        });
        provider
    }

    fn base_url(&self) -> String {
        format!("https://{}/v1", self.address)
    }
}

/// Answers once a request is there. A handshake that fails ends it.
fn converse(mut stream: StreamOwned<ServerConnection, TcpStream>, heard: &Mutex<Vec<u8>>) {
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        let mut so_far = heard.lock().expect("no test panics with this lock");
        so_far.extend_from_slice(&piece[..count]);
        if so_far.ends_with(&say("Hello")) {
            let first = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
            let answer = format!("{first}{}\r\n\r\n{}", openai::CHAT.len(), openai::CHAT);
            stream.write_all(answer.as_bytes()).expect("the gateway reads");
        }
    }
}

/// A gateway in front of `provider` that believes the authority in `ca_file`.
fn gateway(provider: &Provider, ca_file: PathBuf) -> Fixture {
    let setup = Setup { base_url: Some(provider.base_url()), ca_file: Some(ca_file), ..Setup::default() };
    Fixture::with(Answer::silence(), setup)
}

#[test]
fn a_provider_of_an_authority_of_ones_own_is_reached_over_tls() {
    let (dir, authority) = (tempfile::tempdir().expect("a directory"), Authority::new(OURS));
    let provider = Provider::start(authority.certify("127.0.0.1", 2200));
    let fixture = gateway(&provider, authority.file(&dir));
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.text()), (200, openai::CHAT), "the provider cannot be used");
    assert_eq!(fixture.end().outcome, Outcome::Answered, "recorded as any other call");
    let heard = provider.heard.lock().expect("not poisoned");
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.contains("Bearer sk-provider-secret"), "the provider's key is for it: {heard}");
}

#[test]
fn a_provider_that_cannot_show_who_it_is_hears_nothing() {
    let (dir, authority) = (tempfile::tempdir().expect("a directory"), Authority::new(OURS));
    for (what, identity, said) in [
        ("another name", authority.certify("provider.example", 2200), "for another name"),
        ("another address", authority.certify("127.0.0.2", 2200), "for another name"),
        (
            "an authority that nobody named",
            Authority::new("Somebody").certify("127.0.0.1", 2200),
            "not trusted here",
        ),
        (
            "an authority that has the name of ours",
            Authority::new(OURS).certify("127.0.0.1", 2200),
            "not trusted here",
        ),
        ("a time that is over", authority.certify("127.0.0.1", 2020), "expired"),
    ] {
        let provider = Provider::start(identity);
        let fixture = gateway(&provider, authority.file(&dir));
        let answer = fixture.chat(&say("Hello"));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (502, "upstream_untrusted"),
            "a certificate of {what}: {}",
            answer.text()
        );
        assert_eq!(answer.header("x-should-retry"), Some("false"), "{what}: asking again changes nothing");
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(said) && message.contains("operator"), "{what}: {message}");
        let end = fixture.end();
        assert_eq!(
            (end.outcome, end.code.as_deref(), end.delivered),
            (Outcome::Failed, Some("upstream_untrusted"), Delivered::Nothing),
            "a certificate of {what}: the record says why nothing came of it"
        );
        let heard = provider.heard.lock().expect("not poisoned");
        assert!(heard.is_empty(), "a certificate of {what}: it heard {}", String::from_utf8_lossy(&heard));
    }
}
