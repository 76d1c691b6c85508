//! Values that were signed right and sent otherwise, or the other way round: the same meaning in another form.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::signed_url::inspect::attempt::{Attempt, Line};
use crate::signed_url::inspect::mistakes::Mistake;

const SAME: &str = "put the same text into the URL and the string to sign";

const LEAVE_OUT: &str =
    "leave an optional parameter without a value out, of the URL and of the string to sign";

/// The most members of a list whose every order is tried.
const MOST_MEMBERS: usize = 5;

/// How many seconds may lie between two looks at the clock.
const SECONDS: i64 = 5;

/// A value in another form, or `None` if it has no such form.
type Form = fn(&str) -> Option<String>;

/// What was signed for what was sent: the name of the mistake, what it is, what to do, and the form that was signed.
const FORMS: [(&str, &str, &str, Form); 12] = [
    (
        "value_unquoted",
        "was signed with its JSON quotes, and sent without",
        "send the text of JSON, with its quotes, percent-encoded",
        quoted,
    ),
    (
        "single_quotes",
        "was signed with double quotes, and sent with single ones",
        "write each value as JSON: in Python `json.dumps(value)`, not `str(value)`",
        double_quoted,
    ),
    (
        "number_as_text",
        "was signed as a number, and sent as text",
        SAME,
        numbers,
    ),
    (
        "number_as_text",
        "was signed as text, and sent as a number",
        SAME,
        texts,
    ),
    (
        "value_encoded_twice",
        "was percent-encoded twice for the URL",
        "percent-encode each value once: a library for URLs does it already",
        decoded,
    ),
    (
        "plus_not_encoded",
        "has a `+` that is not percent-encoded, and arrives as a space",
        "write `+` as `%2B` in the URL",
        |text| text.contains(' ').then(|| text.replace(' ', "+")),
    ),
    (
        "list_order",
        "was signed with its list sorted, and sent unsorted",
        SAME,
        sorted,
    ),
    (
        "list_order",
        "was signed with its list in reverse",
        SAME,
        reversed,
    ),
    (
        "value_empty",
        "was signed as `undefined`, and sent empty",
        LEAVE_OUT,
        |text| text.is_empty().then(|| "undefined".to_owned()),
    ),
    (
        "value_empty",
        "was signed as `null`, and sent empty",
        LEAVE_OUT,
        |text| text.is_empty().then(|| "null".to_owned()),
    ),
    (
        "null_or_empty",
        "was signed as `null`, and sent empty",
        SAME,
        |text| {
            ["[]", "{}", "\"\""]
                .contains(&text)
                .then(|| "null".to_owned())
        },
    ),
    (
        "null_or_empty",
        "was signed as an empty list, and sent as `null`",
        SAME,
        |text| (text == "null").then(|| "[]".to_owned()),
    ),
];

pub(super) fn mistakes(right: &Attempt) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (name, what, fix, form) in FORMS {
        let changed = changes(&right.parameters, form);
        let named: Vec<String> = changed
            .iter()
            .map(|line| format!("`{}`", line.name))
            .collect();
        if named.is_empty() {
            continue;
        }
        mistakes.push(signed_as(
            name,
            &format!("{} {what}", named.join(", ")),
            fix,
            changed.clone(),
        ));
        if let [_, _, ..] = &changed[..] {
            for line in changed {
                let what = format!("`{}` {what}", line.name);
                mistakes.push(signed_as(name, &what, fix, vec![line]));
            }
        }
    }
    mistakes.extend(orders(&right.parameters));
    mistakes.extend(times(&right.parameters));
    mistakes
}

/// The lines that have this form.
fn changes(lines: &[Line], form: Form) -> Vec<Line> {
    let changed = lines.iter().filter_map(|line| {
        let text = form(&line.text).filter(|text| *text != line.text)?;
        Some(Line {
            name: line.name,
            text,
        })
    });
    changed.collect()
}

fn signed_as(name: &'static str, what: &str, fix: &str, lines: Vec<Line>) -> Mistake {
    Mistake::new(name, what, fix, move |attempt| {
        for line in &mut attempt.parameters {
            if let Some(signed) = lines.iter().find(|signed| signed.name == line.name) {
                line.text.clone_from(&signed.text);
            }
        }
    })
}

