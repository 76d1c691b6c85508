//! The settings as rows for people: name, value and source, never a secret.

use crate::config::Settings;
use crate::config::secret::SecretSource;
use crate::config::source::{Family, Setting, Source};
use crate::system::duration;

/// One setting.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, as in `config.toml`.
    pub name: &'static str,
    /// Its value, if it has one; for a secret, its location.
    pub value: Option<String>,
    /// Where the value came from.
    pub source: Option<Source>,
    /// The family of that source.
    pub family: Option<Family>,
}

impl Entry {
    fn new(name: &'static str, value: Option<String>, source: Option<Source>) -> Self {
        Self {
            name,
            value,
            family: source.as_ref().and_then(Source::family),
            source,
        }
    }
}

impl Settings {
    /// Every setting.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![
            row("profile", self.profile.as_ref(), Clone::clone),
            row("base_url", self.base_url.as_ref(), |url| {
                url.as_str().trim_end_matches('/').to_owned()
            }),
            row("client_id", self.client_id.as_ref(), Clone::clone),
            row("client_secret", self.client_secret.as_ref(), described),
            row("embed_secret", self.embed_secret.as_ref(), described),
            self.embed_host_row(),
            row(
                "embed_algorithm",
                Some(&self.embed_algorithm),
                ToString::to_string,
            ),
            row(
                "blank_dashboard",
                self.blank_dashboard.as_ref(),
                Clone::clone,
            ),
            row("keys_to", self.keys_to.as_ref(), Clone::clone),
            self.ledger_row(),
            row("ledger_password", self.ledger_password.as_ref(), described),
            row("timeout", Some(&self.timeout), |timeout| {
                duration::exact(*timeout)
            }),
            row("retries", Some(&self.retries), ToString::to_string),
            row("concurrency", Some(&self.concurrency), ToString::to_string),
            row("rps", self.rps.as_ref(), ToString::to_string),
            row("sole_minter", Some(&self.sole_minter), ToString::to_string),
            row("verify_ssl", Some(&self.verify_tls), ToString::to_string),
        ];
        for file in &self.ca_files {
            entries.push(row("ca_file", Some(file), |file| {
                file.display().to_string()
            }));
        }
        entries.push(row("proxy", self.proxy.as_ref(), |proxy| {
            without_credentials(proxy)
        }));
        entries.push(row("no_proxy", self.no_proxy.as_ref(), Clone::clone));
        entries.extend(self.grant_rows());
        entries
    }

    fn embed_host_row(&self) -> Entry {
        match (&self.embed_host, self.web_host()) {
            // Derived values are shown too, because they are what commands use.
            (None, Some(value)) => {
                let source = Source::Derived("the base URL");
                Entry::new("embed_host", Some(value), Some(source))
            }
            (given, _) => row("embed_host", given.as_ref(), Clone::clone),
        }
    }

    fn ledger_row(&self) -> Entry {
        match (&self.ledger, self.ledger()) {
            (None, Ok(Some(value))) => {
                let source = Source::Derived("the base URL");
                Entry::new("ledger", Some(value), Some(source))
            }
            (None, Ok(None)) => {
                let value = "in memory".to_owned();
                Entry::new("ledger", Some(value), Some(Source::Emulator))
            }
            (given, _) => row("ledger", given.as_ref(), Clone::clone),
        }
    }

    fn grant_rows(&self) -> Vec<Entry> {
        let grants = &self.grants.value;
        let list = |list: &Option<Vec<String>>| list.as_ref().map(|list| list.join(", "));
        let attributes: Vec<_> = grants
            .user_attributes
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let rows = [
            ("grants.permissions", list(&grants.permissions)),
            ("grants.models", list(&grants.models)),
            ("grants.group_ids", list(&grants.group_ids)),
            ("grants.external_group_id", grants.external_group_id.clone()),
            (
                "grants.user_attributes",
                (!attributes.is_empty()).then(|| attributes.join(", ")),
            ),
            (
                "grants.session_length",
                grants.session_length.map(|length| length.to_string()),
            ),
            ("grants.user_timezone", grants.user_timezone.clone()),
        ];
        rows.into_iter()
            .filter_map(|(name, value)| {
                let source = self.grants.source.clone();
                Some(Entry::new(name, Some(value?), Some(source)))
            })
            .collect()
    }
}

fn row<T>(
    name: &'static str,
    setting: Option<&Setting<T>>,
    show: impl FnOnce(&T) -> String,
) -> Entry {
    let value = setting.map(|setting| show(&setting.value));
    let source = setting.map(|setting| setting.source.clone());
    Entry::new(name, value, source)
}

/// What may be shown of a secret.
fn described(secret: &SecretSource) -> String {
    match secret {
        SecretSource::Given(_) => "set".to_owned(),
        SecretSource::Exposed(_) => {
            "set, but refused: others can read or change the file".to_owned()
        }
        SecretSource::Variable(name, Some(_)) => format!("in the variable `{name}`"),
        SecretSource::Variable(name, None) => format!("not set: the variable `{name}` is missing"),
        SecretSource::File(path) => format!("in the file `{}`", path.display()),
        SecretSource::Command(command) => {
            let program = command.argv.first().cloned().unwrap_or_default();
            format!("from the command `{}`", program.to_string_lossy())
        }
    }
}

/// A proxy's URL without its user name and password.
fn without_credentials(proxy: &str) -> String {
    match proxy.rsplit_once('@') {
        None => proxy.to_owned(),
        // The last `@`: a password may contain one.
        Some((before, host)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://{}@{host}", crate::secret::REDACTED)
        }
    }
}
