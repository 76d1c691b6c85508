//! Clock, randomness, environment and streams: everything the program takes from its surroundings.
//!
//! The product reads the time, random bytes, variables and standard input only from here, so that a test can give its
//! own and many runs can share one process.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::io::{self, IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

/// The surroundings of one run of the program.
#[derive(Debug)]
pub struct System {
    /// Wall time, elapsed time and sleep.
    pub clock: Clock,
    /// Secure random bytes.
    pub random: Random,
    /// Ctrl-C and SIGTERM.
    pub interrupt: Interrupt,
    /// Standard input.
    pub input: Input,
    /// Standard output: data only.
    pub out: Stream,
    /// Standard error: everything for people.
    pub err: Stream,
    env: BTreeMap<OsString, OsString>,
    dir: PathBuf,
}

impl System {
    /// The surroundings of this process.
    pub fn os() -> Self {
        Self {
            clock: Clock::os(),
            random: Random::os(),
            interrupt: Interrupt::os(),
            input: Input {
                reader: Box::new(io::stdin()),
                terminal: io::stdin().is_terminal(),
            },
            out: Stream::new(io::stdout(), io::stdout().is_terminal()),
            err: Stream::new(io::stderr(), io::stderr().is_terminal()),
            env: env::vars_os().collect(),
            dir: PathBuf::from("."),
        }
    }

    /// Surroundings made of `env`, the folder `dir` that relative paths start from, and the given streams; with the
    /// clock and randomness of this process until they are replaced. For tests and for programs that embed this one.
    pub fn with(
        env: impl IntoIterator<Item = (String, String)>,
        dir: impl Into<PathBuf>,
        input: Input,
        out: Stream,
        err: Stream,
    ) -> Self {
        let env = env
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            clock: Clock::os(),
            random: Random::os(),
            interrupt: Interrupt::never(),
            input,
            out,
            err,
            env,
            dir: dir.into(),
        }
    }

    /// The value of an environment variable; unset, empty, and not UTF-8 are all `None`.
    pub fn var(&self, name: &str) -> Option<String> {
        let value = self.env.get(&OsString::from(name))?.to_str()?;
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The environment for a child process: this one's without the variables in `secret`.
    pub fn child_env<'a>(
        &'a self,
        secret: &'a [&str],
    ) -> impl Iterator<Item = (&'a OsString, &'a OsString)> {
        self.env
            .iter()
            .filter(|(name, _)| !secret.iter().any(|secret| name.to_str() == Some(*secret)))
    }

    /// The place of `path`, taken from the folder the program was started in.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.join(path)
    }

    /// `$NAME/embedctl`, or that folder below the home directory where the variable is not set; `None` without a home.
    pub fn xdg_dir(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let base = self
            .var(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let base = base.or_else(|| Some(PathBuf::from(self.var("HOME")?).join(below_home)))?;
        Some(base.join("embedctl"))
    }
}

/// A future that sleeps.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the time comes from: the wall clock, a clock that only moves forward, and sleep.
#[derive(Clone, Debug)]
pub struct Clock(ClockSource);

#[derive(Clone, Debug)]
enum ClockSource {
    Os { start: Instant },
    Manual(Arc<ManualClock>),
}

#[derive(Debug)]
struct ManualClock {
    start: Timestamp,
    elapsed_nanos: AtomicU64,
    skew_seconds: AtomicI64,
}

impl Clock {
    /// The clock of this machine.
    pub fn os() -> Self {
        Self(ClockSource::Os {
            start: Instant::now(),
        })
    }

    /// A clock that stands at `start` and moves only when somebody sleeps on it.
    pub fn manual(start: Timestamp) -> Self {
        Self(ClockSource::Manual(Arc::new(ManualClock {
            start,
            elapsed_nanos: AtomicU64::new(0),
            skew_seconds: AtomicI64::new(0),
        })))
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            ClockSource::Os { .. } => Timestamp::now(),
            ClockSource::Manual(manual) => {
                let skew =
                    jiff::SignedDuration::from_secs(manual.skew_seconds.load(Ordering::SeqCst));
                manual.start + self.elapsed() + skew
            }
        }
    }

    /// The time since the clock was made; never goes backwards.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            ClockSource::Os { start } => start.elapsed(),
            ClockSource::Manual(manual) => {
                Duration::from_nanos(manual.elapsed_nanos.load(Ordering::SeqCst))
            }
        }
    }

    /// Sleep for `duration`; a manual clock moves on by it at once.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        match &self.0 {
            ClockSource::Os { .. } => Box::pin(tokio::time::sleep(duration)),
            ClockSource::Manual(manual) => {
                let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
                manual.elapsed_nanos.fetch_add(nanos, Ordering::SeqCst);
                Box::pin(tokio::task::yield_now())
            }
        }
    }

    /// Set the wall time of a manual clock off by `seconds`; the machine's clock is left as it is.
    pub fn skew(&self, seconds: i64) {
        if let ClockSource::Manual(manual) = &self.0 {
            manual.skew_seconds.store(seconds, Ordering::SeqCst);
        }
    }
}

/// Where random bytes come from.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn(&mut [u8]) -> io::Result<()> + Send + Sync>);

impl Random {
    /// The operating system's secure generator.
    pub fn os() -> Self {
        Self(Arc::new(|bytes| {
            getrandom::fill(bytes).map_err(io::Error::other)
        }))
    }

    /// Bytes from `fill`, for tests that need to know them.
    pub fn from_fn(fill: impl Fn(&mut [u8]) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Fill `bytes`; an error says that the system has no randomness to give.
    pub fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.0(bytes)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// How often the user has asked the program to stop.
#[derive(Clone, Debug)]
pub struct Interrupt {
    count: watch::Receiver<u32>,
    listen: bool,
    sender: Arc<watch::Sender<u32>>,
}

impl Interrupt {
    fn os() -> Self {
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

/// Standard input, or what stands in for it.
pub struct Input {
    reader: Box<dyn Read + Send>,
    /// Whether a person sits at it.
    pub terminal: bool,
}

impl Input {
    /// Input that ends at once.
    pub fn empty() -> Self {
        Self::text("")
    }

    /// Input that reads as `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            reader: Box::new(io::Cursor::new(text.into())),
            terminal: false,
        }
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.reader.read(bytes)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

/// A stream to write to, shared by everyone who holds a clone.
#[derive(Clone)]
pub struct Stream {
    writer: Arc<Mutex<dyn Write + Send>>,
    terminal: bool,
}

impl Stream {
    /// A stream into `writer`; `terminal` says whether a person looks at it.
    pub fn new(writer: impl Write + Send + 'static, terminal: bool) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            terminal,
        }
    }

    /// Whether a person looks at it.
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}
