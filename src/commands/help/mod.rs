//! `embedctl help`: commands, and topics that concern many of them.

mod exit_codes;
mod guide;
mod looker;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use serde_json::{Value, json};

use crate::error::{Error, Exit};
use crate::report::{Color, Format, Ui, nearest, wants_color};
use crate::system::System;

/// Explain a command, or a topic that concerns many commands
///
/// Without an argument it lists the commands and the topics.
#[derive(clap::Args, Debug)]
pub(crate) struct HelpArgs {
    /// A command, such as `keys mint`, or a topic, such as `exit-codes`
    #[arg(value_name = "COMMAND|TOPIC", add = ArgValueCandidates::new(candidates))]
    about: Vec<String>,
}

/// A page that concerns many commands.
struct Topic {
    /// Its name on the command line.
    name: &'static str,
    /// Its summary, in one line.
    about: &'static str,
    page: Page,
}

/// The content of a topic.
enum Page {
    /// A text.
    Guide(&'static str),
    /// Generated from data.
    Made {
        /// The page for people, in this many columns.
        text: fn(usize) -> String,
        /// The rows for programs, and their name.
        rows: fn() -> (&'static str, Vec<Value>),
    },
}

impl Page {
    fn text(&self, width: usize) -> String {
        match self {
            Self::Guide(guide) => guide::render(guide, width),
            Self::Made { text, .. } => text(width),
        }
    }

    fn rows(&self) -> (&'static str, Vec<Value>) {
        match self {
            Self::Guide(guide) => guide::sections(guide),
            Self::Made { rows, .. } => rows(),
        }
    }
}

const TOPICS: [Topic; 9] = [
    guide::SETTINGS,
    guide::MANIFESTS,
    guide::SINKS,
    guide::MOVING_USERS,
    guide::CI,
    guide::TROUBLESHOOTING,
    exit_codes::TOPIC,
    guide::LOCAL_LOOKER,
    looker::TOPIC,
];

/// The width of a page, unless the terminal is narrower.
const WIDTH: usize = 80;

pub(crate) fn run(
    args: &HelpArgs,
    tree: clap::Command,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    if matches!(ui.format(), Format::Env) {
        return Err(ui.no_env_form());
    }
    let topic = match args.about.as_slice() {
        [name] => TOPICS.iter().find(|topic| topic.name == *name),
        _ => None,
    };
    match topic {
        Some(topic) => page(topic, ui, system)?,
        None => command(&args.about, tree, ui, system)?,
    }
    Ok(Exit::Done)
}

fn page(topic: &Topic, ui: &Ui, system: &System) -> Result<(), Error> {
    match ui.format() {
        Format::Jsonl => {
            let (_, rows) = topic.page.rows();
            rows.iter().try_for_each(|row| ui.json(row))
        }
        Format::Json => {
            let (called, rows) = topic.page.rows();
            ui.json(&json!({ "topic": topic.name, called: rows }))
        }
        Format::Table | Format::Env => {
            let columns = system.var("COLUMNS");
            let columns = columns.and_then(|columns| columns.parse().ok());
            ui.data(&topic.page.text(columns.unwrap_or(WIDTH).clamp(40, WIDTH)))
        }
    }
}

/// The help of the command at `path`; if it is empty, that of the program, with the topics.
fn command(
    path: &[String],
    mut tree: clap::Command,
    ui: &Ui,
    system: &System,
) -> Result<(), Error> {
    tree.build();
    let mut command = &mut tree;
    for (depth, name) in path.iter().enumerate() {
        if command.find_subcommand(name).is_none() {
            return Err(unknown(path, depth, command));
        }
        command = command
            .find_subcommand_mut(name)
            .expect("it has just been found");
    }
    if matches!(ui.format(), Format::Json | Format::Jsonl) {
        let below = command.get_subcommands().map(|below| {
            let about = below.get_about().map(ToString::to_string);
            json!({ "name": below.get_name(), "about": about })
        });
        let below: Vec<Value> = below.collect();
        let text = command.render_long_help().to_string();
        let topics = path.is_empty().then(|| {
            let topics = TOPICS.iter();
            let topics = topics.map(|topic| json!({ "name": topic.name, "about": topic.about }));
            topics.collect::<Vec<_>>()
        });
        let mut value = json!({ "command": path.join(" "), "text": text, "commands": below });
        if let (Some(topics), Some(members)) = (topics, value.as_object_mut()) {
            members.insert("topics".to_owned(), topics.into());
        }
        return ui.json(&value);
    }
    let help = command.render_long_help();
    let mut text = match wants_color(Color::Auto, &system.out, system) {
        true => help.ansi().to_string(),
        false => help.to_string(),
    };
    if path.is_empty() {
        text.push_str(&list());
    }
    ui.data(&text)
}

/// The topics, as listed after the commands.
fn list() -> String {
    let mut text = "\nTopics of `embedctl help TOPIC`:\n".to_owned();
    let width = TOPICS.iter().map(|topic| topic.name.len()).max();
    let width = width.unwrap_or_default();
    for topic in &TOPICS {
        text.extend([format!("  {:width$}  {}\n", topic.name, topic.about)]);
    }
    text
}

fn unknown(path: &[String], depth: usize, command: &clap::Command) -> Error {
    let name = path.get(depth).map(String::as_str).unwrap_or_default();
    let topics = TOPICS.iter().map(|topic| topic.name);
    let topics = topics.filter(|_| depth == 0);
    let below = command.get_subcommands().map(clap::Command::get_name);
    let what = match path.get(..depth) {
        Some([]) | None => format!("there is no command or topic `{name}`"),
        Some(above) => format!("`{}` has no command `{name}`", above.join(" ")),
    };
    let error = Error::usage(what);
    match nearest(name, below.chain(topics)) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint("`embedctl help` lists the commands and the topics"),
    }
}

/// Completions of the argument, besides commands.
fn candidates() -> Vec<CompletionCandidate> {
    let topics = TOPICS.iter();
    topics
        .map(|topic| CompletionCandidate::new(topic.name).help(Some(topic.about.into())))
        .collect()
}
