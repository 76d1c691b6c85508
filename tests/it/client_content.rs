//! The client and what users own: how it is found, whose it is, and handing it to somebody else.

use embedctl::emulator::{Options, State};
use embedctl::looker::{
    Client, Content, ContentChanges, ContentKind, Favorite, FieldError, Folder, FolderChanges,
    LookerError, Removal, UserChanges,
};
use serde_json::{Value, json};

use crate::client::{client_with, options};
use crate::loopback::{Loopback, Reply, json as reply};
use crate::support::Sandbox;

use ContentKind::{Dashboard, Look};

/// The world `rotation`: 42 is the old user, 43, 421 and 4 are the neighbours.
async fn rotation() -> (Sandbox, Client) {
    with(|_| {}).await
}

async fn with(change: impl FnOnce(&mut Options)) -> (Sandbox, Client) {
    let mut options = Options {
        state: State::named("rotation").unwrap(),
        ..Options::default()
    };
    change(&mut options);
    let sandbox = Sandbox::with(options).await;
    let admin = sandbox.admin();
    (sandbox, admin)
}

async fn end(sandbox: Sandbox, clients: &[&Client]) {
    for client in clients {
        client.logout().await.unwrap();
    }
    sandbox.finish().await;
}

fn content_ids(content: &[Content]) -> Vec<&str> {
    content.iter().map(|content| content.id.as_str()).collect()
}

