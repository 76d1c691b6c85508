//! The sink `gcp:PROJECT/NAME`: Google Cloud Secret Manager.

mod answer;
mod crc32c;
mod token;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use url::Url;
use zeroize::{Zeroize as _, Zeroizing};

use crate::sink::gcp::answer::{
    Accessed, Refusal, Secret, Trouble, Version, Versions, lay, number,
};
use crate::sink::gcp::crc32c::crc32c;
use crate::sink::gcp::token::Source;
use crate::sink::store::{
    Entry, IsIt, Marks, New, Promoted, Seen, Store, Unwritten, Value, Written,
};
use crate::sink::value::Stored;
use crate::sink::web::{Ask, Failed, Reply, Web, WebOptions};
use crate::sink::{Answer, SinkError};
use crate::system::System;

/// The names by which readers ask for versions.
const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const PENDING: &str = "pending";

/// How often a version is added whose answer was lost.
const ATTEMPTS: usize = 3;

/// Secret Manager in one project.
#[derive(Debug)]
pub(super) struct SecretManager {
    web: Web,
    endpoint: Url,
    project: String,
    source: Source,
}

/// A request: what traces call it, the right it takes, verb and path.
type Call<'a> = (&'static str, &'static str, Method, &'a str);

impl SecretManager {
    /// The one of `project`, with the credentials that the environment has.
    pub(super) fn new(
        project: &str,
        options: &WebOptions,
        system: &System,
    ) -> Result<Self, SinkError> {
        const OVERRIDE: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER";
        let given = system.var(OVERRIDE);
        let endpoint = given.unwrap_or_else(|| "https://secretmanager.googleapis.com/".to_owned());
        let endpoint = Url::parse(&format!("{}/", endpoint.trim_end_matches('/'))).ok();
        let endpoint =
            endpoint.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let endpoint = endpoint.ok_or_else(|| {
            SinkError::new(format!("`{OVERRIDE}` is not an address"))
                .hint("write it as in `https://secretmanager.googleapis.com/`")
        })?;
        Ok(Self {
            web: Web::new("Google Cloud", endpoint.scheme(), options, system)?,
            source: Source::of(options, system)?,
            endpoint,
            project: project.to_owned(),
        })
    }

    fn secret(&self, name: &str) -> String {
        format!("projects/{}/secrets/{name}", self.project)
    }

    async fn call(
        &self,
        repeatable: bool,
        (operation, _, verb, path): Call<'_>,
        body: &[u8],
    ) -> Result<Reply, Trouble> {
        let unsent = |error| Trouble::Failed(Failed::Unsent(error));
        let token = Box::pin(self.source.now()).await.map_err(unsent)?;
        let make = || {
            let url = self.endpoint.join(&format!("v1/{path}"));
            let url = url
                .map_err(|error| SinkError::new("the project's name is not valid").caused(error))?;
            let ask = Ask::new(operation, verb.clone(), url).secret(
                "authorization",
                "Bearer ",
                &token,
            )?;
            Ok(match body.is_empty() {
                true => ask,
                false => ask.json(body.to_vec().into()),
            })
        };
        let reply = self
            .web
            .send(repeatable, |_| false, make)
            .await
            .map_err(Trouble::Failed)?;
        match reply.is_success() {
            true => Ok(reply),
            false => Err(Trouble::Refused(Refusal::of(&reply))),
        }
    }

    /// The error of a request about `name` that takes `right`.
    fn error(&self, right: &str, name: &str, trouble: Trouble) -> SinkError {
        let refusal = match trouble {
            Trouble::Failed(failed) => return failed.into(),
            Trouble::Refused(refusal) => refusal,
        };
        let said = refusal.said();
        let called = self.called(name);
        let error = SinkError::new(format!(
            "Google Cloud refuses `{right}` for {called}: {said}"
        ));
        match refusal.advice(right, &self.project) {
            Some(advice) => error.hint(advice),
            None => error,
        }
    }

    /// The error of an answer that says nothing.
    fn unreadable(&self, name: &str) -> SinkError {
        SinkError::new(format!(
            "the answer about {} is not in the form of Secret Manager",
            self.called(name)
        ))
    }

