//! Who calls by a certificate: the gateway's own TLS, and clients whose certificates stand for keys (docs/identity.md).
//!
//! Promises: a certificate is held against authorities, dates and revocations at every request and not at its connection's beginning alone; a name stands for a
//! key letter for letter. Must never: take a session up again without the certificate, or go by a subject's common name.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tabellion_model::CredentialId;
use tabellion_model::body::{CallerShown, Chain, Proof, ProofKind};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use webpki::EndEntityCert;

use super::Proved;
use crate::config::StartError;
use crate::upstream::key;
use crate::words::hex_of;

/// What vouches for certificates, as records and rules name it.
pub(super) const BY: &str = "mtls";
/// Longest name that a rule can be about.
const MAX_NAME_BYTES: usize = 256;

/// How the gateway speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// File with its certificate (PEM), those of authorities between after it.
    pub certificate: PathBuf,
    /// File with the key of it (PEM).
    pub key: PathBuf,
    /// File with the authorities (PEM) that alone may vouch for clients; none: no client is known by a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// File with what those authorities revoked (PEM); where there is one, a certificate of which it says nothing is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_crl: Option<PathBuf>,
    /// Which key of ours stands for which name of a certificate: `uri:NAME` or `dns:NAME` → the key's id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub clients: BTreeMap<String, String>,
}

/// The gateway's TLS.
pub(crate) struct Doorway {
    acceptor: TlsAcceptor,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    clients: BTreeMap<String, CredentialId>,
}

/// What a client showed when it connected: its own certificate first.
pub(crate) type Certificates = Arc<Vec<CertificateDer<'static>>>;

impl Doorway {
    /// Reads the files that `config` names.
    pub(crate) fn new(config: &TlsConfig) -> Result<Self, StartError> {
        let chain = pem::<CertificateDer<'_>>("tls_certificate", &config.certificate)?;
        let key = key(&config.key)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = verifier(config)?;
        let unusable = |error: rustls::Error| refused("tls_certificate", &config.certificate, &error);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match &verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_single_cert(chain, key).map_err(unusable)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A session that is taken up again would be one of a certificate that nobody looked at again.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), verifier, clients: clients(config)? })
    }

    /// The connection behind `stream`, and what its client showed; `None`: there is none. The caller limits the time.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> Option<(TlsStream<TcpStream>, Option<Certificates>)> {
        let stream = self.acceptor.accept(stream).await.ok()?;
        let (_, connection) = stream.get_ref();
        let shown = connection.peer_certificates().map(|shown| Arc::new(shown.to_vec()));
        Some((stream, shown))
    }

    /// Who is behind `shown` now; `None`: nobody that is known, or not any more.
    pub(crate) fn caller(&self, shown: &Certificates) -> Option<Proved> {
        let (own, between) = shown.split_first()?;
        self.verifier.as_ref()?.verify_client_cert(own, between, UnixTime::now()).ok()?;
        let certificate = EndEntityCert::try_from(own).ok()?;
        let uris = certificate.valid_uri_names().map(|name| format!("uri:{name}"));
        let hosts = certificate.valid_dns_names().map(|name| format!("dns:{name}"));
        let mut known = uris.chain(hosts).filter_map(|name| Some((*self.clients.get(&name)?, name)));
        let (key, name) = known.next()?;
        // Of two names neither is meant for certain: a stop or a budget of the one would be gone around by the other.
        if known.any(|(_, other)| other != name) {
            return None;
        }
        let chain = Chain { agent: Some(format!("{BY}|{name}")), ..Chain::default() };
        let sha256 = hex_of(Sha256::digest(own).into());
        let proof = Proof { kind: ProofKind::Certificate, by: BY.to_owned(), sha256 };
        Some(Proved {
            key,
            shown: Arc::new(CallerShown { chain, proof, input_salt: None, person_apart: false }),
        })
    }
}

/// The gateway's own key, which nobody else on the machine can read.
fn key(file: &Path) -> Result<PrivateKeyDer<'static>, StartError> {
    let text = key::read(file, "have a certificate issued for another key")
        .map_err(|why| StartError::Setting(format!("[gateway] tls_key {} {why}", file.display())))?;
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| refused("tls_key", file, &error))
}

fn verifier(config: &TlsConfig) -> Result<Option<Arc<dyn ClientCertVerifier>>, StartError> {
    let Some(file) = &config.client_ca else {
        if config.client_crl.is_some() || !config.clients.is_empty() {
            let text = "[gateway] client_crl and client_certificates are of certificates that nobody vouches for: name the file of their authority in client_ca";
            return Err(StartError::Setting(text.to_owned()));
        }
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for authority in pem::<CertificateDer<'_>>("client_ca", file)? {
        roots.add(authority).map_err(|error| refused("client_ca", file, &error))?;
    }
    let revoked = match &config.client_crl {
        Some(file) => pem::<CertificateRevocationListDer<'_>>("client_crl", file)?,
        None => Vec::new(),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if !revoked.is_empty() {
        verifier = verifier.with_crls(revoked).enforce_revocation_expiration();
    }
    // Whoever shows none is asked for a key.
    let verifier =
        verifier.allow_unauthenticated().build().map_err(|error| refused("client_ca", file, &error))?;
    Ok(Some(verifier))
}

fn clients(config: &TlsConfig) -> Result<BTreeMap<String, CredentialId>, StartError> {
    let client = |(name, key): (&String, &String)| {
        let form = name.strip_prefix("uri:").or_else(|| name.strip_prefix("dns:"));
        let is_plain = form.is_some_and(|form| !form.is_empty() && !form.contains(['*', '|']));
        let key = CredentialId::from_hex(key).filter(|_| is_plain && name.len() <= MAX_NAME_BYTES);
        key.map(|key| (name.clone(), key)).ok_or_else(|| {
            StartError::Setting(format!(
                "[gateway] client_certificates has {name:?}: write uri:NAME or dns:NAME as it stands in the certificate, and the id of a key (32 hex digits)"
            ))
        })
    };
    config.clients.iter().map(client).collect()
}

/// Everything of one kind in `file`; at least one.
fn pem<T: PemObject>(setting: &str, file: &Path) -> Result<Vec<T>, StartError> {
    let all = T::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(refused(setting, file, &"it holds none")),
        Err(error) => Err(refused(setting, file, &error)),
    }
}

fn refused(setting: &str, file: &Path, why: &dyn Display) -> StartError {
    StartError::Setting(format!(
        "[gateway] {setting} {} cannot be used: {why}. Name a PEM file of the right kind",
        file.display()
    ))
}