fn to(user_id: &str) -> ContentChanges {
    ContentChanges {
        user_id: Some(user_id.to_owned()),
        ..ContentChanges::default()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn content_is_found_by_owner_by_folder_and_in_the_trash() {
    let (sandbox, admin) = rotation().await;

    let dashboards = admin.content_of(Dashboard, "42", false).await.unwrap();
    let trash = admin.content_of(Dashboard, "42", true).await.unwrap();
    let looks = admin.content_of(Look, "42", false).await.unwrap();
    let old_looks = admin.content_of(Look, "42", true).await.unwrap();
    let all = admin.all_content(Dashboard).await.unwrap();
    let all_looks = admin.all_content(Look).await.unwrap();
    let in_sales = admin.content_in(Dashboard, "501").await.unwrap();
    let looks_in_own = admin.content_in(Look, "500").await.unwrap();
    let lost = admin.content(Dashboard, "114").await.unwrap();
    let look = admin.content(Look, "102").await.unwrap();
    let none = admin.content(Look, "999").await.unwrap_err();

    assert_eq!(
        content_ids(&dashboards),
        ["100", "101", "102", "105", "106"]
    );
    assert_eq!(content_ids(&trash), ["103", "104", "107", "114"]);
    assert_eq!(content_ids(&looks), ["100", "101", "103"]);
    assert_eq!(content_ids(&old_looks), ["102"]);
    assert_eq!(content_ids(&in_sales), ["101", "108"]);
    assert_eq!(content_ids(&looks_in_own), ["100"]);
    assert!(trash.iter().all(|content| content.deleted));
    assert!(dashboards[0].content_metadata_id.is_some());
    let short = all.iter().find(|content| content.id == "100");
    assert_eq!(short, Some(&dashboards[0]));
    assert!(all.iter().all(|content| content.id != "103"));
    assert!(all_looks.contains(&looks[2]));
    assert_eq!((lost.folder_id, lost.deleted), (None, true));
    assert_eq!(look.folder_id, some("503"));
    assert!(matches!(none, LookerError::NotFound { .. }), "{none}");
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    // One list ends within a page, the other exactly at the end of one.
    let dashboards: Value = (0..1203)
        .map(|at| json!({ "title": at.to_string(), "folder": 1, "owner": 2 }))
        .collect();
    let folders =
        (0..500).map(|at| json!({ "id": 1000 + at, "name": at.to_string(), "parent": 900 }));
    let top = json!({ "id": 900, "name": "Top", "parent": 1 });
    let folders: Value = [top].into_iter().chain(folders).collect();
    let state = json!({
        "users": [{ "id": 2, "external_user_id": "acme-42" }],
        "folders": folders,
        "dashboards": dashboards,
    });
    let sandbox = Sandbox::with(Options {
        state: State::parse(&state.to_string()).unwrap(),
        ..Options::default()
    })
    .await;
    let admin = sandbox.admin();

    let dashboards = admin.content_of(Dashboard, "2", false).await.unwrap();
    let children = admin.folder_children("900").await.unwrap();

    let mut titles: Vec<u32> = dashboards
        .iter()
        .map(|content| content.title.parse().unwrap())
        .collect();
    titles.sort_unstable();
    assert_eq!(titles, (0..1203).collect::<Vec<u32>>());
    assert_eq!(children.len(), 500);
    let requests = sandbox.emulator().requests();
    let asked = |operation| {
        let requests = requests.iter();
        requests.filter(|it| it.operation == operation).count()
    };
    // Only an empty page is the end of a list.
    assert_eq!(asked("search_dashboards"), 4);
    assert_eq!(asked("folder_children"), 2);
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn content_changes_owner_and_folder_at_once_and_keeps_the_rest() {
    let (sandbox, admin) = rotation().await;
    let before = admin.content(Dashboard, "100").await.unwrap();
    let changes = ContentChanges {
        title: None,
        user_id: some("421"),
        folder_id: some("601"),
    };

    let dashboard = admin.change_content(Dashboard, "100", &changes).await;
    let look = admin.change_content(Look, "100", &to("421")).await;
    let trashed = admin.change_content(Dashboard, "104", &changes).await;
    let after = admin.content(Dashboard, "100").await.unwrap();

    let expected = Content {
        user_id: some("421"),
        folder_id: some("601"),
        ..before
    };
    assert_eq!(dashboard.unwrap(), expected);
    assert_eq!(after, expected);
    let look = look.unwrap();
    assert_eq!(look.user_id, some("421"));
    assert_eq!(look.folder_id, some("500"));
    let trashed = trashed.unwrap();
    assert_eq!((trashed.user_id, trashed.deleted), (some("421"), true));
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn the_answer_shows_an_owner_that_looker_did_not_accept() {
    let (sandbox, admin) = with(|options| options.switches.owner_can_be_set = false).await;

    let dashboard = admin.change_content(Dashboard, "100", &to("421")).await;
    let look = admin.change_content(Look, "100", &to("421")).await;

    assert_eq!(dashboard.unwrap().user_id, some("42"));
    assert_eq!(look.unwrap().user_id, some("42"));
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn a_title_that_is_taken_is_refused_by_name() {
    let (sandbox, admin) = rotation().await;
    let changes = ContentChanges {
        folder_id: some("600"),
        ..to("421")
    };

    let refused = admin.change_content(Dashboard, "100", &changes).await;
    let renamed = ContentChanges {
        title: some("Revenue (acme-42)"),
        ..changes
    };
    let renamed = admin.change_content(Dashboard, "100", &renamed).await;

    let LookerError::Validation { fields, .. } = refused.unwrap_err() else {
        panic!("not refused for a field");
    };
    let named = |error: &FieldError| (error.field.clone(), error.code.clone());
    // Recorded: the field is a print of a list.
    let expected = (some("[:title, :space_id]"), some("already_exists"));
    assert_eq!(fields.iter().map(named).collect::<Vec<_>>(), [expected]);
    assert_eq!(renamed.unwrap().title, "Revenue (acme-42)");
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn folders_are_walked_renamed_and_moved() {
    let (sandbox, admin) = rotation().await;
    let names = |folders: &[Folder]| -> Vec<String> {
        folders.iter().map(|folder| folder.name.clone()).collect()
    };

    let all = admin.folders().await.unwrap();
    let own = admin.folder("500").await.unwrap();
    let children = admin.folder_children("500").await.unwrap();
    let taken = FolderChanges {
        parent_id: some("600"),
        ..FolderChanges::default()
    };
    let refused = admin.update_folder("501", &taken).await.unwrap_err();
    let renamed = FolderChanges {
        name: some("Sales (acme-42)"),
        ..taken
    };
    let moved = admin.update_folder("501", &renamed).await.unwrap();
    let below = admin.folder_children("501").await.unwrap();

    assert!(own.is_personal && own.content_metadata_id.is_some());
    assert_eq!(own.creator_id, some("42"));
    assert!(all.contains(&own));
    assert_eq!(names(&children), ["Sales", "Archive"]);
    assert!(children.iter().all(|folder| !folder.is_personal));
    assert_eq!(refused.http_status(), Some(422));
    assert_eq!(moved.name, "Sales (acme-42)");
    assert_eq!(moved.parent_id, some("600"));
    assert_eq!(moved.creator_id, some("42"));
    assert_eq!(names(&below), ["2024"]);
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn a_schedule_is_given_away_with_its_destinations() {
    let (sandbox, admin) = rotation().await;
    let destinations = || sandbox.emulator().state()["scheduled_plans"][0]["destinations"].clone();
    let (before, listed) = (destinations(), admin.scheduled_plans("42").await.unwrap());

    let given = admin.give_scheduled_plan("100", "421").await.unwrap();
    let shown = admin.scheduled_plan("100").await.unwrap();
    let of_look = admin.scheduled_plan("101").await.unwrap();

    assert_eq!(listed.len(), 3);
    assert_eq!(given.user_id, some("421"));
    assert_eq!(given, shown);
    assert_eq!((listed[0].destinations, shown.destinations), (2, 2));
    assert_eq!((shown.dashboard_id, shown.enabled), (some("100"), true));
    assert_eq!((of_look.look_id, of_look.enabled), (some("100"), false));
    assert_eq!(destinations(), before);
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn alerts_are_those_one_owns_or_follows_and_admins_give_them_away() {
    let (sandbox, admin) = rotation().await;
    let old = admin.login_user("42").await.unwrap();

    let own = old.alerts(false).await.unwrap();
    let none = admin.alerts(false).await.unwrap();
    let all = admin.alerts(true).await.unwrap();
    let denied = old.alerts(true).await.unwrap_err();
    let given = admin.give_alert("102", "421").await.unwrap();
    let refused = old.give_alert("100", "421").await.unwrap_err();

    let shown: Vec<_> = own
        .iter()
        .map(|alert| (alert.id.as_str(), alert.title.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("100", "Orders"),
            ("101", "Orders"),
            ("102", "Too many orders")
        ]
    );
    assert_eq!(own[1].owner_id, some("43"));
    assert!(own[0].is_public && !own[2].is_public && own[2].is_disabled);
    assert_eq!(own[0].dashboard_element_id, some("100"));
    assert_eq!((none.len(), all.len()), (0, 4));
    assert_eq!(denied.http_status(), Some(403));
    assert_eq!(given.owner_id, some("421"));
    assert_eq!(admin.alert("102").await.unwrap(), given);
    assert!(given.is_disabled);
    assert!(matches!(refused, LookerError::NotFound { .. }), "{refused}");
    end(sandbox, &[&old, &admin]).await;
}

#[tokio::test]
async fn everybody_follows_alerts_for_itself_and_only_those_it_sees() {
    let (sandbox, admin) = rotation().await;
    let neighbour = admin.login_user("421").await.unwrap();
    let followed = async || -> Vec<String> {
        let alerts = neighbour.alerts(false).await.unwrap();
        alerts.into_iter().map(|alert| alert.id).collect()
    };

    let refused = neighbour.follow_alert("102").await.unwrap_err();
    let unfollowed = neighbour.unfollow_alert("101").await.unwrap();
    let without = followed().await;
    neighbour.follow_alert("101").await.unwrap();
    neighbour.follow_alert("101").await.unwrap();
    let again = followed().await;
    let gone = neighbour.unfollow_alert("999").await.unwrap();

    assert!(matches!(refused, LookerError::NotFound { .. }), "{refused}");
    assert_eq!((unfollowed, gone), (Removal::Accepted, Removal::NotFound));
    assert_eq!(without, ["103"]);
    assert_eq!(again, ["101", "103"]);
    end(sandbox, &[&neighbour, &admin]).await;
}

#[tokio::test]
async fn boards_are_found_by_owner_and_given_away() {
    let (sandbox, admin) = rotation().await;

    let all = admin.boards().await.unwrap();
    let own = admin.boards_of("42").await.unwrap();
    let given = admin.give_board("100", "421").await.unwrap();
    let shown = admin.board("100").await.unwrap();
    let left = admin.boards_of("42").await.unwrap();

    assert_eq!(all.len(), 3);
    assert_eq!(own.len(), 1);
    assert_eq!((own[0].id.as_str(), own[0].title.as_str()), ("100", "Acme"));
    assert_eq!(given.user_id, some("421"));
    assert_eq!(given.content_metadata_id, own[0].content_metadata_id);
    assert_eq!(shown, given);
    assert!(left.is_empty());
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn a_favourite_is_made_once_and_taken_away_once() {
    let (sandbox, admin) = rotation().await;
    let titles = |favorites: &[Favorite]| -> Vec<Option<String>> {
        let titles = favorites.iter().map(|favorite| favorite.title.clone());
        titles.collect()
    };
    let content = admin.content(Dashboard, "100").await.unwrap();
    let meta = content.content_metadata_id.unwrap();

    let old = admin.favorites("42").await.unwrap();
    let made = admin.create_favorite(Some("43"), &meta).await.unwrap();
    let twice = admin.create_favorite(Some("43"), &meta).await.unwrap();
    let own = admin.create_favorite(None, &meta).await.unwrap().unwrap();
    let made = made.unwrap();
    let found = admin.favorites("43").await.unwrap();
    let first = admin.delete_favorite(&made.id).await.unwrap();
    let second = admin.delete_favorite(&made.id).await.unwrap();

    assert_eq!(
        titles(&old),
        [
            some("Revenue"),
            some("Team plan"),
            some("Orders of Acme"),
            None
        ]
    );
    let places = old
        .iter()
        .map(|it| (&it.dashboard_id, &it.look_id, &it.board_id));
    let places: Vec<_> = places.collect();
    assert_eq!(places[1], (&some("109"), &None, &None));
    assert_eq!(places[2], (&None, &some("103"), &None));
    assert_eq!(places[3], (&None, &None, &some("101")));
    assert_eq!(made.user_id, some("43"));
    assert_eq!(made.content_metadata_id, Some(meta));
    assert_eq!(twice, None);
    assert_eq!(own.user_id, some("1"));
    assert_eq!(found, [made]);
    assert_eq!((first, second), (Removal::Accepted, Removal::NotFound));
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn access_names_a_user_and_changes_in_kind_only() {
    let (sandbox, admin) = rotation().await;
    let folder = admin.folder("530").await.unwrap();
    let meta = folder.content_metadata_id.unwrap();

    let before = admin.content_accesses(&meta).await.unwrap();
    let made = admin.create_content_access(&meta, "view", "43").await;
    let made = made.unwrap();
    let twice = admin.create_content_access(&meta, "edit", "43").await;
    let set = admin
        .set_content_access(&made.id, &meta, "edit", "43")
        .await
        .unwrap();
    let after = admin.content_accesses(&meta).await.unwrap();
    let first = admin.delete_content_access(&made.id).await.unwrap();
    let second = admin.delete_content_access(&made.id).await.unwrap();

    let shown = before.iter().map(|access| {
        let user = access.user_id.as_deref();
        (
            user,
            access.group_id.as_deref(),
            access.permission_type.as_str(),
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            (None, Some("22"), "view"),
            (Some("42"), None, "edit"),
            (Some("421"), None, "view")
        ]
    );
    assert_eq!(made.permission_type, "view");
    assert_eq!(made.content_metadata_id, Some(meta));
    assert_eq!(twice.unwrap_err().http_status(), Some(409));
    assert_eq!(set.permission_type, "edit");
    assert_eq!(set.id, made.id);
    assert_eq!(after.last(), Some(&set));
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!((first, second), (Removal::Accepted, Removal::NotFound));
    end(sandbox, &[&admin]).await;
}

#[tokio::test]
async fn users_join_and_leave_groups_and_keep_what_the_pages_remember() {
    let (sandbox, admin) = rotation().await;
    let old = admin.user("42").await.unwrap();

    let changes = UserChanges {
        home_folder_id: some("520"),
        locale: old.locale.clone(),
        ui_state: old.ui_state.clone(),
        ..UserChanges::default()
    };
    admin.update_user("43", &changes).await.unwrap();
    admin.add_group_user("21", "43").await.unwrap();
    let user = admin.user_for_credential_embed("acme-43").await.unwrap();
    let first = admin.delete_group_user("21", "43").await.unwrap();
    let second = admin.delete_group_user("21", "43").await.unwrap();

    let user = user.unwrap();
    assert_eq!(user.ui_state, Some(json!({ "theme": "dark" })));
    assert_eq!(user.locale, some("de"));
    assert_eq!(user.home_folder_id, some("520"));
    assert!(user.group_ids.iter().any(|id| id == "21"));
    assert_eq!((first, second), (Removal::Accepted, Removal::NotFound));
    end(sandbox, &[&admin]).await;
}

/// A Looker that gives every call but login the answers of `behaviour`, told how many calls came before it.
async fn looker(behaviour: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Loopback, Client) {
    let server = Loopback::new(move |asked, before| match asked.line().as_str() {
        "POST /login" => reply(200, r#"{"access_token":"t","expires_in":3600}"#),
        _ => behaviour(before - 1),
    })
    .await;
    let client = client_with(options(), &server.url());
    (server, client)
}

#[tokio::test]
async fn a_change_sends_what_changes_and_nothing_else() {
    let (server, client) = looker(|_| reply(200, r#"{"id":"7"}"#)).await;
    let changes = FolderChanges {
        parent_id: some("5"),
        ..FolderChanges::default()
    };

    client
        .change_content(Dashboard, "1", &to("7"))
        .await
        .unwrap();
    client.change_content(Look, "1", &to("7")).await.unwrap();
    client.update_folder("2", &changes).await.unwrap();
    client.give_scheduled_plan("3", "7").await.unwrap();
    client.give_alert("4", "7").await.unwrap();
    client.give_board("5", "7").await.unwrap();
    client.create_favorite(None, "6").await.unwrap();
    client.create_favorite(Some("7"), "6").await.unwrap();
    client
        .create_content_access("6", "view", "7")
        .await
        .unwrap();
    client
        .set_content_access("8", "6", "edit", "7")
        .await
        .unwrap();

    let asked = server.asked();
    let sent = asked.iter().skip(1).map(|asked| {
        let body = String::from_utf8(asked.body.clone()).unwrap();
        let fields = if asked.target.contains("?fields=") {
            " fields"
        } else {
            ""
        };
        format!("{}{fields} {body}", asked.line())
    });
    assert_eq!(
        sent.collect::<Vec<_>>(),
        [
            // Looker's OpenAPI description has the parameter `fields` for looks and boards alone.
            r#"PATCH /dashboards/1 {"user_id":"7"}"#,
            r#"PATCH /looks/1 fields {"user_id":"7"}"#,
            r#"PATCH /folders/2 {"parent_id":"5"}"#,
            r#"PATCH /scheduled_plans/3 {"user_id":"7"}"#,
            r#"PATCH /alerts/4 {"owner_id":"7"}"#,
            r#"PATCH /boards/5 fields {"user_id":"7"}"#,
            r#"POST /content_favorite {"content_metadata_id":"6"}"#,
            r#"POST /content_favorite {"user_id":"7","content_metadata_id":"6"}"#,
            r#"POST /content_metadata_access {"content_metadata_id":"6","permission_type":"view","user_id":"7"}"#,
            r#"PUT /content_metadata_access/8 {"content_metadata_id":"6","permission_type":"edit","user_id":"7"}"#,
        ]
    );
}

#[tokio::test]
async fn what_may_be_done_twice_is_repeated_when_its_answer_is_lost() {
    let lose_one = |status, body: &'static str| {
        looker(move |before| match before {
            0 => Reply::Close,
            _ => reply(status, body),
        })
    };
    let (follows, follower) = lose_one(204, "").await;
    let (marks, marker) = lose_one(409, r#"{"message":"a favorite already"}"#).await;
    let (shares, sharer) = lose_one(200, r#"{"id":"1"}"#).await;

    follower.follow_alert("1").await.unwrap();
    let marked = marker.create_favorite(Some("7"), "6").await.unwrap();
    let shared = sharer.create_content_access("6", "view", "7").await;

    let calls = |server: &Loopback| server.lines().len() - 1;
    assert_eq!(calls(&follows), 2);
    assert_eq!((marked, calls(&marks)), (None, 2));
    assert!(shared.unwrap_err().took_effect_unknown());
    assert_eq!(calls(&shares), 1);
}

#[tokio::test]
async fn numbers_for_ids_nulls_and_unknown_fields_are_fine_in_content_too() {
    let whole = r#"[{"id":7,"title":null,"name":null,"user_id":8,"owner_id":8,"creator_id":8,"parent_id":null,
        "folder":{"id":9,"name":"Sales"},"deleted":null,"content_metadata_id":10,"is_personal":null,
        "custom_title":"","field":{"title":"Orders","name":"orders.count"},"dashboard_element_id":11,"is_public":null,
        "dashboard_id":12,"look_id":null,"board_id":"","dashboard":{"id":"12","title":"Revenue"},"look":null,
        "permission_type":"view","group_id":null,"scheduled_plan_destination":null,"new":[{}]}]"#;
    let server = Loopback::new(move |asked, before| match before {
        0 => reply(200, r#"{"access_token":"t","expires_in":3600}"#),
        _ if asked.target.contains("offset=1") => reply(200, "[]"),
        _ => reply(200, whole),
    })
    .await;
    let client = client_with(options(), &server.url());

    let content = client.content_in(Dashboard, "9").await.unwrap();
    let folders = client.folders().await.unwrap();
    let alerts = client.alerts(false).await.unwrap();
    let boards = client.boards().await.unwrap();
    let favorites = client.favorites("8").await.unwrap();
    let accesses = client.content_accesses("10").await.unwrap();
    let plans = client.scheduled_plans("8").await.unwrap();

    let [content] = content.as_slice() else {
        panic!("{content:?}");
    };
    assert_eq!((content.id.as_str(), content.deleted), ("7", false));
    assert_eq!(
        (&content.user_id, &content.folder_id),
        (&some("8"), &some("9"))
    );
    assert_eq!(
        (folders[0].name.as_str(), &folders[0].parent_id),
        ("", &None)
    );
    assert_eq!(alerts[0].title, "Orders");
    assert_eq!(alerts[0].owner_id, some("8"));
    assert_eq!(boards[0].content_metadata_id, some("10"));
    assert_eq!(favorites[0].title, some("Revenue"));
    assert_eq!(favorites[0].board_id, None);
    assert_eq!(accesses[0].user_id, some("8"));
    assert_eq!((plans[0].destinations, &plans[0].look_id), (0, &None));
}
