//! Files of desired embed users: CSV, JSON Lines or YAML, read a row at a time and checked as a whole.

mod check;
mod columns;
mod csv;
mod dates;
mod decode;
mod format;
mod jsonl;
mod known;
mod lines;
mod mangled;
mod mapping;
mod node;
mod problem;
mod records;
mod separator;
mod sheet;
mod spelling;
mod template;
mod tenants;
mod values;
mod write;
mod yaml;

use std::io::Read;
use std::sync::Arc;

use crate::plan::Row;

pub(crate) use check::{Checked, check};
pub(crate) use format::Format;
pub(crate) use known::Known;
pub(crate) use mapping::{Mapping, Pair, read_mapping};
pub(crate) use problem::Problem;
pub(crate) use template::{Template, schema};
pub(crate) use tenants::write_tenants;
pub(crate) use write::{Columns, write};

/// The next item from a manifest.
#[derive(Debug, PartialEq)]
pub(crate) enum Item {
    /// A user. A row with problems is returned too, so that duplicates of it are found.
    Row(Box<Row>),
    /// A problem that prevents the use of the manifest.
    Problem(Problem),
    /// Something that is probably a mistake.
    Warning(Problem),
}

/// The rows of a manifest, in order.
pub(crate) type Rows = Box<dyn Iterator<Item = Item> + Send>;

/// Read the manifest in `source`, one row at a time, and check it. What Looker has is `known`, if it could be asked.
pub(crate) fn rows(
    source: impl Read + Send + 'static,
    format: Format,
    known: Option<Arc<Known>>,
) -> Rows {
    open(source, format, sheet::Sheet::new(known, true))
}

/// Read a manifest that has been checked against `known` once more.
pub(crate) fn rows_again(
    source: impl Read + Send + 'static,
    format: Format,
    known: Option<Arc<Known>>,
) -> Rows {
    open(source, format, sheet::Sheet::new(known, false))
}

