//! What every store of secrets has in common: ownership, compare-and-set, read-back, and stages of a rotation.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::sink::address::Address;
use crate::sink::value::{self, Stored};
use crate::sink::{Answer, Held, Key, KeyName, Sink, SinkError};

/// The mark of every secret that embedctl manages, and its value.
pub(super) const MANAGED_BY: &str = "managed-by";
pub(super) const EMBEDCTL: &str = "embedctl";
/// Further marks: at which Looker the user is, which user it is, which key, and which job minted it.
const LOOKER: &str = "embedctl-looker";
const USER: &str = "embedctl-user";
const KEY: &str = "embedctl-key";
const JOB: &str = "embedctl-job";

/// How often a write is tried whose answer was lost.
const ATTEMPTS: usize = 3;

/// Names and values beside a secret, as its store has them: labels, tags, or metadata.
pub(super) type Marks = BTreeMap<String, String>;

/// A value, wiped on drop.
pub(super) type Value = Zeroizing<Vec<u8>>;

/// What a store has under a name.
#[derive(Default)]
pub(super) struct Entry {
    /// The version that readers get; `None` if there is none.
    pub(super) version: Option<String>,
    /// Its value.
    pub(super) value: Option<Value>,
    pub(super) marks: Marks,
}

impl Entry {
    /// The value, if embedctl can read it.
    fn stored(&self) -> Option<Stored> {
        self.value.as_ref().and_then(|value| Stored::parse(value))
    }
}

/// A key to write.
pub(super) struct New<'a> {
    pub(super) key: &'a Key,
    pub(super) value: Value,
    /// All marks of the entry from now on, those of others included.
    pub(super) marks: Marks,
}

/// Why nothing is known to be written.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// The entry is not as it was.
    Stale,
    /// It may have been written.
    Lost(SinkError),
    /// It was refused.
    Refused(SinkError),
}

impl Unwritten {
    /// What is told of it; `called` names the secret.
    pub(super) fn into_error(self, called: &str) -> SinkError {
        match self {
            Self::Lost(error) | Self::Refused(error) => error,
            Self::Stale => SinkError::new(format!("{called} was changed by another process"))
                .hint("run the same command again"),
        }
    }
}

/// A store of secrets that keeps versions.
pub(super) trait Store: fmt::Debug + Send + Sync {
    /// What messages call an entry, such as ``secret `kv/looker/acme-42` in Vault``.
    fn called(&self, name: &str) -> String;

    /// Find out whether it is there, takes our credentials, and would let us write, as far as that can be asked.
    fn probe<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;

    /// What it has under `name`.
    fn read<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Entry>>;

    /// Add a version over what was seen, and only over that; returns its name. If the store has stages, readers do not get it
    /// yet.
    fn write<'a>(&'a self, name: &'a str, new: &'a New<'a>, over: &'a Seen) -> Written<'a>;

    /// The value of a version.
    fn version<'a>(&'a self, name: &'a str, version: &'a str) -> Answer<'a, Option<Value>>;

    /// Let readers get the new version, if they do not yet, and renew the marks.
    fn promote<'a>(
        &'a self,
        name: &'a str,
        version: &'a str,
        new: &'a New<'a>,
        over: &'a Seen,
    ) -> Promoted<'a>;

    /// Destroy every version but the one that readers get whose value `is_it`.
    fn destroy<'a>(&'a self, name: &'a str, is_it: IsIt<'a>) -> Answer<'a, ()>;

    /// End what was begun with it: the token of a login.
    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// The version that was written, or why there is none.
pub(super) type Written<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<String, Unwritten>> + Send + 'a>>;

/// Whether readers get the new version from now on.
pub(super) type Promoted<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<(), Unwritten>> + Send + 'a>>;

/// Whether a value is the one that is meant.
pub(super) type IsIt<'a> = &'a (dyn Fn(&[u8]) -> bool + Send + Sync);

/// What was seen of an entry, without its value.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Whether there was an entry.
    pub(super) exists: bool,
    pub(super) version: Option<String>,
    pub(super) marks: Marks,
    held: Option<Held>,
}

