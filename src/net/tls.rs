//! Which servers to trust: those that the system's certificates or `--ca-file` vouch for, or all if verification is off.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::net::NetError;
use crate::net::certificate::GivenOrSystem;

/// Read every certificate in `files`.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let mut all = Vec::new();
    for path in files {
        let refused = |source: anyhow::Error| NetError::CaFile {
            path: path.clone(),
            source,
        };
        let found = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| refused(error.into()))?;
        if found.is_empty() {
            return Err(refused(anyhow::anyhow!(
                "it holds no certificate in PEM form"
            )));
        }
        all.extend(found);
    }
    Ok(all)
}

/// TLS for `https`. Reading the system's certificates takes some milliseconds.
pub(crate) fn verified(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, NetError> {
    let provider = Arc::new(ring::default_provider());
    let system = Verifier::new_with_extra_roots(extra.clone(), Arc::clone(&provider));
    let system = system.map_err(|error| NetError::Setup {
        problem: error.to_string(),
    })?;
    let verifier = GivenOrSystem {
        system,
        given: extra,
        provider: Arc::clone(&provider),
    };
    Ok(dangerous(provider, Arc::new(verifier)))
}

/// TLS that trusts what the system and these files vouch for, for other servers than Looker.
///
/// # Errors
/// A file holds no certificate.
pub fn trusting(ca_files: &[PathBuf]) -> Result<ClientConfig, NetError> {
    verified(read(ca_files)?)
}

/// TLS without verification.
pub(crate) fn unverified() -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Anybody(Arc::clone(&provider)));
    dangerous(provider, verifier)
}

/// TLS that trusts no server, for `http` only: costs nothing to build.
pub(crate) fn none() -> ClientConfig {
    versions(Arc::new(ring::default_provider()))
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn dangerous(provider: Arc<CryptoProvider>, verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    let mut config = versions(provider)
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // A preconfigured TLS setup must offer HTTP/2 itself; reqwest does not add it.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn versions(
    provider: Arc<CryptoProvider>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for the default TLS versions")
}

/// Trusts any certificate, but still requires signatures by the key in it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
