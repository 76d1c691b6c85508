//! Text as it travels: percent-encoding, escaped HTML, and the way Looker writes times.

use jiff::Timestamp;

use crate::emulator::switches::TimeForm;

/// Decode `%XX`; `None` if the result is not UTF-8 or an escape is cut off.
pub(crate) fn decode_path(text: &str) -> Option<String> {
    decode(text, false)
}

/// Decode `%XX`, and `+` as a space, as forms and queries are.
pub(crate) fn decode_form(text: &str) -> Option<String> {
    decode(text, true)
}

fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Some(text.to_owned());
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Durations in JSON and TOML, such as `25ms`.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::system::duration::{exact, read};

    /// Read one.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        read(&text).map_err(|why| D::Error::custom(format!("`{text}` is no duration: {why}")))
    }

    /// Write one.
    pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&exact(*time))
    }
}

/// `text` for a place in HTML.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The milliseconds of a time in a form that has some.
const MILLIS: i64 = 829;

/// A time in seconds as Looker's API writes it.
pub(crate) fn api_time(seconds: i64, form: TimeForm) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    let pacific = Timestamp::from_second(seconds - 7 * 3600).unwrap_or_default();
    match form {
        TimeForm::Utc => time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00").to_string(),
        TimeForm::Millis => {
            let whole = time.strftime("%Y-%m-%dT%H:%M:%S");
            format!("{whole}.{MILLIS}+00:00")
        }
        TimeForm::Offset => {
            let whole = pacific.strftime("%Y-%m-%dT%H:%M:%S");
            format!("{whole}.{MILLIS}-07:00")
        }
        TimeForm::Zulu => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        TimeForm::Garbage => time.strftime("%Y/%m/%d %H:%M").to_string(),
    }
}

/// The time of day, for people who look at what happened just now.
pub(crate) fn clock_time(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%H:%M:%S").to_string()
}

/// Day and time, for people.
pub(crate) fn day_time(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A time in seconds as a `Date` header says it.
pub(crate) fn http_date(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use crate::emulator::switches::TimeForm;

    use super::{api_time, decode_form, decode_path, html, http_date};

    #[test]
    fn decodes_a_plus_in_a_query_only() {
        assert_eq!(decode_path("a+b%2Fc").as_deref(), Some("a+b/c"));
        assert_eq!(decode_form("a+b%2Fc").as_deref(), Some("a b/c"));
    }

    #[test]
    fn refuses_cut_off_escapes_and_bad_utf8() {
        assert_eq!(decode_path("a%2"), None);
        assert_eq!(decode_path("%FF"), None);
    }

    #[test]
    fn escapes_what_html_would_read() {
        assert_eq!(html("<b a='1'>&"), "&lt;b a=&#39;1&#39;&gt;&amp;");
    }

    // 784111777 is the example of RFC 9110, section 5.6.7.
    #[test]
    fn writes_times_as_looker_and_http_do() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        for (form, written) in [
            ("utc", "1994-11-06T08:49:37.000+00:00"),
            ("millis", "1994-11-06T08:49:37.829+00:00"),
            ("offset", "1994-11-06T01:49:37.829-07:00"),
            ("zulu", "1994-11-06T08:49:37Z"),
            ("garbage", "1994/11/06 08:49"),
        ] {
            let form: TimeForm = form.parse().unwrap();
            assert_eq!(api_time(784_111_777, form), written);
        }
    }
}
