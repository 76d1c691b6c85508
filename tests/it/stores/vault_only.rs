//! What is Vault's alone: its logins, its policies, its namespaces, TLS with a private CA, and its own client.

use std::fs;
use std::process::Command;

use embedctl::net::trusting;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::Method;
use serde_json::{Value, json};

use crate::clients::keys;
use crate::stores::proxy::Effect;
use crate::stores::server::{Server, free_port, programs};
use crate::stores::vault::{ROOT, Vault};
use crate::stores::{EACH, Shop as _, read_with};
use crate::support::{Sandbox, in_time};

async fn create(sandbox: &Sandbox, spec: &str) -> crate::support::Outcome {
    let args = ["create-user", "acme-42", "--keys-to", spec, "-o", "json"];
    sandbox.run(&args).await
}

#[tokio::test]
async fn its_own_client_reads_the_key() {
    let Some(vault) = Vault::open().await else {
        return;
    };
    let mut sandbox = Sandbox::new().await;
    vault.enter(&mut sandbox);
    let _done = create(&sandbox, &vault.spec(EACH)).await.done();

    let path = format!("{}/acme-42", vault.folder);
    let read = read_with(&sandbox, "read_vault.py", &["secret", &path]).await;

    assert_eq!(read["version"], 1);
    assert_eq!(Some(&read["value"]), vault.value("acme-42").await.as_ref());
    sandbox.finish().await;
}

