//! `embedctl profile add`: write a profile into `config.toml`.

use std::sync::Arc;

use crate::commands::ask::{self, Question};
use crate::commands::context::CommandContext;
use crate::commands::session::{self, UiTrace};
use crate::config::{NewProfile, NewSecret};
use crate::error::{Error, Exit};
use crate::looker::{ApiKey, Client};

/// Add a profile to `config.toml`, after a login has shown that it works
///
/// What no flag gives is asked for. Secrets are typed without echo and stored in files that only you can read, beside
/// `config.toml`; or they stay where they are: in a variable, in a file, or in the output of a command.
#[derive(clap::Args, Debug)]
pub(crate) struct ProfileAddArgs {
    /// The name for `--profile`
    name: String,

    /// The client id of the API key
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// The location of the client secret: env:NAME, file:PATH or command:PROGRAM ARGUMENT…
    #[arg(long, value_name = "PLACE")]
    client_secret_from: Option<String>,

    /// The location of the embed secret, in the same form
    #[arg(long, value_name = "PLACE")]
    embed_secret_from: Option<String>,

    /// The embed path to fetch in order to create a user, such as `/embed/dashboards/12`
    #[arg(long, value_name = "PATH")]
    blank_dashboard: Option<String>,

    /// Make it the default profile; the first profile is the default anyway
    #[arg(long)]
    default: bool,

    /// Do not log in
    #[arg(long)]
    no_check: bool,
}

pub(crate) async fn run(args: &ProfileAddArgs, cx: &CommandContext) -> Result<Exit, Error> {
    cx.settings.check_name(&args.name)?;
    let profile = describe(args, cx).await?;
    if !args.no_check {
        check(&profile, cx).await?;
    }
    for path in cx.settings.add_profile(&profile)? {
        cx.ui.status(format!("Wrote {}", path.display()));
    }
    cx.ui.status(format!(
        "Try it with `embedctl doctor --profile {}`",
        profile.name
    ));
    Ok(Exit::Done)
}

/// The profile, from flags and answers.
async fn describe(args: &ProfileAddArgs, cx: &CommandContext) -> Result<NewProfile, Error> {
    let base_url = match cx.settings.base_url_flag() {
        Some(base_url) => base_url.clone(),
        None => {
            let question = Question::needed("base URL", "`--base-url`");
            NewProfile::base_url(&ask::text(question, cx).await?)?
        }
    };
    let client_id = match &args.client_id {
        Some(id) => id.clone(),
        None => {
            let question = Question::needed("client id", "`--client-id`");
            ask::text(question, cx).await?
        }
    };
    let question = Question::needed("client secret", "`--client-secret-from`");
    let place = args.client_secret_from.as_deref();
    let client_secret = secret(place, question, cx)
        .await?
        .ok_or_else(|| Error::internal("an answer that is needed was empty"))?;
    Ok(NewProfile {
        name: args.name.clone(),
        base_url,
        client_id,
        client_secret,
        embed_secret: embed_secret(args, cx).await?,
        embed_host: cx.settings.embed_host_flag().map(str::to_owned),
        embed_algorithm: cx.settings.embed_algorithm_flag(),
        blank_dashboard: args.blank_dashboard.clone(),
        default: args.default,
    })
}

/// The embed secret, which is optional: no question is required for it.
async fn embed_secret(
    args: &ProfileAddArgs,
    cx: &CommandContext,
) -> Result<Option<NewSecret>, Error> {
    if args.embed_secret_from.is_none() && !ask::can_ask(cx) {
        return Ok(None);
    }
    let question = Question::needed("embed secret", "`--embed-secret-from`").or("");
    secret(args.embed_secret_from.as_deref(), question, cx).await
}

async fn secret(
    place: Option<&str>,
    question: Question<'_>,
    cx: &CommandContext,
) -> Result<Option<NewSecret>, Error> {
    match place {
        Some(place) => NewSecret::at(place).map(Some),
        None => Ok(ask::secret(question, cx).await?.map(NewSecret::Typed)),
    }
}

/// Log in with the profile, and out again.
async fn check(profile: &NewProfile, cx: &CommandContext) -> Result<(), Error> {
    let access = cx.settings.access_of(profile, &cx.system)?;
    let http = session::http(&cx.settings, Arc::new(UiTrace(cx.ui.clone())), &cx.system)?;
    let key = ApiKey {
        client_id: access.client_id,
        client_secret: access.client_secret,
    };
    let client = Client::new(http, access.base_url, key);
    let start = cx.system.clock.elapsed();
    client
        .login()
        .await
        .map_err(|error| Error::from(error).context("the profile was not written"))?;
    client.logout().await?;
    cx.ui.step("logged in", cx.system.clock.elapsed() - start);
    Ok(())
}