/// Every order of a short list.
fn orders(lines: &[Line]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for line in lines {
        let Ok(Value::Array(members)) = serde_json::from_str(&line.text) else {
            continue;
        };
        if !(3..=MOST_MEMBERS).contains(&members.len()) {
            continue;
        }
        for order in permutations(members) {
            let what = format!(
                "the list `{}` was signed in another order than it was sent",
                line.name
            );
            let text = spelled_as(&line.text, &Value::Array(order));
            let line = Line {
                name: line.name,
                text,
            };
            mistakes.push(signed_as("list_order", &what, SAME, vec![line]));
        }
    }
    mistakes
}

fn permutations(members: Vec<Value>) -> Vec<Vec<Value>> {
    let mut orders = vec![Vec::new()];
    for member in members {
        let longer = orders.iter().flat_map(|order: &Vec<Value>| {
            (0..=order.len()).map(|at| {
                let mut order = order.clone();
                order.insert(at, member.clone());
                order
            })
        });
        orders = longer.collect();
    }
    orders
}

/// Two looks at the clock, one for the URL and one for the string to sign.
fn times(lines: &[Line]) -> Vec<Mistake> {
    let time = lines.iter().find(|line| line.name == "time");
    let Some(time) = time.and_then(|line| line.text.parse::<i64>().ok()) else {
        return Vec::new();
    };
    let differences = (1..=SECONDS).flat_map(|seconds| [seconds, -seconds]);
    let mistake = |seconds: i64| {
        let line = Line {
            name: "time",
            text: time.saturating_add(seconds).to_string(),
        };
        let what = format!(
            "`time` was signed {} seconds apart from the one that was sent",
            seconds.abs()
        );
        signed_as(
            "time_twice",
            &what,
            "ask for the time once, and use it in both places",
            vec![line],
        )
    };
    differences.map(mistake).collect()
}

fn quoted(text: &str) -> Option<String> {
    let bare =
        serde_json::from_str::<Value>(text).is_err() && !text.starts_with(['[', '{', '"', '\'']);
    bare.then(|| Value::from(text).to_string())
}

fn double_quoted(text: &str) -> Option<String> {
    text.contains('\'').then(|| text.replace('\'', "\""))
}

/// Texts of digits as numbers; of a list, each member.
fn numbers(text: &str) -> Option<String> {
    changed(text, &|value| {
        let number = value.as_str()?.parse::<i64>().ok()?;
        Some(Value::from(number))
    })
}

fn texts(text: &str) -> Option<String> {
    changed(text, &|value| {
        Some(Value::from(value.as_i64()?.to_string()))
    })
}

fn changed(text: &str, change: &dyn Fn(&Value) -> Option<Value>) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let new = match &value {
        Value::Array(members) => {
            let members = members
                .iter()
                .map(|member| change(member).unwrap_or_else(|| member.clone()));
            Value::Array(members.collect())
        }
        other => change(other)?,
    };
    (new != value).then(|| spelled_as(text, &new))
}

fn decoded(text: &str) -> Option<String> {
    let plain = text.replace('+', " ");
    let plain = percent_decode_str(&plain).decode_utf8().ok()?;
    text.contains('%').then(|| plain.into_owned())
}

fn sorted(text: &str) -> Option<String> {
    ordered(text, |members| members.sort_by_key(Value::to_string))
}

fn reversed(text: &str) -> Option<String> {
    ordered(text, <[Value]>::reverse)
}

fn ordered(text: &str, order: fn(&mut [Value])) -> Option<String> {
    let Ok(Value::Array(mut members)) = serde_json::from_str(text) else {
        return None;
    };
    order(&mut members);
    Some(spelled_as(text, &Value::Array(members)))
}

/// Compact, or with a space after each comma if `model` has them.
fn spelled_as(model: &str, value: &Value) -> String {
    match value {
        Value::Array(members) if model.contains(", ") => {
            let members: Vec<String> = members.iter().map(Value::to_string).collect();
            format!("[{}]", members.join(", "))
        }
        _ => value.to_string(),
    }
}