/// A store as a sink.
#[derive(Debug)]
pub(super) struct StoreSink<S> {
    address: Address,
    store: S,
    /// Whether secrets are taken over that embedctl did not create.
    adopt: bool,
    /// What was seen before a key was minted, by user: what is there later and was not then came from another process.
    seen: Arc<Mutex<HashMap<String, Seen>>>,
}

impl<S: Store> StoreSink<S> {
    pub(super) fn new(address: Address, store: S, adopt: bool) -> Self {
        Self {
            address,
            store,
            adopt,
            seen: Arc::default(),
        }
    }

    /// What is there for a user, if it is ours or may become ours.
    async fn look(&self, base_url: &str, user: &str) -> Result<Seen, SinkError> {
        let name = self.address.name(user)?;
        let Some(entry) = self.store.read(&name).await? else {
            return Ok(Seen::default());
        };
        let stored = entry.stored();
        self.check_owner(&name, &entry, stored.as_ref(), (base_url, user))?;
        let key_id = entry.marks.get(KEY).cloned();
        let held = stored.map(|stored| Held {
            key_id: stored.key_id.clone().or(key_id).unwrap_or_default(),
            client_id: stored.client_id.clone(),
        });
        Ok(Seen {
            exists: true,
            version: entry.version,
            marks: entry.marks,
            held,
        })
    }

    /// Refuse a secret that embedctl did not create, or that is another user's. Marks alone prove nothing once there is a value: it
    /// may have come between our marks and our value.
    fn check_owner(
        &self,
        name: &str,
        entry: &Entry,
        stored: Option<&Stored>,
        (base_url, user): (&str, &str),
    ) -> Result<(), SinkError> {
        let called = self.store.called(name);
        let mark = |mark: &str| entry.marks.get(mark).map(String::as_str);
        let marked = mark(MANAGED_BY) == Some(EMBEDCTL);
        let looker = mark(LOOKER).filter(|_| marked);
        let other =
            mark(USER).filter(|user_mark| marked && *user_mark != self.address.user_mark(user));
        let named = stored.and_then(|stored| stored.external_user_id.as_deref());
        let named = named.filter(|named| *named != user);
        if let Some(other) = named.or(other) {
            return Err(SinkError::new(format!("{called} holds the key of `{other}`"))
                .hint("put `{external_user_id}` into the name, so that each user has a secret of its own"));
        }
        let elsewhere = stored.map(|stored| stored.base_url.as_str()).or(looker);
        if let Some(elsewhere) = elsewhere.filter(|elsewhere| marked && *elsewhere != base_url) {
            return Err(
                SinkError::new(format!("{called} holds a key for {elsewhere}"))
                    .hint("give each Looker names of its own"),
            );
        }
        let ours = marked && (entry.value.is_none() || stored.is_some());
        if ours || self.adopt {
            return Ok(());
        }
        Err(
            SinkError::new(format!("{called} exists, and embedctl did not create it"))
                .hint("name another secret, or take this one over with `--adopt`: its present value stays as an earlier version"),
        )
    }

    fn marks(&self, key: &Key, seen: &Seen) -> Marks {
        let name = &key.name;
        let mut marks = seen.marks.clone();
        for (mark, value) in [
            (MANAGED_BY, EMBEDCTL.to_owned()),
            (LOOKER, name.base_url.clone()),
            (USER, self.address.user_mark(&name.external_user_id)),
            (KEY, name.id.clone()),
            (JOB, name.job.clone()),
        ] {
            marks.insert(mark.to_owned(), value);
        }
        marks
    }

    /// Write the key over what was seen; what is unclear is settled by a look.
    async fn written(&self, name: &str, new: &New<'_>, seen: &Seen) -> Result<String, SinkError> {
        let mut attempt = 1;
        loop {
            let failed = match self.store.write(name, new, seen).await {
                Ok(version) => return Ok(version),
                Err(Unwritten::Refused(error)) => return Err(error),
                Err(failed) => failed,
            };
            let now = self.store.read(name).await?.unwrap_or_default();
            let stored = now.stored();
            match (&stored, now.version) {
                // The answer was lost, not the key.
                (Some(stored), Some(version)) if stored.is_whole(new.key) => return Ok(version),
                (stored, version) if version != seen.version => {
                    return Err(self.overtaken(name, stored.as_ref()));
                }
                _ if attempt < ATTEMPTS => attempt += 1,
                _ => return Err(failed.into_error(&self.store.called(name))),
            }
        }
    }

