//! Switches between plausible behaviours of Looker, for whatever is not documented.

mod values;

use crate::emulator::switches::values::Value as _;

pub use crate::emulator::switches::values::{
    BlindSearch, DisabledSudo, KeyRights, ListedKeys, Mode, OtherRights, Release, Since, TimeForm,
};

/// One switch: what it is called, what it says, and the values that a test should try.
#[derive(Debug)]
pub struct Switch {
    /// The name.
    pub name: &'static str,
    /// One line that says what the value means.
    pub doc: &'static str,
    others: &'static [&'static str],
    set: fn(&mut Switches, &str) -> Result<(), String>,
    show: fn(&Switches) -> String,
}

impl Switch {
    /// The value it has unless another is given.
    pub fn default_value(&self) -> String {
        (self.show)(&Switches::default())
    }

    /// The values that reverse the default.
    pub fn opposites(&self) -> Vec<String> {
        match (self.others, self.default_value().as_str()) {
            ([], "true") => vec!["false".to_owned()],
            ([], _) => vec!["true".to_owned()],
            (others, _) => others.iter().map(|text| (*text).to_owned()).collect(),
        }
    }
}

/// The switches: a line of doc, a name, a kind and the default each, and where the kind is not `bool` the values that
/// turn the default round.
macro_rules! switches {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $default:expr $(, or $($other:literal)+)?;)*) => {
        /// One plausible behaviour or another, for each thing that public sources leave open.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub struct Switches {
            $($(#[doc = $doc])+ pub $name: $kind,)*
        }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        const SWITCHES: &[Switch] = &[$(
            Switch {
                name: stringify!($name),
                doc: concat!($($doc),+).trim_ascii_start(),
                others: &[$($($other),+)?],
                set: |switches, text| switches.$name.assign(text),
                show: |switches| switches.$name.show(),
            },
        )*];
    };
}

