//! Every mixture of flags, variables, profiles, ini and netrc: a secret goes only to the Looker that its source names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use embedctl::config::{ConfigArgs, Settings};
use embedctl::emulator::{Emulator, Options};
use embedctl::error::{Error, Kind};
use embedctl::secret::ExposeSecret as _;
use embedctl::system::Input;

use crate::support::Sandbox;

const CONFIG: &str = "home/.config/embedctl/config.toml";

/// Two Lookers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Looker {
    A,
    B,
}

/// What a source gives: an address, and a key with an embed secret.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Gives {
    address: Option<Looker>,
    key: bool,
}

impl Gives {
    fn each() -> impl Iterator<Item = Self> {
        let addresses = [None, Some(Looker::A), Some(Looker::B)];
        let each = addresses
            .into_iter()
            .flat_map(|address| [(address, false), (address, true)]);
        each.map(|(address, key)| Self { address, key })
    }

    const fn all(looker: Looker) -> Self {
        Self {
            address: Some(looker),
            key: true,
        }
    }

    const fn is_nothing(self) -> bool {
        self.address.is_none() && !self.key
    }
}

/// One mixture of sources.
#[derive(Clone, Copy, Debug, Default)]
struct Mixture {
    own: Gives,
    profile: Gives,
    /// Whether the profile is named, as opposed to the default.
    named: bool,
    sdk: Gives,
    ini: Gives,
    netrc: Option<Looker>,
}

impl Mixture {
    /// The Looker that the source of this name, or its family, names.
    fn names(&self, source: &str) -> Option<Looker> {
        match source {
            "own" => self.own.address,
            "profile" => self.profile.address,
            "sdk" => self.sdk.address.or(self.ini.address),
            "ini" => self.ini.address.or(self.sdk.address),
            "netrc" => self.netrc,
            _ => panic!("{source}"),
        }
    }

    /// Whether a secret of this source may get to `looker`.
    fn may_reach(&self, source: &str, looker: Looker) -> bool {
        match self.names(source) {
            Some(named) => named == looker,
            // Supplied from outside: by a flag or `EMBEDCTL_…` for every family, else only for variables, which then replace
            // nothing that the family of the address has.
            None if self.own.address.is_some() => true,
            None if source == "own" || source == "sdk" => {
                let family = match self.profile.address {
                    Some(_) => self.profile.key,
                    None => {
                        let ini = self.ini.key && self.names("ini") == Some(looker);
                        ini || (source == "own" && self.sdk.key)
                    }
                };
                !family
            }
            None => false,
        }
    }
}

/// The values that stand in the sources.
struct World {
    sandbox: Sandbox,
    /// Address and host of each Looker, and its key.
    urls: [String; 2],
    hosts: [&'static str; 2],
    written: BTreeMap<&'static str, String>,
}

impl World {
    fn new(urls: [String; 2]) -> Self {
        Self {
            sandbox: Sandbox::offline(),
            urls,
            hosts: ["127.0.0.1", "localhost"],
            written: BTreeMap::new(),
        }
    }

    fn url(&self, looker: Looker) -> &str {
        &self.urls[looker as usize]
    }

