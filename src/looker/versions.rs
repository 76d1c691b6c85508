//! Looker's version.

use std::fmt;

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// Looker's version, and the addresses of its API and its web part.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Versions {
    /// The release, such as `26.12.3`.
    #[serde(default, deserialize_with = "fields::optional")]
    pub looker_release_version: Option<String>,
    /// The address of the API.
    #[serde(default, deserialize_with = "fields::optional")]
    pub api_server_url: Option<String>,
    /// The address of the web part: the host of signed URLs.
    #[serde(default, deserialize_with = "fields::optional")]
    pub web_server_url: Option<String>,
}

/// The number of a release, such as 26.12.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Release {
    major: u32,
    minor: u32,
}

impl Versions {
    /// The release; `None` if Looker does not say, or if the format is unknown.
    pub fn release(&self) -> Option<Release> {
        // belief: release-tells-what-there-is
        let text = self.looker_release_version.as_deref()?;
        let mut parts = text.split('.').map(|part| part.parse().ok());
        Some(Release {
            major: parts.next()??,
            minor: parts.next()??,
        })
    }
}

impl Release {
    /// Whether a dashboard's owner can be changed: part of the API description since 26.8.
    pub fn can_change_dashboard_owner(self) -> bool {
        self >= Self {
            major: 26,
            minor: 8,
        }
    }

    /// Whether a board's owner can be changed: part of the API description since 26.10.
    pub fn can_change_board_owner(self) -> bool {
        self >= Self {
            major: 26,
            minor: 10,
        }
    }
}

impl Release {
    /// Whether API keys have a `purpose`: part of the API description since 25.14.
    pub fn has_key_purpose(self) -> bool {
        self >= Self {
            major: 25,
            minor: 14,
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Client {
    /// Looker's version.
    pub async fn versions(&self) -> Result<Versions, LookerError> {
        // belief: versions-without-login
        self.json(Call::get("versions", "/versions", &[])?).await
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;

    #[test]
    fn owners_can_be_changed_from_the_release_on_that_describes_it() {
        // 22.4.29 is recorded (spectacles-ci/spectacles).
        for (release, dashboards, boards) in [
            ("22.4.29", false, false),
            ("26.6.40", false, false),
            ("26.8.3", true, false),
            ("26.10", true, true),
            ("27.0.1", true, true),
        ] {
            let versions = Versions {
                looker_release_version: Some(release.to_owned()),
                ..Versions::default()
            };
            let known = versions.release().unwrap();
            assert_eq!(
                (
                    known.can_change_dashboard_owner(),
                    known.can_change_board_owner()
                ),
                (dashboards, boards),
                "{release}"
            );
        }
        let odd = Versions {
            looker_release_version: Some("next".to_owned()),
            ..Versions::default()
        };
        assert_eq!(odd.release(), None);
    }
}
