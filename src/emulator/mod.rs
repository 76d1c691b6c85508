//! A local Looker: stateful, strict, on loopback.
//!
//! ```
//! use embedctl::emulator::{Emulator, Fault, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let looker = Emulator::start(Options::default()).await?;
//! looker.inject(Fault::status(503).on("login"));
//! // Point a client at looker.base_url(), with looker.client_id() and looker.client_secret().
//! assert!(looker.violations().is_empty());
//! looker.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! `world/` is plain data without HTTP; one file holds what there is of one resource. `api/` has a file of the same
//! name, and of the name in `src/looker/`, with the operations on it. To add one: write `world/THING.rs`, put it into
//! `world::World`; write `api/THING.rs` with `pub(super) const OPERATIONS: &[Service]`, one line an operation, and
//! a function `fn(&Call, &mut World) -> Answer` each; add it to the list in `api/mod.rs`. What an operation takes stands
//! in `contract.txt`: a query or a body that does not fit is refused before the function is called, and `fields` is dealt
//! with after it. `http::listing` has filters, sorts and pages. A mistake no client should make is a
//! `http::answer::Refusal` with a violation.

mod api;
mod behaviour;
mod client_settings;
mod console;
mod contract;
mod description;
mod faults;
mod http;
mod log;
mod options;
mod shared;
mod sign_url;
mod state;
mod switches;
mod text;
mod web;
mod world;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router as HttpRouter;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::emulator::http::connection::{Loopback, Orders};
use crate::emulator::http::gate::without_port;
use crate::emulator::http::tls::Identity;
use crate::emulator::shared::Shared;
use crate::emulator::state::Dump;
use crate::emulator::world::random::Source;
use crate::emulator::world::{Rules, Seed};
use crate::secret::SecretString;
use crate::signed_url::Algorithm;

pub use behaviour::BehaviourError;
pub use faults::text::FaultError;
pub use faults::{Effect, ErrorBody, Fault};
pub use log::{RequestRecord, Violation, ViolationKind};
pub use options::{Latency, Options};
pub use state::{State, StateError};
pub use switches::{
    BlindSearch, DisabledSudo, KeyRights, ListedKeys, Mode, OtherRights, Release, Since, Switch,
    SwitchError, Switches, TimeForm,
};

/// How long requests in flight may take when it stops; a slow one would keep it forever.
const FAREWELL: Duration = Duration::from_secs(1);

/// A running local Looker. It stops when dropped.
#[derive(Debug)]
pub struct Emulator {
    shared: Arc<Shared>,
    identity: Option<Arc<Identity>>,
    host: String,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<io::Result<()>>>,
}

