//! Manifests from standard input: they are read like files, however long they are.

use std::io::Write as _;

use embedctl::emulator::{Effect, ErrorBody, Fault};
use embedctl::system::Input;

use crate::support::{Outcome, Sandbox, in_time};

const ARGS: [&str; 10] = [
    "apply",
    "-",
    "--format",
    "csv",
    "--keys-to",
    "file:keys.jsonl",
    "--failed-to",
    "failed.csv",
    "-o",
    "json",
];

/// A manifest of 20 users that is too long for the memory: there are many empty lines in it.
fn long() -> String {
    let gap = "\n".repeat(100_000);
    let row = |number| format!("{gap}acme-{number},Ada {number},ensure\n");
    let rows: String = (0..20).map(row).collect();
    format!("external_user_id,first_name,key\n{rows}")
}

#[tokio::test]
async fn a_long_manifest_on_standard_input_is_read_as_often_as_a_file() {
    let sandbox = Sandbox::new().await;
    let refused = Effect::Status {
        code: 422,
        body: ErrorBody::Json,
        retry_after: None,
    };
    let fault = Fault::new(refused).on("create_user_credentials_api3");
    sandbox.emulator().inject(fault);

    let made = sandbox.run_with(&ARGS, Input::text(long())).await.exits(3);
    let failed = sandbox.read("failed.csv");
    let again = sandbox.run_with(&ARGS, Input::text(long())).await.done();

    assert_eq!(made.json()["keys_delivered"], 19);
    // The row that failed was looked for in it once more.
    assert!(failed.lines().nth(1).unwrap().contains(",Ada "), "{failed}");
    assert_eq!(again.json()["keys_delivered"], 1);
    let left = sandbox.files();
    let temporary = sandbox.value("TMPDIR");
    assert!(left.iter().all(|(path, _)| !path.starts_with(temporary)));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_problem_far_down_on_standard_input_is_told_at_its_line_as_in_a_file() {
    let sandbox = Sandbox::new().await;
    let wrong = long().replace("Ada 17,ensure", "Ada 17,perhaps");
    sandbox.file("users.csv", &wrong);

    let piped = sandbox.run_with(&ARGS, Input::text(wrong)).await.exits(2);
    let mut of_file = ARGS;
    of_file[1] = "users.csv";
    let file = sandbox.run(&of_file).await.exits(2);

    assert!(piped.err.contains("1800019"), "{}", piped.err);
    let places = file.err.replace("`users.csv`", "`-`");
    assert_eq!(piped.err, places.replace("users.csv", "-"));
    sandbox.finish().await;
}

/// Run a shell script with `input`, on which `embedctl` stands for the program and its arguments.
async fn shell(sandbox: &Sandbox, script: &str, input: String) -> Outcome {
    let mut command = sandbox.program("sh");
    let program = env!("CARGO_BIN_EXE_embedctl");
    command.args(["-c", &format!("{script}; exec \"$@\""), "sh", program]);
    command.args(ARGS);
    let (reader, mut writer) = std::io::pipe().unwrap();
    command.stdin(reader);
    let mut command = tokio::process::Command::from(command);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().unwrap();
    drop(command);
    // The program may go away before it has read all.
    let writing = tokio::task::spawn_blocking(move || drop(writer.write_all(input.as_bytes())));
    let ended = in_time(child.wait_with_output()).await.unwrap();
    in_time(writing).await.unwrap();
    Outcome {
        exit: u8::try_from(ended.status.code().unwrap()).unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_full_disk_is_told_with_what_to_do_and_nothing_is_done() {
    let sandbox = Sandbox::new().await;

    // A file may be as long as the part that is kept in memory first, and no longer.
    let limit = "trap '' XFSZ; ulimit -f 1024";
    let outcome = shell(&sandbox, limit, long()).await.exits(1);

    let error = outcome.error();
    let folder = sandbox.value("TMPDIR");
    assert_eq!(
        error["message"],
        format!("cannot keep a copy of standard input in `{folder}`")
    );
    assert_eq!(error["causes"], serde_json::json!(["file too large"]));
    assert!(error["hint"].as_str().unwrap().contains("`TMPDIR`"));
    assert!(sandbox.emulator().requests().is_empty());
    sandbox.finish().await;
}

#[tokio::test]
async fn a_folder_for_temporary_files_that_is_not_there_is_named() {
    let mut sandbox = Sandbox::new().await;
    sandbox.var("TMPDIR", "/nowhere/at/all");

    let short = "external_user_id\nacme-1\n";
    let _made = sandbox.run_with(&ARGS, Input::text(short)).await.done();
    let outcome = sandbox.run_with(&ARGS, Input::text(long())).await.exits(1);

    let error = outcome.error();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("`/nowhere/at/all`")
    );
    sandbox.finish().await;
}
