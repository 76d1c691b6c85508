//! No secret gets out: not to the streams, not into a file, not into an error, however loud the run and however it ends.
//!
//! What a secret is, is taken from the wire: everything between embedctl and its Looker goes past a [`Wire`], and every
//! token, client secret, nonce and signature seen there is then looked for everywhere else.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use embedctl::emulator::{Effect, ErrorBody, Fault, Options, State};
use embedctl::ledger::sqlite::{SqliteLedger, SqliteOptions};
use embedctl::secret::ExposeSecret as _;
use embedctl::system::Clock;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::database::{Database, PASSWORD};
use crate::support::{Outcome, Sandbox, output};

#[tokio::test]
async fn a_run_that_goes_well_gives_the_secret_of_the_key_to_the_sink_only() {
    for format in ["table", "json", "jsonl", "env"] {
        let watched = Watched::new().await;

        let outcome = watched
            .run(&["-o", format, "--keys-to", "file:keys.jsonl"])
            .await
            .done();

        // Four logins and what they gave, a signed URL, a key: fewer, and the search would not have found them.
        assert!(outcome.err.contains("[redacted]"), "{}", outcome.err);
        assert!(watched.secrets().len() >= 7, "{:?}", watched.secrets());
        watched.nothing_leaked(&outcome, &["keys.jsonl"]);
        let journal = fs::read(watched.sandbox.path("runs.ledger-wal")).unwrap();
        let recorded = String::from_utf8_lossy(&journal).contains("acme-42");
        assert!(recorded, "the run left its record, and it was searched");
        // The search finds what there is to find.
        let found = watched.leaks(&outcome, &[]);
        assert!(
            found.iter().all(|leak| leak.contains("keys.jsonl")) && !found.is_empty(),
            "{found:?}"
        );
        watched.sandbox.finish().await;
    }
}

#[tokio::test]
async fn every_way_to_create_a_user_keeps_its_secrets() {
    for via in ["signed-url", "cookieless", "embed-user"] {
        let watched = Watched::new().await;
        fs::create_dir(watched.sandbox.path("keys")).unwrap();

        let outcome = watched
            .run(&["--via", via, "--keys-to", "dir:keys"])
            .await
            .done();

        let kept = watched.sandbox.path("keys").join("acme-42.json");
        watched.nothing_leaked(&outcome, &[kept.to_str().unwrap()]);
        watched.sandbox.finish().await;
    }
}

#[tokio::test]
async fn standard_output_as_the_sink_gets_one_secret_and_standard_error_none() {
    for format in ["table", "json", "env"] {
        let watched = Watched::new().await;

        let outcome = watched
            .run(&["-o", format, "--keys-to", "stdout"])
            .await
            .done();

        let secrets = watched.secrets();
        let mut found = secrets
            .iter()
            .filter(|secret| outcome.out.contains(secret.as_str()));
        let delivered = found.next().expect("the secret of the key");
        assert_eq!(found.next(), None, "{format}");
        let rest = Outcome {
            out: outcome.out.replace(delivered, ""),
            ..outcome
        };
        watched.nothing_leaked(&rest, &[]);
        watched.sandbox.finish().await;
    }
}

#[tokio::test]
async fn commands_that_give_no_secret_away_keep_them_all() {
    for args in [
        &["create-user", "acme-42", "--dry-run"][..],
        &["doctor"],
        &["profile", "show"],
        &["profile", "list"],
        &["api", "GET", "/user"],
        &["api", "GET", "/user", "--as", "acme-42"],
        &["api", "GET", "/users/987654321"],
        &["keys", "list", "acme-42"],
        &["users", "list"],
        &["users", "show", "acme-42"],
        &["users", "disable", "acme-42", "--yes"],
    ] {
        let watched = Watched::new().await;
        let _made = watched.run(&["--no-key"]).await.done();

        for format in ["table", "json"] {
            let args = [args, &["-vvv", "-o", format]].concat();
            let outcome = watched.sandbox.run(&args).await;

            assert!(
                !outcome.err.is_empty() || !outcome.out.is_empty(),
                "{args:?}"
            );
            watched.nothing_leaked(&outcome, &[]);
        }

        watched.sandbox.finish().await;
    }
}

