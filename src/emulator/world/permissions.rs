//! The permissions there are, and which of them an embed user may have; both from `permissions.txt`.

use std::sync::LazyLock;

/// A permission and the one it needs.
type Permission = (&'static str, Option<&'static str>);

/// All permissions.
pub(crate) static ALL_PERMISSIONS: LazyLock<Vec<Permission>> =
    LazyLock::new(|| permissions().map(|(_, permission)| permission).collect());

/// The permissions an embed user may have.
pub(crate) static EMBED_PERMISSIONS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let embed = permissions().filter(|(embed, _)| *embed);
    embed.map(|(_, (name, _))| name).collect()
});

fn permissions() -> impl Iterator<Item = (bool, Permission)> {
    let lines = include_str!("permissions.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let mut words = line.trim_start_matches(['+', '-']).split(' ');
        let name = words.next().unwrap_or_default();
        (line.starts_with('+'), (name, words.next()))
    })
}
