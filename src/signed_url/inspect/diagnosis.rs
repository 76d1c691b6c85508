//! The mistakes in a URL, and what to change in the code that signs it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::report::nearest;
use crate::signed_url::inspect::attempt::Attempt;
use crate::signed_url::inspect::mistakes::{self, Mistake};
use crate::signed_url::inspect::url::Url;
use crate::signed_url::inspect::{Diagnosis, Expected, checks, cut_off, page, permissions, values};
use crate::signed_url::verify::{self, Rejection};
use crate::signed_url::{MAX_PATH_BYTES, MAX_QUERY_BYTES};

/// The name of the diagnosis that explains nothing.
pub(super) const UNEXPLAINED: &str = "signature_unexplained";

/// What is left to do if nothing explains a signature.
const COMPARE: &str = "compare the string to sign below with the one in the code that signs, line by line: a line that differs \
                       was changed on the way. If all are equal, compare the embed secret there with the one of the settings \
                       here; `embedctl doctor` tells whether Looker accepts the one here";

/// How far a time may be from a whole hour or half of one to be one of another time zone, in seconds.
const ZONE: u64 = 120;

/// A time above this is not in seconds: it would be in the year 5138.
const SECONDS: i64 = 100_000_000_000;

/// Everything that can be diagnosed, the most significant first.
pub(super) fn all(url: &Url<'_>, expected: &Expected, shortened: bool) -> Vec<Diagnosis> {
    if url.is_cookieless() {
        return vec![diagnosis(
            "cookieless",
            "this is the login of a cookieless session: nothing of it is signed",
            "if Looker refuses it, acquire a new session: its token is good once, for 30 seconds, for the browser (User-Agent) \
             that it was acquired for, and on a host that may embed",
        )];
    }
    if url.parts.query.is_empty() && !url.parts.path.starts_with("/login/") {
        return vec![diagnosis(
            "no_url",
            "there is no signed embed URL in this text",
            "paste the URL that begins with `https://` and the host, and goes on with `/login/embed/`, to its end",
        )];
    }
    if let Some(cut_off) = cut_off::diagnosis(url, expected, shortened) {
        return std::iter::once(cut_off).chain(page::problem(url)).collect();
    }
    let mut seen: Vec<Diagnosis> = values::diagnoses(url, expected);
    seen.extend(page::problem(url));
    seen.extend(time(url, expected.now));
    seen.extend(parameters(url));
    let signed = signature(url, expected);
    // What shows in the URL itself is not told twice.
    let new = signed.into_iter().filter(|found| {
        let of_path =
            |found: &Diagnosis| found.name.starts_with("path_") || found.name.starts_with("login_");
        !seen
            .iter()
            .any(|known| known.name == found.name || (of_path(known) && of_path(found)))
    });
    let new: Vec<Diagnosis> = new.collect();
    seen.extend(new);
    seen.extend(host(url, expected));
    seen.extend(limits(url));
    seen.extend(user(url));
    seen.extend(page::advice(url));
    seen.extend(allowed(url, expected));
    seen
}