#[tokio::test]
async fn commands_that_mint_keys_give_their_secrets_to_the_sink_only() {
    for args in [
        &["keys", "mint", "acme-42"][..],
        &["keys", "rotate", "acme-42"],
        &["keys", "rotate", "acme-42", "--overlap", "24h"],
        &["keys", "rotate", "--all"],
    ] {
        let watched = Watched::new().await;
        let sink = ["--keys-to", "file:keys.jsonl"];
        let _made = watched.run(&sink).await.done();

        let args = [args, &sink, &["-vvv", "-o", "json", "--yes"]].concat();
        let outcome = watched.sandbox.run(&args).await.done();

        assert_eq!(
            watched.sandbox.read("keys.jsonl").lines().count(),
            2,
            "{args:?}"
        );
        watched.nothing_leaked(&outcome, &["keys.jsonl"]);
        watched.sandbox.finish().await;
    }
}

#[tokio::test]
async fn keys_that_come_go_and_fail_leave_no_secret_in_the_ledger() {
    let watched = Watched::new().await;
    let _made = watched.run(&["--keys-to", "file:keys.jsonl"]).await.done();
    let mint = "create_user_credentials_api3";
    let sandbox = &watched.sandbox;
    let run = async |args: &[&str], exit: u8| {
        let outcome = sandbox.run(&[args, &["-vvv"]].concat()).await.exits(exit);
        watched.nothing_leaked(&outcome, &["keys.jsonl"]);
    };

    // A sink that says yes to the probe and no to the key, and quotes it.
    let refused = [
        "keys",
        "mint",
        "acme-42",
        "--keys-to",
        "exec:tee /dev/stderr | grep -q probe",
    ];
    run(&refused, 1).await;
    sandbox
        .emulator()
        .inject(Fault::new(Effect::Garbage).on(mint));
    run(
        &["keys", "mint", "acme-42", "--keys-to", "file:keys.jsonl"],
        0,
    )
    .await;
    let rotate = [
        "keys",
        "rotate",
        "acme-42",
        "--keys-to",
        "file:keys.jsonl",
        "--yes",
        "--overlap",
        "0s",
    ];
    run(&rotate, 0).await;
    for args in [
        &["keys", "list", "acme-42"][..],
        &["keys", "reap"],
        &["runs", "list", "-o", "json"],
    ] {
        run(args, 0).await;
    }
    let runs = sandbox
        .run(&["runs", "list", "-o", "json"])
        .await
        .done()
        .json();
    for run_id in runs.as_array().unwrap() {
        run(
            &["runs", "show", run_id["id"].as_str().unwrap(), "-o", "json"],
            0,
        )
        .await;
    }

    let ledger = fs::read(sandbox.path("runs.ledger-wal")).unwrap();
    let ledger = String::from_utf8_lossy(&ledger).into_owned();
    for part in ["could not be delivered", "retire-old"] {
        assert!(
            ledger.contains(part),
            "`{part}` is recorded, and it was searched"
        );
    }
    watched.sandbox.finish().await;
}

