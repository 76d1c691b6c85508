//! How time and memory grow with the rows of a manifest, the first time, again, and when a finished run is resumed.

use std::time::Duration;

use crate::job::Job;
use crate::looker::Looker;

const ROWS: [u32; 3] = [1_000, 100_000, 1_000_000];

const WIDTH: u32 = 64;

pub(crate) fn run(test: bool) {
    println!(
        "{:16}{:^32}  {:^32}  {:^32}",
        "", "the first time", "again", "resume of the finished run"
    );
    let columns = "  seconds  us/row     MiB  writes";
    println!("   rows  keys   {columns}{columns}{columns}");
    let rows = if test { &[20][..] } else { &ROWS[..] };
    for rows in rows {
        for key in ["none", "ensure"] {
            measure(*rows, key);
        }
    }
}

fn measure(rows: u32, key: &str) {
    let (looker, job) = (Looker::start(0), Job::new(rows, key));
    let first = job.apply(&looker, WIDTH);
    let writes = looker.writes();
    let again = job.apply(&looker, WIDTH);
    let writes_again = looker.writes() - writes;
    let resumed = job.resume(&looker, first.summary["run_id"].as_str().unwrap());
    let writes_resumed = looker.writes() - writes - writes_again;
    assert_eq!(first.count("created"), rows, "{}", first.summary);
    assert_eq!(again.count("unchanged"), rows, "{}", again.summary);
    assert_eq!((writes_again, writes_resumed), (0, 0));
    looker.assert_understood();

    let columns = |elapsed: Duration, memory: f64, writes: u32| {
        let each = elapsed.as_secs_f64() * 1e6 / f64::from(rows);
        let seconds = elapsed.as_secs_f64();
        format!("{seconds:>9.2} {each:>7.0} {memory:>7.1} {writes:>7}")
    };
    println!(
        "{rows:>7}  {key:<7}{}{}{}",
        columns(first.ended.elapsed, first.ended.memory, writes),
        columns(again.ended.elapsed, again.ended.memory, writes_again),
        columns(resumed.elapsed, resumed.memory, writes_resumed),
    );
}
