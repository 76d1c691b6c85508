//! What Secret Manager answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::sink::store::{EMBEDCTL, MANAGED_BY, Marks};
use crate::sink::web::{Failed, Reply};

/// All that is asked of it, for a role.
const RIGHTS: &str = "secretmanager.secrets.{create,get,update} and secretmanager.versions.{add,access,list,destroy}";

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Secret {
    pub(super) etag: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) version_aliases: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) name: String,
    #[serde(default)]
    pub(super) state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Versions {
    #[serde(default)]
    pub(super) versions: Vec<Version>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

#[derive(Deserialize)]
pub(super) struct Accessed {
    pub(super) payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    #[serde(default)]
    pub(super) data: String,
    #[serde(default)]
    pub(super) data_crc32c: Option<String>,
}

/// A refusal: only words are taken from it, since what the server says may repeat what was sent.
#[derive(Default)]
pub(super) struct Refusal {
    pub(super) http: u16,
    /// Such as `PERMISSION_DENIED`.
    pub(super) status: String,
    /// Such as `SERVICE_DISABLED`.
    pub(super) reason: String,
    /// Whether it is about a secret, or a version of one, that is not there.
    names_secret: bool,
}

/// Why there is no answer of the kind that was asked for.
pub(super) enum Trouble {
    Failed(Failed),
    Refused(Refusal),
}

impl Refusal {
    pub(super) fn of(reply: &Reply) -> Self {
        #[derive(Deserialize)]
        struct Said {
            error: Told,
        }
        #[derive(Deserialize)]
        struct Told {
            #[serde(default)]
            status: String,
            #[serde(default)]
            message: String,
            #[serde(default)]
            details: Vec<Json>,
        }

        let http = reply.status;
        let Some(Said { error }) = reply.json::<Said>() else {
            return Self {
                http,
                ..Self::default()
            };
        };
        let is_word = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        let reason = error
            .details
            .iter()
            .find_map(|detail| detail.get("reason")?.as_str());
        let word = |text: &str| {
            if is_word(text) {
                text.to_owned()
            } else {
                String::new()
            }
        };
        Self {
            http,
            status: word(&error.status),
            reason: word(reason.unwrap_or_default()),
            names_secret: error.message.starts_with("Secret "),
        }
    }

    /// What it says, in a few words.
    pub(super) fn said(&self) -> String {
        let status = match self.status.is_empty() {
            true => "not in the form of Secret Manager",
            false => &self.status,
        };
        format!("{status} (status {})", self.http)
    }

    /// What to do about it, where `right` was needed in `project`.
    pub(super) fn advice(&self, right: &str, project: &str) -> Option<String> {
        Some(match (self.http, self.reason.as_str()) {
            (_, "SERVICE_DISABLED") => format!(
                "`gcloud services enable secretmanager.googleapis.com --project {project}` turns Secret Manager on"
            ),
            (_, "CONSUMER_INVALID") | (404, _) => {
                format!("check the project: `gcloud projects describe {project}`")
            }
            (403, _) => format!(
                "grant `{right}` on the project `{project}`, or check its name; keys need {RIGHTS}"
            ),
            (401, _) => "the credentials are not valid any more".to_owned(),
            (429 | 500..=599, _) => {
                "it cannot answer now: run the same command again later".to_owned()
            }
            _ => return None,
        })
    }

    /// Whether the secret or the version is not there, as opposed to the project.
    pub(super) fn is_nothing(&self) -> bool {
        self.http == 404 && self.status == "NOT_FOUND" && self.names_secret
    }

    pub(super) fn is_stale(&self) -> bool {
        matches!(self.status.as_str(), "FAILED_PRECONDITION" | "ABORTED")
    }
}

/// The number at the end of a version's name.
pub(super) fn number(name: &str) -> Option<u64> {
    name.rsplit('/').next()?.parse().ok()
}

/// Lay our marks over what is there: what can be filtered by is a label, the rest has characters that labels cannot have.
pub(super) fn lay(marks: &Marks, labels: &mut Marks, annotations: &mut Marks) {
    for (name, value) in marks {
        if name == MANAGED_BY {
            labels.insert(name.clone(), value.clone());
        } else if name.starts_with(EMBEDCTL) {
            annotations.insert(name.clone(), value.clone());
        }
    }
}
