//! Dangerous settings.

use crate::config::Settings;
use crate::config::base_url;
use crate::error::Error;

impl Settings {
    /// Collect the warnings for every run; refuse what must not be done at all.
    pub(crate) fn warn(&mut self) -> Result<(), Error> {
        if !self.verify_tls.value {
            self.warnings.push(format!(
                "Looker's certificate is not verified ({}): anyone on the network path can read and change everything",
                self.verify_tls.source
            ));
        }
        if let Some(base_url) = &self.base_url
            && base_url.value.scheme() == "http"
            && !base_url::is_loopback(&base_url.value)
        {
            base_url::refuse_plain(&base_url.value, &base_url.source, self.verify_tls.value)?;
            self.warnings.push(format!(
                "the base URL is `http`, so every secret is sent unencrypted ({})",
                base_url.source
            ));
        }
        Ok(())
    }
}
