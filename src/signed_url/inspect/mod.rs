//! Why a signed URL is refused: each check on its own, and for a wrong signature the mistake that explains it.

mod attempt;
mod checks;
mod diagnosis;
mod mistakes;
mod parts;
mod pasted;
mod permissions;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::permissions::Permissions;
use crate::secret::SecretString;
use crate::signed_url::Algorithm;
use crate::signed_url::inspect::checks::Url;
use crate::signed_url::inspect::parts::Parts;

pub use pasted::Pasted;

/// What a URL is compared with.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The embed secret and its algorithm; without them the signature cannot be checked.
    pub secret: Option<(SecretString, Algorithm)>,
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
    /// Whether Looker would accept the URL, as far as can be known without asking it; `None` for a cookieless login, of which
    /// nothing is signed.
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
}

/// One check.
#[derive(Serialize, Clone, Debug)]
pub struct Check {
    /// Its name, which is the same for every URL.
    pub name: &'static str,
    /// Whether it passed. `permissions` is advice: sources disagree on whether Looker drops or refuses them.
    pub ok: bool,
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

impl Diagnosis {
    /// Whether it does not explain a refusal.
    fn is_advice(&self) -> bool {
        matches!(self.name, "permissions" | "attribute_null" | "cookieless")
    }
}

/// Inspect a URL as it was given, without any request.
pub fn inspect(url: &str, expected: &Expected) -> Inspection {
    let pasted = Pasted::in_text(url);
    let url = Url::new(Parts::of(&pasted.url));
    let checks = checks::all(&url, expected);
    let (advice, diagnosis) = diagnosis::all(&url, expected)
        .into_iter()
        .partition(Diagnosis::is_advice);
    let valid = checks.iter().all(|check| check.ok || check.is_advice());
    Inspection {
        valid: (!url.is_cookieless()).then_some(valid),
        read_as: (!pasted.undone.is_empty()).then(|| pasted.undone.join("; ")),
        algorithm: checks::algorithm(&url, expected),
        checks,
        diagnosis,
        advice,
        embed_path: url.embed_path.as_ref().ok().cloned(),
        params: params(&url),
        string_to_sign: url.attempt().lines(),
    }
}

impl Inspection {
    /// Add the result of Looker's validator: `None` if it accepts the URL, otherwise what is wrong.
    pub fn judged_by_looker(&mut self, answer: Option<String>) {
        let ok = answer.is_none();
        self.valid = Some(self.valid.unwrap_or(true) && ok);
        let detail = answer.unwrap_or_else(|| "Looker accepts the URL".to_owned());
        self.checks.push(Check {
            name: "looker",
            ok,
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
