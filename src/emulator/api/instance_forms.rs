//! Forms of settings that have no effect here: what is written is shown again.

use serde_json::{Value, json};

use crate::emulator::api::usual::with_usual;
use crate::emulator::http::answer::{Answer, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;

/// The forms, by the names of what they usually say.
const FORMS: &[&str] = &[
    "password_config",
    "session_config",
    "custom_welcome_email",
    "digest_emails",
    "internal_help_resources",
    "internal_help_resources_content",
    "whitelabel_configuration",
    "mobile_settings",
    "support_access_status",
    "smtp_status",
    "egress_ip_addresses",
    "backup_configuration",
];

pub(super) const OPERATIONS: &[Service] = &[
    op("password_config", read::<0>).admin(),
    op("update_password_config", write::<0>).admin(),
    op("session_config", read::<1>).admin(),
    op("update_session_config", write::<1>).admin(),
    op("custom_welcome_email", read::<2>).admin(),
    op("update_custom_welcome_email", write::<2>).admin(),
    op("digest_emails_enabled", read::<3>).admin(),
    op("update_digest_emails_enabled", write::<3>).admin(),
    op("internal_help_resources", read::<4>).admin(),
    op("update_internal_help_resources", write::<4>).admin(),
    op("internal_help_resources_content", read::<5>).admin(),
    op("update_internal_help_resources_content", write::<5>).admin(),
    op("whitelabel_configuration", read::<6>).admin(),
    op("update_whitelabel_configuration", write::<6>).admin(),
    op("mobile_settings", read::<7>),
    op("support_access_status", read::<8>).admin(),
    op("smtp_status", read::<9>).admin(),
    op("public_egress_ip_addresses", read::<10>).admin(),
    op("cloud_storage_configuration", read::<11>).admin(),
    op("update_cloud_storage_configuration", write::<11>).admin(),
];

fn read<const FORM: usize>(_call: &Call<'_>, world: &mut World) -> Answer {
    let name = FORMS.get(FORM).copied().unwrap_or_default();
    let written = world.instance.forms.get(name).cloned();
    json_answer(with_usual(
        name,
        written.map_or_else(|| json!({}), Value::Object),
    ))
}

fn write<const FORM: usize>(call: &Call<'_>, world: &mut World) -> Answer {
    let name = FORMS.get(FORM).copied().unwrap_or_default();
    let form = world.instance.forms.entry(name).or_default();
    form.extend(call.object()?);
    read::<FORM>(call, world)
}