    /// Let readers get the new version; what is unclear is settled by a look.
    async fn promoted(
        &self,
        name: &str,
        version: &str,
        new: &New<'_>,
        seen: &Seen,
    ) -> Result<(), SinkError> {
        let failed = match self.store.promote(name, version, new, seen).await {
            Ok(()) => return Ok(()),
            Err(Unwritten::Refused(error)) => return Err(error),
            Err(failed) => failed,
        };
        let now = self.store.read(name).await?.unwrap_or_default();
        let stored = now.stored();
        match stored {
            Some(stored) if stored.is_whole(new.key) => Ok(()),
            stored if now.version != seen.version => Err(self.overtaken(name, stored.as_ref())),
            _ => Err(failed.into_error(&self.store.called(name))),
        }
    }

    fn overtaken(&self, name: &str, stored: Option<&Stored>) -> SinkError {
        let key = stored.and_then(|stored| stored.key_id.as_ref());
        let key = key.map_or_else(|| "another value".to_owned(), |id| format!("key {id}"));
        let called = self.store.called(name);
        SinkError::new(format!(
            "another process has put {key} into {called} in the meantime"
        ))
        .hint("run the same command again: it finds that key")
    }

    /// Verify that a version holds the key, secret and all.
    async fn read_back(&self, name: &str, version: &str, key: &Key) -> Result<(), SinkError> {
        let value = self.store.version(name, version).await?;
        let stored = value.and_then(|value| Stored::parse(&value));
        match stored.is_some_and(|stored| stored.is_whole(key)) {
            true => Ok(()),
            false => {
                let called = self.store.called(name);
                Err(SinkError::new(format!(
                    "version {version} of {called} was written, and does not hold the key when it is read back"
                )))
            }
        }
    }
}

impl<S: Store> Sink for StoreSink<S> {
    fn name(&self) -> String {
        self.address.spec.clone()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn is_for_one_user(&self) -> bool {
        self.address.is_for_one_user()
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async {
            // A name like those of users, so that rights on a part of the store are seen.
            let name = self.address.name("embedctl-probe")?;
            self.store.probe(&name).await
        })
    }

    fn held<'a>(
        &'a self,
        base_url: &'a str,
        external_user_id: &'a str,
    ) -> Answer<'a, Option<Held>> {
        Box::pin(async move {
            let seen = self.look(base_url, external_user_id).await?;
            let held = seen.held.clone();
            let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(external_user_id.to_owned(), seen);
            Ok(held)
        })
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        Box::pin(async move {
            let (user, base_url) = (&key.name.external_user_id, &key.name.base_url);
            let name = self.address.name(user)?;
            let seen = {
                let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                all.remove(user)
            };
            let seen = match seen {
                Some(seen) => seen,
                None => self.look(base_url, user).await?,
            };
            let held = seen.held.clone();
            // A retry after a crash: the key is in place already.
            if held
                .as_ref()
                .is_some_and(|held| held.client_id == key.name.client_id)
            {
                let version = seen.version.as_deref().unwrap_or_default();
                self.read_back(&name, version, key).await?;
                return Ok(None);
            }
            let new = New {
                key,
                value: value::write(key, self.address.fields),
                marks: self.marks(key, &seen),
            };
            let version = self.written(&name, &new, &seen).await?;
            self.read_back(&name, &version, key).await?;
            self.promoted(&name, &version, &new, &seen).await?;
            Ok(held)
        })
    }

    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        Box::pin(async move {
            let name = self.address.name(&key.external_user_id)?;
            let entry = self.store.read(&name).await?.unwrap_or_default();
            let stored = entry.stored();
            Ok(Some(stored.is_some_and(|stored| stored.is(key))))
        })
    }

    fn forget<'a>(&'a self, key: &'a KeyName) -> Answer<'a, ()> {
        Box::pin(async move {
            let name = self.address.name(&key.external_user_id)?;
            let is_it = |value: &[u8]| Stored::parse(value).is_some_and(|stored| stored.is(key));
            self.store.destroy(&name, &is_it).await
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        self.store.close()
    }
}
