//! `embedctl doctor`: every failure has a fix, and the fix mends it.

use embedctl::emulator::{Mode, Options};
use embedctl::signed_url::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};

use crate::doctor::{doctor, expect, finding, write_profile};
use crate::support::{Outcome, Sandbox};

/// What is wrong, the check that fails, a word of its fix, and what the fix is to do.
struct Case {
    name: &'static str,
    check: &'static str,
    /// The check that passes in the end, if it is another one.
    passes: Option<&'static str>,
    says: &'static str,
    args: &'static [&'static str],
    wrong: fn(&mut Sandbox),
    fixed_args: &'static [&'static str],
    mend: fn(&mut Sandbox),
}

const USUAL: Case = Case {
    name: "",
    check: "",
    passes: None,
    says: "",
    args: &[],
    wrong: |_| {},
    fixed_args: &[],
    mend: |_| {},
};

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "an unknown key",
            check: "login",
            says: "check the client id and secret",
            wrong: |sandbox| {
                sandbox.var("LOOKERSDK_CLIENT_SECRET", "wrong");
            },
            mend: |sandbox| {
                let secret = sandbox.emulator().client_secret();
                let secret = embedctl::secret::ExposeSecret::expose_secret(&secret).to_owned();
                sandbox.var("LOOKERSDK_CLIENT_SECRET", secret);
            },
            ..USUAL
        },
        Case {
            name: "another embed secret",
            check: "embed_secret",
            says: "copy the embed secret again",
            wrong: |sandbox| {
                sandbox.var("LOOKERSDK_EMBED_SECRET", "wrong");
            },
            mend: |sandbox| {
                let secret = sandbox.emulator().embed_secret();
                let secret = embedctl::secret::ExposeSecret::expose_secret(&secret).to_owned();
                sandbox.var("LOOKERSDK_EMBED_SECRET", secret);
            },
            ..USUAL
        },
        Case {
            name: "another algorithm",
            check: "embed_secret",
            says: "--embed-algorithm sha1",
            args: &["--embed-algorithm", "sha256"],
            fixed_args: &["--embed-algorithm", "sha1"],
            ..USUAL
        },
        Case {
            name: "a dashboard that is not there",
            check: "blank_dashboard",
            says: "or leave it out",
            wrong: |sandbox| {
                sandbox.var("EMBEDCTL_BLANK_DASHBOARD", "/embed/dashboards/4711");
            },
            mend: |sandbox| {
                sandbox.unset("EMBEDCTL_BLANK_DASHBOARD");
            },
            ..USUAL
        },
        Case {
            name: "a misspelt permission",
            check: "permissions",
            says: "see_looks",
            wrong: |sandbox| {
                write_profile(
                    sandbox,
                    "[profiles.p.grants]\npermissions = [\"see_lookz\"]\n",
                );
            },
            mend: |sandbox| {
                write_profile(
                    sandbox,
                    "[profiles.p.grants]\npermissions = [\"access_data\", \"see_looks\"]\n",
                );
            },
            ..USUAL
        },
        Case {
            name: "a clock that is off",
            check: "clock",
            says: "NTP",
            wrong: |sandbox| sandbox.emulator().set_clock_offset(900),
            mend: |sandbox| sandbox.emulator().set_clock_offset(0),
            ..USUAL
        },
        Case {
            name: "a host that Looker does not go by",
            check: "web",
            passes: Some("embed_secret"),
            says: "--embed-host",
            args: &["--embed-host", "bi.acme.invalid"],
            ..USUAL
        },
        Case {
            name: "no Looker at the address",
            check: "reachable",
            says: "check that Looker is running",
            args: &["--base-url", "http://127.0.0.1:1", "--retries", "0"],
            ..USUAL
        },
    ]
}

/// Every failure of a report has a fix.
#[track_caller]
fn all_have_fixes(outcome: &Outcome, name: &str) {
    for check in outcome.json()["checks"].as_array().unwrap() {
        let fails = check["status"] == "fail";
        assert!(!fails || check["fix"].is_string(), "{name}: {check:#}");
    }
}

#[tokio::test]
async fn the_fix_of_each_failure_mends_it() {
    for case in cases() {
        let mut sandbox = Sandbox::with(Options {
            algorithm: Algorithm::Sha1,
            ..Options::default()
        })
        .await;
        (case.wrong)(&mut sandbox);

        let broken = doctor(&sandbox, case.args).await;
        (case.mend)(&mut sandbox);
        let mended = doctor(&sandbox, case.fixed_args).await;

        expect(&broken, case.check, "fail", case.says);
        all_have_fixes(&broken, case.name);
        assert_ne!(broken.exit, 0, "{}", case.name);
        let after = finding(&mended, case.passes.unwrap_or(case.check));
        assert_eq!(after["status"], "pass", "{}: {after:#}", case.name);
        sandbox.finish().await;
    }
}

