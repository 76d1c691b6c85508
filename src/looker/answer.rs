//! The response to a call, before it is interpreted.

use reqwest::header::HeaderMap;
use zeroize::Zeroizing;

use crate::net::proxy::UsedProxy;

/// A response of any status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// The proxy that the request went through.
    pub(super) proxy: Option<UsedProxy>,
}

impl Answer {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether `Content-Type` names this media type, ignoring its parameters.
    pub(super) fn is_of(&self, media_type: &str) -> bool {
        let said = self.header("content-type").unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default();
        said.trim().eq_ignore_ascii_case(media_type)
    }
}
