//! `KEY=VALUE`, as `profile set` takes it: which keys a profile has, and how their values are written.

use toml_edit::{Array, InlineTable, Value};

use crate::config::file::SecretPlace;
use crate::config::source::Source;
use crate::config::{base_url, ledger, text};
use crate::error::Error;
use crate::report::nearest;
use crate::system::duration;

/// How the value of a key is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Text,
    BaseUrl,
    Ledger,
    Path,
    Switch,
    Whole,
    Number,
    Seconds,
    List,
    Sink,
    /// The location of a secret.
    Secret,
}

/// Every key of a profile but the attributes of users, which have names of their own.
const KEYS: [(&str, Form); 23] = [
    ("base_url", Form::BaseUrl),
    ("embed_host", Form::Text),
    ("embed_algorithm", Form::Text),
    ("blank_dashboard", Form::Text),
    ("client_id", Form::Text),
    ("client_secret", Form::Secret),
    ("embed_secret", Form::Secret),
    ("keys_to", Form::Sink),
    ("ledger", Form::Ledger),
    ("ledger_password", Form::Secret),
    ("ca_file", Form::Path),
    ("verify_ssl", Form::Switch),
    ("timeout", Form::Text),
    ("retries", Form::Whole),
    ("concurrency", Form::Whole),
    ("rps", Form::Number),
    ("sole_minter", Form::Switch),
    ("grants.permissions", Form::List),
    ("grants.models", Form::List),
    ("grants.group_ids", Form::List),
    ("grants.external_group_id", Form::Text),
    ("grants.session_length", Form::Seconds),
    ("grants.user_timezone", Form::Text),
];

/// What follows the name of an attribute of users.
const ATTRIBUTES: &str = "grants.user_attributes.";

/// A key of a profile, and what becomes of it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// As typed, such as `grants.models`.
    pub(crate) key: String,
    pub(crate) form: Form,
    pub(crate) wish: Wish,
}

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    /// It gets this text.
    Text(String),
    /// It is left out.
    Nothing,
    /// It is a secret, which is asked for.
    Ask,
}

impl Assignment {
    /// Read `KEY=VALUE`, `KEY=`, or the key of a secret.
    pub(crate) fn read(given: &str) -> Result<Self, Error> {
        let (key, value) = match given.split_once('=') {
            Some((key, value)) => (key.trim(), Some(text::bare(value))),
            None => (given.trim(), None),
        };
        let form = form(key)?;
        let wish = match value {
            Some("") => Wish::Nothing,
            Some(value) => Wish::Text(value.to_owned()),
            None if form == Form::Secret => Wish::Ask,
            None => {
                return Err(Error::usage(format!("`{key}` gets no value"))
                    .hint(format!("write `{key}=VALUE`, or `{key}=` to leave it out")));
            }
        };
        let key = key.to_owned();
        Ok(Self { key, form, wish })
    }

    /// The names on the way to the value.
    pub(crate) fn path(&self) -> Vec<&str> {
        // A name of an attribute may contain a dot.
        self.key.splitn(3, '.').collect()
    }
}

fn form(key: &str) -> Result<Form, Error> {
    if key
        .strip_prefix(ATTRIBUTES)
        .is_some_and(|name| !name.is_empty())
    {
        return Ok(Form::Text);
    }
    let known = KEYS.iter().find(|(known, _)| *known == key);
    known.map(|(_, form)| *form).ok_or_else(|| {
        // What does not look like a key may be a secret that was typed in its place.
        let looks_like_one = key
            .chars()
            .all(|it| it.is_ascii_lowercase() || "_.".contains(it));
        let error = Error::usage(match looks_like_one {
            true => format!("a profile has no setting `{key}`"),
            false => "a profile has no such setting".to_owned(),
        });
        match nearest(key, KEYS.iter().map(|(known, _)| *known)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`embedctl help settings` shows the keys"),
        }
    })
}

