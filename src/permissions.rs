//! The permissions that embed users may have, and the verdict on requested ones.
//!
//! The instance's own word decides: `embed_config.permissions` since Looker 26.10, else its list of all permissions. The
//! list below is of the day it was written; on its account alone nothing is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::report::nearest;

/// When the list below was made.
const DATED: &str = "November 2026";

/// Each permission known to work in embeds, and the one it has no effect without. From Looker's Embed SDK
/// (`server/types.ts`), its release notes up to 26.22 and URLs its API made; the parents are those of its documentation
/// on permissions.
const KNOWN: [(&str, Option<&str>); 34] = [
    ("access_data", None),
    ("admin_agents", Some("gemini_in_looker")),
    ("can_create_forecast", Some("explore")),
    ("can_override_vis_config", Some("explore")),
    ("chat_with_agent", Some("gemini_in_looker")),
    ("chat_with_explore", Some("gemini_in_looker")),
    ("clear_cache_refresh", Some("access_data")),
    ("create_alerts", Some("see_looks")),
    ("create_custom_fields", Some("explore")),
    ("create_table_calculations", Some("explore")),
    ("download_with_limit", Some("see_looks")),
    ("download_without_limit", Some("see_looks")),
    ("embed_browse_spaces", None),
    ("embed_save_shared_space", None),
    ("explore", Some("see_looks")),
    ("follow_alerts", Some("see_looks")),
    ("gemini_in_looker", None),
    ("manage_spaces", None),
    ("save_agents", Some("gemini_in_looker")),
    ("save_content", Some("see_looks")),
    ("save_dashboards", Some("save_content")),
    ("save_looks", Some("save_content")),
    (
        "schedule_external_look_emails",
        Some("schedule_look_emails"),
    ),
    ("schedule_look_emails", Some("see_looks")),
    ("schedule_without_limit", Some("see_looks")),
    ("see_drill_overlay", Some("access_data")),
    ("see_lookml_dashboards", Some("access_data")),
    ("see_looks", Some("access_data")),
    ("see_sql", Some("see_looks")),
    ("see_user_dashboards", Some("see_looks")),
    ("send_outgoing_webhook", Some("see_looks")),
    ("send_to_integration", Some("see_looks")),
    ("send_to_s3", Some("see_looks")),
    ("send_to_sftp", Some("see_looks")),
];

/// Permissions that do little without one of others beside them (Looker's release notes).
const COMPANIONS: [(&str, &[&str]); 1] = [("save_content", &["save_dashboards", "save_looks"])];

/// The permissions embed users may have, as far as is known.
#[derive(Clone, Debug)]
pub struct Permissions {
    source: Source,
    names: BTreeSet<String>,
    /// What each needs, where the instance says.
    parents: BTreeMap<String, Option<String>>,
}

/// Who says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    /// The instance: these are the ones for embed users.
    Embed,
    /// The instance: these are all it has, for whomever.
    All,
    /// The list above.
    BuiltIn,
}

/// The verdict on a requested permission.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Concern {
    /// The permission.
    pub permission: String,
    /// What is wrong, or most likely not meant.
    pub message: String,
    /// Whether the instance itself has no such permission.
    pub refused: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Permissions {
    /// Those known to this embedctl.
    pub fn built_in() -> Self {
        Self {
            source: Source::BuiltIn,
            names: KNOWN.iter().map(|(name, _)| (*name).to_owned()).collect(),
            parents: BTreeMap::new(),
        }
    }

    /// Those in the instance's tree for embed users; `None` where it does not even hold `access_data`, so that it cannot
    /// be read as we think. What the tree is made of is not described: every text in it that could be a permission counts.
    pub fn of_embed_tree(tree: &Value) -> Option<Self> {
        // belief: permissions-of-the-instance
        let mut names = BTreeSet::new();
        collect(tree, &mut names);
        Self::told(Source::Embed, names, BTreeMap::new())
    }

    /// Those in the instance's list of all permissions, each with its parent.
    pub fn of_all(list: impl IntoIterator<Item = (String, Option<String>)>) -> Option<Self> {
        // belief: all-permissions-lists-all
        let parents: BTreeMap<String, Option<String>> = list.into_iter().collect();
        let names = parents.keys().cloned().collect();
        Self::told(Source::All, names, parents)
    }

    fn told(
        source: Source,
        names: BTreeSet<String>,
        parents: BTreeMap<String, Option<String>>,
    ) -> Option<Self> {
        names.contains("access_data").then_some(Self {
            source,
            names,
            parents,
        })
    }

    /// The names to choose from.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.source == Source::All;
        let names = self.names.iter().map(String::as_str);
        names.filter(move |name| !all || is_known(name))
    }

    /// The verdict on a single permission, independent of the others.
    pub fn judge(&self, name: &str) -> Option<Concern> {
        let concern = |message: String, refused| {
            Some(Concern {
                permission: name.to_owned(),
                message,
                refused,
            })
        };
        let meant = || {
            let meant = nearest(name, self.names());
            meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
        };
        let unknown = || format!("unknown embed permission `{name}`{}", meant());
        // belief: forbidden-permission
        match (self.source, self.names.contains(name), is_known(name)) {
            (Source::Embed, false, _) | (Source::All, false, false) => concern(unknown(), true),
            (Source::All, false, true) => concern(
                format!("this Looker does not list the permission `{name}`"),
                false,
            ),
            (Source::All, true, false) => concern(
                format!(
                    "embed users are not known to have the permission `{name}` (as of {DATED})"
                ),
                false,
            ),
            (Source::BuiltIn, false, _) => concern(format!("{} (as of {DATED})", unknown()), false),
            (_, true, _) => None,
        }
    }

    /// Advice on what permissions lack beside each other. Groups may give the rest: of a user who is in some, nothing is
    /// said.
    pub fn advice<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        in_groups: bool,
    ) -> Vec<Concern> {
        if in_groups {
            return Vec::new();
        }
        let names: BTreeSet<&str> = names.into_iter().collect();
        let mut advice = Vec::new();
        for name in &names {
            // belief: permission-needs-parent
            if let Some(parent) = self.parent(name).filter(|parent| !names.contains(parent)) {
                advice.push(advise(
                    name,
                    format!("the permission `{name}` has no effect without `{parent}`"),
                ));
            }
            let companions = COMPANIONS.iter().filter(|(of, _)| of == name);
            for (_, any) in companions.filter(|(_, any)| !any.iter().any(|it| names.contains(it))) {
                let any = any.join("` or `");
                advice.push(advise(
                    name,
                    format!("the permission `{name}` saves little without `{any}`"),
                ));
            }
        }
        advice
    }

    fn parent(&self, name: &str) -> Option<&str> {
        match self.parents.get(name) {
            Some(parent) => parent.as_deref(),
            None => KNOWN.iter().find(|(known, _)| *known == name)?.1,
        }
    }
}

