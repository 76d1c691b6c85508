//! Cookieless embedding: sessions made and ended through the API.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, Refusal, Reply, add, json_answer};
use crate::emulator::http::call::{Call, bad_body};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::embed::{Login, LoginError};
use crate::emulator::world::permissions::EMBED_PERMISSIONS;
use crate::emulator::world::{Id, World};

/// The longest session, and the one of a login that does not say; from Looker's OpenAPI description.
const MAX_SESSION_SECONDS: i64 = 2_592_000;
const SESSION_SECONDS: i64 = 300;
/// How long an authentication token can be used, once; and how long the two others live.
const AUTHENTICATION_SECONDS: i64 = 30;
const TOKEN_SECONDS: i64 = 600;

pub(super) const OPERATIONS: &[Service] = &[
    op("acquire_embed_cookieless_session", acquire).admin(),
    op("generate_tokens_for_cookieless_session", generate).admin(),
    op("delete_embed_cookieless_session", end).admin(),
];

/// What a cookieless login asks for, from Looker's OpenAPI description.
#[derive(Deserialize)]
struct AcquireBody {
    session_length: Option<i64>,
    external_user_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    user_timezone: Option<String>,
    permissions: Option<Vec<String>>,
    models: Option<Vec<String>>,
    group_ids: Option<Vec<String>>,
    external_group_id: Option<String>,
    user_attributes: Option<BTreeMap<String, Value>>,
    embed_domain: Option<String>,
    session_reference_token: Option<String>,
}

/// Make or update the user, and begin a session; with the token of a live session, only answer with new tokens.
fn acquire(call: &Call<'_>, world: &mut World) -> Answer {
    check_enabled(world)?;
    let body: AcquireBody = call.body()?;
    let seconds = body.session_length.unwrap_or(SESSION_SECONDS);
    if !(0..=MAX_SESSION_SECONDS).contains(&seconds) {
        let text = format!("'session_length' is not within 0 and {MAX_SESSION_SECONDS}.");
        return Err(Refusal::invalid("session_length", "invalid", text));
    }
    if let Some(domain) = &body.embed_domain
        && !domain.starts_with("http")
    {
        return Err(Refusal::invalid(
            "embed_domain",
            "invalid",
            "'embed_domain' is not a URL.",
        ));
    }
    // A live session is continued: its user does not log in again, and the grants of the request are ignored.
    if let Some((reference, session)) =
        live_reference(call, world, body.session_reference_token.as_deref())
    {
        return tokens(world, &reference, session, true);
    }
    let login = login(body)?;
    let user = world.embed_login(&login).map_err(|error| refused(&error))?;
    let (session, _cookie) = world.begin_session(user, seconds, call.user_agent);
    let reference = world.random.alphanumeric(64);
    world
        .cookieless
        .references
        .insert(reference.clone(), session);
    tokens(world, &reference, session, true)
}

/// New navigation and API tokens for a live session.
fn generate(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        session_reference_token: String,
    }

    check_enabled(world)?;
    let body: Body = call.body()?;
    let live = live_reference(call, world, Some(&body.session_reference_token));
    let (reference, session) =
        live.ok_or_else(|| Refusal::new(400, "Bad Request: the session is over"))?;
    tokens(world, &reference, session, false)
}

fn end(call: &Call<'_>, world: &mut World) -> Answer {
    let reference = call.param("session_reference_token");
    let session = world.cookieless.references.remove(reference);
    let user = session
        .and_then(|id| world.sessions.at(id))
        .map(|session| session.user);
    match (user, session) {
        (Some(user), Some(session)) => {
            world.end_session(user, session);
            Ok(Reply::no_content())
        }
        _ => Err(Refusal::not_found()),
    }
}

fn check_enabled(world: &World) -> Result<(), Refusal> {
    let on = world.settings.embed_enabled && world.settings.embed_cookieless;
    let text = "The resource you're looking for could not be found";
    on.then_some(())
        .ok_or_else(|| Refusal::new(404, text).undocumented())
}

fn login(body: AcquireBody) -> Result<Login, Refusal> {
    let external_user_id = body.external_user_id.filter(|id| !id.is_empty());
    let external_user_id = external_user_id.ok_or_else(|| Refusal::missing("external_user_id"))?;
    let permissions = body.permissions.map(|mut permissions| {
        // The API drops what embed users may not have; a signed URL fails instead.
        permissions.retain(|name| EMBED_PERMISSIONS.contains(&name.as_str()));
        permissions
    });
    Ok(Login {
        external_user_id,
        first_name: body.first_name,
        last_name: body.last_name,
        permissions,
        models: body.models,
        group_ids: body.group_ids,
        external_group_id: body.external_group_id,
        user_attributes: body.user_attributes.map(attribute_texts).transpose()?,
        user_timezone: body.user_timezone,
    })
}

/// The values of user attributes as texts, as Looker keeps them.
pub(super) fn attribute_texts(
    attributes: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err(bad_body("a value of `user_attributes` is no text"))
        }
        other => Ok(other.to_string()),
    };
    let pairs = attributes.into_iter();
    pairs
        .map(|(name, value)| Ok((name, text(value)?)))
        .collect()
}

fn refused(error: &LoginError) -> Refusal {
    let status = match error {
        LoginError::AttributeType { .. } => 500,
        LoginError::Disabled => 403,
        LoginError::Invalid(_) => 422,
    };
    Refusal::new(status, error.to_string())
}

/// The session that a reference stands for, if it lives, and is that of the caller's browser.
fn live_reference(call: &Call<'_>, world: &World, reference: Option<&str>) -> Option<(String, Id)> {
    let reference = reference?;
    let id = *world.cookieless.references.get(reference)?;
    let session = world.sessions.at(id)?;
    let bound = world.rules.switches.cookieless_binds_browser;
    let own = !bound || &*session.browser == call.user_agent;
    // An expired session counts as none.
    (own && session.expires_at > world.now).then(|| (reference.to_owned(), id))
}

fn tokens(world: &mut World, reference: &str, session: Id, authenticate: bool) -> Answer {
    let live = world.sessions.at(session).ok_or_else(Refusal::not_found)?;
    let (user, left) = (live.user, live.expires_at - world.now);
    let mut shown = json!({
        "navigation_token": jwt(world, user, "navigation"),
        "navigation_token_ttl": TOKEN_SECONDS,
        "api_token": jwt(world, user, "api"),
        "api_token_ttl": TOKEN_SECONDS,
        "session_reference_token": reference,
        "session_reference_token_ttl": left,
    });
    // Only an acquired session can be entered; generated tokens continue one.
    if authenticate {
        let token = jwt(world, user, "authentication");
        let until = world.now + AUTHENTICATION_SECONDS;
        world
            .cookieless
            .authentications
            .insert(token.clone(), (session, until));
        add(&mut shown, "authentication_token", token);
        add(
            &mut shown,
            "authentication_token_ttl",
            AUTHENTICATION_SECONDS,
        );
    }
    json_answer(shown)
}

/// A token in JWT's form, whose payload names the user in `credentials`, a JSON text; so does Looker's load test tool
/// read it. The signature is random: no host application can check it.
fn jwt(world: &World, user: Id, kind: &str) -> String {
    // The nonce makes each token different, even within a second.
    let credentials =
        json!({ "user_id": user.to_string(), "type": kind, "nonce": world.random.hex(32) });
    let payload = json!({
        "iat": world.now,
        "exp": world.now + TOKEN_SECONDS,
        "credentials": credentials.to_string(),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    format!(
        "{}.{}.{}",
        part(&header),
        part(&payload),
        world.random.alphanumeric(43)
    )
}
