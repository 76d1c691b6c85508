//! `embedctl token`: a short-lived access token of an embed user.

use std::io::Read as _;

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::commands::impersonate;
use crate::commands::session::{self, Needs, Session};
use crate::error::{Error, Exit};
use crate::looker::{AccessToken, Client, Removal, User};
use crate::report::Format;
use crate::secret::SecretString;
use crate::sink;
use crate::system::System;

/// Print a short-lived access token of an embed user (sudo)
///
/// The token can do what the user can do, until it expires. It is the only token that outlives its command: log it out when it
/// is no longer needed, with `embedctl token --revoke < FILE`, where FILE contains the token.
#[derive(clap::Args, Debug)]
pub(crate) struct TokenArgs {
    /// Your own id of the user
    #[arg(required_unless_present = "revoke")]
    external_user_id: Option<String>,

    /// Log out the token on standard input instead
    #[arg(long, conflicts_with = "external_user_id")]
    revoke: bool,
}

pub(crate) async fn run(args: &TokenArgs, cx: CommandContext) -> Result<Exit, Error> {
    if args.revoke {
        return revoke(&cx).await;
    }
    if cx.settings.emulator {
        let what = "the local Looker of `--emulator` ends with the command, and the token with it";
        return Err(Error::usage(what).hint("start `embedctl emulator` and use that one"));
    }
    let id = args.external_user_id.as_deref().unwrap_or_default();
    Session::within(cx, Needs::Api, async |session| {
        let given = session.until_interrupted(give(id, session));
        given.await.map(|()| Exit::Done)
    })
    .await
}

async fn give(id: &str, session: &Session) -> Result<(), Error> {
    let (user, sudo) = impersonate::become_user(id, session).await?;
    let printed = match sudo.access_token().await {
        Ok(token) => print(id, &user, &token, session),
        Err(error) => Err(error.into()),
    };
    // If it could not be printed, no one has it: end it.
    if printed.is_err() {
        impersonate::end(&sudo, &session.ui).await;
    }
    printed
}

fn print(id: &str, user: &User, token: &AccessToken, session: &Session) -> Result<(), Error> {
    let AccessToken { token, expires_at } = token;
    let left = expires_at.map(|end| end.duration_since(session.system.clock.now()).as_secs());
    sink::show(token, |text| match session.ui.format() {
        Format::Table => {
            if let Some(minutes) = left.map(|seconds| seconds / 60) {
                session.ui.status(format!(
                    "The token is that of embed user `{id}` for {minutes} minutes; hand it back with `embedctl token --revoke`."
                ));
            }
            session.ui.data(&format!("{text}\n"))
        }
        Format::Json | Format::Jsonl => session.ui.json(&json!({
            "external_user_id": id,
            "looker_user_id": user.id,
            "access_token": text,
            "token_type": "Bearer",
            "expires_in": left,
            "expires_at": expires_at,
        })),
        Format::Env => {
            let base_url = session.admin.origin();
            let expires_at = expires_at.map(|end| end.to_string()).unwrap_or_default();
            let rows = [
                ("LOOKERSDK_BASE_URL", base_url.to_owned()),
                ("LOOKER_ACCESS_TOKEN", text.to_owned()),
                ("LOOKER_ACCESS_TOKEN_EXPIRES_AT", expires_at),
            ];
            session.ui.env(&rows, Some(text))
        }
    })
}

/// Log out a token, which requires only the token and Looker's address.
async fn revoke(cx: &CommandContext) -> Result<Exit, Error> {
    let Some(base_url) = cx.settings.base_url().cloned() else {
        // The error of the settings lists every way to give the address.
        cx.settings.looker()?;
        return Err(Error::usage("the base URL is missing"));
    };
    let token = read(&cx.system)?;
    let http = session::http(&cx.settings, session::trace(&cx.ui), &cx.system)?;
    match Client::with_token(http, base_url, token).log_out().await? {
        Removal::Accepted => cx.ui.status("The token is logged out."),
        // It has what it wants, but perhaps another token was meant, or another Looker.
        Removal::NotFound => cx.ui.warning(
            "there was nothing to revoke: Looker does not know this token, which has expired, was logged out before, or belongs to another Looker",
        ),
    }
    Ok(Exit::Done)
}

fn read(system: &System) -> Result<SecretString, Error> {
    let mut text = String::new();
    let mut input = system.input.clone();
    input
        .read_to_string(&mut text)
        .map_err(|error| Error::usage(format!("cannot read the token: {error}")))?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(Error::usage("there is no token on standard input")
            .hint("write `embedctl token --revoke < FILE`, where FILE contains only the token"));
    }
    Ok(token.into())
}
