//! The email address and password of a user.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::api::inside_url;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::users::{EmailState, User};
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("user_credentials_email", one).own(),
    op("create_user_credentials_email", create).admin(),
    op("update_user_credentials_email", update).admin(),
    op("delete_user_credentials_email", remove).admin(),
    op("send_user_credentials_email_password_reset", send).admin(),
    op("create_user_credentials_email_password_reset", reset).admin(),
    op("search_credentials_email", search).admin(),
];

/// What may be written of an email credential, from Looker's API description.
#[derive(Deserialize)]
pub(super) struct EmailBody {
    pub(super) email: Option<String>,
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    match email_json(world, id, user) {
        Value::Null => Err(Refusal::not_found()),
        shown => json_answer(shown),
    }
}

/// Recorded: a second one gets 409.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    let email = written(call)?;
    let user = world.users.at_mut(id).ok_or_else(Refusal::not_found)?;
    // A user has at most one email login.
    if user.email.is_some() {
        return Err(Refusal::exists());
    }
    user.email = Some(email.into());
    user.email_state = EmailState::New;
    one(call, world)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let email = written(call)?;
    with_email(call, world)?.email = Some(email.into());
    one(call, world)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    with_email(call, world)?.email = None;
    Ok(Reply::no_content())
}

/// No mail is sent; from now on the addresses of the pages to set up the account are shown.
fn send(call: &Call<'_>, world: &mut World) -> Answer {
    with_email(call, world)?.email_state = EmailState::Invited;
    one(call, world)
}

/// The same without a mail; whether the addresses expire makes no difference here.
fn reset(call: &Call<'_>, world: &mut World) -> Answer {
    call.flag("expires")?;
    send(call, world)
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let filters = Filters::of(call, &["id", "email"])?;
    let emails = call.list("emails");
    let world: &World = world;
    let users = world.users.table.iter().filter(|(id, user)| {
        let email = user.email.as_deref();
        let named = |emails: &Vec<String>| emails.iter().any(|one| Some(one.as_str()) == email);
        email.is_some()
            && emails.as_ref().is_none_or(named)
            && filters.pass(|name| match name {
                "id" => Some(id.to_string()),
                _ => email.map(ToOwned::to_owned),
            })
    });
    listing::answer(call, users, |_fields, (id, user)| {
        email_json(world, id, user)
    })
}

fn written(call: &Call<'_>) -> Result<String, Refusal> {
    let body: EmailBody = call.body()?;
    body.email.ok_or_else(|| Refusal::missing("email"))
}

fn with_email<'a>(call: &Call<'_>, world: &'a mut World) -> Result<&'a mut User, Refusal> {
    let user = world.users.at_mut(call.id("user_id")?);
    let user = user.filter(|user| user.email.is_some());
    user.ok_or_else(Refusal::not_found)
}

/// The email credential of a user; `null` if it has none. Recorded: until someone has set the account up it is
/// disabled, and the addresses for that are empty texts until a mail was sent.
pub(super) fn email_json(world: &World, id: Id, user: &User) -> Value {
    let Some(email) = user.email.as_deref() else {
        return Value::Null;
    };
    let page = |path: &str| format!("https://localhost:9999/{path}/{id:032}");
    let (setup, reset) = match user.email_state {
        EmailState::SetUp => (Some(String::new()), None),
        EmailState::New => (Some(String::new()), Some(String::new())),
        EmailState::Invited => (Some(page("account/setup")), Some(page("password/reset"))),
    };
    json!({
        "can": { "show_password_reset_url": true },
        "account_setup_url": setup,
        "account_setup_url_expired": false,
        "created_at": world.time(user.created_at),
        "email": email,
        "forced_password_reset_at_next_login": false,
        // A login that was never set up counts as disabled.
        "is_disabled": user.email_state != EmailState::SetUp || user.is_disabled,
        "logged_in_at": "",
        "password_reset_url": reset,
        "password_reset_url_expired": false,
        "type": "email",
        "url": inside_url(&format!("/users/{id}/credentials_email")),
        "user_id": id_text(id),
        "user_url": inside_url(&format!("/users/{id}")),
    })
}
