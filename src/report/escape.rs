//! Text from elsewhere, made safe for a terminal.

/// `text` with characters that control a terminal or reverse text shown as `\u{1b}`; line breaks stay.
pub(crate) fn escape_control(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && (character.is_control() || turns_text(character)) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// The same for text that must stay on one line.
pub(crate) fn escape_line(text: &str) -> String {
    escape_control(text).replace('\n', "\\n")
}

/// Whether it is a Unicode mark that changes the direction of text.
const fn turns_text(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_shown_instead() {
        let text = "a\u{1b}[31mb\rc\u{9b}d\u{202e}e\tf\ng é 漢";

        assert_eq!(
            escape_control(text),
            "a\\u{1b}[31mb\\u{d}c\\u{9b}d\\u{202e}e\\u{9}f\ng é 漢"
        );
        assert_eq!(escape_line("a\nb"), "a\\nb");
    }
}