/// The value of an attribute that Looker hides is as secret, but the ledger needs it to go on.
#[tokio::test]
async fn a_change_of_ids_gives_the_secret_of_the_key_to_the_sink_only_and_tells_no_hidden_value() {
    for format in ["table", "json"] {
        for fault in [
            None,
            Some("update_board"),
            Some("create_user_credentials_api3"),
        ] {
            let state = State::named("rotation").unwrap();
            let watched = Watched::with(Options {
                state,
                ..Options::default()
            })
            .await;
            let emulator = watched.sandbox.emulator();
            if let Some(operation) = fault {
                // What may be done twice is tried three times.
                let times = if operation == "update_board" { 3 } else { 1 };
                let garbage = Fault::new(Effect::Garbage).times(times);
                emulator.inject(garbage.on(operation));
            }
            let rotate = [
                "rotate-id",
                "--yes",
                "acme-42",
                "9f1c2b",
                "-vvv",
                "-o",
                format,
            ];
            let given = ["--attr", "api_token=hidden-in-Looker"];
            let sink = ["--keys-to", "file:keys.jsonl"];

            let outcome = watched
                .sandbox
                .run(&[&rotate[..], &given, &sink].concat())
                .await;

            // An answer that cannot be read stops the move half-way, unless it can be asked for again.
            let stopped = u8::from(fault == Some("update_board")) * 3;
            let outcome = outcome.exits(stopped);
            assert!(watched.secrets().len() >= 7, "{:?}", watched.secrets());
            watched.nothing_leaked(&outcome, &["keys.jsonl"]);
            for text in [&outcome.out, &outcome.err] {
                assert!(!text.contains("hidden-in-Looker"), "{text}");
            }
            let runs = watched.sandbox.run(&["runs", "list", "-o", "json"]).await;
            let runs = runs.done().json();
            let run = runs[0]["id"].as_str().unwrap();
            for args in [
                &["runs", "show", run, "-o", "json"][..],
                &["runs", "undo", run, "--yes"],
            ] {
                let args = [args, &["-vvv"]].concat();
                let outcome = watched.sandbox.run(&args).await.done();
                watched.nothing_leaked(&outcome, &["keys.jsonl"]);
                for text in [&outcome.out, &outcome.err] {
                    assert!(!text.contains("hidden-in-Looker"), "{args:?}: {text}");
                }
            }
            watched.sandbox.finish().await;
        }
    }
}

#[tokio::test]
async fn commands_that_print_a_secret_print_it_to_standard_output_only() {
    for args in [
        &["token", "acme-42"][..],
        &[
            "url",
            "sign",
            "/embed/dashboards/1",
            "--external-user-id",
            "acme-42",
            "--nonce",
            NONCE,
        ],
    ] {
        let watched = Watched::new().await;
        let _made = watched.run(&["--no-key"]).await.done();

        let args = [args, &["-vvv"]].concat();
        let outcome = watched.sandbox.run(&args).await.done();

        assert!(!outcome.out.is_empty(), "{args:?}");
        assert!(!outcome.err.contains(NONCE), "{args:?}");
        let rest = Outcome {
            out: String::new(),
            ..outcome
        };
        watched.nothing_leaked(&rest, &[]);
        // A token that was asked for is its reader's to end.
        watched.sandbox.emulator().end_tokens();
        watched.sandbox.finish().await;
    }
}

#[tokio::test]
async fn a_command_that_keeps_keys_gets_the_secret_on_standard_input_only() {
    let watched = Watched::new().await;
    let spy = "{ env; echo \"$0 $*\"; cat /proc/$$/cmdline /proc/$PPID/cmdline; } >> seen.txt\ncat > kept.json\n";
    watched.sandbox.file("keep.sh", spy);

    let outcome = watched.run(&["--keys-to", "exec:sh keep.sh"]).await.done();

    assert!(watched.sandbox.read("seen.txt").contains("PATH="));
    watched.nothing_leaked(&outcome, &["kept.json"]);
    watched.sandbox.finish().await;
}

#[tokio::test]
async fn a_command_that_repeats_the_secret_in_its_complaint_is_not_quoted_with_it() {
    let watched = Watched::new().await;
    let blab = "read -r line\ncase $line in *'\"probe\"'*) exit 0;; esac\necho \"sealed: $line\" >&2\nexit 1\n";
    watched.sandbox.file("refuse.sh", blab);

    let outcome = watched.run(&["--keys-to", "exec:sh refuse.sh"]).await;

    assert_ne!(outcome.exit, 0);
    assert!(outcome.err.contains("sealed: "), "{}", outcome.err);
    watched.nothing_leaked(&outcome, &[]);
    watched.sandbox.finish().await;
}

