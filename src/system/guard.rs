//! The process between embedctl and a user's command: it ends the command, with everything it started, when embedctl ends in
//! any way, including `kill -9`.
//!
//! It is this program again, started with [`GUARD`]. Its standard input comes from embedctl: one line, which it passes to the
//! command if the command expects one, and then nothing until embedctl closes the input or ends.

use std::ffi::OsString;
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The first argument that starts this program as a guard.
pub const GUARD: &str = "__guard";

/// The second argument, if the command gets a line.
pub(super) const WITH_LINE: &str = "line";

/// The second argument, if it gets none.
pub(super) const WITHOUT: &str = "none";

/// The exit code if the command succeeded without reading its line.
pub(super) const UNREAD: u8 = 213;

/// How many generations of child processes are killed; each may have started more.
const ROUNDS: usize = 100;

/// Guard the command in `args`, which follow [`GUARD`]; returns its exit code as a shell does.
pub fn guard(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let with_line = args.next().is_some_and(|word| word == WITH_LINE);
    let Some(program) = args.next() else {
        return ExitCode::from(127);
    };
    // Orphans of the command become children of this process, which can then find them.
    #[cfg(target_os = "linux")]
    let _is_known = rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_ok();
    let mut command = Command::new(program);
    // A process group of its own, so that one signal ends the command with everything it started.
    command.args(args).process_group(0);
    command.stdin(if with_line {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let mut stderr = io::stderr();
            drop(writeln!(stderr, "{error}"));
            let missing = error.kind() == io::ErrorKind::NotFound;
            // The codes that a shell uses for these cases.
            return ExitCode::from(if missing { 127 } else { 126 });
        }
    };
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, was_read) = mpsc::channel();
    let stdin = child.stdin.take();
    let ending = Arc::new(AtomicBool::new(false));
    let watching = {
        let ending = Arc::clone(&ending);
        thread::spawn(move || watch(stdin, group, &sender, &ending))
    };
    let ended = child.wait();
    if ending.load(Ordering::SeqCst) {
        // `watch` has ended the command and is killing what it started; otherwise that thread ends with this process.
        let _done = watching.join().is_ok();
    }
    let was_read = was_read.recv().unwrap_or(false);
    // The command may have left children behind.
    if let Some(group) = group {
        let _gone = kill_process_group(group, Signal::KILL).is_err();
    }
    match ended {
        // Exit code 0 without reading the key does not count as storing it.
        Ok(status) if status.success() && with_line && !was_read => ExitCode::from(UNREAD),
        Ok(status) => {
            let code = status.code();
            // As a shell reports the end by a signal.
            let code = code.or_else(|| Some(128 + status.signal()?));
            ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
        }
        Err(_) => ExitCode::from(137),
    }
}

/// Pass the line on, report whether it was taken, and end the command once embedctl has closed the input.
fn watch(stdin: Option<ChildStdin>, group: Option<Pid>, taken: &Sender<bool>, ending: &AtomicBool) {
    let mut input = io::stdin().lock();
    let was_taken = match stdin {
        None => true,
        Some(mut stdin) => {
            // Zeroized: it holds the secret.
            let mut line = zeroize::Zeroizing::new(Vec::with_capacity(64 * 1024));
            let read = input.read_until(b'\n', &mut line);
            read.is_ok_and(|read| read > 0) && stdin.write_all(&line).is_ok()
        }
    };
    let _heard = taken.send(was_taken).is_ok();
    // Blocks until embedctl closes the input, or is killed: either way the command must end.
    drop(io::copy(&mut input, &mut io::sink()));
    ending.store(true, Ordering::SeqCst);
    if let Some(group) = group {
        let _gone = kill_process_group(group, Signal::KILL).is_err();
    }
    // Killed processes may have started others meanwhile.
    for _ in 0..ROUNDS {
        let left = children();
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _gone = kill_process(pid, Signal::KILL).is_err();
            let options = rustix::process::WaitOptions::empty();
            let _gone = rustix::process::waitpid(Some(pid), options).is_err();
        }
    }
}

/// The children of this process, including adopted ones; none if the system does not say.
fn children() -> Vec<Pid> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let lists = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let pids: Vec<String> = lists.collect();
    pids.iter()
        .flat_map(|list| list.split_ascii_whitespace())
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}
