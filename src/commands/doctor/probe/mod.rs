//! `doctor --probe`: what the user's own Looker does, tried on an embed user created for this, which is removed again in any
//! case.

mod attributes;
mod keys;
mod people;
mod second_login;
mod subject;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use serde_json::Value;

use crate::answers::Answers;
use crate::beliefs::{self, Probe};
use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::{DoctorContext, account, embed};
use crate::config::EmbedAccess;
use crate::error::{Error, Kind};
use crate::looker::{ApiKey, Client, User};

/// Shared by the probes.
struct Trial<'a> {
    cx: &'a DoctorContext<'a>,
    admin: &'a Client,
    access: EmbedAccess,
    /// The `external_user_id` of the test user.
    id: String,
    /// The models in its logins.
    models: Vec<String>,
    /// The user as found after its first login.
    user: User,
    /// Other identities, which are logged out at the end.
    others: Mutex<Vec<Client>>,
    /// A key of the user that still exists.
    key: Mutex<Option<(String, ApiKey)>>,
    answers: Mutex<Answers>,
}

/// The result of a probe: the belief, whether it holds, and what was seen.
type Seen = (&'static str, bool, String);

/// What no probe answers.
const OWNERS: &str = "whether owners of content, schedules and alerts can be changed is not probed: it takes content; \
    `rotate-id` reads back what it changes";

pub(super) async fn examine(
    cx: &DoctorContext<'_>,
    admin: &Client,
    access: &EmbedAccess,
    findings: &mut Findings,
) -> Result<(), Error> {
    let kept = Kept::of(cx, admin);
    subject::remove_left_overs(cx, admin, &kept, findings).await?;
    let interrupt = cx.system.interrupt.clone();
    interrupt.listen();
    let id = subject::new_id(cx)?;
    let models = subject::models(cx, admin).await;
    let mut answers = begun(cx, admin, &id).await;
    kept.write(&answers)?;
    let created = tokio::select! {
        created = subject::create(cx, admin, access, (&id, &models)) => created,
        () = interrupt.asked(1) => Err(interrupted()),
    };
    let mut known = None;
    let ended = match created {
        Ok((user, algorithm)) => {
            known = Some(user.clone());
            subject::tell(&user, &id, algorithm, access.algorithm, findings)?;
            let trial = Trial {
                cx,
                admin,
                access: EmbedAccess {
                    algorithm,
                    ..access.clone()
                },
                id: id.clone(),
                models,
                user,
                others: Mutex::default(),
                key: Mutex::default(),
                answers: Mutex::new(answers),
            };
            let tried = tokio::select! {
                tried = try_all(&trial, findings) => tried,
                () = interrupt.asked(1) => Err(interrupted()),
            };
            trial.log_out().await;
            answers = trial.into_answers();
            tried
        }
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(error) => findings.fail("probe", &error),
    };
    // Whatever was created is removed, however the probes ended.
    let gone = subject::remove(admin, &id, known, findings, &mut answers).await;
    if gone.is_ok() {
        answers.left_over = None;
    }
    kept.write(&answers)?;
    ended?;
    tell(&answers, findings)?;
    findings.skip("owners", OWNERS)?;
    gone.or(Ok(()))
}

/// The answers before anything was asked: if a probe is killed, the id of its user remains for cleanup.
async fn begun(cx: &DoctorContext<'_>, admin: &Client, id: &str) -> Answers {
    let release = admin.versions().await.ok();
    Answers {
        looker: admin.origin().to_owned(),
        release: release.and_then(|versions| versions.looker_release_version),
        at: cx.system.clock.now(),
        left_over: Some(id.to_owned()),
        ..Answers::default()
    }
}

fn interrupted() -> Error {
    Error::new(
        Kind::Interrupted,
        "interrupted; the probe user is removed again",
    )
}

/// Every probe in turn. A failed one is a finding, and the next ones are tried anyway.
async fn try_all(trial: &Trial<'_>, findings: &mut Findings) -> Result<(), Error> {
    match account::act_as(trial.admin, &trial.user).await {
        Ok(()) => findings.pass(
            "sudo",
            format!("the admin can act as embed user {}", trial.user.id),
        )?,
        Err(error) => findings.fail("sudo", &error)?,
    }
    for probe in Probe::ALL {
        let seen = match probe {
            Probe::LookUp => people::look_up(trial).await,
            Probe::Case => people::case(trial).await,
            Probe::Pages => people::pages(trial).await,
            Probe::Role => people::role(trial).await,
            Probe::Attributes => attributes::words(trial).await,
            Probe::SecondLogin => second_login::replaces(trial).await,
            Probe::Keys => keys::authority(trial, findings).await,
            Probe::KeyTime => keys::time(trial).await,
            Probe::Disabled => people::disabled(trial).await,
            // The removal of the user answers this one.
            Probe::Deleted => continue,
        };
        match seen {
            Ok(seen) => trial.keep(seen),
            Err(error) => findings.warn(
                &format!("probe_{}", probe.word()),
                error,
                "its result stays unknown; run the command again",
            )?,
        }
    }
    Ok(())
}

/// Report for every belief that was tested whether it holds; those that do not, one by one.
pub(super) fn tell(answers: &Answers, findings: &mut Findings) -> Result<(), Error> {
    let (true_ones, false_ones): (Vec<_>, Vec<_>) =
        answers.beliefs.iter().partition(|(_, answer)| answer.holds);
    let ids = |of: &[(&String, _)]| {
        let ids: Vec<&str> = of.iter().map(|(id, _)| id.as_str()).collect();
        ids.join(", ")
    };
    let release = answers
        .release
        .as_deref()
        .unwrap_or("of an unknown release");
    let day = answers.at.strftime("%Y-%m-%d");
    let mut detail = format!(
        "Looker {release}, probed on {day}: {} beliefs hold, {} do not",
        true_ones.len(),
        false_ones.len()
    );
    if !false_ones.is_empty() {
        detail.extend([": ", &ids(&false_ones)]);
    }
    match false_ones.is_empty() {
        true => findings.pass("beliefs", detail)?,
        false => findings.warn("beliefs", detail, "`embedctl help looker` explains each")?,
    }
    for (id, answer) in false_ones {
        let if_false = beliefs::find(id).map_or("", |belief| belief.if_false);
        findings.warn(
            &format!("belief {id}"),
            format!("does not hold: {}", answer.seen),
            &format!("embedctl deals with it: {if_false}"),
        )?;
    }
    Ok(())
}

/// The same for results of an earlier probe.
pub(super) fn tell_kept(
    cx: &DoctorContext<'_>,
    admin: &Client,
    findings: &mut Findings,
) -> Result<(), Error> {
    let kept = Kept::of(cx, admin);
    let answers = match &kept.path {
        Some(path) => Answers::read(path, &kept.origin),
        None => Ok(None),
    };
    match answers {
        Ok(Some(answers)) if !answers.beliefs.is_empty() => tell(&answers, findings),
        Ok(_) => findings.skip(
            "beliefs",
            "it is not known how this Looker behaves where Lookers may differ; `--probe` finds out",
        ),
        Err(error) => findings.warn("beliefs", &error, error.advice().unwrap_or_default()),
    }
}

/// Where the answers are kept; not worth it for a local Looker that lives for one run.
pub(super) struct Kept {
    path: Option<PathBuf>,
    origin: String,
}

impl Kept {
    fn of(cx: &DoctorContext<'_>, admin: &Client) -> Self {
        let path = cx.settings.answers();
        Self {
            path: path.map(|path| cx.system.path(path)),
            origin: admin.origin().to_owned(),
        }
    }

    /// The results of an earlier probe, if they can be read.
    fn read(&self) -> Option<Answers> {
        Answers::read(self.path.as_ref()?, &self.origin).ok()?
    }

    fn write(&self, answers: &Answers) -> Result<(), Error> {
        self.path
            .as_ref()
            .map_or(Ok(()), |path| answers.write(path))
    }
}

impl Trial<'_> {
    /// The results.
    fn into_answers(self) -> Answers {
        let answers = self.answers.into_inner();
        answers.unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, seen: Vec<Seen>) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, holds, seen) in seen {
            answers.keep(id, holds, seen);
        }
    }

    fn note(&self, note: impl FnOnce(&mut Answers)) {
        note(&mut self.answers.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Looker as the user, logged out at the end.
    async fn sudo(&self) -> Result<Client, Error> {
        let sudo = self.admin.login_user(&self.user.id).await?;
        self.remember(&sudo);
        Ok(sudo)
    }

    /// Looker with an API key, logged out at the end.
    fn by_key(&self, key: ApiKey) -> Client {
        let (http, base_url) = (self.cx.http.clone(), self.admin.base_url().clone());
        let client = Client::named(http, base_url, key, "new key");
        self.remember(&client);
        client
    }

    fn remember(&self, client: &Client) {
        let others = self.others.lock();
        others
            .unwrap_or_else(PoisonError::into_inner)
            .push(client.clone());
    }

    async fn log_out(&self) {
        let others =
            std::mem::take(&mut *self.others.lock().unwrap_or_else(PoisonError::into_inner));
        for client in others {
            // A token that cannot be logged out expires by itself, and its user is deleted anyway.
            let _left = client.logout().await.is_err();
        }
    }

    /// Looker's raw answer to a read: its exact words are what a probe is about.
    async fn read(
        &self,
        who: &Client,
        operation: &'static str,
        path: &str,
    ) -> Result<Value, Error> {
        let answer = who.call(operation, Method::GET, path, &[], None).await?;
        if let Some(refusal) = answer.refusal {
            return Err(refusal.into());
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            Error::new(Kind::Looker, error)
                .context(format!("the answer to `{operation}` is no JSON"))
        })
    }

    /// The user's current state.
    async fn user_now(&self) -> Result<User, Error> {
        Ok(self.admin.user(&self.user.id).await?)
    }

    /// Open a signed URL with these permissions, as the first login did.
    async fn log_in_again(
        &self,
        permissions: &[&str],
        attributes: &[(&str, &str)],
    ) -> Result<(), Error> {
        let mut login = subject::login(&self.id, permissions, &self.models);
        if !attributes.is_empty() {
            let attributes = attributes.iter();
            let attributes =
                attributes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            login.user_attributes = Some(attributes.collect());
        }
        let url = embed::sign(self.cx, &self.access, self.access.algorithm, &login)?;
        self.cx.http.fetch_signed_url(&url).await?;
        Ok(())
    }

    /// The user's remaining key, with Looker's id of it.
    fn key(&self) -> Option<(String, ApiKey)> {
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        key.clone()
    }

    fn keep_key(&self, id: String, key: ApiKey) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, key));
    }
}

/// `holds` with a description of what was seen.
fn seen(id: &'static str, holds: bool, yes: &str, no: impl FnOnce() -> String) -> Seen {
    (id, holds, if holds { yes.to_owned() } else { no() })
}
