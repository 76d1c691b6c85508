//! `embedctl create-user`: ensure one embed user exists, verify sudo, mint and deliver a key.

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::consent::{Loss, Losses};
use crate::commands::context::CommandContext;
use crate::commands::engine;
use crate::commands::grant_args::GrantArgs;
use crate::commands::key_sink::DeliveryArgs;
use crate::commands::keys_to::KeysTo;
use crate::commands::known::known;
use crate::commands::minter;
use crate::commands::results::Results;
use crate::commands::session::{Needs, Session};
use crate::config::Settings;
use crate::error::{Error, Exit, Kind};
use crate::looker::User;
use crate::manifest::{self, Item, Known, rows};
use crate::plan::{Action, Desired, GrantReader, Planned, Row, Rules, decide_one};
use crate::report::{Format, Ui, escape_control};
use crate::signed_url::{Grants, refuse_id};
use crate::system::System;
use crate::workflow::{Extra, JobSpec, KeySpec, Outcome, UserRef, UserSpec, Via, case_warning};

/// Ensure an embed user exists, verify sudo, mint and deliver a key
///
/// A user that exists already is left as it is unless `--update` is given; what differs from the flags is said. With
/// `--update`, what the flags name is changed and everything else is kept: the profile's default grants are for new users
/// only. The key is either delivered or revoked, never lost: if the command is interrupted, running it again continues.
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

    /// Change a user that exists: what the flags name, and nothing else
    #[arg(long)]
    update: bool,

    /// Add to the lists of a user that exists, and take nothing from them
    #[arg(long, requires = "update")]
    merge: bool,

    /// When a key is minted
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    key: KeyPolicy,

    /// Mint no key; the same as `--key none`
    #[arg(long, conflicts_with_all = ["keys_to", "key_purpose", "key"])]
    no_key: bool,

    #[command(flatten)]
    delivery: DeliveryArgs,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// When a key is minted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
