//! What people paste: signed URLs in a line of JSON, a page, a shell, a log or a mail, which have to be taken out of it before
//! they can be judged.
//!
//! Three steps, each with a table of its own: the places in a text where a URL stands, the dresses that it wears there, and
//! the end of what belongs to it. Whatever is not certain is kept as another reading, so that the signature can decide.

mod copied;
mod dresses;
mod encodings;
mod extent;
mod gateways;
mod places;
mod shape;
mod text;

use std::collections::BTreeSet;

pub use text::text_of;

/// Said of a URL that a program has cut off to save room.
const SHORTENED: &str = "what stands for the rest of a shortened text was left away";

/// The most dresses of one URL.
const MOST_DRESSES: usize = 12;

/// The most readings of one URL, so that the search for the right one ends.
const MOST_READINGS: usize = 24;

/// One way to read a URL.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Reading {
    /// The URL as it was probably sent.
    pub url: String,
    /// What was taken off or undone, in words.
    pub undone: Vec<&'static str>,
    /// Whether the text names no scheme, and this one adds it.
    pub without_scheme: bool,
    /// Whether a program has cut it off, and said so.
    pub shortened: bool,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Whoever has the URL is let in.
        f.debug_struct("Reading")
            .field("undone", &self.undone)
            .finish_non_exhaustive()
    }
}

/// The ways to read one URL of a text, the most plausible first; never empty.
pub type Readings = Vec<Reading>;

/// The signed URLs in a text, in its order; a text without any is one that cannot be read otherwise than it is. A path
/// without a host belongs to `host`.
pub fn find(text: &str, host: Option<&str>) -> Vec<Readings> {
    let host = places::host_in(text).or(host);
    let mut known = BTreeSet::new();
    let mut found: Vec<Readings> = places::all(text)
        .iter()
        .map(|place| read(place, host))
        .collect();
    // A URL that stands there twice is one.
    found.retain(|readings| {
        readings
            .first()
            .is_some_and(|first| known.insert(first.url.clone()))
    });
    if found.is_empty() {
        found.push(vec![Reading {
            url: text.trim().to_owned(),
            ..Reading::default()
        }]);
    }
    found
}

/// Take the dresses off one after the other, and read what is below. Earlier stages stay as readings of less weight: what
/// looks like a dress may be part of a value.
fn read(place: &places::Place<'_>, host: Option<&str>) -> Readings {
    let mut text = place.text.clone().into_owned();
    let mut undone: Vec<&'static str> = place.undone.into_iter().collect();
    let mut readings = extent::readings(&text, place.before);
    let mut before = readings.first().map(|reading| reading.url.clone());
    for _ in 0..MOST_DRESSES {
        let Some((bare, what)) = dresses::take_off(&text, place.before) else {
            break;
        };
        let below = extent::readings(&bare, place.before);
        let now = below.first().map(|reading| reading.url.clone());
        // What it changed elsewhere in the text is not worth a word.
        if now != before && !undone.contains(&what) {
            undone.push(what);
        }
        let told = below.into_iter().map(|mut reading| {
            reading.undone = [&undone[..], &reading.undone[..]].concat();
            reading
        });
        // The later stage first.
        readings = told.chain(readings).collect();
        (text, before) = (bare, now);
    }
    for reading in &mut readings {
        add_host(reading, host);
    }
    // Stable: of two that are as well formed, the later stage stays first.
    readings.sort_by_key(|reading| std::cmp::Reverse(shape::score(&reading.url)));
    let mut known = BTreeSet::new();
    readings.retain(|reading| known.insert(reading.url.clone()));
    readings.truncate(MOST_READINGS);
    readings
}

/// Complete what a log or an address bar leaves away.
fn add_host(reading: &mut Reading, host: Option<&str>) {
    if reading.url.starts_with("//") {
        reading.url.insert_str(0, "https:");
    } else if reading.url.starts_with('/') {
        if let Some(host) = host {
            reading.url.insert_str(0, &format!("https://{host}"));
            reading.undone.push(
                "its host, which is not in the text, was taken from beside it or from the settings",
            );
        }
    } else if !reading.url.contains("://") {
        reading.url.insert_str(0, "https://");
        reading.undone.push("`https://` was put in front");
        reading.without_scheme = true;
    }
}
