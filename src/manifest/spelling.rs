//! Spaces around values, and names, as people and spreadsheets write them.

/// Whether it is a space of any kind, visible or not.
pub(super) fn is_padding(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// `text` without the spaces around it.
pub(super) fn bare(text: &str) -> &str {
    // Most texts have none, and every cell comes by here.
    match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_padding),
    }
}

/// `name` in small letters and without what people put between words.
pub(super) fn squashed(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
