//! `embedctl url inspect`: every mistake that people make when they sign is named.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use embedctl::secret::SecretString;
use embedctl::signed_url::Algorithm;
use embedctl::signed_url::inspect::{Expected, Inspection, inspect};
use embedctl::system::{Clock, Input};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::signed_url::{data, exception, verify_url};
use crate::support::{Outcome, Sandbox};

const SECRET: &str = "b167c4998c1faadf5bf7742675aa6018aaa2e296f2eec5442b208d2cb6fdf1bd";
const HOST: &str = "looker.example.com:9999";
const PATH: &str = "/login/embed/%2Fembed%2Fdashboards%2F3%3FCity%3DS%C3%A3o%20Paulo";
const TIME: i64 = 1_700_000_000;

/// A signer written apart from embedctl, which can be made to err: what it sends and what it signs are set on their own.
struct Sloppy {
    key: Vec<u8>,
    sent_host: String,
    signed_host: String,
    sent_path: String,
    signed_path: String,
    sent: Vec<(String, String)>,
    signed: Vec<(String, String)>,
    joint: &'static str,
    end: &'static str,
    sha256: bool,
    written: fn(Vec<u8>) -> String,
}

impl Sloppy {
    fn new() -> Self {
        let parameters = [
            ("nonce", "\"22b1ee700ef3dc2f500fb7c0ffee1234\""),
            ("time", "1700000000"),
            ("session_length", "3600"),
            ("external_user_id", "\"user-57\""),
            ("permissions", "[\"access_data\",\"see_looks\"]"),
            ("models", "[\"thelook\",\"powered/by\"]"),
            ("group_ids", "[\"5\",\"2\"]"),
            ("external_group_id", "\"Zoë & <Co>\""),
            (
                "user_attributes",
                "{\"locale\":\"en_US\",\"company_id\":\"42\"}",
            ),
            ("access_filters", "{}"),
        ];
        let signed: Vec<_> = parameters
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        let mut sent = signed.clone();
        sent.push(("force_logout_login".to_owned(), "true".to_owned()));
        Self {
            key: SECRET.into(),
            sent_host: HOST.to_owned(),
            signed_host: HOST.to_owned(),
            sent_path: PATH.to_owned(),
            signed_path: PATH.to_owned(),
            sent,
            signed,
            joint: "\n",
            end: "",
            sha256: false,
            written: |digest| encoded(&STANDARD.encode(digest)),
        }
    }

    fn url(&self) -> String {
        let lines = [&self.signed_host, &self.signed_path];
        let lines = lines
            .into_iter()
            .chain(self.signed.iter().map(|(_, text)| text));
        let text = lines.cloned().collect::<Vec<_>>().join(self.joint) + self.end;
        let digest = if self.sha256 {
            let mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key).unwrap();
            mac.chain_update(text).finalize().into_bytes().to_vec()
        } else {
            let mac = Hmac::<sha1::Sha1>::new_from_slice(&self.key).unwrap();
            mac.chain_update(text).finalize().into_bytes().to_vec()
        };
        let query = self
            .sent
            .iter()
            .map(|(name, text)| format!("{name}={}&", encoded(text)));
        let query = query.collect::<String>();
        let signature = (self.written)(digest);
        format!(
            "https://{}{}?{query}signature={signature}",
            self.sent_host, self.sent_path
        )
    }

    fn sign(&mut self, name: &str, text: &str) {
        for (_, value) in self.signed.iter_mut().filter(|(other, _)| other == name) {
            text.clone_into(value);
        }
    }

    fn send(&mut self, name: &str, text: &str) {
        for (_, value) in self.sent.iter_mut().filter(|(other, _)| other == name) {
            text.clone_into(value);
        }
    }

    fn both(&mut self, name: &str, text: &str) {
        self.sign(name, text);
        self.send(name, text);
    }

    fn swap(&mut self, first: &str, second: &str) {
        let place = |name: &str| self.signed.iter().position(|(other, _)| other == name);
        let (first, second) = (place(first).unwrap(), place(second).unwrap());
        self.signed.swap(first, second);
    }

    fn unsign(&mut self, name: &str) {
        self.signed.retain(|(other, _)| other != name);
    }

    fn unsend(&mut self, name: &str) {
        self.sent.retain(|(other, _)| other != name);
    }

    fn respell(&mut self, change: impl Fn(&str) -> String) {
        for (_, text) in &mut self.signed {
            *text = change(text);
        }
    }

    /// Try nonces until the signature has what the mistake needs.
    fn until(&mut self, wanted: impl Fn(&str) -> bool) {
        let mut number = 0;
        while !wanted(&self.url()) {
            number += 1;
            self.both("nonce", &format!("\"{number:032x}\""));
        }
    }
}

