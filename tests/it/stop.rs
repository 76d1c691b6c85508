//! Ctrl-C twice stops at once: no token is left alive where Looker answers, and nobody waits long where it does not.

use std::time::Duration;

use embedctl::emulator::{Effect, Fault};
use embedctl::system::Input;
use jiff::Timestamp;

use crate::support::{Outcome, Sandbox, in_time};

/// Longer than anybody waits.
fn forever() -> Effect {
    Effect::SlowHeaders(Duration::from_secs(100))
}

/// Apply a manifest of eight users, and ask to stop twice once four of them have been impersonated.
async fn stopped(sandbox: &Sandbox) -> Outcome {
    let rows: String = (0..8).map(|number| format!("acme-{number}\n")).collect();
    sandbox.file("users.csv", &format!("external_user_id\n{rows}"));
    let (mut system, captured) = sandbox.system(Input::empty());
    let interrupt = system.interrupt.clone();
    let acting = || {
        let requests = sandbox.emulator().requests();
        let count = |name: &str| {
            let of = requests.iter().filter(|request| request.operation == name);
            of.count()
        };
        count("login_user") >= 4 && count("me") >= 5
    };
    let twice = async {
        while !acting() {
            tokio::task::yield_now().await;
        }
        interrupt.trigger();
        interrupt.trigger();
    };
    let args = ["embedctl", "apply", "users.csv", "--verify", "all"];

    let run = Box::pin(embedctl::run(args, &mut system));
    let (exit, ()) = in_time(async { tokio::join!(run, twice) }).await;

    captured.outcome(exit.code()).exits(130)
}

#[tokio::test]
async fn the_users_that_were_impersonated_and_the_admin_are_logged_out() {
    let sandbox = Sandbox::new().await;
    // The first is the admin's own look at who it is.
    let fault = Fault::new(forever()).on("me").after(1).times(8);
    sandbox.emulator().inject(fault);

    let stopped = stopped(&sandbox).await;

    assert!(
        stopped.err.contains("error: stopped at once"),
        "{}",
        stopped.err
    );
    assert!(!stopped.err.contains("warning"), "{}", stopped.err);
    assert_eq!(sandbox.emulator().live_tokens(), 0);
    sandbox.emulator().clear_faults();
    let _resumed = sandbox.run(&["apply", "users.csv"]).await.done();
    sandbox.finish().await;
}

#[tokio::test]
async fn a_looker_that_does_not_answer_is_not_waited_for() {
    // On this clock the moment that is waited at most takes no time.
    let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let sandbox = Sandbox::at(start).await;
    for (operation, first) in [("me", 1), ("logout", 0)] {
        let fault = Fault::new(forever()).on(operation).after(first);
        sandbox.emulator().inject(fault.times(9));
    }

    let stopped = stopped(&sandbox).await;

    assert!(
        stopped
            .err
            .contains("could not be logged out: it took too long"),
        "{}",
        stopped.err
    );
    sandbox.emulator().clear_faults();
    sandbox.emulator().end_tokens();
    sandbox.finish().await;
}
