//! The format of a manifest: by its name, or by its content.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::manifest::columns::{Column, unknown_column};
use crate::manifest::lines::{Line, Lines};
use crate::manifest::separator::{named, separator};
use crate::manifest::spelling::{bare, is_padding};

/// The format of a manifest.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// A header and one row per user, separated by commas, semicolons or tabs.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// A list of users, or tenants with defaults and users; in JSON too.
    Yaml,
}

impl Format {
    /// The format of what is written to `path`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match extension(path).as_str() {
            "csv" | "tsv" | "tab" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The format of a manifest at `path`; where the name does not decide, the beginning of its `content` does.
    pub(crate) fn recognize(path: &Path, content: impl Read + Send + 'static) -> Option<Self> {
        let of_content = || of_content(content);
        match extension(path).as_str() {
            // One value, or one on each line.
            "json" => of_content().or(Some(Self::Yaml)),
            "txt" => of_content().or(Some(Self::Csv)),
            _ => Self::of(path).or_else(of_content),
        }
    }
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// How much of a text is looked at.
const BEGINNING: u64 = 64 * 1024;

fn of_content(content: impl Read + Send + 'static) -> Option<Format> {
    let lines = Lines::new(content.take(BEGINNING));
    let mut lines = lines.filter(|line| {
        let text = line.as_ref().map_or("unreadable", |line| &line.text);
        // Empty rows of a spreadsheet too.
        let is_blank = text
            .trim_matches(|it| is_padding(it) || ",;".contains(it))
            .is_empty();
        !is_blank && !text.starts_with('#')
    });
    let Ok(Line { text, .. }) = lines.next()? else {
        // Its reader says what is wrong; only spreadsheets save text in other encodings.
        return Some(Format::Csv);
    };
    let text = text.trim_end();
    match text.trim_start() {
        start if start.starts_with('[') => Some(Format::Yaml),
        start if start.starts_with('{') => Some(of_object(start, lines.next().is_some())),
        start if start.starts_with("---") || start.starts_with("- ") || start == "-" => {
            Some(Format::Yaml)
        }
        start if is_yaml_key(start) => Some(Format::Yaml),
        _ => (named(text).is_some() || is_header(text)).then_some(Format::Csv),
    }
}

/// The format of a text that starts with this line of JSON.
fn of_object(line: &str, has_more: bool) -> Format {
    let members = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(line);
    match members {
        // Users are in it, or it is one.
        Ok(members) => match GROUPS.iter().any(|name| members.contains_key(*name)) && !has_more {
            true => Format::Yaml,
            false => Format::Jsonl,
        },
        // An object that continues on the next line, or a mistake in one that does not.
        Err(_) if line.ends_with('}') => Format::Jsonl,
        Err(_) => Format::Yaml,
    }
}

/// The keys at the top of a manifest.
const GROUPS: [&str; 3] = ["users", "tenants", "defaults"];

/// Whether the line names columns.
fn is_header(line: &str) -> bool {
    let mut names = line.split(separator(line));
    names.any(|name| {
        let name = bare(bare(name).trim_matches('"'));
        Column::of_cell(name, None).is_some() || unknown_column(name, None, false).means_id
    })
}

/// Whether the line starts a mapping of YAML.
fn is_yaml_key(line: &str) -> bool {
    let Some((key, rest)) = line.split_once(':') else {
        return false;
    };
    let is_alone = rest.is_empty() || rest.starts_with(' ');
    let has_columns = line.contains([',', ';', '\t']);
    GROUPS.contains(&key.trim_matches('"')) || is_alone && !has_columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_text_says_what_it_is() {
        for (text, expected) in [
            ("[{\"external_user_id\": \"57\"}]", Some(Format::Yaml)),
            (
                "\u{feff}[\n {\n  \"external_user_id\": \"57\"\n }\n]\n",
                Some(Format::Yaml),
            ),
            ("{\"external_user_id\":\"57\"}\n", Some(Format::Jsonl)),
            (
                "{\"external_user_id\":\"57\"}\n{\"external_user_id\":\"58\"}\n",
                Some(Format::Jsonl),
            ),
            ("{\"external_user_id\":\"57\",}\n", Some(Format::Jsonl)),
            ("{\"users\":[]}", Some(Format::Yaml)),
            ("{\n  \"users\": []\n}\n", Some(Format::Yaml)),
            ("---\n- external_user_id: a\n", Some(Format::Yaml)),
            ("# a comment\n\n- external_user_id: a\n", Some(Format::Yaml)),
            ("tenants:\n  acme:\n", Some(Format::Yaml)),
            ("users: [{external_user_id: a}]\n", Some(Format::Yaml)),
            ("user:\n", Some(Format::Yaml)),
            ("# a comment\nexternal_user_id\na\n", Some(Format::Csv)),
            ("External User ID;Models\na;demo\n", Some(Format::Csv)),
            ("models,attr.a: b,external_user_id\n", Some(Format::Csv)),
            ("\"first_name\"\t\"external_user_id\"\n", Some(Format::Csv)),
            ("external_user_id|models\n", Some(Format::Csv)),
            ("Email, Name\n", Some(Format::Csv)),
            ("sep=;\nwhatever\n", Some(Format::Csv)),
            ("acme-1\nacme-2\n", None),
            ("", None),
        ] {
            assert_eq!(of_content(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_name_decides_if_it_can() {
        for (name, content, expected) in [
            ("users.CSV", "- a", Some(Format::Csv)),
            ("users.tsv", "- a", Some(Format::Csv)),
            ("users.ndjson", "", Some(Format::Jsonl)),
            ("users.yml", "external_user_id\n", Some(Format::Yaml)),
            (
                "users.json",
                "{\"external_user_id\":\"a\"}\n",
                Some(Format::Jsonl),
            ),
            ("users.json", "", Some(Format::Yaml)),
            ("users.txt", "- external_user_id: a\n", Some(Format::Yaml)),
            ("users.txt", "id\tname\n", Some(Format::Csv)),
            ("-", "- external_user_id: a\n", Some(Format::Yaml)),
            ("users", "what", None),
        ] {
            let format = Format::recognize(Path::new(name), content.as_bytes());
            assert_eq!(format, expected, "{name}");
        }
    }
}
