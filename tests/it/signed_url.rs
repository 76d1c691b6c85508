//! Signing and verifying against URLs that Looker's own published signers made, and against each other.

use std::collections::BTreeMap;

use embedctl::secret::{ExposeSecret as _, SecretString};
use embedctl::signed_url::verify::{self, Query, Rejection, VerifiedLogin};
use embedctl::signed_url::{Algorithm, Login, Signer, UrlError};
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_assume, proptest};
use serde::Deserialize;
use serde_json::Value;

const SECRET: &str = "b167c4998c1faadf5bf7742675aa6018aaa2e296f2eec5442b208d2cb6fdf1bd";
const TIME: i64 = 1_700_000_000;
const HOST: &str = "looker.example.com";
/// How many of the published signers' URLs embedctl writes to the byte: the others spell JSON or group ids differently.
const EQUAL: usize = 8;
/// How many cases the Embed SDK can sign and a [`Login`] can say.
const COMPARED: usize = 59;
const NONCE: &str = "22b1ee700ef3dc2f500fb7c0ffee1234";

/// `tests/data/signed_urls.json`; its first line says where the URLs are from.
#[derive(Deserialize)]
pub(crate) struct Data {
    cases: Vec<Case>,
    pub(crate) vectors: Vec<Vector>,
    pub(crate) must_reject: Vec<Forgery>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Value,
}

#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) case: String,
    pub(crate) signer: String,
    #[serde(default = "usual_secret")]
    pub(crate) secret: String,
    #[serde(default = "usual_time")]
    pub(crate) time: i64,
    pub(crate) url: String,
    signature: String,
    sha256: String,
    #[serde(default = "usually")]
    pub(crate) genuine: bool,
    string_to_sign: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Forgery {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) url: String,
}

fn usual_secret() -> String {
    SECRET.to_owned()
}

fn usual_time() -> i64 {
    TIME
}

fn usually() -> bool {
    true
}

pub(crate) fn data() -> Data {
    serde_json::from_str(include_str!("../data/signed_urls.json")).unwrap()
}

/// Host, path and query, cut out by hand: a URL parser would change some of them.
fn split(url: &str) -> (&str, &str, &str) {
    let rest = url.strip_prefix("https://").unwrap();
    let (host, _) = rest.split_once('/').unwrap();
    let (path, query) = rest[host.len()..].split_once('?').unwrap();
    (host, path, query)
}

pub(crate) fn verify_url(
    url: &str,
    secret: &str,
    algorithm: Algorithm,
    now: i64,
) -> Result<VerifiedLogin, Rejection> {
    let (host, path, query) = split(url);
    let secrets = [(SecretString::from(secret), algorithm)];
    verify::verify(path, query, host, &secrets, now)
}

fn signer(host: &str, secret: &str, algorithm: Algorithm) -> Signer {
    Signer::new(host, &SecretString::from(secret), algorithm).unwrap()
}

/// The genuine URLs that are refused all the same, and why. Looker's web server takes no longer ones; the others hold
/// values that are not of their type, which is what forgeries rest on.
pub(crate) fn exception(case: &str, signer: &str) -> Option<&'static str> {
    match (case, signer) {
        ("path-long", _) => Some("path too long"),
        ("ua-long-value", _) => Some("query too long"),
        ("eid-lone-surrogate", "python" | "node" | "embed-sdk-ts") => Some("external_user_id"),
        ("ua-list-like-keys", "php") => Some("user_attributes"),
        ("force-logout-absent", "node" | "embed-sdk-ts") => Some("force_logout_login"),
        _ => None,
    }
}

fn reason(rejection: &Rejection) -> String {
    match rejection {
        Rejection::PathTooLong(_) => "path too long".to_owned(),
        Rejection::QueryTooLong(_) => "query too long".to_owned(),
        other => other.parameter().unwrap().to_owned(),
    }
}

