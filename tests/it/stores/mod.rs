//! Native stores of secrets: one set of rules for all of them, on real servers and through a way that goes wrong.

mod aws;
mod aws_only;
mod gcp;
mod gcp_only;
mod load;
mod proxy;
mod rules;
mod server;
mod vault;
mod vault_only;

use std::path::Path;

use serde_json::Value;

use crate::stores::proxy::Proxy;
use crate::stores::server::programs;
use crate::support::{Outcome, Sandbox, output};

/// Rules for one store.
macro_rules! of {
    ($store:ident, $open:path; $($rule:ident)*) => {
        mod $store {
            $(
                #[tokio::test]
                async fn $rule() {
                    if let Some(shop) = $open().await {
                        Box::pin(super::$rule(shop)).await;
                    }
                }
            )*
        }
    };
}

/// Rules for every store.
macro_rules! every_store {
    ($($rule:ident)*) => {
        $crate::stores::of! { vault, crate::stores::vault::Vault::open; $($rule)* }
        $crate::stores::of! { aws, crate::stores::aws::Aws::open; $($rule)* }
        $crate::stores::of! { gcp, crate::stores::gcp::Gcp::open; $($rule)* }
    };
}

pub(crate) use {every_store, of};

/// A name that each user has a secret of its own under.
pub(crate) const EACH: &str = "{external_user_id}";

/// A version of a secret as its store has it.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The value, unless it was destroyed.
    pub(crate) value: Option<Value>,
    /// Whether readers get it.
    pub(crate) current: bool,
}

/// A store as a test uses it: what embedctl is told of it, and what is really there, seen past embedctl.
pub(crate) trait Shop {
    /// The sink for secrets called `name`, which may have `{external_user_id}` in it.
    fn spec(&self, name: &str) -> String;

    /// A sink in a mount, project or region that is not there.
    fn nowhere(&self) -> String;

    /// The way to it.
    fn proxy(&self) -> &Proxy;

    /// Let embedctl find it, through the proxy, with credentials that may do everything.
    fn enter(&self, sandbox: &mut Sandbox);

    /// What must be nowhere else.
    fn secrets(&self) -> Vec<String>;

    /// By what the proxy knows a request that writes a value.
    fn writes(&self) -> &'static str;

    /// How the store refuses what is not allowed.
    fn refusal(&self) -> (u16, &'static str);

    /// What an error then names, for a write.
    fn right(&self) -> &'static str;

    /// An id as part of a name.
    fn escaped(&self, id: &str) -> String;

    /// The versions of a secret, oldest first.
    async fn versions(&self, name: &str) -> Vec<Version>;

    /// The marks beside a secret.
    async fn marks(&self, name: &str) -> Value;

    /// Make a secret as somebody without embedctl does.
    async fn put_foreign(&self, name: &str, value: Value);

    /// What readers get.
    async fn value(&self, name: &str) -> Option<Value> {
        let versions = self.versions(name).await;
        versions.into_iter().find(|it| it.current)?.value
    }
}

/// An id with every byte but letters, digits and `kept` as `escape` and two digits; no dot is first or behind another.
pub(crate) fn escaped(id: &str, escape: char, kept: &str) -> String {
    let mut name = String::new();
    for (at, byte) in id.bytes().enumerate() {
        let c = char::from(byte);
        let dot = c == '.' && (at == 0 || id.as_bytes()[at - 1] == b'.');
        if (c.is_ascii_alphanumeric() || kept.contains(c)) && !dot {
            name.push(c);
        } else {
            name.extend([format!("{escape}{byte:02X}")]);
        }
    }
    name
}

/// What a script in `tests/sdk/stores` says that an official client reads.
pub(crate) async fn read_with(sandbox: &Sandbox, script: &str, args: &[&str]) -> Value {
    let python = programs().unwrap().join("python");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/stores");
    let mut command = sandbox.program(python);
    command.arg(scripts.join(script)).args(args);
    output(command).await.done().json()
}

/// Rotate the keys of `acme-42`; the old one works for another hour.
pub(crate) async fn rotate_with_overlap(sandbox: &Sandbox, spec: &str) {
    let rotate = ["keys", "rotate", "acme-42", "--overlap", "1h", "--yes"];
    let rotate = [&rotate[..], &["--keys-to", spec]].concat();
    let _done = sandbox.run(&rotate).await.done();
}

/// Of these versions exactly one still has its value.
#[track_caller]
pub(crate) fn one_can_be_read(versions: &[Version]) {
    let readable = versions.iter().filter(|it| it.value.is_some());
    assert_eq!(readable.count(), 1, "{versions:?}");
}

/// Create a user with a key that goes to the store.
pub(crate) async fn create<S: Shop>(shop: &S, sandbox: &Sandbox, user: &str) -> Outcome {
    let spec = shop.spec(EACH);
    let args = ["create-user", user, "--keys-to", &spec, "-o", "json"];
    sandbox.run(&args).await
}
