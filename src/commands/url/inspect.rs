//! `embedctl url inspect`: why a signed embed URL is refused.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::commands::session::{Needs, Session};
use crate::commands::url::shown;
use crate::config::Settings;
use crate::error::{Error, Exit, Kind};
use crate::report::{Format, Ui};
use crate::secret::SecretString;
use crate::signed_url::inspect::{Expected, Inspection, inspect};
use crate::system::System;

/// Explain a signed embed URL: whether Looker takes it, and if not, why
///
/// Works without a connection and uses nothing up. Decodes every parameter, shows the string to sign, and looks for the
/// mistake that makes exactly this signature. Exits with 0 if the URL is valid and with 1 if it is not.
#[derive(clap::Args, Debug)]
pub(crate) struct UrlInspectArgs {
    /// The URL, or `-` to read URLs from standard input, one a line
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    url: Option<String>,

    /// Inspect the URLs in FILE, one a line
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,

    /// The time to judge at, in place of now
    #[arg(long, value_name = "UNIX_SECONDS", allow_negative_numbers = true)]
    time: Option<i64>,

    /// Ask Looker too, if its API has a validator
    #[arg(long)]
    online: bool,
}

pub(crate) async fn run(
    args: &UrlInspectArgs,
    settings: Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    if ui.format() == Format::Env {
        return Err(
            Error::usage("a diagnosis has no form as variables").hint("use `--output json`")
        );
    }
    let mut expected = Expected {
        secret: settings
            .embed_secret()?
            .map(|secret| (secret, settings.embed_algorithm())),
        host: settings.web_host(),
        now: args.time.unwrap_or_else(|| system.clock.now().as_second()),
        ..Expected::default()
    };
    if settings.emulator {
        let what =
            "the local Looker of `--emulator` is a fresh one, and no URL is signed with its secret";
        return Err(Error::usage(what).hint("set the embed secret that the URL is signed with"));
    }
    let session = match args.online {
        true => Some(Session::open(settings, Needs::Api, ui, system).await?),
        false => None,
    };
    if let Some(session) = &session {
        let setting = session.admin.setting_embed().await.ok();
        expected.permissions = session.admin.embed_permissions(setting.as_ref()).await;
    }
    let result = inspect_all(args, &expected, session.as_ref(), ui, system).await;
    if let Some(session) = session {
        session.close(ui).await;
    }
    result
}

async fn inspect_all(
    args: &UrlInspectArgs,
    expected: &Expected,
    session: Option<&Session>,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    let mut all_valid = true;
    for url in urls(args, system)? {
        let url = url.map_err(|error| Error::internal(error).context("cannot read the URLs"))?;
        if url.trim().is_empty() {
            continue;
        }
        let mut inspection = inspect(&url, expected);
        if let Some(session) = session {
            ask(session, &url, &mut inspection).await?;
        }
        all_valid &= inspection.valid;
        match ui.format() {
            Format::Json | Format::Jsonl => ui.json(&inspection)?,
            Format::Table | Format::Env => ui.data(&shown::text(&inspection))?,
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
    system: &'a mut System,
) -> Result<Box<dyn Iterator<Item = io::Result<String>> + 'a>, Error> {
    let lines = |input: Box<dyn Read + 'a>| Box::new(BufReader::new(input).lines());
    Ok(match (&args.batch, args.url.as_deref()) {
        (Some(file), _) if file != Path::new("-") => {
            let input = File::open(system.path(file)).map_err(|error| {
                Error::usage(error).context(format!("cannot read `{}`", file.display()))
            })?;
            lines(Box::new(input))
        }
        (Some(_), _) | (None, None | Some("-")) => lines(Box::new(&mut system.input)),
        (None, Some(url)) => Box::new(std::iter::once(Ok(url.to_owned()))),
    })
}

/// Let Looker judge too; what it says outweighs what can be seen from here.
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