/// RFC 3986, a character at a time.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn expected() -> Expected {
    Expected {
        secret: Some((SecretString::from(SECRET), Algorithm::Sha1)),
        host: None,
        now: TIME,
        ..Expected::default()
    }
}

fn diagnosed(change: impl FnOnce(&mut Sloppy)) -> Inspection {
    let mut signer = Sloppy::new();
    change(&mut signer);
    inspect(&signer.url(), &expected())
}

fn names(inspection: &Inspection) -> Vec<&'static str> {
    inspection
        .diagnosis
        .iter()
        .map(|found| found.name)
        .collect()
}

#[track_caller]
fn named(name: &str, change: impl FnOnce(&mut Sloppy)) {
    let inspection = diagnosed(change);
    assert_eq!(inspection.valid, Some(false));
    assert_eq!(names(&inspection), [name], "{:?}", inspection.diagnosis);
}

#[test]
fn a_url_without_a_mistake_is_valid() {
    let inspection = diagnosed(|_| {});

    assert_eq!(inspection.valid, Some(true), "{:?}", inspection.checks);
    assert_eq!(inspection.algorithm, Some(Algorithm::Sha1));
    assert_eq!(names(&inspection), [""; 0]);
    let checks: Vec<_> = inspection.checks.iter().map(|check| check.name).collect();
    assert_eq!(
        checks,
        [
            "host",
            "path",
            "parameters",
            "types",
            "signature",
            "time",
            "nonce",
            "session_length",
            "permissions",
            "size"
        ]
    );
    assert_eq!(
        inspection.embed_path.unwrap(),
        "/embed/dashboards/3?City=São Paulo"
    );
    assert_eq!(inspection.params["session_length"], 3600);
    assert_eq!(inspection.string_to_sign[1], PATH);
    assert_eq!(inspection.string_to_sign[11], "{}");
}

/// The URLs of published signers that cannot work, and the reasons that are told.
fn reasons(case: &str, signer: &str) -> &'static [&'static str] {
    match (case, signer) {
        // Genuine, and refused.
        ("path-long" | "ua-long-value", _) => &["too_long"],
        ("eid-lone-surrogate", "python" | "node" | "embed-sdk-ts") => &["half_character"],
        ("ua-list-like-keys", "php") => &["list_for_object"],
        ("force-logout-absent", "node") => &["value_empty"],
        ("force-logout-absent", "embed-sdk-ts") => &["parameter_missing"],
        // Signed rightly, but no browser sends such a host, Looker has no page at such a path, and no one has such an id.
        ("host-uppercase", _) => &["host_upper_case"],
        ("host-idn", "php") => &["host_not_ascii"],
        ("host-idn", _) => &["host_not_ascii"],
        ("path-no-leading-slash", _) => &["path_wrong"],
        ("eid-empty", _) => &["user_id_empty"],
        // Its signer signs `undefined` and sends nothing.
        (
            "group-ids-absent"
            | "optional-all-absent"
            | "access-filters-absent"
            | "upstream-embed-sdk-2",
            "node",
        ) => &["value_empty"],
        _ => &[],
    }
}