/// A failure that takes Looker to bring about, and to mend: by what its fix says.
async fn mended(sandbox: &Sandbox, broken: &Outcome, check: &str, says: &str) {
    expect(broken, check, "fail", says);
    all_have_fixes(broken, check);
    assert_eq!(broken.json()["counts"]["fail"], 1, "one line for one cause");
    let after = doctor(sandbox, &[]).await;
    assert_eq!(finding(&after, check)["status"], "pass", "{}", after.out);
}

#[tokio::test]
async fn the_key_of_a_user_without_rights_is_mended_by_giving_it_the_role() {
    let mut sandbox = Sandbox::new().await;
    let made = ["create-user", "acme-1", "--model", "demo", "-o", "json"];
    let made = sandbox.run(&made).await.done().json();
    for (name, key) in [
        ("LOOKERSDK_CLIENT_ID", "client_id"),
        ("LOOKERSDK_CLIENT_SECRET", "client_secret"),
    ] {
        sandbox.var(name, made["key"][key].as_str().unwrap());
    }

    let broken = doctor(&sandbox, &[]).await;
    let admin = sandbox.admin();
    let path = format!("/users/{}/roles", made["looker_user_id"].as_str().unwrap());
    let roles = admin
        .call("roles", Method::GET, "/roles", &[], None)
        .await
        .unwrap();
    let roles: Value = serde_json::from_slice(&roles.body).unwrap();
    let role = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "Admin")
        .unwrap();
    let body = json!([role["id"]]);
    let given = admin
        .call(
            "set_user_roles",
            Method::PUT,
            &path,
            &[],
            Some(body.to_string().into_bytes()),
        )
        .await;
    assert_eq!(given.unwrap().status, 200);
    admin.logout().await.unwrap();

    mended(&sandbox, &broken, "admin", "give the role Admin").await;
    sandbox.finish().await;
}

#[tokio::test]
async fn embedding_that_is_off_is_mended_by_turning_it_on() {
    let sandbox = Sandbox::with(Options {
        mode: Mode::NoEmbed,
        ..Options::default()
    })
    .await;

    let broken = doctor(&sandbox, &[]).await;
    let url = format!("{}/__emulator/behaviour", sandbox.emulator().base_url());
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let on = http
        .post(url)
        .json(&json!({ "mode": "original" }))
        .send()
        .await;
    assert_eq!(on.unwrap().status(), 204);

    mended(&sandbox, &broken, "embedding", "turn it on in Looker").await;
    sandbox.finish().await;
}

#[tokio::test]
async fn a_sink_that_cannot_keep_keys_is_mended_by_its_folder() {
    let mut sandbox = Sandbox::new().await;
    sandbox.var("EMBEDCTL_KEYS_TO", "dir:keys");

    let broken = doctor(&sandbox, &[]).await;
    std::fs::create_dir(sandbox.path("keys")).unwrap();

    mended(&sandbox, &broken, "sink", "mkdir").await;
    sandbox.finish().await;
}

#[tokio::test]
async fn a_ledger_that_cannot_be_kept_is_mended_by_another_place() {
    for (ledger, says) in [
        ("notes.txt/l.ledger", "--ledger"),
        ("notes.txt", "move it away"),
        ("postgres://me@127.0.0.1:1/runs", "cannot reach the ledger"),
    ] {
        let mut sandbox = Sandbox::new().await;
        let notes = sandbox.file("notes.txt", &"what was to be done\n".repeat(100));
        std::fs::set_permissions(notes, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        sandbox.var("EMBEDCTL_LEDGER", ledger);

        let broken = doctor(&sandbox, &[]).await;
        sandbox.var("EMBEDCTL_LEDGER", "l.ledger");

        mended(&sandbox, &broken, "ledger", says).await;
        sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_report_ends_with_how_many_findings_there_are_of_each_kind() {
    let mut sandbox = Sandbox::new().await;
    sandbox.var("EMBEDCTL_BLANK_DASHBOARD", "/embed/dashboards/4711");

    let text = sandbox.run(&["doctor"]).await.out;
    let json = doctor(&sandbox, &[]).await.json();

    let of = |word: &str| {
        let lines = text.lines();
        lines.filter(|line| line.starts_with(word)).count()
    };
    let all = json["checks"].as_array().unwrap().len();
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("{all} checks: 1 fail, ")),
        "{last}"
    );
    assert!(last.ends_with(&format!("{} pass", of("pass"))), "{last}");
    assert_eq!(json["counts"]["fail"], 1);
    assert_eq!(json["counts"]["pass"], of("pass"));
    sandbox.finish().await;
}
