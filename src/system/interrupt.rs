//! Ctrl-C and SIGTERM, counted.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

/// How often the user has asked the program to stop.
#[derive(Clone, Debug)]
pub struct Interrupt {
    count: watch::Receiver<u32>,
    listen: bool,
    sender: Arc<watch::Sender<u32>>,
}

impl Interrupt {
    pub(super) fn os() -> Self {
        Self {
            listen: true,
            ..Self::never()
        }
    }

    /// Nobody ever asks, except through [`Interrupt::trigger`].
    pub fn never() -> Self {
        let (sender, count) = watch::channel(0);
        Self {
            count,
            listen: false,
            sender: Arc::new(sender),
        }
    }

    /// Ask once, as Ctrl-C does.
    pub fn trigger(&self) {
        self.sender.send_modify(|count| *count += 1);
    }

    /// Start to hear Ctrl-C and SIGTERM; before this call they end the process at once.
    pub fn listen(&mut self) {
        if !std::mem::take(&mut self.listen) {
            return;
        }
        let sender = Arc::clone(&self.sender);
        drop(tokio::spawn(async move {
            while stop_signal().await.is_ok() {
                sender.send_modify(|count| *count += 1);
            }
        }));
    }

    /// How often the user has asked so far.
    pub fn count(&self) -> u32 {
        *self.count.borrow()
    }

    /// Wait until the user has asked `times` times.
    pub async fn asked(&self, times: u32) {
        let mut count = self.count.clone();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _closed = count.wait_for(|count| *count >= times).await.is_err();
    }
}

#[cfg(unix)]
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