#[test]
fn every_genuine_url_is_valid_or_told_its_reason() {
    let mut refused = 0;
    for vector in data().vectors {
        let expected = Expected {
            secret: Some((SecretString::from(vector.secret.as_str()), Algorithm::Sha1)),
            host: None,
            now: vector.time,
            ..Expected::default()
        };

        let inspection = inspect(&vector.url, &expected);

        let at = format!(
            "{} by {}: {:?}",
            vector.case, vector.signer, inspection.diagnosis
        );
        let reasons = reasons(&vector.case, &vector.signer);
        assert_eq!(inspection.valid, Some(reasons.is_empty()), "{at}");
        assert_eq!(names(&inspection), reasons, "{at}");
        assert_eq!(inspection.read_as, None, "{at}");
        let exception = exception(&vector.case, &vector.signer).is_some();
        assert!(!exception || !reasons.is_empty(), "{at}");
        refused += usize::from(vector.genuine && exception);
    }
    assert_eq!(refused, 20);
}

#[test]
fn every_forgery_is_seen_through() {
    for forgery in data().must_reject {
        let mut expected = expected();
        expected.secret = Some((SecretString::from(forgery.secret.as_str()), Algorithm::Sha1));

        let inspection = inspect(&forgery.url, &expected);

        let accepted = verify_url(&forgery.url, &forgery.secret, Algorithm::Sha1, TIME).is_ok();
        assert_eq!(inspection.valid, Some(accepted), "{}", forgery.id);
        assert_eq!(inspection.diagnosis.is_empty(), accepted, "{}", forgery.id);
        let name = match forgery.id.as_str() {
            "resplit-merge-egid-into-group-ids" => "newline_merge",
            "resplit-egid-as-group-ids" => "line_relabelled",
            "duplicate-param" | "duplicate-param-encoded-name" => "parameter_duplicate",
            "path-lowercase-hex" => "path_lower_case_hex",
            "value-respaced" => "json_spacing",
            "value-changed" => "signature_unexplained",
            "signature-base64url-unpadded" => "signature_url_safe",
            _ => continue,
        };
        assert!(
            names(&inspection).contains(&name),
            "{}: {:?}",
            forgery.id,
            inspection.diagnosis
        );
    }
}

#[test]
fn mistakes_with_the_secret_are_named() {
    named("other_algorithm", |signer| signer.sha256 = true);
    named("secret_hex_decoded", |signer| {
        let pairs = SECRET.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        signer.key = pairs.map(byte).collect();
    });
    named("secret_trailing_newline", |signer| signer.key.push(b'\n'));
    named("secret_base64_decoded", |signer| {
        signer.key = STANDARD.decode(SECRET).unwrap();
    });
    named("signature_unexplained", |signer| {
        signer.key = b"another secret".to_vec();
    });
}

#[test]
fn a_secret_with_a_line_break_in_the_settings_is_named() {
    let expected = Expected {
        secret: Some((SecretString::from(format!("{SECRET}\n")), Algorithm::Sha1)),
        ..expected()
    };

    assert_eq!(
        names(&inspect(&Sloppy::new().url(), &expected)),
        ["secret_trimmed"]
    );
}

#[test]
fn mistakes_with_the_host_are_named() {
    named("host_without_port", |signer| {
        signer.signed_host = "looker.example.com".to_owned();
    });
    named("host_with_port", |signer| {
        signer.sent_host = "looker.example.com".to_owned();
    });
    named("host_with_port", |signer| {
        signer.sent_host = "looker.example.com".to_owned();
        signer.signed_host = "looker.example.com:443".to_owned();
    });
    named("host_with_scheme", |signer| {
        signer.signed_host = format!("https://{HOST}");
    });
    named("host_with_path", |signer| {
        signer.signed_host = format!("{HOST}/login/embed/");
    });
    named("host_case", |signer| {
        signer.signed_host = HOST.to_uppercase();
    });
}

#[test]
fn a_host_that_is_written_otherwise_is_taken_as_browsers_send_it() {
    let inspection = diagnosed(|signer| signer.sent_host = HOST.to_uppercase());

    assert_eq!(inspection.valid, Some(true), "{:?}", inspection.diagnosis);
    assert_eq!(
        inspection.read_as.unwrap(),
        "its host was taken as browsers send it"
    );
}

