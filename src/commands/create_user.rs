//! `embedctl create-user`: ensure one embed user exists, prove sudo, mint and deliver a key.

use std::io;

use serde_json::{Value, json};

use crate::commands::context::CommandContext;
use crate::commands::engine::{self, JobBatch, Request};
use crate::commands::grant_args::{self, GrantArgs};
use crate::commands::key_sink::{self, DeliveryArgs};
use crate::commands::minter;
use crate::commands::progress::Latest;
use crate::commands::session::{Needs, Session};
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::{Format, Ui};
use crate::signed_url::refuse_id;
use crate::sink::KeyName;
use crate::system::System;
use crate::workflow::{Found, JobSpec, KeySpec, Outcome, UserRef, UserSpec, Via};

/// The embed path that is fetched where the profile names no blank dashboard: Looker's demo application fetches it for
/// this purpose, and the user is made at the login whatever the path answers.
pub(crate) const ALIVE: &str = "/alive";

/// Ensure an embed user exists, prove sudo, mint and deliver a key
///
/// A user that exists already keeps its grants unless `--update` is given, because a new login replaces them and ends
/// its sessions. The key is either delivered or revoked, never lost: if the command is interrupted, running it again
/// continues.
#[derive(clap::Args, Debug)]
pub(crate) struct CreateUserArgs {
    /// Your own id of the user
    external_user_id: String,

    #[command(flatten)]
    grants: GrantArgs,

    /// The embed path to fetch, as in `/embed/dashboards/12`; the profile's blank dashboard, or `/alive`, by default
    #[arg(long, value_name = "PATH")]
    blank_dashboard: Option<String>,

    /// How Looker is told to make the user
    #[arg(long, value_enum, default_value_t, value_name = "METHOD")]
    via: Via,

    /// Give a user that exists these grants in place of its own
    #[arg(long)]
    update: bool,

    /// Mint no key
    #[arg(long, conflicts_with_all = ["keys_to", "key_purpose"])]
    no_key: bool,

    #[command(flatten)]
    delivery: DeliveryArgs,

    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(
    args: &CreateUserArgs,
    settings: Settings,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    refuse_id(&args.external_user_id).map_err(|why| {
        Error::usage(format!("the external user id {why}")).hint("give your own id of the user")
    })?;
    let needs = match args.via {
        Via::SignedUrl => Needs::ApiAndSigning,
        Via::Cookieless | Via::EmbedUser => Needs::Api,
    };
    let session = Session::open(CommandContext::new(settings, ui, system), needs).await?;
    let spec = match spec(args, &session.settings) {
        Ok(spec) => checked(spec, &session, ui).await,
        Err(error) => Err(error),
    };
    let ended = match spec {
        Ok(spec) if args.dry_run => dry_run(&spec, &session, ui).await,
        Ok(spec) => create(spec, args, &session, ui).await,
        Err(error) => Err(error),
    };
    session.close().await;
    ended
}

fn spec(args: &CreateUserArgs, settings: &Settings) -> Result<UserSpec, Error> {
    let given = args.blank_dashboard.as_deref();
    let target = given
        .or_else(|| settings.blank_dashboard())
        .unwrap_or(ALIVE);
    Ok(UserSpec {
        external_user_id: args.external_user_id.clone(),
        grants: args.grants.grants().or(settings.grants()),
        via: args.via,
        target: target.to_owned(),
        update: args.update,
        verify: true,
        key: (!args.no_key).then(|| KeySpec {
            purpose: args.delivery.key_purpose.clone(),
            ensure: false,
        }),
        planned: Box::default(),
    })
}

/// The same, unless the instance has not what it names.
async fn checked(spec: UserSpec, session: &Session, ui: &Ui) -> Result<UserSpec, Error> {
    let of = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let permissions = of(&spec.grants.permissions);
    let in_groups = !of(&spec.grants.group_ids).is_empty();
    grant_args::check_permissions(&permissions, in_groups, &session.admin, ui).await?;
    Ok(spec)
}

async fn create(
    spec: UserSpec,
    args: &CreateUserArgs,
    session: &Session,
    ui: &Ui,
) -> Result<Exit, Error> {
    let latest = Latest::default();
    let keys_to = key_sink::choose(args.delivery.keys_to.as_deref(), &session.settings);
    let sink = match &spec.key {
        Some(_) => Some(key_sink::open(&keys_to, printer(ui, &latest), session).await?),
        None => None,
    };
    let work = JobBatch {
        command: "create-user",
        request: Request {
            keys_to: sink.as_ref().map(|_| keys_to.clone()),
        },
        specs: vec![JobSpec::CreateUser(spec)],
        sink,
        latest,
    };
    let found = engine::begin_one(work, session).await?;
    for warning in found.notes() {
        ui.warning(warning);
    }
    if !key_sink::has_printed(&keys_to, &found) {
        print(ui, session.admin.origin(), &found, None)?;
    }
    Ok(Exit::Done)
}

/// What writes the result, secret included, when the key goes to standard output.
fn printer(
    ui: &Ui,
    latest: &Latest,
) -> impl Fn(&KeyName, &str) -> io::Result<()> + Send + Sync + 'static {
    let (ui, latest) = (ui.clone(), latest.clone());
    move |key, secret| {
        let found = latest.found(&key.looker_user_id);
        print(&ui, &key.base_url, &found, Some(secret)).map_err(io::Error::other)
    }
}

