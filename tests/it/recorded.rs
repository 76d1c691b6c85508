//! What real Lookers were recorded to answer, beside what the local one answers to the same calls.

// `tests/data/recorded.jsonl` holds what was derived from recordings of public test suites and tools, one exchange of
// API 4.0 a line: operation, call, status, which set of headers, and the body. Texts that are no words of Looker's own
// stand there as `text`, and `line` is the number of the exchange in the collection that they come from. The exchanges
// are played one after the other against one local Looker, whose ids take the places of the recorded ones.

use std::collections::{BTreeMap, BTreeSet};

use embedctl::emulator::{Fault, Mode, Options, State, Switches};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::{Answer, Api};

const RECORDED: &str = include_str!("../data/recorded.jsonl");

/// One recorded exchange.
#[derive(Deserialize)]
pub(crate) struct Exchange {
    pub(crate) line: u32,
    pub(crate) operation: String,
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    request: Value,
    status: u16,
    headers: Headers,
    pub(crate) body: Value,
}

/// Which headers an answer was recorded with.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Headers {
    /// Those of an answer that changes nothing, and of a login.
    Read,
    /// Those of an answer that changes something: a cookie as well.
    Write,
    /// Those of an answer without a body.
    Deleted,
    /// They were not recorded.
    None,
}

