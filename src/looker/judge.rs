//! What the status and the body of an answer mean: the one place that decides.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use jiff::Timestamp;
use reqwest::StatusCode;

use crate::looker::call::Answer;
use crate::looker::error::{FieldError, LookerError};
use crate::looker::foreign::Foreign;
use crate::looker::retry;

/// The longest message of Looker's that is passed on.
const LONGEST_MESSAGE: usize = 400;

/// The error that `answer` stands for, unless it is a success.
pub(super) fn refusal(
    operation: &'static str,
    answer: &Answer,
    now: Timestamp,
) -> Option<LookerError> {
    let status = answer.status;
    if (200..300).contains(&status) {
        return None;
    }
    if let Some(foreign) = Foreign::refusal(answer) {
        return Some(LookerError::Unavailable {
            operation,
            status,
            foreign,
        });
    }
    let Said { message, fields } = said(answer);
    Some(match status {
        401 | 403 => LookerError::Denied {
            operation,
            status,
            message,
        },
        404 => LookerError::NotFound { operation, message },
        422 => LookerError::Validation {
            operation,
            message,
            fields,
        },
        429 => LookerError::Throttled {
            operation,
            message,
            retry_after: retry::asked(answer, now),
        },
        _ => LookerError::Status {
            operation,
            status,
            message,
        },
    })
}

/// The error of a success that is not Looker's, of an operation whose every answer is JSON or nothing.
pub(super) fn doubt(operation: &'static str, answer: &Answer) -> Option<LookerError> {
    Some(LookerError::Unavailable {
        operation,
        status: answer.status,
        foreign: Foreign::success(answer)?,
    })
}

/// The value in the body of a successful answer. What serde says of a value it does not like may quote it, and it may be
/// a secret, so only the place is kept.
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

/// What the body says; what the status means if a gateway answered with HTML or nothing.
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

/// Text of a server's, as one line of bounded length.
fn tame(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let plain = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char });
    plain.take(LONGEST_MESSAGE).collect()
}
