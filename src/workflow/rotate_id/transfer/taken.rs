//! Distinguishes two refusals with the same code: a name that is taken, and an item that is already at its destination.

use crate::looker::{FieldError, LookerError};

/// Whether Looker says that a name is taken. Recorded for a dashboard: the field `[:title, :space_id]`, Ruby's notation of a
/// list, with the code `already_exists` and a message; also seen: the field `name`, another message, or none.
pub(super) fn is_taken(error: &LookerError) -> bool {
    let LookerError::Validation {
        fields, message, ..
    } = error
    else {
        return false;
    };
    match fields[..] {
        [] => says_taken(message),
        _ => fields
            .iter()
            .any(|error| says_exists(error) && names(error, &["title", "name"]).unwrap_or(true)),
    }
}

/// Whether Looker says that an item already lies in its target folder (recorded: the field `folder_id` with the code
/// `already_exists`, for content that stays in its folder).
pub(super) fn is_in_place(error: &LookerError) -> bool {
    let LookerError::Validation { fields, .. } = error else {
        return false;
    };
    !is_taken(error)
        && fields.iter().any(|error| {
            let folder = ["folder_id", "space_id", "parent_id"];
            says_exists(error) && names(error, &folder) == Some(true)
        })
}

// belief: taken-name-has-message
fn says_exists(error: &FieldError) -> bool {
    let message = error.message.as_deref().unwrap_or_default();
    // belief: taken-name-is-422
    error.code.as_deref() == Some("already_exists") || says_taken(message)
}

fn says_taken(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("already exists") || message.contains("already in use")
}

/// Whether the error is about one of these fields; `None` if it names none.
fn names(error: &FieldError, wanted: &[&str]) -> Option<bool> {
    let field = error.field.as_deref()?;
    let is_letter = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let mut parts = field.split(|char| !is_letter(char));
    Some(parts.any(|part| wanted.contains(&part)))
}

#[cfg(test)]
mod tests {
    use super::{is_in_place, is_taken};
    use crate::looker::{FieldError, LookerError};

    fn refused(
        fields: &[(Option<&str>, Option<&str>, Option<&str>)],
        message: &str,
    ) -> LookerError {
        let owned = |text: &Option<&str>| text.map(str::to_owned);
        LookerError::Validation {
            operation: "update_dashboard",
            message: message.to_owned(),
            fields: fields
                .iter()
                .map(|(field, code, message)| FieldError {
                    field: owned(field),
                    code: owned(code),
                    message: owned(message),
                })
                .collect(),
        }
    }

    /// The words are recorded (looker-cli #188 and #234, sdk-codegen #1476, looker-sdk-ruby, lmanage).
    #[test]
    fn a_taken_name_and_a_thing_in_its_place_are_told_apart() {
        const FAILED: &str = "Validation Failed";
        let exists = Some("already_exists");
        for field in [
            "[:title, :space_id]",
            "title",
            "name",
            "[:name, :parent_id]",
        ] {
            let refused = refused(&[(Some(field), exists, None)], FAILED);
            assert!(is_taken(&refused) && !is_in_place(&refused), "{field}");
        }
        let message = Some("Dashboard with this title already exists.");
        assert!(is_taken(&refused(&[(None, None, message)], FAILED)));
        assert!(is_taken(&refused(
            &[(Some("title"), None, message)],
            FAILED
        )));
        assert!(is_taken(&refused(
            &[],
            "Filter with this title already exists."
        )));

        let place = Some("folder_id and the folder id of the existing look must be different");
        let there = refused(&[(Some("folder_id"), exists, place)], FAILED);
        assert!(!is_taken(&there) && is_in_place(&there));

        let missing = Some("folder not found for folder_id");
        for other in [
            refused(&[(Some("folder_id"), Some("missing"), missing)], FAILED),
            refused(&[(Some("title"), Some("invalid"), None)], FAILED),
            refused(&[], FAILED),
        ] {
            assert!(!is_taken(&other) && !is_in_place(&other), "{other}");
        }
    }
}
