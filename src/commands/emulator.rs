//! `embedctl emulator`: serve the local Looker.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::config::bare;
use crate::emulator::{Emulator, Fault, Latency, Mode, Options, Release, State};
use crate::error::{Error, Exit, Kind};
use crate::report::{Format, Ui};
use crate::signed_url::Algorithm;
use crate::system::System;

/// Serve a local Looker to try things on
#[derive(clap::Args, Debug)]
pub(crate) struct EmulatorArgs {
    /// The port to listen on; 0 picks one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The address to listen on; other machines can reach it unless it is a loopback address
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,

    /// The algorithm of the embed secret
    #[arg(long, default_value = "sha1", value_name = "sha1|sha256")]
    algorithm: Algorithm,

    /// Which kind of Looker to be
    #[arg(long, value_enum)]
    mode: Option<Mode>,

    /// Which release of Looker to be; default: the newest known one
    #[arg(long, value_name = "26.6|26.12|26.22")]
    release: Option<Release>,

    /// Refuse what Looker passes over: unknown parameters and fields, read-only fields, wrong content types
    #[arg(long)]
    strict: bool,

    /// Speak HTTPS with a certificate of its own; the output says which file holds the authority to trust
    #[arg(long)]
    tls: bool,

    /// How long each answer takes, such as `25ms`; `real` takes as long as real instances do
    #[arg(long, value_name = "DURATION")]
    latency: Option<Latency>,

    /// How many requests are served concurrently; others wait, so that answers get slower under load
    #[arg(long, value_name = "COUNT")]
    capacity: Option<usize>,

    /// How many API calls are answered per second, such as `50/s`; others get 429
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate_limit: Option<f64>,

    /// Something that goes wrong, such as `login:503:retry-after=2` or `me:reset-after:times=3`
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,

    /// Set a switch: the behavior if Looker's own is not known, such as `nested_sudo=true`
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,

    /// The file with mode, latency, faults and switches; `emulator.toml` if it exists
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Users and content to start with besides the demo, as JSON or YAML; `/__emulator/state` returns the same format
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// How many embed users to start with: `user-1`, `user-2` and so on
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    users: usize,

    /// Add a model that grants may name, such as one of your own Looker
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,

    /// Give the same ids, secrets and tokens in every run with the same number; or start with a named world: `rotation` has an
    /// old embed user, `acme-42`, who owns one of everything. Give it twice for both
    #[arg(long = "seed", value_name = "NUMBER|NAME")]
    seeds: Vec<String>,

    /// Set the clock ahead of the machine's by this many seconds
    #[arg(
        long,
        default_value_t = 0,
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    clock_offset: i64,

    /// How many seconds an API token is valid
    #[arg(long, value_name = "SECONDS")]
    token_seconds: Option<i64>,
}

pub(crate) async fn run(
    args: &EmulatorArgs,
    embed_host: Option<String>,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    let options = Options {
        embed_host,
        ..options(args, system)?
    };
    let emulator = Emulator::start(options).await.map_err(|error| {
        Error::caused(Kind::Internal, error)
            .context(format!("cannot listen on port {}", args.port))
            .hint("give another `--port`, or 0 to pick one")
    })?;
    // Before it reports that it listens: whoever reads that may ask it to stop at once.
    system.interrupt.listen();
    if !args.address.is_loopback() {
        ui.warning("everybody who reaches this machine can use this Looker");
    }
    match ui.format() {
        Format::Table => ui.status(emulator.directions()),
        Format::Json | Format::Jsonl => ui.json(&emulator.listening())?,
        Format::Env => ui.data(&emulator.variables())?,
    }
    system.interrupt.asked(1).await;
    emulator.stop().await;
    Ok(Exit::Done)
}

/// The settings of the file, overridden by the flags.
fn options(args: &EmulatorArgs, system: &System) -> Result<Options, Error> {
    // Quotes and the like are taken off, as they are where the same variables are read for embedctl itself.
    let variable = |name| Some(bare(&system.var(name)?).to_owned());
    let mut options = Options {
        address: args.address,
        port: args.port,
        algorithm: args.algorithm,
        client_id: variable("EMBEDCTL_EMULATOR_CLIENT_ID"),
        client_secret: variable("EMBEDCTL_EMULATOR_CLIENT_SECRET").map(Into::into),
        embed_secret: variable("EMBEDCTL_EMULATOR_EMBED_SECRET").map(Into::into),
        users: args.users,
        tls: args.tls,
        clock_offset: args.clock_offset,
        clock: system.clock.clone(),
        random: system.random.clone(),
        ..Options::default()
    };
    let mut state = State::models(args.models.iter().cloned());
    for seed in &args.seeds {
        match seed.parse() {
            Ok(number) => options.seed = Some(number),
            Err(_not_a_number) => {
                let named = State::named(seed).map_err(|error| Error::caused(Kind::Usage, error));
                state = state.and(named?);
            }
        }
    }
    if let Some(file) = &args.state {
        let text = read(file, system)?;
        state = state.and(State::parse(&text).map_err(|error| unusable(file, error))?);
    }
    options.state = state;
    let usual = Path::new("emulator.toml");
    let usual = system.path(usual).exists().then_some(usual);
    if let Some(file) = args.config.as_deref().or(usual) {
        let text = read(file, system)?;
        let behaviour = options.read_toml(&text);
        behaviour.map_err(|error| unusable(file, error))?;
    }
    options.mode = args.mode.unwrap_or(options.mode);
    options.switches.release = args.release.unwrap_or(options.switches.release);
    options.strict |= args.strict;
    options.latency = args.latency.unwrap_or(options.latency);
    options.capacity = args.capacity.or(options.capacity);
    options.rate_limit = args.rate_limit.or(options.rate_limit);
    options.token_seconds = args.token_seconds.unwrap_or(options.token_seconds);
    options.faults.extend(args.fault.iter().cloned());
    for switch in &args.switches {
        let (name, value) = switch.split_once('=').unwrap_or((switch, "true"));
        options
            .switches
            .set(name, value)
            .map_err(|error| Error::caused(Kind::Usage, error))?;
    }
    Ok(options)
}

fn read(file: &Path, system: &System) -> Result<String, Error> {
    fs::read_to_string(system.path(file)).map_err(|error| unusable(file, error))
}

fn unusable(file: &Path, cause: impl Into<anyhow::Error>) -> Error {
    Error::caused(Kind::Usage, cause).context(format!("cannot use `{}`", file.display()))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches("/s");
    let rate: f64 = number
        .parse()
        .map_err(|_error| "a rate is a number and `/s`, as in `50/s`")?;
    match rate > 0.0 && rate.is_finite() {
        true => Ok(rate),
        false => Err("a rate is more than 0".to_owned()),
    }
}