#[test]
fn a_host_that_looker_does_not_go_by_is_named() {
    let mut signer = Sloppy::new();
    signer.sent_host = "proxy.example.com".to_owned();
    let expected = Expected {
        host: Some(HOST.to_owned()),
        ..expected()
    };

    let inspection = inspect(&signer.url(), &expected);

    assert_eq!(names(&inspection), ["other_host"]);
    assert_eq!(
        inspection.checks[0].detail,
        "Embed URI is not valid: Invalid host: proxy.example.com  (Use looker.example.com:9999 instead)"
    );
}

#[test]
fn mistakes_with_the_path_are_named() {
    let decoded = "/embed/dashboards/3?City=São Paulo";
    named("path_decoded", |signer| {
        signer.signed_path = format!("/login/embed/{decoded}");
    });
    named("path_encoded_twice", |signer| {
        signer.signed_path = format!("/login/embed/{}", encoded(&encoded(decoded)));
    });
    named("path_encoded_twice", |signer| {
        signer.sent_path = format!("/login/embed/{}", encoded(&encoded("/embed/looks/1")));
        signer.signed_path.clone_from(&signer.sent_path);
    });
    named("path_lower_case_hex", |signer| {
        signer.signed_path = PATH
            .replace("%2F", "%2f")
            .replace("%3F", "%3f")
            .replace("%3D", "%3d")
            .replace("%C3%A3", "%c3%a3");
    });
    named("path_lower_case_hex", |signer| {
        signer.sent_path = PATH.replace("%2F", "%2f");
        signer.signed_path.clone_from(&signer.sent_path);
    });
    named("path_space", |signer| {
        signer.signed_path = PATH.replace("%20", "+");
    });
    named("path_without_login", |signer| {
        signer.signed_path = encoded(decoded);
    });
    named("path_not_encoded", |signer| {
        signer.sent_path = "/login/embed//embed/dashboards/3".to_owned();
        signer.signed_path.clone_from(&signer.sent_path);
    });
}

#[test]
fn a_path_that_a_proxy_has_put_into_lower_case_is_named() {
    let inspection = diagnosed(|signer| signer.sent_path = PATH.replace("%2F", "%2f"));

    assert_eq!(names(&inspection).first(), Some(&"path_lower_case_hex"));
}

#[test]
fn mistakes_with_the_lines_are_named() {
    named("lines_swapped", |signer| {
        signer.swap("models", "permissions");
    });
    named("lines_swapped", |signer| {
        signer.swap("group_ids", "external_group_id");
    });
    named("lines_swapped", |signer| signer.swap("nonce", "time"));
    named("lines_order", |signer| signer.signed.sort());
    for name in ["group_ids", "external_group_id", "user_attributes"] {
        named("line_missing", |signer| signer.unsign(name));
    }
    named("line_extra", |signer| {
        signer.unsend("group_ids");
        signer.sign("group_ids", "[]");
    });
    named("line_extra", |signer| {
        for (name, text) in [
            ("group_ids", "[]"),
            ("external_group_id", "\"\""),
            ("user_attributes", "{}"),
        ] {
            signer.unsend(name);
            signer.sign(name, text);
        }
    });
    named("access_filters_missing", |signer| {
        signer.unsign("access_filters");
    });
    named("access_filters_missing", |signer| {
        signer.unsign("access_filters");
        signer.unsend("access_filters");
    });
    named("trailing_newline", |signer| signer.end = "\n");
    named("line_breaks", |signer| signer.joint = "\r\n");
    named("milliseconds", |signer| {
        signer.sign("time", "1700000000000");
    });
    named("milliseconds", |signer| {
        signer.both("time", "1700000000000");
    });
}

#[test]
fn filters_that_are_signed_and_not_sent_are_named() {
    let inspection = diagnosed(|signer| signer.unsend("access_filters"));

    assert_eq!(names(&inspection), ["access_filters_missing"]);
}

