//! Wrapping text to a width.

/// `text` in lines of at most `width` columns, the first after `first`, the others after as many spaces. A longer word gets its
/// own line.
pub(crate) fn wrapped(text: &str, first: &str, width: usize) -> String {
    let indent = first.chars().count();
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let longer = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if !is_empty && longer > width {
            lines.extend([line.as_str(), "\n"]);
            line = " ".repeat(indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.extend([line.as_str(), "\n"]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_before_the_width_and_hang_below_the_first() {
        assert_eq!(
            wrapped("one two three four", "- ", 9),
            "- one two\n  three\n  four\n"
        );
        assert_eq!(
            wrapped("incomprehensibly long", "", 5),
            "incomprehensibly\nlong\n"
        );
        assert_eq!(wrapped("", "x: ", 5), "x: \n");
    }
}
