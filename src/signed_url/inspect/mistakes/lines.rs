//! Mistakes in the lines of the string to sign: order, missing lines, extra lines.

use crate::signed_url::inspect::attempt::{Attempt, Line};
use crate::signed_url::inspect::mistakes::Mistake;
use crate::signed_url::verify::SIGNED;

/// The optional lines, and what signers sign for those they do not send.
const OPTIONAL: [(&str, [&str; 4]); 3] = [
    ("group_ids", ["[]", "null", "", "undefined"]),
    ("external_group_id", ["\"\"", "null", "", "undefined"]),
    ("user_attributes", ["{}", "null", "", "undefined"]),
];

const ORDER: &str = "sign in this order: host, path, nonce, time, session_length, external_user_id, permissions, models, \
                     group_ids, external_group_id, user_attributes, access_filters";
const ONLY_SENT: &str = "give each of group_ids, external_group_id and user_attributes a line if it is sent, and only then";
const FILTERS: &str = "send `access_filters`, `{}` if nothing else, and sign it as the last line; Looker still wants it";

pub(super) fn mistakes(right: &Attempt) -> Vec<Mistake> {
    let names = right
        .parameters
        .iter()
        .map(|line| line.name)
        .collect::<Vec<_>>();
    let mut mistakes = ends();
    mistakes.extend(missing(&names));
    mistakes.extend(extra(&names));
    mistakes.extend(order(&names));
    mistakes.push(Mistake::new(
        "milliseconds",
        "`time` was signed in milliseconds and sent in seconds",
        "use Unix seconds in both places",
        |attempt| change(attempt, "time", |text| format!("{text}000")),
    ));
    mistakes
}

fn ends() -> Vec<Mistake> {
    let fix = "join the lines with one `\\n` between two of them, and none behind the last";
    let end = |name, message: &str, joint, end| {
        Mistake::new(name, message, fix, move |attempt| {
            attempt.joint = joint;
            attempt.end = end;
        })
    };
    vec![
        end(
            "trailing_newline",
            "the string to sign has a line break behind its last line",
            "\n",
            "\n",
        ),
        end(
            "line_breaks",
            "the lines were joined with `\\r\\n`",
            "\r\n",
            "",
        ),
        end(
            "line_breaks",
            "the lines were joined with `\\r\\n`, and one is behind the last",
            "\r\n",
            "\r\n",
        ),
        end(
            "line_breaks",
            "the lines were joined with a backslash and an `n`, as single quotes leave them",
            "\\n",
            "",
        ),
        end("line_breaks", "the lines were joined with spaces", " ", ""),
        end(
            "line_breaks",
            "the lines were joined without line breaks",
            "",
            "",
        ),
    ]
}

/// Sent, but not signed.
fn missing(names: &[&'static str]) -> Vec<Mistake> {
    let without = |name: &'static str, code, fix: &str| {
        let message = format!("`{name}` was sent, but has no line in the string to sign");
        Mistake::new(code, message, fix, move |attempt| {
            attempt.parameters.retain(|line| line.name != name);
        })
    };
    let sent = |name: &&'static str| names.contains(name);
    let mut mistakes = OPTIONAL
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| sent(name))
        .map(|name| without(name, "line_missing", ONLY_SENT))
        .collect::<Vec<_>>();
    if sent(&"access_filters") {
        mistakes.push(without("access_filters", "access_filters_missing", FILTERS));
    }
    let all =
        "group_ids, external_group_id and user_attributes have no lines in the string to sign";
    mistakes.push(Mistake::new("line_missing", all, ONLY_SENT, |attempt| {
        attempt
            .parameters
            .retain(|line| OPTIONAL.iter().all(|(name, _)| line.name != *name));
    }));
    mistakes
}

/// Signed, but not sent.
fn extra(names: &[&'static str]) -> Vec<Mistake> {
    let absent = OPTIONAL.iter().filter(|(name, _)| !names.contains(name));
    let mut mistakes = Vec::new();
    for (name, texts) in absent.clone() {
        for text in texts {
            let message = format!("`{text}` was signed for `{name}`, which was not sent");
            mistakes.push(Mistake::new(
                "line_extra",
                message,
                ONLY_SENT,
                move |attempt| {
                    insert(attempt, name, text);
                },
            ));
        }
    }
    for way in 0..4 {
        let all = absent
            .clone()
            .filter_map(|(name, texts)| Some((*name, *texts.get(way)?)));
        let all = all.collect::<Vec<_>>();
        let message = "lines were signed for group_ids, external_group_id or user_attributes, which were not sent";
        mistakes.push(Mistake::new(
            "line_extra",
            message,
            ONLY_SENT,
            move |attempt| {
                all.iter()
                    .for_each(|(name, text)| insert(attempt, name, text));
            },
        ));
    }
    if !names.contains(&"access_filters") {
        for text in ["{}", "null", ""] {
            let message = format!("`access_filters` was not sent, and `{text}` was signed for it");
            mistakes.push(Mistake::new(
                "access_filters_missing",
                message,
                FILTERS,
                move |attempt| {
                    insert(attempt, "access_filters", text);
                },
            ));
        }
    }
    mistakes
}

/// Two lines swapped, or all in a different order.
fn order(names: &[&'static str]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (at, first) in names.iter().enumerate() {
        for second in names.iter().skip(at + 1) {
            let message = format!("`{first}` and `{second}` were swapped in the string to sign");
            let (first, second) = (*first, *second);
            mistakes.push(Mistake::new(
                "lines_swapped",
                message,
                ORDER,
                move |attempt| {
                    swap(&mut attempt.parameters, first, second);
                },
            ));
        }
    }
    let message = "the parameters were signed in alphabetical order";
    mistakes.push(Mistake::new("lines_order", message, ORDER, |attempt| {
        attempt.parameters.sort_by_key(|line| line.name);
    }));
    let message = "`access_filters` was signed before the optional lines";
    mistakes.push(Mistake::new("lines_order", message, ORDER, |attempt| {
        let optional = |line: &Line| OPTIONAL.iter().any(|(name, _)| line.name == *name);
        attempt.parameters.sort_by_key(optional);
    }));
    mistakes
}

fn swap(lines: &mut [Line], first: &str, second: &str) {
    let place = |name: &str| lines.iter().position(|line| line.name == name);
    if let (Some(first), Some(second)) = (place(first), place(second)) {
        lines.swap(first, second);
    }
}

/// Insert a line where it would be if its parameter had been sent.
fn insert(attempt: &mut Attempt, name: &'static str, text: &str) {
    let rank = |name: &str| SIGNED.iter().position(|signed| *signed == name);
    let at = attempt
        .parameters
        .partition_point(|line| rank(line.name) < rank(name));
    let line = Line {
        name,
        text: text.to_owned(),
    };
    attempt.parameters.insert(at, line);
}

fn change(attempt: &mut Attempt, name: &str, change: impl Fn(&str) -> String) {
    for line in attempt
        .parameters
        .iter_mut()
        .filter(|line| line.name == name)
    {
        line.text = change(&line.text);
    }
}
