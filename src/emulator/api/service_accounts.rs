//! Service accounts: users that can do nothing but call the API.

// They are listed with the other users: `search_users` has `is_service_account`.

use serde::Deserialize;

use crate::emulator::api::user_json::user_json;
use crate::emulator::api::users::remove;
use crate::emulator::http::answer::{Answer, Refusal, add, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::fields::Fields;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World};

/// The fields of a service account, from Looker's API description.
const FIELDS: &str = "can,id,service_account_name,is_service_account,is_disabled,group_ids,role_ids,\
    credentials_api3,url";

pub(super) const OPERATIONS: &[Service] = &[
    op("create_service_account", create).admin(),
    op("update_service_account", update).admin(),
    op("delete_service_account", delete_one).admin(),
];

/// What may be written of a service account.
#[derive(Deserialize)]
struct Body {
    service_account_name: Option<String>,
    is_disabled: Option<bool>,
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body: Body = call.body()?;
    let name = body.service_account_name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::missing("service_account_name"))?;
    let id = world.add_user(User {
        // A service account has one name, which is kept as the first name.
        first_name: Some(name.into()),
        is_service_account: true,
        is_disabled: body.is_disabled.unwrap_or(false),
        ..User::default()
    });
    show(call, world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let id = known(call, world)?;
    let body: Body = call.body()?;
    if let (Some(name), Some(user)) = (body.service_account_name, world.users.at_mut(id)) {
        user.first_name = Some(name.into());
    }
    match body.is_disabled {
        Some(true) => world.disable_user(id),
        Some(false) => world.enable_user(id),
        None => {}
    }
    show(call, world, id)
}

fn delete_one(call: &Call<'_>, world: &mut World) -> Answer {
    // An ordinary user must not be deleted as a service account.
    known(call, world)?;
    remove(call, world)
}

/// The service account that a call names.
fn known(call: &Call<'_>, world: &World) -> Result<Id, Refusal> {
    let id = call.id("user_id")?;
    let user = world.users.at(id).filter(|user| user.is_service_account);
    user.map(|_| id).ok_or_else(Refusal::not_found)
}

fn show(call: &Call<'_>, world: &World, id: Id) -> Answer {
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    let fields = Fields::parse(FIELDS).unwrap_or_default();
    let mut shown = user_json(&fields, world, call.who()?.user, id, user);
    add(&mut shown, "created_at", world.time(user.created_at));
    json_answer(shown)
}
