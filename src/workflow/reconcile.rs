//! What happened to keys whose minting was not answered: decided from known data, without requests.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::looker::Api3Key;
use crate::workflow::tag::{Maker, Tag};

/// Looker truncates creation times to seconds, so they are up to a second early (recorded: five creations); the same again
/// for this machine's clock.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// What is recorded before a key is minted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct MintIntent {
    /// The keys that the user had before, by Looker's id.
    pub(crate) known: Vec<String>,
    /// When the request was about to be sent, by this machine's clock.
    pub(crate) at: Timestamp,
    /// How long after that the request can take effect, in seconds: its timeout plus the server's grace.
    pub(crate) within_seconds: f64,
    /// The server's grace alone, after the client has given up.
    #[serde(default)]
    pub(crate) grace_seconds: f64,
    /// How far Looker's clock was ahead of the clock that `at` is by, if that was known: another machine may judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ahead: Option<Ahead>,
}

impl MintIntent {
    /// How long the request can take effect.
    pub(crate) fn within(&self) -> SignedDuration {
        SignedDuration::try_from_secs_f64(self.within_seconds).unwrap_or(SignedDuration::MAX)
    }

    /// The same request, now that its client is known to have given up at `then`.
    pub(crate) fn given_up(mut self, then: Timestamp) -> Self {
        let sent_for = then.duration_since(self.at).as_secs_f64();
        // A clock that was set back proves nothing; then the longer window stays.
        if sent_for >= 0.0 {
            self.within_seconds = self.within_seconds.min(sent_for + self.grace_seconds);
        }
        self
    }

    /// When the request can no longer take effect.
    pub(crate) fn ends(&self) -> Timestamp {
        self.at.checked_add(self.within()).unwrap_or(Timestamp::MAX)
    }
}

/// How far Looker's clock is ahead of this machine's: learned from `created_at` of a key minted here, never from the `Date`
/// of an answer, which is the clock of whatever stands in front of Looker.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Ahead {
    least: SignedDuration,
    most: SignedDuration,
}

impl Ahead {
    /// Learn from a key that was minted between `sent` and `answered`, with Looker's `created_at`.
    pub(crate) fn learn(sent: Timestamp, answered: Timestamp, created_at: Timestamp) -> Self {
        Self {
            // belief: created-at-is-date
            least: created_at.duration_since(answered),
            most: created_at.duration_since(sent),
        }
    }

    /// Whether a key with this `created_at` can come from the request of `intent`.
    fn fits(self, intent: &MintIntent, created_at: Timestamp) -> bool {
        let shifted = |time: Timestamp, by: SignedDuration| time.saturating_add(by).ok();
        let first = shifted(intent.at, self.least - TOLERANCE);
        let last = shifted(intent.ends(), self.most + TOLERANCE);
        first.is_none_or(|first| first <= created_at) && last.is_none_or(|last| created_at <= last)
    }
}

/// What is known when a user's keys are examined.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    /// The job's requests whose answers were lost, oldest first.
    pub(crate) lost: &'a [MintIntent],
    /// The keys whose ids came in an answer to the job.
    pub(crate) answered: &'a BTreeSet<String>,
    /// The keys whose secrets the sink says it holds.
    pub(crate) held: &'a BTreeSet<String>,
    /// This job as named in the tags of its keys.
    pub(crate) maker: &'a Maker,
    /// The offset of Looker's clock, if a key of ours has revealed it.
    pub(crate) ahead: Option<Ahead>,
    /// Whether the operator has declared that nothing else creates keys.
    pub(crate) sole_minter: bool,
}

/// What the user's current keys are to the job.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// The job's own: they carry its tag, their ids came in an answer, or the sink holds their secret.
    pub(crate) ours: Vec<Api3Key>,
    /// The job's own because nothing else creates keys: at most as many new nameless keys as lost requests.
    pub(crate) taken: Vec<Api3Key>,
    /// New and nameless. One of them may be the job's, and all of them may belong to someone else.
    pub(crate) unclear: Vec<Api3Key>,
}

