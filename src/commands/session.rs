//! A session with Looker: creates the client from the settings, and logs the tokens out at the end.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use crate::answers::{Answers, KeyAuthority};
use crate::commands::context::CommandContext;
use crate::config::{EmulatorAccess, Settings};
use crate::emulator::{Emulator, Options};
use crate::error::Error;
use crate::looker::{ApiKey, Client, Exchange, Http, HttpOptions, Trace, Waiting};
use crate::report::Ui;
use crate::signed_url::Signer;
use crate::sink::Sink;
use crate::system::{System, duration};
use crate::workflow::{Authority, Finder, KeyAccess};

/// A session with Looker, or with a fresh emulator in this process.
#[derive(Debug)]
pub(crate) struct Session {
    context: CommandContext,
    pub(crate) http: Http,
    pub(crate) admin: Client,
    /// Looks users up as the admin.
    pub(crate) finder: Finder,
    /// Who may manage keys, found out once.
    pub(crate) keys: Arc<KeyAccess>,
    emulator: Option<Emulator>,
    /// Sinks whose logins end with the session.
    sinks: Mutex<Vec<Arc<dyn Sink>>>,
}

impl Deref for Session {
    type Target = CommandContext;

    fn deref(&self) -> &CommandContext {
        &self.context
    }
}

/// The settings that a command requires.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Needs {
    /// An API key.
    Api,
    /// An API key and the embed secret.
    ApiAndSigning,
}

impl Session {
    /// Create the client from the settings. Nothing is sent yet: the first call logs in.
    ///
    /// # Errors
    /// A required setting is missing; a single error names all of them.
    pub(crate) async fn open(mut context: CommandContext, needs: Needs) -> Result<Self, Error> {
        let (settings, emulator) = with_emulator(context.settings, &context.system).await?;
        context.settings = settings;
        let access = match needs {
            Needs::Api => context.settings.looker()?,
            Needs::ApiAndSigning => context.settings.looker_and_embed()?.0,
        };
        // Before anything is sent, so that the operator sees them even if the login fails.
        for warning in context.settings.warnings() {
            context.ui.warning(warning);
        }
        let http = http(&context.settings, trace(&context.ui), &context.system)?;
        let key = ApiKey {
            client_id: access.client_id,
            client_secret: access.client_secret,
        };
        let admin = Client::new(http.clone(), access.base_url, key);
        // Learned answers spare a new process the refused calls that would find out the same.
        let guess = recall(&context, &admin);
        Ok(Self {
            http,
            finder: Finder::new(admin.clone()),
            keys: KeyAccess::guessing(admin.clone(), guess),
            admin,
            emulator,
            sinks: Mutex::default(),
            context,
        })
    }