#[test]
fn the_string_to_sign_and_both_signatures_are_those_of_every_published_signer() {
    for vector in data().vectors {
        let (host, path, query) = split(&vector.url);
        let query = Query::parse(query).unwrap();
        let text = vector
            .string_to_sign
            .unwrap_or_else(|| verify::string_to_sign(host, path, &query));

        for (algorithm, expected) in [
            (Algorithm::Sha1, &vector.signature),
            (Algorithm::Sha256, &vector.sha256),
        ] {
            let signature = signer(host, &vector.secret, algorithm).signature(&text);
            let at = format!("{} by {}", vector.case, vector.signer);
            assert_eq!(signature.expose_secret(), expected, "{at}");
        }
    }
}

#[test]
fn every_genuine_url_is_accepted_save_for_the_ones_looker_could_not_take() {
    for vector in data().vectors.iter().filter(|vector| vector.genuine) {
        let result = verify_url(&vector.url, &vector.secret, Algorithm::Sha1, vector.time);

        let refused = result.as_ref().err().map(reason);
        let expected = exception(&vector.case, &vector.signer);
        let at = format!("{} by {}", vector.case, vector.signer);
        assert_eq!(refused.as_deref(), expected, "{at}");
    }
}

#[test]
fn every_genuine_url_is_accepted_with_a_sha256_secret_too() {
    for vector in data().vectors.iter().filter(|vector| vector.genuine) {
        let (start, rest) = vector.url.split_once("signature=").unwrap();
        let end = rest.find('&').unwrap_or(rest.len());
        let signature = vector.sha256.replace('+', "%2B").replace('/', "%2F");
        let url = format!("{start}signature={signature}{}", &rest[end..]);

        let result = verify_url(&url, &vector.secret, Algorithm::Sha256, vector.time);

        let refused = result.as_ref().err().map(reason);
        let expected = exception(&vector.case, &vector.signer);
        let at = format!("{} by {}", vector.case, vector.signer);
        assert_eq!(refused.as_deref(), expected, "{at}");
    }
}

#[test]
fn a_url_whose_signer_signed_something_else_than_it_sent_is_refused() {
    for vector in data().vectors.iter().filter(|vector| !vector.genuine) {
        let result = verify_url(&vector.url, &vector.secret, Algorithm::Sha1, vector.time);

        assert!(result.is_err(), "{} by {}", vector.case, vector.signer);
    }
}

#[test]
fn every_forgery_is_refused_for_its_own_reason() {
    let expected = BTreeMap::from([
        ("resplit-egid-as-group-ids", Some("group_ids")),
        ("resplit-merge-egid-into-group-ids", Some("group_ids")),
        ("duplicate-param", Some("permissions")),
        ("duplicate-param-encoded-name", Some("permissions")),
        ("value-changed", Some("signature")),
        ("value-respaced", Some("signature")),
        ("signature-base64url-unpadded", Some("signature")),
        ("path-lowercase-hex", None),
    ]);
    let mut seen = 0;
    for forgery in data().must_reject {
        let result = verify_url(&forgery.url, &forgery.secret, Algorithm::Sha1, TIME);
        let Some(parameter) = expected.get(forgery.id.as_str()) else {
            // Neither the order of parameters nor these four values are signed.
            let accepted = ["unsigned-fields-changed", "reordered-query"];
            assert!(accepted.contains(&forgery.id.as_str()), "{}", forgery.id);
            assert_eq!(result.unwrap().login.external_user_id, "user-57");
            continue;
        };
        let rejection = result.unwrap_err();
        assert_eq!(rejection.parameter(), *parameter, "{}", forgery.id);
        seen += 1;
    }
    assert_eq!(seen, expected.len());
}

#[test]
fn lower_case_hex_in_the_path_is_told_from_a_wrong_signature() {
    let forgeries = data().must_reject;
    let forgery = forgeries
        .iter()
        .find(|forgery| forgery.id == "path-lowercase-hex");

    let result = verify_url(&forgery.unwrap().url, SECRET, Algorithm::Sha1, TIME);

    assert_eq!(result.unwrap_err(), Rejection::LowercasePath);
}