/// Judge the user's current keys.
pub(crate) fn judge(keys: &[Api3Key], known: &Known<'_>) -> Verdict {
    let (ours, others): (Vec<&Api3Key>, Vec<&Api3Key>) =
        keys.iter().partition(|key| is_ours(key, known));
    let mut verdict = Verdict {
        ours: ours.into_iter().cloned().collect(),
        ..Verdict::default()
    };
    let Some(first) = known.lost.first() else {
        return verdict;
    };
    // A key that existed before the first request cannot come from it or from a later one.
    let is_new = |key: &&Api3Key| !first.known.contains(&key.id);
    let nameless = others.into_iter().filter(is_new).filter(is_nameless);
    let nameless: Vec<Api3Key> = nameless.cloned().collect();
    // Without the operator's word a nameless key may be someone else's, and revoking it would lock them out.
    if !known.sole_minter {
        verdict.unclear = nameless;
        return verdict;
    }
    let (fitting, others): (Vec<_>, Vec<_>) =
        nameless.into_iter().partition(|key| fits(key, known));
    if has_request_each(&fitting, known) {
        (verdict.taken, verdict.unclear) = (fitting, others);
    } else {
        verdict.unclear = fitting.into_iter().chain(others).collect();
    }
    verdict
}

/// Whether each key can come from its own lost request: a request creates at most one key, so more keys than requests prove
/// that something else creates keys too.
fn has_request_each(keys: &[Api3Key], known: &Known<'_>) -> bool {
    let mut keys: Vec<&Api3Key> = keys.iter().collect();
    keys.sort_by_key(|key| key.created_at.known());
    // The windows are equally long and sorted by start, so assigning them greedily is exact.
    let mut requests = known.lost.iter();
    keys.into_iter()
        .all(|key| requests.any(|request| fits_one(key, request, known)))
}

fn is_ours(key: &Api3Key, known: &Known<'_>) -> bool {
    let tag = key.purpose.as_deref().and_then(Tag::parse);
    // A tag alone is not enough: a person may copy it to a key that existed before.
    let is_new = !known
        .lost
        .iter()
        .any(|intent| intent.known.contains(&key.id));
    let tagged = tag.is_some_and(|tag| tag.maker == *known.maker) && is_new;
    tagged || known.answered.contains(&key.id) || known.held.contains(&key.id)
}

fn is_nameless(key: &&Api3Key) -> bool {
    key.purpose.as_deref().unwrap_or_default().trim().is_empty()
}

/// Whether a key can come from one of the lost requests.
fn fits(key: &Api3Key, known: &Known<'_>) -> bool {
    let mut lost = known.lost.iter();
    lost.any(|request| fits_one(key, request, known))
}