    /// Put the sources of `mixture` in place, with the key that `key` has for each of them.
    fn arrange(
        &mut self,
        mixture: &Mixture,
        key: impl Fn(&str, Option<Looker>) -> [String; 3],
    ) -> ConfigArgs {
        let names = ["client_id", "client_secret", "embed_secret"];
        for (prefix, source, gives) in [
            ("EMBEDCTL", "own", mixture.own),
            ("LOOKERSDK", "sdk", mixture.sdk),
        ] {
            let url = gives.address.map(|looker| self.url(looker).to_owned());
            self.set(&format!("{prefix}_BASE_URL"), url);
            for (name, value) in names.iter().zip(key(source, gives.address)) {
                let name = format!("{prefix}_{}", name.to_uppercase());
                self.set(&name, gives.key.then_some(value));
            }
        }
        let mut profile = String::new();
        if !mixture.profile.is_nothing() {
            if !mixture.named {
                profile += "default_profile = \"p\"\n";
            }
            profile += "[profiles.p]\n";
            if let Some(looker) = mixture.profile.address {
                writeln!(profile, "base_url = \"{}\"", self.url(looker)).unwrap();
            }
            let [id, secret, embed] = key("profile", mixture.profile.address);
            self.set("P_SECRET", Some(secret));
            self.set("P_EMBED", Some(embed));
            if mixture.profile.key {
                writeln!(profile, "client_id = \"{id}\"\nclient_secret = {{ env = \"P_SECRET\" }}\nembed_secret = {{ env = \"P_EMBED\" }}").unwrap();
            }
        }
        self.write(CONFIG, &profile);
        let mut ini = "[Looker]\n".to_owned();
        if let Some(looker) = mixture.ini.address {
            writeln!(ini, "base_url = {}", self.url(looker)).unwrap();
        }
        if mixture.ini.key {
            for (name, value) in names.iter().zip(key("ini", mixture.ini.address)) {
                writeln!(ini, "{name} = {value}").unwrap();
            }
        }
        self.write("work/looker.ini", &ini);
        let netrc = mixture.netrc.map(|looker| {
            let [id, secret, _] = key("netrc", Some(looker));
            let host = self.hosts[looker as usize];
            format!("machine {host} login {id} password {secret}\n")
        });
        self.write("home/.netrc", &netrc.unwrap_or_default());
        ConfigArgs {
            profile: mixture.named.then(|| "p".to_owned()),
            ..ConfigArgs::default()
        }
    }

    fn set(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) => self.sandbox.var(name, value),
            None => self.sandbox.unset(name),
        };
    }

    fn write(&mut self, name: &'static str, text: &str) {
        // Most mixtures differ from the one before in a variable only.
        if self.written.get(name).is_some_and(|before| before == text) {
            return;
        }
        self.written.insert(name, text.to_owned());
        let path = self.sandbox.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn resolve(&self, args: &ConfigArgs) -> Settings {
        let (system, _) = self.sandbox.system(Input::empty());
        Settings::resolve(args, &system).unwrap()
    }
}

/// A key that says which source it is from.
fn telling(source: &str, _: Option<Looker>) -> [String; 3] {
    ["id", "key", "embed"].map(|what| format!("{source}.{what}"))
}

/// What a command gets: the source of the secret, and the Looker it is for; or the refusal.
type Gets = Result<(String, Looker), Error>;

fn source_of(secret: &str) -> String {
    secret.split_once('.').unwrap().0.to_owned()
}

/// The API key and the embed secret that commands would use.
fn secrets(world: &World, settings: &Settings) -> [Gets; 2] {
    let looker = |host: &str| match world.urls.iter().position(|url| url.contains(host)) {
        Some(0) => Looker::A,
        Some(1) => Looker::B,
        _ => panic!("{host}"),
    };
    let key = settings.looker().map(|access| {
        let secret = source_of(access.client_secret.expose_secret());
        assert_eq!(source_of(&access.client_id), secret, "halves of two keys");
        (secret, looker(access.base_url.authority()))
    });
    let embed = settings.embed().map(|access| {
        let secret = source_of(access.secret.expose_secret());
        (secret, looker(&access.host))
    });
    [key, embed]
}

fn lookers() -> World {
    World::new(["https://127.0.0.1:4001", "https://localhost:4002"].map(str::to_owned))
}

fn each_mixture(mut see: impl FnMut(Mixture)) {
    let netrc = [None, Some(Looker::A), Some(Looker::B)];
    for profile in Gives::each() {
        for named in [false, true] {
            if named && profile.is_nothing() {
                continue;
            }
            for ini in Gives::each() {
                for (own, sdk) in
                    Gives::each().flat_map(|own| Gives::each().map(move |sdk| (own, sdk)))
                {
                    for netrc in netrc {
                        see(Mixture {
                            own,
                            profile,
                            named,
                            sdk,
                            ini,
                            netrc,
                        });
                    }
                }
            }
        }
    }
}

#[test]
fn under_no_mixture_does_a_secret_go_to_a_looker_that_its_source_does_not_name() {
    let mut world = lookers();
    let mut used = BTreeSet::new();
    each_mixture(|mixture| {
        let args = world.arrange(&mixture, telling);
        let settings = world.resolve(&args);

        for (what, gets) in ["key", "embed secret"]
            .iter()
            .zip(secrets(&world, &settings))
        {
            match gets {
                Ok((source, looker)) => {
                    assert!(
                        mixture.may_reach(&source, looker),
                        "the {what} of {source} goes to {looker:?}: {mixture:?}"
                    );
                    used.insert(source);
                }
                Err(error) => assert_eq!(error.kind(), Kind::Usage, "{mixture:?}"),
            }
        }
    });
    let all = ["ini", "netrc", "own", "profile", "sdk"].map(str::to_owned);
    assert_eq!(
        used,
        BTreeSet::from(all),
        "every source is used in some mixture"
    );
}

