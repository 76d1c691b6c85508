//! Failures of settings, proxies, certificates and front ends, made for real: each is told as what it is, names the hop that
//! failed and what to do, and none blames the embed secret.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedctl::looker::{Exchange, HttpOptions, Trace, Waiting};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::client::{client_with, options};
use crate::loopback::{Loopback, Reply, answer, json};
use crate::support::Sandbox;

/// What is set up for a case: the servers live as long as it.
struct World {
    sandbox: Sandbox,
    servers: Vec<Loopback>,
    args: Vec<&'static str>,
}

impl World {
    /// Settings for a Looker at `base_url`.
    fn at(base_url: &str) -> Self {
        let mut sandbox = Sandbox::offline();
        sandbox
            .var("LOOKERSDK_BASE_URL", base_url)
            .var("LOOKERSDK_CLIENT_ID", "id")
            .var("LOOKERSDK_CLIENT_SECRET", "client-s3cret")
            .var("LOOKERSDK_EMBED_SECRET", "embed-s3cret");
        Self {
            sandbox,
            servers: Vec::new(),
            args: Vec::new(),
        }
    }

    fn var(mut self, name: &str, value: impl Into<String>) -> Self {
        self.sandbox.var(name, value);
        self
    }

    fn arg(mut self, args: &[&'static str]) -> Self {
        self.args.extend(args);
        self
    }

    fn keeping(mut self, server: Loopback) -> Self {
        self.servers.push(server);
        self
    }
}

/// The same, for an address that may begin with `http://` though it is not on this machine.
fn plain(base_url: &str) -> World {
    World::at(base_url).var("LOOKERSDK_VERIFY_SSL", "false")
}

/// A port that answers whatever it is sent, before it has understood it.
async fn hasty(answer: &'static [u8]) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _sent = stream.write_all(answer).await.is_ok();
        }
    }));
    World::at(&format!("https://localhost:{port}"))
}

/// A front end that answers everything alike.
async fn front(make: impl Fn() -> Reply + Send + Sync + 'static) -> World {
    let server = Loopback::new(move |_, _| make()).await;
    World::at(&server.url()).keeping(server)
}