/// A script that copies what the command that runs it, and every process between it and this one, was started with.
fn spy() -> String {
    let end = std::process::id();
    format!(
        r#"pid=$$
while test "$pid" -gt 1 && test "$pid" != {end}; do
    tr '\0' '\n' < "/proc/$pid/environ" >> seen.txt
    tr '\0' '\n' < "/proc/$pid/cmdline" >> seen.txt
    grep 'Max core file size' "/proc/$pid/limits" >> limits.txt
    pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
done 2> /dev/null
"#
    )
}

/// The places for secrets: what commands give them from, and what commands keep them in.
const PLACES: [&str; 3] = ["client.secret", "embed.secret", "kept.jsonl"];

/// A profile whose secrets come from commands, and a sink that is one; all of them spy on what embedctl lets them see.
async fn spied_upon() -> Watched {
    let mut watched = Watched::new().await;
    let sandbox = &mut watched.sandbox;
    let secret = sandbox.value("LOOKERSDK_CLIENT_SECRET").to_owned();
    sandbox.file("client.secret", &secret);
    let secret = sandbox.value("LOOKERSDK_EMBED_SECRET").to_owned();
    sandbox.file("embed.secret", &secret);
    let profile = format!(
        "default_profile = \"p\"\n[profiles.p]\nbase_url = \"{}\"\nclient_id = \"{}\"\n\
         client_secret = {{ command = [\"sh\", \"give.sh\", \"client.secret\"] }}\n\
         embed_secret = {{ command = [\"sh\", \"give.sh\", \"embed.secret\"] }}\n",
        sandbox.value("LOOKERSDK_BASE_URL"),
        sandbox.value("LOOKERSDK_CLIENT_ID"),
    );
    sandbox.file("../home/.config/embedctl/config.toml", &profile);
    for name in ["BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "EMBED_SECRET"] {
        sandbox.unset(&format!("LOOKERSDK_{name}"));
    }
    sandbox.file("give.sh", &format!("{}cat \"$1\"\n", spy()));
    sandbox.file("keep.sh", &format!("{}cat >> kept.jsonl\n", spy()));
    watched
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn processes_leave_no_secret_in_files_arguments_and_environments_and_can_dump_no_core() {
    let watched = spied_upon().await;
    let rows = "external_user_id,first_name\nacme-1,Ann\nacme-2,Ben\n";
    watched.sandbox.file("users.csv", rows);
    let keep = ["--keys-to", "exec:sh keep.sh"];
    let apply = [
        "users.csv",
        "--failed-to",
        "failed.csv",
        "--report",
        "r.html",
    ];
    let sign = ["url", "sign", "/embed/looks/1", "--external-user-id", "a"];
    let run = async |args: &[&str], exit: u8| {
        let args = [args, &["-vvv"]].concat();
        let outcome = output(watched.sandbox.process(&args)).await.exits(exit);
        // A signed URL is a secret that was asked for.
        let out = match args[0] {
            "url" => String::new(),
            _ => outcome.out.clone(),
        };
        watched.nothing_leaked(&Outcome { out, ..outcome }, &PLACES);
    };

    run(&[&["create-user", "acme-42"], &keep[..]].concat(), 0).await;
    run(&["plan", "users.csv", "--out", "plan.json"], 0).await;
    let refused = Effect::Status {
        code: 422,
        body: ErrorBody::Json,
        retry_after: None,
    };
    let mint = "create_user_credentials_api3";
    let emulator = watched.sandbox.emulator();
    emulator.inject(Fault::new(refused).on(mint));
    run(&[&["apply"], &apply[..], &keep].concat(), 3).await;
    let rotate = ["keys", "rotate", "acme-42", "--yes"];
    run(&[&rotate[..], &keep].concat(), 0).await;
    let rename = ["rotate-id", "acme-42", "acme-43", "--yes"];
    run(&[&rename[..], &keep].concat(), 0).await;
    run(&sign, 0).await;
    run(&["profile", "show"], 0).await;

    // All of it was there to be searched, and the search finds what there is to find.
    let sandbox = &watched.sandbox;
    let seen = sandbox.read("seen.txt");
    for part in [
        "PATH=",
        "keep.sh",
        "give.sh",
        "rotate-id",
        "--yes",
        "plan.json",
        "sign",
    ] {
        assert!(
            seen.lines().any(|line| line.contains(part)),
            "{part}: {seen}"
        );
    }
    assert!(sandbox.read("r.html").contains("acme-"));
    assert_eq!(sandbox.read("failed.csv").lines().count(), 2);
    let nothing = Outcome {
        exit: 0,
        out: String::new(),
        err: String::new(),
    };
    let leaks = watched.leaks(&nothing, &[]);
    for place in PLACES {
        assert!(leaks.iter().any(|leak| leak.contains(place)), "{leaks:?}");
    }
    let limits = sandbox.read("limits.txt");
    let soft = |line: &str| line.split_ascii_whitespace().nth(4) == Some("0");
    assert!(!limits.is_empty() && limits.lines().all(soft), "{limits}");
    watched.sandbox.finish().await;
}

#[tokio::test]
async fn a_wrong_secret_is_not_repeated() {
    for variable in ["LOOKERSDK_CLIENT_SECRET", "LOOKERSDK_EMBED_SECRET"] {
        for format in ["table", "json"] {
            let mut watched = Watched::new().await;
            watched.sandbox.var(variable, "wr0ngSecret/wr0ng+Secret");

            let outcome = watched
                .run(&["-o", format, "--keys-to", "file:keys.jsonl"])
                .await;

            assert_ne!(outcome.exit, 0, "{variable}");
            watched.nothing_leaked(&outcome, &[]);
            watched.sandbox.finish().await;
        }
    }
}

/// Whatever goes wrong with an answer, its body may hold secrets and stays out of the error.
#[tokio::test]
async fn an_answer_that_goes_wrong_is_not_shown() {
    let operations = [
        "login",
        "user_for_credential",
        "login_embed",
        "login_user",
        "me",
        "create_user_credentials_api3",
    ];
    let redirect = Effect::Redirect("/login?signature=of-a-redirect".to_owned());
    for operation in operations {
        for effect in [
            Effect::Truncate,
            Effect::Garbage,
            Effect::ResetAfter,
            redirect.clone(),
        ] {
            let watched = Watched::new().await;
            let emulator = watched.sandbox.emulator();
            emulator.inject(Fault::new(effect).on(operation));

            let outcome = watched.run(&["--keys-to", "file:keys.jsonl"]).await;

            watched.nothing_leaked(&outcome, &["keys.jsonl"]);
            let delivered = watched.sandbox.path("keys.jsonl").exists();
            match outcome.exit {
                0 => assert!(delivered, "{operation}"),
                3 | 4 | 7 | 8 => assert!(outcome.err.contains("error: "), "{operation}"),
                other => panic!("{operation}: exit {other}: {}", outcome.err),
            }
            // A token whose answer was lost is known to nobody who could log it out.
            emulator.end_tokens();
            watched.sandbox.finish().await;
        }
    }
}

/// Wherever the password of the ledger's database comes from, it is sent to that database only.
#[tokio::test]
async fn the_password_of_the_ledgers_database_stays_on_its_way() {
    let Some(database) = Database::fresh().await else {
        return;
    };
    let spy = "{ env; cat /proc/$$/cmdline /proc/$PPID/cmdline; } >> seen.txt\ncat > kept.json\n";
    let in_address = database
        .url
        .replace("runner@", &format!("runner:{PASSWORD}@"));
    let mut sandbox = Sandbox::new().await;
    sandbox.file("keep.sh", spy);
    database.used_by(&mut sandbox);
    let user = ["create-user", "acme-42", "--no-key"];
    let _user = sandbox.run(&user).await.done();
    for (ledger, password) in [
        (&database.url, PASSWORD),
        (&in_address, ""),
        (&database.url, "wrong"),
    ] {
        sandbox.file("seen.txt", "");
        sandbox.var("EMBEDCTL_LEDGER", ledger).unset("PGPASSWORD");
        match password {
            "" => {}
            "wrong" => drop(sandbox.var("PGPASSWORD", format!("not-{PASSWORD}"))),
            password => drop(sandbox.var("PGPASSWORD", password)),
        }
        let keep = ["--keys-to", "exec:sh keep.sh", "-vvv"];
        let exit = u8::from(password == "wrong");
        for args in [
            &[&["keys", "mint", "acme-42"][..], &keep].concat()[..],
            &["runs", "list", "-vvv"],
            &["ledger", "show", "-o", "json"],
            &["doctor", "-vvv"],
            &["profile", "show"],
        ] {
            let outcome = output(sandbox.process(args)).await;
            let connects = !matches!(args[0], "doctor" | "profile");
            assert!(!connects || outcome.exit == exit, "{args:?}: {outcome:?}");
            assert!(!format!("{outcome:?}").contains(PASSWORD), "{args:?}");
        }
        for (path, content) in sandbox.files() {
            let content = String::from_utf8_lossy(&content).into_owned();
            assert!(!content.contains(PASSWORD), "{}", path.display());
        }
        assert!(sandbox.read("seen.txt").contains("keep.sh"));
    }
    sandbox.finish().await;
    let dump = dumped(&database).await;
    assert!(dump.contains("acme-42"), "{dump}");
    assert!(!dump.contains(PASSWORD));
}

/// All that is in the tables of a ledger.
async fn dumped(database: &Database) -> String {
    let client = database.client().await;
    let sql = "SELECT query_to_xml('SELECT * FROM embedctl.' || quote_ident(table_name), true, true, '')::text
        FROM information_schema.tables WHERE table_schema = 'embedctl'";
    let rows = client.query(sql, &[]).await.unwrap();
    let tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    tables.concat()
}

const NONCE: &str = "0123456789abcdef0123456789abcdef";

/// A sandbox whose traffic is written down.
struct Watched {
    sandbox: Sandbox,
    wire: Wire,
    /// Open all the time, so that SQLite leaves its write-ahead log in place for the search.
    _ledger: SqliteLedger,
}

impl Watched {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let mut sandbox = Sandbox::with(options).await;
        sandbox.var("EMBEDCTL_SOLE_MINTER", "true");
        let wire = Wire::to(sandbox.emulator().host()).await;
        sandbox.var("LOOKERSDK_BASE_URL", format!("http://{}", wire.host));
        let path = sandbox.path("runs.ledger");
        sandbox.var("EMBEDCTL_LEDGER", path.to_str().unwrap());
        let ledger = SqliteLedger::open(path, &SqliteOptions::new(Clock::os())).unwrap();
        Self {
            sandbox,
            wire,
            _ledger: ledger,
        }
    }

    /// Make a user, as loudly as can be.
    async fn run(&self, args: &[&str]) -> Outcome {
        let args = [&["create-user", "acme-42", "-vvv"], args].concat();
        self.sandbox.run(&args).await
    }

    /// Every secret that was given to embedctl or went over the wire.
    fn secrets(&self) -> BTreeSet<String> {
        let given = ["LOOKERSDK_CLIENT_SECRET", "LOOKERSDK_EMBED_SECRET"];
        let given = given.map(|name| self.sandbox.value(name).to_owned());
        let emulator = self.sandbox.emulator();
        let known = [emulator.client_secret(), emulator.embed_secret()];
        let known = known.map(|secret| secret.expose_secret().to_owned());
        given
            .into_iter()
            .chain(known)
            .chain(self.wire.secrets())
            .filter(|secret| !secret.is_empty())
            .collect()
    }

    /// Neither stream and no file but `sinks` holds a secret.
    #[track_caller]
    fn nothing_leaked(&self, outcome: &Outcome, sinks: &[&str]) {
        let leaks = self.leaks(outcome, sinks);
        assert!(
            leaks.is_empty(),
            "{leaks:#?}\n{}\n{}",
            outcome.out,
            outcome.err
        );
    }

    /// The places that hold a secret, besides the files `sinks`.
    fn leaks(&self, outcome: &Outcome, sinks: &[&str]) -> Vec<String> {
        let sinks: Vec<PathBuf> = sinks.iter().map(|name| self.sandbox.path(name)).collect();
        let files = self
            .sandbox
            .files()
            .into_iter()
            .filter(|(path, _)| !sinks.contains(path));
        let files = files.map(|(path, content)| (path.display().to_string(), content));
        let streams = [
            ("standard output", &outcome.out),
            ("standard error", &outcome.err),
        ];
        let streams = streams.map(|(name, text)| (name.to_owned(), text.clone().into_bytes()));
        let secrets = self.secrets();
        let mut leaks = Vec::new();
        for (place, content) in files.chain(streams) {
            let content = String::from_utf8_lossy(&content);
            let forms = secrets.iter().flat_map(|secret| forms(secret));
            let found = forms.filter(|form| content.contains(form));
            leaks.extend(found.map(|form| format!("{place} holds {form}")));
        }
        leaks
    }
}