impl Emulator {
    /// Start one on the runtime that is current.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((options.address, options.port)).await?;
        // After binding: with port 0 the system has chosen one.
        let host = listener.local_addr()?.to_string();
        let clock = options.clock.clone();
        let patience = options.arrival;
        let seed = seed(&options);
        let identity = identity(&options)?;
        let base_url = format!("{}://{host}", seed.rules.scheme);
        let shared = Arc::new(Shared::new(options, seed, base_url).map_err(io::Error::other)?);
        let app = HttpRouter::new()
            .fallback(http::dispatch::handle)
            .with_state(Arc::clone(&shared))
            .into_make_service_with_connect_info::<Orders>();
        let listener = Loopback::new(listener, identity.clone(), clock, patience);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(async {
                    // A dropped sender means the same as a message: the emulator is gone.
                    drop(stopped.await);
                })
                .await
        });
        Ok(Self {
            shared,
            identity,
            host,
            stop: Some(stop),
            serving: Some(serving),
        })
    }

    /// Stop: answer pending requests, accept no more.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(mut serving) = self.serving.take() {
            tokio::select! {
                _served = &mut serving => {}
                // A client that keeps its connection open must not hold up the end.
                () = self.shared.options.clock.sleep(FAREWELL) => serving.abort(),
            }
        }
    }

    /// The base URL, such as `http://127.0.0.1:43210`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The file with the certificate to trust for HTTPS, in PEM; gone when the emulator is. `None` for plain HTTP.
    pub fn ca_file(&self) -> Option<&Path> {
        self.identity.as_deref().map(Identity::authority)
    }

    /// The host and port, as signed URLs name them.
    pub fn host(&self) -> &str {
        self.shared
            .options
            .embed_host
            .as_deref()
            .unwrap_or(&self.host)
    }

    /// The client id of the administrator's key.
    pub fn client_id(&self) -> &str {
        &self.shared.seed.client_id
    }

    /// The client secret of the administrator's key.
    pub fn client_secret(&self) -> SecretString {
        self.shared.seed.client_secret.clone()
    }

    /// The embed secret.
    pub fn embed_secret(&self) -> SecretString {
        self.shared.seed.embed_secret.clone()
    }

    /// The algorithm of the embed secret.
    pub fn algorithm(&self) -> Algorithm {
        self.shared.seed.algorithm
    }

    /// The embed path of the blank dashboard.
    pub fn blank_dashboard(&self) -> &'static str {
        "/embed/dashboards/1"
    }

    /// What clients sent that Looker has no use for, such as unknown paths, parameters and fields.
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.lock().log.violations.iter().cloned().collect()
    }

    /// Why embed logins were refused, which Looker tells only its administrators.
    pub fn refused_logins(&self) -> Vec<String> {
        let inside = self.shared.lock();
        inside.log.refused_logins.iter().cloned().collect()
    }

    /// How many access tokens are live.
    pub fn live_tokens(&self) -> usize {
        let inside = self.shared.lock();
        inside.world.tokens.live_count(inside.world.now)
    }

    /// End every access token, as a restart of Looker does.
    pub fn end_tokens(&self) {
        self.shared.lock().world.tokens.end_all();
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.lock().log.requests.iter().cloned().collect()
    }

    /// Activate a fault.
    pub fn inject(&self, fault: Fault) {
        self.shared.lock().faults.add(fault);
    }

    /// Deactivate all faults.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// The faults that have not been triggered as often as requested.
    pub fn unconsumed_faults(&self) -> Vec<Fault> {
        let inside = self.shared.lock();
        inside.faults.unconsumed().cloned().collect()
    }

    /// Set the clock ahead of the machine's by `seconds`.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared.set_clock_offset(seconds);
    }

    /// The state of the world, as a document that [`State::parse`] reads; without secrets.
    pub fn state(&self) -> serde_json::Value {
        let inside = self.shared.lock();
        serde_json::to_value(Dump(&inside.world)).unwrap_or_default()
    }
}

/// The certificate for HTTPS, for every name and address that is answered.
fn identity(options: &Options) -> io::Result<Option<Arc<Identity>>> {
    if !options.tls {
        return Ok(None);
    }
    let names = ["localhost", "*.localhost", "127.0.0.1", "::1"];
    let mut names: Vec<String> = names.map(ToOwned::to_owned).to_vec();
    names.push(options.address.to_string());
    // A host may have a port, a name in a certificate has none.
    let host = options.embed_host.as_deref();
    names.extend(host.map(|host| without_port(host).to_owned()));
    Identity::new(names).map(Arc::new).map(Some)
}

fn seed(options: &Options) -> Seed {
    // With a seed, everything random is the same in every run.
    let random = Source::new(options.random.clone(), options.seed);
    Seed {
        now: options.clock.now().as_second() + options.clock_offset,
        rules: Rules {
            mode: options.mode,
            switches: options.switches.clone(),
            token_seconds: options.token_seconds,
            strict: options.strict,
            scheme: match options.tls {
                true => "https",
                false => "http",
            },
        },
        client_id: options
            .client_id
            .clone()
            .unwrap_or_else(|| random.alphanumeric(20)),
        client_secret: options
            .client_secret
            .clone()
            .unwrap_or_else(|| random.alphanumeric(24).into()),
        embed_secret: options
            .embed_secret
            .clone()
            .unwrap_or_else(|| random.hex(64).into()),
        algorithm: options.algorithm,
        embed_enabled: options.mode != Mode::NoEmbed,
        users: options.users,
        random,
    }
}
