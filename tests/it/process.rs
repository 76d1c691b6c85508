//! What only a process of its own can show: exit codes, closed pipes, files as others see them, signals.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::{Sandbox, in_time, output};

#[tokio::test]
async fn version_and_help_go_to_standard_output() {
    let sandbox = Sandbox::offline();

    let version = output(sandbox.process(&["--version"])).await.done();
    let help = output(sandbox.process(&["--help"])).await.done();

    let expected = format!("embedctl {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.out, version.err), (expected, String::new()));
    assert!(help.out.contains("Usage: embedctl"), "{}", help.out);
    assert_eq!(help.err, "");
}

#[tokio::test]
async fn a_wrong_command_line_exits_with_2_and_says_so_on_standard_error() {
    let sandbox = Sandbox::offline();

    let outcome = output(sandbox.process(&["crate-user", "acme-42"]))
        .await
        .exits(2);

    assert_eq!(outcome.out, "");
    assert!(
        outcome.err.contains("create-user"),
        "no nearest name in: {}",
        outcome.err
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let sandbox = Sandbox::offline();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = sandbox.process(&["--help"]);
    command
        .stdout(writer)
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    drop(reader);

    let child = tokio::process::Command::from(command).spawn().unwrap();
    let output = in_time(child.wait_with_output()).await.unwrap();

    assert_eq!(output.status.code(), Some(0), "{}", output.status);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[tokio::test]
async fn the_emulator_says_where_it_listens_and_ends_well_when_asked_to() {
    let sandbox = Sandbox::offline();
    let mut command = sandbox.process(&["emulator", "-o", "json"]);
    command.stdout(Stdio::piped()).stdin(Stdio::null());

    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let id = child.id().map(u64::from);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = in_time(lines.next_line()).await.unwrap().unwrap();
    let listening: Value = serde_json::from_str(&line).unwrap();
    let mut kill = sandbox.program("kill");
    kill.args(["-TERM", &listening["pid"].to_string()]);
    let _sent = output(kill).await.done();
    let status = in_time(child.wait()).await.unwrap();

    assert_eq!(listening["event"], "listening");
    assert_eq!(listening["pid"].as_u64(), id, "{line}");
    assert!(
        listening["base_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:"),
        "{line}"
    );
    for secret in [
        "client_id",
        "client_secret",
        "embed_secret",
        "algorithm",
        "blank_dashboard",
    ] {
        assert!(listening[secret].is_string(), "{secret} in {line}");
    }
    assert_eq!(status.code(), Some(0));
}
