//! Users.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::looker::call::Call;
use crate::looker::client::{Client, Removal};
use crate::looker::credentials_embed::CredentialsEmbed;
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::keys::Api3Key;
use crate::looker::pages::Pager;

// belief: fields-may-be-unknown
/// The fields of a [`User`]; some of the others are slow for Looker to compute.
const FIELDS: &str = "id,first_name,last_name,display_name,email,is_disabled,group_ids,role_ids,credentials_embed,\
    credentials_api3,personal_folder_id,home_folder_id,embed_group_folder_id,can_manage_api3_creds,is_service_account,locale";

/// A user of Looker.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct User {
    /// Looker's id.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// The first name.
    #[serde(default, deserialize_with = "fields::optional")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default, deserialize_with = "fields::optional")]
    pub last_name: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "fields::optional")]
    pub display_name: Option<String>,
    /// The e-mail address; embed users have none.
    #[serde(default, deserialize_with = "fields::optional")]
    pub email: Option<String>,
    /// Whether the user cannot log in.
    #[serde(default, deserialize_with = "fields::flag")]
    pub is_disabled: bool,
    /// The groups the user is in.
    #[serde(default, deserialize_with = "fields::ids")]
    pub group_ids: Vec<String>,
    /// The roles the user has, directly or through groups.
    #[serde(default, deserialize_with = "fields::ids")]
    pub role_ids: Vec<String>,
    /// The embed credentials; an embed user has one.
    #[serde(default, deserialize_with = "fields::list")]
    pub credentials_embed: Vec<CredentialsEmbed>,
    /// The user's API keys; `None` if Looker does not say.
    #[serde(default)]
    pub credentials_api3: Option<Vec<Api3Key>>,
    /// The user's personal folder.
    #[serde(default, deserialize_with = "fields::optional")]
    pub personal_folder_id: Option<String>,
    /// The user's home folder.
    #[serde(default, deserialize_with = "fields::optional")]
    pub home_folder_id: Option<String>,
    /// The folder of the user's external group.
    #[serde(default, deserialize_with = "fields::optional")]
    pub embed_group_folder_id: Option<String>,
    /// Whether the user may create its own API keys; `None` if Looker does not say.
    #[serde(default)]
    pub can_manage_api3_creds: Option<bool>,
    /// Whether it is a service account, which can only call the API.
    #[serde(default, deserialize_with = "fields::flag")]
    pub is_service_account: bool,
    /// The locale.
    #[serde(default, deserialize_with = "fields::optional")]
    pub locale: Option<String>,
    /// UI state that Looker keeps for the user; `None` also if the user came from a search.
    #[serde(default)]
    pub ui_state: Option<Value>,
}

impl User {
    /// Whether the user has an embed credential with exactly this id, byte for byte.
    pub fn has_external_user_id(&self, id: &str) -> bool {
        // belief: embed-user-has-credential, embed-user-flag-may-lack
        let mut credentials = self.credentials_embed.iter();
        credentials.any(|credential| credential.external_user_id.as_deref() == Some(id))
    }

    /// The user as named in an error that tells two users apart.
    fn in_words(&self) -> String {
        match self.external_user_id() {
            Some(external) => format!("embed user `{external}` (Looker user {})", self.id),
            None => format!("Looker user {}", self.id),
        }
    }

    /// The `external_user_id`, if this is an embed user.
    pub fn external_user_id(&self) -> Option<&str> {
        self.credentials_embed
            .iter()
            // belief: one-id-one-user
            .find_map(|credentials| credentials.external_user_id.as_deref())
    }

    /// The `external_group_id` of the latest embed login.
    pub fn external_group_id(&self) -> Option<&str> {
        self.credentials_embed
            .iter()
            .find_map(|credentials| credentials.external_group_id.as_deref())
    }
}

