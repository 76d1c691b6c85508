//! What the disk has been told by the time something happens, as the system calls of a real process show it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Outcome, Sandbox, output, skip};

/// A process that strace watched: one line for each system call, in the order in which they ended.
struct Trace(Vec<String>);

impl Trace {
    /// The place of the first call that has all of `words`.
    #[track_caller]
    fn first(&self, words: &[&str]) -> usize {
        self.find(0, words)
            .unwrap_or_else(|| panic!("no call with {words:?} in\n{self}"))
    }

    fn find(&self, from: usize, words: &[&str]) -> Option<usize> {
        let matches = |line: &&String| words.iter().all(|word| line.contains(word));
        self.0
            .iter()
            .skip(from)
            .position(|line| matches(&line))
            .map(|place| from + place)
    }

    /// The place of the sync that follows the last write to `file` before `end`: what was written is on the disk.
    #[track_caller]
    fn synced(&self, file: &str, end: usize) -> (usize, usize) {
        let is = |line: &String, calls: &[&str]| {
            line.contains(file) && calls.iter().any(|call| line.contains(call))
        };
        let before = &self.0[..end];
        let written = before.iter().rposition(|line| is(line, &["write"]));
        let written = written.unwrap_or_else(|| panic!("{file} was not written before call {end}"));
        let synced = before
            .iter()
            .rposition(|line| is(line, &["sync("]) && line.ends_with("= 0"));
        let synced = synced.unwrap_or_else(|| panic!("{file} was not synced before call {end}"));
        assert!(
            written < synced,
            "{file} was written after its last sync\n{self}"
        );
        (written, synced)
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, line) in self.0.iter().enumerate() {
            writeln!(f, "{place}: {}", line.chars().take(160).collect::<String>())?;
        }
        Ok(())
    }
}

/// Whether strace can watch processes here.
pub(crate) fn can_trace(sandbox: &Sandbox) -> bool {
    let mut strace = sandbox.program("strace");
    let works = strace.args(["-o", "/dev/null", "true"]).output();
    let can = works.is_ok_and(|works| works.status.success());
    if !can {
        skip("strace is missing, or may not watch processes here");
    }
    can
}

/// Run embedctl in the sandbox while strace watches what it writes and syncs; nothing where strace cannot.
async fn watched(sandbox: &Sandbox, args: &[&str]) -> Option<(Outcome, Trace)> {
    let calls = "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg";
    let mut strace = sandbox.program("strace");
    strace.args(["-f", "-y", "-s", "5000", "-e", calls, "-o", "trace"]);
    if !can_trace(sandbox) {
        return None;
    }
    strace.arg(env!("CARGO_BIN_EXE_embedctl")).args(args);
    let outcome = output(strace).await;
    Some((outcome, Trace(joined(&sandbox.read("trace")))))
}

/// The lines of strace. A call that another thread interrupted has two: its name and file stand in the first, and its
/// result in the second, where it has ended.
fn joined(trace: &str) -> Vec<String> {
    let mut begun = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            // What was sent counts from when it began: it may have arrived before the call ended.
            match start.contains("sync(") {
                true => drop(begun.insert(thread, start)),
                false => calls.push(line.to_owned()),
            }
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            if let Some(start) = begun.remove(thread) {
                calls.push(format!("{thread} {start}{end}"));
            }
        } else {
            calls.push(line.to_owned());
        }
    }
    calls
}

#[tokio::test]
async fn a_disk_that_fills_up_in_the_middle_of_a_key_leaves_whole_lines_and_the_key_is_revoked() {
    let sandbox = Sandbox::offline();
    let earlier = format!("{}\n", "x".repeat(99)).repeat(199);
    let keys = sandbox.file("keys.jsonl", &earlier);
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    // Files may grow to 20,000 bytes: enough for what is tried before the mint, not for the key. The signal that would
    // end the process is ignored, so that it sees what a full disk shows: half a write, then none.
    let limited = "trap '' XFSZ; exec prlimit --fsize=20000 \"$@\"";
    let mut shell = sandbox.program("sh");
    shell.args(["-c", limited, "sh", env!("CARGO_BIN_EXE_embedctl")]);
    shell.args([
        "create-user",
        "acme-42",
        "--emulator",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ]);

    let outcome = output(shell).await;

    let error = outcome.error();
    let message = "the key of `acme-42` could not be delivered, so it was revoked";
    assert_eq!(error["message"], message, "{error}");
    let causes = error["causes"].to_string();
    assert!(
        causes.contains("File too large") && causes.contains("keys.jsonl"),
        "{error}"
    );
    assert_ne!(outcome.exit, 0);
    assert_eq!(sandbox.read("keys.jsonl"), earlier);
}

#[tokio::test]
async fn the_intent_to_mint_is_on_the_disk_before_the_request_leaves_and_the_key_before_it_is_reported()
 {
    let sandbox = Sandbox::new().await;
    let args = [
        "create-user",
        "acme-42",
        "--keys-to",
        "file:keys.jsonl",
        "-o",
        "json",
    ];

    if let Some((outcome, trace)) = watched(&sandbox, &args).await {
        let outcome = outcome.done();

        let minted = trace.first(&["POST /api/4.0/users/", "/credentials_api3"]);
        let (intent, _) = trace.synced("-wal>", minted);
        assert!(trace.0[intent].contains("mint"), "{}", trace.0[intent]);

        let delivered = trace.first(&["keys.jsonl>", "client_secret"]);
        assert!(minted < delivered);
        let reported = trace.first(&["write(1", "sudo_verified"]);
        let (_, kept) = trace.synced("keys.jsonl>", reported);
        trace.synced("-wal>", reported);
        let recorded = trace.find(kept, &["pwrite64", "-wal>"]);
        assert!(
            recorded.is_some_and(|recorded| recorded < reported),
            "{trace}"
        );
        assert_eq!(outcome.json()["key"]["delivered_to"], "file:keys.jsonl");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_new_ledger_on_a_runner_is_warned_of_and_one_that_was_kept_is_not() {
    let mut sandbox = Sandbox::new().await;
    let create = |id| ["create-user", id, "--no-key", "--ledger", "runs.ledger"];

    let elsewhere = sandbox.run(&create("acme-0")).await.done();
    fs::remove_file(sandbox.path("runs.ledger")).unwrap();
    sandbox.var("CI", "true");
    let new = sandbox.run(&create("acme-1")).await.done();
    let kept = sandbox.run(&create("acme-2")).await.done();

    assert!(!elsewhere.err.contains("`CI`"), "{}", elsewhere.err);
    assert!(
        new.err
            .contains("the ledger `runs.ledger` is new, and `CI` is set"),
        "{}",
        new.err
    );
    assert!(!kept.err.contains("`CI`"), "{}", kept.err);
    sandbox.finish().await;
}
