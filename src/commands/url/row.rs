//! One line of `embedctl url sign --batch`: what it may contain, and the login it stands for.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::signed_url::Login;

/// The row of a line. A line whose numbers can be restored from their values is parsed quickly; any other line, and an invalid
/// one, is parsed a second time with the text of its numbers.
pub(super) fn read(line: &str, base: &Login) -> serde_json::Result<Row> {
    match serde_json::from_str::<Line<Plain>>(line) {
        Ok(line) => Ok(line.row(base)),
        Err(_) => serde_json::from_str::<Line<Exact>>(line).map(|line| line.row(base)),
    }
}

/// The content of a line.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) path: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) time: Option<i64>,
    pub(super) login: Login,
}

/// A line, with the names of the URL's own parameters. Whatever is omitted or `null` comes from the flags. `T` is a string, or a
/// number or boolean taken as written, since many signers are given those.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<T> {
    path: Option<String>,
    nonce: Option<String>,
    time: Option<i64>,
    external_user_id: T,
    first_name: Option<String>,
    last_name: Option<String>,
    permissions: Option<Vec<String>>,
    models: Option<Vec<String>>,
    group_ids: Option<Vec<T>>,
    external_group_id: Option<T>,
    user_attributes: Option<BTreeMap<String, T>>,
    user_timezone: Option<String>,
    session_length: Option<u32>,
    force_logout_login: Option<bool>,
}

impl<T: Into<String>> Line<T> {
    /// The row of this line; attributes are merged by name, everything else is replaced as a whole.
    fn row(self, base: &Login) -> Row {
        let texts = |list: Vec<T>| list.into_iter().map(Into::into).collect();
        let own = |own: BTreeMap<String, T>| {
            let own = own.into_iter().map(|(name, value)| (name, value.into()));
            match base.user_attributes.clone() {
                None => own.collect(),
                Some(mut all) => {
                    all.extend(own);
                    all
                }
            }
        };
        let or = |own: Option<String>, base: &Option<String>| own.or_else(|| base.clone());
        let or_all =
            |own: Option<Vec<String>>, base: &Option<Vec<String>>| own.or_else(|| base.clone());
        let login = Login {
            external_user_id: self.external_user_id.into(),
            first_name: or(self.first_name, &base.first_name),
            last_name: or(self.last_name, &base.last_name),
            permissions: or_all(self.permissions, &base.permissions),
            models: or_all(self.models, &base.models),
            group_ids: or_all(self.group_ids.map(texts), &base.group_ids),
            external_group_id: or(
                self.external_group_id.map(Into::into),
                &base.external_group_id,
            ),
            user_attributes: self
                .user_attributes
                .map(own)
                .or_else(|| base.user_attributes.clone().filter(|all| !all.is_empty())),
            user_timezone: or(self.user_timezone, &base.user_timezone),
            session_length: self.session_length.unwrap_or(base.session_length),
            force_logout_login: self.force_logout_login.unwrap_or(base.force_logout_login),
        };
        Row {
            path: self.path,
            nonce: self.nonce,
            time: self.time,
            login,
        }
    }
}

/// A string, a boolean, or a whole number whose value determines its spelling.
struct Plain(String);

impl From<Plain> for String {
    fn from(Plain(text): Plain) -> Self {
        text
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

impl Visitor<'_> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Plain, E> {
        Ok(Plain(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Plain, E> {
        Ok(Plain(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Plain, E> {
        Ok(Plain(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Plain, E> {
        Ok(Plain(number.to_string()))
    }
}

/// The same with any number, by its text.
struct Exact(String);

impl From<Exact> for String {
    fn from(Exact(text): Exact) -> Self {
        text
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let unexpected = match raw.as_bytes().first() {
            Some(b'"') => {
                return serde_json::from_str(raw)
                    .map(Self)
                    .map_err(D::Error::custom);
            }
            Some(b'{') => Unexpected::Map,
            Some(b'[') => Unexpected::Seq,
            Some(b'n') => Unexpected::Unit,
            _ => return Ok(Self(raw.to_owned())),
        };
        Err(D::Error::invalid_type(unexpected, &WANTED))
    }
}

const WANTED: &str = "a string, number or boolean";

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test should stop at once")]
mod tests {
    use super::read;
    use crate::signed_url::Login;

    fn login(line: &str) -> Login {
        let base = Login {
            models: Some(vec!["thelook".to_owned()]),
            user_attributes: Some([("locale".to_owned(), "en".to_owned())].into()),
            ..Login::new("")
        };
        read(line, &base).unwrap().login
    }

    #[test]
    fn numbers_and_booleans_are_taken_as_they_are_written() {
        let login = login(
            r#"{"external_user_id":9007199254740993,"group_ids":[5,"6"],
                "user_attributes":{"a":1.0,"b":true,"c":123456789012345678901234567890,"d":"x\ny"}}"#,
        );

        assert_eq!(login.external_user_id, "9007199254740993");
        assert_eq!(login.group_ids.unwrap(), ["5", "6"]);
        let attributes = login.user_attributes.unwrap();
        let values = attributes.values().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(
            values,
            [
                "1.0",
                "true",
                "123456789012345678901234567890",
                "x\ny",
                "en"
            ]
        );
    }

    #[test]
    fn a_number_has_one_text_however_its_line_is_read() {
        let big = "18446744073709551616";
        for number in [
            "0",
            "-0",
            "-1",
            "1.50",
            "1e3",
            "18446744073709551615",
            big,
            "-9223372036854775808",
        ] {
            let alone = login(&format!(r#"{{"external_user_id":{number}}}"#));
            let line = format!(r#"{{"external_user_id":{number},"user_attributes":{{"a":0.10}}}}"#);
            assert_eq!(alone.external_user_id, number);
            assert_eq!(login(&line).external_user_id, number);
        }
    }

    #[test]
    fn what_a_line_leaves_out_comes_from_the_flags() {
        let login =
            login(r#"{"external_user_id":"u","models":null,"user_attributes":{"locale":"de"}}"#);

        assert_eq!(login.models.unwrap(), ["thelook"]);
        let attributes = [("locale".to_owned(), "de".to_owned())].into();
        assert_eq!(login.user_attributes, Some(attributes));
    }

    #[test]
    fn a_line_that_means_something_else_is_refused() {
        for line in [
            r#"{"path":"/alive"}"#,
            r#"{"external_user_id":null}"#,
            r#"{"external_user_id":"u","user_attributes":{"a":["x"]}}"#,
            r#"{"external_user_id":"u","user_attributes":{"a":null}}"#,
            r#"{"external_user_id":"u","external_user_id":"v"}"#,
            r#"{"external_user_id":"u","model":["a"]}"#,
            r#"{"external_user_id":"u","session_length":-1}"#,
            r#"{"external_user_id":"u"} {}"#,
            r#"["u"]"#,
            "",
        ] {
            assert!(read(line, &Login::new("")).is_err(), "{line}");
        }
    }
}
