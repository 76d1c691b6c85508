//! What `doctor --probe` found out about one Looker, kept for later commands.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::system::files;

/// Far more than any file of answers.
const LARGEST: u64 = 1024 * 1024;

/// The answers of one Looker. They hold no secret.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Answers {
    /// Which Looker: the origin of its API.
    pub looker: String,
    /// Its release then.
    pub release: Option<String>,
    /// When it was asked.
    pub at: Timestamp,
    /// The `external_user_id` of a test user that may still exist.
    #[serde(default)]
    pub left_over: Option<String>,
    /// The result for each belief, by its id.
    #[serde(default)]
    pub beliefs: BTreeMap<String, Answer>,
    /// The source of an attribute value that is the user's own.
    #[serde(default)]
    pub own_source: Option<String>,
    /// Who may manage the API keys of embed users.
    #[serde(default)]
    pub key_authority: Option<KeyAuthority>,
}

/// The result for a belief.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Answer {
    /// Whether it is true of this Looker.
    pub holds: bool,
    /// What was seen.
    pub seen: String,
}

/// Who may manage the API keys of embed users.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyAuthority {
    /// An admin.
    Admin,
    /// The user itself, once an admin allows it.
    User,
    /// Neither.
    Nobody,
}

impl Answers {
    /// Whether the belief `id` is true of this Looker; `None` if that is unknown.
    pub fn holds(&self, id: &str) -> Option<bool> {
        self.beliefs.get(id).map(|answer| answer.holds)
    }

    /// Record what was seen about the belief `id`.
    pub fn keep(&mut self, id: &str, holds: bool, seen: String) {
        self.beliefs.insert(id.to_owned(), Answer { holds, seen });
    }

    /// The answers in `path`, if they belong to the Looker at `origin`.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    pub fn read(path: &Path, origin: &str) -> Result<Option<Self>, Error> {
        const ADVICE: &str = "`embedctl doctor --probe` writes it anew";
        // Without the file, `doctor --probe` has not run yet, which is no error.
        let Some(text) = files::read_own(path, LARGEST)? else {
            return Ok(None);
        };
        let answers: Self = serde_json::from_slice(&text).map_err(|error| {
            let error = Error::internal(error).hint(ADVICE);
            error.context(format!("cannot read `{}`", path.display()))
        })?;
        // The answers of another Looker say nothing about this one.
        Ok(Some(answers).filter(|answers| answers.looker == origin))
    }

    /// Write the answers to `path`, readable only by its owner, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        if let Some(folder) = path.parent() {
            files::make_private_folder(folder)?;
        }
        let mut text = serde_json::to_vec_pretty(self).map_err(Error::internal)?;
        text.push(b'\n');
        // Replaced whole, so that another command never reads half of it.
        Ok(files::replace(path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_one_looker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/acme.answers");
        let mut answers = Answers {
            looker: "https://acme.example".to_owned(),
            key_authority: Some(KeyAuthority::User),
            ..Answers::default()
        };
        answers.keep("source-own-word", false, "it says `user`".to_owned());

        assert_eq!(Answers::read(&path, "https://acme.example").unwrap(), None);
        answers.write(&path).unwrap();

        let read = Answers::read(&path, "https://acme.example")
            .unwrap()
            .unwrap();
        assert_eq!(read, answers);
        assert_eq!(read.holds("source-own-word"), Some(false));
        assert_eq!(read.holds("source-other-words"), None);
        assert_eq!(Answers::read(&path, "https://other.example").unwrap(), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_that_says_how_to_write_it_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.answers");
        files::replace(&path, b"{").unwrap();

        let error = Answers::read(&path, "https://acme.example").unwrap_err();

        assert!(error.advice().unwrap().contains("doctor --probe"));
    }
}
