//! Sign an embed URL with the library, with the embed secret from the environment, as it should be everywhere.
//!
//! `LOOKERSDK_EMBED_SECRET=… cargo run --example sign_url`

use std::collections::BTreeMap;
use std::io::Write as _;

use embedctl::secret::{ExposeSecret as _, SecretString};
use embedctl::signed_url::{Algorithm, Login, Signer, nonce};
use embedctl::system::System;

fn main() -> anyhow::Result<()> {
    let mut system = System::os();
    let secret = system
        .var("LOOKERSDK_EMBED_SECRET")
        .unwrap_or_else(|| "not a real secret".to_owned());
    let signer = Signer::new(
        "looker.example.com",
        &SecretString::from(secret),
        Algorithm::Sha1,
    )?;

    let login = Login {
        first_name: Some("Ada".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        permissions: Some(vec![
            "access_data".to_owned(),
            "see_user_dashboards".to_owned(),
        ]),
        models: Some(vec!["thelook".to_owned()]),
        user_attributes: Some(BTreeMap::from([("company_id".to_owned(), "42".to_owned())])),
        session_length: 900,
        ..Login::new("user-57")
    };
    let url = signer.sign(
        "/embed/dashboards/3",
        &login,
        &nonce(&system.random)?,
        system.clock.now().as_second(),
    )?;

    // Whoever holds the URL is the user, once, for five minutes. Here it is what was asked for.
    writeln!(system.out, "{}", url.expose_secret())?;
    Ok(())
}