/// Whether a key can come from a lost request. Unknown times prove nothing.
fn fits_one(key: &Api3Key, request: &MintIntent, known: &Known<'_>) -> bool {
    match (request.ahead.or(known.ahead), key.created_at.known()) {
        (Some(ahead), Some(created_at)) => ahead.fits(request, created_at),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{JobId, RunId};
    use crate::looker::When;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn intent(seconds: i64) -> MintIntent {
        MintIntent {
            known: vec!["1".to_owned()],
            at: at(seconds),
            within_seconds: 50.0,
            grace_seconds: 30.0,
            ahead: None,
        }
    }

    fn job(number: u64) -> JobId {
        let run = RunId("0192f7a0-6a3c-7000-8000-000000000001".parse().unwrap());
        JobId { run, number }
    }

    fn key(id: &str, purpose: &str, seconds: i64) -> Api3Key {
        Api3Key {
            id: id.to_owned(),
            client_id: format!("client{id}"),
            created_at: When::At(at(seconds)),
            purpose: (!purpose.is_empty()).then(|| purpose.to_owned()),
            ..Api3Key::default()
        }
    }

    /// Judge by what a job knows whose request left at 0, on a Looker whose clock is `ahead`.
    fn verdict(keys: &[Api3Key], ahead: Option<i64>, sole_minter: bool) -> Verdict {
        let answered = BTreeSet::from(["9".to_owned()]);
        let known = Known {
            lost: &[intent(0)],
            answered: &answered,
            held: &BTreeSet::new(),
            maker: &Maker::of(job(1)),
            ahead: ahead.map(|ahead| Ahead::learn(at(0), at(1), at(ahead))),
            sole_minter,
        };
        judge(keys, &known)
    }

    fn ids(keys: &[Api3Key]) -> Vec<&str> {
        keys.iter().map(|key| key.id.as_str()).collect()
    }

    #[test]
    fn a_request_is_judged_by_the_clock_of_the_machine_that_made_it() {
        let learned = |offset: i64| Ahead::learn(at(0), at(1), at(offset));
        let (answered, held) = (BTreeSet::new(), BTreeSet::new());
        let maker = Maker::of(job(0));
        // Looker's clock is two hours ahead of the one, and level with the other.
        for (recorded, taken) in [(Some(learned(7_200)), true), (None, false)] {
            let lost = [MintIntent {
                ahead: recorded,
                ..intent(0)
            }];
            let known = Known {
                lost: &lost,
                answered: &answered,
                held: &held,
                maker: &maker,
                ahead: Some(learned(0)),
                sole_minter: true,
            };

            let verdict = judge(&[key("2", "", 7_200)], &known);

            assert_eq!(verdict.taken.len() == 1, taken);
        }
    }

    #[test]
    fn a_nameless_key_is_never_the_jobs_unless_nothing_else_creates_keys() {
        let keys = [key("2", "", 1)];

        let unclear = verdict(&keys, Some(0), false);
        assert_eq!(
            (ids(&unclear.taken), ids(&unclear.unclear)),
            (vec![], vec!["2"])
        );
        let taken = verdict(&keys, Some(0), true);
        assert_eq!(ids(&taken.taken), ["2"]);
        assert!(taken.unclear.is_empty());
    }

    #[test]
    fn of_two_nameless_keys_in_the_window_none_is_taken() {
        let keys = [key("2", "", 1), key("3", "", 2)];

        let verdict = verdict(&keys, Some(0), true);

        assert_eq!(
            (ids(&verdict.taken), ids(&verdict.unclear)),
            (vec![], vec!["2", "3"])
        );
    }

    #[test]
    fn two_lost_requests_may_have_created_two_keys_and_not_three() {
        let lost = [intent(0), intent(100)];
        let judge_with = |keys: &[Api3Key]| {
            let known = Known {
                lost: &lost,
                answered: &BTreeSet::new(),
                held: &BTreeSet::new(),
                maker: &Maker::of(job(1)),
                ahead: Some(Ahead::learn(at(0), at(1), at(0))),
                sole_minter: true,
            };
            judge(keys, &known)
        };

        let two = [key("3", "", 101), key("2", "", 1)];
        assert_eq!(judge_with(&two).taken.len(), 2);
        let both_of_the_first = [key("2", "", 1), key("3", "", 2)];
        assert!(judge_with(&both_of_the_first).taken.is_empty());
    }

    #[test]
    fn a_nameless_key_out_of_the_window_is_told_all_the_same() {
        let keys = [key("2", "", 29), key("3", "", 90), key("4", "", -20)];

        let verdict = verdict(&keys, Some(0), true);

        assert_eq!(ids(&verdict.taken), ["2"]);
        assert_eq!(ids(&verdict.unclear), ["3", "4"]);
    }

    #[test]
    fn the_window_is_in_lookers_time() {
        for ahead in [-3_600, -10, 0, 10, 3_600] {
            let keys = [key("2", "", ahead), key("3", "", ahead + 100)];

            let verdict = verdict(&keys, Some(ahead), true);

            assert_eq!(ids(&verdict.taken), ["2"], "{ahead}");
        }
    }

    #[test]
    fn without_lookers_clock_nothing_is_concluded_from_times() {
        let verdict = verdict(&[key("2", "", 1)], None, true);

        assert_eq!(
            (ids(&verdict.taken), ids(&verdict.unclear)),
            (vec![], vec!["2"])
        );
    }

    #[test]
    fn what_was_there_before_and_what_has_a_purpose_is_somebody_elses() {
        let keys = [key("1", "", 1), key("2", "terraform", 1)];

        assert_eq!(verdict(&keys, Some(0), true), Verdict::default());
    }

    #[test]
    fn a_key_is_the_jobs_by_its_tag_or_by_an_answer() {
        let tag = |number| Tag::delivered(job(number), None, None).to_string();
        let earlier = "CI [embedctl:0192f7a0-6a3c-7000-8000-000000000001:1]";
        let keys = [
            key("2", &tag(1), 1),
            key("3", &tag(11), 1),
            key("4", earlier, 1),
            key("9", "", 500),
            key("1", &tag(1), 1),
        ];

        assert_eq!(ids(&verdict(&keys, None, false).ours), ["2", "4", "9"]);
    }
}
