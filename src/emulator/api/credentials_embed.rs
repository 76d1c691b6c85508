//! What makes a user an embed user, its external id, which can be read and deleted but not written.

use serde_json::{Value, json};

use crate::emulator::api::inside_url;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::users::{EmbedCredential, User};
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_user_credentials_embeds", list).own(),
    op("user_credentials_embed", one).own(),
    op("delete_user_credentials_embed", remove).admin(),
];

fn list(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(credentials_json(world, id, user))
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let (id, user, credential) = named(call, world)?;
    json_answer(credential_json(world, id, user, credential))
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let (id, _, _) = named(call, world)?;
    world.remove_embed_credential(id);
    Ok(Reply::no_content())
}

fn named<'a>(
    call: &Call<'_>,
    world: &'a World,
) -> Result<(Id, &'a User, &'a EmbedCredential), Refusal> {
    let id = call.id("user_id")?;
    let wanted = call.id("credentials_embed_id")?;
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    // The credential must be this user's, not only exist.
    let credential = user.embed.as_deref().filter(|embed| embed.id == wanted);
    Ok((id, user, credential.ok_or_else(Refusal::not_found)?))
}

/// The embed credentials of a user, of which there is one or none.
pub(super) fn credentials_json(world: &World, id: Id, user: &User) -> Value {
    let credentials = user.embed.as_deref().into_iter();
    credentials
        .map(|credential| credential_json(world, id, user, credential))
        .collect()
}

fn credential_json(world: &World, id: Id, user: &User, credential: &EmbedCredential) -> Value {
    let group = credential
        .external_group
        .and_then(|group| world.groups.at(group));
    json!({
        "can": {},
        "id": id_text(credential.id),
        "external_user_id": &*credential.external_user_id,
        "external_group_id": group.and_then(|group| group.external_group_id.as_deref()),
        "created_at": world.time(credential.created_at),
        "logged_in_at": credential.logged_in_at.map_or_else(String::new, |at| world.time(at)),
        "is_disabled": user.is_disabled,
        "type": "embed",
        "url": inside_url(&format!("/users/{id}/credentials_embed/{}", credential.id)),
    })
}
