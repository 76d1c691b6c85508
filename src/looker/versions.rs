//! Which Looker it is.

use std::fmt;

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// Which Looker it is, and where its two halves are.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Versions {
    /// The release, as in `26.12.3`.
    #[serde(default, deserialize_with = "fields::optional")]
    pub looker_release_version: Option<String>,
    /// Where the API is.
    #[serde(default, deserialize_with = "fields::optional")]
    pub api_server_url: Option<String>,
    /// Where the web part is: the host of signed URLs.
    #[serde(default, deserialize_with = "fields::optional")]
    pub web_server_url: Option<String>,
}

/// The number of a release, as in 26.12.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Release {
    major: u32,
    minor: u32,
}

impl Versions {
    /// The release; `None` if Looker does not say, or not in a form that is known.
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
    /// Whether a dashboard can be given to another user: the API has been described so since 26.8.
    pub fn can_change_dashboard_owner(self) -> bool {
        self >= Self {
            major: 26,
            minor: 8,
        }
    }

    /// Whether a board can be given to another user: the API has been described so since 26.10.
    pub fn can_change_board_owner(self) -> bool {
        self >= Self {
            major: 26,
            minor: 10,
        }
    }
}

impl Release {
    /// Whether API keys carry a `purpose`: the API has been described so since 25.14.
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
    /// Which Looker it is.
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
