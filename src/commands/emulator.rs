//! `embedctl emulator`: serve the local Looker.

use std::time::Duration;

use crate::emulator::{Emulator, Latency, Mode, Options};
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
    // Who reads that it listens may ask it to stop at once.
    system.interrupt.listen();
    match ui.format() {
        Format::Table => ui.status(emulator.directions()),
        Format::Json | Format::Jsonl => ui.json(&emulator.listening())?,
        Format::Env => ui.data(&emulator.variables())?,
    }
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
