//! `url inspect` on right URLs of published signers, broken in one way each and dressed in one way each: the reason that is told
//! first is the one.
//!
//! Breaks and dresses are written here from what the programs that make them do, apart from the code that undoes them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use embedctl::secret::SecretString;
use embedctl::signed_url::Algorithm;
use embedctl::signed_url::inspect::{Expected, Inspection, inspect_all};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;

use crate::emulator_vectors::{open, start};
use crate::signed_url::data;

const TIME: i64 = 1_700_000_000;
const CLIENT_SECRET: &str = "dGhpc0lzVGhlQXBp";

/// A URL in parts, and what is signed in its place.
struct Url {
    scheme: &'static str,
    host: String,
    path: String,
    /// Names and texts, decoded, in the order of the URL; `signature` among them without a text.
    sent: Vec<(String, String)>,
    signed: Vec<String>,
    key: Vec<u8>,
    sha256: bool,
    joint: &'static str,
    end: &'static str,
    written: fn(&[u8]) -> String,
    encoded: fn(&str) -> String,
    /// Changes the finished text.
    last: fn(String) -> String,
}

const LINES: [&str; 10] = [
    "nonce",
    "time",
    "session_length",
    "external_user_id",
    "permissions",
    "models",
    "group_ids",
    "external_group_id",
    "user_attributes",
    "access_filters",
];

impl Url {
    /// A genuine one.
    fn of(text: &str, secret: &str) -> Self {
        let rest = text.strip_prefix("https://").unwrap();
        let (place, query) = rest.split_once('?').unwrap();
        let (host, path) = place.split_at(place.find('/').unwrap());
        let sent: Vec<(String, String)> = query
            .split('&')
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap();
                (name.to_owned(), decoded(value))
            })
            .collect();
        let mut url = Self {
            scheme: "https://",
            host: host.to_owned(),
            path: path.to_owned(),
            sent,
            signed: Vec::new(),
            key: secret.into(),
            sha256: false,
            joint: "\n",
            end: "",
            written: |digest| STANDARD.encode(digest),
            encoded: percent,
            last: |text| text,
        };
        url.sign_as_sent();
        url
    }

    fn get(&self, name: &str) -> String {
        let found = self.sent.iter().find(|(sent, _)| sent == name);
        found.unwrap_or_else(|| panic!("no {name}")).1.clone()
    }

    fn send(&mut self, name: &str, text: &str) {
        for (_, value) in self.sent.iter_mut().filter(|(sent, _)| sent == name) {
            text.clone_into(value);
        }
    }

    fn leave_out(&mut self, name: &str) {
        self.sent.retain(|(sent, _)| sent != name);
    }

    fn map(&mut self, names: &[&str], change: impl Fn(&str) -> String) {
        for (_, value) in self
            .sent
            .iter_mut()
            .filter(|(sent, _)| names.contains(&sent.as_str()))
        {
            *value = change(value);
        }
    }

    /// Sign what is sent now.
    fn sign_as_sent(&mut self) {
        let lines = LINES.iter().filter_map(|name| {
            let (_, text) = self.sent.iter().find(|(sent, _)| sent == name)?;
            Some(text.clone())
        });
        self.signed = [self.host.clone(), self.path.clone()]
            .into_iter()
            .chain(lines)
            .collect();
    }

    fn resign(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.sign_as_sent();
    }

    fn text(&self) -> String {
        let text = self.signed.join(self.joint) + self.end;
        let digest = match self.sha256 {
            true => {
                let mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key).unwrap();
                mac.chain_update(text).finalize().into_bytes().to_vec()
            }
            false => {
                let mac = Hmac::<sha1::Sha1>::new_from_slice(&self.key).unwrap();
                mac.chain_update(text).finalize().into_bytes().to_vec()
            }
        };
        let pairs = self.sent.iter().map(|(name, text)| match name.as_str() {
            "signature" => format!("signature={}", percent(&(self.written)(&digest))),
            _ => format!("{name}={}", (self.encoded)(text)),
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        (self.last)(format!("{}{}{}?{query}", self.scheme, self.host, self.path))
    }
}

/// RFC 3986.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn decoded(text: &str) -> String {
    undone(text, |byte| if byte == b'+' { b' ' } else { byte })
}

