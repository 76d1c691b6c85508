//! JSON formatted for people, token by token, so that no value changes.

/// `json`, indented; `level` is its present depth.
pub(super) fn pretty(json: &str, level: usize) -> String {
    let mut out = Layout {
        text: String::with_capacity(json.len() * 2),
        level,
    };
    let mut chars = json.chars().filter(Outside::default().keep()).peekable();
    let mut quoted = Quotes::default();
    while let Some(char) = chars.next() {
        if quoted.contains(char) {
            out.text.push(char);
            continue;
        }
        match char {
            '{' | '[' => {
                out.text.push(char);
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.text.push(end);
                } else {
                    out.level += 1;
                    out.line();
                }
            }
            '}' | ']' => {
                out.level = out.level.saturating_sub(1);
                out.line();
                out.text.push(char);
            }
            ',' => {
                out.text.push(char);
                out.line();
            }
            ':' => out.text.push_str(": "),
            _ => out.text.push(char),
        }
    }
    out.text
}

struct Layout {
    text: String,
    level: usize,
}

impl Layout {
    fn line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.level));
    }
}

/// Tracks which characters are inside quotes.
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    /// Whether the next character is part of a string.
    fn contains(&mut self, char: char) -> bool {
        let before = self.open;
        if self.escaped {
            self.escaped = false;
        } else if char == '\\' && self.open {
            self.escaped = true;
        } else if char == '"' {
            self.open = !self.open;
        }
        before || self.open
    }
}

/// Leaves out white space between tokens.
#[derive(Default)]
struct Outside(Quotes);

impl Outside {
    fn keep(mut self) -> impl FnMut(&char) -> bool {
        move |char| self.0.contains(*char) || !char.is_whitespace()
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn lays_out_json_and_changes_nothing_else() {
        let json =
            r#"{"b":[ 1.50,{"x y":"a, [\"b\"]: \\"}],"a":{},"c":[ ],"n":12345678901234567890}"#;

        let laid_out = pretty(json, 0);

        let expected = "{\n  \"b\": [\n    1.50,\n    {\n      \"x y\": \"a, [\\\"b\\\"]: \\\\\"\n    }\n  ],\n  \"a\": {},\n  \
                        \"c\": [],\n  \"n\": 12345678901234567890\n}";
        assert_eq!(laid_out, expected);
    }
}
