//! The only place that talks to the network: sends requests, retries them by the rule, reports them to the trace.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use reqwest::{Method, Request};
use tokio::sync::Semaphore;
use url::Url;
use zeroize::Zeroizing;

use crate::looker::answer::Answer;
use crate::looker::call::Call;
use crate::looker::error::LookerError;
use crate::looker::foreign::Foreign;
use crate::looker::options::HttpOptions;
use crate::looker::request::{self, Sender};
use crate::looker::retry as rule;
use crate::looker::silence::Silence;
use crate::looker::transport_error::Failing;
use crate::net::body::{self, Unread};
use crate::net::pace::Pace;
use crate::net::retry::{self, Schedule};
use crate::net::trace::{Exchange, Trace, Waiting, redact};
use crate::net::transport::{Route, Transport};
use crate::system::{Clock, Lease, Random, Turns};

/// The connections, the rate limit and the number of calls, shared by all clones.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    transport: Transport,
    timeout: Duration,
    schedule: Schedule,
    /// One permit per request that may be in flight.
    places: Semaphore,
    pace: Pace,
    silence: Silence,
    calls: AtomicU64,
    /// How many seconds Looker's clock is ahead of this machine's, or [`UNTOLD`].
    ahead: AtomicI64,
    trace: Arc<dyn Trace>,
    clock: Clock,
    random: Random,
    /// What effects must end within, once there is such a lease.
    lease: OnceLock<Lease>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

/// The response of Looker's web part. Its `Location` distinguishes success from failure; the status does not.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The HTTP status.
    pub status: u16,
    /// The `Location`, not followed.
    pub location: Option<String>,
    /// The server's time, from `Date`.
    pub date: Option<Timestamp>,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

/// How often something is asked again that got no proper answer.
const PERSISTENCE: u32 = 2;

/// A page that anybody may ask for.
const ALIVE: &str = "alive";

/// Operations that begin and end access tokens.
const TOKENS: [&str; 3] = ["login", "login_user", "logout"];

/// No answer has carried Looker's time yet.
const UNTOLD: i64 = i64::MIN;

/// What the trace is told about a request.
#[derive(Clone, Copy)]
struct Label<'a> {
    operation: &'static str,
    identity: &'a str,
    path: &'a str,
    /// Whether it is a call of the API. The web part answers with pages and redirects, which are not refusals.
    is_api: bool,
    /// Whether it may change something that outlives the command.
    takes_effect: bool,
    /// Set when it is sent.
    began: Option<&'a AtomicBool>,
}

impl Http {
    /// Build from options; nothing is connected yet.
    pub fn new(options: HttpOptions) -> Result<Self, LookerError> {
        let route = Route {
            timeout: options.timeout,
            ca_files: options.ca_files,
            verify_tls: options.verify_tls,
            proxy: options.proxy,
            no_proxy: options.no_proxy,
        };
        Ok(Self(Arc::new(Shared {
            transport: Transport::new(route)?,
            timeout: options.timeout,
            schedule: Schedule::new(options.retries),
            places: Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            pace: Pace::new(options.rps),
            silence: Silence::new(options.silence),
            calls: AtomicU64::new(0),
            ahead: AtomicI64::new(UNTOLD),
            trace: options.trace,
            clock: options.clock,
            random: options.random,
            lease: OnceLock::new(),
        })))
    }

    /// From now on send nothing that takes effect unless it ends within `lease`. The first lease stays.
    pub fn keep_within(&self, lease: Lease) {
        let _kept = self.0.lease.set(lease).is_err();
    }

    /// From now on keep to the rate together with other processes. The first of such `turns` stays.
    pub fn take_turns(&self, turns: Arc<dyn Turns>) {
        self.0.pace.share(turns, self.calls());
    }

    /// Send nothing for `time`.
    pub fn hold(&self, time: Duration) {
        if !time.is_zero() {
            self.0.pace.hold(time, &self.0.clock);
        }
    }

