//! The console at `/`: what the emulator holds and what was asked of it, for people, without any secret.

mod content;
mod requests;
mod users;

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Reply};
use crate::emulator::http::call::Query;
use crate::emulator::http::page;
use crate::emulator::shared::{Inside, Shared};

/// What the browser may load: the console's own style and script, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How many things of a kind are shown; a filter finds the others.
const SHOWN: usize = 100;

/// The page, filtered by the query parameter `q`.
pub(crate) fn page(shared: &Shared, query: &str) -> Answer {
    let query = Query::parse(query).unwrap_or_default();
    let filter = Filter::new(query.value("q").unwrap_or_default());
    let inside = shared.lock();
    let (world, log) = (&inside.world, &inside.log);
    let values = json!({
        "base_url": shared.base_url,
        "mode": format!("{:?}", world.rules.mode).to_lowercase(),
        "algorithm": shared.seed.algorithm.to_string(),
        "filter": filter.text,
        "figures": figures(&inside),
        "violations": last(&log.violations),
        "faults": requests::faults(&inside.faults),
        "users": users::section(world, &filter),
        "content": content::section(world, &filter),
        "requests": requests::section(&inside, &filter),
        "refused_logins": last(&log.refused_logins),
    });
    // Unlocked before the page is rendered: requests go on meanwhile.
    drop(inside);
    let reply = page::render("console.html", values)?;
    Ok(reply
        .header("content-security-policy", POLICY.to_owned())
        // The page shows secrets of the local Looker and changes with every request.
        .header("cache-control", "no-store".to_owned()))
}

/// The style of the page.
pub(crate) fn style() -> Answer {
    let text = include_str!("console.css").to_owned();
    Ok(Reply::text("text/css;charset=utf-8", text))
}

/// The script of the page.
pub(crate) fn script() -> Answer {
    let text = include_str!("console.js").to_owned();
    Ok(Reply::text("text/javascript;charset=utf-8", text))
}

fn figures(inside: &Inside) -> Value {
    let world = &inside.world;
    json!([
        ("users", world.users.table.len()),
        ("embed users", world.users.embed_count()),
        ("keys", world.keys.len()),
        ("live tokens", world.tokens.live_count(world.now)),
        ("dashboards", world.content.dashboards.len()),
        ("requests", inside.log.counts.values().sum::<u64>()),
        ("violations", inside.log.violations.len()),
    ])
}

/// The last of `texts`, and how many there are.
fn last<T: ToString>(texts: &VecDeque<T>) -> Value {
    // Newest first.
    let shown: Vec<String> = texts.iter().rev().take(SHOWN).map(T::to_string).collect();
    json!({ "count": texts.len(), "shown": shown })
}

/// Those of `count` things that are shown, and whether there are more.
fn shown<T>(count: usize, mut found: impl Iterator<Item = T>, show: impl Fn(T) -> Value) -> Value {
    let shown: Vec<Value> = found.by_ref().take(SHOWN).map(show).collect();
    // One more than shown tells whether there are more.
    json!({ "count": count, "shown": shown, "more": found.next().is_some() })
}

/// What a person typed to see less: words that must all occur, whatever their case.
#[derive(Debug)]
struct Filter {
    text: String,
    words: Vec<String>,
}

impl Filter {
    fn new(text: &str) -> Self {
        let words = text.to_lowercase();
        Self {
            text: text.to_owned(),
            words: words.split_whitespace().map(ToOwned::to_owned).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether all the words occur in what `text` gives.
    fn pass(&self, text: impl FnOnce() -> String) -> bool {
        self.is_empty() || self.occur(&text())
    }

    /// Whether all the words occur in what `write` writes; it may be asked of a million things.
    fn pass_all(&self, buffer: &mut String, write: impl FnOnce(&mut String)) -> bool {
        if self.is_empty() {
            return true;
        }
        buffer.clear();
        write(buffer);
        // Case is more than ASCII, so other text takes the slower way.
        if !buffer.is_ascii() {
            return self.occur(buffer);
        }
        buffer.make_ascii_lowercase();
        self.words.iter().all(|word| buffer.contains(word))
    }

    fn occur(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }
}

/// `names` with commas between.
fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
