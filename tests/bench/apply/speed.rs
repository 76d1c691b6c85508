//! Users a second, and how near that is to the most there can be.
//!
//! A user with a key takes n requests, one after the other: the signed URL, the look-up, the mint and the tag. With
//! latency L and C users at a time no program can make more than C / (n L) of them a second. The whole run, which is
//! the process from start to end, also logs in, checks the manifest, looks at who is there and logs out.

use crate::job::{Applied, Job};
use crate::looker::Looker;

/// Latency in milliseconds, users at a time, and as many users as that takes a few seconds for; more than so few that
/// they are looked up one by one.
const CELLS: [(u32, u32, u32); 9] = [
    (0, 1, 2_000),
    (0, 10, 15_000),
    (0, 64, 20_000),
    (25, 1, 60),
    (25, 10, 1_000),
    (25, 64, 6_000),
    (200, 1, 15),
    (200, 10, 150),
    (200, 64, 1_000),
];

pub(crate) fn run(test: bool) {
    println!("{:32}{:^21}  {:^21}", "", "whole run", "at work on users");
    println!(
        "latency  at a time   users     n    users/s  efficiency    users/s  efficiency  CPU s    MiB"
    );
    for (latency, width, users) in CELLS {
        let (latency, users) = if test {
            (latency.min(25), 12)
        } else {
            (latency, users)
        };
        let looker = Looker::start(latency);
        let done = Job::new(users, "ensure").apply(&looker, width);
        assert_eq!(done.count("keys_delivered"), users, "{}", done.summary);
        looker.assert_understood();
        print(
            latency,
            width,
            users,
            requests_per_user(&looker, users),
            &done,
        );
    }
}

/// How many requests there were for each user, those for all or for a sample left out.
fn requests_per_user(looker: &Looker, users: u32) -> u32 {
    let calls = looker.calls().into_values();
    calls.map(|count| count / users).sum()
}

fn print(latency: u32, width: u32, users: u32, requests: u32, done: &Applied) {
    let efficiency = |rate: f64| {
        let most = f64::from(width) * 1000.0 / f64::from(requests * latency);
        match latency {
            0 => "-".to_owned(),
            _ => format!("{:.1} %", rate / most * 100.0),
        }
    };
    let rates = [done.ended.elapsed, done.working].map(|time| {
        let rate = f64::from(users) / time.as_secs_f64();
        format!("{rate:>9.1}  {:>10}", efficiency(rate))
    });
    println!(
        "{latency:>4} ms {width:>10} {users:>7} {requests:>5}  {}  {} {:>6.2} {:>6.1}",
        rates[0], rates[1], done.ended.processor, done.ended.memory
    );
}