    /// How many API calls were sent, counting each attempt.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// How far Looker's clock is ahead of this machine's, in whole seconds, by the `Date` of the latest answer.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        let seconds = self.0.ahead.load(Ordering::Relaxed);
        (seconds != UNTOLD).then(|| SignedDuration::from_secs(seconds))
    }

    /// How long a request may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// The clock that everything here uses.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Fetch a page of the web part that needs no login, such as `/alive`.
    pub async fn probe(&self, url: &Url) -> Result<Landing, LookerError> {
        self.land(ALIVE, request::plain(Method::GET, url.clone()))
            .await
    }

    /// Fetch a page of the web part, without a token, cookies or redirects.
    pub(super) async fn land(
        &self,
        operation: &'static str,
        request: Request,
    ) -> Result<Landing, LookerError> {
        let path = request.url().path().to_owned();
        let label = Label {
            operation,
            identity: "anonymous",
            path: &path,
            is_api: false,
            takes_effect: operation != ALIVE,
            began: None,
        };
        let mut attempt = 1;
        loop {
            let again = request.try_clone();
            let again = again.expect("a request without a body can be made again");
            let result = self.exchange(label, again, attempt).await;
            // An answer of any status has used the URL up.
            if result.is_ok() || !self.again(&result, false, attempt).await {
                return result.map(|answer| Landing {
                    status: answer.status,
                    location: answer.header("location").map(str::to_owned),
                    date: answer.header("date").and_then(retry::date),
                    retry_after: retry::asked(&answer.headers, self.0.clock.now()),
                });
            }
            attempt += 1;
        }
    }

    /// Send `call`, retry if the rule allows it, and return the result of the last attempt, whatever its status.
    pub(super) async fn send(
        &self,
        call: &Call,
        sender: &Sender<'_>,
    ) -> Result<Answer, LookerError> {
        let label = Label {
            operation: call.operation,
            identity: sender.identity,
            path: &call.path.shown,
            is_api: true,
            takes_effect: call.method != Method::GET && !TOKENS.contains(&call.operation),
            began: call.began.as_deref(),
        };
        let mut attempt = 1;
        loop {
            let request = request::of(call, sender)?;
            // Each attempt counts: Looker's monthly quota counts them too.
            self.0.calls.fetch_add(1, Ordering::Relaxed);
            self.0.pace.made();
            let result = self.exchange(label, request, attempt).await;
            if !self.again(&result, call.repeatable, attempt).await {
                return result;
            }
            attempt += 1;
        }
    }

    /// Wait until something that is more than a call is tried again, after try number `attempt`, as long as Looker `asked`
    /// for; false at once if it was tried often enough.
    pub async fn wait_to_retry(&self, attempt: u32, asked: Option<Duration>) -> bool {
        let Shared {
            schedule, random, ..
        } = &*self.0;
        self.pause(schedule.pause(attempt, asked, random)).await
    }

    /// The answer to `ask`, which may be asked again: so that one moment in which Looker gives no proper answer, among
    /// thousands, does not spoil the rest, though each call was repeated already.
    ///
    /// # Errors
    /// What Looker says, or the last of some answers that were none.
    pub async fn persist<T, F>(&self, ask: impl Fn() -> F) -> Result<T, LookerError>
    where
        F: Future<Output = Result<T, LookerError>>,
    {
        let schedule = Schedule::new(PERSISTENCE);
        let mut attempt = 1;
        loop {
            let answer = ask().await;
            let passes = answer.as_ref().is_err_and(is_passing);
            if !passes
                || !self
                    .pause(schedule.pause(attempt, None, &self.0.random))
                    .await
            {
                return answer;
            }
            attempt += 1;
        }
    }

    /// Wait for the next try, where there is one to be.
    async fn again(
        &self,
        result: &Result<Answer, LookerError>,
        repeatable: bool,
        attempt: u32,
    ) -> bool {
        let Shared {
            schedule,
            clock,
            random,
            ..
        } = &*self.0;
        let now = clock.now();
        let wait = rule::wait(*schedule, result, repeatable, attempt, now, random);
        self.pause(wait).await
    }

    async fn pause(&self, wait: Option<Duration>) -> bool {
        let Some(wait) = wait else { return false };
        self.0.clock.sleep(wait).await;
        true
    }

    /// One request, one response: the only function that talks to the network.
    async fn exchange(
        &self,
        label: Label<'_>,
        request: Request,
        attempt: u32,
    ) -> Result<Answer, LookerError> {
        let Shared {
            clock,
            places,
            pace,
            trace,
            ..
        } = &*self.0;
        let shown = |headers: &HeaderMap| match trace.wants_headers() {
            true => redact(headers),
            false => Vec::new(),
        };
        let client = self.0.transport.client(request.url())?;
        let proxy = self.0.transport.proxy_for(request.url());
        let failing = Failing::new(label.operation, self.0.timeout, proxy);
        let mut seen = Exchange {
            identity: label.identity.to_owned(),
            operation: label.operation,
            method: request.method().to_string(),
            path: label.path.to_owned(),
            status: None,
            error: None,
            attempt,
            elapsed: Duration::ZERO,
            request_headers: shown(request.headers()),
            response_headers: Vec::new(),
            bytes: 0,
        };
        // The permit comes before the rate limit: a request that has had its turn must start at once.
        let _place = places.acquire().await.expect("places are never closed");
        pace.turn(clock).await;
        // After every wait.
        self.begins(&label).await?;
        let start = clock.elapsed();
        let result = match Box::pin(self.answered(client, request, attempt)).await {
            Ok(response) => {
                seen.status = Some(response.status().as_u16());
                seen.response_headers = shown(response.headers());
                read(response, &failing).await
            }
            Err(error) => Err(failing.unanswered(error)),
        };
        seen.elapsed = clock.elapsed().saturating_sub(start);
        match &result {
            Ok(answer) => {
                seen.bytes = answer.body.len();
                let foreign = Foreign::refusal(answer).filter(|_| label.is_api);
                seen.error = foreign.map(|it| format!("{it}, not from Looker's API"));
                self.heed(answer);
            }
            Err(error) => seen.error = Some(error.to_string()),
        }
        trace.exchange(&seen);
        result
    }

    /// Send it, and say so if there is no answer for long.
    async fn answered(
        &self,
        client: &reqwest::Client,
        request: Request,
        attempt: u32,
    ) -> reqwest::Result<reqwest::Response> {
        let Shared {
            schedule,
            silence,
            trace,
            ..
        } = &*self.0;
        let waiting = Waiting {
            origin: request.url().origin().ascii_serialization(),
            attempt,
            attempts: schedule.retries + 1,
        };
        let answer = client.execute(request);
        silence.watch(answer, || trace.waiting(&waiting)).await
    }

    /// Wait until an effect of the request fits into the lease of the runs, if they are leased: the request begins then.
    async fn begins(&self, label: &Label<'_>) -> Result<(), LookerError> {
        let lease = self.0.lease.get().filter(|_| label.takes_effect);
        if let Some(lease) = lease
            && !lease.admits(self.0.timeout).await
        {
            let operation = label.operation;
            return Err(LookerError::LeaseOver { operation });
        }
        if let Some(began) = label.began {
            began.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Learn the rate limit and the clock offset from an answer.
    fn heed(&self, answer: &Answer) {
        let Shared {
            clock, pace, ahead, ..
        } = &*self.0;
        let now = clock.now();
        let asked = retry::asked(&answer.headers, now).unwrap_or_default();
        pace.answered((answer.status == 429).then_some(asked), clock);
        if let Some(date) = answer.header("date").and_then(retry::date) {
            // belief: date-is-lookers-time
            ahead.store(date.as_second() - now.as_second(), Ordering::Relaxed);
        }
    }
}

/// Whether Looker was there and something went wrong; whoever keeps it waiting has been asked often enough.
const fn is_passing(error: &LookerError) -> bool {
    error.took_effect_unknown()
        && !matches!(
            error,
            LookerError::Timeout { .. } | LookerError::TooLarge { .. }
        )
}

async fn read(mut response: reqwest::Response, failing: &Failing) -> Result<Answer, LookerError> {
    let status = response.status().as_u16();
    let headers = mem::take(response.headers_mut());
    let body = match body::read(response).await {
        Ok(body) => body,
        // The status alone is what counts here; a broken body must not turn a refusal into a lost answer.
        Err(_) if status >= 300 => Zeroizing::default(),
        Err(Unread::TooLarge) => return Err(failing.too_large()),
        Err(Unread::Broken(error)) => return Err(failing.broken(error)),
    };
    Ok(Answer {
        status,
        headers,
        body,
        proxy: failing.proxy.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Http, PERSISTENCE};
    use crate::looker::{HttpOptions, LookerError, NoTrace};
    use crate::system::{Clock, Random};

    fn status(status: u16) -> LookerError {
        LookerError::Status {
            operation: "search_looks",
            status,
            message: String::new(),
        }
    }

    #[tokio::test]
    async fn a_bad_moment_is_waited_out_and_what_lasts_is_told() {
        let tries = PERSISTENCE + 1;
        for (bad, code, asked) in [(1, 500, 2), (2, 502, 3), (9, 500, tries), (9, 404, 1)] {
            let clock = Clock::manual(Timestamp::UNIX_EPOCH);
            let http = Http::new(HttpOptions {
                timeout: Duration::from_secs(1),
                retries: 0,
                ca_files: Vec::new(),
                verify_tls: true,
                proxy: None,
                no_proxy: None,
                concurrency: 1,
                rps: None,
                silence: Duration::from_secs(3),
                trace: Arc::new(NoTrace),
                clock: clock.clone(),
                random: Random::os(),
            });
            let tried = Cell::new(0);
            let ask = || async {
                tried.set(tried.get() + 1);
                match tried.get() > bad {
                    true => Ok(()),
                    false => Err(status(code)),
                }
            };

            let answer = http.unwrap().persist(ask).await;

            assert_eq!((tried.get(), answer.is_ok()), (asked, bad < tries));
            // A Looker that has just said that it cannot is left alone for a moment.
            let least = Duration::from_millis(125) * (asked - 1);
            assert!(clock.elapsed() >= least, "{code}: {:?}", clock.elapsed());
        }
    }
}