/// A secret as it is, and as it stands in a URL.
fn forms(secret: &str) -> [String; 2] {
    let encoded = secret.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    [secret.to_owned(), encoded.collect()]
}

/// A way to a server that writes down all that passes.
struct Wire {
    host: String,
    /// One text for each direction of each connection.
    passed: Notes,
}

type Notes = Arc<Mutex<Vec<Vec<u8>>>>;

impl Wire {
    async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let passed = Arc::new(Mutex::new(Vec::new()));
        let (server, notes) = (server.to_owned(), Arc::clone(&passed));
        drop(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                drop(tokio::spawn(pass(
                    from_client,
                    to_server,
                    Arc::clone(&notes),
                )));
                drop(tokio::spawn(pass(
                    from_server,
                    to_client,
                    Arc::clone(&notes),
                )));
            }
        }));
        Self { host, passed }
    }

    /// The values that stand behind the names of secrets, in whatever message.
    fn secrets(&self) -> BTreeSet<String> {
        let passed = self.passed.lock().unwrap().join(&b"\r\n"[..]);
        let passed = String::from_utf8_lossy(&passed);
        let marks = [
            ("_token\":\"", '"'),
            ("client_secret\":\"", '"'),
            ("client_secret=", '&'),
            ("nonce=%22", '%'),
            ("signature=", '&'),
            ("uthorization: Bearer ", '\r'),
            ("uthorization: token ", '\r'),
            ("cookieless_session/", ' '),
        ];
        let mut found = BTreeSet::new();
        for (mark, end) in marks {
            for (at, _) in passed.match_indices(mark) {
                let value = passed[at + mark.len()..]
                    .split([end, ' ', '\r', '\n'])
                    .next()
                    .unwrap();
                found.insert(decoded(value));
            }
        }
        // The paths of two operations go on after `cookieless_session/` with their own names.
        found.retain(|value| !matches!(value.as_str(), "" | "acquire" | "generate_tokens"));
        found
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, notes: Notes) {
    let place = {
        let mut notes = notes.lock().unwrap();
        notes.push(Vec::new());
        notes.len() - 1
    };
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        notes.lock().unwrap()[place].extend(&piece[..length]);
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
    // A side that is gone needs no goodbye.
    let _gone = to.shutdown().await.is_err();
}

fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("value={}", text.replace('+', "%2B")).as_bytes())
        .map(|(_, value)| value.into_owned())
        .next()
        .unwrap()
}
