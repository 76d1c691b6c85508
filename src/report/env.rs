//! Variables, as a shell or a `.env` file reads them.

use std::fmt;

use zeroize::Zeroizing;

use crate::report::Ui;

impl Ui {
    /// Tell GitHub Actions never to show `secret`. It reads its commands on both streams; the result stays clean.
    pub(crate) fn mask(&self, secret: &str) {
        if self.github {
            self.raw(&format!("::add-mask::{secret}\n"));
        }
    }
}

/// A value that no file of variables can hold in one line: what stands behind its line break would be read as another
/// variable.
#[derive(Debug)]
pub(crate) struct NoVariable(&'static str);

impl fmt::Display for NoVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the value of `{}` holds a control character, which no variable may",
            self.0
        )
    }
}

/// One line, `NAME=value`. The value is quoted where a shell would read something else.
///
/// # Errors
/// The value holds a line break or another control character.
pub(crate) fn variable(name: &'static str, value: &str) -> Result<Zeroizing<String>, NoVariable> {
    if value.contains(char::is_control) {
        return Err(NoVariable(name));
    }
    let value = quoted(value);
    let mut line = Zeroizing::new(String::with_capacity(name.len() + value.len() + 2));
    line.extend([name, "=", &value, "\n"]);
    Ok(line)
}

/// A value as shells and readers of `.env` files take it: bare where every character is harmless, else in single
/// quotes, or in double quotes if it has a single one, which those readers do not know how to put into single quotes.
pub(crate) fn quoted(value: &str) -> Zeroizing<String> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    let mut text = Zeroizing::new(String::with_capacity(2 * value.len() + 2));
    if !value.is_empty() && value.chars().all(harmless) {
        text.push_str(value);
    } else if value.contains('\'') {
        text.push('"');
        for c in value.chars() {
            if "\"\\$`".contains(c) {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    } else {
        text.extend(["'", value, "'"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn plain_values_stay_as_they_are() {
        assert_eq!(
            *variable("A", "https://acme.looker.com:19999").unwrap(),
            "A=https://acme.looker.com:19999\n"
        );
    }

    #[test]
    fn a_value_that_would_add_a_variable_is_refused() {
        for value in ["a\nPATH=/tmp", "a\rb", "a\0b", "a\u{85}b", "\u{1b}[2J"] {
            assert!(variable("A", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_shell_reads_every_value_back() {
        for value in [
            "",
            "a b",
            "it's",
            "it's \"x\"",
            "$HOME `id` \\",
            "#x",
            "~",
            "*",
            "é",
            "'\"$\\!`",
        ] {
            let script = format!("{}printf %s \"$A\"", *variable("A", value).unwrap());
            let output = Command::new("sh")
                .arg("-c")
                .arg(&script)
                .output()
                .expect("there is a shell");

            assert_eq!(String::from_utf8_lossy(&output.stdout), value, "{script}");
        }
    }
}
