//! Addresses in stores of secrets, such as `gcp:PROJECT/looker-{external_user_id}`, and the names that ids get there.

use crate::error::Error;
use crate::sink::SinkError;
use crate::sink::value::Fields;

/// What stands for the user's id.
pub(super) const USER: &str = "{external_user_id}";

/// A store of secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum StoreKind {
    /// HashiCorp Vault and OpenBao, KV version 2.
    Vault,
    /// AWS Secrets Manager.
    Aws,
    /// Google Cloud Secret Manager.
    Gcp,
}

/// Where keys go in a store.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// As typed.
    pub(super) spec: String,
    pub(super) kind: StoreKind,
    /// The region or project; of Vault nothing, since a mount may have slashes in its path.
    pub(super) scope: String,
    /// The name, with [`USER`] in it or not.
    template: String,
    pub(super) fields: Fields,
}

impl StoreKind {
    /// The store that an address begins with.
    pub(super) fn of(form: &str) -> Option<Self> {
        match form {
            "vault" => Some(Self::Vault),
            "aws" => Some(Self::Aws),
            "gcp" => Some(Self::Gcp),
            _ => None,
        }
    }

    /// What follows the form.
    pub(super) const fn place(self) -> &'static str {
        match self {
            Self::Vault => "MOUNT/PATH",
            Self::Aws => "REGION/NAME",
            Self::Gcp => "PROJECT/NAME",
        }
    }

    /// The variables from which the store's credentials are read: its tools know them by these names.
    pub(super) const fn secret_variables(self) -> &'static [&'static str] {
        match self {
            Self::Vault => &[
                "VAULT_TOKEN",
                "VAULT_SECRET_ID",
                "VAULT_JWT",
                "BAO_TOKEN",
                "BAO_SECRET_ID",
                "BAO_JWT",
            ],
            Self::Aws => &[
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            ],
            Self::Gcp => &["GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"],
        }
    }

    /// The longest name that the store takes.
    const fn longest(self) -> usize {
        match self {
            // Servers that keep secrets in files can have no longer name in a folder.
            Self::Vault | Self::Gcp => 255,
            Self::Aws => 512,
        }
    }

    /// The character before the two digits of a byte that names cannot have as it is.
    const fn escape(self) -> char {
        match self {
            // `%` would be taken for an escape of the URL's by people and tools.
            Self::Vault | Self::Aws => '=',
            Self::Gcp => '_',
        }
    }

    /// Whether a character of an id stays as it is.
    const fn keeps(self, byte: u8) -> bool {
        match self {
            Self::Gcp => byte.is_ascii_alphanumeric() || byte == b'-',
            Self::Vault | Self::Aws => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@')
            }
        }
    }

    /// An id as part of a name: different ids have different names, and an id can be read back from its own.
    fn escaped(self, id: &str) -> String {
        let mut name = String::with_capacity(id.len());
        let mut before = '/';
        for byte in id.bytes() {
            // A name may not begin with a dot or have two in a row: to a server they lead to another folder.
            let dot = byte == b'.' && matches!(before, '/' | '.');
            before = char::from(byte);
            match self.keeps(byte) && !dot {
                true => name.push(before),
                false => name.extend([format!("{}{byte:02X}", self.escape())]),
            }
        }
        name
    }
}

impl Address {
    /// The address in `spec`, whose part after the form is `rest`.
    ///
    /// # Errors
    /// It is no such address.
    pub(super) fn parse(spec: &str, kind: StoreKind, rest: &str) -> Result<Self, Error> {
        let refused = |why: String| Error::usage(format!("`{spec}` is not a valid sink: {why}"));
        let (rest, query) = match rest.rsplit_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let fields = match query {
            None | Some("fields=key") => Fields::Key,
            Some("fields=env") => Fields::Env,
            Some(other) => {
                return Err(refused(format!("it ends with `?{other}`"))
                    .hint("write `?fields=env` for the variables of Looker's SDKs, or nothing"));
            }
        };
        let (scope, template) = match rest.split_once('/') {
            Some((scope, name)) if !scope.is_empty() && !name.is_empty() => match kind {
                StoreKind::Vault => ("", rest),
                StoreKind::Aws | StoreKind::Gcp => (scope, name),
            },
            _ => {
                let (form, place) = (spec.split(':').next().unwrap_or_default(), kind.place());
                return Err(refused("it names no secret".to_owned()).hint(format!(
                    "write `{form}:{place}`, with `{USER}` in it for more than one user"
                )));
            }
        };
        let literal = template.replace(USER, "");
        let odd = |c: &char| {
            (*c != '/' || kind == StoreKind::Gcp)
                && *c != kind.escape()
                && !u8::try_from(*c).is_ok_and(|byte| kind.keeps(byte))
        };
        if let Some(odd) = literal.chars().find(odd) {
            return Err(
                refused(format!("its name cannot have `{}`", odd.escape_debug())).hint(format!(
                    "`{USER}` stands for the user's id; nothing else does"
                )),
            );
        }
        if template
            .split('/')
            .any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(refused("its path has an empty part, or dots".to_owned())
                .hint("write it without `//`, `.` and `..`"));
        }
        Ok(Self {
            spec: spec.to_owned(),
            kind,
            scope: scope.to_owned(),
            template: template.to_owned(),
            fields,
        })
    }

    /// Whether all users have one name there.
    pub(super) fn is_for_one_user(&self) -> bool {
        !self.template.contains(USER)
    }

    /// The name of a user's secret.
    ///
    /// # Errors
    /// The store takes no name as long as that.
    pub(super) fn name(&self, external_user_id: &str) -> Result<String, SinkError> {
        let name = self
            .template
            .replace(USER, &self.kind.escaped(external_user_id));
        let longest = self.kind.longest();
        match name.len() > longest {
            false => Ok(name),
            true => Err(SinkError::new(format!(
                "the name of the secret for `{external_user_id}` would have {} characters, and {longest} are allowed",
                name.len()
            ))
            .hint("shorten the name in `--keys-to`, or give this user a sink of another kind")),
        }
    }

    /// What marks say of the user: its id as names have it, or a digest of one that is too long.
    pub(super) fn user_mark(&self, external_user_id: &str) -> String {
        use sha2::{Digest as _, Sha256};

        let mark = StoreKind::Vault.escaped(external_user_id);
        if mark.len() <= 200 {
            return mark;
        }
        let digest = Sha256::digest(external_user_id);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
