//! Manifests as YAML: a list of users, or `defaults`, `users` and `tenants` with their own defaults and users.

use std::sync::{Arc, Mutex, PoisonError};

use granit_parser::{BufferedInput, Event, Parser, Span};

use crate::manifest::Item;
use crate::manifest::columns::Column;
use crate::manifest::jsonl::user;
use crate::manifest::lines::{Line, Lines};
use crate::manifest::node::{Builder, Node, place, problem};
use crate::manifest::problem::{Place, Placed, Problem};
use crate::manifest::sheet::Sheet;
use crate::plan::Row;

/// Reads users from YAML.
pub(super) struct Yaml {
    events: Parser<'static, BufferedInput<Characters>>,
    /// Why the text could not be read to its end.
    broken: Broken,
    sheet: Sheet,
    levels: Vec<Level>,
    ended: bool,
}

type Broken = Arc<Mutex<Option<Problem>>>;

/// The reader's position.
enum Level {
    /// In the top mapping, or in that of a tenant.
    Group {
        defaults: Row,
        tenant: bool,
        /// Whether users or tenants have been read, after which defaults are too late.
        begun: bool,
    },
    /// In the mapping of tenants.
    Tenants { defaults: Row },
    /// In a list of users.
    Users { defaults: Row },
}

impl Yaml {
    pub(super) fn new(lines: Lines, sheet: Sheet) -> Self {
        let broken = Broken::default();
        let characters = Characters {
            lines,
            line: String::new(),
            at: 0,
            broken: Arc::clone(&broken),
        };
        Self {
            events: Parser::new_from_iter(characters),
            broken,
            sheet,
            levels: Vec::new(),
            ended: false,
        }
    }

    fn step(&mut self) -> Result<(), Problem> {
        let (event, span) = match self.events.next() {
            Some(Ok(event)) => event,
            Some(Err(error)) => return Err(problem(&error, 1)),
            None => {
                self.ended = true;
                return Ok(());
            }
        };
        match self.levels.pop() {
            None => self.top(&event, span),
            Some(Level::Users { .. }) if matches!(event, Event::SequenceEnd) => Ok(()),
            Some(Level::Users { defaults }) => {
                let node = self.node(&event, span)?;
                user(&mut self.sheet, defaults.clone(), node);
                self.levels.push(Level::Users { defaults });
                Ok(())
            }
            Some(_) if matches!(event, Event::MappingEnd) => Ok(()),
            Some(Level::Tenants { defaults }) => {
                self.levels.push(Level::Tenants {
                    defaults: defaults.clone(),
                });
                self.tenant(defaults)
            }
            Some(Level::Group {
                defaults,
                tenant,
                begun,
            }) => self.member(&event, span, defaults, (tenant, begun)),
        }
    }