#[test]
fn mistakes_with_json_are_named() {
    // As Python writes it.
    named("json_spacing", |signer| {
        signer.respell(|text| text.replace("\",\"", "\", \"").replace("\":\"", "\": \""));
    });
    named("unicode_escapes", |signer| {
        signer.respell(|text| text.replace('ë', "\\u00eb"));
    });
    // As PHP writes it.
    named("json_escapes", |signer| {
        signer.respell(|text| text.replace('/', "\\/"));
    });
    // As Go writes it.
    named("json_escapes", |signer| {
        signer.respell(|text| {
            text.replace('&', "\\u0026")
                .replace('<', "\\u003c")
                .replace('>', "\\u003e")
        });
    });
    named("json_unquoted", |signer| {
        signer.respell(|text| text.trim_matches('"').to_owned());
    });
    named("values_percent_encoded", |signer| signer.respell(encoded));
}

#[test]
fn json_that_is_sent_with_spaces_and_signed_without_is_named() {
    named("json_spacing", |signer| {
        signer.send("permissions", "[\"access_data\", \"see_looks\"]");
        signer.send(
            "user_attributes",
            "{\"locale\": \"en_US\", \"company_id\": \"42\"}",
        );
    });
}

#[test]
fn mistakes_with_the_signature_are_named() {
    named("signature_plus_not_encoded", |signer| {
        signer.written = |digest| encoded(&STANDARD.encode(digest)).replace("%2B", "+");
        signer.until(|url| url.rsplit('=').next().unwrap().contains('+'));
    });
    named("signature_encoded_twice", |signer| {
        signer.written = |digest| encoded(&encoded(&STANDARD.encode(digest)));
    });
    named("signature_unpadded", |signer| {
        signer.written = |digest| encoded(&STANDARD_NO_PAD.encode(digest));
        signer.until(|url| !url.rsplit('=').next().unwrap().contains(['+', '/', '%']));
    });
    named("signature_url_safe", |signer| {
        signer.written = |digest| URL_SAFE.encode(digest);
        signer.until(|url| {
            url.rsplit("signature=")
                .next()
                .unwrap()
                .contains(['-', '_'])
        });
    });
    named("signature_hex", |signer| {
        signer.written = |digest| digest.iter().map(|byte| format!("{byte:02x}")).collect();
    });
    named("digest_stripped", |signer| {
        signer.written = |digest| encoded(&STANDARD.encode(digest.trim_ascii()));
        // Fewer than 20 bytes are fewer than 28 characters, or end in another number of `=`.
        signer.until(|url| url.ends_with("%3D%3D") || !url.ends_with("%3D"));
    });
    named("signature_missing", |signer| {
        signer.written = |_| String::new();
    });
}

#[test]
fn mistakes_that_leave_the_signature_right_are_named() {
    named("time_too_old", |signer| signer.both("time", "1699999000"));
    named("time_in_future", |signer| signer.both("time", "1700001000"));
    named("session_length", |signer| {
        signer.both("session_length", "2592001");
    });
    named("nonce_length", |signer| {
        signer.both("nonce", &format!("\"{}\"", "n".repeat(255)));
    });
    named("too_long", |signer| {
        signer.both("external_user_id", &format!("\"{}\"", "u".repeat(10_000)));
    });
    named("type", |signer| signer.send("force_logout_login", "yes"));
    named("text_for_list", |signer| {
        signer.both("permissions", "\"access_data\"");
    });
    named("parameter_missing", |signer| {
        signer.unsend("force_logout_login");
    });
    named("parameter_unknown", |signer| {
        signer
            .sent
            .push(("theme".to_owned(), "\"dark\"".to_owned()));
    });
    named("embed_domain", |signer| {
        signer
            .sent
            .push(("embed_domain".to_owned(), "https://a".to_owned()));
    });
    named("parameter_duplicate", |signer| {
        signer.sent.push(("models".to_owned(), "[]".to_owned()));
    });
}

#[test]
fn a_url_that_was_escaped_for_html_is_read_as_the_one_inside() {
    let url = Sloppy::new().url().replace('&', "&amp;");

    let inspection = inspect(&url, &expected());

    assert_eq!(inspection.valid, Some(true), "{:?}", inspection.diagnosis);
    assert_eq!(inspection.read_as.unwrap(), "HTML escapes were undone");
}

