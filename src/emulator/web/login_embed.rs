//! `/login/embed/…`: a signed URL logs an embed user in, and creates it if it is new.

use crate::emulator::http::answer::{Answer, Refusal, Reply};
use crate::emulator::http::page::plain;
use crate::emulator::log::Log;
use crate::emulator::web::{WebCall, tokens, welcome};
use crate::emulator::world::World;
use crate::emulator::world::embed::{Login, LoginError};
use crate::secret::ExposeSecret as _;
use crate::signed_url::verify::{Rejection, VerifiedLogin, verify};

/// Log the user of a signed URL in and lead it to the embed path, or refuse as Looker does.
pub(super) fn answer(call: &WebCall<'_>, world: &mut World, log: &mut Log) -> Answer {
    match log_in(call, world) {
        Ok(reply) => Ok(reply),
        Err(refused) => {
            log.refused_login(refused.to_string());
            refused.answer(world)
        }
    }
}

/// Why a signed URL is refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    Url(Rejection),
    #[error(transparent)]
    Login(LoginError),
    #[error("embedding is not enabled")]
    EmbeddingOff,
    #[error("{0}")]
    Token(&'static str),
    #[error("neither permissions nor models nor groups")]
    NoGrants,
}

impl Refused {
    fn answer(&self, world: &World) -> Answer {
        match self {
            Self::Url(Rejection::LowercasePath | Rejection::Path) => Err(Refusal::not_found()),
            Self::Url(Rejection::PathTooLong(_) | Rejection::QueryTooLong(_))
            | Self::Login(LoginError::AttributeType { .. }) => {
                Err(Refusal::new(500, "An error has occurred.").undocumented())
            }
            _ if world.rules.switches.refused_login_redirects => {
                Ok(Reply::found("/login".to_owned()))
            }
            _ => {
                let text = "Single sign on failure. Please contact an administrator.";
                let mut reply = plain("Looker", text, &[])?;
                reply.status = 401;
                Ok(reply)
            }
        }
    }
}

fn log_in(call: &WebCall<'_>, world: &mut World) -> Result<Reply, Refused> {
    if !world.settings.embed_enabled || !world.settings.sso_auth_enabled {
        return Err(Refused::EmbeddingOff);
    }
    if let Some(reply) = tokens::log_in(call, world) {
        return reply.map_err(Refused::Token);
    }
    let genuine = check(call, world).map_err(Refused::Url)?;
    if !world.nonces.take(genuine.nonce.expose_secret(), world.now) {
        return Err(Refused::Url(Rejection::NonceReused));
    }
    let login = Login {
        external_user_id: genuine.login.external_user_id,
        first_name: genuine.login.first_name,
        last_name: genuine.login.last_name,
        permissions: genuine.login.permissions,
        models: genuine.login.models,
        group_ids: genuine.login.group_ids,
        external_group_id: genuine.login.external_group_id,
        user_attributes: genuine.login.user_attributes,
        user_timezone: genuine.login.user_timezone,
    };
    let null_grants = login.permissions.is_none() && login.models.is_none();
    if null_grants && !world.rules.switches.null_grants_pass {
        return Err(Refused::NoGrants);
    }
    let user = world.embed_login(&login).map_err(Refused::Login)?;
    let seconds = i64::from(genuine.login.session_length);
    let (_, cookie) = world.begin_session(user, seconds, call.user_agent);
    Ok(welcome(world, &genuine.embed_path, &cookie, seconds))
}

/// What a URL says, if one of the secrets signed it.
fn check(call: &WebCall<'_>, world: &World) -> Result<VerifiedLogin, Rejection> {
    let secrets = world.embed_secrets.verifying();
    let host = call.embed_host.unwrap_or(call.host);
    verify(call.path, call.query, host, &secrets, world.now)
}