#[tokio::test]
async fn a_policy_that_lacks_a_line_is_found_out_before_a_key_is_minted_and_with_the_line_it_works()
{
    let Some(vault) = Vault::open().await else {
        return;
    };
    let mut sandbox = Sandbox::new().await;
    vault.enter(&mut sandbox);
    let folder = &vault.folder;
    let data = format!(
        "path \"secret/data/{folder}/*\" {{ capabilities = [\"create\", \"update\", \"read\"] }}"
    );
    sandbox.var("VAULT_TOKEN", vault.token(&data).await);
    let spec = vault.spec(EACH);

    let error = create(&sandbox, &spec).await.exits(2).error();

    assert_eq!(keys(sandbox.emulator(), "acme-42").await.len(), 0);
    let hint = error["hint"].as_str().unwrap();
    let lines: Vec<_> = hint.lines().skip(1).collect();
    assert_eq!(lines.len(), 2, "{hint}");
    // What the hint says is enough.
    sandbox.var(
        "VAULT_TOKEN",
        vault
            .token(&[&[data.as_str()], lines.as_slice()].concat().join("\n"))
            .await,
    );
    let _done = create(&sandbox, &spec).await.done();
    let rotate = ["keys", "rotate", "acme-42", "--keys-to", &spec, "--yes"];
    let rotated = sandbox.run(&rotate).await.done();
    assert!(!rotated.err.contains("warning"), "{}", rotated.err);
    assert!(vault.versions("acme-42").await[0].value.is_none());
    sandbox.finish().await;
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_named() {
    let Some(vault) = Vault::open().await else {
        return;
    };
    let mut sandbox = Sandbox::new().await;
    vault.enter(&mut sandbox);
    sandbox.var("VAULT_NAMESPACE", "nowhere");

    let error = create(&sandbox, &vault.spec(EACH)).await.exits(2).error();

    assert!(
        error["hint"].as_str().unwrap().contains("VAULT_NAMESPACE"),
        "{error}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn without_credentials_all_ways_to_give_some_are_told() {
    let Some(vault) = Vault::open().await else {
        return;
    };
    let mut sandbox = Sandbox::new().await;
    vault.enter(&mut sandbox);
    sandbox.unset("VAULT_TOKEN");

    let error = create(&sandbox, &vault.spec(EACH)).await.exits(2).error();

    let hint = error["hint"].as_str().unwrap();
    for way in [
        "VAULT_TOKEN",
        "~/.vault-token",
        "VAULT_ROLE_ID",
        "VAULT_JWT",
        "Kubernetes",
    ] {
        assert!(hint.contains(way), "{way}: {hint}");
    }
    sandbox.unset("VAULT_ADDR");
    let error = create(&sandbox, &vault.spec(EACH)).await.exits(2).error();
    assert!(
        error["hint"].as_str().unwrap().contains("VAULT_ADDR"),
        "{error}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn the_token_that_its_login_has_left_in_the_home_folder_counts_if_only_its_owner_can_read_it()
{
    use std::os::unix::fs::PermissionsExt as _;

    let Some(vault) = Vault::open().await else {
        return;
    };
    let mut sandbox = Sandbox::new().await;
    vault.enter(&mut sandbox);
    sandbox.unset("VAULT_TOKEN");
    let path = sandbox.root().join("home/.vault-token");
    fs::write(&path, format!("{ROOT}\n")).unwrap();
    let spec = vault.spec(EACH);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let _done = create(&sandbox, &spec).await.exits(2);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let _done = create(&sandbox, &spec).await.done();

    sandbox.finish().await;
}

/// The token of a login ends with the command.
#[tokio::test]
async fn a_login_with_approle_is_enough_and_leaves_no_token() {
    let Some(vault) = Vault::open().await else {
        return;
    };
    let mut sandbox = Sandbox::new().await;
    vault.enter(&mut sandbox);
    let mount = format!("approle-{}", vault.folder);
    let call = async |verb, path: &str, body| vault.call(verb, path, body).await;
    let enable = json!({ "type": "approle" });
    assert_eq!(
        call(Method::POST, &format!("sys/auth/{mount}"), Some(enable))
            .await
            .0,
        204
    );
    let folder = &vault.folder;
    let policy = ["data", "metadata", "destroy"].map(|part| {
        format!("path \"secret/{part}/{folder}/*\" {{ capabilities = [\"create\", \"update\", \"read\"] }}")
    });
    let _token = vault.token(&policy.join("\n")).await;
    let role = format!("auth/{mount}/role/embedctl");
    let body = json!({ "token_policies": [folder], "token_ttl": "1h" });
    assert_eq!(call(Method::POST, &role, Some(body)).await.0, 204);
    let (_, role_id) = call(Method::GET, &format!("{role}/role-id"), None).await;
    let (_, secret_id) = call(Method::POST, &format!("{role}/secret-id"), Some(json!({}))).await;
    sandbox
        .unset("VAULT_TOKEN")
        .var("VAULT_AUTH_MOUNT", mount)
        .var(
            "VAULT_ROLE_ID",
            role_id["data"]["role_id"].as_str().unwrap(),
        )
        .var(
            "VAULT_SECRET_ID",
            secret_id["data"]["secret_id"].as_str().unwrap(),
        );

    let _done = create(&sandbox, &vault.spec(EACH)).await.done();

    assert!(vault.value("acme-42").await.is_some());
    let passed = vault.proxy.passed();
    assert_eq!(
        passed
            .iter()
            .filter(|it| it.line.contains("/login"))
            .count(),
        1
    );
    assert!(
        passed.last().unwrap().line.contains("revoke-self"),
        "{passed:?}"
    );
    sandbox.var("VAULT_SECRET_ID", "wrong");
    let refused = create(&sandbox, &vault.spec(EACH)).await.exits(2);
    assert!(refused.err.contains("refuses the login"), "{}", refused.err);
    sandbox.finish().await;
}

/// The server's part is played by an answer: no API server vouches for tokens here.
#[tokio::test]
async fn a_login_with_a_token_that_something_else_vouches_for_sends_role_and_token() {
    for (mount, variables) in [
        ("jwt", &[("VAULT_JWT", "header.claims.signature")][..]),
        ("jwt", &[("VAULT_JWT_FILE", "jwt")]),
        (
            "kubernetes",
            &[
                ("VAULT_JWT_FILE", "jwt"),
                ("VAULT_AUTH_METHOD", "kubernetes"),
            ],
        ),
    ] {
        let Some(vault) = Vault::open().await else {
            return;
        };
        let mut sandbox = Sandbox::new().await;
        vault.enter(&mut sandbox);
        sandbox.unset("VAULT_TOKEN").var("VAULT_ROLE", "looker");
        let file = sandbox.file("jwt", "header.claims.signature\n");
        fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        for (name, value) in variables {
            sandbox.var(name, *value);
        }
        let answer = format!(r#"{{"auth":{{"client_token":"{ROOT}","lease_duration":0}}}}"#);
        let login = match mount {
            "jwt" => "POST /v1/auth/jwt/login",
            _ => "POST /v1/auth/kubernetes/login",
        };
        vault
            .proxy
            .trouble(login, 1, Effect::Answer(200, answer.leak()));
        vault
            .proxy
            .trouble("revoke-self", 1, Effect::Answer(204, ""));

        let _done = create(&sandbox, &vault.spec(EACH)).await.done();

        assert_eq!(vault.proxy.calm(), 0, "{mount}");
        let passed = vault.proxy.passed();
        let sent = passed.iter().rfind(|it| it.line.contains(login)).unwrap();
        let body = sent.line.rsplit(' ').next().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            body,
            json!({ "role": "looker", "jwt": "header.claims.signature" })
        );
        sandbox.finish().await;
    }
}

/// A server as in production: sealed at first, with a certificate that only a private authority vouches for.
#[tokio::test]
async fn a_server_with_a_private_authority_is_trusted_through_ca_file_or_its_own_variable_only() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("ca.pem"), authority.pem()).unwrap();
    fs::write(path("cert.pem"), certificate.pem()).unwrap();
    fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    let port = free_port();
    let config = format!(
        "storage \"inmem\" {{}}\ndisable_mlock = true\nlistener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  \
         tls_cert_file = \"{}\"\n  tls_key_file = \"{}\"\n}}\n",
        path("cert.pem"),
        path("key.pem")
    );
    fs::write(path("config.hcl"), config).unwrap();
    let mut command = Command::new(programs.join("bao"));
    command
        .arg("server")
        .arg(format!("-config={}", path("config.hcl")));
    let url = format!("https://localhost:{port}");
    let _server = Server::start(url.clone(), &mut command);
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(trusting(&[path("ca.pem").into()]).unwrap())
        .no_proxy()
        .build()
        .unwrap();
    let mut token = String::new();
    let call = async |verb: Method, path: &str, token: &str, body: Value| {
        let request = client.request(verb, format!("{url}/v1/{path}"));
        let answer = request
            .header("x-vault-token", token)
            .json(&body)
            .send()
            .await;
        match answer {
            Ok(answer) => answer.json::<Value>().await.ok(),
            Err(_) => None,
        }
    };
    let init = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let unseal = in_time(async {
        loop {
            if let Some(made) = call(Method::PUT, "sys/init", "", init.clone()).await
                && let Some(root) = made["root_token"].as_str()
            {
                token = root.to_owned();
                return made["keys"][0].clone();
            }
            embedctl::system::Clock::os()
                .sleep(std::time::Duration::from_millis(20))
                .await;
        }
    })
    .await;
    let mut sandbox = Sandbox::new().await;
    sandbox
        .var("VAULT_ADDR", url.clone())
        .var("VAULT_TOKEN", token.clone())
        .var("VAULT_CACERT", path("ca.pem"))
        .var("EMBEDCTL_RETRIES", "0");
    let spec = "vault:kv/looker/{external_user_id}";

    let sealed = create(&sandbox, spec).await.exits(2).error();
    assert!(
        sealed["hint"].as_str().unwrap().contains("sealed"),
        "{sealed}"
    );
    let _answer = call(Method::PUT, "sys/unseal", "", json!({ "key": unseal })).await;
    let mount = json!({ "type": "kv", "options": { "version": "2" } });
    let _answer = call(Method::POST, "sys/mounts/kv", &token, mount).await;

    let _done = create(&sandbox, spec).await.done();
    sandbox.unset("VAULT_CACERT");
    let untrusted = create(&sandbox, spec).await.exits(2).error();
    assert!(
        untrusted["hint"].as_str().unwrap().contains("--ca-file"),
        "{untrusted}"
    );
    let ca = path("ca.pem");
    let args = [
        "create-user",
        "acme-43",
        "--keys-to",
        spec,
        "--ca-file",
        &ca,
    ];
    let _done = sandbox.run(&args).await.done();
    for user in ["acme-42", "acme-43"] {
        let path = format!("kv/data/looker/{user}");
        let read = call(Method::GET, &path, &token, json!({})).await.unwrap();
        assert_eq!(read["data"]["data"]["external_user_id"], user, "{read}");
    }
    sandbox.finish().await;
}
