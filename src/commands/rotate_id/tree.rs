//! A tree of lines, drawn as `tree` draws folders.

use std::fmt;

use crate::report::escape_line;

/// A line, and those below it.
#[derive(Debug)]
pub(super) struct Branch {
    text: String,
    below: Vec<Self>,
}

impl Branch {
    pub(super) const fn new(text: String) -> Self {
        Self {
            text,
            below: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, branch: Self) {
        self.below.push(branch);
    }

    pub(super) fn extend(&mut self, branches: impl IntoIterator<Item = Self>) {
        self.below.extend(branches);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.below.is_empty()
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>, before: &str) -> fmt::Result {
        let mut below = self.below.iter().peekable();
        while let Some(branch) = below.next() {
            let (line, indent) = match below.peek() {
                Some(_) => ("├─ ", "│  "),
                None => ("└─ ", "   "),
            };
            writeln!(f, "{before}{line}{}", escape_line(&branch.text))?;
            branch.draw(f, &format!("{before}{indent}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", escape_line(&self.text))?;
        self.draw(f, "")
    }
}

#[cfg(test)]
mod tests {
    use super::Branch;

    #[test]
    fn the_last_line_below_another_has_no_line_going_on() {
        let mut root = Branch::new("root".to_owned());
        let mut first = Branch::new("first".to_owned());
        first.push(Branch::new("inner\n".to_owned()));
        root.extend([first, Branch::new("last".to_owned())]);

        assert_eq!(
            root.to_string(),
            "root\n├─ first\n│  └─ inner\\n\n└─ last\n"
        );
    }
}
