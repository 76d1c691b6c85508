//! What is dangerous about the settings of a run.

use std::fs;

use crate::config::Settings;
use crate::config::base_url;
use crate::config::secret::is_exposed;
use crate::config::source::Source;
use crate::error::Error;

impl Settings {
    /// Note what to warn of on every run; refuse what is not to be done at all.
    pub(crate) fn warn(&mut self) -> Result<(), Error> {
        if !self.verify_tls.value {
            self.warnings.push(format!(
                "Looker's certificate is not checked ({}): whoever sits in between can read and change everything",
                self.verify_tls.source
            ));
        }
        if let Some(base_url) = &self.base_url
            && base_url.value.scheme() == "http"
            && !base_url::is_loopback(&base_url.value)
        {
            base_url::refuse_plain(&base_url.value, &base_url.source, self.verify_tls.value)?;
            self.warnings.push(format!(
                "the base URL is `http`, so every secret travels in the clear ({})",
                base_url.source
            ));
        }
        for secret in [&self.client_secret, &self.embed_secret]
            .into_iter()
            .flatten()
        {
            if let Source::Ini { file, .. } = &secret.source
                && fs::metadata(file).is_ok_and(|metadata| is_exposed(&metadata))
            {
                let file = file.display();
                self.warnings.push(format!(
                    "others can read the secret in `{file}`: run `chmod 600 {file}`"
                ));
                break;
            }
        }
        Ok(())
    }
}