fn advise(name: &str, message: String) -> Concern {
    Concern {
        permission: name.to_owned(),
        message,
        refused: false,
    }
}

fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}

/// Every text in `tree`, keys too, that could be the name of a permission.
fn collect(tree: &Value, names: &mut BTreeSet<String>) {
    let mut add = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !text.is_empty() && text.bytes().all(fits) {
            names.insert(text.to_owned());
        }
    };
    match tree {
        Value::String(text) => add(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(members) => {
            members.keys().for_each(|name| add(name));
            members.values().for_each(|below| collect(below, names));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree() -> Permissions {
        let tree = json!({ "access_data": { "see_looks": { "new_in_27": {} } } });
        Permissions::of_embed_tree(&tree).unwrap()
    }

    fn said(permissions: &Permissions, name: &str) -> (String, bool) {
        let concern = permissions.judge(name).unwrap();
        (concern.message, concern.refused)
    }

    #[test]
    fn what_the_instance_has_is_fine_whatever_the_built_in_list_says() {
        assert_eq!(tree().judge("new_in_27"), None);
        assert_eq!(
            said(&tree(), "see_lookz"),
            (
                "unknown embed permission `see_lookz`; did you mean `see_looks`?".to_owned(),
                true
            )
        );
        // Known to the built-in list, and not to this Looker.
        assert!(said(&tree(), "chat_with_agent").1);
    }

    #[test]
    fn on_account_of_the_built_in_list_nothing_is_refused() {
        let known = Permissions::built_in();

        for name in [
            "gemini_in_looker",
            "chat_with_agent",
            "save_agents",
            "manage_spaces",
        ] {
            assert_eq!(known.judge(name), None, "{name}");
        }
        assert_eq!(
            said(&known, "acces_data"),
            (
                "unknown embed permission `acces_data`; did you mean `access_data`? (as of November 2026)"
                    .to_owned(),
                false
            )
        );
    }

    #[test]
    fn a_list_of_all_permissions_does_not_say_which_are_for_embed_users() {
        let list = [
            ("access_data", None),
            ("administer", None),
            ("x", Some("administer")),
        ];
        let list = list.map(|(name, parent)| (name.to_owned(), parent.map(str::to_owned)));
        let all = Permissions::of_all(list).unwrap();

        assert_eq!(all.judge("access_data"), None);
        assert!(!said(&all, "administer").1);
        assert!(!said(&all, "see_looks").1, "it may be left out of the list");
        assert!(said(&all, "adminster").1);
        assert_eq!(all.names().collect::<Vec<_>>(), ["access_data"]);
        assert_eq!(
            all.advice(["x"], false)[0].message,
            "the permission `x` has no effect without `administer`"
        );
    }

    #[test]
    fn a_tree_of_any_make_is_read_and_one_without_access_data_is_not_believed() {
        for tree in [
            json!([{ "name": "access_data", "children": [{ "name": "see_looks" }] }]),
            json!({ "permissions": ["access_data", "see_looks"] }),
            json!({ "access_data": true, "see_looks": true }),
        ] {
            let read = Permissions::of_embed_tree(&tree).unwrap();
            assert_eq!(read.judge("see_looks"), None, "{tree}");
            assert!(read.judge("administer").unwrap().refused, "{tree}");
        }
        assert!(Permissions::of_embed_tree(&json!({ "Data": {} })).is_none());
        assert!(Permissions::of_embed_tree(&Value::Null).is_none());
    }

    #[test]
    fn what_a_permission_lacks_beside_it_is_advice() {
        let known = Permissions::built_in();
        let said = |names: &[&str]| {
            let advice = known.advice(names.iter().copied(), false).into_iter();
            advice.map(|concern| concern.message).collect::<Vec<_>>()
        };

        assert_eq!(
            said(&["see_user_dashboards", "access_data"]),
            ["the permission `see_user_dashboards` has no effect without `see_looks`"]
        );
        assert_eq!(
            said(&["access_data", "see_looks", "save_content"]),
            [
                "the permission `save_content` saves little without `save_dashboards` or `save_looks`"
            ]
        );
        assert!(said(&["access_data", "see_looks", "save_content", "save_looks"]).is_empty());
        assert!(said(&["access_data", "gemini_in_looker", "chat_with_agent"]).is_empty());
        assert!(
            known.advice(["save_content"], true).is_empty(),
            "a group may give the rest"
        );
    }

    #[test]
    fn every_parent_is_known_itself() {
        for (name, parent) in KNOWN {
            assert!(parent.is_none_or(is_known), "{name}");
        }
        assert!(KNOWN.is_sorted_by_key(|(name, _)| *name));
    }
}
