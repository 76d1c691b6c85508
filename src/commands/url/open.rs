//! `embedctl url open`: see in a browser what an embed user sees.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::commands::consent::{Loss, Losses};
use crate::commands::context::CommandContext;
use crate::commands::grant_args::GrantArgs;
use crate::commands::known::known;
use crate::commands::session::{Needs, Session};
use crate::commands::url::{embed_path, sign};
use crate::error::{Error, Exit, Kind};
use crate::plan::{Desired, GrantReader, Rules, login_of};
use crate::signed_url::{Grants, UrlBuffer, UrlError, nonce, refuse_id};
use crate::system::{System, files};
use crate::workflow::UserRef;

/// How long to wait for the browser to report that it cannot open the page.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sign an embed URL and open it in the browser: see what the user sees
///
/// A user that exists is shown what it has, changed by the flags only, and it is asked before the login takes a grant from it or
/// ends a session; without an API key, what the user has is not known, and it is asked in any case. A user that does not exist is
/// created, with the profile's default grants. The browser is `$BROWSER`, or the desktop's default.
#[derive(clap::Args, Debug)]
pub(crate) struct UrlOpenArgs {
    /// Your own id of the user
    external_user_id: String,

    /// The embed path, such as `/embed/dashboards/12`
    path: String,

    /// Print the URL, and open nothing
    #[arg(long)]
    print: bool,

    #[command(flatten)]
    grants: GrantArgs,
}

pub(crate) async fn run(args: &UrlOpenArgs, cx: CommandContext) -> Result<Exit, Error> {
    // Checked first, so that a typo costs no login and no question.
    let signer = sign::signer(&cx.settings)?;
    let path = embed_path(&args.path, None)?;
    refuse_id(&args.external_user_id).map_err(UrlError::UserId)?;
    let context = CommandContext::new(cx.settings.clone(), &cx.ui, &cx.system);
    let grants = match cx.settings.looker() {
        Ok(_) => {
            let work = async |session: &Session| agreed(args, session).await;
            Session::within(context, Needs::Api, work).await?
        }
        Err(_) => agreed_blindly(args, &cx).await?,
    };
    let login = grants.not_empty().login(&*args.external_user_id);
    let nonce = nonce(&cx.system.random).map_err(Error::internal)?;
    let time = cx.system.clock.now().as_second();
    let mut buffer = UrlBuffer::default();
    let url = signer.sign_into(&mut buffer, &path, &login, &nonce, time)?;
    if args.print {
        return sign::print(&cx.ui, url);
    }
    let page = write_page(url, &cx.system)
        .map_err(|error| error.context("cannot write the page that leads to the URL"))?;
    browse(&page, &cx).await?;
    cx.ui.status("Opened in the browser.");
    Ok(Exit::Done)
}

/// The grants of the login: what the user has, changed by the flags. Asks if that takes something from it.
async fn agreed(args: &UrlOpenArgs, session: &Session) -> Result<Grants, Error> {
    let (given, defaults) = (
        args.grants.grants(&session.system)?,
        session.settings.grants(),
    );
    let id = &args.external_user_id;
    let Some(user) = session.finder.find(UserRef::External(id)).await? else {
        session
            .ui
            .status(format!("There is no `{id}` yet; the login creates it."));
        return Ok(given.or(defaults));
    };
    if user.is_disabled {
        let message = format!("embed user `{id}` is disabled");
        return Err(Error::new(Kind::Conflict, message)
            .hint(format!("`embedctl users enable {id}` lets it in again")));
    }
    let known = known(&session.admin, Some(&given)).await?;
    let rules = Rules {
        defaults: defaults.clone(),
        merge: false,
        attributes: known.attributes.unwrap_or_default(),
    };
    let desired = Desired::of_grants(id.clone(), given);
    let has_sessions = !session.admin.sessions(&user.id).await?.is_empty();
    let reader = GrantReader::new(session.admin.clone(), false);
    let now = session.system.clock.now();
    let (mut change, hidden) = login_of(desired, user, &reader, &rules, now).await?;
    // Here it is known whether there are any.
    change.ends_sessions = has_sessions;
    for difference in &change.differences {
        session.ui.status(format!("Changes {difference}"));
    }
    let mut losses = Losses::default();
    losses.add_change(&change, false);
    if !hidden.is_empty() {
        let hidden: Vec<_> = hidden.into_iter().collect();
        session.ui.warning(format!(
            "Looker hides the values that `{id}` has for {}, so the login cannot repeat them; give them with `--attr`",
            hidden.join(", ")
        ));
        losses.add(id, [Loss::Grants]);
    }
    losses.confirm(session).await?;
    Ok(change.login.unwrap_or_default())
}

/// The same, if it is not known what the user has.
async fn agreed_blindly(args: &UrlOpenArgs, cx: &CommandContext) -> Result<Grants, Error> {
    cx.ui.status(
        "Without an API key it is not known what the user has; the login replaces it by the flags and the profile's grants.",
    );
    let mut losses = Losses::default();
    losses.add(&args.external_user_id, [Loss::Grants, Loss::Sessions]);
    losses.confirm(cx).await?;
    Ok(args.grants.grants(&cx.system)?.or(cx.settings.grants()))
}

/// Write a page that redirects to the URL, readable by this user only. Everyone can read the arguments of a process, so the
/// browser is given the page. It stays until the next one; the URL in it is valid once, for five minutes.
fn write_page(url: &str, system: &System) -> Result<PathBuf, Error> {
    let folder = system
        .xdg_dir("XDG_STATE_HOME", ".local/state")
        .ok_or_else(|| Error::internal("neither `XDG_STATE_HOME` nor `HOME` is set"))?;
    files::make_private_folder(&folder)?;
    let page = folder.join("open.html");
    let url = url.replace('&', "&amp;");
    let text = format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>embedctl</title><meta http-equiv=\"refresh\" content=\"0; url={url}\">\n"
    );
    files::replace(&page, text.as_bytes())?;
    Ok(page)
}

/// Pass the page to the browser, which may run on after embedctl has ended.
async fn browse(page: &Path, cx: &CommandContext) -> Result<(), Error> {
    let program = cx
        .system
        .var("BROWSER")
        .unwrap_or_else(|| opener().to_owned());
    let cannot = |why: &dyn std::fmt::Display| {
        Error::internal(why)
            .context(format!("cannot open a browser with `{program}`"))
            .hint("set `BROWSER`, or use `--print` and open the URL yourself")
    };
    let mut browser = Command::new(&program)
        .arg(page)
        .current_dir(cx.system.path(""))
        .env_clear()
        .envs(cx.system.child_env(cx.settings.secret_variables()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| cannot(&error))?;
    tokio::select! {
        ended = browser.wait() => match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(cannot(&status)),
            Err(error) => Err(cannot(&error)),
        },
        () = cx.system.clock.sleep(PATIENCE) => Ok(()),
    }
}

const fn opener() -> &'static str {
    if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    }
}
