//! How fast embed URLs are signed and verified, on one core.
//!
//! The typical case is 4 permissions, 2 models, 2 groups and 2 attributes; the target is a million URLs a second.

use std::collections::BTreeMap;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use embedctl::secret::{ExposeSecret as _, SecretString};
use embedctl::signed_url::{Algorithm, Login, Signer, UrlBuffer, nonces, verify};
use embedctl::system::Random;

const SECRET: &str = "b167c4998c1faadf5bf7742675aa6018aaa2e296f2eec5442b208d2cb6fdf1bd";
const PATH: &str = "/embed/dashboards/3";
const NONCE: &str = "22b1ee700ef3dc2f500fb7c0ffee1234";
const TIME: i64 = 1_700_000_000;
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha1, Algorithm::Sha256];

fn main() {
    divan::main();
}

#[divan::bench(args = ALGORITHMS)]
fn sign_typical(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    sign(bencher, algorithm, &typical());
}

#[divan::bench(args = ALGORITHMS)]
fn sign_large(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    sign(bencher, algorithm, &large());
}

/// The price of the convenient form: a buffer and a secret of its own for each URL.
#[divan::bench(args = ALGORITHMS)]
fn sign_typical_as_secret(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (signer, login) = (signer(algorithm), typical());
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench_local(|| signer.sign(PATH, black_box(&login), NONCE, TIME));
}

#[divan::bench(args = ALGORITHMS)]
fn verify_typical(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let url = signer(algorithm)
        .sign(PATH, &typical(), NONCE, TIME)
        .expect("the case is one that Looker takes");
    let (start, query) = url.expose_secret().split_once('?').expect("it has a query");
    let path = start
        .strip_prefix("https://looker.example.com")
        .expect("it has the host");
    let secrets = [(SecretString::from(SECRET), algorithm)];
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        verify::verify(black_box(path), query, "looker.example.com", &secrets, TIME)
    });
}

/// Randomness for a thousand URLs, asked for at once.
#[divan::bench]
fn a_thousand_nonces(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(1000_usize))
        .bench_local(|| nonces(&Random::os(), 1000));
}

fn sign(bencher: Bencher<'_, '_>, algorithm: Algorithm, login: &Login) {
    let signer = signer(algorithm);
    let mut buffer = UrlBuffer::default();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        signer
            .sign_into(&mut buffer, black_box(PATH), black_box(login), NONCE, TIME)
            .map(str::len)
    });
}

fn signer(algorithm: Algorithm) -> Signer {
    Signer::new("looker.example.com", &SecretString::from(SECRET), algorithm)
        .expect("host and secret are good")
}

fn typical() -> Login {
    Login {
        first_name: Some("Ada".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        permissions: Some(list(&[
            "access_data",
            "see_looks",
            "see_user_dashboards",
            "see_lookml_dashboards",
        ])),
        models: Some(list(&["thelook", "powered_by"])),
        group_ids: Some(list(&["5", "2"])),
        external_group_id: Some("awesome_engineers".to_owned()),
        user_attributes: Some(BTreeMap::from([
            ("company_id".to_owned(), "42".to_owned()),
            ("locale".to_owned(), "en_US".to_owned()),
        ])),
        session_length: 3600,
        ..Login::new("user-57")
    }
}

/// About as much as Looker takes: 40 attributes, some of them not ASCII, and 30 groups.
fn large() -> Login {
    let attributes = (0..40).map(|number| {
        let value = format!("North America, \"EMEA\", Zürich {number}, 日本; [1,10),>5");
        (format!("attribute_{number}"), value)
    });
    Login {
        group_ids: Some((1000..1030).map(|id| id.to_string()).collect()),
        user_attributes: Some(attributes.collect()),
        ..typical()
    }
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