fn undone(text: &str, other: fn(u8) -> u8) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap();
            let (high, low) = (digit(), digit());
            out.push(u8::try_from(high * 16 + low).unwrap());
        } else {
            out.push(other(byte));
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What is done to a right URL, and the names of the reasons that are right to tell first.
type Break = (&'static str, &'static [&'static str], fn(&mut Url));

const BREAKS: &[Break] = &[
    ("nothing", &["valid"], |_| {}),
    (
        "an id without quotes, sent and signed",
        &["value_unquoted"],
        |url| {
            url.resign(|url| url.send("external_user_id", "user-57"));
        },
    ),
    ("an id without quotes, sent", &["value_unquoted"], |url| {
        url.send("external_user_id", "user-57");
    }),
    ("a nonce without quotes", &["value_unquoted"], |url| {
        url.resign(|url| url.map(&["nonce"], |text| text.trim_matches('"').to_owned()));
    }),
    ("lists printed by Python", &["single_quotes"], |url| {
        url.resign(|url| url.map(&["permissions", "models"], |text| text.replace('"', "'")));
    }),
    ("an id in single quotes", &["single_quotes"], |url| {
        url.resign(|url| url.map(&["external_user_id"], |text| text.replace('"', "'")));
    }),
    ("time as text", &["number_as_text"], |url| {
        url.resign(|url| url.map(&["time"], |text| format!("\"{text}\"")));
    }),
    ("session length as text, sent", &["number_as_text"], |url| {
        url.map(&["session_length"], |text| format!("\"{text}\""));
    }),
    ("an external group as a list", &["list_for_text"], |url| {
        url.resign(|url| url.map(&["external_group_id"], |text| format!("[{text}]")));
    }),
    ("permissions as a text", &["text_for_list"], |url| {
        url.resign(|url| url.send("permissions", "\"access_data,see_looks\""));
    }),
    ("a model as a bare word", &["text_for_list"], |url| {
        url.resign(|url| url.send("models", "thelook"));
    }),
    ("None of Python", &["value_of_a_language"], |url| {
        url.resign(|url| url.send("group_ids", "None"));
    }),
    ("JSON in JSON", &["json_twice"], |url| {
        url.resign(|url| url.map(&["permissions"], |text| json!(text).to_string()));
    }),
    ("no login path", &["login_missing"], |url| {
        url.resign(|url| {
            url.path = "/".to_owned() + url.path.strip_prefix("/login/embed/").unwrap();
        });
    }),
    ("no embed in the login path", &["login_missing"], |url| {
        url.path = url.path.replacen("/login/embed/", "/login/", 1);
    }),
    ("login twice", &["login_twice"], |url| {
        url.path = format!("/login{}", url.path);
    }),
    ("login twice, signed along", &["login_twice"], |url| {
        url.resign(|url| url.path = format!("/login{}", url.path));
    }),
    ("the old prefix, not signed", &["embed_sso"], |url| {
        url.path = url.path.replace("%2Fembed%2F", "%2Fembed%2Fsso%2F");
    }),
    ("the old prefix, signed", &["embed_sso"], |url| {
        url.resign(|url| url.path = url.path.replace("%2Fembed%2F", "%2Fembed%2Fsso%2F"));
    }),
    ("values encoded twice", &["value_encoded_twice"], |url| {
        url.encoded = |text| percent(&percent(text));
    }),
    ("the path encoded twice", &["path_encoded_twice"], |url| {
        url.resign(|url| url.path = url.path.replace('%', "%25"));
    }),
    ("the path in lower case", &["path_lower_case_hex"], |url| {
        url.resign(|url| url.path = url.path.replace("%2F", "%2f"));
    }),
    ("the path without its slash", &["path_wrong"], |url| {
        url.resign(|url| url.path = url.path.replacen("%2F", "", 1));
    }),
    ("the path signed decoded", &["path_decoded"], |url| {
        url.signed[1] = "/login/embed//embed/dashboards/3".to_owned();
    }),
    ("a list signed sorted", &["list_order"], |url| {
        let sorted = url.get("models");
        url.send("models", "[\"zebra\",\"apple\",\"thelook\"]");
        url.sign_as_sent();
        let line = url
            .signed
            .iter_mut()
            .find(|line| line.starts_with("[\"zebra"))
            .unwrap();
        *line = "[\"apple\",\"thelook\",\"zebra\"]".to_owned();
        assert_ne!(sorted, *line);
    }),
    ("a list in another order", &["list_order"], |url| {
        url.send("models", "[\"c\",\"a\",\"b\"]");
        url.sign_as_sent();
        let line = url
            .signed
            .iter_mut()
            .find(|line| line.starts_with("[\"c"))
            .unwrap();
        *line = "[\"b\",\"c\",\"a\"]".to_owned();
    }),
    ("group ids signed as numbers", &["number_as_text"], |url| {
        url.send("group_ids", "[\"5\",\"2\"]");
        url.sign_as_sent();
        let line = url
            .signed
            .iter_mut()
            .find(|line| *line == "[\"5\",\"2\"]")
            .unwrap();
        *line = "[5,2]".to_owned();
    }),
    ("the host in upper case", &["host_upper_case"], |url| {
        url.resign(|url| url.host = "LOOKER.example.com".to_owned());
    }),
    ("the host signed in upper case", &["host_case"], |url| {
        url.signed[0] = "LOOKER.EXAMPLE.COM".to_owned();
    }),
    ("the default port signed", &["host_with_port"], |url| {
        url.signed[0].push_str(":443");
    }),
    (
        "the default port sent and signed",
        &["host_default_port"],
        |url| {
            url.resign(|url| url.host.push_str(":443"));
        },
    ),
    ("the scheme signed", &["host_with_scheme"], |url| {
        url.signed[0].insert_str(0, "https://");
    }),
    ("no scheme", &["without_scheme"], |url| url.scheme = ""),
    ("the secret in quotes", &["secret_quoted"], |url| {
        url.key.insert(0, b'"');
        url.key.push(b'"');
    }),
    (
        "the secret with a line end",
        &["secret_trailing_newline"],
        |url| url.key.push(b'\n'),
    ),
    (
        "the secret with a byte order mark",
        &["secret_trailing_newline"],
        |url| {
            url.key = ["\u{feff}".as_bytes(), &url.key].concat();
        },
    ),
    (
        "the secret decoded from hex",
        &["secret_hex_decoded"],
        |url| {
            let pairs = url
                .key
                .chunks(2)
                .map(|pair| std::str::from_utf8(pair).unwrap());
            url.key = pairs
                .map(|pair| u8::from_str_radix(pair, 16).unwrap())
                .collect();
        },
    ),
    (
        "the secret of the API",
        &["secret_of_another_kind"],
        |url| url.key = CLIENT_SECRET.into(),
    ),
    ("another secret", &["signature_unexplained"], |url| {
        url.key = b"of another Looker".to_vec();
    }),
    ("another algorithm", &["other_algorithm"], |url| {
        url.sha256 = true;
    }),
    (
        "an id changed after signing",
        &["signature_unexplained"],
        |url| url.send("external_user_id", "\"user-58\""),
    ),
    ("cookieless", &["cookieless"], |url| {
        url.sent = vec![(
            "embed_authentication_token".to_owned(),
            "abcdef-auth".to_owned(),
        )];
    }),
    ("spaces after signing", &["json_spacing"], |url| {
        url.resign(|url| {
            url.map(&["permissions", "models", "user_attributes"], |text| {
                text.replace(", ", ",").replace(": ", ":")
            });
        });
        url.map(&["permissions"], |text| text.replace(',', ", "));
    }),
    ("slashes escaped for signing", &["json_escapes"], |url| {
        url.send("external_user_id", "\"a/b\"");
        url.sign_as_sent();
        let line = url
            .signed
            .iter_mut()
            .find(|line| *line == "\"a/b\"")
            .unwrap();
        *line = "\"a\\/b\"".to_owned();
    }),
    ("cut off in the signature", &["cut_off"], |url| {
        signature_last(url);
        url.last = |text| text[..text.len() - 9].to_owned();
    }),
    ("cut off in a value", &["cut_off"], |url| {
        url.last = |text| text[..text.find("models=").unwrap() + 16].to_owned();
    }),
    ("two hours ahead", &["time_in_future"], |url| {
        url.resign(|url| url.send("time", "1700007200"));
    }),
    ("too old", &["time_too_old"], |url| {
        url.resign(|url| url.send("time", "1699999000"));
    }),
    ("milliseconds", &["milliseconds"], |url| {
        url.resign(|url| url.send("time", "1700000000000"));
    }),
    ("two looks at the clock", &["time_twice"], |url| {
        let line = url
            .signed
            .iter_mut()
            .find(|line| *line == "1700000000")
            .unwrap();
        *line = "1700000001".to_owned();
    }),
    ("two lines swapped", &["lines_swapped"], |url| {
        url.signed.swap(6, 7);
    }),
    ("a line missing", &["line_missing"], |url| {
        url.signed.remove(8);
    }),
    ("a line break at the end", &["trailing_newline"], |url| {
        url.end = "\n";
    }),
    ("lines joined as in Windows", &["line_breaks"], |url| {
        url.joint = "\r\n";
    }),
    ("a backslash and an n", &["line_breaks"], |url| {
        url.joint = "\\n";
    }),
    (
        "more lines than are signed",
        &["unsigned_parameter"],
        |url| url.signed.push("true".to_owned()),
    ),
    ("the signature in hex", &["signature_hex"], |url| {
        url.written = |digest| digest.iter().map(|byte| format!("{byte:02x}")).collect();
    }),
    ("the signature for URLs", &["signature_url_safe"], |url| {
        until(url, |signature| signature.contains(['+', '/']));
        url.written = |digest| URL_SAFE.encode(digest);
    }),
    (
        "the signature without padding",
        &["signature_unpadded"],
        |url| {
            url.written = |digest| STANDARD_NO_PAD.encode(digest);
        },
    ),
    ("no access filters", &["access_filters_missing"], |url| {
        url.resign(|url| url.leave_out("access_filters"));
    }),
    ("no force_logout_login", &["parameter_missing"], |url| {
        url.leave_out("force_logout_login");
    }),
    ("no signature", &["signature_missing"], |url| {
        url.leave_out("signature");
    }),
    (
        "a parameter that Looker does not know",
        &["parameter_unknown"],
        |url| {
            url.sent
                .insert(0, ("theme".to_owned(), "\"dark\"".to_owned()));
        },
    ),
    ("the embed domain", &["embed_domain"], |url| {
        url.sent.insert(
            1,
            (
                "embed_domain".to_owned(),
                "https://app.example.com".to_owned(),
            ),
        );
    }),
    ("a parameter twice", &["parameter_duplicate"], |url| {
        url.sent
            .insert(0, ("nonce".to_owned(), "\"abc\"".to_owned()));
    }),
    ("a plus that is not encoded", &["plus_not_encoded"], |url| {
        url.resign(|url| url.send("external_user_id", "\"ada+1@example.com\""));
        url.encoded = |text| percent(text).replace("%2B", "+");
    }),
    ("the query signed", &["url_signed"], |url| {
        let text = url.text();
        let query = text.split_once('?').unwrap().1.split('&');
        let query: Vec<&str> = query
            .filter(|pair| !pair.starts_with("signature="))
            .collect();
        url.signed = vec![query.join("&")];
    }),
    ("no id", &["user_id_empty"], |url| {
        url.resign(|url| url.send("external_user_id", "\"\""));
    }),
    ("a nonce that is too long", &["nonce_length"], |url| {
        url.resign(|url| url.send("nonce", &format!("\"{}\"", "n".repeat(255))));
    }),
    ("a session that is too long", &["session_length"], |url| {
        url.resign(|url| url.send("session_length", "2592001"));
    }),
    ("an attribute without a value", &["attribute_null"], |url| {
        url.resign(|url| url.send("user_attributes", "{\"region\":null}"));
    }),
];

fn signature_last(url: &mut Url) {
    let at = url
        .sent
        .iter()
        .position(|(name, _)| name == "signature")
        .unwrap();
    let signature = url.sent.remove(at);
    url.sent.push(signature);
}

/// Try nonces until the signature has what is wanted.
fn until(url: &mut Url, wanted: fn(&str) -> bool) {
    for number in 0.. {
        url.resign(|url| url.send("nonce", &format!("\"{number:032x}\"")));
        let text = url.text();
        let signature = text
            .split("signature=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        if wanted(&decoded(signature)) {
            return;
        }
    }
}

/// What people and programs put around a URL, or do to it.
type Dress = (&'static str, fn(&str) -> String);

const DRESSES: &[Dress] = &[
    ("nothing", str::to_owned),
    ("quotes in a sentence", |url| {
        format!("I opened \"{url}\" and it says no.")
    }),
    ("angle brackets", |url| format!("See <{url}>, please")),
    ("brackets and a full stop", |url| {
        format!("It fails (as in {url}).")
    }),
    ("JSON", |url| {
        json!({ "level": "warn", "url": url, "status": 302 }).to_string()
    }),
    ("JSON of PHP", |url| {
        let json = json!({ "url": url, "b": [1, "x"] }).to_string();
        json.replace('/', "\\/").replace('&', "\\u0026")
    }),
    ("JSON in JSON", |url| {
        let inner = json!({ "msg": "refused", "url": url }).to_string();
        json!({ "log": format!("{inner}\n"), "stream": "stdout" }).to_string()
    }),
    ("a page", |url| {
        let url = url
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;");
        format!("<iframe src=\"{url}\" width=\"100%\"></iframe>")
    }),
    ("a page of Handlebars", |url| {
        let url = url
            .replace('&', "&amp;")
            .replace('=', "&#x3D;")
            .replace('"', "&quot;");
        format!("<a href='{url}'>open</a>")
    }),
    ("curl", |url| {
        format!(
            "curl '{}' -H 'accept: text/html'",
            url.replace('\'', "'\\''")
        )
    }),
    ("curl of Windows", |url| {
        let url = url
            .replace('%', "^%")
            .replace('&', "^&")
            .replace('"', "^\\^\"");
        format!("curl ^\"{url}^\" -H ^\"accept: text/html^\"")
    }),
    ("a log", |url| {
        format!("2023-11-14T22:13:20Z WARN [http-7] refused url={url} status=302 (12 ms)")
    }),
    ("lines of 76", |url| wrapped(url, 76, "\n")),
    ("lines of 80 in a quotation", |url| {
        format!("He wrote:\n> {}\n> Thanks\n", wrapped(url, 80, "\n> "))
    }),
    ("lines with an indent", |url| {
        format!("  {}", wrapped(url, 70, "\n  "))
    }),
    ("quoted-printable", |url| {
        let text = url.replace('=', "=3D");
        format!("Hello,\r\n\r\n{}\r\n", soft_breaks(&text))
    }),
    ("no width", |url| {
        format!(
            "\u{a0}{}\u{200b} ",
            url.replace("/login", "\u{ad}/login")
                .replace('?', "\u{200b}?")
        )
    }),
    ("a byte order mark", |url| format!("\u{feff}{url}\r\n")),
    ("SafeLinks", |url| {
        format!(
            "https://nam02.safelinks.protection.outlook.com/?url={}&data=05%7C01%7Ca&sdata=x%3D&reserved=0",
            percent(url)
        )
    }),
    ("URLDefense v2", |url| {
        let url = percent(url)
            .replace('-', "-2D")
            .replace('_', "-5F")
            .replace("%2F", "_")
            .replace('%', "-");
        format!(
            "https://urldefense.proofpoint.com/v2/url?u={url}&d=DwMFaQ&c=abc&r=def&m=ghi&s=jkl&e="
        )
    }),
    ("URLDefense v3", urldefense),
    ("Google", |url| {
        format!(
            "https://www.google.com/url?q={}&sa=D&source=docs&ust=1700000000",
            percent(url)
        )
    }),
    ("Barracuda", |url| {
        let url = percent(url);
        let mut lower = String::new();
        let mut rest = url.as_str();
        while let Some(at) = rest.find('%') {
            lower.push_str(&rest[..at]);
            lower.push_str(&rest[at..at + 3].to_lowercase());
            rest = &rest[at + 3..];
        }
        format!("https://linkprotect.cudasvc.com/url?a={lower}{rest}&c=E,1,x&typo=1")
    }),
    ("a parameter of a log", |url| {
        format!("GET /sso?redirect_uri={}&x=1 200", percent(url))
    }),
    ("Slack", |url| format!("<{url}|acme dashboard>")),
    ("Jira", |url| {
        format!("broken: [dashboard|{url}] since Monday")
    }),
    ("Markdown", |url| {
        format!("1. [the dashboard]({url}) is **empty**")
    }),
    ("CSV", |url| {
        format!("42,\"{}\",302,2023-11-14", url.replace('"', "\"\""))
    }),
    ("CSV without quotes", |url| {
        format!("42,{url},302,2023-11-14")
    }),
    ("Python", |url| {
        format!("{{'url': '{}', 'status': 302}}", url.replace('\'', "\\'"))
    }),
    ("a document", |url| undone(url, |byte| byte)),
    ("code", |url| {
        let half = url.len() / 2;
        format!(
            "String url = \"{}\" +\n    \"{}\";",
            &url[..half],
            &url[half..]
        )
    }),
];

fn wrapped(text: &str, width: usize, joint: &str) -> String {
    let lines = text
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).unwrap());
    lines.collect::<Vec<_>>().join(joint)
}

/// Lines of at most 76 characters that end with `=`; no escape is torn.
fn soft_breaks(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("=3D") {
            3
        } else {
            first.len_utf8()
        };
        if width + length > 75 {
            out.push_str("=\r\n");
            width = 0;
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
        width += length;
    }
    out
}

fn urldefense(url: &str) -> String {
    // What it takes for special is one `*` each, runs of it two and a letter.
    let special = |character: char| {
        matches!(
            character,
            '%' | '+' | '*' | '"' | '[' | ']' | '{' | '}' | '\'' | ' '
        )
    };
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut out, mut list) = (String::new(), String::new());
    let mut characters = url.chars().peekable();
    while let Some(character) = characters.next() {
        if !special(character) {
            out.push(character);
            continue;
        }
        list.push(character);
        let mut run = 1;
        while characters.peek().is_some_and(|next| special(*next)) && run < 60 {
            list.extend(characters.next());
            run += 1;
        }
        match run {
            1 => out.push('*'),
            _ => {
                out.push_str("**");
                out.push(letters.chars().nth(run - 2).unwrap());
            }
        }
    }
    let list = URL_SAFE.encode(list);
    format!(
        "https://urldefense.com/v3/__{out}__;{}!!Abc-1!xyz$",
        list.trim_end_matches('=')
    )
}

fn expected(secret: &str) -> Expected {
    Expected {
        secret: Some((SecretString::from(secret), Algorithm::Sha1)),
        other_secrets: vec![("the API client secret", SecretString::from(CLIENT_SECRET))],
        now: TIME + 10,
        ..Expected::default()
    }
}

/// The reason that is told first.
fn first(inspection: &Inspection) -> &'static str {
    let mut told = inspection.diagnosis.iter().chain(&inspection.advice);
    told.next().map_or("valid", |found| found.name)
}

