//! Servers whose own certificate `--ca-file` holds, as every new Looker signs one for itself: trusted for the name it bears.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;

/// The id of a common name, 2.5.4.3, as it stands in certificates.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

const OBJECT_ID: u8 = 0x06;

/// The error of a certificate that its owner signed, and that was not given to us.
#[derive(Debug)]
pub(crate) struct SelfSigned(Error);

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SelfSigned {}

/// Trusts what the system trusts, what the given authorities signed, and the given certificates themselves.
#[derive(Debug)]
pub(crate) struct GivenOrSystem {
    pub(crate) system: Verifier,
    pub(crate) given: Vec<CertificateDer<'static>>,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for GivenOrSystem {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.given.contains(certificate) {
            return self.verify_given(certificate, name, now);
        }
        let system = &self.system;
        let verified = system.verify_server_cert(certificate, intermediates, name, ocsp, now);
        verified.map_err(|error| match error {
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            ) if self.is_self_signed(certificate, now) => {
                CertificateError::Other(OtherError(Arc::new(SelfSigned(error)))).into()
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

impl GivenOrSystem {
    /// Verify a certificate that was given to us: it vouches for itself, at its own time and under its own name.
    fn verify_given(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify_as_its_own_issuer(certificate, now)?;
        let parsed = ParsedCertificate::try_from(certificate)?;
        match verify_server_name(&parsed, name) {
            // `keytool` writes the name of the server nowhere else, unless it is told to.
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            })) if presented.is_empty() && has_common_name(certificate, &name.to_str()) => {}
            named => named?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_as_its_own_issuer(
        &self,
        certificate: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        let mut itself = RootCertStore::empty();
        itself.add(certificate.clone().into_owned())?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let verified =
            verify_server_cert_signed_by_trust_anchor(&parsed, &itself, &[], now, algorithms);
        match verified {
            // `openssl req -x509` makes authorities. The time is checked before this.
            Err(Error::InvalidCertificate(CertificateError::Other(OtherError(why))))
                if why.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity) =>
            {
                Ok(())
            }
            verified => verified,
        }
    }

    fn is_self_signed(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
        let parsed = webpki::EndEntityCert::try_from(certificate);
        parsed.is_ok_and(|parsed| parsed.issuer() == parsed.subject())
            && self.verify_as_its_own_issuer(certificate, now).is_ok()
    }
}

fn has_common_name(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else {
        return false;
    };
    // A sequence of sets of pairs of an id and a value.
    let pairs = Elements(parsed.subject()).flat_map(|(_, set)| Elements(set));
    pairs.map(|(_, pair)| Elements(pair)).any(|mut pair| {
        pair.next() == Some((OBJECT_ID, &COMMON_NAME))
            && pair
                .next()
                .is_some_and(|(_, value)| value.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// The elements of a DER sequence: tag and content.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        // From 128 on, the first byte says how many bytes the length takes.
        let (length, rest) = match first.checked_sub(0x80) {
            None => (usize::from(*first), rest),
            Some(bytes @ 1..=2) => {
                let (length, rest) = rest.split_at_checked(bytes.into())?;
                let length = length
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
            Some(_) => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}
