//! More than the lines, or something else, was signed: parameters that have no line, or the URL itself.

use crate::signed_url::inspect::attempt::{Attempt, Line};
use crate::signed_url::inspect::mistakes::Mistake;
use crate::signed_url::inspect::url::Url;

/// Sent, but never signed.
const UNSIGNED: [&str; 4] = [
    "first_name",
    "last_name",
    "user_timezone",
    "force_logout_login",
];

pub(super) fn mistakes(url: &Url<'_>) -> Vec<Mistake> {
    let mut mistakes = lines(url);
    let (host, path) = (url.parts.host, url.parts.path);
    let query: Vec<&str> = url
        .parts
        .query
        .split('&')
        .filter(|pair| !pair.starts_with("signature="))
        .collect();
    let query = query.join("&");
    let scheme = url.parts.scheme;
    for text in [
        format!("{scheme}://{host}{path}?{query}"),
        format!("{host}{path}?{query}"),
        format!("{path}?{query}"),
        query,
    ] {
        mistakes.push(Mistake::new(
            "url_signed",
            "the URL itself, or its query, was signed",
            "sign the host, the path and the values of the parameters, each on a line of its own",
            move |attempt| attempt.text = Some(text.clone()),
        ));
    }
    mistakes
}

/// Lines for parameters that have none: each alone, and all of them; before `access_filters` and behind it.
fn lines(url: &Url<'_>) -> Vec<Mistake> {
    let sent: Vec<Line> = UNSIGNED
        .into_iter()
        .filter_map(|name| {
            let text = url.query()?.value(name)?.to_owned();
            Some(Line { name, text })
        })
        .collect();
    let mut sets: Vec<Vec<Line>> = sent.iter().map(|line| vec![line.clone()]).collect();
    sets.push(
        sent.iter()
            .filter(|line| line.name.ends_with("_name"))
            .cloned()
            .collect(),
    );
    sets.push(sent);
    let mut mistakes = Vec::new();
    for set in sets {
        let names: Vec<String> = set.iter().map(|line| format!("`{}`", line.name)).collect();
        let message = format!("{} got a line in the string to sign", names.join(", "));
        for behind in [true, false] {
            let set = set.clone();
            mistakes.push(Mistake::new(
                "unsigned_parameter",
                message.clone(),
                "sign no line for first_name, last_name, user_timezone and force_logout_login",
                move |attempt| add(attempt, &set, behind),
            ));
        }
    }
    mistakes
}

fn add(attempt: &mut Attempt, lines: &[Line], behind: bool) {
    let last = attempt.parameters.len();
    let at = if behind { last } else { last.saturating_sub(1) };
    let tail = attempt.parameters.split_off(at);
    attempt.parameters.extend(lines.iter().cloned().chain(tail));
}
