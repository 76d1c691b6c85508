//! The whole job on a user of the doctor's own, which is taken away again.

use crate::commands::doctor::findings::Findings;
use crate::commands::doctor::{NOT_SET_UP, Patient, account, embed};
use crate::config::EmbedAccess;
use crate::error::Error;
use crate::looker::{ApiKey, Client, NewApi3Key, User, UserChanges};
use crate::signed_url::{Algorithm, nonce};
use crate::workflow::{UserRef, find_user};

/// Grants that make a login valid where the profile has no default ones; they reach nothing.
const LEAST_PERMISSION: &str = "access_data";

pub(super) async fn examine(
    patient: &Patient<'_>,
    admin: &Client,
    access: &EmbedAccess,
    findings: &mut Findings,
) -> Result<(), Error> {
    let nonce = nonce(&patient.system.random).map_err(Error::internal)?;
    let id = format!("embedctl-doctor-{}", nonce.get(..8).unwrap_or(&nonce));
    let user = match create(patient, admin, access, &id).await {
        Ok((user, algorithm)) if algorithm == access.algorithm => {
            findings.pass(
                "probe",
                format!("a signed URL made embed user {} (`{id}`)", user.id),
            )?;
            user
        }
        Ok((user, algorithm)) => {
            findings.fail(
                "probe",
                &embed::wrong_algorithm(access.algorithm, algorithm),
            )?;
            user
        }
        Err(error) => return findings.fail("probe", &error),
    };
    match account::act_as(admin, &user).await {
        Ok(()) => findings.pass(
            "sudo",
            format!("the admin can act as embed user {}", user.id),
        )?,
        Err(error) => findings.fail("sudo", &error)?,
    }
    match key(patient, admin, &user).await {
        Ok(detail) => findings.pass("keys", detail)?,
        Err(error) => findings.fail("keys", &error)?,
    }
    match admin.delete_user(&user.id).await {
        Ok(_) => findings.pass(
            "cleanup",
            format!("embed user {} is deleted again", user.id),
        ),
        Err(error) => {
            let hint = format!("delete user {} (`{id}`) in Looker: Admin > Users", user.id);
            findings.fail("cleanup", &Error::from(error).hint(hint))
        }
    }
}

/// Open a signed URL, with the one algorithm and then with the other, until the user is there.
async fn create(
    patient: &Patient<'_>,
    admin: &Client,
    access: &EmbedAccess,
    id: &str,
) -> Result<(User, Algorithm), Error> {
    let mut login = embed::login(patient, id);
    login
        .permissions
        .get_or_insert_with(|| vec![LEAST_PERMISSION.to_owned()]);
    login.models.get_or_insert_with(Vec::new);
    for algorithm in [access.algorithm, embed::other(access.algorithm)] {
        let url = embed::sign(patient, access, algorithm, &login)?;
        patient.http.fetch_signed_url(&url).await?;
        if let Some(user) = find_user(admin, UserRef::External(id)).await? {
            return Ok((user, algorithm));
        }
    }
    Err(Error::new(
        NOT_SET_UP,
        "Looker made no user of the signed URL that was opened",
    )
    .hint(
        "check the embed secret, that `--embed-host` is the host Looker sees, and the clock; \
         `embedctl create-user --no-key` tries more and says which it is",
    ))
}

/// Mint a key, log in with it, and revoke it; says who may mint.
async fn key(patient: &Patient<'_>, admin: &Client, user: &User) -> Result<String, Error> {
    let (minted, by, owner) = match admin.create_api3_key(&user.id).await {
        Ok(minted) => (minted, "the admin", admin.clone()),
        Err(error) if error.refused_with() == Some(403) => {
            let own = admin.login_user(&user.id).await?;
            match allow_and_mint(admin, &own, user).await {
                Ok(minted) => (minted, "the user, with the admin's leave", own),
                Err(error) => {
                    own.logout().await?;
                    return Err(error);
                }
            }
        }
        Err(error) => return Err(error.into()),
    };
    let used = log_in(patient, admin, minted, user, &owner).await;
    if owner.identity() != admin.identity() {
        owner.logout().await?;
    }
    used?;
    Ok(format!(
        "a key minted by {by} logs in, and is revoked again"
    ))
}

/// What Looker (Google Cloud core) wants: an admin allows keys, and the user makes them (its documentation on API keys).
async fn allow_and_mint(admin: &Client, own: &Client, user: &User) -> Result<NewApi3Key, Error> {
    let allow = UserChanges {
        can_manage_api3_creds: Some(true),
        ..UserChanges::default()
    };
    admin.update_user(&user.id, &allow).await?;
    Ok(own.create_api3_key(&user.id).await?)
}

async fn log_in(
    patient: &Patient<'_>,
    admin: &Client,
    minted: NewApi3Key,
    user: &User,
    owner: &Client,
) -> Result<(), Error> {
    let key = ApiKey {
        client_id: minted.key.client_id,
        client_secret: minted.client_secret,
    };
    let base_url = admin.base_url().clone();
    let client = Client::named(patient.http.clone(), base_url, key, "new key");
    let login = client.login().await;
    client.logout().await?;
    owner.delete_api3_key(&user.id, &minted.key.id).await?;
    Ok(login?)
}
