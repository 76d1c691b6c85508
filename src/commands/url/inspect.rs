//! `embedctl url inspect`: why a signed embed URL is refused.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::commands::context::CommandContext;
use crate::commands::session::{Needs, Session};
use crate::commands::url::shown;
use crate::error::{Error, Exit, Kind};
use crate::report::Format;
use crate::secret::SecretString;
use crate::signed_url::inspect::{Expected, Inspection, Pasted, inspect};
use crate::system::System;

/// Explain a signed embed URL: whether Looker accepts it, and if not, why
///
/// Works without a connection and does not use the URL up. Decodes every parameter, shows the string to sign, and searches for the
/// mistake that explains a wrong signature. A URL inside JSON, HTML, a `curl` line or a mail is taken out of it first, and that is
/// said. Exits with 0 if the URL is valid and with 1 if it is not, or if nothing of it is signed.
#[derive(clap::Args, Debug)]
pub(crate) struct UrlInspectArgs {
    /// The URL, or `-` to read URLs from standard input, one per line
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    url: Option<String>,

    /// Inspect the URLs in FILE, one per line
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,

    /// The time of the check, instead of now
    #[arg(long, value_name = "UNIX_SECONDS", allow_negative_numbers = true)]
    time: Option<i64>,

    /// Also ask Looker, if its API has a validator
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
        return inspect_all(args, &expected, None, &cx).await;
    }
    Session::within(cx, Needs::Api, async |session| {
        let setting = session.admin.setting_embed().await.ok();
        expected.permissions = session.admin.embed_permissions(setting.as_ref()).await;
        inspect_all(args, &expected, Some(session), session).await
    })
    .await
}

async fn inspect_all(
    args: &UrlInspectArgs,
    expected: &Expected,
    session: Option<&Session>,
    cx: &CommandContext,
) -> Result<Exit, Error> {
    let mut all_valid = true;
    for url in urls(args, &cx.system)? {
        let url = url.map_err(|error| Error::internal(error).context("cannot read the URLs"))?;
        if url.trim().is_empty() {
            continue;
        }
        let mut inspection = inspect(&url, expected);
        if let Some(session) = session {
            ask(session, &Pasted::in_text(&url).url, &mut inspection).await?;
        }
        all_valid &= inspection.valid == Some(true);
        match cx.ui.format() {
            Format::Json | Format::Jsonl => cx.ui.json(&inspection)?,
            Format::Table | Format::Env => cx.ui.data(&shown::text(&inspection))?,
        }
    }
    match all_valid {
        true => Ok(Exit::Done),
        false => Ok(Exit::Failed(Kind::Internal)),
    }
}

/// The URLs, as they come.
fn urls<'a>(
    args: &'a UrlInspectArgs,
    system: &System,
) -> Result<Box<dyn Iterator<Item = io::Result<String>> + 'a>, Error> {
    let lines = |input: Box<dyn Read + 'a>| Box::new(BufReader::new(input).lines());
    Ok(match (&args.batch, args.url.as_deref()) {
        (Some(file), _) if file != Path::new("-") => {
            let input = File::open(system.path(file)).map_err(|error| {
                Error::usage(error).context(format!("cannot read `{}`", file.display()))
            })?;
            lines(Box::new(input))
        }
        (Some(_), _) | (None, None | Some("-")) => lines(Box::new(system.input.clone())),
        (None, Some(url)) => Box::new(std::iter::once(Ok(url.to_owned()))),
    })
}

/// Let Looker judge too; its verdict outweighs what can be seen from here.
async fn ask(session: &Session, url: &str, inspection: &mut Inspection) -> Result<(), Error> {
    let url = SecretString::from(url.trim());
    match session.admin.validate_embed_url(&url).await {
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
