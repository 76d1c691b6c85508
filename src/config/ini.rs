//! `looker.ini`, the settings file of Looker's official SDKs.

use std::path::Path;

use crate::config::text::settings_text;
use crate::error::Error;

/// The section inherited by all others, as in Python's configparser, which the official SDK uses.
const DEFAULT: &str = "DEFAULT";

/// The sections of a `looker.ini`, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ini {
    sections: Vec<Section>,
}

/// One section: its name, and its keys in lower case. No `Debug`: one of the values is a secret.
#[derive(Clone, Default)]
pub(crate) struct Section {
    pub(crate) name: String,
    values: Vec<(String, String)>,
    /// The values of `[DEFAULT]`.
    inherited: Vec<(String, String)>,
}

impl Section {
    /// The value of `key`; an empty one counts as missing, as in the official SDKs.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        let filled = |(name, value): &&(String, String)| name == key && !value.is_empty();
        // The last value wins.
        let found = self.values.iter().rev().find(filled);
        // A key that the section itself leaves empty is not inherited, as in Python's configparser.
        let inherited = || match self.values.iter().any(|(name, _)| name == key) {
            true => None,
            false => self.inherited.iter().rev().find(filled),
        };
        found.or_else(inherited).map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Section")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Ini {
    /// Read `path`; a missing file is an error only if it was `named` explicitly.
    pub(crate) fn read(path: &Path, named: bool) -> Result<Option<Self>, Error> {
        let advice = "check the path given with `--ini` or `EMBEDCTL_INI`";
        let Some(text) = settings_text(path, named, advice)? else {
            return Ok(None);
        };
        let read = Self::parse(&text).map(Some);
        read.map_err(|error| error.context(format!("cannot read `{}`", path.display())))
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut ini = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            // A line may contain a secret, so only its number is shown.
            ini.add(line).ok_or_else(|| {
                Error::usage(format!(
                    "line {} is neither `[section]` nor `key = value`",
                    index + 1
                ))
                .hint("the file starts with a section such as `[Looker]`")
            })?;
        }
        ini.inherit();
        Ok(ini)
    }

    /// `[DEFAULT]` is not a section of its own but inherited by all others, unless it is the only one.
    fn inherit(&mut self) {
        let is_default = |section: &mut Section| section.name == DEFAULT;
        if self.sections.iter_mut().all(is_default) {
            return;
        }
        let defaults = self.sections.extract_if(.., is_default);
        let inherited: Vec<_> = defaults.flat_map(|section| section.values).collect();
        for section in &mut self.sections {
            section.inherited.clone_from(&inherited);
        }
    }

    fn add(&mut self, line: &str) -> Option<()> {
        if let Some(rest) = line.strip_prefix('[') {
            let (name, _) = rest.split_once(']')?;
            self.sections.push(Section {
                name: name.trim().to_owned(),
                ..Section::default()
            });
            return Some(());
        }
        let (key, value) = line.split_once(['=', ':'])?;
        let section = self.sections.last_mut()?;
        section.values.push((
            key.trim().to_ascii_lowercase(),
            unquoted(value.trim()).to_owned(),
        ));
        Some(())
    }

    /// The section with this name, ignoring case if there is no exact match.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.name == name)
            .or_else(|| {
                self.sections
                    .iter()
                    .find(|section| section.name.eq_ignore_ascii_case(name))
            })
    }

    /// The section used if none is named: the first.
    pub(crate) fn first(&self) -> Option<&Section> {
        self.sections.first()
    }

    /// All of them.
    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }
}

/// `value` without surrounding quotes or a trailing comment.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return inner;
        }
    }
    // Only after a space, because a secret may contain these characters.
    [" ;", " #", "\t;", "\t#"]
        .iter()
        .filter_map(|start| value.split_once(start))
        .map(|(before, _)| before.trim_end())
        .min_by_key(|before| before.len())
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::survives;

    #[test]
    fn quotes_comments_and_case_do_not_matter() {
        let text = "# the file\n[Looker]\nBASE_URL = \"https://acme.looker.com\" ; quoted\nclient_id: 'ab#c'\n\
                    ; a comment\nclient_secret=s;e#cret # with a comment\nverify_ssl=\ntimeout = 30\n\n[dev]\nclient_id=dev\n";
        let ini = Ini::parse(text).expect("the text is an INI file");
        let looker = ini.first().expect("there is a section");

        assert_eq!(looker.value("base_url"), Some("https://acme.looker.com"));
        assert_eq!(looker.value("client_id"), Some("ab#c"));
        assert_eq!(looker.value("client_secret"), Some("s;e#cret"));
        assert_eq!(looker.value("verify_ssl"), None);
        assert_eq!(looker.value("timeout"), Some("30"));
        assert_eq!(
            ini.section("DEV").and_then(|dev| dev.value("client_id")),
            Some("dev")
        );
        assert!(ini.section("prod").is_none());
    }

    #[test]
    fn sections_inherit_what_default_says_wherever_it_stands() {
        let text = "[DEFAULT]\nverify_ssl=true\ntimeout=120\nbase_url=https://default\n[Looker]\nbase_url=https://acme\ntimeout=\n\
                    [other]\n[DEFAULT]\nverify_ssl=false\n";
        let ini = Ini::parse(text).expect("the text is an INI file");
        let [looker, other] = ini.sections() else {
            panic!("{ini:?}");
        };

        assert_eq!(ini.first().map(|first| first.name.as_str()), Some("Looker"));
        assert_eq!(looker.value("base_url"), Some("https://acme"));
        assert_eq!(looker.value("verify_ssl"), Some("false"));
        assert_eq!(looker.value("timeout"), None);
        assert_eq!(other.value("timeout"), Some("120"));
        assert!(ini.section("default").is_none());

        let alone = Ini::parse("[DEFAULT]\ntimeout=5\n").expect("the text is an INI file");
        assert_eq!(
            alone.first().and_then(|only| only.value("timeout")),
            Some("5")
        );
    }

    #[test]
    fn a_line_that_means_nothing_is_named_by_its_number_only() {
        for text in ["[Looker]\n\nhunter2", "hunter2=1\n", "[Looker\nhunter2"] {
            let error = Ini::parse(text).expect_err("the text is not an INI file");

            assert!(error.message().starts_with("line "), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn no_ini_makes_the_reader_panic_hang_or_grow() {
        let seed = "[Looker]\nbase_url = https://acme.looker.com\nclient_id: \"abc\"\n; no\n[other]\nclient_secret='x'\n";
        survives(&[seed], |input| {
            let _read = Ini::parse(&String::from_utf8_lossy(input)).is_ok();
        });
    }
}
