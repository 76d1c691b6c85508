//! API keys and the tokens made with them.

use std::collections::HashMap;

use crate::emulator::world::World;
use crate::emulator::world::table::{Id, Table};
use crate::emulator::world::users::User;
use crate::secret::{ExposeSecret as _, SecretString};

/// How long a token lives, from real traces of Looker.
pub(crate) const TOKEN_SECONDS: i64 = 3600;

/// The number of tokens from which the expired ones are thrown away.
const MANY_TOKENS: usize = 10_000;

/// An API key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) user: Id,
    pub(crate) client_id: Box<str>,
    client_secret: SecretString,
    pub(crate) purpose: Option<Box<str>>,
    pub(crate) created_at: i64,
    /// The call after which it is listed.
    pub(crate) listed_after: u64,
}

/// All keys.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    table: Table<Key>,
    by_client_id: HashMap<Box<str>, Id>,
}

impl Keys {
    /// The key with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Key> {
        self.table.at(id)
    }

    /// The key with this id, mutable.
    pub(crate) fn at_mut(&mut self, id: Id) -> Option<&mut Key> {
        self.table.at_mut(id)
    }

    /// The key with this client id.
    pub(crate) fn by_client_id(&self, client_id: &str) -> Option<&Key> {
        self.at(*self.by_client_id.get(client_id)?)
    }

    /// Let the next key have the id `id`, if that is still to come.
    pub(crate) fn skip_to(&mut self, id: Id) -> Result<(), String> {
        self.table.skip_to(id)
    }

    /// Take a key out; those who hold its id alone must forget it too.
    pub(crate) fn remove(&mut self, id: Id) {
        if let Some(key) = self.table.remove(id) {
            self.by_client_id.remove(&key.client_id);
        }
    }

    /// How many keys there are.
    pub(crate) const fn len(&self) -> usize {
        self.table.len()
    }
}

impl Key {
    /// Whether `client_secret` is this key's.
    pub(crate) fn opens_with(&self, client_secret: &str) -> bool {
        self.client_secret.expose_secret() == client_secret
    }
}

impl World {
    /// Make a key for `user`; returns its id and its secret, which is shown this once.
    pub(crate) fn mint_key(&mut self, user: Id) -> (Id, String) {
        let client_id = self.random.alphanumeric(20);
        let client_secret = self.random.alphanumeric(24);
        let id = self.add_key(user, &client_id, &client_secret);
        (id, client_secret)
    }

    /// Add a key with a known client id and secret.
    pub(crate) fn add_key(&mut self, user: Id, client_id: &str, client_secret: &str) -> Id {
        let id = self.keys.table.insert(Key {
            user,
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            purpose: None,
            created_at: self.now,
            // A switch for a Looker whose lists show a new key only some calls later.
            listed_after: self.calls + self.rules.switches.mint_is_late as u64,
        });
        self.keys.by_client_id.insert(client_id.into(), id);
        if let Some(user) = self.users.at_mut(user) {
            user.keys.push(id);
        }
        id
    }

    /// The keys of a user that are listed.
    pub(crate) fn listed_keys<'a>(&'a self, user: &'a User) -> impl Iterator<Item = (Id, &'a Key)> {
        let keys = user
            .keys
            .iter()
            .filter_map(|id| Some((*id, self.keys.at(*id)?)));
        let all = self.rules.switches.mint_is_late == 0;
        keys.filter(move |(_, key)| all || self.calls > key.listed_after)
    }

    /// Delete a key of `user`; false if the user has no such key.
    pub(crate) fn delete_key(&mut self, user: Id, key: Id) -> bool {
        let Some(user) = self.users.at_mut(user) else {
            return false;
        };
        let Some(place) = user.keys.iter().position(|known| *known == key) else {
            return false;
        };
        // In both places: the user's list and the table.
        user.keys.remove(place);
        self.keys.remove(key);
        true
    }

    /// Make a token for `user`, asked for by the administrator `sudo_by` if it is a sudo token.
    pub(crate) fn mint_token(&mut self, user: Id, sudo_by: Option<Id>) -> String {
        let text = self.random.alphanumeric(40);
        // Here, because only minting makes the map grow.
        self.tokens.throw_away_expired(self.now);
        let token = Token {
            user,
            sudo_by,
            expires_at: self.now + self.rules.token_seconds,
            development: false,
        };
        self.tokens.0.insert(text.clone(), token);
        text
    }
}

/// An access token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) user: Id,
    pub(crate) sudo_by: Option<Id>,
    expires_at: i64,
    development: bool,
}

/// All access tokens.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<String, Token>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

impl Tokens {
    /// The live token with this text.
    pub(crate) fn live(&self, text: &str, now: i64) -> Option<Token> {
        let token = self.0.get(text)?;
        (token.expires_at > now).then_some(*token)
    }

    /// How many tokens are live.
    pub(crate) fn live_count(&self, now: i64) -> usize {
        let live = self.0.values().filter(|token| token.expires_at > now);
        live.count()
    }

    /// How many live tokens a user has.
    pub(crate) fn live_of(&self, user: Id, now: i64) -> usize {
        let live = self
            .0
            .values()
            .filter(|token| token.user == user && token.expires_at > now);
        live.count()
    }

    /// The workspace a token works in.
    pub(crate) fn workspace(&self, text: &str) -> &'static str {
        match self.0.get(text) {
            Some(Token {
                development: true, ..
            }) => "dev",
            _ => "production",
        }
    }

    /// Let a token work in the development workspace, or in production.
    pub(crate) fn set_workspace(&mut self, text: &str, development: bool) {
        if let Some(token) = self.0.get_mut(text) {
            token.development = development;
        }
    }

    /// End a token; false if there is none.
    pub(crate) fn end(&mut self, text: &str) -> bool {
        self.0.remove(text).is_some()
    }

    /// End all tokens of a user that was deleted.
    pub(crate) fn forget_user(&mut self, user: Id) {
        self.0.retain(|_text, token| token.user != user);
    }

    /// End all tokens, as after a restart of Looker.
    pub(crate) fn end_all(&mut self) {
        self.0.clear();
    }

    fn throw_away_expired(&mut self, now: i64) {
        // At powers of two only, so that cleaning up costs little per token.
        if self.0.len() >= MANY_TOKENS && self.0.len().is_power_of_two() {
            self.0.retain(|_text, token| token.expires_at > now);
        }
    }
}
