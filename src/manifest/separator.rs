//! What separates the columns of a table.

/// What can separate columns, the least ambiguous first.
const SEPARATORS: [char; 3] = ['\t', ';', ','];

/// The separator in a table with the header `line`: the one that is there most often, outside quotes.
pub(super) fn separator(line: &str) -> char {
    let open = || line.split('"').step_by(2);
    let count = |separator: char| open().map(|text| text.matches(separator).count()).sum();
    let best = SEPARATORS.into_iter().rev();
    // The last of equals wins, and no name of a column has a tab or a semicolon in it.
    best.max_by_key(|separator| -> usize { count(*separator) })
        .filter(|separator| open().any(|text| text.contains(*separator)))
        .unwrap_or(',')
}

/// The separator that `line` names for spreadsheets, as in `sep=;`; `None` if it is no such line.
pub(super) fn named(line: &str) -> Option<Result<char, &'static str>> {
    let line = line.trim_matches('"');
    let (key, rest) = line.split_once('=')?;
    if !key.eq_ignore_ascii_case("sep") {
        return None;
    }
    let mut rest = rest.chars();
    let first = rest.next().filter(|first| {
        *first == '\t' || first.is_ascii_punctuation() && !matches!(first, '"' | '\'' | '_' | '#')
    });
    // A spreadsheet that saved the file again has filled the other columns of this row.
    let separator = first.filter(|first| rest.all(|other| other == *first));
    Some(separator.ok_or("`sep=` names no separator; write `sep=;` or leave the line out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_separates_columns() {
        for (line, expected) in [
            ("external_user_id", ','),
            ("external_user_id,models", ','),
            ("external_user_id;models", ';'),
            ("external_user_id\tmodels", '\t'),
            ("external_user_id;\"attr.a,b,c\";models", ';'),
            ("\"external_user_id\",\"attr.a;b\",\"models\"", ','),
            ("external_user_id;attr.a,b", ';'),
            (";;;", ';'),
            ("external_user_id|models", ','),
        ] {
            assert_eq!(separator(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_line_for_spreadsheets_names_it() {
        for (line, expected) in [
            ("sep=;", Some(';')),
            ("\"sep=,\"", Some(',')),
            ("SEP=\t", Some('\t')),
            ("sep=;;;;", Some(';')),
            ("sep=|", Some('|')),
        ] {
            assert_eq!(named(line), expected.map(Ok), "{line:?}");
        }
        assert!(named("sep=").unwrap().is_err());
        assert!(named("sep=semicolon").unwrap().is_err());
        assert_eq!(named("separator;x=1"), None);
        assert_eq!(named("external_user_id"), None);
    }
}
