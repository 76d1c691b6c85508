//! Answers of every kind: errors in JSON, HTML or nothing, values in Looker's odd forms, and bodies without end.

use std::io::Write as _;

use embedctl::error::{Error, Kind};
use embedctl::looker::{Client, Foreign, LookerError};

use crate::client::{client_with, options};
use crate::loopback::{Loopback, Reply, answer, json};

/// A Looker that gives every call but login the same answer.
async fn always(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Loopback, Client) {
    let server = Loopback::new(move |asked, _| match asked.line().as_str() {
        "POST /login" => json(200, r#"{"access_token":"t","expires_in":3600}"#),
        _ => reply(),
    })
    .await;
    let client = client_with(options(), &server.url());
    (server, client)
}

#[tokio::test]
async fn an_error_keeps_its_status_and_message_whatever_its_body_is() {
    let table = [
        (
            403,
            r#"{"message":"Unsupported in Looker (Google Cloud core)"}"#,
            "Looker answered 403 to `me`: Unsupported in Looker (Google Cloud core)",
        ),
        (
            400,
            "<html><title>Oops</title>secret</html>",
            "`me` was not answered by Looker's API: status 400 with an HTML page",
        ),
        (
            500,
            "",
            "Looker answered 500 to `me`: Internal Server Error",
        ),
        (
            500,
            "[1]",
            "Looker answered 500 to `me`: Internal Server Error",
        ),
        (
            409,
            r#"{"message":""}"#,
            "`me` was not answered by Looker's API: status 409 with a body that is not Looker's",
        ),
        (
            409,
            r#"{"message":7}"#,
            "`me` was not answered by Looker's API: status 409 with a body that is not Looker's",
        ),
        (599, "", "Looker answered 599 to `me`: no reason given"),
        (
            404,
            r#"{"message":"Not found.","documentation_url":"https://x"}"#,
            "Looker answered 404 to `me`: Not found",
        ),
        (
            400,
            r#"{"message":"a\u001b[31mb\nc"}"#,
            "Looker answered 400 to `me`: a [31mb c",
        ),
    ];
    for (status, body, expected) in table {
        let (_server, client) = always(move || json(status, body)).await;

        let error = client.me().await.unwrap_err();

        assert_eq!(error.to_string(), expected);
        assert_eq!(error.http_status(), Some(status));
        assert_eq!(error.operation(), Some("me"));
    }
}

#[tokio::test]
async fn a_validation_error_names_the_fields() {
    // The form is that of a real answer, published with a pull request of Looker's Ruby SDK.
    let body = r#"{"message":"Validation Failed","errors":[
        {"field":"name","code":"missing_field","message":"'name' is required.","documentation_url":"https://x"},
        {"field":"kind","code":"invalid"}, {}],"documentation_url":"https://x"}"#;
    let (_server, client) = always(move || json(422, body)).await;

    let error = Error::from(client.me().await.unwrap_err());

    assert_eq!(
        error.message(),
        "Looker answered 422 to `me`: Validation Failed: `name` 'name' is required, `kind` invalid, `?` not valid"
    );
    assert_eq!(error.kind(), Kind::Looker);
}

#[tokio::test]
async fn a_success_that_is_not_the_expected_json_says_where_and_quotes_nothing() {
    for (body, problem) in [
        ("", "it is empty"),
        ("<html>s3cret</html>", "no JSON, line 1 column 1"),
        (r#"{"id":"1""#, "no JSON, line 1 column 9"),
        (
            r#"{"id":"1","is_disabled":"s3cret"}"#,
            "a value has another type, line 1 column 32",
        ),
        (
            r#"{"first_name":"s3cret"}"#,
            "a value has another type, line 1 column 23",
        ),
    ] {
        let (_server, client) = always(move || json(200, body)).await;

        let error = client.me().await.unwrap_err();

        let expected = format!("the answer to `me` is not what Looker's API gives: {problem}");
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("s3cret"));
        assert_eq!(Error::from(error).kind(), Kind::Looker);
    }
}

#[tokio::test]
async fn unknown_fields_numbers_for_ids_and_nulls_are_fine() {
    let body = r#"{"id":10,"first_name":"","last_name":null,"group_ids":[1,"2"],"role_ids":null,
        "credentials_embed":[{"external_user_id":"acme-1","external_group_id":"","logged_in_at":"",
        "created_at":"2021-11-09T16:11:29.000+00:00","new":1}],"personal_folder_id":5,"is_disabled":null,
        "can":{"sudo":true},"url":"https://localhost:19999/api/4.0/users/10"}"#;
    let (_server, client) = always(move || json(200, body)).await;

    let user = client.user("10").await.unwrap();

    assert_eq!(user.id, "10");
    assert_eq!(
        (user.first_name.as_deref(), user.last_name.as_deref()),
        (None, None)
    );
    assert_eq!(user.group_ids, ["1", "2"]);
    assert_eq!(user.external_user_id(), Some("acme-1"));
    assert_eq!(user.external_group_id(), None);
    assert_eq!(user.personal_folder_id.as_deref(), Some("5"));
    let created = user.credentials_embed[0].created_at.known().unwrap();
    assert_eq!(created.to_string(), "2021-11-09T16:11:29Z");
}

#[tokio::test]
async fn a_body_without_end_is_given_up() {
    let (_server, client) = always(|| {
        let mut bytes = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..40 {
            bytes.extend_from_slice(b"100000\r\n");
            bytes.resize(bytes.len() + 0x10_0000, b' ');
            bytes.extend_from_slice(b"\r\n");
        }
        Reply::Raw(bytes)
    })
    .await;

    let error = client.me().await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "the answer to `me` is larger than 32 MiB"
    );
}

#[tokio::test]
async fn a_small_body_that_unpacks_without_end_is_given_up() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packer.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    let packed = packer.finish().unwrap();
    assert!(packed.len() < 128 * 1024);
    let (_server, client) =
        always(move || answer(200, ("content-encoding", "gzip"), packed.clone())).await;

    let error = client.me().await.unwrap_err();

    assert!(matches!(error, LookerError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_packed_answer_is_unpacked_and_a_broken_one_is_lost() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(br#"{"id":"1"}"#).unwrap();
    let packed = packer.finish().unwrap();
    let broken = packed[..packed.len() - 12].to_vec();
    let (server, client) =
        always(move || answer(200, ("content-encoding", "gzip"), packed.clone())).await;

    assert_eq!(client.me().await.unwrap().id, "1");
    assert_eq!(server.asked()[1].header("accept-encoding"), Some("gzip"));

    let (_server, client) =
        always(move || answer(200, ("content-encoding", "gzip"), broken.clone())).await;
    let error = client.me().await.unwrap_err();
    assert!(matches!(error, LookerError::Lost { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_whose_text_breaks_off_is_not_taken_for_lookers() {
    let (_server, client) =
        always(|| Reply::Raw(b"HTTP/1.1 404 X\r\ncontent-length: 99\r\n\r\n{\"mess".to_vec()))
            .await;

    let error = client.me().await.unwrap_err();

    assert!(matches!(
        error,
        LookerError::Unavailable {
            status: 404,
            foreign: Foreign::Empty,
            ..
        }
    ));
}
