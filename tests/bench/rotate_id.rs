//! What it takes to change the ids of many people who own a lot, at a local Looker in the same process.
//!
//! `cargo bench --bench rotate_id` moves 50, 100 and 200 people: if everything is linear, each takes the same processor
//! time, which does not depend on what else the machine does. `-- 1000` moves as many as that.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so and stop"
)]

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use embedctl::emulator::{Emulator, Options, State};
use embedctl::error::Exit;
use embedctl::secret::ExposeSecret as _;
use embedctl::system::{Input, Stream, System};
use serde_json::{Value, json};

/// The first person's id in Looker. What belongs to a person has ids that begin with the person's.
const FIRST: usize = 1000;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<usize> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    // Cargo says `--bench` to a benchmark, and nothing to a test.
    let sizes = match (given.is_empty(), args.iter().any(|arg| arg == "--bench")) {
        (false, _) => given,
        (true, true) => vec![50, 100, 200],
        (true, false) => vec![2],
    };
    println!("people    CPU s  CPU ms each  elapsed s   calls each");
    for people in sizes {
        rotate(people).await;
    }
}

async fn rotate(people: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut mapping = "old,new\n".to_owned();
    for number in 0..people {
        writeln!(mapping, "acme-{number},u-{number}").unwrap();
    }
    fs::write(folder.path().join("mapping.csv"), mapping).unwrap();
    let looker = Emulator::start(Options {
        state: State::parse(&world(people).to_string()).unwrap(),
        history: 1000 * people,
        ..Options::default()
    })
    .await
    .unwrap();
    let mut system = system(&looker, folder.path());
    let (began, processor) = (Instant::now(), processor_time());

    let command = "embedctl rotate-id --from mapping.csv --keys-to file:keys.jsonl -o jsonl";
    let exit = embedctl::run(command.split(' '), &mut system).await;

    let (processor, elapsed) = (processor_time() - processor, began.elapsed());
    assert_eq!(exit, Exit::Done);
    let calls = looker.requests().len();
    looker.stop().await;
    println!(
        "{people:>6} {processor:>8.2} {:>12.1} {:>10.1} {:>12}",
        processor * 1000.0 / f64::from(u32::try_from(people).unwrap()),
        elapsed.as_secs_f64(),
        calls / people,
    );
}