/// Which users to find; `None` means any.
#[derive(Clone, Debug, Default)]
pub struct UserSearch {
    /// Embed users only, or all others.
    pub embed_user: Option<bool>,
    /// Disabled users only, or all others.
    pub is_disabled: Option<bool>,
    /// This user only.
    pub id: Option<String>,
    /// Users with this first name; `%` and `_` are wildcards.
    pub first_name: Option<String>,
    /// Users with this last name; `%` and `_` are wildcards.
    pub last_name: Option<String>,
    /// Users with this e-mail address; `%` and `_` are wildcards.
    pub email: Option<String>,
    /// Users of this group only.
    pub group_id: Option<String>,
    /// The fields to return instead of those of [`User`].
    pub fields: Option<String>,
    /// The sort order, such as `id`; paging needs a stable one.
    pub sorts: Option<String>,
    /// The most users to return.
    pub limit: Option<u32>,
    /// How many users to skip.
    pub offset: Option<u64>,
}

impl UserSearch {
    fn call(&self) -> Result<Call, LookerError> {
        let call = Call::get("search_users", "/users/search", &[])?;
        Ok(call
            .query("fields", self.fields.as_deref().unwrap_or(FIELDS))
            // belief: embed-user-filter
            .query_some("embed_user", self.embed_user)
            .query_some("is_disabled", self.is_disabled)
            .query_some("id", self.id.as_deref())
            .query_some("first_name", self.first_name.as_deref())
            .query_some("last_name", self.last_name.as_deref())
            .query_some("email", self.email.as_deref())
            .query_some("group_id", self.group_id.as_deref())
            .query_some("sorts", self.sorts.as_deref())
            .query_some("limit", self.limit)
            .query_some("offset", self.offset))
    }
}

/// Changes of a user; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UserChanges {
    /// The first name; an empty one clears it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name")]
    pub first_name: Option<String>,
    /// The last name; an empty one clears it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name")]
    pub last_name: Option<String>,
    /// Whether the user cannot log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
    /// Whether the user may create its own API keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_api3_creds: Option<bool>,
    /// The user's home folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_folder_id: Option<String>,
    /// The locale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// UI state that Looker keeps for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui_state: Option<Value>,
}

/// A name as `update_user` takes it: null clears one (both names are described as nullable).
#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn name<S: Serializer>(name: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let name = name.as_deref().filter(|name| !name.is_empty());
    name.serialize(serializer)
}

impl Client {
    /// The user behind this identity.
    pub async fn me(&self) -> Result<User, LookerError> {
        self.json(Call::get("me", "/user", &[])?).await
    }

    /// The user `user_id`; an answer about another user is an error.
    pub async fn user(&self, user_id: &str) -> Result<User, LookerError> {
        let call = Call::get("user", "/users/{user_id}", &[user_id])?;
        let call = call.query("fields", format!("{FIELDS},ui_state"));
        same("user", user_id, self.json(call).await?)
    }

    /// The embed user with exactly this `external_user_id`; `None` if Looker answers 404, which proves nothing by itself.
    /// Looker (Google Cloud core) may refuse the question. Looker may not compare ids exactly, so an answer about another id
    /// is an error.
    pub async fn user_for_credential_embed(
        &self,
        external_user_id: &str,
    ) -> Result<Option<User>, LookerError> {
        let template = "/users/credential/embed/{credential_id}";
        // belief: lookup-finds-embed-users
        let operation = "user_for_credential";
        let call = Call::get(operation, template, &[external_user_id])?;
        let call = call.query("fields", format!("{FIELDS},ui_state"));
        // belief: lookup-404-is-absent
        let found: Option<User> = self.found(call).await?;
        match found {
            // belief: lookup-is-exact, lookup-gives-who-was-asked
            Some(user) if !user.has_external_user_id(external_user_id) => {
                Err(LookerError::Another {
                    operation,
                    asked: format!("embed user `{external_user_id}`"),
                    answered: user.in_words(),
                })
            }
            found => Ok(found),
        }
    }

    /// All users that `search` describes, page by page; its limit is the page size.
    pub fn users(&self, search: UserSearch) -> UserPages {
        UserPages {
            client: self.clone(),
            search: UserSearch {
                sorts: search.sorts.or_else(|| Some("id".to_owned())),
                limit: search.limit.or(Some(PAGE)),
                ..search
            },
            pager: Pager::default(),
            strangers: 0,
            showed_disabled: false,
            only_disabled: false,
        }
    }

