//! Looker's official SDKs, as their registries publish them, against the local Looker.
//!
//! Both SDKs tell the same story, in `tests/sdk`; what they must find is written once, here.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use embedctl::secret::ExposeSecret as _;
use serde_json::{Value, json};

use crate::installed;
use crate::support::{Sandbox, found, output, skip};

#[tokio::test]
async fn the_python_sdk_works_with_a_delivered_key() {
    if let Some(sdk) = Sdk::python() {
        works_with_a_delivered_key(&sdk).await;
    }
}

#[tokio::test]
async fn the_typescript_sdk_works_with_a_delivered_key() {
    if let Some(sdk) = Sdk::typescript() {
        works_with_a_delivered_key(&sdk).await;
    }
}

#[tokio::test]
async fn the_python_sdk_finds_every_operation_as_described() {
    if let Some(sdk) = Sdk::python() {
        finds_every_operation_as_described(&sdk).await;
    }
}

#[tokio::test]
async fn the_typescript_sdk_finds_every_operation_as_described() {
    if let Some(sdk) = Sdk::typescript() {
        finds_every_operation_as_described(&sdk).await;
    }
}

async fn works_with_a_delivered_key(sdk: &Sdk) {
    let sandbox = Sandbox::new().await;
    let args = [
        "create-user",
        "acme 42/ä",
        "--keys-to",
        "stdout",
        "-o",
        "json",
    ];
    let created = sandbox.run(&args).await.done().json();
    let key = &created["key"];

    let told = sdk.tell("key", &sandbox, Some(key), &["acme 42/ä"]).await;

    let expected = json!({
        "me": created["looker_user_id"],
        "me_external_user_ids": ["acme 42/ä"],
        "found": created["looker_user_id"],
        "keys_before": [key["client_id"]],
        "minted_secret_length": 24,
        "keys_during": [key["client_id"], told["minted"]],
        "minted": told["minted"],
        "keys_after": [key["client_id"]],
        "missing": "Not found",
        "logged_out": true,
        "strayed": [],
    });
    assert_eq!(told, expected);
    sandbox.finish().await;
}

/// The newest release of the SDK is the newest description of Looker's API that can be had.
#[tokio::test]
async fn the_python_sdk_is_the_release_that_the_local_looker_follows() {
    let Some(sdk) = Sdk::python() else { return };
    let sandbox = Sandbox::offline();
    let mut command = sandbox.program(&sdk.interpreter);
    let script = "import importlib.metadata as m; print(m.version('looker-sdk'))";
    command.args(["-c", script]);

    let version = output(command).await.done().out;

    assert!(version.starts_with("26.22."), "{version}");
}

#[tokio::test]
async fn the_example_for_pytest_passes() {
    let Some(sdk) = Sdk::python() else { return };
    let sandbox = Sandbox::offline();
    let mut command = sandbox.program(&sdk.interpreter);
    command
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .arg(root().join("examples/pytest"))
        .env("EMBEDCTL", env!("CARGO_BIN_EXE_embedctl"))
        .env("PYTHONDONTWRITEBYTECODE", "1");

    let outcome = output(command).await.done();

    assert!(outcome.out.contains("2 passed"), "{}", outcome.out);
}

#[tokio::test]
async fn the_example_for_ci_runs_a_command_against_a_looker_and_stops_it() {
    let sandbox = Sandbox::offline();
    let embedctl = env!("CARGO_BIN_EXE_embedctl");
    let mut command = sandbox.program(root().join("examples/ci.sh"));
    command
        .args([
            embedctl,
            "create-user",
            "acme-42",
            "--keys-to",
            "file:keys.jsonl",
            "-o",
            "json",
        ])
        .env("EMBEDCTL", embedctl);

    let created = output(command).await.done().json();

    assert_eq!(created["outcome"], "created");
    let key: Value = serde_json::from_str(&sandbox.read("keys.jsonl")).unwrap();
    assert_eq!(key["client_id"], created["key"]["client_id"]);
}

/// The scripts that walk through the API, and what each must tell.
const WALKS: [(&str, &str); 2] = [
    ("people", include_str!("../sdk/people.json")),
    ("content", include_str!("../sdk/content.json")),
];

