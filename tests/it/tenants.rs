//! A spreadsheet of 500 tenants with the mistakes that people make, on the way from its first error to a clean second plan.

use std::collections::BTreeMap;

use embedctl::emulator::{Options, State};
use serde_json::json;

use crate::support::{Outcome, Sandbox};

/// How many people each tenant has.
const PEOPLE: usize = 2;

/// A spreadsheet as a program in much of Europe saves it, in which `mistakes` says what some cells hold instead.
fn spreadsheet(header: &str, mistakes: &BTreeMap<(usize, usize), &str>) -> String {
    let mut text = format!("\u{feff}sep=;\r\n{header};\r\n");
    for row in 0..500 * PEOPLE {
        let (tenant, person) = (row / PEOPLE, row % PEOPLE);
        let cells = [
            format!("t{tenant:03}-p{person}"),
            ["Ada", "Zoë"][person].to_owned(),
            "demo".to_owned(),
            "access_data, see_looks".to_owned(),
            "Sales".to_owned(),
            "north".to_owned(),
            (1000 + tenant).to_string(),
            String::new(),
        ];
        for (column, cell) in cells.iter().enumerate() {
            text += mistakes.get(&(row, column)).unwrap_or(&&**cell);
            text += if column + 1 < cells.len() {
                ";"
            } else {
                "\r\n"
            };
        }
        if row == 400 {
            text += ";;;;;;;\r\n";
        }
    }
    text
}

/// What the people who made the sheet got wrong, by row and column.
fn mistakes() -> BTreeMap<(usize, usize), &'static str> {
    let mut mistakes = BTreeMap::from([
        ((17, 0), " t008-p1 "),
        ((40, 0), "1,23457E+12"),
        ((77, 0), "T000-P1"),
        ((90, 0), "t010-p0"),
        ((120, 4), "Sails"),
        ((130, 6), "12a"),
        ((131, 5), "#N/A"),
        ((132, 5), "“south”"),
    ]);
    mistakes.extend((200..230).map(|row| ((row, 2), "demmo")));
    mistakes.extend((300..360).map(|row| ((row, 3), "access_dta, see_looks")));
    mistakes
}

/// The lines of standard error that start with `start`.
fn lines(outcome: &Outcome, start: &str) -> usize {
    outcome
        .err
        .lines()
        .filter(|line| line.starts_with(start))
        .count()
}

#[tokio::test]
async fn five_commands_lead_from_a_sheet_with_every_mistake_to_a_clean_second_plan() {
    let state = json!({ "groups": [{ "id": 60, "name": "Sales" }] });
    let sandbox = Sandbox::with(Options {
        state: State::parse(&state.to_string()).unwrap(),
        ..Options::default()
    })
    .await;
    let plan = ["plan", "tenants.csv", "--detailed-exitcode"];

    // What is wrong with the columns comes with what is wrong with ids, models and permissions, each mistake once.
    let header = "External User ID;First Name;Models;Permissions;Groups;region;customer_id";
    let mut mistakes = mistakes();
    sandbox.file("tenants.csv", &spreadsheet(header, &mistakes));
    let first = sandbox.run(&plan).await.exits(2);
    assert_eq!(lines(&first, "tenants.csv:"), 7, "{}", first.err);
    assert_eq!(lines(&first, "warning: "), 3, "{}", first.err);
    for said in [
        "did you mean `group_ids`?",
        "did you mean `attr.region`?",
        "did you mean `attr.customer_id`?",
        "did you mean `demo`? (30 rows",
        "did you mean `access_data`? (60 rows",
        "only by case",
        "already in line",
        "looks like a long number that a spreadsheet has shortened",
    ] {
        assert!(first.err.contains(said), "{said}: {}", first.err);
    }

    // With the right columns, their values are read.
    let header =
        "External User ID;First Name;Models;Permissions;group_ids;attr.region;attr.customer_id";
    mistakes.retain(|(row, column), _| *column > 3 || *row == 17);
    sandbox.file("tenants.csv", &spreadsheet(header, &mistakes));
    let second = sandbox.run(&plan).await.exits(2);
    assert_eq!(lines(&second, "tenants.csv:"), 2, "{}", second.err);
    assert_eq!(lines(&second, "warning: "), 3, "{}", second.err);

    sandbox.file("tenants.csv", &spreadsheet(header, &BTreeMap::new()));
    let third = sandbox.run(&plan).await.exits(9);
    assert_eq!(lines(&third, "warning: "), 0, "{}", third.err);
    assert!(third.out.contains("Plan: 1000 to create"), "{}", third.out);
    let applied = sandbox.run(&["apply", "tenants.csv", "-o", "json"]).await;
    assert_eq!(applied.done().json()["created"], 500 * PEOPLE);
    let again = sandbox.run(&plan).await.done();
    assert!(
        again.out.starts_with("Plan: 1000 unchanged."),
        "{}",
        again.out
    );
    sandbox.finish().await;
}
