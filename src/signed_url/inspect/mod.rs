//! Why a signed URL is refused: each check on its own, and for a wrong signature the mistake that explains it.

mod attempt;
mod checks;
mod cut_off;
mod diagnosis;
mod mistakes;
mod page;
mod parts;
mod permissions;
mod url;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::permissions::Permissions;
use crate::secret::SecretString;
use crate::signed_url::Algorithm;
use crate::signed_url::inspect::parts::Parts;
use crate::signed_url::inspect::url::Url;
use crate::signed_url::paste::{self, Reading};

/// How many readings of a URL are searched for a mistake that explains its signature.
const MOST_READINGS: usize = 6;

/// What a URL is compared with.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The embed secret and its algorithm; without them the signature cannot be checked.
    pub secret: Option<(SecretString, Algorithm)>,
    /// Secrets that people take for it, each with its name.
    pub other_secrets: Vec<(&'static str, SecretString)>,
    /// Looker's host, if it is known.
    pub host: Option<String>,
    /// The time of the check, in Unix seconds.
    pub now: i64,
    /// The permissions embed users may have.
    pub permissions: Permissions,
}

/// The result for a URL. Its JSON form is part of embedctl's contract. It contains the nonce and the signature, so `Debug`
/// shows little.
#[derive(Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// Whether Looker would accept the URL, as far as can be known without asking it; `None` if nothing wrong was found, but
    /// the signature could not be checked: there is no secret to check it with, or nothing is signed, as in a cookieless login.
    pub valid: Option<bool>,
    /// What was undone before the URL was read, if it was pasted with something around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// The algorithm that made the signature, or could have, by its length.
    #[serde(serialize_with = "by_name")]
    pub algorithm: Option<Algorithm>,
    /// The checks, always all of them and in the same order.
    pub checks: Vec<Check>,
    /// What is wrong and what to change, the most significant first.
    pub diagnosis: Vec<Diagnosis>,
    /// What Looker may accept, and is better changed or known.
    pub advice: Vec<Diagnosis>,
    /// The page to open, decoded.
    pub embed_path: Option<String>,
    /// The decoded parameters; as text if a value is not JSON.
    pub params: BTreeMap<String, Value>,
    /// The lines that a genuine signer would have signed.
    pub string_to_sign: Vec<String>,
    /// The URL as it was read. Whoever has it is let in, so it is not shown.
    #[serde(skip)]
    pub url: SecretString,
}

/// One check.
#[derive(Serialize, Clone, Debug)]
pub struct Check {
    /// Its name, which is the same for every URL.
    pub name: &'static str,
    /// Whether it passed; `None` if it could not be checked. `permissions` is advice: sources disagree on whether Looker
    /// drops or refuses them.
    pub ok: Option<bool>,
    /// What was found.
    pub detail: String,
}

impl Check {
    /// Whether Looker would accept the URL even if it fails.
    pub fn is_advice(&self) -> bool {
        self.name == permissions::CHECK
    }
}

/// A mistake, and how to fix it.
#[derive(Serialize, Clone, Debug, Eq, PartialEq)]
pub struct Diagnosis {
    /// The name of the mistake, for programs.
    pub name: &'static str,
    /// What was done.
    pub message: String,
    /// What to change in the code that signs.
    pub fix: String,
}

/// What does not explain a refusal.
const ADVICE: [&str; 6] = [
    "permissions",
    "attribute_null",
    "cookieless",
    "embed_sso",
    "page_not_embedded",
    "without_scheme",
];

impl Diagnosis {
    /// Whether it does not explain a refusal.
    fn is_advice(&self) -> bool {
        ADVICE.contains(&self.name)
    }
}

/// Inspect the first URL of a text, without any request.
pub fn inspect(text: &str, expected: &Expected) -> Inspection {
    let mut all = paste::find(text, expected.host.as_deref()).into_iter();
    read(&all.next().unwrap_or_default(), expected)
}

/// Inspect every URL of a text, without any request.
pub fn inspect_all(text: &str, expected: &Expected) -> Vec<Inspection> {
    let urls = paste::find(text, expected.host.as_deref());
    let mut inspections: Vec<Inspection> = urls
        .iter()
        .map(|readings| read(readings, expected))
        .collect();
    let mut seen = BTreeSet::new();
    for inspection in &mut inspections {
        let nonce = inspection.params.get("nonce").map(Value::to_string);
        if nonce.is_some_and(|nonce| !seen.insert(nonce)) {
            inspection.valid = Some(false);
            inspection.diagnosis.push(Diagnosis {
                name: "nonce_reused",
                message: "another URL of this text has the same nonce, and Looker accepts one once within an hour".to_owned(),
                fix: "make a new random nonce for each URL".to_owned(),
            });
        }
    }
    inspections
}

