//! What tests stand on: a sandbox with folders, variables and a local Looker of its own, and ways to run embedctl in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedctl::emulator::{Emulator, Options, ViolationKind};
use embedctl::looker::{ApiKey, Client, Http, HttpOptions, NoTrace};
use embedctl::secret::{ExposeSecret as _, SecretString};
use embedctl::system::{Clock, Input, Random, Stream, System};
use jiff::Timestamp;
use serde_json::Value;

/// How long one run of a program may take before the test gives up on it. Far above what any needs, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(120);

/// The client ids of the keys in a file sink, by the user they belong to.
pub(crate) fn delivered_keys(lines: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut delivered = BTreeMap::<String, BTreeSet<String>>::new();
    for line in lines.lines() {
        let key: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        delivered
            .entry(text("external_user_id"))
            .or_default()
            .insert(text("client_id"));
    }
    delivered
}

/// Folders, variables and a local Looker that belong to one test alone. A sandbox that has a Looker must be
/// [finished](Sandbox::finish).
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    vars: BTreeMap<String, String>,
    clock: Option<Clock>,
    emulator: Option<Emulator>,
    /// What Looker passes over, and what is not served here, is no reason to fail.
    lenient: bool,
}

impl Sandbox {
    /// A sandbox whose variables point at a fresh Looker in its default state.
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// A sandbox whose variables point at a fresh, strict Looker like `options`.
    pub(crate) async fn with(options: Options) -> Self {
        Self::lenient(Options {
            strict: true,
            ..options
        })
        .await
    }

    /// A sandbox for programs of others, which send what Looker passes over.
    pub(crate) async fn lenient(options: Options) -> Self {
        let lenient = !options.strict;
        let emulator = Emulator::start(options).await.unwrap();
        let mut sandbox = Self::offline();
        sandbox.points_at(&emulator);
        sandbox.emulator = Some(emulator);
        sandbox.lenient = lenient;
        sandbox
    }

    /// A sandbox in which the time is `start`, for embedctl and for Looker, and moves only when somebody sleeps.
    pub(crate) async fn at(start: Timestamp) -> Self {
        let clock = Clock::manual(start);
        let mut sandbox = Self::with(Options {
            clock: clock.clone(),
            ..Options::default()
        })
        .await;
        sandbox.clock(clock);
        sandbox
    }

    /// Its Looker.
    #[track_caller]
    pub(crate) fn emulator(&self) -> &Emulator {
        self.emulator
            .as_ref()
            .expect("`offline` gives a sandbox without a Looker")
    }

    /// A client with the administrator's key, to look around in the Looker.
    pub(crate) fn admin(&self) -> Client {
        let emulator = self.emulator();
        self.client(emulator.client_id(), emulator.client_secret())
    }

    /// A client with this key. It must be logged out.
    pub(crate) fn client(&self, client_id: &str, client_secret: SecretString) -> Client {
        let http = Http::new(HttpOptions {
            timeout: PATIENCE,
            retries: 0,
            ca_files: Vec::new(),
            verify_tls: true,
            proxy: None,
            no_proxy: None,
            concurrency: 64,
            rps: None,
            silence: Duration::from_secs(3),
            trace: Arc::new(NoTrace),
            clock: Clock::os(),
            random: Random::os(),
        });
        let client_id = client_id.to_owned();
        let key = ApiKey {
            client_id,
            client_secret,
        };
        Client::new(
            http.unwrap(),
            self.emulator().base_url().parse().unwrap(),
            key,
        )
    }

    /// Stop the Looker, and see that it has nothing to complain about: nothing was asked of it that the real one would
    /// not understand, every token was logged out, and every fault that was set up has struck.
    pub(crate) async fn finish(mut self) {
        let emulator = self
            .emulator
            .take()
            .expect("`offline` gives a sandbox without a Looker");
        let (mut violations, tokens) = (emulator.violations(), emulator.live_tokens());
        if self.lenient {
            // Who asks for what is not served is told so, and does not go on.
            let passed = [ViolationKind::Odd, ViolationKind::Unserved];
            violations.retain(|violation| !passed.contains(&violation.kind));
        }
        let faults = emulator.unconsumed_faults();
        emulator.stop().await;
        assert!(
            violations.is_empty(),
            "Looker has no use for:\n{violations:#?}"
        );
        assert_eq!(tokens, 0, "tokens that nobody logged out");
        assert!(faults.is_empty(), "faults that never struck: {faults:?}");
    }

