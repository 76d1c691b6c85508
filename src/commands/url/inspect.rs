//! `embedctl url inspect`: why a signed embed URL is refused.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::commands::context::CommandContext;
use crate::commands::session::{Needs, Session};
use crate::commands::url::{instance, shown, time_zone};
use crate::error::{Error, Exit, Kind};
use crate::report::Format;
use crate::signed_url::inspect::{Expected, Inspection, inspect_all};
use crate::signed_url::paste;
use crate::system::System;

/// The longest text that is searched for URLs.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Explain a signed embed URL: whether Looker accepts it, and if not, why
///
/// Works without a connection and does not use the URL up. Paste what you have: a log line, JSON, a mail, a `curl` command, a HAR
/// file, a link of a mail gateway, a copy from a document. Each signed URL in it is found, `Read as` says what was taken off or
/// undone, and the mistake that explains a wrong signature is searched for. A mistake is named only if it explains this very
/// signature. Without an embed secret everything else is checked.
///
/// Exits with 0 if nothing wrong was found, and with 1 if something was.
#[derive(clap::Args, Debug)]
pub(crate) struct UrlInspectArgs {
    /// The URL or a text that holds it, or `-` to read it from standard input
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    url: Option<String>,

    /// Inspect the URLs in FILE
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,

    /// The time of the check, instead of now, such as the time when the URL was opened
    #[arg(long, value_name = "UNIX_SECONDS", allow_negative_numbers = true)]
    time: Option<i64>,

    /// Also ask Looker: whether it accepts the URL, and has its models, groups and attributes
    #[arg(long)]
    online: bool,
}

pub(crate) async fn run(args: &UrlInspectArgs, cx: CommandContext) -> Result<Exit, Error> {
    if cx.ui.format() == Format::Env {
        return Err(
            Error::usage("a diagnosis cannot be printed as variables").hint("use `--output json`")
        );
    }
    let mut expected = Expected {
        secret: cx
            .settings
            .embed_secret()?
            .map(|secret| (secret, cx.settings.embed_algorithm())),
        other_secrets: cx.settings.other_secrets(),
        host: cx.settings.web_host(),
        now: args
            .time
            .unwrap_or_else(|| cx.system.clock.now().as_second()),
        ..Expected::default()
    };
    if cx.settings.emulator {
        let what =
            "the local Looker of `--emulator` is a fresh one, and no URL is signed with its secret";
        return Err(Error::usage(what).hint("set the embed secret that the URL is signed with"));
    }
    if !args.online {
        return tell_all(args, &expected, None, &cx).await;
    }
    Session::within(cx, Needs::Api, async |session| {
        let setting = session.admin.setting_embed().await.ok();
        expected.permissions = session.admin.embed_permissions(setting.as_ref()).await;
        tell_all(args, &expected, Some(session), session).await
    })
    .await
}

async fn tell_all(
    args: &UrlInspectArgs,
    expected: &Expected,
    session: Option<&Session>,
    cx: &CommandContext,
) -> Result<Exit, Error> {
    let text = text(args, &cx.system)?;
    let mut any_refused = false;
    for mut inspection in inspect_all(&text, expected) {
        time_zone::judge(&mut inspection);
        if let Some(session) = session {
            ask(session, &mut inspection).await?;
        }
        any_refused |= inspection.valid == Some(false);
        match cx.ui.format() {
            Format::Json | Format::Jsonl => cx.ui.json(&inspection)?,
            Format::Table | Format::Env => cx.ui.data(&shown::text(&inspection))?,
        }
    }
    match any_refused {
        false => Ok(Exit::Done),
        true => Ok(Exit::Failed(Kind::Internal)),
    }
}

/// The text with the URLs, whatever program wrote it.
fn text(args: &UrlInspectArgs, system: &System) -> Result<String, Error> {
    let all = |input: &mut dyn Read| {
        let mut bytes = Vec::new();
        match input.take(MOST_BYTES + 1).read_to_end(&mut bytes) {
            Ok(length) if length as u64 > MOST_BYTES => Err(Error::usage(format!(
                "the text is longer than {MOST_BYTES} bytes"
            ))
            .hint("keep only the lines with the URLs, as with `grep login`")),
            Ok(_) => Ok(paste::text_of(&bytes)),
            Err(error) => Err(Error::internal(error).context("cannot read the URLs")),
        }
    };
    match (&args.batch, args.url.as_deref()) {
        (Some(file), _) if file != Path::new("-") => {
            let mut input = File::open(system.path(file)).map_err(|error| {
                Error::usage(error).context(format!("cannot read `{}`", file.display()))
            })?;
            all(&mut input)
        }
        (Some(_), _) | (None, None | Some("-")) => all(&mut system.input.clone()),
        (None, Some(url)) => Ok(url.to_owned()),
    }
}

/// Let Looker judge too; its verdict outweighs what can be seen from here.
async fn ask(session: &Session, inspection: &mut Inspection) -> Result<(), Error> {
    instance::compare(&session.admin, inspection).await?;
    match session.admin.validate_embed_url(&inspection.url).await {
        Ok(answer) => {
            inspection.judged_by_looker(answer);
            Ok(())
        }
        Err(error) if error.refused_with() == Some(404) => {
            let error = Error::from(error).context("this Looker has no validator of embed URLs");
            Err(error.hint("leave `--online` out, or paste the URL at Admin > Platform > Embed"))
        }
        Err(error) => Err(error.into()),
    }
}
