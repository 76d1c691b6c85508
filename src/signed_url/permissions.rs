//! The permissions an embed user can have.

/// Whether an embed user can have `permission`. Looker drops the others, or refuses the login.
pub fn is_for_embed_users(permission: &str) -> bool {
    ALLOWED.contains(&permission)
}

/// The permissions an embed user can have.
pub const fn embed_permissions() -> &'static [&'static str] {
    &ALLOWED
}

/// From Looker's Embed SDK, `server/types.ts`, and newer ones seen in Looker's own demo applications.
const ALLOWED: [&str; 26] = [
    "access_data",
    "can_create_forecast",
    "chat_with_explore",
    "clear_cache_refresh",
    "create_alerts",
    "create_custom_fields",
    "create_table_calculations",
    "download_with_limit",
    "download_without_limit",
    "embed_browse_spaces",
    "embed_save_shared_space",
    "explore",
    "save_content",
    "save_dashboards",
    "save_looks",
    "schedule_external_look_emails",
    "schedule_look_emails",
    "see_drill_overlay",
    "see_lookml_dashboards",
    "see_looks",
    "see_sql",
    "see_user_dashboards",
    "send_outgoing_webhook",
    "send_to_integration",
    "send_to_s3",
    "send_to_sftp",
];
