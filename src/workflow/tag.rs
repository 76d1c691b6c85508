//! The tag in a key's `purpose`: the state of a key that outlives the ledger, readable by people.
//!
//! `embedctl: delivered, run 0192f7a0-6a3c-0000000001/7, until 2026-12-01T10:00:00Z; nightly import`

use std::fmt;

use jiff::{Timestamp, Unit};
use uuid::Uuid;

use crate::ledger::{JobId, RunId};

/// The longest purpose that is written; how much Looker keeps is not documented.
pub(crate) const LONGEST: usize = 100;

/// The prefix of every tag.
const PROGRAM: &str = "embedctl: ";

/// The prefix of an earlier release's tag, `embedctl:RUN:JOB`, written before the secret was delivered.
const EARLIER: &str = "embedctl:";

/// How much of a run's id a tag contains: its start time, by which `runs show` finds it, and enough random digits.
const TIME: usize = 13;
const RANDOM: usize = 10;

/// What a tag says about a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tag {
    /// The job that minted it.
    pub maker: Maker,
    /// How far it got.
    pub state: TagState,
    /// When to revoke it.
    pub until: Option<Timestamp>,
    /// The operator's words.
    pub words: Option<String>,
}

/// How far a key got, by its tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TagState {
    /// It was minted; the tag of an earlier release does not say whether it was delivered.
    Minted,
    /// A sink has its secret.
    Delivered,
    /// A sink has its secret, and a newer key has replaced it.
    Overlap,
}

/// A job as named in tags.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Maker {
    run: String,
    job: u64,
}

impl Maker {
    /// The name of a job. Two jobs share one only if their runs started in the same millisecond and forty random bits are
    /// equal.
    pub fn of(job: JobId) -> Self {
        Self {
            run: short(&job.run.0),
            job: job.number,
        }
    }
}

/// The part of a run's id that goes into tags.
fn short(run: &Uuid) -> String {
    let text = run.hyphenated().to_string();
    let (time, random) = (text.get(..TIME), text.get(text.len() - RANDOM..));
    format!(
        "{}-{}",
        time.unwrap_or_default(),
        random.unwrap_or_default()
    )
}

impl Tag {
    /// A key that `job` minted and delivered.
    pub fn delivered(job: JobId, until: Option<Timestamp>, words: Option<&str>) -> Self {
        Self {
            maker: Maker::of(job),
            state: TagState::Delivered,
            until,
            words: words.map(str::to_owned),
        }
    }

    /// What `purpose` says, if it is a complete tag. A person may write this program's name too, and a tag that was cut off or
    /// that a later release wrote must not be acted on.
    pub fn parse(purpose: &str) -> Option<Self> {
        current(purpose).or_else(|| earlier(purpose))
    }

    /// The same for a key that a newer one has replaced and that is kept until `due`.
    #[must_use]
    pub fn overlap(self, due: Timestamp) -> Self {
        Self {
            state: TagState::Overlap,
            // The earlier of the two: an overlap must not prolong a key's life.
            until: Some(self.until.map_or(due, |until| until.min(due))),
            ..self
        }
    }
}

/// As in tags.
impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run, self.job)
    }
}

impl fmt::Display for Tag {
    /// The text for `purpose`; the operator's words are cut off if they do not fit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            TagState::Minted => "minted",
            TagState::Delivered => "delivered",
            TagState::Overlap => "overlap",
        };
        let Maker { run, job } = &self.maker;
        let mut text = format!("{PROGRAM}{state}, run {run}/{job}");
        if let Some(until) = self.until {
            // Whole seconds are enough, and shorter.
            let whole = until.round(Unit::Second).unwrap_or(until);
            text.push_str(", until ");
            text.push_str(&whole.to_string());
        }
        if let Some(words) = &self.words {
            let room = LONGEST.saturating_sub(text.len() + 2);
            // Cut at the boundary of a character, not of a byte.
            let end = words.floor_char_boundary(room);
            let words = words.get(..end).unwrap_or_default().trim_end();
            if !words.is_empty() {
                text.push_str("; ");
                text.push_str(words);
            }
        }
        f.write_str(&text)
    }
}

fn current(purpose: &str) -> Option<Tag> {
    let rest = purpose.strip_prefix(PROGRAM)?;
    let (said, words) = match rest.split_once("; ") {
        Some((said, words)) => (said, Some(words.to_owned())),
        None => (rest, None),
    };
    let mut parts = said.split(", ");
    let state = match parts.next()? {
        "delivered" => TagState::Delivered,
        "overlap" => TagState::Overlap,
        _ => return None,
    };
    let (run, job) = parts.next()?.strip_prefix("run ")?.split_once('/')?;
    let until = match parts.next() {
        Some(until) => Some(until.strip_prefix("until ")?.parse().ok()?),
        None => None,
    };
    // Whatever follows was written by a later release, or by a person.
    let whole = parts.next().is_none() && is_short(run);
    // An overlap always has an end; a tag without one was cut off.
    let whole = whole && (state != TagState::Overlap || until.is_some());
    let maker = Maker {
        run: run.to_owned(),
        job: number(job)?,
    };
    whole.then_some(Tag {
        maker,
        state,
        until,
        words,
    })
}

