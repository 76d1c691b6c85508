//! What the README says is what the program does.

use embedctl::error::Kind;

use crate::support::Sandbox;

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
fn the_table_of_exit_codes_is_the_one_in_the_code() {
    let kinds = [
        Kind::Internal,
        Kind::Usage,
        Kind::Incomplete,
        Kind::NotAllowed,
        Kind::NotFound,
        Kind::Conflict,
        Kind::Looker,
        Kind::Unreachable,
        Kind::Interrupted,
    ];
    let rows = README.lines().filter_map(|line| {
        let code = line.strip_prefix("| ")?.split(' ').next()?;
        code.parse::<u8>().ok()
    });

    let mut codes = vec![0];
    codes.extend(kinds.map(Kind::exit_code));
    // Two ways of not reaching Looker have one code.
    assert_eq!(Kind::Unavailable.exit_code(), Kind::Unreachable.exit_code());
    assert_eq!(rows.collect::<Vec<_>>(), codes);
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

#[test]
fn every_command_in_the_readme_is_one_that_embedctl_has() {
    let reference = include_str!("../../examples/commands.md");
    for command in commands()
        .iter()
        .filter_map(|line| line.strip_prefix("embedctl "))
    {
        let name = command.split(' ').next().unwrap();
        assert!(reference.contains(&format!("embedctl {name}")), "{name}");
    }
}
