//! Values that Looker provides for shell completion: names of models and permissions, ids of groups.

use std::sync::Arc;
use std::time::Duration;

use crate::commands::session;
use crate::config::{ConfigArgs, Settings};
use crate::error::Error;
use crate::looker::{ApiKey, Client, NoTrace};
use crate::system::System;

/// Completion must not keep the operator waiting.
const PATIENCE: Duration = Duration::from_secs(3);

/// A kind of value that Looker can list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Known {
    /// LookML models.
    Models,
    /// Groups.
    Groups,
    /// Permissions of embed users.
    Permissions,
}

/// A value, and its description.
pub(crate) type Candidate = (String, Option<String>);

/// Looker's list; empty if the settings do not lead to a Looker, if it takes too long, or if reading the secret might ask the
/// operator something.
pub(crate) async fn ask(known: Known, config: &ConfigArgs, system: &System) -> Vec<Candidate> {
    let Ok(settings) = Settings::resolve(config, system) else {
        return Vec::new();
    };
    if settings.emulator || settings.client_secret_takes_a_command() {
        return Vec::new();
    }
    let Ok(client) = client(&settings, system) else {
        return Vec::new();
    };
    let found = tokio::time::timeout(PATIENCE, list(known, &client)).await;
    // A token that cannot be logged out in time expires by itself.
    let _ended = tokio::time::timeout(PATIENCE, client.logout())
        .await
        .is_ok();
    found.ok().and_then(Result::ok).unwrap_or_default()
}

fn client(settings: &Settings, system: &System) -> Result<Client, Error> {
    let access = settings.looker()?;
    let key = ApiKey {
        client_id: access.client_id,
        client_secret: access.client_secret,
    };
    let http = session::http(settings, Arc::new(NoTrace), system)?;
    Ok(Client::new(http, access.base_url, key))
}

async fn list(known: Known, client: &Client) -> Result<Vec<Candidate>, Error> {
    Ok(match known {
        Known::Models => {
            let models = client.lookml_models().await?.into_iter();
            models.map(|model| (model.name, model.label)).collect()
        }
        Known::Permissions => {
            let setting = client.setting_embed().await?;
            let known = client.embed_permissions(Some(&setting)).await;
            known.names().map(|name| (name.to_owned(), None)).collect()
        }
        Known::Groups => {
            let groups = client.groups().await?.into_iter();
            groups.map(|group| (group.id, Some(group.name))).collect()
        }
    })
}
