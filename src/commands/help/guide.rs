//! The topics that are guides: texts beside the code they describe, in a subset of Markdown.

use serde_json::{Value, json};

use crate::commands::help::{Page, Topic};
use crate::emulator::Switches;
use crate::report::wrapped;

pub(super) const SETTINGS: Topic = Topic {
    name: "settings",
    about: "where settings and secrets come from, and which source wins",
    page: Page::Guide(SETTINGS_TEXT),
};

pub(super) const MANIFESTS: Topic = Topic {
    name: "manifests",
    about: "files of users for plan and apply: formats, columns, checks",
    page: Page::Guide(MANIFESTS_TEXT),
};

pub(super) const SINKS: Topic = Topic {
    name: "sinks",
    about: "where the secrets of API keys go, and how none is lost",
    page: Page::Guide(SINKS_TEXT),
};

pub(super) const MOVING_USERS: Topic = Topic {
    name: "moving-users",
    about: "give a person a new external_user_id with everything kept",
    page: Page::Guide(MOVING_USERS_TEXT),
};

pub(super) const CI: Topic = Topic {
    name: "ci",
    about: "embedctl in scripts and CI jobs",
    page: Page::Guide(CI_TEXT),
};

pub(super) const TROUBLESHOOTING: Topic = Topic {
    name: "troubleshooting",
    about: "what to run when something does not work",
    page: Page::Guide(TROUBLESHOOTING_TEXT),
};

pub(super) const LOCAL_LOOKER: Topic = Topic {
    name: "local-looker",
    about: "the emulator: its state, its faults, and a switch for each unknown",
    page: Page::Made {
        text: |width| render(LOCAL_LOOKER_TEXT, width) + &switches(width),
        rows: || sections(LOCAL_LOOKER_TEXT),
    },
};

const SETTINGS_TEXT: &str = include_str!("../../config/settings.md");
const MANIFESTS_TEXT: &str = include_str!("../../manifest/manifests.md");
const SINKS_TEXT: &str = include_str!("../../sink/sinks.md");
const MOVING_USERS_TEXT: &str = include_str!("../../workflow/rotate_id/moving-users.md");
const CI_TEXT: &str = include_str!("ci.md");
const TROUBLESHOOTING_TEXT: &str = include_str!("troubleshooting.md");
const LOCAL_LOOKER_TEXT: &str = include_str!("../../emulator/local-looker.md");

/// A guide for a terminal of this width. A paragraph is one line of the text; a line indented by four spaces is kept as it
/// is, because it is meant to be copied.
pub(super) fn render(guide: &str, width: usize) -> String {
    let mut page = String::new();
    for line in guide.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            page.extend([title.to_uppercase().as_str(), "\n"]);
        } else if let Some(item) = line.strip_prefix("* ") {
            page.push_str(&wrapped(item, "* ", width));
        } else if line.is_empty() || line.starts_with("    ") {
            page.extend([line, "\n"]);
        } else {
            page.push_str(&wrapped(line, "", width));
        }
    }
    page
}

/// The sections of a guide for programs; the first has no title.
pub(super) fn sections(guide: &str) -> (&'static str, Vec<Value>) {
    let sections = format!("\n{guide}");
    let sections = sections
        .split("\n## ")
        .enumerate()
        .map(|(number, section)| {
            let (title, text) = match number {
                0 => ("", section),
                _ => section.split_once('\n').unwrap_or((section, "")),
            };
            json!({ "title": title, "text": text.trim() })
        });
    ("sections", sections.collect())
}

/// The switches of the local Looker, each with its default.
fn switches(width: usize) -> String {
    let mut page = "\n".to_owned();
    for switch in Switches::all() {
        page.extend(["    ", switch.name, "=", &switch.default_value(), "\n"]);
        page.push_str(&wrapped(switch.doc, "        ", width));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_and_what_is_to_be_copied_is_not() {
        let guide =
            "One two three.\n\n## Title\n\n* four five six\n\n    embedctl apply users.csv\n";

        assert_eq!(
            render(guide, 10),
            "One two\nthree.\n\nTITLE\n\n* four\n  five six\n\n    embedctl apply users.csv\n"
        );
    }

    #[test]
    fn sections_have_a_title_and_a_text() {
        let (_, sections) = sections("Intro.\n\n## One\n\nText.\n");

        assert_eq!(
            json!(sections),
            json!([{ "title": "", "text": "Intro." }, { "title": "One", "text": "Text." }])
        );
    }
}
