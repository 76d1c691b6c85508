//! The settings that have a name in every kind of source.

/// A setting that can come from more than flags and profiles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Key {
    BaseUrl,
    ClientId,
    ClientSecret,
    EmbedSecret,
    EmbedHost,
    VerifySsl,
    Timeout,
}

/// The keys that only the Looker of their family may get.
pub(crate) const CREDENTIALS: [Key; 3] = [Key::ClientId, Key::ClientSecret, Key::EmbedSecret];

impl Key {
    /// Its name in files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BaseUrl => "base_url",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::EmbedSecret => "embed_secret",
            Self::EmbedHost => "embed_host",
            Self::VerifySsl => "verify_ssl",
            Self::Timeout => "timeout",
        }
    }

    /// Its variable, as in `LOOKERSDK_BASE_URL`.
    pub(crate) fn variable(self, prefix: &str) -> String {
        format!("{prefix}_{}", self.name().to_uppercase())
    }
}