fn open(source: impl Read + Send + 'static, format: Format, sheet: sheet::Sheet) -> Rows {
    match format {
        Format::Csv => Box::new(csv::Csv::new(source, sheet)),
        Format::Jsonl => Box::new(jsonl::Jsonl::new(lines::Lines::new(source), sheet)),
        Format::Yaml => Box::new(yaml::Yaml::new(lines::Lines::of_yaml(source), sheet)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::survives;
    use crate::plan::KnownAttribute;

    fn known() -> Known {
        let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let attribute = |kind: &str| KnownAttribute {
            id: "1".to_owned(),
            kind: kind.to_owned(),
        };
        Known {
            models: set(&["demo"]),
            permissions: crate::permissions::Permissions::of_embed_tree(
                &serde_json::json!({ "access_data": ["see_looks"] }),
            ),
            groups: Some([("2".to_owned(), "Demo".to_owned())].into()),
            attributes: Some(
                [
                    ("region".to_owned(), attribute("string")),
                    ("customer_id".to_owned(), attribute("number")),
                    ("start".to_owned(), attribute("datetime")),
                    ("brand".to_owned(), attribute("advanced_filter_string")),
                ]
                .into(),
            ),
            user_timezones: Some(false),
        }
    }

    /// What is wrong with `text`, a line each.
    fn problems(text: &'static str, format: Format) -> String {
        let checked = check(
            rows(text.as_bytes(), format, Some(Arc::new(known()))),
            false,
        );
        let lines = checked.problems.list.iter().map(ToString::to_string);
        let warnings = checked
            .warnings
            .list
            .iter()
            .map(|warning| format!("warning {warning}"));
        lines.chain(warnings).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn problems_of_csv_stand_at_their_place() {
        let text = "\u{feff}# a comment\n\
            external_user_id,modles,permissions,attr.region,attr.regoin,key,first_name,first_name\n\
            a,demo,access_data;see_look,,,maybe,,\n\
            \n\
            a,,access_data;access_data,x,,,,\n\
            \"b\nb\",,,,,,,\n\
            ,,,,,,,\n\
            A ,,,,,,,\n\
            c,d\n\
            e,,,,,,,,f\n\
            \"g\"h,,,,,,,\n";

        insta::assert_snapshot!(problems(text, Format::Csv), @r#"
        2:18: there is no column `modles`; did you mean `models`?
        2:49: there is no user attribute `regoin`; did you mean `region`?
        2:76: `first_name` is here twice
        3:20: unknown embed permission `see_look`; did you mean `see_looks`?
        3:31: `key` is `none` or `ensure` or `rotate`, not `maybe`
        5:1: `a` is already in line 3
        5:16: `access_data` is in the list twice
        6:1: the `external_user_id` contains a control character
        9:1: `A` differs from the `external_user_id` in line 3 only by case, and to Looker they are different users; `--allow-case-variants` accepts them
        10:1: the row has 2 cells, but the header has 8
        11:10: the row has 9 cells, but the header has 8; a cell that contains `,` must be in quotes
        12:4: there is text after the closing quote; write `""` for a quote inside a cell
        warning 9:1: spaces around ids, names and lists were taken off
        "#);
    }

    #[test]
    fn csv_needs_a_header_with_the_id() {
        assert_eq!(
            problems("", Format::Csv),
            "1:1: the header is missing; the first line names the columns"
        );
        assert_eq!(
            problems("models\nacme-1\n", Format::Csv),
            "1:1: there is no column `external_user_id`; the first line names the columns"
        );
        assert_eq!(
            problems("external_user_id\n\"a\n", Format::Csv),
            "2:1: the quote that opens here is never closed"
        );
    }

    #[test]
    fn problems_of_json_lines_stand_at_their_place() {
        let text = r#"{"external_user_id": 7, "models": "demo"}
{"external_user_id": "a", "model": ["demo"], "group_ids": [2, "Demo"]}
{"external_user_id": "b", "user_attributes": {"customer_id": "x", "region": ["y"], "regio": 1}}

{"external_user_id": "c",}
["d"]
{"external_user_id": "a\u00e9\ud83d\ude00", "state": "disabled", "user_timezone": "UTC", "state": null}
{"external_user_id": {"x": 1}}
"#;

        insta::assert_snapshot!(problems(text, Format::Jsonl), @r"
        1:35: `models` must be a list, as in `[a, b]`
        2:27: there is no key `model`; did you mean `models`?
        3:62: the user attribute `customer_id` must be a number, as in `12.5`, not `x`
        3:77: the user attribute `region` must be text
        3:84: there is no user attribute `regio`; did you mean `region`?
        5:26: this is not JSON: key must be a string
        6:1: a user is an object, as in `{external_user_id: acme-42}`
        7:83: user time zones are switched off on this Looker
        7:90: `state` is here twice
        8:1: the user has no `external_user_id`
        8:22: `external_user_id` must be text
        ");
    }

    #[test]
    fn problems_of_yaml_stand_at_their_place() {
        let text = "
defaults:
  models: [dmo]
  external_user_id: x
user: []
tenants:
  acme:
    defaults: {permissions: [access_data]}
    users:
      - external_user_id: a
      - {external_user_id: a, models: demo}
      - b
    tenants: {}
  beta:
    - external_user_id: 007
      permissions: []
defaults: {}
";

        insta::assert_snapshot!(problems(text, Format::Yaml), @r"
        3:12: there is no model `dmo`; did you mean `demo`?
        4:3: every user needs its own `external_user_id`
        5:1: there is no key `user` here, only `defaults`, `users` and `tenants`
        11:1: `a` is already in line 10
        11:39: `models` must be a list, as in `[a, b]`
        12:9: a user is an object, as in `{external_user_id: acme-42}`
        13:5: there is no key `tenants` here, only `defaults` and `users`
        17:1: `defaults` must come before the users they apply to
        ");
    }

    #[test]
    fn yaml_that_cannot_be_parsed_ends_with_its_place() {
        let broken = problems("users:\n  - external_user_id: [a\n", Format::Yaml);

        assert_eq!(broken, "2:23: unclosed bracket '['");
        assert_eq!(
            problems("users: [*x]", Format::Yaml)
                .split(':')
                .take(2)
                .collect::<Vec<_>>(),
            ["1", "9"]
        );
        assert_eq!(problems("# nothing\n", Format::Yaml), "");
    }

    #[test]
    fn a_list_of_users_is_yaml_enough_and_ids_stay_as_written() {
        let text = "- external_user_id: 007\n  user_attributes: {region: yes, customer_id: 1.50}\n";

        let items: Vec<_> = rows(text.as_bytes(), Format::Yaml, None).collect();

        let [Item::Row(row)] = items.as_slice() else {
            panic!("{items:?}");
        };
        assert_eq!(row.external_user_id, "007");
        assert_eq!(row.grants.user_attributes["region"], "yes");
        assert_eq!(row.grants.user_attributes["customer_id"], "1.50");
    }

    #[test]
    fn no_more_than_a_hundred_problems_are_kept() {
        let users = (0..159).map(|number| format!("a-{number},never {number}\n"));
        let text = "external_user_id,key\n".to_owned() + &users.collect::<String>();

        let checked = check(rows(std::io::Cursor::new(text), Format::Csv, None), false);

        assert_eq!(checked.problems.list.len(), 100);
        assert_eq!(checked.problems.more, 59);
    }

    #[test]
    fn text_that_is_not_utf8_is_told_with_its_place() {
        let text: &[u8] = b"external_user_id\nM\xc3\xbcller \xff\n";

        let checked = check(rows(text, Format::Csv, None), false);

        assert_eq!(
            checked.problems.list[0].to_string(),
            "2:8: the text is not UTF-8; save the file as UTF-8"
        );
    }

    #[test]
    fn no_manifest_makes_a_reader_panic_hang_or_grow() {
        let csv = "external_user_id,first_name,models,permissions,group_ids,attr.region,attr.customer_id,key,state\n\
            a,Ada,demo,access_data;see_looks,2,west,17,ensure,present\n\
            \"b \"\"x\"\"\",,\"demo\",,,\"far, east\",,rotate,disabled\n";
        let jsonl = "{\"external_user_id\":\"a\",\"models\":[\"demo\"],\"user_attributes\":{\"region\":\"west\",\"customer_id\":17}}\n\
            {\"external_user_id\":\"b\",\"permissions\":[],\"group_ids\":[2],\"key\":\"none\",\"first_name\":null}\n";
        let yaml = "tenants:\n  acme:\n    models: [demo]\n    permissions: &p [access_data]\n    users:\n      - external_user_id: a\n        user_attributes: {region: west}\n      - external_user_id: 'b'\n        permissions: *p\n";
        let sheet = "sep=;\r\n External User ID ;Models;attr.start;attr.brand;;\r\n a ;demo | x;3/1/2026 12:00;acme_%^_,-;;\r\n;;;;;\r\n1.2E+10;;46082;\"x\" ;;\r\n";
        for (format, seed) in [
            (Format::Csv, csv),
            (Format::Csv, sheet),
            (Format::Jsonl, jsonl),
            (Format::Yaml, yaml),
        ] {
            survives(&[seed, csv, jsonl, yaml], move |input| {
                let source = std::io::Cursor::new(input.to_vec());
                let checked = check(rows(source, format, Some(Arc::new(known()))), false);
                assert!(checked.problems.list.len() <= 100);
            });
        }
        survives(
            &[
                "old,new,attr.region\na,b,west\n\"c\",d,\n",
                "OLD;New\ra ; \"b\"\r",
                csv,
            ],
            |input| {
                let mapping = read_mapping(std::io::Cursor::new(input.to_vec()));
                assert!(mapping.problems.list.len() <= 100);
            },
        );
    }
}
