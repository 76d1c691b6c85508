//! Writes rows as YAML for people: users by their external groups, with what they share said once.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::plan::Row;

/// A row, and a remark about it.
pub(crate) type Remarked = (Row, Option<String>);

/// The fields that users of a tenant may share. Names and attributes are people's own.
const SHARED: [&str; 4] = ["external_group_id", "models", "permissions", "group_ids"];

/// Write `rows` to `out`, those of each external group as a tenant.
pub(crate) fn write_tenants(rows: Vec<Remarked>, out: &mut dyn Write) -> io::Result<()> {
    let mut tenants = BTreeMap::<Option<String>, Vec<(Map<String, Value>, Option<String>)>>::new();
    for (row, remark) in rows {
        let tenant = row.grants.external_group_id.clone();
        let tenant = tenant.filter(|tenant| !tenant.is_empty());
        if let Value::Object(fields) = serde_json::to_value(row)? {
            tenants.entry(tenant).or_default().push((fields, remark));
        }
    }
    let alone = tenants.remove(&None);
    if !tenants.is_empty() {
        writeln!(out, "tenants:")?;
    }
    for (tenant, mut users) in tenants {
        // JSON is valid YAML, and quotes whatever needs it.
        writeln!(out, "  {}:", Value::from(tenant))?;
        let shared = take_shared(&mut users);
        if !shared.is_empty() {
            writeln!(out, "    defaults:")?;
            fields(&shared, "      ", "      ", out)?;
        }
        writeln!(out, "    users:")?;
        list(&users, "      ", out)?;
    }
    if let Some(users) = alone {
        writeln!(out, "users:")?;
        list(&users, "  ", out)?;
    }
    out.flush()
}

/// Take out of `users` the fields that all of them have in common.
fn take_shared(users: &mut [(Map<String, Value>, Option<String>)]) -> Map<String, Value> {
    let mut shared = Map::new();
    for name in SHARED {
        let mut values = users.iter().map(|(fields, _)| fields.get(name));
        let first = values.next().flatten().cloned();
        let Some(first) = first.filter(|first| values.all(|value| value == Some(first))) else {
            continue;
        };
        for (fields, _) in &mut *users {
            fields.remove(name);
        }
        shared.insert(name.to_owned(), first);
    }
    shared
}

fn list(
    users: &[(Map<String, Value>, Option<String>)],
    indent: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (user, remark) in users {
        for line in remark.iter().flat_map(|remark| remark.lines()) {
            writeln!(out, "{indent}# {line}")?;
        }
        fields(user, &format!("{indent}- "), &format!("{indent}  "), out)?;
    }
    Ok(())
}

/// A field on each line; the id first, as people look for it.
fn fields(
    fields: &Map<String, Value>,
    first: &str,
    rest: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    const ID: &str = "external_user_id";
    let id = fields.get_key_value(ID);
    let others = fields.iter().filter(|(name, _)| *name != ID);
    for (number, (name, value)) in id.into_iter().chain(others).enumerate() {
        let indent = if number == 0 { first } else { rest };
        writeln!(out, "{indent}{name}: {value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Format, Item, rows};
    use crate::plan::State;
    use crate::signed_url::Grants;

    fn row(id: &str, group: Option<&str>, model: &str) -> Row {
        Row {
            external_user_id: id.to_owned(),
            grants: Grants {
                first_name: Some("Ada: \"the first\"\n# no remark".to_owned()),
                models: Some(vec![model.to_owned()]),
                permissions: Some(Vec::new()),
                external_group_id: group.map(str::to_owned),
                user_attributes: [("region".to_owned(), "no".to_owned())].into(),
                ..Grants::default()
            },
            state: Some(State::Present),
            ..Row::default()
        }
    }

    #[test]
    fn what_is_written_by_tenants_is_read_back() {
        let written = [
            row("007", Some("acme: #1"), "demo"),
            row("#2", Some("acme: #1"), "demo"),
            row("yes", Some("other"), "demo"),
            row("3", Some("other"), "orders"),
            row("alone", None, "demo"),
        ];
        let remarked = written
            .clone()
            .map(|row| (row, Some("a\nremark".to_owned())));
        let mut text = Vec::new();

        write_tenants(remarked.into(), &mut text).unwrap();

        let shown = String::from_utf8(text.clone()).unwrap();
        assert!(shown.contains("  \"acme: #1\":\n    defaults:\n      external_group_id: \"acme: #1\"\n      models: [\"demo\"]\n"), "{shown}");
        let read = rows(io::Cursor::new(text), Format::Yaml, None);
        let read: Vec<Row> = read
            .map(|item| match item {
                Item::Row(row) => Row { line: 0, ..*row },
                other => panic!("{other:?}\n{shown}"),
            })
            .collect();
        let sorted = |rows: &[Row]| {
            let mut rows = rows.to_vec();
            rows.sort_by(|one, other| one.external_user_id.cmp(&other.external_user_id));
            rows
        };
        assert_eq!(sorted(&read), sorted(&written));
    }
}
