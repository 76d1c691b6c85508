//! The console at `/`: what the emulator holds and what was asked of it, for people, without any secret.

mod content;
mod markup;
mod requests;
mod users;

use crate::emulator::console::markup::Markup;
use crate::emulator::http::answer::{Answer, Reply};
use crate::emulator::http::call::Query;
use crate::emulator::shared::{Inside, Shared};
use crate::emulator::web::HTML;

/// What the browser may load: the console's own style and script, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How many things of a kind are shown; a filter finds the others.
const SHOWN: usize = 100;

/// The page, filtered by the query parameter `q`.
pub(crate) fn page(shared: &Shared, query: &str) -> Answer {
    let query = Query::parse(query).unwrap_or_default();
    let filter = Filter::new(query.value("q").unwrap_or_default());
    let mut page = Markup::default();
    page.tags(HEAD);
    let inside = shared.lock();
    header(&mut page, shared, &inside, &filter);
    page.tags("<main>");
    figures(&mut page, &inside);
    requests::violations(&mut page, &inside.log);
    requests::faults(&mut page, &inside.faults);
    page.tags("<div class=columns><div>");
    users::section(&mut page, &inside.world, &filter);
    content::section(&mut page, &inside.world, &filter);
    page.tags("</div><div>");
    requests::section(&mut page, &inside, &filter);
    requests::refused_logins(&mut page, &inside.log);
    drop(inside);
    page.tags("</div></div></main></html>");
    let reply = Reply::text(HTML, page.into_text());
    Ok(reply
        .header("content-security-policy", POLICY.to_owned())
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

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content=\"width=device-width,initial-scale=1\"><meta name=color-scheme content=\"light dark\">\
    <title>Local Looker</title><link rel=icon href=\"data:,\"><link rel=stylesheet href=\"/__emulator/console.css\">\
    <script src=\"/__emulator/console.js\" defer></script>";

fn header(page: &mut Markup, shared: &Shared, inside: &Inside, filter: &Filter) {
    let mode = format!("{:?}", inside.world.rules.mode).to_lowercase();
    page.tags("<header><div class=title><h1>Local Looker</h1><p><code>")
        .value(&shared.base_url)
        .tags("</code> <span class=tag>")
        .value(mode)
        .tags("</span> <span class=tag>")
        .value(shared.seed.algorithm)
        .tags("</span></p></div><form><input type=search name=q placeholder=\"Filter users, content and requests\" aria-label=\"Filter\" value=\"")
        .value(&filter.text)
        .tags("\"><button>Filter</button><label class=live hidden><input type=checkbox id=live checked> live</label></form></header>");
}

fn figures(page: &mut Markup, inside: &Inside) {
    let world = &inside.world;
    let requests: u64 = inside.log.counts.values().sum();
    page.tags("<ul class=figures>");
    for (name, number) in [
        ("users", world.users.table.len() as u64),
        ("embed users", world.users.embed_count() as u64),
        ("keys", world.keys.len() as u64),
        ("live tokens", world.tokens.live_count(world.now) as u64),
        ("dashboards", world.content.dashboards.len() as u64),
        ("requests", requests),
        ("violations", inside.log.violations.len() as u64),
    ] {
        page.tags(match (name, number) {
            ("violations", 1..) => "<li class=bad><b>",
            _ => "<li><b>",
        });
        page.value(number)
            .tags("</b> <span>")
            .tags(name)
            .tags("</span></li>");
    }
    page.tags("</ul>");
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

/// Say that a list goes on, where it does.
fn more(page: &mut Markup, hidden: bool) {
    if hidden {
        page.tags("<p class=more>There are more. Filter to find them.</p>");
    }
}

/// `names` with commas between.
fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