/// A Looker that lets the key in, and a front end that answers everything else.
async fn behind(make: impl Fn() -> Reply + Send + Sync + 'static) -> World {
    let server = Loopback::new(move |asked, _| match asked.line().as_str() {
        "POST /login" => json(200, r#"{"access_token":"t","expires_in":3600}"#),
        _ => make(),
    })
    .await;
    World::at(&server.url()).keeping(server)
}

/// A proxy that answers everything alike, for a Looker of this scheme, in this variable.
async fn proxied(
    scheme: &str,
    variable: &str,
    make: impl Fn() -> Reply + Send + Sync + 'static,
) -> World {
    let proxy = Loopback::new(move |_, _| make()).await;
    plain(&format!("{scheme}://looker.example"))
        .var(variable, format!("http://me:s3cret@{}", proxy.address))
        .keeping(proxy)
}

/// A server with TLS: its own certificate for `name`, valid in these years, signed by itself or by an authority of no one.
struct Tls {
    name: &'static str,
    years: (i32, i32),
    self_signed: bool,
}

const SOUND: Tls = Tls {
    name: "localhost",
    years: (2000, 4000),
    self_signed: true,
};

impl Tls {
    /// The server, and the certificate of whoever signed it.
    async fn start(&self) -> (Loopback, String) {
        let mut params = CertificateParams::new(vec![self.name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let (certificate, signer) = match self.self_signed {
            true => {
                let certificate = params.self_signed(&key).unwrap();
                let pem = certificate.pem();
                (certificate, pem)
            }
            false => (params.signed_by(&key, &authority).unwrap(), authority.pem()),
        };
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = Loopback::tls(acceptor, |asked, _| match asked.line().as_str() {
            "POST /login" => json(200, r#"{"access_token":"t","expires_in":3600}"#),
            _ => json(200, r#"{"id":"1"}"#),
        })
        .await;
        (server, signer)
    }

    /// Settings for it, and its signer's certificate in `ca.pem`.
    async fn world(&self) -> World {
        let (server, signer) = self.start().await;
        let world = World::at(&https(&server)).keeping(server);
        world.sandbox.file("ca.pem", &signer);
        world
    }
}

fn https(server: &Loopback) -> String {
    format!("https://localhost:{}", server.address.port())
}

fn page(status: u16) -> Reply {
    answer(
        status,
        ("content-type", "text/html"),
        "<html><body>Log in</body></html>",
    )
}

/// Nothing listens there.
const NOTHING: &str = "127.0.0.1:1";

/// Run it, and hold its exit code and what it says against what is expected.
async fn told(name: &str, world: World, exit: u8, says: &[&str]) -> Vec<String> {
    let mut args = vec!["api", "me", "--retries", "0"];
    args.extend(&world.args);
    let outcome = world.sandbox.run(&args).await;
    let mut wrong = Vec::new();
    if outcome.exit != exit {
        wrong.push(format!("{name}: exit {} instead of {exit}", outcome.exit));
    }
    for word in says {
        if !outcome.err.contains(word) {
            wrong.push(format!("{name}: does not say `{word}`"));
        }
    }
    for word in ["embed secret", "s3cret"] {
        if outcome.err.contains(word) {
            wrong.push(format!("{name}: says `{word}`"));
        }
    }
    if !wrong.is_empty() || std::env::var_os("SHOW").is_some() {
        wrong.push(format!("== {name}\n{}", outcome.err));
    }
    wrong
}

#[derive(Debug, Default)]
struct Waits(Mutex<Vec<Waiting>>);

impl Trace for Waits {
    fn waiting(&self, waiting: &Waiting) {
        self.0.lock().unwrap().push(waiting.clone());
    }

    fn exchange(&self, _: &Exchange) {}
}

#[tokio::test]
async fn each_attempt_that_waits_for_long_is_told_once_and_counted() {
    let server = Loopback::new(|_, _| Reply::Silence).await;
    let waits = Arc::new(Waits::default());
    let options = HttpOptions {
        timeout: Duration::from_millis(200),
        retries: 2,
        silence: Duration::from_millis(20),
        trace: Arc::clone(&waits) as Arc<dyn Trace>,
        ..options()
    };

    client_with(options, &server.url()).me().await.unwrap_err();

    let told = waits.0.lock().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|it| (it.origin.as_str(), it.attempt, it.attempts))
        .collect();
    let origin = server.url();
    assert_eq!(told, [1, 2, 3].map(|attempt| (&*origin, attempt, 3)));
}

#[tokio::test]
async fn an_answer_in_time_is_not_told_to_be_late() {
    let server = Loopback::new(|_, _| json(200, r#"{"access_token":"t","expires_in":3600}"#)).await;
    let waits = Arc::new(Waits::default());
    let options = HttpOptions {
        silence: Duration::from_secs(60),
        trace: Arc::clone(&waits) as Arc<dyn Trace>,
        ..options()
    };

    let _answer = client_with(options, &server.url()).me().await;

    assert!(waits.0.lock().unwrap().is_empty());
}

/// A SOCKS proxy (RFC 1928) that asks for no password; gives the name of the host that it was asked for.
async fn socks() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 2];
        near.read_exact(&mut greeting).await.unwrap();
        let mut methods = vec![0; usize::from(greeting[1])];
        near.read_exact(&mut methods).await.unwrap();
        near.write_all(&[5, 0]).await.unwrap();
        let mut head = [0; 5];
        near.read_exact(&mut head).await.unwrap();
        assert_eq!(head[3], 3, "a name, which the proxy is to look up");
        let mut name = vec![0; usize::from(head[4])];
        near.read_exact(&mut name).await.unwrap();
        let mut port = [0; 2];
        near.read_exact(&mut port).await.unwrap();
        near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let port = u16::from_be_bytes(port);
        let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        drop(tokio::spawn(async move {
            tokio::io::copy_bidirectional(&mut near, &mut far).await
        }));
        String::from_utf8(name).unwrap()
    });
    (address.to_string(), asked)
}

#[tokio::test]
async fn a_socks_proxy_is_gone_through_and_looks_the_name_up() {
    let (proxy, asked) = socks().await;
    let server = Loopback::new(|asked, _| match asked.line().as_str() {
        "POST /login" => json(200, r#"{"access_token":"t","expires_in":3600}"#),
        _ => json(200, r#"{"id":"1"}"#),
    })
    .await;
    let port = server.address.port();
    let world = plain(&format!("http://looker.example:{port}"))
        .var("ALL_PROXY", format!("socks5h://{proxy}"));

    let wrong = told("SOCKS", world, 0, &[]).await;

    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(asked.await.unwrap(), "looker.example");
    assert_eq!(server.lines()[..2], ["POST /login", "GET /user"]);
}

/// The cases, in groups so that each runs in a moment.
macro_rules! cases {
    ($($test:ident: [$($name:literal => $world:expr, $exit:literal, $says:expr;)*])*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let mut wrong = Vec::new();
                $(wrong.extend(told($name, $world, $exit, &$says).await);)*
                assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            }
        )*
    };
}

cases! {
    settings_that_lead_elsewhere: [
        "nothing listens" => World::at(&format!("http://{NOTHING}")), 8,
            ["cannot connect to `http://127.0.0.1:1`", "check that Looker is running"];
        "unknown host" => World::at("https://looker.invalid"), 8,
            ["cannot connect to `https://looker.invalid`", "check the host", "`HTTPS_PROXY`"];
        "no client secret" => World::at("https://looker.example").var("LOOKERSDK_CLIENT_SECRET", ""), 2,
            ["client secret", "LOOKERSDK_CLIENT_SECRET"];
        "an address that is none" => World::at("looker example"), 2, ["base URL"];
        "unknown key" => front(|| json(404, r#"{"message":"Not found","documentation_url":"x"}"#)).await, 4,
            ["does not accept this API key", "check the client id and secret"];
        "a page in place of the API" => front(|| page(200)).await, 8,
            ["an HTML page", "`login`"];
        "a redirect to TLS" => front(|| answer(301, ("location", "https://acme.looker.com/api/4.0/login?x=1"), "")).await, 8,
            ["a redirect to `https://acme.looker.com/api/4.0/login`", "`--base-url`"];
        "TLS, and the address says http" => {
            let (server, _) = SOUND.start().await;
            World::at(&format!("http://localhost:{}", server.address.port())).keeping(server)
        }, 8, ["begin `--base-url` with `https://`"];
        "no TLS, and the address says https" => hasty(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, 8,
            ["the port does not speak TLS", "begins with `http://`"];
    ]
    proxies: [
        "dead, for http" => plain("http://looker.example").var("http_proxy", format!("http://{NOTHING}")), 8,
            ["through the proxy `http://127.0.0.1:1` (from the variable `http_proxy`)", "that the proxy runs"];
        "dead, for https" => World::at("https://looker.example").var("HTTPS_PROXY", format!("http://{NOTHING}")), 8,
            ["through the proxy `http://127.0.0.1:1` (from the variable `HTTPS_PROXY`)", "`NO_PROXY`"];
        "of all, of an unknown host" => World::at("https://looker.example").var("ALL_PROXY", "http://proxy.invalid:3128"), 8,
            ["proxy `http://proxy.invalid:3128` (from the variable `ALL_PROXY`)", "that the proxy runs"];
        "407, for http" => proxied("http", "http_proxy", || page(407)).await, 8,
            ["(from the variable `http_proxy`)", "wants a user and a password", "USER:PASSWORD@127.0.0.1"];
        "407, for https" => proxied("https", "https_proxy", || page(407)).await, 8,
            ["(from the variable `https_proxy`)", "wants a user and a password", "USER:PASSWORD@127.0.0.1"];
        "403, for http" => proxied("http", "http_proxy", || page(403)).await, 8,
            ["status 403 with an HTML page", "(from the variable `http_proxy`)", "ask whoever runs it"];
        "403, for https" => proxied("https", "HTTPS_PROXY", || page(403)).await, 8,
            ["(from the variable `HTTPS_PROXY`)", "the proxy answered and refused", "ask whoever runs it to allow `https://looker.example`"];
        "it does not reach Looker" => proxied("http", "http_proxy", || page(502)).await, 8,
            ["502", "a gateway in front of it got no answer"];
        "SOCKS, dead" => World::at("https://looker.example").var("ALL_PROXY", format!("socks5h://{NOTHING}")), 8,
            ["through the proxy `socks5h://127.0.0.1:1` (from the variable `ALL_PROXY`)", "that the proxy runs"];
        "of a kind that is not known" => World::at("https://looker.example").var("HTTPS_PROXY", "ftp://proxy:21"), 2,
            ["the proxy `ftp://proxy:21` (from the variable `HTTPS_PROXY`) is of the kind `ftp`", "`socks5h`"];
        "it answers nothing" => proxied("https", "HTTPS_PROXY", || Reply::Silence).await.arg(&["--timeout", "300ms"]), 8,
            ["(from the variable `HTTPS_PROXY`)"];
        "it puts its own certificate in place" => {
            let (server, _) = Tls { self_signed: false, ..SOUND }.start().await;
            let proxy = Loopback::new(|_, _| answer(200, ("x-proxy", "1"), "")).await;
            World::at(&https(&server)).var("HTTPS_PROXY", proxy.url()).keeping(server).keeping(proxy)
        }, 8, ["through the proxy", "not trusted (unknown issuer)", "the proxy may put a certificate of its own", "`--ca-file`"];
    ]
    certificates: [
        "self-signed" => SOUND.world().await, 8,
            ["the certificate is self-signed", "`--ca-file`"];
        "self-signed, and given" => SOUND.world().await.arg(&["--ca-file", "ca.pem"]), 0, [];
        "unknown issuer" => Tls { self_signed: false, ..SOUND }.world().await, 8,
            ["not trusted (unknown issuer)", "give that authority's certificate with `--ca-file`"];
        "another name" => Tls { name: "other.example", self_signed: false, ..SOUND }.world().await.arg(&["--ca-file", "ca.pem"]), 8,
            ["the certificate is for another name", "use the name in the certificate"];
        "expired" => Tls { years: (2000, 2001), self_signed: false, ..SOUND }.world().await.arg(&["--ca-file", "ca.pem"]), 8,
            ["has expired or is not valid yet", "check the clock of this machine"];
        "not valid yet" => Tls { years: (3000, 3001), self_signed: false, ..SOUND }.world().await.arg(&["--ca-file", "ca.pem"]), 8,
            ["has expired or is not valid yet"];
        "a file that is not there" => SOUND.world().await.arg(&["--ca-file", "gone.pem"]), 2,
            ["cannot use the certificates in", "gone.pem"];
        "a file without a certificate" => {
            let world = SOUND.world().await;
            world.sandbox.file("notes.txt", "no certificate");
            world.arg(&["--ca-file", "notes.txt"])
        }, 2, ["it holds no certificate in PEM form"];
    ]
    front_ends: [
        "403 without a body" => front(|| answer(403, ("x-front", "1"), "")).await, 8,
            ["status 403 with no body", "a firewall or an allow-list in front of Looker"];
        "403 with a page, behind the login" => behind(|| page(403)).await, 8,
            ["`me` was not answered by Looker's API: status 403 with an HTML page"];
        "411" => front(|| page(411)).await, 8, ["status 411", "`Content-Length`"];
        "404 with a page at the login" => front(|| page(404)).await, 8,
            ["status 404 with an HTML page", "either Looker is down", "it does not know this API key"];
        "404 with a page, behind the login" => behind(|| page(404)).await, 8,
            ["`me` was not answered by Looker's API", "maintenance"];
        "503" => behind(|| page(503)).await, 8, ["503", "a gateway in front of it got no answer"];
        "429" => behind(|| answer(429, ("retry-after", "1"), "")).await, 8,
            ["throttled `me`", "`--concurrency`"];
        "a page with 200" => behind(|| page(200)).await, 8, ["an HTML page"];
        "the connection breaks" => behind(|| Reply::Close).await, 8, ["the connection broke before `me` was answered"];
        "no answer" => behind(|| Reply::Silence).await.arg(&["--timeout", "300ms"]), 8,
            ["`me` did not answer within 300ms", "`--timeout`"];
        "cut short" => behind(|| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{".to_vec())).await, 8,
            ["the connection broke before `me` was answered"];
    ]
}