fn system(looker: &Emulator, folder: &Path) -> System {
    let (id, secret) = (looker.client_id(), looker.client_secret());
    let variables = [
        ("LOOKERSDK_BASE_URL", looker.base_url()),
        ("LOOKERSDK_CLIENT_ID", id),
        ("LOOKERSDK_CLIENT_SECRET", secret.expose_secret()),
        (
            "LOOKERSDK_EMBED_SECRET",
            looker.embed_secret().expose_secret(),
        ),
        ("HOME", folder.to_str().unwrap()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (out, err) = (
        Stream::new(io::sink(), false),
        Stream::new(io::stderr(), false),
    );
    System::with(variables, folder, Input::empty(), out, err)
}

/// A Looker where so many people own some of everything.
fn world(people: usize) -> Value {
    let people = (FIRST..FIRST + people).map(|id| (id, id - FIRST));
    let all = |of: fn(usize, usize) -> Vec<Value>| -> Vec<Value> {
        people
            .clone()
            .flat_map(|(id, number)| of(id, number))
            .collect()
    };
    json!({
        "groups": [{ "id": 20, "name": "Acme" }],
        "users": all(user),
        "folders": all(folders),
        "dashboards": all(dashboards),
        "looks": all(looks),
        "scheduled_plans": all(schedules),
        "alerts": all(alerts),
        "boards": all(boards),
        "favorites": all(favorites),
        "content_access": all(accesses),
    })
}

fn user(id: usize, number: usize) -> Vec<Value> {
    let permissions = [
        "access_data",
        "see_looks",
        "see_user_dashboards",
        "save_content",
        "schedule_look_emails",
        "create_alerts",
    ];
    vec![json!({
        "id": id,
        "external_user_id": format!("acme-{number}"),
        "first_name": "Ada",
        "last_name": format!("Lovelace {number}"),
        "groups": [20],
        "user_attributes": { "customer_id": number.to_string() },
        "login": { "permissions": permissions, "models": ["demo"], "groups": [20] },
        "keys": [{ "client_id": format!("key{number:017}") }],
    })]
}

/// A personal folder with three folders in it, one of them in another one.
fn folders(id: usize, _: usize) -> Vec<Value> {
    let below = |part: usize, parent: usize, name: &str| {
        let (id, parent) = (id * 10 + part, id * 10 + parent);
        json!({ "id": id, "name": name, "parent": parent })
    };
    let home = json!({ "id": id * 10, "kind": "personal", "creator": id });
    let mut all = vec![
        home,
        below(1, 0, "Sales"),
        below(2, 1, "2024"),
        below(3, 0, "Archive"),
    ];
    for folder in &mut all {
        folder["creator"] = id.into();
    }
    all
}

/// Eight, of which two are in the trash.
fn dashboards(id: usize, _: usize) -> Vec<Value> {
    let one = |part: usize| {
        let of = id * 10 + part;
        let mut one = json!({
            "id": of, "title": format!("Revenue {part}"), "folder": id * 10 + part % 4, "owner": id,
            "elements": [{ "id": of, "title": "Orders", "query": query() }],
        });
        if let Some(one) = one.as_object_mut().filter(|_| part >= 6) {
            one.insert("deleted_at".to_owned(), 1_700_000_000.into());
            one.insert("deleter".to_owned(), id.into());
        }
        one
    };
    (0..8).map(one).collect()
}

fn looks(id: usize, _: usize) -> Vec<Value> {
    let one = |part: usize| {
        let folder = id * 10 + part % 4;
        json!({ "id": id * 10 + part, "title": format!("Orders {part}"), "folder": folder, "owner": id, "query": query() })
    };
    (0..4).map(one).collect()
}

fn query() -> Value {
    json!({ "model": "demo", "view": "orders", "fields": { "fields": ["orders.count"] } })
}

fn schedules(id: usize, _: usize) -> Vec<Value> {
    let fields = json!({ "name": "On Mondays", "crontab": "0 6 * * 1", "enabled": true });
    let destination = json!({ "fields": { "type": "email", "format": "wysiwyg_pdf", "address": "ada@acme.example" } });
    let one = |part: usize| {
        let of = id * 10 + part;
        json!({ "id": of, "owner": id, "of": { "dashboard": of }, "fields": fields, "destinations": [destination] })
    };
    (0..3).map(one).collect()
}

fn alerts(id: usize, _: usize) -> Vec<Value> {
    let fields = json!({
        "comparison_type": "LESS_THAN",
        "threshold": 10,
        "cron": "0 5 * * *",
        "field": { "title": "Orders", "name": "orders.count" },
        "destinations": [{ "destination_type": "EMAIL", "email_address": "ada@acme.example" }],
        "is_public": true,
    });
    let one = |part: usize| {
        let of = id * 10 + part;
        json!({ "id": of, "owner": id, "element": of, "fields": fields })
    };
    (0..2).map(one).collect()
}

fn boards(id: usize, _: usize) -> Vec<Value> {
    let items = json!([{ "dashboard": id * 10 }, { "look": id * 10 }]);
    vec![
        json!({ "id": id, "title": "Acme", "owner": id, "sections": [{ "title": "Sales", "items": items }] }),
    ]
}

fn favorites(id: usize, _: usize) -> Vec<Value> {
    let of = [
        json!({ "dashboard": id * 10 }),
        json!({ "dashboard": id * 10 + 1 }),
        json!({ "look": id * 10 }),
        json!({ "board": id }),
    ];
    of.into_iter()
        .map(|of| json!({ "user": id, "of": of }))
        .collect()
}

fn accesses(id: usize, _: usize) -> Vec<Value> {
    let shared = |folder: usize| json!({ "of": { "folder": id * 10 + folder }, "with": { "user": id }, "level": "edit" });
    vec![shared(1), shared(3)]
}

/// The processor time of this process, in seconds; the kernel counts it in hundredths.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks = ticks.map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}