    fn top(&mut self, event: &Event<'static>, span: Span) -> Result<(), Problem> {
        let defaults = Row::default();
        match event {
            Event::SequenceStart(..) => self.levels.push(Level::Users { defaults }),
            Event::MappingStart(..) => self.levels.push(Level::Group {
                defaults,
                tenant: false,
                begun: false,
            }),
            event if event.is_node() => {
                let node = self.node(event, span)?;
                if node.value != Node::Null {
                    let message = "a manifest is a list of users, or has `users` or `tenants`";
                    self.sheet.problem(Problem::at(node.place, message));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A tenant, after its name.
    fn tenant(&mut self, defaults: Row) -> Result<(), Problem> {
        let (event, span) = self.event()?;
        match event {
            Event::SequenceStart(..) => self.levels.push(Level::Users { defaults }),
            Event::MappingStart(..) => self.levels.push(Level::Group {
                defaults,
                tenant: true,
                begun: false,
            }),
            event => {
                let node = self.node(&event, span)?;
                let message = "a tenant has `users`, and may have `defaults`";
                self.sheet.problem(Problem::at(node.place, message));
            }
        }
        Ok(())
    }

    /// A member of the top mapping or of a tenant.
    fn member(
        &mut self,
        event: &Event<'static>,
        span: Span,
        defaults: Row,
        (tenant, begun): (bool, bool),
    ) -> Result<(), Problem> {
        let key = self.node(event, span)?;
        let name = match &key.value {
            Node::Text(name) => name.as_str(),
            _ => "",
        };
        let (event, span) = self.event()?;
        let at = place(span, 1);
        let group = |defaults, begun| Level::Group {
            defaults,
            tenant,
            begun,
        };
        match (name, &event) {
            ("users", Event::SequenceStart(..)) => {
                // The group continues after its users.
                self.levels.push(group(defaults.clone(), true));
                self.levels.push(Level::Users { defaults });
            }
            ("tenants", Event::MappingStart(..)) if !tenant => {
                self.levels.push(group(defaults.clone(), true));
                self.levels.push(Level::Tenants { defaults });
            }
            _ => {
                let node = self.node(&event, span)?;
                let mut defaults = defaults;
                match name {
                    // Users are passed on as they are read, so defaults after them would come too
                    // late.
                    "defaults" if begun => {
                        let message = "`defaults` must come before the users they apply to";
                        self.sheet.problem(Problem::at(key.place, message));
                    }
                    "defaults" => self.defaults(&mut defaults, &node),
                    "users" | "tenants" if node.value == Node::Null => {}
                    "users" => self
                        .sheet
                        .problem(Problem::at(at, "`users` must be a list of users")),
                    "tenants" if !tenant => self.sheet.problem(Problem::at(
                        at,
                        "`tenants` must be an object: the name of each tenant, and what it has",
                    )),
                    _ => self.sheet.problem(unknown(&key, tenant)),
                }
                self.levels.push(group(defaults, begun));
            }
        }
        Ok(())
    }

    fn defaults(&mut self, defaults: &mut Row, node: &Placed<Node>) {
        let members = match &node.value {
            Node::Map(members) => members.as_slice(),
            Node::Null => return,
            _ => {
                let message = "`defaults` must be an object, as in `{models: [orders]}`";
                self.sheet.problem(Problem::at(node.place, message));
                return;
            }
        };
        let mut before = Vec::new();
        for (name, value) in members {
            match self.sheet.key(name, &before) {
                Some(Column::ExternalUserId) => {
                    let message = "every user needs its own `external_user_id`";
                    self.sheet.problem(Problem::at(name.place, message));
                }
                Some(column) => {
                    self.sheet.fill(defaults, &column, value);
                    before.push(column);
                }
                None => {}
            }
        }
    }

    fn node(&mut self, event: &Event<'_>, span: Span) -> Result<Placed<Node>, Problem> {
        let mut builder = Builder {
            events: &mut self.events,
            first: 1,
        };
        builder.node(event, span, 0)
    }

    fn event(&mut self) -> Result<(Event<'static>, Span), Problem> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(problem(&error, 1)),
            None => Err(Problem::at(
                Place { line: 1, column: 1 },
                "the text ends too early",
            )),
        }
    }
}

impl Iterator for Yaml {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.sheet.pop() {
                // Problems of the last step are returned first.
                return Some(item);
            }
            if self.ended {
                return None;
            }
            let stepped = self.step();
            let broken = self
                .broken
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            // A text that could not be read to its end explains whatever the parser complains about.
            if let Some(problem) = broken.or_else(|| stepped.err()) {
                // After an error the parser's position is lost.
                self.ended = true;
                self.sheet.problem(problem);
            }
        }
    }
}

fn unknown(key: &Placed<Node>, tenant: bool) -> Problem {
    let known = if tenant {
        "`defaults` and `users`"
    } else {
        "`defaults`, `users` and `tenants`"
    };
    let message = match &key.value {
        Node::Text(name) => format!("there is no key `{name}` here, only {known}"),
        _ => format!("the keys here are {known}"),
    };
    Problem::at(key.place, message)
}

/// The characters of the text, read line by line.
struct Characters {
    lines: Lines,
    line: String,
    /// Where the next character of the line starts.
    at: usize,
    broken: Broken,
}

impl Iterator for Characters {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            let next = self
                .line
                .get(self.at..)
                .and_then(|rest| rest.chars().next());
            if let Some(next) = next {
                self.at += next.len_utf8();
                return Some(next);
            }
            match self.lines.next()? {
                Ok(Line { text, .. }) => {
                    self.line = text + "\n";
                    self.at = 0;
                }
                Err(problem) => {
                    *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                    return None;
                }
            }
        }
    }
}
