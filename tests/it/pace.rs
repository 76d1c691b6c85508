//! How many requests are in flight at once: fewer than asked for where a busy Looker answers later the more there are.

use std::sync::Arc;
use std::time::Duration;

use embedctl::emulator::{Emulator, Latency, Options};
use embedctl::system::Clock;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::clients::client;
use crate::support::in_time;

const LATENCY: Duration = Duration::from_millis(40);

const CAPACITY: u32 = 8;

/// Make `calls` calls, up to 64 at a time as the client allows; gives how long they took.
async fn call(emulator: &Emulator, calls: u32) -> Duration {
    let client = client(
        emulator.base_url(),
        emulator.client_id(),
        emulator.client_secret(),
    );
    client.me().await.unwrap();
    let (clock, left) = (Clock::os(), Arc::new(Semaphore::new(calls as usize)));
    let mut lanes = JoinSet::new();
    for _ in 0..64 {
        let (client, left) = (client.clone(), Arc::clone(&left));
        lanes.spawn(async move {
            while let Ok(one) = left.try_acquire() {
                one.forget();
                client.me().await.unwrap();
            }
        });
    }
    lanes.join_all().await;
    let took = clock.elapsed();
    client.logout().await.unwrap();
    took
}

/// How long the last `count` answers to `me` took, the middle one of them, as the Looker saw it.
fn median_of_last(emulator: &Emulator, count: usize) -> Duration {
    let requests = emulator.requests();
    let last = requests.iter().rev().filter(|call| call.operation == "me");
    let mut last: Vec<_> = last.take(count).map(|call| call.elapsed).collect();
    last.sort_unstable();
    last[count / 2]
}

#[tokio::test]
async fn where_answers_take_longer_the_more_are_in_flight_fewer_are_and_no_fewer_are_served() {
    const CALLS: u32 = 800;
    let options = Options {
        latency: Latency::Fixed(LATENCY),
        capacity: Some(CAPACITY as usize),
        ..Options::default()
    };
    let emulator = Emulator::start(options).await.unwrap();

    let took = in_time(call(&emulator, CALLS)).await;

    let at_once = 64 / CAPACITY * LATENCY;
    let waited = median_of_last(&emulator, 200);
    assert!(
        waited < at_once * 3 / 4,
        "{waited:?}, all at once {at_once:?}"
    );
    let least = CALLS / CAPACITY * LATENCY;
    assert!(took < least * 2, "{took:?}, at least {least:?}");
    emulator.stop().await;
}
