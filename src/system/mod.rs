//! Clock, randomness, environment and streams: everything the program takes from its surroundings.
//!
//! The product gets the time, random bytes, variables and standard input only from here, so that a test can supply its own
//! and many runs can share one process.

mod clock;
pub(crate) mod duration;
mod file_error;
pub(crate) mod files;
mod guard;
mod harden;
mod interrupt;
mod lease;
mod ownership;
mod program;
mod random;
mod stream;
mod turns;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::secret::SECRET_VARIABLES;

pub use clock::{Clock, Sleep};
pub use file_error::FileError;
pub use guard::{GUARD, guard};
pub use harden::harden;
pub(crate) use harden::limit;
pub use interrupt::Interrupt;
pub use lease::Lease;
pub(crate) use ownership::Readers;
pub(crate) use program::Program;
pub use random::Random;
pub use stream::{Input, Stream};
pub use turns::{Later, Turns};

/// How long Looker may still work on a request after its client has given up. This is documented nowhere; half a minute is
/// what gateways in front of servers are known to wait.
pub const SERVER_GRACE: Duration = Duration::from_secs(30);

/// How often a lease is extended. Six beats are the shortest lease.
pub const LEASE_BEAT: Duration = Duration::from_secs(5);

/// How long a jq filter may take for one response.
pub const FILTER_PATIENCE: Duration = Duration::from_secs(30);

/// No real list has more pages; a server that returns new ones forever must not keep the program.
pub const MOST_PAGES: usize = 100_000;

/// The surroundings of one run of the program. Clones share the streams.
#[derive(Clone, Debug)]
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
    /// [`SERVER_GRACE`], shorter in tests.
    pub server_grace: Duration,
    /// [`LEASE_BEAT`], shorter in tests.
    pub lease_beat: Duration,
    /// [`FILTER_PATIENCE`], shorter in tests.
    pub filter_patience: Duration,
    /// [`MOST_PAGES`], fewer in tests.
    pub most_pages: usize,
    env: BTreeMap<OsString, OsString>,
    dir: PathBuf,
    /// This program, which starts itself to guard commands and to run filters.
    helper: Option<PathBuf>,
}

impl System {
    /// The surroundings of this process.
    pub fn os() -> Self {
        Self {
            clock: Clock::os(),
            random: Random::os(),
            interrupt: Interrupt::os(),
            input: Input::os(),
            out: Stream::stdout(),
            err: Stream::stderr(),
            server_grace: shorter("EMBEDCTL_TEST_SERVER_GRACE_MS", SERVER_GRACE),
            lease_beat: shorter("EMBEDCTL_TEST_LEASE_BEAT_MS", LEASE_BEAT),
            filter_patience: FILTER_PATIENCE,
            most_pages: MOST_PAGES,
            env: env::vars_os().collect(),
            dir: PathBuf::from("."),
            helper: own_program(),
        }
    }

    /// Surroundings with the environment `env`, the folder `dir` that relative paths start from, and the given streams; the
    /// clock and randomness are those of this process until they are replaced. For tests and for programs that embed this one.
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
            server_grace: SERVER_GRACE,
            lease_beat: LEASE_BEAT,
            filter_patience: FILTER_PATIENCE,
            most_pages: MOST_PAGES,
            env,
            dir: dir.into(),
            helper: None,
        }
    }

    /// Use the embedctl in `helper` to guard commands and to run filters: a program that embeds this one cannot start itself for
    /// that.
    pub fn set_helper(&mut self, helper: impl Into<PathBuf>) {
        self.helper = Some(helper.into());
    }

    /// The embedctl that guards commands and runs filters.
    pub(crate) fn helper(&self) -> Option<PathBuf> {
        self.helper.clone()
    }

    /// The value of an environment variable; `None` if it is unset, empty, or not UTF-8.
    pub fn var(&self, name: &str) -> Option<String> {
        // An empty variable counts as unset, as for the official SDKs.
        let value = self.env.get(&OsString::from(name))?.to_str()?;
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The environment for a child process: this one's without [`SECRET_VARIABLES`] and the variables in `secret`.
    pub fn child_env(&self, secret: &[String]) -> Vec<(OsString, OsString)> {
        let ours = SECRET_VARIABLES.iter().copied();
        let secret: Vec<&str> = ours.chain(secret.iter().map(String::as_str)).collect();
        // A command that is started must not inherit the secrets.
        let hidden = |name: &OsString| name.to_str().is_some_and(|name| secret.contains(&name));
        let env = self.env.iter().filter(|(name, _)| !hidden(name));
        env.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// `path`, relative to the folder in which the program was started.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.join(path)
    }

    /// The folder for temporary files of any size: `TMPDIR`, or one that is on disk.
    pub fn roomy_dir(&self) -> PathBuf {
        let named = self.var("TMPDIR").map(|name| self.path(name));
        // `/tmp` may be in memory.
        let disk = || Some(PathBuf::from("/var/tmp")).filter(|folder| folder.is_dir());
        named.or_else(disk).unwrap_or_else(env::temp_dir)
    }

    /// `$NAME/embedctl`, or that folder below the home directory if the variable is not set; `None` without a home.
    pub fn xdg_dir(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let base = self
            .var(variable)
            .map(PathBuf::from)
            // The XDG specification requires relative paths to be ignored.
            .filter(|path| path.is_absolute());
        let base = base.or_else(|| Some(PathBuf::from(self.var("HOME")?).join(below_home)))?;
        Some(base.join("embedctl"))
    }
}

/// A time of this process: `usual`, or what `variable` says in tests that kill processes of a debug build.
fn shorter(variable: &str, usual: Duration) -> Duration {
    // Only in debug builds, so that a variable cannot shorten it for a user.
    let short = env::var(variable).ok();
    let short = short.filter(|_| cfg!(debug_assertions));
    let short = short.and_then(|millis| millis.parse().ok());
    short.map_or(usual, Duration::from_millis)
}

/// The file of this program; remains the same even if another version is installed in its place.
fn own_program() -> Option<PathBuf> {
    // This path works even after the program was replaced by an update.
    if cfg!(target_os = "linux") {
        return Some(PathBuf::from("/proc/self/exe"));
    }
    env::current_exe().ok()
}
