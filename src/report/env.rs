//! Variables, as a shell or a `.env` file reads them.

use crate::report::Ui;

impl Ui {
    /// Tell GitHub Actions never to show `secret`. It reads its commands on both streams; the result stays clean.
    pub(crate) fn mask(&self, secret: &str) {
        if self.github {
            self.raw(&format!("::add-mask::{secret}\n"));
        }
    }
}

/// One line, `NAME=value`. The value is quoted where a shell would read something else.
pub(crate) fn line(name: &str, value: &str) -> String {
    format!("{name}={}\n", quoted(value))
}

fn quoted(value: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "_-./:@%+,=".contains(character);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else if !value.contains('\'') {
        format!("'{value}'")
    } else if !value.contains(['"', '$', '`', '\\', '!']) {
        // `.env` readers do not know the shell's way to put a single quote into single quotes.
        format!("\"{value}\"")
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn plain_values_stay_as_they_are() {
        assert_eq!(
            line("A", "https://acme.looker.com:19999"),
            "A=https://acme.looker.com:19999\n"
        );
    }

    #[test]
    fn a_shell_reads_every_value_back() {
        for value in [
            "",
            "a b",
            "it's",
            "it's \"x\"",
            "$HOME `id` \\",
            "a\nb",
            "#x",
            "~",
            "*",
            "é",
            "'\"$\\!`",
        ] {
            let script = format!("{}printf %s \"$A\"", line("A", value));
            let output = Command::new("sh")
                .arg("-c")
                .arg(&script)
                .output()
                .expect("there is a shell");

            assert_eq!(String::from_utf8_lossy(&output.stdout), value, "{script}");
        }
    }
}
