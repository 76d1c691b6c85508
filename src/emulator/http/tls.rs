//! HTTPS with a certificate of the emulator's own, for clients that speak nothing else.

use std::io::{self, Write as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// What is said of the authority where certificates are listed.
const AUTHORITY: &str = "embedctl local Looker";

/// Who this server is: a certificate for its names, and the authority that clients are to trust for it.
///
/// Two certificates, not one that signs itself: not every client takes the certificate of a server for an authority.
pub(crate) struct Identity {
    acceptor: TlsAcceptor,
    authority: NamedTempFile,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// A fresh one for these names and addresses. The authority's certificate is in a file as long as this lives; its key
    /// is forgotten at once.
    pub(crate) fn new(names: Vec<String>) -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params
            .distinguished_name
            .push(DnType::CommonName, AUTHORITY);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let authority = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = CertificateParams::new(names).map_err(io::Error::other)?;
        let certificate = params
            .signed_by(&key, &authority)
            .map_err(io::Error::other)?;

        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(io::Error::other)?;
        let mut file = tempfile::Builder::new()
            .prefix("embedctl-ca-")
            .suffix(".pem")
            .tempfile()?;
        file.write_all(authority.pem().as_bytes())?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            authority: file,
        })
    }

    /// The file with the certificate of the authority, in PEM.
    pub(crate) fn authority(&self) -> &Path {
        self.authority.path()
    }

    /// Speak TLS on a new connection.
    pub(crate) fn accept(&self, stream: TcpStream) -> Stream {
        Stream::Greeting(Box::new(self.acceptor.accept(stream)))
    }
}

/// What a connection is made of.
pub(crate) enum Stream {
    Plain(TcpStream),
    /// The handshake goes on whenever the connection is read or written, so that a slow client does not hold up others.
    Greeting(Box<Accept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Make closing it reset the connection.
    pub(crate) fn reset_at_close(&self) {
        let socket = match self {
            Self::Plain(stream) => Some(stream),
            Self::Greeting(_) => None,
            Self::Tls(stream) => Some(stream.get_ref().0),
        };
        // A socket that lingers for no time sends a reset when it is closed.
        drop(socket.map(TcpStream::set_zero_linger));
    }

    /// The stream after the handshake, if it has one.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Self>> {
        if let Self::Greeting(accept) = self {
            let stream = ready!(Pin::new(accept).poll(cx))?;
            *self = Self::Tls(Box::new(stream));
        }
        Poll::Ready(Ok(self))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(self.poll_open(cx))? {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Greeting(_) => Poll::Pending,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.poll_open(cx))? {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Greeting(_) => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.poll_open(cx))? {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Greeting(_) => Poll::Pending,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            // Nothing has been said yet.
            Self::Greeting(_) => Poll::Ready(Ok(())),
        }
    }
}
