//! What became of a key that was being minted when the answer was lost: decided from what is known, without asking.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::looker::Api3Key;

/// What is written down before a key is minted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct MintIntent {
    /// The keys that the user had before, by Looker's id.
    pub(crate) known: Vec<String>,
    /// Looker's time when the request was about to leave, as well as it is known.
    pub(crate) at: Timestamp,
    /// How long after that the request can have taken effect, in seconds.
    pub(crate) within_seconds: u64,
}

/// What a key that the user has now is to the job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// No key came into being.
    Nothing,
    /// These are of the job's making.
    Ours(Vec<Api3Key>),
    /// One of these may be; they came into being at the time, carry no tag, and are more than the job can have made.
    CannotTell(Vec<Api3Key>),
}

/// Judge the keys a user has now, `keys`, by what was written down before the mint, and by the job's `tag`.
///
/// A key is the job's if it carries the tag or was seen in an answer (`seen`). A key without any purpose that was not there before and was made
/// in the time the request can have taken effect is the job's if it is the only one. Every other key is somebody else's.
pub(crate) fn judge(
    keys: &[Api3Key],
    intent: &MintIntent,
    tag: &str,
    seen: Option<&str>,
) -> Verdict {
    let new = || keys.iter().filter(|key| !intent.known.contains(&key.id));
    let is_tagged = |key: &&Api3Key| {
        let purpose = key.purpose.as_deref().unwrap_or_default();
        names_tag(purpose, tag) || seen == Some(key.id.as_str())
    };
    let ours: Vec<Api3Key> = new().filter(is_tagged).cloned().collect();
    if !ours.is_empty() {
        return Verdict::Ours(ours);
    }
    if seen.is_some() {
        // The answer came, so the job knows its key, and that key is gone.
        return Verdict::Nothing;
    }
    let nameless = new().filter(|key| key.purpose.as_deref().unwrap_or_default().is_empty());
    let mut nameless: Vec<Api3Key> = nameless
        .filter(|key| in_time(key, intent))
        .cloned()
        .collect();
    match nameless.len() {
        0 => Verdict::Nothing,
        1 => Verdict::Ours(std::mem::take(&mut nameless)),
        _ => Verdict::CannotTell(nameless),
    }
}

/// Whether `purpose` holds the tag, and not only the beginning of a longer one.
fn names_tag(purpose: &str, tag: &str) -> bool {
    purpose.split(['[', ']', ' ']).any(|word| word == tag)
}

fn in_time(key: &Api3Key, intent: &MintIntent) -> bool {
    // Looker's clock is known to the second, from the header of an answer that took its own time.
    const TOLERANCE: Duration = Duration::from_secs(2);
    let Some(created_at) = key.created_at else {
        return true;
    };
    let last = intent.at + Duration::from_secs(intent.within_seconds) + TOLERANCE;
    created_at >= intent.at - TOLERANCE && created_at <= last
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "embedctl:0192:1";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).expect("a time in range")
    }

    fn intent() -> MintIntent {
        MintIntent {
            known: vec!["1".to_owned()],
            at: at(0),
            within_seconds: 30,
        }
    }

    fn key(id: &str, purpose: &str, seconds: i64) -> Api3Key {
        Api3Key {
            id: id.to_owned(),
            client_id: format!("client{id}"),
            created_at: Some(at(seconds)),
            purpose: (!purpose.is_empty()).then(|| purpose.to_owned()),
            ..Api3Key::default()
        }
    }

    #[test]
    fn a_key_known_before_is_somebody_elses() {
        let verdict = judge(&[key("1", TAG, 1)], &intent(), TAG, None);

        assert_eq!(verdict, Verdict::Nothing);
    }

    #[test]
    fn a_tagged_key_is_ours_whatever_else_came_into_being() {
        let ours = key("2", &format!("for CI [{TAG}]"), 1);

        let verdict = judge(&[key("3", "", 1), ours.clone()], &intent(), TAG, None);

        assert_eq!(verdict, Verdict::Ours(vec![ours]));
    }

    #[test]
    fn the_tag_of_another_job_is_not_ours_even_if_it_begins_like_ours() {
        let verdict = judge(&[key("2", "embedctl:0192:11", 1)], &intent(), TAG, None);

        assert_eq!(verdict, Verdict::Nothing);
    }

    #[test]
    fn the_only_nameless_key_made_in_time_is_ours() {
        let ours = key("2", "", 29);

        let verdict = judge(&[ours.clone(), key("3", "", 60)], &intent(), TAG, None);

        assert_eq!(verdict, Verdict::Ours(vec![ours]));
    }

    #[test]
    fn a_nameless_key_made_before_or_long_after_the_request_is_somebody_elses() {
        let keys = [key("2", "", -10), key("3", "", 40)];

        assert_eq!(judge(&keys, &intent(), TAG, None), Verdict::Nothing);
    }

    #[test]
    fn two_nameless_keys_made_in_time_cannot_be_told_apart() {
        let keys = [key("2", "", 1), key("3", "", 2)];

        let verdict = judge(&keys, &intent(), TAG, None);

        assert_eq!(verdict, Verdict::CannotTell(keys.to_vec()));
    }

    #[test]
    fn a_key_whose_answer_came_is_known_by_its_id_alone() {
        let keys = [key("2", "", 1), key("3", "", 2)];

        assert_eq!(
            judge(&keys, &intent(), TAG, Some("3")),
            Verdict::Ours(vec![key("3", "", 2)])
        );
        assert_eq!(judge(&keys, &intent(), TAG, Some("4")), Verdict::Nothing);
    }

    #[test]
    fn a_key_with_somebody_elses_words_is_never_ours() {
        let verdict = judge(&[key("2", "terraform", 1)], &intent(), TAG, None);

        assert_eq!(verdict, Verdict::Nothing);
    }
}
