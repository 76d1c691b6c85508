//! What `embedctl url sign --batch` takes for a URL, beside what signing that same URL takes in the library.
//!
//! Both are measured in processor time, which does not depend on what else the machine does: `cargo bench --bench
//! url_batch`. Under `valgrind --tool=callgrind`, with a number of lines and `library` or `batch` as arguments, either is
//! counted in instructions alone.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so and stop"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io;

use embedctl::error::Exit;
use embedctl::secret::SecretString;
use embedctl::signed_url::{Algorithm, Login, Signer, UrlBuffer, nonces};
use embedctl::system::{Input, Random, Stream, System};

const HOST: &str = "looker.example.com";
const SECRET: &str = "b167c4998c1faadf5bf7742675aa6018aaa2e296f2eec5442b208d2cb6fdf1bd";
const TIME: i64 = 1_700_000_000;

/// How many lines are signed: enough for a time that is counted in hundredths of a second.
const LINES: usize = 400_000;

/// More than this many times the library's share would be a mistake.
const MOST: f64 = 4.0;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let given = |name: &str| args.iter().any(|arg| arg == name);
    // Cargo says `--bench` to a benchmark, and nothing to a test.
    let usual = if given("--bench") { LINES } else { 100 };
    let lines = args
        .iter()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(usual);
    let both = given("library") == given("batch");
    let library = if both || given("library") {
        library(lines)
    } else {
        0.0
    };
    let batch = if both || given("batch") {
        batch(lines).await
    } else {
        0.0
    };
    if both && lines >= LINES {
        let ratio = batch / library;
        println!("{:.2} µs a URL in the library", per_line(library, lines));
        println!(
            "{:.2} µs a URL in `url sign --batch`",
            per_line(batch, lines)
        );
        println!("{ratio:.1} times as much; at most {MOST:.0} is the goal");
    }
}

fn per_line(seconds: f64, lines: usize) -> f64 {
    seconds * 1e6 / f64::from(u32::try_from(lines).unwrap())
}

/// The processor time of signing with the library, one login after the other, by the algorithm that the command takes
/// unless it is told another one.
fn library(lines: usize) -> f64 {
    let signer = Signer::new(HOST, &SecretString::from(SECRET), Algorithm::Sha1).unwrap();
    let nonces = nonces(&Random::os(), 64).unwrap();
    let logins: Vec<(Login, String)> = (0..64).map(login).zip(nonces).collect();
    let mut buffer = UrlBuffer::default();
    let began = processor_time();
    for (login, nonce) in logins.iter().cycle().take(lines) {
        let url = signer.sign_into(&mut buffer, "/embed/dashboards/3", login, nonce, TIME);
        black_box(url.unwrap());
    }
    processor_time() - began
}

/// The processor time of the command, from the text of the lines to the text of the URLs.
async fn batch(lines: usize) -> f64 {
    let mut text = String::new();
    for number in 0..lines {
        writeln!(text, "{}", line(&login(number))).unwrap();
    }
    let variables = [
        ("LOOKERSDK_BASE_URL", "https://looker.example.com"),
        ("LOOKERSDK_EMBED_SECRET", SECRET),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (out, err) = (
        Stream::new(io::sink(), false),
        Stream::new(io::stderr(), false),
    );
    let mut system = System::with(variables, ".", Input::text(text), out, err);
    let began = processor_time();
    let exit = embedctl::run("embedctl url sign --batch -".split(' '), &mut system).await;
    let processor = processor_time() - began;
    assert_eq!(exit, Exit::Done);
    processor
}

/// A line of the batch that asks for this login.
fn line(login: &Login) -> serde_json::Value {
    serde_json::json!({
        "path": "/embed/dashboards/3",
        "external_user_id": login.external_user_id,
        "first_name": login.first_name,
        "last_name": login.last_name,
        "permissions": login.permissions,
        "models": login.models,
        "group_ids": login.group_ids,
        "external_group_id": login.external_group_id,
        "user_attributes": login.user_attributes,
        "session_length": login.session_length,
    })
}

/// A typical login: 4 permissions, 2 models, 2 groups and 2 attributes.
fn login(number: usize) -> Login {
    let list = |items: &[&str]| Some(items.iter().map(ToString::to_string).collect());
    Login {
        first_name: Some("Ada".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        permissions: list(&[
            "access_data",
            "see_looks",
            "see_user_dashboards",
            "see_lookml_dashboards",
        ]),
        models: list(&["thelook", "powered_by"]),
        group_ids: list(&["5", "2"]),
        external_group_id: Some("awesome_engineers".to_owned()),
        user_attributes: Some(BTreeMap::from([
            ("company_id".to_owned(), number.to_string()),
            ("locale".to_owned(), "en_US".to_owned()),
        ])),
        session_length: 3600,
        ..Login::new(format!("user-{number}"))
    }
}

/// The processor time of this process, in seconds; the kernel counts it in hundredths.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks = ticks.map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}
