//! TLS and proxies: whom the client trusts, what it says when it does not, and the way it takes.

use std::sync::Arc;

use embedctl::error::{Error, Kind};
use embedctl::looker::{HttpOptions, LookerError, Proxy, TlsProblem};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::client::{client_with, options};
use crate::loopback::{Asked, Loopback, Reply, answer, json};
use crate::support::Sandbox;

fn behave(asked: &Asked, _: usize) -> Reply {
    match asked.line().as_str() {
        "POST /login" => json(200, r#"{"access_token":"t","expires_in":3600}"#),
        _ => json(200, r#"{"id":"1"}"#),
    }
}

/// An authority of the test's own, in PEM form, and a server that has a certificate of its for `name`.
async fn server(name: &str) -> (String, Loopback) {
    let (authority, config) = certified(name);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    (authority, Loopback::tls(acceptor, behave).await)
}

fn certified(name: &str) -> (String, ServerConfig) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.pem(), config(&certificate, &key))
}

fn config(certificate: &Certificate, key: &KeyPair) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap()
}

/// A server that signed its certificate itself, and that certificate in PEM form.
async fn self_signed(params: CertificateParams) -> (String, Loopback) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config(&certificate, &key)));
    (certificate.pem(), Loopback::tls(acceptor, behave).await)
}

fn https(server: &Loopback) -> String {
    format!("https://localhost:{}", server.address.port())
}

