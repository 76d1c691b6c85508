//! Web sessions of embed users, and the short memory of nonces.

use std::collections::HashMap;

use crate::emulator::world::World;
use crate::emulator::world::table::{Id, Table};

/// How long a nonce is remembered, from Looker's validator: "already used this hour".
const NONCE_SECONDS: i64 = 3600;

/// The number of nonces from which the old ones are thrown away.
const MANY_NONCES: usize = 1024;

/// A web session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) user: Id,
    pub(crate) cookie: Box<str>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) browser: Box<str>,
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    table: Table<Session>,
    by_cookie: HashMap<Box<str>, Id>,
}

impl Sessions {
    /// The session with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Session> {
        self.table.at(id)
    }

    /// The live session a cookie stands for.
    pub(crate) fn live(&self, cookie: &str, now: i64) -> Option<(Id, &Session)> {
        let id = *self.by_cookie.get(cookie)?;
        let session = self.at(id)?;
        (session.expires_at > now).then_some((id, session))
    }

    /// End a session; its user must forget it too.
    pub(crate) fn remove(&mut self, id: Id) {
        if let Some(session) = self.table.remove(id) {
            self.by_cookie.remove(&session.cookie);
        }
    }
}

impl World {
    /// Begin a session of `user`; returns the cookie that stands for it.
    pub(crate) fn begin_session(&mut self, user: Id, seconds: i64, browser: &str) -> (Id, String) {
        let cookie = self.random.alphanumeric(48);
        let session = Session {
            user,
            cookie: cookie.as_str().into(),
            created_at: self.now,
            expires_at: self.now + seconds,
            browser: browser.into(),
        };
        let id = self.sessions.table.insert(session);
        self.sessions.by_cookie.insert(cookie.as_str().into(), id);
        if let Some(user) = self.users.at_mut(user) {
            user.sessions.push(id);
        }
        (id, cookie)
    }

    /// End one session of a user; false if the user has no such session.
    pub(crate) fn end_session(&mut self, user: Id, session: Id) -> bool {
        let Some(user) = self.users.at_mut(user) else {
            return false;
        };
        let Some(place) = user.sessions.iter().position(|known| *known == session) else {
            return false;
        };
        user.sessions.remove(place);
        self.sessions.remove(session);
        true
    }

    /// End every session of a user.
    pub(crate) fn end_sessions(&mut self, user: Id) {
        let sessions = self
            .users
            .at_mut(user)
            .map(|user| std::mem::take(&mut user.sessions));
        for session in sessions.unwrap_or_default() {
            self.sessions.remove(session);
        }
    }
}

/// The nonces of the last hour.
#[derive(Debug, Default)]
pub(crate) struct Nonces(HashMap<Box<str>, i64>);

impl Nonces {
    /// Use `nonce` up; false if it was used within the hour.
    pub(crate) fn take(&mut self, nonce: &str, now: i64) -> bool {
        if self.0.len() >= MANY_NONCES && self.0.len().is_power_of_two() {
            self.0
                .retain(|_nonce, used_at| now - *used_at < NONCE_SECONDS);
        }
        let used = self.is_used(nonce, now);
        if !used {
            self.0.insert(nonce.into(), now);
        }
        !used
    }

    /// Whether `nonce` was used within the hour.
    pub(crate) fn is_used(&self, nonce: &str, now: i64) -> bool {
        self.0
            .get(nonce)
            .is_some_and(|used_at| now - *used_at < NONCE_SECONDS)
    }
}