#[test]
fn permissions_that_embed_users_cannot_have_are_named_as_advice() {
    let inspection =
        diagnosed(|signer| signer.both("permissions", "[\"access_data\",\"administer\"]"));

    assert_eq!(inspection.valid, Some(true));
    assert_eq!(inspection.advice[0].name, "permissions");
    assert!(
        inspection.diagnosis.is_empty(),
        "advice explains no refusal"
    );
    let check = &inspection.checks[8];
    assert_eq!(check.ok, Some(false));
    assert!(check.detail.contains("`administer`"), "{}", check.detail);
}

#[test]
fn a_login_that_reaches_no_model_is_named_as_advice() {
    let inspection = diagnosed(|signer| signer.both("models", "null"));
    assert_eq!(inspection.valid, Some(true));
    assert!(inspection.advice.is_empty(), "the groups may have models");

    let inspection = diagnosed(|signer| {
        signer.both("models", "null");
        signer.both("group_ids", "[]");
    });
    assert_eq!(inspection.valid, Some(true));
    assert!(inspection.advice[0].message.contains("404"));
}

#[test]
fn two_mistakes_at_once_are_both_named() {
    let inspection = diagnosed(|signer| {
        signer.sha256 = true;
        signer.swap("models", "permissions");
    });
    assert_eq!(names(&inspection), ["other_algorithm", "lines_swapped"]);

    let inspection = diagnosed(|signer| {
        signer.end = "\n";
        signer.signed_host = "looker.example.com".to_owned();
        signer.both("time", "1699999000");
    });
    assert_eq!(
        names(&inspection),
        ["time_too_old", "host_without_port", "trailing_newline"]
    );
}

#[test]
fn what_is_no_url_is_not_valid_and_no_reason_to_stop() {
    for text in [
        "",
        "hello",
        "https://",
        "/login/embed/x?y",
        "https://a/login/embed/%?%=%&&=",
        "\u{0}?\u{fffd}",
    ] {
        let inspection = inspect(text, &expected());

        assert_eq!(inspection.valid, Some(false), "{text:?}");
        assert_eq!(inspection.checks.len(), 10, "{text:?}");
        assert!(!inspection.diagnosis.is_empty(), "{text:?}");
    }
}

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_EMBED_SECRET", SECRET)
        .clock(Clock::manual(jiff::Timestamp::from_second(TIME).unwrap()));
    sandbox
}

