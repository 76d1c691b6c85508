//! Programs of others, as their registries publish them, do their main job on the local Looker.

use std::path::Path;

use embedctl::emulator::{Options, State};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::sdk::Sdk;
use crate::support::Sandbox;

/// Run the script `name` against a Looker as lenient as a real one; gives what it tells.
async fn tell(sdk: &Sdk, name: &str, options: Options) -> Value {
    let (told, sandbox) = told(sdk, name, options).await;
    sandbox.finish().await;
    told
}

/// The same with a program that logs out of nothing.
async fn tell_and_leave(sdk: &Sdk, name: &str, options: Options) -> Value {
    let (told, sandbox) = told(sdk, name, options).await;
    sandbox.emulator().end_tokens();
    sandbox.finish().await;
    told
}

async fn told(sdk: &Sdk, name: &str, options: Options) -> (Value, Sandbox) {
    let mut sandbox = Sandbox::lenient(options).await;
    if let Some(file) = sandbox.emulator().ca_file() {
        let file = file.display().to_string();
        for variable in ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            sandbox.var(variable, file.as_str());
        }
    }
    (sdk.tell(name, &sandbox, None, &[]).await, sandbox)
}

async fn provisions(sdk: &Sdk, options: Options) {
    let expected = json!({
        "me": "Ada",
        "groups": ["Acme"],
        "members": ["Grace Hopper"],
        "written_back": true,
        "values": [["tenant", "acme"]],
        "roles": ["Viewer"],
        "secret_length": 24,
        "keys": true,
        "sudo": true,
        "all_users_are_found_by_pages": true,
        "opens": "/embed/dashboards/1",
        "embed_user": "acme-42",
        "left": [],
    });
    assert_eq!(tell(sdk, "provision", options).await, expected);
}

#[tokio::test]
async fn the_python_sdk_of_2022_provisions_a_tenant() {
    if let Some(sdk) = Sdk::python_with("python-22.4", "python-22.4/requirements.txt") {
        provisions(&sdk, Options::default()).await;
    }
}

#[tokio::test]
async fn the_python_sdk_of_2024_provisions_a_tenant() {
    if let Some(sdk) = Sdk::python_with("python-24.20", "python-24.20/requirements.txt") {
        provisions(&sdk, Options::default()).await;
    }
}

#[tokio::test]
async fn the_newest_python_sdk_provisions_a_tenant() {
    if let Some(sdk) = Sdk::python() {
        provisions(&sdk, Options::default()).await;
    }
}

/// With the variables that the local Looker prints.
#[tokio::test]
async fn the_sdks_provision_over_https_with_the_certificate_that_is_printed() {
    let options = || Options {
        tls: true,
        ..Options::default()
    };
    if let Some(sdk) = Sdk::python() {
        provisions(&sdk, options()).await;
    }
    if let Some(sdk) = Sdk::typescript() {
        follows_pages(&sdk, options()).await;
    }
}

#[tokio::test]
async fn the_typescript_sdk_provisions_a_tenant_and_follows_pages_to_the_end() {
    if let Some(sdk) = Sdk::typescript() {
        follows_pages(&sdk, Options::default()).await;
    }
}

async fn follows_pages(sdk: &Sdk, options: Options) {
    let expected = json!({
        "me": "Ada",
        "members": ["Grace Hopper"],
        "roles": ["Viewer"],
        "written_back": ["user", "group", "folder", "dashboard"],
        "pages": {
            "total": 7, "pages": 3, "found": 7, "different": 7, "previous": [3, 3], "first": [0, 3],
        },
        "by_ids": 2,
        "strayed": [],
    });
    assert_eq!(tell(sdk, "provision", options).await, expected);
}

/// About a hundred of its tools: groups, roles, people, attributes, keys, content.
#[tokio::test]
async fn an_mcp_server_for_looker_provisions_with_its_tools() {
    let list = "mcp/requirements.txt";
    let Some(sdk) = Sdk::python_with("mcp", list) else {
        return;
    };
    let told = tell(&sdk.with_scripts("mcp"), "tools", Options::default()).await;

    assert_eq!(told["failed"], json!({}), "{told:#}");
    assert!(told["worked"].as_u64().unwrap() > 95, "{told:#}");
}

/// It counts what is run, and names what is not used.
#[tokio::test]
async fn henry_finds_explores_that_nobody_uses() {
    let state = State::parse(include_str!("../data/explain.yaml")).unwrap();
    let options = Options {
        state,
        ..Options::default()
    };
    let Some(sdk) = Sdk::python_with("henry", "henry/requirements.txt") else {
        return;
    };

    let told = tell_and_leave(&sdk.with_scripts("henry"), "examine", options).await;

    let of = |name: &str, models: u8, views: u8| {
        json!([
            name,
            models.to_string(),
            views.to_string(),
            "No repo found",
            "off",
            "False"
        ])
    };
    let expected = json!({
        "analyze projects": [of("demo", 1, 1), of("finance", 1, 1), of("sales", 1, 3)],
        "analyze models": [
            ["demo", "demo", "1", "1", "0"],
            ["sales", "sales", "3", "2", "3"],
            ["finance", "finance", "1", "1", "0"],
        ],
        "vacuum models": [
            ["demo", "orders", "0"],
            ["sales", "broken,nothing", "3"],
            ["finance", "invoices", "0"],
        ],
        // As on a real Looker, which was recorded to refuse what it asks.
        "analyze explores": true,
        "vacuum explores": true,
        "pulse": [6, 1, 4],
        "slowest": [["0.1", "sales", "orders"]],
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn lmanage_keeps_settings_and_content_in_files_and_makes_them_anew() {
    let list = "lmanage/requirements.txt";
    let Some(sdk) = Sdk::python_with("lmanage", list) else {
        return;
    };

    let told = tell_and_leave(&sdk.with_scripts("lmanage"), "restore", Options::default()).await;

    let asks = |fields: [&str; 2]| json!(["orders", fields]);
    let expected = json!({
        "new": true,
        "lost": {},
        "same_slugs": true,
        "dashboards": [
            [
                "Reports",
                "Sales: 2026 & on",
                [
                    ["By region", "vis", asks(["orders.region", "orders.count"])],
                    ["", "text", null],
                ],
                [["Region", "orders.region", "EMEA,APAC"]],
            ],
            ["Shared", "Blank", [], []],
            [
                "Shared",
                "Orders",
                [["Orders by month", "vis", asks(["orders.created_month", "orders.count"])]],
                [],
            ],
        ],
    });
    assert_eq!(told, expected);
}

/// A page of another site, over HTTPS, as in earnest: the SDK signs in through its own server, and hears Looker's events.
#[tokio::test]
async fn the_embed_sdk_shows_a_dashboard_in_a_browser_and_hears_its_events() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let mut sandbox = Sandbox::lenient(options).await;
    let ca_file = sandbox.emulator().ca_file().unwrap().display().to_string();
    sandbox
        .var("EMBEDCTL_CA_FILE", ca_file)
        .var("EMBEDCTL", env!("CARGO_BIN_EXE_embedctl"));
    let shots = sandbox.path("shots");
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/embed/server.mjs");
    let asked = json!({ "browser": browser.program, "server": server, "shots": shots });

    let told = browser.look(&sandbox, "embed", &asked).await;

    let expected = json!({
        "events": [
            "session:status", "page:changed", "dashboard:loaded", "dashboard:run:start", "dashboard:run:complete",
        ],
        "title": "Logged in as acme-42",
        "complaints": [],
    });
    assert_eq!(told, expected);
    sandbox.finish().await;
}
