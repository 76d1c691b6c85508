//! What the README says is what the program does.

use crate::support::{Sandbox, assert_parses};

const README: &str = include_str!("../../README.md");

/// The commands of the code blocks that a person would paste into a shell.
fn commands() -> Vec<&'static str> {
    let mut in_shell = false;
    let mut commands = Vec::new();
    for line in README.lines() {
        match line.strip_prefix("```") {
            Some("sh") => in_shell = true,
            Some(_) => in_shell = false,
            None if in_shell => commands.push(line),
            None => {}
        }
    }
    commands
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
fn every_file_the_readme_links_to_exists() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for link in README.split("](").skip(1) {
        let target = link.split(')').next().unwrap();
        if !target.starts_with("http") {
            assert!(root.join(target).exists(), "{target}");
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
    assert!(count >= 10, "{count} commands");
}
