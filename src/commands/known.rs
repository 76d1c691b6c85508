//! Asks an instance what it knows, so that a manifest can be checked against it.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::looker::{Client, LookerError};
use crate::manifest::Known;
use crate::plan::KnownAttribute;
use crate::signed_url::Grants;

/// The models, groups, attributes and permissions that `admin` sees, or of those what it takes to check `grants`. What
/// Looker does not tell is not checked.
pub(crate) async fn known(admin: &Client, grants: Option<&Grants>) -> Result<Known, Error> {
    let needs = |named: fn(&Grants) -> bool| grants.is_none_or(named);
    let permissions = needs(|grants| grants.permissions.is_some());
    let setting = permissions || needs(|grants| grants.user_timezone.is_some());
    let (models, groups, attributes, setting) = tokio::join!(
        told(
            needs(|grants| grants.models.is_some()),
            admin.lookml_models()
        ),
        told(needs(|grants| grants.group_ids.is_some()), admin.groups()),
        told(
            needs(|grants| !grants.user_attributes.is_empty()),
            admin.user_attributes()
        ),
        told(setting, admin.setting_embed()),
    );
    let (groups, attributes, setting) = (groups?, attributes?, setting?);
    let permissions = match permissions {
        true => Some(admin.embed_permissions(setting.as_ref()).await),
        false => None,
    };
    let models = models?.map(|models| {
        let names = models.into_iter().map(|model| model.name);
        names.collect::<BTreeSet<_>>()
    });
    Ok(Known {
        models: models.filter(|models| !models.is_empty()),
        permissions,
        groups: groups.map(|groups| {
            let named = groups.into_iter().map(|group| (group.id, group.name));
            named.collect()
        }),
        attributes: attributes.map(KnownAttribute::by_name),
        user_timezones: setting.and_then(|setting| setting.allow_user_timezones),
    })
}

/// What Looker told, if it was to be asked; `None` if it does not answer that question to this identity.
async fn told<T>(
    ask: bool,
    answer: impl Future<Output = Result<T, LookerError>>,
) -> Result<Option<T>, Error> {
    if !ask {
        return Ok(None);
    }
    match answer.await {
        Ok(told) => Ok(Some(told)),
        Err(error) if matches!(error.refused_with(), Some(403..=405)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
