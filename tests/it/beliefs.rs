//! What embedctl assumes about Looker: the rows, the places in the code that depend on them, and the local Looker's switches.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use embedctl::beliefs::{self, Emulated, Evidence};
use embedctl::emulator::{Fault, Switches};

use crate::support::Sandbox;

/// Where the ids of beliefs are named in the source: `// belief: ID, ID`.
fn references() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // There are pictures too.
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let Some((_, ids)) = line.split_once("// belief: ") else {
                    continue;
                };
                let place = path.display().to_string();
                found.extend(ids.split(", ").map(|id| (place.clone(), id.to_owned())));
            }
        }
    }
    found
}

#[test]
fn every_belief_that_the_source_names_has_a_row() {
    for (place, id) in references() {
        if !place.ends_with("src/beliefs/mod.rs") {
            assert!(beliefs::find(&id).is_some(), "{place} names `{id}`");
        }
    }
}

#[test]
fn every_belief_is_named_where_the_source_depends_on_it() {
    let named: BTreeSet<String> = references().into_iter().map(|(_, id)| id).collect();
    let unnamed: Vec<&str> = beliefs::all()
        .map(|belief| belief.id)
        .filter(|id| !named.contains(*id))
        .collect();
    assert!(
        unnamed.is_empty(),
        "no `// belief: ID` for {unnamed:?}; put it where the code depends on it, or delete the row if nothing does any more"
    );
}

#[test]
fn every_switch_that_a_belief_names_is_one_of_the_local_looker() {
    let names: BTreeSet<&str> = Switches::names().collect();
    for belief in beliefs::all() {
        if let Emulated::Switch(name) = belief.emulator {
            assert!(names.contains(name), "`{}` names `{name}`", belief.id);
        }
    }
}

#[test]
fn every_switch_that_turns_looker_round_is_named_by_a_row() {
    let named: BTreeSet<&str> = beliefs::all()
        .filter_map(|belief| match belief.emulator {
            Emulated::Switch(name) => Some(name),
            _ => None,
        })
        .collect();
    let unnamed: Vec<&str> = Switches::names()
        .filter(|name| !named.contains(name))
        .collect();
    assert!(
        unnamed.is_empty(),
        "no belief has the switch {unnamed:?}; say what we assume about Looker, and what happens otherwise"
    );
}

/// A row without a switch says by which fault or option Looker is turned round, or why it cannot be.
#[tokio::test]
async fn every_row_says_how_looker_is_turned_round_or_why_it_is_not() {
    let help = Sandbox::offline();
    let help = help.run(&["emulator", "--help"]).await.done().out;
    for belief in beliefs::all() {
        match belief.emulator {
            Emulated::Switch(_) => {}
            Emulated::Fault(fault) => {
                let read = fault.parse::<Fault>();
                assert!(read.is_ok(), "`{}`: {read:?}", belief.id);
            }
            Emulated::Option(option) => {
                let name = option.split(' ').next().unwrap();
                assert!(help.contains(name), "`{}` names `{option}`", belief.id);
            }
            Emulated::Without(why) => assert!(
                why.starts_with("because ") && why.len() > 30,
                "`{}` has nothing that turns it round, and says only `{why}`",
                belief.id
            ),
        }
    }
}

#[test]
fn every_probe_can_tell_of_some_belief() {
    for probe in beliefs::Probe::ALL {
        assert!(
            beliefs::all().any(|belief| belief.probe == Some(probe)),
            "{probe:?}"
        );
    }
}

#[tokio::test]
async fn people_read_the_evidence_first_within_eighty_columns() {
    let sandbox = Sandbox::offline();

    let page = sandbox.run(&["help", "looker"]).await.done().out;

    for line in page.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for belief in beliefs::all() {
        let row = format!("{:<12}{}\n", belief.evidence.word(), belief.id);
        assert!(page.contains(&row), "no `{row}`");
    }
    let guesses = beliefs::all().filter(|belief| belief.evidence == Evidence::None);
    assert!(
        page.contains(&format!("{} none", guesses.count())),
        "{page}"
    );
}

#[tokio::test]
async fn programs_read_every_row() {
    let sandbox = Sandbox::offline();

    let whole = sandbox.run(&["help", "looker", "-o", "json"]).await.done();
    let lines = sandbox.run(&["help", "looker", "-o", "jsonl"]).await.done();

    let whole = whole.json();
    assert_eq!(whole["topic"], "looker");
    let rows = whole["beliefs"].as_array().unwrap();
    assert_eq!(rows.len(), beliefs::all().count());
    assert_eq!(*rows, lines.json_lines());
    let source = rows
        .iter()
        .find(|row| row["id"] == "source-own-word")
        .unwrap();
    assert_eq!(source["evidence"], "recorded");
    assert!(source["claim"].as_str().unwrap().contains("User Setting"));
}