async fn finds_every_operation_as_described(sdk: &Sdk) {
    let sandbox = Sandbox::new().await;

    for (script, expected) in WALKS {
        let told = sdk.tell(script, &sandbox, None, &[]).await;
        assert_eq!(told, parse(expected), "{script}");
    }

    if let Some(found) = hold_against_description(&sandbox).await {
        assert_eq!(found["problems"], json!([]), "{found:#}");
        assert_eq!(found["never_called"], json!([]), "{found:#}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn the_validator_notices_what_the_description_does_not_allow() {
    let sandbox = Sandbox::offline();
    let exchange = |method: &str, path: &str, request: Value, status: u16, response: Value| {
        json!({
            "method": method,
            "url": format!("http://127.0.0.1:1/api/4.0{path}"),
            "request_type": "application/json",
            "request_body": (!request.is_null()).then(|| request.to_string()),
            "status": status,
            "response_type": "application/json",
            "response_body": response.to_string(),
        })
    };
    let wrong = [
        exchange("GET", "/user", Value::Null, 200, json!({"id": 1})),
        exchange(
            "GET",
            "/user",
            Value::Null,
            200,
            json!({"no_such_field": "1"}),
        ),
        exchange("GET", "/user", Value::Null, 418, json!({"id": "1"})),
        exchange("GET", "/no_such_thing", Value::Null, 200, json!({})),
        exchange(
            "PATCH",
            "/users/1",
            json!({"id": "2"}),
            200,
            json!({"id": "1"}),
        ),
        exchange(
            "POST",
            "/groups",
            json!({"title": "?"}),
            200,
            json!({"id": "1"}),
        ),
        exchange("DELETE", "/users/1", Value::Null, 204, json!("gone")),
    ];
    let lines = wrong.map(|exchange| format!("{exchange}\n"));
    sandbox.file("exchanges.jsonl", &lines.concat());

    if let Some(found) = hold_against_description(&sandbox).await {
        assert_eq!(
            found["problems"].as_array().unwrap().len(),
            lines.len(),
            "{found:#}"
        );
    }
}

/// What an independent validator says of the exchanges that the scripts wrote down in `sandbox`; `None`, with the
/// reason printed, where Looker's description is not at hand and need not be.
async fn hold_against_description(sandbox: &Sandbox) -> Option<Value> {
    let description = root().join("../shared/looker/openapi-4.0.subset.json");
    if !description.exists() {
        // The description is Looker's and no part of this project, so that a stranger's clone has none.
        skip(&format!(
            "there is no OpenAPI description in {}",
            description.display()
        ));
        return None;
    }
    let python = Sdk::python()?;
    let mut command = sandbox.program(&python.interpreter);
    command
        .arg(python.scripts.join("contract.py"))
        .args([description, sandbox.path("exchanges.jsonl")]);
    Some(output(command).await.done().json())
}

/// An official SDK, ready to run a script.
pub(crate) struct Sdk {
    /// The program that runs scripts.
    pub(crate) interpreter: PathBuf,
    /// What scripts of its language are called.
    extension: &'static str,
    /// The folder of its scripts.
    pub(crate) scripts: PathBuf,
    /// The folder where a script looks for the SDK, where that is not the interpreter's matter.
    modules: Option<PathBuf>,
}

impl Sdk {
    /// The Python SDK in a virtual environment; `None`, with the reason printed, where there is no way to get it.
    pub(crate) fn python() -> Option<Self> {
        Self::python_with("python", "python/requirements.txt")
    }

    /// The same with other packages, which stand in `list`, in an environment called `name`.
    pub(crate) fn python_with(name: &str, list: &str) -> Option<Self> {
        let interpreter = found(installed::python(name, &scripts(list)))?;
        Some(Self {
            interpreter,
            extension: "py",
            scripts: scripts("python"),
            modules: None,
        })
    }

    /// The same for the scripts in another folder.
    pub(crate) fn with_scripts(self, folder: &str) -> Self {
        Self {
            scripts: scripts(folder),
            ..self
        }
    }

    /// The TypeScript SDK on Node; `None`, with the reason printed, where there is no way to get it.
    pub(crate) fn typescript() -> Option<Self> {
        let scripts = scripts("node");
        let modules = found(installed::npm("node", &scripts.join("package.json")))?;
        Some(Self {
            interpreter: PathBuf::from("node"),
            extension: "mjs",
            scripts,
            modules: Some(modules),
        })
    }

    /// Run the script `name` with the admin's key and `key` in its `looker.ini`, and give what it tells.
    pub(crate) async fn tell(
        &self,
        name: &str,
        sandbox: &Sandbox,
        key: Option<&Value>,
        args: &[&str],
    ) -> Value {
        for script in fs::read_dir(&self.scripts).unwrap() {
            let script = script.unwrap();
            fs::copy(
                script.path(),
                sandbox.path(script.file_name().to_str().unwrap()),
            )
            .unwrap();
        }
        let modules_here = sandbox.path("node_modules");
        if let Some(modules) = &self.modules
            && !modules_here.exists()
        {
            symlink(modules, modules_here).unwrap();
        }
        let emulator = sandbox.emulator();
        let section = |name: &str, id: &str, secret: &str| {
            format!(
                "[{name}]\nbase_url={}\nclient_id={id}\nclient_secret={secret}\ntimeout=30\n",
                emulator.base_url()
            )
        };
        let admin = section(
            "admin",
            emulator.client_id(),
            emulator.client_secret().expose_secret(),
        );
        let text = |field: &str| {
            key.unwrap_or(&Value::Null)[field]
                .as_str()
                .unwrap_or_default()
        };
        let user = section("user", text("client_id"), text("client_secret"));
        sandbox.file("looker.ini", &(admin + &user));

        let mut command = sandbox.program(&self.interpreter);
        // The SDKs prefer variables to `looker.ini`.
        for variable in ["BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "EMBED_SECRET"] {
            command.env_remove(format!("LOOKERSDK_{variable}"));
        }
        command.arg(format!("{name}.{}", self.extension)).args(args);
        let told = output(command).await.done();
        // The TypeScript SDK may print a line for each request first.
        let last = told.out.lines().last().unwrap_or_default();
        serde_json::from_str(last)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", told.out, told.err))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scripts(place: &str) -> PathBuf {
    root().join("tests/sdk").join(place)
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