fn is_short(run: &str) -> bool {
    let is_hex = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    // The lengths are checked too, so that a cut tag is not taken for another run.
    let parts: Vec<_> = run.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, RANDOM] && parts.into_iter().all(is_hex)
}

fn number(text: &str) -> Option<u64> {
    // `parse` would also accept a sign.
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// The tag of earlier releases, which followed the operator's words in brackets.
fn earlier(purpose: &str) -> Option<Tag> {
    let whole = |word: &str| {
        let (run, job) = word.strip_prefix(EARLIER)?.split_once(':')?;
        let (run, number) = (Uuid::try_parse(run).ok()?, number(job)?);
        Some(JobId {
            run: RunId(run),
            number,
        })
    };
    // The operator's words may come before the tag.
    let job = purpose.split(['[', ']', ' ']).find_map(whole)?;
    let words = purpose.split_once(" [").map(|(words, _)| words.to_owned());
    Some(Tag {
        maker: Maker::of(job),
        state: TagState::Minted,
        until: None,
        words,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0192f7a0-6a3c-7000-8000-000000000001";
    const EARLIER_TAG: &str = "embedctl:0192f7a0-6a3c-7000-8000-000000000001:7";

    fn job(number: u64) -> JobId {
        JobId {
            run: RunId(RUN.parse().unwrap()),
            number,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_tag_is_readable_and_read_back() {
        let until = at("2026-12-01T10:00:00Z");
        let tag = Tag::delivered(job(7), Some(until), Some("nightly; a, b"));

        let text = tag.to_string();

        assert_eq!(
            text,
            "embedctl: delivered, run 0192f7a0-6a3c-0000000001/7, until 2026-12-01T10:00:00Z; nightly; a, b"
        );
        assert_eq!(Tag::parse(&text), Some(tag.clone()));
        let later = tag.overlap(at("2027-01-01T00:00:00Z"));
        assert_eq!(later.until, Some(until), "a day that is set is not put off");
        assert_eq!(Tag::parse(&later.to_string()), Some(later));
        let plain = Tag::delivered(job(0), None, None);
        assert_eq!(Tag::parse(&plain.to_string()), Some(plain));
    }

    #[test]
    fn a_tag_is_never_longer_than_a_hundred_and_keeps_all_but_a_persons_words() {
        let due = at("2026-12-01T10:00:00.123456789Z");
        let words = "ключ для ночного импорта ".repeat(9);
        let tag = Tag::delivered(job(9_999_999), Some(due), Some(&words)).overlap(due);

        let text = tag.to_string();

        assert!(text.len() <= LONGEST, "{}: {text}", text.len());
        let read = Tag::parse(&text).unwrap();
        assert_eq!((read.maker, read.state), (tag.maker, TagState::Overlap));
        assert!(words.starts_with(&read.words.unwrap()));
    }

    #[test]
    fn the_tag_of_earlier_releases_does_not_say_that_a_key_was_delivered() {
        for purpose in [EARLIER_TAG, &format!("nightly import [{EARLIER_TAG}]")] {
            let tag = Tag::parse(purpose).unwrap();

            assert_eq!(
                (tag.state, tag.maker),
                (TagState::Minted, Maker::of(job(7)))
            );
        }
    }

    #[test]
    fn only_a_whole_tag_is_one() {
        let text = Tag::delivered(job(17), Some(at("2026-12-01T10:00:00Z")), None);
        let text = text.to_string();
        for length in 0..text.len() {
            let cut = Tag::parse(&text[..length]);
            // What is cut behind the job says less, and nothing wrong.
            assert!(
                cut.is_none_or(|cut| cut.until.is_none()),
                "{}",
                &text[..length]
            );
        }
        for purpose in [
            "",
            "the key of embedctl: ask Ada",
            "embedctl: ask Ada",
            "embedctl:prod:1",
            &EARLIER_TAG[..40],
            "embedctl: retired, run 0192f7a0-6a3c-0000000001/7",
            "embedctl: delivered, run 0192f7a0-6a3c-0000000001/-7",
            "embedctl: delivered, run 0192F7A0-6a3c-0000000001/7",
            "embedctl: overlap, run 0192f7a0-6a3c-0000000001/7",
            "embedctl: delivered, run 0192f7a0-6a3c-0000000001/7, until soon",
            "embedctl: delivered, run 0192f7a0-6a3c-0000000001/7, until 2026-12-01T10:00:00Z, or so",
            "x embedctl: delivered, run 0192f7a0-6a3c-0000000001/7",
        ] {
            assert_eq!(Tag::parse(purpose), None, "{purpose}");
        }
    }

    #[test]
    fn jobs_of_the_same_millisecond_do_not_collide() {
        let other: Uuid = "0192f7a0-6a3c-7000-8000-000000000002".parse().unwrap();

        assert_ne!(short(&other), short(&job(0).run.0));
        assert_ne!(Maker::of(job(1)), Maker::of(job(11)));
    }
}
