//! Creates a user with its key, or replaces its keys, in one call of the library.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::ledger::{Ledger, LedgerError, NewRun, RunId};
use crate::looker::Client;
use crate::signed_url::{Grants, Signer};
use crate::sink::Sink;
use crate::system::{Interrupt, Random};
use crate::workflow::finder::Finder;
use crate::workflow::found::Found;
use crate::workflow::job_context::{Context, Observer};
use crate::workflow::key_access::KeyAccess;
use crate::workflow::permit::set_back_left;
use crate::workflow::run::{RunOptions, run_jobs};
use crate::workflow::spec::{IfNone, JobSpec, KeyJob, RotateSpec, UserId};
use crate::workflow::step::Step;
use crate::workflow::user_spec::{KeySpec, UserSpec, Via};

/// What the ledger calls the runs of a [`Provisioner`].
const COMMAND: &str = "library";

/// Makes embed users and keys for a program, one call for each, and keeps what embedctl promises: a key is delivered to the sink
/// or revoked, whatever crashes in between. The same call after a crash goes on where the first one stopped, if it is
/// given the same ledger.
///
/// A ledger belongs to one Looker; embedctl checks that, a program must see to it.
#[derive(Clone, Debug)]
pub struct Provisioner {
    cx: Arc<Context>,
    /// The embed path that a login fetches.
    target: String,
}

impl Provisioner {
    /// Calls Looker as `admin`, creates users through URLs of `signer`, records in `ledger`, and delivers keys to `sink`.
    pub fn new(
        admin: Client,
        signer: Signer,
        ledger: Arc<dyn Ledger>,
        sink: Arc<dyn Sink>,
    ) -> Self {
        /// How long Looker may still work on a request that was given up.
        const GRACE: Duration = Duration::from_secs(30);
        let http = admin.http().clone();
        Self {
            cx: Arc::new(Context {
                finder: Finder::new(admin.clone()),
                newest: None,
                keys: KeyAccess::new(admin.clone()),
                sole_minter: false,
                signer: Some(signer),
                other_signer: None,
                sink: Some(sink),
                ledger,
                clock: http.clock().clone(),
                random: Random::os(),
                interrupt: Interrupt::never(),
                observer: Arc::new(Silent),
                width: 1,
                timeout: http.timeout(),
                grace: GRACE,
                admin,
                http,
            }),
            // What Looker's demo application fetches; a login creates the user whatever the path answers.
            target: "/alive".to_owned(),
        }
    }

    /// The user with these grants, verified by acting as it, and a key for it if `key` says so. A user that exists keeps
    /// its grants, because another login would replace them and end its sessions.
    ///
    /// # Errors
    /// What Looker, the sink or the ledger say; [`Kind::Incomplete`] if something is left to settle, which the same call does
    /// later; [`Kind::Conflict`] if another process works on this user, or a call with another goal was broken off.
    pub async fn create_user(
        &self,
        external_user_id: &str,
        grants: Grants,
        key: Option<KeySpec>,
    ) -> Result<Found, Error> {
        let spec = UserSpec {
            external_user_id: external_user_id.to_owned(),
            grants,
            via: Via::SignedUrl,
            target: self.target.clone(),
            update: false,
            verify: true,
            key,
            planned: Box::default(),
        };
        self.run(JobSpec::CreateUser(spec)).await
    }

    /// One more key for a user that exists, revoked by `embedctl keys reap` once `ttl` is over.
    ///
    /// # Errors
    /// As those of [`create_user`](Self::create_user).
    pub async fn mint_key(
        &self,
        external_user_id: &str,
        ttl: Option<Duration>,
    ) -> Result<Found, Error> {
        let job = key_job(external_user_id, ttl);
        self.run(JobSpec::MintKey(job)).await
    }

    /// A new key in place of all that embedctl made for the user, which are revoked at once, or by `embedctl keys reap` once
    /// `overlap` is over. A user without a key gets its first one.
    ///
    /// # Errors
    /// As those of [`create_user`](Self::create_user).
    pub async fn rotate_keys(
        &self,
        external_user_id: &str,
        overlap: Option<Duration>,
    ) -> Result<Found, Error> {
        let spec = RotateSpec {
            job: key_job(external_user_id, None),
            keys: Vec::new(),
            max_age_seconds: None,
            overlap_seconds: overlap.map(|overlap| overlap.as_secs()),
            if_none: IfNone::Mint,
        };
        self.run(JobSpec::RotateKey(spec)).await
    }

    /// Run a job of its own run, or go on with the one that did not end.
    async fn run(&self, spec: JobSpec) -> Result<Found, Error> {
        let cx = &self.cx;
        cx.finder.require_admin().await?;
        if let Some((_, error)) = set_back_left(&*cx.ledger, &cx.admin).await?.failed.pop() {
            return Err(error);
        }
        let sink = cx.sink.as_ref().expect("every provisioner has a sink");
        sink.probe().await.map_err(Error::from)?;
        let (run, resumed) = self.begin(&spec).await?;
        let mut result = None;
        let options = RunOptions {
            concurrency: 1,
            resumed,
        };
        let ran = run_jobs(cx, run, options, |finished| {
            result = Some(finished.result);
            Ok(())
        })
        .await;
        cx.ledger.release(run).await?;
        ran?;
        result.unwrap_or_else(|| {
            let message = format!("run {run} has nothing left to do");
            Err(Error::new(Kind::Conflict, message))
        })
    }

    async fn begin(&self, spec: &JobSpec) -> Result<(RunId, bool), Error> {
        let ledger = &self.cx.ledger;
        let run = NewRun {
            id: RunId::new(&self.cx.clock, &self.cx.random).map_err(Error::internal)?,
            command: COMMAND.to_owned(),
            request: Value::Null,
            created_at: self.cx.clock.now(),
        };
        let earlier = match ledger.begin(run, vec![spec.job()]).await {
            Ok(run) => return Ok((run, false)),
            Err(LedgerError::Unfinished { run, .. }) => run,
            Err(error) => return Err(error.into()),
        };
        let claimed = ledger.claim(earlier).await?;
        let jobs = ledger.jobs(earlier, None, 0, 2).await?;
        let is_same = jobs.len() == 1 && jobs.iter().all(|job| job.spec == json!(spec));
        if claimed.command == COMMAND && is_same {
            return Ok((earlier, true));
        }
        ledger.release(earlier).await?;
        Err(Error::new(
            Kind::Conflict,
            format!("run {earlier} for this user stopped half-way, and has another goal"),
        )
        .hint("make the same call as then, or finish it with `embedctl runs resume`"))
    }
}

fn key_job(external_user_id: &str, ttl: Option<Duration>) -> KeyJob {
    KeyJob {
        user: UserId::External(external_user_id.to_owned()),
        purpose: None,
        ttl_seconds: ttl.map(|ttl| ttl.as_secs()),
    }
}

/// Shows nothing: the result says it all.
#[derive(Debug)]
struct Silent;

impl Observer for Silent {
    fn step(&self, _: &str, _: Step, _: &Found, _: Duration) {}
}
