//! `embedctl emulator`: serve the local Looker.

use std::fmt;
use std::time::Duration;

use serde_json::json;

use crate::emulator::{Emulator, Latency, Mode, Options};
use crate::error::{Error, Exit, Kind};
use crate::report::{Format, Ui};
use crate::secret::ExposeSecret as _;
use crate::signed_url::Algorithm;
use crate::system::System;

/// Serve a local Looker to try things on
#[derive(clap::Args, Debug)]
pub(crate) struct EmulatorArgs {
    /// The port to listen on; 0 picks one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The algorithm of the embed secret
    #[arg(long, default_value = "sha1", value_name = "sha1|sha256")]
    algorithm: Algorithm,

    /// How long each answer takes, as in `25ms`; `real` is as long as real instances take
    #[arg(long, value_name = "DURATION", value_parser = latency)]
    latency: Option<Latency>,

    /// How many embed users there are from the start: `user-1`, `user-2` and so on
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    users: usize,

    /// How many API calls are answered in a second, as in `50/s`; the others get 429
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate_limit: Option<f64>,

    /// Which kind of Looker to be
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,

    /// Give the same ids, secrets and tokens in every run with the same number
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Let the clock go ahead of the machine's by so many seconds
    #[arg(
        long,
        default_value_t = 0,
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    clock_offset: i64,
}

pub(crate) async fn run(
    args: &EmulatorArgs,
    embed_host: Option<String>,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    let emulator = Emulator::start(options(args, embed_host, system))
        .await
        .map_err(|error| {
            Error::caused(Kind::Internal, error)
                .context(format!("cannot listen on port {}", args.port))
                .hint("give another `--port`, or 0 to pick one")
        })?;
    match ui.format() {
        Format::Table => ui.status(directions(&emulator)),
        Format::Json | Format::Jsonl => ui.json(&listening(&emulator))?,
        Format::Env => ui.data(&variables(&emulator))?,
    }
    system.interrupt.listen();
    system.interrupt.asked(1).await;
    emulator.stop().await;
    Ok(Exit::Done)
}

fn options(args: &EmulatorArgs, embed_host: Option<String>, system: &System) -> Options {
    let EmulatorArgs {
        port,
        algorithm,
        latency,
        users,
        rate_limit,
        mode,
        seed,
        clock_offset,
    } = args;
    Options {
        port: *port,
        algorithm: *algorithm,
        client_id: system.var("EMBEDCTL_EMULATOR_CLIENT_ID"),
        client_secret: system
            .var("EMBEDCTL_EMULATOR_CLIENT_SECRET")
            .map(Into::into),
        embed_secret: system.var("EMBEDCTL_EMULATOR_EMBED_SECRET").map(Into::into),
        embed_host,
        latency: latency.unwrap_or_default(),
        rate_limit: *rate_limit,
        users: *users,
        mode: *mode,
        clock_offset: *clock_offset,
        seed: *seed,
        clock: system.clock.clone(),
        random: system.random.clone(),
        ..Options::default()
    }
}

/// The one line a program waits for.
fn listening(emulator: &Emulator) -> serde_json::Value {
    json!({
        "event": "listening",
        "base_url": emulator.base_url(),
        "client_id": emulator.client_id(),
        "client_secret": emulator.client_secret().expose_secret(),
        "embed_secret": emulator.embed_secret().expose_secret(),
        "algorithm": emulator.algorithm().to_string(),
        "blank_dashboard": emulator.blank_dashboard(),
        "pid": std::process::id(),
    })
}

/// The variables that point embedctl and the official SDKs at the emulator.
fn variables(emulator: &Emulator) -> String {
    let pairs = [
        ("LOOKERSDK_BASE_URL", emulator.base_url().to_owned()),
        ("LOOKERSDK_CLIENT_ID", emulator.client_id().to_owned()),
        (
            "LOOKERSDK_CLIENT_SECRET",
            emulator.client_secret().expose_secret().to_owned(),
        ),
        (
            "LOOKERSDK_EMBED_SECRET",
            emulator.embed_secret().expose_secret().to_owned(),
        ),
        ("LOOKERSDK_EMBED_HOST", emulator.host().to_owned()),
        ("LOOKERSDK_VERIFY_SSL", "false".to_owned()),
        ("EMBEDCTL_EMBED_ALGORITHM", emulator.algorithm().to_string()),
    ];
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// What a person does next.
fn directions(emulator: &Emulator) -> impl fmt::Display {
    let base_url = emulator.base_url();
    let exports: String = variables(emulator)
        .lines()
        .map(|line| format!("    export {line}\n"))
        .collect();
    format!(
        "A local Looker listens on {base_url}\n\n\
         For embedctl and the official SDKs, in a shell:\n\n{exports}\n\
         Or as `looker.ini`:\n\n    \
         [Looker]\n    base_url={base_url}\n    client_id={}\n    client_secret={}\n    verify_ssl=false\n\n\
         These secrets open nothing else. Blank dashboard: {}\nCtrl-C ends it.",
        emulator.client_id(),
        emulator.client_secret().expose_secret(),
        emulator.blank_dashboard(),
    )
}

fn latency(text: &str) -> Result<Latency, String> {
    if text == "real" {
        return Ok(Latency::Real);
    }
    let (number, unit) = text
        .find(|letter: char| !letter.is_ascii_digit())
        .map_or((text, "ms"), |place| text.split_at(place));
    let number: u64 = number.parse().map_err(|_error| "not a duration")?;
    match unit {
        "us" => Ok(Duration::from_micros(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        _ => Err("a duration is a number and `us`, `ms` or `s`, as in `25ms`".to_owned()),
    }
    .map(Latency::Fixed)
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
