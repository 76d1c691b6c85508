//! A tree of lines, drawn as `tree` draws folders.

use termtree::{GlyphPalette, Tree};

use crate::report::escape_line;

/// A line, and the lines below it.
pub(super) type Branch = Tree<String>;

/// A line that has none below it yet.
pub(super) fn branch(text: impl AsRef<str>) -> Branch {
    const GLYPHS: GlyphPalette = GlyphPalette {
        item_indent: "─ ",
        skip_indent: "  ",
        ..GlyphPalette::new()
    };
    Tree::new(escape_line(text.as_ref())).with_glyphs(GLYPHS)
}

#[cfg(test)]
mod tests {
    use super::branch;

    #[test]
    fn the_last_line_below_another_has_no_line_going_on() {
        let mut root = branch("root");
        let mut first = branch("first");
        first.push(branch("inner\n"));
        root.extend([first, branch("last")]);

        assert_eq!(
            root.to_string(),
            "root\n├─ first\n│  └─ inner\\n\n└─ last\n"
        );
    }
}