/// All recorded exchanges.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let lines = RECORDED.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Calls before an exchange, for what was there when it was recorded: line, method, path, body, and the recorded id of
/// what the call creates.
const BEFORE: &[(u32, &str, &str, &str, &str)] = &[
    (13, "POST", "/groups", r#"{"name":"outer"}"#, "1747"),
    (13, "POST", "/groups", r#"{"name":"inner"}"#, "1746"),
    (
        21,
        "POST",
        "/groups",
        r#"{"name":"test-acc-group"}"#,
        "1749",
    ),
    (
        36,
        "POST",
        "/model_sets",
        r#"{"name":"ms","models":["c","a","b"]}"#,
        "590",
    ),
    (
        36,
        "POST",
        "/permission_sets",
        r#"{"name":"ps","permissions":["access_data","see_lookml_dashboards","see_lookml"]}"#,
        "17",
    ),
    (
        39,
        "POST",
        "/groups",
        r#"{"name":"test-acc-group-2"}"#,
        "1750",
    ),
    (
        39,
        "POST",
        "/groups",
        r#"{"name":"test-acc-group-1"}"#,
        "1751",
    ),
    (
        44,
        "POST",
        "/users",
        r#"{"first_name":"A","last_name":"B","credentials_email":{"email":"a@example.com"}}"#,
        "933",
    ),
    (
        44,
        "POST",
        "/users/933/credentials_email/send_password_reset",
        "",
        "",
    ),
    (
        45,
        "POST",
        "/users",
        r#"{"first_name":"A","last_name":"B","credentials_email":{"email":"b@example.com"}}"#,
        "931",
    ),
    (
        45,
        "POST",
        "/users/931/credentials_email/send_password_reset",
        "",
        "",
    ),
    (
        52,
        "POST",
        "/user_attributes",
        r#"{"name":"n","label":"l","type":"number","default_value":"24","user_can_view":true}"#,
        "729",
    ),
    (
        53,
        "POST",
        "/groups",
        r#"{"name":"test-acc-group-3"}"#,
        "1752",
    ),
    (
        56,
        "POST",
        "/user_attributes",
        r#"{"name":"attr_d","label":"D","type":"string","default_value":"no","user_can_edit":true}"#,
        "16",
    ),
    (
        56,
        "POST",
        "/user_attributes",
        r#"{"name":"attr_e","label":"E","type":"string","default_value":"not","user_can_edit":true}"#,
        "63",
    ),
    (
        56,
        "POST",
        "/user_attributes",
        r#"{"name":"no_default","label":"N","type":"string","value_is_hidden":true,"user_can_edit":true,"hidden_value_domain_whitelist":"https://x.example.com"}"#,
        "74",
    ),
    (
        56,
        "POST",
        "/user_attributes",
        r#"{"name":"attr_b","label":"B","type":"number"}"#,
        "708",
    ),
    (
        56,
        "POST",
        "/user_attributes",
        r#"{"name":"attr_c","label":"C","type":"number","value_is_hidden":true,"hidden_value_domain_whitelist":"https://x.example.com"}"#,
        "720",
    ),
    (
        56,
        "POST",
        "/user_attributes",
        r#"{"name":"m","label":"l","type":"number"}"#,
        "732",
    ),
    (
        56,
        "POST",
        "/users",
        r#"{"first_name":"A","last_name":"B","credentials_email":{"email":"c@example.com"}}"#,
        "932",
    ),
    (
        144,
        "POST",
        "/users",
        r#"{"first_name":"A","last_name":"B","models_dir_validated":false,"credentials_email":{"email":"d@example.com"}}"#,
        "10",
    ),
    (144, "PATCH", "/users/10", r#"{"is_disabled":true}"#, ""),
    (
        146,
        "POST",
        "/users",
        r#"{"first_name":"A","last_name":"B"}"#,
        "146",
    ),
    (
        147,
        "POST",
        "/users",
        r#"{"first_name":"A","last_name":"B"}"#,
        "123",
    ),
    (147, "PUT", "/users/123/roles", r#"["2"]"#, ""),
    (
        148,
        "PATCH",
        "/setting",
        r#"{"allow_user_timezones":true,"embed_config":{"domain_allowlist":["https://a.example.com","https://b.example.com"]}}"#,
        "",
    ),
    (
        155,
        "POST",
        "/folders",
        r#"{"name":"F","parent_id":"1"}"#,
        "380",
    ),
    (
        155,
        "POST",
        "/users",
        r#"{"first_name":"A","last_name":"B"}"#,
        "111",
    ),
    (
        155,
        "POST",
        "/dashboards",
        r#"{"title":"X","folder_id":"380"}"#,
        "81",
    ),
    (
        156,
        "POST",
        "/dashboards",
        r#"{"title":"X","folder_id":"1"}"#,
        "93",
    ),
    (
        160,
        "POST",
        "/queries",
        r#"{"model":"thelook","view":"orders","fields":["orders.count"],"filters":{"account_group":"x"}}"#,
        "653705",
    ),
    (
        163,
        "PATCH",
        "/setting",
        r#"{"embed_cookieless_v2":false}"#,
        "",
    ),
    (
        164,
        "PATCH",
        "/setting",
        r#"{"embed_cookieless_v2":true}"#,
        "",
    ),
];

/// What the recordings left out of a call: line, query and body.
const LEFT_OUT: &[(u32, &str, &str)] = &[
    (154, "folder_id=1", ""),
    (156, "folder_id=380", ""),
    (157, "folder_id=999999", ""),
    (158, "", r#"{"name":""}"#),
    (
        161,
        "",
        r#"{"model":"system__activity","view":"history","fields":["history.id"],"filters":{"history.workspace_id":"1"}}"#,
    ),
    (
        163,
        "",
        r#"{"external_user_id":"acme-1","session_length":60}"#,
    ),
    (
        164,
        "",
        r#"{"external_user_id":"acme-1","session_length":60}"#,
    ),
];

/// Exchanges that are not answered as recorded, and why.
const NOT_ANSWERED: &[(u32, &str)] = &[(162, "an operation of Core: see the test of its own")];

/// Fields that today's Looker has and that of the recording had not: below which field or operation, name, why.
const LATER: &[(&str, &str, &str)] = &[
    ("user", "can_manage_api3_creds", "since 25.14"),
    ("user", "is_service_account", "since 25.18"),
    ("user", "service_account_name", "since 25.18"),
    ("user", "is_embed_user", "since 26.18"),
    ("user", "is_iam_admin", "in the API description of 26.12"),
    (
        "user",
        "credentials_workforce",
        "in the API description of 26.12",
    ),
    (
        "credentials_email",
        "account_setup_url_expired",
        "in the API description of 26.12",
    ),
    (
        "credentials_email",
        "password_reset_url_expired",
        "in the API description of 26.12",
    ),
    ("credentials_api3", "purpose", "since 25.14"),
    ("role", "internal", "since 26.0.21"),
    (
        "user_attribute",
        "needed_for_ci_run",
        "in the API description of 26.12",
    ),
    (
        "user_attribute",
        "value_for_ci_run",
        "in the API description of 26.12",
    ),
    ("embed_config", "permissions", "since 26.10"),
    (
        "setting",
        "login_notification_enabled",
        "in the API description of 26.12",
    ),
];

/// Differences of one exchange that stay: line, place, and why.
const DIFFERENT: &[(u32, &str, &str)] = &[
    (144, "/*/can", "recorded in 2021; that of 2023 says more"),
    (
        144,
        "/*/credentials_email",
        "recorded in 2021; that of 2023 has two fields more",
    ),
    (
        144,
        "/*/display_name",
        "empty with this one user of 2021 only",
    ),
    (
        145,
        "/display_name",
        "empty with this one user of 2021 only",
    ),
    (145, "/can", "recorded in 2021; that of 2023 says more"),
    (
        145,
        "/credentials_email",
        "recorded in 2021; that of 2023 has two fields more",
    ),
    (
        146,
        "",
        "recorded in 2022; that of 2023 has two fields more",
    ),
    (
        148,
        "/instance_config/feature_flags",
        "which flags there are is up to the instance",
    ),
    (
        156,
        "",
        "put together from what an SDK printed of the answer",
    ),
    (
        156,
        "/errors/*",
        "put together from what an SDK printed of the answer",
    ),
    (
        157,
        "",
        "put together from what an SDK printed of the answer",
    ),
    (
        157,
        "/errors/*/documentation_url",
        "recorded in 2022, when there was one page for all errors",
    ),
];

/// Play all exchanges, and say what differs.
#[tokio::test]
async fn the_local_looker_answers_as_real_ones_were_recorded_to() {
    let api = Api::start(Options {
        documentation_url: Some("https://cloud.google.com/looker/docs/r/err".to_owned()),
        state: State::parse("models: [{ name: thelook, explores: [orders] }]").unwrap(),
        ..Options::default()
    })
    .await;
    let mut play = Play::default();

    for exchange in exchanges() {
        play.one(&api, &exchange).await;
    }

    let unused: Vec<String> = LATER
        .iter()
        .map(|(below, name, _)| format!("{below}.{name}"))
        .chain(
            DIFFERENT
                .iter()
                .map(|(line, place, _)| format!("{line} {place}")),
        )
        .filter(|exception| !play.used.contains(exception))
        .collect();
    assert!(play.wrong.is_empty(), "\n{}", play.wrong.join("\n"));
    assert_eq!(
        unused,
        Vec::<String>::new(),
        "exceptions that are not needed"
    );
}

#[derive(Default)]
struct Play {
    /// Recorded ids, and those that stand for them here.
    ids: BTreeMap<String, String>,
    /// The exceptions that were needed.
    used: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Play {
    async fn one(&mut self, api: &Api, exchange: &Exchange) {
        for (_, method, path, body, id) in BEFORE.iter().filter(|step| step.0 == exchange.line) {
            let path = self.path(path);
            let body = serde_json::from_str(body).ok().map(|body| self.body(body));
            let answer = api.call(method, &path, body).await;
            assert!(
                answer.status.is_success(),
                "before {}: {path}: {answer:?}",
                exchange.line
            );
            self.learn(&json!(id), &answer.json);
        }
        let answer = self.call(api, exchange).await;
        let mut found = Vec::new();
        self.compare(exchange, &answer, &mut found);
        self.learn(&exchange.body["id"], &answer.json);
        let excused = NOT_ANSWERED.iter().any(|(line, _)| *line == exchange.line);
        let head = format!("{} {}", exchange.line, exchange.operation);
        match (excused, found.is_empty()) {
            (true, true) => self
                .wrong
                .push(format!("{head}: is answered, against the list")),
            (false, false) => {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                self.wrong.push(format!("{head}: {}", found.join("; ")));
            }
            _ => {}
        }
    }

    async fn call(&self, api: &Api, exchange: &Exchange) -> Answer {
        if exchange.operation == "login" {
            return api.log_in_with("grant_type", "client_credentials").await;
        }
        let left_out = LEFT_OUT.iter().find(|(line, ..)| *line == exchange.line);
        let (_, more, body) = left_out.copied().unwrap_or_default();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &exchange.query {
            query.append_pair(name, &self.id(value));
        }
        for (name, value) in url::form_urlencoded::parse(more.as_bytes()) {
            query.append_pair(&name, &self.id(&value));
        }
        let query = query.finish();
        let path = match query.as_str() {
            "" => self.path(&exchange.path),
            query => format!("{}?{query}", self.path(&exchange.path)),
        };
        let body = serde_json::from_str(body).unwrap_or_else(|_| exchange.request.clone());
        let body = (!body.is_null()).then(|| self.body(body));
        api.call(&exchange.method, &path, body).await
    }

    fn id(&self, text: &str) -> String {
        self.ids.get(text).map_or(text, String::as_str).to_owned()
    }

    fn path(&self, path: &str) -> String {
        let parts: Vec<String> = path.split('/').map(|part| self.id(part)).collect();
        parts.join("/")
    }

    fn body(&self, body: Value) -> Value {
        match body {
            Value::String(text) => json!(self.id(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.body(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.into_iter();
                Value::Object(
                    fields
                        .map(|(name, value)| (name, self.body(value)))
                        .collect(),
                )
            }
            other => other,
        }
    }

    fn learn(&mut self, recorded: &Value, answer: &Value) {
        let recorded = recorded.as_str().filter(|recorded| !recorded.is_empty());
        if let (Some(recorded), Some(id)) = (recorded, answer["id"].as_str()) {
            self.ids.insert(recorded.to_owned(), id.to_owned());
        }
    }

    fn compare(&mut self, exchange: &Exchange, answer: &Answer, found: &mut Vec<Difference>) {
        let mut all = Vec::new();
        if answer.status != exchange.status {
            all.push(Difference::new("", format!("status {}", answer.status)));
        }
        if answer.status.is_success() {
            let wrong = headers(exchange.headers, answer);
            all.extend(wrong.map(|header| Difference::new("", format!("the header `{header}`"))));
        }
        differences(
            "",
            kind(&exchange.operation),
            &exchange.body,
            &answer.json,
            &mut all,
        );
        for difference in all {
            match excuse(exchange.line, &difference) {
                Some(excuse) => {
                    self.used.insert(excuse);
                }
                None => found.push(difference),
            }
        }
    }
}

/// The exception that covers a difference.
fn excuse(line: u32, difference: &Difference) -> Option<String> {
    if let Some((below, name)) = &difference.more {
        let known = LATER
            .iter()
            .any(|(known, field, _)| known == below && field == name);
        if known {
            return Some(format!("{below}.{name}"));
        }
    }
    let mut places = DIFFERENT.iter().filter(|(known, ..)| *known == line);
    places
        .any(|(_, place, _)| *place == difference.place)
        .then(|| format!("{line} {}", difference.place))
}

/// What an answer has that the recorded one has not, or the other way round.
#[derive(Debug)]
struct Difference {
    place: String,
    what: String,
    /// A field that is too many: below which name it stands, and its own.
    more: Option<(String, String)>,
}

impl Difference {
    fn new(place: &str, what: impl Into<String>) -> Self {
        let (place, what) = (place.to_owned(), what.into());
        Self {
            place,
            what,
            more: None,
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.place, self.what)
    }
}

/// What the things of an operation's answer are.
fn kind(operation: &str) -> &'static str {
    match operation {
        "create_user" | "user" | "update_user" | "all_users" | "search_users"
        | "add_group_user" => "user",
        "create_user_credentials_email" | "send_user_credentials_email_password_reset" => {
            "credentials_email"
        }
        "create_user_credentials_api3" | "user_credentials_api3" => "credentials_api3",
        "search_roles" | "create_role" | "role" | "user_roles" => "role",
        "user_attribute" => "user_attribute",
        "get_setting" => "setting",
        _ => "",
    }
}

/// Every field must be there, `null` or of the same type, with the same word where it is a word of Looker's own. A list
/// holds the recorded things in their order; there may be others.
fn differences(
    place: &str,
    below: &str,
    recorded: &Value,
    answer: &Value,
    found: &mut Vec<Difference>,
) {
    match (recorded, answer) {
        (Value::Object(recorded), Value::Object(answer)) => {
            for (name, value) in recorded {
                let inner = format!("{place}/{name}");
                match answer.get(name) {
                    Some(answer) => differences(&inner, name, value, answer, found),
                    None => found.push(Difference::new(place, format!("no `{name}`"))),
                }
            }
            for name in answer.keys().filter(|name| !recorded.contains_key(*name)) {
                let mut more = Difference::new(place, format!("also `{name}`"));
                more.more = Some((below.to_owned(), name.clone()));
                found.push(more);
            }
        }
        (Value::Array(recorded), Value::Array(answer)) => {
            let mut rest = answer.as_slice();
            for value in recorded {
                let inner = format!("{place}/*");
                let tried = rest.iter().enumerate().map(|(index, answer)| {
                    let mut found = Vec::new();
                    differences(&inner, below, value, answer, &mut found);
                    (found.len(), index, found)
                });
                match tried.min_by_key(|(count, index, _)| (*count, *index)) {
                    Some((_, index, best)) => {
                        found.extend(best);
                        rest = &rest[index + 1..];
                    }
                    None => found.push(Difference::new(place, format!("no item like {value}"))),
                }
            }
            if recorded.is_empty() && !answer.is_empty() {
                found.push(Difference::new(place, "is not empty"));
            }
        }
        (Value::String(recorded), Value::String(answer)) if alike(recorded, answer) => {}
        (Value::Number(_), Value::Number(_)) if !place.ends_with("rank") => {}
        (recorded, answer) if recorded == answer => {}
        _ => found.push(Difference::new(
            place,
            format!("{answer} instead of {recorded}"),
        )),
    }
}

/// Whether two texts say the same, or are of the same form where what they say is up to the instance.
fn alike(recorded: &str, answer: &str) -> bool {
    let plain = |text: &str| -> String {
        let digits = text
            .chars()
            .map(|letter| if letter.is_ascii_digit() { '0' } else { letter });
        digits.collect()
    };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let without_ids = |text: &str| -> Vec<String> {
        let parts = text
            .split('/')
            .map(|part| if number(part) { "#" } else { part });
        parts.map(ToOwned::to_owned).collect()
    };
    match recorded {
        "text" | "[REDACTED]" | "JWT" | "REDACTED" => !answer.is_empty(),
        "text@example.com" => answer.contains('@'),
        "https://text" => answer.starts_with("http") || answer.is_empty(),
        _ if recorded.starts_with("https://localhost:19999/") => {
            without_ids(recorded) == without_ids(answer)
        }
        _ if recorded.starts_with("20") && recorded.contains('T') => {
            plain(recorded) == plain(answer)
        }
        _ if number(recorded) => number(answer),
        _ => recorded == answer,
    }
}

/// The headers of an answer that are not as recorded.
fn headers(recorded: Headers, answer: &Answer) -> impl Iterator<Item = &'static str> {
    let deleted = recorded == Headers::Deleted;
    let cookie = matches!(recorded, Headers::Write | Headers::Deleted);
    let set = answer.header("set-cookie");
    let set_well = set.starts_with("looker.browser=") && set.ends_with(" GMT; HttpOnly");
    let checks = [
        (
            "content-type",
            answer.header("content-type") == if deleted { "" } else { "application/json" },
        ),
        (
            "strict-transport-security",
            answer.header("strict-transport-security") == "max-age=15724800; includeSubDomains",
        ),
        (
            "vary",
            answer.header("vary")
                == if deleted {
                    "Origin"
                } else {
                    "Accept-Encoding, Origin"
                },
        ),
        (
            "x-content-type-options",
            answer.header("x-content-type-options") == "nosniff",
        ),
        ("date", answer.header("date").ends_with(" GMT")),
        (
            "connection",
            !deleted || answer.header("connection") == "keep-alive",
        ),
        ("set-cookie", set_well == cookie && set.is_empty() != cookie),
    ];
    let checked = recorded != Headers::None;
    checks
        .into_iter()
        .filter(move |(_, well)| checked && !well)
        .map(|(name, _)| name)
}

/// Line 162, of Looker (Google Cloud core): no page about the error.
#[tokio::test]
async fn acting_as_a_person_on_core_is_refused_as_recorded() {
    let api = Api::start(Options {
        mode: Mode::Core,
        ..Options::default()
    })
    .await;

    let refused = api.call("POST", "/login/1", None).await;

    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json,
        json!({ "message": "Unsupported in Looker (Google Cloud core)" })
    );
}

/// The words of refusals in recordings of API 3.0 and 3.1, with their lines: there is no newer recording of them. 75
/// says of the call of 71 what another release said, 138 is any call that fails inside, and the resources of 70, 76 and
/// 97 have other names today.
#[tokio::test]
async fn refusals_have_the_words_of_older_recordings() {
    let api = Api::start(Options::default()).await;
    let email = || Some(json!({ "email": "a@example.com" }));
    let user = api
        .call("POST", "/users", Some(json!({})))
        .await
        .text_of("id");
    let credentials = format!("/users/{user}/credentials_email");
    api.call("POST", &credentials, email()).await;
    api.emulator.inject(Fault::status(500).on("versions"));

    let set = json!({ "name": "x", "permissions": ["not_a_permission"] });
    let role = json!({ "name": "x", "permission_set_id": "2", "model_set_id": "9999" });
    for (line, method, path, body, status, message) in [
        (
            70,
            "POST",
            "/model_sets",
            Some(json!({ "name": "All" })),
            422,
            "Validation Failed",
        ),
        (
            71,
            "DELETE",
            "/model_sets/1",
            None,
            405,
            "This resource cannot be modified",
        ),
        (76, "POST", "/roles", Some(role), 422, "Validation Failed"),
        (
            79,
            "DELETE",
            "/roles/2",
            None,
            403,
            "You do not have access.  Please contact an administrator",
        ),
        (
            97,
            "POST",
            "/permission_sets",
            Some(set),
            422,
            "Validation Failed",
        ),
        (
            104,
            "POST",
            credentials.as_str(),
            email(),
            409,
            "The resource already exists.",
        ),
        (106, "DELETE", "/users/1", None, 403, "Permission Denied"),
        (107, "DELETE", "/users/9999", None, 404, "Not found"),
        (
            111,
            "DELETE",
            "/users/1/credentials_embed/1",
            None,
            404,
            "Not found",
        ),
        (138, "GET", "/versions", None, 500, "An error has occurred."),
    ] {
        let answer = api.call(method, path, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text_of("message").as_str()),
            (status, message),
            "{line}"
        );
    }
    let nobody = api.call_as(Some("x"), "GET", "/user", None).await;
    assert_eq!(
        (nobody.status.as_u16(), nobody.text_of("message").as_str()),
        (401, "Requires authentication."),
        "136"
    );
    let wrong = api.call_as(None, "POST", "/login?client_id=x", None).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.text_of("message").as_str()),
        (404, "Not found"),
        "140"
    );
}

/// Lines 74 and 97: what is wrong with a field is said by its code alone.
#[tokio::test]
async fn a_field_can_be_refused_by_its_code_alone_as_recorded() {
    let mut switches = Switches::default();
    switches.set("field_errors_say_why", "false").unwrap();
    let api = Api::start(Options {
        switches,
        ..Options::default()
    })
    .await;
    let permissions = json!({ "name": "x", "permissions": ["not_a_permission"] });

    let taken = api
        .call("POST", "/model_sets", Some(json!({ "name": "All" })))
        .await;
    let invalid = api
        .call("POST", "/permission_sets", Some(permissions))
        .await;

    assert_eq!(
        taken.json["errors"],
        json!([{ "field": "name", "code": "already_exists" }])
    );
    assert_eq!(
        invalid.json["errors"],
        json!([{ "field": "permissions", "code": "invalid" }])
    );
}

/// Lines 128, 135, 152 and 153, of API 3.1: whether a folder can be changed and deleted, all else being true.
#[tokio::test]
async fn folders_say_what_can_be_done_with_them_as_recorded() {
    let api = Api::start(Options::default()).await;
    let plain = json!({ "name": "pytest", "parent_id": "1" });
    let plain = api
        .call("POST", "/folders", Some(plain))
        .await
        .text_of("id");
    let personal = api.get("/user").await.text_of("personal_folder_id");
    for (folder, changes) in [
        ("1", false),
        ("2", false),
        (&personal, false),
        (&plain, true),
    ] {
        let shown = api.get(&format!("/folders/{folder}")).await;
        assert_eq!(
            shown.json["can"],
            json!({
                "index": true, "show": true, "create": true, "see_admin_spaces": true,
                "save_shared_space_as_embed_user": true, "destroy": changes, "update": changes,
                "move_content": true, "edit_content": true,
            }),
            "{folder}"
        );
    }
    // Line 133.
    let models = api.get("/lookml_models").await;
    assert_eq!(
        models.json[0]["can"],
        json!({ "create": true, "destroy": true, "index": true, "show": true, "update": true })
    );
}

/// Things whose `can` was never recorded, so that nothing is said in it: the list that has one, and what it is.
const NEVER_RECORDED: [(&str, &str); 8] = [
    ("/dashboards/100", "a dashboard"),
    ("/looks/100", "a look"),
    ("/boards/100", "a board"),
    ("/scheduled_plans?user_id=42", "a schedule"),
    (
        "/content_metadata_access?content_metadata_id=META",
        "who something is shared with",
    ),
    ("/users/42/sessions", "a session: recorded once, as `{}`"),
    ("/users/42/credentials_api3", "a key: recorded as `{}`"),
    ("/users/42/credentials_embed", "an embed credential"),
];

#[tokio::test]
async fn what_can_be_done_with_other_things_was_never_recorded_and_is_not_said() {
    let api = Api::start(Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    })
    .await;
    let meta = api.get("/folders/501").await.text_of("content_metadata_id");
    for (path, what) in NEVER_RECORDED {
        let path = path.replace("META", &meta);
        let shown = api.get(&path).await;
        let one = shown.json.get(0).unwrap_or(&shown.json);
        assert_eq!(one["can"], json!({}), "{what}: {path}: {shown:?}");
    }
}

/// Operations of 26.22 that users' scripts may meet and that are not served, and why.
const NOT_SERVED: [(&str, &str, &str); 5] = [
    (
        "GET",
        "/projects/demo/manifest",
        "the LookML of a project has no manifest",
    ),
    ("GET", "/ldap_config", "no one logs in by another service"),
    (
        "GET",
        "/agents/search",
        "Conversational Analytics is not served",
    ),
    (
        "GET",
        "/conversations/search",
        "Conversational Analytics is not served",
    ),
    (
        "GET",
        "/artifact/acme/search",
        "what extensions keep belongs to no user",
    ),
];

#[tokio::test]
async fn what_is_not_served_says_so_and_is_counted_as_a_violation() {
    let api = Api::start(Options {
        documentation_url: Some("https://docs.example.com".to_owned()),
        ..Options::default()
    })
    .await;
    for (number, (method, path, why)) in NOT_SERVED.iter().enumerate() {
        let answer = api.call(method, path, None).await;
        assert_eq!(answer.status, 501, "{method} {path} ({why}): {answer:?}");
        let violations = api.emulator.violations();
        assert_eq!(violations.len(), number + 1, "{violations:?}");
        let message = answer.text_of("message");
        assert!(
            message.starts_with("the emulator does not serve `"),
            "{message}"
        );
        assert_eq!(
            violations[number].what,
            format!("{method} {path}: {message}")
                .replace("acme", "{namespace}")
                .replace("demo", "{project_id}")
        );
        let page = answer.text_of("documentation_url");
        assert!(page.starts_with(api.emulator.base_url()), "{page}");
        let page = api.web(&page, "").await;
        let operation = message.split('`').nth(1).unwrap();
        assert_eq!(page.status, 200, "{page:?}");
        assert!(
            page.text.contains(&format!("operation {operation}.")),
            "{page:?}"
        );
    }
    let served = format!(
        "{}/__emulator/err/4.0/501/get/user",
        api.emulator.base_url()
    );
    let served = api.web(&served, "").await;
    assert_eq!(served.status, 404);
}
