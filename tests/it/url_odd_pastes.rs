//! `url inspect` on what programs and people made of a right URL: each is read as the URL that it was.

use embedctl::system::Input;
use serde_json::{Value, json};

use crate::support::Sandbox;

const QUERY: &str = "nonce=%220123456789abcdef0123456789abcdef%22&time=1700000000&session_length=900&external_user_id=%22user-1%22&permissions=%5B%22access_data%22%2C%22see_looks%22%5D&models=%5B%22thelook%22%5D&access_filters=%7B%7D&force_logout_login=true&signature=M17p6hNuLnnlZbA5TXPmbZXPeRA%3D";
const PATH: &str = "/login/embed/%2Fembed%2Fdashboards%2F3";

fn url() -> String {
    format!("https://acme.looker.com{PATH}?{QUERY}")
}

/// As an address bar shows it.
fn plain() -> String {
    let decoded = [
        ("%22", "\""),
        ("%5B", "["),
        ("%5D", "]"),
        ("%2C", ","),
        ("%7B", "{"),
        ("%7D", "}"),
        ("%2F", "/"),
        ("%3D", "="),
    ];
    decoded
        .iter()
        .fold(url(), |url, (code, character)| url.replace(code, character))
}

/// What is pasted, its name, and whether a host is in the settings.
fn pastes() -> Vec<(&'static str, String)> {
    let (url, plain) = (url(), plain());
    let amp = url.replace('&', "&amp;");
    let path = format!("{PATH}?{QUERY}");
    let in_json = |text: &str| json!({ "msg": text }).to_string();
    vec![
        ("a message of Slack", format!("{{\"type\":\"message\",\"text\":\"does not load: <{amp}|the dashboard>, since 9\"}}")),
        ("a smart link of Jira", format!("h3. Broken\n* [{url}|{url}|smart-link]\n")),
        ("Markdown with emphasis", format!("- **<{url}>** (fails)\n- next")),
        ("Markdown that escapes underscores", format!("see {} now", url.replace('_', "\\_"))),
        ("a row of Excel", format!("\"2023-11-14\";\"acme\";\"{}\";\"302\"\r\n", plain.replace('"', "\"\""))),
        ("a formula of Excel", format!("=HYPERLINK(\"{url}\",\"open\")")),
        (
            "a stack trace of Java",
            format!("java.io.IOException: Server returned HTTP response code: 401 for URL: {url}\n\tat sun.net.www.protocol.http.HttpURLConnection.getInputStream0(HttpURLConnection.java:1900)\n\tat com.acme.Embed.check(Embed.java:42)\n"),
        ),
        (
            "an access log of nginx",
            format!("10.0.0.7 - - [14/Nov/2023:22:13:25 +0000] \"GET {path} HTTP/1.1\" 302 0 \"https://app.acme.com/dash?id=3\" \"Mozilla/5.0 (X11; Linux x86_64)\""),
        ),
        (
            "a log of a load balancer of AWS",
            format!("https 2023-11-14T22:13:25.1Z app/web/1 10.0.0.7:2817 10.0.1.9:9999 0.0 0.1 0.0 302 302 34 366 \"GET {} HTTP/2.0\" \"Mozilla/5.0\" -", url.replace("looker.com/", "looker.com:443/")),
        ),
        ("a log of Envoy", json!({ "authority": "acme.looker.com", "method": "GET", "path": path, "response_code": 302 }).to_string()),
        (
            "fetch of Chrome",
            format!("fetch(\"{url}\", {{\n  \"headers\": {{\n    \"accept\": \"text/html\",\n    \"sec-fetch-dest\": \"iframe\"\n  }},\n  \"body\": null,\n  \"method\": \"GET\"\n}});"),
        ),
        (
            "PowerShell of Chrome",
            format!("$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\nInvoke-WebRequest -UseBasicParsing -Uri \"{url}\" `\n-WebSession $session `\n-Headers @{{\n\"authority\"=\"acme.looker.com\"\n}}"),
        ),
        (
            "an error of Python's requests",
            format!("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='acme.looker.com', port=443): Max retries exceeded with url: {path} (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f>: Failed'))"),
        ),
        ("bytes of Python", format!("INFO:root:b'{}'", url.replace('&', "\\x26"))),
        (
            "a log of Kubernetes with JSON in JSON in JSON",
            in_json(&in_json(&json!({ "url": plain, "n": 1 }).to_string())),
        ),
        (
            "a HAR file",
            serde_json::to_string_pretty(&json!({ "log": { "entries": [{
                "request": { "method": "GET", "url": url, "headers": [{ "name": "Referer", "value": "https://app.acme.com/" }],
                    "queryString": [{ "name": "nonce", "value": "%220123456789abcdef0123456789abcdef%22" }] },
                "response": { "status": 302, "redirectURL": "https://acme.looker.com/login" } },
                { "request": { "method": "GET", "url": "https://acme.looker.com/login",
                    "headers": [{ "name": "Referer", "value": url }] } }] } }))
            .unwrap(),
        ),
        (
            "the console of a browser",
            format!("Refused to display '{url}' in a frame because it set 'X-Frame-Options' to 'sameorigin'."),
        ),
        ("an answer with a redirect", format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n")),
        (
            "curl -v",
            format!("* Connected to acme.looker.com (10.0.0.1) port 443\n> GET {path} HTTP/2\n> Host: acme.looker.com\n> user-agent: curl/8.5.0\n"),
        ),
        ("a page in a page", format!("<iframe srcdoc='<iframe src=\"{}\">'>", amp.replace('&', "&amp;"))),
        ("XML", format!("<?xml version=\"1.0\"?><event><url>{amp}</url><code>302</code></event>")),
        ("a shortcut of Windows", format!("[InternetShortcut]\r\nURL={url}\r\nIconIndex=0\r\n")),
        ("properties of Java", format!("embed.url=https\\://{}\nembed.time=3\n", url.strip_prefix("https://").unwrap().replace('=', "\\="))),
        ("YAML", format!("dashboard:\n  url: >-\n    {url}\n  status: 302\n")),
        ("a word processor", format!("The link “{}” fails", plain.replacen('"', "“", 1).replace('"', "”"))),
        ("typographic quotes around it", format!("„{url}“ fails")),
        (
            "SafeLinks in a page",
            format!("<a href=\"https://eur01.safelinks.protection.outlook.com/?url={}&amp;data=05%7C02&amp;reserved=0\" originalsrc=\"x\">", url.replace('%', "%25").replace(':', "%3A").replace('/', "%2F").replace('?', "%3F").replace('=', "%3D").replace('&', "%26")),
        ),
        ("a Rails log", format!("Redirected to {url}\nCompleted 302 Found in 5ms (ActiveRecord: 0.0ms)\n")),
        ("an address bar", plain.clone()),
        ("an address bar without the scheme", plain.strip_prefix("https://").unwrap().to_owned()),
        ("C#", format!("var url = @\"{}\";", plain.replace('"', "\"\""))),
        ("a shell's variable", format!("export URL={}\n", url.replace('&', "\\&").replace('?', "\\?").replace('=', "\\="))),
        ("SQL", format!("INSERT INTO log (url) VALUES (E'{url}', 302);")),
        ("a diff", format!("@@ -1 +1 @@\n-old\n+{url}\n")),
        ("numbered lines", format!("  17  {url}\n  18  done\n")),
    ]
}

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("LOOKERSDK_BASE_URL", "https://acme.looker.com")
        .var("LOOKERSDK_EMBED_SECRET", "s3cret");
    sandbox
}

