//! One line of `embedctl url sign --batch`: what it may hold, and the login it makes.

use std::collections::BTreeMap;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::signed_url::Login;

/// A line, with the names of the URL's own parameters. What is left out, or `null`, comes from the flags.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) path: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) time: Option<i64>,
    external_user_id: Text,
    first_name: Option<String>,
    last_name: Option<String>,
    permissions: Option<Vec<String>>,
    models: Option<Vec<String>>,
    group_ids: Option<Vec<Text>>,
    external_group_id: Option<Text>,
    user_attributes: Option<BTreeMap<String, Text>>,
    user_timezone: Option<String>,
    session_length: Option<u32>,
    force_logout_login: Option<bool>,
}

impl Row {
    /// The login of this line; attributes are merged by name, everything else is replaced as a whole.
    pub(super) fn login(self, base: &Login) -> Login {
        let base = base.clone();
        let texts = |list: Vec<Text>| list.into_iter().map(|Text(text)| text).collect();
        let mut attributes = base.user_attributes.unwrap_or_default();
        let given = self.user_attributes.is_some();
        let own = self.user_attributes.unwrap_or_default();
        attributes.extend(own.into_iter().map(|(name, Text(value))| (name, value)));
        Login {
            external_user_id: self.external_user_id.0,
            first_name: self.first_name.or(base.first_name),
            last_name: self.last_name.or(base.last_name),
            permissions: self.permissions.or(base.permissions),
            models: self.models.or(base.models),
            group_ids: self.group_ids.map(texts).or(base.group_ids),
            external_group_id: self
                .external_group_id
                .map(|Text(text)| text)
                .or(base.external_group_id),
            user_attributes: (given || !attributes.is_empty()).then_some(attributes),
            user_timezone: self.user_timezone.or(base.user_timezone),
            session_length: self.session_length.unwrap_or(base.session_length),
            force_logout_login: self.force_logout_login.unwrap_or(base.force_logout_login),
        }
    }
}

/// A string, or a number or boolean taken as it is written, as many signers are given them.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
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
        Err(D::Error::invalid_type(
            unexpected,
            &"a string, number or boolean",
        ))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test should stop at once")]
mod tests {
    use super::Row;
    use crate::signed_url::Login;

    fn login(line: &str) -> Login {
        let base = Login {
            models: Some(vec!["thelook".to_owned()]),
            user_attributes: Some([("locale".to_owned(), "en".to_owned())].into()),
            ..Login::new("")
        };
        serde_json::from_str::<Row>(line).unwrap().login(&base)
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
            assert!(serde_json::from_str::<Row>(line).is_err(), "{line}");
        }
    }
}