switches! {
    /// The release of Looker to be; what differs by release follows it, unless a switch of its own says otherwise.
    release: Release = Release::V26_22, or "26.12" "26.6";
    /// A dashboard can be given to another user (since 26.8.3); otherwise that is silently ignored.
    dashboards_take_owner: Since = Since::release(Release::V26_12), or "false";
    /// A board can be given to another user (since 26.10.4); otherwise that is silently ignored.
    boards_take_owner: Since = Since::release(Release::V26_12), or "false";
    /// Deleting a user deletes its alerts (since 26.18); otherwise they go on unseen.
    alerts_go_with_owner: Since = Since::release(Release::V26_22), or "false";
    /// `embed_config.permissions` is a tree (since 26.10); otherwise the field is absent.
    permissions_are_told: Since = Since::release(Release::V26_12), or "false";
    /// Users have `is_embed_user` (since 26.18).
    is_embed_user_is_told: Since = Since::release(Release::V26_22), or "false";
    /// `login` takes credentials in the body only (since 26.18); otherwise in the query too.
    login_refuses_query: Since = Since::release(Release::V26_22), or "false";

    /// A refused signed login redirects to `/login`; otherwise a page with 401.
    refused_login_redirects: bool = true;
    /// A permission that embed users may not have makes a signed login fail; otherwise it is left out.
    forbidden_permission_fails: bool = true;
    /// A signed login may have `null` for permissions and models.
    null_grants_pass: bool = true;
    /// A group id that does not exist makes an embed login fail; otherwise it is left out.
    unknown_group_fails: bool = true;
    /// `create_embed_user` for a known id gives that user; otherwise 422.
    duplicate_embed_user_passes: bool = true;
    /// An embed user without a name is called `Embed User`; otherwise `Embed Embed`.
    default_last_name_is_user: bool = true;
    /// A 429 has `Retry-After`.
    throttle_says_when: bool = true;
    /// In mode `core`, administrators make keys for others.
    core_admin_makes_keys: bool = false;
    /// In mode `core`, `user_for_credential` answers.
    core_finds_by_credential: bool = true;
    /// The key of a disabled user logs in.
    disabled_key_logs_in: bool = false;
    /// Asked for a token of a disabled user, Looker refuses (`refused`), or gives a token that it then answers with 401 (`token`), or one that works (`works`).
    disabled_sudo: DisabledSudo = DisabledSudo::Refused, or "token" "works";
    /// A sudo token is the caller's, whoever was named.
    sudo_gives_caller: bool = false;
    /// A signed login enables a disabled user; otherwise it fails.
    disabled_login_enables: bool = false;
    /// A sudo token can ask for another.
    nested_sudo: bool = false;
    /// Deleting a key ends the tokens of its user.
    deleted_key_ends_tokens: bool = false;
    /// An administrator can give a dashboard or look to another user; otherwise that is silently ignored.
    owner_can_be_set: bool = true;
    /// An administrator can add and delete favourites of others.
    favorites_for_others: bool = true;
    /// The tokens of a cookieless login serve the browser only that it was made for, by its `User-Agent`; otherwise any.
    cookieless_binds_browser: bool = true;
    /// Validating a signed URL uses it up.
    validate_takes_nonce: bool = false;
    /// How many keys a user can have; 0 is any number.
    max_keys: usize = 0, or "1";
    /// How many live tokens a user can have; 0 is any number.
    max_tokens: usize = 0, or "1";

    /// A list of attribute values has a row for an attribute that has none, as recorded; otherwise only with `include_unset`.
    unset_rows: bool = true;
    /// An attribute without a value has `null` for one; otherwise `""`, as recorded.
    unset_value_is_null: bool = false;
    /// A hidden value is shown as `null`; otherwise as `""`, as recorded.
    hidden_value_is_null: bool = false;
    /// The `source` of a user's own attribute value (recorded).
    source_of_user: String = "User Setting".to_owned(), or "Own Value" "user";
    /// The `source` of a value from a group, `NAME` being the group's name; a guess.
    source_of_group: String = "Group: NAME".to_owned(), or "group" "Group Setting";
    /// The `source` of an attribute's default value (recorded).
    source_of_default: String = "Default".to_owned(), or "default";
    /// The `source` of what Looker itself knows of a user (recorded).
    source_of_system: String = "System Setting".to_owned(), or "system";
    /// The `source` of an attribute without a value (recorded).
    source_of_nothing: String = "No Value".to_owned(), or "Not Set";
    /// The `source` of a hidden value that is set; empty if it is the same as for any other value, which is a guess.
    source_of_hidden: String = String::new(), or "Hidden" "No Value";

    /// A refused field is explained in `errors[].message`; otherwise by its `code` alone (both recorded).
    field_errors_say_why: bool = true;
    /// The form of times: `utc` as recorded since 2021, `millis` and `offset` as in older recordings, `zulu`, or `garbage`.
    timestamps: TimeForm = TimeForm::Utc, or "millis" "offset" "zulu" "garbage";
    /// `user_for_credential` finds an embed user whose id differs in upper and lower case only.
    lookup_ignores_case: bool = false;
    /// A disabled user shows its groups; otherwise none, as recorded.
    disabled_keeps_groups: bool = false;
    /// What the role of an embed login is called; told once, never recorded.
    embed_role_name: String = "Embedded Role".to_owned(), or "Something Else";
    /// The role of an embed login is among its user's roles.
    embed_role_listed: bool = true;
    /// The role of an embed login is among its user's direct roles, if it is listed.
    embed_role_direct: bool = true;
    /// The role of an embed login is among its user's `role_ids`.
    embed_role_in_role_ids: bool = true;
    /// The roles of embed logins are among the roles of the instance.
    embed_role_in_all_roles: bool = false;

    /// Who may create, tag and revoke a user's keys: `admin` (and the user itself), `self` (through sudo, with `can_manage_api3_creds`), `service_account` (administrators that are one), `nobody`.
    key_rights: KeyRights = KeyRights::Admin, or "self" "service_account" "nobody";
    /// Who may list and read a user's keys; `same` as `key_rights`.
    key_list_rights: OtherRights = OtherRights(None), or "self" "service_account" "nobody";
    /// Who may set a key's `purpose`; `same` as `key_rights`.
    key_tag_rights: OtherRights = OtherRights(None), or "self" "service_account" "nobody";
    /// Who may revoke a user's keys; `same` as `key_rights`.
    key_revoke_rights: OtherRights = OtherRights(None), or "self" "service_account" "nobody";
    /// The status of a call about keys that the caller has no right to.
    key_refusal_status: u16 = 404, or "403";
    /// Keys have a `purpose` that can be set; otherwise the operation does not exist.
    key_purpose_known: bool = true;
    /// The status of an operation that does not exist: 404 comes with a page, 405 with Looker's body.
    unknown_operation_status: u16 = 404, or "405";
    /// A POST, PUT, PATCH or DELETE without `Content-Length` is answered 411 by a front end.
    wants_content_length: bool = false;

    /// Revoking a key says that it is done, and does nothing.
    revoke_is_ignored: bool = false;
    /// Setting a key's `purpose` says that it is done, and does nothing.
    purpose_is_ignored: bool = false;
    /// Ending a session says that it is done, and does nothing.
    end_session_is_ignored: bool = false;
    /// Deleting a user says that it is done, and does nothing.
    delete_user_is_ignored: bool = false;
    /// Deleting a user says that it is done, and only disables the user.
    delete_user_disables: bool = false;
    /// Disabling or enabling a user says that it is done, and does nothing.
    disable_is_ignored: bool = false;
    /// Adding a user to a group or taking it out says that it is done, and does nothing.
    group_change_is_ignored: bool = false;
    /// Writing or deleting a user's attribute value says that it is done, and does nothing.
    attribute_write_is_ignored: bool = false;
    /// Setting a user's roles says that it is done, and does nothing.
    role_change_is_ignored: bool = false;
    /// Giving anything to another owner says that it is done, and does nothing.
    owner_write_is_ignored: bool = false;
    /// For how many later API calls a new key is in no list.
    mint_is_late: usize = 0, or "3";
    /// The answer to a request for another key shows the first key of the user.
    mint_shows_old_key: bool = false;
    /// For how many later API calls a new user is found by no look-up, search or list.
    user_appears_late: usize = 0, or "3";

    /// `user_for_credential` answers with another embed user than the one that was asked for.
    lookup_gives_another: bool = false;
    /// How many rows a page can have; 0 is any number.
    page_cap: usize = 0, or "2";
    /// A page that was asked for with `limit` has `Link` and, if the whole is soon counted, `X-Total-Count`: so the documentation of paging; no recording has them.
    pages_have_links: bool = true;
    /// Lists begin with the first row, whatever `offset` or `page` says.
    ignores_offset: bool = false;
    /// Lists are in the order of ids, whatever `sorts` says.
    ignores_sort: bool = false;
    /// `search_users` gives other users too, whatever `embed_user` says.
    ignores_embed_filter: bool = false;
    /// `search_users` leaves out disabled users, unless it is asked for them.
    disabled_users_hidden: bool = false;
    /// What lists of users have in `credentials_api3`: the keys (`listed`), no such field (`absent`), or never one (`empty`).
    keys_in_user_list: ListedKeys = ListedKeys::Listed, or "absent" "empty";
    /// `search_boards` takes `limit` for the rows to skip and `offset` for their number, as its description says.
    boards_swap_paging: bool = false;
    /// What an administrator's search finds nothing of, though another way shows it: `boards`, `favorites`, `schedules` (of one user), `alerts`, or `none`.
    search_lists_nothing: BlindSearch = BlindSearch::Nothing, or "boards" "favorites" "schedules" "alerts";
    /// The list of scheduled plans leaves out disabled ones and those that run once; the search has them.
    disabled_plans_hidden: bool = false;
    /// `search_alerts` gives what the caller follows, not only what it owns.
    followed_alerts_are_found: bool = true;
    /// An alert says in `followed` whether the caller follows it.
    knows_followed: bool = true;
    /// `all_lookml_models` leaves out internal models, unless `include_internal` asks for them.
    models_hide_internal: bool = true;

    /// A query that the database refuses is a success with `looker_error` in its only row; otherwise 400.
    query_error_is_a_row: bool = true;
    /// An access filter on an attribute that the user has no value for leaves no row; otherwise the query fails.
    unset_access_filter_is_empty: bool = true;
    /// Dashboards and looks are shown to those who have `see_user_dashboards` and `see_looks`; otherwise to all who can reach their folder.
    content_takes_permission: bool = true;

    /// An embed login ends the sessions that its user had.
    login_ends_sessions: bool = true;
    /// An embed login replaces the permissions, models and groups of the one before; otherwise it adds to them.
    login_replaces_grants: bool = true;
    /// An embed login keeps attribute values of the one before that it does not name.
    login_keeps_other_attributes: bool = false;
    /// Attribute values in an embed login become the user's own; otherwise they are good for the session only.
    login_values_are_own: bool = true;
    /// Attribute values in an embed login are stored in upper case; otherwise as they were sent.
    login_changes_values: bool = false;
    /// An embed login makes the personal folder of a new user.
    login_makes_folder: bool = true;
    /// An embed login without names keeps the user's; otherwise they are those of a user without a name.
    login_keeps_names: bool = true;
    /// Disabling a user disables its scheduled plans.
    disable_stops_schedules: bool = true;
    /// Enabling a user enables the scheduled plans that were disabled with it.
    enable_starts_schedules: bool = false;
    /// Deleting a user deletes its scheduled plans and those that send its content.
    delete_user_deletes_schedules: bool = true;
    /// Deleting a user revokes its keys; otherwise they still log in, though nothing can be done with the token.
    delete_user_revokes_keys: bool = true;
    /// A login with an embed user's key counts in `logged_in_at`; otherwise embed logins only.
    key_login_counts_as_seen: bool = false;
    /// How many seconds Looker's clock, and so every `created_at`, is ahead of the `Date` that a front end says.
    created_at_offset: i64 = 0, or "10" "-10";
    /// The `field` of a refused title of a dashboard or look (recorded).
    taken_title_field: String = "[:title, :space_id]".to_owned(), or "title";
    /// A refused title has a message; otherwise only a field and a code, as recorded of other things.
    taken_title_has_message: bool = true;
}

