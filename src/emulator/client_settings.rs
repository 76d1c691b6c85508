//! How to point programs and people at a running emulator.

use serde_json::{Value, json};

use crate::emulator::Emulator;
use crate::secret::ExposeSecret as _;

/// The variables that name a file of authorities to trust.
const TRUST: [&str; 3] = [
    "EMBEDCTL_CA_FILE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];

impl Emulator {
    /// Everything a program that starts an emulator needs, including secrets.
    pub fn listening(&self) -> Value {
        json!({
            "event": "listening",
            "base_url": self.base_url(),
            "client_id": self.client_id(),
            "client_secret": self.client_secret().expose_secret(),
            "embed_secret": self.embed_secret().expose_secret(),
            "algorithm": self.algorithm().to_string(),
            "blank_dashboard": self.blank_dashboard(),
            "ca_file": self.ca_file(),
            "pid": std::process::id(),
        })
    }

    /// The variables that point embedctl and the official SDKs at it, one a line, secrets included.
    pub fn variables(&self) -> String {
        let pairs = [
            ("LOOKERSDK_BASE_URL", self.base_url().to_owned()),
            ("LOOKERSDK_CLIENT_ID", self.client_id().to_owned()),
            (
                "LOOKERSDK_CLIENT_SECRET",
                self.client_secret().expose_secret().to_owned(),
            ),
            (
                "LOOKERSDK_EMBED_SECRET",
                self.embed_secret().expose_secret().to_owned(),
            ),
            ("LOOKERSDK_EMBED_HOST", self.host().to_owned()),
            ("EMBEDCTL_EMBED_ALGORITHM", self.algorithm().to_string()),
        ];
        // For embedctl, the official Python SDK and Node.
        let trust = self.ca_file().into_iter().flat_map(|file| {
            let file = file.display().to_string();
            TRUST.map(|name| (name, file.clone()))
        });
        pairs
            .into_iter()
            .chain(trust)
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect()
    }

    /// The next steps for a person who started it, including secrets.
    pub fn directions(&self) -> String {
        let base_url = self.base_url();
        let exports: String = self
            .variables()
            .lines()
            .map(|line| format!("    export {line}\n"))
            .collect();
        format!(
            "A local Looker listens on {base_url}\n\n\
             For embedctl and the official SDKs, in a shell:\n\n{exports}\n\
             Or as `looker.ini`:\n\n    \
             [Looker]\n    base_url={base_url}\n    client_id={}\n    client_secret={}\n\n\
             These secrets open nothing else. The blank dashboard is {}\nCtrl-C ends it.",
            self.client_id(),
            self.client_secret().expose_secret(),
            self.blank_dashboard(),
        )
    }
}