#[test]
fn the_source_that_comes_first_wins_whatever_else_there_is() {
    let mut world = lookers();
    each_mixture(|mixture| {
        let Mixture {
            own,
            profile,
            named,
            sdk,
            ini,
            ..
        } = mixture;
        let expected = match profile.address {
            // A named profile of another Looker than a flag's.
            Some(there) if named && own.address.is_some_and(|here| here != there) => Err(()),
            _ if own.address.is_some()
                && own.key
                && (!named || !profile.key || profile.address.is_some()) =>
            {
                Ok(("own", own.address.unwrap()))
            }
            _ if !own.is_nothing() => return,
            Some(looker) if named && profile.key => Ok(("profile", looker)),
            // The default profile and a variable name different Lookers.
            Some(there) if !named && sdk.address.is_some_and(|here| here != there) => Err(()),
            Some(looker)
                if !named
                    && profile.key
                    && sdk.address.is_none()
                    && ini.address != Some(looker) =>
            {
                Ok(("profile", looker))
            }
            None if profile.is_nothing() && sdk.key && sdk.address.is_some() => {
                Ok(("sdk", sdk.address.unwrap()))
            }
            None if profile.is_nothing()
                && sdk.is_nothing()
                && ini.key
                && ini.address.is_some() =>
            {
                Ok(("ini", ini.address.unwrap()))
            }
            _ => return,
        };
        let args = world.arrange(&mixture, telling);
        let settings = world.resolve(&args);
        let [key, embed] = secrets(&world, &settings);
        for gets in [key, embed] {
            let gets = gets
                .as_ref()
                .map(|(source, looker)| (source.as_str(), *looker));
            match (gets, expected) {
                (Ok(gets), Ok(expected)) => assert_eq!(gets, expected, "{mixture:?}"),
                (Err(_), Err(())) => assert!(settings.check_consistent().is_err(), "{mixture:?}"),
                (gets, expected) => panic!("{gets:?}, not {expected:?}: {mixture:?}"),
            }
        }
    });
}

#[tokio::test]
async fn emulators_with_different_keys_receive_no_key_and_no_signature_of_each_other() {
    let emulators = [
        Emulator::start(Options::default()).await.unwrap(),
        Emulator::start(Options::default()).await.unwrap(),
    ];
    let [a, b] = emulators.each_ref().map(Emulator::base_url);
    // By another name, since a netrc file does not tell ports apart.
    let mut world = World::new([a.to_owned(), b.replace("127.0.0.1", "localhost")]);
    let keys = emulators.each_ref().map(|emulator| {
        let (client, embed) = (emulator.client_secret(), emulator.embed_secret());
        let texts = [
            emulator.client_id(),
            client.expose_secret(),
            embed.expose_secret(),
        ];
        texts.map(str::to_owned)
    });
    let or_none = || {
        [
            Gives::default(),
            Gives::all(Looker::A),
            Gives::all(Looker::B),
        ]
        .into_iter()
    };
    let (mut refused, mut done) = (0, BTreeSet::new());
    for (own, sdk) in or_none().flat_map(|own| or_none().map(move |sdk| (own, sdk))) {
        for (profile, named) in or_none().flat_map(|profile| [(profile, false), (profile, true)]) {
            for (ini, netrc) in
                or_none().flat_map(|ini| or_none().map(move |netrc| (ini, netrc.address)))
            {
                let named = named && !profile.is_nothing();
                let mixture = Mixture {
                    own,
                    profile,
                    named,
                    sdk,
                    ini,
                    netrc,
                };
                let args = world.arrange(&mixture, |_, looker| {
                    keys[looker.unwrap_or(Looker::A) as usize].clone()
                });
                let settings = world.resolve(&args);
                // What decides which secret goes where; the same decision need not be tried twice.
                let source = |name| {
                    settings
                        .entries()
                        .into_iter()
                        .find(|entry| entry.name == name)
                        .unwrap()
                        .source
                };
                let sources = ["base_url", "client_secret", "embed_secret"]
                    .map(|name| format!("{:?}", source(name)));
                let base_url = settings.base_url().map(ToString::to_string);
                if !done.insert((base_url, sources, settings.check_consistent().is_ok())) {
                    continue;
                }
                let user = format!("user-of-{}", done.len());
                let mut command = vec!["create-user", &user, "--key", "none"];
                command.extend(named.then_some("--profile=p"));

                let outcome = world.sandbox.run(&command).await;

                assert!([0, 2].contains(&outcome.exit), "{mixture:?}: {outcome:?}");
                refused += usize::from(outcome.exit == 2);
            }
        }
    }
    assert!(
        refused >= 4 && done.len() >= refused + 8,
        "{refused} of {}",
        done.len()
    );
    for emulator in emulators {
        let refused: Vec<_> = emulator
            .requests()
            .into_iter()
            .filter(|request| request.status >= 400 && request.operation == "login")
            .collect();
        assert!(refused.is_empty(), "{refused:?}");
        assert!(
            emulator.refused_logins().is_empty(),
            "{:?}",
            emulator.refused_logins()
        );
        assert!(
            emulator
                .requests()
                .iter()
                .any(|request| request.operation == "login")
        );
        emulator.stop().await;
    }
}

