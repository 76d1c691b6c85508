//! That people read plain English: in comments, messages and help, the guides and the README.

use crate::tidy::source::{File, files, paths, read};

/// Phrases that made the text read like a translation.
const PHRASES: [&str; 9] = [
    "what came of",
    "what comes of",
    "is to be",
    "are to be",
    "nobody",
    "somebody",
    "come to its end",
    "comes to its end",
    "came to its end",
];

/// Names of values that say nothing about the value.
const VALUE_NAMES: [&str; 3] = ["WISH", "WHOM", "WAY"];

#[test]
fn the_source_keeps_to_plain_english() {
    let mut problems = Vec::new();
    for file in files("src") {
        problems.extend(old_phrases(&file.path, file.prose()));
    }
    let guides = paths("src", "md").into_iter();
    for path in guides.chain(["README.md".to_owned()]) {
        let text = read(&path);
        let lines = text.lines().map(str::to_owned);
        problems.extend(old_phrases(&path, (1..).zip(lines)));
    }
    problems.sort();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn old_phrases_are_found_in_what_people_read_and_not_in_code() {
    let text = "// What is to be done, and why nobody may.\n\
        fn nobody() -> &'static str { \"nobody\" }\n\
        // `nobody` may.\n\
        #[arg(value_name = \"WISH\")]\n\
        let what = \"what came of it\";\n";
    let file = File::new("src/a.rs", text);

    let found: Vec<String> = old_phrases(&file.path, file.prose()).collect();

    assert_eq!(
        found,
        [
            "src/a.rs:1: `is to be` reads like a translation; say it in plain English",
            "src/a.rs:1: `nobody` reads like a translation; say it in plain English",
            "src/a.rs:4: `WISH` reads like a translation; say it in plain English",
            "src/a.rs:5: `what came of` reads like a translation; say it in plain English",
        ]
    );
}

fn old_phrases(
    path: &str,
    lines: impl Iterator<Item = (usize, String)>,
) -> impl Iterator<Item = String> {
    lines.flat_map(move |(line, text)| {
        let text = unquoted(&text);
        let lower = text.to_lowercase();
        let phrases = PHRASES.into_iter().filter(|phrase| has(&lower, phrase));
        let names = VALUE_NAMES.into_iter().filter(|name| has(&text, name));
        let found = phrases.chain(names).map(|phrase| {
            format!("{path}:{line}: `{phrase}` reads like a translation; say it in plain English")
        });
        found.collect::<Vec<_>>()
    })
}

/// `text` without code, and without `nobody` as the value of a field or a switch.
fn unquoted(text: &str) -> String {
    let text: Vec<&str> = text.split('`').step_by(2).collect();
    let text = text.join("");
    text.replace("\"nobody\"", "").replace("-nobody\"", "")
}

/// Whether the words `phrase` are in `text`, not as a part of longer words.
fn has(text: &str, phrase: &str) -> bool {
    let in_word = |char: char| char.is_alphanumeric() || char == '_';
    let pieces: Vec<&str> = text.split(phrase).collect();
    let mut around = pieces.windows(2);
    around.any(|pair| !pair[0].ends_with(in_word) && !pair[1].starts_with(in_word))
}
