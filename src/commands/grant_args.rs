//! The flags that say who an embed user is and what it may do, shared by the commands that make a signed login.

use std::collections::BTreeMap;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::commands::files::read_named;
use crate::error::Error;
use crate::permissions::Permissions;
use crate::signed_url::{Grants, MAX_SESSION_LENGTH};
use crate::system::{System, duration};

/// The identity and grants of an embed user.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Grants")]
pub(crate) struct GrantArgs {
    /// The first name that Looker shows
    #[arg(long, value_name = "NAME")]
    pub(crate) first_name: Option<String>,

    /// The last name that Looker shows
    #[arg(long, value_name = "NAME")]
    pub(crate) last_name: Option<String>,

    /// A permission, such as `see_user_dashboards`; may be repeated
    #[arg(
        long = "permission",
        value_name = "PERMISSION",
        value_delimiter = ',',
        add = ArgValueCandidates::new(permissions)
    )]
    pub(crate) permissions: Vec<String>,

    /// A LookML model that the permissions apply to; may be repeated
    #[arg(long = "model", value_name = "MODEL", value_delimiter = ',')]
    pub(crate) models: Vec<String>,

    /// A Looker group to be in, by its id or name; may be repeated
    #[arg(
        long = "group",
        alias = "group-id",
        value_name = "GROUP",
        value_delimiter = ','
    )]
    pub(crate) group_ids: Vec<String>,

    /// The external group, whose members share a folder
    #[arg(long, value_name = "ID")]
    pub(crate) external_group_id: Option<String>,

    /// The value of a user attribute, or `NAME=@FILE` for one from a file; may be repeated
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attributes: Vec<(String, String)>,

    /// The time zone, such as `Europe/Berlin`; only if user time zones are enabled in Looker
    #[arg(long, value_name = "ZONE")]
    pub(crate) user_timezone: Option<String>,

    /// How long the session lasts, such as `8h`, or in seconds; at most 30 days
    #[arg(long, value_name = "DURATION", value_parser = session_length)]
    pub(crate) session_length: Option<u32>,
}

fn session_length(text: &str) -> Result<u32, String> {
    let length = duration::read_or_seconds(text)?;
    match u32::try_from(length.as_secs()) {
        Ok(seconds) if seconds <= MAX_SESSION_LENGTH && length.subsec_nanos() == 0 => Ok(seconds),
        _ => Err(format!(
            "Looker takes whole seconds, from 0 to {MAX_SESSION_LENGTH}"
        )),
    }
}

impl GrantArgs {
    /// The grants given by flags.
    ///
    /// # Errors
    /// A file with the value of an attribute cannot be read.
    pub(crate) fn grants(&self, system: &System) -> Result<Grants, Error> {
        Ok(Grants {
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            models: given(&self.models),
            permissions: given(&self.permissions),
            group_ids: given(&self.group_ids),
            external_group_id: self.external_group_id.clone(),
            user_timezone: self.user_timezone.clone(),
            user_attributes: values(&self.attributes, system)?,
            session_length: self.session_length,
        })
    }
}

fn given(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

pub(crate) fn attribute(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some(("", _)) => Err("the name before `=` is empty"),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("there is no `=` between the name and the value"),
    }
}

/// The values of attributes: of `@FILE` what the file holds, without the line end after it, so that a secret value need not be
/// an argument. `@@` stands for an `@` at the start.
pub(crate) fn values(
    attributes: &[(String, String)],
    system: &System,
) -> Result<BTreeMap<String, String>, Error> {
    let read = |(name, value): &(String, String)| {
        let value = match value.strip_prefix('@') {
            None => value.clone(),
            Some(text) if text.starts_with('@') => text.to_owned(),
            Some(file) => {
                let bytes = read_named(file, system)?;
                let text = String::from_utf8(bytes).map_err(|_| {
                    Error::usage(format!("`{file}`, the value of `{name}`, is not text"))
                        .hint("give a file in UTF-8")
                })?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                text.strip_suffix('\r').unwrap_or(text).to_owned()
            }
        };
        Ok((name.clone(), value))
    };
    attributes.iter().map(read).collect()
}

/// What `--permission` completes to without a Looker to ask.
fn permissions() -> Vec<CompletionCandidate> {
    Permissions::built_in()
        .names()
        .map(CompletionCandidate::new)
        .collect()
}
