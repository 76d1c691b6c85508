//! The topic `looker`: what embedctl assumes about Looker, and what happens if a Looker behaves differently.

use serde_json::json;

use crate::beliefs::{self, Belief, Emulated, Evidence, Group};
use crate::commands::help::{Page, Topic};
use crate::report::wrapped;

pub(super) const TOPIC: Topic = Topic {
    name: "looker",
    about: "what embedctl assumes about Looker, on what evidence, and what happens otherwise",
    page: Page::Made {
        text: page,
        rows: || {
            (
                "beliefs",
                beliefs::all().map(|belief| json!(belief)).collect(),
            )
        },
    },
};

fn page(width: usize) -> String {
    let mut page = wrapped(INTRODUCTION, "", width);
    page.push('\n');
    page.push_str(&wrapped(&count(), "", width));
    page.push('\n');
    for (word, what) in EVIDENCE {
        page.push_str(&wrapped(what, &format!("{word:<12}"), width));
    }
    for group in Group::ALL {
        page.extend(["\n", &group.title().to_uppercase(), "\n"]);
        for belief in beliefs::all().filter(|belief| belief.group == group) {
            page.push('\n');
            page.push_str(&row(belief, width));
        }
    }
    page
}

const INTRODUCTION: &str = "embedctl was written without access to a Looker. This page lists what it assumes about Looker, each \
    belief with its evidence and with what a command does if your Looker behaves differently: the command either reaches \
    its goal or reports that it did not. `embedctl doctor --probe` checks on your own Looker what can be checked without \
    harm, and saves the answers. `emulator --switch NAME=VALUE` gives the local Looker the other behaviour.";

const EVIDENCE: [(&str, &str); 5] = [
    ("recorded", "a real Looker was recorded doing it"),
    (
        "specified",
        "Looker's API description or documentation says so",
    ),
    (
        "staff code",
        "code that Looker's staff published relies on it",
    ),
    ("told", "a third party says so"),
    ("none", "no source; it is a guess"),
];

fn count() -> String {
    let of = |evidence| {
        let beliefs = beliefs::all().filter(|belief| belief.evidence == evidence);
        format!("{} {}", beliefs.count(), evidence.word())
    };
    let counts = Evidence::ALL.map(of).join(", ");
    format!("{} beliefs: {counts}.", beliefs::all().count())
}

fn row(belief: &Belief, width: usize) -> String {
    const INDENT: &str = "            ";
    let mut row = format!("{:<12}{}\n", belief.evidence.word(), belief.id);
    let mut say = |first: &str, what: &str| {
        row.push_str(&wrapped(what, &format!("{INDENT}{first}"), width));
    };
    say("", belief.claim);
    if !belief.place.is_empty() {
        say("from: ", belief.place);
    }
    say("if not: ", belief.if_false);
    match belief.emulator {
        Emulated::Switch(name) => say("local Looker: ", &format!("`--switch {name}=…`")),
        Emulated::Option(option) => say("local Looker: ", &format!("`{option}`")),
        Emulated::Fault(fault) => say("local Looker: ", &format!("`--fault {fault}`")),
        Emulated::Without(why) => say("local Looker: ", &format!("always so, {why}")),
    }
    if let Some(probe) = belief.probe {
        say("probe: ", probe.word());
    }
    row
}