/// The reading that the signature confirms; otherwise the one whose signature a mistake explains; otherwise the most plausible.
fn read(readings: &[Reading], expected: &Expected) -> Inspection {
    if let Some((secret, algorithm)) = &expected.secret {
        let signed =
            |reading: &&Reading| Url::new(Parts::of(&reading.url)).is_signed(secret, *algorithm);
        if let Some(reading) = readings.iter().find(signed) {
            return inspect_reading(reading, expected);
        }
        // The signature is for what a browser sends, and a host may be written otherwise.
        let by_browser = readings.first().and_then(as_sent);
        if let Some(reading) = by_browser.as_ref().filter(signed) {
            return inspect_reading(reading, expected);
        }
    }
    let nothing = Reading::default();
    let first = inspect_reading(readings.first().unwrap_or(&nothing), expected);
    if first
        .diagnosis
        .iter()
        .all(|found| found.name != diagnosis::UNEXPLAINED)
    {
        return first;
    }
    let explained =
        |reading: &&Reading| diagnosis::is_explained(&Url::new(Parts::of(&reading.url)), expected);
    let other = readings.iter().take(MOST_READINGS).skip(1).find(explained);
    other.map_or(first, |reading| inspect_reading(reading, expected))
}

/// The URL with its host as a browser sends it.
fn as_sent(reading: &Reading) -> Option<Reading> {
    let url = Url::new(Parts::of(&reading.url));
    let host = checks::as_sent(&url)?;
    let mut reading = reading.clone();
    reading.url = reading.url.replacen(url.parts.host, &host, 1);
    reading
        .undone
        .push("its host was taken as browsers send it");
    Some(reading)
}

fn inspect_reading(reading: &Reading, expected: &Expected) -> Inspection {
    let url = Url::new(Parts::of(&reading.url));
    let checks = checks::all(&url, expected);
    let found = diagnosis::all(&url, expected, reading.shortened);
    let (mut advice, diagnosis): (Vec<_>, Vec<_>) =
        found.into_iter().partition(Diagnosis::is_advice);
    if reading.without_scheme {
        advice.push(Diagnosis {
            name: "without_scheme",
            message: "the URL does not begin with `https://`".to_owned(),
            fix: "if it was sent like this, put the scheme in front: a browser takes it for a path of the page that embeds it".to_owned(),
        });
    }
    let failed = |check: &Check| check.ok == Some(false) && !check.is_advice();
    let bad = checks.iter().any(failed) || !diagnosis.is_empty();
    let open = checks.iter().any(|check| check.ok.is_none());
    let valid = match () {
        () if url.is_cookieless() => None,
        () if bad => Some(false),
        () if open => None,
        () => Some(true),
    };
    Inspection {
        valid,
        read_as: (!reading.undone.is_empty()).then(|| reading.undone.join("; ")),
        algorithm: checks::algorithm(&url, expected),
        checks,
        diagnosis,
        advice,
        embed_path: url.embed_path.as_ref().ok().cloned(),
        params: params(&url),
        string_to_sign: url.attempt().lines(),
        url: SecretString::from(reading.url.as_str()),
    }
}

impl Inspection {
    /// Add what was found elsewhere: why Looker refuses the URL, or advice.
    pub fn found(&mut self, diagnosis: Diagnosis, refused: bool) {
        if refused {
            self.valid = Some(false);
            self.diagnosis.push(diagnosis);
        } else {
            self.advice.push(diagnosis);
        }
    }

    /// Add the result of Looker's validator: `None` if it accepts the URL, otherwise what is wrong.
    pub fn judged_by_looker(&mut self, answer: Option<String>) {
        let ok = answer.is_none();
        self.valid = Some(self.valid.unwrap_or(true) && ok);
        let detail = answer.unwrap_or_else(|| "Looker accepts the URL".to_owned());
        self.checks.push(Check {
            name: "looker",
            ok: Some(ok),
            detail,
        });
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection")
            .field("valid", &self.valid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn params(url: &Url<'_>) -> BTreeMap<String, Value> {
    // A value that is not JSON is shown as the text it is.
    let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let params = url.query.as_ref().map(|query| {
        query
            .iter()
            .map(|(name, text)| (name.to_owned(), value(text)))
            .collect()
    });
    params.unwrap_or_default()
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn by_name<S: serde::Serializer>(
    algorithm: &Option<Algorithm>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match algorithm {
        Some(algorithm) => serializer.collect_str(algorithm),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::survives;
    use crate::signed_url::verify;

    #[test]
    fn no_url_makes_inspection_or_verification_panic_hang_or_grow() {
        // Built by hand; only the shape matters here.
        let url = "https://acme.looker.com/login/embed/%2Fembed%2Fdashboards%2F1?nonce=%22abcdefghijklmnop%22&time=1700000000&session_length=900&external_user_id=%22a%22&permissions=%5B%22access_data%22%5D&models=%5B%22demo%22%5D&group_ids=%5B%5D&external_group_id=%22%22&user_attributes=%7B%22region%22%3A%22west%22%7D&access_filters=%7B%7D&signature=VfZ8%2B%2FY%3D&first_name=%22Ada%22&force_logout_login=true";
        survives(&[url], |input| {
            let text = String::from_utf8_lossy(input);
            let secret = || (SecretString::from("s3cret"), Algorithm::Sha1);
            let expected = Expected {
                // Hundreds of signatures are tried to explain a wrong one, which takes too long for every input.
                secret: (input.len() % 64 == 0).then(secret),
                host: Some("acme.looker.com".to_owned()),
                now: 1_700_000_010,
                ..Expected::default()
            };
            assert_ne!(inspect(&text, &expected).valid, Some(true));
            let (path, query) = text.split_once('?').unwrap_or((&text, ""));
            let path = path.strip_prefix("https://acme.looker.com").unwrap_or(path);
            let verified =
                verify::verify(path, query, "acme.looker.com", &[secret()], 1_700_000_010);
            assert!(verified.is_err());
        });
    }
}
