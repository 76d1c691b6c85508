//! Signed embed URLs made and checked by the API, and URLs that log the caller itself in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::emulator::api::embed::attribute_texts;
use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::sign_url::{Ticket, signed_url};
use crate::emulator::world::World;
use crate::emulator::world::embed::{EmbedSecret, Login};
use crate::emulator::world::permissions::EMBED_PERMISSIONS;
use crate::secret::ExposeSecret as _;
use crate::signed_url::Algorithm;
use crate::signed_url::verify::{Rejection, verify};

/// The longest session, and the one of a URL that does not say; from Looker's OpenAPI description.
const MAX_SESSION_SECONDS: i64 = 2_592_000;
const SESSION_SECONDS: i64 = 300;
/// How long a URL for oneself can be used, once.
const OWN_URL_SECONDS: i64 = 300;

pub(super) const OPERATIONS: &[Service] = &[
    op("create_sso_embed_url", create).admin(),
    op("create_embed_url_as_me", create_as_me),
    op("validate_embed_url", validate).admin(),
];

/// What a signed URL is to say, from Looker's OpenAPI description.
#[derive(Deserialize)]
struct SsoBody {
    target_url: Option<String>,
    session_length: Option<i64>,
    force_logout_login: Option<bool>,
    external_user_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    user_timezone: Option<String>,
    permissions: Option<Vec<String>>,
    models: Option<Vec<String>>,
    group_ids: Option<Vec<String>>,
    external_group_id: Option<String>,
    user_attributes: Option<BTreeMap<String, Value>>,
    secret_id: Option<String>,
    embed_domain: Option<String>,
}

/// Nothing is created or checked until the URL is opened.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    check_enabled(world)?;
    let body: SsoBody = call.body()?;
    // Looker takes the path from a complete URL.
    let mut embed_path = embed_path(body.target_url.as_deref())?;
    if let Some(domain) = &body.embed_domain {
        let joint = if embed_path.contains('?') { '&' } else { '?' };
        embed_path = format!("{embed_path}{joint}embed_domain={domain}");
    }
    let login = Login {
        external_user_id: body.external_user_id.unwrap_or_default(),
        first_name: body.first_name,
        last_name: body.last_name,
        permissions: body.permissions.map(|mut permissions| {
            // The API drops what embed users may not have; a signed URL fails instead.
            permissions.retain(|name| EMBED_PERMISSIONS.contains(&name.as_str()));
            permissions
        }),
        models: body.models,
        group_ids: body.group_ids,
        external_group_id: body.external_group_id,
        user_attributes: body.user_attributes.map(attribute_texts).transpose()?,
        user_timezone: body.user_timezone,
    };
    let secret = chosen_secret(world, body.secret_id.as_deref())?;
    let nonce = world.random.hex(32);
    let ticket = Ticket {
        scheme_and_host: (call.scheme, call.host),
        embed_path: &embed_path,
        nonce: &nonce,
        time: world.now,
        session_length: session_length(body.session_length)?,
        force_logout_login: body.force_logout_login.unwrap_or(true),
    };
    let secret = world
        .embed_secrets
        .0
        .at(secret)
        .ok_or_else(Refusal::not_found)?;
    let url = signed_url(&ticket, &login, &secret.secret, secret.algorithm);
    json_answer(json!({ "url": url }))
}

/// The secret of this id, or the newest active one; where there is none, one is made, as Looker's description says.
fn chosen_secret(world: &mut World, id: Option<&str>) -> Result<u32, Refusal> {
    let signing = world.embed_secrets.signing();
    if let Some(wanted) = id {
        let mut ids = signing.map(|(id, _)| id);
        let found = ids.find(|id| id.to_string() == wanted);
        return found.ok_or_else(Refusal::not_found);
    }
    let newest = signing.map(|(id, _)| id).max();
    Ok(newest.unwrap_or_else(|| {
        world.embed_secrets.0.insert(EmbedSecret {
            secret: world.random.hex(64).into(),
            algorithm: Algorithm::Sha256,
            enabled: true,
            jwt: false,
        })
    }))
}

/// A URL that logs the caller in, once and soon.
fn create_as_me(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        target_url: Option<String>,
        session_length: Option<i64>,
    }

    check_enabled(world)?;
    let body: Body = call.body()?;
    let path = embed_path(body.target_url.as_deref())?;
    let seconds = session_length(body.session_length)?;
    let token = world.random.alphanumeric(64);
    let user = call.who()?.user;
    // The token is a login, so it is valid for a short time only.
    let until = world.now + OWN_URL_SECONDS;
    world
        .cookieless
        .own_urls
        .insert(token.clone(), (user, seconds, until));
    let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let url = format!("{}/login/embed/{path}?token={token}", call.origin());
    json_answer(json!({ "url": url }))
}

/// Check authentication only, as the page Admin > Embed does; not whether the content can be seen.
fn validate(call: &Call<'_>, world: &mut World) -> Answer {
    let url = call.query("url").ok_or_else(|| Refusal::missing("url"))?;
    check_url(call, world, url)
        .map_err(|rejection| Refusal::invalid("url", "invalid", rejection.to_string()))?;
    json_answer(json!({ "url": url }))
}

fn check_url(call: &Call<'_>, world: &mut World, url: &str) -> Result<(), Rejection> {
    let (_scheme, rest) = url.split_once("://").ok_or(Rejection::Path)?;
    let (host, rest) = rest.split_at(rest.find('/').ok_or(Rejection::Path)?);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    // The signature covers the host, so a URL for another one cannot be valid here.
    if host != call.host {
        return Err(Rejection::Host {
            given: host.to_owned(),
            expected: call.host.to_owned(),
        });
    }
    let secrets = world.embed_secrets.verifying();
    let genuine = verify(path, query, host, &secrets, world.now)?;
    if genuine.login.user_timezone.is_some() && !world.settings.allow_user_timezones {
        return Err(Rejection::TimezonesDisabled);
    }
    let nonce = genuine.nonce.expose_secret();
    // By default, validating a URL must not use it up.
    let fresh = match world.rules.switches.validate_takes_nonce {
        true => world.nonces.take(nonce, world.now),
        false => !world.nonces.is_used(nonce, world.now),
    };
    fresh.then_some(()).ok_or(Rejection::NonceReused)
}

fn check_enabled(world: &World) -> Result<(), Refusal> {
    let on = world.settings.embed_enabled && world.settings.sso_auth_enabled;
    on.then_some(()).ok_or_else(Refusal::denied)
}

fn session_length(seconds: Option<i64>) -> Result<i64, Refusal> {
    let seconds = seconds.unwrap_or(SESSION_SECONDS);
    let text = format!("'session_length' is not within 0 and {MAX_SESSION_SECONDS}.");
    (0..=MAX_SESSION_SECONDS)
        .contains(&seconds)
        .then_some(seconds)
        .ok_or_else(|| Refusal::invalid("session_length", "invalid", text))
}

/// The embed path of a page's URL: the same path below `/embed`, with its query.
fn embed_path(target: Option<&str>) -> Result<String, Refusal> {
    let target = target.ok_or_else(|| Refusal::missing("target_url"))?;
    let url = Url::parse(target).map_err(|_error| {
        Refusal::invalid("target_url", "invalid", "'target_url' is not a whole URL.")
    })?;
    let query = url.query().map(|query| format!("?{query}"));
    let path = match url.path() {
        // Looker adds `/embed` to other paths.
        path if path.starts_with("/embed/") || path == "/alive" => path.to_owned(),
        path => format!("/embed{path}"),
    };
    Ok(path + &query.unwrap_or_default())
}
