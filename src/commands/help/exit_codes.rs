//! The topic `exit-codes`: the meaning of a command's exit code.

use serde_json::json;

use crate::commands::help::{Page, Topic};
use crate::error::exit_codes;
use crate::report::wrapped;

pub(super) const TOPIC: Topic = Topic {
    name: "exit-codes",
    about: "what the exit code of a command means",
    page: Page::Made {
        text: page,
        rows: || {
            let rows = exit_codes().into_iter().map(
            |(code, kinds, meaning)| json!({ "code": code, "kinds": kinds, "meaning": meaning }),
        );
            ("exit_codes", rows.collect())
        },
    },
};

fn page(width: usize) -> String {
    let mut page = wrapped(
        "Every command ends with one of these codes. With `-o json` an error says its kind too, as one object on standard \
         error.",
        "",
        width,
    );
    page.push('\n');
    for (code, kinds, meaning) in exit_codes() {
        let kinds = match kinds.is_empty() {
            true => String::new(),
            false => format!(" ({})", kinds.join(", ")),
        };
        let meaning = format!("{meaning}{kinds}");
        page.push_str(&wrapped(&meaning, &format!("{code:>4}  "), width));
    }
    page
}