#[expect(clippy::print_stdout, reason = "the share is what the test is about")]
#[test]
fn a_url_that_is_broken_in_one_way_and_dressed_in_one_way_is_told_its_reason() {
    let vectors = data().vectors;
    let typical: Vec<_> = vectors
        .iter()
        .filter(|vector| vector.case == "typical" && vector.genuine)
        .collect();
    assert_eq!(typical.len(), 7, "one for each published signer");
    let (mut right, mut wrong, mut blamed) = (0, Vec::new(), Vec::new());
    for (row, (what, reasons, make)) in BREAKS.iter().enumerate() {
        for (column, (dress, put_on)) in DRESSES.iter().enumerate() {
            let vector = typical[(row + column) % typical.len()];
            let mut url = Url::of(&vector.url, &vector.secret);
            make(&mut url);
            let text = put_on(&url.text());

            let told = inspect_all(&text, &expected(&vector.secret));

            let at = format!("{what} / {dress} / {}", vector.signer);
            let reason = first(&told[0]);
            if told.len() == 1 && reasons.contains(&reason) {
                right += 1;
            } else {
                wrong.push(format!("{at}: {reason} of {}", told.len()));
            }
            let guesses =
                |text: &str| text.contains("another secret") || text.contains("secrets differ");
            if told[0]
                .diagnosis
                .iter()
                .any(|found| guesses(&found.message))
            {
                blamed.push(at);
            }
        }
    }
    let all = BREAKS.len() * DRESSES.len();
    println!(
        "{right} of {all} combinations ({} breaks, {} dresses) are told the right reason first: {:.1} %",
        BREAKS.len(),
        DRESSES.len(),
        100.0 * f64::from(right) / all as f64
    );
    assert!(blamed.is_empty(), "the secret is blamed: {blamed:#?}");
    assert!(
        right as usize * 100 >= all * 95,
        "{right} of {all}: {wrong:#?}"
    );
}

/// What Looker answers to these is not known; they lead to a page that is not there, or to a user that is of no use.
const NOT_LOOKER: [&str; 2] = ["no id", "the path without its slash"];

#[tokio::test]
async fn the_local_looker_opens_what_is_told_to_be_valid_and_refuses_the_rest() {
    let vectors = data().vectors;
    let typical = vectors
        .iter()
        .find(|vector| vector.case == "typical" && vector.signer == "ruby");
    let vector = typical.unwrap();
    let looker = start(&vector.secret, "looker.example.com").await;
    let mut wrong = Vec::new();
    for (what, _, make) in BREAKS {
        let mut url = Url::of(&vector.url, &vector.secret);
        make(&mut url);
        let text = url.text();
        let Some(valid) = inspect_all(&text, &expected(&vector.secret))[0].valid else {
            continue;
        };

        let location = open(
            &looker,
            &format!("x://{}", text.trim_start_matches("https://")),
            TIME + 10,
        )
        .await;

        let opens = location.starts_with("/embed/");
        if opens != valid && !NOT_LOOKER.contains(what) {
            wrong.push(format!("{what}: told {valid}, leads to {location:.80}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
