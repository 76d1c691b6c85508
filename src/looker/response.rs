//! What the status and body of a response mean, decided only here.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use jiff::Timestamp;
use reqwest::StatusCode;

use crate::looker::answer::Answer;
use crate::looker::error::{FieldError, LookerError};
use crate::looker::foreign::Foreign;
use crate::net::retry;

/// The longest message of Looker's that is passed on.
const LONGEST_MESSAGE: usize = 400;

/// The error that `answer` stands for, unless it is a success.
pub(super) fn refusal(
    operation: &'static str,
    answer: &Answer,
    now: Timestamp,
) -> Option<LookerError> {
    let status = answer.status;
    // belief: success-is-2xx
    if (200..300).contains(&status) {
        return None;
    }
    if let Some(foreign) = Foreign::refusal(answer) {
        return Some(LookerError::Unavailable {
            operation,
            status,
            foreign,
            proxy: answer.proxy.clone(),
        });
    }
    let Said { message, fields } = said(answer);
    Some(match status {
        // belief: forbidden-is-403
        401 | 403 => LookerError::Denied {
            operation,
            status,
            message,
        },
        // belief: not-found-is-json
        404 => LookerError::NotFound { operation, message },
        // belief: validation-is-422
        422 => LookerError::Validation {
            operation,
            message,
            fields,
        },
        429 => LookerError::Throttled {
            operation,
            message,
            retry_after: retry::asked(&answer.headers, now),
        },
        _ => LookerError::Status {
            operation,
            status,
            message,
        },
    })
}

/// The error for a success that is not Looker's, for operations that only answer with JSON or nothing.
pub(super) fn doubt(operation: &'static str, answer: &Answer) -> Option<LookerError> {
    Some(LookerError::Unavailable {
        operation,
        status: answer.status,
        foreign: Foreign::success(answer)?,
        proxy: answer.proxy.clone(),
    })
}

/// The value in the body of a successful answer. serde's own message may quote a value, which may be a secret, so only the
/// position is kept.
pub(super) fn decode<T: DeserializeOwned>(
    operation: &'static str,
    answer: &Answer,
) -> Result<T, LookerError> {
    serde_json::from_slice(&answer.body).map_err(|error| LookerError::Decode {
        operation,
        problem: match error.classify() {
            _ if answer.body.is_empty() => "it is empty".to_owned(),
            serde_json::error::Category::Data => format!(
                "a value has another type, line {} column {}",
                error.line(),
                error.column()
            ),
            _ => format!("no JSON, line {} column {}", error.line(), error.column()),
        },
    })
}

struct Said {
    message: String,
    fields: Vec<FieldError>,
}

/// What the body says, or the meaning of the status if a gateway answered with HTML or nothing.
fn said(answer: &Answer) -> Said {
    #[derive(Deserialize)]
    struct Body {
        message: Option<String>,
        #[serde(default)]
        errors: Option<Vec<FieldError>>,
    }

    let reason = StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("no reason given");
    let body = serde_json::from_slice::<Body>(&answer.body).ok();
    let (message, fields) = body.map_or((None, None), |body| (body.message, body.errors));
    let message = message.filter(|message| !message.trim().is_empty());
    Said {
        message: message.map_or_else(|| reason.to_owned(), |message| tame(&message)),
        fields: fields.unwrap_or_default().iter().map(tame_field).collect(),
    }
}

fn tame_field(error: &FieldError) -> FieldError {
    FieldError {
        field: error.field.as_deref().map(tame),
        code: error.code.as_deref().map(tame),
        message: error.message.as_deref().map(tame),
    }
}

