//! `embedctl create-user`: ensure one embed user exists, verify sudo, mint and deliver a key.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::commands::grant_args::{self, GrantArgs};
use crate::commands::key_sink::{self, DeliveryArgs};
use crate::commands::minter;
use crate::commands::results::Results;
use crate::commands::session::{Needs, Session};
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::{Format, Ui};
use crate::signed_url::refuse_id;
use crate::system::System;
use crate::workflow::{JobSpec, KeySpec, Outcome, UserRef, UserSpec, Via};

/// The embed path to fetch if the profile has no blank dashboard: Looker's demo application fetches it for this purpose, and
/// the login creates the user whatever the path answers.
pub(crate) const ALIVE: &str = "/alive";

/// Ensure an embed user exists, verify sudo, mint and deliver a key
///
/// An existing user keeps its grants unless `--update` is given, because a new login replaces them and ends its sessions. The
/// key is either delivered or revoked, never lost: if the command is interrupted, running it again continues.
#[derive(clap::Args, Debug)]
pub(crate) struct CreateUserArgs {
    /// Your own id of the user
    external_user_id: String,

    #[command(flatten)]
    grants: GrantArgs,

    /// The embed path to fetch, such as `/embed/dashboards/12`; default: the profile's blank dashboard, or `/alive`
    #[arg(long, value_name = "PATH")]
    blank_dashboard: Option<String>,

    /// How Looker is made to create the user
    #[arg(long, value_enum, default_value_t, value_name = "METHOD")]
    via: Via,

    /// Give an existing user these grants instead of its own
    #[arg(long)]
    update: bool,

    /// Do not mint a key
    #[arg(long, conflicts_with_all = ["keys_to", "key_purpose"])]
    no_key: bool,

    #[command(flatten)]
    delivery: DeliveryArgs,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(
    args: &CreateUserArgs,
    settings: Settings,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    // Checked before the session, so that a typo costs no login.
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
    // The flag wins over the profile.
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
        // A single user is always verified; only `apply` samples.
        verify: true,
        key: (!args.no_key).then(|| KeySpec {
            purpose: args.delivery.key_purpose.clone(),
            ensure: false,
        }),
        planned: Box::default(),
    })
}

/// The same, unless it names something that the instance lacks.
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
    let keys_to = key_sink::choose(args.delivery.keys_to.as_deref(), &session.settings);
    let results = Results::new(ui, session.admin.origin(), &keys_to, false)?;
    let mints = spec.key.is_some();
    let specs = vec![JobSpec::CreateUser(spec)];
    results.run("create-user", specs, mints, session).await
}

async fn dry_run(spec: &UserSpec, session: &Session, ui: &Ui) -> Result<Exit, Error> {
    let asked = UserRef::External(&spec.external_user_id);
    // A dry run only looks the user up.
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
