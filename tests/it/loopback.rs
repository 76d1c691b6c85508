//! A server on loopback that answers as one test says, byte by byte where it wants to, and keeps what it was asked.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The target as in the request line, with the query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Method and path, without what stands before the API's own path and without the query.
    pub(crate) fn line(&self) -> String {
        let path = self.target.split('?').next().unwrap();
        let path = path.split_once("/api/4.0").map_or(path, |(_, below)| below);
        format!("{} {path}", self.method)
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// An answer with a length.
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// These bytes, then the connection is closed.
    Raw(Vec<u8>),
    /// The connection is closed without a word.
    Close,
    /// No answer ever.
    Silence,
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    let headers = vec![("content-type", "application/json".to_owned())];
    Reply::Answer {
        status,
        headers,
        body: body.into(),
    }
}

/// An answer with a body of any type and one header more.
pub(crate) fn answer(status: u16, header: (&'static str, &str), body: impl Into<Vec<u8>>) -> Reply {
    Reply::Answer {
        status,
        headers: vec![(header.0, header.1.to_owned())],
        body: body.into(),
    }
}

type Behaviour = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// The server; it stops when dropped.
pub(crate) struct Loopback {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl Loopback {
    /// A server that answers by `behaviour`, which is told the request and how many came before it.
    pub(crate) async fn new(
        behaviour: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(behaviour, None).await
    }

    /// The same over TLS.
    pub(crate) async fn tls(
        acceptor: TlsAcceptor,
        behaviour: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(behaviour, Some(acceptor)).await
    }

    async fn start(
        behaviour: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
        acceptor: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let kept = Arc::clone(&asked);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (behaviour, kept) = (Arc::clone(&behaviour), Arc::clone(&kept));
                let acceptor = acceptor.clone();
                drop(tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, &behaviour, &kept).await,
                        Some(acceptor) => {
                            // A client that does not trust us hangs up here.
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &behaviour, &kept).await;
                            }
                        }
                    }
                }));
            }
        });
        Self {
            address,
            asked,
            accepting,
        }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Method and path of everything that was asked so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Answer the requests of one connection until one side closes it.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    behaviour: &Arc<Behaviour>,
    kept: &Mutex<Vec<Asked>>,
) {
    while let Some(request) = request(&mut stream).await {
        let before = {
            let mut kept = kept.lock().unwrap();
            kept.push(request.clone());
            kept.len() - 1
        };
        let reply = behaviour(&request, before);
        let tunnels = matches!(reply, Reply::Answer { status: 200, .. });
        let bytes = match reply {
            Reply::Answer {
                status,
                headers,
                body,
            } => render(status, &headers, &body),
            Reply::Raw(bytes) => {
                let _sent = stream.write_all(&bytes).await.is_ok();
                return;
            }
            Reply::Close => return,
            Reply::Silence => std::future::pending().await,
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
        if request.method == "CONNECT" && tunnels {
            return tunnel(stream, &request.target).await;
        }
    }
}

async fn tunnel(mut near: impl AsyncRead + AsyncWrite + Unpin, target: &str) {
    let mut far = TcpStream::connect(target).await.unwrap();
    let _ended = tokio::io::copy_bidirectional(&mut near, &mut far)
        .await
        .is_ok();
}

fn render(status: u16, headers: &[(&'static str, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    // RFC 9110, section 8.6: these have no length.
    if status != 204 && status != 304 {
        write!(head, "content-length: {}\r\n", body.len()).unwrap();
    }
    head += "\r\n";
    [head.as_bytes(), body].concat()
}

async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked {
        method,
        target,
        headers,
        body: bytes[head_end..].to_vec(),
    };
    let length = asked.header("content-length").unwrap_or("0");
    let length: usize = length.parse().unwrap();
    while asked.body.len() < length {
        if stream.read_buf(&mut asked.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(asked)
}
