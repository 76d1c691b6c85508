//! Probes of API keys: who may manage them, what lists show of them, and their timestamps.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::answers::KeyAuthority;
use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::probe::{Seen, Trial, seen};
use crate::error::Error;
use crate::looker::{Api3Key, ApiKey, Client, LookerError, NewApi3Key, UserChanges};

/// The purpose to write on the key.
const PURPOSE: &str = "embedctl doctor --probe; may be deleted";

/// Who may mint, tag, list and revoke a key of the user. One key is left for later probes; it is deleted with its user.
pub(super) async fn authority(
    trial: &Trial<'_>,
    findings: &mut Findings,
) -> Result<Vec<Seen>, Error> {
    let mut said = Vec::new();
    let (first, owner, authority) = match mint(trial, &mut said).await {
        Ok(minted) => minted,
        Err(error) => {
            trial.note(|answers| answers.key_authority = Some(KeyAuthority::Nobody));
            findings.fail("keys", &error.without_hint().hint(WITHOUT_KEYS))?;
            return Ok(said);
        }
    };
    trial.note(|answers| answers.key_authority = Some(authority));
    said.extend(tagged(trial, &owner, &first.key.id).await?);
    let key = ApiKey {
        client_id: first.key.client_id.clone(),
        client_secret: first.client_secret,
    };
    let me = trial.by_key(key.clone()).me().await;
    let logs_in = me.as_ref().is_ok_and(|me| me.id == trial.user.id);
    said.push(seen(
        "key-logs-in-as-its-user",
        logs_in,
        "the new key logs in as its user",
        || match me {
            Ok(me) => format!("the new key logs in as user {}", me.id),
            Err(error) => error.to_string(),
        },
    ));
    let revoked = revoked(trial, &owner, &first.key.id, key).await?;
    let works = logs_in && revoked.1;
    said.push(revoked);
    // The disabled user's key is tried later.
    if let Ok(second) = owner.create_api3_key(&trial.user.id).await {
        let key = ApiKey {
            client_id: second.key.client_id,
            client_secret: second.client_secret,
        };
        trial.keep_key(second.key.id, key);
    }
    let by = match authority {
        KeyAuthority::Admin => "the admin",
        KeyAuthority::User | KeyAuthority::Nobody => "the user, with the admin's leave",
    };
    match works {
        true => findings.pass(
            "keys",
            format!("a key minted by {by} logs in, and is revoked again"),
        )?,
        false => findings.warn(
            "keys",
            format!("a key was minted by {by}, but not all of it works"),
            "see the beliefs below that do not hold",
        )?,
    }
    Ok(said)
}

const WITHOUT_KEYS: &str =
    "`embedctl token`, `embedctl api --as` and signed URLs work without keys; pass `--no-key`";

/// Mint as the admin, else as the user, and return who may.
async fn mint(
    trial: &Trial<'_>,
    said: &mut Vec<Seen>,
) -> Result<(NewApi3Key, Client, KeyAuthority), Error> {
    let user = trial.user.id.as_str();
    match trial.admin.create_api3_key(user).await {
        Ok(minted) => {
            let seen = "an admin creates keys of embed users".to_owned();
            said.push(("key-admin-may-mint", true, seen));
            return Ok((minted, trial.admin.clone(), KeyAuthority::Admin));
        }
        // The user is known to exist, so a 404 is a refusal too.
        Err(error) if matches!(error.http_status(), Some(403 | 404)) => {
            said.push(("key-admin-may-mint", false, error.to_string()));
            if let Some(keys) = keys_of(trial).await {
                said.push(seen(
                    "key-403-is-a-refusal",
                    keys.is_empty(),
                    "a refused creation left no key",
                    || "a refused creation left a key".to_owned(),
                ));
            }
        }
        Err(error) => return Err(error.into()),
    }
    let own = trial.sudo().await?;
    let allow = UserChanges {
        can_manage_api3_creds: Some(true),
        ..UserChanges::default()
    };
    trial.admin.update_user(user, &allow).await?;
    match own.create_api3_key(user).await {
        Ok(minted) => {
            let seen = "a user that may creates its own keys".to_owned();
            said.push(("key-user-mints-with-leave", true, seen));
            Ok((minted, own, KeyAuthority::User))
        }
        Err(error) => {
            said.push(("key-user-mints-with-leave", false, error.to_string()));
            Err(error.into())
        }
    }
}