    async fn get(&self, name: &str) -> Result<Option<Secret>, SinkError> {
        const RIGHT: &str = "secretmanager.secrets.get";
        let call = ("gcp_describe", RIGHT, Method::GET, &*self.secret(name));
        match self.call(true, call, &[]).await {
            Ok(reply) => match reply.json() {
                Some(secret) => Ok(Some(secret)),
                None => Err(self.unreadable(name)),
            },
            Err(Trouble::Refused(refusal)) if refusal.is_nothing() => Ok(None),
            Err(trouble) => Err(self.error(RIGHT, name, trouble)),
        }
    }

    async fn access(&self, name: &str, version: &str) -> Result<Option<Value>, SinkError> {
        const RIGHT: &str = "secretmanager.versions.access";
        let path = format!("{}/versions/{version}:access", self.secret(name));
        let reply = match self
            .call(true, ("gcp_read", RIGHT, Method::GET, &path), &[])
            .await
        {
            Ok(reply) => reply,
            // A version that was disabled or destroyed.
            Err(Trouble::Refused(refusal))
                if refusal.is_nothing() || refusal.status == "FAILED_PRECONDITION" =>
            {
                return Ok(None);
            }
            Err(trouble) => return Err(self.error(RIGHT, name, trouble)),
        };
        let broken = || {
            SinkError::new(format!(
                "version {version} of {} arrived damaged",
                self.called(name)
            ))
        };
        let mut payload = reply.json::<Accessed>().ok_or_else(broken)?.payload;
        let value = STANDARD.decode(&payload.data).map(Zeroizing::new);
        payload.data.zeroize();
        let value = value.map_err(|_| broken())?;
        let sum = payload.data_crc32c.and_then(|sum| sum.parse::<u32>().ok());
        match sum.is_none_or(|sum| sum == crc32c(&value)) {
            true => Ok(Some(value)),
            false => Err(broken()),
        }
    }

    /// The numbers of the versions behind `after` that can be read, newest first.
    async fn newer(&self, name: &str, after: u64) -> Result<Vec<u64>, SinkError> {
        const RIGHT: &str = "secretmanager.versions.list";
        let (mut found, mut page) = (Vec::new(), String::new());
        loop {
            let path = format!(
                "{}/versions?pageSize=100&pageToken={page}",
                self.secret(name)
            );
            let reply = self
                .call(true, ("gcp_versions", RIGHT, Method::GET, &path), &[])
                .await;
            let reply = reply.map_err(|trouble| self.error(RIGHT, name, trouble))?;
            let listed = reply.json::<Versions>();
            let listed = listed.ok_or_else(|| self.unreadable(name))?;
            let readable = listed
                .versions
                .iter()
                .filter(|version| version.state == "ENABLED");
            let numbers: Vec<_> = readable
                .filter_map(|version| number(&version.name))
                .collect();
            let over = listed
                .versions
                .iter()
                .filter_map(|version| number(&version.name))
                .any(|number| number <= after);
            found.extend(numbers.into_iter().filter(|number| *number > after));
            if listed.next_page_token.is_empty() || over {
                return Ok(found);
            }
            page =
                url::form_urlencoded::byte_serialize(listed.next_page_token.as_bytes()).collect();
        }
    }

    async fn destroy_version(&self, name: &str, version: u64) -> Result<(), SinkError> {
        const RIGHT: &str = "secretmanager.versions.destroy";
        let path = format!("{}/versions/{version}:destroy", self.secret(name));
        let reply = self
            .call(true, ("gcp_destroy", RIGHT, Method::POST, &path), b"{}")
            .await;
        reply
            .map(drop)
            .map_err(|trouble| self.error(RIGHT, name, trouble))
    }

