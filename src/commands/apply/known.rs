//! Asks an instance what exists on it, so that a manifest can be checked against that.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::looker::{Client, LookerError};
use crate::manifest::Known;
use crate::plan::KnownAttribute;

/// The models, groups, attributes and permissions that `admin` sees. What Looker does not tell is not checked.
pub(super) async fn known(admin: &Client) -> Result<Known, Error> {
    let (models, groups, attributes, setting) = tokio::join!(
        admin.lookml_models(),
        admin.groups(),
        admin.user_attributes(),
        admin.setting_embed(),
    );
    let setting = told(setting)?;
    let permissions = admin.embed_permissions(setting.as_ref()).await;
    let models = told(models)?.map(|models| {
        let names = models.into_iter().map(|model| model.name);
        names.collect::<BTreeSet<_>>()
    });
    let groups = told(groups)?;
    let attributes = told(attributes)?;
    Ok(Known {
        models: models.filter(|models| !models.is_empty()),
        permissions: Some(permissions),
        groups: groups.map(|groups| {
            let named = groups.into_iter().map(|group| (group.id, group.name));
            named.collect()
        }),
        attributes: attributes.map(|attributes| {
            let named = attributes.into_iter().map(|attribute| {
                let known = KnownAttribute {
                    id: attribute.id,
                    kind: attribute.kind.unwrap_or_default(),
                };
                (attribute.name, known)
            });
            named.collect()
        }),
        user_timezones: setting.and_then(|setting| setting.allow_user_timezones),
    })
}

/// Looker's answer; `None` if it does not answer this question to this identity.
fn told<T>(answer: Result<T, LookerError>) -> Result<Option<T>, Error> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(error) if matches!(error.refused_with(), Some(403..=405)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