fn diagnosis(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Diagnosis {
    Diagnosis {
        name,
        message: message.into(),
        fix: fix.into(),
    }
}

/// Search for the mistake, or the pair of mistakes, that produces exactly this signature.
fn signature(url: &Url<'_>, expected: &Expected) -> Vec<Diagnosis> {
    let Some(search) = Search::new(url, expected) else {
        return Vec::new();
    };
    // Single mistakes first: a pair could explain by accident what one mistake explains for certain.
    let found = search
        .one()
        .map(|mistake| vec![mistake])
        .or_else(|| search.two());
    match found {
        Some(found) => found
            .into_iter()
            .map(|mistake| diagnosis(mistake.name, &mistake.message, &mistake.fix))
            .collect(),
        None => vec![unexplained(url, expected, search.mistakes.len())],
    }
}

/// Whether a single mistake explains the signature, or it is the start of the right one.
pub(super) fn is_explained(url: &Url<'_>, expected: &Expected) -> bool {
    let cut_off = || cut_off::is_start_of_signature(url, expected);
    Search::new(url, expected).is_some_and(|search| search.one().is_some() || cut_off())
}

/// A wrong signature, and the mistakes that may have made it.
struct Search {
    sent: String,
    right: Attempt,
    /// Each with the signature that it makes.
    mistakes: Vec<(Mistake, String)>,
}

impl Search {
    /// `None` if there is nothing to explain, or nothing to explain it with.
    fn new(url: &Url<'_>, expected: &Expected) -> Option<Self> {
        let (secret, algorithm) = expected.secret.as_ref()?;
        if url.query().is_none() || url.parts.host.is_empty() || url.is_signed(secret, *algorithm) {
            return None;
        }
        let right = url.attempt_with(secret, *algorithm);
        // What changes nothing explains nothing, and what has the effect of another is no other.
        let mut effects = BTreeSet::from([right.signature()]);
        let mistakes = mistakes::all(&right, url, expected)
            .into_iter()
            .filter_map(|mistake| {
                let mut attempt = right.clone();
                (mistake.make)(&mut attempt);
                let signature = attempt.signature();
                effects
                    .insert(signature.clone())
                    .then_some((mistake, signature))
            });
        Some(Self {
            sent: url.text("signature").to_owned(),
            mistakes: mistakes.collect(),
            right,
        })
    }

    fn one(&self) -> Option<&Mistake> {
        let found = self
            .mistakes
            .iter()
            .find(|(_, signature)| *signature == self.sent);
        found.map(|(mistake, _)| mistake)
    }

    fn two(&self) -> Option<Vec<&Mistake>> {
        for (at, (first, _)) in self.mistakes.iter().enumerate() {
            let mut half = self.right.clone();
            (first.make)(&mut half);
            // Each pair once; the order of two mistakes does not matter.
            for (second, _) in self.mistakes.iter().skip(at + 1) {
                let mut attempt = half.clone();
                (second.make)(&mut attempt);
                if attempt.signature() == self.sent {
                    return Some(vec![first, second]);
                }
            }
        }
        None
    }
}

/// Nothing explains it: what was tried, and what is left to compare.
fn unexplained(url: &Url<'_>, expected: &Expected, tried: usize) -> Diagnosis {
    if url.text("signature").is_empty() {
        return diagnosis(
            "signature_missing",
            "there is no signature",
            "send `signature`: base64 of the HMAC of the string to sign, percent-encoded",
        );
    }
    diagnosis(
        UNEXPLAINED,
        format!(
            "none of {tried} known mistakes, and no two of them together, explain this signature: of the secret, the \
             digest, the host, the path, the lines and their order, and the spelling of values"
        ),
        match expected
            .host
            .as_deref()
            .filter(|host| !host.eq_ignore_ascii_case(url.parts.host))
        {
            Some(host) => format!(
                "the URL is for `{}`, and the embed secret of the settings for `{host}`: inspect it with the profile of its own Looker",
                url.parts.host
            ),
            None => COMPARE.to_owned(),
        },
    )
}

fn time(url: &Url<'_>, now: i64) -> Option<Diagnosis> {
    let time = url.value::<i64>("time")?;
    if time > SECONDS && now < SECONDS {
        return Some(diagnosis(
            "milliseconds",
            "`time` is in milliseconds",
            "send and sign Unix seconds",
        ));
    }
    verify::check_time(time, now).err()?;
    let apart = time.abs_diff(now);
    let half_hours = (apart + ZONE) / 1800;
    let zone = (1..=28).contains(&half_hours) && apart.abs_diff(half_hours * 1800) <= ZONE;
    let zone = match zone {
        true => {
            "; that is a time zone's difference: `time` is of UTC, whatever the zone of the machine"
        }
        false => "",
    };
    Some(if time < now {
        diagnosis(
            "time_too_old",
            format!("the URL was signed {apart} seconds ago, and is good for 300"),
            format!(
                "sign when the page is opened, not when a mail with it is sent; if it was, set the clock of the machine that signs{zone}"
            ),
        )
    } else {
        diagnosis(
            "time_in_future",
            format!("the URL was signed {apart} seconds from now, and may be 300 ahead"),
            format!(
                "set the clock of the machine that signs, and use Unix time, which knows no time zone{zone}"
            ),
        )
    })
}

fn parameters(url: &Url<'_>) -> Option<Diagnosis> {
    let message =
        |rejection: &Rejection| rejection.detail().unwrap_or_else(|| rejection.to_string());
    let rejection = checks::parameters(url).err()?;
    let (name, fix) = match &rejection {
        Rejection::UnknownParameters(names) if names.iter().any(|name| name == "embed_domain") => (
            "embed_domain",
            "put `embed_domain` into the query of the embed path, where it is signed with it".to_owned(),
        ),
        // belief: url-unknown-is-refused
        Rejection::UnknownParameters(names) => ("parameter_unknown", unknown_fix(names)),
        Rejection::DuplicateParameter(_) => ("parameter_duplicate", "send each parameter once".to_owned()),
        Rejection::MissingParameter("access_filters") => (
            "access_filters_missing",
            "send `access_filters`, `{}` if nothing else, and sign it as the last line; Looker still wants it".to_owned(),
        ),
        Rejection::MissingParameter("signature") => (
            "signature_missing",
            "send `signature`: base64 of the HMAC of the string to sign, percent-encoded".to_owned(),
        ),
        Rejection::MissingParameter(_) => {
            let sent = |name: &&str| url.query().is_some_and(|query| query.value(name).is_some());
            let missing: Vec<&str> = verify::required().filter(|name| !sent(name)).collect();
            ("parameter_missing", format!("send `{}`", missing.join("`, `")))
        }
        _ => ("encoding", "percent-encode names and values as UTF-8".to_owned()),
    };
    Some(diagnosis(name, message(&rejection), fix))
}

fn unknown_fix(unknown: &[String]) -> String {
    let meant = unknown
        .iter()
        .filter_map(|name| Some((name, nearest(name, verify::names())?)));
    let meant: Vec<String> = meant
        .map(|(name, meant)| format!("`{name}` is probably `{meant}`"))
        .collect();
    match meant.is_empty() {
        true => "leave it out: Looker refuses what it does not know. What is for the page, as a filter or a theme, belongs \
                 into the query of the embed path"
            .to_owned(),
        false => format!("{}: Looker refuses what it does not know", meant.join(", ")),
    }
}

fn limits(url: &Url<'_>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if let Some(seconds) = url.value::<i64>("session_length")
        && let Err(rejection) = verify::check_session_length(seconds)
    {
        let fix = "ask for 0 to 2592000 seconds, which is 30 days";
        found.push(diagnosis("session_length", rejection.to_string(), fix));
    }
    if let Some(nonce) = url.value::<String>("nonce")
        && let Err(rejection) = verify::check_nonce(&nonce)
    {
        let fix = "make a random nonce of 16 to 254 characters";
        found.push(diagnosis("nonce_length", rejection.to_string(), fix));
    }
    if let Err(rejection) = verify::check_size(url.parts.path, url.parts.query) {
        let fix = format!(
            "keep the path within {MAX_PATH_BYTES} bytes and the query within {MAX_QUERY_BYTES}: shorten filters, and \
             give grants through groups"
        );
        found.push(diagnosis("too_long", rejection.to_string(), fix));
    }
    found
}

/// Who is logged in, and with which values.
fn user(url: &Url<'_>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if checks::has_empty_user(url) {
        let fix = "send your own id of the user";
        found.push(diagnosis(
            "user_id_empty",
            "`external_user_id` is empty",
            fix,
        ));
    }
    let attributes: Option<BTreeMap<String, Value>> = url.value("user_attributes");
    for (name, value) in attributes.into_iter().flatten() {
        if value.is_null() {
            found.push(diagnosis(
                "attribute_null",
                format!("the user attribute `{name}` is null"),
                "leave it out, or send a text",
            ));
        }
    }
    found
}

/// A host that no browser sends as it stands there. Where the signature is for it, that is why it is refused.
fn host(url: &Url<'_>, expected: &Expected) -> Option<Diagnosis> {
    let host = url.parts.host;
    let sent = checks::as_sent(url)?;
    let (secret, algorithm) = expected.secret.as_ref()?;
    let name = match () {
        () if sent == host.to_ascii_lowercase() => "host_upper_case",
        () if host.is_ascii() => "host_default_port",
        () => "host_not_ascii",
    };
    url.is_signed(secret, *algorithm).then(|| {
        diagnosis(
            name,
            format!("the signature is for `{host}`, and browsers send `{sent}`"),
            format!("sign `{sent}`"),
        )
    })
}

fn allowed(url: &Url<'_>, expected: &Expected) -> Option<Diagnosis> {
    let problem = permissions::problem(url.query(), &expected.permissions)?;
    Some(diagnosis("permissions", problem.message, problem.fix))
}
