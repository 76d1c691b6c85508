//! The topic `exit-codes`: the meaning of a command's exit code.

use serde_json::json;

use crate::commands::help::{Page, Topic};
use crate::error::{Exit, Kind};
use crate::report::wrapped;

pub(super) const TOPIC: Topic = Topic {
    name: "exit-codes",
    about: "what the exit code of a command means",
    page: Page::Made {
        text: page,
        rows: || {
            let rows = rows().into_iter().map(
            |(code, kinds, meaning)| json!({ "code": code, "kinds": kinds, "meaning": meaning }),
        );
            ("exit_codes", rows.collect())
        },
    },
};

/// Each code with the kinds of error that cause it.
fn rows() -> Vec<(u8, Vec<&'static str>, &'static str)> {
    let mut rows = vec![(Exit::Done.code(), Vec::new(), "done")];
    for kind in Kind::ALL {
        match rows.last_mut() {
            Some((code, kinds, _)) if *code == kind.exit_code() => kinds.push(kind.word()),
            _ => rows.push((kind.exit_code(), vec![kind.word()], kind.meaning())),
        }
    }
    let changes = "there is something to do (`plan --detailed-exitcode`)";
    let at = rows.partition_point(|(code, ..)| *code < Exit::Changes.code());
    rows.insert(at, (Exit::Changes.code(), Vec::new(), changes));
    rows
}

fn page(width: usize) -> String {
    let mut page = wrapped(
        "Every command ends with one of these codes. With `-o json` an error says its kind too, as one object on standard \
         error.",
        "",
        width,
    );
    page.push('\n');
    for (code, kinds, meaning) in rows() {
        let kinds = match kinds.is_empty() {
            true => String::new(),
            false => format!(" ({})", kinds.join(", ")),
        };
        let meaning = format!("{meaning}{kinds}");
        page.push_str(&wrapped(&meaning, &format!("{code:>4}  "), width));
    }
    page
}