    /// The users that `search` describes, at most one page of them. The API has no search by `external_user_id`.
    pub async fn search_users(&self, search: &UserSearch) -> Result<Vec<User>, LookerError> {
        self.json(search.call()?).await
    }

    /// The newest embed users, at most `limit` of them. `began` is set when they are asked for: a user that is there before
    /// can be among them.
    pub(crate) async fn newest_embed_users(
        &self,
        limit: u32,
        began: &Arc<AtomicBool>,
    ) -> Result<Vec<User>, LookerError> {
        let search = UserSearch {
            embed_user: Some(true),
            // belief: search-gives-newest-first
            sorts: Some("id desc".to_owned()),
            limit: Some(limit),
            ..UserSearch::default()
        };
        let mut call = search.call()?;
        call.began = Some(Arc::clone(began));
        self.json(call).await
    }

    /// Change a user.
    pub async fn update_user(
        &self,
        user_id: &str,
        changes: &UserChanges,
    ) -> Result<User, LookerError> {
        // belief: disable-by-patch
        let call = Call::patch("update_user", "/users/{user_id}", &[user_id])?;
        same("update_user", user_id, self.json(call.json(changes)).await?)
    }

    /// Disable a user, or enable it.
    pub async fn set_disabled(&self, user_id: &str, disabled: bool) -> Result<User, LookerError> {
        let changes = UserChanges {
            is_disabled: Some(disabled),
            ..UserChanges::default()
        };
        self.update_user(user_id, &changes).await
    }

    /// Delete a user, its schedules, and everything else that Looker deletes along with it.
    pub async fn delete_user(&self, user_id: &str) -> Result<Removal, LookerError> {
        self.remove(Call::delete("delete_user", "/users/{user_id}", &[user_id])?)
            .await
    }

    /// Create an embed user without any grants.
    pub async fn create_embed_user(&self, external_user_id: &str) -> Result<User, LookerError> {
        #[derive(Serialize)]
        struct Body<'a> {
            external_user_id: &'a str,
        }

        let call = Call::post("create_embed_user", "/users/embed_user", &[])?;
        self.json(call.json(&Body { external_user_id })).await
    }
}

/// How many users a page asks for.
const PAGE: u32 = 500;

/// Users, page by page. Looker may leave disabled users out unless they are asked for, so a list that showed none goes on
/// with disabled users only.
#[derive(Debug)]
pub struct UserPages {
    client: Client,
    search: UserSearch,
    pager: Pager,
    strangers: usize,
    showed_disabled: bool,
    only_disabled: bool,
}

impl UserPages {
    /// The users of the next page; `None` after the last. If embed users were asked for, users without an embed credential are
    /// left out.
    pub async fn next(&mut self) -> Result<Option<Vec<User>>, LookerError> {
        let mut users = loop {
            self.search.offset = u64::try_from(self.pager.offset()).ok();
            let users = self.client.search_users(&self.search).await?;
            let first = users.first().map(|user| user.id.as_str());
            if self.pager.turn("search_users", users.len(), first)? {
                break users;
            }
            // belief: search-shows-disabled
            if self.search.is_disabled.is_some() || self.showed_disabled {
                return Ok(None);
            }
            self.search.is_disabled = Some(true);
            self.pager = Pager::default();
            self.only_disabled = true;
        };
        if self.only_disabled {
            // The enabled users came in the first pass; a Looker that ignores the filter sends them again.
            users.retain(|user| user.is_disabled);
        }
        self.showed_disabled |= users.iter().any(|user| user.is_disabled);
        if self.search.embed_user == Some(true) {
            let came = users.len();
            users.retain(|user| user.external_user_id().is_some());
            self.strangers += came - users.len();
        }
        Ok(Some(users))
    }

    /// How many users were left out because no embed credential is visible.
    pub const fn strangers(&self) -> usize {
        self.strangers
    }
}

/// `user`, if it is the user that was asked about.
fn same(operation: &'static str, user_id: &str, user: User) -> Result<User, LookerError> {
    if user.id == user_id {
        return Ok(user);
    }
    Err(LookerError::Another {
        operation,
        asked: format!("Looker user {user_id}"),
        answered: user.in_words(),
    })
}
