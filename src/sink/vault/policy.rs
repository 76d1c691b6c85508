//! What a token must be allowed to do, as lines of a policy.

/// What the probe's name is made from.
pub(super) const PROBE: &str = "embedctl-probe";

/// What each part of a KV mount must allow.
pub(super) const NEEDED: [(&str, &[&str]); 3] = [
    ("data", &["create", "update", "read"]),
    ("metadata", &["create", "update", "read"]),
    ("destroy", &["update"]),
];

/// The lines of a policy that allows all that is done with names like `name`.
pub(super) fn policy(mount: &str, name: &str) -> String {
    let rest = name.strip_prefix(mount).unwrap_or(name);
    let lines = NEEDED.map(|(part, needed)| {
        let path = format!("{mount}/{part}/{}", rest.trim_start_matches('/'));
        line(&path, needed)
    });
    lines.join("\n")
}

/// One line of a policy.
pub(super) fn line(path: &str, needed: &[&str]) -> String {
    let path = path.replace(PROBE, "*");
    format!(
        "path \"{path}\" {{ capabilities = [\"{}\"] }}",
        needed.join("\", \"")
    )
}
