//! Manifests and mappings as people have them: saved by spreadsheets, typed by hand, exported from elsewhere.

use std::fs;
use std::path::Path;

use embedctl::emulator::{Options, State};
use embedctl::system::Input;
use serde_json::{Value, json};

use crate::manifest::writes;
use crate::support::{Outcome, Sandbox};

/// A file that went wrong somewhere.
fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/manifests");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// A Looker with what the files name.
async fn company() -> Sandbox {
    let state = json!({
        "models": [{ "name": "thelook" }, { "name": "ecommerce" }, { "name": "finance" }],
        "user_attributes": [
            { "id": 30, "name": "brand_filter", "label": "Brand", "type": "advanced_filter_string" },
            { "id": 31, "name": "amount", "label": "Amount", "type": "advanced_filter_number" },
            { "id": 32, "name": "start_date", "label": "Start", "type": "datetime" },
            { "id": 33, "name": "postcode", "label": "Postcode", "type": "zipcode" },
            { "id": 34, "name": "active", "label": "Active", "type": "yesno" },
        ],
        "groups": [{ "id": 60, "name": "Sales" }, { "id": 61, "name": "Sales EMEA" }],
        "users": [
            {
                "id": 100, "external_user_id": "h1-bulk", "first_name": "Bo", "groups": [60],
                "login": {
                    "permissions": ["access_data", "explore"], "models": ["thelook", "finance"],
                    "groups": [60], "external_group_id": "acme", "user_attributes": { "region": "south" },
                },
            },
            {
                "id": 101, "external_user_id": "acme-41", "groups": [60, 61],
                "login": {
                    "permissions": ["access_data"], "models": ["thelook"], "groups": [60, 61],
                    "external_group_id": "umbrella", "user_attributes": {},
                },
            },
        ],
    });
    Sandbox::with(Options {
        state: State::parse(&state.to_string()).unwrap(),
        ..Options::default()
    })
    .await
}

/// The plan of a manifest of these bytes.
async fn planned(sandbox: &Sandbox, name: &str, bytes: &[u8]) -> Outcome {
    fs::write(sandbox.path(name), bytes).unwrap();
    sandbox.run(&["plan", name, "-o", "json"]).await
}

/// A user's document in the local Looker.
fn user(sandbox: &Sandbox, id: &str) -> Value {
    let state = sandbox.emulator().state();
    let mut users = state["users"].as_array().unwrap().iter();
    users
        .find(|user| user["external_user_id"] == id)
        .unwrap()
        .clone()
}

#[track_caller]
fn says(outcome: &Outcome, parts: &[&str]) {
    for part in parts {
        assert!(
            outcome.err.contains(part),
            "`{part}` is not in:\n{}",
            outcome.err
        );
    }
}