/// `text` in the notation of the file.
pub(crate) fn value(key: &str, form: Form, text: &str) -> Result<Value, Error> {
    let cannot =
        |advice: &str| Error::usage(format!("`{text}` is not a valid `{key}`")).hint(advice);
    let source = Source::Derived("what was typed");
    Ok(match form {
        Form::Text | Form::Path | Form::Sink => Value::from(text),
        Form::BaseUrl => {
            let url = base_url::parse(text, &source)?;
            Value::from(url.as_str().trim_end_matches('/'))
        }
        Form::Ledger => {
            ledger::check(text, &source)?;
            Value::from(text)
        }
        Form::Switch => Value::from(text::switch(text, &source)?),
        Form::Whole => Value::from(
            text.parse::<u32>()
                .map(i64::from)
                .map_err(|_| cannot("write a whole number"))?,
        ),
        Form::Number => match text.parse::<i64>() {
            Ok(whole) => Value::from(whole),
            Err(_) => Value::from(text.parse::<f64>().map_err(|_| cannot("write a number"))?),
        },
        Form::Seconds => {
            let read = duration::read_or_seconds(text).map_err(cannot)?;
            Value::from(i64::try_from(read.as_secs()).unwrap_or(i64::MAX))
        }
        Form::List => {
            let items = text.split([',', ';']).map(str::trim);
            Value::Array(items.filter(|item| !item.is_empty()).collect::<Array>())
        }
        Form::Secret => place(&SecretPlace::read(text)?),
    })
}

/// A secret's location in the notation of the file.
pub(crate) fn place(place: &SecretPlace) -> Value {
    let (name, value) = match place {
        SecretPlace::Env(name) => ("env", Value::from(name)),
        SecretPlace::File(path) => ("file", Value::from(path)),
        SecretPlace::Command(argv) => ("command", Value::Array(argv.iter().collect::<Array>())),
    };
    let mut table = InlineTable::new();
    table.insert(name, value);
    Value::InlineTable(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::ConfigFile;
    use std::path::Path;

    #[test]
    fn every_key_of_a_profile_can_be_set_and_no_other() {
        let read = |text: &str| ConfigFile::parse(text, Path::new("config.toml"));
        for (table, prefix) in [("profiles.p", ""), ("profiles.p.grants", "grants.")] {
            let error = read(&format!("[{table}]\nno_such_key = 1\n")).unwrap_err();
            let error = error.to_string();
            let known = error.split("expected one of").nth(1).unwrap();
            for name in known.split('`').skip(1).step_by(2) {
                let key = format!("{prefix}{name}");
                let is_table = ["grants", "grants.user_attributes"].contains(&key.as_str());
                assert_eq!(form(&key).is_ok(), !is_table, "{key}");
            }
        }
        for (key, form) in KEYS {
            let text = match form {
                Form::Switch => "true",
                Form::Whole | Form::Seconds | Form::Number => "7",
                Form::Secret => "env:X",
                _ => "x",
            };
            let value = value(key, form, text).unwrap();
            let (table, key) = key.split_once('.').unwrap_or(("", key));
            let text = match table {
                "" => format!("[profiles.p]\n{key} = {value}\n"),
                table => format!("[profiles.p.{table}]\n{key} = {value}\n"),
            };
            assert!(read(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_assignment_is_read_and_what_may_be_a_secret_is_not_repeated() {
        let attribute = Assignment::read("grants.user_attributes.a.b=x=y").unwrap();
        assert_eq!(attribute.path(), ["grants", "user_attributes", "a.b"]);
        assert_eq!(attribute.wish, Wish::Text("x=y".to_owned()));
        assert_eq!(Assignment::read("rps=").unwrap().wish, Wish::Nothing);
        assert_eq!(Assignment::read("client_secret").unwrap().wish, Wish::Ask);
        for given in ["hunter2", "hunter2=1", "client_secret=hunter2", "base_url"] {
            let error = Assignment::read(given).and_then(|it| match it.wish {
                Wish::Text(text) => value(&it.key, it.form, &text),
                _ => Ok(Value::from("")),
            });
            let error = error.unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
