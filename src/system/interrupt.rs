//! Counts Ctrl-C, SIGTERM and hangups of the terminal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};
use tokio::sync::watch;

use crate::system::clock::Clock;

/// How often the operator has asked the program to stop.
#[derive(Clone, Debug)]
pub struct Interrupt {
    count: watch::Receiver<u32>,
    listen: Arc<AtomicBool>,
    sender: Arc<watch::Sender<u32>>,
}

impl Interrupt {
    pub(super) fn os() -> Self {
        Self {
            listen: Arc::new(AtomicBool::new(true)),
            ..Self::never()
        }
    }

    /// Never interrupted, except through [`Interrupt::trigger`].
    pub fn never() -> Self {
        let (sender, count) = watch::channel(0);
        Self {
            count,
            listen: Arc::default(),
            sender: Arc::new(sender),
        }
    }

    /// Ask once, as Ctrl-C does.
    pub fn trigger(&self) {
        self.sender.send_modify(|count| *count += 1);
    }

    /// Start handling Ctrl-C, SIGTERM and SIGHUP; before this call they end the process at once.
    pub fn listen(&self) {
        // Once: a second listener would count each signal twice.
        if !self.listen.swap(false, Ordering::Relaxed) {
            return;
        }
        // Registered here, not when the task first runs: a signal may arrive in between.
        let Ok(mut signals) = StopSignals::new() else {
            return;
        };
        let sender = Arc::clone(&self.sender);
        drop(tokio::spawn(async move {
            while signals.next().await.is_some() {
                sender.send_modify(|count| *count += 1);
            }
        }));
    }

    /// How often the operator has asked so far.
    pub fn count(&self) -> u32 {
        *self.count.borrow()
    }

    /// Wait until the operator has asked `times` times.
    pub async fn asked(&self, times: u32) {
        let mut count = self.count.clone();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _closed = count.wait_for(|count| *count >= times).await.is_err();
    }

    /// Wait until the operator has asked twice, plus a moment for cleaning up.
    pub async fn lost_patience(&self, clock: &Clock) {
        // Time for what is nearly done.
        const MOMENT: Duration = Duration::from_secs(2);
        self.asked(2).await;
        clock.sleep(MOMENT).await;
    }
}

/// The signals that ask a program to stop.
#[cfg(unix)]
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// Not handled if the caller set it to be ignored, as `nohup` does.
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            // Under `nohup` a hangup must not stop the run.
            hangup: match ignores_hangup() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            },
        })
    }

    async fn next(&mut self) -> Option<()> {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                // Never ready, so that the other two decide.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            asked = self.interrupt.recv() => asked,
            asked = self.terminate.recv() => asked,
            asked = hangup => asked,
        }
    }
}

/// Whether this process ignores SIGHUP, the first signal of the mask in proc(5).
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 != 0)
}

/// The signals that ask a program to stop.
#[cfg(windows)]
struct StopSignals(CtrlC);

#[cfg(windows)]
impl StopSignals {
    fn new() -> io::Result<Self> {
        ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}
