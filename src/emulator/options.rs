//! The options of an emulator.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use crate::emulator::faults::Fault;
use crate::emulator::state::State;
use crate::emulator::switches::{Mode, Switches};
use crate::secret::SecretString;
use crate::signed_url::Algorithm;
use crate::system::duration;
use crate::system::{Clock, Random};

/// The options of an emulator; the default suits a test: any port, fresh secrets, no latency, no fault.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on.
    pub address: IpAddr,
    /// The port to listen on; 0 picks one.
    pub port: u16,
    /// The algorithm of the embed secret.
    pub algorithm: Algorithm,
    /// The client id of the administrator's key; fresh when `None`.
    pub client_id: Option<String>,
    /// The client secret of the administrator's key; fresh when `None`.
    pub client_secret: Option<SecretString>,
    /// The embed secret; fresh when `None`.
    pub embed_secret: Option<SecretString>,
    /// The host in signed URLs; the one of the request's `Host` header when `None`.
    pub embed_host: Option<String>,
    /// How long each answer takes.
    pub latency: Latency,
    /// How many requests are served concurrently while others wait; `None` for any number.
    pub capacity: Option<usize>,
    /// How many API calls per second are answered; others get 429.
    pub rate_limit: Option<f64>,
    /// How many embed users, `user-1` and so on, there are at the start.
    pub users: usize,
    /// Users and content besides the demo.
    pub state: State,
    /// Which kind of Looker to be.
    pub mode: Mode,
    /// The behaviour if Looker's own is not known.
    pub switches: Switches,
    /// Whether what Looker has no use for is refused, such as unknown parameters and fields. Looker passes over it;
    /// whoever tests a client of their own wants to know. Recorded in [`crate::emulator::Emulator::violations`] either way.
    pub strict: bool,
    /// Speak HTTPS, with a certificate of its own.
    pub tls: bool,
    /// How many seconds an API token is valid.
    pub token_seconds: i64,
    /// How many seconds the clock is ahead of the machine's.
    pub clock_offset: i64,
    /// The faults in force at the start.
    pub faults: Vec<Fault>,
    /// Gives the same ids, secrets and tokens in every run with the same number; fresh ones if `None`.
    pub seed: Option<u64>,
    /// The URL below which errors are explained; below the emulator itself when `None`. Looker's own makes the official
    /// Python SDK fetch a list of explanations from the internet at every error.
    pub documentation_url: Option<String>,
    /// How long a request may take to arrive, its head and then its body, and a connection may wait for the next one.
    pub arrival: Duration,
    /// How many requests are remembered.
    pub history: usize,
    /// Wall time and sleep.
    pub clock: Clock,
    /// Where secrets come from.
    pub random: Random,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // Loopback by default: its secrets are printed, and its console has no login.
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            algorithm: Algorithm::Sha1,
            client_id: None,
            client_secret: None,
            embed_secret: None,
            embed_host: None,
            latency: Latency::None,
            capacity: None,
            rate_limit: None,
            users: 0,
            state: State::default(),
            mode: Mode::Original,
            switches: Switches::default(),
            strict: false,
            tls: false,
            token_seconds: crate::emulator::world::keys::TOKEN_SECONDS,
            clock_offset: 0,
            faults: Vec::new(),
            seed: None,
            documentation_url: None,
            arrival: Duration::from_secs(60),
            history: 100_000,
            clock: Clock::os(),
            random: Random::os(),
        }
    }
}

/// How long answers take.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Latency {
    /// No delay.
    #[default]
    None,
    /// This long, each.
    Fixed(Duration),
    /// As long as on real instances: half of them more than 183 ms, one in ten more than 246 ms.
    Real,
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" | "0" => Ok(Self::None),
            "real" => Ok(Self::Real),
            _ => duration::read(text).map(Self::Fixed).map_err(|_why| {
                "a latency is a duration as `25ms`, or `real`, or `none`".to_owned()
            }),
        }
    }
}

impl Latency {
    /// The delay of one answer; `random` is a random number.
    pub(crate) fn pick(self, random: impl FnOnce() -> u64) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Fixed(duration) => Some(duration),
            Self::Real => Some(real(random())),
        }
    }
}

const MEDIAN_MS: f64 = 183.0;
const NINETIETH_MS: f64 = 246.0;
/// Where one in ten of a standard logistic distribution lies beyond: ln 9.
const LOGISTIC_NINETIETH: f64 = 2.197_224_577_336_219_5;

/// A log-logistic delay: it has a long tail, and its quantiles have a closed form.
fn real(random: u64) -> Duration {
    #[expect(
        clippy::cast_precision_loss,
        reason = "any number near it is as random"
    )]
    let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
    // The tails are cut, since a logistic distribution has no limits.
    let share = share.clamp(0.001, 0.999);
    let scale = (NINETIETH_MS / MEDIAN_MS).ln() / LOGISTIC_NINETIETH;
    let odds = (share / (1.0 - share)).ln();
    Duration::from_secs_f64(MEDIAN_MS / 1000.0 * (scale * odds).exp())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Latency;

    #[test]
    fn real_latency_has_the_quantiles_measured_on_real_instances() {
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of 2^64"
            )]
            let random = (share * u64::MAX as f64) as u64;
            Latency::Real.pick(|| random).unwrap()
        };

        assert_eq!(at(0.5).as_millis(), 183);
        assert!((at(0.9).as_secs_f64() - 0.246).abs() < 0.001);
        assert!(at(1.0) < Duration::from_secs(1));
    }
}