/// The keys of the user, asked by whoever may see them.
async fn keys_of(trial: &Trial<'_>) -> Option<Vec<Api3Key>> {
    let user = trial.user.id.as_str();
    if let Ok(keys) = trial.admin.api3_keys(user).await {
        return Some(keys);
    }
    trial.sudo().await.ok()?.api3_keys(user).await.ok()
}

/// Whether `purpose` is supported and kept, and whether every list has the key.
async fn tagged(trial: &Trial<'_>, owner: &Client, key: &str) -> Result<Vec<Seen>, Error> {
    let user = trial.user.id.as_str();
    let tagged = owner.tag_api3_key(user, key, PURPOSE).await;
    let mut said = vec![seen(
        "key-purpose-by-patch",
        tagged.is_ok(),
        "a key's `purpose` can be set",
        || {
            tagged
                .as_ref()
                .err()
                .map_or_else(String::new, LookerError::to_string)
        },
    )];
    let Some(listed) = keys_of(trial).await else {
        let seen = "no one may list the keys".to_owned();
        said.push(("key-list-is-whole", false, seen));
        return Ok(said);
    };
    let listed = listed.into_iter().find(|it| it.id == key);
    said.push(seen(
        "key-list-is-whole",
        listed.is_some(),
        "the new key is in the list",
        || "the new key is not in the list".to_owned(),
    ));
    if let (Ok(_), Some(listed)) = (&tagged, &listed) {
        said.push(seen(
            "key-purpose-is-kept",
            listed.purpose.as_deref() == Some(PURPOSE),
            "its `purpose` reads back as it was written",
            || "its `purpose` does not read back as it was written".to_owned(),
        ));
    }
    if let Some(keys) = trial.user_now().await?.credentials_api3 {
        said.push(seen(
            "key-list-in-user",
            keys.iter().any(|it| it.id == key),
            "the user shows the new key",
            || "the user does not show the new key".to_owned(),
        ));
    }
    Ok(said)
}

/// Revoke the key, and verify that it is gone and no longer logs in.
async fn revoked(trial: &Trial<'_>, owner: &Client, id: &str, key: ApiKey) -> Result<Seen, Error> {
    let user = trial.user.id.as_str();
    if let Err(error) = owner.delete_api3_key(user, id).await {
        return Ok(("key-delete-revokes", false, error.to_string()));
    }
    let listed = keys_of(trial).await.unwrap_or_default();
    let is_listed = listed.iter().any(|it| it.id == id);
    let logs_in = trial.by_key(key).login().await.is_ok();
    Ok(seen(
        "key-delete-revokes",
        !is_listed && !logs_in,
        "a revoked key is in no list and does not log in",
        || match (is_listed, logs_in) {
            (true, true) => "a revoked key is still listed and logs in".to_owned(),
            (true, false) => "a revoked key is still listed".to_owned(),
            _ => "a revoked key still logs in".to_owned(),
        },
    ))
}

/// Whether a key's timestamp is Looker's time, in the known format.
pub(super) async fn time(trial: &Trial<'_>) -> Result<Vec<Seen>, Error> {
    let Some((id, _)) = trial.key() else {
        return Ok(Vec::new());
    };
    let now = trial.cx.looker_now();
    let path = format!("/users/{}/credentials_api3/{id}", trial.user.id);
    let operation = "user_credentials_api3";
    let key = match trial.read(trial.admin, operation, &path).await {
        Ok(key) => key,
        // Possibly only the user itself may see its keys.
        Err(_) => trial.read(&trial.sudo().await?, operation, &path).await?,
    };
    let Some(Value::String(text)) = key.get("created_at") else {
        return Ok(vec![(
            "timestamps-are-rfc-3339",
            false,
            "a key has no `created_at` that is a text".to_owned(),
        )]);
    };
    let created: Option<Timestamp> = text.parse().ok();
    let mut said = vec![seen(
        "timestamps-are-rfc-3339",
        created.is_some(),
        "`created_at` of a key is a time as in RFC 3339",
        || format!("`created_at` of a key is `{text}`"),
    )];
    if let Some(created) = created {
        // Only a few requests lie between the creation and now.
        let ago = now.duration_since(created);
        let fits = ago >= SignedDuration::from_secs(-2) && ago <= SignedDuration::from_secs(60);
        said.push(seen(
            "created-at-is-date",
            fits,
            "a key's `created_at` is Looker's time by `Date`",
            || {
                format!(
                    "a key's `created_at` is {} s before Looker's time by `Date`",
                    ago.as_secs()
                )
            },
        ));
    }
    Ok(said)
}
