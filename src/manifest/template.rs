//! A template for new manifests, and the schema with which an editor completes one.

use serde_json::{Value, json};

/// The format of a template.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Template {
    /// A header and two users.
    Csv,
    /// Tenants with defaults and users.
    Yaml,
}

impl Template {
    /// Its text.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Csv => CSV,
            Self::Yaml => YAML,
        }
    }
}

const CSV: &str = "\
# Embed users for `embedctl apply`. Lines that start with # are allowed before the header only.
#
# external_user_id    your own id of the user: the only required column
# models, permissions, group_ids    lists, separated by ; or |   an empty cell means none
# attr.NAME           the value of the user attribute NAME; one column each
# key                 none: leave keys as they are; ensure: mint one if there is none; rotate: a new one each time
# state               present, or disabled: cannot log in, but keeps its content
external_user_id,first_name,last_name,models,permissions,group_ids,external_group_id,attr.region,key,state
acme-1,Ada,Byron,demo,access_data;see_user_dashboards,,acme,west,ensure,present
acme-2,Grace,Hopper,demo,access_data;see_user_dashboards;explore,,acme,east,none,present
";

const YAML: &str = "\
# Embed users for `embedctl apply`. `embedctl apply --schema` prints a JSON Schema for editors.
#
# `defaults` apply to all users after them, unless a user says otherwise.
defaults:
  models: [demo]
  permissions: [access_data, see_user_dashboards]
  # none: leave keys as they are; ensure: mint one if there is none; rotate: a new one each time
  key: none

# The users of each tenant, with the tenant's own defaults.
tenants:
  acme:
    defaults:
      external_group_id: acme
      user_attributes:
        region: west
    users:
      - external_user_id: acme-1 # your own id of the user: the only required key
        first_name: Ada
        last_name: Byron
        key: ensure
      - external_user_id: acme-2
        permissions: [access_data, see_user_dashboards, explore]
        # present, or disabled: cannot log in, but keeps its content
        state: disabled

# Users without a tenant:
# users:
#   - external_user_id: solo-1
#     group_ids: ['7']
";

/// The JSON Schema of a YAML manifest.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "embedctl manifest",
        "description": "The desired embed users of a Looker.",
        "oneOf": [
            { "$ref": "#/$defs/users" },
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "defaults": { "$ref": "#/$defs/defaults" },
                    "users": { "$ref": "#/$defs/users" },
                    "tenants": {
                        "type": "object",
                        "description": "The tenants, by name.",
                        "additionalProperties": { "oneOf": [
                            { "$ref": "#/$defs/users" },
                            { "$ref": "#/$defs/tenant" },
                        ] },
                    },
                },
            },
        ],
        "$defs": {
            "users": { "type": "array", "items": { "$ref": "#/$defs/user" } },
            "tenant": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "defaults": { "$ref": "#/$defs/defaults" },
                    "users": { "$ref": "#/$defs/users" },
                },
            },
            "defaults": {
                "type": ["object", "null"],
                "description": "Applies to every user after it that does not say otherwise.",
                "additionalProperties": false,
                "properties": properties(),
            },
            "user": {
                "type": "object",
                "required": ["external_user_id"],
                "additionalProperties": false,
                "properties": with_id(properties()),
            },
        },
    })
}

fn properties() -> Value {
    let text = |about: &str| json!({ "type": ["string", "number", "null"], "description": about });
    let list = |about: &str| {
        json!({
            "type": ["array", "null"],
            "items": { "type": ["string", "number"] },
            "uniqueItems": true,
            "description": about,
        })
    };
    json!({
        "first_name": text("The first name that Looker shows."),
        "last_name": text("The last name that Looker shows."),
        "models": list("Names of LookML models."),
        "permissions": list("Permissions, such as see_user_dashboards."),
        "group_ids": list("Looker's ids of groups."),
        "external_group_id": text("Your own id of a group whose members share a folder."),
        "user_timezone": text("A time zone, such as Europe/Berlin."),
        "user_attributes": {
            "type": ["object", "null"],
            "description": "Values of user attributes, by name.",
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
        },
        "key": {
            "enum": ["none", "ensure", "rotate", null],
            "description": "none leaves keys as they are, ensure mints one if there is none, rotate mints a new one each time.",
        },
        "state": {
            "enum": ["present", "disabled", null],
            "description": "A disabled user cannot log in, but keeps its content.",
        },
        "reason": {
            "type": ["string", "null"],
            "description": "Why the row failed, as `--failed-to` writes it; ignored when it is read.",
        },
    })
}

fn with_id(mut properties: Value) -> Value {
    let id = json!({
        "type": ["string", "number"],
        "description": "Your own id of the user.",
    });
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("external_user_id".to_owned(), id);
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::columns::NAMES;
    use crate::manifest::{Format, Item, check, rows};

    #[test]
    fn both_templates_are_manifests_without_a_problem() {
        for (template, format) in [(Template::Csv, Format::Csv), (Template::Yaml, Format::Yaml)] {
            let checked = check(rows(template.text().as_bytes(), format, None), false);

            assert_eq!(checked.problems.list, [], "{template:?}");
            assert_eq!(checked.warnings.list, [], "{template:?}");
            assert_eq!(checked.rows, 2, "{template:?}");
        }
    }

    #[test]
    fn the_defaults_of_the_yaml_template_reach_its_users() {
        let mut rows = rows(YAML.as_bytes(), Format::Yaml, None);

        let Some(Item::Row(first)) = rows.next() else {
            panic!("there is a user");
        };
        assert_eq!(first.grants.models.unwrap(), ["demo"]);
        assert_eq!(first.grants.external_group_id.unwrap(), "acme");
        assert_eq!(first.grants.user_attributes["region"], "west");
    }

    #[test]
    fn the_schema_has_every_key_that_is_read_and_no_other() {
        let schema = schema();
        let user = schema["$defs"]["user"]["properties"].as_object().unwrap();

        let mut known: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        let mut described: Vec<_> = user.keys().map(String::as_str).collect();
        described.sort_unstable();
        assert_eq!(described, known);
    }
}
