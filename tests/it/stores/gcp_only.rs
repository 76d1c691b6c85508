//! What is Google Cloud Secret Manager's alone: where tokens come from, its aliases, twins, checksums, and its own client.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::stores::gcp::{Gcp, TOKEN};
use crate::stores::proxy::Effect;
use crate::stores::{
    EACH, Shop as _, create, one_can_be_read, programs, read_with, rotate_with_overlap,
};
use crate::support::{Sandbox, output};

/// A sandbox that has an address of the store, and no credentials.
async fn stranger(shop: &Gcp) -> Sandbox {
    let mut sandbox = Sandbox::new().await;
    shop.enter(&mut sandbox);
    sandbox
        .unset("GOOGLE_OAUTH_ACCESS_TOKEN")
        // Nothing listens there.
        .var("GCE_METADATA_HOST", "127.0.0.1:9");
    sandbox
}

/// A file that only its owner can read.
fn private(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.file(name, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn its_own_client_reads_the_key_by_its_alias() {
    let Some(gcp) = Gcp::open().await else { return };
    if programs().is_none() {
        return;
    }
    let mut sandbox = Sandbox::new().await;
    gcp.enter(&mut sandbox);
    let _done = create(&gcp, &sandbox, "acme-42").await.done();
    let spec = gcp.spec(EACH);
    rotate_with_overlap(&sandbox, &spec).await;

    let args = [gcp.proxy.url.as_str(), "acme-prod", "acme-42"];
    let read = read_with(&sandbox, "read_gcp.py", &args).await;

    assert_eq!(Some(&read["value"]), gcp.value("acme-42").await.as_ref());
    assert_eq!(read["aliases"], json!({ "current": 2, "previous": 1 }));
    assert_eq!(read["labels"], json!({ "managed-by": "embedctl" }));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_rotation_goes_through_its_aliases_and_leaves_labels_of_others() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = Sandbox::new().await;
    gcp.enter(&mut sandbox);
    gcp.put_foreign("acme-42", json!({ "password": "of the coffee machine" }))
        .await;
    let spec = gcp.spec(EACH);
    let adopt = ["create-user", "acme-42", "--keys-to", &spec, "--adopt"];

    let _done = sandbox.run(&adopt).await.done();

    let (aliases, labels) = gcp.aliases("acme-42");
    let expected = [("current", "2"), ("previous", "1")]
        .map(|(name, version)| (name.to_owned(), version.to_owned()));
    assert_eq!(aliases, expected.into());
    assert_eq!(
        labels,
        json!({ "team": "kitchen", "managed-by": "embedctl" })
    );
    let pending = gcp
        .proxy
        .passed()
        .into_iter()
        .filter(|it| it.line.contains("\"pending\":\"2\""));
    assert_eq!(pending.count(), 1, "pending before it is current");
    sandbox.finish().await;
}

/// Both versions are there when the second answer comes: one is enough.
#[tokio::test]
async fn the_twin_of_a_version_whose_answer_was_lost_is_destroyed() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = Sandbox::new().await;
    gcp.enter(&mut sandbox);
    gcp.proxy.trouble(":addVersion", 1, Effect::LoseAnswer);
    // What was added is not to be seen yet.
    gcp.proxy.trouble(
        "GET /v1/projects/acme-prod/secrets/acme-42/versions?",
        1,
        Effect::Answer(200, "{}"),
    );
    // The second answer is lost too, and then both are seen.
    gcp.proxy.trouble(":addVersion", 1, Effect::LoseAnswer);

    let _done = create(&gcp, &sandbox, "acme-42").await.done();

    assert_eq!(gcp.proxy.calm(), 0);
    let versions = gcp.versions("acme-42").await;
    assert_eq!(versions.len(), 2);
    one_can_be_read(&versions);
    assert!(gcp.value("acme-42").await.is_some());
    sandbox.finish().await;
}

#[tokio::test]
async fn a_value_that_arrives_damaged_does_not_count_as_delivered() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = Sandbox::new().await;
    gcp.enter(&mut sandbox);
    let damaged = r#"{"payload":{"data":"e30=","dataCrc32c":"1"}}"#;
    gcp.proxy
        .trouble(":access", 1, Effect::Answer(200, damaged));

    let error = create(&gcp, &sandbox, "acme-42").await.error();

    assert!(error.to_string().contains("arrived damaged"), "{error}");
    assert!(error.to_string().contains("so it was revoked"), "{error}");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_service_that_is_off_is_told_with_the_command_that_turns_it_on() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = Sandbox::new().await;
    gcp.enter(&mut sandbox);
    let off = r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"x","details":[{"@type":"y"},{"reason":"SERVICE_DISABLED"}]}}"#;
    gcp.proxy.trouble("GET", 1, Effect::Answer(403, off));

    let error = create(&gcp, &sandbox, "acme-42").await.exits(2).error();

    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("gcloud services enable"),
        "{error}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn without_credentials_all_ways_to_give_some_are_told() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = stranger(&gcp).await;
    sandbox.var("PATH", "/nowhere");

    let error = create(&gcp, &sandbox, "acme-42").await.exits(2).error();

    let hint = error["hint"].as_str().unwrap();
    for way in [
        "GOOGLE_APPLICATION_CREDENTIALS",
        "workload identity",
        "gcloud auth login",
        "machine",
    ] {
        assert!(hint.contains(way), "{way}: {hint}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_machine_of_googles_says_who_it_is_and_elsewhere_the_gcloud_command_does() {
    for machine in [true, false] {
        let Some(gcp) = Gcp::open().await else { return };
        let mut sandbox = stranger(&gcp).await;
        if machine {
            sandbox.var(
                "GCE_METADATA_HOST",
                gcp.proxy.url.trim_start_matches("http://"),
            );
            gcp.grants("GET /computeMetadata/v1/instance/service-accounts/default/token");
        } else {
            let script =
                format!("#!/bin/sh\n[ \"$*\" = 'auth print-access-token' ] && echo {TOKEN}\n");
            let path = sandbox.file("bin/gcloud", &script);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
            let path = format!(
                "{}:{}",
                sandbox.path("bin").display(),
                sandbox.value("PATH")
            );
            sandbox.var("PATH", path);
        }

        let _done = create(&gcp, &sandbox, "acme-42").await.done();

        assert_eq!(gcp.proxy.calm(), 0);
        assert!(gcp.value("acme-42").await.is_some());
        sandbox.finish().await;
    }
}

/// What was sent to a token service, by the name of the field.
fn form(gcp: &Gcp, part: &str) -> Vec<(String, String)> {
    let passed = gcp.proxy.passed();
    let line = &passed
        .iter()
        .find(|it| it.line.contains(part))
        .unwrap()
        .line;
    let body = line.rsplit(' ').next().unwrap();
    url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

/// The signature is checked by OpenSSL, which shares nothing with what made it.
#[tokio::test]
async fn the_key_of_a_service_account_signs_for_its_token() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = stranger(&gcp).await;
    let mut openssl = sandbox.program("openssl");
    openssl.args([
        "genpkey",
        "-quiet",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        "key.pem",
    ]);
    let _done = output(openssl).await.done();
    let account = json!({
        "type": "service_account", "project_id": "acme-prod", "private_key_id": "k1", "private_key": sandbox.read("key.pem"),
        "client_email": "embedctl@acme-prod.iam.gserviceaccount.com", "token_uri": format!("{}/token", gcp.proxy.url),
    });
    private(&sandbox, "account.json", &account.to_string());
    sandbox.var("GOOGLE_APPLICATION_CREDENTIALS", "account.json");
    gcp.grants("POST /token");

    let _done = create(&gcp, &sandbox, "acme-42").await.done();

    let sent = form(&gcp, "POST /token");
    assert_eq!(sent[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (text, signature) = sent[1].1.rsplit_once('.').unwrap();
    let decode = |part: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(part)
            .unwrap()
    };
    let claims: Value = serde_json::from_slice(&decode(text.split('.').nth(1).unwrap())).unwrap();
    assert_eq!(claims["iss"], account["client_email"]);
    assert_eq!(claims["aud"], account["token_uri"]);
    fs::write(sandbox.path("signature"), decode(signature)).unwrap();
    fs::write(sandbox.path("text"), text).unwrap();
    let mut openssl = sandbox.program("openssl");
    openssl.args([
        "dgst",
        "-sha256",
        "-prverify",
        "key.pem",
        "-signature",
        "signature",
        "text",
    ]);
    assert!(output(openssl).await.done().out.contains("Verified OK"));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_workload_exchanges_the_token_of_its_own_provider_and_acts_as_a_service_account() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = stranger(&gcp).await;
    let url = |path: &str| format!("{}/{path}", gcp.proxy.url);
    let account = json!({
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/g",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": url("v1/token"),
        "service_account_impersonation_url": url("impersonate"),
        "credential_source": { "url": url("oidc"), "headers": { "Authorization": "Bearer of-the-runner" },
                               "format": { "type": "json", "subject_token_field_name": "value" } },
    });
    private(&sandbox, "account.json", &account.to_string());
    sandbox.var("GOOGLE_APPLICATION_CREDENTIALS", "account.json");
    gcp.proxy.trouble(
        "GET /oidc",
        1,
        Effect::Answer(200, r#"{"value":"header.claims.signature"}"#),
    );
    gcp.proxy.trouble(
        "POST /v1/token",
        1,
        Effect::Answer(200, r#"{"access_token":"federated","expires_in":3600}"#),
    );
    let granted =
        r#"{"accessToken":"ya29.google-token-4711-hunter2","expireTime":"2999-01-01T00:00:00Z"}"#;
    gcp.proxy
        .trouble("POST /impersonate", 1, Effect::Answer(200, granted));

    let _done = create(&gcp, &sandbox, "acme-42").await.done();

    assert_eq!(gcp.proxy.calm(), 0);
    let sent = form(&gcp, "POST /v1/token");
    assert!(
        sent.contains(&(
            "subject_token".to_owned(),
            "header.claims.signature".to_owned()
        )),
        "{sent:?}"
    );
    let passed = gcp.proxy.passed();
    let acted = passed
        .iter()
        .find(|it| it.line.contains("/impersonate"))
        .unwrap();
    assert_eq!(acted.authorization, "Bearer federated");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_credentials_file_that_others_can_read_is_refused() {
    let Some(gcp) = Gcp::open().await else { return };
    let mut sandbox = stranger(&gcp).await;
    let path = sandbox.file("account.json", "{}");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    sandbox.var("GOOGLE_APPLICATION_CREDENTIALS", "account.json");

    let _refused = create(&gcp, &sandbox, "acme-42").await.exits(2);

    sandbox.finish().await;
}
