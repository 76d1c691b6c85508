//! The secrets that sign embed URLs.

use serde::Deserialize;
use serde_json::json;

use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::embed::EmbedSecret;
use crate::emulator::world::{World, id_text};
use crate::signed_url::Algorithm;

pub(super) const OPERATIONS: &[Service] = &[
    op("create_embed_secret", create).admin(),
    op("delete_embed_secret", remove).admin(),
];

/// A new secret; the only answer that shows it. SHA-256 unless told otherwise.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        algorithm: Option<String>,
        enabled: Option<bool>,
        secret_type: Option<String>,
    }

    if !world.settings.embed_enabled {
        return Err(Refusal::denied());
    }
    let body: Body = call.body()?;
    let algorithm = match body.algorithm.as_deref() {
        None | Some("hmac/sha-256") => Algorithm::Sha256,
        Some("hmac/sha-1") => Algorithm::Sha1,
        Some(_) => {
            let text = "'algorithm' is 'hmac/sha-256' or 'hmac/sha-1'.";
            return Err(Refusal::invalid("algorithm", "invalid", text));
        }
    };
    let jwt = match body.secret_type.as_deref() {
        None | Some("SSO") => false,
        Some("JWT") => true,
        Some(_) => {
            let text = "'secret_type' is 'SSO' or 'JWT'.";
            return Err(Refusal::invalid("secret_type", "invalid", text));
        }
    };
    let secret = world.random.hex(64);
    let enabled = body.enabled.unwrap_or(true);
    let user = call.who()?.user;
    let id = world.embed_secrets.0.insert(EmbedSecret {
        secret: secret.as_str().into(),
        algorithm,
        enabled,
        jwt,
    });
    json_answer(json!({
        "id": id_text(id),
        "algorithm": algorithm_name(algorithm),
        "created_at": world.time(world.now),
        "enabled": enabled,
        // The only answer that ever shows the secret.
        "secret": secret,
        "secret_type": if jwt { "JWT" } else { "SSO" },
        "user_id": id_text(user),
    }))
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("embed_secret_id")?;
    match world.embed_secrets.0.remove(id) {
        Some(_secret) => Ok(Reply::no_content()),
        None => Err(Refusal::not_found()),
    }
}

const fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha1 => "hmac/sha-1",
        Algorithm::Sha256 => "hmac/sha-256",
    }
}