    /// Stop the Looker, whatever it has to complain about, for a test that has looked for itself.
    pub(crate) async fn leave(mut self) {
        if let Some(emulator) = self.emulator.take() {
            emulator.stop().await;
        }
    }

    /// A sandbox without a Looker, for what never calls one. It need not be finished.
    pub(crate) fn offline() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut vars = BTreeMap::new();
        for (name, below) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_STATE_HOME", "home/.local/state"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("TMPDIR", "tmp"),
        ] {
            let path = folder.path().join(below);
            fs::create_dir_all(&path).unwrap();
            vars.insert(name.to_owned(), path.to_str().unwrap().to_owned());
        }
        fs::create_dir(folder.path().join("work")).unwrap();
        vars.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        Self {
            folder,
            vars,
            clock: None,
            emulator: None,
            lenient: false,
        }
    }

    /// Let the variables of the runs to come point at this Looker.
    pub(crate) fn points_at(&mut self, emulator: &Emulator) {
        let (client, embed) = (emulator.client_secret(), emulator.embed_secret());
        self.var("LOOKERSDK_BASE_URL", emulator.base_url())
            .var("LOOKERSDK_CLIENT_ID", emulator.client_id())
            .var("LOOKERSDK_CLIENT_SECRET", client.expose_secret())
            .var("LOOKERSDK_EMBED_SECRET", embed.expose_secret());
    }

    /// Set a variable for the runs to come.
    pub(crate) fn var(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.vars.insert(name.to_owned(), value.into());
        self
    }

    /// Let programs find embedctl on the `PATH`.
    pub(crate) fn has_embedctl_on_path(&mut self) {
        let program = Path::new(env!("CARGO_BIN_EXE_embedctl"));
        let folder = program.parent().unwrap().display();
        let path = format!("{folder}:{}", self.value("PATH"));
        self.var("PATH", path);
    }

    /// The value of a variable that runs see; nothing where it is not set.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.vars.get(name).map_or("", String::as_str)
    }

    /// Take a variable away.
    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.vars.remove(name);
        self
    }

    /// Let the runs to come take the time from `clock`.
    pub(crate) fn clock(&mut self, clock: Clock) -> &mut Self {
        self.clock = Some(clock);
        self
    }

    /// The folder that holds everything runs can write to: the one they start in, the home, the temporary files.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The path of `name` in the folder that runs start in.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join("work").join(name)
    }

    /// Write the file `name`, folders included, in the folder that runs start in.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The text of the file `name` in the folder that runs start in.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Run embedctl inside this process, with nothing on standard input.
    pub(crate) async fn run(&self, args: &[&str]) -> Outcome {
        self.run_with(args, Input::empty()).await
    }

    /// Run embedctl inside this process, with `input`.
    pub(crate) async fn run_with(&self, args: &[&str], input: Input) -> Outcome {
        let (mut system, captured) = self.system(input);
        let args = ["embedctl"].iter().chain(args).copied();
        // On the heap: a test that runs many commands would outgrow its stack otherwise.
        let exit = in_time(Box::pin(embedctl::run(args, &mut system))).await;
        captured.outcome(exit.code())
    }

    /// Surroundings that see this sandbox only, and what will have been written to their streams; for tests that
    /// change more of them, as the source of randomness.
    pub(crate) fn system(&self, input: Input) -> (System, Captured) {
        self.system_in(&self.path(""), input)
    }

    /// The same, in another folder.
    pub(crate) fn system_in(&self, folder: &Path, input: Input) -> (System, Captured) {
        let captured = Captured::default();
        let mut system = System::with(
            self.vars.clone(),
            folder,
            input,
            Stream::new(captured.out.clone(), false),
            Stream::new(captured.err.clone(), false),
        );
        system.set_helper(env!("CARGO_BIN_EXE_embedctl"));
        match &self.clock {
            Some(clock) => system.clock = clock.clone(),
            // No test has half a minute for a server that is known to be quick.
            None => system.server_grace = Duration::from_millis(100),
        }
        (system, captured)
    }

    /// embedctl as a process of its own, which sees this sandbox only. Run it with [`output`].
    pub(crate) fn process(&self, args: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_embedctl"));
        command.args(args);
        command
    }

    /// Any program, with the variables and the folder of this sandbox.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(&self.vars)
            .current_dir(self.path(""));
        command
    }

    /// Every file that runs have left in this sandbox, with its content.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    let content = fs::read(&path).unwrap();
                    found.push((path, content));
                }
            }
        }
        found
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let unfinished = self.emulator.is_some() && !std::thread::panicking();
        assert!(
            !unfinished,
            "a test that has a Looker ends with `sandbox.finish().await`"
        );
    }
}

