//! Three tickets as a support person has them: from what was pasted to the answer, and to what mends it.

use std::io::Cursor;

use embedctl::emulator::{Options, State};
use embedctl::secret::ExposeSecret as _;
use embedctl::system::{Clock, Input};

use crate::doctor::write_profile;
use crate::support::Sandbox;

/// A link in a mail, as the mail gateway of the recipient's company wraps it.
fn in_a_mail(url: &str) -> String {
    let inside: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    format!(
        "Hi support,\n\nsince Monday the link in our newsletter only says 'Not found'. It worked when I tried it!\n\n\
         https://eur01.safelinks.protection.outlook.com/?url={inside}&data=05%7C02%7Ckim%40acme.example&reserved=0\n\n\
         Thanks, Kim\n"
    )
}

#[tokio::test]
async fn a_link_in_a_mail_that_fails() {
    let clock = Clock::manual("2026-03-02T09:30:00Z".parse().unwrap());
    let mut sandbox = Sandbox::with(Options {
        clock: clock.clone(),
        ..Options::default()
    })
    .await;
    sandbox.clock(clock.clone());
    let sign = [
        "url",
        "sign",
        "/embed/dashboards/1",
        "--external-user-id=kim",
        "--model=demo",
        "--permission=access_data",
        "--permission=see_looks",
        "--permission=see_user_dashboards",
    ];
    let when = ["--user-timezone", "Europe/Berln"];
    let signed = sandbox.run(&[&sign[..], &when].concat()).await.done();
    let mail = in_a_mail(signed.out.trim());
    clock.sleep(std::time::Duration::from_secs(5400)).await;

    let told = sandbox
        .run_with(
            &["url", "inspect", "-"],
            Input::new(Cursor::new(mail), false),
        )
        .await
        .exits(1)
        .out;

    let begin: Vec<&str> = told.lines().take(5).collect();
    assert!(begin[0].contains("mail gateway"), "{told}");
    assert!(begin[1].contains("not valid"), "{told}");
    assert!(
        begin[3].starts_with("time_too_old: the URL was signed 5400 seconds ago"),
        "{told}"
    );
    assert!(
        begin[4].contains("not when a mail with it is sent"),
        "{told}"
    );
    assert!(
        told.contains("timezone_unknown") && told.contains("did you mean `Europe/Berlin`?"),
        "{told}"
    );
    assert!(
        !told.contains("embed secret again") && !told.contains("another secret"),
        "{told}"
    );
    // What mends it: the page signs when it is opened.
    let again = sandbox.run(&sign).await.done();
    let told = sandbox
        .run(&["url", "inspect", again.out.trim()])
        .await
        .done()
        .out;
    assert!(told.contains("The URL is valid"), "{told}");
    sandbox.finish().await;
}

#[tokio::test]
async fn the_dashboard_is_empty_for_this_user() {
    let sandbox = Sandbox::with(Options {
        state: State::parse(include_str!("../data/explain.yaml")).unwrap(),
        ..Options::default()
    })
    .await;
    // What the person can see of itself, and what Looker's own page of users shows: its number.
    let by_number = sandbox
        .run(&["users", "explain", "103", "--dashboard", "12"])
        .await
        .exits(5);
    assert!(
        by_number
            .err
            .contains("is Looker's id of the embed user `no-model`"),
        "{}",
        by_number.err
    );

    let told = sandbox
        .run(&["users", "explain", "no-model", "--dashboard", "12"])
        .await
        .exits(3)
        .out;

    let last = told.lines().last().unwrap_or_default();
    assert!(told.contains("=>") && told.contains("`sales`"), "{told}");
    // What it says is done, as it says it.
    let fix = told
        .lines()
        .find(|line| line.trim_start().starts_with("fix: `embedctl "));
    let command = fix.and_then(|line| line.split('`').nth(1)).unwrap();
    assert!(command.ends_with("--model sales"), "{last}: {told}");
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--yes"]).collect();
    let _granted = sandbox.run(&words).await.done();
    let after = sandbox
        .run(&["users", "explain", "no-model", "--dashboard", "12"])
        .await;
    assert!(
        after.out.contains("pass  models: `sales` can be queried"),
        "{}",
        after.out
    );
    sandbox.finish().await;
}

#[tokio::test]
async fn doctor_on_a_wrong_profile() {
    let mut sandbox = Sandbox::new().await;
    let emulator = sandbox.emulator();
    let (url, id) = (
        emulator.base_url().to_owned(),
        emulator.client_id().to_owned(),
    );
    let secret = emulator.client_secret().expose_secret().to_owned();
    let embed = emulator.embed_secret().expose_secret().to_owned();
    for name in ["BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "EMBED_SECRET"] {
        sandbox.unset(&format!("LOOKERSDK_{name}"));
    }
    let profile = format!(
        "base_url = \"{url}\"\nclient_id = \"{id}\"\nclient_secret = {{ env = \"ACME_KEY\" }}\n\
         embed_secret = {{ env = \"ACME_EMBED\" }}\ngrants.models = [\"demo\"]\n"
    );
    write_profile(&mut sandbox, &profile);
    let doctor = ["doctor", "--profile", "p"];

    let typed = sandbox.run(&["doctor", "--profile", "q"]).await.exits(2);
    let unset = sandbox.run(&doctor).await.exits(2);
    sandbox
        .var("ACME_KEY", "of-another-looker")
        .var("ACME_EMBED", &embed);
    let wrong = sandbox.run(&doctor).await.exits(4);
    sandbox
        .var("ACME_KEY", &secret)
        .var("ACME_EMBED", "of-another-looker");
    let embeds = sandbox.run(&doctor).await.exits(7);
    sandbox.var("ACME_EMBED", &embed);
    let right = sandbox.run(&doctor).await.done();

    assert!(
        typed.err.contains("there is no profile `q`") && typed.err.contains('p'),
        "{}",
        typed.err
    );
    assert!(
        unset.out.contains("`ACME_KEY`, named in profile `p`"),
        "{}",
        unset.out
    );
    assert!(
        unset.out.contains("fix: set those variables"),
        "{}",
        unset.out
    );
    let fails = |text: &str| text.lines().filter(|line| line.starts_with("fail")).count();
    for (outcome, words) in [(&wrong, "fail  login: "), (&embeds, "fail  embed_secret: ")] {
        assert!(outcome.out.contains(words), "{}", outcome.out);
        assert_eq!(fails(&outcome.out), 1, "{}", outcome.out);
        assert!(
            !outcome.out.contains("of-another-looker"),
            "{}",
            outcome.out
        );
    }
    assert_eq!(fails(&right.out), 0, "{}", right.out);
    sandbox.finish().await;
}