/// Message and hint of the refusal, with the sandbox's folder taken out.
fn refusal(world: &World, args: &ConfigArgs) -> String {
    let error = world.resolve(args).looker().unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    let causes: String = error.causes().map(|cause| format!("\n{cause}")).collect();
    let text = format!(
        "{}{causes}\n{}",
        error.message(),
        error.advice().unwrap_or_default()
    );
    text.replace(&world.sandbox.root().display().to_string(), "ROOT")
}

/// Sources that contradict each other, and what is said of each.
fn contradictions() -> [(&'static str, Mixture); 7] {
    let full = Gives::all;
    let address = |looker| Gives {
        address: Some(looker),
        key: false,
    };
    let key = Gives {
        address: None,
        key: true,
    };
    [
        (
            "a named profile and a flag",
            Mixture {
                own: address(Looker::B),
                profile: full(Looker::A),
                named: true,
                ..Mixture::default()
            },
        ),
        (
            "the default profile and a variable",
            Mixture {
                sdk: full(Looker::B),
                profile: full(Looker::A),
                ..Mixture::default()
            },
        ),
        (
            "a named profile without an address",
            Mixture {
                sdk: full(Looker::B),
                profile: key,
                named: true,
                ..Mixture::default()
            },
        ),
        (
            "a secret without an address",
            Mixture {
                own: key,
                profile: full(Looker::A),
                named: true,
                ..Mixture::default()
            },
        ),
        (
            "the default profile and a flag",
            Mixture {
                own: address(Looker::B),
                profile: full(Looker::A),
                ..Mixture::default()
            },
        ),
        (
            "an address that overrides that of the ini",
            Mixture {
                sdk: address(Looker::B),
                ini: full(Looker::A),
                ..Mixture::default()
            },
        ),
        (
            "variables beside an ini",
            Mixture {
                own: address(Looker::B),
                sdk: key,
                ini: address(Looker::A),
                ..Mixture::default()
            },
        ),
    ]
}

#[test]
fn a_refusal_names_both_sources_and_what_to_do() {
    let mut world =
        World::new(["https://a.looker.com", "https://b.looker.com:19999"].map(str::to_owned));
    let mut said = String::new();
    for (what, mixture) in contradictions() {
        let args = world.arrange(&mixture, telling);
        writeln!(said, "-- {what}\n{}", refusal(&world, &args)).unwrap();
    }

    insta::assert_snapshot!(said, @r"
    -- a named profile and a flag
    profile `p` in `ROOT/home/.config/embedctl/config.toml` is for `a.looker.com`, but variable `EMBEDCTL_BASE_URL` names `b.looker.com`
    a secret goes only to the Looker that its own source names: give only one of the two
    -- the default profile and a variable
    profile `p` in `ROOT/home/.config/embedctl/config.toml` is for `a.looker.com`, but variable `LOOKERSDK_BASE_URL` names `b.looker.com`
    say which one you mean with `--profile`, or with `--base-url` or `EMBEDCTL_BASE_URL`
    -- a named profile without an address
    profile `p` in `ROOT/home/.config/embedctl/config.toml` names no Looker, and its secrets do not go to `b.looker.com`, which variable `LOOKERSDK_BASE_URL` names
    set `base_url` in the profile, or name the Looker with `--base-url` or `EMBEDCTL_BASE_URL`
    -- a secret without an address
    `EMBEDCTL_CLIENT_ID` names no Looker, and profile `p` in `ROOT/home/.config/embedctl/config.toml` has a value of its own
    set `EMBEDCTL_BASE_URL` too, or unset `EMBEDCTL_CLIENT_ID`
    -- the default profile and a flag
    the client id and the client secret are missing
    profile `p` in `ROOT/home/.config/embedctl/config.toml` is for `a.looker.com`, but variable `EMBEDCTL_BASE_URL` names `b.looker.com`
    give each in one of these ways:
      client id: `LOOKERSDK_CLIENT_ID`, `client_id` in `config.toml` or `looker.ini`, or `login` in `~/.netrc`
      client secret: `LOOKERSDK_CLIENT_SECRET`, `client_secret` in `config.toml` (where to get it) or `looker.ini`, or `password` in `~/.netrc`
    or try it on a local Looker: `--emulator`
    -- an address that overrides that of the ini
    the client id and the client secret are missing
    section `Looker` of `ROOT/work/looker.ini` is for `a.looker.com`, but variable `LOOKERSDK_BASE_URL` names `b.looker.com`
    give each in one of these ways:
      client id: `LOOKERSDK_CLIENT_ID`, `client_id` in `config.toml` or `looker.ini`, or `login` in `~/.netrc`
      client secret: `LOOKERSDK_CLIENT_SECRET`, `client_secret` in `config.toml` (where to get it) or `looker.ini`, or `password` in `~/.netrc`
    or try it on a local Looker: `--emulator`
    -- variables beside an ini
    the client id and the client secret are missing
    variable `LOOKERSDK_CLIENT_ID` is for `a.looker.com` (section `Looker` of `ROOT/work/looker.ini`), but variable `EMBEDCTL_BASE_URL` names `b.looker.com`
    give each in one of these ways:
      client id: `LOOKERSDK_CLIENT_ID`, `client_id` in `config.toml` or `looker.ini`, or `login` in `~/.netrc`
      client secret: `LOOKERSDK_CLIENT_SECRET`, `client_secret` in `config.toml` (where to get it) or `looker.ini`, or `password` in `~/.netrc`
    or try it on a local Looker: `--emulator`
    ");
}

#[test]
fn hosts_are_compared_without_the_port_but_on_this_machine_with_it() {
    for (one, other, is_same) in [
        ("https://a.looker.com", "https://A.looker.com:19999", true),
        ("https://a.looker.com", "https://a.looker.com.", true),
        ("https://a.looker.com", "https://b.looker.com", false),
        ("https://a.looker.com", "https://looker.com", false),
        (
            "http://127.0.0.1:4001",
            "http://127.0.0.1:4001/api/4.0",
            true,
        ),
        ("http://127.0.0.1:4001", "http://127.0.0.1:4002", false),
        ("http://localhost:80", "http://localhost", true),
        ("http://[::1]:1", "http://[::1]:2", false),
    ] {
        let mut world = World::new([one.to_owned(), other.to_owned()]);
        let mixture = Mixture {
            sdk: Gives::all(Looker::B),
            profile: Gives::all(Looker::A),
            ..Mixture::default()
        };

        let args = world.arrange(&mixture, telling);

        let settings = world.resolve(&args);
        assert_eq!(
            settings.check_consistent().is_ok(),
            is_same,
            "{one} {other}"
        );
    }
}

#[test]
fn variables_fill_what_a_profile_leaves_open_and_override_an_ini_key_by_key() {
    let mut sandbox = Sandbox::offline();
    let source = |sandbox: &Sandbox, name: &str| {
        let (system, _) = sandbox.system(Input::empty());
        let settings = Settings::resolve(&ConfigArgs::default(), &system).unwrap();
        let entries = settings.entries();
        let entry = entries.iter().find(|entry| entry.name == name).unwrap();
        entry.value.clone().unwrap_or_default()
    };
    let ini = sandbox.file(
        "looker.ini",
        "[Looker]\nbase_url = https://a\nclient_id = ini\nclient_secret = ini\n",
    );
    fs::set_permissions(&ini, fs::Permissions::from_mode(0o600)).unwrap();
    sandbox.var("LOOKERSDK_CLIENT_ID", "variable");
    let over_ini = ["client_id", "client_secret", "base_url"].map(|name| source(&sandbox, name));
    fs::remove_file(ini).unwrap();
    let config = sandbox.root().join(CONFIG);
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "default_profile = \"p\"\n[profiles.p]\nbase_url = \"https://a\"\nclient_id = \"profile\"\nverify_ssl = true\n").unwrap();
    sandbox
        .var("LOOKERSDK_VERIFY_SSL", "false")
        .var("LOOKERSDK_EMBED_HOST", "embed.a");
    let names = ["client_id", "verify_ssl", "embed_host"];
    let under_profile = names.map(|name| source(&sandbox, name));
    sandbox.var("LOOKERSDK_BASE_URL", "https://a:19999");
    let over_profile = names.map(|name| source(&sandbox, name));

    assert_eq!(over_ini, ["variable", "set", "https://a"]);
    assert_eq!(under_profile, ["profile", "true", "embed.a"]);
    assert_eq!(over_profile, ["variable", "false", "embed.a"]);
}

#[tokio::test]
async fn what_another_looker_says_of_hosts_and_certificates_does_not_count() {
    let mut world = lookers();
    let mixture = Mixture {
        sdk: Gives::all(Looker::B),
        profile: Gives::all(Looker::A),
        named: true,
        ..Mixture::default()
    };
    let args = world.arrange(&mixture, telling);
    world
        .sandbox
        .var("LOOKERSDK_VERIFY_SSL", "false")
        .var("LOOKERSDK_EMBED_HOST", "embed.b");

    let settings = world.resolve(&args);
    let shown = world
        .sandbox
        .run(&["profile", "show", "--profile", "p"])
        .await
        .done();

    assert!(settings.verify_tls());
    assert_eq!(settings.embed().unwrap().host, "127.0.0.1:4001");
    assert!(
        shown
            .err
            .contains("Not used: variable `LOOKERSDK_BASE_URL` is for `localhost:4002`"),
        "{}",
        shown.err
    );
}

#[tokio::test]
async fn a_default_profile_of_another_looker_than_the_flags_is_set_aside_whole() {
    let mut world = lookers();
    let mixture = Mixture {
        own: Gives::all(Looker::B),
        profile: Gives::all(Looker::A),
        ..Mixture::default()
    };
    let args = world.arrange(&mixture, telling);
    let config = fs::read_to_string(world.sandbox.root().join(CONFIG)).unwrap();
    world.write(
        CONFIG,
        &format!("{config}keys_to = \"dir:/run/a\"\nledger = \"/a.ledger\"\n"),
    );

    let settings = world.resolve(&args);

    assert_eq!(settings.keys_to(), None);
    assert!(
        settings
            .profiles()
            .unwrap()
            .iter()
            .all(|profile| !profile.chosen || profile.name != "p")
    );
    assert!(
        settings.ledger().unwrap().unwrap().contains("localhost"),
        "{:?}",
        settings.ledger()
    );
}

#[tokio::test]
async fn profile_show_shows_contradicting_sources_and_ends_with_the_refusal() {
    let mut world = lookers();
    let mixture = Mixture {
        sdk: Gives::all(Looker::B),
        profile: Gives::all(Looker::A),
        ..Mixture::default()
    };
    let _args = world.arrange(&mixture, telling);

    let shown = world.sandbox.run(&["profile", "show"]).await.exits(2);
    let other = world.sandbox.run(&["runs", "list"]).await.exits(2);
    let chosen = world
        .sandbox
        .run(&["profile", "show", "--profile", "p"])
        .await
        .done();

    assert!(shown.out.contains("base_url"), "{}", shown.out);
    assert!(
        shown
            .err
            .contains("variable `LOOKERSDK_BASE_URL` names `localhost:4002`"),
        "{}",
        shown.err
    );
    assert_eq!(shown.err, other.err);
    assert!(
        chosen.out.contains("https://127.0.0.1:4001"),
        "{}",
        chosen.out
    );
}
