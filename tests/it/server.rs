//! The emulator as a server: who it answers, how long it waits, and where it sends nobody.

use std::time::Duration;

use embedctl::emulator::{Emulator, Fault, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::in_time;

/// What the emulator answers to the bytes of a request, until it closes the connection.
async fn answer(emulator: &Emulator, request: &str) -> String {
    let address = emulator.base_url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _closed = in_time(stream.read_to_end(&mut answer)).await.is_ok();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn status(emulator: &Emulator, method: &str, path: &str, headers: &str) -> u16 {
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let answer = answer(emulator, &request).await;
    answer.get(9..12).unwrap_or_default().parse().unwrap_or(0)
}

#[tokio::test]
async fn only_who_means_this_emulator_is_answered() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let own = emulator.base_url().trim_start_matches("http://").to_owned();
    for (path, headers, expected) in [
        ("/alive", format!("Host: {own}\r\n"), 200),
        ("/alive", "Host: localhost:1\r\n".to_owned(), 200),
        ("/alive", "Host: evil.example\r\n".to_owned(), 403),
        (
            "/__emulator/state",
            "Host: evil.example\r\n".to_owned(),
            403,
        ),
        ("/api/4.0/user", "Host: 10.0.0.1\r\n".to_owned(), 403),
        ("/__emulator/state", format!("Host: {own}\r\n"), 200),
        (
            "/__emulator/state",
            format!("Host: {own}\r\nOrigin: http://{own}\r\n"),
            200,
        ),
        (
            "/__emulator/state",
            format!("Host: {own}\r\nOrigin: http://evil.example\r\n"),
            403,
        ),
        (
            "/__emulator/state",
            format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\n"),
            403,
        ),
    ] {
        let status = status(&emulator, "GET", path, &headers).await;
        assert_eq!(status, expected, "{path} {headers}");
    }
    for (path, headers) in [
        (
            "/__emulator/reset",
            format!("Host: {own}\r\nOrigin: https://evil.example\r\n"),
        ),
        (
            "/__emulator/reset",
            format!("Host: {own}\r\nOrigin: null\r\n"),
        ),
        (
            "/__emulator/reset",
            format!("Host: {own}\r\nSec-Fetch-Site: same-site\r\n"),
        ),
        (
            "/api/4.0/login",
            format!("Host: {own}\r\nOrigin: http://localhost:1\r\n"),
        ),
    ] {
        let status = status(&emulator, "POST", path, &headers).await;
        assert_eq!(status, 403, "{path} {headers}");
    }
    let fine = status(
        &emulator,
        "POST",
        "/__emulator/reset",
        &format!("Host: {own}\r\n"),
    )
    .await;
    assert_eq!(fine, 204);
    emulator.stop().await;

    let options = Options {
        embed_host: Some("bi.acme.com".to_owned()),
        ..Options::default()
    };
    let emulator = Emulator::start(options).await.unwrap();
    assert_eq!(
        status(&emulator, "GET", "/alive", "Host: bi.acme.com\r\n").await,
        200
    );
    assert_eq!(
        status(&emulator, "GET", "/alive", "Host: acme.com\r\n").await,
        403
    );
    emulator.stop().await;
}

#[tokio::test]
async fn a_request_that_does_not_arrive_is_not_waited_for() {
    let options = Options {
        arrival: Duration::from_millis(100),
        ..Options::default()
    };
    let emulator = Emulator::start(options).await.unwrap();
    // Each ends because the emulator closes the connection: half a head, no request at all, half a body.
    assert_eq!(
        answer(&emulator, "GET /alive HTTP/1.1\r\nHost: lo").await,
        ""
    );
    assert_eq!(answer(&emulator, "").await, "");
    let half = "POST /__emulator/clock HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{";
    assert!(answer(&emulator, half).await.starts_with("HTTP/1.1 408"));
    // The neighbour: a connection that is kept after its answer.
    let kept = "GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(answer(&emulator, kept).await.starts_with("HTTP/1.1 200"));
    emulator.stop().await;
}

#[tokio::test]
async fn an_answer_of_any_size_that_is_asked_for_ends_nothing() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let fault = "99999999999999".parse::<usize>().unwrap();
    emulator.inject(Fault::new(embedctl::emulator::Effect::Huge(fault)));
    let address = emulator.base_url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut huge = Vec::new();
    // No machine has the memory for all of it.
    let mut beginning = stream.take(16 << 20);
    let read = in_time(beginning.read_to_end(&mut huge)).await;
    assert_eq!(read.unwrap(), 16 << 20);
    drop(beginning);
    let huge = String::from_utf8(huge).unwrap();
    assert!(huge.starts_with("HTTP/1.1 200"));
    assert!(huge.contains("content-length: 99999999999999\r\n"));
    emulator.clear_faults();
    assert_eq!(
        status(&emulator, "GET", "/alive", "Host: localhost\r\n").await,
        200
    );
    emulator.stop().await;
}
