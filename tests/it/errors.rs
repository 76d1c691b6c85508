//! Every error of the program as a person reads it, in one file that is looked at when a word changes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedctl::error::Error;
use embedctl::ledger::{LedgerError, Owner, RunId};
use embedctl::looker::{FieldError, Foreign, LookerError, TlsProblem, UsedProxy};
use embedctl::signed_url::UrlError;
use jiff::Timestamp;
use uuid::Uuid;

use crate::support::Sandbox;

/// The texts as they were last looked at.
const KEPT: &str = "tests/data/errors.txt";

#[tokio::test]
async fn every_error_reads_as_it_was_last_looked_at() {
    let mut texts = String::new();
    section(
        &mut texts,
        "Looker",
        looker_errors().into_iter().map(Error::from),
    );
    section(
        &mut texts,
        "Signed URLs",
        url_errors().into_iter().map(Error::from),
    );
    section(
        &mut texts,
        "The ledger",
        ledger_errors().into_iter().map(Error::from),
    );
    texts.push_str(&mistakes().await);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
    if std::env::var_os("EMBEDCTL_UPDATE_REFERENCE").is_some() {
        fs::write(&path, &texts).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept
        .lines()
        .zip(texts.lines())
        .find(|(kept, now)| kept != now);
    assert!(
        kept == texts,
        "{KEPT} is not what the program says: {differs:?}\n\
         look at the change, and write it with `EMBEDCTL_UPDATE_REFERENCE=1 cargo test --locked every_error`"
    );
}

fn section(texts: &mut String, heading: &str, errors: impl Iterator<Item = Error>) {
    writeln!(texts, "== {heading}\n").unwrap();
    for error in errors {
        writeln!(texts, "error: {}", error.message()).unwrap();
        for cause in error.causes() {
            writeln!(texts, "caused by: {cause}").unwrap();
        }
        if let Some(advice) = error.advice() {
            writeln!(texts, "hint: {advice}").unwrap();
        }
        writeln!(texts, "exit {}\n", error.kind().exit_code()).unwrap();
    }
}

#[expect(clippy::too_many_lines, reason = "one of each")]
fn looker_errors() -> Vec<LookerError> {
    let origin = || "https://acme.looker.com".to_owned();
    let source = || anyhow::anyhow!("the cause");
    let message = || "what Looker says".to_owned();
    let denied = |operation, status| LookerError::Denied {
        operation,
        status,
        message: message(),
    };
    let unreachable = |unknown_host| LookerError::Unreachable {
        operation: "me",
        origin: origin(),
        unknown_host,
        proxy: None,
        source: source(),
    };
    let proxy = || UsedProxy {
        address: "http://proxy:3128".to_owned(),
        source: "variable `HTTPS_PROXY`".to_owned(),
    };
    let through_proxy = |cause: &'static str| LookerError::Unreachable {
        operation: "me",
        origin: origin(),
        unknown_host: false,
        proxy: Some(proxy()),
        source: anyhow::anyhow!(cause),
    };
    let tls = |problem| LookerError::Tls {
        operation: "me",
        origin: origin(),
        problem,
        proxy: None,
        source: source(),
    };
    let foreign = |operation, status, foreign| LookerError::Unavailable {
        operation,
        status,
        foreign,
        proxy: None,
    };
    let of_proxy = |status| LookerError::Unavailable {
        operation: "login",
        status,
        foreign: Foreign::Empty,
        proxy: Some(proxy()),
    };
    let status = |status| LookerError::Status {
        operation: "me",
        status,
        message: message(),
    };
    vec![
        LookerError::Rejected {
            origin: origin(),
            status: 404,
        },
        LookerError::NotFound {
            operation: "user",
            message: message(),
        },
        denied("me", 401),
        denied("login_user", 403),
        denied("create_user_credentials_api3", 403),
        denied("all_roles", 403),
        LookerError::Throttled {
            operation: "me",
            message: message(),
            retry_after: Some(Duration::from_secs(7)),
        },
        LookerError::Validation {
            operation: "create_group",
            message: message(),
            fields: vec![FieldError {
                field: Some("name".to_owned()),
                code: Some("missing_field".to_owned()),
                message: None,
            }],
        },
        foreign(
            "me",
            302,
            Foreign::Redirect {
                location: "https://sso.example.com/login".to_owned(),
            },
        ),
        foreign("login", 404, Foreign::Page),
        foreign("me", 404, Foreign::Page),
        foreign("login_user", 411, Foreign::Page),
        foreign("me", 403, Foreign::Empty),
        foreign("me", 407, Foreign::Other),
        of_proxy(407),
        of_proxy(403),
        status(409),
        status(500),
        status(503),
        unreachable(false),
        unreachable(true),
        through_proxy("Connection refused (os error 111)"),
        through_proxy("tunnel error: proxy authorization required"),
        through_proxy("tunnel error: unsuccessful"),
        tls(TlsProblem::UnknownIssuer),
        tls(TlsProblem::WrongName),
        tls(TlsProblem::OutOfDate),
        tls(TlsProblem::Plain),
        tls(TlsProblem::Other),
        LookerError::Timeout {
            operation: "me",
            after: Duration::from_secs(30),
            proxy: None,
        },
        LookerError::Lost {
            operation: "me",
            proxy: None,
            source: source(),
        },
        LookerError::TooLarge {
            operation: "me",
            limit: 32 * 1024 * 1024,
        },
        LookerError::Decode {
            operation: "me",
            problem: "no `id` in line 1, column 2".to_owned(),
        },
        LookerError::Id {
            operation: "user",
            id: "..".to_owned(),
        },
        LookerError::Path {
            path: "/../users".to_owned(),
        },
        LookerError::LoggedOut {
            identity: "admin".to_owned(),
        },
        LookerError::CaFile {
            path: PathBuf::from("ca.pem"),
            source: source(),
        },
        LookerError::Setup {
            problem: "the proxy is no URL".to_owned(),
        },
    ]
}