    /// Make the secret, with marks from the first moment on.
    async fn create(&self, name: &str, new: &New<'_>) -> Result<(), Unwritten> {
        const RIGHT: &str = "secretmanager.secrets.create";
        let (mut labels, mut annotations) = (Marks::new(), Marks::new());
        lay(&new.marks, &mut labels, &mut annotations);
        let body = json!({ "replication": { "automatic": {} }, "labels": labels, "annotations": annotations });
        let path = format!("projects/{}/secrets?secretId={name}", self.project);
        let made = self
            .call(
                true,
                ("gcp_create", RIGHT, Method::POST, &path),
                body.to_string().as_bytes(),
            )
            .await;
        match made {
            Ok(_) => Ok(()),
            // The answer to an earlier attempt was lost, or another process was faster.
            Err(Trouble::Refused(refusal)) if refusal.http == 409 => {
                let found = self.get(name).await.map_err(Unwritten::Refused)?;
                match found.is_some_and(|found| found.annotations == annotations) {
                    true => Ok(()),
                    false => Err(Unwritten::Stale),
                }
            }
            Err(trouble) => Err(Unwritten::Refused(self.error(RIGHT, name, trouble))),
        }
    }

    /// Add a version, once: there is no key that would make a repetition the same version, so what is there decides.
    async fn add(&self, name: &str, new: &New<'_>, over: &Seen) -> Result<u64, Unwritten> {
        const RIGHT: &str = "secretmanager.versions.add";
        let path = format!("{}:addVersion", self.secret(name));
        let data = Zeroizing::new(STANDARD.encode(&new.value));
        let body = format!(
            "{{\"payload\":{{\"data\":\"{}\",\"dataCrc32c\":\"{}\"}}}}",
            &*data,
            crc32c(&new.value)
        );
        let body = Zeroizing::new(body.into_bytes());
        let after = over
            .version
            .as_deref()
            .and_then(|version| version.parse().ok())
            .unwrap_or(0);
        let mut lost = None;
        for _ in 0..ATTEMPTS {
            let added = match self
                .call(false, ("gcp_write", RIGHT, Method::POST, &path), &body)
                .await
            {
                Ok(reply) => reply
                    .json::<Version>()
                    .and_then(|version| number(&version.name)),
                Err(Trouble::Failed(Failed::Lost(error))) => {
                    lost = Some(error);
                    None
                }
                Err(trouble) => return Err(Unwritten::Refused(self.error(RIGHT, name, trouble))),
            };
            if let (Some(added), None) = (added, &lost) {
                return Ok(added);
            }
            if let Some(added) = self
                .one_of_twins(name, new, after)
                .await
                .map_err(Unwritten::Refused)?
            {
                return Ok(added);
            }
        }
        let called = self.called(name);
        Err(Unwritten::Lost(lost.unwrap_or_else(|| {
            SinkError::new(format!(
                "the answer about a new version of {called} names none"
            ))
        })))
    }

    /// The version behind `after` that holds the key, if there is one; others that hold it too are destroyed.
    async fn one_of_twins(
        &self,
        name: &str,
        new: &New<'_>,
        after: u64,
    ) -> Result<Option<u64>, SinkError> {
        let mut found = None;
        for version in self.newer(name, after).await? {
            let value = self.access(name, &version.to_string()).await?;
            let stored = value.and_then(|value| Stored::parse(&value));
            if !stored.is_some_and(|stored| stored.is(&new.key.name)) {
                continue;
            }
            match found {
                None => found = Some(version),
                Some(_) => self.destroy_version(name, version).await?,
            }
        }
        Ok(found)
    }

    async fn write_version(
        &self,
        name: &str,
        new: &New<'_>,
        over: &Seen,
    ) -> Result<String, Unwritten> {
        if !over.exists {
            self.create(name, new).await?;
        }
        let added = self.add(name, new, over).await?.to_string();
        if over.version.is_some() {
            let pending = |aliases: &mut BTreeMap<String, String>| {
                drop(aliases.insert(PENDING.to_owned(), added.clone()));
            };
            self.alias(name, None, over, pending).await?;
        }
        Ok(added)
    }

    async fn promote_version(
        &self,
        name: &str,
        version: &str,
        new: &New<'_>,
        over: &Seen,
    ) -> Result<(), Unwritten> {
        let promoted = |aliases: &mut BTreeMap<String, String>| {
            aliases.remove(PENDING);
            if let Some(before) = aliases.insert(CURRENT.to_owned(), version.to_owned()) {
                aliases.insert(PREVIOUS.to_owned(), before);
            }
        };
        self.alias(name, Some(new), over, promoted).await
    }

