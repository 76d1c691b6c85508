//! What a person sees of a long run on a terminal: a real one, as wide as the test says.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use embedctl::emulator::{Effect, ErrorBody, Fault, Latency, Options};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{Sandbox, in_time};

const ROWS: u16 = 24;

/// What was to be seen while a program ran, and what was left on the screen.
struct Seen {
    exit: Option<i32>,
    /// Each line with a bar in it.
    bars: Vec<String>,
    /// The screen at the end, lines that scrolled away not counted.
    left: String,
    raw: String,
}

/// Run embedctl on a terminal of so many columns.
async fn watch(sandbox: &Sandbox, args: &[&str], columns: u16) -> Seen {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize {
        ws_row: ROWS,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let end = || Stdio::from(slave.try_clone().unwrap());
    let mut command = tokio::process::Command::from(sandbox.process(args));
    command.stdin(end()).stdout(end()).stderr(end());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    // The terminal ends when nobody holds its other side.
    drop((command, slave));
    let reading = tokio::task::spawn_blocking(move || read(master, columns));
    let (read, status) = in_time(async { tokio::join!(reading, child.wait()) }).await;
    let mut seen = read.unwrap();
    seen.exit = status.unwrap().code();
    seen
}

fn read(master: OwnedFd, columns: u16) -> Seen {
    let mut master = File::from(master);
    let mut screen = vt100::Parser::new(ROWS.try_into().unwrap(), columns.try_into().unwrap(), 0);
    let mut seen = Seen {
        exit: None,
        bars: Vec::new(),
        left: String::new(),
        raw: String::new(),
    };
    let mut bytes = [0; 4096];
    // Linux says that the other side is closed by an error.
    while let Ok(count @ 1..) = master.read(&mut bytes) {
        seen.raw.push_str(&String::from_utf8_lossy(&bytes[..count]));
        // Piece by piece, as the program wrote them: each line is written whole.
        for piece in bytes[..count].split_inclusive(|byte| *byte == b'\r') {
            screen.process(piece);
            let screen = screen.screen();
            let (row, _) = screen.cursor_position();
            let line = screen.rows(0, columns).nth(row.into()).unwrap();
            if ['█', '░', '#'].iter().any(|part| line.contains(*part)) {
                seen.bars.push(line);
            }
        }
    }
    seen.left = screen.screen().contents();
    seen
}

async fn slow() -> Sandbox {
    let mut sandbox = Sandbox::with(Options {
        latency: Latency::Fixed(Duration::from_millis(60)),
        ..Options::default()
    })
    .await;
    let status = |code| Effect::Status {
        code,
        body: ErrorBody::Json,
        retry_after: None,
    };
    let refused = Fault::new(status(422)).on("create_user_credentials_api3");
    sandbox.emulator().inject(refused.times(2));
    let unavailable = Fault::new(status(503)).on("update_user_credentials_api3");
    sandbox.emulator().inject(unavailable.times(3));
    let rows: String = (0..150)
        .map(|number| format!("acme-{number},ensure\n"))
        .collect();
    sandbox.file("users.csv", &format!("external_user_id,key\n{rows}"));
    sandbox.var("TERM", "xterm-256color").var("LANG", "C.UTF-8");
    sandbox
}

const ARGS: [&str; 6] = [
    "apply",
    "users.csv",
    "--keys-to",
    "file:keys.jsonl",
    "--verify",
    "none",
];

#[tokio::test]
async fn a_wide_terminal_shows_a_bar_with_every_figure_and_is_cleared_at_the_end() {
    let sandbox = slow().await;

    let seen = watch(&sandbox, &ARGS, 120).await;

    let figures = [
        " % ",
        " of 150 users",
        "/s",
        " left",
        " in flight",
        " retried",
        "2 failed",
    ];
    let tells_all = |bar: &&String| figures.iter().all(|figure| bar.contains(figure));
    let full = seen.bars.iter().find(tells_all);
    let full = full.unwrap_or_else(|| panic!("{:#?}", seen.bars));
    assert!(full.starts_with('█'), "{full}");
    assert!(seen.bars.iter().any(|bar| bar.contains("█░")));
    assert!(seen.raw.contains("\u{1b}[36m█"), "a colour");
    assert!(
        !seen.left.contains('█') && !seen.left.contains('░'),
        "{}",
        seen.left
    );
    assert!(
        seen.left.contains("error: 2 of 150 users failed"),
        "{}",
        seen.left
    );
    assert_eq!(seen.exit, Some(3));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_narrow_terminal_shows_a_bar_that_stays_on_its_line() {
    let mut sandbox = slow().await;
    sandbox.var("NO_COLOR", "1").unset("LANG");

    let seen = watch(&sandbox, &ARGS, 40).await;

    assert!(seen.bars.iter().any(|bar| bar.contains("#-")));
    let last = seen.bars.last().unwrap();
    assert!(last.contains(" % ") && last.contains("2 failed"), "{last}");
    let widest = seen.bars.iter().map(|bar| bar.trim_end().len()).max();
    assert!(widest < Some(40), "{:?}", seen.bars);
    assert!(!seen.raw.contains("\u{1b}[3"), "no colour");
    assert!(!seen.left.contains("##"), "{}", seen.left);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_terminal_that_cannot_move_its_cursor_gets_lines_and_no_bar() {
    let mut sandbox = slow().await;
    sandbox.var("TERM", "dumb");

    let seen = watch(&sandbox, &ARGS, 80).await;

    assert_eq!(seen.bars, Vec::<String>::new());
    assert!(!seen.raw.contains('\u{1b}'), "{}", seen.raw);
    sandbox.finish().await;
}