enum KeyPolicy {
    /// If the user has no key of embedctl's that was delivered
    #[default]
    Ensure,
    /// Whatever keys the user has
    New,
    /// In place of embedctl's keys of the user
    Rotate,
    /// Never
    None,
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
    let ended = match Box::pin(prepare(args, &session)).await {
        Ok(wanted) if args.dry_run => dry_run(&wanted, &session),
        Ok(wanted) => match wanted.losses.confirm(&session).await {
            Ok(()) => create(wanted, args, &session).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    session.close().await;
    ended
}

/// What is done, and what was decided on if the user was looked up first.
struct Wanted {
    spec: UserSpec,
    planned: Option<Planned>,
    /// What was asked for, if the job depends on what was there.
    asked: Option<Value>,
    /// What it takes from a user that exists.
    losses: Losses,
}

/// Check what the flags name, and decide what is done.
async fn prepare(args: &CreateUserArgs, session: &Session) -> Result<Wanted, Error> {
    let (grants, known) = checked(args, session).await?;
    let names_grants = grants != Grants::default();
    let spec = spec(args, grants.clone().or(session.settings.grants()), session);
    let mut wanted = Wanted {
        spec,
        planned: None,
        asked: None,
        losses: Losses::default(),
    };
    let rotates = args.key() == KeyPolicy::Rotate;
    // A user of whom no flag names a grant is left alone if it exists, and its job finds out by itself.
    if !args.update && !names_grants && !rotates && !args.dry_run {
        return Ok(wanted);
    }
    let asked = UserRef::External(&args.external_user_id);
    let user = session.finder.find(asked).await?;
    let exists = user.is_some();
    let keys = user.as_ref().map(|user| user.credentials_api3.as_deref());
    let has_keys = keys.is_some_and(|keys| keys.is_none_or(|keys| !keys.is_empty()));
    // Otherwise the job says it.
    if !exists && args.dry_run {
        let id = &args.external_user_id;
        if let Some(other) = session.finder.case_variant(id).await? {
            session.ui.warning(case_warning(id, &other));
        }
    }
    let planned = decide(args, grants.clone(), user, (&known, session)).await?;
    if let (true, true, Some(why)) = (exists, args.update, &planned.change.refused) {
        return Err(why.error().with_kind(Kind::Conflict));
    }
    if args.update {
        // Of a user that was not there too: once a killed run has created it, the same command decides otherwise.
        wanted.asked = Some(json!({ "grants": grants, "merge": args.merge, "key": args.key() }));
    }
    if exists && args.update {
        let change = &planned.change;
        let named = || grants.clone();
        wanted.spec.grants = change.login.clone().unwrap_or_else(named);
        wanted.spec.planned.no_login = change.login.is_none();
        wanted.spec.planned.edits = change.edits.clone();
    } else if exists {
        tell_differences(&planned, &session.ui);
    }
    if args.update {
        wanted.losses.add_change(&planned.change, false);
    }
    if rotates && has_keys {
        wanted.losses.add(&args.external_user_id, [Loss::Keys]);
    }
    wanted.planned = Some(planned);
    Ok(wanted)
}

/// A user that exists is left as it is; say in what it is not as the flags name it.
fn tell_differences(planned: &Planned, ui: &Ui) {
    let change = &planned.change;
    let id = &change.external_user_id;
    if let Some(why) = &change.refused {
        ui.warning(format!(
            "`{id}` is left as it is, and was not compared: {}",
            why.reason
        ));
    }
    let differences: Vec<String> = change.differences.iter().map(ToString::to_string).collect();
    if !differences.is_empty() {
        ui.warning(format!(
            "`{id}` exists and is left as it is, although it differs ({}); `--update` changes it",
            differences.join("; ")
        ));
    }
}

async fn decide(
    args: &CreateUserArgs,
    grants: Grants,
    user: Option<User>,
    (known, session): (&Known, &Session),
) -> Result<Planned, Error> {
    let rules = Rules {
        defaults: session.settings.grants().clone(),
        merge: args.merge,
        attributes: known.attributes.clone().unwrap_or_default(),
    };
    let desired = Desired::of_grants(args.external_user_id.clone(), grants);
    // What another Looker's ledger knows of a user with this number is about another person.
    let ledger = engine::ledger_of(session).await?;
    let reader = GrantReader::new(session.admin.clone(), false);
    let now = session.system.clock.now();
    decide_one(desired, user, (reader, ledger), rules, now).await
}

fn spec(args: &CreateUserArgs, grants: Grants, session: &Session) -> UserSpec {
    let target = session
        .settings
        .creation_path(args.blank_dashboard.as_deref());
    let policy = args.key();
    UserSpec {
        external_user_id: args.external_user_id.clone(),
        grants,
        via: args.via,
        target: target.to_owned(),
        update: args.update,
        // A single user is always verified; only `apply` samples.
        verify: true,
        key: (policy != KeyPolicy::None).then(|| KeySpec {
            purpose: args.delivery.key_purpose.clone(),
            ensure: policy == KeyPolicy::Ensure,
        }),
        planned: Box::new(Extra {
            rotate: policy == KeyPolicy::Rotate,
            ..Extra::default()
        }),
    }
}

impl CreateUserArgs {
    fn key(&self) -> KeyPolicy {
        match self.no_key {
            true => KeyPolicy::None,
            false => self.key,
        }
    }
}

/// The grants that the flags name, checked as a manifest of one row is, with groups by their ids; and what they were checked
/// against.
async fn checked(args: &CreateUserArgs, session: &Session) -> Result<(Grants, Arc<Known>), Error> {
    let grants = args.grants.grants(&session.system)?;
    let effective = grants.clone().or(session.settings.grants());
    let known = Arc::new(known(&session.admin, Some(&effective)).await?);
    let row = Row {
        external_user_id: args.external_user_id.clone(),
        grants: Grants {
            session_length: None,
            ..effective
        },
        ..Row::default()
    };
    let text = serde_json::to_string(&row).map_err(Error::internal)?;
    let items = rows(
        io::Cursor::new(text),
        manifest::Format::Jsonl,
        Some(Arc::clone(&known)),
    );
    let mut problems = Vec::new();
    for item in items {
        match item {
            Item::Row(_) => {}
            Item::Problem(problem) => problems.push(problem.message),
            Item::Warning(warning) => session.ui.warning(warning.message),
        }
    }
    match problems.is_empty() {
        true => Ok((known.by_id(grants), known)),
        false => Err(Error::usage(problems.join("; ")).hint("nothing was done")),
    }
}

async fn create(wanted: Wanted, args: &CreateUserArgs, session: &Session) -> Result<Exit, Error> {
    let keys_to = Some(KeysTo::choose(&args.delivery.sinks, &session.settings));
    let base_url = session.admin.origin();
    let results = Results::new(&session.ui, base_url, keys_to, false)?.asked(wanted.asked);
    let mints = wanted.spec.key.is_some();
    let specs = vec![JobSpec::CreateUser(wanted.spec)];
    let exit = results.run("create-user", specs, mints, session).await?;
    let ids = session.finder.ids();
    if !ids.listed.is_empty() && !ids.are_all {
        let note =
            "not compared with the ids of all users: whether it differs only by case from one";
        session.ui.detail(1, note);
    }
    Ok(exit)
}

fn dry_run(wanted: &Wanted, session: &Session) -> Result<Exit, Error> {
    let (spec, ui) = (&wanted.spec, &session.ui);
    let Some(Planned { change, .. }) = &wanted.planned else {
        return Err(Error::internal("a dry run looks the user up"));
    };
    let exists = change.looker_user_id.is_some();
    let is_changed = exists && spec.update && change.action != Action::Unchanged;
    let outcome = match (exists, is_changed) {
        (false, _) => Outcome::Created,
        (true, true) => Outcome::Updated,
        (true, false) => Outcome::Unchanged,
    };
    if matches!(ui.format(), Format::Json | Format::Jsonl) {
        ui.json(&json!({
            "dry_run": true,
            "external_user_id": spec.external_user_id,
            "looker_user_id": change.looker_user_id,
            "outcome": outcome.word(),
            "via": spec.via,
            "mints_key": spec.key.is_some(),
            "keys_by": session.keys.minter().word(),
            "grants": spec.grants,
            "changes": change.differences,
            "carried": change.carried,
            "ends_sessions": is_changed && change.ends_sessions,
        }))?;
        return Ok(Exit::Done);
    }
    let id = &spec.external_user_id;
    let via = spec.via;
    let mut text = match outcome {
        Outcome::Created => format!("Would create embed user `{id}` via {via}:\n{change}\n"),
        Outcome::Updated => format!("Would change embed user `{id}`:\n{change}\n"),
        Outcome::Unchanged => format!("Would leave the grants of embed user `{id}` as they are.\n"),
    };
    if let Some(key) = &spec.key {
        text.push_str(match key.ensure {
            true if exists => {
                "Would mint a key and deliver its secret if the user has none of embedctl's.\n"
            }
            _ => "Would mint a key and deliver its secret.\n",
        });
        text.extend([minter::sentence(session), "\n"]);
    }
    ui.data(&escape_control(&text))?;
    Ok(Exit::Done)
}