/// A server's text as one line of bounded length.
fn tame(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let plain = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char });
    plain.take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
    use zeroize::Zeroizing;

    use super::*;
    use crate::fuzz::survives;
    use crate::looker::{
        Api3Key, AttributeValue, EmbedConfig, Folder, Role, ScheduledPlan, Session, User, Versions,
    };

    /// Answers of Looker's, cut down from recordings.
    const ANSWERS: [&str; 5] = [
        r#"[{"id":"7","first_name":"Ada","is_disabled":false,"group_ids":["1",2],"role_ids":[],"credentials_embed":[{"external_user_id":"a","logged_in_at":"2023-03-07T12:28:32.000+00:00","is_disabled":false}],"credentials_api3":[{"id":"9","client_id":"c","created_at":"2023-03-07T12:28:32.000+00:00","purpose":null}],"ui_state":{"x":[1]},"email":""}]"#,
        r#"[{"id":"2","name":"Admin","permission_set":{"id":"1","permissions":["see_looks"],"all_access":true},"model_set":{"models":["demo"]}}]"#,
        r#"[{"user_attribute_id":"11","name":"locale","value":"","value_is_hidden":true,"source":"User Setting","rank":-1}]"#,
        r#"{"message":"Validation Failed","errors":[{"field":"[:title, :space_id]","code":"already_exists"}],"documentation_url":"https://docs.looker.com/"}"#,
        r#"{"embed_config":{"permissions":{"access_data":{"see_looks":["explore"]}},"domain_allowlist":["*"]},"looker_release_version":"26.22.1","current_version":{"full_version":"4.0.26.22"}}"#,
    ];

    #[test]
    fn no_answer_makes_the_client_panic_hang_or_grow() {
        survives(&ANSWERS, |input| {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(input.get(..40).unwrap_or(input)) {
                headers.insert(RETRY_AFTER, value.clone());
                headers.insert("date", value);
            }
            for status in [200, 302, 404, 422, 429, 500] {
                let answer = Answer {
                    status,
                    headers: headers.clone(),
                    body: Zeroizing::new(input.to_vec()),
                    proxy: None,
                };
                let refused = refusal("me", &answer, Timestamp::UNIX_EPOCH);
                assert_eq!(refused.is_none(), status == 200);
                let _date = answer.header("date").and_then(retry::date).is_some();
                read_as_everything(&answer);
            }
        });
    }

    fn not_found(kind: Option<&'static str>, body: &str) -> LookerError {
        let kind = kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind)));
        let answer = Answer {
            status: 404,
            headers: HeaderMap::from_iter(kind),
            body: Zeroizing::new(body.as_bytes().to_vec()),
            proxy: None,
        };
        refusal("user", &answer, Timestamp::UNIX_EPOCH).expect("404 is no success")
    }

    /// The bodies and types are recorded: looker-sdk-ruby 2014, spectacles 2020 to 2022, terraform-provider 2024, embed-sdk
    /// 2024.
    #[test]
    fn a_recorded_404_says_that_nothing_is_there_and_a_dressed_up_one_says_nothing() {
        const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Looker Not Found (404)</title></head><body>Looker is \
            unavailable.</body></html>";
        let json = Some("application/json");
        for (kind, body, words) in [
            (
                Some("application/json;charset=utf-8"),
                r#"{"message":"Not found","documentation_url":"http://docs.looker.com/"}"#,
                "Not found",
            ),
            (
                json,
                r#"{"message":"Not found","documentation_url":"http://docs.looker.com/"}"#,
                "Not found",
            ),
            (
                json,
                r#"{"message":"Not found","documentation_url":"https://cloud.google.com/looker/docs/r/err/4.0/404/get/connections/:connection_name"}"#,
                "Not found",
            ),
            (
                json,
                r#"{"message":"The resource you're looking for could not be found"}"#,
                "The resource you're looking for could not be found",
            ),
        ] {
            let said = not_found(kind, body);
            assert!(
                matches!(&said, LookerError::NotFound { message, .. } if message == words),
                "{kind:?} {body}: {said:?}"
            );
            for dressed in [Some("text/html"), Some("*/*"), Some("text/plain"), None] {
                let said = not_found(dressed, body);
                let is_foreign = matches!(said, LookerError::Unavailable { status: 404, .. });
                assert!(is_foreign, "{dressed:?} {body}: {said:?}");
            }
        }
        // The pages were recorded as `text/html` and, of a login, as `*/*`.
        for kind in [Some("text/html"), Some("*/*"), json, None] {
            for body in [
                PAGE,
                "",
                " ",
                "null",
                "[]",
                "{}",
                r#"{"error":"Not found"}"#,
            ] {
                let said = not_found(kind, body);
                let is_foreign = matches!(said, LookerError::Unavailable { status: 404, .. });
                assert!(is_foreign, "{kind:?} {body}: {said:?}");
            }
        }
    }

    fn read_as_everything(answer: &Answer) {
        let _read = [
            decode::<Vec<User>>("search_users", answer).is_ok(),
            decode::<Vec<Role>>("user_roles", answer).is_ok(),
            decode::<Vec<AttributeValue>>("user_attribute_user_values", answer).is_ok(),
            decode::<Vec<Api3Key>>("all_user_credentials_api3s", answer).is_ok(),
            decode::<Vec<Session>>("all_user_sessions", answer).is_ok(),
            decode::<Vec<Folder>>("search_folders", answer).is_ok(),
            decode::<Vec<ScheduledPlan>>("all_scheduled_plans", answer).is_ok(),
            decode::<EmbedConfig>("get_setting", answer).is_ok(),
            decode::<Versions>("versions", answer).is_ok(),
        ];
    }
}
