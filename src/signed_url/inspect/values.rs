//! Values of the wrong type, and the mistake that each shows.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::signed_url::inspect::checks;
use crate::signed_url::inspect::url::Url;
use crate::signed_url::inspect::{Diagnosis, Expected};
use crate::signed_url::verify::Rejection;

/// A value that is not of its type.
struct Wrong<'a> {
    parameter: &'static str,
    text: &'a str,
    /// The type, in words.
    wanted: &'static str,
}

/// A mistake: its name, and what it says of a value that shows it.
struct Shape {
    name: &'static str,
    /// What is wrong and what to do.
    says: fn(&Wrong<'_>) -> Option<(String, String)>,
}

/// What shows in a value itself, the commonest first.
const SHAPES: [Shape; 12] = [
    Shape {
        name: "value_empty",
        says: empty,
    },
    Shape {
        name: "number_as_text",
        says: number_as_text,
    },
    Shape {
        name: "value_encoded_twice",
        says: encoded_twice,
    },
    Shape {
        name: "single_quotes",
        says: single_quotes,
    },
    Shape {
        name: "value_of_a_language",
        says: of_a_language,
    },
    Shape {
        name: "json_twice",
        says: json_twice,
    },
    Shape {
        name: "list_for_text",
        says: list_for_text,
    },
    Shape {
        name: "list_for_object",
        says: list_for_object,
    },
    Shape {
        name: "half_character",
        says: half_character,
    },
    Shape {
        name: "text_for_list",
        says: text_for_list,
    },
    Shape {
        name: "value_unquoted",
        says: unquoted,
    },
    Shape {
        name: "type",
        says: |wrong| {
            let Wrong {
                parameter, wanted, ..
            } = wrong;
            Some((
                format!("`{parameter}` is not {wanted}"),
                format!("write the value of `{parameter}` as JSON: {wanted}"),
            ))
        },
    },
];

/// Every value of a wrong type, those with the same mistake in one.
pub(super) fn diagnoses(url: &Url<'_>, expected: &Expected) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> = Vec::new();
    for (parameter, wanted) in wrong_types(url) {
        let wrong = Wrong {
            parameter,
            text: url.text(parameter),
            wanted,
        };
        let forged = merged(&wrong).or_else(|| relabelled(url, &wrong, expected));
        let diagnosis = forged.or_else(|| {
            SHAPES.iter().find_map(|shape| {
                let (message, fix) = (shape.says)(&wrong)?;
                Some(Diagnosis {
                    name: shape.name,
                    message,
                    fix,
                })
            })
        });
        let Some(diagnosis) = diagnosis else {
            continue;
        };
        match found.iter_mut().find(|known| known.name == diagnosis.name) {
            Some(known) => known.message = format!("{}; {}", known.message, diagnosis.message),
            None => found.push(diagnosis),
        }
    }
    found
}

fn wrong_types(url: &Url<'_>) -> Vec<(&'static str, &'static str)> {
    let errors = checks::type_errors(url).into_iter();
    let wrong = errors.filter_map(|rejection| match rejection {
        Rejection::Type {
            parameter,
            expected,
        } => Some((parameter, expected)),
        _ => None,
    });
    wrong.collect()
}

/// The line of an optional parameter that was given to another one, so that its restriction is lost: only its signer's
/// secret or a change on the way can do that, and the signature stays right.
fn relabelled(url: &Url<'_>, wrong: &Wrong<'_>, expected: &Expected) -> Option<Diagnosis> {
    let taken = match wrong.parameter {
        "group_ids" => "external_group_id",
        "user_attributes" => "group_ids",
        _ => return None,
    };
    let (secret, algorithm) = expected.secret.as_ref()?;
    let gone = url.query()?.value(taken).is_none();
    let parameter = wrong.parameter;
    (gone && url.is_signed(secret, *algorithm)).then(|| Diagnosis {
        name: "line_relabelled",
        message: format!(
            "`{parameter}` contains what was signed for `{taken}`, or is not {}",
            wrong.wanted
        ),
        fix: format!(
            "send {} in `{parameter}`; if the code that signs does, the URL was changed afterwards",
            wrong.wanted
        ),
    })
}

/// A line of another parameter, hidden in this one.
fn merged(wrong: &Wrong<'_>) -> Option<Diagnosis> {
    let stream =
        serde_json::Deserializer::from_str(wrong.text).into_iter::<serde::de::IgnoredAny>();
    let documents = stream.take_while(Result::is_ok).count();
    (wrong.text.contains('\n') && documents > 1).then(|| Diagnosis {
        name: "newline_merge",
        message: format!(
            "`{}` contains a second value on its own line: a parameter was hidden in it, to remove its restriction",
            wrong.parameter
        ),
        fix: "refuse the URL: it was changed after it was signed".to_owned(),
    })
}

fn empty(wrong: &Wrong<'_>) -> Option<(String, String)> {
    wrong.text.is_empty().then(|| {
        (
            format!("`{}` is empty, which is no JSON", wrong.parameter),
            format!(
                "send {}, or leave an optional parameter out, of the URL and of the string to sign",
                wrong.wanted
            ),
        )
    })
}

fn list_for_object(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let list = serde_json::from_str::<Vec<Value>>(wrong.text).is_ok();
    (list && wrong.wanted.contains("object")).then(|| {
        (
            format!("`{}` is a list; it must be an object of names and values", wrong.parameter),
            "write it as an object: PHP takes an array with the keys 0, 1, … for a list, unless it is cast to `(object)`".to_owned(),
        )
    })
}

/// `\ud800` without its other half.
fn half_character(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let text = wrong.text.to_ascii_lowercase();
    let half = text.starts_with('"')
        && [
            "\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf",
        ]
        .iter()
        .any(|half| text.contains(half));
    half.then(|| {
        (
            format!(
                "`{}` has half of a character, as a text has that was cut at a fixed length",
                wrong.parameter
            ),
            "cut texts between characters, not within them".to_owned(),
        )
    })
}

fn number_as_text(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let parameter = wrong.parameter;
    let inner = wrong.text.trim_matches(['"', '\'']);
    let number = inner.parse::<i64>().is_ok() && inner != wrong.text;
    (number && ["time", "session_length"].contains(&parameter)).then(|| {
        (
            format!("`{parameter}` is a JSON string; it must be a bare integer"),
            format!("sign and send `{inner}`, without quotes"),
        )
    })
}

fn encoded_twice(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let decoded = percent_decode_str(wrong.text).decode_utf8().ok()?;
    let json = serde_json::from_str::<Value>(&decoded.replace('+', " ")).is_ok();
    (json && decoded != wrong.text).then(|| {
        (
            format!("`{}` is percent-encoded twice", wrong.parameter),
            "percent-encode each value once: a library for URLs does it already".to_owned(),
        )
    })
}

fn single_quotes(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let doubled = wrong.text.replace('\'', "\"");
    let json = serde_json::from_str::<Value>(&doubled).is_ok();
    (json && doubled != wrong.text).then(|| {
        (
            format!(
                "`{}` has single quotes, which are none of JSON",
                wrong.parameter
            ),
            "write each value as JSON: in Python `json.dumps(value)`, not `str(value)`".to_owned(),
        )
    })
}

fn of_a_language(wrong: &Wrong<'_>) -> Option<(String, String)> {
    const WORDS: [&str; 9] = [
        "None",
        "nil",
        "undefined",
        "NaN",
        "[object Object]",
        "Array",
        "True",
        "False",
        "NULL",
    ];
    let text = wrong.text.trim_matches('"');
    WORDS.contains(&text).then(|| {
        (
            format!(
                "`{}` is `{text}`, which is a word of a programming language and not {}",
                wrong.parameter, wrong.wanted
            ),
            "write each value as JSON, and leave an optional parameter without a value out"
                .to_owned(),
        )
    })
}

fn json_twice(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let inner: String = serde_json::from_str(wrong.text).ok()?;
    let json: Value = serde_json::from_str(&inner).ok()?;
    let wanted = match json {
        Value::Array(_) => wrong.wanted.contains("array"),
        Value::Object(_) => wrong.wanted.contains("object"),
        Value::Bool(_) => wrong.wanted.contains("true"),
        _ => false,
    };
    wanted.then(|| {
        (
            format!(
                "`{}` is JSON within a JSON string: it was serialized twice",
                wrong.parameter
            ),
            "serialize each value to JSON once".to_owned(),
        )
    })
}

fn list_for_text(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let members: Vec<Value> = serde_json::from_str(wrong.text).ok()?;
    wrong.wanted.contains("string").then_some(())?;
    (!wrong.wanted.contains("array")).then(|| {
        let first = members
            .first()
            .map_or_else(|| "\"…\"".to_owned(), Value::to_string);
        (
            format!("`{}` is a list; it must be one text", wrong.parameter),
            format!("sign and send the text alone, as `{first}`"),
        )
    })
}

fn text_for_list(wrong: &Wrong<'_>) -> Option<(String, String)> {
    wrong.wanted.contains("array").then_some(())?;
    let json = serde_json::from_str::<Value>(wrong.text);
    let text = match &json {
        Ok(Value::String(text)) => text,
        Ok(Value::Number(_)) | Err(_) if !wrong.text.starts_with(['[', '{']) => wrong.text,
        _ => return None,
    };
    let members: Vec<&str> = text.split([',', ';']).map(str::trim).collect();
    let list = Value::from(members);
    Some((
        format!("`{}` is a text; it must be a list", wrong.parameter),
        format!("sign and send `{list}`"),
    ))
}

fn unquoted(wrong: &Wrong<'_>) -> Option<(String, String)> {
    let text = wrong.text;
    let bare = !text.starts_with(['"', '[', '{', '\'']) && !text.is_empty();
    (bare && wrong.wanted.contains("string")).then(|| {
        (
            format!("`{}` has no JSON quotes", wrong.parameter),
            format!("sign and send `{}`, percent-encoded", Value::from(text)),
        )
    })
}