#[tokio::test]
async fn a_manifest_of_one_attribute_changes_it_and_nothing_else() {
    let sandbox = company().await;
    let mut before = user(&sandbox, "h1-bulk");
    sandbox.file("users.csv", &fixture("attr_only2.csv"));

    let _applied = sandbox.run(&["apply", "users.csv", "-y"]).await.done();

    let mut after = user(&sandbox, "h1-bulk");
    for (user, region) in [(&mut before, "south"), (&mut after, "north")] {
        let login = user["login"]["user_attributes"].take();
        let own = user["user_attributes"].take();
        let region_of = |values: &Value| values["region"] == region;
        assert!(region_of(&login) || region_of(&own), "{login} {own}");
    }
    assert_eq!(after, before);
    let logins = writes(&sandbox);
    assert!(
        !logins.iter().any(|it| it.contains("/login/embed")),
        "{logins:?}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_login_carries_the_groups_that_a_manifest_does_not_name() {
    let sandbox = company().await;
    let all = fixture("plan_groups.csv");

    let plan = planned(&sandbox, "users.csv", all.as_bytes())
        .await
        .done()
        .json();

    let change = &plan["changes"][0];
    let carried = |field: &str| {
        let carried = change["carried"].as_array().unwrap().iter();
        carried.filter(|it| it["field"] == field).count()
    };
    assert_eq!(change["action"], "update");
    assert_eq!(
        (carried("group_ids"), carried("external_group_id")),
        (1, 1),
        "{change}"
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn what_a_spreadsheet_has_rewritten_is_warned_about() {
    let sandbox = company().await;

    let sci = planned(&sandbox, "sci.csv", fixture("sci.csv").as_bytes())
        .await
        .done();
    let dates = planned(&sandbox, "dates.csv", fixture("dates2.csv").as_bytes())
        .await
        .exits(2);
    let adv = planned(&sandbox, "adv.csv", fixture("adv.csv").as_bytes())
        .await
        .done();

    says(
        &sci,
        &["`1.23457E+12` looks like a long number that a spreadsheet has shortened"],
    );
    says(
        &dates,
        &[
            "`01.03.2026` may not be read as a date; write `2026-03-01`",
            "`3/1/2026` may mean 2026-01-03 or 2026-03-01",
            "`46082` is the number that a spreadsheet keeps for 2026-03-01",
            "`1 day ago` is not a date",
            "must be a date or a time, as in `2026-03-01` or `2026-03-01 12:00`, not `2026-13-45`",
            "has a problem; nothing was done",
        ],
    );
    assert!(!dates.err.contains("2026-03-01`: "), "a date is a date");
    says(
        &adv,
        &[
            "in `100%`, `%` matches any text; for the text as it is, write `100^%`",
            "in `acme_eu`, `_` matches any character; for the text as it is, write `acme^_eu`",
            "in `Smith, Inc`, `,` means \\\"or\\\"; for the text as it is, write `Smith^, Inc`",
            "in `-acme`, `-` at the start means \\\"not\\\"; for the text as it is, write `^-acme`",
        ],
    );
    assert_eq!(
        adv.err.matches("filter expression").count(),
        4,
        "{}",
        adv.err
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_filter_that_is_escaped_already_and_numbers_are_not_warned_about() {
    let sandbox = company().await;
    let text = "external_user_id,attr.brand_filter,attr.amount\n\
        a,acme^_eu,-5\nb,100^%,>10\nc,a^,b,7\nd,\"a^, b-c\",\"1,5\"\n";
    let text = text.replace("a^,b", "\"a^,b\"");

    let plan = planned(&sandbox, "users.csv", text.as_bytes()).await.done();

    says(
        &plan,
        &["users.csv:5:13: ", "in `1,5`, `,` means \\\"or\\\""],
    );
    assert_eq!(plan.err.matches("warning").count(), 1, "{}", plan.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn padding_is_taken_off_and_said_once_but_kept_in_the_values_of_attributes() {
    let sandbox = company().await;
    let more = " h1-sp2 , Bo , ecommerce ; finance , access_data , east\n";
    sandbox.file("users.csv", &(fixture("spaces.csv") + more));

    let applied = sandbox.run(&["apply", "users.csv"]).await.done();

    says(
        &applied,
        &[
            "warning: users.csv:2:7: spaces around ids, names and lists were taken off (2 rows, the first in line 2)",
            "warning: users.csv:2:34: the user attribute `region` starts or ends with a space, which is part of it: ` west` (2 rows, the first in line 2)",
        ],
    );
    assert_eq!(applied.err.matches("warning").count(), 2, "{}", applied.err);
    let [first, second] = ["h1-sp", "h1-sp2"].map(|id| user(&sandbox, id));
    assert_eq!(
        (&first["first_name"], &second["first_name"]),
        (&json!("Ada"), &json!("Bo"))
    );
    assert_eq!(first["login"]["models"], json!(["thelook"]));
    assert_eq!(second["login"]["models"], json!(["ecommerce", "finance"]));
    assert_eq!(first["login"]["user_attributes"]["region"], " west");
    sandbox.finish().await;
}

#[tokio::test]
async fn quotes_keep_the_spaces_in_them_unless_everything_is_in_quotes() {
    let sandbox = company().await;
    let some = "external_user_id,first_name\n\" a\",\"Ada \"\n";
    let all = "\"external_user_id\",\"first_name\"\n\" a\",\"Ada \"\n";

    let some = planned(&sandbox, "some.csv", some.as_bytes()).await.done();
    let all = planned(&sandbox, "all.csv", all.as_bytes()).await.done();

    assert_eq!(some.json()["changes"][0]["external_user_id"], " a");
    says(
        &some,
        &["`external_user_id` starts or ends with a space, which is part of it: ` a`"],
    );
    assert_eq!(all.json()["changes"][0]["external_user_id"], "a");
    assert_eq!(all.json()["changes"][0]["changes"][0]["to"], "Ada");
    says(&all, &["spaces around ids, names and lists were taken off"]);
    sandbox.finish().await;
}

/// The same three users, as many programs write them.
fn dresses() -> Vec<(&'static str, Vec<u8>)> {
    let plain = "external_user_id,first_name,models,permissions,attr.region\n\
        h1-b,Ada,thelook;finance,access_data,west\n\
        h1-c,\"Bo, \"\"B\"\"\",,,far east\n\
        h1-d,,thelook,access_data;see_looks,\n";
    let semicolons = "sep=;\nexternal_user_id;first_name;models;permissions;attr.region\n\
        h1-b;Ada;thelook,finance;access_data;west\n\
        h1-c;\"Bo, \"\"B\"\"\";;;far east\n\
        h1-d;;thelook;access_data|see_looks;\n";
    let tabs = plain
        .replace("\"Bo, \"\"B\"\"\"", "BOTH")
        .replace(',', "\t");
    let tabs = tabs.replace("BOTH", "\"Bo, \"\"B\"\"\"");
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let wide = plain
        .lines()
        .map(|line| line.to_owned() + ",,,\r\n")
        .collect::<String>();
    let quoted = "\"External User ID\";\"First Name\";\"Models\";\"Permissions\";\"Attr.Region\"\r\n\
        \"h1-b\";\"Ada\";\"thelook;finance\";\"access_data\";\"west\"\r\n\
        \"h1-c\";\"Bo, \"\"B\"\"\";\"\";\"\";\"far east\"\r\n\
        \"h1-d\";\"\";\"thelook\";\"access_data | see_looks\";\"\"\r\n";
    let marked = format!("\u{feff}{plain}");
    vec![
        ("plain.csv", plain.into()),
        ("semicolons.csv", semicolons.into()),
        ("semicolons-again.csv", semicolons.replacen("sep=;", "sep=;;;;;", 1).into()),
        ("tabs.tsv", tabs.clone().into()),
        ("tabs.txt", tabs.clone().into()),
        ("tabs", tabs.clone().into()),
        ("crlf.csv", plain.replace('\n', "\r\n").into()),
        ("mac.csv", plain.replace('\n', "\r").into()),
        ("bom.csv", marked.clone().into()),
        ("unicode-text.txt", utf16(&format!("\u{feff}{tabs}"), u16::to_le_bytes)),
        ("utf-16be.csv", utf16(&marked, u16::to_be_bytes)),
        ("utf-16-without-mark.csv", utf16(plain, u16::to_le_bytes)),
        ("empty-columns.csv", wide.clone().into()),
        ("empty-rows.csv", format!(",,,,\n\n{wide},,,,,,,\n  \n,,,,\n").into()),
        ("quoted.csv", quoted.into()),
        ("comments.csv", format!("# our users\n#,,,\n{plain}").into()),
        ("spaced-header.csv", plain.replacen("external_user_id,first_name,models", " EXTERNAL USER ID , first-name,\u{a0}Models ", 1).into()),
        ("list.json", json!([
            { "external_user_id": "h1-b", "first_name": "Ada", "models": ["thelook", "finance"], "permissions": ["access_data"], "user_attributes": { "region": "west" } },
            { "external_user_id": "h1-c", "first_name": "Bo, \"B\"", "models": [], "permissions": [], "user_attributes": { "region": "far east" } },
            { "external_user_id": "h1-d", "first_name": null, "models": ["thelook"], "permissions": ["access_data", "see_looks"], "user_attributes": { "region": null } },
        ]).to_string().into()),
    ]
}

#[tokio::test]
async fn the_same_users_are_read_from_whatever_a_spreadsheet_saves() {
    let sandbox = company().await;
    let mut expected = None;
    for (name, bytes) in dresses() {
        let file = planned(&sandbox, name, &bytes).await.done();
        let piped = sandbox
            .run_with(
                &["plan", "-", "-o", "json"],
                Input::new(std::io::Cursor::new(bytes), false),
            )
            .await
            .done();

        let expected = expected.get_or_insert_with(|| file.json()["changes"].clone());
        assert_eq!(file.json()["changes"], *expected, "{name}");
        assert_eq!(
            piped.json()["changes"],
            *expected,
            "{name} on standard input"
        );
        assert_eq!(file.err, "", "{name}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn semicolons_are_read_and_json_is_read_as_yaml_is() {
    let sandbox = company().await;

    let semi = planned(&sandbox, "semi.csv", fixture("semi.csv").as_bytes())
        .await
        .done();
    let pretty = planned(&sandbox, "pretty.json", fixture("pretty.json").as_bytes())
        .await
        .done();
    let pretty_piped = sandbox
        .run_with(
            &["plan", "-", "-o", "json"],
            Input::text(fixture("pretty.json")),
        )
        .await
        .done();

    let login = &semi.json()["changes"][0];
    assert_eq!(login["external_user_id"], "h1-b");
    assert_eq!(pretty.json()["changes"][0]["external_user_id"], "57");
    assert_eq!(pretty_piped.json()["changes"], pretty.json()["changes"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_long_list_in_one_line_of_json_is_read() {
    let sandbox = Sandbox::new().await;
    let users: Vec<_> = (0..25_000)
        .map(|number| json!({ "external_user_id": format!("acme-{number}"), "first_name": "Ada" }))
        .collect();
    sandbox.file("users.json", &json!(users).to_string());

    let plan = sandbox
        .run(&["plan", "users.json", "--out", "plan.jsonl", "-q"])
        .await
        .done();

    assert!(plan.out.contains("25000 to create"));
    assert!(!sandbox.read("plan.jsonl").contains("from_cells"));
    sandbox.finish().await;
}

#[tokio::test]
async fn a_plan_says_that_its_rows_had_empty_cells() {
    let sandbox = company().await;
    let text = "external_user_id,models\nh1-bulk,\n";

    let _plan = planned(&sandbox, "users.csv", text.as_bytes()).await.done();
    let _kept = sandbox
        .run(&["plan", "users.csv", "--out", "plan.jsonl"])
        .await
        .done();

    let plan = sandbox.read("plan.jsonl");
    let line: Value = serde_json::from_str(plan.lines().nth(1).unwrap()).unwrap();
    assert_eq!(line["user"]["from_cells"], true);
    assert_eq!(line["change"]["changes"][0]["to"], json!([]));
    sandbox.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_says_what_to_save() {
    let sandbox = company().await;
    for (name, bytes, expected) in [
        (
            "users.xlsx",
            &b"PK\x03\x04\x14\0\x06\0"[..],
            "save it as CSV",
        ),
        (
            "users.csv",
            b"PK\x03\x04\x14\0\x06\0",
            "it is a workbook or another archive; save it as CSV",
        ),
        (
            "users.csv",
            b"external_user_id,first_name\na,M\xfcller\n",
            "the text is not UTF-8",
        ),
        (
            "users.csv",
            b"\xff\xfeexternals",
            "it is broken UTF-16; save it as UTF-8",
        ),
        (
            "users.csv",
            b"sep=semicolon\nexternal_user_id\n",
            "`sep=` names no separator",
        ),
        (
            "users.csv",
            b"external_user_id,first_name\na, \"Smith, Inc\"\n",
            "there is a space before the quote",
        ),
        (
            "users.csv",
            b"external_user_id,models,first_name\na,thelook\n",
            "the row has 2 cells, but the header has 3",
        ),
        (
            "users.csv",
            b"external_user_id,first_name\na,Smith, Inc\n",
            "the row has 3 cells, but the header has 2; a cell that contains `,` must be in quotes",
        ),
        (
            "users.csv",
            b"external_user_id,,first_name\na,what,Ada\n",
            "the column of this cell has no name in the header",
        ),
        (
            "users.csv",
            b"acme-1,Ada\nacme-2,Bo\n",
            "there is no column `external_user_id`; the first line names the columns",
        ),
        (
            "users",
            b"acme-1\nacme-2\n",
            "the format of the manifest `users` is not recognized",
        ),
    ] {
        let refused = planned(&sandbox, name, bytes).await.exits(2);

        says(&refused, &[expected]);
    }
    assert_eq!(writes(&sandbox), Vec::<String>::new());
    sandbox.finish().await;
}

#[tokio::test]
async fn a_column_that_is_none_is_told_what_it_should_be() {
    let sandbox = company().await;
    for (header, expected) in [
        (
            "id",
            "there is no column `id`; did you mean `external_user_id`, your own id of the user?",
        ),
        (
            "User ID",
            "there is no column `User ID`; did you mean `external_user_id`",
        ),
        (
            "uid,models",
            "there is no column `uid`; did you mean `external_user_id`",
        ),
        ("external_id", "did you mean `external_user_id`"),
        (
            "Email",
            "an embed user has no e-mail address: call the column `external_user_id` if it is",
        ),
        (
            "looker_user_id",
            "users are named by your own id, `external_user_id`",
        ),
        (
            "external_user_id,email",
            "an embed user has no e-mail address: leave the column out",
        ),
        (
            "external_user_id,id",
            "the id of the user is `external_user_id`: leave this column out",
        ),
        (
            "external_user_id|models",
            "separate columns by `,`, `;` or tab",
        ),
        (
            "external_user_id,region",
            "there is no column `region`; did you mean `attr.region`?",
        ),
        (
            "external_user_id,Brand Filter",
            "did you mean `attr.brand_filter`?",
        ),
        (
            "external_user_id,attr.regoin",
            "there is no user attribute `regoin`; did you mean `region`?",
        ),
        (
            "external_user_id,modles",
            "there is no column `modles`; did you mean `models`?",
        ),
        ("external_user_id,Role", "did you mean `permissions`?"),
        ("external_user_id,groups", "did you mean `group_ids`?"),
        ("external_user_id,Surname", "did you mean `last_name`?"),
        (
            "external_user_id,name",
            "a user has a `first_name` and a `last_name`",
        ),
        ("external_user_id,status", "did you mean `state`?"),
        (
            "external_user_id,user_attributes",
            "each user attribute has its own column, called `attr.NAME`",
        ),
        (
            "external_user_id,zzz",
            "the column of a user attribute is called `attr.NAME`",
        ),
        (
            "external_user_id,First Name,first_name",
            "`first_name` is here twice",
        ),
    ] {
        let row = header.split(',').map(|_| "x").collect::<Vec<_>>().join(",");
        let text = format!("{header}\n{row}\n");

        let refused = planned(&sandbox, "users.csv", text.as_bytes())
            .await
            .exits(2);

        says(&refused, &[expected, "has a problem; nothing was done"]);
    }
    let bare = planned(&sandbox, "users.csv", fixture("attrbare.csv").as_bytes())
        .await
        .exits(2);
    says(&bare, &["did you mean `attr.region`?"]);
    for (key, expected) in [
        ("region", "did you mean `user_attributes: {region: …}`?"),
        (
            "attr.region",
            "did you mean `user_attributes: {region: …}`?",
        ),
        ("id", "did you mean `external_user_id`?"),
    ] {
        let text = json!({ "external_user_id": "a", key: "x" }).to_string();
        let refused = planned(&sandbox, "users.jsonl", text.as_bytes())
            .await
            .exits(2);
        says(&refused, &[expected]);
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn one_mistake_in_743_rows_is_one_message() {
    let sandbox = company().await;
    let rows = (0..743).map(|row| format!("u-{row},finanse,acces_data,soon {row},\n"));
    let header = "external_user_id,models,permissions,attr.start_date,key\n".to_owned();
    let text = header + &rows.collect::<String>();
    sandbox.file("users.csv", &text);

    let people = sandbox.run(&["plan", "users.csv"]).await.exits(2);
    let programs = sandbox
        .run(&["plan", "users.csv", "-o", "json"])
        .await
        .exits(2);

    says(
        &people,
        &[
            "users.csv:2:5: there is no model `finanse`; did you mean `finance`? (743 rows, the first in line 2)",
            "not `soon 0` (743 rows, the first in line 2)",
            "`users.csv` has 3 problems; nothing was done",
        ],
    );
    let first: Value = serde_json::from_str(programs.err.lines().next().unwrap()).unwrap();
    let problem = &first["problem"];
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&json!(2), &json!(5))
    );
    assert_eq!(problem["rows"], 743);
    assert_eq!(
        problem["message"],
        "there is no model `finanse`; did you mean `finance`?"
    );
    assert_eq!(programs.err.lines().count(), 4, "{}", programs.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn numbers_that_lost_their_zeros_are_noticed_among_those_that_did_not() {
    let sandbox = company().await;
    let lost = "external_user_id\n00123\n00456\n789\n12345\n46\n";
    let fine = "external_user_id\n00123\n0456\n789\n";
    let plain = "external_user_id\n123\n45\n";

    let lost = planned(&sandbox, "users.csv", lost.as_bytes()).await.done();
    says(
        &lost,
        &[
            "users.csv:4:1: `789` is shorter than the other numbers, which have 5 digits with zeros at the start",
            "(2 rows, the first in line 4)",
        ],
    );
    for text in [fine, plain] {
        let plan = planned(&sandbox, "users.csv", text.as_bytes()).await.done();
        assert_eq!(plan.err, "", "{text}");
    }
    sandbox.finish().await;
}

#[tokio::test]
async fn what_programs_do_to_text_is_warned_about_and_types_are_checked() {
    let sandbox = company().await;
    let text = "external_user_id,first_name,attr.region,attr.active,attr.postcode,key,state\n\
        12345.0,O’Brien,TRUE,yes,01234,Ensure,PRESENT\n\
        acme\u{a0}7,#N/A,“west”,no,12345,,\n";
    let refused = "external_user_id,attr.active,attr.postcode\na,TRUE,1234\n";

    let warned = planned(&sandbox, "users.csv", text.as_bytes()).await.done();
    let refused = planned(&sandbox, "refused.csv", refused.as_bytes())
        .await
        .exits(2);

    says(
        &warned,
        &[
            "`external_user_id`: `12345.0` looks like a number to which a program has added decimals",
            "`region`: `TRUE` is in capitals, as spreadsheets write it",
            "contains a space that does not break or cannot be seen",
            "`first_name`: `#N/A` looks like an error of a spreadsheet",
            "`region`: `“west”` contains a curly quote",
        ],
    );
    assert_eq!(warned.err.matches("warning").count(), 5, "{}", warned.err);
    says(
        &refused,
        &[
            "`active` must be `yes` or `no`, not `TRUE`",
            "(a spreadsheet takes zeros off its start), not `1234`",
        ],
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn ids_that_differ_only_by_case_are_refused_unless_they_are_meant() {
    let sandbox = company().await;
    sandbox.file(
        "users.csv",
        "external_user_id\nAda@acme.example\nbo\nada@ACME.example\n",
    );

    let refused = sandbox.run(&["apply", "users.csv"]).await.exits(2);
    let accepted = sandbox
        .run(&[
            "plan",
            "users.csv",
            "--allow-case-variants",
            "--out",
            "plan.jsonl",
        ])
        .await
        .done();
    let applied = sandbox
        .run(&["apply", "plan.jsonl", "-o", "json"])
        .await
        .done();

    says(
        &refused,
        &[
            "users.csv:4:1: `ada@ACME.example` differs from the `external_user_id` in line 2 only by case",
            "`--allow-case-variants`",
        ],
    );
    assert_eq!(accepted.err, "");
    assert_eq!(applied.json()["created"], 3);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_new_id_that_differs_only_by_case_from_a_user_is_warned_about_at_no_call_a_row() {
    let sandbox = company().await;
    let expected = "`ACME-41` is new, and differs only by case from `acme-41`, which exists";
    let rows = |count| {
        let users: String = (0..count).map(|row| format!("new-{row}\n")).collect();
        format!("external_user_id\nACME-41\n{users}")
    };
    for count in [0, 3, 40] {
        sandbox.file("users.csv", &rows(count));
        sandbox.file("plain.csv", &rows(count).replace("ACME-41", "new-x"));
        let calls = |outcome: &Outcome| outcome.json()["api_calls"].clone();

        let plan = sandbox
            .run(&["plan", "users.csv", "-o", "json"])
            .await
            .done();
        let plain = sandbox
            .run(&["plan", "plain.csv", "-o", "json"])
            .await
            .done();
        let meant = sandbox
            .run(&["plan", "users.csv", "--allow-case-variants"])
            .await
            .done();

        says(&plan, &[expected]);
        assert_eq!(plan.err.matches("warning").count(), 1, "{}", plan.err);
        assert_eq!((plain.err.as_str(), meant.err.as_str()), ("", ""));
        assert_eq!(calls(&plan), calls(&plain), "{count}");
    }
    let dry = sandbox
        .run(&["create-user", "ACME-41", "--dry-run"])
        .await
        .done();
    let created = sandbox
        .run(&["create-user", "ACME-41", "--no-key", "-o", "json"])
        .await
        .done();
    let other = sandbox
        .run(&[
            "create-user",
            "h1-BULK",
            "--no-key",
            "--permission",
            "access_data",
            "--model",
            "thelook",
        ])
        .await
        .done();
    let mut said = created.json()["warnings"].to_string();
    said.push_str(&created.err);

    says(&dry, &[expected]);
    assert!(said.contains(expected), "{said}");
    says(
        &other,
        &["`h1-BULK` is new, and differs only by case from `h1-bulk`, which exists"],
    );
    let applied = sandbox
        .run(&["apply", "users.csv", "--dry-run"])
        .await
        .done();
    assert!(
        !applied.err.contains("is new"),
        "it exists by now: {}",
        applied.err
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn a_person_who_moves_to_another_case_of_the_id_is_warned_of_others_only() {
    let sandbox = crate::rotation::rotation().await;
    let rotate = |old, new| {
        [
            "rotate-id",
            old,
            new,
            "--attr",
            "api_token=s",
            "--no-key",
            "-y",
        ]
    };

    let own = sandbox.run(&rotate("acme-42", "ACME-42")).await.done();
    let other = sandbox.run(&rotate("acme-421", "Acme-4")).await.done();

    assert!(!own.err.contains("only by case"), "{}", own.err);
    says(
        &other,
        &["`Acme-4` is new, and differs only by case from `acme-4`, which exists"],
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn it_is_said_if_ids_could_not_be_compared_with_all_others() {
    let sandbox = Sandbox::with(Options {
        users: 600,
        ..Options::default()
    })
    .await;
    sandbox.file("letters.csv", "external_user_id\nNew-1\n");
    sandbox.file("digits.csv", "external_user_id\n4711\n");

    let letters = sandbox.run(&["plan", "letters.csv"]).await.done();
    let digits = sandbox.run(&["plan", "digits.csv"]).await.done();
    let verbose = sandbox
        .run(&["create-user", "New-1", "--no-key", "-v"])
        .await
        .done();

    says(
        &letters,
        &["Not checked: whether new ids differ only by case"],
    );
    assert_eq!(digits.err, "");
    says(&verbose, &["not compared with the ids of all users"]);
    sandbox.finish().await;
}

#[tokio::test]
async fn empty_cells_of_key_and_state_say_nothing_and_failed_rows_have_a_private_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let sandbox = company().await;
    sandbox.file(
        "users.csv",
        "External User ID;Models;Attr.Region;Key;State;Reason\nh1-bulk;thelook,finance;south;;;failed before\ngone;;;;;\n",
    );

    let plan = sandbox
        .run(&["plan", "users.csv", "-o", "json"])
        .await
        .done();
    let applied = sandbox
        .run(&["apply", "users.csv", "--failed-to", "failed.csv", "-y"])
        .await
        .done();

    assert_eq!(plan.json()["unchanged"], 1, "{}", plan.out);
    assert_eq!(plan.json()["create"], 1);
    let mode = fs::metadata(sandbox.path("failed.csv"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "{}", applied.err);
    sandbox.finish().await;
}

#[tokio::test]
async fn failed_rows_keep_attributes_that_the_manifest_spells_otherwise() {
    use embedctl::emulator::{Effect, ErrorBody, Fault};

    let sandbox = company().await;
    let refused = Effect::Status {
        code: 422,
        body: ErrorBody::Json,
        retry_after: None,
    };
    sandbox
        .emulator()
        .inject(Fault::new(refused).on("create_user_credentials_api3"));
    sandbox.file(
        "users.csv",
        "EXTERNAL_USER_ID\tATTR.Brand Filter\tKEY\nnew-1\tacme\tENSURE\n",
    );
    let args = [
        "apply",
        "users.csv",
        "--failed-to",
        "failed.csv",
        "--keys-to",
        "file:keys.jsonl",
    ];

    let _failed = sandbox.run(&args).await.exits(3);
    let failed = sandbox.read("failed.csv");
    let again = sandbox
        .run(&[
            "apply",
            "failed.csv",
            "--keys-to",
            "file:keys.jsonl",
            "-o",
            "json",
        ])
        .await
        .done();

    assert!(
        failed.starts_with("external_user_id,key,state,reason,attr.brand_filter\nnew-1,ensure,,"),
        "{failed}"
    );
    assert!(failed.ends_with(",acme\n"), "{failed}");
    assert_eq!(again.json()["keys_delivered"], 1);
    sandbox.finish().await;
}

#[tokio::test]
async fn a_mapping_is_read_as_a_manifest_is() {
    let sandbox = crate::rotation::rotation().await;
    let utf16: Vec<u8> = "\u{feff}Old\tNew\nacme-4\tacme-4-n\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let spaces = "spaces around ids were taken off";
    for (bytes, warning) in [
        (fixture("mapping-spaces.csv").into_bytes(), spaces),
        (fixture("mapping-caps.csv").into_bytes(), ""),
        (
            b"sep=;\r\nOLD;NEW;;\r\nacme-4;acme-4-n;;\r\n;;;\r\n".to_vec(),
            "",
        ),
        (
            b"\"old\" , \"new\"\nacme-4 , \"acme-4-n\"\n".to_vec(),
            spaces,
        ),
        (utf16, ""),
    ] {
        fs::write(sandbox.path("mapping.csv"), &bytes).unwrap();

        let dry = sandbox
            .run(&[
                "rotate-id",
                "--from",
                "mapping.csv",
                "--dry-run",
                "-o",
                "json",
            ])
            .await;

        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(matches!(dry.exit, 0), "{shown}: {}", dry.err);
        assert!(dry.out.contains("\"acme-4-n\""), "{shown}: {}", dry.out);
        assert_eq!(
            dry.err.contains(spaces),
            !warning.is_empty(),
            "{shown}: {}",
            dry.err
        );
    }
    for (text, expected) in [
        ("old,new,neu\na,b,c\n", "there is no column `neu`"),
        ("old,new\na\n", "the row has 1 cell, but the header has 2"),
        ("old,new\n1.2E+10,b\n,c\n", "the id is empty"),
    ] {
        sandbox.file("mapping.csv", text);
        let refused = sandbox
            .run(&["rotate-id", "--from", "mapping.csv"])
            .await
            .exits(2);
        says(&refused, &[expected]);
    }
    sandbox.finish().await;
}
