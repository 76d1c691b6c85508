//! How many requests a second the local Looker answers, and what a million users cost.
//!
//! The client shares the machine, and its two threads, with the emulator: a few connections that write a request, read
//! the answer, and write the next. The processor time counts both sides, and does not depend on what else the machine
//! does. `cargo bench --bench emulator`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so and stop"
)]

use std::fs;
use std::time::{Duration, Instant};

use embedctl::emulator::{Emulator, Options};
use embedctl::secret::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 8;
const TIME: Duration = Duration::from_secs(3);
const MANY: usize = 1_000_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // `cargo test --benches` only sees that it runs.
        let test = std::env::args().any(|arg| arg == "--test");
        let (time, many) = match test {
            true => (Duration::from_millis(50), 1000),
            false => (TIME, MANY),
        };
        throughput(time).await;
        scale(time, many).await;
    });
}

async fn throughput(time: Duration) {
    let looker = start(1000).await;
    let token = log_in(&looker).await;
    for path in [
        "/versions",
        "/api/4.0/user?fields=id",
        "/api/4.0/user",
        "/api/4.0/users/credential/embed/user-500?fields=id",
        "/api/4.0/users/2/credentials_api3",
    ] {
        print(path, &rate(&looker, &token, path, time).await);
    }
    looker.stop().await;
}

async fn scale(time: Duration, many: usize) {
    let before = resident();
    let started = Instant::now();
    let looker = start(many).await;
    println!(
        "{many} users: {:.1} s, {} MiB",
        started.elapsed().as_secs_f64(),
        (resident() - before) / 1024,
    );
    let token = log_in(&looker).await;
    for path in [
        format!(
            "/api/4.0/users/credential/embed/user-{}?fields=id",
            many / 2
        ),
        format!("/api/4.0/users/{}?fields=id", many / 2),
        "/api/4.0/users/search?embed_user=true&sorts=id&limit=100&fields=id".to_owned(),
        format!(
            "/api/4.0/users/search?embed_user=true&sorts=id&limit=100&offset={}&fields=id",
            many - 200
        ),
    ] {
        print(&path, &rate(&looker, &token, &path, time).await);
    }
    looker.stop().await;
}

fn print(path: &str, rate: &Rate) {
    let Rate {
        by_clock,
        by_processor,
    } = rate;
    println!("{by_clock:>8.0}/s {by_processor:>8.0} per CPU-second  GET {path}");
}

async fn start(users: usize) -> Emulator {
    Emulator::start(Options {
        users,
        history: 1000,
        ..Options::default()
    })
    .await
    .unwrap()
}

async fn log_in(looker: &Emulator) -> String {
    let body = format!(
        "client_id={}&client_secret={}",
        looker.client_id(),
        looker.client_secret().expose_secret()
    );
    let request = format!(
        "POST /api/4.0/login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{body}",
        looker.host(),
        body.len()
    );
    let mut stream = TcpStream::connect(looker.host()).await.unwrap();
    let mut buffer = Vec::new();
    let answer = exchange(&mut stream, request.as_bytes(), &mut buffer).await;
    let token = answer.split("\"access_token\":\"").nth(1).unwrap();
    token.split('"').next().unwrap().to_owned()
}

struct Rate {
    by_clock: f64,
    by_processor: f64,
}

/// Requests a second over a few connections at once.
async fn rate(looker: &Emulator, token: &str, path: &str, time: Duration) -> Rate {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n",
        looker.host()
    );
    let host = looker.host().to_owned();
    let (started, processor) = (Instant::now(), processor_time());
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (host, request) = (host.clone(), request.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(host).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = Vec::new();
                let mut count = 0_u32;
                while started.elapsed() < time {
                    let answer = exchange(&mut stream, request.as_bytes(), &mut buffer).await;
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut total = 0;
    for client in clients {
        total += client.await.unwrap();
    }
    Rate {
        by_clock: f64::from(total) / started.elapsed().as_secs_f64(),
        by_processor: f64::from(total) / (processor_time() - processor),
    }
}

/// Send a request and read one answer.
async fn exchange<'a>(stream: &mut TcpStream, request: &[u8], buffer: &'a mut Vec<u8>) -> &'a str {
    stream.write_all(request).await.unwrap();
    buffer.clear();
    loop {
        stream.read_buf(buffer).await.unwrap();
        if whole(buffer) {
            return std::str::from_utf8(buffer).unwrap();
        }
    }
}

fn whole(answer: &[u8]) -> bool {
    let text = std::str::from_utf8(answer).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.lines().next().unwrap();
    body.len() >= length.parse().unwrap()
}

/// The processor time of this process, in seconds; the kernel counts it in hundredths.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks = ticks.map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

/// The memory of this process, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