impl Switches {
    /// All switches.
    pub fn all() -> &'static [Switch] {
        SWITCHES
    }

    /// The names of all switches.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SWITCHES.iter().map(|switch| switch.name)
    }

    /// Every switch with a value that reverses its default: a test tries all of them, one at a time.
    pub fn opposites() -> impl Iterator<Item = (&'static str, String)> {
        SWITCHES.iter().flat_map(|switch| {
            let values = switch.opposites().into_iter();
            values.map(|value| (switch.name, value))
        })
    }

    /// Set the switch called `name` to the value that `value` stands for.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        let switch = SWITCHES.iter().find(|switch| switch.name == name);
        let switch = switch.ok_or_else(|| SwitchError(format!("there is no switch `{name}`")))?;
        (switch.set)(self, value).map_err(|error| {
            SwitchError(format!("the switch `{name}` cannot be `{value}`: {error}"))
        })
    }

    /// Whether this search finds nothing.
    pub(crate) fn is_blind_to(&self, search: BlindSearch) -> bool {
        self.search_lists_nothing == search
    }

    /// Whether a thing that is given to another owner gets it; `since` is what releases say of its kind.
    pub(crate) fn takes_owner(&self, since: Option<Since>) -> bool {
        !self.owner_write_is_ignored && since.is_none_or(|since| self.has(since))
    }

    /// Whether a Looker of the release to be has something.
    pub(crate) fn has(&self, feature: Since) -> bool {
        feature.holds(self.release)
    }
}

