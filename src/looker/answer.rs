//! What came back for a call, before it is judged.

use reqwest::header::HeaderMap;
use zeroize::Zeroizing;

/// What came back, of whatever status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body is said to be of this media type, whatever its parameters.
    pub(super) fn is_of(&self, media_type: &str) -> bool {
        let said = self.header("content-type").unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default();
        said.trim().eq_ignore_ascii_case(media_type)
    }
}