/// The login of a case, unless it has something that a `Login` cannot say.
fn login_of(input: &Value) -> Option<Login> {
    let text = |name: &str| match input.get(name) {
        None => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let list = |name: &str| match input.get(name) {
        None => Some(None),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some),
        Some(_) => None,
    };
    let attributes = match input.get("user_attributes") {
        None => None,
        Some(value) => Some(serde_json::from_value(value.clone()).ok()?),
    };
    let filters = input.get("access_filters").and_then(Value::as_object);
    if input.get("raw_json").is_some() || filters.is_some_and(|filters| !filters.is_empty()) {
        return None;
    }
    Some(Login {
        external_user_id: text("external_user_id")?.filter(|id| !id.is_empty())?,
        first_name: text("first_name")?,
        last_name: text("last_name")?,
        permissions: list("permissions")?,
        models: list("models")?,
        group_ids: list("group_ids")?,
        external_group_id: text("external_group_id")?,
        user_attributes: attributes,
        user_timezone: text("user_timezone")?,
        session_length: u32::try_from(input["session_length"].as_u64()?).ok()?,
        force_logout_login: input.get("force_logout_login").and_then(Value::as_bool)?,
    })
}

/// What a URL signs, and its signature.
fn signed_parts(url: &str) -> (String, String) {
    let (host, path, query) = split(url);
    let query = Query::parse(query).unwrap();
    let signature = query.value("signature").unwrap().to_owned();
    (verify::string_to_sign(host, path, &query), signature)
}

/// What each parameter of a URL says, whatever its spelling; ids and numbers as text.
fn meaning(url: &str) -> BTreeMap<String, Value> {
    let (_, _, query) = split(url);
    let query = Query::parse(query).unwrap();
    let sent = query.iter().filter(|(name, _)| *name != "signature");
    sent.map(|(name, value)| {
        let value = match serde_json::from_str(value).unwrap() {
            Value::Array(ids) if name == "group_ids" => ids.iter().map(id_text).collect(),
            Value::Number(id) if name == "external_user_id" => Value::String(id.to_string()),
            other => other,
        };
        (name.to_owned(), value)
    })
    .collect()
}

