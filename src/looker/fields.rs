//! Parsing of Looker's values: ids as strings or numbers, `""` and `null` as unset, Looker's timestamps.

use serde::{Deserialize, Deserializer};

use crate::looker::timestamp::When;
use crate::secret::SecretString;

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Text(String),
    // belief: ids-are-text
    Number(serde_json::Number),
}

impl Loose {
    fn text(self) -> Option<String> {
        match self {
            // belief: unset-value-is-empty
            Self::Text(text) => (!text.is_empty()).then_some(text),
            Self::Number(number) => Some(number.to_string()),
        }
    }
}

/// A required id; ids were numbers before Looker 22.4.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional(deserializer)?.ok_or_else(|| serde::de::Error::custom("an id is missing"))
}

/// An id or text that may be missing, `null` or empty.
pub(super) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    // belief: unset-is-null-or-empty
    Ok(Option::<Loose>::deserialize(deserializer)?.and_then(Loose::text))
}

/// A text that may be missing or `null`; an empty one is a value of its own.
pub(super) fn exact<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(
        Option::<Loose>::deserialize(deserializer)?.map(|loose| match loose {
            Loose::Text(text) => text,
            Loose::Number(number) => number.to_string(),
        }),
    )
}

/// A text; empty if `null`.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(optional(deserializer)?.unwrap_or_default())
}

/// Ids, or `null` for none.
pub(super) fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ids = Option::<Vec<Loose>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(ids.into_iter().filter_map(Loose::text).collect())
}

/// A list, or `null` for an empty one; `null` elements are dropped.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list = Option::<Vec<Option<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(list.into_iter().flatten().collect())
}

/// The length of a list, or 0 for `null`; the elements are not parsed.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let list = Option::<Vec<serde::de::IgnoredAny>>::deserialize(deserializer)?;
    Ok(list.map_or(0, |list| list.len()))
}

/// A flag; `null` is false.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

/// A timestamp, none, or one that cannot be parsed.
pub(super) fn when<'de, D: Deserializer<'de>>(deserializer: D) -> Result<When, D::Error> {
    // belief: timestamps-are-rfc-3339
    Ok(When::read(optional(deserializer)?.as_deref()))
}

/// A secret.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    Ok(String::deserialize(deserializer)?.into())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Thing {
        #[serde(deserialize_with = "super::id")]
        id: String,
        #[serde(default, deserialize_with = "super::ids")]
        ids: Vec<String>,
    }

    fn thing(json: &str) -> Option<Thing> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn ids_are_strings_or_numbers() {
        let strings = thing(r#"{"id":"10","ids":["1","2"]}"#).unwrap();
        let numbers = thing(r#"{"id":10,"ids":[1,2],"unknown":{"x":[]}}"#).unwrap();

        assert_eq!(strings, numbers);
        assert_eq!(thing(r#"{"id":null}"#), None);
        assert_eq!(thing(r#"{"id":""}"#), None);
        assert_eq!(thing("{}"), None);
        assert!(thing(r#"{"id":"1","ids":null}"#).unwrap().ids.is_empty());
    }
}