fn url_errors() -> Vec<UrlError> {
    vec![
        UrlError::UnknownAlgorithm("md5".to_owned()),
        UrlError::EmptySecret,
        UrlError::Host("has a path behind it"),
        UrlError::EmptyPath,
        UrlError::PathTooLong(2049),
        UrlError::QueryTooLong(10_241),
        UrlError::UserId("is empty"),
        UrlError::SessionLength(2_592_001),
        UrlError::EmptyNonce,
        UrlError::NonceTooLong(255),
        UrlError::EmbedDomain("has a path behind it"),
    ]
}

fn ledger_errors() -> Vec<LedgerError> {
    let run = RunId(Uuid::nil());
    let subject = || "acme-42".to_owned();
    vec![
        LedgerError::Busy {
            subject: subject(),
            run,
            owner: Owner {
                pid: 4711,
                host: "ci-7".to_owned(),
                since: Timestamp::UNIX_EPOCH,
                held_for: None,
            },
        },
        LedgerError::Busy {
            subject: subject(),
            run,
            owner: Owner {
                pid: 4711,
                host: "ci-7".to_owned(),
                since: Timestamp::UNIX_EPOCH,
                held_for: Some(Duration::from_secs(110)),
            },
        },
        LedgerError::LeaseOver,
        LedgerError::Unfinished {
            subject: subject(),
            run,
        },
        LedgerError::NoSuchRun(run),
        LedgerError::TakenOver(run),
        LedgerError::TooNew { found: 9, known: 1 },
        LedgerError::Unusable {
            what: "the ledger `x.ledger` is damaged".to_owned(),
            hint: "move it away".to_owned(),
        },
        LedgerError::Store {
            what: "cannot write to the ledger `x.ledger`".to_owned(),
            source: anyhow::anyhow!("disk full"),
        },
    ]
}

/// What a tired person types, and what the program says to it, with no Looker anywhere.
async fn mistakes() -> String {
    const TYPED: [&[&str]; 34] = [
        &["creat-user", "acme-42"],
        &["create-user"],
        &["create-user", ""],
        &["create-user", "acme-42"],
        &["create-user", "acme-42", "--client-secret", "hush"],
        &["create-user", "acme-42", "--permision", "explore"],
        &["create-user", "acme-42", "--via", "magic"],
        &["create-user", "acme-42", "--attr", "country"],
        &["create-user", "acme-42", "--session-length", "9999999"],
        &["create-user", "acme-42", "--no-key", "--keys-to", "stdout"],
        &[
            "create-user",
            "acme-42",
            "--emulator",
            "--keys-to",
            "s3:bucket",
        ],
        &[
            "create-user",
            "acme-42",
            "--emulator",
            "--keys-to",
            "file:missing/keys",
        ],
        &["create-user", "acme-42", "--emulator", "--profile", "acme"],
        &[
            "create-user",
            "acme-42",
            "--base-url",
            "http://looker.example.com",
        ],
        &[
            "create-user",
            "acme-42",
            "--base-url",
            "https://me:pw@looker.example.com",
        ],
        &["create-user", "acme-42", "--embed-algorithm", "md5"],
        &["create-user", "acme-42", "--timeout", "soon"],
        &["create-user", "acme-42", "--profile", "acme"],
        &["create-user", "acme-42", "--ini", "nowhere.ini"],
        &["keys", "rotate", "acme-42", "--emulator"],
        &["keys", "revoke", "acme-42", "7", "--emulator", "--yes"],
        &["keys", "mint", "acme-42", "--emulator"],
        &["keys", "list", "--emulator"],
        &["runs", "show", "1234", "--emulator"],
        &["runs", "resume", "nonsense", "--emulator"],
        &["token", "acme-42", "--emulator"],
        &["api", "no_such_operation", "--emulator"],
        &["api", "GET", "/no/such/path", "--emulator"],
        &["users", "show", "acme-42", "--emulator"],
        &["users", "delete", "acme-42", "--emulator", "--yes"],
        &["url", "sign", "/embed/dashboards/1"],
        &["url", "inspect", "not a url"],
        &["emulator", "--fault", "login:sometimes"],
        &["emulator", "--switch", "gravity=off"],
    ];
    let sandbox = Sandbox::offline();
    let mut texts = "== What a tired person types\n\n".to_owned();
    for args in TYPED {
        let outcome = sandbox.run(args).await;
        assert_ne!(outcome.exit, 0, "{args:?}");
        let said = outcome
            .err
            .replace(sandbox.root().to_str().unwrap(), "[FOLDER]");
        writeln!(texts, "$ embedctl {}", args.join(" ")).unwrap();
        writeln!(texts, "{}\nexit {}\n", said.trim_end(), outcome.exit).unwrap();
    }
    texts
}
