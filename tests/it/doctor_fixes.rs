//! `embedctl doctor`: every failure has a fix, and the fix mends it.

use embedctl::emulator::Options;
use embedctl::signed_url::Algorithm;

use crate::doctor::{doctor, expect, finding, write_profile};
use crate::support::{Outcome, Sandbox};

/// What is wrong, the check that fails, a word of its fix, and what the fix is to do.
struct Case {
    name: &'static str,
    check: &'static str,
    says: &'static str,
    args: &'static [&'static str],
    wrong: fn(&mut Sandbox),
    fixed_args: &'static [&'static str],
    mend: fn(&mut Sandbox),
}

const USUAL: Case = Case {
    name: "",
    check: "",
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
            check: "embed_secret",
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
        let after = finding(&mended, case.check);
        assert_eq!(after["status"], "pass", "{}: {after:#}", case.name);
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
