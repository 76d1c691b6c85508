//! The connection to Looker: timeouts, rate limit, TLS and proxy.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::config::key::Key;
use crate::config::layers::Layers;
use crate::config::places::Places;
use crate::config::source::Setting;
use crate::config::text;
use crate::error::Error;

const TIMEOUT: Duration = Duration::from_secs(120);
const RETRIES: u32 = 4;
const CONCURRENCY: usize = 10;

/// The timeout of one request.
pub(crate) fn timeout(layers: &Layers<'_>) -> Result<Setting<Duration>, Error> {
    layers
        .text(Key::Timeout)
        .map_or(Ok(Setting::default(TIMEOUT)), |given| {
            given.try_map(|text, source| text::duration(&text, source))
        })
}

/// How often a request is retried.
pub(crate) fn retries(layers: &Layers<'_>) -> Setting<u32> {
    layers
        .flag("--retries", layers.args.retries)
        .or_else(|| layers.profile(|profile| profile.retries))
        .unwrap_or_else(|| Setting::default(RETRIES))
}

/// How many requests are sent concurrently.
pub(crate) fn concurrency(layers: &Layers<'_>) -> Result<Setting<usize>, Error> {
    layers
        .flag("--concurrency", layers.args.concurrency)
        .or_else(|| layers.profile(|profile| profile.concurrency))
        .map_or(Ok(Setting::default(CONCURRENCY)), |given| {
            given.try_map(|count, source| match count {
                0 => Err(text::invalid(
                    "0",
                    source,
                    "the concurrency must be at least 1",
                )),
                _ => Ok(count),
            })
        })
}

/// The highest rate of requests.
pub(crate) fn rps(layers: &Layers<'_>) -> Result<Option<Setting<f64>>, Error> {
    layers
        .flag("--rps", layers.args.rps)
        .or_else(|| layers.profile(|profile| profile.rps))
        .map(|given| {
            given.try_map(|rate, source| {
                if rate.is_finite() && rate > 0.0 {
                    Ok(rate)
                } else {
                    Err(text::invalid(
                        &rate.to_string(),
                        source,
                        "the rate must be more than 0, as in `--rps 7.5`",
                    ))
                }
            })
        })
        .transpose()
}

/// Whether Looker's certificate is verified.
pub(crate) fn verify_tls(layers: &Layers<'_>) -> Result<Setting<bool>, Error> {
    layers
        .text(Key::VerifySsl)
        .map_or(Ok(Setting::default(true)), |given| {
            given.try_map(|text, source| text::switch(&text, source))
        })
}

/// Certificates to trust in addition to the system's.
pub(crate) fn ca_files(layers: &Layers<'_>, places: &Places) -> Vec<Setting<PathBuf>> {
    let given = layers
        .flag(
            "--ca-file",
            layers
                .args
                .ca_file
                .as_ref()
                .map(|path| layers.system.path(path)),
        )
        .or_else(|| {
            layers.profile(|profile| {
                profile
                    .ca_file
                    .as_deref()
                    .map(|path| places.in_config(path))
            })
        });
    let system = layers
        .variable(&["SSL_CERT_FILE"])
        .map(|Setting { value, source }| Setting::new(layers.system.path(value), source));
    given.into_iter().chain(system).collect()
}

/// The proxy for the scheme of the base URL. `HTTP_PROXY` in capitals is ignored: web servers set it from a request header,
/// so a client could choose the proxy.
pub(crate) fn proxy(
    layers: &Layers<'_>,
    base_url: Option<&Setting<Url>>,
) -> Option<Setting<String>> {
    let plain = base_url.is_some_and(|base_url| base_url.value.scheme() == "http");
    let names: &[&str] = if plain {
        &["http_proxy", "ALL_PROXY", "all_proxy"]
    } else {
        &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    };
    // A local Looker is on this machine, where no proxy leads to.
    layers.variable(names).filter(|_| !layers.args.emulator)
}