async fn run(sandbox: &Sandbox, args: &[&str]) -> Outcome {
    let args = ["url", "inspect"].iter().chain(args).copied();
    sandbox.run(&args.collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_valid_url_exits_with_0_and_shows_everything() {
    let outcome = run(&sandbox(), &[&Sloppy::new().url()]).await.done();

    for text in [
        "The URL is valid.",
        "ok    signature       made with the embed secret and sha1",
        "external_user_id    user-57",
        "   1  looker.example.com:9999\n",
        "  12  {}\n",
    ] {
        assert!(outcome.out.contains(text), "{text}\n{}", outcome.out);
    }
    assert!(!outcome.out.contains(SECRET));
}

#[tokio::test]
async fn a_url_that_is_not_valid_exits_with_1_and_says_what_to_change() {
    let mut signer = Sloppy::new();
    signer.swap("models", "permissions");

    let text = run(&sandbox(), &[&signer.url()]).await.exits(1);
    let json = run(&sandbox(), &[&signer.url(), "-o", "json"])
        .await
        .exits(1)
        .json();

    assert!(
        text.out
            .contains("`permissions` and `models` were swapped in the string to sign"),
        "{}",
        text.out
    );
    assert!(
        text.out
            .contains("fix: sign in this order: host, path, nonce"),
        "{}",
        text.out
    );
    assert_eq!(json["valid"], false);
    assert_eq!(json["algorithm"], "sha1");
    assert_eq!(json["diagnosis"][0]["name"], "lines_swapped");
    assert_eq!(json["params"]["group_ids"], serde_json::json!(["5", "2"]));
    let signature = &json["checks"].as_array().unwrap()[4];
    assert_eq!(signature["name"], "signature");
    assert_eq!(signature["ok"], false);
}

#[tokio::test]
async fn urls_come_from_standard_input_or_a_file_one_a_line() {
    let mut bad = Sloppy::new();
    bad.end = "\n";
    let lines = format!("{}\n\n{}\r\n", Sloppy::new().url(), bad.url());
    let sandbox = sandbox();
    sandbox.file("urls.txt", &lines);

    let args = ["url", "inspect", "-", "-o", "jsonl"];
    let piped = sandbox
        .run_with(&args, Input::text(lines.as_str()))
        .await
        .exits(1);
    let read = run(&sandbox, &["--batch", "urls.txt", "-o", "jsonl"])
        .await
        .exits(1);

    assert_eq!(piped.out, read.out);
    let valid: Vec<_> = piped
        .json_lines()
        .iter()
        .map(|line| line["valid"].clone())
        .collect();
    assert_eq!(valid, [Value::Bool(true), Value::Bool(false)]);
}

#[tokio::test]
async fn without_a_secret_everything_else_is_still_explained() {
    let mut sandbox = sandbox();
    sandbox.unset("LOOKERSDK_EMBED_SECRET");

    let url = Sloppy::new().url();
    let outcome = run(&sandbox, &[&url]).await.done();
    let json = run(&sandbox, &[&url, "-o", "json"]).await.done().json();
    let mut wrong = Sloppy::new();
    wrong.both("time", "\"1700000000\"");
    let wrong = run(&sandbox, &[&wrong.url()]).await.exits(1);

    for text in [
        "Nothing wrong was found; the signature was not checked.",
        "?     signature       not checked, because no embed secret is set",
    ] {
        assert!(outcome.out.contains(text), "{}", outcome.out);
    }
    assert_eq!(json["valid"], Value::Null);
    assert_eq!(json["checks"][4]["ok"], Value::Null);
    assert!(wrong.out.contains("number_as_text"), "{}", wrong.out);
}

#[tokio::test]
async fn the_time_to_judge_at_can_be_given() {
    let late = run(&sandbox(), &[&Sloppy::new().url(), "--time=1700000301"])
        .await
        .exits(1);

    assert!(late.out.contains("time_too_old"), "{}", late.out);
}

#[tokio::test]
async fn looker_is_asked_with_online_and_not_without() {
    let sandbox = Sandbox::new().await;
    let sign = ["url", "sign", "/alive", "--external-user-id=u"];
    let good = sandbox.run(&sign).await.done().out;
    let used = sandbox.run(&sign).await.done().out;
    assert!(visit(used.trim()).await.starts_with("HTTP/1.1 302"));

    let offline = run(&sandbox, &[used.trim()]).await.done();
    let online = run(&sandbox, &[good.trim(), "--online", "-o", "json"])
        .await
        .done()
        .json();
    let refused = run(&sandbox, &[used.trim(), "--online"]).await.exits(1);

    assert!(!offline.out.contains("  looker  "), "{}", offline.out);
    assert_eq!(online["checks"][10]["name"], "looker");
    assert_eq!(online["checks"][10]["ok"], true);
    assert!(
        refused.out.contains("'nonce' param already used this hour"),
        "{}",
        refused.out
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn online_what_the_instance_lacks_is_advice_and_a_value_of_a_wrong_type_is_refused() {
    let state = "user_attributes: [{ name: seats, type: number }]\ngroups: [{ name: Sales }]\n";
    let options = embedctl::emulator::Options {
        state: embedctl::emulator::State::parse(state).unwrap(),
        ..embedctl::emulator::Options::default()
    };
    let sandbox = Sandbox::with(options).await;
    let sign = |more: &[&str]| {
        let args = [
            "url",
            "sign",
            "/alive",
            "--external-user-id=u",
            "--permission=access_data",
        ];
        let args: Vec<String> = args
            .iter()
            .chain(more)
            .map(|arg| (*arg).to_owned())
            .collect();
        args
    };
    let told = async |more: &[&str]| {
        let args = sign(more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let url = sandbox.run(&args).await.done().out;
        run(&sandbox, &[url.trim(), "--online", "-o", "json"])
            .await
            .json()
    };

    let unknown = told(&["--model=thelok", "--group=Sales", "--attr=regoin=EMEA"]).await;
    let mistyped = told(&["--model=thelook", "--attr=seats=many"]).await;
    let zone = told(&["--model=thelook", "--user-timezone=Europe/Berlin"]).await;

    let names = |of: &Value, list: &str| {
        let found = of[list].as_array().unwrap().iter();
        found
            .map(|found| found["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&unknown, "advice"),
        ["model_unknown", "group_by_name", "attribute_unknown"],
        "{unknown}"
    );
    assert_eq!(
        names(&mistyped, "diagnosis"),
        ["attribute_type"],
        "{mistyped}"
    );
    assert_eq!(mistyped["valid"], false);
    assert_eq!(names(&zone, "diagnosis"), ["timezones_off"], "{zone}");
    sandbox.finish().await;
}

/// What Looker answers to a browser that opens the URL.
async fn visit(url: &str) -> String {
    let (host, rest) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{rest} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// What people paste, and what is said about it: read as valid, not valid, or neither, and a word that is said.
const PASTED: [(&str, Option<bool>, &str); 18] = [
    ("00-good", Some(true), "The URL is valid."),
    (
        "02-json-line",
        Some(true),
        "the text around it was taken off",
    ),
    ("04-json-u0026", Some(true), "JSON escapes were undone"),
    ("06-html-amp", Some(true), "HTML escapes were undone"),
    ("08-curl", Some(true), "the text around it was taken off"),
    ("10-trailing-dot", Some(true), "punctuation at its end"),
    ("12-nbsp-zwsp", Some(true), "spaces that do not show"),
    (
        "14-decoded-copy",
        Some(true),
        "percent-decoded was encoded again",
    ),
    ("16-cookieless", None, "cookieless"),
    ("18-login-twice", Some(false), "`/login` stands twice"),
    ("20-path-no-slash", Some(false), "does not begin with `/`"),
    ("22-path-is-login-url", Some(false), "is itself a login URL"),
    ("24-attribute-null", Some(true), "`region` is null"),
    (
        "26-empty-user-id",
        Some(false),
        "`external_user_id` is empty",
    ),
    (
        "28-host-upper-case",
        Some(false),
        "browsers send `acme.looker.com`",
    ),
    ("30-secret-in-quotes", Some(false), "take the quotes off"),
    ("32-time-as-text", Some(false), "bare integer"),
    ("34-safelink", Some(true), "the link around it"),
];

#[tokio::test]
async fn what_people_paste_is_read_as_the_url_inside_and_explained_rightly() {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_BASE_URL", "https://acme.looker.com")
        .var("LOOKERSDK_EMBED_SECRET", "s3cret");
    for (name, valid, word) in PASTED {
        let text = fs::read_to_string(format!("tests/data/urls/{name}.txt")).unwrap();
        let inspect = ["url", "inspect", "--time", "1700000010", "-"];
        let shown = sandbox.run_with(&inspect, Input::text(text.clone())).await;
        let json = [&inspect[..], &["-o", "json"]].concat();
        let json = sandbox.run_with(&json, Input::text(text)).await;

        assert_eq!(json.json()["valid"], json!(valid), "{name}: {}", json.out);
        assert!(shown.out.contains(word), "{name}: {}", shown.out);
        assert_eq!(shown.exit == 0, valid != Some(false), "{name}");
        // The commonest explanation would be a wrong one: people then change the secret, which breaks every other URL.
        assert!(
            !shown.out.contains("another secret"),
            "{name}: {}",
            shown.out
        );
        assert!(
            !shown.out.contains("changed after"),
            "{name}: {}",
            shown.out
        );
    }
}
