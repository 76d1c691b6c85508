//! Where settings come from, which of two wins, and what is said where one is missing or wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use embedctl::config::{ConfigArgs, EmulatorAccess, Settings};
use embedctl::error::{Error, Kind};
use embedctl::secret::{ExposeSecret as _, SecretString};
use embedctl::signed_url::Algorithm;
use embedctl::system::Input;

use crate::support::Sandbox;

const CONFIG: &str = "home/.config/embedctl/config.toml";

/// Write `text` to a file below the sandbox's root, with the permissions that a secret's file must have.
fn write(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.root().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    permit(&path, 0o600);
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn resolve(sandbox: &Sandbox, args: &ConfigArgs) -> Result<Settings, Error> {
    let (system, _) = sandbox.system(Input::empty());
    Settings::resolve(args, &system)
}

fn settings(sandbox: &Sandbox) -> Settings {
    resolve(sandbox, &ConfigArgs::default()).unwrap()
}

/// The value and the source of a setting, as `profile show` has them.
fn entry(settings: &Settings, name: &str) -> (String, String) {
    let entries = settings.entries();
    let entry = entries.iter().find(|entry| entry.name == name).unwrap();
    let source = entry.source.as_ref().map(ToString::to_string);
    (
        entry.value.clone().unwrap_or_default(),
        source.unwrap_or_default(),
    )
}

fn client_secret(settings: &Settings) -> Result<String, Error> {
    let access = settings.looker()?;
    Ok(access.client_secret.expose_secret().to_owned())
}

/// Message, causes and hint of an error, as people see them.
fn shown(error: &Error) -> String {
    let causes: String = error
        .causes()
        .map(|cause| format!("caused by: {cause}\n"))
        .collect();
    let hint = error.advice().map(|hint| format!("hint: {hint}\n"));
    format!("{}\n{causes}{}", error.message(), hint.unwrap_or_default())
}

#[test]
fn the_nearest_source_wins() {
    let mut sandbox = Sandbox::offline();
    write(
        &sandbox,
        CONFIG,
        "default_profile = \"p\"\n[profiles.p]\nbase_url = \"https://profile\"\n",
    );
    write(&sandbox, "work/looker.ini", "[p]\nbase_url = https://ini\n");
    sandbox.var("LOOKERSDK_BASE_URL", "https://sdk");
    sandbox.var("EMBEDCTL_BASE_URL", "https://own");
    let flag = ConfigArgs {
        base_url: Some("https://flag".to_owned()),
        ..ConfigArgs::default()
    };
    let mut seen = vec![entry(&resolve(&sandbox, &flag).unwrap(), "base_url")];

    seen.push(entry(&settings(&sandbox), "base_url"));
    sandbox.unset("EMBEDCTL_BASE_URL");
    seen.push(entry(&settings(&sandbox), "base_url"));
    sandbox.unset("LOOKERSDK_BASE_URL");
    seen.push(entry(&settings(&sandbox), "base_url"));
    fs::remove_file(sandbox.root().join(CONFIG)).unwrap();
    seen.push(entry(&settings(&sandbox), "base_url"));
    fs::remove_file(sandbox.path("looker.ini")).unwrap();
    seen.push(entry(&settings(&sandbox), "base_url"));

    let root = sandbox.root().display().to_string();
    let seen: Vec<_> = seen
        .iter()
        .map(|(value, source)| format!("{value} {}", source.replace(&root, "ROOT")))
        .collect();
    assert_eq!(
        seen,
        [
            "https://flag flag `--base-url`",
            "https://own variable `EMBEDCTL_BASE_URL`",
            "https://sdk variable `LOOKERSDK_BASE_URL`",
            "https://profile profile `p` in `ROOT/home/.config/embedctl/config.toml`",
            "https://ini section `p` of `ROOT/work/looker.ini`",
            " ",
        ]
    );
}

#[test]
fn a_flag_wins_over_whatever_names_the_looker() {
    let mut sandbox = Sandbox::offline();
    let profile = "[profiles.p]\nbase_url = \"https://a\"\nembed_host = \"embed.profile\"\n";
    write(&sandbox, CONFIG, profile);
    sandbox
        .var("LOOKERSDK_BASE_URL", "https://a")
        .var("LOOKERSDK_EMBED_HOST", "embed.sdk")
        .var("LOOKERSDK_TIMEOUT", "30");
    for profile in [None, Some("p".to_owned())] {
        let flags = ConfigArgs {
            profile,
            embed_host: Some("embed.flag".to_owned()),
            timeout: Some("10s".to_owned()),
            ..ConfigArgs::default()
        };

        let settings = resolve(&sandbox, &flags).unwrap();

        assert_eq!(entry(&settings, "embed_host").0, "embed.flag");
        assert_eq!(entry(&settings, "timeout").0, "10s");
    }
}

#[test]
fn one_error_names_all_that_is_missing_and_every_way_to_give_it() {
    let sandbox = Sandbox::offline();

    let error = settings(&sandbox).looker_and_embed().unwrap_err();

    assert_eq!(error.kind(), Kind::Usage);
    insta::assert_snapshot!(shown(&error), @r"
    the base URL, the client id, the client secret and the embed secret are missing
    hint: give each in one of these ways:
      base URL: `--base-url`, `LOOKERSDK_BASE_URL`, or `base_url` in `config.toml` or `looker.ini`
      client id: `LOOKERSDK_CLIENT_ID`, `client_id` in `config.toml` or `looker.ini`, or `login` in `~/.netrc`
      client secret: `LOOKERSDK_CLIENT_SECRET`, `client_secret` in `config.toml` (where to get it) or `looker.ini`, or `password` in `~/.netrc`
      embed secret: `LOOKERSDK_EMBED_SECRET`, or `embed_secret` in `config.toml` (where to get it) or `looker.ini`
    or try it on a local Looker: `--emulator`
    ");
}

#[test]
fn half_a_key_is_an_error_that_names_the_other_half() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("LOOKERSDK_BASE_URL", "https://acme.looker.com");
    sandbox.var("LOOKERSDK_CLIENT_ID", "id");

    let error = settings(&sandbox).looker().unwrap_err();

    assert_eq!(error.message(), "the client secret is missing");
    assert!(
        shown(&error).contains(
            "there is a client id (variable `LOOKERSDK_CLIENT_ID`), but no client secret"
        ),
        "{}",
        shown(&error)
    );
}

#[test]
fn netrc_gives_the_key_of_the_host_it_names() {
    let mut sandbox = Sandbox::offline();
    write(
        &sandbox,
        "home/.netrc",
        "machine acme.looker.com login id password hunter2\n",
    );

    sandbox.var("LOOKERSDK_BASE_URL", "https://acme.looker.com:19999");
    let access = settings(&sandbox).looker().unwrap();
    sandbox.var("LOOKERSDK_BASE_URL", "https://other.looker.com");
    let other = settings(&sandbox).looker();

    assert_eq!(access.client_id, "id");
    assert_eq!(access.client_secret.expose_secret(), "hunter2");
    assert_eq!(other.unwrap_err().kind(), Kind::Usage);
}

#[test]
fn netrc_does_not_complete_the_key_of_somebody_else() {
    let mut sandbox = Sandbox::offline();
    write(
        &sandbox,
        "home/.netrc",
        "default login id password hunter2\n",
    );
    sandbox.var("LOOKERSDK_BASE_URL", "https://acme.looker.com");
    sandbox.var("LOOKERSDK_CLIENT_ID", "another");

    assert!(settings(&sandbox).looker().is_err());
}

#[test]
fn a_netrc_that_others_can_read_is_refused_with_the_command_that_helps() {
    let mut sandbox = Sandbox::offline();
    write(
        &sandbox,
        "home/.netrc",
        "default login id password hunter2\n",
    );
    permit(&sandbox.root().join("home/.netrc"), 0o644);
    sandbox.var("LOOKERSDK_BASE_URL", "https://acme.looker.com");

    let error = settings(&sandbox).looker().unwrap_err();

    assert!(
        shown(&error).contains("hint: restrict it with `chmod 600 "),
        "{}",
        shown(&error)
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// A sandbox with a profile whose client secret is at `place`.
fn with_secret_at(place: &str) -> Sandbox {
    let sandbox = Sandbox::offline();
    let text = format!(
        "default_profile = \"p\"\n[profiles.p]\nbase_url = \"acme.looker.com\"\nclient_id = \"id\"\nclient_secret = {place}\n"
    );
    write(&sandbox, CONFIG, &text);
    sandbox
}

#[test]
fn a_secret_may_stand_in_a_variable_that_the_profile_names() {
    let mut sandbox = with_secret_at("{ env = \"ACME\" }");

    let missing = settings(&sandbox).looker().unwrap_err();
    sandbox.var("ACME", "hunter2");
    let settings = settings(&sandbox);

    assert!(
        shown(&missing).contains("the variable `ACME`, named in profile `p`"),
        "{}",
        shown(&missing)
    );
    assert_eq!(client_secret(&settings).unwrap(), "hunter2");
    assert!(settings.secret_variables().contains(&"ACME".to_owned()));
}

#[test]
fn a_secret_may_be_all_that_stands_in_a_file() {
    let sandbox = with_secret_at("{ file = \"secret.txt\" }");
    let missing = client_secret(&settings(&sandbox)).unwrap_err();
    write(&sandbox, "home/.config/embedctl/secret.txt", "hunter2\n");

    let found = client_secret(&settings(&sandbox)).unwrap();
    permit(
        &sandbox.root().join("home/.config/embedctl/secret.txt"),
        0o640,
    );
    let exposed = client_secret(&settings(&sandbox)).unwrap_err();
    write(&sandbox, "home/.config/embedctl/secret.txt", "\n");
    let empty = client_secret(&settings(&sandbox)).unwrap_err();

    assert_eq!(found, "hunter2");
    assert!(
        shown(&missing).contains("secret.txt"),
        "{}",
        shown(&missing)
    );
    assert!(
        shown(&exposed).contains("is accessible to others (mode 640)"),
        "{}",
        shown(&exposed)
    );
    assert!(
        empty.message().starts_with("the client secret is empty"),
        "{empty}"
    );
}

#[test]
fn a_command_is_run_only_once_its_secret_is_needed() {
    let sandbox = with_secret_at("{ command = [\"sh\", \"-c\", \"echo x > ran; echo hunter2\"] }");

    let settings = settings(&sandbox);
    let shown = entry(&settings, "client_secret").0;
    let early = sandbox.path("ran").exists();
    let secret = client_secret(&settings).unwrap();

    assert!(!early, "the command ran too early");
    assert_eq!(shown, "from the command `sh`");
    assert_eq!(secret, "hunter2");
    assert!(sandbox.path("ran").exists());
}

#[tokio::test]
async fn a_command_may_be_run_from_inside_a_runtime() {
    let sandbox = with_secret_at("{ command = [\"echo\", \"hunter2\"] }");

    assert_eq!(client_secret(&settings(&sandbox)).unwrap(), "hunter2");
}

#[test]
fn a_command_that_fails_says_why() {
    let script = "echo locked >&2; yes | head -c 100000 >&2; echo hunter2; exit 3";
    let sandbox = with_secret_at(&format!("{{ command = [\"sh\", \"-c\", \"{script}\"] }}"));
    let absent = with_secret_at("{ command = [\"no-such-program\"] }");

    let failed = shown(&client_secret(&settings(&sandbox)).unwrap_err());
    let absent = shown(&client_secret(&settings(&absent)).unwrap_err());

    assert!(
        failed.contains("the command `sh` failed") && failed.contains("locked"),
        "{failed}"
    );
    assert!(failed.len() < 2000, "{} bytes", failed.len());
    assert!(!failed.contains("hunter2"), "{failed}");
    assert!(
        absent.contains("the command `no-such-program` failed"),
        "{absent}"
    );
}

#[test]
fn a_command_does_not_get_the_other_secrets() {
    let mut sandbox =
        with_secret_at("{ command = [\"sh\", \"-c\", \"echo ${LOOKERSDK_EMBED_SECRET-none}\"] }");
    sandbox.var("LOOKERSDK_EMBED_SECRET", "hunter2");

    assert_eq!(client_secret(&settings(&sandbox)).unwrap(), "none");
}

#[test]
fn a_profile_is_not_completed_from_another_looker() {
    let sandbox = with_secret_at("{ env = \"ACME\" }");
    write(
        &sandbox,
        "work/looker.ini",
        "[Looker]\nbase_url = https://other\nembed_secret = hunter2\n",
    );
    let other = settings(&sandbox);
    write(
        &sandbox,
        "work/looker.ini",
        "[Looker]\nbase_url = https://acme.looker.com\nembed_secret = hunter2\n",
    );
    let same = settings(&sandbox);

    assert!(other.embed().is_err());
    assert_eq!(same.embed().unwrap().secret.expose_secret(), "hunter2");
}

#[test]
fn a_named_ini_comes_before_the_default_profile_and_must_be_there() {
    let sandbox = with_secret_at("{ env = \"ACME\" }");
    write(
        &sandbox,
        "work/other.ini",
        "[Looker]\nbase_url = https://other\n",
    );
    let named = |name: &str| ConfigArgs {
        ini: Some(name.into()),
        ..ConfigArgs::default()
    };

    let other = resolve(&sandbox, &named("other.ini")).unwrap();
    let missing = resolve(&sandbox, &named("missing.ini")).unwrap_err();

    assert_eq!(other.base_url().unwrap().as_str(), "https://other/");
    assert!(
        shown(&missing).contains("missing.ini") && shown(&missing).contains("--ini"),
        "{}",
        shown(&missing)
    );
}

#[test]
fn the_first_section_of_looker_ini_is_used_where_none_is_named() {
    let sandbox = Sandbox::offline();
    write(
        &sandbox,
        "work/looker.ini",
        "[dev]\nbase_url = \"https://dev\"\nverify_ssl = no\ntimeout = 30\n[Looker]\nbase_url = 'https://prod'\n",
    );
    let named = ConfigArgs {
        profile: Some("looker".to_owned()),
        ..ConfigArgs::default()
    };

    let first = settings(&sandbox);
    let mut sandbox = sandbox;
    sandbox.var("LOOKERSDK_BASE_URL", "https://sdk");
    let named = resolve(&sandbox, &named).unwrap();

    assert_eq!(first.base_url().unwrap().as_str(), "https://dev/");
    assert!(!first.verify_tls());
    assert_eq!(first.timeout().as_secs(), 30);
    assert_eq!(named.base_url().unwrap().as_str(), "https://prod/");
}

#[test]
fn an_unknown_profile_is_refused_with_the_nearest_known_one() {
    let sandbox = with_secret_at("{ env = \"ACME\" }");
    write(
        &sandbox,
        "work/looker.ini",
        "[production]\nbase_url = https://ini\n",
    );
    let args = ConfigArgs {
        profile: Some("prodction".to_owned()),
        ..ConfigArgs::default()
    };

    let error = resolve(&sandbox, &args).unwrap_err();

    assert_eq!(error.advice(), Some("did you mean `production`?"));
}

#[test]
fn certificates_that_are_not_checked_are_warned_of() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("LOOKERSDK_VERIFY_SSL", "false");

    let settings = settings(&sandbox);

    let [warning] = settings.warnings() else {
        panic!("{:?}", settings.warnings());
    };
    assert!(
        warning.contains("variable `LOOKERSDK_VERIFY_SSL`"),
        "{warning}"
    );
}

#[test]
fn http_is_for_this_machine_only() {
    let mut sandbox = Sandbox::offline();
    let mut base_url = |text: &str| {
        sandbox.var("LOOKERSDK_BASE_URL", text);
        resolve(&sandbox, &ConfigArgs::default())
    };

    for local in [
        "http://localhost:9999",
        "http://127.0.0.1:1",
        "http://[::1]:1",
    ] {
        assert!(base_url(local).unwrap().warnings().is_empty(), "{local}");
    }
    let refused = base_url("http://looker").unwrap_err();
    assert!(
        shown(&refused).contains("LOOKERSDK_VERIFY_SSL=false"),
        "{}",
        shown(&refused)
    );
    sandbox.var("LOOKERSDK_VERIFY_SSL", "0");
    assert_eq!(settings(&sandbox).warnings().len(), 2);
}

#[test]
fn what_is_malformed_is_refused_with_its_source() {
    for (name, value) in [
        ("EMBEDCTL_RETRIES", "-1"),
        ("EMBEDCTL_TIMEOUT", "soon"),
        ("LOOKERSDK_TIMEOUT", "0"),
        ("LOOKERSDK_VERIFY_SSL", "maybe"),
        ("EMBEDCTL_CONCURRENCY", "0"),
        ("EMBEDCTL_RPS", "0"),
        ("EMBEDCTL_EMBED_ALGORITHM", "md5"),
        ("EMBEDCTL_OUTPUT", "xml"),
        ("EMBEDCTL_QUIET", "perhaps"),
        ("LOOKERSDK_BASE_URL", "https://acme/browse"),
    ] {
        let mut sandbox = Sandbox::offline();
        sandbox.var(name, value);

        let error = resolve(&sandbox, &ConfigArgs::default()).unwrap_err();

        assert_eq!(error.kind(), Kind::Usage, "{name}");
        assert!(
            error.message().contains(&format!("variable `{name}`")),
            "{error}"
        );
        assert!(error.advice().is_some(), "{name}");
    }
}

#[test]
fn switches_may_be_turned_off_by_their_variable() {
    let mut sandbox = Sandbox::offline();
    sandbox
        .var("EMBEDCTL_YES", "0")
        .var("EMBEDCTL_NO_INPUT", "true");

    let settings = settings(&sandbox);

    assert!(!settings.yes);
    assert!(settings.no_input);
}

#[test]
fn a_proxy_is_shown_without_its_password() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("https_proxy", "http://me:hunter2@proxy:3128");
    sandbox.var("NO_PROXY", "localhost");

    let settings = settings(&sandbox);

    assert_eq!(settings.proxy(), Some("http://me:hunter2@proxy:3128"));
    assert_eq!(entry(&settings, "proxy").0, "http://[redacted]@proxy:3128");
    assert_eq!(settings.no_proxy(), Some("localhost"));
}

#[test]
fn the_ledger_is_a_file_for_each_looker() {
    let mut sandbox = Sandbox::offline();
    let unknown = settings(&sandbox).ledger();
    sandbox.var("LOOKERSDK_BASE_URL", "https://acme.looker.com:19999");

    let ledger = settings(&sandbox).ledger().unwrap().unwrap();

    let expected = sandbox
        .root()
        .join("home/.local/state/embedctl/acme.looker.com_3a19999.ledger");
    assert_eq!(Path::new(&ledger), expected);
    assert!(unknown.is_err());
}

#[test]
fn a_local_looker_needs_and_heeds_no_settings_of_a_real_one() {
    let mut sandbox = with_secret_at("{ env = \"ACME\" }");
    sandbox
        .var("LOOKERSDK_BASE_URL", "https://real")
        .var("LOOKERSDK_VERIFY_SSL", "false");
    sandbox
        .var("EMBEDCTL_PROFILE", "nowhere")
        .var("HTTPS_PROXY", "http://proxy");
    write(&sandbox, "work/looker.ini", "not an ini file");
    let args = ConfigArgs {
        emulator: true,
        ..ConfigArgs::default()
    };

    let settings = resolve(&sandbox, &args)
        .unwrap()
        .with_emulator(EmulatorAccess {
            base_url: "http://127.0.0.1:4000".to_owned(),
            client_id: "id".to_owned(),
            client_secret: SecretString::from("hunter2"),
            embed_secret: SecretString::from("hunter3"),
            algorithm: Algorithm::Sha256,
            blank_dashboard: "/embed/dashboards/1".to_owned(),
        })
        .unwrap();
    let (looker, embed) = settings.looker_and_embed().unwrap();

    assert_eq!(looker.base_url.as_str(), "http://127.0.0.1:4000/");
    assert_eq!(looker.client_secret.expose_secret(), "hunter2");
    assert_eq!(
        (embed.scheme.as_str(), embed.host.as_str()),
        ("http", "127.0.0.1:4000")
    );
    assert_eq!(embed.algorithm, Algorithm::Sha256);
    assert_eq!(settings.blank_dashboard(), Some("/embed/dashboards/1"));
    assert_eq!(
        settings.grants().models.as_deref(),
        Some(["demo".to_owned()].as_slice())
    );
    assert_eq!(settings.ledger().unwrap(), None);
    assert_eq!((settings.proxy(), settings.warnings().len()), (None, 0));
}

#[test]
fn settings_can_be_debugged_without_showing_a_secret() {
    let mut sandbox = with_secret_at("{ command = [\"echo\", \"x\"] }");
    for name in [
        "LOOKERSDK_CLIENT_SECRET",
        "LOOKERSDK_EMBED_SECRET",
        "OTHER_SECRET",
    ] {
        sandbox.var(name, "hunter2");
        let debug = format!("{:?}", settings(&sandbox));

        assert!(!debug.contains("hunter2"), "{debug}");
        sandbox.unset(name);
    }
}

#[tokio::test]
async fn every_flag_that_takes_a_duration_takes_the_same_durations() {
    let sandbox = Sandbox::new().await;
    sandbox.file("users.csv", "external_user_id\nacme-42\n");
    let commands: [(&str, &[&str]); 9] = [
        ("--overlap", &["keys", "rotate", "user-1", "--dry-run"]),
        ("--max-age", &["keys", "rotate", "user-1", "--dry-run"]),
        ("--ttl", &["keys", "mint", "user-1", "--dry-run"]),
        ("--not-seen-for", &["users", "list"]),
        (
            "--session-length",
            &["url", "sign", "/alive", "--external-user-id=u"],
        ),
        ("--timeout", &["profile", "show"]),
        ("--wait", &["apply", "users.csv", "--dry-run"]),
        ("--older-than", &["ledger", "prune", "--dry-run"]),
        // Without a port to listen on, it ends.
        ("--latency", &["emulator", "--state=none.json"]),
    ];
    let help = fs::read_to_string("examples/commands.md").unwrap();
    let flags = help
        .lines()
        .filter_map(|line| line.trim().strip_suffix(" <DURATION>"))
        // In a line of usage, one that has to be given is named too.
        .filter(|flag| !flag.contains("Usage"));
    let known = commands.map(|(flag, _)| flag);
    for flag in flags {
        assert!(known.contains(&flag), "{flag} is not tried here");
    }
    for (flag, command) in commands {
        for (duration, is_one) in [
            ("1h30m", true),
            ("2 minutes", true),
            ("1d12h", true),
            ("P2D", true),
            ("1 month", false),
            ("-1h", false),
            ("soon", false),
        ] {
            let given = format!("{flag}={duration}");
            let outcome = sandbox.run(&[command, &[given.as_str()]].concat()).await;
            let refused = outcome.err.contains("invalid value")
                || outcome.err.contains("is not a valid value");
            assert_eq!(!refused, is_one, "{given}: {}", outcome.err);
        }
    }
    sandbox.finish().await;
}

#[test]
fn the_default_section_of_looker_ini_is_inherited_and_no_profile_of_its_own() {
    let sandbox = Sandbox::offline();
    write(
        &sandbox,
        "work/looker.ini",
        "[DEFAULT]\nverify_ssl=false\ntimeout=1h30m\n\n[Looker]\nbase_url=https://acme.example\n",
    );

    let settings = settings(&sandbox);

    assert_eq!(
        settings.base_url().unwrap().as_str(),
        "https://acme.example/"
    );
    assert!(!settings.verify_tls());
    assert_eq!(entry(&settings, "timeout").0, "1h 30m");
    let profiles = settings.profiles().unwrap();
    let names: Vec<_> = profiles
        .iter()
        .map(|profile| profile.name.as_str())
        .collect();
    assert_eq!(names, ["Looker"]);
}

/// What comes around a value from editors, `--env-file`, key vaults and `echo`.
const DRESSES: [&str; 8] = [
    "VALUE",
    "VALUE\n",
    "VALUE\r\n",
    "  VALUE\t",
    "\"VALUE\"",
    "'VALUE'\n",
    "\u{feff}VALUE",
    "\u{feff}\"VALUE\"\r\n",
];

#[test]
fn credentials_are_the_same_whatever_stands_around_them() {
    for dress in DRESSES {
        let worn = |value: &str| dress.replace("VALUE", value);
        let mut sandbox = with_secret_at("{ env = \"ACME\" }");
        sandbox.var("ACME", worn("hunter2"));
        assert_eq!(
            client_secret(&settings(&sandbox)).unwrap(),
            "hunter2",
            "{dress:?}"
        );

        let sandbox = with_secret_at("{ file = \"secret.txt\" }");
        write(
            &sandbox,
            "home/.config/embedctl/secret.txt",
            &worn("hunter2"),
        );
        assert_eq!(
            client_secret(&settings(&sandbox)).unwrap(),
            "hunter2",
            "{dress:?}"
        );

        let sandbox = with_secret_at("{ command = [\"cat\", \"secret.txt\"] }");
        write(&sandbox, "work/secret.txt", &worn("hunter2"));
        assert_eq!(
            client_secret(&settings(&sandbox)).unwrap(),
            "hunter2",
            "{dress:?}"
        );

        for prefix in ["EMBEDCTL", "LOOKERSDK"] {
            let mut sandbox = Sandbox::offline();
            for (name, value) in [
                ("BASE_URL", "https://acme.looker.com"),
                ("CLIENT_ID", "id"),
                ("CLIENT_SECRET", "hunter2"),
                ("EMBED_SECRET", "hunter3"),
                ("EMBED_HOST", "bi.acme.com"),
                ("TIMEOUT", "7"),
                ("VERIFY_SSL", "true"),
            ] {
                sandbox.var(&format!("{prefix}_{name}"), worn(value));
            }
            let settings = settings(&sandbox);
            let (looker, embed) = settings.looker_and_embed().unwrap();
            assert_eq!(
                (
                    looker.base_url.as_str(),
                    looker.client_id.as_str(),
                    looker.client_secret.expose_secret()
                ),
                ("https://acme.looker.com/", "id", "hunter2"),
                "{prefix} {dress:?}"
            );
            assert_eq!(
                (embed.secret.expose_secret(), embed.host.as_str()),
                ("hunter3", "bi.acme.com")
            );
            assert_eq!(settings.timeout().as_secs(), 7);
        }
    }
}

#[test]
fn files_that_begin_with_a_byte_order_mark_are_read() {
    let sandbox = Sandbox::offline();
    write(
        &sandbox,
        CONFIG,
        "\u{feff}default_profile = \"p\"\r\n[profiles.p]\r\nbase_url = \"https://acme.looker.com\"\r\n",
    );
    write(
        &sandbox,
        "work/looker.ini",
        "\u{feff}[p]\r\nbase_url=https://acme.looker.com\r\nembed_secret='hunter3'\r\n",
    );
    write(
        &sandbox,
        "home/.netrc",
        "\u{feff}machine acme.looker.com login id password hunter2\r\n",
    );

    let (looker, embed) = settings(&sandbox).looker_and_embed().unwrap();

    assert_eq!(
        (
            looker.client_id.as_str(),
            looker.client_secret.expose_secret()
        ),
        ("id", "hunter2")
    );
    assert_eq!(embed.secret.expose_secret(), "hunter3");
}

#[test]
fn a_variable_with_nothing_but_quotes_or_space_is_not_set() {
    for nothing in ["\"\"", "''", " \n", "\u{feff}"] {
        let mut sandbox = Sandbox::offline();
        sandbox
            .var("EMBEDCTL_RETRIES", nothing)
            .var("LOOKERSDK_BASE_URL", nothing)
            .var("LOOKERSDK_CLIENT_SECRET", nothing);

        let settings = settings(&sandbox);

        assert!(settings.base_url().is_none(), "{nothing:?}");
        assert_eq!(entry(&settings, "client_secret").0, "");
    }
}

#[test]
fn the_section_of_looker_ini_is_the_first_that_is_not_default() {
    let sandbox = Sandbox::offline();
    // As somebody posted it who was told that there is no base URL.
    write(
        &sandbox,
        "work/looker.ini",
        "[DEFAULT]\nverify_ssl=true\ntimeout=120\n\n[Looker]\nbase_url=https://acme.example\n\
         client_id=AAAAAAAAAAAAAAAAAAAA\nclient_secret=aaaaaaaaaaaaaaaaaaaaaaaa\n",
    );

    let settings = settings(&sandbox);

    assert_eq!(settings.looker().unwrap().client_id, "AAAAAAAAAAAAAAAAAAAA");
    assert_eq!(settings.timeout().as_secs(), 120);
    assert!(
        entry(&settings, "timeout")
            .1
            .starts_with("section `Looker`")
    );
}

#[tokio::test]
async fn a_ledger_that_is_no_path_is_refused_and_no_file_of_that_name_is_created() {
    let mut sandbox = Sandbox::offline();
    sandbox.var("LOOKERSDK_BASE_URL", "https://acme.looker.com");
    for ledger in ["mysql://db", "https://me:hunter2@db", "sqlite://runs"] {
        let flag = sandbox
            .run(&["runs", "list", "--ledger", ledger])
            .await
            .exits(2);
        sandbox.var("EMBEDCTL_LEDGER", ledger);
        let variable = sandbox.run(&["runs", "list"]).await.exits(2);
        sandbox.unset("EMBEDCTL_LEDGER");

        assert!(!format!("{flag:?}{variable:?}").contains("hunter2"));
        assert!(
            flag.err.contains("flag `--ledger`") && flag.err.contains("sqlite:PATH"),
            "{}",
            flag.err
        );
    }
    assert!(fs::read_dir(sandbox.path("")).unwrap().next().is_none());

    drop(
        sandbox
            .run(&["ledger", "show", "--ledger", "sqlite:runs.ledger"])
            .await
            .done(),
    );
    assert!(sandbox.path("runs.ledger").exists());
}

#[test]
fn the_ledger_of_a_profile_is_in_one_place_wherever_embedctl_is_run() {
    let sandbox = Sandbox::offline();
    for (written, expected) in [
        ("runs.ledger", "home/.config/embedctl/runs.ledger"),
        ("sqlite:~/runs.ledger", "home/runs.ledger"),
    ] {
        write(
            &sandbox,
            CONFIG,
            &format!("default_profile = \"p\"\n[profiles.p]\nledger = \"{written}\"\n"),
        );

        let ledger = settings(&sandbox).ledger().unwrap().unwrap();

        assert_eq!(Path::new(&ledger), sandbox.root().join(expected));
    }
}
