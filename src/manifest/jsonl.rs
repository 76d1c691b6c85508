//! Manifests as JSON Lines: one object per user.

use granit_parser::{Event, Parser};
use serde::de::IgnoredAny;

use crate::manifest::Item;
use crate::manifest::lines::{Line, Lines};
use crate::manifest::node::{Builder, Node, problem};
use crate::manifest::problem::{Place, Placed, Problem};
use crate::manifest::sheet::Sheet;
use crate::plan::Row;

/// Reads users from JSON Lines.
pub(super) struct Jsonl {
    lines: Lines,
    sheet: Sheet,
}

impl Jsonl {
    pub(super) fn new(lines: Lines, sheet: Sheet) -> Self {
        Self { lines, sheet }
    }

    fn line(&mut self, line: &Line) {
        match parse(line) {
            Ok(node) => user(&mut self.sheet, Row::default(), node),
            Err(problem) => self.sheet.problem(problem),
        }
    }
}

impl Iterator for Jsonl {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.sheet.pop() {
                return Some(item);
            }
            match self.lines.next()? {
                // Empty lines are allowed, as at the end of a file.
                Ok(line) if line.text.trim().is_empty() => {}
                Ok(line) => self.line(&line),
                Err(problem) => self.sheet.problem(problem),
            }
        }
    }
}

/// A user written as an object, on top of `defaults`.
pub(super) fn user(sheet: &mut Sheet, defaults: Row, node: Placed<Node>) {
    let place = node.place;
    let Node::Map(members) = node.value else {
        sheet.problem(Problem::at(
            place,
            "a user is an object, as in `{external_user_id: acme-42}`",
        ));
        return;
    };
    let mut row = defaults;
    let mut before = Vec::new();
    for (name, value) in &members {
        if let Some(column) = sheet.key(name, &before) {
            sheet.fill(&mut row, &column, value);
            before.push(column);
        }
    }
    sheet.row(row, place);
}

/// JSON is also YAML, and only the YAML parser reports positions; whether it is valid JSON is decided by the JSON parser.
fn parse(line: &Line) -> Result<Placed<Node>, Problem> {
    let at = |column| Place {
        line: line.number,
        column,
    };
    // Parsed as JSON first, because the YAML parser below, which gives positions, accepts more than
    // JSON.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(&line.text) {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or(&text);
        return Err(Problem::at(
            at(error.column().max(1) as u64),
            format!("this is not JSON: {text}"),
        ));
    }
    let mut events = Parser::new_from_str(&line.text);
    loop {
        match events.next() {
            Some(Ok((Event::StreamStart | Event::DocumentStart(..), _))) => {}
            Some(Ok((event, span))) => {
                let mut builder = Builder {
                    events: &mut events,
                    first: line.number,
                };
                return builder.node(&event, span, 0);
            }
            Some(Err(error)) => return Err(problem(&error, line.number)),
            None => return Err(Problem::at(at(1), "the line is empty")),
        }
    }
}