fn id_text(id: &Value) -> Value {
    match id {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

/// The login of a case with its group ids as text, as embedctl and Looker's API write them.
fn built(case: &Case) -> Option<String> {
    let mut input = case.input.clone();
    if let Some(ids) = input.get_mut("group_ids").and_then(Value::as_array_mut) {
        ids.iter_mut().for_each(|id| *id = id_text(id));
    }
    let login = login_of(&input)?;
    let text = |name: &str| input[name].as_str().unwrap();
    let signer = signer(text("host"), text("secret"), Algorithm::Sha1);
    let time = input["time"].as_i64().unwrap();
    match signer.sign(text("embed_path"), &login, text("nonce"), time) {
        Ok(url) => Some(url.expose_secret().to_owned()),
        Err(UrlError::PathTooLong(_) | UrlError::QueryTooLong(_)) => None,
        Err(error) => panic!("{}: {error}", case.id),
    }
}

#[test]
fn the_builder_signs_as_the_published_signers_wherever_the_text_is_equal() {
    let data = data();
    let mut equal = 0;
    for case in &data.cases {
        let Some(url) = built(case) else { continue };
        let (ours, signature) = signed_parts(&url);
        for vector in data.vectors.iter().filter(|vector| vector.case == case.id) {
            let (theirs, their_signature) = signed_parts(&vector.url);
            if ours == theirs {
                assert_eq!(signature, their_signature, "{} {}", case.id, vector.signer);
                equal += 1;
            }
        }
    }
    assert_eq!(equal, EQUAL);
}

#[test]
fn the_builder_says_what_looker_s_embed_sdk_says() {
    let data = data();
    let mut compared = 0;
    for case in &data.cases {
        let vector = data
            .vectors
            .iter()
            .find(|vector| vector.case == case.id && vector.signer == "embed-sdk-ts");
        let (Some(ours), Some(vector)) = (built(case), vector) else {
            continue;
        };

        assert_eq!(meaning(&ours), meaning(&vector.url), "{}", case.id);
        let (_, path, _) = split(&ours);
        // JavaScript leaves five characters that RFC 3986 reserves.
        let theirs = split(&vector.url).1.replace('*', "%2A").replace('(', "%28");
        assert_eq!(
            path,
            theirs
                .replace(')', "%29")
                .replace('\'', "%27")
                .replace('!', "%21")
        );
        compared += 1;
    }
    assert_eq!(compared, COMPARED);
}

#[test]
fn parameters_stand_in_the_order_of_looker_s_own_urls() {
    let login = Login {
        first_name: Some("Ada".to_owned()),
        last_name: Some(String::new()),
        group_ids: Some(vec!["2870".to_owned()]),
        external_group_id: Some("acme".to_owned()),
        user_attributes: Some(BTreeMap::from([("locale".to_owned(), "en_US".to_owned())])),
        user_timezone: Some("Europe/Berlin".to_owned()),
        session_length: 1800,
        ..Login::new("user 57")
    };

    let signer = signer("looker.example.com:9999", "hunter2", Algorithm::Sha1);
    let url = signer
        .sign("/embed/dashboards/50", &login, NONCE, TIME)
        .unwrap();

    let (start, rest) = url.expose_secret().split_once("&signature=").unwrap();
    assert_eq!(
        start,
        "https://looker.example.com:9999/login/embed/%2Fembed%2Fdashboards%2F50?permissions=null&models=null"
    );
    let (_signature, rest) = rest.split_once('&').unwrap();
    assert_eq!(
        rest,
        "nonce=%2222b1ee700ef3dc2f500fb7c0ffee1234%22&time=1700000000&session_length=1800\
         &external_user_id=%22user%2057%22&access_filters=%7B%7D&first_name=%22Ada%22&last_name=%22%22\
         &user_timezone=%22Europe%2FBerlin%22&group_ids=%5B%222870%22%5D&external_group_id=%22acme%22\
         &user_attributes=%7B%22locale%22%3A%22en_US%22%7D&force_logout_login=true"
    );
}

#[test]
fn what_looker_would_refuse_is_refused_before_anything_is_sent() {
    let signer = signer(HOST, SECRET, Algorithm::Sha1);
    let login = Login::new("user-57");
    let session = |session_length| Login {
        session_length,
        ..login.clone()
    };
    let sign = |path: &str, login: &Login, nonce: &str| {
        signer
            .sign(path, login, nonce, TIME)
            .err()
            .map(|error| error.to_string())
    };
    let refused = |path: &str, login: &Login, nonce: &str, word: &str| {
        let message = sign(path, login, nonce).unwrap();
        assert!(message.contains(word), "{message}");
    };

    assert_eq!(sign("/alive", &session(0), "n"), None);
    assert_eq!(sign("/alive", &session(2_592_000), &"n".repeat(254)), None);
    refused(
        "/alive",
        &session(2_592_001),
        NONCE,
        "`session_length` is 2592001",
    );
    refused("/alive", &login, &"n".repeat(255), "`nonce` has 255");
    refused("/alive", &login, "", "`nonce` is empty");
    refused(
        "/alive",
        &Login::new(""),
        NONCE,
        "`external_user_id` is empty",
    );
    refused("", &login, NONCE, "embed path is empty");

    let path = |bytes: usize| "p".repeat(bytes - "/login/embed/".len());
    assert_eq!(sign(&path(2048), &login, NONCE), None);
    refused(&path(2049), &login, NONCE, "2049 bytes");

    let query = |url: SecretString| split(url.expose_secret()).2.len();
    let usual = query(signer.sign("/alive", &login, NONCE, TIME).unwrap());
    let long = |bytes: usize| Login::new("u".repeat(bytes - usual + "user-57".len()));
    let id = long(10 * 1024);
    let url = signer.sign("/alive", &id, NONCE, TIME).unwrap();
    // The length of the signature depends on how many of its characters are percent-encoded.
    let spare = 10 * 1024 - query(url);
    assert_eq!(sign("/alive", &long(10 * 1024 + spare - 8), NONCE), None);
    refused("/alive", &long(10 * 1024 + spare + 9), NONCE, "query");
}

#[test]
fn a_host_that_is_more_than_a_name_and_a_port_is_refused() {
    let secret = SecretString::from(SECRET);
    for host in [
        "",
        "a\nb",
        "a\u{7f}",
        "a b",
        "https://a",
        "a/b",
        "a?b",
        "a#b",
        "u@a",
        "a\\b",
    ] {
        assert!(
            Signer::new(host, &secret, Algorithm::Sha1).is_err(),
            "{host:?}"
        );
    }
    for host in [
        "looker.example.com",
        "localhost:9999",
        "[::1]:9999",
        "lööker.example.com",
    ] {
        assert!(
            Signer::new(host, &secret, Algorithm::Sha1).is_ok(),
            "{host:?}"
        );
    }
    assert_eq!(
        Signer::new(HOST, &SecretString::from(""), Algorithm::Sha1).unwrap_err(),
        UrlError::EmptySecret
    );
}

/// A genuine URL with one thing changed.
fn changed(change: impl Fn(&str) -> String) -> Result<VerifiedLogin, Rejection> {
    let url = signer(HOST, SECRET, Algorithm::Sha1)
        .sign("/embed/dashboards/3", &Login::new("user-57"), NONCE, TIME)
        .unwrap();
    let url = change(url.expose_secret());
    verify_url(&url, SECRET, Algorithm::Sha1, TIME)
}

#[test]
fn rejections_speak_as_looker_s_validator_does() {
    let text = |old: &str, new: &str| {
        let rejection = changed(|url| url.replacen(old, new, 1)).unwrap_err();
        rejection.to_string()
    };

    assert_eq!(
        text("&force_logout_login=true", ""),
        "Missing required parameter: force_logout_login"
    );
    assert_eq!(
        text("?", "?embed_domain=https%3A%2F%2Fa&"),
        "This request includes invalid params: [\"embed_domain\"]"
    );
    assert_eq!(
        text("user-57", "user-58"),
        "Embed URI is not valid: 'signature' param failed to authenticate: '...'"
    );
    assert_eq!(
        text("permissions=null", "permissions=x"),
        "Uh oh, something went wrong!"
    );
    assert_eq!(
        text("&access_filters=%7B%7D", ""),
        "Missing required parameter: access_filters"
    );
}

#[test]
fn a_url_is_good_for_five_minutes_in_both_directions() {
    let url = signer(HOST, SECRET, Algorithm::Sha256)
        .sign("/alive", &Login::new("user-57"), NONCE, TIME)
        .unwrap();
    let at = |now| verify_url(url.expose_secret(), SECRET, Algorithm::Sha256, now);

    assert!(at(TIME - 300).is_ok());
    assert!(at(TIME + 300).is_ok());
    let rejection = at(TIME + 301).unwrap_err();
    assert_eq!(
        rejection.to_string(),
        "'time' param is not within 5 minutes of the server's system time"
    );
    assert_eq!(rejection.detail().unwrap(), "signed 301 seconds ago");
    assert_eq!(
        at(TIME - 301).unwrap_err().detail().unwrap(),
        "signed 301 seconds from now"
    );
}

#[test]
fn any_active_secret_of_its_own_algorithm_will_do() {
    let url = signer(HOST, "second", Algorithm::Sha256)
        .sign("/alive", &Login::new("user-57"), NONCE, TIME)
        .unwrap();
    let (host, path, query) = split(url.expose_secret());
    let verify = |secrets: &[(&str, Algorithm)]| {
        let secrets = secrets
            .iter()
            .map(|(secret, algorithm)| (SecretString::from(*secret), *algorithm));
        verify::verify(path, query, host, &secrets.collect::<Vec<_>>(), TIME)
    };

    let verified = verify(&[("first", Algorithm::Sha1), ("second", Algorithm::Sha256)]);
    assert_eq!(verified.unwrap().algorithm, Algorithm::Sha256);
    assert_eq!(
        verify(&[("second", Algorithm::Sha1), ("first", Algorithm::Sha256)]).unwrap_err(),
        Rejection::Signature
    );
    assert_eq!(verify(&[]).unwrap_err(), Rejection::Signature);
}

#[test]
fn a_signature_in_anything_but_strict_base64_is_refused() {
    for (old, new) in [
        ("%3D&nonce", "&nonce"),
        ("%3D&nonce", "%3D%3D&nonce"),
        ("signature=", "signature=%20"),
    ] {
        let result = changed(|url| url.replacen(old, new, 1));
        assert_eq!(result.unwrap_err(), Rejection::Signature, "{new}");
    }
}

#[test]
fn debug_shows_neither_secret_nor_nonce_nor_values() {
    let signer = signer(HOST, "hunter2", Algorithm::Sha1);
    let url = signer
        .sign("/alive", &Login::new("user-57"), NONCE, TIME)
        .unwrap();
    let (host, path, query) = split(url.expose_secret());
    let secrets = [(SecretString::from("hunter2"), Algorithm::Sha1)];
    let verified = verify::verify(path, query, host, &secrets, TIME).unwrap();

    let debug = format!(
        "{signer:?} {url:?} {verified:?} {:?}",
        Query::parse(query).unwrap()
    );

    for secret in ["hunter2", NONCE, "signature=", "%22"] {
        assert!(!debug.contains(secret), "{debug}");
    }
}

fn logins() -> impl Strategy<Value = Login> {
    let list = || prop::option::of(prop::collection::vec(any::<String>(), 0..4));
    let text = || prop::option::of(any::<String>());
    let attributes = prop::collection::btree_map(any::<String>(), any::<String>(), 0..4);
    (
        (any::<String>(), any::<char>()),
        (text(), text(), text(), text()),
        (list(), list(), list()),
        prop::option::of(attributes),
        (0..=2_592_000_u32, any::<bool>()),
    )
        .prop_map(
            |(id, names, lists, user_attributes, (session_length, force_logout_login))| Login {
                external_user_id: format!("{}{}", id.0, id.1),
                first_name: names.0,
                last_name: names.1,
                external_group_id: names.2,
                user_timezone: names.3,
                permissions: lists.0,
                models: lists.1,
                group_ids: lists.2,
                user_attributes,
                session_length,
                force_logout_login,
            },
        )
}

proptest! {
    #[test]
    fn what_is_signed_is_verified_and_comes_back_as_it_was(
        login in logins(),
        path in "\\PC{1,40}",
        nonce in any::<String>().prop_filter("a nonce", |nonce| (1..255).contains(&nonce.chars().count())),
        time in -10_000_000_000..10_000_000_000_i64,
        sha256: bool,
    ) {
        let algorithm = if sha256 { Algorithm::Sha256 } else { Algorithm::Sha1 };
        let signed = signer(HOST, SECRET, algorithm).sign(&path, &login, &nonce, time);
        prop_assume!(!matches!(signed, Err(UrlError::QueryTooLong(_))));
        let url = signed.unwrap();

        let verified = verify_url(url.expose_secret(), SECRET, algorithm, time).unwrap();

        prop_assert_eq!(verified.login, login);
        prop_assert_eq!(verified.embed_path, path);
        prop_assert_eq!(verified.nonce.expose_secret(), nonce);
        prop_assert_eq!(verified.time, time);
    }

    #[test]
    fn any_change_of_one_byte_in_what_is_signed_is_refused(
        login in logins(),
        at in any::<prop::sample::Index>(),
        byte in 0x21..0x7f_u8,
    ) {
        let signed = signer(HOST, SECRET, Algorithm::Sha1).sign("/embed/looks/4?a=b c", &login, NONCE, TIME);
        prop_assume!(signed.is_ok());
        let url = signed.unwrap();
        let mut bytes = url.expose_secret().as_bytes().to_vec();
        let at = "https://".len() + at.index(bytes.len() - "https://".len());
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        // A changed host is a URL for another server, and one without `/` or `?` is no URL of this kind.
        let readable = changed.starts_with(&format!("https://{HOST}/")) && changed.contains('?');
        prop_assume!(readable);

        let result = verify_url(&changed, SECRET, Algorithm::Sha1, TIME);

        if let Ok(verified) = result {
            // Only the unsigned values may differ, and a spelling that decodes to the same text.
            let signed = Login {
                first_name: login.first_name.clone(),
                last_name: login.last_name.clone(),
                user_timezone: login.user_timezone.clone(),
                force_logout_login: login.force_logout_login,
                ..verified.login
            };
            prop_assert_eq!(signed, login);
            prop_assert_eq!(signed_parts(&changed), signed_parts(url.expose_secret()));
        }
    }
}
