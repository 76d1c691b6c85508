//! Sends the call, or all calls of its pages, and prints the results.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;

use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::commands::api::jq::Filter;
use crate::commands::api::pretty::pretty;
use crate::error::{Error, Kind};
use crate::looker::{Client, RawAnswer};
use crate::report::{Format, Ui, escape_control};
use crate::system::{Stream, System};

/// The default page size.
const PAGE: usize = 200;

/// A call to send.
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) paginate: bool,
}

/// Send `call` as `client` and print the response; a refusal is printed too, and is an error. Returns whether the response was
/// an empty list.
pub(super) async fn run(
    client: &Client,
    call: &Call,
    printer: &Printer<'_>,
) -> Result<bool, Error> {
    if call.paginate {
        return all(client, call, printer).await;
    }
    let answer = send(client, call, &call.query).await?;
    printer.head(&answer)?;
    if let Some(refusal) = answer.refusal {
        printer.plain(&answer.body)?;
        return Err(refusal.into());
    }
    printer.whole(&answer.body).await?;
    Ok(answer.body.trim_ascii() == b"[]")
}

async fn send(
    client: &Client,
    call: &Call,
    query: &[(String, String)],
) -> Result<RawAnswer, Error> {
    let Call {
        operation,
        method,
        path,
        body,
        ..
    } = call;
    Ok(client
        .call(operation, method.clone(), path, query, body.clone())
        .await?)
}

/// Page after page, until one brings nothing new: a page may be shorter than requested without being the last, and not every
/// operation supports `offset`. Only one page is in memory at a time.
async fn all(client: &Client, call: &Call, printer: &Printer<'_>) -> Result<bool, Error> {
    let number = |name: &str| {
        let found = call.query.iter().find(|(key, _)| key == name);
        found.and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let limit = number("limit").unwrap_or(PAGE).max(1);
    let mut offset = number("offset").unwrap_or_default();
    let mut list = List::default();
    for _ in 0..printer.most_pages {
        let mut query = call.query.clone();
        query.retain(|(key, _)| key != "limit" && key != "offset");
        query.push(("limit".to_owned(), limit.to_string()));
        query.push(("offset".to_owned(), offset.to_string()));
        let answer = send(client, call, &query).await?;
        printer.head(&answer)?;
        if let Some(refusal) = answer.refusal {
            return Err(refusal.into());
        }
        let Ok(page) = serde_json::from_slice::<Vec<&RawValue>>(&answer.body) else {
            return Err(Error::usage(format!(
                "`{}` does not return a list, so it is not paged",
                call.path
            ))
            .hint("leave `--paginate` out"));
        };
        if !list.is_news(&page) {
            printer.end(&list)?;
            return Ok(list.printed == 0);
        }
        printer.page(&answer.body, &page, &mut list).await?;
        offset += page.len();
    }
    let message = format!(
        "`{}` has not come to an end after {} pages",
        call.path, printer.most_pages
    );
    Err(Error::new(Kind::Looker, message).hint("ask for larger pages with `--query limit=1000`"))
}

/// How much of a list has been printed.
#[derive(Default)]
struct List {
    printed: usize,
    /// The hashes of the items seen, by their id if they have one.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl List {
    /// Whether a page has anything that was not seen before.
    fn is_news(&mut self, page: &[&RawValue]) -> bool {
        #[derive(Deserialize)]
        struct Named<'a> {
            #[serde(borrow)]
            id: &'a RawValue,
        }

        let mut news = false;
        for item in page {
            let named = serde_json::from_str::<Named<'_>>(item.get());
            let name = named
                .as_ref()
                .map_or_else(|_| item.get(), |named| named.id.get());
            news |= self.seen.insert(self.hasher.hash_one(name));
        }
        news
    }
}

