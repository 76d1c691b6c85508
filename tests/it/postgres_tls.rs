//! Who answers as the ledger's database is verified, and a server that is not the one is told as what it is.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use crate::database::{Cluster, PASSWORD};
use crate::support::Sandbox;

/// A certificate for `localhost`, its key, and the certificate of the authority that signed it.
struct Issued {
    certificate: String,
    key: String,
    authority: String,
}

fn issue(until: i32) -> Issued {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    Issued {
        certificate: params.signed_by(&key, &authority).unwrap().pem(),
        key: key.serialize_pem(),
        authority: authority.pem(),
    }
}

/// How a ledger at `address` is used, and what `doctor` says of it.
async fn tried(issued: &Issued, address: &str, args: &[&str], words: &str) {
    let mut sandbox = Sandbox::offline();
    sandbox.file("authority.pem", &issued.authority);
    sandbox.file("another.pem", &issue(4000).authority);
    sandbox
        .var("LOOKERSDK_BASE_URL", "http://127.0.0.1:1")
        .var("EMBEDCTL_LEDGER", address)
        .var("PGPASSWORD", PASSWORD);

    let list = sandbox
        .run(&[&["runs", "list", "-vvv"], args].concat())
        .await;
    let doctor = sandbox.run(&[&["doctor"], args].concat()).await;

    let seen = format!("{address} {args:?}: {list:?} {doctor:?}");
    assert!(!seen.contains(PASSWORD), "{seen}");
    match words {
        "" => {
            assert_eq!(list.exit, 0, "{seen}");
            assert!(doctor.out.contains("PostgreSQL"), "{seen}");
        }
        words => {
            assert_eq!(list.exit, 1, "{seen}");
            let told = format!("cannot connect to the ledger `{address}`: {words}");
            assert!(
                list.err.contains(&told) && list.err.contains("hint: "),
                "{seen}"
            );
            assert!(doctor.out.contains(words), "{seen}");
        }
    }
}

#[tokio::test]
async fn only_the_server_that_the_address_names_is_spoken_to() {
    let issued = issue(4000);
    let Some(cluster) = Cluster::with_tls(&issued.certificate, &issued.key) else {
        return;
    };
    let at = |host: &str, more: &str| {
        format!(
            "postgres://runner@{host}:{}/postgres?sslmode=verify-full{more}",
            cluster.port
        )
    };
    let (by_address, by_flag) = ("&sslrootcert=authority.pem", ["--ca-file", "authority.pem"]);
    let issuer = "the certificate of the server is not trusted (unknown issuer)";
    let name = "the certificate of the server is for another name";

    tried(&issued, &at("localhost", by_address), &[], "").await;
    tried(&issued, &at("localhost", ""), &by_flag, "").await;
    tried(&issued, &at("localhost", ""), &[], issuer).await;
    tried(
        &issued,
        &at("localhost", "&sslrootcert=another.pem"),
        &[],
        issuer,
    )
    .await;
    tried(&issued, &at("127.0.0.1", by_address), &[], name).await;
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_told_as_such() {
    let issued = issue(2001);
    let Some(cluster) = Cluster::with_tls(&issued.certificate, &issued.key) else {
        return;
    };
    let address = format!(
        "postgres://runner@localhost:{}/postgres?sslmode=verify-full&sslrootcert=authority.pem",
        cluster.port
    );

    let words = "the certificate of the server has expired or is not valid yet";
    tried(&issued, &address, &[], words).await;
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let address = format!(
        "postgres://runner@localhost:{}/postgres?sslmode=verify-full",
        cluster.port
    );

    tried(&issue(4000), &address, &[], "the server does not speak TLS").await;
}
