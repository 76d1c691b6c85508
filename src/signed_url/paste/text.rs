//! Bytes as text, whatever program wrote them.

/// The text of a file or a stream: UTF-8, or UTF-16 as PowerShell writes it; what is neither is replaced.
pub fn text_of(bytes: &[u8]) -> String {
    let units = |one: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let pairs = bytes
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok());
        String::from_utf16_lossy(&pairs.map(one).collect::<Vec<u16>>())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Whether a character takes no room, or is a space that `trim` and people do not see as one.
pub(super) const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{ad}'
            | '\u{a0}'
            | '\u{202f}'
            | '\u{fffc}'
            | '\u{1b}'
    )
}

/// The length of the URL's start, `http` or `https`, in any case.
pub(super) fn scheme_length(text: &str) -> Option<usize> {
    ["https", "http"].into_iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
    })
}