async fn inspected(input: Input) -> Vec<Value> {
    let args = ["url", "inspect", "--time", "1700000010", "-", "-o", "jsonl"];
    sandbox().run_with(&args, input).await.json_lines()
}

#[tokio::test]
async fn odd_pastes_are_read_as_the_url_that_they_were() {
    let mut wrong = Vec::new();
    for (name, text) in pastes() {
        let told = inspected(Input::text(text.clone())).await;
        if told.len() != 1 || told[0]["valid"] != true {
            wrong.push(format!(
                "{name}: {} of {}\n{text}",
                told[0]["diagnosis"],
                told.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn a_text_in_utf_16_is_read() {
    let text = format!("\u{feff}{}\r\n", url());
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);

    let told = inspected(Input::new(
        std::io::Cursor::new(units.collect::<Vec<u8>>()),
        false,
    ))
    .await;

    assert_eq!(told[0]["valid"], true, "{}", told[0]);
}

#[tokio::test]
async fn each_url_of_a_text_is_told_and_a_nonce_that_two_share_is_named() {
    let other = url().replace("user-1", "user-2");
    let text = format!("first {}\nthen {other}, and {} again\n", url(), url());

    let told = inspected(Input::text(text)).await;

    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["valid"], true);
    let names = |of: &Value| {
        let found = of["diagnosis"].as_array().unwrap().iter();
        found.map(|found| found["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&told[1]), ["signature_unexplained", "nonce_reused"]);
}

#[tokio::test]
async fn a_shortened_url_is_told_to_be_cut_off_and_not_to_be_signed_wrongly() {
    let whole = url();
    for end in ["...", "…", "[truncated 120 chars]", "%2", ""] {
        let text = format!("error opening {}{end}", &whole[..whole.len() - 60]);

        let told = inspected(Input::text(text)).await;

        assert_eq!(
            told[0]["diagnosis"][0]["name"], "cut_off",
            "{end}: {}",
            told[0]
        );
        assert_eq!(told[0]["diagnosis"].as_array().unwrap().len(), 1, "{end}");
    }
}

#[tokio::test]
async fn what_a_shell_leaves_of_a_url_without_quotes_is_named() {
    let url = url();
    let (first, _) = url.split_once('&').unwrap();

    let outcome = sandbox().run(&["url", "inspect", first]).await.exits(1);

    assert!(
        outcome.out.contains("put the URL in single quotes"),
        "{}",
        outcome.out
    );
}

#[tokio::test]
async fn a_text_without_a_url_is_said_to_have_none() {
    for text in [
        "hello\n",
        "https://acme.looker.com/embed/dashboards/3\n",
        "login_embed failed\n",
    ] {
        let outcome = sandbox()
            .run_with(&["url", "inspect", "-"], Input::text(text))
            .await
            .exits(1);

        assert!(
            outcome.out.contains("there is no signed embed URL"),
            "{}",
            outcome.out
        );
        assert!(!outcome.out.contains("secret"), "{}", outcome.out);
    }
}

#[tokio::test]
async fn a_url_of_another_looker_than_the_settings_is_said_to_be_one() {
    let text = url().replace("acme.looker.com", "staging.looker.com");

    let told = inspected(Input::text(text)).await;

    let found = &told[0]["diagnosis"];
    assert_eq!(
        found[0]["name"], "other_host",
        "the signature is for the host of the settings"
    );

    let text = url()
        .replace("acme.looker.com", "staging.looker.com")
        .replace("user-1", "user-2");
    let told = inspected(Input::text(text)).await;
    let fix = told[0]["diagnosis"][0]["fix"].as_str().unwrap();
    assert!(fix.contains("with the profile of its own Looker"), "{fix}");
}