/// Prints responses in the requested format.
pub(super) struct Printer<'a> {
    ui: &'a Ui,
    out: Stream,
    filter: Option<Filter>,
    include: bool,
    for_people: bool,
    most_pages: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(ui: &'a Ui, system: &System, filter: Option<Filter>, include: bool) -> Self {
        Self {
            ui,
            for_people: ui.format() == Format::Table && system.out.is_terminal(),
            out: system.out.clone(),
            filter,
            include,
            most_pages: system.most_pages,
        }
    }

    fn head(&self, answer: &RawAnswer) -> Result<(), Error> {
        if !self.include {
            return Ok(());
        }
        let headers = answer.headers.iter();
        let headers: String = headers
            .map(|(name, value)| format!("{name}: {}\n", escape_control(value)))
            .collect();
        self.ui
            .data(&format!("HTTP {}\n{headers}\n", answer.status))
    }

    async fn whole(&self, body: &[u8]) -> Result<(), Error> {
        if body.is_empty() {
            return Ok(());
        }
        if let Some(filter) = &self.filter {
            return self.lines(&filter.run(body).await?);
        }
        if self.ui.format() == Format::Jsonl
            && let Ok(list) = serde_json::from_slice::<Vec<&RawValue>>(body)
        {
            return self.lines(&list.iter().map(|item| compact(item)).collect::<Vec<_>>());
        }
        self.plain(body)
    }

    fn plain(&self, body: &[u8]) -> Result<(), Error> {
        if !self.for_people {
            return self.bytes(body);
        }
        match (
            serde_json::from_slice::<&RawValue>(body),
            str::from_utf8(body),
        ) {
            (Ok(json), _) => self.ui.data(&format!("{}\n", pretty(json.get(), 0))),
            (Err(_), Ok(text)) => self.ui.data(&format!("{}\n", escape_control(text))),
            (Err(_), Err(_)) => Err(Error::usage(format!(
                "the answer is no text but {} bytes of something else",
                body.len()
            ))
            .hint("send it into a file with `> FILE`")),
        }
    }

    async fn page(&self, body: &[u8], page: &[&RawValue], list: &mut List) -> Result<(), Error> {
        if let Some(filter) = &self.filter {
            return self.lines(&filter.run(body).await?);
        }
        if self.ui.format() == Format::Jsonl {
            return self.lines(&page.iter().map(|item| compact(item)).collect::<Vec<_>>());
        }
        let mut text = String::new();
        for item in page {
            text.push_str(if list.printed == 0 { "[" } else { "," });
            if self.for_people {
                text.push_str("\n  ");
                text.push_str(&pretty(item.get(), 1));
            } else {
                text.push_str(item.get());
            }
            list.printed += 1;
        }
        self.ui.data(&text)
    }

    fn end(&self, list: &List) -> Result<(), Error> {
        if self.filter.is_some() || self.ui.format() == Format::Jsonl {
            return Ok(());
        }
        self.ui.data(match (list.printed, self.for_people) {
            (0, _) => "[]\n",
            (_, true) => "\n]\n",
            (_, false) => "]\n",
        })
    }

    fn lines(&self, lines: &[String]) -> Result<(), Error> {
        let text: String = lines.iter().map(|line| self.shown(line) + "\n").collect();
        self.ui.data(&text)
    }

    /// A line as it may go to a terminal.
    fn shown(&self, line: &str) -> String {
        if self.for_people {
            escape_control(line)
        } else {
            line.to_owned()
        }
    }

    /// Bytes as they came; text gets a final newline.
    fn bytes(&self, body: &[u8]) -> Result<(), Error> {
        match str::from_utf8(body) {
            Ok(text) if text.ends_with('\n') => self.ui.data(text),
            Ok(text) => self.ui.data(&format!("{text}\n")),
            Err(_) => {
                let mut out = self.out.clone();
                out.write_all(body)
                    .and_then(|()| out.flush())
                    .map_err(|error| {
                        Error::internal(error).context("cannot write to standard output")
                    })
            }
        }
    }
}

/// JSON on one line.
fn compact(json: &RawValue) -> String {
    let text = json.get();
    if text.contains('\n') {
        // Line ends can only be white space between tokens: in strings they are escaped.
        return text.replace(['\n', '\r'], " ");
    }
    text.to_owned()
}