/// A switch that does not exist, or a value it cannot have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SwitchError(String);

#[cfg(test)]
mod tests {
    use super::{Release, Since, Switches};

    #[test]
    fn every_switch_takes_its_default_and_the_values_that_turn_it_round() {
        for switch in Switches::all() {
            let usual = switch.default_value();
            for value in switch.opposites() {
                assert_ne!(value, usual, "{}", switch.name);
                let mut switches = Switches::default();
                switches.set(switch.name, &value).unwrap();
                assert_eq!((switch.show)(&switches), value, "{}", switch.name);
                switches.set(switch.name, &usual).unwrap();
                assert_eq!(switches, Switches::default(), "{}", switch.name);
            }
        }
    }

    #[test]
    fn a_switch_that_does_not_exist_and_a_value_it_cannot_have_are_refused() {
        let mut switches = Switches::default();
        for (name, value) in [
            ("nothing", "true"),
            ("max_keys", "many"),
            ("key_rights", "everybody"),
            ("release", "22.4"),
            ("dashboards_take_owner", "perhaps"),
        ] {
            assert!(switches.set(name, value).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn what_a_release_has_can_be_said_otherwise() {
        let since = Since::release(Release::V26_12);
        let mut switches = Switches::default();
        assert!(switches.has(since));

        switches.set("release", "26.6").unwrap();
        assert!(!switches.has(since));

        switches.set("boards_take_owner", "true").unwrap();
        assert!(switches.has(switches.boards_take_owner));
    }
}
