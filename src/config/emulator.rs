//! Settings for a local Looker instead of a real one.

use crate::config::Settings;
use crate::config::args::ConfigArgs;
use crate::config::base_url;
use crate::config::secret::SecretSource;
use crate::config::source::{Setting, Source};
use crate::error::Error;
use crate::secret::SecretString;
use crate::signed_url::Algorithm;
use crate::signed_url::Grants;

/// What a local Looker tells embedctl.
#[derive(Clone, Debug)]
pub struct EmulatorAccess {
    /// Its address, such as `http://127.0.0.1:40000`.
    pub base_url: String,
    /// The client id of its API key.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// Its embed secret.
    pub embed_secret: SecretString,
    /// The algorithm of that secret.
    pub algorithm: Algorithm,
    /// The embed path of its blank dashboard.
    pub blank_dashboard: String,
}

impl Settings {
    /// The same settings for a local Looker.
    pub fn with_emulator(mut self, emulator: EmulatorAccess) -> Result<Self, Error> {
        fn from_it<T>(value: T) -> Setting<T> {
            Setting::new(value, Source::Emulator)
        }

        let EmulatorAccess {
            base_url,
            client_id,
            client_secret,
            embed_secret,
            algorithm,
            blank_dashboard,
        } = emulator;
        self.emulator = true;
        self.base_url = Some(from_it(base_url::parse(&base_url, &Source::Emulator)?));
        self.client_id = Some(from_it(client_id));
        self.client_secret = Some(from_it(SecretSource::Given(client_secret)));
        self.embed_secret = Some(from_it(SecretSource::Given(embed_secret)));
        self.embed_host = None;
        self.embed_algorithm = from_it(algorithm);
        self.blank_dashboard
            .get_or_insert_with(|| from_it(blank_dashboard));
        // The profile's grants name models and permissions that a local Looker does not have.
        self.grants = from_it(demo_grants());
        // A proxy cannot reach this machine's loopback address.
        self.proxy = None;
        Ok(self)
    }
}

/// Grants for its demo model and content.
fn demo_grants() -> Grants {
    let permissions = ["access_data", "see_looks", "see_user_dashboards", "explore"];
    Grants {
        permissions: Some(permissions.map(str::to_owned).to_vec()),
        models: Some(vec!["demo".to_owned()]),
        ..Grants::default()
    }
}

/// Refuse flags that name another Looker besides `--emulator`. Variables may be set.
pub(crate) fn refuse_other_looker(args: &ConfigArgs) -> Result<(), Error> {
    let flags = [
        ("--profile", args.profile.is_some()),
        ("--base-url", args.base_url.is_some()),
        ("--ini", args.ini.is_some()),
        ("--embed-host", args.embed_host.is_some()),
    ];
    for (flag, given) in flags {
        // A variable is often set for the whole shell, so it yields to the flag.
        if given && !args.from_variables.contains_key(flag) {
            return Err(Error::usage(format!(
                "`{flag}` names a different Looker than `--emulator`"
            ))
            .hint("use only one of the two"));
        }
    }
    Ok(())
}
