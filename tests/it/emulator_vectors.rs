//! URLs made by Looker's own published signers, opened on the local Looker.

use std::collections::BTreeMap;

use embedctl::emulator::{Emulator, Options, State, Switches};
use embedctl::signed_url::Algorithm;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::signed_url::{data, exception, verify_url};

/// An emulator that goes by the host and the secret of a vector, and minds only what the signature is about.
pub(crate) async fn start(secret: &str, host: &str) -> Emulator {
    Emulator::start(Options {
        embed_secret: Some(secret.into()),
        embed_host: Some(host.to_owned()),
        state: State::parse("settings: { allow_user_timezones: true }").unwrap(),
        switches: Switches {
            unknown_group_fails: false,
            forbidden_permission_fails: false,
            ..Switches::default()
        },
        ..Options::default()
    })
    .await
    .unwrap()
}

/// Open a URL at the time it was made for, in a world that has not seen its nonce; gives where it leads.
pub(crate) async fn open(looker: &Emulator, url: &str, time: i64) -> String {
    control(looker, "reset", "").await;
    let now = embedctl::system::Clock::os().now().as_second();
    let offset = format!("{{\"offset_seconds\":{}}}", time - now);
    control(looker, "clock", &offset).await;
    let (_, target) = url.split_once("://").unwrap();
    let target = &target[target.find('/').unwrap()..];
    let answer = send(looker, &format!("GET {target} HTTP/1.1\r\n\r\n"), "").await;
    let location = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    location.unwrap_or(&answer).to_owned()
}

async fn control(looker: &Emulator, path: &str, body: &str) {
    let head = format!(
        "POST /__emulator/{path} HTTP/1.1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = send(looker, &head, body).await;
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

/// Send a request as it is: a client library would rewrite what was signed.
async fn send(looker: &Emulator, head: &str, body: &str) -> String {
    let address = looker.base_url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = head.replacen("\r\n", "\r\nhost: localhost\r\nconnection: close\r\n", 1);
    stream.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn every_genuine_url_of_looker_s_signers_opens() {
    let mut lookers = BTreeMap::new();
    for vector in data().vectors {
        let (case, signer) = (&vector.case, &vector.signer);
        if !vector.genuine || exception(case, signer).is_some() {
            continue;
        }
        let host = host(&vector.url);
        let key = (vector.secret.clone(), host.to_owned());
        if !lookers.contains_key(&key) {
            lookers.insert(key.clone(), start(&vector.secret, host).await);
        }
        let looker = &lookers[&key];

        let location = open(looker, &vector.url, vector.time).await;

        let refused = looker.refused_logins();
        assert_eq!(refused, Vec::<String>::new(), "{case} by {signer}");
        assert_ne!(location, "/login", "{case} by {signer}");
    }
}

#[tokio::test]
async fn every_forged_url_is_refused_with_the_validator_s_message() {
    let time = 1_700_000_000;
    for forged in data().must_reject {
        let genuine = verify_url(&forged.url, &forged.secret, Algorithm::Sha1, time);
        let looker = start(&forged.secret, host(&forged.url)).await;

        let location = open(&looker, &forged.url, time).await;

        match genuine {
            // Order and names are not signed, so anybody may change them; nothing hangs on them.
            Ok(_) => assert!(UNSIGNED.contains(&forged.id.as_str()), "{}", forged.id),
            Err(says) => {
                assert!(!location.starts_with("/embed"), "{}", forged.id);
                let refused = looker.refused_logins();
                assert_eq!(refused, [says.to_string()], "{}", forged.id);
            }
        }
    }
}

const UNSIGNED: [&str; 2] = ["unsigned-fields-changed", "reordered-query"];

fn host(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    rest.split('/').next().unwrap()
}