    /// Run `work` in a session, which is closed in any case.
    ///
    /// # Errors
    /// The errors of [`Session::open`] and of `work`.
    pub(crate) async fn within<T>(
        context: CommandContext,
        needs: Needs,
        work: impl AsyncFnOnce(&Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // On the heap, one after another: a future is as large as the largest that it waits for, and moved more than once.
        let session = Box::pin(Self::open(context, needs)).await?;
        let ended = Box::pin(work(&session)).await;
        // Closed after a failure too: an access token lives for an hour, and an emulator has a port.
        session.close().await;
        ended
    }

    /// The signer for embed URLs, and one for the other algorithm, which distinguishes a wrong algorithm from a wrong secret.
    pub(crate) fn signers(&self) -> Result<(Signer, Signer), Error> {
        let embed = self.settings.embed()?;
        let signer = |algorithm| {
            let signer = Signer::new(&embed.host, &embed.secret, algorithm)?;
            Ok::<_, Error>(signer.with_scheme(&embed.scheme))
        };
        Ok((signer(embed.algorithm)?, signer(embed.algorithm.other())?))
    }

    /// End the logins of `sink` with the session.
    pub(crate) fn ends(&self, sink: &Arc<dyn Sink>) {
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.push(Arc::clone(sink));
    }

    /// Log the admin out, and stop the emulator if there is one. Called however the command ended.
    pub(crate) async fn close(self) {
        let ended = tokio::select! {
            // A second Ctrl-C must not wait for a Looker that does not answer.
            ended = self.admin.logout() => ended.map_err(|error| error.to_string()),
            () = self.system.interrupt.lost_patience(self.http.clock()) => Err("it took too long".to_owned()),
        };
        // The command itself succeeded or failed before this, so its exit code stays.
        if let Err(why) = ended {
            self.ui.warning(format!(
                "the admin's access token could not be logged out: {why}"
            ));
        }
        let sinks = self.sinks.into_inner();
        for sink in sinks.unwrap_or_else(PoisonError::into_inner) {
            if let Err(error) = sink.close().await {
                self.context.ui.warning(error);
            }
        }
        if let Some(emulator) = self.emulator {
            emulator.stop().await;
        }
    }
}

/// Use what `doctor --probe` found out about this Looker: its word for an own value, and who may create keys.
fn recall(context: &CommandContext, admin: &Client) -> Authority {
    let Some(path) = context.settings.answers() else {
        return Authority::Unknown;
    };
    // Answers of another Looker say nothing about this one.
    let answers = match Answers::read(&context.system.path(path), admin.origin()) {
        Ok(answers) => answers.unwrap_or_default(),
        Err(error) => {
            // Answers are only a shortcut, so a file that cannot be read stops no command.
            context.ui.warning(format!(
                "what `doctor --probe` found out is not used: {error}"
            ));
            return Authority::Unknown;
        }
    };
    if let Some(word) = answers.own_source {
        admin.learn_own_source(word);
    }
    match answers.key_authority {
        Some(KeyAuthority::Admin) => Authority::Caller,
        Some(KeyAuthority::User) => Authority::Itself,
        Some(KeyAuthority::Nobody) => Authority::Nobody,
        None => Authority::Unknown,
    }
}

/// Reports each exchange with `-vv`.
pub(crate) fn trace(ui: &Ui) -> Arc<dyn Trace> {
    Arc::new(UiTrace(ui.clone()))
}

/// The connections for these settings.
pub(crate) fn http(
    settings: &Settings,
    trace: Arc<dyn Trace>,
    system: &System,
) -> Result<Http, Error> {
    let options = HttpOptions {
        timeout: settings.timeout(),
        retries: settings.retries(),
        ca_files: settings.ca_files(),
        verify_tls: settings.verify_tls(),
        proxy: settings.proxy_setting(),
        no_proxy: settings.no_proxy().map(str::to_owned),
        concurrency: settings.concurrency(),
        rps: settings.rps(),
        trace,
        clock: system.clock.clone(),
        random: system.random.clone(),
        ..HttpOptions::default()
    };
    Ok(Http::new(options)?)
}

/// The settings for a fresh emulator in this process, if they ask for one.
pub(crate) async fn with_emulator(
    settings: Settings,
    system: &System,
) -> Result<(Settings, Option<Emulator>), Error> {
    if !settings.emulator {
        return Ok((settings, None));
    }
    let options = Options {
        algorithm: settings.embed_algorithm(),
        clock: system.clock.clone(),
        ..Options::default()
    };
    let emulator = Emulator::start(options)
        .await
        .map_err(|error| Error::internal(error).context("cannot start the emulator"))?;
    let settings = settings.with_emulator(EmulatorAccess {
        base_url: emulator.base_url().to_owned(),
        client_id: emulator.client_id().to_owned(),
        client_secret: emulator.client_secret(),
        embed_secret: emulator.embed_secret(),
        algorithm: emulator.algorithm(),
        blank_dashboard: emulator.blank_dashboard().to_owned(),
    })?;
    Ok((settings, Some(emulator)))
}

/// Reports each request with `-vv`, and its headers with `-vvv`.
#[derive(Debug)]
pub(crate) struct UiTrace(pub(crate) Ui);

impl Trace for UiTrace {
    fn wants_headers(&self) -> bool {
        self.0.verbosity() >= 3
    }

    fn waiting(&self, waiting: &Waiting) {
        let Waiting {
            origin,
            attempt,
            attempts,
        } = waiting;
        self.0.status(format!(
            "no answer yet from `{origin}`, attempt {attempt} of {attempts}"
        ));
    }

    fn exchange(&self, exchange: &Exchange) {
        let Self(ui) = self;
        // Retries are counted at any verbosity, because the progress line shows them.
        if exchange.attempt > 1 {
            ui.retried();
        }
        let failure = exchange.failure();
        ui.request_over(exchange.operation, exchange.elapsed, failure.as_deref());
        if ui.verbosity() < 2 {
            return;
        }
        let Exchange {
            identity,
            method,
            path,
            status,
            error,
            attempt,
            elapsed,
            request_headers,
            response_headers,
            bytes,
            ..
        } = exchange;
        let answer = match (status, error) {
            (Some(status), _) => format!("{status}, {bytes} bytes"),
            (None, Some(error)) => error.clone(),
            (None, None) => "no answer".to_owned(),
        };
        let again = if *attempt > 1 {
            format!(" (try {attempt})")
        } else {
            String::new()
        };
        let time = duration::measured(*elapsed);
        ui.detail(
            2,
            format!("{identity}: {method} {path}{again}: {answer}, {time}"),
        );
        for (name, value) in request_headers {
            ui.detail(3, format!("  > {name}: {value}"));
        }
        for (name, value) in response_headers {
            ui.detail(3, format!("  < {name}: {value}"));
        }
    }
}
