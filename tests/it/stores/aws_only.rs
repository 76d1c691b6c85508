//! What is AWS Secrets Manager's alone: where credentials come from, its stages, and its own client.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::stores::aws::Aws;
use crate::stores::proxy::Effect;
use crate::stores::{EACH, Shop as _, create, read_with, rotate_with_overlap};
use crate::support::Sandbox;

/// A sandbox that has an address of the store, and no credentials.
async fn stranger(shop: &Aws) -> Sandbox {
    let mut sandbox = Sandbox::new().await;
    shop.enter(&mut sandbox);
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        sandbox.unset(name);
    }
    sandbox.var("AWS_EC2_METADATA_DISABLED", "true");
    sandbox
}

#[tokio::test]
async fn its_own_client_reads_the_key_and_the_stages_of_a_rotation() {
    let Some(aws) = Aws::open().await else { return };
    let mut sandbox = Sandbox::new().await;
    aws.enter(&mut sandbox);
    let _done = create(&aws, &sandbox, "acme-42").await.done();
    let spec = aws.spec(EACH);
    rotate_with_overlap(&sandbox, &spec).await;

    let read = read_with(
        &sandbox,
        "read_aws.py",
        &["eu-west-1", &aws.name("acme-42")],
    )
    .await;

    assert_eq!(read["stages"], json!(["AWSCURRENT"]));
    assert_eq!(Some(&read["value"]), aws.value("acme-42").await.as_ref());
    let describe = json!({ "SecretId": aws.name("acme-42") });
    let described = aws.call("DescribeSecret", describe).await.unwrap();
    let stages = described["VersionIdsToStages"]
        .as_object()
        .unwrap()
        .values();
    let mut stages: Vec<_> = stages.map(ToString::to_string).collect();
    stages.sort();
    assert_eq!(stages, [r#"["AWSCURRENT"]"#, r#"["AWSPREVIOUS"]"#]);
    // What is pending is never what readers get, and it is gone in the end.
    let staged = aws
        .proxy
        .passed()
        .into_iter()
        .filter(|it| it.line.contains("AWSPENDING"));
    assert_eq!(staged.count(), 2);
    sandbox.finish().await;
}

#[tokio::test]
async fn its_own_word_for_slower_is_waited_for() {
    let Some(aws) = Aws::open().await else { return };
    let mut sandbox = Sandbox::new().await;
    aws.enter(&mut sandbox);
    let slower = Effect::Answer(400, r#"{"__type":"ThrottlingException"}"#);
    aws.proxy.trouble("SecretString", 2, slower);

    let _done = create(&aws, &sandbox, "acme-42").await.done();

    assert_eq!(aws.proxy.calm(), 0);
    sandbox.finish().await;
}

#[tokio::test]
async fn without_credentials_all_ways_to_give_some_are_told() {
    let Some(aws) = Aws::open().await else { return };
    let sandbox = stranger(&aws).await;

    let error = create(&aws, &sandbox, "acme-42").await.exits(2).error();

    let hint = error["hint"].as_str().unwrap();
    for way in [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "container",
    ] {
        assert!(hint.contains(way), "{way}: {hint}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn a_profile_of_its_own_files_is_enough() {
    let Some(aws) = Aws::open().await else { return };
    let mut sandbox = stranger(&aws).await;
    let folder = sandbox.root().join("home/.aws");
    fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(
        "credentials",
        "[other]\naws_access_key_id = no\n\n[default]\n# ours\naws_access_key_id=AKIDPROFILE\naws_secret_access_key = a-secret\n",
    );
    write(
        "config",
        "[default]\nregion = eu-west-1\n[profile printed]\ncredential_process = cat printed.json\n",
    );
    sandbox.file("printed.json", r#"{"Version":1,"AccessKeyId":"AKIDPRINTED","SecretAccessKey":"x","SessionToken":"y","Expiration":"2999-01-01T00:00:00Z"}"#);

    for (profile, id) in [("default", "AKIDPROFILE"), ("printed", "AKIDPRINTED")] {
        sandbox.var("AWS_PROFILE", profile);
        let _done = sandbox.run(&["doctor", "--keys-to", &aws.spec(EACH)]).await;
        let last = aws.proxy.passed().pop().unwrap();
        assert!(
            last.authorization.contains(&format!("Credential={id}/")),
            "{last:?}"
        );
    }
    sandbox.var("AWS_PROFILE", "nothing");
    let error = create(&aws, &sandbox, "acme-42").await.exits(2).error();
    assert!(error.to_string().contains("`nothing`"), "{error}");
    sandbox.finish().await;
}

#[tokio::test]
async fn a_web_identity_takes_its_role() {
    let Some(aws) = Aws::open().await else { return };
    let mut sandbox = stranger(&aws).await;
    let token = sandbox.file("token", "header.claims.signature\n");
    fs::set_permissions(token, fs::Permissions::from_mode(0o600)).unwrap();
    sandbox
        .var("AWS_ENDPOINT_URL_STS", aws.proxy.url.clone())
        .var("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
        .var("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/looker-keys");

    let _done = create(&aws, &sandbox, "acme-42").await.done();

    let passed = aws.proxy.passed();
    let assumed = passed
        .iter()
        .filter(|it| it.line.contains("Action=AssumeRoleWithWebIdentity"));
    assert_eq!(assumed.count(), 1);
    assert!(aws.value("acme-42").await.is_some());
    sandbox.finish().await;
}

const TOLD: &str = r#"{"AccessKeyId":"AKIDROLE","SecretAccessKey":"x","Token":"y","Expiration":"2999-01-01T00:00:00Z"}"#;

#[tokio::test]
async fn a_container_and_a_machine_say_who_they_are() {
    for container in [true, false] {
        let Some(aws) = Aws::open().await else { return };
        let mut sandbox = stranger(&aws).await;
        if container {
            aws.proxy
                .trouble("GET /credentials", 1, Effect::Answer(200, TOLD));
            sandbox
                .var(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    format!("{}/credentials", aws.proxy.url),
                )
                .var("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the-containers-own");
        } else {
            aws.proxy.trouble(
                "PUT /latest/api/token",
                1,
                Effect::Answer(200, "machine-token"),
            );
            let role = "GET /latest/meta-data/iam/security-credentials/looker-keys";
            aws.proxy.trouble(role, 1, Effect::Answer(200, TOLD));
            let list = "GET /latest/meta-data/iam/security-credentials/";
            aws.proxy
                .trouble(list, 1, Effect::Answer(200, "looker-keys\n"));
            sandbox
                .unset("AWS_EC2_METADATA_DISABLED")
                .var("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.proxy.url.clone());
        }

        let _done = create(&aws, &sandbox, "acme-42").await.done();

        assert_eq!(aws.proxy.calm(), 0);
        let last = aws.proxy.passed().pop().unwrap();
        assert!(
            last.authorization.contains("Credential=AKIDROLE/"),
            "{last:?}"
        );
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn the_token_of_a_container_goes_to_no_other_machine_without_tls() {
    let Some(aws) = Aws::open().await else { return };
    let mut sandbox = stranger(&aws).await;
    sandbox.var(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http://elsewhere.example/credentials",
    );

    let error = create(&aws, &sandbox, "acme-42").await.exits(2).error();

    assert!(error.to_string().contains("another machine"), "{error}");
    sandbox.finish().await;
}
