//! Whom the gateway believes to be a provider.
//!
//! Promises: a provider with a `ca_file` is vouched for by the authorities in it and by no other; every other provider by the system's. Names,
//! dates and signatures are always checked. Must never: offer a way to switch that off.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::code::Code;
use crate::config::StartError;
use crate::upstream::connect::{Address, ConnectError};

/// Largest file of authorities: a whole system's bundle has a quarter of it.
const MAX_CA_BYTES: u64 = 1 << 20;

/// The system's authorities, read once, when the first provider needs them.
#[derive(Default)]
pub(crate) struct SystemTls(Option<Arc<ClientConfig>>);

/// How to speak TLS to whoever is there.
pub(crate) fn config(at: &Address<'_>, system: &mut SystemTls) -> Result<Arc<ClientConfig>, StartError> {
    if let Some(file) = at.ca_file {
        let roots = roots_of(file).map_err(|why| {
            let (who, file) = (&at.who, file.display());
            StartError::Setting(format!(
                "{who}: ca_file {file} {why}. Name a PEM file with the certificate of the provider's authority"
            ))
        })?;
        return trusting(roots);
    }
    if let Some(made) = &system.0 {
        return Ok(Arc::clone(made));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(StartError::Setting(
            "no certificate authorities were found on this system, so no https upstream or guard can be trusted: install ca-certificates, or name a \
             file in SSL_CERT_FILE or in its ca_file"
                .to_owned(),
        ));
    }
    Ok(Arc::clone(system.0.insert(trusting(roots)?)))
}

/// The authorities in `file`: at least one, and every one of them usable.
fn roots_of(file: &Path) -> Result<RootCertStore, String> {
    use std::io::Read as _;
    let mut text = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(MAX_CA_BYTES + 1).read_to_end(&mut text))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > MAX_CA_BYTES {
        return Err(format!("has more than {MAX_CA_BYTES} bytes"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| format!("is not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("holds what is no authority: {error}"))?;
    }
    if roots.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(roots) }
}

fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, StartError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Setting(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What a failed handshake means.
pub(crate) fn why(error: &std::io::Error) -> ConnectError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(fault)) => ConnectError::Untrusted(explain(fault)),
        Some(rustls::Error::NoCertificatesPresented) => {
            ConnectError::Untrusted(Code::UpstreamUntrusted.explain())
        }
        _ => ConnectError::Unreachable,
    }
}

/// The three faults that have a way out of their own; the others are the provider's to mend.
fn explain(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the provider's certificate is for another name, so nothing was sent; an operator has to correct the upstream's base_url"
        }
        // A signature that does not fit is of an authority that only has the name of a trusted one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the provider's certificate is from an authority that is not trusted here, so nothing was sent; an operator has to look at the \
             upstream's base_url and ca_file"
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "the provider's certificate is expired or not yet valid, so nothing was sent; an operator has to have it renewed, or the clock here set"
        }
        _ => Code::UpstreamUntrusted.explain(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UpstreamConfig;
    use crate::upstream::connect::Endpoint;

    fn refusal(base_url: &str, ca_file: &Path) -> String {
        let config =
            UpstreamConfig { ca_file: Some(ca_file.to_owned()), ..UpstreamConfig::new("own", base_url) };
        Endpoint::new(&Address::from(&config), &mut SystemTls::default())
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn authorities_that_cannot_be_used_are_refused_at_the_start() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a file can be written");
            path
        };
        let https = "https://127.0.0.1/v1";
        let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (refused, part) in [
            (refusal(https, Path::new("/nowhere/at/all.pem")), "cannot be read"),
            (refusal(https, &file("empty.pem", "")), "holds no certificate"),
            (refusal(https, &file("key.pem", "not PEM")), "holds no certificate"),
            (refusal(https, &file("rubbish.pem", rubbish)), "holds what is no authority"),
            (refusal("http://127.0.0.1/v1", &file("http.pem", rubbish)), "ca_file would protect nothing"),
        ] {
            assert!(
                refused.contains("upstream \"own\"") && refused.contains(part),
                "the gateway would start and trust nobody, or everybody: {refused:?} does not say {part:?}"
            );
        }
    }
}