/// Write the result in the form that was asked for; `secret` only where standard output is the sink.
pub(crate) fn print(
    ui: &Ui,
    base_url: &str,
    found: &Found,
    secret: Option<&str>,
) -> Result<(), Error> {
    match ui.format() {
        Format::Json | Format::Jsonl => ui.json(&result_json(found, secret)),
        Format::Env => key_sink::print_env(ui, base_url, found.key.as_ref(), secret),
        Format::Table => ui.fields(&result_rows(found, secret)),
    }
}

pub(crate) fn result_json(found: &Found, secret: Option<&str>) -> Value {
    json!({
        "external_user_id": found.external_user_id,
        "looker_user_id": found.looker_user_id,
        "outcome": found.outcome.map(Outcome::word),
        "via": found.via,
        "sudo_verified": found.sudo_verified,
        "key": found.key.as_ref().map(|key| key_sink::key_json(key, secret)),
        "reconciled": found.reconciled,
        "warnings": found.warnings,
    })
}

fn result_rows(found: &Found, secret: Option<&str>) -> Vec<(&'static str, String)> {
    let outcome = found.outcome.map(Outcome::word).unwrap_or_default();
    let mut rows = vec![
        ("external_user_id", found.external_user_id.clone()),
        (
            "looker_user_id",
            found.looker_user_id.clone().unwrap_or_default(),
        ),
        ("outcome", outcome.to_owned()),
    ];
    if let Some(key) = &found.key {
        rows.extend(key_sink::key_rows(key, secret));
    }
    rows
}

async fn dry_run(spec: &UserSpec, session: &Session, ui: &Ui) -> Result<Exit, Error> {
    let asked = UserRef::External(&spec.external_user_id);
    let user = session.finder.find(asked).await?;
    let outcome = match (&user, spec.update) {
        (None, _) => Outcome::Created,
        (Some(_), true) => Outcome::Updated,
        (Some(_), false) => Outcome::Unchanged,
    };
    let looker_user_id = user.map(|user| user.id);
    if matches!(ui.format(), Format::Json | Format::Jsonl) {
        ui.json(&json!({
            "dry_run": true,
            "external_user_id": spec.external_user_id,
            "looker_user_id": looker_user_id,
            "outcome": outcome.word(),
            "via": spec.via,
            "mints_key": spec.key.is_some(),
            "keys_by": session.keys.minter().word(),
            "grants": spec.grants,
        }))?;
        return Ok(Exit::Done);
    }
    let id = &spec.external_user_id;
    let via = spec.via;
    let mut text = match outcome {
        Outcome::Created => format!("Would create embed user `{id}` via {via}.\n"),
        Outcome::Updated => {
            format!("Would give embed user `{id}` new grants via {via}, which ends its sessions.\n")
        }
        Outcome::Unchanged => format!("Would leave the grants of embed user `{id}` as they are.\n"),
    };
    if spec.key.is_some() {
        text.push_str("Would mint a key and deliver its secret.\n");
        text.extend([minter::sentence(session), "\n"]);
    }
    ui.data(&text)?;
    Ok(Exit::Done)
}
