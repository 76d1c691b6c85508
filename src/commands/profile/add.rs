//! `embedctl profile add`: write a profile into `config.toml`.

use url::Url;

use crate::commands::ask::{self, Question};
use crate::commands::context::CommandContext;
use crate::commands::profile::check::{self, Trouble};
use crate::config::{NewProfile, NewSecret};
use crate::error::{Error, Exit};

/// The meaning of an empty answer to a question that is asked again.
const KEEP: &str = "keeps what was typed";

/// Add a profile to `config.toml`, after both secrets have been checked
///
/// What no flag gives is asked for, and asked again if the answer is wrong. Secrets are typed without echo and stored in files
/// that only you can read, beside `config.toml`; or they stay where they are: in a variable, in a file, or in the output of a
/// command. The API key logs in, and Looker's validator is asked whether it accepts what the embed secret signs.
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

    /// Do not check the secrets
    #[arg(long)]
    no_check: bool,
}

pub(crate) async fn run(args: &ProfileAddArgs, cx: &CommandContext) -> Result<Exit, Error> {
    // Before anything is typed: it would be lost.
    cx.settings.check_addable(&args.name, args.default)?;
    let mut profile = describe(args, cx).await?;
    if !args.no_check {
        check_all(args, &mut profile, cx).await?;
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
        Some(base_url) => cx.settings.typed_base_url(base_url.as_str(), true)?,
        None => base_url(None, cx).await?,
    };
    let client_id = match &args.client_id {
        Some(id) => id.clone(),
        None => client_id(None, cx).await?,
    };
    let question = Question::needed("client secret", "`--client-secret-from`");
    let client_secret = secret(args.client_secret_from.as_deref(), question, cx)
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

/// Ask for the base URL until one is given that secrets can be sent to.
async fn base_url(before: Option<&Url>, cx: &CommandContext) -> Result<Url, Error> {
    let mut question = Question::needed("base URL", "`--base-url`");
    let before = before.map(|url| url.as_str().trim_end_matches('/'));
    if let Some(before) = before {
        question = question.or(before);
    }
    loop {
        match cx
            .settings
            .typed_base_url(&ask::text(question, cx).await?, false)
        {
            Ok(url) => return Ok(url),
            Err(error) => say(&error, cx),
        }
    }
}

async fn client_id(before: Option<&str>, cx: &CommandContext) -> Result<String, Error> {
    let mut question = Question::needed("client id", "`--client-id`");
    if let Some(before) = before {
        question = question.or(before);
    }
    ask::text(question, cx).await
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
    let Some(place) = place else {
        return Ok(ask::secret(question, cx).await?.map(NewSecret::Typed));
    };
    let (secret, note) = cx.settings.typed_place(place, &cx.system)?;
    if let Some(note) = note {
        cx.ui.status(note);
    }
    Ok(Some(secret))
}

/// Check both secrets. What was typed wrong is asked for again; whoever wants to keep it can.
async fn check_all(
    args: &ProfileAddArgs,
    profile: &mut NewProfile,
    cx: &CommandContext,
) -> Result<(), Error> {
    loop {
        let Err((trouble, error)) = check::both(profile, cx).await else {
            return Ok(());
        };
        let not_written = |error: Error| error.context("the profile was not written");
        if !ask::can_ask(cx) {
            return Err(not_written(error));
        }
        say(&error, cx);
        match ask_again(trouble, args, profile, cx).await {
            Ok(true) => {}
            Ok(false) if keep(cx).await? => return Ok(()),
            Ok(false) => return Err(not_written(error)),
            Err(end) if ask::is_end(&end) => return Err(not_written(error)),
            Err(left) => return Err(left),
        }
    }
}

/// Ask again for what may be the cause; returns whether anything else was typed.
async fn ask_again(
    trouble: Trouble,
    args: &ProfileAddArgs,
    profile: &mut NewProfile,
    cx: &CommandContext,
) -> Result<bool, Error> {
    let mut changed = false;
    match trouble {
        Trouble::Reaching if cx.settings.base_url_flag().is_none() => {
            let url = base_url(Some(&profile.base_url), cx).await?;
            changed = url != profile.base_url;
            profile.base_url = url;
        }
        Trouble::Reaching => {}
        Trouble::ApiKey => {
            if args.client_id.is_none() {
                let id = client_id(Some(&profile.client_id), cx).await?;
                changed = id != profile.client_id;
                profile.client_id = id;
            }
            if args.client_secret_from.is_none() {
                let question = Question::needed("client secret", "").or(KEEP);
                if let Some(typed) = ask::secret(question, cx).await? {
                    profile.client_secret = NewSecret::Typed(typed);
                    changed = true;
                }
            }
        }
        Trouble::EmbedSecret if args.embed_secret_from.is_none() => {
            let question = Question::needed("embed secret", "").or(KEEP);
            if let Some(typed) = ask::secret(question, cx).await? {
                profile.embed_secret = Some(NewSecret::Typed(typed));
                changed = true;
            }
        }
        Trouble::EmbedSecret => {}
    }
    Ok(changed)
}

/// Whether the operator wants the profile as it is.
async fn keep(cx: &CommandContext) -> Result<bool, Error> {
    cx.ui.prompt("write the profile as it is? [y/N]");
    let answer = ask::line(cx).await?.unwrap_or_default();
    let answer = answer.trim().to_ascii_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

fn say(error: &Error, cx: &CommandContext) {
    let causes: String = error.causes().map(|cause| format!(": {cause}")).collect();
    cx.ui.warning(format!("{}{causes}", error.message()));
    if let Some(advice) = error.advice() {
        cx.ui.hint(advice);
    }
}
