//! The ways to log in that no user has here: other identity providers, and codes of an authenticator.

use crate::emulator::http::answer::{Answer, Refusal};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;

pub(super) const OPERATIONS: &[Service] = &[
    op("user_credentials_google", none).own(),
    op("user_credentials_ldap", none).own(),
    op("user_credentials_looker_openid", none).own(),
    op("user_credentials_oidc", none).own(),
    op("user_credentials_saml", none).own(),
    op("user_credentials_totp", none).own(),
    op("delete_user_credentials_google", none).admin(),
    op("delete_user_credentials_ldap", none).admin(),
    op("delete_user_credentials_looker_openid", none).admin(),
    op("delete_user_credentials_oidc", none).admin(),
    op("delete_user_credentials_saml", none).admin(),
    op("delete_user_credentials_totp", none).admin(),
    op("delete_user_login_lockout", none).admin(),
];

/// Recorded of the e-mail credential: what a user has none of is not found.
fn none(_call: &Call<'_>, _world: &mut World) -> Answer {
    Err(Refusal::not_found())
}
