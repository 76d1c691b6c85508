//! Faults as text, for flags, and as JSON or TOML, for files and at run time.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::emulator::faults::{Effect, ErrorBody, Fault};
use crate::emulator::http::router::is_operation;
use crate::system::duration::read;

/// A fault that cannot be read, and how to write one.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}; a fault is `OPERATION:EFFECT` with options, as in `login:503:retry-after=2:times=3`, \
     `create_user_credentials_api3:reset-after`, `*:slow-body=2s` or `GET /api/4.0/users:truncate:skip=1`"
)]
pub struct FaultError(String);

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut parts = text.split(':');
        let operation = parts.next().unwrap_or_default();
        let effect = parts
            .next()
            .ok_or_else(|| FaultError(format!("`{text}` names no effect")))?;
        let mut fault = Self::new(parse_effect(effect)?);
        if operation != "*" {
            fault.operation = Some(checked(operation.to_owned())?);
        }
        for option in parts {
            set(&mut fault, option)?;
        }
        Ok(fault)
    }
}

/// The name of an operation, or a method and the beginning of a path.
fn checked(operation: String) -> Result<String, FaultError> {
    // A method and path are not checked: they may be of a page.
    match operation.contains(' ') || is_operation(&operation) {
        true => Ok(operation),
        false => Err(FaultError(format!("there is no operation `{operation}`"))),
    }
}

fn parse_effect(text: &str) -> Result<Effect, FaultError> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let wrong = || FaultError(format!("there is no effect `{text}`"));
    let duration = || read(value).map_err(|_why| wrong());
    Ok(match name {
        "late" => Effect::Late(value.parse().map_err(|_error| wrong())?),
        "reset-before" => Effect::ResetBefore,
        "reset-after" => Effect::ResetAfter,
        "slow-headers" => Effect::SlowHeaders(duration()?),
        "slow-body" => Effect::SlowBody(duration()?),
        "delay" => Effect::Delay(duration()?),
        "truncate" => Effect::Truncate,
        "garbage" => Effect::Garbage,
        "huge" => Effect::Huge(value.parse().map_err(|_error| wrong())?),
        // A colon would end the effect, so the scheme of a location is left out.
        "redirect" if !value.is_empty() => Effect::Redirect(match value.starts_with('/') {
            true => value.to_owned(),
            false => format!("http://{value}"),
        }),
        status => parse_status(status).ok_or_else(wrong)?,
    })
}

/// A status, with the form of its body if it has a usual one, and `-after` if the operation is done first.
fn parse_status(text: &str) -> Option<Effect> {
    let (status, after) = match text.strip_suffix("-after") {
        Some(status) => (status, true),
        None => (text, false),
    };
    let (code, body) = match status {
        "outage" => (404, ErrorBody::Outage),
        "star-404" => (404, ErrorBody::Star),
        "empty-404" => (404, ErrorBody::Empty),
        "empty-403" => (403, ErrorBody::Empty),
        "411" => (411, ErrorBody::Html),
        code => (code.parse().ok()?, ErrorBody::Json),
    };
    // Other codes are not statuses of HTTP.
    (200..600).contains(&code).then_some(match after {
        true => Effect::StatusAfter { code, body },
        false => Effect::Status {
            code,
            body,
            retry_after: None,
        },
    })
}

fn set(fault: &mut Fault, option: &str) -> Result<(), FaultError> {
    let wrong = || FaultError(format!("the option `{option}` means nothing here"));
    let (name, value) = option.split_once('=').ok_or_else(wrong)?;
    match (name, &mut fault.effect) {
        ("times", _) => fault.times = value.parse().map_err(|_error| wrong())?,
        ("skip", _) => fault.skip = value.parse().map_err(|_error| wrong())?,
        // Only an answer with a status has headers.
        ("retry-after", Effect::Status { retry_after, .. }) => {
            *retry_after = Some(value.to_owned());
        }
        ("body", Effect::Status { body, .. } | Effect::StatusAfter { body, .. }) => {
            *body = match value {
                "json" => ErrorBody::Json,
                "html" => ErrorBody::Html,
                "empty" => ErrorBody::Empty,
                "outage" => ErrorBody::Outage,
                "star" => ErrorBody::Star,
                _ => return Err(wrong()),
            };
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

/// A fault as an object: `{"operation", "skip", "times", "effect"}`, with an effect such as `"reset_after"`,
/// `{"slow_body": "2s"}` or `{"status": {"code": 503, "body": "html", "retry_after": "2"}}`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FaultObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(default)]
    skip: u32,
    #[serde(default = "once")]
    times: u32,
    effect: Effect,
}

const fn once() -> u32 {
    1
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().map_err(D::Error::custom),
            value => FaultObject::deserialize(value)
                .map_err(D::Error::custom)?
                .fault()
                .map_err(D::Error::custom),
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FaultObject {
            operation: self.operation.clone(),
            skip: self.skip,
            times: self.times,
            effect: self.effect.clone(),
        }
        .serialize(serializer)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_error| fmt::Error)?;
        f.write_str(&text)
    }
}

impl FaultObject {
    fn fault(self) -> Result<Fault, FaultError> {
        Ok(Fault {
            operation: self.operation.map(checked).transpose()?,
            skip: self.skip,
            times: self.times,
            effect: self.effect,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::emulator::faults::{Effect, ErrorBody, Fault};

    #[test]
    fn a_fault_reads_from_text_and_from_json_alike() {
        let text: Fault = "login:503:retry-after=2:body=html:times=3:skip=1"
            .parse()
            .unwrap();
        let json: Fault = serde_json::from_str(
            r#"{"operation":"login","skip":1,"times":3,
                "effect":{"status":{"code":503,"body":"html","retry_after":"2"}}}"#,
        )
        .unwrap();

        assert_eq!(text, json);
        assert_eq!(
            text.effect,
            Effect::Status {
                code: 503,
                body: ErrorBody::Html,
                retry_after: Some("2".to_owned()),
            }
        );
    }

    #[test]
    fn every_effect_survives_a_round_trip() {
        for text in [
            "*:reset-before",
            "*:reset-after",
            "*:slow-headers=25ms",
            "*:slow-body=2s",
            "*:delay=5ms",
            "*:truncate",
            "*:garbage",
            "*:huge=1000",
            "*:redirect=elsewhere/login",
            "GET /api/4.0/users:404:times=0",
            "*:outage",
            "*:outage-after:times=0",
            "*:empty-404",
            "*:star-404-after",
            "*:empty-403",
            "*:411",
            "*:503-after:body=html",
            "*:late=3",
        ] {
            let fault: Fault = text.parse().unwrap();
            let json = fault.to_string();
            assert_eq!(
                serde_json::from_str::<Fault>(&json).unwrap(),
                fault,
                "{json}"
            );
        }
        let slow: Fault = "*:slow-body=2s".parse().unwrap();
        assert_eq!(slow.effect, Effect::SlowBody(Duration::from_secs(2)));
    }

    #[test]
    fn a_fault_that_cannot_hit_is_refused() {
        for text in [
            "login",
            "log_in:503",
            "login:99",
            "login:slow-body",
            "login:503:twice",
            "login:truncate:body=html",
            "login:outage-before",
            "login:late",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
