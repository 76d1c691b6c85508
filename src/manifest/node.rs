//! JSON and YAML as a tree in which every value has a position.

use std::borrow::Cow;

use granit_parser::{Event, ScalarStyle, ScanError, Span};

use crate::manifest::problem::{Place, Placed, Problem};

/// A value. Numbers and booleans keep their spelling, so that an id `007` stays one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Text(String),
    List(Vec<Placed<Self>>),
    Map(Members),
}

/// The members of an object, in order.
pub(super) type Members = Vec<(Placed<String>, Placed<Node>)>;

/// The parser's output.
pub(super) type Parsed<'a> = Result<(Event<'a>, Span), ScanError>;

/// How deep values may be nested: far more than a manifest needs, and too little to exhaust the stack.
const DEEPEST: usize = 16;

/// The start of `span`, in a text whose first line is `first`.
pub(super) fn place(span: Span, first: u64) -> Place {
    Place {
        line: span.start.line() as u64 + first - 1,
        column: span.start.col() as u64 + 1,
    }
}

/// A parser's error as a problem, in a text whose first line is `first`.
pub(super) fn problem(error: &ScanError, first: u64) -> Problem {
    let marker = error.marker();
    let place = Place {
        line: marker.line() as u64 + first - 1,
        column: marker.col() as u64 + 1,
    };
    let text = error.to_string();
    // The parser appends the position to its message.
    let text = text.split(" at char ").next().unwrap_or(&text);
    Problem::at(place, text)
}

/// Builds values from the parser's output.
pub(super) struct Builder<'p, 'a> {
    pub(super) events: &'p mut dyn Iterator<Item = Parsed<'a>>,
    /// The number of the first line.
    pub(super) first: u64,
}

impl Builder<'_, '_> {
    /// The value that starts with `event`.
    pub(super) fn node(
        &mut self,
        event: &Event<'_>,
        span: Span,
        depth: usize,
    ) -> Result<Placed<Node>, Problem> {
        let place = place(span, self.first);
        // Recursion without a limit would exhaust the stack on a hostile file.
        if depth > DEEPEST {
            return Err(Problem::at(place, "the value is nested too deeply"));
        }
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(text, *style),
            Event::SequenceStart(..) => Node::List(self.list(depth)?),
            Event::MappingStart(..) => Node::Map(self.map(depth)?),
            Event::Alias(..) => {
                // An alias can expand to far more than the file holds.
                return Err(Problem::at(
                    place,
                    "aliases are not supported; write shared values under `defaults`",
                ));
            }
            _ => return Err(Problem::at(place, "a value is missing here")),
        };
        Ok(Placed { place, value })
    }

    /// The members of a mapping whose start has been read.
    pub(super) fn map(&mut self, depth: usize) -> Result<Members, Problem> {
        let mut members = Vec::new();
        loop {
            let (event, span) = self.event()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(members);
            }
            let key = self.node(&event, span, depth + 1)?;
            let Node::Text(name) = key.value else {
                return Err(Problem::at(key.place, "a key must be text"));
            };
            let (event, span) = self.event()?;
            let value = self.node(&event, span, depth + 1)?;
            let key = Placed {
                place: key.place,
                value: name,
            };
            members.push((key, value));
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Placed<Node>>, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.event()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(items);
            }
            items.push(self.node(&event, span, depth + 1)?);
        }
    }

    fn event(&mut self) -> Result<(Event<'static>, Span), Problem> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((owned(event), span)),
            Some(Err(error)) => Err(problem(&error, self.first)),
            None => Err(Problem::at(
                Place {
                    line: self.first,
                    column: 1,
                },
                "the text ends too early",
            )),
        }
    }
}

/// The same event, detached from the text it was read from.
fn owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Scalar(text, style, anchor, _) => {
            Event::Scalar(Cow::Owned(text.into_owned()), style, anchor, None)
        }
        Event::SequenceStart(style, anchor, _) => Event::SequenceStart(style, anchor, None),
        Event::MappingStart(style, anchor, _) => Event::MappingStart(style, anchor, None),
        Event::SequenceEnd => Event::SequenceEnd,
        Event::MappingEnd => Event::MappingEnd,
        Event::Alias(id) => Event::Alias(id),
        _ => Event::StreamEnd,
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Node {
    // Only unquoted: `"null"` is a text.
    let is_null = matches!(text, "" | "~" | "null" | "Null" | "NULL");
    if style == ScalarStyle::Plain && is_null {
        Node::Null
    } else {
        Node::Text(text.to_owned())
    }
}