    /// Change the names of versions, and the marks, of a secret whose current version is the one that was seen.
    async fn alias(
        &self,
        name: &str,
        new: Option<&New<'_>>,
        over: &Seen,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<(), Unwritten> {
        let mut found = self
            .get(name)
            .await
            .map_err(Unwritten::Refused)?
            .unwrap_or_default();
        if found.version_aliases.get(CURRENT) != over.version.as_ref() {
            return Err(Unwritten::Stale);
        }
        change(&mut found.version_aliases);
        if let Some(new) = new {
            lay(&new.marks, &mut found.labels, &mut found.annotations);
        }
        self.update(name, &found).await
    }

    /// Write the names of versions, and the marks, unless something has changed since they were read.
    async fn update(&self, name: &str, to: &Secret) -> Result<(), Unwritten> {
        const RIGHT: &str = "secretmanager.secrets.update";
        let path = format!(
            "{}?updateMask=versionAliases,labels,annotations",
            self.secret(name)
        );
        let call = ("gcp_alias", RIGHT, Method::PATCH, &*path);
        match self
            .call(false, call, json!(to).to_string().as_bytes())
            .await
        {
            Ok(_) => Ok(()),
            Err(Trouble::Failed(Failed::Lost(error))) => Err(Unwritten::Lost(error)),
            Err(Trouble::Refused(refusal)) if refusal.is_stale() => Err(Unwritten::Stale),
            Err(trouble) => Err(Unwritten::Refused(self.error(RIGHT, name, trouble))),
        }
    }
}

impl Store for SecretManager {
    fn called(&self, name: &str) -> String {
        format!("`{name}` in Secret Manager of project `{}`", self.project)
    }

    fn probe<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.get(name).await.map(drop) })
    }

    fn read<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Entry>> {
        Box::pin(async move {
            let Some(found) = self.get(name).await? else {
                return Ok(None);
            };
            let version = found.version_aliases.get(CURRENT).cloned();
            let value = match &version {
                Some(version) => self.access(name, version).await?,
                None => None,
            };
            let mut marks = found.annotations;
            marks.extend(found.labels);
            Ok(Some(Entry {
                version,
                value,
                marks,
            }))
        })
    }

    fn write<'a>(&'a self, name: &'a str, new: &'a New<'a>, over: &'a Seen) -> Written<'a> {
        Box::pin(self.write_version(name, new, over))
    }

    fn version<'a>(&'a self, name: &'a str, version: &'a str) -> Answer<'a, Option<Value>> {
        Box::pin(self.access(name, version))
    }

    fn promote<'a>(
        &'a self,
        name: &'a str,
        version: &'a str,
        new: &'a New<'a>,
        over: &'a Seen,
    ) -> Promoted<'a> {
        Box::pin(self.promote_version(name, version, new, over))
    }

    fn destroy<'a>(&'a self, name: &'a str, is_it: IsIt<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            let Some(mut found) = self.get(name).await? else {
                return Ok(());
            };
            let current = found.version_aliases.get(CURRENT).cloned();
            let mut doomed = Vec::new();
            for version in self.newer(name, 0).await? {
                let text = version.to_string();
                let is_current = current.as_ref() == Some(&text);
                if !is_current
                    && self
                        .access(name, &text)
                        .await?
                        .is_some_and(|value| is_it(&value))
                {
                    doomed.push((version, text));
                }
            }
            let is_doomed = |version: &String| doomed.iter().any(|(_, text)| text == version);
            let named = found.version_aliases.len();
            found
                .version_aliases
                .retain(|_, version| !is_doomed(version));
            if found.version_aliases.len() < named {
                let renamed = self.update(name, &found).await;
                renamed.map_err(|failed| failed.into_error(&self.called(name)))?;
            }
            for (version, _) in doomed {
                self.destroy_version(name, version).await?;
            }
            Ok(())
        })
    }
}
