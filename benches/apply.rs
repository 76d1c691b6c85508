//! How many users a second `embedctl apply` makes, how near that is to what latency and concurrency allow, and how much
//! memory it takes: the program and the local Looker as processes of their own.
//!
//! A user with a key takes four requests: the signed URL, the look-up, the mint and the tag. With latency L and C users
//! at a time no program can make more than C / (4 L) of them a second. `cargo bench --bench apply`, with `-- full` for a
//! million rows.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run should say so and stop"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const REQUESTS_PER_USER: u32 = 4;

fn main() {
    let given = |name: &str| std::env::args().any(|arg| arg == name);
    if given("--test") {
        let done = run(&[], 20, 10, "ensure", 2);
        assert_eq!(done[0].summary["created"], 20);
        assert_eq!(done[1].summary["unchanged"], 20);
        return;
    }
    println!("latency  users at a time    rows   users/s  of the most there can be");
    for (latency, width, rows) in [
        (0, 1, 1_000),
        (0, 10, 4_000),
        (0, 64, 4_000),
        (25, 1, 40),
        (25, 10, 600),
        (25, 64, 3_000),
        (200, 1, 8),
        (200, 10, 120),
        (200, 64, 700),
    ] {
        let options = [format!("--latency={latency}ms")];
        let options = if latency == 0 { &[][..] } else { &options[..] };
        let done = run(options, rows, width, "ensure", 1).remove(0);
        efficiency(latency, width, rows, &done);
    }
    println!("\n   rows  key     seconds  users/s  most memory    again  most memory");
    let most = if given("full") { 1_000_000 } else { 100_000 };
    for rows in [1_000, 10_000, 100_000, 1_000_000] {
        if rows <= most {
            let done = run(&[], rows, 64, "none", 2);
            memory(rows, "none", &done);
        }
    }
}

fn efficiency(latency: u32, width: u32, rows: u32, done: &Done) {
    let rate = f64::from(rows) / done.elapsed.as_secs_f64();
    let share = if latency == 0 {
        String::new()
    } else {
        let most = f64::from(width) * 1000.0 / f64::from(REQUESTS_PER_USER * latency);
        format!("{:>5.1} % of {most:.1}", rate / most * 100.0)
    };
    println!("{latency:>4} ms {width:>16} {rows:>7} {rate:>9.1}  {share}");
}

fn memory(rows: u32, key: &str, done: &[Done]) {
    let (first, again) = (&done[0], &done[1]);
    assert_eq!(first.summary["created"], rows);
    assert_eq!(again.summary["unchanged"], rows);
    let rate = f64::from(rows) / first.elapsed.as_secs_f64();
    println!(
        "{rows:>7}  {key:<6} {:>8.1} {rate:>8.0} {:>8.1} MiB {:>8.1} {:>8.1} MiB",
        first.elapsed.as_secs_f64(),
        first.peak,
        again.elapsed.as_secs_f64(),
        again.peak
    );
}

/// What an apply came to.
struct Done {
    summary: Value,
    elapsed: Duration,
    /// The most memory it held, in MiB.
    peak: f64,
}

/// Apply a manifest of `rows` users `times` times to a fresh Looker.
fn run(options: &[String], rows: u32, width: u32, key: &str, times: usize) -> Vec<Done> {
    let folder = tempfile::tempdir().unwrap();
    let looker = Looker::start(options);
    let mut text =
        "external_user_id,first_name,last_name,models,permissions,external_group_id,key\n"
            .to_owned();
    for row in 0..rows {
        let tenant = row / 100;
        writeln!(
            text,
            "acme-{row},Ada,Byron,demo,access_data;see_looks,tenant-{tenant},{key}"
        )
        .unwrap();
    }
    fs::write(folder.path().join("users.csv"), text).unwrap();
    (0..times)
        .map(|_| apply(folder.path(), &looker, width))
        .collect()
}

fn apply(folder: &Path, looker: &Looker, width: u32) -> Done {
    let mut command = looker.command();
    command
        .current_dir(folder)
        .args([
            "apply",
            "users.csv",
            "--keys-to",
            "file:keys.jsonl",
            "--verify",
            "none",
        ])
        .args([
            "-o",
            "json",
            "--progress",
            "none",
            "--ledger",
            "runs.ledger",
        ])
        .arg(format!("--concurrency={width}"))
        .stdout(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut peak = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(resident(&child));
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let elapsed = began.elapsed();
    let output = child.wait_with_output().unwrap();
    let summary = serde_json::from_slice(&output.stdout).unwrap();
    Done {
        summary,
        elapsed,
        peak,
    }
}

/// The most memory that a process has held, in MiB, as Linux counts it.
fn resident(child: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.unwrap_or_default() / 1024.0
}

/// A local Looker in a process of its own.
struct Looker {
    child: Child,
    listening: Value,
}

impl Looker {
    fn start(options: &[String]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_embedctl"))
            .args(["emulator", "--port", "0", "-o", "json"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let listening = serde_json::from_str(&line).unwrap();
        Self { child, listening }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_embedctl"));
        for (variable, member) in [
            ("LOOKERSDK_BASE_URL", "base_url"),
            ("LOOKERSDK_CLIENT_ID", "client_id"),
            ("LOOKERSDK_CLIENT_SECRET", "client_secret"),
            ("LOOKERSDK_EMBED_SECRET", "embed_secret"),
        ] {
            command.env(variable, self.listening[member].as_str().unwrap());
        }
        command
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
