//! Compares the attribute values that a user was given with those that Looker shows afterwards.

use crate::looker::{AttributeValue, Origin, UnknownValue};

/// Compare the value that Looker shows for the attribute `name` with `wanted`, which was set. Returns a warning if the
/// result is uncertain.
///
/// # Errors
/// The user does not have the value, in words.
pub(super) fn compare(
    name: &str,
    wanted: &str,
    row: Option<&AttributeValue>,
) -> Result<Option<String>, String> {
    let Some(row) = row else {
        return Err(format!("it has no value for `{name}`"));
    };
    match (row.origin(), row.shown()) {
        // First, because a different value is an error wherever it comes from.
        (_, Some(shown)) if shown != wanted => Err(format!("its value for `{name}` is different")),
        (Origin::Elsewhere, None) => Err(format!("it has no value of its own for `{name}`")),
        (Origin::Own, Some(_)) => Ok(None),
        (Origin::Own | Origin::Unknown, None) => Ok(Some(format!(
            "Looker hides the value of `{name}`, so it was not compared"
        ))),
        (Origin::Elsewhere, Some(_)) => Ok(Some(format!(
            "`{name}` has the requested value, but Looker says that it is not the user's own"
        ))),
        (Origin::Unknown, Some(_)) => {
            let unknown = UnknownValue::from(row.clone());
            Ok(Some(format!(
                "{unknown} has the requested value, but embedctl cannot tell whether it is the user's own"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeValue, compare};

    fn row(source: &str, value: &str, hidden: bool) -> AttributeValue {
        AttributeValue {
            name: "region".to_owned(),
            value: Some(value.to_owned()),
            value_is_hidden: hidden,
            source: Some(source.to_owned()),
            ..AttributeValue::default()
        }
    }

    #[test]
    fn a_value_that_is_not_there_or_another_is_an_error_and_one_that_cannot_be_told_a_warning() {
        let of = |row: &AttributeValue| compare("region", "west", Some(row));

        assert_eq!(of(&row("User Setting", "west", false)), Ok(None));
        assert!(compare("region", "west", None).is_err());
        for (source, value, hidden) in [
            ("User Setting", "east", false),
            ("Default", "east", false),
            ("Made Up", "east", false),
            ("No Value", "", false),
            ("No Value", "", true),
        ] {
            assert!(of(&row(source, value, hidden)).is_err(), "{source} {value}");
        }
        for (source, value, hidden) in [
            ("Default", "west", false),
            ("Made Up", "west", false),
            ("User Setting", "", true),
            ("Made Up", "", true),
        ] {
            let told = of(&row(source, value, hidden));
            assert!(matches!(told, Ok(Some(_))), "{source} {value}");
        }
    }
}