#[tokio::test]
async fn create_user_names_an_unknown_authority_and_takes_the_ca_file_of_the_hint() {
    let (authority, server) = server("localhost").await;
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_BASE_URL", https(&server))
        .var("LOOKERSDK_CLIENT_ID", "id")
        .var("LOOKERSDK_CLIENT_SECRET", "secret")
        .var("LOOKERSDK_EMBED_SECRET", "secret");
    sandbox.file("ca.pem", &authority);

    let refused = sandbox.run(&["create-user", "acme-42"]).await.exits(8);
    let trusted = ["create-user", "acme-42", "--ca-file", "ca.pem"];
    let trusted = sandbox.run(&trusted).await;

    assert!(
        refused.err.contains("is not trusted (unknown issuer)"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains(
        "hint: if your own authority signed it, give that authority's certificate with `--ca-file`"
    ));
    // The server is no Looker: what counts is that embedctl got as far as to talk to it.
    assert!(!trusted.err.contains("trusted"), "{}", trusted.err);
    assert!(server.lines().contains(&"POST /login".to_owned()));
}

#[tokio::test]
async fn an_unknown_authority_is_refused_and_the_hint_names_ca_file() {
    let (_authority, server) = server("localhost").await;
    let client = client_with(options(), &https(&server));

    let error = client.me().await.unwrap_err();

    assert!(
        matches!(
            error,
            LookerError::Tls {
                problem: TlsProblem::UnknownIssuer,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    assert!(!error.took_effect_unknown());
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.advice().unwrap().contains("--ca-file"));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn an_authority_from_a_file_is_trusted() {
    let (authority, server) = server("localhost").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, format!("# our own\n{authority}")).unwrap();
    let client = client_with(
        HttpOptions {
            ca_files: vec![path],
            ..options()
        },
        &https(&server),
    );

    assert_eq!(client.me().await.unwrap().id, "1");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (authority, server) = server("looker.example").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority).unwrap();
    let client = client_with(
        HttpOptions {
            ca_files: vec![path],
            ..options()
        },
        &https(&server),
    );

    let error = client.me().await.unwrap_err();

    assert!(
        matches!(
            error,
            LookerError::Tls {
                problem: TlsProblem::WrongName,
                ..
            }
        ),
        "{error:?}"
    );
}

/// The ways in which tools write a certificate for `name`.
fn kinds(name: &str) -> [CertificateParams; 3] {
    let plain = CertificateParams::new(vec![name.to_owned()]).unwrap();
    // `openssl req -x509`.
    let mut authority = plain.clone();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // `keytool`, and Looker's own.
    let mut common_name = CertificateParams::default();
    common_name
        .distinguished_name
        .push(DnType::OrganizationName, "Acme");
    common_name
        .distinguished_name
        .push(DnType::CommonName, name);
    [plain, authority, common_name]
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_for_the_name_it_bears_if_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("looker.pem");
    let given = || HttpOptions {
        ca_files: vec![path.clone()],
        ..options()
    };
    for params in kinds("localhost") {
        let (certificate, server) = self_signed(params).await;
        std::fs::write(&path, certificate).unwrap();

        let trusted = client_with(given(), &https(&server)).me().await;
        let unknown = client_with(options(), &https(&server))
            .me()
            .await
            .unwrap_err();

        assert_eq!(trusted.unwrap().id, "1");
        assert_eq!(problem(&unknown), TlsProblem::SelfSigned);
    }
    for params in kinds("looker.example") {
        let (certificate, server) = self_signed(params).await;
        std::fs::write(&path, certificate).unwrap();

        let refused = client_with(given(), &https(&server))
            .me()
            .await
            .unwrap_err();

        assert_eq!(problem(&refused), TlsProblem::WrongName);
    }
    for mut params in kinds("localhost") {
        params.not_after = date_time_ymd(2020, 1, 1);
        let (certificate, server) = self_signed(params).await;
        std::fs::write(&path, certificate).unwrap();

        let refused = client_with(given(), &https(&server))
            .me()
            .await
            .unwrap_err();

        assert_eq!(problem(&refused), TlsProblem::OutOfDate);
    }
}

#[tokio::test]
async fn another_certificate_for_the_same_name_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("looker.pem");
    for params in kinds("localhost") {
        let (certificate, _) = self_signed(params.clone()).await;
        let (_, server) = self_signed(params).await;
        std::fs::write(&path, certificate).unwrap();
        let options = HttpOptions {
            ca_files: vec![path.clone()],
            ..options()
        };

        let refused = client_with(options, &https(&server))
            .me()
            .await
            .unwrap_err();

        assert!(matches!(refused, LookerError::Tls { .. }), "{refused:?}");
        assert!(server.asked().is_empty());
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_called_so_and_the_hint_names_ca_file() {
    let (_, server) = self_signed(kinds("localhost")[0].clone()).await;
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_BASE_URL", https(&server))
        .var("LOOKERSDK_CLIENT_ID", "id")
        .var("LOOKERSDK_CLIENT_SECRET", "secret");

    let refused = sandbox.run(&["users", "list"]).await.exits(8);

    assert!(refused.err.contains("self-signed"), "{}", refused.err);
    assert!(refused.err.contains("`--ca-file`"), "{}", refused.err);
}

#[track_caller]
fn problem(error: &LookerError) -> TlsProblem {
    match error {
        LookerError::Tls { problem, .. } => *problem,
        _ => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn anybody_is_trusted_when_told_so() {
    let (_authority, server) = server("looker.example").await;
    let client = client_with(
        HttpOptions {
            verify_tls: false,
            ..options()
        },
        &https(&server),
    );

    assert_eq!(client.me().await.unwrap().id, "1");
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_is_a_tls_problem() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let _sent = stream.write_all(answer).await.is_ok();
        }
    });
    let client = client_with(
        HttpOptions {
            verify_tls: false,
            ..options()
        },
        &url,
    );

    let error = client.me().await.unwrap_err();

    answering.abort();
    assert!(
        matches!(
            error,
            LookerError::Tls {
                problem: TlsProblem::Plain,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_holds_no_certificate_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing here\n").unwrap();
    for path in [empty, folder.path().join("missing.pem")] {
        let error = embedctl::looker::Http::new(HttpOptions {
            ca_files: vec![path.clone()],
            ..options()
        })
        .unwrap_err();

        let error = Error::from(error);
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.message().contains(path.to_str().unwrap()));
        assert!(error.causes().count() > 0);
    }
}

/// A proxy that a variable names.
fn given(url: String) -> Option<Proxy> {
    let source = "variable `HTTPS_PROXY`".to_owned();
    Some(Proxy { url, source })
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_named_with_its_variable() {
    let behaviours: [(&str, u16); 3] = [("absent", 0), ("password", 407), ("refuses", 403)];
    for (what, status) in behaviours {
        let proxy = Loopback::new(move |_, _| answer(status.max(200), ("x-proxy", "1"), "")).await;
        let address = match what {
            // Nothing listens on this port.
            "absent" => "127.0.0.1:1".to_owned(),
            _ => proxy.address.to_string(),
        };
        for (scheme, variable) in [("http", "http_proxy"), ("https", "HTTPS_PROXY")] {
            let mut sandbox = Sandbox::offline();
            sandbox
                .var("LOOKERSDK_BASE_URL", format!("{scheme}://looker.example"))
                .var("LOOKERSDK_CLIENT_ID", "id")
                .var("LOOKERSDK_CLIENT_SECRET", "secret")
                .var("LOOKERSDK_VERIFY_SSL", "false")
                .var(variable, format!("http://me:s3cret@{address}"));

            let args = ["api", "me", "--retries", "0"];
            let said = sandbox.run(&args).await.exits(8).err;

            let named = format!("proxy `http://{address}` (from the variable `{variable}`)");
            assert!(said.contains(&named), "{what} {scheme}: {said}");
            assert!(!said.contains("s3cret"), "{said}");
            let hint = match what {
                "absent" => "that the proxy runs",
                "password" => "`http://USER:PASSWORD@127.0.0.1",
                _ => "ask whoever runs it",
            };
            assert!(said.contains(hint), "{what} {scheme}: {said}");
        }
    }
}

#[tokio::test]
async fn the_proxy_is_asked_for_everything_but_the_exceptions() {
    let server = Loopback::new(behave).await;
    let proxy = Loopback::new(behave).await;
    let through = |no_proxy: Option<&str>| HttpOptions {
        proxy: given(format!("http://user:s3cret@{}", proxy.address)),
        no_proxy: no_proxy.map(str::to_owned),
        ..options()
    };
    assert!(!format!("{:?}", through(None)).contains("s3cret"));

    let client = client_with(through(None), "http://looker.example:9999");
    assert_eq!(client.me().await.unwrap().id, "1");

    let asked = proxy.asked();
    assert_eq!(asked[1].target, "http://looker.example:9999/api/4.0/user");
    // `user:s3cret` in base64.
    assert_eq!(
        asked[1].header("proxy-authorization"),
        Some("Basic dXNlcjpzM2NyZXQ=")
    );

    let client = client_with(through(Some("other.example,127.0.0.1")), &server.url());
    assert_eq!(client.me().await.unwrap().id, "1");
    assert_eq!(proxy.asked().len(), 2);
    assert_eq!(server.lines(), ["POST /login", "GET /user"]);
}

#[tokio::test]
async fn https_goes_through_the_proxy_in_a_tunnel() {
    let (_authority, server) = server("localhost").await;
    let proxy = Loopback::new(|_, _| answer(200, ("x-proxy", "1"), "")).await;
    let client = client_with(
        HttpOptions {
            proxy: given(proxy.url()),
            verify_tls: false,
            ..options()
        },
        &https(&server),
    );

    assert_eq!(client.me().await.unwrap().id, "1");

    let target = format!("localhost:{}", server.address.port());
    assert_eq!(proxy.asked()[0].method, "CONNECT");
    assert_eq!(proxy.asked()[0].target, target);
    assert_eq!(server.lines(), ["POST /login", "GET /user"]);
}

#[tokio::test]
async fn a_proxy_that_is_no_address_is_refused() {
    let client = client_with(
        HttpOptions {
            proxy: given("http://user:s3cret@bad host".to_owned()),
            ..options()
        },
        "http://looker.example",
    );

    let error = client.me().await.unwrap_err();

    assert!(matches!(error, LookerError::Setup { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let (_authority, mut config) = certified("localhost");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let greeting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut greeting = [0; 24];
        stream.read_exact(&mut greeting).await.unwrap();
        greeting
    });
    let client = client_with(
        HttpOptions {
            verify_tls: false,
            retries: 0,
            ..options()
        },
        &url,
    );

    client.me().await.unwrap_err();

    // RFC 9113, section 3.4.
    assert_eq!(
        &greeting.await.unwrap(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    );
}