/// What a run gave.
#[must_use = "look at what was printed, or call `done` to see that it went well"]
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The exit code.
    pub(crate) exit: u8,
    /// What it wrote to standard output.
    pub(crate) out: String,
    /// What it wrote to standard error.
    pub(crate) err: String,
}

impl Outcome {
    /// The same outcome, which must be a success.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.exits(0)
    }

    /// The same outcome, which must have this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: u8) -> Self {
        assert_eq!(
            self.exit, code,
            "\n-- out\n{}\n-- err\n{}",
            self.out, self.err
        );
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        parse(&self.out)
    }

    /// Standard output as one JSON value a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(parse).collect()
    }

    /// The error in the last line of standard error, where the run was asked for JSON.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let last = self.err.lines().last().unwrap_or_default();
        parse(last)["error"].take()
    }
}

#[track_caller]
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON: {error}\n{text}"))
}

/// What a run writes to its two streams.
#[derive(Clone, Default)]
pub(crate) struct Captured {
    pub(crate) out: Capture,
    pub(crate) err: Capture,
}

impl Captured {
    /// What was written so far, as the outcome of a run that ended with `exit`.
    pub(crate) fn outcome(&self, exit: u8) -> Outcome {
        Outcome {
            exit,
            out: self.out.text(),
            err: self.err.text(),
        }
    }
}

/// A writer that keeps what is written.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    /// What was written so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Run `command` to its end without standard input, while the emulator of the same test goes on serving it.
pub(crate) async fn output(command: Command) -> Outcome {
    let program = command.get_program().to_owned();
    let mut command = tokio::process::Command::from(command);
    command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = match in_time(command.output()).await {
        Ok(output) => output,
        Err(error) => panic!("cannot run {}: {error}", program.display()),
    };
    let code = output
        .status
        .code()
        .unwrap_or_else(|| panic!("{}: {}", program.display(), output.status));
    Outcome {
        exit: u8::try_from(code).unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What `future` gives, unless it takes too long.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not done after {PATIENCE:?}"),
    }
}

/// Say on standard error why a test proves nothing here; a failure where `EMBEDCTL_TEST_REQUIRE_ALL` is set.
pub(crate) fn skip(why: &str) {
    let required = std::env::var_os("EMBEDCTL_TEST_REQUIRE_ALL").is_some_and(|value| value != "0");
    assert!(!required, "{why}, and EMBEDCTL_TEST_REQUIRE_ALL is set");
    print(&format!("skipped: {why}"));
}

/// What a test needs, where it is to be had; otherwise `None`, with the reason said.
pub(crate) fn found<T>(found: Result<T, String>) -> Option<T> {
    found.inspect_err(|why| skip(why)).ok()
}

/// Say something on standard error, also when the test passes, which makes the test runner swallow `eprintln!`.
pub(crate) fn print(text: &str) {
    io::stderr()
        .write_all(format!("{text}\n").as_bytes())
        .unwrap();
}

/// Check that the program takes `command`, a line of a document for people: `--help` behind it stops it from doing
/// anything, and what stands in front of that is parsed all the same.
pub(crate) async fn assert_parses(sandbox: &Sandbox, command: &str) {
    let words = command.split_whitespace();
    let words = words.take_while(|word| !word.starts_with(['#', '>', '<']));
    let words: Vec<_> = words.map(|word| word.trim_matches(['"', '\''])).collect();

    let outcome = sandbox.run(&[words.as_slice(), &["--help"]].concat()).await;

    assert_eq!(outcome.exit, 0, "embedctl {command}: {}", outcome.err);
}
