//! What the README says is what the program does: its commands are run, and what they print is compared.

use std::fs;
use std::path::Path;

use embedctl::emulator::{Options, State};

use crate::support::{Sandbox, assert_parses, output};

const README: &str = include_str!("../../README.md");

/// Lines of any number, where the README leaves some out.
const LEFT_OUT: &str = "...";

/// The lines of the code blocks of this kind, block by block.
fn blocks(kind: &str) -> Vec<Vec<&'static str>> {
    let mut blocks = Vec::new();
    let mut open = false;
    for line in README.lines() {
        match line.strip_prefix("```") {
            Some(name) => {
                open = name == kind;
                if open {
                    blocks.push(Vec::new());
                }
            }
            None if open => blocks.last_mut().unwrap().push(line),
            None => {}
        }
    }
    blocks
}

/// The commands that a person would paste into a shell.
fn commands() -> Vec<&'static str> {
    blocks("sh").concat()
}

/// A line without what differs from run to run: times, ports, ids of runs, secrets.
fn steady(line: &str) -> String {
    let is_random = |word: &str| {
        let letters = word.chars().filter(|it| it.is_ascii_alphanumeric()).count();
        let mixed = word.chars().any(|it| it.is_ascii_uppercase())
            && word.chars().any(|it| it.is_ascii_lowercase());
        letters == word.len() && letters >= 16 && mixed || word.len() > 20 && word.starts_with("01")
    };
    let is_time = |word: &str| {
        let number = word.strip_suffix("ms").or_else(|| word.strip_suffix('s'));
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    };
    let known = |word: &str| match word {
        _ if is_time(word) => "TIME".to_owned(),
        _ if is_random(word) => "RANDOM".to_owned(),
        _ => word.to_owned(),
    };
    let words: Vec<String> = line.split_whitespace().map(known).collect();
    let line = words.join(" ");
    match line.split_once("127.0.0.1:") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|it: char| it.is_ascii_digit());
            format!("{before}127.0.0.1:9999{after}")
        }
        None => line,
    }
}

/// Whether `shown` is what was `printed`, up to lines that are left out.
fn agree(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [first, rest @ ..] if first == LEFT_OUT => {
            (0..=printed.len()).any(|skipped| agree(rest, &printed[skipped..]))
        }
        [first, rest @ ..] => printed
            .split_first()
            .is_some_and(|(line, printed)| steady(first) == steady(line) && agree(rest, printed)),
    }
}

/// A Looker as `embedctl emulator --seed rotation` serves it, and the files that the README's commands read.
async fn prepared() -> Sandbox {
    let mut sandbox = Sandbox::with(Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    })
    .await;
    sandbox.has_embedctl_on_path();
    sandbox.file(
        "users.csv",
        "external_user_id,first_name,models,permissions,external_group_id\n\
         acme-1,Ada,demo,access_data;see_looks,acme\nacme-2,Grace,thelok,access_data,acme\n",
    );
    let token = sandbox.file("token.txt", "of-the-customer");
    fs::set_permissions(token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // A line of a log, by an application that signs with the other algorithm.
    let sign = "url sign /embed/dashboards/1 --external-user-id acme-7 --model demo --permission access_data \
                --embed-algorithm sha256";
    let sign: Vec<&str> = sign.split_whitespace().collect();
    let url = sandbox.run(&sign).await.done().out.replace('&', "&amp;");
    let line = format!("Nov 30 12:00:01 app[7]: GET \"{}\" -> 401\n", url.trim());
    sandbox.file("refused-url.txt", &line);
    sandbox
}

#[tokio::test]
async fn the_transcripts_are_what_the_commands_print() {
    let sandbox = prepared().await;
    for block in blocks("console") {
        let starts = block.iter().enumerate();
        let starts = starts.filter(|(_, line)| line.starts_with("$ "));
        let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
        for (place, start) in starts.iter().enumerate() {
            let end = starts.get(place + 1).copied().unwrap_or(block.len());
            let line = block[*start].strip_prefix("$ ").unwrap();
            let mut shell = sandbox.program("sh");
            // As on a terminal: what goes to either stream, in its order.
            shell.args(["-c", &format!("{{ {line}; }} 2>&1")]);

            let printed = output(shell).await.out;

            let owned = |line: &str| line.trim_end().to_owned();
            let shown: Vec<String> = block[start + 1..end].iter().map(|it| owned(it)).collect();
            let lines: Vec<String> = printed.lines().map(owned).collect();
            assert!(agree(&shown, &lines), "$ {line}\n{printed}");
        }
    }
    sandbox.leave().await;
}

#[tokio::test]
async fn the_first_command_creates_a_user_with_nothing_set_up() {
    let sandbox = Sandbox::offline();
    let first = commands()[0];
    let args = first.strip_prefix("cargo run --release -- ").unwrap();
    let args: Vec<_> = args.split(' ').collect();

    let outcome = sandbox.run(&args).await.done();

    assert!(outcome.out.contains("client_secret"), "{}", outcome.out);
    assert_eq!(commands()[1], "cargo test --locked");
}

#[test]
fn every_file_the_documents_link_to_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGES.md",
        "tests/bench/README.md",
    ] {
        let place = root.join(document);
        let text = fs::read_to_string(&place).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if !target.starts_with("http") {
                let target = place.parent().unwrap().join(target);
                assert!(target.exists(), "{document}: {}", target.display());
            }
        }
    }
}

#[tokio::test]
async fn every_command_in_the_readme_is_one_that_embedctl_takes() {
    let sandbox = Sandbox::offline();
    let commands = commands();
    let commands = commands
        .iter()
        .filter_map(|line| line.strip_prefix("embedctl "));
    let mut count = 0;
    for command in commands {
        count += 1;
        assert_parses(&sandbox, command).await;
    }
    assert!(count >= 4, "{count} commands");
}

#[test]
fn lines_that_are_left_out_may_be_any() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let printed = lines("a 12ms\nb\nc 01a22dd1-4a6d-d5ae98bee8/0\nd");
    for (shown, agrees) in [
        ("a 1s\n...\nd", true),
        ("...\nc 01a22dd1-ffff-d5ae98bee8/0\nd", true),
        ("a 1s\nb\nd", false),
        ("...\nc", false),
    ] {
        assert_eq!(agree(&lines(shown), &printed), agrees, "{shown}");
    }
}
